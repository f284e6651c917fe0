/* test_tsp.c: time-stamps asked for and found.  B25 throughout. */
#include <openssl/ts.h>

#include "t/unit/pki_rig.h"
#include "t/unit/tap.h"

static const unsigned char imprint[32] = "an imprint of thirty-two bytes.";

static sgn_bytes_t request_with(sgn_bytes_t what, sgn_bytes_t nonce)
{
    sgn_bytes_t out = { NULL, 0 };

    is_code(sgn_tsp_request(&out, what, nonce, RIG_POLICY, tap_pool()), SGN_OK, "tsp: a request");
    return out;
}

static sgn_bytes_t nonce(void)
{
    return sgn_bytes("\x8f\x00\x01\x02\x03\x04\x05\x06", 8);
}

static sgn_error_t *reply(sgn_bytes_t der, long asked, const char *policy, sgn_path_store_t *store)
{
    sgn_tsp_expected_t expected = { .imprint = sgn_bytes(imprint, 32), .nonce = nonce(), .policy = policy,
                                    .asked = rig_at(asked), .now = rig_at(asked + 1) };
    sgn_tsp_token_t *token;
    sgn_error_t *error = sgn_tsp_reply(&token, der, &expected, store, tap_pool());

    if (error)
        printf("# %s\n", error->detail);
    return error;
}

static void asks(void)
{
    sgn_bytes_t der = request_with(sgn_bytes(imprint, 32), nonce());
    const unsigned char *p = der.data;
    TS_REQ *read = d2i_TS_REQ(NULL, &p, (long)der.len);

    ok(read && p == der.data + der.len && TS_REQ_get_cert_req(read) && TS_REQ_get_nonce(read) && TS_REQ_get_policy_id(read), "tsp: OpenSSL reads the request");
    TS_REQ_free(read);
}

static sgn_bytes_t good_reply(const rig_id_t *signer, long at)
{
    return rig_stamp(request_with(sgn_bytes(imprint, 32), nonce()), &(rig_stamp_t){ .signer = signer, .at = at });
}

static void judges_replies(void)
{
    const rig_pki_t *pki = rig_pki();
    sgn_bytes_t good = good_reply(pki->tsa, 0);
    rig_id_t *below_root = rig_id(&(rig_who_t){ .name = "TSA 2", .usage = "critical,digitalSignature", .eku = "critical,timeStamping" }, pki->root);

    is_code(reply(good, 0, RIG_POLICY, pki->tsa_store), SGN_OK, "tsp: a right reply");
    is_code(reply(good, 0, NULL, pki->tsa_store), SGN_OK, "tsp: any policy when none is demanded");
    is_code(reply(good, 0, "2.16.704.2.2", pki->tsa_store), SGN_TIMESTAMP_BAD, "B25: another policy");
    is_code(reply(good, 3, RIG_POLICY, pki->tsa_store), SGN_TIMESTAMP_BAD, "B25: an old genTime");
    is_code(reply(good, 2, RIG_POLICY, pki->tsa_store), SGN_OK, "tsp: two seconds early is a clock");
    is_code(reply(good, -122, RIG_POLICY, pki->tsa_store), SGN_TIMESTAMP_BAD, "B25: a genTime to come");
    is_code(reply(good, 0, RIG_POLICY, pki->store), SGN_TIMESTAMP_BAD, "B25: not of the configured anchor");
    is_code(reply(good_reply(below_root, 0), 0, RIG_POLICY, pki->tsa_store), SGN_TIMESTAMP_BAD, "B25: another server of the same tree");
    is_code(reply(rig_stamp(request_with(sgn_bytes("another imprint of thirty-two by", 32), nonce()), &(rig_stamp_t){ .signer = pki->tsa }), 0, RIG_POLICY, pki->tsa_store),
            SGN_TIMESTAMP_BAD, "B25: another imprint");
    is_code(reply(rig_stamp(request_with(sgn_bytes(imprint, 32), sgn_bytes("\x01\x02\x03\x04", 4)), &(rig_stamp_t){ .signer = pki->tsa }), 0, RIG_POLICY, pki->tsa_store),
            SGN_TIMESTAMP_BAD, "B25: another nonce (a replayed token)");
    is_code(reply(rig_stamp(request_with(sgn_bytes(imprint, 32), nonce()), &(rig_stamp_t){ .signer = pki->tsa, .refuse = 1 }), 0, RIG_POLICY, pki->tsa_store),
            SGN_TIMESTAMP_BAD, "tsp: the server refuses");
    is_code(reply(rig_join(good, "x", 1), 0, RIG_POLICY, pki->tsa_store), SGN_TIMESTAMP_BAD, "tsp: a byte behind the reply");
    is_code(reply(sgn_bytes("nonsense", 8), 0, RIG_POLICY, pki->tsa_store), SGN_TIMESTAMP_BAD, "tsp: no reply at all");
}

static sgn_code_t verdict_at(sgn_bytes_t der, sgn_path_store_t *store, long now)
{
    sgn_tsp_token_t *token;
    sgn_code_t verdict = SGN_INTERNAL;
    const char *detail;
    sgn_error_t *error = sgn_tsp_parse(&token, der, tap_pool());

    if (error)
        return error->code;
    error = sgn_tsp_verify(&verdict, &detail, token, store, NULL, rig_at(now), tap_pool());
    if (detail)
        printf("# %s\n", detail);
    return error ? error->code : verdict;
}

int main(void)
{
    const rig_pki_t *pki = rig_pki();
    sgn_tsp_token_t *token;
    sgn_bytes_t made, info;
    sgn_tsp_expected_t expected = { .imprint = sgn_bytes(imprint, 32), .nonce = nonce(), .asked = rig_now(), .now = rig_now() };
    static const char type[] = "1.2.840.113549.1.9.16.1.4";
    rig_id_t *many = rig_id(&(rig_who_t){ .name = "TSA", .usage = "critical,digitalSignature", .eku = "critical,timeStamping,clientAuth" }, pki->tsa_root);
    rig_id_t *soft = rig_id(&(rig_who_t){ .name = "TSA", .usage = "critical,digitalSignature", .eku = "timeStamping" }, pki->tsa_root);
    rig_id_t *expired = rig_id(&(rig_who_t){ .name = "TSA", .usage = "critical,digitalSignature", .eku = "critical,timeStamping", .from = -YEAR, .to = -DAY }, pki->tsa_root);

    asks();
    judges_replies();
    if (!is_code(sgn_tsp_reply(&token, good_reply(pki->tsa, 0), &expected, pki->tsa_store, tap_pool()), SGN_OK, "tsp: a token to play with"))
        return done_testing();
    made = token->der;
    info = token->cms->content;
    is(token->policy, RIG_POLICY, "tsp: its policy");
    is_int(token->time, rig_now(), "tsp: its genTime");
    ok(!sgn_tsp_imprint_is(token, sgn_bytes("something", 9)), "tsp: it is not over something else");

    is_int(verdict_at(made, pki->tsa_store, 0), SGN_OK, "tsp: found in a document, it proves");
    is_int(verdict_at(made, pki->tsa_store, YEAR * 3), SGN_OK, "tsp: three years later too");
    is_int(verdict_at(made, pki->tsa_store, -DAY), SGN_F_TST_INVALID, "B25: genTime after now");
    is_int(verdict_at(made, pki->store, 0), SGN_F_TST_UNTRUSTED, "B25: not below the time-stamp anchor");
    is_int(verdict_at(rig_cms(info, &(rig_cms_t){ .signer = pki->tsa, .type = type, .cades = 1 }), pki->tsa_store, 0), SGN_OK,
           "tsp: the same content signed with ESSCertIDv2");
    is_int(verdict_at(rig_cms(info, &(rig_cms_t){ .signer = pki->tsa, .type = type }), pki->tsa_store, 0), SGN_F_TST_INVALID, "B25: ESSCertID missing");
    is_int(verdict_at(rig_cms(info, &(rig_cms_t){ .signer = many, .type = type, .cades = 1 }), pki->tsa_store, 0), SGN_F_TST_INVALID, "B25: timeStamping among others");
    is_int(verdict_at(rig_cms(info, &(rig_cms_t){ .signer = soft, .type = type, .cades = 1 }), pki->tsa_store, 0), SGN_F_TST_INVALID, "B25: timeStamping not critical");
    is_int(verdict_at(rig_cms(info, &(rig_cms_t){ .signer = expired, .type = type, .cades = 1 }), pki->tsa_store, 0), SGN_F_TST_INVALID, "tsp: an expired server");
    is_int(verdict_at(rig_cms(info, &(rig_cms_t){ .signer = pki->tsa, .second = pki->person, .type = type, .cades = 1 }), pki->tsa_store, 0), SGN_F_TST_INVALID,
           "tsp: a second signer");
    is_int(verdict_at(rig_cms(info, &(rig_cms_t){ .signer = pki->tsa, .cades = 1 }), pki->tsa_store, 0), SGN_F_TST_INVALID, "tsp: content of another type");
    is_int(verdict_at(rig_swap(made, imprint, "An", 2), pki->tsa_store, 0), SGN_F_TST_INVALID, "tsp: a changed imprint");
    is_int(verdict_at(rig_cms_version(made, 1), pki->tsa_store, 0), SGN_OK, "tsp: version 1, which some servers write");
    is_int(verdict_at(rig_cms_version(made, 2), pki->tsa_store, 0), SGN_F_TST_INVALID, "tsp: a version that there is not");
    is_int(verdict_at(rig_cms_signer_version(made, pki->tsa, 3), pki->tsa_store, 0), SGN_F_TST_INVALID, "tsp: a SignerInfo of another version");
    is_int(verdict_at(rig_cms_digests(made, "", 0), pki->tsa_store, 0), SGN_OK, "tsp: no digest algorithm listed");
    is_int(verdict_at(rig_cms_digests(made, "\x30\x07\x06\x05\x2b\x0e\x03\x02\x1a", 9), pki->tsa_store, 0), SGN_F_TST_INVALID,
           "tsp: only another digest algorithm listed");
    is_int(verdict_at(rig_join(made, "x", 1), pki->tsa_store, 0), SGN_F_TST_INVALID, "tsp: a byte behind the token");
    return done_testing();
}
