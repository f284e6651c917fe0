#include <string.h>

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>

#include "base/pool.h"
#include "crypto/crypto.h"
#include "crypto/digest.h"
#include "crypto/es256.h"

struct sgn_es256_t {
    EVP_PKEY *key;
    unsigned char point[SGN_P256_POINT];
};

sgn_error_t *sgn_es256_from_key(sgn_es256_t **out, void *evp_pkey, apr_pool_t *pool)
{
    sgn_es256_t *key = apr_pcalloc(pool, sizeof *key);
    unsigned char octets[1 + SGN_P256_POINT];
    BIGNUM *private_part = NULL;
    char group[32];
    size_t n;
    int good;

    key->key = evp_pkey;
    /* a public key alone would only be noticed at the first signature */
    good = EVP_PKEY_get_group_name(evp_pkey, group, sizeof group, &n) == 1
        && (strcmp(group, "prime256v1") == 0 || strcmp(group, "P-256") == 0)
        && EVP_PKEY_get_bn_param(evp_pkey, OSSL_PKEY_PARAM_PRIV_KEY, &private_part) == 1;
    BN_clear_free(private_part);
    if (!good)
        return SGN_ERROR(pool, SGN_INTERNAL, "not a private P-256 key");
    if (EVP_PKEY_get_octet_string_param(evp_pkey, OSSL_PKEY_PARAM_PUB_KEY, octets, sizeof octets, &n) != 1
        || n != sizeof octets || octets[0] != 4)
        return SGN_ERROR(pool, SGN_INTERNAL, "P-256 key without an uncompressed point");
    memcpy(key->point, octets + 1, SGN_P256_POINT);
    *out = key;
    return NULL;
}

sgn_error_t *sgn_es256_generate(sgn_es256_t **out, apr_pool_t *pool)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");

    if (!key)
        return SGN_ERROR(pool, SGN_INTERNAL, "no P-256 key");
    SGN_OWN(pool, key, EVP_PKEY_free);
    return sgn_es256_from_key(out, key, pool);
}

void *sgn_es256_key(const sgn_es256_t *key)
{
    return key->key;
}

const unsigned char *sgn_es256_point(const sgn_es256_t *key)
{
    return key->point;
}

sgn_error_t *sgn_es256_kid(const char **out, const unsigned char point[SGN_P256_POINT], apr_pool_t *pool)
{
    unsigned char digest[32];

    SGN_TRY(sgn_digest_sha256(digest, point, SGN_P256_POINT, pool));
    *out = sgn_bytes_base64url(sgn_bytes(digest, 12), pool);
    return NULL;
}

json_t *sgn_es256_jwk(const unsigned char point[SGN_P256_POINT], const char *kid, apr_pool_t *pool)
{
    json_t *jwk = sgn_json_object(pool);

    sgn_json_set_str(jwk, "kty", "EC");
    sgn_json_set_str(jwk, "crv", "P-256");
    sgn_json_set_str(jwk, "x", sgn_bytes_base64url(sgn_bytes(point, 32), pool));
    sgn_json_set_str(jwk, "y", sgn_bytes_base64url(sgn_bytes(point + 32, 32), pool));
    sgn_json_set_str(jwk, "kid", kid);
    return jwk;
}

static sgn_error_t *coordinate(unsigned char out[32], const json_t *jwk, const char *name, apr_pool_t *pool)
{
    const char *text;
    sgn_bytes_t bytes;

    SGN_TRY(sgn_json_get_str(&text, jwk, name, pool));
    SGN_TRY(sgn_bytes_from_base64url(&bytes, text, pool));
    if (bytes.len != 32)
        return SGN_ERROR(pool, SGN_AGENT_PROOF, "jwk: %s is not 32 bytes", name);
    memcpy(out, bytes.data, 32);
    return NULL;
}

/* Is it a point of the curve?  Tried by importing it. */
static int on_curve(const unsigned char point[SGN_P256_POINT])
{
    static const unsigned char nothing[SGN_P256_SIGNATURE] = { [31] = 1, [63] = 1 };

    return sgn_crypto_table()->es256_verify(point, "", 0, nothing) == SGN_FAULT_SIGNATURE;
}

sgn_error_t *sgn_es256_jwk_read(unsigned char point[SGN_P256_POINT], const json_t *jwk, apr_pool_t *pool)
{
    const char *kty, *crv;
    unsigned char read[SGN_P256_POINT];

    SGN_TRY(sgn_json_get_str(&kty, jwk, "kty", pool));
    SGN_TRY(sgn_json_get_str(&crv, jwk, "crv", pool));
    if (strcmp(kty, "EC") != 0 || strcmp(crv, "P-256") != 0 || json_object_get(jwk, "d"))
        return SGN_ERROR(pool, SGN_AGENT_PROOF, "jwk: not a public P-256 key");
    SGN_TRY(coordinate(read, jwk, "x", pool));
    SGN_TRY(coordinate(read + 32, jwk, "y", pool));
    if (!on_curve(read))
        return SGN_ERROR(pool, SGN_AGENT_PROOF, "jwk: not on the curve");
    memcpy(point, read, sizeof read);
    return NULL;
}

sgn_error_t *sgn_es256_jws(const char **out, const sgn_es256_t *key, const char *typ, const char *kid,
                           sgn_bytes_t payload, apr_pool_t *pool)
{
    size_t cap = payload.len / 3 * 4 + 4 + SGN_JWS_HEADER_MAX * 2 + 128, len;
    char *text = apr_palloc(pool, cap);
    int fault = sgn_jws_build(text, cap, &len, typ, kid, NULL, payload.data, payload.len, key, sgn_crypto_table());

    if (fault)
        return SGN_ERROR(pool, SGN_INTERNAL, "jws: %s", sgn_fault_name(fault));
    *out = text;
    return NULL;
}

sgn_error_t *sgn_es256_parse(sgn_jws_t **out, const char *text, const char *typ, apr_pool_t *pool)
{
    size_t len = strlen(text), cap;
    sgn_jws_t *jws = apr_pcalloc(pool, sizeof *jws);
    int fault;

    if (len > SGN_JWS_MAX)
        return SGN_ERROR(pool, SGN_AGENT_PROOF, "jws: over a limit");
    cap = len / 4 * 3 + 4;
    fault = sgn_jws_parse(jws, text, len, typ, apr_palloc(pool, cap), cap);
    if (fault)
        return SGN_ERROR(pool, SGN_AGENT_PROOF, "jws: %s", sgn_fault_name(fault));
    *out = jws;
    return NULL;
}

sgn_error_t *sgn_es256_verify(const sgn_jws_t *jws, const unsigned char point[SGN_P256_POINT], apr_pool_t *pool)
{
    int fault = sgn_jws_verify(jws, point, sgn_crypto_table());

    if (fault)
        return SGN_ERROR(pool, SGN_AGENT_PROOF, "jws: %s", sgn_fault_name(fault));
    return NULL;
}
