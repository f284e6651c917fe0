/*
 * judgement.h: the verdict on a caller's document (office/signing/verdict.h),
 * with our own receipts as proof of existence: when we finished or archived
 * exactly these bytes.
 */
#ifndef SGN_KEEPER_JUDGEMENT_H
#define SGN_KEEPER_JUDGEMENT_H

#include "keeper/operations.h"
#include "office/signing/verdict.h"

/* agency, expect: of sgn_judge_input_t, NULL allowed; home is the caller's. */
sgn_error_t *sgn_judgement_make(sgn_verdict_t **out, sgn_call_t *call, const sgn_engine_document_t *document,
                                const char *agency, const char *expect);

#endif
