#include <stdlib.h>
#include <string.h>

#include <openssl/bio.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/sha.h>

#include "agent/outcome.h"
#include "agent/platform.h"
#include "dtbs/der.h"

#define KEY_FILE "agent.key"

struct sgn_platform_key_t {
    EVP_PKEY *key;
    unsigned char point[SGN_P256_POINT];
};

_Static_assert(sizeof(SHA256_CTX) <= sizeof(sgn_sha256_state_t), "a SHA-256 state is a plain value");

/* Only these plain calls have a state that is a value. */
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
    int good = context
        && EVP_DigestSignInit(context, NULL, EVP_sha256(), NULL, ((const sgn_platform_key_t *)key)->key) == 1
        && EVP_DigestSign(context, der, &n, message, len) == 1;

    EVP_MD_CTX_free(context);
    return good ? sgn_der_to_rs(out, 32, der, n) : SGN_FAULT_CRYPTO;
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

const sgn_primitives_t *sgn_platform_primitives(void)
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

/* Takes the EVP_PKEY over. */
static int adopt(sgn_platform_key_t **out, EVP_PKEY *pkey)
{
    sgn_platform_key_t *key = calloc(1, sizeof *key);
    unsigned char octets[1 + SGN_P256_POINT];
    size_t n = 0;

    if (!key || !pkey
        || EVP_PKEY_get_octet_string_param(pkey, OSSL_PKEY_PARAM_PUB_KEY, octets, sizeof octets, &n) != 1
        || n != sizeof octets || octets[0] != 4) {
        free(key);
        EVP_PKEY_free(pkey);
        return sgn_outcome(SGN_INTERNAL, "the desk's key is no P-256 key");
    }
    memcpy(key->point, octets + 1, SGN_P256_POINT);
    key->key = pkey;
    *out = key;
    return SGN_DONE;
}

int sgn_platform_key_make(sgn_platform_key_t **out)
{
    return adopt(out, EVP_EC_gen("P-256"));
}

int sgn_platform_key_save(const sgn_platform_key_t *key, const char *directory)
{
    BIO *bio = BIO_new(BIO_s_secmem());
    char *text;
    long n;
    int result;

    if (!bio || PEM_write_bio_PrivateKey(bio, key->key, NULL, NULL, 0, NULL, NULL) != 1) {
        BIO_free(bio);
        return sgn_outcome(SGN_INTERNAL, "the desk's key could not be written");
    }
    n = BIO_get_mem_data(bio, &text);
    result = sgn_platform_write(directory, KEY_FILE, text, (size_t)n);
    BIO_free(bio);
    return result;
}

int sgn_platform_key_load(sgn_platform_key_t **out, const char *directory)
{
    char *text = sgn_platform_secret(4096);
    size_t n;
    int result;
    BIO *bio;
    EVP_PKEY *key;

    if (!text)
        return sgn_outcome(SGN_INTERNAL, "no memory");
    result = sgn_platform_read(directory, KEY_FILE, text, 4096, &n);
    if (result) {
        sgn_platform_secret_free(text, 4096);
        return result;
    }
    bio = BIO_new_mem_buf(text, (int)n);
    key = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
    BIO_free(bio);
    sgn_platform_secret_free(text, 4096);
    return adopt(out, key);
}

const unsigned char *sgn_platform_key_point(const sgn_platform_key_t *key)
{
    return key->point;
}

void sgn_platform_wipe(void *data, size_t len)
{
    OPENSSL_cleanse(data, len);
}
