/* test_prove.c: the keeper's own proof of a signature (THREATS A3): ranges,
 * digest, value and a key of its own table; no word of a worker counts. */
#include "tap.h"

#include <fcntl.h>
#include <unistd.h>

#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include <apr_strings.h>

#include "base/file.h"
#include "crypto/digest.h"
#include "crypto/verify.h"
#include "dtbs/signedattrs.h"
#include "office/engine/engine.h"

static apr_pool_t *pool;

/* A file of 3000 bytes with a gap at 1000..1999, its DTBS and value. */
typedef struct {
    sgn_engine_document_t document;
    unsigned char bytes[3000];
    apr_int64_t range[4];
    sgn_bytes_t dtbs, value, spki;
} signed_t;

static sgn_bytes_t spki_of(EVP_PKEY *key)
{
    unsigned char *der = NULL;
    int len = i2d_PUBKEY(key, &der);
    sgn_bytes_t out = sgn_bytes_dup(sgn_bytes(der, (size_t)len), pool);

    OPENSSL_free(der);
    return out;
}

static sgn_bytes_t sign(EVP_PKEY *key, sgn_bytes_t message)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    unsigned char *out = apr_palloc(pool, 1024);
    size_t len = 1024;

    if (EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, key) != 1
        || EVP_DigestSign(ctx, out, &len, message.data, message.len) != 1)
        len = 0;
    EVP_MD_CTX_free(ctx);
    return sgn_bytes(out, len);
}

static void document_open(sgn_engine_document_t *document, const void *bytes, size_t len)
{
    document->size = (apr_off_t)len;
    if (sgn_file_memfd(&document->fd, "document", sgn_bytes(bytes, len), pool))
        ok(0, "setup");
}

static void make(signed_t *made, EVP_PKEY *key)
{
    const apr_int64_t range[4] = { 0, 1000, 2000, 1000 };
    sgn_signedattrs_t attrs = { .kind = SGN_KIND_APPROVE };
    unsigned char covered[2000], *der = apr_palloc(pool, SGN_SIGNEDATTRS_MAX);
    size_t len = 0;

    memset(made, 0, sizeof *made);
    for (size_t i = 0; i < sizeof made->bytes; i++)
        made->bytes[i] = (unsigned char)(i * 7);
    memcpy(made->range, range, sizeof range);
    memcpy(covered, made->bytes, 1000);
    memcpy(covered + 1000, made->bytes + 2000, 1000);
    if (sgn_digest_sha256(attrs.message_digest, covered, sizeof covered, pool)
        || sgn_signedattrs_build(der, SGN_SIGNEDATTRS_MAX, &len, &attrs) != SGN_FAULT_NONE)
        ok(0, "setup");
    made->dtbs = sgn_bytes(der, len);
    made->value = sign(key, made->dtbs);
    made->spki = spki_of(key);
    document_open(&made->document, made->bytes, sizeof made->bytes);
}

static void proves(const signed_t *made, const char *algorithm, int want, const char *name)
{
    int good = -1;
    sgn_error_t *error = sgn_engine_prove(&good, &made->document, made->range, made->dtbs, made->value, algorithm, made->spki, pool);

    ok(!error && good == want, name);
    if (error)
        printf("# %s\n", sgn_error_chain(error, pool));
}

static void one_key(EVP_PKEY *key, EVP_PKEY *other, const char *algorithm, const char *wrong, const char *name)
{
    static const apr_int64_t bad_ranges[][4] = {
        { 1, 999, 2000, 1000 }, { 0, 1000, 999, 1000 }, { 0, 1000, 2000, 1001 }, { 0, 1000, 2000, 0 },
        { 0, -1, 2000, 1000 }, { 0, 1000, 4000, 1000 }, { 0, 0, 2000, 1000 },
        { 0, 1000, 2000, INT64_MAX }, { 0, 1000, INT64_MAX, 1000 },
    };
    signed_t made, changed;

    make(&made, key);
    proves(&made, algorithm, 1, apr_psprintf(pool, "A3 prove: %s, honest", name));
    proves(&made, wrong, 0, apr_psprintf(pool, "A3 prove: %s, another algorithm is not proved", name));
    proves(&made, "1.2.3", 0, apr_psprintf(pool, "A3 prove: %s, an unknown algorithm is not proved", name));

    changed = made;
    changed.bytes[0] ^= 1;
    document_open(&changed.document, changed.bytes, sizeof changed.bytes);
    proves(&changed, algorithm, 0, apr_psprintf(pool, "A3 prove: %s, the first byte flipped", name));
    changed = made;
    changed.bytes[2999] ^= 1;
    document_open(&changed.document, changed.bytes, sizeof changed.bytes);
    proves(&changed, algorithm, 0, apr_psprintf(pool, "A3 prove: %s, the last byte flipped", name));
    changed = made;
    changed.bytes[1500] ^= 1;
    document_open(&changed.document, changed.bytes, sizeof changed.bytes);
    proves(&changed, algorithm, 1, apr_psprintf(pool, "A3 prove: %s, the gap is not covered", name));

    changed = made;
    changed.spki = spki_of(other);
    proves(&changed, algorithm, 0, apr_psprintf(pool, "A3 prove: %s, the key of somebody else", name));
    changed = made;
    changed.value = sgn_bytes_dup(made.value, pool);
    ((unsigned char *)changed.value.data)[changed.value.len - 1] ^= 1;
    proves(&changed, algorithm, 0, apr_psprintf(pool, "A3 prove: %s, a bit of the value flipped", name));
    changed.value.len = 0;
    proves(&changed, algorithm, 0, apr_psprintf(pool, "A3 prove: %s, no value", name));

    for (size_t i = 0; i < sizeof bad_ranges / sizeof *bad_ranges; i++) {
        changed = made;
        memcpy(changed.range, bad_ranges[i], sizeof changed.range);
        proves(&changed, algorithm, 0, apr_psprintf(pool, "A3 prove: %s, range %d leaves something out", name, (int)i));
    }
    /* A worker that lies: other attributes, well signed, over another digest. */
    changed = made;
    changed.dtbs = sgn_bytes_dup(made.dtbs, pool);
    for (size_t i = 0; i + 32 < changed.dtbs.len; i++)
        if (changed.dtbs.data[i] == 0x04 && changed.dtbs.data[i + 1] == 0x20) {
            ((unsigned char *)changed.dtbs.data)[i + 2] ^= 1;
            break;
        }
    changed.value = sign(key, changed.dtbs);
    proves(&changed, algorithm, 0, apr_psprintf(pool, "A3 prove: %s, signed attributes of another document", name));
    changed.dtbs = sgn_bytes_str("no DER");
    proves(&changed, algorithm, 0, apr_psprintf(pool, "A3 prove: %s, no attributes at all", name));
}

/* With states kept on the way the same digests come out, wherever one stops. */
static void trail(void)
{
    const apr_off_t size = 1000003, stops[] = { 0, 1, 131071, 131072, 131073, 500000, 1000002, 1000003 };
    unsigned char *bytes = apr_palloc(pool, (apr_size_t)size), want[32], got[32];
    sgn_engine_document_t document = { .fd = -1 };
    sgn_digest_t *digest;
    int same = 1;

    for (apr_off_t i = 0; i < size; i++)
        bytes[i] = (unsigned char)(i * 31 + (i >> 9));
    document_open(&document, bytes, (size_t)size);
    is_code(sgn_digest_trail_make(&document.trail, size, pool), SGN_OK, "A20 prove: a trail");
    is_code(sgn_digest_make(&digest, SGN_DIGEST_SHA256, pool), SGN_OK, "A20 prove: a digest");
    for (apr_off_t at = 0; at < size; at += 65536) {
        apr_off_t n = size - at < 65536 ? size - at : 65536;

        same = same && !sgn_digest_add(digest, bytes + at, (size_t)n, pool)
            && !sgn_digest_trail_pass(document.trail, digest, at + n, pool);
    }
    for (int with = 0; with < 2; with++)
        for (size_t i = 0; i < sizeof stops / sizeof *stops; i++)
            same = same && !sgn_digest_trail_begin(&digest, with ? document.trail : NULL, document.fd, stops[i], pool)
                && !sgn_digest_finish(got, digest, pool) && !sgn_digest_sha256(want, bytes, (size_t)stops[i], pool)
                && memcmp(got, want, 32) == 0;
    ok(same, "A20 prove: a digest from the trail is the digest from the first byte");
    is_code(sgn_digest_trail_begin(&digest, document.trail, document.fd, size + 1, pool), SGN_FILE_SHORT,
            "A20 prove: a prefix longer than the file");
}

/* States of the prefix never stand for a range that begins behind it. */
static void trail_ranges(EVP_PKEY *key)
{
    static const apr_int64_t bad[][4] = { { 1, 299999, 400000, 200000 }, { 131072, 168928, 400000, 200000 }, { 0, 300001, 400000, 200000 },
                                          { 0, 131072, 400000, 200000 }, { 0, 300000, 400000, 199999 } };
    const apr_off_t size = 600000, step = 131072;
    sgn_signedattrs_t attrs = { .kind = SGN_KIND_APPROVE };
    unsigned char *bytes = apr_pcalloc(pool, (apr_size_t)size), *der = apr_palloc(pool, SGN_SIGNEDATTRS_MAX);
    signed_t made = { .range = { 0, 300000, 400000, 200000 } };
    sgn_digest_t *digest;
    size_t len = 0;
    int same = 1;

    for (apr_off_t i = 0; i < size; i++)
        bytes[i] = (unsigned char)(i * 31 + (i >> 9));
    document_open(&made.document, bytes, (size_t)size);
    same = !sgn_digest_trail_make(&made.document.trail, size, pool) && !sgn_digest_make(&digest, SGN_DIGEST_SHA256, pool);
    for (apr_off_t at = 0; at < size && same; at += step) {
        apr_off_t n = size - at < step ? size - at : step;

        same = !sgn_digest_add(digest, bytes + at, (size_t)n, pool) && !sgn_digest_trail_pass(made.document.trail, digest, at + n, pool);
    }
    memmove(bytes + 300000, bytes + 400000, 200000);
    if (!same || sgn_digest_sha256(attrs.message_digest, bytes, 500000, pool)
        || sgn_signedattrs_build(der, SGN_SIGNEDATTRS_MAX, &len, &attrs) != SGN_FAULT_NONE)
        ok(0, "setup");
    made.dtbs = sgn_bytes(der, len);
    made.value = sign(key, made.dtbs);
    made.spki = spki_of(key);
    proves(&made, SGN_OID_RSA_SHA256, 1, "A20 prove: with a trail, honest");
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        memcpy(made.range, bad[i], sizeof made.range);
        proves(&made, SGN_OID_RSA_SHA256, 0, apr_psprintf(pool, "A20 prove: with a trail, range %d is another", (int)i));
    }
}

int main(void)
{
    EVP_PKEY *rsa, *rsa2, *ec, *ec2;
    signed_t made;
    int good;

    pool = tap_pool();
    rsa = EVP_RSA_gen(2048);
    rsa2 = EVP_RSA_gen(2048);
    ec = EVP_EC_gen("P-256");
    ec2 = EVP_EC_gen("P-256");
    one_key(rsa, rsa2, SGN_OID_RSA_SHA256, SGN_OID_RSA_PSS, "RSA");
    one_key(ec, ec2, SGN_OID_ECDSA_SHA256, SGN_OID_RSA_SHA256, "ECDSA");
    trail();
    trail_ranges(rsa);
    make(&made, rsa);
    made.spki = sgn_bytes_str("no key");
    is_code(sgn_engine_prove(&good, &made.document, made.range, made.dtbs, made.value, SGN_OID_RSA_SHA256, made.spki, pool),
            SGN_CERT_PURPOSE, "A3 prove: a key of our table that is none is an error, not a verdict");
    EVP_PKEY_free(rsa);
    EVP_PKEY_free(rsa2);
    EVP_PKEY_free(ec);
    EVP_PKEY_free(ec2);
    return done_testing();
}
