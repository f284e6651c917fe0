/*
 * finisher.h: which finisher has which job.
 *
 * SGN_JOB_FINISHERS threads; a job is with one of them at a time, so members of
 * a group and items of a job keep their order.  At most all but one may be with
 * jobs that still want a time-stamp, so that a server that hangs never holds up
 * what needs none.
 */
#ifndef SGN_OFFICE_SIGNING_FINISHER_H
#define SGN_OFFICE_SIGNING_FINISHER_H

#include "office/signing/job.h"

/* 1: the lane has it until given back; `job` stays the caller's and lives as
 * long.  stamps: it wants a time-stamp. */
int sgn_finisher_take(sgn_jobs_t *jobs, sgn_job_lane_t *lane, const char *job, int stamps);
void sgn_finisher_give(sgn_jobs_t *jobs, sgn_job_lane_t *lane);

#endif
