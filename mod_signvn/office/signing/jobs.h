/*
 * jobs.h: signing jobs, from the request of a page to the finished document.
 *
 *   begin    what needs no byte: secrecy, kinds, roles; the job's directory
 *   create   documents are there: rights, certificate now, order, placement,
 *            prepare, DTBS; everything that can be refused is refused here
 *   (desk)   office/signing/desk.h: claim, result; the value is durable first
 *   finish   time-stamp, embed, validate as a stranger would, archive
 *
 * Decides by bindings, custody, incidents and the file itself, never by the
 * state of a workflow.  Not checked here: HTTP, CSRF, who the account is.
 *
 * Thread-safe.  State is the office database and jobs/<id>/: after a crash
 * every step is taken up where its last durable row says.
 */
#ifndef SGN_OFFICE_SIGNING_JOBS_H
#define SGN_OFFICE_SIGNING_JOBS_H

#include "office/agency/agency.h"
#include "office/archive/archive.h"
#include "office/keys/keys.h"
#include "office/signing/once.h"

typedef struct sgn_jobs_t sgn_jobs_t;

typedef struct {
    sgn_db_t *office;
    int state;                  /* descriptor of the state directory */
    sgn_keys_t *keys;
    sgn_audit_t *audit;
    sgn_agency_t *agency;
    sgn_engine_t *engine;
    sgn_archive_t *archive;
    const sgn_config_t *const volatile *config;   /* the keeper's current one */
} sgn_jobs_options_t;

sgn_error_t *sgn_jobs_open(sgn_jobs_t **out, const sgn_jobs_options_t *options, apr_pool_t *pool);

/* *job: a new id; its directory jobs/<id>/ is made.  *count: documents wanted.
 * SGN_SECRECY_REFUSED, SGN_SECRECY_MISSING, SGN_KIND_UNKNOWN,
 * SGN_KIND_UNAVAILABLE, SGN_SEAL_NO_BASIS, SGN_TOO_MANY, SGN_FIELD. */
sgn_error_t *sgn_jobs_begin(const char **job, int *count, sgn_jobs_t *jobs, const sgn_person_t *person,
                            json_t *request, apr_pool_t *pool);
/* Gives the directory back after a failure. */
void sgn_jobs_abandon(sgn_jobs_t *jobs, const char *job, apr_pool_t *pool);

/* documents[n] lies durably in jobs/<id>/<n>.pdf.  *answer: {id, state,
 * matchCode, expires, items}.  once: taken and answered with the job, may be NULL;
 * SGN_BUSY when the same request was faster. */
sgn_error_t *sgn_jobs_create(json_t **answer, sgn_jobs_t *jobs, const char *job, const sgn_person_t *person,
                             const char *system, json_t *request,
                             const sgn_engine_document_t *documents, int count, int dry_run,
                             const sgn_once_t *once, apr_pool_t *pool);

/* Own jobs only: SGN_JOB_UNKNOWN for everybody else's. */
sgn_error_t *sgn_jobs_get(json_t **answer, sgn_jobs_t *jobs, const char *job, const char *account, apr_pool_t *pool);
sgn_error_t *sgn_jobs_list(json_t **answer, sgn_jobs_t *jobs, const char *account, const char *state, apr_pool_t *pool);
/* SGN_JOB_STATE when it is finished. */
sgn_error_t *sgn_jobs_cancel(json_t **answer, sgn_jobs_t *jobs, const char *job, const char *account, apr_pool_t *pool);
/* The finished document: path below the state root; SGN_JOB_STATE before,
 * SGN_JOB_DOCUMENT_GONE when its time is over (office/signing/retain.h). */
sgn_error_t *sgn_jobs_document(const char **path, const char **sha256, const char **name, sgn_jobs_t *jobs,
                               const char *job, int n, const char *account, apr_pool_t *pool);
sgn_error_t *sgn_jobs_explain(json_t **answer, sgn_jobs_t *jobs, const char *job, const char *account, apr_pool_t *pool);

/* Ends what is past its deadline, offers again what a desk let go. */
sgn_error_t *sgn_jobs_expire(sgn_jobs_t *jobs, apr_pool_t *pool);
/* The threads: some finish what has a value and ask again for time-stamps, at
 * every kick and each second; one does sgn_jobs_expire() each second. */
sgn_error_t *sgn_jobs_start(sgn_jobs_t *jobs, apr_pool_t *pool);
void sgn_jobs_kick(sgn_jobs_t *jobs);

/* Receipt: when this keeper first finished exactly these bytes; 0: never. */
sgn_error_t *sgn_jobs_receipt(apr_time_t *out, sgn_jobs_t *jobs, const unsigned char sha256[32], apr_pool_t *pool);

/* {live, awaitingTimestamp, kept (results that can be fetched), oldestAwaiting} for /health and /metrics. */
sgn_error_t *sgn_jobs_status(json_t **out, sgn_jobs_t *jobs, apr_pool_t *pool);

#endif
