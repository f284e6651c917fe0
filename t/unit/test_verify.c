/* Values against bare public keys, and the digests they are made over. */
#include "tap.h"

#include <fcntl.h>
#include <unistd.h>

#include <apr_strings.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "base/pool.h"
#include "crypto/digest.h"
#include "crypto/random.h"
#include "crypto/verify.h"

static apr_pool_t *pool;

static sgn_bytes_t spki_of(EVP_PKEY *key)
{
    unsigned char *der = NULL;
    int n = i2d_PUBKEY(key, &der);

    SGN_OWN(pool, key, EVP_PKEY_free);
    SGN_OWN(pool, der, free);
    return sgn_bytes(der, (size_t)n);
}

static sgn_bytes_t sign(EVP_PKEY *key, int salt, sgn_bytes_t message)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    EVP_PKEY_CTX *parameters;
    unsigned char *value = apr_palloc(pool, 1024);
    size_t n = 1024;

    EVP_DigestSignInit(context, &parameters, EVP_sha256(), NULL, key);
    if (salt) {
        EVP_PKEY_CTX_set_rsa_padding(parameters, RSA_PKCS1_PSS_PADDING);
        EVP_PKEY_CTX_set_rsa_pss_saltlen(parameters, salt);
    }
    EVP_DigestSign(context, value, &n, message.data, message.len);
    EVP_MD_CTX_free(context);
    return sgn_bytes(value, n);
}

static int good(const sgn_verify_key_t *key, const char *oid, sgn_bytes_t message, sgn_bytes_t value)
{
    int yes = -1;

    if (sgn_verify_value(&yes, key, oid, message, value, pool))
        return -1;
    return yes;
}

static void values(void)
{
    EVP_PKEY *rsa = EVP_RSA_gen(2048), *ec = EVP_EC_gen("P-256");
    sgn_bytes_t message = sgn_bytes_str("the bytes that were signed"), other = sgn_bytes_str("other bytes");
    sgn_bytes_t v15 = sign(rsa, 0, message), pss = sign(rsa, 32, message), long_salt = sign(rsa, 64, message);
    sgn_bytes_t ecdsa = sign(ec, 0, message);
    sgn_verify_key_t *r, *e;

    is_code(sgn_verify_key(&r, spki_of(rsa), pool), SGN_OK, "verify: an RSA key is read");
    is(sgn_verify_key_text(r, pool), "RSA 2048", "verify: and named");
    is_code(sgn_verify_key(&e, spki_of(ec), pool), SGN_OK, "verify: a P-256 key is read");
    is_int(good(r, SGN_OID_RSA_SHA256, message, v15), 1, "verify: PKCS #1 v1.5 verifies");
    is_int(good(r, SGN_OID_RSA_PSS, message, pss), 1, "verify: PSS verifies");
    is_int(good(e, SGN_OID_ECDSA_SHA256, message, ecdsa), 1, "verify: ECDSA verifies");
    is_int(good(r, SGN_OID_RSA_PSS, message, long_salt), 0, "verify: PSS with another salt length does not");
    is_int(good(r, SGN_OID_RSA_PSS, message, v15), 0, "verify: v1.5 is not taken for PSS");
    is_int(good(r, SGN_OID_RSA_SHA256, other, v15), 0, "verify: other bytes do not verify");
    is_int(good(e, SGN_OID_RSA_SHA256, message, v15), 0, "verify: a value of another key type does not");
    is_int(good(r, "1.2.840.113549.1.1.5", message, v15), 0, "verify: SHA-1 is no algorithm of ours");
    is_int(good(r, SGN_OID_RSA_SHA256, message, sgn_bytes(v15.data, v15.len - 1)), 0, "verify: a cut value does not");
    is_int(good(e, SGN_OID_ECDSA_SHA256, message, sgn_bytes("", 0)), 0, "verify: an empty value does not");
}

static void keys(void)
{
    EVP_PKEY *small = EVP_RSA_gen(1024), *ed = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519"), *ec = EVP_EC_gen("P-256");
    sgn_verify_key_t *key;
    sgn_bytes_t spki = spki_of(ec);
    unsigned char *copy = apr_pmemdup(pool, spki.data, spki.len + 1);

    is_code(sgn_verify_key(&key, spki_of(small), pool), SGN_CERT_PURPOSE, "verify: RSA of 1024 bits is refused");
    is_code(sgn_verify_key(&key, spki_of(ed), pool), SGN_CERT_PURPOSE, "verify: another key type is refused");
    is_code(sgn_verify_key(&key, sgn_bytes(copy, spki.len + 1), pool), SGN_CERT_PURPOSE, "verify: a byte behind the key is refused");
    copy[spki.len - 1] ^= 1;
    is_code(sgn_verify_key(&key, sgn_bytes(copy, spki.len), pool), SGN_CERT_PURPOSE, "verify: a point beside the curve is refused");
    is_code(sgn_verify_key(&key, sgn_bytes("", 0), pool), SGN_CERT_PURPOSE, "verify: nothing is no key");
}

static void digests(void)
{
    static const unsigned char want[32] = {     /* [FIPS 180-4] "abc" */
        0xba, 0x78, 0x16, 0xbf, 0x8f, 0x01, 0xcf, 0xea, 0x41, 0x41, 0x40, 0xde, 0x5d, 0xae, 0x22, 0x23,
        0xb0, 0x03, 0x61, 0xa3, 0x96, 0x17, 0x7a, 0x9c, 0xb4, 0x10, 0xff, 0x61, 0xf2, 0x00, 0x15, 0xad
    };
    unsigned char out[64], from_file[32];
    sgn_digest_t *first, *second;
    const char *hex, *a, *b;
    char path[] = "/tmp/sgn-digest-XXXXXX";
    int fd = mkstemp(path);

    unlink(path);
    is_code(sgn_digest_sha256(out, "abc", 3, pool), SGN_OK, "digest: bytes are hashed");
    ok(memcmp(out, want, 32) == 0, "digest: as published");
    sgn_digest_make(&first, SGN_DIGEST_SHA256, pool);
    sgn_digest_add(first, "ab", 2, pool);
    is_code(sgn_digest_copy(&second, first, pool), SGN_OK, "digest: a state is copied");
    sgn_digest_add(first, "X", 1, pool);
    sgn_digest_add(second, "c", 1, pool);
    sgn_digest_finish(out, second, pool);
    ok(memcmp(out, want, 32) == 0, "digest: and goes its own way");
    ok(write(fd, "xxabcxx", 7) == 7, "digest: a file is written");
    is_code(sgn_digest_sha256_fd(from_file, fd, 2, 3, pool), SGN_OK, "digest: a range of a file is hashed");
    ok(memcmp(from_file, want, 32) == 0, "digest: exactly that range");
    is_code(sgn_digest_sha256_fd(from_file, fd, 2, 6, pool), SGN_FILE_SHORT, "digest: a range behind the end is an error");
    close(fd);
    sgn_digest_sha256_hex(&hex, "abc", 3, pool);
    is(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", "digest: hex is lower case");
    sgn_digest_make(&first, SGN_DIGEST_SHA512, pool);
    is_code(sgn_digest_finish(out, first, pool), SGN_OK, "digest: SHA-512 of nothing");
    ok(out[0] == 0xcf && out[63] == 0x3e, "digest: as published");

    is_code(sgn_random_token(&a, 16, pool), SGN_OK, "random: a token");
    sgn_random_token(&b, 16, pool);
    ok(strlen(a) == 22 && strcmp(a, b) != 0, "random: of 22 characters, and never the same");
    is_code(sgn_random_code(&a, 8, pool), SGN_OK, "random: a code to type");
    ok(strlen(a) == 8 && strspn(a, "ABCDEFGHJKLMNPQRSTUVWXYZ23456789") == 8, "random: without I, O, 0 and 1");
}

int main(void)
{
    pool = tap_pool();
    values();
    keys();
    digests();
    return done_testing();
}
