/*
 * finish.h: from a durable signature value to a finished document.
 *
 * time-stamp -> CMS -> the update is appended to the job's document -> the
 * whole file is validated as a stranger would -> receipt -> archive -> done.
 * Each step can be taken again after a crash: the value, the token and the
 * update are durable, the document is cut back to the original's size before
 * it is appended to.
 */
#ifndef SGN_OFFICE_SIGNING_FINISH_H
#define SGN_OFFICE_SIGNING_FINISH_H

#include "office/signing/job.h"

/* All items that have a value and whose time has come. */
sgn_error_t *sgn_finish_pending(sgn_jobs_t *jobs, apr_pool_t *pool);

#endif
