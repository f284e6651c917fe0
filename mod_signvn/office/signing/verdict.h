/*
 * verdict.h: one document, looked at by a worker, proved by us, judged.
 *
 * The same way for an upload to be checked, a file to be sealed and the file we
 * just finished: engine (look + evidence) -> proof with our own keys -> judge.
 */
#ifndef SGN_OFFICE_SIGNING_VERDICT_H
#define SGN_OFFICE_SIGNING_VERDICT_H

#include "office/agency/agency.h"
#include "office/judge/judge.h"

typedef struct {
    json_t *report;         /* judged: what /validations answers */
    json_t *facts, *fields, *explain;
    json_t *evidence;       /* CRLs and OCSP answers it was judged by: [{kind, data}] */
    sgn_judge_input_t input;    /* for sgn_judge_may_seal() */
} sgn_verdict_t;

typedef struct {
    sgn_engine_class_t class_;
    apr_time_t receipt;     /* our own proof of existence, 0: none */
    const char *agency, *home, *expect, *status;    /* as in sgn_judge_input_t */
} sgn_verdict_options_t;

sgn_error_t *sgn_verdict_make(sgn_verdict_t **out, sgn_engine_t *engine, sgn_agency_t *agency,
                              const sgn_engine_document_t *document, const sgn_verdict_options_t *options,
                              apr_pool_t *pool);

#endif
