/*
 * fixity.c: reading everything again: one object, the whole archive, and the
 * catalogue anew.
 */
#include <string.h>

#include <apr_strings.h>

#include "base/clock.h"
#include "base/pool.h"
#include "office/archive/store.h"

#define FIXITY_LISTED 1000

typedef struct {
    sgn_archive_t *archive;
    json_t *errors;
    apr_int64_t objects, files, bytes, warnings, wrong;
    int deep;
    sgn_archive_progress_fn progress;
    void *baton;
    apr_int64_t total;
    const char *id;
    apr_pool_t *pool;
} fixity_t;

static void note(void *baton, const char *code, const char *path, const char *text)
{
    fixity_t *fixity = baton;
    json_t *item;

    if (code[0] == 'W') {
        fixity->warnings++;
        return;
    }
    if (fixity->wrong++ >= FIXITY_LISTED)
        return;
    item = json_object();
    sgn_json_set_str(item, "code", code);
    sgn_json_set_str(item, "path", path);
    sgn_json_set_str(item, "text", text);
    sgn_json_set_str(item, "id", fixity->id);
    json_array_append_new(fixity->errors, item);
}

/* The recorded digest of ingest against the inventory's: an object that was
 * rewritten consistently is still not the one that was taken in. */
static sgn_error_t *compare_recorded(fixity_t *fixity, const char *id, const char *path, apr_pool_t *pool)
{
    sgn_archive_receipt_t *receipt;
    sgn_ocfl_inventory_t *inventory;
    const sgn_ocfl_entry_t *entries, *entry;
    int count;

    if (!fixity->archive->catalog)
        return NULL;
    SGN_TRY(sgn_catalog_receipt(&receipt, fixity->archive->catalog, "object", id, pool));
    if (!receipt || sgn_ocfl_inventory_read(&inventory, fixity->archive->root, id, pool)
        || sgn_ocfl_entries(&entries, &count, inventory, 1, pool))
        return NULL;
    entry = sgn_ocfl_entry_find(entries, count, "original.");
    if (!entry || strcmp(entry->sha512, receipt->sha512) != 0)
        note(fixity, "E092", path, "the original is not the one that was recorded when it was taken in");
    return NULL;
}

sgn_error_t *sgn_archive_fixity(json_t **out, sgn_archive_t *archive, const char *id, apr_pool_t *pool)
{
    fixity_t fixity = { .archive = archive, .errors = sgn_json_array(pool), .id = id, .pool = pool };
    const char *time = sgn_clock_print(sgn_clock_now(), pool), *path;
    json_t *answer = sgn_json_object(pool);
    sgn_error_t *error;

    if (!sgn_archive_is_id(id))
        return SGN_ERROR(pool, SGN_ARCHIVE_ID, "not one of our identifiers");
    SGN_TRY(sgn_ocfl_path(&path, id, pool));
    error = sgn_ocfl_check_object(archive->root, path, id, SGN_OCFL_DEEP, note, &fixity, &fixity.files, &fixity.bytes, pool);
    if (error && error->code == SGN_FILE_ABSENT) {
        sgn_archive_receipt_t *known = NULL;

        if (archive->catalog)
            SGN_TRY(sgn_catalog_receipt(&known, archive->catalog, "object", id, pool));
        if (!known)
            return SGN_WRAP(pool, error, SGN_ARCHIVE_UNKNOWN, "%s", id);
        note(&fixity, "E092", path, "the whole object is missing");
    } else if (error) {
        return error;
    } else {
        SGN_TRY(compare_recorded(&fixity, id, path, pool));
    }
    if (archive->catalog && !archive->readonly)
        SGN_TRY(sgn_catalog_checked(archive->catalog, id, time, fixity.wrong == 0, pool));
    sgn_json_set_str(answer, "id", id);
    sgn_json_set_str(answer, "checked", time);
    sgn_json_set_bool(answer, "ok", fixity.wrong == 0);
    sgn_json_set_int(answer, "files", fixity.files);
    sgn_json_set_int(answer, "bytes", fixity.bytes);
    sgn_json_set(answer, "errors", fixity.errors);
    *out = answer;
    return NULL;
}

/* ---- the whole archive ------------------------------------------------------------ */

static const char *id_at(sgn_archive_t *archive, const char *path, apr_pool_t *pool)
{
    sgn_bytes_t bytes;
    json_t *json;

    if (sgn_file_read(&bytes, archive->root, apr_pstrcat(pool, path, "/" SGN_OCFL_INVENTORY, NULL), SGN_OCFL_INVENTORY_LIMIT, pool)
        || sgn_json_parse(&json, bytes, SGN_OCFL_INVENTORY_LIMIT, pool))
        return NULL;
    return json_string_value(json_object_get(json, "id"));
}

static sgn_error_t *check_one(void *baton, const char *path, apr_pool_t *pool)
{
    fixity_t *fixity = baton;

    fixity->id = id_at(fixity->archive, path, pool);
    if (fixity->id && !sgn_archive_is_id(fixity->id))
        note(fixity, "E037", path, "an identifier that is not one of ours");
    SGN_TRY(sgn_ocfl_check_object(fixity->archive->root, path, fixity->id, fixity->deep ? SGN_OCFL_DEEP : SGN_OCFL_SHALLOW,
                                  note, fixity, &fixity->files, &fixity->bytes, pool));
    if (fixity->id)
        SGN_TRY(compare_recorded(fixity, fixity->id, path, pool));
    fixity->objects++;
    if (fixity->progress)
        SGN_TRY(fixity->progress(fixity->baton, fixity->objects, fixity->total, "check"));
    fixity->id = NULL;
    return NULL;
}

/* A journal line says what must be there and which inventory. */
static sgn_error_t *check_line(void *baton, const sgn_journal_line_t *line, apr_pool_t *pool)
{
    fixity_t *fixity = baton;
    sgn_ocfl_inventory_t *inventory;
    sgn_error_t *error;
    const char *path;

    if (strcmp(line->op, "commit") != 0)
        return NULL;
    SGN_TRY(sgn_ocfl_path(&path, line->id, pool));
    fixity->id = line->id;
    error = sgn_ocfl_inventory_read(&inventory, fixity->archive->root, line->id, pool);
    if (error)
        note(fixity, "E063", path, "the journal has it, the archive not");
    else if (inventory->head == line->version && strcmp(inventory->digest, line->inventory) != 0)
        note(fixity, "E060", path, "the inventory is not the one in the journal");
    fixity->id = NULL;
    return NULL;
}

sgn_error_t *sgn_archive_check(json_t **out, sgn_archive_t *archive, int deep,
                               sgn_archive_progress_fn progress, void *baton, apr_pool_t *pool)
{
    fixity_t fixity = { .archive = archive, .errors = sgn_json_array(pool), .deep = deep, .progress = progress, .baton = baton, .pool = pool };
    json_t *answer = sgn_json_object(pool);
    const char *const *writers;
    int i;

    SGN_TRY(sgn_ocfl_check_root(archive->root, note, check_one, &fixity, pool));
    SGN_TRY(sgn_journal_writers(&writers, archive->chains, pool));
    for (i = 0; writers[i]; i++) {
        sgn_error_t *error = sgn_journal_walk(NULL, NULL, archive->chains, writers[i], 0, check_line, &fixity, pool);

        if (error && error->code == SGN_ARCHIVE_DAMAGED)
            note(&fixity, "E000", apr_pstrcat(pool, "journal/", writers[i], NULL), error->detail);
        else if (error)
            return error;
    }
    sgn_json_set_int(answer, "objects", fixity.objects);
    sgn_json_set_int(answer, "files", fixity.files);
    sgn_json_set_int(answer, "bytes", fixity.bytes);
    sgn_json_set_bool(answer, "ok", fixity.wrong == 0);
    sgn_json_set_bool(answer, "deep", deep);
    sgn_json_set_int(answer, "wrong", fixity.wrong);
    sgn_json_set_int(answer, "warnings", fixity.warnings);
    sgn_json_set(answer, "errors", fixity.errors);
    *out = answer;
    return NULL;
}

/* ---- the catalogue anew ------------------------------------------------------------- */

typedef struct {
    sgn_archive_t *archive;
    apr_int64_t documents, objects;
    sgn_archive_progress_fn progress;
    void *baton;
} rebuild_t;

/* Objects that no journal line names any more come back from the disk. */
static sgn_error_t *rebuild_one(void *baton, const char *path, apr_pool_t *pool)
{
    rebuild_t *rebuild = baton;
    sgn_journal_line_t line = { .op = "commit", .writer = "objects" };
    sgn_archive_receipt_t *known;
    sgn_ocfl_inventory_t *inventory;
    json_t *record;

    line.id = id_at(rebuild->archive, path, pool);
    if (!line.id || !sgn_archive_is_id(line.id) || strstr(line.id, ":evidence:"))
        return NULL;
    SGN_TRY(sgn_catalog_receipt(&known, rebuild->archive->catalog, "object", line.id, pool));
    if (known || sgn_ocfl_inventory_read(&inventory, rebuild->archive->root, line.id, pool)
        || sgn_store_record(&record, rebuild->archive, inventory, pool) || !record)
        return NULL;
    line.version = inventory->head;
    line.inventory = inventory->digest;
    return sgn_catalog_put(rebuild->archive->catalog, record, &line, pool);
}

static void ignore(void *baton, const char *code, const char *path, const char *text)
{
    (void)baton;
    (void)code;
    (void)path;
    (void)text;
}

static sgn_error_t *rebuild_locked(apr_int64_t *count, sgn_archive_t *archive,
                                   sgn_archive_progress_fn progress, void *baton, apr_pool_t *pool)
{
    rebuild_t rebuild = { .archive = archive, .progress = progress, .baton = baton };
    json_t *status = sgn_json_object(pool);

    SGN_TRY(sgn_catalog_clear(archive->catalog, pool));
    archive->behind = 1;
    SGN_TRY(sgn_store_settle(archive, pool));
    SGN_TRY(sgn_ocfl_check_root(archive->root, ignore, rebuild_one, &rebuild, pool));
    SGN_TRY(sgn_catalog_rebuilt(archive->catalog, pool));
    SGN_TRY(sgn_catalog_status(status, archive->catalog, pool));
    *count = json_integer_value(json_object_get(status, "documents"));
    return progress ? progress(baton, *count, *count, "rebuild") : NULL;
}

sgn_error_t *sgn_archive_rebuild(apr_int64_t *count, sgn_archive_t *archive,
                                 sgn_archive_progress_fn progress, void *baton, apr_pool_t *pool)
{
    sgn_error_t *error;

    if (archive->readonly)
        return SGN_ERROR(pool, SGN_BUSY, "the archive is open for reading only");
    pthread_mutex_lock(&archive->mutex);
    error = rebuild_locked(count, archive, progress, baton, pool);
    pthread_mutex_unlock(&archive->mutex);
    return error;
}
