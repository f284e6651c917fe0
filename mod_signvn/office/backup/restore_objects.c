/* restore_objects.c: see restore_objects.h. */
#include "office/backup/restore_objects.h"

#include <fcntl.h>
#include <string.h>

#include <apr_strings.h>

#include "base/file.h"
#include "base/pool.h"
#include "office/archive/ocfl.h"

#define OBJECTS_SCRATCH "db/restore.sqlite"
#define OBJECTS_PAGE 500
#define OBJECTS_LOST 100000

static const sgn_db_migration_t objects_migrations[] = {
    { 1, 1,
      "CREATE TABLE line (place INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, line TEXT NOT NULL, pack TEXT,"
      " good INTEGER NOT NULL DEFAULT 0, helped INTEGER NOT NULL DEFAULT 0);"
      "CREATE INDEX line_pack ON line (pack) WHERE good = 0 AND helped = 1;" },
    { 0, 0, NULL }
};

struct sgn_restore_objects_t {
    sgn_db_t *db;
    apr_pool_t *db_pool;        /* cleared to close it */
    int state, root;
    sgn_archive_adoption_t *adoption;
    sgn_medium_t *medium;       /* of the call that runs */
    apr_int64_t done;
    sgn_archive_progress_fn progress;
    void *baton;
    apr_pool_t *pool;
};

sgn_error_t *sgn_restore_objects_begin(sgn_restore_objects_t **out, int state, const char *path,
                                       sgn_archive_progress_fn progress, void *baton, apr_pool_t *pool)
{
    sgn_restore_objects_t *objects = apr_pcalloc(pool, sizeof(*objects));
    int archive;

    objects->state = state;
    objects->progress = progress;
    objects->baton = baton;
    objects->pool = pool;
    apr_pool_create(&objects->db_pool, pool);
    SGN_TRY(sgn_db_open(&objects->db, apr_pstrcat(pool, "sqlite:", path, "/" OBJECTS_SCRATCH, NULL), 0, objects->db_pool));
    SGN_TRY(sgn_db_migrate(objects->db, "restore", objects_migrations, pool));
    SGN_TRY(sgn_file_open(&archive, state, "archive", O_RDONLY | O_DIRECTORY, 0, pool));
    SGN_TRY(sgn_file_open(&objects->root, archive, "root", O_RDONLY | O_DIRECTORY, 0, pool));
    SGN_TRY(sgn_archive_adopt_begin(&objects->adoption, archive, pool));
    *out = objects;
    return NULL;
}

static int is_pack(const char *pack)
{
    return pack && strlen(pack) == 128 && strspn(pack, "0123456789abcdef") == 128;
}

/* Damage shows at the objects, which are compared one by one. */
static sgn_error_t *open_pack(sgn_restore_objects_t *objects, const char *pack, const json_t *only, apr_pool_t *pool)
{
    const char *sha512;
    apr_off_t size;
    sgn_error_t *error = sgn_pack_read(&sha512, &size, objects->root, only, objects->medium, sgn_pack_path(pack, pool), pool);

    if (error && error->code != SGN_BACKUP_DAMAGED && error->code != SGN_FILE_ABSENT && error->code != SGN_FILE_FAILED
        && error->code != SGN_FILE_SHORT && error->code != SGN_FILE_EXISTS)
        return error;
    objects->done++;
    return objects->progress ? objects->progress(objects->baton, objects->done, 0, "restore") : NULL;
}

/* ---- the set itself -------------------------------------------------------------------- */

static sgn_error_t *take_line(void *baton, json_t *line, apr_pool_t *pool)
{
    sgn_restore_objects_t *objects = baton;
    const char *id = json_string_value(json_object_get(line, "id")), *pack = json_string_value(json_object_get(line, "pack"));

    if (id)     /* damaged ones too: they are lost unless copied later */
        return sgn_db_run(objects->db, pool, "INSERT INTO line (id, line) VALUES ($1, $2)"
                          " ON CONFLICT (id) DO UPDATE SET line = excluded.line", "ss", id, sgn_json_print_sorted(line, pool));
    return is_pack(pack) ? open_pack(objects, pack, NULL, pool) : NULL;
}

/* Its lines in one transaction. */
static sgn_error_t *each_line(sgn_restore_objects_t *objects, const sgn_manifest_t *manifest, sgn_manifest_line_fn each, apr_pool_t *pool)
{
    sgn_error_t *error;

    SGN_TRY(sgn_db_begin(objects->db, pool));
    error = sgn_manifest_each(manifest, each, objects, pool);
    if (!error)
        return sgn_db_commit(objects->db, pool);
    sgn_db_rollback(objects->db);
    return error;
}

sgn_error_t *sgn_restore_objects_take(sgn_restore_objects_t *objects, sgn_medium_t *medium, const sgn_manifest_t *manifest, apr_pool_t *pool)
{
    objects->medium = medium;
    return each_line(objects, manifest, take_line, pool);
}

static sgn_error_t *adopt_rows(sgn_restore_objects_t *objects, const sgn_db_rows_t *rows, apr_pool_t *pool)
{
    json_t *line;
    int i, good;

    for (i = 0; i < sgn_db_count(rows); i++) {
        SGN_TRY(sgn_json_parse(&line, sgn_bytes_str(sgn_db_text(rows, i, 1)), 64 * 1024, pool));
        SGN_TRY(sgn_archive_adopt(&good, objects->adoption, line, pool));
        if (good)
            SGN_TRY(sgn_db_run(objects->db, pool, "UPDATE line SET good = 1 WHERE place = $1", "i", sgn_db_int(rows, i, 0)));
    }
    return NULL;
}

/* Those that are not good yet, in the order in which they came. */
static sgn_error_t *adopt_all(sgn_restore_objects_t *objects, int helped, apr_pool_t *parent)
{
    apr_int64_t after = 0;
    sgn_error_t *error = NULL;
    sgn_db_rows_t *rows;
    apr_pool_t *pool;
    int count = 1;

    apr_pool_create(&pool, parent);
    while (!error && count) {
        apr_pool_clear(pool);
        error = sgn_db_query(&rows, objects->db, pool, "SELECT place, line FROM line WHERE good = 0 AND helped = $1 AND place > $2"
                             " ORDER BY place LIMIT $3", "iii", (apr_int64_t)helped, after, (apr_int64_t)OBJECTS_PAGE);
        count = error ? 0 : sgn_db_count(rows);
        if (count) {
            after = sgn_db_int(rows, count - 1, 0);
            error = adopt_rows(objects, rows, pool);
        }
    }
    error = sgn_error_dup(error, parent);
    apr_pool_destroy(pool);
    return error;
}

sgn_error_t *sgn_restore_objects_adopt(sgn_restore_objects_t *objects, apr_pool_t *pool)
{
    sgn_error_t *error;

    SGN_TRY(sgn_db_begin(objects->db, pool));
    error = adopt_all(objects, 0, pool);
    if (!error)
        return sgn_db_commit(objects->db, pool);
    sgn_db_rollback(objects->db);
    return error;
}

/* ---- what another set has ----------------------------------------------------------------- */

static sgn_error_t *help_line(void *baton, json_t *line, apr_pool_t *pool)
{
    sgn_restore_objects_t *objects = baton;
    const char *id = json_string_value(json_object_get(line, "id")), *pack = json_string_value(json_object_get(line, "pack"));

    if (!id || !is_pack(pack) || json_object_get(line, "damaged"))
        return NULL;
    return sgn_db_run(objects->db, pool, "INSERT INTO line (id, line, pack, helped) VALUES ($1, $2, $3, 1)"
                      " ON CONFLICT (id) DO UPDATE SET line = excluded.line, pack = excluded.pack, helped = 1 WHERE good = 0", "sss",
                      id, sgn_json_print_sorted(line, pool), pack);
}

sgn_error_t *sgn_restore_objects_help(sgn_restore_objects_t *objects, const sgn_manifest_t *manifest, apr_pool_t *pool)
{
    return each_line(objects, manifest, help_line, pool);
}

/* Of one pack, the objects that are missing. */
static sgn_error_t *help_pack(sgn_restore_objects_t *objects, const char *pack, apr_pool_t *pool)
{
    json_t *only = sgn_json_object(pool);
    sgn_db_rows_t *rows;
    const char *path;
    int i;

    SGN_TRY(sgn_db_query(&rows, objects->db, pool, "SELECT id FROM line WHERE good = 0 AND helped = 1 AND pack = $1", "s", pack));
    for (i = 0; i < sgn_db_count(rows); i++) {
        if (!sgn_archive_is_id(sgn_db_text(rows, i, 0)))
            return SGN_ERROR(pool, SGN_BACKUP_MANIFEST, "an identifier that is not one of ours");
        SGN_TRY(sgn_ocfl_path(&path, sgn_db_text(rows, i, 0), pool));
        sgn_json_set_bool(only, path, 1);
    }
    return open_pack(objects, pack, only, pool);
}

static sgn_error_t *help_packs(sgn_restore_objects_t *objects, apr_pool_t *pool)
{
    const char *after = "";
    sgn_db_rows_t *rows;
    apr_pool_t *round;

    apr_pool_create(&round, pool);
    for (;;) {
        sgn_error_t *error;

        apr_pool_clear(round);
        SGN_TRY(sgn_db_query(&rows, objects->db, pool, "SELECT min(pack) FROM line WHERE good = 0 AND helped = 1 AND pack > $1", "s", after));
        if (!sgn_db_text(rows, 0, 0))
            break;
        after = sgn_db_text(rows, 0, 0);
        error = help_pack(objects, after, round);
        if (error)
            return sgn_error_dup(error, pool);
    }
    apr_pool_destroy(round);
    return NULL;
}

sgn_error_t *sgn_restore_objects_help_adopt(sgn_restore_objects_t *objects, sgn_medium_t *medium, apr_pool_t *pool)
{
    objects->medium = medium;
    SGN_TRY(help_packs(objects, pool));
    return adopt_all(objects, 1, pool);
}

/* ---- the end ----------------------------------------------------------------------------- */

static sgn_error_t *count(json_t *answer, sgn_restore_objects_t *objects, apr_pool_t *pool)
{
    json_t *lost = sgn_json_array(pool);
    sgn_db_rows_t *rows;
    int i;

    SGN_TRY(sgn_db_query(&rows, objects->db, pool, "SELECT count(*), coalesce(sum(good), 0), coalesce(sum(good AND helped), 0) FROM line", ""));
    sgn_json_set_int(answer, "objects", sgn_db_int(rows, 0, 0));
    sgn_json_set_int(answer, "restored", sgn_db_int(rows, 0, 1));
    sgn_json_set_int(answer, "fromOthers", sgn_db_int(rows, 0, 2));
    SGN_TRY(sgn_db_query(&rows, objects->db, pool, "SELECT id FROM line WHERE good = 0 ORDER BY place LIMIT $1", "i", (apr_int64_t)OBJECTS_LOST));
    for (i = 0; i < sgn_db_count(rows); i++)
        json_array_append_new(lost, json_string(sgn_db_text(rows, i, 0)));
    sgn_json_set(answer, "lost", lost);
    return NULL;
}

sgn_error_t *sgn_restore_objects_end(sgn_restore_objects_t *objects, json_t *answer)
{
    static const char *const files[] = { OBJECTS_SCRATCH, OBJECTS_SCRATCH "-wal", OBJECTS_SCRATCH "-shm" };
    size_t i;

    SGN_TRY(sgn_archive_adopt_end(objects->adoption, objects->pool));
    SGN_TRY(count(answer, objects, objects->pool));
    apr_pool_destroy(objects->db_pool);
    for (i = 0; i < sizeof(files) / sizeof(files[0]); i++)
        SGN_TRY(sgn_file_remove(objects->state, files[i], objects->pool));
    return NULL;
}
