/* backup.c: targets, runs as rows, what is told of them. */
#include "office/backup/room.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <apr_strings.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/pool.h"
#include "crypto/random.h"

#define BACKUP_LISTED 50

static const sgn_db_migration_t backup_migrations[] = {
    { 1, 1,
      "CREATE TABLE backup_target (name TEXT PRIMARY KEY, set_id TEXT NOT NULL, address TEXT NOT NULL,"
      " manifest INTEGER NOT NULL, digest TEXT NOT NULL, last_ok TEXT, last_full TEXT, verified TEXT, verified_good INTEGER);"
      "CREATE TABLE backup_run (run TEXT NOT NULL, target TEXT NOT NULL, place INTEGER NOT NULL, kind TEXT, state TEXT NOT NULL,"
      " actor TEXT, planned INTEGER NOT NULL, started TEXT, ended TEXT, manifest INTEGER, objects INTEGER, bytes INTEGER,"
      " packs INTEGER, damaged INTEGER, code TEXT, detail TEXT, PRIMARY KEY (run, target));"
      "CREATE INDEX backup_run_planned ON backup_run (planned);"
      "CREATE TABLE backup_pack (target TEXT NOT NULL, items TEXT NOT NULL, name TEXT NOT NULL, size INTEGER NOT NULL,"
      " layout TEXT NOT NULL, PRIMARY KEY (target, items));"
      "CREATE TABLE backup_damaged (target TEXT NOT NULL, id TEXT NOT NULL, version INTEGER NOT NULL, line TEXT NOT NULL,"
      " PRIMARY KEY (target, id, version));" },
    { 2, 1, "CREATE TABLE backup_agency (agency TEXT PRIMARY KEY, targets TEXT);"
      "CREATE TABLE backup_signer (fingerprint TEXT PRIMARY KEY, since TEXT NOT NULL);" },
    { 0, 0, NULL }
};

/* ---- targets --------------------------------------------------------------------- */

const sgn_room_target_t *sgn_room_targets(int *count, const sgn_config_t *config, apr_pool_t *pool)
{
    const char *const *lines = sgn_config_list(config, "SignVNBackupTarget", pool);
    sgn_room_target_t *targets;
    int n = 0, i;

    while (lines[n])
        n++;
    targets = apr_pcalloc(pool, sizeof(*targets) * (size_t)(n + 1));
    for (i = 0, *count = 0; i < n; i++) {
        const char *space = strchr(lines[i], ' ');

        if (!space)
            continue;
        targets[*count].name = apr_pstrmemdup(pool, lines[i], (apr_size_t)(space - lines[i]));
        targets[(*count)++].address = apr_pstrdup(pool, space + strspn(space, " "));
    }
    return targets;
}

sgn_error_t *sgn_room_identity(json_t **out, sgn_medium_t *medium, apr_pool_t *pool)
{
    sgn_bytes_t bytes;
    sgn_error_t *error = sgn_target_get(&bytes, medium, "SIGNVN-BACKUP.json", 64 * 1024, pool);

    if (error && error->code == SGN_FILE_ABSENT)
        return SGN_WRAP(pool, error, SGN_BACKUP_ABSENT, "no SIGNVN-BACKUP.json: the medium is not attached");
    SGN_TRY(error);
    error = sgn_json_parse(out, bytes, 64 * 1024, pool);
    return error ? SGN_WRAP(pool, error, SGN_BACKUP_WRONG_MEDIUM, "SIGNVN-BACKUP.json cannot be read") : NULL;
}

sgn_error_t *sgn_room_signer_note(sgn_db_t *office, const char *fingerprint, apr_pool_t *pool)
{
    SGN_TRY(sgn_db_migrate(office, "backup", backup_migrations, pool));
    return sgn_db_run(office, pool, "INSERT OR IGNORE INTO backup_signer (fingerprint, since) VALUES ($1, $2)", "ss",
                      fingerprint, sgn_clock_print(sgn_clock_now(), pool));
}

sgn_error_t *sgn_room_signer(sgn_manifest_signer_t *out, sgn_backup_t *backup, apr_pool_t *pool)
{
    sgn_db_rows_t *rows;
    const char **earlier;
    int i;

    SGN_TRY(sgn_db_query(&rows, backup->options.office, pool, "SELECT fingerprint FROM backup_signer ORDER BY since DESC", ""));
    earlier = apr_pcalloc(pool, sizeof(*earlier) * (size_t)(sgn_db_count(rows) + 1));
    for (i = 0; i < sgn_db_count(rows); i++)
        earlier[i] = sgn_db_text(rows, i, 0);
    out->fingerprint = sgn_keys_certificate_sha256(backup->options.keys);
    out->verify = backup->options.verify;
    out->baton = backup->options.baton;
    out->earlier = earlier;
    return NULL;
}

static int is_known(sgn_db_t *office, const char *name, apr_pool_t *pool)
{
    sgn_db_rows_t *rows;

    return office && !sgn_db_query(&rows, office, pool, "SELECT 1 FROM backup_target WHERE name = $1", "s", name)
        && sgn_db_count(rows) > 0;
}

sgn_error_t *sgn_backup_check(const sgn_config_t *config, sgn_db_t *office, apr_pool_t *pool)
{
    int count, i, k;
    const sgn_room_target_t *targets = sgn_room_targets(&count, config, pool);
    apr_uint64_t devices[64] = { 0 };
    json_t *identity;

    if (sgn_config_agencies(config, pool)[0] && count < 2)
        return SGN_ERROR(pool, SGN_BACKUP_TARGETS, "%d SignVNBackupTarget", count);
    SGN_TRY(sgn_backup_scope_check(config, pool));
    for (i = 0; i < count && i < 64; i++) {
        sgn_medium_t *medium;

        for (k = 0; k < i; k++)
            if (strcmp(targets[k].address, targets[i].address) == 0)
                return SGN_ERROR(pool, SGN_BACKUP_SAME_DEVICE, "%s and %s are one place", targets[k].name, targets[i].name);
        if (sgn_target_open(&medium, targets[i].address, pool))
            continue;   /* absent: an alarm of the run, never a refused start */
        /* A directory without identity is a medium still to be made, or the
         * empty mount point of one that is known: then it tells nothing. */
        if (sgn_room_identity(&identity, medium, pool) && (!office || is_known(office, targets[i].name, pool)))
            continue;
        devices[i] = sgn_target_device(medium);
    }
    if (sgn_config_flag(config, "SignVNPractice"))
        return NULL;
    for (i = 0; i < count && i < 64; i++)
        for (k = 0; k < i; k++)
            if (devices[i] && devices[i] == devices[k])
                return SGN_ERROR(pool, SGN_BACKUP_SAME_DEVICE, "%s and %s", targets[k].name, targets[i].name);
    return NULL;
}

/* ---- runs ------------------------------------------------------------------------- */

static void destroy_locks(void *data)
{
    sgn_backup_t *backup = data;

    pthread_mutex_destroy(&backup->mutex);
    pthread_cond_destroy(&backup->changed);
}

/* Copies of databases that a dead process left: each is as big as its original. */
static void sweep(const char *state_path, apr_pool_t *pool)
{
    const char *path = apr_pstrcat(pool, state_path, "/db", NULL);
    sgn_error_t *error;
    struct dirent *entry;
    DIR *dir;
    int root;

    error = sgn_file_root(&root, path, pool);
    dir = error ? NULL : opendir(path);
    while (dir && !error && (entry = readdir(dir)) != NULL)
        if (strncmp(entry->d_name, "snapshot-", 9) == 0 || strncmp(entry->d_name, "listed.sqlite", 13) == 0)
            error = sgn_file_remove(root, entry->d_name, pool);
    if (dir)
        closedir(dir);
    if (error)
        sgn_log_error(SGN_LOG_WARN, "backup", error);
}

#define LIVE "('planned','identified','leased','packing','uploaded','manifest','verified')"

sgn_error_t *sgn_backup_open(sgn_backup_t **out, const sgn_backup_options_t *options, apr_pool_t *parent)
{
    sgn_backup_t *backup;
    apr_pool_t *pool;

    apr_pool_create(&pool, parent);
    backup = apr_pcalloc(pool, sizeof(*backup));
    backup->options = *options;
    backup->pool = pool;
    pthread_mutex_init(&backup->mutex, NULL);
    pthread_cond_init(&backup->changed, NULL);
    sgn_pool_own(pool, backup, destroy_locks);
    SGN_TRY(sgn_db_migrate(options->office, "backup", backup_migrations, pool));
    SGN_TRY(sgn_db_run(options->office, pool, "UPDATE backup_run SET state = 'interrupted', ended = $1 WHERE state IN " LIVE,
                       "s", sgn_clock_print(sgn_clock_now(), pool)));
    SGN_TRY(sgn_backup_scope_remember(options->office, *options->config, pool));
    sweep(options->state_path, pool);
    *out = backup;
    return NULL;
}

sgn_error_t *sgn_room_state(sgn_backup_t *backup, const char *run, const char *target, const char *state, apr_pool_t *pool)
{
    return sgn_db_run(backup->options.office, pool, "UPDATE backup_run SET state = $1 WHERE run = $2 AND target = $3", "sss",
                      state, run, target);
}

/* The process's one running place; queue: waits for it behind a run that is
 * under way, one at a time. */
static int take_place(sgn_backup_t *backup, int queue)
{
    int taken;

    pthread_mutex_lock(&backup->mutex);
    taken = !backup->running;
    if (!taken && queue) {
        while (backup->running)
            pthread_cond_wait(&backup->changed, &backup->mutex);
        taken = 1;
    }
    if (queue)
        backup->queued = 0;
    if (taken)
        backup->running = 1;
    pthread_mutex_unlock(&backup->mutex);
    return taken;
}

static void leave_place(sgn_backup_t *backup)
{
    pthread_mutex_lock(&backup->mutex);
    backup->running = 0;
    pthread_cond_broadcast(&backup->changed);
    pthread_mutex_unlock(&backup->mutex);
}

/* Rows for the run, all planned. */
static sgn_error_t *plan(const char **run, const sgn_room_target_t **targets_out, int *count_out, sgn_backup_t *backup,
                         const char *target, const char *actor, apr_pool_t *pool)
{
    const sgn_room_target_t *all;
    sgn_room_target_t *chosen;
    unsigned char random[12];
    int count, i, n = 0;

    all = sgn_room_targets(&count, *backup->options.config, pool);
    chosen = apr_pcalloc(pool, sizeof(*chosen) * (size_t)(count + 1));
    for (i = 0; i < count; i++)
        if (!target || strcmp(all[i].name, target) == 0)
            chosen[n++] = all[i];
    if (!n)
        return SGN_ERROR(pool, SGN_BACKUP_UNKNOWN, "no such target");
    SGN_TRY(sgn_random_bytes(random, sizeof(random), pool));
    *run = apr_pstrcat(pool, "r-", sgn_bytes_hex(sgn_bytes(random, sizeof(random)), pool), NULL);
    for (i = 0; i < n; i++)
        SGN_TRY(sgn_db_run(backup->options.office, pool,
            "INSERT INTO backup_run (run, target, place, state, actor, planned) VALUES ($1,$2,$3,'planned',$4,$5)", "ssisi",
            *run, chosen[i].name, (apr_int64_t)i, actor, (apr_int64_t)sgn_clock_now()));
    *targets_out = chosen;
    *count_out = n;
    return NULL;
}

static void execute(sgn_backup_t *backup, const char *run, const sgn_room_target_t *targets, int count, int full,
                    sgn_archive_progress_fn progress, void *baton, apr_pool_t *pool)
{
    apr_pool_t *each;
    int i;

    apr_pool_create(&each, pool);
    for (i = 0; i < count; i++) {
        apr_pool_clear(each);
        sgn_room_run(backup, run, &targets[i], full, progress, baton, each);
    }
    apr_pool_destroy(each);
    leave_place(backup);
}

typedef struct {
    sgn_backup_t *backup;
    const char *run;
    const sgn_room_target_t *targets;
    int count, full;
    apr_pool_t *pool;
} thread_t;

static void *run_thread(void *data)
{
    thread_t *thread = data;

    take_place(thread->backup, 1);
    execute(thread->backup, thread->run, thread->targets, thread->count, thread->full, NULL, NULL, thread->pool);
    apr_pool_destroy(thread->pool);
    return NULL;
}

sgn_error_t *sgn_backup_start(const char **run, sgn_backup_t *backup, const char *target, const char *actor, int full, apr_pool_t *pool)
{
    apr_pool_t *own;
    thread_t *thread;
    pthread_attr_t attributes;
    pthread_t id;
    sgn_error_t *error;
    int result, full_queue;

    pthread_mutex_lock(&backup->mutex);
    full_queue = backup->queued;
    backup->queued = 1;
    pthread_mutex_unlock(&backup->mutex);
    if (full_queue)
        return SGN_ERROR(pool, SGN_BACKUP_RUNNING, "a run waits for its turn already");
    apr_pool_create(&own, NULL);
    thread = apr_pcalloc(own, sizeof(*thread));
    thread->backup = backup;
    thread->pool = own;
    thread->full = full;
    error = plan(&thread->run, &thread->targets, &thread->count, backup, target, actor, own);
    if (error) {
        error = sgn_error_dup(error, pool);
        backup->queued = 0;
        apr_pool_destroy(own);
        return error;
    }
    *run = apr_pstrdup(pool, thread->run);
    pthread_attr_init(&attributes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    result = pthread_create(&id, &attributes, run_thread, thread);
    pthread_attr_destroy(&attributes);
    if (result != 0) {
        backup->queued = 0;
        apr_pool_destroy(own);
        return SGN_ERROR(pool, SGN_INTERNAL, "thread of a backup: %d", result);
    }
    return NULL;
}

sgn_error_t *sgn_backup_run(const char **run, sgn_backup_t *backup, const char *target, const char *actor, int full,
                            sgn_archive_progress_fn progress, void *baton, apr_pool_t *pool)
{
    const sgn_room_target_t *targets;
    int count;

    sgn_error_t *error;

    if (!take_place(backup, 0))
        return SGN_ERROR(pool, SGN_BACKUP_RUNNING, "a run is under way");
    error = plan(run, &targets, &count, backup, target, actor, pool);
    if (error) {
        leave_place(backup);
        return error;
    }
    execute(backup, *run, targets, count, full, progress, baton, pool);
    return NULL;
}

/* ---- what is told ---------------------------------------------------------------------- */

static int is_live(const char *state)
{
    static const char *const live[] = { "planned", "identified", "leased", "packing", "uploaded", "manifest", "verified" };
    size_t i;

    for (i = 0; i < sizeof(live) / sizeof(live[0]); i++)
        if (strcmp(state, live[i]) == 0)
            return 1;
    return 0;
}

static json_t *run_row(const sgn_db_rows_t *rows, int i, apr_pool_t *pool)
{
    static const char *const names[] = { NULL, "target", "state", "kind", "started", "ended", "manifest", "objects",
                                         "bytes", "packs", "damaged", "code", "detail", "actor" };
    json_t *item = sgn_json_object(pool);
    int c;

    for (c = 1; c < 14; c++) {
        if (c >= 6 && c <= 10)
            sgn_json_set_int(item, names[c], sgn_db_int(rows, i, c));
        else
            sgn_json_set_str(item, names[c], sgn_db_text(rows, i, c));
    }
    return item;
}

#define RUN_COLUMNS "run, target, state, kind, started, ended, manifest, objects, bytes, packs, damaged, code, detail, actor"

/* Running beats all, then the first that did not end well. */
static const char *worst(const json_t *targets)
{
    const char *state = "done";
    json_t *item;
    size_t i;

    json_array_foreach(targets, i, item) {
        const char *own = json_string_value(json_object_get(item, "state"));

        if (is_live(own))
            return "running";
        if (strcmp(state, "done") == 0)
            state = own;
    }
    return state;
}

static sgn_error_t *get_run(json_t **out, sgn_backup_t *backup, const char *run, apr_pool_t *pool)
{
    json_t *answer = sgn_json_object(pool), *targets = sgn_json_array(pool);
    sgn_db_rows_t *rows;
    int i;

    SGN_TRY(sgn_db_query(&rows, backup->options.office, pool,
                         "SELECT " RUN_COLUMNS " FROM backup_run WHERE run = $1 ORDER BY place", "s", run));
    if (!sgn_db_count(rows))
        return SGN_ERROR(pool, SGN_BACKUP_UNKNOWN, "no such run");
    for (i = 0; i < sgn_db_count(rows); i++)
        json_array_append(targets, run_row(rows, i, pool));
    sgn_json_set_str(answer, "run", run);
    sgn_json_set_str(answer, "state", worst(targets));
    sgn_json_set(answer, "targets", targets);
    *out = answer;
    return NULL;
}

sgn_error_t *sgn_backup_get(json_t **out, sgn_backup_t *backup, const char *run, apr_interval_time_t wait, apr_pool_t *pool)
{
    apr_time_t until = sgn_clock_monotonic() + wait;

    for (;;) {
        struct timespec deadline;

        SGN_TRY(get_run(out, backup, run, pool));
        if (strcmp(json_string_value(json_object_get(*out, "state")), "running") != 0 || sgn_clock_monotonic() >= until)
            return NULL;
        pthread_mutex_lock(&backup->mutex);
        clock_gettime(CLOCK_REALTIME, &deadline);
        deadline.tv_sec += 1;
        if (backup->running)
            pthread_cond_timedwait(&backup->changed, &backup->mutex, &deadline);
        pthread_mutex_unlock(&backup->mutex);
    }
}

/* probe: is the medium there?  A hanging mount hangs the caller then. */
static json_t *target_item(sgn_backup_t *backup, const sgn_room_target_t *target, int probe, apr_pool_t *pool)
{
    json_t *item = sgn_json_object(pool), *identity;
    sgn_medium_t *medium;
    sgn_db_rows_t *rows;
    const char *state = "never";
    int attached = !probe || (!sgn_target_open(&medium, target->address, pool) && !sgn_room_identity(&identity, medium, pool));

    sgn_json_set_str(item, "name", target->name);
    if (probe) {
        sgn_json_set_str(item, "address", target->address);
        sgn_json_set_bool(item, "attached", attached);
    }
    if (!sgn_db_query(&rows, backup->options.office, pool,
                      "SELECT set_id, manifest, last_ok, last_full, verified, verified_good FROM backup_target WHERE name = $1",
                      "s", target->name) && sgn_db_count(rows)) {
        sgn_json_set_str(item, "set", sgn_db_text(rows, 0, 0));
        sgn_json_set_int(item, "manifest", sgn_db_int(rows, 0, 1));
        sgn_json_set_str(item, "lastOk", sgn_db_text(rows, 0, 2));
        sgn_json_set_str(item, "lastFull", sgn_db_text(rows, 0, 3));
        sgn_json_set_str(item, "verified", sgn_db_text(rows, 0, 4));
        if (sgn_db_text(rows, 0, 4))
            sgn_json_set_bool(item, "verifiedGood", (int)sgn_db_int(rows, 0, 5));
    }
    if (!sgn_db_query(&rows, backup->options.office, pool,
                      "SELECT state FROM backup_run WHERE target = $1 ORDER BY planned DESC LIMIT 1", "s", target->name)
        && sgn_db_count(rows))
        state = sgn_db_text(rows, 0, 0);
    sgn_json_set_str(item, "state", state);
    sgn_json_set_bool(item, "alarm", !attached || (strcmp(state, "done") != 0 && !is_live(state)));
    return item;
}

sgn_error_t *sgn_backup_targets_of(json_t **out, sgn_backup_t *backup, const char *agency, apr_pool_t *pool)
{
    json_t *list = sgn_json_array(pool), *without, *code;
    int count, i;
    const sgn_room_target_t *targets = sgn_room_targets(&count, *backup->options.config, pool);

    for (i = 0; i < count; i++) {
        int left_out = 0;
        size_t k;

        SGN_TRY(sgn_backup_scope_without(&without, backup->options.office, targets[i].name, pool));
        json_array_foreach(without, k, code)
            left_out |= strcmp(json_string_value(code), agency) == 0;
        if (!left_out)
            json_array_append(list, target_item(backup, &targets[i], 0, pool));
    }
    *out = list;
    return NULL;
}

sgn_error_t *sgn_backup_status(json_t **out, sgn_backup_t *backup, int probe, apr_pool_t *pool)
{
    json_t *answer = sgn_json_object(pool), *list = sgn_json_array(pool), *item;
    int count, i, alarms = 0;
    const sgn_room_target_t *targets = sgn_room_targets(&count, *backup->options.config, pool);
    sgn_db_rows_t *rows;

    for (i = 0; i < count; i++) {
        item = target_item(backup, &targets[i], probe, pool);
        alarms += json_is_true(json_object_get(item, "alarm"));
        json_array_append(list, item);
    }
    SGN_TRY(sgn_db_query(&rows, backup->options.office, pool, "SELECT max(last_ok) FROM backup_target", ""));
    sgn_json_set(answer, "targets", list);
    sgn_json_set_int(answer, "alarms", alarms);
    sgn_json_set_str(answer, "lastOk", sgn_db_text(rows, 0, 0));
    *out = answer;
    return NULL;
}

sgn_error_t *sgn_backup_list(json_t **out, sgn_backup_t *backup, apr_pool_t *pool)
{
    json_t *runs = sgn_json_array(pool), *run, *target, *without;
    sgn_db_rows_t *rows;
    size_t k;
    int i;

    SGN_TRY(sgn_backup_status(out, backup, 1, pool));
    json_array_foreach(json_object_get(*out, "targets"), k, target) {
        SGN_TRY(sgn_backup_scope_without(&without, backup->options.office, json_string_value(json_object_get(target, "name")), pool));
        sgn_json_set(target, "without", without);
    }
    SGN_TRY(sgn_db_query(&rows, backup->options.office, pool,
                         "SELECT run FROM backup_run GROUP BY run ORDER BY max(planned) DESC LIMIT $1", "i", (apr_int64_t)BACKUP_LISTED));
    for (i = 0; i < sgn_db_count(rows); i++) {
        SGN_TRY(get_run(&run, backup, sgn_db_text(rows, i, 0), pool));
        json_array_append(runs, run);
    }
    sgn_json_set(*out, "runs", runs);
    sgn_json_set_str(*out, "signer", sgn_keys_certificate_sha256(backup->options.keys));
    return NULL;
}

sgn_error_t *sgn_backup_verify_target(json_t **out, sgn_backup_t *backup, const char *target, int level, apr_pool_t *pool)
{
    int count, i;
    const sgn_room_target_t *targets = sgn_room_targets(&count, *backup->options.config, pool);
    sgn_backup_verify_t options = { .level = level };
    sgn_db_rows_t *rows;

    for (i = 0; i < count && strcmp(targets[i].name, target) != 0; i++)
        ;
    if (i == count)
        return SGN_ERROR(pool, SGN_BACKUP_UNKNOWN, "no such target");
    options.address = targets[i].address;
    SGN_TRY(sgn_room_signer(&options.signer, backup, pool));
    options.scratch = apr_pstrcat(pool, backup->options.state_path, "/db", NULL);
    SGN_TRY(sgn_db_query(&rows, backup->options.office, pool, "SELECT manifest FROM backup_target WHERE name = $1", "s", target));
    options.expect = sgn_db_count(rows) ? sgn_db_int(rows, 0, 0) : 0;
    SGN_TRY(sgn_backup_verify(out, &options, NULL, NULL, pool));
    sgn_json_set_str(*out, "target", target);
    return sgn_db_run(backup->options.office, pool, "UPDATE backup_target SET verified = $1, verified_good = $2 WHERE name = $3",
                      "sis", sgn_clock_print(sgn_clock_now(), pool),
                      (apr_int64_t)json_is_true(json_object_get(*out, "ok")), target);
}
