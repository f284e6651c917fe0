/* algorithm.c: AlgorithmIdentifiers and signature values. */
#include "look/pki/algorithm.h"

#include <string.h>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "base/pool.h"
#include "look/pki/x690.h"

#define OID_RSA "1.2.840.113549.1.1.1"
#define OID_PSS "1.2.840.113549.1.1.10"
#define OID_MGF1 "1.2.840.113549.1.1.8"
#define OID_EC_KEY "1.2.840.10045.2.1"
#define UNREADABLE SGN_F_CMS_UNREADABLE

static const struct {
    const char *oid;
    const char *name;
    const char *text;
    int weak;
} digests[] = {
    { "2.16.840.1.101.3.4.2.1", "SHA256", "SHA-256", 0 },
    { "2.16.840.1.101.3.4.2.2", "SHA384", "SHA-384", 0 },
    { "2.16.840.1.101.3.4.2.3", "SHA512", "SHA-512", 0 },
    { "2.16.840.1.101.3.4.2.8", "SHA3-256", "SHA3-256", 0 },
    { "2.16.840.1.101.3.4.2.9", "SHA3-384", "SHA3-384", 0 },
    { "2.16.840.1.101.3.4.2.10", "SHA3-512", "SHA3-512", 0 },
    { "1.3.14.3.2.26", "SHA1", "SHA-1", 1 },
    { "1.2.840.113549.2.5", "MD5", "MD5", 1 },
};

static const struct {
    const char *oid;
    sgn_algorithm_scheme_t scheme;
    const char *digest;
} schemes[] = {
    { "1.2.840.113549.1.1.11", SGN_ALGORITHM_PKCS1, "SHA256" },
    { "1.2.840.113549.1.1.12", SGN_ALGORITHM_PKCS1, "SHA384" },
    { "1.2.840.113549.1.1.13", SGN_ALGORITHM_PKCS1, "SHA512" },
    { "1.2.840.113549.1.1.5", SGN_ALGORITHM_PKCS1, "SHA1" },
    { "1.2.840.113549.1.1.4", SGN_ALGORITHM_PKCS1, "MD5" },
    { OID_RSA, SGN_ALGORITHM_PKCS1, NULL },
    { "1.2.840.10045.4.3.2", SGN_ALGORITHM_ECDSA, "SHA256" },
    { "1.2.840.10045.4.3.3", SGN_ALGORITHM_ECDSA, "SHA384" },
    { "1.2.840.10045.4.3.4", SGN_ALGORITHM_ECDSA, "SHA512" },
    { "1.2.840.10045.4.1", SGN_ALGORITHM_ECDSA, "SHA1" },
    { OID_EC_KEY, SGN_ALGORITHM_ECDSA, NULL },
};

#define COUNT(array) (sizeof (array) / sizeof (array)[0])

sgn_error_t *sgn_algorithm_error(apr_pool_t *pool, sgn_code_t code, const char *what)
{
    char text[160] = "";
    unsigned long e = ERR_peek_last_error();

    if (e)
        ERR_error_string_n(e, text, sizeof text);
    ERR_clear_error();
    return SGN_ERROR(pool, code, "%s%s%s", what, *text ? ": " : "", text);
}

const char *sgn_algorithm_digest_of(const char *oid)
{
    for (size_t i = 0; i < COUNT(digests); i++)
        if (strcmp(digests[i].oid, oid) == 0)
            return digests[i].name;
    return NULL;
}

static int weak(const char *digest)
{
    for (size_t i = 0; digest && i < COUNT(digests); i++)
        if (strcmp(digests[i].name, digest) == 0)
            return digests[i].weak;
    return 0;
}

/* Parameters are absent or NULL. */
static int no_parameters(sgn_der_t *in)
{
    sgn_der_t null;

    if (sgn_x690_optional(in, SGN_DER_NULL, &null) && null.left)
        return SGN_FAULT_VALUE;
    return sgn_der_end(in);
}

static int digest_sequence(const char **out, sgn_der_t *in, apr_pool_t *pool)
{
    sgn_der_t content;
    const char *oid;

    SGN_FAULT_TRY(sgn_der_take(in, SGN_DER_SEQUENCE, &content));
    SGN_FAULT_TRY(sgn_x690_oid(&oid, &content, pool));
    SGN_FAULT_TRY(no_parameters(&content));
    *out = sgn_algorithm_digest_of(oid);
    return SGN_FAULT_NONE;
}

sgn_error_t *sgn_algorithm_digest(const char **out, int *is_weak, sgn_bytes_t identifier, apr_pool_t *pool)
{
    sgn_der_t in = sgn_x690_der(identifier);
    const char *digest;

    SGN_X690_TRY(pool, UNREADABLE, "digest algorithm", digest_sequence(&digest, &in, pool));
    SGN_X690_TRY(pool, UNREADABLE, "digest algorithm", sgn_der_end(&in));
    *out = digest;
    *is_weak = weak(digest);
    return NULL;
}

/* [RFC 4055, 3.1] RSASSA-PSS-params; defaults are SHA-1 and salt 20.  A mask
 * digest other than the message digest, or another trailer, is nothing that
 * anybody makes by intent: the scheme stays unknown, so nothing verifies. */
static int pss_parameters(sgn_algorithm_t *out, sgn_der_t *in, apr_pool_t *pool)
{
    sgn_der_t params, member, mask;
    const char *digest = "SHA1", *mask_digest = "SHA1", *oid;
    long salt = 20, trailer = 1;

    SGN_FAULT_TRY(sgn_der_take(in, SGN_DER_SEQUENCE, &params));
    SGN_FAULT_TRY(sgn_der_end(in));
    if (sgn_x690_optional(&params, SGN_DER_CONTEXT_CONSTRUCTED(0), &member)) {
        SGN_FAULT_TRY(digest_sequence(&digest, &member, pool));
        SGN_FAULT_TRY(sgn_der_end(&member));
    }
    if (sgn_x690_optional(&params, SGN_DER_CONTEXT_CONSTRUCTED(1), &member)) {
        SGN_FAULT_TRY(sgn_der_take(&member, SGN_DER_SEQUENCE, &mask));
        SGN_FAULT_TRY(sgn_der_end(&member));
        SGN_FAULT_TRY(sgn_x690_oid(&oid, &mask, pool));
        if (strcmp(oid, OID_MGF1))
            return SGN_FAULT_NONE;
        SGN_FAULT_TRY(digest_sequence(&mask_digest, &mask, pool));
        SGN_FAULT_TRY(sgn_der_end(&mask));
    }
    if (sgn_x690_optional(&params, SGN_DER_CONTEXT_CONSTRUCTED(2), &member)) {
        SGN_FAULT_TRY(sgn_der_small(&member, &salt));
        SGN_FAULT_TRY(sgn_der_end(&member));
    }
    if (sgn_x690_optional(&params, SGN_DER_CONTEXT_CONSTRUCTED(3), &member)) {
        SGN_FAULT_TRY(sgn_der_small(&member, &trailer));
        SGN_FAULT_TRY(sgn_der_end(&member));
    }
    SGN_FAULT_TRY(sgn_der_end(&params));
    if (!digest || !mask_digest || strcmp(digest, mask_digest) || trailer != 1 || salt > 64)
        return SGN_FAULT_NONE;
    out->scheme = SGN_ALGORITHM_PSS;
    out->digest = digest;
    out->salt = (int)salt;
    return SGN_FAULT_NONE;
}

sgn_error_t *sgn_algorithm_parse(sgn_algorithm_t *out, sgn_bytes_t identifier, const char *digest, apr_pool_t *pool)
{
    sgn_der_t in = sgn_x690_der(identifier), content;
    sgn_algorithm_t found = { .scheme = SGN_ALGORITHM_UNKNOWN };

    SGN_X690_TRY(pool, UNREADABLE, "algorithm", sgn_der_take(&in, SGN_DER_SEQUENCE, &content));
    SGN_X690_TRY(pool, UNREADABLE, "algorithm", sgn_der_end(&in));
    SGN_X690_TRY(pool, UNREADABLE, "algorithm", sgn_x690_oid(&found.oid, &content, pool));
    if (strcmp(found.oid, OID_PSS) == 0)
        SGN_X690_TRY(pool, UNREADABLE, "RSASSA-PSS parameters", pss_parameters(&found, &content, pool));
    for (size_t i = 0; i < COUNT(schemes); i++) {
        if (strcmp(schemes[i].oid, found.oid))
            continue;
        SGN_X690_TRY(pool, UNREADABLE, "algorithm parameters", no_parameters(&content));
        found.scheme = schemes[i].scheme;
        found.digest = schemes[i].digest ? schemes[i].digest : digest;
        if (!found.digest)
            found.scheme = SGN_ALGORITHM_UNKNOWN;
    }
    found.weak = weak(found.digest);
    *out = found;
    return NULL;
}

const char *sgn_algorithm_text(const sgn_algorithm_t *algorithm, apr_pool_t *pool)
{
    static const char *const names[] = { NULL, "RSASSA-PSS", "RSASSA-PKCS1-v1_5", "ECDSA" };
    sgn_buf_t *buf = sgn_buf_make(256, pool);
    sgn_bytes_t text;

    if (algorithm->scheme == SGN_ALGORITHM_UNKNOWN)
        return algorithm->oid;
    sgn_buf_str(buf, names[algorithm->scheme]);
    for (size_t i = 0; i < COUNT(digests); i++)
        if (strcmp(digests[i].name, algorithm->digest) == 0)
            sgn_buf_printf(buf, "/%s", digests[i].text);
    if (sgn_buf_bytes(&text, buf))
        return algorithm->oid;
    return (const char *)text.data;
}

size_t sgn_algorithm_hash(unsigned char out[64], const char *digest, sgn_bytes_t data)
{
    size_t len = 0;

    if (!digest || !EVP_Q_digest(NULL, digest, NULL, data.data, data.len, out, &len)) {
        ERR_clear_error();
        return 0;
    }
    return len;
}

static int configure(EVP_PKEY_CTX *ctx, const sgn_algorithm_t *algorithm, const EVP_MD *md)
{
    if (algorithm->scheme == SGN_ALGORITHM_ECDSA)
        return 1;
    if (algorithm->scheme == SGN_ALGORITHM_PKCS1)
        return EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) > 0;
    return EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PSS_PADDING) > 0
        && EVP_PKEY_CTX_set_rsa_mgf1_md(ctx, md) > 0
        && EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, algorithm->salt) > 0;
}

static int verify(const sgn_algorithm_t *algorithm, EVP_PKEY *key, sgn_bytes_t digest, sgn_bytes_t value)
{
    const EVP_MD *md = EVP_get_digestbyname(algorithm->digest);
    EVP_PKEY_CTX *ctx;
    int want = algorithm->scheme == SGN_ALGORITHM_ECDSA ? EVP_PKEY_EC : EVP_PKEY_RSA, good = 0;

    if (!md || (EVP_PKEY_get_base_id(key) != want
                && !(algorithm->scheme == SGN_ALGORITHM_PSS && EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA_PSS)))
        return 0;
    if (digest.len != (size_t)EVP_MD_get_size(md))
        return 0;
    ctx = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
    if (ctx && EVP_PKEY_verify_init(ctx) > 0
        && EVP_PKEY_CTX_set_signature_md(ctx, md) > 0 && configure(ctx, algorithm, md))
        good = EVP_PKEY_verify(ctx, value.data, value.len, digest.data, digest.len) == 1;
    EVP_PKEY_CTX_free(ctx);
    return good;
}

int sgn_algorithm_verify_digest(const sgn_algorithm_t *algorithm, EVP_PKEY *key, sgn_bytes_t digest, sgn_bytes_t value)
{
    int good;

    if (!key || algorithm->scheme == SGN_ALGORITHM_UNKNOWN || !algorithm->digest || value.len == 0 || value.len > 4096)
        return 0;
    good = verify(algorithm, key, digest, value);
    ERR_clear_error();
    return good;
}

int sgn_algorithm_verify(const sgn_algorithm_t *algorithm, EVP_PKEY *key, sgn_bytes_t data, sgn_bytes_t value)
{
    unsigned char digest[64];
    size_t len = sgn_algorithm_hash(digest, algorithm->digest, data);

    return len ? sgn_algorithm_verify_digest(algorithm, key, sgn_bytes(digest, len), value) : 0;
}
