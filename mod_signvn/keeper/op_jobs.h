/* op_jobs.h: operations on signing jobs; rows in operations.c. */
#ifndef SGN_KEEPER_OP_JOBS_H
#define SGN_KEEPER_OP_JOBS_H

#include "keeper/operations.h"
#include "keeper/timers.h"

sgn_error_t *sgn_op_jobs_create(sgn_call_t *call);
sgn_error_t *sgn_op_jobs_get(sgn_call_t *call);
sgn_error_t *sgn_op_jobs_list(sgn_call_t *call);
sgn_error_t *sgn_op_jobs_cancel(sgn_call_t *call);
sgn_error_t *sgn_op_jobs_document(sgn_call_t *call);
sgn_error_t *sgn_op_jobs_explain(sgn_call_t *call);
sgn_error_t *sgn_op_work_get(sgn_call_t *call);

/* Takes away results whose time is over. */
sgn_error_t *sgn_op_jobs_due(sgn_keeper_t *keeper, apr_pool_t *pool);

/* The document that the path names by {n}; SGN_NOT_FOUND for what is no number. */
sgn_error_t *sgn_op_jobs_index(int *out, sgn_call_t *call);

#endif
