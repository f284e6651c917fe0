/* op_health.c: health, info, metrics. */
#include "keeper/op_health.h"

#include <sys/statvfs.h>

#include "base/clock.h"
#include "base/file.h"
#include "keeper/queues.h"
#include "office/backup/backup.h"
#include "office/signing/jobs.h"

#define DISK_LOW ((apr_uint64_t)256 << 20)

static apr_uint64_t disk_free(const sgn_keeper_t *keeper)
{
    struct statvfs disk;

    return fstatvfs(keeper->state, &disk) == 0 ? (apr_uint64_t)disk.f_bavail * disk.f_frsize : 0;
}

static const char *try_database(sgn_db_t *db, apr_pool_t *pool)
{
    sgn_db_rows_t *rows;

    return db && !sgn_db_query(&rows, db, pool, "SELECT 1", "") ? "ok" : "failed";
}

static int is_ok(const char *word)
{
    return word[0] == 'o';
}

sgn_error_t *sgn_op_health_get(sgn_call_t *call)
{
    sgn_keeper_t *keeper = call->keeper;
    apr_pool_t *pool = call->pool;
    json_t *body = sgn_json_object(pool), *parts = sgn_json_object(pool), *backup;
    const char *office = try_database(keeper->office, pool), *catalog = try_database(keeper->catalog, pool);
    const char *workers = keeper->zygote_up ? "ok" : "failed";
    const char *disk = disk_free(keeper) > DISK_LOW ? "ok" : "full";
    int good = is_ok(office) && is_ok(catalog) && is_ok(workers) && is_ok(disk);

    sgn_json_set_str(body, "status", good ? "ok" : "failed");
    sgn_json_set_str(body, "time", sgn_clock_print(sgn_clock_now(), pool));
    sgn_json_set_str(parts, "office", office);
    sgn_json_set_str(parts, "catalog", catalog);
    sgn_json_set_str(parts, "workers", workers);
    sgn_json_set_str(parts, "disk", disk);
    sgn_json_set(body, "parts", parts);
    /* [SV-I07] the last backup, per target; an alarm is told, never a 503 */
    if (keeper->backup && !sgn_backup_status(&backup, keeper->backup, 0, pool))
        sgn_json_set(body, "backup", backup);
    /* [THREATS A19] a practice build never passes for a production one */
#ifdef SGN_PRACTICE
    sgn_json_set_bool(body, "practiceBuild", 1);
#endif
    sgn_json_set_bool(body, "practice", sgn_config_flag(call->config, "SignVNPractice"));
    sgn_json_set_bool(body, "clockMoved", sgn_clock_moved());
    sgn_json_set_bool(body, "unprivileged", keeper->unprivileged);
    if (!good)
        sgn_call_header(call, "Retry-After", "10");
    sgn_call_answer(call, good ? 200 : 503, body);
    return NULL;
}

sgn_error_t *sgn_op_info_get(sgn_call_t *call)
{
    sgn_keeper_t *keeper = call->keeper;
    apr_pool_t *pool = call->pool;
    json_t *body = sgn_json_object(pool), *kinds = sgn_json_array(pool), *formats = sgn_json_array(pool);

    sgn_json_set_str(body, "name", "mod_signvn");
    sgn_json_set_str(body, "version", SGN_VERSION);
    sgn_json_set_str(body, "build", SGN_BUILD);
    sgn_json_set_str(body, "started", sgn_clock_print(keeper->started, pool));
    sgn_json_set_int(body, "generation", keeper->generation);
    sgn_json_set_int(body, "maxDocument", sgn_config_number(call->config, "SignVNMaxDocument"));
    json_array_append_new(formats, json_string("PDF"));
    sgn_json_set(body, "formats", formats);
    json_array_append_new(kinds, json_string("approve"));
    json_array_append_new(kinds, json_string("check"));
    json_array_append_new(kinds, json_string("seal"));
    sgn_json_set(body, "kinds", kinds);
    sgn_json_set_bool(body, "practice", sgn_config_flag(call->config, "SignVNPractice"));
    sgn_call_answer(call, 200, body);
    return NULL;
}

/* ---- metrics -------------------------------------------------------------- */

static void gauge(sgn_buf_t *buf, const char *name, const char *labels, apr_int64_t value)
{
    sgn_buf_printf(buf, "signvn_%s%s %" APR_INT64_T_FMT "\n", name, labels, value);
}

static void lanes(sgn_buf_t *buf, const char *name, json_t *load, apr_pool_t *pool)
{
    static const char *const members[] = { "running", "waiting" };
    const char *lane;
    json_t *row;

    json_object_foreach(load, lane, row) {
        for (int i = 0; i < 2; i++) {
            apr_int64_t value = 0;

            if (!sgn_json_get_int(&value, row, members[i], pool))
                sgn_buf_printf(buf, "signvn_%s_%s{class=\"%s\"} %" APR_INT64_T_FMT "\n", name, members[i], lane, value);
        }
    }
}

/* Numbers of the signing room, whatever it counts. */
static sgn_error_t *add_jobs(sgn_buf_t *buf, sgn_call_t *call)
{
    json_t *status, *value;
    const char *name;

    SGN_TRY(sgn_jobs_status(&status, call->keeper->jobs, call->pool));
    json_object_foreach(status, name, value)
        if (json_is_integer(value))
            sgn_buf_printf(buf, "signvn_jobs{what=\"%s\"} %" APR_INT64_T_FMT "\n", name,
                           (apr_int64_t)json_integer_value(value));
    return NULL;
}

sgn_error_t *sgn_op_metrics_get(sgn_call_t *call)
{
    sgn_keeper_t *keeper = call->keeper;
    apr_pool_t *pool = call->pool;
    sgn_buf_t *buf = sgn_buf_make(1 << 20, pool);
    sgn_bytes_t text;
    int fd;

    gauge(buf, "up", "", keeper->zygote_up);
    gauge(buf, "zygote_births_total", "", keeper->zygote_births);
    gauge(buf, "busy_total", "", keeper->busy);
    gauge(buf, "configuration_generation", "", keeper->generation);
    gauge(buf, "disk_free_bytes", "", (apr_int64_t)disk_free(keeper));
    gauge(buf, "start_time_seconds", "", apr_time_sec(keeper->started));
    lanes(buf, "queue", sgn_queues_load(keeper->queues, pool), pool);
    lanes(buf, "worker", sgn_engine_load(keeper->engine, pool), pool);
    SGN_TRY(add_jobs(buf, call));
    SGN_TRY(sgn_buf_bytes(&text, buf));
    SGN_TRY(sgn_file_memfd(&fd, "signvn-metrics", text, pool));
    sgn_call_content(call, "text/plain; version=0.0.4; charset=utf-8", NULL, NULL);
    sgn_call_part(call, fd, 0, (apr_int64_t)text.len);
    return NULL;
}
