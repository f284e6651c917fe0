/* test_revocation.c: was it revoked at the time that counts?  A14, B24, B26. */
#include <openssl/ocsp.h>

#include "t/unit/pki_rig.h"
#include "t/unit/tap.h"

static const sgn_bytes_t none = { NULL, 0 };

static sgn_revocation_t judge_of(const rig_id_t *who, sgn_bytes_t a, int a_ocsp, sgn_bytes_t b, int b_ocsp, long time, int proven, apr_array_header_t *missing)
{
    sgn_revocation_set_t *set = sgn_revocation_set_make(tap_pool());
    sgn_revocation_when_t when = { .time = rig_at(time), .proven = proven, .now = rig_now(), .seed = sgn_bytes("seed", 4) };
    sgn_revocation_t out = { .status = SGN_REVOCATION_UNKNOWN };

    if (a.len)
        sgn_revocation_set_add(NULL, set, a_ocsp ? SGN_REVOCATION_OCSP : SGN_REVOCATION_CRL, a);
    if (b.len)
        sgn_revocation_set_add(NULL, set, b_ocsp ? SGN_REVOCATION_OCSP : SGN_REVOCATION_CRL, b);
    (void)!sgn_revocation_check(&out, missing, set, who->read, rig_pki()->ca->read, &when, tap_pool());
    if (out.detail)
        printf("# %s\n", out.detail);
    return out;
}

static sgn_code_t code(sgn_bytes_t a, int a_ocsp, sgn_bytes_t b, int b_ocsp, long time, int proven)
{
    return judge_of(rig_pki()->person, a, a_ocsp, b, b_ocsp, time, proven, NULL).code;
}

static sgn_bytes_t list(long at, int reason, long from, long to, long number)
{
    return rig_crl(&(rig_crl_t){ .issuer = rig_pki()->ca, .revoked = at ? rig_pki()->person : NULL, .at = at, .reason = reason, .from = from, .to = to, .number = number });
}

static sgn_bytes_t answer(int status, long at, int reason, long from, long to)
{
    return rig_ocsp(&(rig_ocsp_t){ .about = rig_pki()->person, .issuer = rig_pki()->ca, .signer = rig_pki()->responder, .status = status,
                                   .at = at, .reason = reason, .from = from, .to = to });
}

#define NOW 0, 0
#define PROVED(time) (time), 1
#define CRL 0
#define OCSP 1

static void without_proof(void)
{
    sgn_revocation_t out;

    is_int(code(list(0, 0, 0, 0, 1), CRL, none, 0, NOW), SGN_OK, "revocation: a list without him");
    is_int(code(answer(V_OCSP_CERTSTATUS_GOOD, 0, 0, 0, 0), OCSP, none, 0, NOW), SGN_OK, "revocation: OCSP says good");
    is_int(code(none, 0, none, 0, NOW), SGN_F_REVOCATION_UNKNOWN, "revocation: no evidence is unknown");
    is_int(code(list(-DAY, 1, 0, 0, 1), CRL, none, 0, NOW), SGN_F_REVOKED_NO_POE, "B26: revoked yesterday, nothing proves the signature is older");
    is_int(code(list(-DAY, 4, 0, 0, 1), CRL, none, 0, NOW), SGN_F_REVOKED_NO_POE, "B26: whatever the reason");
    is_int(code(list(-DAY, 6, 0, 0, 1), CRL, none, 0, NOW), SGN_F_CERT_HOLD, "revocation: on hold");
    is_int(code(answer(V_OCSP_CERTSTATUS_REVOKED, -DAY, 6, 0, 0), OCSP, none, 0, NOW), SGN_F_CERT_HOLD, "revocation: on hold by OCSP");
    is_int(code(answer(V_OCSP_CERTSTATUS_UNKNOWN, 0, 0, 0, 0), OCSP, none, 0, NOW), SGN_F_REVOCATION_UNKNOWN, "revocation: 'unknown' is not good");
    is_int(code(list(0, 0, -9 * DAY, -2 * DAY, 1), CRL, none, 0, NOW), SGN_F_REVOCATION_UNKNOWN, "B24: a list out of date");
    is_int(code(answer(V_OCSP_CERTSTATUS_GOOD, 0, 0, -9 * DAY, -2 * DAY), OCSP, none, 0, NOW), SGN_F_REVOCATION_UNKNOWN, "B24: an old OCSP answer");
    is_int(code(answer(V_OCSP_CERTSTATUS_GOOD, 0, 0, DAY, 2 * DAY), OCSP, none, 0, NOW), SGN_F_REVOCATION_UNKNOWN, "revocation: an answer of tomorrow");
    is_int(code(list(-3 * DAY, 1, -9 * DAY, -2 * DAY, 1), CRL, none, 0, NOW), SGN_F_REVOKED_NO_POE, "revocation: an old list that has him still counts");
    out = judge_of(rig_pki()->person, rig_crl(&(rig_crl_t){ .issuer = rig_pki()->ca, .signer = rig_pki()->other_ca }), CRL, none, 0, NOW, NULL);
    is_int(out.code, SGN_F_REVOCATION_UNKNOWN, "B24: a list that somebody else signed is nothing");
    is_int(code(rig_crl(&(rig_crl_t){ .issuer = rig_pki()->ca, .scope = "critical,onlyCA:TRUE" }), CRL, none, 0, NOW), SGN_F_REVOCATION_UNKNOWN,
           "B24: a list of another scope is nothing");
    is_int(code(sgn_bytes("rubbish", 7), CRL, list(0, 0, 0, 0, 1), CRL, NOW), SGN_OK, "revocation: rubbish beside good evidence is left out");
}

static void the_newest_counts(void)
{
    sgn_bytes_t good_old = answer(V_OCSP_CERTSTATUS_GOOD, 0, 0, -2 * 3600, DAY), good_new = answer(V_OCSP_CERTSTATUS_GOOD, 0, 0, -60, DAY);

    is_int(code(good_old, OCSP, list(-3600, 4, -1800, DAY, 2), CRL, NOW), SGN_F_REVOKED_NO_POE, "B24: a replayed 'good' beside a newer revocation");
    is_int(code(list(-3600, 4, -1800, DAY, 2), CRL, good_old, OCSP, NOW), SGN_F_REVOKED_NO_POE, "B24: in whatever order");
    is_int(code(list(-2 * 3600, 4, -2 * 3600, DAY, 2), CRL, good_new, OCSP, NOW), SGN_F_REVOKED_NO_POE, "B24: a revocation is not taken back");
    is_int(code(list(-2 * 3600, 6, -2 * 3600, DAY, 2), CRL, good_new, OCSP, NOW), SGN_OK, "revocation: a hold is");
    is_int(code(good_old, OCSP, list(-3600, 6, -1800, DAY, 2), CRL, NOW), SGN_F_CERT_HOLD, "revocation: a newer hold counts");
}

static void with_proof(void)
{
    is_int(code(list(-DAY, 4, 0, 0, 1), CRL, none, 0, PROVED(-2 * DAY)), SGN_OK, "A14: revoked after the proved time, superseded");
    is_int(code(list(-DAY, 4, 0, 0, 1), CRL, none, 0, PROVED(-DAY + 60)), SGN_F_CERT_REVOKED, "A14: revoked before the proved time");
    is_int(code(list(-DAY, 1, 0, 0, 1), CRL, none, 0, PROVED(-2 * DAY)), SGN_F_CERT_REVOKED, "A14: key compromise reaches back");
    is_int(code(rig_crl(&(rig_crl_t){ .issuer = rig_pki()->ca, .revoked = rig_pki()->person, .at = -DAY, .reason = 1, .invalid = -2 * DAY }), CRL, none, 0, PROVED(-3 * DAY)),
           SGN_OK, "A14: ... as far as invalidityDate says");
    is_int(code(rig_crl(&(rig_crl_t){ .issuer = rig_pki()->ca, .revoked = rig_pki()->person, .at = -DAY, .reason = 4, .invalid = -3 * DAY }), CRL, none, 0, PROVED(-2 * DAY)),
           SGN_F_CERT_REVOKED, "A14: an invalidityDate before the proved time");
    is_int(code(list(-DAY, 6, 0, 0, 1), CRL, none, 0, PROVED(-2 * DAY)), SGN_F_CERT_HOLD, "A14: on hold is not valid");
    is_int(code(list(0, 0, -9 * DAY, -5 * DAY, 1), CRL, none, 0, PROVED(-7 * DAY)), SGN_OK, "revocation: a list of that time");
    is_int(code(list(0, 0, -9 * DAY, -8 * DAY, 1), CRL, none, 0, PROVED(-7 * DAY)), SGN_F_REVOCATION_UNKNOWN, "revocation: a list from before that time");
    is_int(code(list(0, 0, -6 * DAY, -5 * DAY, 1), CRL, none, 0, PROVED(-7 * DAY)), SGN_OK, "revocation: a list made later, old by now");
}

static void after_expiry(void)
{
    const rig_pki_t *pki = rig_pki();
    rig_id_t *old = rig_id(&(rig_who_t){ .name = "Cũ", .uid = "CCCD:1", .from = -YEAR, .to = -DAY, .crl = "URI:http://127.0.0.1:1/ca.crl" }, pki->ca);
    sgn_revocation_t out = judge_of(old, rig_crl(&(rig_crl_t){ .issuer = pki->ca }), CRL, none, 0, PROVED(-2 * DAY), NULL);

    is_int(out.code, SGN_F_REVOCATION_UNKNOWN, "revocation: a list made after expiry may have forgotten him");
    out = judge_of(old, rig_crl(&(rig_crl_t){ .issuer = pki->ca, .from = -2 * DAY, .to = DAY }), CRL, none, 0, PROVED(-2 * DAY), NULL);
    is_int(out.code, SGN_OK, "revocation: one made before has not");
}

static void delegates(void)
{
    const rig_pki_t *pki = rig_pki();
    rig_id_t *checked = rig_id(&(rig_who_t){ .name = "OCSP 2", .usage = "digitalSignature", .eku = "critical,OCSPSigning", .crl = "URI:http://127.0.0.1:1/ca.crl" }, pki->ca);
    sgn_bytes_t word = rig_ocsp(&(rig_ocsp_t){ .about = pki->person, .issuer = pki->ca, .signer = checked, .from = -60, .to = DAY });
    apr_array_header_t *missing = sgn_revocation_missing_make(tap_pool());
    sgn_revocation_t out = judge_of(pki->person, word, OCSP, none, 0, NOW, missing);

    is_int(out.code, SGN_F_REVOCATION_UNKNOWN, "B24: a delegate whose own status is unknown");
    ok(missing->nelts >= 1, "revocation: its list is asked for");
    out = judge_of(pki->person, word, OCSP, rig_crl(&(rig_crl_t){ .issuer = pki->ca, .revoked = checked, .at = -DAY, .reason = 1 }), CRL, NOW, NULL);
    is(out.source, "CRL", "B24: a revoked delegate is not heard");
    out = judge_of(pki->person, word, OCSP, rig_crl(&(rig_crl_t){ .issuer = pki->ca }), CRL, NOW, NULL);
    is(out.source, "OCSP", "revocation: a delegate that is not on the list is heard");
}

static void names_what_is_missing(void)
{
    const rig_pki_t *pki = rig_pki();
    apr_array_header_t *missing = sgn_revocation_missing_make(tap_pool()), *results;
    sgn_revocation_set_t *set = sgn_revocation_set_make(tap_pool());
    sgn_revocation_when_t when = { .time = rig_now(), .now = rig_now(), .seed = sgn_bytes("seed", 4) };
    const sgn_revocation_missing_t *first;
    sgn_code_t worst;
    sgn_path_t *path;

    (void)!sgn_path_build(&path, pki->store, pki->person->read, NULL, SGN_PATH_SIGNER, rig_now(), tap_pool());
    is_code(sgn_revocation_path(&results, &worst, missing, set, path, &when, tap_pool()), SGN_OK, "revocation: along a path");
    is_int(worst, SGN_F_REVOCATION_UNKNOWN, "revocation: nothing known yet");
    is_int(results->nelts, 2, "revocation: leaf and authority, not the anchor");
    is_int(missing->nelts, 3, "revocation: OCSP and CRL of the leaf, CRL of the authority");
    first = &APR_ARRAY_IDX(missing, 0, sgn_revocation_missing_t);
    ok(first->kind == SGN_REVOCATION_OCSP && first->request.len && !strcmp(first->urls[0], "http://127.0.0.1:1/ocsp"), "revocation: OCSP first, with its request");
    (void)!sgn_revocation_path(&results, &worst, missing, set, path, &when, tap_pool());
    is_int(missing->nelts, 3, "revocation: asked for once");
    sgn_revocation_set_add(NULL, set, SGN_REVOCATION_OCSP, answer(V_OCSP_CERTSTATUS_GOOD, 0, 0, 0, 0));
    sgn_revocation_set_add(NULL, set, SGN_REVOCATION_CRL, rig_crl(&(rig_crl_t){ .issuer = pki->root }));
    (void)!sgn_revocation_path(&results, &worst, missing, set, path, &when, tap_pool());
    is_int(worst, SGN_OK, "revocation: with both, the path is good");
    sgn_revocation_set_add(NULL, set, SGN_REVOCATION_CRL, rig_crl(&(rig_crl_t){ .issuer = pki->root, .revoked = pki->ca, .at = -DAY, .reason = 2, .from = -60, .to = DAY }));
    (void)!sgn_revocation_path(&results, &worst, missing, set, path, &when, tap_pool());
    is_int(worst, SGN_F_REVOKED_NO_POE, "revocation: a revoked authority takes its people along");
    (void)!sgn_path_build(&path, pki->tsa_store, pki->tsa->read, NULL, SGN_PATH_TIMESTAMP, rig_now(), tap_pool());
    (void)!sgn_revocation_tsa_path(&results, &worst, missing, set, path, &when, tap_pool());
    is_int(worst, SGN_OK, "revocation: a time-stamp server that publishes nothing");
}

static sgn_code_t admit(sgn_revocation_kind_t kind, sgn_bytes_t der, sgn_bytes_t request, long now)
{
    sgn_revocation_admitted_t out;
    sgn_error_t *error = sgn_revocation_admit(&out, kind, der, request, rig_pki()->person->read, rig_pki()->ca->read, rig_at(now), tap_pool());

    if (error)
        printf("# %s\n", error->detail);
    return error ? error->code : SGN_OK;
}

static void admits(void)
{
    const rig_pki_t *pki = rig_pki();
    sgn_bytes_t nonce = sgn_bytes("0123456789abcdef", 16), other = sgn_bytes("fedcba9876543210", 16), request, bare;
    rig_ocsp_t how = { .about = pki->person, .issuer = pki->ca, .signer = pki->responder };

    (void)!sgn_ocsp_request(&request, pki->person->read, pki->ca->read, nonce, tap_pool());
    bare = rig_ocsp(&how);
    how.nonce = nonce;
    is_int(admit(SGN_REVOCATION_OCSP, rig_ocsp(&how), request, 0), SGN_OK, "admit: an answer with our nonce");
    how.nonce = other;
    is_int(admit(SGN_REVOCATION_OCSP, rig_ocsp(&how), request, 0), SGN_EVIDENCE_BAD, "B24: an answer with another nonce (replayed)");
    is_int(admit(SGN_REVOCATION_OCSP, bare, request, 60), SGN_OK, "admit: no nonce, but made just now");
    is_int(admit(SGN_REVOCATION_OCSP, bare, request, 3600), SGN_EVIDENCE_BAD, "B24: no nonce, made an hour ago");
    how = (rig_ocsp_t){ .about = pki->agency, .issuer = pki->ca, .signer = pki->responder, .nonce = nonce };
    is_int(admit(SGN_REVOCATION_OCSP, rig_ocsp(&how), request, 0), SGN_EVIDENCE_BAD, "B24: an answer about somebody else");
    how = (rig_ocsp_t){ .about = pki->person, .issuer = pki->ca, .signer = pki->responder, .nonce = nonce, .status = V_OCSP_CERTSTATUS_UNKNOWN };
    is_int(admit(SGN_REVOCATION_OCSP, rig_ocsp(&how), request, 0), SGN_EVIDENCE_BAD, "admit: 'unknown' is not kept");
    how = (rig_ocsp_t){ .about = pki->person, .issuer = pki->ca, .signer = pki->responder, .nonce = nonce, .from = -9 * DAY, .to = -DAY };
    is_int(admit(SGN_REVOCATION_OCSP, rig_ocsp(&how), request, 0), SGN_EVIDENCE_BAD, "B24: an answer out of date");
    is_int(admit(SGN_REVOCATION_CRL, rig_crl(&(rig_crl_t){ .issuer = pki->ca }), none, 0), SGN_OK, "admit: a list");
    is_int(admit(SGN_REVOCATION_CRL, rig_crl(&(rig_crl_t){ .issuer = pki->ca, .from = -9 * DAY, .to = -DAY }), none, 0), SGN_EVIDENCE_BAD, "B24: an old list");
    is_int(admit(SGN_REVOCATION_CRL, rig_crl(&(rig_crl_t){ .issuer = pki->ca, .scope = "critical,onlyCA:TRUE" }), none, 0), SGN_EVIDENCE_BAD, "B24: a list of another scope");
    is_int(admit(SGN_REVOCATION_CRL, rig_crl(&(rig_crl_t){ .issuer = pki->other_ca }), none, 0), SGN_EVIDENCE_BAD, "B24: a list of another issuer");
}

int main(void)
{
    without_proof();
    the_newest_counts();
    with_proof();
    after_expiry();
    delegates();
    names_what_is_missing();
    admits();
    return done_testing();
}
