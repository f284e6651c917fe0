/*
 * judge_case.h: the worker's report as judge*.c reads it: one plain struct per
 * signature, with its bindings and proof.
 *
 * Members that the report lacks read as the cautious value.
 */
#ifndef SGN_OFFICE_JUDGE_JUDGE_CASE_H
#define SGN_OFFICE_JUDGE_JUDGE_CASE_H

#include "office/judge/judge.h"

typedef struct {
    int n;
    json_t *row;                    /* of report.signatures */
    const char *name, *kind, *indication, *signer_kind, *changes, *provider, *organisation;
    int timestamp, intact;
    const char *sha256;             /* of the certificate, NULL */
    apr_int64_t revision_end;       /* 0: not known */
    apr_time_t best;
    const char *best_source;
    unsigned char digest[32];       /* SHA-256 of the signature value */
    int has_digest;
    const char *person_digest;      /* hex, that the signature names; NULL */
    const sgn_judge_binding_t *const *bindings;     /* NULL: not bound here then */
    sgn_judge_proof_t proof;
} sgn_judge_signature_t;

typedef struct {
    const sgn_judge_input_t *input;
    json_t *report, *explain;
    sgn_judge_signature_t *signatures;
    int count;
    apr_pool_t *pool;
} sgn_judge_case_t;

sgn_error_t *sgn_judge_case_read(sgn_judge_case_t **out, const sgn_judge_input_t *input, apr_pool_t *pool);

int sgn_judge_case_passed(const sgn_judge_signature_t *signature);
int sgn_judge_case_is_person(const sgn_judge_signature_t *signature);
int sgn_judge_case_is_agency(const sgn_judge_signature_t *signature);
int sgn_judge_case_kind(const sgn_judge_signature_t *signature, const char *kind);
/* Has the report's row (or the report) this finding? */
int sgn_judge_case_has(const json_t *owner, sgn_code_t code);
/* A finding whose severity is "error" among owner.findings. */
int sgn_judge_case_has_error(const json_t *owner);
/* An authority of `agency` for `type` (NULL: any) among the bindings; NULL. */
const sgn_judge_binding_t *sgn_judge_case_authority(const sgn_judge_signature_t *signature, const char *agency,
                                                    const char *type);
/* The first binding of that kind ("person", "agency"). */
const sgn_judge_binding_t *sgn_judge_case_binding(const sgn_judge_signature_t *signature, const char *kind);
/* {present, empty} of a reserved field. */
int sgn_judge_case_present(const sgn_judge_case_t *c, const char *field);
int sgn_judge_case_empty(const sgn_judge_case_t *c, const char *field);

/* Appends to owner.findings; severity and clause of judge_rules.def. */
void sgn_judge_case_find(sgn_judge_case_t *c, json_t *owner, sgn_code_t code, const char *subject);
void sgn_judge_case_explain(sgn_judge_case_t *c, const char *rule, const char *fact, const char *policy,
                            const char *outcome, const char *clause);

#endif
