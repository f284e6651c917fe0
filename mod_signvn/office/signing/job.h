/*
 * job.h: a job and its items as rows, shared by the files of this room.
 *
 * States of a job: prepared, claimed, displayed, authorised, signing,
 * returned; final: done, partial, rejected, expired, cancelled, failed.
 * States of an item: pending, signed (value durable), awaiting-timestamp;
 * final: done, declined, error, skipped.  `passed` is set in one transaction
 * for all members of a group when the last of them passed the last check: from
 * there it only goes on to done (office/signing/group.h).
 */
#ifndef SGN_OFFICE_SIGNING_JOB_H
#define SGN_OFFICE_SIGNING_JOB_H

#include <pthread.h>

#include <apr_hash.h>

#include "office/signing/guesses.h"
#include "office/signing/jobs.h"

#define SGN_JOB_LIFE apr_time_from_sec(15 * 60)
#define SGN_JOB_LEASE apr_time_from_sec(60)
#define SGN_JOB_ITEMS 100

#define SGN_JOB_FINISHERS 4

/* What one finisher has in work (office/signing/finisher.h). */
typedef struct {
    const char *job;            /* NULL: nothing */
    int stamps;
} sgn_job_lane_t;

struct sgn_jobs_t {
    sgn_jobs_options_t o;
    pthread_mutex_t lock;       /* of what follows */
    pthread_cond_t wake;
    int kicked;                 /* finishers to be woken */
    sgn_job_lane_t lanes[SGN_JOB_FINISHERS];
    sgn_guesses_t *guesses;
    apr_hash_t *seen;           /* account -> last poll of one of its desks (monotonic) */
    apr_pool_t *pool;           /* of the hash; under the lock */
};

typedef struct {
    const char *id, *account, *agency, *binding, *credential, *certificate_sha256, *kind;
    const char *state, *match_code, *nonce, *system, *agent, *lease, *code;
    apr_time_t created, expires, lease_expires;
    int stop_on_error, authorised;      /* authorised: the desk reached the password */
} sgn_job_t;

typedef struct {
    int n;
    const char *state, *code, *detail;
    const char *kind, *subject, *type, *number, *symbol, *date, *group, *deliver, *level;
    const char *sha256, *offered_sha256, *final_sha256;     /* hex */
    apr_off_t size, offered_size;
    apr_int64_t range[4];
    sgn_bytes_t dtbs, value, token;
    const char *algorithm, *person_digest, *archive, *metadata, *report, *explain;
    apr_time_t retry_at;
    int retries, passed;
    int gone;                   /* done, and its file is no longer kept here */
    const char *kept_in;        /* the archived document that a step led to */
    int cause;                  /* the member whose failure ended the group, -1: none */
    const char *cause_code;
} sgn_job_item_t;

sgn_error_t *sgn_job_schema(sgn_db_t *office, apr_pool_t *pool);

/* SGN_JOB_UNKNOWN. */
sgn_error_t *sgn_job_get(sgn_job_t **out, sgn_db_t *office, const char *id, apr_pool_t *pool);
sgn_error_t *sgn_job_items(sgn_job_item_t **out, int *count, sgn_db_t *office, const char *id, apr_pool_t *pool);
/* Inside a transaction. */
sgn_error_t *sgn_job_insert(sgn_db_t *office, const sgn_job_t *job, apr_pool_t *pool);
sgn_error_t *sgn_job_insert_item(sgn_db_t *office, const char *job, const sgn_job_item_t *item, apr_pool_t *pool);
sgn_error_t *sgn_job_state(sgn_db_t *office, const char *job, const char *state, const char *code, apr_pool_t *pool);
sgn_error_t *sgn_job_item_state(sgn_db_t *office, const char *job, int n, const char *state, const char *code,
                                const char *detail, apr_pool_t *pool);

int sgn_job_is_final(const char *state);
int sgn_job_item_is_final(const char *state);
/* When all items are final: done, partial or failed; inside a transaction. */
sgn_error_t *sgn_job_settle(sgn_db_t *office, const char *job, apr_pool_t *pool);
/* A job that ends without signatures gives back numbers and seal claims:
 * freed when the desk never reached the password, else void [B35]. */
sgn_error_t *sgn_job_release(sgn_db_t *office, const sgn_job_t *job, const char *reason, apr_pool_t *pool);
/* What is left of it on the disk is litter (office/signing/litter.h). */
sgn_error_t *sgn_job_release_item(sgn_db_t *office, const sgn_job_t *job, int n, const char *reason, apr_pool_t *pool);

/* "jobs/<id>/<n>.pdf" | ".update" */
const char *sgn_job_path(const char *job, int n, const char *suffix, apr_pool_t *pool);

sgn_error_t *sgn_job_audit(sgn_jobs_t *jobs, const sgn_job_t *job, const char *action, json_t *detail, apr_pool_t *pool);

#endif
