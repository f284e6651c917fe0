/* cms_build.c: a detached SignedData from finished parts.  [RFC 5652, 5] */
#include "look/pki/cms.h"

#include <stdlib.h>
#include <string.h>

#include "look/pki/x690.h"

#define BAD SGN_CRYPTO

static const unsigned char oid_data[] = { 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x01 };
static const unsigned char oid_signed_data[] = { 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x02 };
static const unsigned char oid_token[] = { 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x10, 0x02, 0x0e };
static const unsigned char version_one[] = { 0x02, 0x01, 0x01 };
static const unsigned char sha256[] = {
    0x30, 0x0b, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01 };
/* [RFC 8017, A.2.1] SHA-256, MGF1 with SHA-256, salt 32; the digests' NULL
 * parameters are what everybody writes here [RFC 4055, 2.1] */
static const unsigned char rsa_pss[] = {
    0x30, 0x41, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0a, 0x30, 0x34,
    0xa0, 0x0f, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00,
    0xa1, 0x1c, 0x30, 0x1a, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x08,
    0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00,
    0xa2, 0x03, 0x02, 0x01, 0x20 };
static const unsigned char rsa_sha256[] = {
    0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0b, 0x05, 0x00 };
static const unsigned char ecdsa_sha256[] = {
    0x30, 0x0a, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02 };

static const struct {
    const char *oid;
    const unsigned char *der;
    size_t len;
} algorithms[] = {
    { "1.2.840.113549.1.1.10", rsa_pss, sizeof rsa_pss },
    { "1.2.840.113549.1.1.11", rsa_sha256, sizeof rsa_sha256 },
    { "1.2.840.10045.4.3.2", ecdsa_sha256, sizeof ecdsa_sha256 },
};

/* The writer goes from the end to the front: last member first. */
static void put_signer(sgn_der_out_t *out, const sgn_cms_parts_t *parts, const sgn_cert_t *cert, size_t algorithm)
{
    size_t info = sgn_der_mark(out), mark;
    sgn_der_t dtbs = sgn_x690_der(parts->dtbs), attributes;

    if (parts->token.len) {
        mark = sgn_der_mark(out);
        sgn_der_put(out, parts->token.data, parts->token.len);
        sgn_der_wrap(out, SGN_DER_SET, mark);
        sgn_der_value(out, SGN_DER_OID, oid_token, sizeof oid_token);
        sgn_der_wrap(out, SGN_DER_SEQUENCE, mark);
        sgn_der_wrap(out, SGN_DER_CONTEXT_CONSTRUCTED(1), mark);
    }
    sgn_der_value(out, SGN_DER_OCTET_STRING, parts->value.data, parts->value.len);
    sgn_der_put(out, algorithms[algorithm].der, algorithms[algorithm].len);
    mark = sgn_der_mark(out);
    if (sgn_der_take(&dtbs, SGN_DER_SET, &attributes) || dtbs.left) {
        out->fault = SGN_FAULT_VALUE;
        return;
    }
    sgn_der_put(out, attributes.at, attributes.left);
    sgn_der_wrap(out, SGN_DER_CONTEXT_CONSTRUCTED(0), mark);
    sgn_der_put(out, sha256, sizeof sha256);
    mark = sgn_der_mark(out);
    sgn_der_unsigned(out, cert->serial_bytes.data, cert->serial_bytes.len);
    sgn_der_put(out, cert->issuer.data, cert->issuer.len);
    sgn_der_wrap(out, SGN_DER_SEQUENCE, mark);
    sgn_der_put(out, version_one, sizeof version_one);
    sgn_der_wrap(out, SGN_DER_SEQUENCE, info);
}

static int compare(const void *a, const void *b)
{
    const sgn_bytes_t *x = a, *y = b;

    return sgn_der_compare(sgn_x690_der(*x), sgn_x690_der(*y));
}

/* [X.690, 11.6] a SET OF in order, each certificate once */
static void put_certs(sgn_der_out_t *out, const sgn_bytes_t *certs, int count)
{
    size_t mark = sgn_der_mark(out);

    for (int i = count - 1; i >= 0; i--)
        if (i == 0 || !sgn_bytes_equal(certs[i], certs[i - 1]))
            sgn_der_put(out, certs[i].data, certs[i].len);
    sgn_der_wrap(out, SGN_DER_CONTEXT_CONSTRUCTED(0), mark);
}

sgn_error_t *sgn_cms_build(sgn_bytes_t *bytes, const sgn_cms_parts_t *parts, apr_pool_t *pool)
{
    int count = 1 + (parts->chain ? parts->chain->nelts : 0);
    sgn_bytes_t *certs = apr_pcalloc(pool, sizeof *certs * (size_t)count);
    size_t cap = 1024 + parts->dtbs.len + parts->value.len + parts->token.len, algorithm = 0, mark;
    sgn_cert_t *cert;
    sgn_der_out_t out;

    while (algorithm < 3 && strcmp(algorithms[algorithm].oid, parts->algorithm))
        algorithm++;
    if (algorithm == 3 || count > SGN_CMS_CERTS)
        return SGN_ERROR(pool, SGN_FIELD, "algorithm %s, %d certificates", parts->algorithm, count);
    SGN_TRY(sgn_cert_parse(&cert, parts->certificate, pool));
    for (int i = 0; i < count; i++) {
        certs[i] = i == 0 ? parts->certificate : APR_ARRAY_IDX(parts->chain, i - 1, sgn_bytes_t);
        cap += certs[i].len;
    }
    cap += cert->issuer.len;
    if (cap > SGN_CMS_LIMIT)
        return SGN_ERROR(pool, SGN_TOO_LARGE, "signature block of %lu bytes", (unsigned long)cap);
    qsort(certs, (size_t)count, sizeof *certs, compare);
    sgn_der_out(&out, apr_palloc(pool, cap), cap);
    put_signer(&out, parts, cert, algorithm);
    sgn_der_wrap(&out, SGN_DER_SET, 0);
    put_certs(&out, certs, count);
    mark = sgn_der_mark(&out);
    sgn_der_value(&out, SGN_DER_OID, oid_data, sizeof oid_data);
    sgn_der_wrap(&out, SGN_DER_SEQUENCE, mark);
    mark = sgn_der_mark(&out);
    sgn_der_put(&out, sha256, sizeof sha256);
    sgn_der_wrap(&out, SGN_DER_SET, mark);
    sgn_der_put(&out, version_one, sizeof version_one);
    sgn_der_wrap(&out, SGN_DER_SEQUENCE, 0);
    sgn_der_wrap(&out, SGN_DER_CONTEXT_CONSTRUCTED(0), 0);
    sgn_der_value(&out, SGN_DER_OID, oid_signed_data, sizeof oid_signed_data);
    sgn_der_wrap(&out, SGN_DER_SEQUENCE, 0);
    SGN_X690_TRY(pool, BAD, "SignedData", out.fault);
    *bytes = sgn_bytes(out.buf + out.left, out.cap - out.left);
    return NULL;
}
