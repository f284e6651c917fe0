/*
 * finish.h: from durable signature values to finished documents.
 *
 * time-stamp -> CMS -> the update is appended to the job's document -> the
 * whole file is validated as a stranger would -> receipt -> archive -> done.
 * Each step can be taken again after a crash (office/signing/embed.h, deposit.h).
 *
 * What is finished together is one document, or all documents of a group: then
 * every member goes as far as the last check before any is archived.  One
 * transaction says that all passed; before it a failure ends all of them, from
 * it on a failure only delays them.
 */
#ifndef SGN_OFFICE_SIGNING_FINISH_H
#define SGN_OFFICE_SIGNING_FINISH_H

#include "office/signing/kind.h"

/* One document on its way. */
typedef struct {
    sgn_jobs_t *jobs;
    sgn_job_t *job;
    sgn_job_item_t *item;
    const sgn_binding_t *binding;
    const sgn_kind_plug_t *kind;
    sgn_engine_document_t document;     /* the finished file, from embedding on */
    json_t *report, *evidence;          /* what it was judged, and by what */
    apr_pool_t *pool;                   /* of the present step */
    apr_pool_t *keep;                   /* of what the item gets: lives as long as it */
} sgn_finish_t;

/* All items that have a value, whose time has come and whose job this lane gets;
 * *some: there were such. */
sgn_error_t *sgn_finish_pending(int *some, sgn_jobs_t *jobs, sgn_job_lane_t *lane, apr_pool_t *pool);

#endif
