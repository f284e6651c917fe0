/*
 * retain.h: how long the result of a job can be fetched from the job.
 *
 * A result of the agency's kinds lies in the archive; one of approve or check
 * is a step on the way and is kept until the document was sealed.  Nothing
 * longer than SignVNJobRetention.  Then the file goes: the row stays, with its
 * digests and where the document is kept, and so does the audit.
 *
 *   sealed   in the transaction that ends a document of the agency's kinds
 *   due      by a timer: marks, commits, removes (office/signing/litter.h)
 */
#ifndef SGN_OFFICE_SIGNING_RETAIN_H
#define SGN_OFFICE_SIGNING_RETAIN_H

#include "office/signing/job.h"

/* What led to this document, step by step back: sealed in item->archive. */
sgn_error_t *sgn_retain_sealed(sgn_db_t *office, const sgn_job_t *job, const sgn_job_item_t *item, apr_pool_t *pool);
/* Takes away what is due now; at most so much that nobody waits for it. */
sgn_error_t *sgn_retain_due(sgn_jobs_t *jobs, apr_pool_t *pool);

#endif
