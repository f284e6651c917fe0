/* test_pki_mutated.c: thousands of small changes to certificates, lists,
 * answers, signatures and time-stamps: none is believed, none harms the reader.
 * SGN_MUTATIONS sets how many (the sanitizer build is where it counts). */
#include <openssl/ocsp.h>

#include "t/unit/pki_rig.h"
#include "t/unit/tap.h"

static apr_uint64_t state = 88172645463325252ULL;

static unsigned next(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (unsigned)(state >> 11);
}

/* One to three bytes changed, sometimes cut; its own heap block, so that a
 * reader that goes too far is caught. */
static sgn_bytes_t mutate(sgn_bytes_t from)
{
    size_t len = next() % 10 ? from.len : next() % from.len + 1;
    unsigned char *out = malloc(len);

    memcpy(out, from.data, len);
    for (unsigned n = 1 + next() % 3; n; n--) {
        size_t at = next() % len;

        switch (next() % 3) {
        case 0: out[at] = (unsigned char)next(); break;
        case 1: out[at] ^= (unsigned char)(1 << next() % 8); break;
        default: out[at] = (unsigned char)(out[at] + (next() % 2 ? 1 : 255)); break;
        }
    }
    return sgn_bytes(out, len);
}

static const char imprint[] = "an imprint of thirty-two bytes.";
static sgn_bytes_t nonce_bytes;

static int believes_cert(sgn_bytes_t der, apr_pool_t *pool)
{
    sgn_cert_t *cert;
    sgn_path_t *path;

    return !sgn_cert_parse(&cert, der, pool)
        && !sgn_path_build(&path, rig_pki()->store, cert, NULL, SGN_PATH_SIGNER, rig_now(), pool) && path->code == SGN_OK;
}

static int believes_crl(sgn_bytes_t der, apr_pool_t *pool)
{
    sgn_crl_entry_t entry;
    sgn_crl_t *crl;

    if (sgn_crl_parse(&crl, der, pool))
        return 0;
    (void)sgn_crl_covers(crl, rig_pki()->person->read);
    (void)!sgn_crl_find(&entry, crl, rig_pki()->person->read, pool);
    return !sgn_crl_verify(crl, rig_pki()->ca->read, pool);
}

static int believes_ocsp(sgn_bytes_t der, apr_pool_t *pool)
{
    sgn_ocsp_t *ocsp;

    if (sgn_ocsp_parse(&ocsp, der, pool))
        return 0;
    return sgn_ocsp_find(ocsp, rig_pki()->person->read, rig_pki()->ca->read) && !sgn_ocsp_verify(ocsp, rig_pki()->ca->read, pool);
}

/* What lies outside the signed attributes, the value and the certificate
 * (versions, lists of algorithms) may change; what they say may not. */
static int believes_cms(sgn_bytes_t der, apr_pool_t *pool)
{
    unsigned char digest[64];
    sgn_cms_check_t check;
    sgn_cms_t *cms;

    if (sgn_cms_parse(&cms, der, pool)
        || sgn_cms_check(&check, cms, sgn_bytes(digest, sgn_algorithm_hash(digest, cms->digest, sgn_bytes_str("x"))), pool))
        return 0;
    return check.digest && check.value && check.codes[0] == SGN_OK && !sgn_bytes_equal(cms->signer->der, rig_pki()->person->der);
}

static int believes_stamp(sgn_bytes_t der, apr_pool_t *pool)
{
    sgn_tsp_expected_t expected = { .imprint = sgn_bytes(imprint, 32), .nonce = nonce_bytes, .asked = rig_now(), .now = rig_now() };
    sgn_tsp_token_t *token;

    return !sgn_tsp_reply(&token, der, &expected, rig_pki()->tsa_store, pool) && token->time != rig_now();
}

int main(void)
{
    static const struct { const char *name; int (*believes)(sgn_bytes_t, apr_pool_t *); } kinds[] = {
        { "B24: no changed certificate leads to an anchor", believes_cert }, { "B24: no changed list is believed", believes_crl },
        { "B24: no changed OCSP answer is believed", believes_ocsp }, { "cms: no change exchanges the signer", believes_cms },
        { "B25: no change moves a time-stamp", believes_stamp },
    };
    const rig_pki_t *pki = rig_pki();
    long many = getenv("SGN_MUTATIONS") ? atol(getenv("SGN_MUTATIONS")) : 4000;
    sgn_bytes_t from[5], request;
    apr_pool_t *pool;

    nonce_bytes = sgn_bytes("\x01\x02\x03\x04", 4);
    apr_pool_create(&pool, tap_pool());
    is_code(sgn_tsp_request(&request, sgn_bytes(imprint, 32), nonce_bytes, NULL, tap_pool()), SGN_OK, "tsp: a request");
    from[0] = pki->person->der;
    from[1] = rig_crl(&(rig_crl_t){ .issuer = pki->ca, .revoked = pki->person, .at = -DAY, .reason = 1, .invalid = -2 * DAY,
                                    .scope = "critical,fullname:URI:http://127.0.0.1:1/ca.crl" });
    from[2] = rig_ocsp(&(rig_ocsp_t){ .about = pki->person, .issuer = pki->ca, .signer = pki->responder, .status = V_OCSP_CERTSTATUS_REVOKED,
                                      .at = -DAY, .reason = 1, .nonce = nonce_bytes });
    from[3] = rig_cms(sgn_bytes_str("x"), &(rig_cms_t){ .signer = pki->person, .detached = 1, .cades = 1, .pss = 1 });
    from[4] = rig_stamp(request, &(rig_stamp_t){ .signer = pki->tsa });
    for (int k = 0; k < 5; k++) {
        long believed = 0;

        for (long i = 0; i < many / 5; i++) {
            sgn_bytes_t changed = mutate(from[k]);

            /* a change may hit the value that stood there */
            if (!sgn_bytes_equal(changed, from[k]) && kinds[k].believes(changed, pool))
                believed++;
            apr_pool_clear(pool);
            free((void *)changed.data);
        }
        is_int(believed, 0, kinds[k].name);
    }
    return done_testing();
}
