#include <string.h>

#include <apr_strings.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/bn.h>
#include <openssl/rsa.h>

#include "base/pool.h"
#include "crypto/verify.h"
#include "dtbs/der.h"

struct sgn_verify_key_t {
    EVP_PKEY *key;
    int rsa;
    int bits;
};

static const unsigned char oid_rsa[] = { 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01 };
static const unsigned char oid_ec[] = { 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01 };
static const unsigned char oid_p256[] = { 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07 };
static const unsigned char oid_p384[] = { 0x2b, 0x81, 0x04, 0x00, 0x22 };

/* What a SubjectPublicKeyInfo says  [RFC 5280, 4.1.2.7; RFC 3279, 2.3]. */
typedef struct {
    int rsa;
    int bits;
    const char *group;      /* EC */
    sgn_der_t point;        /* EC, uncompressed, with its 04 */
    sgn_der_t modulus;      /* RSA */
    unsigned long exponent;
} spki_t;

static int bit_length(sgn_der_t magnitude)
{
    int bits = (int)(magnitude.left - 1) * 8;

    for (unsigned top = magnitude.at[0]; top; top >>= 1)
        bits++;
    return bits;
}

static int read_rsa(spki_t *out, sgn_der_t *algorithm, sgn_der_t key)
{
    sgn_der_t null, sequence, exponent;

    SGN_FAULT_TRY(sgn_der_take(algorithm, SGN_DER_NULL, &null));
    if (null.left)
        return SGN_FAULT_LENGTH;
    SGN_FAULT_TRY(sgn_der_take(&key, SGN_DER_SEQUENCE, &sequence));
    SGN_FAULT_TRY(sgn_der_end(&key));
    SGN_FAULT_TRY(sgn_der_magnitude(&sequence, &out->modulus));
    SGN_FAULT_TRY(sgn_der_magnitude(&sequence, &exponent));
    SGN_FAULT_TRY(sgn_der_end(&sequence));
    out->rsa = 1;
    out->bits = bit_length(out->modulus);
    if (out->bits < 2048 || out->bits > 8192 || !(out->modulus.at[out->modulus.left - 1] & 1))
        return SGN_FAULT_VALUE;
    if (exponent.left > 4)
        return SGN_FAULT_VALUE;
    for (size_t i = 0; i < exponent.left; i++)
        out->exponent = out->exponent << 8 | exponent.at[i];
    return out->exponent >= 3 && out->exponent & 1 ? SGN_FAULT_NONE : SGN_FAULT_VALUE;
}

static int read_ec(spki_t *out, sgn_der_t *algorithm, sgn_der_t key)
{
    sgn_der_t curve;

    SGN_FAULT_TRY(sgn_der_take(algorithm, SGN_DER_OID, &curve));
    if (sgn_der_equal(curve, oid_p256, sizeof oid_p256)) {
        out->group = "P-256";
        out->bits = 256;
    } else if (sgn_der_equal(curve, oid_p384, sizeof oid_p384)) {
        out->group = "P-384";
        out->bits = 384;
    } else {
        return SGN_FAULT_VALUE;
    }
    if (key.left != 1 + 2 * (size_t)out->bits / 8 || key.at[0] != 4)
        return SGN_FAULT_VALUE;
    out->point = key;
    return SGN_FAULT_NONE;
}

static int read_spki(spki_t *out, sgn_bytes_t der)
{
    sgn_der_t in = sgn_der(der.data, der.len), sequence, algorithm, oid, key;

    memset(out, 0, sizeof *out);
    SGN_FAULT_TRY(sgn_der_take(&in, SGN_DER_SEQUENCE, &sequence));
    SGN_FAULT_TRY(sgn_der_end(&in));
    SGN_FAULT_TRY(sgn_der_take(&sequence, SGN_DER_SEQUENCE, &algorithm));
    SGN_FAULT_TRY(sgn_der_bits(&sequence, &key));
    SGN_FAULT_TRY(sgn_der_end(&sequence));
    SGN_FAULT_TRY(sgn_der_take(&algorithm, SGN_DER_OID, &oid));
    if (sgn_der_equal(oid, oid_rsa, sizeof oid_rsa))
        SGN_FAULT_TRY(read_rsa(out, &algorithm, key));
    else if (sgn_der_equal(oid, oid_ec, sizeof oid_ec))
        SGN_FAULT_TRY(read_ec(out, &algorithm, key));
    else
        return SGN_FAULT_VALUE;
    return sgn_der_end(&algorithm);
}

/* The numbers as OpenSSL's key, without its decoders. */
static EVP_PKEY *make_key(const spki_t *spki, apr_pool_t *pool)
{
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, spki->rsa ? "RSA" : "EC", NULL);
    EVP_PKEY *key = NULL;
    OSSL_PARAM params[3];

    if (spki->rsa) {
        size_t n = spki->modulus.left;
        unsigned char *native = apr_palloc(pool, n);

        /* OSSL_PARAM integers are in the machine's order */
        for (size_t i = 0; i < n; i++) {
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
            native[i] = spki->modulus.at[n - 1 - i];
#else
            native[i] = spki->modulus.at[i];
#endif
        }
        params[0] = OSSL_PARAM_construct_BN(OSSL_PKEY_PARAM_RSA_N, native, n);
        params[1] = OSSL_PARAM_construct_ulong(OSSL_PKEY_PARAM_RSA_E, (unsigned long *)&spki->exponent);
    } else {
        params[0] = OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, (char *)spki->group, 0);
        params[1] = OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, (void *)spki->point.at, spki->point.left);
    }
    params[2] = OSSL_PARAM_construct_end();
    if (!context || EVP_PKEY_fromdata_init(context) != 1
        || EVP_PKEY_fromdata(context, &key, EVP_PKEY_PUBLIC_KEY, params) != 1)
        key = NULL;
    EVP_PKEY_CTX_free(context);
    return key;
}

sgn_error_t *sgn_verify_key(sgn_verify_key_t **out, sgn_bytes_t der, apr_pool_t *pool)
{
    sgn_verify_key_t *key = apr_pcalloc(pool, sizeof *key);
    spki_t spki;
    int fault = read_spki(&spki, der);

    if (fault)
        return SGN_ERROR(pool, SGN_CERT_PURPOSE, "public key: %s", sgn_fault_name(fault));
    key->key = make_key(&spki, pool);
    if (!key->key)
        return SGN_ERROR(pool, SGN_CERT_PURPOSE, "public key: not on its curve");
    SGN_OWN(pool, key->key, EVP_PKEY_free);
    key->rsa = spki.rsa;
    key->bits = spki.bits;
    *out = key;
    return NULL;
}

struct evp_pkey_st *sgn_verify_key_pkey(const sgn_verify_key_t *key)
{
    return key->key;
}

int sgn_verify_key_is_rsa(const sgn_verify_key_t *key)
{
    return key->rsa;
}

int sgn_verify_key_bits(const sgn_verify_key_t *key)
{
    return key->bits;
}

const char *sgn_verify_key_text(const sgn_verify_key_t *key, apr_pool_t *pool)
{
    return apr_psprintf(pool, key->rsa ? "RSA %d" : "EC P-%d", key->bits);
}

/* 1 and a prepared context when the algorithm is of the key's type. */
static int start(EVP_MD_CTX *context, const sgn_verify_key_t *key, const char *oid)
{
    EVP_PKEY_CTX *parameters;
    int pss = strcmp(oid, SGN_OID_RSA_PSS) == 0;
    int rsa = pss || strcmp(oid, SGN_OID_RSA_SHA256) == 0;

    if (!rsa && strcmp(oid, SGN_OID_ECDSA_SHA256) != 0)
        return 0;
    if (rsa != key->rsa || EVP_DigestVerifyInit(context, &parameters, EVP_sha256(), NULL, key->key) != 1)
        return 0;
    if (!pss)
        return 1;
    /* [RFC 4055, 3.1] salt as long as the digest */
    return EVP_PKEY_CTX_set_rsa_padding(parameters, RSA_PKCS1_PSS_PADDING) == 1
        && EVP_PKEY_CTX_set_rsa_mgf1_md(parameters, EVP_sha256()) == 1
        && EVP_PKEY_CTX_set_rsa_pss_saltlen(parameters, 32) == 1;
}

sgn_error_t *sgn_verify_value(int *good, const sgn_verify_key_t *key, const char *algorithm_oid,
                              sgn_bytes_t message, sgn_bytes_t value, apr_pool_t *pool)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();

    *good = 0;
    if (!context)
        return SGN_ERROR(pool, SGN_INTERNAL, "no digest context");
    if (start(context, key, algorithm_oid))
        *good = EVP_DigestVerify(context, value.data, value.len, message.data, message.len) == 1;
    EVP_MD_CTX_free(context);
    return NULL;
}
