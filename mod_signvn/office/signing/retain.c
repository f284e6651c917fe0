/* retain.c: results whose time is over. */
#include "office/signing/retain.h"

#include "base/clock.h"
#include "office/signing/litter.h"

#define BATCH 200

sgn_error_t *sgn_retain_sealed(sgn_db_t *office, const sgn_job_t *job, const sgn_job_item_t *item, apr_pool_t *pool)
{
    return sgn_db_run(office, pool,
                      "WITH RECURSIVE chain (digest) AS (SELECT $1 UNION SELECT i.sha256 FROM job_item i JOIN chain c"
                      " ON i.final_sha256 = c.digest WHERE i.state = 'done')"
                      " UPDATE job_item SET kept_in = $2 WHERE final_sha256 IN (SELECT digest FROM chain) AND state = 'done'"
                      " AND archive IS NULL AND kept_in IS NULL AND (SELECT agency FROM job WHERE id = job_item.job) = $3",
                      "sss", item->sha256, item->archive, job->agency);
}

static sgn_error_t *mark(sgn_jobs_t *jobs, const sgn_db_rows_t *rows, int i, apr_pool_t *pool)
{
    json_t *detail = sgn_json_object(pool);
    sgn_job_t *job;

    SGN_TRY(sgn_job_get(&job, jobs->o.office, sgn_db_text(rows, i, 0), pool));
    sgn_json_set_int(detail, "n", sgn_db_int(rows, i, 1));
    sgn_json_set_str(detail, "sha256", sgn_db_text(rows, i, 2));
    sgn_json_set_str(detail, "keptIn", sgn_db_text(rows, i, 3));
    SGN_TRY(sgn_db_run(jobs->o.office, pool, "UPDATE job_item SET gone = 1 WHERE job = $1 AND n = $2", "si", job->id,
                       sgn_db_int(rows, i, 1)));
    SGN_TRY(sgn_db_run(jobs->o.office, pool, "UPDATE job SET litter = litter + 1 WHERE id = $1", "s", job->id));
    return sgn_job_audit(jobs, job, "item.file-gone", detail, pool);
}

static sgn_error_t *mark_all(sgn_jobs_t *jobs, const sgn_db_rows_t *rows, apr_pool_t *pool)
{
    sgn_error_t *error = NULL;

    SGN_TRY(sgn_db_begin(jobs->o.office, pool));
    for (int i = 0; i < sgn_db_count(rows) && !error; i++)
        error = mark(jobs, rows, i, pool);
    if (!error)
        return sgn_db_commit(jobs->o.office, pool);
    sgn_db_rollback(jobs->o.office);
    return error;
}

sgn_error_t *sgn_retain_due(sgn_jobs_t *jobs, apr_pool_t *pool)
{
    apr_time_t before = sgn_clock_now() - apr_time_from_sec(sgn_config_number(*jobs->o.config, "SignVNJobRetention"));
    sgn_db_rows_t *rows;

    /* While a job is in work its members' files are too. */
    SGN_TRY(sgn_db_query(&rows, jobs->o.office, pool,
                         "SELECT i.job, i.n, i.final_sha256, COALESCE(i.archive, i.kept_in) FROM job_item i JOIN job j ON j.id = i.job"
                         " WHERE i.state = 'done' AND i.gone = 0 AND (i.finished < $1 OR i.kept_in IS NOT NULL)"
                         " AND j.state IN ('done','partial') ORDER BY i.job, i.n LIMIT $2", "ii", (apr_int64_t)before,
                         (apr_int64_t)BATCH));
    if (sgn_db_count(rows) == 0)
        return NULL;
    SGN_TRY(mark_all(jobs, rows, pool));
    for (int i = 0; i < sgn_db_count(rows); i++)
        sgn_litter_clean(jobs, sgn_db_text(rows, i, 0), pool);
    return NULL;
}
