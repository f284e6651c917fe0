/*
 * result.c: the desk brings signature values.  Everything is checked again,
 * then the values are durable, then the answer goes out: a value is paid for
 * with a password and is never lost after it was acknowledged [A15].
 */
#include <string.h>

#include <apr_strings.h>

#include "base/clock.h"
#include "crypto/digest.h"
#include "crypto/verify.h"
#include "dtbs/jws.h"
#include "office/signing/group.h"
#include "office/signing/litter.h"
#include "office/signing/sign_request.h"

#define VALUE_LIMIT 1024
#define REASON_LIMIT 500
#define EVIDENCE_LIMIT ((size_t)1 << 20)

typedef struct {
    sgn_jobs_t *jobs;
    const sgn_desk_t *desk;
    sgn_job_t *job;
    sgn_job_item_t *items;
    int count;
    sgn_verify_key_t *key;
    sgn_binding_t *binding;
    json_t *evidence;           /* items of the desk's record */
    const char *refused;        /* code that refuses all values, NULL: none */
    json_t *answer;
    apr_pool_t *pool;
} result_t;

static sgn_error_t *binding_of(sgn_binding_t **out, const result_t *r)
{
    sgn_binding_t *list;
    int count;

    SGN_TRY(sgn_agency_bindings(&list, &count, r->jobs->o.agency, r->job->certificate_sha256, 0, r->pool));
    for (int i = 0; i < count; i++)
        if (strcmp(list[i].id, r->job->binding) == 0) {
            *out = &list[i];
            return NULL;
        }
    return SGN_ERROR(r->pool, SGN_BINDING_NONE, "binding %s is gone", r->job->binding);
}

/* Known to be bad; everything else is "could not look", and no reason to throw
 * a signature away: the finished file is judged before it counts. */
static int is_refusal(sgn_code_t code)
{
    switch (code) {
    case SGN_BINDING_NONE:
    case SGN_CUSTODY_NONE:
    case SGN_INCIDENT:
    case SGN_CERT_EXPIRED:
    case SGN_CERT_REVOKED:
    case SGN_CERT_ON_HOLD:
    case SGN_CERT_UNTRUSTED:
    case SGN_CERT_PURPOSE:
    case SGN_CERT_UNREADABLE:
        return 1;
    default:
        return 0;
    }
}

/* [H03, A15] the same second: the certificate once more.  A refusal is a state
 * of the items, not an error of the call. */
static sgn_error_t *check_certificate(result_t *r)
{
    sgn_error_t *error;
    json_t *facts;

    SGN_TRY(binding_of(&r->binding, r));
    SGN_TRY(sgn_verify_key(&r->key, r->binding->spki, r->pool));
    error = sgn_engine_certificate(&facts, r->jobs->o.engine, r->binding->certificate, r->binding->kind, r->pool);
    if (error && is_refusal(error->code))
        r->refused = sgn_error_row(error->code)->name;
    return NULL;
}

/* Binding, custody and incident, inside the transaction: what was stopped
 * before the value is durable stops it. */
static sgn_error_t *check_rights(result_t *r)
{
    sgn_error_t *error = sgn_agency_recheck(r->jobs->o.agency, r->binding, r->job->account, sgn_clock_now(), r->pool);

    if (!error || !is_refusal(error->code))
        return error;
    r->refused = sgn_error_row(error->code)->name;
    return NULL;
}

/* The desk's own record of what it signed, by its key, for this job: kept with it. */
static sgn_error_t *check_evidence(result_t *r, json_t *body)
{
    const char *text, *job;
    sgn_db_rows_t *rows;
    json_t *payload;
    sgn_jws_t *jws;

    SGN_TRY(sgn_json_get_str(&text, body, "evidence", r->pool));
    SGN_TRY(sgn_es256_parse(&jws, text, SGN_JWS_TYP_EVIDENCE, r->pool));
    SGN_TRY(sgn_db_query(&rows, r->jobs->o.office, r->pool, "SELECT point FROM agent WHERE id = $1", "s", r->desk->agent));
    if (sgn_db_bytes(rows, 0, 0).len != SGN_P256_POINT)
        return SGN_ERROR(r->pool, SGN_AGENT_PROOF, "unknown desk");
    SGN_TRY(sgn_es256_verify(jws, sgn_db_bytes(rows, 0, 0).data, r->pool));
    SGN_TRY(sgn_json_parse(&payload, sgn_bytes(jws->payload, jws->payload_len), EVIDENCE_LIMIT, r->pool));
    SGN_TRY(sgn_json_get_str(&job, payload, "jobID", r->pool));
    if (strcmp(job, r->job->id) != 0)
        return SGN_ERROR(r->pool, SGN_AGENT_PROOF, "evidence of another job");
    return sgn_json_get_array(&r->evidence, payload, "items", r->pool);
}

/* The record names exactly this value over exactly these bytes. */
static sgn_error_t *is_recorded(result_t *r, const sgn_job_item_t *item, sgn_bytes_t value)
{
    const char *dtbs, *signature;
    json_t *entry;
    size_t i;

    SGN_TRY(sgn_digest_sha256_hex(&dtbs, item->dtbs.data, item->dtbs.len, r->pool));
    SGN_TRY(sgn_digest_sha256_hex(&signature, value.data, value.len, r->pool));
    json_array_foreach(r->evidence, i, entry) {
        const char *one = json_string_value(json_object_get(entry, "hashDtbs"));
        const char *other = json_string_value(json_object_get(entry, "signatureSha256"));

        if (one && other && strcmp(one, dtbs) == 0 && strcmp(other, signature) == 0)
            return NULL;
    }
    return SGN_ERROR(r->pool, SGN_AGENT_PROOF, "no evidence of document %d", item->n);
}

static sgn_error_t *discarded(result_t *r, const sgn_job_item_t *item, sgn_bytes_t value, const char *why)
{
    json_t *detail = sgn_json_object(r->pool);
    const char *digest;

    /* A signed document exists somewhere: its digest is on record. */
    SGN_TRY(sgn_digest_sha256_hex(&digest, value.data, value.len, r->pool));
    sgn_json_set_int(detail, "n", item->n);
    sgn_json_set_str(detail, "valueSha256", digest);
    sgn_json_set_str(detail, "why", why);
    return sgn_job_audit(r->jobs, r->job, "signature.discarded", detail, r->pool);
}

static sgn_error_t *refuse(result_t *r, const sgn_job_item_t *item, const char *state, const char *code, const char *reason)
{
    SGN_TRY(sgn_job_item_state(r->jobs->o.office, r->job->id, item->n, state, code, reason, r->pool));
    return sgn_job_release_item(r->jobs->o.office, r->job, item->n, code, r->pool);
}

/* Not through a letter: what is no UTF-8 is in no JSON. */
static const char *cut(const char *text, apr_pool_t *pool)
{
    size_t len = REASON_LIMIT;

    while (len && ((unsigned char)text[len] & 0xc0) == 0x80)
        len--;
    return apr_pstrmemdup(pool, text, len);
}

static sgn_error_t *take_error(const char **status, result_t *r, const sgn_job_item_t *item, json_t *entry)
{
    const char *code, *reason;

    SGN_TRY(sgn_json_get_str(&code, entry, "error", r->pool));
    SGN_TRY(sgn_json_find_str(&reason, entry, "reason", NULL, r->pool));
    if (!sgn_error_find(code))
        code = sgn_error_row(SGN_TOKEN_FAILED)->name;
    if (reason && strlen(reason) > REASON_LIMIT)
        reason = cut(reason, r->pool);
    *status = strcmp(code, sgn_error_row(SGN_USER_DECLINED)->name) == 0 ? "declined" : "error";
    return refuse(r, item, *status, code, reason);
}

static sgn_error_t *take_value(const char **status, result_t *r, const sgn_job_item_t *item, json_t *entry)
{
    sgn_bytes_t value;
    int good = 0;

    SGN_TRY(sgn_json_get_bytes(&value, entry, "signature", r->pool));
    if (value.len == 0 || value.len > VALUE_LIMIT)
        return SGN_ERROR(r->pool, SGN_FIELD, "signature of %" APR_SIZE_T_FMT " bytes", value.len);
    SGN_TRY(is_recorded(r, item, value));
    *status = "error";
    /* Whatever the desk told of its progress: somebody gave a password [B35]. */
    r->job->authorised = 1;
    if (r->refused) {
        SGN_TRY(discarded(r, item, value, r->refused));
        return refuse(r, item, "error", r->refused, NULL);
    }
    if (item->algorithm)
        SGN_TRY(sgn_verify_value(&good, r->key, item->algorithm, item->dtbs, value, r->pool));
    if (!good) {
        SGN_TRY(discarded(r, item, value, "mismatch"));
        return refuse(r, item, "error", sgn_error_row(SGN_RESULT_MISMATCH)->name, NULL);
    }
    *status = "signed";
    return sgn_db_run(r->jobs->o.office, r->pool,
                      "UPDATE job_item SET state = 'signed', code = NULL, value = $1 WHERE job = $2 AND n = $3", "bsi", &value,
                      r->job->id, (apr_int64_t)item->n);
}

static sgn_error_t *take_entry(result_t *r, json_t *entry)
{
    const char *status = NULL;
    sgn_job_item_t *item;
    apr_int64_t n;

    SGN_TRY(sgn_json_get_int(&n, entry, "n", r->pool));
    if (n < 0 || n >= r->count)
        return SGN_ERROR(r->pool, SGN_FIELD, "items: document %" APR_INT64_T_FMT, n);
    item = &r->items[n];
    if (strcmp(item->state, "pending") != 0)
        status = item->state;       /* the same result again */
    else if (json_object_get(entry, "signature"))
        SGN_TRY(take_value(&status, r, item, entry));
    else
        SGN_TRY(take_error(&status, r, item, entry));
    item->state = status;
    return NULL;
}

/* A result is the last word: what it leaves out would wait for ever. */
static sgn_error_t *close_rest(result_t *r)
{
    for (int i = 0; i < r->count; i++) {
        if (strcmp(r->items[i].state, "pending") != 0)
            continue;
        SGN_TRY(refuse(r, &r->items[i], "error", sgn_error_row(SGN_TOKEN_FAILED)->name, NULL));
        r->items[i].state = "error";
    }
    return NULL;
}

/* What a failed member leaves of its group is not embedded. */
static sgn_error_t *close_groups(result_t *r)
{
    SGN_TRY(sgn_job_items(&r->items, &r->count, r->jobs->o.office, r->job->id, r->pool));
    for (int i = 0; i < r->count; i++)
        if (strcmp(r->items[i].state, "error") == 0 || strcmp(r->items[i].state, "declined") == 0)
            SGN_TRY(sgn_group_end(r->jobs, r->job, r->items, r->count, i, r->items[i].code, r->pool));
    return NULL;
}

/* What the desk is told: what became of each document that it named. */
static sgn_error_t *tell(result_t *r, json_t *list)
{
    json_t *entry;
    size_t i;

    json_array_foreach(list, i, entry) {
        apr_int64_t n;

        SGN_TRY(sgn_json_get_int(&n, entry, "n", r->pool));
        json_array_append_new(r->answer, json_pack("{s:I, s:s}", "n", (json_int_t)n, "status", r->items[n].state));
    }
    return NULL;
}

/* A result for a job that ended meanwhile: nothing is embedded, all is told. */
static sgn_error_t *take_late(result_t *r, json_t *list)
{
    json_t *entry;
    size_t i;

    json_array_foreach(list, i, entry) {
        sgn_bytes_t value;
        apr_int64_t n;

        SGN_TRY(sgn_json_get_int(&n, entry, "n", r->pool));
        if (n < 0 || n >= r->count)
            return SGN_ERROR(r->pool, SGN_FIELD, "items: document %" APR_INT64_T_FMT, n);
        SGN_TRY(sgn_json_find_bytes(&value, entry, "signature", r->pool));
        if (value.len && strcmp(r->items[n].state, "skipped") == 0)
            SGN_TRY(discarded(r, &r->items[n], value, r->job->state));
    }
    return tell(r, list);
}

static sgn_error_t *take_all(result_t *r, json_t *list)
{
    const char *lease = r->job->lease;
    json_t *entry;
    size_t i;

    /* Read again inside the transaction: a cancel may have come between, or the
     * end of the lease and another desk's claim. */
    SGN_TRY(sgn_job_get(&r->job, r->jobs->o.office, r->job->id, r->pool));
    SGN_TRY(sgn_job_items(&r->items, &r->count, r->jobs->o.office, r->job->id, r->pool));
    if (sgn_job_is_final(r->job->state))
        return take_late(r, list);
    if (!r->job->lease || strcmp(r->job->lease, lease) != 0 || strcmp(r->job->agent, r->desk->agent) != 0)
        return SGN_ERROR(r->pool, SGN_LEASE_LOST, "the lease ended meanwhile");
    if (!r->refused)
        SGN_TRY(check_rights(r));
    json_array_foreach(list, i, entry)
        SGN_TRY(take_entry(r, entry));
    SGN_TRY(close_rest(r));
    SGN_TRY(close_groups(r));
    SGN_TRY(sgn_db_run(r->jobs->o.office, r->pool, "UPDATE job SET authorised = $1 WHERE id = $2", "is",
                       (apr_int64_t)r->job->authorised, r->job->id));
    SGN_TRY(sgn_job_state(r->jobs->o.office, r->job->id, "returned", NULL, r->pool));
    SGN_TRY(sgn_job_settle(r->jobs->o.office, r->job->id, r->pool));
    return tell(r, list);
}

sgn_error_t *sgn_desk_result(json_t **answer, sgn_jobs_t *jobs, const sgn_desk_t *desk, json_t *body, apr_pool_t *pool)
{
    result_t r = { .jobs = jobs, .desk = desk, .answer = json_array(), .pool = pool };
    json_t *list, *detail = sgn_json_object(pool);
    sgn_error_t *error;

    *answer = sgn_json_object(pool);
    json_object_set_new(*answer, "items", r.answer);
    SGN_TRY(sgn_desk_held_job(&r.job, jobs, desk, body, pool));
    SGN_TRY(sgn_json_get_array(&list, body, "items", pool));
    if (json_array_size(list) > SGN_JOB_ITEMS)
        return SGN_ERROR(pool, SGN_FIELD, "items: too many");
    SGN_TRY(check_evidence(&r, body));
    SGN_TRY(check_certificate(&r));
    sgn_json_set(detail, "evidence", json_object_get(body, "evidence"));
    sgn_json_set_str(detail, "agent", desk->agent);
    SGN_TRY(sgn_db_begin(jobs->o.office, pool));
    error = take_all(&r, list);
    if (!error)
        error = sgn_job_audit(jobs, r.job, "job.result", detail, pool);
    if (error) {
        sgn_db_rollback(jobs->o.office);
        return error;
    }
    SGN_TRY(sgn_db_commit(jobs->o.office, pool));
    sgn_litter_clean(jobs, r.job->id, pool);
    sgn_jobs_kick(jobs);
    return NULL;
}
