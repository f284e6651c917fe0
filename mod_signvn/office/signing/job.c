/* job.c: rows of jobs and items. */
#include "office/signing/job.h"

#include <string.h>

#include <apr_strings.h>

#include "base/clock.h"
#include "office/agency/register.h"

static const sgn_db_migration_t schema[] = {
    { 1, 1,
      "CREATE TABLE job (id TEXT PRIMARY KEY, account TEXT NOT NULL, agency TEXT NOT NULL, binding TEXT NOT NULL,"
      " credential TEXT NOT NULL, certificate_sha256 TEXT NOT NULL, kind TEXT NOT NULL, state TEXT NOT NULL, match_code TEXT NOT NULL,"
      " nonce TEXT NOT NULL, system TEXT, agent TEXT, lease TEXT, code TEXT, created INTEGER NOT NULL,"
      " expires INTEGER NOT NULL, lease_expires INTEGER NOT NULL DEFAULT 0, stop_on_error INTEGER NOT NULL,"
      " authorised INTEGER NOT NULL DEFAULT 0);"
      "CREATE INDEX job_account ON job (account, created);"
      "CREATE INDEX job_live ON job (state) WHERE state NOT IN ('done','partial','rejected','expired','cancelled','failed');"
      "CREATE TABLE job_item (job TEXT NOT NULL REFERENCES job, n INTEGER NOT NULL, state TEXT NOT NULL, code TEXT,"
      " detail TEXT, kind TEXT NOT NULL, subject TEXT, type TEXT, number TEXT, symbol TEXT, date TEXT, item_group TEXT,"
      " deliver TEXT, level TEXT NOT NULL, sha256 TEXT NOT NULL, offered_sha256 TEXT NOT NULL, final_sha256 TEXT,"
      " size INTEGER NOT NULL, offered_size INTEGER NOT NULL, range1 INTEGER NOT NULL, range2 INTEGER NOT NULL,"
      " dtbs BLOB NOT NULL, value BLOB, token BLOB, algorithm TEXT, person_digest TEXT, archive TEXT, metadata TEXT, report TEXT,"
      " explain TEXT, retry_at INTEGER NOT NULL DEFAULT 0, retries INTEGER NOT NULL DEFAULT 0, PRIMARY KEY (job, n));"
      "CREATE INDEX job_item_unfinished ON job_item (state) WHERE state IN ('signed','awaiting-timestamp');"
      /* [B3] one personal signature is sealed once by an agency */
      "CREATE TABLE seal_use (person_digest TEXT NOT NULL, agency TEXT NOT NULL, number TEXT, symbol TEXT,"
      " job TEXT NOT NULL, item INTEGER NOT NULL, done INTEGER NOT NULL DEFAULT 0, PRIMARY KEY (person_digest, agency));"
      "CREATE TABLE receipt (sha256 TEXT PRIMARY KEY, time INTEGER NOT NULL);"
      "CREATE TABLE idempotency (account TEXT NOT NULL, key TEXT NOT NULL, digest TEXT NOT NULL, status INTEGER NOT NULL,"
      " answer TEXT NOT NULL, time INTEGER NOT NULL, PRIMARY KEY (account, key));"
      "CREATE TABLE agent (id TEXT PRIMARY KEY, account TEXT NOT NULL, name TEXT NOT NULL, point BLOB NOT NULL,"
      " version TEXT, enrolled INTEGER NOT NULL, revoked INTEGER NOT NULL DEFAULT 0);"
      "CREATE INDEX agent_account ON agent (account);"
      "CREATE TABLE agent_credential (agent TEXT NOT NULL REFERENCES agent, credential TEXT NOT NULL, algorithms TEXT NOT NULL,"
      " label TEXT, PRIMARY KEY (agent, credential));"
      "CREATE TABLE enrolment (code TEXT PRIMARY KEY, account TEXT NOT NULL UNIQUE, expires INTEGER NOT NULL,"
      " id TEXT, agent_name TEXT, point BLOB, nonce TEXT, version TEXT, confirmed TEXT);"
      "CREATE TABLE enrolment_miss (account TEXT PRIMARY KEY, misses INTEGER NOT NULL);"
      "CREATE TABLE jti (agent TEXT NOT NULL, jti TEXT NOT NULL, time INTEGER NOT NULL, PRIMARY KEY (agent, jti))" },
    { 2, 1,
      "ALTER TABLE job ADD COLUMN litter INTEGER NOT NULL DEFAULT 0;"
      "CREATE INDEX job_litter ON job (litter) WHERE litter > 0;"
      "ALTER TABLE job_item ADD COLUMN passed INTEGER NOT NULL DEFAULT 0;"
      "ALTER TABLE job_item ADD COLUMN cause INTEGER NOT NULL DEFAULT -1;"
      "ALTER TABLE job_item ADD COLUMN cause_code TEXT" },
    { 3, 1,
      "ALTER TABLE job_item ADD COLUMN finished INTEGER NOT NULL DEFAULT 0;"
      "ALTER TABLE job_item ADD COLUMN gone INTEGER NOT NULL DEFAULT 0;"
      "ALTER TABLE job_item ADD COLUMN kept_in TEXT;"
      "UPDATE job_item SET finished = (SELECT created FROM job WHERE id = job_item.job) WHERE state = 'done';"
      "CREATE INDEX job_item_final ON job_item (final_sha256) WHERE final_sha256 IS NOT NULL;"
      "CREATE INDEX job_item_finished ON job_item (finished) WHERE state = 'done' AND gone = 0;"
      "CREATE INDEX job_item_kept_in ON job_item (kept_in) WHERE state = 'done' AND gone = 0 AND kept_in IS NOT NULL" },
    { 4, 4, "ALTER TABLE enrolment ADD COLUMN misses INTEGER NOT NULL DEFAULT 0; DROP TABLE enrolment_miss" },
    { 0, 0, NULL },
};

sgn_error_t *sgn_job_schema(sgn_db_t *office, apr_pool_t *pool)
{
    return sgn_db_migrate(office, "signing", schema, pool);
}

sgn_error_t *sgn_job_get(sgn_job_t **out, sgn_db_t *office, const char *id, apr_pool_t *pool)
{
    sgn_job_t *job = apr_pcalloc(pool, sizeof *job);
    sgn_db_rows_t *r;

    SGN_TRY(sgn_db_query(&r, office, pool,
                         "SELECT id, account, agency, binding, credential, certificate_sha256, kind, state, match_code, nonce,"
                         " system, agent, lease, code, created, expires, lease_expires, stop_on_error, authorised"
                         " FROM job WHERE id = $1", "s", id));
    if (sgn_db_count(r) == 0)
        return SGN_ERROR(pool, SGN_JOB_UNKNOWN, "job %.40s", id);
    job->id = sgn_db_text(r, 0, 0);
    job->account = sgn_db_text(r, 0, 1);
    job->agency = sgn_db_text(r, 0, 2);
    job->binding = sgn_db_text(r, 0, 3);
    job->credential = sgn_db_text(r, 0, 4);
    job->certificate_sha256 = sgn_db_text(r, 0, 5);
    job->kind = sgn_db_text(r, 0, 6);
    job->state = sgn_db_text(r, 0, 7);
    job->match_code = sgn_db_text(r, 0, 8);
    job->nonce = sgn_db_text(r, 0, 9);
    job->system = sgn_db_text(r, 0, 10);
    job->agent = sgn_db_text(r, 0, 11);
    job->lease = sgn_db_text(r, 0, 12);
    job->code = sgn_db_text(r, 0, 13);
    job->created = sgn_db_int(r, 0, 14);
    job->expires = sgn_db_int(r, 0, 15);
    job->lease_expires = sgn_db_int(r, 0, 16);
    job->stop_on_error = (int)sgn_db_int(r, 0, 17);
    job->authorised = (int)sgn_db_int(r, 0, 18);
    *out = job;
    return NULL;
}

static void read_item(sgn_job_item_t *item, const sgn_db_rows_t *r, int i)
{
    item->n = (int)sgn_db_int(r, i, 0);
    item->state = sgn_db_text(r, i, 1);
    item->code = sgn_db_text(r, i, 2);
    item->detail = sgn_db_text(r, i, 3);
    item->kind = sgn_db_text(r, i, 4);
    item->subject = sgn_db_text(r, i, 5);
    item->type = sgn_db_text(r, i, 6);
    item->number = sgn_db_text(r, i, 7);
    item->symbol = sgn_db_text(r, i, 8);
    item->date = sgn_db_text(r, i, 9);
    item->group = sgn_db_text(r, i, 10);
    item->deliver = sgn_db_text(r, i, 11);
    item->level = sgn_db_text(r, i, 12);
    item->sha256 = sgn_db_text(r, i, 13);
    item->offered_sha256 = sgn_db_text(r, i, 14);
    item->final_sha256 = sgn_db_text(r, i, 15);
    item->size = sgn_db_int(r, i, 16);
    item->offered_size = sgn_db_int(r, i, 17);
    item->range[0] = 0;
    item->range[1] = sgn_db_int(r, i, 18);
    item->range[2] = sgn_db_int(r, i, 19);
    item->range[3] = item->offered_size - item->range[2];
    item->dtbs = sgn_db_bytes(r, i, 20);
    item->value = sgn_db_bytes(r, i, 21);
    item->token = sgn_db_bytes(r, i, 22);
    item->algorithm = sgn_db_text(r, i, 23);
    item->person_digest = sgn_db_text(r, i, 24);
    item->archive = sgn_db_text(r, i, 25);
    item->metadata = sgn_db_text(r, i, 26);
    item->report = sgn_db_text(r, i, 27);
    item->explain = sgn_db_text(r, i, 28);
    item->retry_at = sgn_db_int(r, i, 29);
    item->retries = (int)sgn_db_int(r, i, 30);
    item->passed = (int)sgn_db_int(r, i, 31);
    item->cause = (int)sgn_db_int(r, i, 32);
    item->cause_code = sgn_db_text(r, i, 33);
    item->gone = (int)sgn_db_int(r, i, 34);
    item->kept_in = sgn_db_text(r, i, 35);
}

sgn_error_t *sgn_job_items(sgn_job_item_t **out, int *count, sgn_db_t *office, const char *id, apr_pool_t *pool)
{
    sgn_job_item_t *items;
    sgn_db_rows_t *r;

    SGN_TRY(sgn_db_query(&r, office, pool,
                         "SELECT n, state, code, detail, kind, subject, type, number, symbol, date, item_group, deliver, level,"
                         " sha256, offered_sha256, final_sha256, size, offered_size, range1, range2, dtbs, value, token,"
                         " algorithm, person_digest, archive, metadata, report, explain, retry_at, retries, passed, cause, cause_code,"
                         " gone, kept_in"
                         " FROM job_item WHERE job = $1 ORDER BY n", "s", id));
    items = apr_pcalloc(pool, sizeof *items * (size_t)(sgn_db_count(r) + 1));
    for (int i = 0; i < sgn_db_count(r); i++)
        read_item(&items[i], r, i);
    *out = items;
    *count = sgn_db_count(r);
    return NULL;
}

sgn_error_t *sgn_job_insert(sgn_db_t *office, const sgn_job_t *job, apr_pool_t *pool)
{
    return sgn_db_run(office, pool,
                      "INSERT INTO job (id, account, agency, binding, credential, certificate_sha256, kind, state, match_code,"
                      " nonce, system, created, expires, stop_on_error) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)",
                      "sssssssssssiii", job->id, job->account, job->agency, job->binding, job->credential,
                      job->certificate_sha256, job->kind, job->state, job->match_code, job->nonce, job->system,
                      (apr_int64_t)job->created, (apr_int64_t)job->expires, (apr_int64_t)job->stop_on_error);
}

sgn_error_t *sgn_job_insert_item(sgn_db_t *office, const char *job, const sgn_job_item_t *item, apr_pool_t *pool)
{
    return sgn_db_run(office, pool,
                      "INSERT INTO job_item (job, n, state, kind, subject, type, number, symbol, date, item_group, deliver, level,"
                      " sha256, offered_sha256, size, offered_size, range1, range2, dtbs, person_digest, metadata, explain)"
                      " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22)",
                      "sissssssssssssiiiibsss", job, (apr_int64_t)item->n, item->state, item->kind, item->subject,
                      item->type, item->number, item->symbol, item->date, item->group, item->deliver, item->level,
                      item->sha256, item->offered_sha256, (apr_int64_t)item->size, (apr_int64_t)item->offered_size,
                      item->range[1], item->range[2], &item->dtbs, item->person_digest, item->metadata, item->explain);
}

sgn_error_t *sgn_job_state(sgn_db_t *office, const char *job, const char *state, const char *code, apr_pool_t *pool)
{
    return sgn_db_run(office, pool, "UPDATE job SET state = $1, code = $2 WHERE id = $3", "sss", state, code, job);
}

sgn_error_t *sgn_job_item_state(sgn_db_t *office, const char *job, int n, const char *state, const char *code,
                                const char *detail, apr_pool_t *pool)
{
    return sgn_db_run(office, pool, "UPDATE job_item SET state = $1, code = $2, detail = $3 WHERE job = $4 AND n = $5",
                      "ssssi", state, code, detail, job, (apr_int64_t)n);
}

static int among(const char *state, const char *const *list)
{
    for (; *list; list++)
        if (strcmp(*list, state) == 0)
            return 1;
    return 0;
}

int sgn_job_is_final(const char *state)
{
    static const char *const list[] = { "done", "partial", "rejected", "expired", "cancelled", "failed", NULL };

    return among(state, list);
}

int sgn_job_item_is_final(const char *state)
{
    static const char *const list[] = { "done", "declined", "error", "skipped", NULL };

    return among(state, list);
}

sgn_error_t *sgn_job_settle(sgn_db_t *office, const char *job, apr_pool_t *pool)
{
    sgn_db_rows_t *r;
    int done = 0;

    SGN_TRY(sgn_db_query(&r, office, pool, "SELECT state FROM job_item WHERE job = $1", "s", job));
    for (int i = 0; i < sgn_db_count(r); i++) {
        if (!sgn_job_item_is_final(sgn_db_text(r, i, 0)))
            return NULL;
        done += strcmp(sgn_db_text(r, i, 0), "done") == 0;
    }
    return sgn_db_run(office, pool, "UPDATE job SET state = $1 WHERE id = $2 AND state NOT IN"
                      " ('done','partial','rejected','expired','cancelled','failed')", "ss",
                      done == sgn_db_count(r) ? "done" : done ? "partial" : "failed", job);
}

sgn_error_t *sgn_job_release_item(sgn_db_t *office, const sgn_job_t *job, int n, const char *reason, apr_pool_t *pool)
{
    SGN_TRY(sgn_db_run(office, pool, "DELETE FROM seal_use WHERE job = $1 AND item = $2 AND done = 0", "si", job->id,
                       (apr_int64_t)n));
    SGN_TRY(sgn_db_run(office, pool, "UPDATE job SET litter = litter + 1 WHERE id = $1", "s", job->id));
    return job->authorised ? sgn_register_void(office, job->id, n, reason, pool)
                           : sgn_register_free(office, job->id, n, pool);
}

sgn_error_t *sgn_job_release(sgn_db_t *office, const sgn_job_t *job, const char *reason, apr_pool_t *pool)
{
    sgn_job_item_t *items;
    int count;

    SGN_TRY(sgn_job_items(&items, &count, office, job->id, pool));
    for (int i = 0; i < count; i++)
        if (strcmp(items[i].state, "pending") == 0)
            SGN_TRY(sgn_job_release_item(office, job, items[i].n, reason, pool));
    return sgn_db_run(office, pool, "UPDATE job_item SET state = 'skipped', code = $1 WHERE job = $2 AND state = 'pending'",
                      "ss", reason, job->id);
}

const char *sgn_job_path(const char *job, int n, const char *suffix, apr_pool_t *pool)
{
    return apr_psprintf(pool, "jobs/%s/%d%s", job, n, suffix);
}

sgn_error_t *sgn_job_audit(sgn_jobs_t *jobs, const sgn_job_t *job, const char *action, json_t *detail, apr_pool_t *pool)
{
    sgn_audit_act_t act = {
        .actor = job->account, .agency = job->agency, .action = action, .object = job->id,
        .system = job->system, .detail = detail,
    };

    act.role = strcmp(job->kind, "seal") == 0 ? "clerk" : strcmp(job->kind, "approve") == 0 ? "authority" : "reviewer";
    return sgn_audit_add(jobs->o.audit, &act, pool);
}
