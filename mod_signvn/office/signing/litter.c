/* litter.c: removes what a job must not leave. */
#include "office/signing/litter.h"

#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include <apr_strings.h>

#include "base/file.h"
#include "base/log.h"
#include "base/pool.h"

static sgn_error_t *remove_item(sgn_jobs_t *jobs, const char *job, int n, apr_pool_t *pool)
{
    static const char *const suffixes[] = { ".pdf", ".update", ".verdict", NULL };

    for (const char *const *suffix = suffixes; *suffix; suffix++)
        SGN_TRY(sgn_file_remove(jobs->o.state, sgn_job_path(job, n, *suffix, pool), pool));
    return NULL;
}

static int is_kept(const sgn_job_item_t *item)
{
    return strcmp(item->state, "done") == 0 && !item->gone;
}

/* Of a job without a document to be fetched nothing stays, of another those. */
static sgn_error_t *remove_ended(sgn_jobs_t *jobs, const sgn_job_t *job, apr_pool_t *pool)
{
    sgn_job_item_t *items;
    int count, kept = 0;

    SGN_TRY(sgn_job_items(&items, &count, jobs->o.office, job->id, pool));
    for (int i = 0; i < count; i++)
        kept += is_kept(&items[i]);
    if (!kept && sgn_job_is_final(job->state))
        return sgn_file_remove(jobs->o.state, apr_pstrcat(pool, "jobs/", job->id, NULL), pool);
    for (int i = 0; i < count; i++)
        if (sgn_job_item_is_final(items[i].state) && !is_kept(&items[i]))
            SGN_TRY(remove_item(jobs, job->id, items[i].n, pool));
    return NULL;
}

static sgn_error_t *clean(sgn_jobs_t *jobs, const char *id, apr_pool_t *pool)
{
    sgn_db_rows_t *rows;
    sgn_job_t *job;

    SGN_TRY(sgn_db_query(&rows, jobs->o.office, pool, "SELECT litter FROM job WHERE id = $1", "s", id));
    if (sgn_db_int(rows, 0, 0) == 0)
        return NULL;
    SGN_TRY(sgn_job_get(&job, jobs->o.office, id, pool));
    SGN_TRY(remove_ended(jobs, job, pool));
    /* What was marked meanwhile is not ours to strike out. */
    return sgn_db_run(jobs->o.office, pool, "UPDATE job SET litter = 0 WHERE id = $1 AND litter = $2", "si", id,
                      sgn_db_int(rows, 0, 0));
}

void sgn_litter_clean(sgn_jobs_t *jobs, const char *job, apr_pool_t *pool)
{
    sgn_log_error(SGN_LOG_ERROR, "signing", clean(jobs, job, pool));
}

void sgn_litter_finished(sgn_jobs_t *jobs, const char *job, int n, apr_pool_t *pool)
{
    /* Not synced: what a crash brings back hurts nobody and goes with the job. */
    unlinkat(jobs->o.state, sgn_job_path(job, n, ".update", pool), 0);
    unlinkat(jobs->o.state, sgn_job_path(job, n, ".verdict", pool), 0);
}

/* What a keeper that died between the directory and the row left behind. */
static sgn_error_t *sweep_unknown(sgn_jobs_t *jobs, apr_pool_t *pool)
{
    sgn_error_t *error = NULL;
    struct dirent *entry;
    DIR *directory;
    int fd;

    SGN_TRY(sgn_file_open(&fd, jobs->o.state, "jobs", O_RDONLY | O_DIRECTORY, 0, pool));
    directory = fdopendir(dup(fd));
    sgn_pool_close_fd(pool, fd);
    if (!directory)
        return SGN_ERROR_ERRNO(pool, SGN_FILE_FAILED, "list jobs");
    while (!error && (entry = readdir(directory)) != NULL) {
        sgn_db_rows_t *rows;

        if (entry->d_name[0] == '.')
            continue;
        error = sgn_db_query(&rows, jobs->o.office, pool, "SELECT 1 FROM job WHERE id = $1", "s", entry->d_name);
        if (!error && sgn_db_count(rows) == 0)
            sgn_jobs_abandon(jobs, apr_pstrdup(pool, entry->d_name), pool);
    }
    closedir(directory);
    return error;
}

sgn_error_t *sgn_litter_sweep(sgn_jobs_t *jobs, apr_pool_t *pool)
{
    sgn_db_rows_t *rows;

    SGN_TRY(sweep_unknown(jobs, pool));
    SGN_TRY(sgn_db_query(&rows, jobs->o.office, pool, "SELECT id FROM job WHERE litter > 0", NULL));
    for (int i = 0; i < sgn_db_count(rows); i++)
        sgn_litter_clean(jobs, sgn_db_text(rows, i, 0), pool);
    return NULL;
}
