/*
 * group.h: documents of a job that are signed together or not at all [SV-C09].
 *
 * A group is the same name in `group` within one job; groups are independent of
 * each other.  No member is archived, handed out or called done before all have
 * passed the last check; when one ends otherwise, the others end with it:
 * skipped, SGN_JOB_GROUP, and which member failed with what code.
 */
#ifndef SGN_OFFICE_SIGNING_GROUP_H
#define SGN_OFFICE_SIGNING_GROUP_H

#include "office/signing/job.h"

int sgn_group_same(const sgn_job_item_t *one, const sgn_job_item_t *other);

/* items[failed] ended without a signature for `code`: the members of its group
 * that are not final end too.  Inside a transaction; the states in items follow. */
sgn_error_t *sgn_group_end(sgn_jobs_t *jobs, const sgn_job_t *job, sgn_job_item_t *items, int count, int failed,
                           const char *code, apr_pool_t *pool);

#endif
