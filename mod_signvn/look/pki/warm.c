/* warm.c: OpenSSL's first times. */
#include "look/pki/warm.h"

#include <string.h>

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "base/pool.h"

#define RSA_BYTES 256

static EVP_PKEY *rsa;

static int digests(void)
{
    static const char *const names[] = { "SHA1", "SHA256", "SHA384", "SHA512" };
    unsigned char out[EVP_MAX_MD_SIZE];

    OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG | OPENSSL_INIT_LOAD_CRYPTO_STRINGS
                        | OPENSSL_INIT_ADD_ALL_CIPHERS | OPENSSL_INIT_ADD_ALL_DIGESTS, NULL);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (!EVP_Digest("warm", 4, out, NULL, EVP_get_digestbyname(names[i]), NULL))
            return 0;
    return 1;
}

/* The outcome does not matter, only that every table was looked up. */
static void try_verify(EVP_PKEY *key, int padding, const unsigned char *value, size_t len)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    EVP_PKEY_CTX *of_key = NULL;

    if (ctx && EVP_DigestVerifyInit(ctx, &of_key, EVP_sha256(), NULL, key) == 1) {
        if (padding)
            EVP_PKEY_CTX_set_rsa_padding(of_key, padding);
        (void)EVP_DigestVerify(ctx, value, len, (const unsigned char *)"warm", 4);
    }
    EVP_MD_CTX_free(ctx);
}

/* Any odd modulus is a public key to the decoder: nobody has its private part. */
static EVP_PKEY *some_rsa(apr_pool_t *pool)
{
    unsigned char modulus[RSA_BYTES];
    OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
    BIGNUM *n, *e = BN_new();
    OSSL_PARAM *params = NULL;
    EVP_PKEY *key = NULL;

    memset(modulus, 0xFF, sizeof modulus);
    n = BN_bin2bn(modulus, sizeof modulus, NULL);
    SGN_OWN(pool, build, OSSL_PARAM_BLD_free);
    SGN_OWN(pool, ctx, EVP_PKEY_CTX_free);
    SGN_OWN(pool, n, BN_free);
    SGN_OWN(pool, e, BN_free);
    if (build && ctx && n && e && BN_set_word(e, RSA_F4)
        && OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, n)
        && OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_E, e))
        params = OSSL_PARAM_BLD_to_param(build);
    SGN_OWN(pool, params, OSSL_PARAM_free);
    if (!params || EVP_PKEY_fromdata_init(ctx) <= 0 || EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, params) <= 0)
        return NULL;
    SGN_OWN(pool, key, EVP_PKEY_free);
    return key;
}

sgn_error_t *sgn_warm_crypto(apr_pool_t *pool)
{
    rsa = digests() ? some_rsa(pool) : NULL;
    if (rsa)
        sgn_warm_verify();
    return rsa ? NULL : SGN_ERROR(pool, SGN_CRYPTO, "OpenSSL lacks what workers need");
}

void sgn_warm_verify(void)
{
    static const unsigned char value[RSA_BYTES];

    try_verify(rsa, RSA_PKCS1_PADDING, value, sizeof value);
    try_verify(rsa, RSA_PKCS1_PSS_PADDING, value, sizeof value);
    ERR_clear_error();
}

sgn_error_t *sgn_warm_signer(sgn_bytes_t *certificate, EVP_PKEY **key, const char *common_name, apr_pool_t *pool)
{
    X509 *x = X509_new();
    X509_NAME *name = X509_NAME_new();
    unsigned char *der = NULL;
    int len = 0;

    SGN_OWN(pool, x, X509_free);
    SGN_OWN(pool, name, X509_NAME_free);
    *key = EVP_EC_gen("P-256");
    SGN_OWN(pool, *key, EVP_PKEY_free);
    if (x && name && *key && X509_set_version(x, X509_VERSION_3) && ASN1_INTEGER_set(X509_get_serialNumber(x), 1)
        && X509_gmtime_adj(X509_getm_notBefore(x), -60) && X509_gmtime_adj(X509_getm_notAfter(x), 3600)
        && X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, (const unsigned char *)common_name, -1, -1, 0)
        && X509_set_subject_name(x, name) && X509_set_issuer_name(x, name) && X509_set_pubkey(x, *key)
        && X509_sign(x, *key, EVP_sha256()) > 0)
        len = i2d_X509(x, &der);
    ERR_clear_error();
    if (len <= 0)
        return SGN_ERROR(pool, SGN_CRYPTO, "a certificate cannot be made");
    *certificate = sgn_bytes_dup(sgn_bytes(der, (size_t)len), pool);
    OPENSSL_free(der);
    return NULL;
}
