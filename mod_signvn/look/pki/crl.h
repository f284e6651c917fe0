/*
 * crl.h: one certificate revocation list, searched in place.
 *
 * The list is never turned into objects: entries are walked in the DER, so a
 * list of 100 000 entries costs its bytes and one pass.
 *
 * Order of use: parse, verify (signature by the issuer), covers (is this the
 * list for that certificate?), find.
 *
 * Not supported, therefore never "good": delta lists, indirect lists, lists of
 * some reasons only, attribute certificates, unknown critical extensions.
 * Windows of time are judged by the caller.
 *
 * Borrows the bytes it was given.
 */
#ifndef SGN_LOOK_PKI_CRL_H
#define SGN_LOOK_PKI_CRL_H

#include "look/pki/algorithm.h"
#include "look/pki/cert.h"

#define SGN_CRL_LIMIT (32 * 1024 * 1024)

typedef struct {
    sgn_bytes_t der, tbs, issuer, entries;
    sgn_algorithm_t algorithm;
    sgn_bytes_t value;
    apr_time_t this_update, next_update;    /* next_update 0: absent */
    const char *number;                     /* upper-case hex, NULL: absent */
    sgn_bytes_t aki;
    apr_time_t expired_from;                /* expiredCertsOnCRL, 0: absent */
    /* issuingDistributionPoint */
    int has_scope, only_users, only_cas;
    sgn_bytes_t scope_point;                /* DistributionPointName, empty: absent */
} sgn_crl_t;

typedef struct {
    int found;
    apr_time_t revoked;
    int reason;                             /* CRLReason; 0 when not stated */
    apr_time_t invalid_from;                /* invalidityDate, 0: absent */
} sgn_crl_entry_t;

/* SGN_EVIDENCE_BAD. */
sgn_error_t *sgn_crl_parse(sgn_crl_t **out, sgn_bytes_t der, apr_pool_t *pool);
/* SGN_EVIDENCE_BAD unless the issuer of the certificates signed it itself. */
sgn_error_t *sgn_crl_verify(const sgn_crl_t *crl, const sgn_cert_t *issuer, apr_pool_t *pool);
/* 1 when a certificate of this issuer must appear in this list if revoked. */
int sgn_crl_covers(const sgn_crl_t *crl, const sgn_cert_t *cert);
/* SGN_EVIDENCE_BAD when an entry cannot be read or has an unknown critical
 * extension: then the list says nothing about anybody. */
sgn_error_t *sgn_crl_find(sgn_crl_entry_t *out, const sgn_crl_t *crl, const sgn_cert_t *cert, apr_pool_t *pool);
/* <0, 0, >0: which CRL number is older; absent is oldest. */
int sgn_crl_compare_number(const char *a, const char *b);

/* The cache key of the list of `issuer` that covers `cert`. */
sgn_error_t *sgn_crl_key(const char **out, const sgn_cert_t *issuer, const sgn_cert_t *cert, apr_pool_t *pool);

#endif
