/*
 * judge.h: what a technical report means in an office: role, order,
 * completeness, legal value, and whether the agency's seal may go on.
 *
 * Input is the answer of task "look" (report, facts, fields), what the keeper
 * itself proved, and the bindings of people and seals, asked through one
 * callback.  Nothing else: the job table is never read, so deleting it changes
 * no report.
 *
 * Not checked here: the signatures (look/validate did), custody and incidents
 * (office/agency), whether this personal signature was sealed before in another
 * file (unique row of office/signing).
 *
 * Order of use: sgn_engine_look(), sgn_engine_prove() for each fact whose
 * certificate is bound here, then sgn_judge_report(); for a seal also
 * sgn_judge_may_seal() on the judged report.
 *
 * Ownership: the report is changed in place; all else lives in the pool.
 */
#ifndef SGN_OFFICE_JUDGE_JUDGE_H
#define SGN_OFFICE_JUDGE_JUDGE_H

#include <apr_time.h>

#include "base/json.h"

/* One binding of a certificate here [SV-B01]. */
typedef struct {
    const char *id;             /* of the row, for explain */
    const char *kind;           /* "person" or "agency" */
    const char *person;         /* who; NULL for a seal */
    const char *agency;         /* code, "H57.28" */
    const char *role;           /* "authority", "reviewer", "clerk"; a deputy is an authority */
    const char *title;          /* "CHỦ TỊCH", NULL: none recorded */
    const char *const *types;   /* document types, NULL-terminated; NULL or empty: every type */
    apr_time_t from, to;        /* 0: open */
} sgn_judge_binding_t;

/* All bindings of a certificate (lower-case hex SHA-256 of its DER) in force at
 * `at`; NULL-terminated array, NULL when there is none.  An error ends the
 * judgement: what cannot be asked is not known. */
typedef struct {
    sgn_error_t *(*find)(const sgn_judge_binding_t *const **out, void *context,
                         const char *certificate_sha256, apr_time_t at, apr_pool_t *pool);
    void *context;
} sgn_judge_lookup_t;

/* What sgn_engine_prove() said about the signature with the same index. */
typedef enum { SGN_PROOF_NONE, SGN_PROOF_GOOD, SGN_PROOF_BAD } sgn_judge_proof_t;

typedef struct {
    json_t *report;             /* of task "look"; changed in place */
    const json_t *facts;        /* array */
    const json_t *fields;       /* object, NULL: none */
    const json_t *explain;      /* the worker's rows; NULL: none.  They come first */
    const sgn_judge_proof_t *proofs;  /* by index in report.signatures */
    int nproofs;                /* missing ones are SGN_PROOF_NONE */
    sgn_judge_lookup_t lookup;
    const char *agency;         /* judge for this one; NULL: that of the seal's binding, else `home` */
    const char *home;           /* the user's agency, or NULL */
    const char *expect;         /* "any" (NULL), "issued", "internal", "copy" */
    const char *status;         /* of the register; NULL: "current" */
} sgn_judge_input_t;

/* Fills role of every signature, legalValue, complete, status, findings of
 * order, completeness and proof; lowers an indication, never raises one.
 * *explain (may be NULL) gets an array of {rule, fact, policy, outcome, clause}. */
sgn_error_t *sgn_judge_report(json_t **explain, const sgn_judge_input_t *input, apr_pool_t *pool);

/* The personal signature that carries a seal. */
typedef struct {
    int n;                      /* index in report.signatures */
    const char *person;         /* of the binding */
    const char *binding;        /* its row */
    const char *title;
    sgn_bytes_t digest;         /* SHA-256 of the signature value: sgnDocument.personDigest */
    apr_time_t time;            /* proved */
} sgn_judge_basis_t;

/* May `agency` seal this document as `type` now?  After sgn_judge_report() of
 * the same input.  NULL: yes, and *basis names the personal signature.
 * organisation: O of the seal's certificate, NULL: not compared (B1).
 *
 *   SGN_ORDER_SEAL_FIRST     no valid approval by a person, or it was not proved
 *   SGN_ORDER_KIND           persons only checked, or do not say what they did
 *   SGN_ORDER_OTHER_AGENCY   approved by someone without authority here, for this type, then
 *   SGN_SEAL_ALREADY         the file carries a seal
 *   SGN_SEAL_LEVEL           no time-stamp and no receipt of ours
 *   SGN_CHANGED_AFTER        changed after signing beyond what is allowed
 *   SGN_NUMBER_NOT_RESERVED  signed without the reserved fields
 *   SGN_NUMBER_FILLED        a reserved field is not empty any more
 *   SGN_CERT_REVOKED, SGN_CERT_ON_HOLD, SGN_CERT_UNKNOWN_STATUS
 *                            the state of a signer's certificate forbids it, or is not known yet
 */
sgn_error_t *sgn_judge_may_seal(sgn_judge_basis_t **basis, json_t **explain,
                                const sgn_judge_input_t *input, const char *agency,
                                const char *type, const char *organisation, apr_pool_t *pool);

#endif
