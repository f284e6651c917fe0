/*
 * litter.h: files that nobody may find any more: of documents that ended
 * without a signature, of results whose time is over, of jobs that were never
 * stored [B32].
 *
 * The transaction that ends an item marks its job (sgn_job_release_item); the
 * files go behind it, and at the next start when the keeper died between.
 */
#ifndef SGN_OFFICE_SIGNING_LITTER_H
#define SGN_OFFICE_SIGNING_LITTER_H

#include "office/signing/job.h"

/* After a commit that may have ended items.  A failure is logged: the next
 * start tries again. */
void sgn_litter_clean(sgn_jobs_t *jobs, const char *job, apr_pool_t *pool);
/* What only led to the finished document: update and verdict. */
void sgn_litter_finished(sgn_jobs_t *jobs, const char *job, int n, apr_pool_t *pool);
/* Once, before anything else runs. */
sgn_error_t *sgn_litter_sweep(sgn_jobs_t *jobs, apr_pool_t *pool);

#endif
