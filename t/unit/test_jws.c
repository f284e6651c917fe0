/* B15: one algorithm, one type per message, one key; proofs bind the request. */
#include "tap.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "crypto/crypto.h"
#include "crypto/es256.h"
#include "dtbs/encode.h"
#include "dtbs/proof.h"

static sgn_es256_t *key, *other;

/* [RFC 7515, A.3.1]: public key and signing input of the published example. */
static void published(void)
{
    static const unsigned char point[] = {
        127, 205, 206, 39, 112, 246, 196, 93, 65, 131, 203, 238, 111, 219, 75, 123, 88, 7, 51, 53, 123, 233, 239, 19,
        186, 207, 110, 60, 123, 209, 84, 69,
        199, 241, 68, 205, 27, 189, 155, 126, 135, 44, 223, 237, 185, 238, 185, 244, 179, 105, 93, 110, 169, 11, 36,
        173, 138, 70, 35, 40, 133, 136, 229, 173
    };
    static const char input[] = "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
    static const char value[] = "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";
    unsigned char signature[64];
    size_t n;

    sgn_encode_from_base64url(signature, sizeof signature, &n, value, strlen(value));
    is_int(sgn_crypto_table()->es256_verify(point, input, sizeof input - 1, signature), SGN_FAULT_NONE,
           "jws: the published ES256 example verifies");
    signature[5] ^= 1;
    is_int(sgn_crypto_table()->es256_verify(point, input, sizeof input - 1, signature), SGN_FAULT_SIGNATURE,
           "jws: with one bit changed it does not");
    signature[5] ^= 1;
    {
        unsigned char off[64];

        memcpy(off, point, 64);
        off[63] ^= 1;
        is_int(sgn_crypto_table()->es256_verify(off, input, sizeof input - 1, signature), SGN_FAULT_KEY,
               "jws: a point beside the curve is no key");
        memset(signature, 0, 64);
        is_int(sgn_crypto_table()->es256_verify(point, input, sizeof input - 1, signature), SGN_FAULT_SIGNATURE,
               "B15: r = s = 0 does not verify");
    }
}

/* A JWS with any header, signed (or not) as the caller says. */
static const char *forge(const char *header, const char *payload, const char *how)
{
    static char text[4096];
    unsigned char value[64];
    unsigned len = 64;
    size_t n;

    sgn_encode_base64url(text, sizeof text, header, strlen(header));
    n = strlen(text);
    text[n++] = '.';
    sgn_encode_base64url(text + n, sizeof text - n, payload, strlen(payload));
    n += strlen(text + n);
    if (strcmp(how, "es256") == 0)
        sgn_crypto_table()->es256_sign(value, key, text, n);
    else if (strcmp(how, "hs256") == 0)     /* keyed with the public key */
        HMAC(EVP_sha256(), sgn_es256_point(key), 64, (unsigned char *)text, n, value, &len);
    else
        len = 0;
    text[n++] = '.';
    sgn_encode_base64url(text + n, sizeof text - n, value, len);
    return text;
}

static int judge(const char *text, const char *typ)
{
    unsigned char payload[2048];
    sgn_jws_t jws;

    SGN_FAULT_TRY(sgn_jws_parse(&jws, text, strlen(text), typ, payload, sizeof payload));
    return sgn_jws_verify(&jws, sgn_es256_point(key), sgn_crypto_table());
}

#define HEAD(alg, rest) "{\"alg\":\"" alg "\",\"typ\":\"" SGN_JWS_TYP_SIGN "\"" rest "}"

static void confusion(void)
{
    static const struct { const char *header, *how; int fault; const char *name; } rows[] = {
        { HEAD("ES256", ",\"kid\":\"k\""), "es256", SGN_FAULT_NONE, "jws: an honest message verifies" },
        { HEAD("none", ",\"kid\":\"k\""), "none", SGN_FAULT_ALG, "B15: alg none is refused" },
        { HEAD("None", ",\"kid\":\"k\""), "none", SGN_FAULT_ALG, "B15: alg None is refused" },
        { HEAD("ES256", ",\"kid\":\"k\""), "none", SGN_FAULT_LENGTH, "B15: no signature is refused" },
        { HEAD("HS256", ",\"kid\":\"k\""), "hs256", SGN_FAULT_ALG, "B15: HS256 under the public key is refused" },
        { HEAD("ES384", ",\"kid\":\"k\""), "es256", SGN_FAULT_ALG, "B15: ES384 is refused" },
        { "{\"alg\":\"ES256\",\"kid\":\"k\"}", "es256", SGN_FAULT_TYP, "B15: a message without typ is refused" },
        { "{\"alg\":\"ES256\",\"typ\":\"JWT\",\"kid\":\"k\"}", "es256", SGN_FAULT_TYP, "B15: another typ is refused" },
        { "{\"alg\":\"ES256\",\"typ\":\"signvn-proof+jwt\",\"kid\":\"k\"}", "es256", SGN_FAULT_TYP,
          "B15: a proof is no signing request" },
        { "{\"alg\":\"ES256\",\"alg\":\"none\",\"typ\":\"signvn-sign+jwt\",\"kid\":\"k\"}", "none", SGN_FAULT_TWICE,
          "B15: alg twice is refused" },
        { HEAD("ES256", ""), "es256", SGN_FAULT_KEY, "B15: a message that names no key is refused" },
        { HEAD("ES256", ",\"kid\":\"k\",\"crit\":[\"b64\"],\"b64\":false"), "es256", SGN_FAULT_UNKNOWN, "B15: crit is refused" },
        { HEAD("ES256", ",\"kid\":\"k\",\"jku\":\"http://x\""), "es256", SGN_FAULT_UNKNOWN, "B15: jku is refused" },
        { HEAD("ES256", ",\"kid\":\"k\",\"x5c\":[]"), "es256", SGN_FAULT_UNKNOWN, "B15: x5c is refused" },
        { HEAD("ES256", ",\"kid\":[\"k\"]"), "es256", SGN_FAULT_TYPE, "B15: a kid that is no text is refused" },
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        is_int(judge(forge(rows[i].header, "{}", rows[i].how), SGN_JWS_TYP_SIGN), rows[i].fault, rows[i].name);
}

static void shapes(void)
{
    char text[2048], copy[2052];
    size_t n;

    is_int(sgn_jws_build(text, sizeof text, &n, SGN_JWS_TYP_SIGN, "k", NULL, "{\"a\":1}", 7, key, sgn_crypto_table()),
           SGN_FAULT_NONE, "jws: a message is built");
    is_int(judge(text, SGN_JWS_TYP_SIGN), SGN_FAULT_NONE, "jws: and verifies");
    snprintf(copy, sizeof copy, "%s.x", text);
    is_int(judge(copy, SGN_JWS_TYP_SIGN), SGN_FAULT_LIMIT, "jws: a fourth part is refused");
    snprintf(copy, sizeof copy, "%s=", text);
    is_int(judge(copy, SGN_JWS_TYP_SIGN), SGN_FAULT_LIMIT, "jws: padding is refused");
    is_int(judge("abc", SGN_JWS_TYP_SIGN), SGN_FAULT_SYNTAX, "jws: text without points is refused");
    is_int(judge("a.b", SGN_JWS_TYP_SIGN), SGN_FAULT_SYNTAX, "jws: two parts are refused");
    is_int(sgn_jws_build(text, sizeof text, &n, SGN_JWS_TYP_SIGN, "k", NULL, "{}", 2, other, sgn_crypto_table()),
           SGN_FAULT_NONE, "jws: another key signs");
    is_int(judge(text, SGN_JWS_TYP_SIGN), SGN_FAULT_SIGNATURE, "B15: and is not taken for ours");
    is_int(sgn_jws_build(text, 20, &n, SGN_JWS_TYP_SIGN, "k", NULL, "{}", 2, key, sgn_crypto_table()), SGN_FAULT_LIMIT,
           "jws: too little room is a fault");
}

static void jwks(void)
{
    apr_pool_t *pool = tap_pool();
    unsigned char point[64];
    json_t *jwk = sgn_es256_jwk(sgn_es256_point(key), "id", pool), *bad;

    is_code(sgn_es256_jwk_read(point, jwk, pool), SGN_OK, "es256: a public key goes to JWK and back");
    ok(memcmp(point, sgn_es256_point(key), 64) == 0, "es256: unchanged");
    bad = json_deep_copy(jwk);
    json_object_set_new(bad, "d", json_string("AA"));
    is_code(sgn_es256_jwk_read(point, bad, pool), SGN_AGENT_PROOF, "es256: a JWK with its private part is refused");
    json_decref(bad);
    bad = json_deep_copy(jwk);
    json_object_set_new(bad, "x", json_string("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"));
    is_code(sgn_es256_jwk_read(point, bad, pool), SGN_AGENT_PROOF, "es256: a JWK beside the curve is refused");
    json_decref(bad);
}

static void proofs(void)
{
    static const char body[] = "{\"wait\":50}";
    apr_pool_t *pool = tap_pool();
    char text[SGN_PROOF_MAX], hash[65];
    unsigned char digest[32];
    sgn_jws_t *jws;
    sgn_proof_t proof;

    sgn_primitives_sha256(digest, sgn_crypto_table(), body, sizeof body - 1);
    sgn_encode_hex(hash, sizeof hash, digest, 32);
    is_int(sgn_proof_build(text, sizeof text, "POST", "/signvn/agent/v1/poll", 1000, body, sizeof body - 1,
                           "agent1", NULL, key, sgn_crypto_table()), SGN_FAULT_NONE, "proof: is built");
    is_code(sgn_es256_parse(&jws, text, SGN_JWS_TYP_PROOF, pool), SGN_OK, "proof: is parsed");
    is(jws->kid, "agent1", "proof: names the desk");
    is_code(sgn_es256_verify(jws, sgn_es256_point(key), pool), SGN_OK, "proof: verifies");
    is_int(sgn_proof_read(&proof, jws->payload, jws->payload_len), SGN_FAULT_NONE, "proof: is read");
    is_int(sgn_proof_check(&proof, "POST", "/signvn/agent/v1/poll", hash, 1000), SGN_FAULT_NONE, "proof: fits its request");
    is_int(sgn_proof_check(&proof, "POST", "/signvn/agent/v1/result", hash, 1000), SGN_FAULT_OTHER,
           "B15: a proof replayed on another path is refused");
    is_int(sgn_proof_check(&proof, "GET", "/signvn/agent/v1/poll", hash, 1000), SGN_FAULT_OTHER,
           "B15: a proof replayed with another method is refused");
    hash[0] ^= 1;
    is_int(sgn_proof_check(&proof, "POST", "/signvn/agent/v1/poll", hash, 1000), SGN_FAULT_OTHER,
           "B15: a proof replayed on another body is refused");
    hash[0] ^= 1;
    is_int(sgn_proof_check(&proof, "POST", "/signvn/agent/v1/poll", hash, 1061), SGN_FAULT_TIME, "proof: an old proof is refused");
    is_int(sgn_proof_check(&proof, "POST", "/signvn/agent/v1/poll", hash, 939), SGN_FAULT_TIME, "proof: one of the future is refused");
    is_int(sgn_proof_build(text, sizeof text, "POST", "/p", 1000, NULL, 0, NULL, sgn_es256_point(key), key, sgn_crypto_table()),
           SGN_FAULT_NONE, "proof: may carry the key itself");
    is_code(sgn_es256_parse(&jws, text, SGN_JWS_TYP_PROOF, pool), SGN_OK, "proof: then the key is read from it");
    ok(jws->has_jwk && memcmp(jws->jwk, sgn_es256_point(key), 64) == 0, "proof: and is the desk's");
}

int main(void)
{
    apr_pool_t *pool = tap_pool();

    is_code(sgn_es256_generate(&key, pool), SGN_OK, "es256: a key is made");
    is_code(sgn_es256_generate(&other, pool), SGN_OK, "es256: and another");
    published();
    confusion();
    shapes();
    jwks();
    proofs();
    return done_testing();
}
