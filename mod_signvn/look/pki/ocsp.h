/*
 * ocsp.h: requests to and answers of an OCSP responder.  [RFC 6960]
 *
 * Order of use: request (to ask); parse, verify, then read `status`.
 * sgn_ocsp_verify() accepts a signature by the issuer of the certificate, or by
 * a delegate whose certificate that same issuer's key signed, with the extended
 * key usage OCSPSigning, valid when the answer was made.  Nobody else.
 *
 * Not checked here: windows of time, the delegate's own revocation (`delegate`
 * without ocsp_no_check: the caller must), freshness without a nonce.
 *
 * Borrows the bytes it was given.
 */
#ifndef SGN_LOOK_PKI_OCSP_H
#define SGN_LOOK_PKI_OCSP_H

#include <apr_tables.h>

#include "look/pki/algorithm.h"
#include "look/pki/cert.h"

#define SGN_OCSP_LIMIT (256 * 1024)

typedef enum { SGN_OCSP_GOOD, SGN_OCSP_REVOKED, SGN_OCSP_UNKNOWN } sgn_ocsp_status_t;

typedef struct {
    sgn_bytes_t id;                 /* CertID, whole */
    sgn_ocsp_status_t status;
    apr_time_t revoked;
    int reason;                     /* 0 when not stated */
    apr_time_t this_update, next_update;    /* next_update 0: absent */
    apr_time_t archive_cutoff;      /* 0: absent */
} sgn_ocsp_single_t;

typedef struct {
    sgn_bytes_t der, tbs;
    sgn_algorithm_t algorithm;
    sgn_bytes_t value;
    apr_time_t produced;
    sgn_bytes_t by_name, by_key;    /* ResponderID: one of them */
    sgn_bytes_t nonce;              /* empty: absent */
    apr_array_header_t *singles;    /* sgn_ocsp_single_t, at most 32 */
    apr_array_header_t *certs;      /* sgn_bytes_t, at most 8 */
    sgn_cert_t *delegate;           /* set by verify; NULL: the issuer signed */
} sgn_ocsp_t;

/* An OCSPRequest for one certificate; nonce of 1-32 bytes or empty. */
sgn_error_t *sgn_ocsp_request(sgn_bytes_t *out, const sgn_cert_t *cert, const sgn_cert_t *issuer,
                              sgn_bytes_t nonce, apr_pool_t *pool);
/* The nonce and CertID of a request of ours. */
sgn_error_t *sgn_ocsp_request_read(sgn_bytes_t *id, sgn_bytes_t *nonce, sgn_bytes_t request, apr_pool_t *pool);

/* An OCSPResponse (or a bare BasicOCSPResponse, as CMS carries it) with status
 * successful and a basic response; else SGN_EVIDENCE_BAD. */
sgn_error_t *sgn_ocsp_parse(sgn_ocsp_t **out, sgn_bytes_t der, apr_pool_t *pool);
/* SGN_EVIDENCE_BAD unless signed as above. */
sgn_error_t *sgn_ocsp_verify(sgn_ocsp_t *ocsp, const sgn_cert_t *issuer, apr_pool_t *pool);
/* The answer about this certificate of this issuer; NULL: none. */
const sgn_ocsp_single_t *sgn_ocsp_find(const sgn_ocsp_t *ocsp, const sgn_cert_t *cert, const sgn_cert_t *issuer);

/* The cache key: issuer key, issuer name, serial. */
sgn_error_t *sgn_ocsp_key(const char **out, const sgn_cert_t *cert, const sgn_cert_t *issuer, apr_pool_t *pool);

#endif
