#include <string.h>

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <openssl/sha.h>

#include "crypto/crypto.h"
#include "crypto/es256.h"
#include "dtbs/der.h"

_Static_assert(sizeof(SHA256_CTX) <= sizeof(sgn_sha256_state_t), "a SHA-256 state is a plain value");

/* EVP's states cannot be copied as values; these three calls are the plain
 * ones that OpenSSL 3 marks as old. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
static int sha256_start(sgn_sha256_state_t *state)
{
    return SHA256_Init((SHA256_CTX *)(void *)state->opaque) == 1 ? SGN_FAULT_NONE : SGN_FAULT_CRYPTO;
}

static int sha256_add(sgn_sha256_state_t *state, const void *data, size_t len)
{
    return SHA256_Update((SHA256_CTX *)(void *)state->opaque, data, len) == 1 ? SGN_FAULT_NONE : SGN_FAULT_CRYPTO;
}

static int sha256_finish(unsigned char out[SGN_SHA256_SIZE], sgn_sha256_state_t *state)
{
    return SHA256_Final(out, (SHA256_CTX *)(void *)state->opaque) == 1 ? SGN_FAULT_NONE : SGN_FAULT_CRYPTO;
}
#pragma GCC diagnostic pop

static int es256_sign(unsigned char out[SGN_P256_SIGNATURE], const void *key, const void *message, size_t len)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    unsigned char der[128];
    size_t n = sizeof der;
    int good;

    if (!context)
        return SGN_FAULT_CRYPTO;
    good = EVP_DigestSignInit(context, NULL, EVP_sha256(), NULL, sgn_es256_key(key)) == 1
        && EVP_DigestSign(context, der, &n, message, len) == 1;
    EVP_MD_CTX_free(context);
    if (!good)
        return SGN_FAULT_CRYPTO;
    return sgn_der_to_rs(out, 32, der, n);
}

static EVP_PKEY *public_key(const unsigned char point[SGN_P256_POINT])
{
    unsigned char octets[1 + SGN_P256_POINT];
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
    EVP_PKEY *key = NULL;
    OSSL_PARAM params[3];

    octets[0] = 4;
    memcpy(octets + 1, point, SGN_P256_POINT);
    params[0] = OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, (char *)"P-256", 0);
    params[1] = OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, octets, sizeof octets);
    params[2] = OSSL_PARAM_construct_end();
    /* fromdata refuses a point that is not on the curve */
    if (!context || EVP_PKEY_fromdata_init(context) != 1
        || EVP_PKEY_fromdata(context, &key, EVP_PKEY_PUBLIC_KEY, params) != 1)
        key = NULL;
    EVP_PKEY_CTX_free(context);
    return key;
}

static int es256_verify(const unsigned char point[SGN_P256_POINT], const void *message, size_t len,
                        const unsigned char signature[SGN_P256_SIGNATURE])
{
    unsigned char der[80];
    size_t n;
    EVP_PKEY *key;
    EVP_MD_CTX *context;
    int result = SGN_FAULT_CRYPTO;

    SGN_FAULT_TRY(sgn_der_from_rs(der, sizeof der, &n, signature, 32));
    key = public_key(point);
    if (!key)
        return SGN_FAULT_KEY;
    context = EVP_MD_CTX_new();
    if (context && EVP_DigestVerifyInit(context, NULL, EVP_sha256(), NULL, key) == 1)
        result = EVP_DigestVerify(context, der, n, message, len) == 1 ? SGN_FAULT_NONE : SGN_FAULT_SIGNATURE;
    EVP_MD_CTX_free(context);
    EVP_PKEY_free(key);
    return result;
}

static int random_bytes(void *out, size_t len)
{
    return len <= INT32_MAX && RAND_bytes(out, (int)len) == 1 ? SGN_FAULT_NONE : SGN_FAULT_CRYPTO;
}

const sgn_primitives_t *sgn_crypto_table(void)
{
    static const sgn_primitives_t table = {
        .sha256_start = sha256_start,
        .sha256_add = sha256_add,
        .sha256_finish = sha256_finish,
        .es256_sign = es256_sign,
        .es256_verify = es256_verify,
        .random = random_bytes,
    };

    return &table;
}
