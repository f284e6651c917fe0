/* ocsp.c: answers of an OCSP responder.  [RFC 6960, 4.2] */
#include "look/pki/ocsp.h"

#include <string.h>

#include <apr_strings.h>

#include "crypto/digest.h"
#include "look/pki/x690.h"

#define BAD SGN_EVIDENCE_BAD
#define OID_BASIC "1.3.6.1.5.5.7.48.1.1"
#define OID_NONCE "1.3.6.1.5.5.7.48.1.2"
#define OID_ARCHIVE_CUTOFF "1.3.6.1.5.5.7.48.1.6"
#define SINGLES 32
#define CERTS 8
#define ENUMERATED 0x0a

static int single_extensions(sgn_ocsp_single_t *single, int *unsupported, sgn_der_t wrapped, apr_pool_t *pool)
{
    sgn_der_t list, value, content;
    const char *oid;
    int critical;
    unsigned tag;

    SGN_FAULT_TRY(sgn_der_take(&wrapped, SGN_DER_SEQUENCE, &list));
    while (list.left) {
        SGN_FAULT_TRY(sgn_x690_extension(&oid, &critical, &value, &list, pool));
        if (!strcmp(oid, OID_ARCHIVE_CUTOFF)) {
            SGN_FAULT_TRY(sgn_der_any(&value, &tag, &content, NULL));
            SGN_FAULT_TRY(sgn_x690_time_content(&single->archive_cutoff, tag, content));
        }
        else if (critical)
            *unsupported = 1;
    }
    return SGN_FAULT_NONE;
}

/* SingleResponse ::= SEQUENCE { CertID, CertStatus, thisUpdate,
 * nextUpdate [0] OPTIONAL, singleExtensions [1] OPTIONAL } */
static int read_single(sgn_ocsp_single_t *single, int *unsupported, sgn_der_t *list, apr_pool_t *pool)
{
    sgn_der_t in, id, content, reason;
    unsigned tag;

    SGN_FAULT_TRY(sgn_der_take(list, SGN_DER_SEQUENCE, &in));
    SGN_FAULT_TRY(sgn_x690_whole(&in, SGN_DER_SEQUENCE, &id));
    single->id = sgn_x690_bytes(id);
    SGN_FAULT_TRY(sgn_der_any(&in, &tag, &content, NULL));
    if (tag == SGN_DER_CONTEXT(0) && content.left == 0)
        single->status = SGN_OCSP_GOOD;
    else if (tag == SGN_DER_CONTEXT(2) && content.left == 0)
        single->status = SGN_OCSP_UNKNOWN;
    else if (tag == SGN_DER_CONTEXT_CONSTRUCTED(1)) {
        single->status = SGN_OCSP_REVOKED;
        SGN_FAULT_TRY(sgn_x690_time(&single->revoked, &content));
        if (sgn_x690_optional(&content, SGN_DER_CONTEXT_CONSTRUCTED(0), &reason)) {
            SGN_FAULT_TRY(sgn_x690_enumerated(&single->reason, &reason));
            SGN_FAULT_TRY(sgn_der_end(&reason));
        }
        SGN_FAULT_TRY(sgn_der_end(&content));
    }
    else
        return SGN_FAULT_VALUE;
    SGN_FAULT_TRY(sgn_x690_time(&single->this_update, &in));
    if (sgn_x690_optional(&in, SGN_DER_CONTEXT_CONSTRUCTED(0), &content)) {
        SGN_FAULT_TRY(sgn_x690_time(&single->next_update, &content));
        SGN_FAULT_TRY(sgn_der_end(&content));
    }
    if (sgn_x690_optional(&in, SGN_DER_CONTEXT_CONSTRUCTED(1), &content))
        SGN_FAULT_TRY(single_extensions(single, unsupported, content, pool));
    return sgn_der_end(&in);
}

static int read_extensions(sgn_ocsp_t *ocsp, int *unsupported, sgn_der_t wrapped, apr_pool_t *pool)
{
    sgn_der_t list, value, nonce;
    const char *oid;
    int critical;

    SGN_FAULT_TRY(sgn_der_take(&wrapped, SGN_DER_SEQUENCE, &list));
    SGN_FAULT_TRY(sgn_der_end(&wrapped));
    while (list.left) {
        SGN_FAULT_TRY(sgn_x690_extension(&oid, &critical, &value, &list, pool));
        if (!strcmp(oid, OID_NONCE)) {
            /* [RFC 8954] an OCTET STRING in the OCTET STRING */
            SGN_FAULT_TRY(sgn_der_take(&value, SGN_DER_OCTET_STRING, &nonce));
            SGN_FAULT_TRY(sgn_der_end(&value));
            ocsp->nonce = sgn_x690_bytes(nonce);
        }
        else if (critical)
            *unsupported = 1;
    }
    return SGN_FAULT_NONE;
}

/* ResponseData ::= SEQUENCE { version [0] DEFAULT v1, responderID, producedAt,
 * responses SEQUENCE OF, extensions [1] OPTIONAL } */
static int read_data(sgn_ocsp_t *ocsp, int *unsupported, sgn_der_t whole, apr_pool_t *pool)
{
    sgn_der_t in, content, list;

    SGN_FAULT_TRY(sgn_der_take(&whole, SGN_DER_SEQUENCE, &in));
    if (sgn_x690_optional(&in, SGN_DER_CONTEXT_CONSTRUCTED(0), &content)) {
        long version;

        SGN_FAULT_TRY(sgn_der_small(&content, &version));
        if (version != 0)
            return SGN_FAULT_VALUE;
    }
    if (sgn_x690_optional(&in, SGN_DER_CONTEXT_CONSTRUCTED(1), &content)) {
        SGN_FAULT_TRY(sgn_x690_whole(&content, SGN_DER_SEQUENCE, &list));
        ocsp->by_name = sgn_x690_bytes(list);
    }
    else {
        SGN_FAULT_TRY(sgn_der_take(&in, SGN_DER_CONTEXT_CONSTRUCTED(2), &content));
        SGN_FAULT_TRY(sgn_der_take(&content, SGN_DER_OCTET_STRING, &list));
        ocsp->by_key = sgn_x690_bytes(list);
    }
    SGN_FAULT_TRY(sgn_x690_time(&ocsp->produced, &in));
    SGN_FAULT_TRY(sgn_der_take(&in, SGN_DER_SEQUENCE, &list));
    while (list.left) {
        sgn_ocsp_single_t single = { .status = SGN_OCSP_UNKNOWN };

        if (ocsp->singles->nelts >= SINGLES)
            return SGN_FAULT_LIMIT;
        SGN_FAULT_TRY(read_single(&single, unsupported, &list, pool));
        APR_ARRAY_PUSH(ocsp->singles, sgn_ocsp_single_t) = single;
    }
    if (sgn_x690_optional(&in, SGN_DER_CONTEXT_CONSTRUCTED(1), &content))
        SGN_FAULT_TRY(read_extensions(ocsp, unsupported, content, pool));
    return sgn_der_end(&in);
}

/* BasicOCSPResponse ::= SEQUENCE { tbs, algorithm, BIT STRING, certs [0] } */
static sgn_error_t *read_basic(sgn_ocsp_t *ocsp, sgn_der_t in, apr_pool_t *pool)
{
    sgn_der_t basic, whole, algorithm, content, list;
    int unsupported = 0;

    SGN_X690_TRY(pool, BAD, "OCSP response", sgn_der_take(&in, SGN_DER_SEQUENCE, &basic));
    SGN_X690_TRY(pool, BAD, "OCSP response", sgn_der_end(&in));
    SGN_X690_TRY(pool, BAD, "OCSP response", sgn_x690_whole(&basic, SGN_DER_SEQUENCE, &whole));
    ocsp->tbs = sgn_x690_bytes(whole);
    SGN_X690_TRY(pool, BAD, "OCSP data", read_data(ocsp, &unsupported, whole, pool));
    SGN_X690_TRY(pool, BAD, "OCSP algorithm", sgn_x690_whole(&basic, SGN_DER_SEQUENCE, &algorithm));
    SGN_TRY(sgn_algorithm_parse(&ocsp->algorithm, sgn_x690_bytes(algorithm), NULL, pool));
    SGN_X690_TRY(pool, BAD, "OCSP signature", sgn_der_bits(&basic, &content));
    ocsp->value = sgn_x690_bytes(content);
    if (sgn_x690_optional(&basic, SGN_DER_CONTEXT_CONSTRUCTED(0), &content)) {
        SGN_X690_TRY(pool, BAD, "OCSP certificates", sgn_der_take(&content, SGN_DER_SEQUENCE, &list));
        while (list.left && ocsp->certs->nelts < CERTS) {
            SGN_X690_TRY(pool, BAD, "OCSP certificate", sgn_x690_whole(&list, SGN_DER_SEQUENCE, &whole));
            APR_ARRAY_PUSH(ocsp->certs, sgn_bytes_t) = sgn_x690_bytes(whole);
        }
    }
    SGN_X690_TRY(pool, BAD, "OCSP response", sgn_der_end(&basic));
    if (unsupported)
        return SGN_ERROR(pool, BAD, "OCSP response with an unknown critical extension");
    return NULL;
}

sgn_error_t *sgn_ocsp_parse(sgn_ocsp_t **out, sgn_bytes_t der, apr_pool_t *pool)
{
    sgn_ocsp_t *ocsp = apr_pcalloc(pool, sizeof *ocsp);
    sgn_der_t in = sgn_x690_der(der), response, wrapped, content;
    const char *oid;
    int status;

    if (der.len > SGN_OCSP_LIMIT)
        return SGN_ERROR(pool, BAD, "OCSP response of %lu bytes", (unsigned long)der.len);
    ocsp->der = der;
    ocsp->singles = apr_array_make(pool, 1, sizeof(sgn_ocsp_single_t));
    ocsp->certs = apr_array_make(pool, 2, sizeof(sgn_bytes_t));
    SGN_X690_TRY(pool, BAD, "OCSP response", sgn_der_take(&in, SGN_DER_SEQUENCE, &response));
    SGN_X690_TRY(pool, BAD, "OCSP response", sgn_der_end(&in));
    if (sgn_der_peek(&response) == ENUMERATED) {
        SGN_X690_TRY(pool, BAD, "OCSP status", sgn_x690_enumerated(&status, &response));
        if (status != 0)
            return SGN_ERROR(pool, BAD, "OCSP responder answered status %d", status);
        SGN_X690_TRY(pool, BAD, "OCSP response", sgn_der_take(&response, SGN_DER_CONTEXT_CONSTRUCTED(0), &wrapped));
        SGN_X690_TRY(pool, BAD, "OCSP response", sgn_der_end(&response));
        SGN_X690_TRY(pool, BAD, "OCSP response", sgn_der_take(&wrapped, SGN_DER_SEQUENCE, &content));
        SGN_X690_TRY(pool, BAD, "OCSP response", sgn_der_end(&wrapped));
        SGN_X690_TRY(pool, BAD, "OCSP response", sgn_x690_oid(&oid, &content, pool));
        if (strcmp(oid, OID_BASIC))
            return SGN_ERROR(pool, BAD, "OCSP response type %s", oid);
        SGN_X690_TRY(pool, BAD, "OCSP response", sgn_der_take(&content, SGN_DER_OCTET_STRING, &in));
        SGN_X690_TRY(pool, BAD, "OCSP response", sgn_der_end(&content));
    }
    else
        in = sgn_x690_der(der);
    SGN_TRY(read_basic(ocsp, in, pool));
    *out = ocsp;
    return NULL;
}

static int names_responder(const sgn_ocsp_t *ocsp, const sgn_cert_t *cert)
{
    unsigned char digest[64];

    if (ocsp->by_name.len)
        return sgn_bytes_equal(ocsp->by_name, cert->subject);
    /* [RFC 6960, 4.2.1] KeyHash: SHA-1 of the key's BIT STRING content */
    return sgn_algorithm_hash(digest, "SHA1", cert->key_bits_bytes) == 20
        && sgn_bytes_equal(ocsp->by_key, sgn_bytes(digest, 20));
}

sgn_error_t *sgn_ocsp_verify(sgn_ocsp_t *ocsp, const sgn_cert_t *issuer, apr_pool_t *pool)
{
    if (ocsp->algorithm.weak)
        return SGN_ERROR(pool, BAD, "OCSP response signed with %s", sgn_algorithm_text(&ocsp->algorithm, pool));
    ocsp->delegate = NULL;
    if (names_responder(ocsp, issuer)
        && sgn_algorithm_verify(&ocsp->algorithm, issuer->key, ocsp->tbs, ocsp->value))
        return NULL;
    for (int i = 0; i < ocsp->certs->nelts; i++) {
        sgn_cert_t *cert;

        if (sgn_cert_parse(&cert, APR_ARRAY_IDX(ocsp->certs, i, sgn_bytes_t), pool) || !names_responder(ocsp, cert))
            continue;
        /* [RFC 6960, 4.2.2.2] a delegate of this very issuer, for this purpose */
        if (!cert->has_eku || !(cert->eku & SGN_CERT_EKU_OCSP) || !sgn_cert_is_issued_by(cert, issuer))
            return SGN_ERROR(pool, BAD, "OCSP responder is no delegate of the issuer");
        if (cert->has_key_usage && !(cert->key_usage & (SGN_CERT_KU_DIGITAL_SIGNATURE | SGN_CERT_KU_NON_REPUDIATION)))
            return SGN_ERROR(pool, BAD, "OCSP responder may not sign");
        if (ocsp->produced < cert->not_before || ocsp->produced > cert->not_after || sgn_cert_strength(cert) != SGN_OK)
            return SGN_ERROR(pool, BAD, "OCSP responder's certificate was not valid when it answered");
        if (!sgn_algorithm_verify(&ocsp->algorithm, cert->key, ocsp->tbs, ocsp->value))
            return SGN_ERROR(pool, BAD, "OCSP signature does not verify");
        ocsp->delegate = cert;
        return NULL;
    }
    return SGN_ERROR(pool, BAD, "OCSP response of an unknown responder");
}

/* CertID ::= SEQUENCE { AlgorithmIdentifier, issuerNameHash, issuerKeyHash, serialNumber } */
static int is_about(sgn_bytes_t id, const sgn_cert_t *cert, const sgn_cert_t *issuer)
{
    sgn_der_t in = sgn_x690_der(id), content, algorithm, name, key, serial;
    unsigned char digest[64];
    char oid[SGN_X690_OID_TEXT];
    const char *hash;
    size_t len;

    if (sgn_der_take(&in, SGN_DER_SEQUENCE, &content) || sgn_der_take(&content, SGN_DER_SEQUENCE, &algorithm)
        || sgn_der_take(&content, SGN_DER_OCTET_STRING, &name) || sgn_der_take(&content, SGN_DER_OCTET_STRING, &key)
        || sgn_der_take(&content, SGN_DER_INTEGER, &serial) || sgn_der_end(&content)
        || sgn_der_take(&algorithm, SGN_DER_OID, &in) || sgn_der_oid_text(oid, sizeof oid, in))
        return 0;
    hash = sgn_algorithm_digest_of(oid);
    while (serial.left > 1 && serial.at[0] == 0) {
        serial.at++;
        serial.left--;
    }
    if (!hash || !sgn_der_equal(serial, cert->serial_bytes.data, cert->serial_bytes.len))
        return 0;
    len = sgn_algorithm_hash(digest, hash, issuer->subject);
    if (!len || !sgn_der_equal(name, digest, len))
        return 0;
    len = sgn_algorithm_hash(digest, hash, issuer->key_bits_bytes);
    return len && sgn_der_equal(key, digest, len);
}

const sgn_ocsp_single_t *sgn_ocsp_find(const sgn_ocsp_t *ocsp, const sgn_cert_t *cert, const sgn_cert_t *issuer)
{
    for (int i = 0; i < ocsp->singles->nelts; i++) {
        const sgn_ocsp_single_t *single = &APR_ARRAY_IDX(ocsp->singles, i, sgn_ocsp_single_t);

        if (is_about(single->id, cert, issuer))
            return single;
    }
    return NULL;
}

sgn_error_t *sgn_ocsp_key(const char **out, const sgn_cert_t *cert, const sgn_cert_t *issuer, apr_pool_t *pool)
{
    sgn_buf_t *buf = sgn_buf_make(0, pool);
    sgn_bytes_t text;
    const char *digest;

    sgn_buf_add(buf, issuer->spki.data, issuer->spki.len);
    sgn_buf_add(buf, issuer->subject.data, issuer->subject.len);
    sgn_buf_str(buf, cert->serial);
    SGN_TRY(sgn_buf_bytes(&text, buf));
    SGN_TRY(sgn_digest_sha256_hex(&digest, text.data, text.len, pool));
    *out = apr_pstrcat(pool, "ocsp:", digest, NULL);
    return NULL;
}
