/*
 * path.h: the certification path of a certificate to configured anchors.
 *
 * Only the anchors given to sgn_path_store_make() are trusted; nothing is read
 * from files or the network.  Checked as RFC 5280, 6.1 for every certificate at
 * one given time: signatures, validity, names, basic constraints, path length,
 * key usage, name constraints, no unknown critical extension, algorithm
 * strength of all but the anchor.
 *
 * Not checked: revocation (revocation.h), certificate policies.
 *
 * Order of use: store once per task, build per certificate.
 */
#ifndef SGN_LOOK_PKI_PATH_H
#define SGN_LOOK_PKI_PATH_H

#include <apr_tables.h>

#include "look/pki/cert.h"

#define SGN_PATH_DEPTH 8            /* certificates in a path */
#define SGN_PATH_OFFERED 32         /* certificates looked at from the document */

typedef struct sgn_path_store_t sgn_path_store_t;

typedef enum {
    SGN_PATH_SIGNER,                /* documents: sgn_cert_usage() */
    SGN_PATH_TIMESTAMP,             /* EKU timeStamping, critical and sole [RFC 3161, 2.3] */
    SGN_PATH_ANY                    /* the caller judges the purpose */
} sgn_path_purpose_t;

/* SGN_OK or one of SGN_F_PATH_NONE, SGN_F_PATH_INVALID, SGN_F_CERT_EXPIRED
 * (the certificate itself, at the time asked for), SGN_F_CERT_USAGE,
 * SGN_F_ALGORITHM; detail names the certificate and the reason. */
typedef struct {
    sgn_code_t code;
    const char *detail;
    sgn_cert_t **certs;             /* leaf first, anchor last; as far as it was built */
    int count;
    const char *provider;           /* "official", "public", "other"; NULL without an anchor [SV-F02] */
} sgn_path_t;

/* Anchors and intermediates as DER (sgn_bytes_t arrays); one that cannot be
 * read is an error: it is the administrator's. */
sgn_error_t *sgn_path_store_make(sgn_path_store_t **out, const apr_array_header_t *anchors,
                                 const apr_array_header_t *intermediates, apr_pool_t *pool);

/* offered: sgn_cert_t * from the document, may be NULL; never trusted. */
sgn_error_t *sgn_path_build(sgn_path_t **out, sgn_path_store_t *store, const sgn_cert_t *cert,
                            const apr_array_header_t *offered, sgn_path_purpose_t purpose,
                            apr_time_t at, apr_pool_t *pool);

#endif
