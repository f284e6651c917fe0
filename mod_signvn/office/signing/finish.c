/* finish.c: one document or one group, step by step. */
#include "office/signing/finish.h"

#include <string.h>

#include <apr_strings.h>

#include "base/clock.h"
#include "base/log.h"
#include "crypto/digest.h"
#include "office/agency/register.h"
#include "office/signing/deposit.h"
#include "office/signing/embed.h"
#include "office/signing/finisher.h"
#include "office/signing/group.h"
#include "office/signing/litter.h"
#include "office/signing/retain.h"

#define RETRY_FIRST apr_time_from_sec(2)
#define RETRY_LAST apr_time_from_sec(300)
#define OURS_TRIES 8    /* ten minutes */

typedef struct {
    sgn_jobs_t *jobs;
    sgn_job_t *job;
    sgn_job_item_t *items;      /* of the whole job */
    sgn_finish_t *members;
    int count, nmembers;
    int passed;                 /* all of them: there is no way back */
    int at;                     /* index in items of the member in work: an error is its */
    apr_pool_t *pool;
} unit_t;

static sgn_error_t *binding_of(const sgn_binding_t **out, const unit_t *u)
{
    sgn_binding_t *list;
    int count;

    SGN_TRY(sgn_agency_bindings(&list, &count, u->jobs->o.agency, u->job->certificate_sha256, 0, u->pool));
    for (int i = 0; i < count; i++)
        if (strcmp(list[i].id, u->job->binding) == 0) {
            *out = &list[i];
            return NULL;
        }
    return SGN_ERROR(u->pool, SGN_BINDING_NONE, "binding %s is gone", u->job->binding);
}

/* ---- the last check, then the archive ------------------------------------------ */

static sgn_error_t *embed(sgn_finish_t *f)
{
    SGN_TRY(sgn_embed_write(f));
    SGN_TRY(sgn_embed_check(f));
    return f->kind->finishing ? sgn_deposit_check(f) : NULL;
}

static sgn_error_t *finish_single(unit_t *u)
{
    sgn_finish_t *f = &u->members[0];
    int known;

    SGN_TRY(sgn_deposit_known(&known, f));
    u->passed = known;
    if (known)
        return NULL;
    SGN_TRY(sgn_embed_stamp(f));
    SGN_TRY(embed(f));
    if (!f->kind->finishing)
        return NULL;
    u->passed = 1;      /* a put that fails may have left it in the archive all the same */
    return sgn_deposit_put(f);
}

static sgn_error_t *check_member(sgn_finish_t *f)
{
    SGN_TRY(embed(f));
    return f->kind->finishing ? sgn_deposit_keep(f) : NULL;
}

static sgn_error_t *archive_member(sgn_finish_t *f)
{
    if (!f->kind->finishing)
        return NULL;
    SGN_TRY(sgn_deposit_recall(f));
    return sgn_deposit_put(f);
}

/* A step of each member, in a pool of its own. */
static sgn_error_t *for_each(unit_t *u, sgn_error_t *(*step)(sgn_finish_t *f))
{
    for (int i = 0; i < u->nmembers; i++) {
        sgn_finish_t *f = &u->members[i];
        apr_pool_t *pool;

        u->at = (int)(f->item - u->items);
        apr_pool_create(&pool, u->pool);
        f->pool = pool;
        SGN_TRY(step(f));
        f->pool = u->pool;
        apr_pool_destroy(pool);
    }
    return NULL;
}

/* The point of no return: from here the group only goes on. */
static sgn_error_t *store_passed(unit_t *u)
{
    for (int i = 0; i < u->nmembers; i++) {
        const sgn_job_item_t *item = u->members[i].item;

        SGN_TRY(sgn_db_run(u->jobs->o.office, u->pool,
                           "UPDATE job_item SET state = 'signed', code = NULL, passed = 1, final_sha256 = $1, report = $2,"
                           " retry_at = 0, retries = 0 WHERE job = $3 AND n = $4", "sssi", item->final_sha256, item->report,
                           u->job->id, (apr_int64_t)item->n));
    }
    return NULL;
}

static sgn_error_t *pass_group(unit_t *u)
{
    sgn_error_t *error;

    for (int i = 0; i < u->nmembers; i++) {
        u->at = (int)(u->members[i].item - u->items);
        SGN_TRY(sgn_embed_stamp(&u->members[i]));
    }
    SGN_TRY(for_each(u, check_member));
    SGN_TRY(sgn_db_begin(u->jobs->o.office, u->pool));
    error = store_passed(u);
    if (error) {
        sgn_db_rollback(u->jobs->o.office);
        return error;
    }
    SGN_TRY(sgn_db_commit(u->jobs->o.office, u->pool));
    u->passed = 1;
    return NULL;
}

static sgn_error_t *finish_group(unit_t *u)
{
    if (!u->passed)
        SGN_TRY(pass_group(u));
    return for_each(u, archive_member);
}

/* ---- done ------------------------------------------------------------------------ */

static sgn_error_t *store_done(unit_t *u, const sgn_job_item_t *item)
{
    sgn_db_t *office = u->jobs->o.office;
    json_t *detail = sgn_json_object(u->pool);

    sgn_json_set_int(detail, "n", item->n);
    sgn_json_set_str(detail, "sha256", item->final_sha256);
    sgn_json_set_str(detail, "archive", item->archive);
    sgn_json_set_str(detail, "number", item->number);
    SGN_TRY(sgn_db_run(office, u->pool, "INSERT INTO receipt (sha256, time) VALUES ($1, $2) ON CONFLICT DO NOTHING", "si",
                       item->final_sha256, (apr_int64_t)sgn_clock_now()));
    SGN_TRY(sgn_db_run(office, u->pool,
                       "UPDATE job_item SET state = 'done', code = NULL, detail = NULL, final_sha256 = $1, archive = $2, report = $3,"
                       " finished = $4 WHERE job = $5 AND n = $6", "sssisi", item->final_sha256, item->archive, item->report,
                       (apr_int64_t)sgn_clock_now(), u->job->id, (apr_int64_t)item->n));
    SGN_TRY(sgn_db_run(office, u->pool, "UPDATE seal_use SET done = 1 WHERE job = $1 AND item = $2", "si", u->job->id,
                       (apr_int64_t)item->n));
    if (item->archive)
        SGN_TRY(sgn_retain_sealed(office, u->job, item, u->pool));
    SGN_TRY(sgn_register_use(office, u->job->id, item->n, item->archive, u->pool));
    return sgn_job_audit(u->jobs, u->job, "item.done", detail, u->pool);
}

static sgn_error_t *store_all_done(unit_t *u)
{
    for (int i = 0; i < u->nmembers; i++)
        SGN_TRY(store_done(u, u->members[i].item));
    return sgn_job_settle(u->jobs->o.office, u->job->id, u->pool);
}

static sgn_error_t *in_transaction(unit_t *u, sgn_error_t *(*store)(unit_t *u))
{
    sgn_error_t *error;

    SGN_TRY(sgn_db_begin(u->jobs->o.office, u->pool));
    error = store(u);
    if (!error)
        return sgn_db_commit(u->jobs->o.office, u->pool);
    sgn_db_rollback(u->jobs->o.office);
    return error;
}

static sgn_error_t *finish_unit(unit_t *u)
{
    SGN_TRY(u->nmembers > 1 ? finish_group(u) : finish_single(u));
    SGN_TRY(in_transaction(u, store_all_done));
    for (int i = 0; i < u->nmembers; i++)
        sgn_litter_finished(u->jobs, u->job->id, u->members[i].item->n, u->pool);
    return NULL;
}

/* ---- not done -------------------------------------------------------------------- */

static int is_ours(sgn_code_t code)
{
    return code == SGN_WORKER_CRASHED || code == SGN_WORKER_MEMORY;
}

/* What passes by itself is tried again: nothing of it asks for a password. */
static int is_passing(sgn_code_t code)
{
    switch (code) {
    case SGN_TIMESTAMP_DOWN:
    case SGN_CERT_UNKNOWN_STATUS:
    case SGN_BUSY:
    case SGN_DISK_FULL:
    case SGN_DB_FULL:
    case SGN_DB_LOCKED:
    case SGN_EVIDENCE_FETCH:
    case SGN_KEEPER_ABSENT:
    case SGN_WORKER_DEADLINE:
        return 1;
    default:
        return 0;
    }
}

/* All members wait together; the one in work says why. */
static sgn_error_t *postpone(unit_t *u, const sgn_error_t *why)
{
    sgn_db_t *office = u->jobs->o.office;
    apr_interval_time_t wait;
    int retries = 0;

    for (int i = 0; i < u->nmembers; i++)
        if (u->members[i].item->retries > retries)
            retries = u->members[i].item->retries;
    wait = RETRY_FIRST << (retries < 8 ? retries : 8);
    if (wait > RETRY_LAST)
        wait = RETRY_LAST;
    for (int i = 0; i < u->nmembers; i++) {
        const sgn_job_item_t *item = u->members[i].item;
        int here = item == &u->items[u->at];

        SGN_TRY(sgn_db_run(office, u->pool,
                           "UPDATE job_item SET state = $1, code = $2, retry_at = $3, retries = $4 WHERE job = $5 AND n = $6",
                           "ssiisi", here && why->code == SGN_TIMESTAMP_DOWN ? "awaiting-timestamp" : "signed",
                           here ? sgn_error_row(why->code)->name : NULL, (apr_int64_t)(sgn_clock_now() + wait),
                           (apr_int64_t)(retries + 1), u->job->id, (apr_int64_t)item->n));
    }
    return NULL;
}

static sgn_error_t *store_failed(unit_t *u, const sgn_error_t *why)
{
    sgn_db_t *office = u->jobs->o.office;
    sgn_job_item_t *item = &u->items[u->at];
    const char *name = sgn_error_row(why->code)->name, *digest;
    json_t *detail = sgn_json_object(u->pool);

    SGN_TRY(sgn_digest_sha256_hex(&digest, item->value.data, item->value.len, u->pool));
    sgn_json_set_int(detail, "n", item->n);
    sgn_json_set_str(detail, "error", sgn_error_chain(why, u->pool));
    sgn_json_set_str(detail, "valueSha256", digest);
    SGN_TRY(sgn_job_item_state(office, u->job->id, item->n, "error", name, why->detail, u->pool));
    item->state = "error";
    SGN_TRY(sgn_job_release_item(office, u->job, item->n, name, u->pool));
    SGN_TRY(sgn_job_audit(u->jobs, u->job, "item.error", detail, u->pool));
    SGN_TRY(sgn_group_end(u->jobs, u->job, u->items, u->count, u->at, name, u->pool));
    return sgn_job_settle(office, u->job->id, u->pool);
}

static sgn_error_t *give_up(unit_t *u, const sgn_error_t *why)
{
    sgn_error_t *error;

    SGN_TRY(sgn_db_begin(u->jobs->o.office, u->pool));
    error = store_failed(u, why);
    if (error) {
        sgn_db_rollback(u->jobs->o.office);
        return error;
    }
    SGN_TRY(sgn_db_commit(u->jobs->o.office, u->pool));
    sgn_litter_clean(u->jobs, u->job->id, u->pool);
    return NULL;
}

/* ---- what there is to do --------------------------------------------------------- */

static int is_waiting(const sgn_job_item_t *item)
{
    return strcmp(item->state, "signed") == 0 || strcmp(item->state, "awaiting-timestamp") == 0;
}

static sgn_error_t *add_member(unit_t *u, sgn_job_item_t *item)
{
    sgn_finish_t *f = &u->members[u->nmembers++];

    f->jobs = u->jobs;
    f->job = u->job;
    f->item = item;
    f->pool = f->keep = u->pool;
    u->passed |= item->passed;
    return sgn_kind_find(&f->kind, item->kind, NULL, u->pool);
}

/* Item n and, of its group, all that wait with it.  Read anew: another thread
 * may have been here since the list was made. */
static sgn_error_t *read_unit(unit_t *u, const char *id, int n)
{
    const sgn_binding_t *binding = NULL;

    SGN_TRY(sgn_job_get(&u->job, u->jobs->o.office, id, u->pool));
    SGN_TRY(sgn_job_items(&u->items, &u->count, u->jobs->o.office, id, u->pool));
    u->members = apr_pcalloc(u->pool, sizeof *u->members * (size_t)(u->count + 1));
    if (n < 0 || n >= u->count)
        return SGN_ERROR(u->pool, SGN_INTERNAL, "item %d of %s", n, id);
    u->at = n;
    if (!is_waiting(&u->items[n]) || u->items[n].retry_at > sgn_clock_now())
        return NULL;
    for (int i = 0; i < u->count; i++)
        if (is_waiting(&u->items[i]) && (i == n || sgn_group_same(&u->items[i], &u->items[n])))
            SGN_TRY(add_member(u, &u->items[i]));
    SGN_TRY(binding_of(&binding, u));
    for (int i = 0; i < u->nmembers; i++)
        u->members[i].binding = binding;
    return NULL;
}

static sgn_error_t *finish_row(sgn_jobs_t *jobs, const char *id, int n, apr_pool_t *pool)
{
    unit_t u = { .jobs = jobs, .pool = pool };
    sgn_error_t *error;

    error = read_unit(&u, id, n);
    if (!error && u.nmembers == 0)
        return NULL;
    if (!error)
        error = finish_unit(&u);
    if (!error || u.nmembers == 0)
        return error;
    /* A worker that cannot be started passes too, one that this file fells does not. */
    if (!u.passed && !is_passing(error->code) && !(is_ours(error->code) && u.items[u.at].retries < OURS_TRIES))
        return give_up(&u, error);
    if (!is_passing(error->code))
        sgn_log_error(SGN_LOG_ERROR, "finisher", error);
    return postpone(&u, error);
}

sgn_error_t *sgn_finish_pending(int *some, sgn_jobs_t *jobs, sgn_job_lane_t *lane, apr_pool_t *pool)
{
    sgn_db_rows_t *rows;
    apr_pool_t *each;

    *some = 0;
    SGN_TRY(sgn_db_query(&rows, jobs->o.office, pool,
                         "SELECT i.job, i.n, (SELECT count(*) FROM job_item o WHERE o.job = i.job AND o.level <> 'B-B' AND o.token IS NULL"
                         " AND o.state IN ('signed','awaiting-timestamp')) FROM job_item i"
                         " WHERE i.state IN ('signed','awaiting-timestamp') AND i.retry_at <= $1 ORDER BY i.retry_at, i.job, i.n",
                         "i", (apr_int64_t)sgn_clock_now()));
    apr_pool_create(&each, pool);
    for (int i = 0; i < sgn_db_count(rows); i++) {
        sgn_error_t *error;

        if (!sgn_finisher_take(jobs, lane, sgn_db_text(rows, i, 0), sgn_db_int(rows, i, 2) > 0))
            continue;
        apr_pool_clear(each);
        error = finish_row(jobs, sgn_db_text(rows, i, 0), (int)sgn_db_int(rows, i, 1), each);
        sgn_finisher_give(jobs, lane);
        SGN_TRY(error);
        *some = 1;
    }
    apr_pool_destroy(each);
    return NULL;
}
