/*
 * judgement.h: from a document to a judged report: look (worker), prove (own
 * keys of our tables), judge (bindings).  Used by validations, by the archive's
 * door and before and after signing.
 *
 * Without an agency room no certificate is bound here: the report stays
 * technical.
 */
#ifndef SGN_KEEPER_JUDGEMENT_H
#define SGN_KEEPER_JUDGEMENT_H

#include "keeper/keeper.h"
#include "office/judge/judge.h"

typedef struct {
    json_t *report, *facts, *fields, *explain;
    sgn_judge_proof_t *proofs;      /* one per signature of the report */
    int nproofs;
    sgn_judge_input_t input;        /* as judged, for sgn_judge_may_seal() */
} sgn_judgement_t;

/* agency, home, expect: of sgn_judge_input_t, NULL allowed.  receipt: 0: none. */
sgn_error_t *sgn_judgement_make(sgn_judgement_t **out, sgn_keeper_t *keeper, sgn_engine_class_t class_,
                                const sgn_engine_document_t *document, apr_time_t receipt,
                                const char *agency, const char *home, const char *expect, apr_pool_t *pool);

#endif
