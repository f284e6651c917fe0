/*
 * cms.h: the SignedData of one signature.  [RFC 5652, EN 319 122-1]
 *
 * Strict: DER with definite lengths, versions as they must be, exactly one
 * SignerInfo, nothing behind.
 * Both wrappings of a PDF: ETSI.CAdES.detached and adbe.pkcs7.detached; and
 * with content inside, for time-stamp tokens.
 *
 * Order of use: trim (PDF's padding), parse; digest the content with
 * cms->digest; check.  Trust in `signer` comes from path.h and revocation.h.
 *
 * Borrows the bytes it was given.
 */
#ifndef SGN_LOOK_PKI_CMS_H
#define SGN_LOOK_PKI_CMS_H

#include <apr_tables.h>

#include "look/pki/algorithm.h"
#include "look/pki/cert.h"

#define SGN_CMS_LIMIT (2 * 1024 * 1024)
#define SGN_CMS_CERTS 32

typedef enum { SGN_CMS_ESS_MISSING, SGN_CMS_ESS_RIGHT, SGN_CMS_ESS_DIFFERS } sgn_cms_ess_t;

typedef struct {
    sgn_bytes_t der;
    const char *content_type;       /* eContentType, dotted */
    sgn_bytes_t content;            /* eContent, empty when detached */
    int has_content;

    sgn_bytes_t signed_attrs;       /* DER SET OF, tag 0x31: what was signed; empty: none */
    sgn_bytes_t unsigned_attrs;     /* the same shape; empty: none */
    const char *digest;             /* "SHA256"; NULL: unknown algorithm */
    int digest_weak;
    int digest_unlisted;            /* digestAlgorithms names others, and not this one */
    sgn_bytes_t message_digest;     /* empty: absent */
    int attributes_wrong;           /* one missing, twice, or contentType of something else */
    sgn_algorithm_t algorithm;
    sgn_bytes_t value;
    apr_time_t claimed;             /* signing-time, 0: none; never proof */

    sgn_cert_t *signer;             /* the certificate the SignerInfo names; NULL: not supplied */
    apr_array_header_t *certs;      /* sgn_cert_t *, signer included; unreadable ones are left out */
    sgn_cms_ess_t ess;
    int ess_version;                /* 1 or 2, 0: none */

    apr_array_header_t *timestamps; /* sgn_bytes_t: signature time-stamp tokens, at most 4 */
    apr_array_header_t *crls;       /* sgn_bytes_t from [1] crls and adbe-revocationInfoArchival */
    apr_array_header_t *ocsps;      /* sgn_bytes_t, OCSPResponse or BasicOCSPResponse */
} sgn_cms_t;

/* The bytes of the first DER value; what follows must be zeros (the padding of
 * /Contents), else SGN_F_CMS_UNREADABLE. */
sgn_error_t *sgn_cms_trim(sgn_bytes_t *out, sgn_bytes_t padded, apr_pool_t *pool);

/* SGN_F_CMS_UNREADABLE. */
sgn_error_t *sgn_cms_parse(sgn_cms_t **out, sgn_bytes_t der, apr_pool_t *pool);

/* The one value of a signed attribute by dotted OID; 0: absent. */
int sgn_cms_attribute(sgn_bytes_t *out, const sgn_cms_t *cms, const char *oid, apr_pool_t *pool);

/* Integrity and binding, independent of trust. */
typedef struct {
    int digest;                     /* 1: messageDigest is the content's digest */
    int value;                      /* 1: value verifies over the signed attributes */
    sgn_code_t codes[8];            /* findings, SGN_OK ends: F_DIGEST, F_VALUE, F_ESS_MISSING,
                                     * F_ESS_DIFFERS, F_ATTRIBUTES, F_DIGEST_UNLISTED, F_ALGORITHM,
                                     * F_ALGORITHM_LEGACY */
} sgn_cms_check_t;

/* content_digest: over the content with cms->digest.  Intact is digest && value. */
sgn_error_t *sgn_cms_check(sgn_cms_check_t *out, const sgn_cms_t *cms, sgn_bytes_t content_digest, apr_pool_t *pool);

typedef struct {
    sgn_bytes_t dtbs;               /* SET OF Attribute, tag 0x31 */
    sgn_bytes_t value;
    const char *algorithm;          /* dotted: 1.2.840.113549.1.1.10, .11 or 1.2.840.10045.4.3.2 */
    sgn_bytes_t certificate;
    const apr_array_header_t *chain;    /* sgn_bytes_t, further certificates, may be NULL */
    sgn_bytes_t token;              /* time-stamp over the value, empty: none */
} sgn_cms_parts_t;

/* A detached SignedData with SHA-256, DER.  The parts are not verified. */
sgn_error_t *sgn_cms_build(sgn_bytes_t *out, const sgn_cms_parts_t *parts, apr_pool_t *pool);

#endif
