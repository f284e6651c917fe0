/* test_retain.c: results of jobs whose time is over, and what a kill leaves. */
#include "tap.h"

#include <fcntl.h>
#include <unistd.h>

#include <apr_strings.h>

#include "base/clock.h"
#include "base/file.h"
#include "office/signing/litter.h"
#include "office/signing/retain.h"

#define DAY apr_time_from_sec(86400)

static apr_pool_t *pool;
static sgn_db_t *db;
static sgn_jobs_t *jobs;
static int state;

/* A finished job of one document that began as `from` and became `to`. */
static void finished(const char *id, const char *agency, const char *kind, const char *from, const char *to)
{
    sgn_job_t job = { .id = id, .account = "someone", .agency = agency, .binding = "b", .credential = "c",
                      .certificate_sha256 = "d", .kind = kind, .state = "prepared", .match_code = "1234", .nonce = "n",
                      .created = sgn_clock_now(), .expires = sgn_clock_now() };
    sgn_job_item_t item = { .state = "pending", .kind = kind, .level = "B-T", .sha256 = from, .offered_sha256 = "o",
                            .dtbs = sgn_bytes_str("x") };

    sgn_job_insert(db, &job, pool);
    sgn_job_insert_item(db, id, &item, pool);
    sgn_db_run(db, pool, "UPDATE job_item SET state = 'done', final_sha256 = $1, finished = $2 WHERE job = $3", "sis", to,
               (apr_int64_t)sgn_clock_now(), id);
    sgn_db_run(db, pool, "UPDATE job SET state = 'done' WHERE id = $1", "s", id);
    sgn_file_mkdir(state, apr_pstrcat(pool, "jobs/", id, NULL), 0700, pool);
    sgn_file_write(state, sgn_job_path(id, 0, ".pdf", pool), sgn_bytes_str(to), 0600, pool);
}

static void seal(const char *id)
{
    sgn_job_item_t *items;
    sgn_job_t *job;
    int count;

    sgn_db_run(db, pool, "UPDATE job_item SET archive = 'urn:vn:A:2026:00000001' WHERE job = $1", "s", id);
    sgn_job_get(&job, db, id, pool);
    sgn_job_items(&items, &count, db, id, pool);
    is_code(sgn_retain_sealed(db, job, &items[0], pool), SGN_OK, "a document is sealed");
}

static int is_there(const char *id)
{
    int fd;

    return sgn_file_open(&fd, state, sgn_job_path(id, 0, ".pdf", pool), O_RDONLY, 0, pool) == NULL;
}

static sgn_error_t *fetch(const char *id)
{
    const char *path, *sha256, *name;

    return sgn_jobs_document(&path, &sha256, &name, jobs, id, 0, "someone", pool);
}

static void until_sealed(void)
{
    sgn_error_t *error;

    finished("check", "A", "check", "a", "b");
    finished("approve", "A", "approve", "b", "c");
    finished("other", "A", "approve", "b", "z");
    finished("stranger", "B", "approve", "b", "c");
    finished("seal", "A", "seal", "c", "d");
    is_code(sgn_retain_due(jobs, pool), SGN_OK, "before the seal");
    ok(is_there("check") && is_there("approve"), "every step can be fetched");
    seal("seal");
    is_code(sgn_retain_due(jobs, pool), SGN_OK, "after it");
    ok(!is_there("approve"), "the approval is gone");
    ok(!is_there("check"), "and the check that led to it");
    ok(is_there("seal"), "the sealed document can still be fetched");
    ok(is_there("other"), "what led to another file too");
    ok(is_there("stranger"), "and the same bytes in another agency");
    error = fetch("approve");
    is_code(error, SGN_JOB_DOCUMENT_GONE, "who asks is told");
    is(error ? error->detail : "", "urn:vn:A:2026:00000001", "and where the document is");
    is_code(fetch("seal"), SGN_OK, "the other is given");
}

static void by_time(void)
{
    sgn_db_run(db, pool, "UPDATE job_item SET finished = $1 WHERE job = 'other'", "i", (apr_int64_t)(sgn_clock_now() - 2 * DAY + DAY / 24));
    sgn_retain_due(jobs, pool);
    ok(is_there("other"), "an hour before its time a result is there");
    sgn_db_run(db, pool, "UPDATE job_item SET finished = $1 WHERE job IN ('other', 'seal')", "i", (apr_int64_t)(sgn_clock_now() - 2 * DAY - 1));
    sgn_retain_due(jobs, pool);
    ok(!is_there("other") && !is_there("seal"), "then it is gone");
    is(fetch("other")->detail, "never sealed", "a step that was never sealed is kept nowhere");
    is(fetch("seal")->detail, "urn:vn:A:2026:00000001", "a sealed one in the archive");
    ok(is_there("stranger"), "what is younger stays");
}

/* Killed between the row and the file. */
static void killed(void)
{
    sgn_db_rows_t *rows;

    finished("killed", "A", "approve", "k", "l");
    sgn_db_run(db, pool, "UPDATE job_item SET gone = 1 WHERE job = 'killed'", NULL);
    sgn_db_run(db, pool, "UPDATE job SET litter = 1 WHERE id = 'killed'", NULL);
    is_code(sgn_litter_sweep(jobs, pool), SGN_OK, "the next start");
    ok(!is_there("killed"), "takes the file");
    sgn_db_query(&rows, db, pool, "SELECT litter FROM job WHERE id = 'killed'", NULL);
    is_int(sgn_db_int(rows, 0, 0), 0, "and forgets it");
    sgn_db_query(&rows, db, pool, "SELECT count(*) FROM audit_entry WHERE action = 'item.file-gone'", NULL);
    is_int(sgn_db_int(rows, 0, 0), 4, "each result that went is in the audit");
}

int main(void)
{
    char directory[] = "/tmp/sgn-retain-XXXXXX";
    sgn_jobs_options_t options = { .state = -1 };
    const sgn_config_t *config;
    sgn_config_t *read;
    const char *path;
    int tmp;

    pool = tap_pool();
    if (!mkdtemp(directory))
        return EXIT_FAILURE;
    sgn_file_root(&state, directory, pool);
    path = apr_pstrcat(pool, directory, "/office.sqlite", NULL);
    is_code(sgn_db_open(&db, apr_pstrcat(pool, "sqlite:", path, NULL), 0, pool), SGN_OK, "a database");
    sgn_file_write(state, "signvn.conf", sgn_bytes_str("SignVNJobRetention 2d\n"), 0600, pool);
    is_code(sgn_config_read(&read, apr_pstrcat(pool, directory, "/signvn.conf", NULL), pool), SGN_OK, "two days");
    config = read;
    options.office = db;
    options.state = state;
    options.config = &config;
    sgn_audit_open(&options.audit, db, pool);
    is_code(sgn_jobs_open(&jobs, &options, pool), SGN_OK, "the room of jobs");
    until_sealed();
    by_time();
    killed();
    if (!sgn_file_root(&tmp, "/tmp", pool))
        is_code(sgn_file_remove(tmp, directory + sizeof "/tmp", pool), SGN_OK, "nothing is left of the test");
    return done_testing();
}
