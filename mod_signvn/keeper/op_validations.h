/*
 * op_validations.h: a stranger's document is looked at, proved where a bound
 * certificate signed, judged, and reported.  Nothing of it is stored; the
 * explanations of the last reports stay in memory for those who asked.
 */
#ifndef SGN_KEEPER_OP_VALIDATIONS_H
#define SGN_KEEPER_OP_VALIDATIONS_H

#include "keeper/operations.h"

/* args: agency?, expect?, accept? ("html").  One document. */
sgn_error_t *sgn_op_validations_create(sgn_call_t *call);
/* Once, before the first call. */
sgn_error_t *sgn_op_validations_open(apr_pool_t *pool);
/* args: id.  Only the account that asked for the report. */
sgn_error_t *sgn_op_validations_explain(sgn_call_t *call);

#endif
