/* desk.c: offers, claims and progress. */
#include "office/signing/desk.h"

#include <string.h>

#include <apr_strings.h>

#include "base/clock.h"
#include "office/signing/job.h"
#include "office/signing/litter.h"
#include "office/signing/sign_request.h"

#define ALGORITHMS 32
#define ALGORITHM_TEXT 64
#define LABEL_TEXT 200
#define REASON_TEXT 2000

static void mark_seen(sgn_jobs_t *jobs, const char *account)
{
    apr_time_t *seen;

    pthread_mutex_lock(&jobs->lock);
    seen = apr_hash_get(jobs->seen, account, APR_HASH_KEY_STRING);
    if (!seen) {
        seen = apr_palloc(jobs->pool, sizeof *seen);
        apr_hash_set(jobs->seen, apr_pstrdup(jobs->pool, account), APR_HASH_KEY_STRING, seen);
    }
    *seen = sgn_clock_monotonic();
    pthread_mutex_unlock(&jobs->lock);
}

/* Object identifiers; what is longer or more than a token has is not kept. */
static const char *join(const json_t *list, apr_pool_t *pool)
{
    const char *text = "";
    json_t *word;
    size_t i;

    json_array_foreach(list, i, word)
        if (i < ALGORITHMS && json_is_string(word) && json_string_length(word) <= ALGORITHM_TEXT)
            text = apr_pstrcat(pool, text, *text ? " " : "", json_string_value(word), NULL);
    return text;
}

/* [B13] what a desk lists counts only when it is bound to the desk's person. */
static int is_bound(const sgn_binding_t *bindings, int count, const char *credential)
{
    for (int i = 0; i < count; i++)
        if (strcmp(bindings[i].credential, credential) == 0)
            return 1;
    return 0;
}

static sgn_error_t *take_credential(json_t *out, sgn_jobs_t *jobs, const sgn_desk_t *desk, const json_t *item,
                                    const sgn_binding_t *bindings, int count, apr_pool_t *pool)
{
    const char *credential, *label = NULL;
    json_t *key, *token, *algorithms = NULL;
    int bound;

    SGN_TRY(sgn_json_get_str(&credential, item, "credentialID", pool));
    SGN_TRY(sgn_json_find_object(&key, item, "key", pool));
    SGN_TRY(sgn_json_find_object(&token, item, "token", pool));
    if (key)
        SGN_TRY(sgn_json_find_array(&algorithms, key, "algo", pool));
    if (token)
        SGN_TRY(sgn_json_find_str(&label, token, "label", NULL, pool));
    if (label && strlen(label) > LABEL_TEXT)
        return SGN_ERROR(pool, SGN_FIELD, "label: at most %d bytes", LABEL_TEXT);
    bound = is_bound(bindings, count, credential);
    json_array_append_new(out, json_pack("{s:s, s:s}", "credentialID", credential, "status", bound ? "bound" : "unbound"));
    if (!bound)
        return NULL;
    return sgn_db_run(jobs->o.office, pool,
                      "INSERT OR REPLACE INTO agent_credential (agent, credential, algorithms, label) VALUES ($1, $2, $3, $4)",
                      "ssss", desk->agent, credential, join(algorithms, pool), label);
}

sgn_error_t *sgn_desk_credentials(json_t **answer, sgn_jobs_t *jobs, const sgn_desk_t *desk, json_t *body, apr_pool_t *pool)
{
    json_t *list, *item, *out = json_array();
    sgn_binding_t *bindings;
    sgn_error_t *error;
    size_t i;
    int count;

    *answer = sgn_json_object(pool);
    json_object_set_new(*answer, "credentials", out);
    SGN_TRY(sgn_json_get_array(&list, body, "credentials", pool));
    if (json_array_size(list) > 64)
        return SGN_ERROR(pool, SGN_FIELD, "credentials: at most 64");
    SGN_TRY(sgn_agency_credentials(&bindings, &count, jobs->o.agency, desk->account, sgn_clock_now(), pool));
    /* The list as a whole: an offer between the old and the new would find none. */
    SGN_TRY(sgn_db_begin(jobs->o.office, pool));
    error = sgn_db_run(jobs->o.office, pool, "DELETE FROM agent_credential WHERE agent = $1", "s", desk->agent);
    for (i = 0; !error && i < json_array_size(list); i++) {
        item = json_array_get(list, i);
        error = take_credential(out, jobs, desk, item, bindings, count, pool);
    }
    if (error) {
        sgn_db_rollback(jobs->o.office);
        return error;
    }
    SGN_TRY(sgn_db_commit(jobs->o.office, pool));
    mark_seen(jobs, desk->account);
    return NULL;
}

sgn_error_t *sgn_desk_poll(json_t **answer, sgn_jobs_t *jobs, const sgn_desk_t *desk, json_t *body, apr_pool_t *pool)
{
    sgn_db_rows_t *rows;

    (void)body;     /* which credentials count was told by `credentials` */
    *answer = NULL;
    mark_seen(jobs, desk->account);
    SGN_TRY(sgn_db_query(&rows, jobs->o.office, pool,
                         "SELECT j.id, j.credential, j.kind, (SELECT count(*) FROM job_item i WHERE i.job = j.id)"
                         " FROM job j JOIN agent_credential c ON c.credential = j.credential AND c.agent = $1"
                         " WHERE j.account = $2 AND j.state = 'prepared' AND j.expires > $3 ORDER BY j.created LIMIT 1",
                         "ssi", desk->agent, desk->account, (apr_int64_t)sgn_clock_now()));
    if (sgn_db_count(rows) == 0)
        return NULL;
    *answer = sgn_json_object(pool);
    json_object_set_new(*answer, "job",
                        json_pack("{s:s, s:s, s:s, s:I}", "jobID", sgn_db_text(rows, 0, 0), "credentialID",
                                  sgn_db_text(rows, 0, 1), "kind", sgn_db_text(rows, 0, 2), "numSignatures",
                                  (json_int_t)sgn_db_int(rows, 0, 3)));
    return NULL;
}

/* A job of the desk's own account; everybody else's does not exist. */
static sgn_error_t *own_job(sgn_job_t **out, sgn_jobs_t *jobs, const sgn_desk_t *desk, json_t *body, apr_pool_t *pool)
{
    const char *id;

    SGN_TRY(sgn_json_get_str(&id, body, "jobID", pool));
    SGN_TRY(sgn_job_get(out, jobs->o.office, id, pool));
    if (strcmp((*out)->account, desk->account) != 0)
        return SGN_ERROR(pool, SGN_JOB_UNKNOWN, "job of another person");
    return NULL;
}

/* The lease: this desk, this leaseID. */
static sgn_error_t *held_job(sgn_job_t **out, const char **lease, sgn_jobs_t *jobs, const sgn_desk_t *desk, json_t *body,
                             apr_pool_t *pool)
{
    SGN_TRY(own_job(out, jobs, desk, body, pool));
    SGN_TRY(sgn_json_get_str(lease, body, "leaseID", pool));
    if (!(*out)->lease || strcmp((*out)->lease, *lease) != 0 || !(*out)->agent || strcmp((*out)->agent, desk->agent) != 0)
        return SGN_ERROR(pool, SGN_LEASE_LOST, "lease of another desk");
    return NULL;
}

sgn_error_t *sgn_desk_held_job(sgn_job_t **out, sgn_jobs_t *jobs, const sgn_desk_t *desk, json_t *body, apr_pool_t *pool)
{
    const char *lease;

    return held_job(out, &lease, jobs, desk, body, pool);
}

/* Lease and algorithm in one: a result is verified by what was asked for. */
static sgn_error_t *store_lease(sgn_jobs_t *jobs, const sgn_desk_t *desk, const sgn_job_t *job, const char *lease,
                                const char *algorithm, apr_pool_t *pool)
{
    apr_int64_t changed;

    SGN_TRY(sgn_db_run_changed(&changed, jobs->o.office, pool,
                               "UPDATE job SET state = 'claimed', agent = $1, lease = $2, lease_expires = $3"
                               " WHERE id = $4 AND state = 'prepared'", "ssis", desk->agent, lease,
                               (apr_int64_t)(sgn_clock_now() + SGN_JOB_LEASE), job->id));
    if (changed != 1)
        return SGN_ERROR(pool, SGN_LEASE_LOST, "job is %s", job->state);
    return sgn_db_run(jobs->o.office, pool, "UPDATE job_item SET algorithm = $1 WHERE job = $2 AND state = 'pending'", "ss",
                      algorithm, job->id);
}

static sgn_error_t *take_lease(sgn_jobs_t *jobs, const sgn_desk_t *desk, const sgn_job_t *job, const char *lease, apr_pool_t *pool)
{
    const char *algorithm;
    sgn_error_t *error;

    if (job->lease && strcmp(job->lease, lease) == 0 && job->agent && strcmp(job->agent, desk->agent) == 0)
        return NULL;    /* the same claim again */
    if (job->expires <= sgn_clock_now())
        return SGN_ERROR(pool, SGN_EXPIRED, "job");
    /* A desk without the token holds up nobody. */
    SGN_TRY(sgn_sign_request_algorithm(&algorithm, jobs, job, desk, pool));
    SGN_TRY(sgn_db_begin(jobs->o.office, pool));
    error = store_lease(jobs, desk, job, lease, algorithm, pool);
    if (!error)
        return sgn_db_commit(jobs->o.office, pool);
    sgn_db_rollback(jobs->o.office);
    return error;
}

static int good_lease(const char *lease)
{
    size_t len = strlen(lease);

    return len >= 16 && len <= 64 && strspn(lease, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") == len;
}

sgn_error_t *sgn_desk_claim(json_t **answer, sgn_jobs_t *jobs, const sgn_desk_t *desk, json_t *body, apr_pool_t *pool)
{
    const char *lease, *request;
    sgn_job_t *job;

    SGN_TRY(own_job(&job, jobs, desk, body, pool));
    SGN_TRY(sgn_json_get_str(&lease, body, "leaseID", pool));
    if (!good_lease(lease))
        return SGN_ERROR(pool, SGN_FIELD, "leaseID: 16 to 64 characters of base64url");
    SGN_TRY(take_lease(jobs, desk, job, lease, pool));
    SGN_TRY(sgn_sign_request_make(&request, jobs, job, desk, pool));
    *answer = sgn_json_object(pool);
    sgn_json_set_str(*answer, "leaseExpires", sgn_clock_print(sgn_clock_now() + SGN_JOB_LEASE, pool));
    sgn_json_set_str(*answer, "signRequest", request);
    return NULL;
}

sgn_error_t *sgn_desk_document(const char *path[2], apr_off_t size[2], sgn_jobs_t *jobs, const sgn_desk_t *desk,
                               const char *id, int n, apr_pool_t *pool)
{
    sgn_job_item_t *items;
    sgn_job_t *job;
    int count;

    SGN_TRY(sgn_job_get(&job, jobs->o.office, id, pool));
    if (strcmp(job->account, desk->account) != 0 || !job->agent || strcmp(job->agent, desk->agent) != 0)
        return SGN_ERROR(pool, SGN_JOB_UNKNOWN, "not claimed by this desk");
    SGN_TRY(sgn_job_items(&items, &count, jobs->o.office, id, pool));
    if (n < 0 || n >= count || strcmp(items[n].state, "pending") != 0)
        return SGN_ERROR(pool, SGN_NOT_FOUND, "document %d", n);
    path[0] = sgn_job_path(id, n, ".pdf", pool);
    path[1] = sgn_job_path(id, n, ".update", pool);
    size[0] = items[n].size;
    size[1] = items[n].offered_size - items[n].size;
    return NULL;
}

sgn_error_t *sgn_desk_progress(json_t **answer, sgn_jobs_t *jobs, const sgn_desk_t *desk, json_t *body, apr_pool_t *pool)
{
    static const char *const states[] = { "displayed", "authorised", "signing", NULL };
    apr_time_t until = sgn_clock_now() + SGN_JOB_LEASE;
    const char *lease, *state;
    sgn_job_t *job;
    int known = 0;

    SGN_TRY(held_job(&job, &lease, jobs, desk, body, pool));
    SGN_TRY(sgn_json_get_str(&state, body, "state", pool));
    for (const char *const *s = states; *s; s++)
        known |= strcmp(*s, state) == 0;
    if (!known)
        return SGN_ERROR(pool, SGN_FIELD, "state %.20s", state);
    mark_seen(jobs, desk->account);
    *answer = sgn_json_object(pool);
    sgn_json_set_bool(*answer, "cancelled", sgn_job_is_final(job->state));
    if (sgn_job_is_final(job->state))
        return NULL;
    /* Once the password was given, `authorised` stays: numbers are void, not free [B35]. */
    SGN_TRY(sgn_db_run(jobs->o.office, pool,
                       "UPDATE job SET state = $1, lease_expires = $2, authorised = max(authorised, $3) WHERE id = $4"
                       " AND lease = $5 AND state IN ('claimed','displayed','authorised','signing')", "siiss", state,
                       (apr_int64_t)until, (apr_int64_t)(strcmp(state, "displayed") != 0), job->id, lease));
    sgn_json_set_str(*answer, "leaseExpires", sgn_clock_print(until, pool));
    return NULL;
}

static sgn_error_t *end_rejected(const char **ended, sgn_jobs_t *jobs, const sgn_desk_t *desk, json_t *body, const char *code, apr_pool_t *pool)
{
    const char *lease;
    sgn_job_t *job;

    SGN_TRY(held_job(&job, &lease, jobs, desk, body, pool));
    /* What has signature values is not undone by a word [A15]. */
    if (sgn_job_is_final(job->state) || strcmp(job->state, "returned") == 0)
        return NULL;
    *ended = job->id;
    SGN_TRY(sgn_job_release(jobs->o.office, job, code, pool));
    SGN_TRY(sgn_job_state(jobs->o.office, job->id, "rejected", code, pool));
    return sgn_job_audit(jobs, job, "job.reject", body, pool);
}

sgn_error_t *sgn_desk_reject(json_t **answer, sgn_jobs_t *jobs, const sgn_desk_t *desk, json_t *body, apr_pool_t *pool)
{
    const char *code, *why, *ended = NULL;
    sgn_error_t *error;

    SGN_TRY(sgn_json_get_str(&code, body, "error", pool));
    if (!sgn_error_find(code))
        return SGN_ERROR(pool, SGN_FIELD, "error: %.40s is no code", code);
    SGN_TRY(sgn_json_find_str(&why, body, "error_description", NULL, pool));
    if (why && strlen(why) > REASON_TEXT)
        return SGN_ERROR(pool, SGN_FIELD, "error_description: at most %d bytes", REASON_TEXT);
    *answer = sgn_json_object(pool);
    SGN_TRY(sgn_db_begin(jobs->o.office, pool));
    error = end_rejected(&ended, jobs, desk, body, code, pool);
    if (error) {
        sgn_db_rollback(jobs->o.office);
        return error;
    }
    SGN_TRY(sgn_db_commit(jobs->o.office, pool));
    if (ended)
        sgn_litter_clean(jobs, ended, pool);
    return NULL;
}
