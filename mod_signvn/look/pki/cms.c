/* cms.c: reading and checking the SignedData of one signature. */
#include "look/pki/cms.h"

#include <string.h>

#include <apr_strings.h>

#include "look/pki/cms_ess.h"
#include "look/pki/x690.h"

#define BAD SGN_F_CMS_UNREADABLE
#define OID_SIGNED_DATA "1.2.840.113549.1.7.2"
#define OID_CONTENT_TYPE "1.2.840.113549.1.9.3"
#define OID_MESSAGE_DIGEST "1.2.840.113549.1.9.4"
#define OID_SIGNING_TIME "1.2.840.113549.1.9.5"
#define OID_TIMESTAMP "1.2.840.113549.1.9.16.2.14"
#define OID_REVOCATION_VALUES "1.2.840.113549.1.9.16.2.24"
#define OID_ADBE_REVOCATION "1.2.840.113583.1.1.8"
#define OID_RI_OCSP "1.3.6.1.5.5.7.16.2"
#define TIMESTAMPS 4
#define EVIDENCE 64
#define DIGESTS 32

sgn_error_t *sgn_cms_trim(sgn_bytes_t *out, sgn_bytes_t padded, apr_pool_t *pool)
{
    sgn_der_t in = sgn_x690_der(padded), content, whole;
    unsigned tag;

    SGN_X690_TRY(pool, BAD, "signature block", sgn_der_any(&in, &tag, &content, &whole));
    for (size_t i = 0; i < in.left; i++)
        if (in.at[i])
            return SGN_ERROR(pool, BAD, "bytes after the signature block");
    *out = sgn_x690_bytes(whole);
    return NULL;
}

static void keep(apr_array_header_t *list, int limit, sgn_der_t whole)
{
    if (list->nelts < limit)
        APR_ARRAY_PUSH(list, sgn_bytes_t) = sgn_x690_bytes(whole);
}

static int keep_sequences(apr_array_header_t *list, sgn_der_t wrapped)
{
    sgn_der_t in, whole;

    SGN_FAULT_TRY(sgn_der_take(&wrapped, SGN_DER_SEQUENCE, &in));
    while (in.left) {
        SGN_FAULT_TRY(sgn_x690_whole(&in, SGN_DER_SEQUENCE, &whole));
        keep(list, EVIDENCE, whole);
    }
    return SGN_FAULT_NONE;
}

/* adbe-revocationInfoArchival and CAdES revocation-values have one shape:
 * SEQUENCE { [0] SEQUENCE OF CRL, [1] SEQUENCE OF OCSP, [2] other } */
static int read_revocation(sgn_cms_t *cms, sgn_der_t value)
{
    sgn_der_t in, part;

    SGN_FAULT_TRY(sgn_der_take(&value, SGN_DER_SEQUENCE, &in));
    if (sgn_x690_optional(&in, SGN_DER_CONTEXT_CONSTRUCTED(0), &part))
        SGN_FAULT_TRY(keep_sequences(cms->crls, part));
    if (sgn_x690_optional(&in, SGN_DER_CONTEXT_CONSTRUCTED(1), &part))
        SGN_FAULT_TRY(keep_sequences(cms->ocsps, part));
    return SGN_FAULT_NONE;
}

/* Attribute ::= SEQUENCE { OID, SET OF value }; values is the SET's content. */
static int take_attribute(const char **oid, sgn_der_t *values, sgn_der_t *list, apr_pool_t *pool)
{
    sgn_der_t in;

    SGN_FAULT_TRY(sgn_der_take(list, SGN_DER_SEQUENCE, &in));
    SGN_FAULT_TRY(sgn_x690_oid(oid, &in, pool));
    SGN_FAULT_TRY(sgn_der_take(&in, SGN_DER_SET, values));
    return sgn_der_end(&in);
}

static int read_signed_attribute(sgn_cms_t *cms, int *seen_type, const char *oid, sgn_der_t values, apr_pool_t *pool)
{
    sgn_der_t content = values;
    const char *type;

    if (!strcmp(oid, OID_CONTENT_TYPE)) {
        SGN_FAULT_TRY(sgn_x690_oid(&type, &content, pool));
        /* [RFC 5652, 11.1] once, one value, equal to eContentType */
        cms->attributes_wrong |= (*seen_type)++ || content.left || strcmp(type, cms->content_type);
    }
    else if (!strcmp(oid, OID_MESSAGE_DIGEST)) {
        sgn_der_t digest;

        SGN_FAULT_TRY(sgn_der_take(&content, SGN_DER_OCTET_STRING, &digest));
        cms->attributes_wrong |= cms->message_digest.len || content.left;
        cms->message_digest = sgn_x690_bytes(digest);
    }
    else if (!strcmp(oid, OID_SIGNING_TIME))
        SGN_FAULT_TRY(sgn_x690_time(&cms->claimed, &content));
    else if (!strcmp(oid, OID_ADBE_REVOCATION))
        SGN_FAULT_TRY(read_revocation(cms, content));
    return SGN_FAULT_NONE;
}

static int read_signed_attrs(sgn_cms_t *cms, sgn_der_t content, apr_pool_t *pool)
{
    int seen_type = 0;

    while (content.left) {
        const char *oid;
        sgn_der_t values;

        SGN_FAULT_TRY(take_attribute(&oid, &values, &content, pool));
        SGN_FAULT_TRY(read_signed_attribute(cms, &seen_type, oid, values, pool));
    }
    cms->attributes_wrong |= !seen_type || !cms->message_digest.len;
    return SGN_FAULT_NONE;
}

static int read_unsigned_attrs(sgn_cms_t *cms, sgn_der_t content, apr_pool_t *pool)
{
    while (content.left) {
        const char *oid;
        sgn_der_t values, whole;

        SGN_FAULT_TRY(take_attribute(&oid, &values, &content, pool));
        if (!strcmp(oid, OID_REVOCATION_VALUES))
            SGN_FAULT_TRY(read_revocation(cms, values));
        while (!strcmp(oid, OID_TIMESTAMP) && values.left) {
            SGN_FAULT_TRY(sgn_x690_whole(&values, SGN_DER_SEQUENCE, &whole));
            keep(cms->timestamps, TIMESTAMPS, whole);
        }
    }
    return SGN_FAULT_NONE;
}

/* [RFC 5652, 10.2] highest: the version that such a member calls for. */
static int read_certs(sgn_cms_t *cms, long *highest, sgn_der_t content, apr_pool_t *pool)
{
    while (content.left) {
        sgn_der_t value, whole;
        sgn_cert_t *cert;
        unsigned tag;

        SGN_FAULT_TRY(sgn_der_any(&content, &tag, &value, &whole));
        if (tag == SGN_DER_CONTEXT_CONSTRUCTED(2) && *highest < 4)
            *highest = 4;               /* v2AttrCert */
        else if (tag == SGN_DER_CONTEXT_CONSTRUCTED(3))
            *highest = 5;               /* other */
        if (tag == SGN_DER_SEQUENCE && cms->certs->nelts < SGN_CMS_CERTS
            && !sgn_cert_parse(&cert, sgn_x690_bytes(whole), pool))
            APR_ARRAY_PUSH(cms->certs, sgn_cert_t *) = cert;
    }
    return SGN_FAULT_NONE;
}

static int read_crls(sgn_cms_t *cms, long *highest, sgn_der_t content, apr_pool_t *pool)
{
    while (content.left) {
        sgn_der_t value, whole;
        const char *oid;
        unsigned tag;

        SGN_FAULT_TRY(sgn_der_any(&content, &tag, &value, &whole));
        if (tag == SGN_DER_CONTEXT_CONSTRUCTED(1))
            *highest = 5;               /* other */
        if (tag == SGN_DER_SEQUENCE)
            keep(cms->crls, EVIDENCE, whole);
        else if (tag == SGN_DER_CONTEXT_CONSTRUCTED(1) && !sgn_x690_oid(&oid, &value, pool)
                 && !strcmp(oid, OID_RI_OCSP) && !sgn_x690_whole(&value, SGN_DER_SEQUENCE, &whole))
            keep(cms->ocsps, EVIDENCE, whole);
    }
    return SGN_FAULT_NONE;
}

/* The same SET with the universal tag: what the signature covers.  [RFC 5652, 5.4] */
static sgn_bytes_t retag(sgn_der_t whole, apr_pool_t *pool)
{
    unsigned char *copy = apr_pmemdup(pool, whole.at, whole.left);

    copy[0] = SGN_DER_SET;
    return sgn_bytes(copy, whole.left);
}

/* The certificate that sid names; among several, the one that ESS binds. */
static int find_signer(sgn_cms_t *cms, sgn_der_t *in)
{
    sgn_der_t sid, issuer, serial = { 0 };
    int by_key = sgn_der_peek(in) == SGN_DER_CONTEXT(0);

    if (by_key)
        SGN_FAULT_TRY(sgn_der_take(in, SGN_DER_CONTEXT(0), &issuer));
    else {
        SGN_FAULT_TRY(sgn_der_take(in, SGN_DER_SEQUENCE, &sid));
        SGN_FAULT_TRY(sgn_x690_whole(&sid, SGN_DER_SEQUENCE, &issuer));
        SGN_FAULT_TRY(sgn_der_take(&sid, SGN_DER_INTEGER, &serial));
        SGN_FAULT_TRY(sgn_der_end(&sid));
        while (serial.left > 1 && serial.at[0] == 0) {
            serial.at++;
            serial.left--;
        }
    }
    for (int i = 0; i < cms->certs->nelts; i++) {
        sgn_cert_t *cert = APR_ARRAY_IDX(cms->certs, i, sgn_cert_t *);
        int named = by_key ? issuer.left && sgn_der_equal(issuer, cert->ski.data, cert->ski.len)
            : sgn_der_equal(issuer, cert->issuer.data, cert->issuer.len)
              && sgn_der_equal(serial, cert->serial_bytes.data, cert->serial_bytes.len);

        if (named && !cms->signer)
            cms->signer = cert;
    }
    return SGN_FAULT_NONE;
}

static sgn_error_t *read_signer(sgn_cms_t *cms, sgn_der_t in, apr_pool_t *pool)
{
    sgn_der_t info, whole, content;
    long version;

    SGN_X690_TRY(pool, BAD, "SignerInfo", sgn_der_take(&in, SGN_DER_SEQUENCE, &info));
    /* one signature dictionary is one signer [ISO 32000-2, 12.8.3.3] */
    SGN_X690_TRY(pool, BAD, "second SignerInfo", sgn_der_end(&in));
    SGN_X690_TRY(pool, BAD, "SignerInfo version", sgn_der_small(&info, &version));
    /* [RFC 5652, 5.3] 3 with a subjectKeyIdentifier, 1 with issuer and serial */
    if (version != (sgn_der_peek(&info) == SGN_DER_CONTEXT(0) ? 3 : 1))
        return SGN_ERROR(pool, BAD, "SignerInfo version %ld", version);
    SGN_X690_TRY(pool, BAD, "signer identifier", find_signer(cms, &info));
    SGN_X690_TRY(pool, BAD, "digest algorithm", sgn_x690_whole(&info, SGN_DER_SEQUENCE, &whole));
    SGN_TRY(sgn_algorithm_digest(&cms->digest, &cms->digest_weak, sgn_x690_bytes(whole), pool));
    if (sgn_der_peek(&info) == SGN_DER_CONTEXT_CONSTRUCTED(0)) {
        SGN_X690_TRY(pool, BAD, "signed attributes", sgn_x690_whole(&info, SGN_DER_CONTEXT_CONSTRUCTED(0), &whole));
        cms->signed_attrs = retag(whole, pool);
        SGN_X690_TRY(pool, BAD, "signed attributes", sgn_der_take(&whole, SGN_DER_CONTEXT_CONSTRUCTED(0), &content));
        SGN_X690_TRY(pool, BAD, "signed attributes", read_signed_attrs(cms, content, pool));
    }
    SGN_X690_TRY(pool, BAD, "signature algorithm", sgn_x690_whole(&info, SGN_DER_SEQUENCE, &whole));
    SGN_TRY(sgn_algorithm_parse(&cms->algorithm, sgn_x690_bytes(whole), cms->digest, pool));
    SGN_X690_TRY(pool, BAD, "signature value", sgn_der_take(&info, SGN_DER_OCTET_STRING, &content));
    cms->value = sgn_x690_bytes(content);
    if (sgn_der_peek(&info) == SGN_DER_CONTEXT_CONSTRUCTED(1)) {
        SGN_X690_TRY(pool, BAD, "unsigned attributes", sgn_x690_whole(&info, SGN_DER_CONTEXT_CONSTRUCTED(1), &whole));
        cms->unsigned_attrs = retag(whole, pool);
        SGN_X690_TRY(pool, BAD, "unsigned attributes", sgn_der_take(&whole, SGN_DER_CONTEXT_CONSTRUCTED(1), &content));
        SGN_X690_TRY(pool, BAD, "unsigned attributes", read_unsigned_attrs(cms, content, pool));
    }
    SGN_X690_TRY(pool, BAD, "SignerInfo", sgn_der_end(&info));
    return NULL;
}

static int read_content(sgn_cms_t *cms, sgn_der_t *data, apr_pool_t *pool)
{
    sgn_der_t in, wrapped, content;

    SGN_FAULT_TRY(sgn_der_take(data, SGN_DER_SEQUENCE, &in));
    SGN_FAULT_TRY(sgn_x690_oid(&cms->content_type, &in, pool));
    if (sgn_x690_optional(&in, SGN_DER_CONTEXT_CONSTRUCTED(0), &wrapped)) {
        SGN_FAULT_TRY(sgn_der_take(&wrapped, SGN_DER_OCTET_STRING, &content));
        SGN_FAULT_TRY(sgn_der_end(&wrapped));
        cms->content = sgn_x690_bytes(content);
        cms->has_content = 1;
    }
    return sgn_der_end(&in);
}

/* [RFC 5652, 5.1] 4 and 5 say that a member of such a kind is there.  3 instead of
 * 1, and 1 in a time-stamp, which must be 3, are both written and both harmless:
 * no reader goes by it. */
static int is_version(long version, long highest)
{
    return version == 1 || version == 3 || (highest && version == highest);
}

/* [RFC 5652, 5.1, 5.3] digestAlgorithms names the digests of all signers, so that
 * they can be computed in one pass.  It may be empty, as some old producers leave
 * it; and it may name further ones.  But one that names others only contradicts
 * the SignerInfo, and a reader may refuse it. */
static int check_digests(sgn_cms_t *cms, sgn_der_t set, apr_pool_t *pool)
{
    int count = 0, listed = 0;

    while (set.left) {
        sgn_der_t whole, copy, identifier;
        const char *oid, *digest;
        int is_weak;

        SGN_FAULT_TRY(sgn_x690_whole(&set, SGN_DER_SEQUENCE, &whole));
        copy = whole;
        SGN_FAULT_TRY(sgn_der_take(&copy, SGN_DER_SEQUENCE, &identifier));
        SGN_FAULT_TRY(sgn_x690_oid(&oid, &identifier, pool));
        if (++count > DIGESTS)
            return SGN_FAULT_VALUE;
        /* one with wrong parameters is not that digest */
        listed |= cms->digest && !sgn_algorithm_digest(&digest, &is_weak, sgn_x690_bytes(whole), pool)
            && digest && strcmp(digest, cms->digest) == 0;
    }
    cms->digest_unlisted = count && cms->digest && !listed;
    return SGN_FAULT_NONE;
}

sgn_error_t *sgn_cms_parse(sgn_cms_t **out, sgn_bytes_t der, apr_pool_t *pool)
{
    sgn_cms_t *cms = apr_pcalloc(pool, sizeof *cms);
    sgn_der_t in = sgn_x690_der(der), content, data, digests;
    const char *oid;
    long version, highest = 0;

    if (der.len > SGN_CMS_LIMIT)
        return SGN_ERROR(pool, BAD, "signature block of %lu bytes", (unsigned long)der.len);
    SGN_X690_TRY(pool, BAD, "signature block", sgn_x690_strict(der));
    cms->der = der;
    cms->certs = apr_array_make(pool, 4, sizeof(sgn_cert_t *));
    cms->timestamps = apr_array_make(pool, 1, sizeof(sgn_bytes_t));
    cms->crls = apr_array_make(pool, 1, sizeof(sgn_bytes_t));
    cms->ocsps = apr_array_make(pool, 1, sizeof(sgn_bytes_t));
    SGN_X690_TRY(pool, BAD, "ContentInfo", sgn_der_take(&in, SGN_DER_SEQUENCE, &content));
    SGN_X690_TRY(pool, BAD, "ContentInfo", sgn_x690_oid(&oid, &content, pool));
    if (strcmp(oid, OID_SIGNED_DATA))
        return SGN_ERROR(pool, BAD, "content type %s", oid);
    SGN_X690_TRY(pool, BAD, "ContentInfo", sgn_der_take(&content, SGN_DER_CONTEXT_CONSTRUCTED(0), &in));
    SGN_X690_TRY(pool, BAD, "ContentInfo", sgn_der_end(&content));
    SGN_X690_TRY(pool, BAD, "SignedData", sgn_der_take(&in, SGN_DER_SEQUENCE, &data));
    SGN_X690_TRY(pool, BAD, "SignedData", sgn_der_end(&in));
    SGN_X690_TRY(pool, BAD, "SignedData version", sgn_der_small(&data, &version));
    SGN_X690_TRY(pool, BAD, "digest algorithms", sgn_der_take(&data, SGN_DER_SET, &digests));
    SGN_X690_TRY(pool, BAD, "content", read_content(cms, &data, pool));
    if (sgn_x690_optional(&data, SGN_DER_CONTEXT_CONSTRUCTED(0), &content))
        SGN_X690_TRY(pool, BAD, "certificates", read_certs(cms, &highest, content, pool));
    if (sgn_x690_optional(&data, SGN_DER_CONTEXT_CONSTRUCTED(1), &content))
        SGN_X690_TRY(pool, BAD, "revocation information", read_crls(cms, &highest, content, pool));
    if (!is_version(version, highest))
        return SGN_ERROR(pool, BAD, "SignedData version %ld", version);
    SGN_X690_TRY(pool, BAD, "SignerInfos", sgn_der_take(&data, SGN_DER_SET, &content));
    SGN_X690_TRY(pool, BAD, "SignedData", sgn_der_end(&data));
    SGN_TRY(read_signer(cms, content, pool));
    SGN_X690_TRY(pool, BAD, "digest algorithms", check_digests(cms, digests, pool));
    SGN_TRY(sgn_cms_ess_read(cms, pool));
    *out = cms;
    return NULL;
}

int sgn_cms_attribute(sgn_bytes_t *out, const sgn_cms_t *cms, const char *oid, apr_pool_t *pool)
{
    sgn_der_t set = sgn_x690_der(cms->signed_attrs), list, values, value, whole;
    const char *found;
    unsigned tag;
    int hits = 0;

    if (!cms->signed_attrs.len || sgn_der_take(&set, SGN_DER_SET, &list))
        return 0;
    while (list.left) {
        if (take_attribute(&found, &values, &list, pool))
            return 0;
        if (strcmp(found, oid))
            continue;
        if (hits++ || sgn_der_any(&values, &tag, &value, &whole) || values.left)
            return 0;
        *out = sgn_x690_bytes(whole);
    }
    return hits == 1;
}

static void add(sgn_cms_check_t *check, sgn_code_t code)
{
    size_t i = 0;

    while (check->codes[i] != SGN_OK)
        i++;
    if (i + 1 < sizeof check->codes / sizeof check->codes[0])
        check->codes[i] = code;
}

sgn_error_t *sgn_cms_check(sgn_cms_check_t *out, const sgn_cms_t *cms, sgn_bytes_t content_digest, apr_pool_t *pool)
{
    sgn_cms_check_t check = { 0 };
    int attributes = cms->signed_attrs.len > 0;

    (void)pool;
    /* [EN 319 102-1, 5.2.7] */
    check.digest = cms->digest && content_digest.len
        && (!attributes || sgn_bytes_equal(cms->message_digest, content_digest));
    if (cms->signer)
        check.value = attributes
            ? sgn_algorithm_verify(&cms->algorithm, cms->signer->key, cms->signed_attrs, cms->value)
            : sgn_algorithm_verify_digest(&cms->algorithm, cms->signer->key, content_digest, cms->value);
    if (!check.digest)
        add(&check, SGN_F_DIGEST);
    if (!check.value)
        add(&check, SGN_F_VALUE);
    if (!attributes || cms->attributes_wrong)
        add(&check, SGN_F_ATTRIBUTES);
    if (cms->digest_unlisted)
        add(&check, SGN_F_DIGEST_UNLISTED);
    /* [EN 319 122-1, 5.2.2] without it the certificate could be exchanged */
    if (cms->ess == SGN_CMS_ESS_MISSING)
        add(&check, SGN_F_ESS_MISSING);
    if (cms->ess == SGN_CMS_ESS_DIFFERS)
        add(&check, SGN_F_ESS_DIFFERS);
    /* [TT 15/2025, Phụ lục] */
    if (cms->digest_weak || cms->algorithm.weak || (cms->signer && sgn_cert_strength(cms->signer) != SGN_OK))
        add(&check, SGN_F_ALGORITHM);
    else if (cms->algorithm.scheme == SGN_ALGORITHM_PKCS1)
        add(&check, SGN_F_ALGORITHM_LEGACY);
    *out = check;
    return NULL;
}
