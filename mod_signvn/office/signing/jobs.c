/* jobs.c: opening the room, asking about jobs, ending them. */
#include "office/signing/jobs.h"

#include <string.h>

#include <apr_strings.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/pool.h"
#include "office/agency/register.h"
#include "office/signing/finish.h"
#include "office/signing/litter.h"

#define DESK_SEEN apr_time_from_sec(70)
#define LIST_LIMIT 200

static void end_lock(void *baton)
{
    sgn_jobs_t *jobs = baton;

    pthread_cond_destroy(&jobs->wake);
    pthread_mutex_destroy(&jobs->lock);
}

sgn_error_t *sgn_jobs_open(sgn_jobs_t **out, const sgn_jobs_options_t *options, apr_pool_t *pool)
{
    sgn_jobs_t *jobs = apr_pcalloc(pool, sizeof *jobs);

    SGN_TRY(sgn_job_schema(options->office, pool));
    SGN_TRY(sgn_register_open(options->office, pool));
    SGN_TRY(sgn_file_mkdir(options->state, "jobs", 0700, pool));
    SGN_TRY(sgn_guesses_make(&jobs->guesses, pool));
    jobs->o = *options;
    pthread_mutex_init(&jobs->lock, NULL);
    pthread_cond_init(&jobs->wake, NULL);
    sgn_pool_own(pool, jobs, end_lock);
    apr_pool_create(&jobs->pool, pool);
    jobs->seen = apr_hash_make(jobs->pool);
    *out = jobs;
    return sgn_litter_sweep(jobs, pool);
}

void sgn_jobs_abandon(sgn_jobs_t *jobs, const char *job, apr_pool_t *pool)
{
    sgn_error_t *ignored = sgn_file_remove(jobs->o.state, apr_pstrcat(pool, "jobs/", job, NULL), pool);

    (void)ignored;      /* the next start takes what is left */
}

static sgn_error_t *own_job(sgn_job_t **out, sgn_jobs_t *jobs, const char *id, const char *account, apr_pool_t *pool)
{
    SGN_TRY(sgn_job_get(out, jobs->o.office, id, pool));
    if (!account || strcmp((*out)->account, account) != 0)
        return SGN_ERROR(pool, SGN_JOB_UNKNOWN, "job of another person");
    return NULL;
}

static int desk_online(sgn_jobs_t *jobs, const char *account)
{
    apr_time_t *seen;
    int online;

    pthread_mutex_lock(&jobs->lock);
    seen = apr_hash_get(jobs->seen, account, APR_HASH_KEY_STRING);
    online = seen && sgn_clock_monotonic() - *seen < DESK_SEEN;
    pthread_mutex_unlock(&jobs->lock);
    return online;
}

static void set_words(json_t *out, const char *code)
{
    const sgn_code_row_t *row = sgn_error_find(code);

    sgn_json_set_str(out, "code", code);
    if (row) {
        sgn_json_set_str(out, "vi", row->vi);
        sgn_json_set_str(out, "en", row->en);
    }
}

static json_t *print_item(const sgn_job_item_t *item)
{
    json_t *out = json_object(), *cause;

    sgn_json_set_int(out, "n", item->n);
    sgn_json_set_str(out, "state", item->state);
    sgn_json_set_str(out, "kind", item->kind);
    sgn_json_set_str(out, "subject", item->subject);
    sgn_json_set_str(out, "type", item->type);
    sgn_json_set_str(out, "number", item->number);
    sgn_json_set_str(out, "symbol", item->symbol);
    sgn_json_set_str(out, "date", item->date);
    sgn_json_set_str(out, "sha256", strcmp(item->state, "done") == 0 ? item->final_sha256 : item->sha256);
    sgn_json_set_str(out, "archived", item->archive);
    sgn_json_set_str(out, "keptIn", item->kept_in);
    if (item->gone)
        sgn_json_set_bool(out, "gone", 1);
    if (item->code) {
        set_words(out, item->code);
        sgn_json_set_str(out, "reason", item->detail);
    }
    if (item->cause >= 0 && item->cause_code) {
        cause = json_object();
        sgn_json_set_int(cause, "n", item->cause);
        set_words(cause, item->cause_code);
        json_object_set_new(out, "cause", cause);
    }
    return out;
}

static sgn_error_t *print_job(json_t **out, sgn_jobs_t *jobs, const sgn_job_t *job, apr_pool_t *pool)
{
    json_t *answer = sgn_json_object(pool), *items = json_array();
    sgn_job_item_t *list;
    int count;

    json_object_set_new(answer, "items", items);
    SGN_TRY(sgn_job_items(&list, &count, jobs->o.office, job->id, pool));
    sgn_json_set_str(answer, "id", job->id);
    sgn_json_set_str(answer, "agency", job->agency);
    sgn_json_set_str(answer, "kind", job->kind);
    sgn_json_set_str(answer, "credential", job->credential);
    sgn_json_set_str(answer, "state", job->state);
    sgn_json_set_str(answer, "matchCode", job->match_code);
    sgn_json_set_str(answer, "created", sgn_clock_print(job->created, pool));
    sgn_json_set_str(answer, "expires", sgn_clock_print(job->expires, pool));
    sgn_json_set_str(answer, "code", job->code);
    if (strcmp(job->state, "prepared") == 0) {
        /* The page tells "no desk is running" from "the person is thinking". */
        int online = desk_online(jobs, job->account);

        sgn_json_set_bool(answer, "deskOnline", online);
        if (!online)
            sgn_json_set_str(answer, "code", sgn_error_row(SGN_AGENT_OFFLINE)->name);
    }
    for (int i = 0; i < count; i++)
        json_array_append_new(items, print_item(&list[i]));
    *out = answer;
    return NULL;
}

sgn_error_t *sgn_jobs_get(json_t **answer, sgn_jobs_t *jobs, const char *id, const char *account, apr_pool_t *pool)
{
    sgn_job_t *job;

    SGN_TRY(own_job(&job, jobs, id, account, pool));
    return print_job(answer, jobs, job, pool);
}

sgn_error_t *sgn_jobs_list(json_t **answer, sgn_jobs_t *jobs, const char *account, const char *state, apr_pool_t *pool)
{
    json_t *out = sgn_json_object(pool), *items = json_array();
    sgn_db_rows_t *rows;

    json_object_set_new(out, "items", items);
    SGN_TRY(sgn_db_query(&rows, jobs->o.office, pool,
                         "SELECT id FROM job WHERE account = $1 AND ($2 IS NULL OR state = $2)"
                         " ORDER BY created DESC LIMIT $3", "ssi", account, state, (apr_int64_t)LIST_LIMIT));
    for (int i = 0; i < sgn_db_count(rows); i++) {
        json_t *item;

        SGN_TRY(sgn_jobs_get(&item, jobs, sgn_db_text(rows, i, 0), account, pool));
        json_array_append(items, item);
    }
    *answer = out;
    return NULL;
}

static sgn_error_t *end_job(sgn_jobs_t *jobs, const sgn_job_t *job, const char *state, sgn_code_t code,
                            const char *action, apr_pool_t *pool)
{
    const char *name = sgn_error_row(code)->name;
    sgn_error_t *error = sgn_job_release(jobs->o.office, job, name, pool);

    if (!error)
        error = sgn_job_state(jobs->o.office, job->id, state, name, pool);
    if (!error)
        error = sgn_job_audit(jobs, job, action, NULL, pool);
    return error;
}

sgn_error_t *sgn_jobs_cancel(json_t **answer, sgn_jobs_t *jobs, const char *id, const char *account, apr_pool_t *pool)
{
    sgn_error_t *error;
    sgn_job_t *job;

    SGN_TRY(sgn_db_begin(jobs->o.office, pool));
    error = own_job(&job, jobs, id, account, pool);
    /* What has a signature value is not undone by a click [A15]. */
    if (!error && (sgn_job_is_final(job->state) || strcmp(job->state, "returned") == 0))
        error = SGN_ERROR(pool, SGN_JOB_STATE, "job is %s", job->state);
    if (!error)
        error = end_job(jobs, job, "cancelled", SGN_CANCELLED, "job.cancel", pool);
    if (error) {
        sgn_db_rollback(jobs->o.office);
        return error;
    }
    SGN_TRY(sgn_db_commit(jobs->o.office, pool));
    sgn_litter_clean(jobs, id, pool);       /* nothing of it was signed [B32] */
    return sgn_jobs_get(answer, jobs, id, account, pool);
}

/* A step that was never sealed is kept nowhere: its signer has what he fetched. */
static const char *where_kept(const sgn_job_item_t *item)
{
    return item->archive ? item->archive : item->kept_in ? item->kept_in : "never sealed";
}

sgn_error_t *sgn_jobs_document(const char **path, const char **sha256, const char **name, sgn_jobs_t *jobs,
                               const char *id, int n, const char *account, apr_pool_t *pool)
{
    sgn_job_item_t *items;
    sgn_job_t *job;
    int count;

    SGN_TRY(own_job(&job, jobs, id, account, pool));
    SGN_TRY(sgn_job_items(&items, &count, jobs->o.office, id, pool));
    if (n < 0 || n >= count)
        return SGN_ERROR(pool, SGN_NOT_FOUND, "document %d", n);
    if (strcmp(items[n].state, "done") != 0)
        return SGN_ERROR(pool, SGN_JOB_STATE, "document is %s", items[n].state);
    if (items[n].gone)
        return SGN_ERROR(pool, SGN_JOB_DOCUMENT_GONE, "%s", where_kept(&items[n]));
    *path = sgn_job_path(id, n, ".pdf", pool);
    *sha256 = items[n].final_sha256;
    *name = items[n].number ? apr_pstrcat(pool, items[n].number, "-", items[n].symbol, ".pdf", NULL)
                            : apr_psprintf(pool, "%s.pdf", items[n].subject ? items[n].subject : id);
    return NULL;
}

sgn_error_t *sgn_jobs_explain(json_t **answer, sgn_jobs_t *jobs, const char *id, const char *account, apr_pool_t *pool)
{
    json_t *out = sgn_json_object(pool), *list = json_array();
    sgn_job_item_t *items;
    sgn_job_t *job;
    int count;

    json_object_set_new(out, "items", list);
    SGN_TRY(own_job(&job, jobs, id, account, pool));
    SGN_TRY(sgn_job_items(&items, &count, jobs->o.office, id, pool));
    for (int i = 0; i < count; i++) {
        json_t *item = print_item(&items[i]), *rules;

        if (items[i].explain) {
            SGN_TRY(sgn_json_parse(&rules, sgn_bytes_str(items[i].explain), 1 << 20, pool));
            json_object_set(item, "rules", rules);
        }
        json_array_append_new(list, item);
    }
    *answer = out;
    return NULL;
}

sgn_error_t *sgn_jobs_receipt(apr_time_t *out, sgn_jobs_t *jobs, const unsigned char sha256[32], apr_pool_t *pool)
{
    sgn_db_rows_t *rows;

    SGN_TRY(sgn_db_query(&rows, jobs->o.office, pool, "SELECT time FROM receipt WHERE sha256 = $1", "s",
                         sgn_bytes_hex(sgn_bytes(sha256, 32), pool)));
    *out = sgn_db_int(rows, 0, 0);
    return NULL;
}

sgn_error_t *sgn_jobs_status(json_t **out, sgn_jobs_t *jobs, apr_pool_t *pool)
{
    json_t *answer = sgn_json_object(pool);
    sgn_db_rows_t *rows;

    SGN_TRY(sgn_db_query(&rows, jobs->o.office, pool,
                         "SELECT (SELECT count(*) FROM job WHERE state NOT IN"
                         " ('done','partial','rejected','expired','cancelled','failed')),"
                         " (SELECT count(*) FROM job_item WHERE state = 'awaiting-timestamp'),"
                         " (SELECT count(*) FROM job_item WHERE state = 'done' AND gone = 0),"
                         " (SELECT min(j.created) FROM job_item i JOIN job j ON j.id = i.job WHERE i.state = 'awaiting-timestamp')",
                         NULL));
    sgn_json_set_int(answer, "live", sgn_db_int(rows, 0, 0));
    sgn_json_set_int(answer, "awaitingTimestamp", sgn_db_int(rows, 0, 1));
    sgn_json_set_int(answer, "kept", sgn_db_int(rows, 0, 2));
    if (sgn_db_int(rows, 0, 3))
        sgn_json_set_str(answer, "oldestAwaiting", sgn_clock_print(sgn_db_int(rows, 0, 3), pool));
    *out = answer;
    return NULL;
}

/* Read again inside the transaction: a result or a lease may have come between. */
static sgn_error_t *expire_one(int *ended, sgn_jobs_t *jobs, const char *id, apr_time_t now, apr_pool_t *pool)
{
    sgn_job_t *job;

    *ended = 0;
    SGN_TRY(sgn_job_get(&job, jobs->o.office, id, pool));
    if (sgn_job_is_final(job->state) || strcmp(job->state, "returned") == 0)
        return NULL;
    *ended = job->expires < now;
    if (*ended)
        return end_job(jobs, job, "expired", SGN_EXPIRED, "job.expire", pool);
    if (job->lease_expires == 0 || job->lease_expires >= now || job->authorised)
        return NULL;
    return sgn_db_run(jobs->o.office, pool,
                      "UPDATE job SET state = 'prepared', agent = NULL, lease = NULL, lease_expires = 0 WHERE id = $1",
                      "s", job->id);
}

/* Ends jobs past their deadline.  A lease lost before the password goes back to
 * the offer; after it a late result is still taken until the deadline [A15]. */
sgn_error_t *sgn_jobs_expire(sgn_jobs_t *jobs, apr_pool_t *pool)
{
    apr_time_t now = sgn_clock_now();
    sgn_db_rows_t *rows;

    SGN_TRY(sgn_db_query(&rows, jobs->o.office, pool,
                         "SELECT id FROM job WHERE state IN ('prepared','claimed','displayed','authorised','signing')"
                         " AND (expires < $1 OR (lease_expires > 0 AND lease_expires < $1 AND authorised = 0))", "i", (apr_int64_t)now));
    for (int i = 0; i < sgn_db_count(rows); i++) {
        sgn_error_t *error;
        int ended;

        SGN_TRY(sgn_db_begin(jobs->o.office, pool));
        error = expire_one(&ended, jobs, sgn_db_text(rows, i, 0), now, pool);
        if (error) {
            sgn_db_rollback(jobs->o.office);
            return error;
        }
        SGN_TRY(sgn_db_commit(jobs->o.office, pool));
        if (ended)
            sgn_litter_clean(jobs, sgn_db_text(rows, i, 0), pool);
    }
    return NULL;
}
