/* test_ocsp.c: answers, and who may give them. */
#include <openssl/ocsp.h>

#include "t/unit/pki_rig.h"
#include "t/unit/tap.h"

static sgn_ocsp_t *parse(sgn_bytes_t der)
{
    sgn_ocsp_t *ocsp = NULL;
    sgn_error_t *error = sgn_ocsp_parse(&ocsp, der, tap_pool());

    if (error)
        printf("# %s\n", error->detail);
    return error ? NULL : ocsp;
}

static sgn_bytes_t answer(const rig_id_t *signer)
{
    return rig_ocsp(&(rig_ocsp_t){ .about = rig_pki()->person, .issuer = rig_pki()->ca, .signer = signer, .nonce = sgn_bytes("0123456789abcdef", 16) });
}

static sgn_code_t verify(const rig_id_t *signer, const rig_id_t *issuer)
{
    sgn_ocsp_t *ocsp = parse(answer(signer));
    sgn_error_t *error = ocsp ? sgn_ocsp_verify(ocsp, issuer->read, tap_pool()) : NULL;

    return error ? error->code : SGN_OK;
}

static void asks(void)
{
    const rig_pki_t *pki = rig_pki();
    sgn_bytes_t request, id, nonce = sgn_bytes("\x80nonce", 6), back;
    const unsigned char *p;
    OCSP_REQUEST *read;
    OCSP_CERTID *want = OCSP_cert_to_id(EVP_sha1(), pki->person->cert, pki->ca->cert);

    is_code(sgn_ocsp_request(&request, pki->person->read, pki->ca->read, nonce, tap_pool()), SGN_OK, "ocsp: a request is made");
    is_code(sgn_ocsp_request_read(&id, &back, request, tap_pool()), SGN_OK, "ocsp: ... and read back");
    ok(sgn_bytes_equal(nonce, back), "ocsp: with its nonce");
    p = request.data;
    read = d2i_OCSP_REQUEST(NULL, &p, (long)request.len);
    ok(read && p == request.data + request.len && OCSP_request_onereq_count(read) == 1
       && OCSP_id_cmp(OCSP_onereq_get0_id(OCSP_request_onereq_get0(read, 0)), want) == 0, "ocsp: OpenSSL reads the same question");
    OCSP_REQUEST_free(read);
    OCSP_CERTID_free(want);
    is_code(sgn_ocsp_request(&request, pki->person->read, pki->ca->read, sgn_bytes(NULL, 0), tap_pool()), SGN_OK, "ocsp: a request without nonce");
    is_code(sgn_ocsp_request_read(&id, &back, request, tap_pool()), SGN_OK, "ocsp: ... is read");
    is_int((long)back.len, 0, "ocsp: ... and has none");
}

static void reads(void)
{
    const rig_pki_t *pki = rig_pki();
    sgn_bytes_t der = answer(pki->responder);
    sgn_ocsp_t *ocsp = parse(der);
    const sgn_ocsp_single_t *single = sgn_ocsp_find(ocsp, pki->person->read, pki->ca->read);

    ok(single && single->status == SGN_OCSP_GOOD && single->this_update == rig_at(-3600) && single->next_update == rig_at(DAY), "ocsp: good, with its window");
    ok(sgn_bytes_equal(ocsp->nonce, sgn_bytes("0123456789abcdef", 16)), "ocsp: the nonce comes back");
    ok(!sgn_ocsp_find(ocsp, pki->agency->read, pki->ca->read), "B24: an answer about another certificate");
    ok(!sgn_ocsp_find(ocsp, pki->person->read, pki->other_ca->read), "B24: an answer for another issuer");
    ocsp = parse(rig_ocsp(&(rig_ocsp_t){ .about = pki->person, .issuer = pki->ca, .signer = pki->ca, .status = V_OCSP_CERTSTATUS_REVOKED, .at = -DAY, .reason = 6 }));
    single = sgn_ocsp_find(ocsp, pki->person->read, pki->ca->read);
    ok(single && single->status == SGN_OCSP_REVOKED && single->reason == 6 && single->revoked == rig_at(-DAY), "ocsp: on hold since yesterday");
    ocsp = parse(rig_ocsp(&(rig_ocsp_t){ .about = pki->person, .issuer = pki->ca, .signer = pki->ca, .status = V_OCSP_CERTSTATUS_UNKNOWN }));
    ok(sgn_ocsp_find(ocsp, pki->person->read, pki->ca->read)->status == SGN_OCSP_UNKNOWN, "ocsp: unknown");
    is_code(sgn_ocsp_parse(&ocsp, rig_join(der, "x", 1), tap_pool()), SGN_EVIDENCE_BAD, "ocsp: a byte behind it");
    is_code(sgn_ocsp_parse(&ocsp, rig_indefinite(der), tap_pool()), SGN_EVIDENCE_BAD, "ocsp: an indefinite length");
    is_code(sgn_ocsp_parse(&ocsp, sgn_bytes("\x30\x03\x0a\x01\x03", 5), tap_pool()), SGN_EVIDENCE_BAD, "ocsp: tryLater is no answer");
}

static void trusts(void)
{
    const rig_pki_t *pki = rig_pki();
    rig_id_t *no_purpose = rig_id(&(rig_who_t){ .name = "OCSP", .usage = "digitalSignature", .eku = "clientAuth" }, pki->ca);
    rig_id_t *other = rig_id(&(rig_who_t){ .name = "OCSP", .usage = "digitalSignature", .eku = "critical,OCSPSigning" }, pki->other_ca);
    rig_id_t *sibling = rig_id(&(rig_who_t){ .name = "OCSP of the root", .usage = "digitalSignature", .eku = "critical,OCSPSigning" }, pki->root);
    rig_id_t *expired = rig_id(&(rig_who_t){ .name = "OCSP", .usage = "digitalSignature", .eku = "critical,OCSPSigning", .from = -YEAR, .to = -DAY }, pki->ca);
    rig_id_t *impostor = rig_id(&(rig_who_t){ .name = "Issuing CA", .organisation = "Ban Cơ yếu Chính phủ (thử)" }, NULL);
    sgn_ocsp_t *ocsp;

    is_int(verify(pki->ca, pki->ca), SGN_OK, "ocsp: the issuer itself");
    is_int(verify(pki->responder, pki->ca), SGN_OK, "ocsp: its delegate");
    is_int(verify(no_purpose, pki->ca), SGN_EVIDENCE_BAD, "B24: a certificate of the issuer without OCSPSigning");
    is_int(verify(other, pki->ca), SGN_EVIDENCE_BAD, "B24: a delegate of another issuer");
    is_int(verify(sibling, pki->ca), SGN_EVIDENCE_BAD, "B24: a delegate of the issuer's issuer");
    is_int(verify(expired, pki->ca), SGN_EVIDENCE_BAD, "B24: an expired delegate");
    is_int(verify(impostor, pki->ca), SGN_EVIDENCE_BAD, "B24: somebody with the issuer's name");
    is_int(verify(pki->person, pki->ca), SGN_EVIDENCE_BAD, "B24: a person answers for himself");
    ocsp = parse(rig_ocsp(&(rig_ocsp_t){ .about = pki->person, .issuer = pki->ca, .signer = pki->responder, .no_certs = 1 }));
    is_code(sgn_ocsp_verify(ocsp, pki->ca->read, tap_pool()), SGN_EVIDENCE_BAD, "ocsp: a delegate that does not show itself");
}

int main(void)
{
    asks();
    reads();
    trusts();
    return done_testing();
}
