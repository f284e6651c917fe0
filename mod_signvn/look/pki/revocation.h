/*
 * revocation.h: was a certificate revoked at the time that counts?
 *
 * Judged from a set of evidence (CRLs, OCSP answers) and three facts: the time
 * of judgement, whether that time is proved, and now.  Evidence is verified
 * here, each time.  What is not there is named in `missing`, for the keeper to
 * fetch.  No evidence is UNKNOWN, never good.
 *
 * Rules [EN 319 102-1, 5.2.5; THREATS A13, A14]
 *  - time not proved: evidence must be in its window now;
 *  - time proved: evidence made at or after it, or in its window then;
 *  - the newest thisUpdate counts, but a revocation found anywhere stays;
 *  - revoked after the proved time, not for compromise of the key: good;
 *  - a certificate on hold is not valid.
 *
 * Order of use: set_make, set_add (each), check per certificate of a path, or
 * sgn_revocation_path() for all of them.
 */
#ifndef SGN_LOOK_PKI_REVOCATION_H
#define SGN_LOOK_PKI_REVOCATION_H

#include "look/pki/crl.h"
#include "look/pki/ocsp.h"
#include "look/pki/path.h"

#define SGN_REVOCATION_EVIDENCE 64      /* pieces in a set; more are passed over */

typedef enum { SGN_REVOCATION_CRL, SGN_REVOCATION_OCSP } sgn_revocation_kind_t;
typedef enum { SGN_REVOCATION_UNKNOWN, SGN_REVOCATION_GOOD, SGN_REVOCATION_REVOKED, SGN_REVOCATION_HOLD } sgn_revocation_status_t;

typedef struct sgn_revocation_set_t sgn_revocation_set_t;

sgn_revocation_set_t *sgn_revocation_set_make(apr_pool_t *pool);
/* Evidence that cannot be read is left out: a document may carry rubbish.
 * *used (may be NULL): was it readable?  Borrows der. */
void sgn_revocation_set_add(int *used, sgn_revocation_set_t *set, sgn_revocation_kind_t kind, sgn_bytes_t der);

typedef struct {
    apr_time_t time;                    /* of judgement */
    int proven;                         /* by a verified time-stamp or our own receipt */
    apr_time_t now;
    sgn_bytes_t seed;                   /* makes the nonces of requests; empty: random */
} sgn_revocation_when_t;

typedef struct {
    sgn_revocation_kind_t kind;
    const char *key;                    /* of the cache */
    const char *const *urls;            /* NULL-terminated; http and https only */
    sgn_bytes_t request;                /* OCSP */
    const sgn_cert_t *issuer, *cert;
} sgn_revocation_missing_t;

typedef struct {
    sgn_revocation_status_t status;     /* what the evidence says about the time of judgement */
    sgn_code_t code;                    /* SGN_OK, SGN_F_CERT_REVOKED, SGN_F_CERT_HOLD,
                                         * SGN_F_REVOKED_NO_POE, SGN_F_REVOCATION_UNKNOWN */
    const sgn_cert_t *cert;
    apr_time_t revoked;                 /* 0: not revoked; may lie after the time of judgement */
    int reason;
    const char *source;                 /* "CRL", "OCSP"; NULL: none */
    apr_time_t produced;                /* thisUpdate or producedAt */
    sgn_bytes_t evidence;               /* the piece that decided */
    const char *detail;                 /* why evidence was not usable */
} sgn_revocation_t;

/* missing: array of sgn_revocation_missing_t, appended to without doubles; may be NULL. */
sgn_error_t *sgn_revocation_check(sgn_revocation_t *out, apr_array_header_t *missing,
                                  sgn_revocation_set_t *set, const sgn_cert_t *cert, const sgn_cert_t *issuer,
                                  const sgn_revocation_when_t *when, apr_pool_t *pool);

/* Every certificate of the path but the anchor, leaf first; *out: array of
 * sgn_revocation_t; *worst: the gravest code (revoked before hold before
 * unknown).  A path that leads to no anchor is not asked about: nobody fetches
 * what a stranger names. */
sgn_error_t *sgn_revocation_path(apr_array_header_t **out, sgn_code_t *worst, apr_array_header_t *missing,
                                 sgn_revocation_set_t *set, const sgn_path_t *path,
                                 const sgn_revocation_when_t *when, apr_pool_t *pool);

/* The same for a time-stamp server: its anchor is chosen for this server alone,
 * so a certificate that names no place of publication is taken as it is. */
sgn_error_t *sgn_revocation_tsa_path(apr_array_header_t **out, sgn_code_t *worst, apr_array_header_t *missing,
                                     sgn_revocation_set_t *set, const sgn_path_t *path,
                                     const sgn_revocation_when_t *when, apr_pool_t *pool);

/* Does the certificate say where its status is published? */
int sgn_revocation_published(const sgn_cert_t *cert);

apr_array_header_t *sgn_revocation_missing_make(apr_pool_t *pool);

/* Judges one fetched piece before it may be kept: readable, about `cert`,
 * signed for `issuer`, in its window now; an OCSP answer carries the nonce of
 * `request` or was made within five minutes.  SGN_EVIDENCE_BAD. */
typedef struct {
    const char *key;
    apr_time_t this_update, next_update;
    const char *number;                 /* CRL, may be NULL */
} sgn_revocation_admitted_t;
sgn_error_t *sgn_revocation_admit(sgn_revocation_admitted_t *out, sgn_revocation_kind_t kind, sgn_bytes_t der,
                                  sgn_bytes_t request, const sgn_cert_t *cert, const sgn_cert_t *issuer,
                                  apr_time_t now, apr_pool_t *pool);

#endif
