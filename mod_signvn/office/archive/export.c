/* export.c: handing versions to the backup, and taking a restored tree over. */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include <apr_strings.h>

#include "base/clock.h"
#include "base/pool.h"
#include "crypto/digest.h"
#include "crypto/random.h"
#include "office/archive/store.h"

int sgn_archive_chains(sgn_archive_t *archive)
{
    return archive->chains;
}

typedef struct {
    sgn_archive_t *archive;
    const sgn_ocfl_inventory_t *inventory;
    apr_time_t time;
    sgn_archive_file_fn each;
    void *baton;
    apr_pool_t *pool;
} export_t;

static sgn_error_t *give(export_t *export, const char *below, const char *sha512, const char *sha256)
{
    const char *path = apr_pstrcat(export->pool, export->inventory->path, "/", below, NULL);
    apr_pool_t *pool;
    sgn_error_t *error;
    apr_off_t size;
    int fd;

    apr_pool_create(&pool, export->pool);
    error = sgn_file_open(&fd, export->archive->root, path, O_RDONLY | O_NONBLOCK, 0, pool);
    if (!error)
        error = sgn_file_size(&size, fd, pool);
    if (error)
        return SGN_WRAP(export->pool, sgn_error_dup(error, export->pool), SGN_ARCHIVE_DAMAGED, "%s", path);
    error = export->each(export->baton, path, fd, size, export->time, sha512, sha256, pool);
    if (error)
        return sgn_error_dup(error, export->pool);
    apr_pool_destroy(pool);
    return NULL;
}

static sgn_error_t *sha512_of(const char **out, const char *text, apr_pool_t *pool)
{
    unsigned char digest[64];
    sgn_digest_t *hash;

    SGN_TRY(sgn_digest_make(&hash, SGN_DIGEST_SHA512, pool));
    SGN_TRY(sgn_digest_add(hash, text, strlen(text), pool));
    SGN_TRY(sgn_digest_finish(digest, hash, pool));
    *out = sgn_bytes_hex(sgn_bytes(digest, sizeof(digest)), pool);
    return NULL;
}

sgn_error_t *sgn_archive_export(sgn_archive_t *archive, const char *id, int version, const char *inventory_digest,
                                const char *sha256, sgn_archive_file_fn each, void *baton, apr_pool_t *pool)
{
    const char *directory = apr_psprintf(pool, "v%d/", version), *created, *sidecar, *declaration;
    export_t export = { .archive = archive, .each = each, .baton = baton, .pool = pool };
    sgn_ocfl_inventory_t *inventory;
    const sgn_ocfl_entry_t *entries;
    const char *last = "";
    int count, i;

    SGN_TRY(sgn_ocfl_inventory_read(&inventory, archive->root, id, pool));
    if (inventory->head != version || strcmp(inventory->digest, inventory_digest) != 0)
        return SGN_ERROR(pool, SGN_ARCHIVE_DAMAGED, "%s: the inventory is not the one in the journal", id);
    export.inventory = inventory;
    created = json_string_value(json_object_get(json_object_get(json_object_get(inventory->json, "versions"),
                                                                apr_psprintf(pool, "v%d", version)), "created"));
    if (!created || sgn_clock_parse(&export.time, created, pool))
        return SGN_ERROR(pool, SGN_ARCHIVE_DAMAGED, "%s: time of version %d", id, version);
    SGN_TRY(sgn_ocfl_entries(&entries, &count, inventory, version, pool));
    SGN_TRY(sha512_of(&declaration, "ocfl_object_1.1\n", pool));
    SGN_TRY(sha512_of(&sidecar, apr_pstrcat(pool, inventory->digest, " " SGN_OCFL_INVENTORY "\n", NULL), pool));
    SGN_TRY(give(&export, SGN_OCFL_OBJECT_NAMASTE, declaration, NULL));
    SGN_TRY(give(&export, SGN_OCFL_INVENTORY, inventory->digest, NULL));
    SGN_TRY(give(&export, SGN_OCFL_SIDECAR, sidecar, NULL));
    SGN_TRY(give(&export, apr_pstrcat(pool, directory, SGN_OCFL_INVENTORY, NULL), inventory->digest, NULL));
    SGN_TRY(give(&export, apr_pstrcat(pool, directory, SGN_OCFL_SIDECAR, NULL), sidecar, NULL));
    for (i = 0; i < count; i++) {
        int original = strncmp(entries[i].logical, "original.", 9) == 0;

        if (strncmp(entries[i].content, directory, strlen(directory)) != 0 || strcmp(entries[i].content, last) == 0)
            continue;   /* of an earlier version, or the same file under two names */
        last = entries[i].content;
        if (original && *entries[i].sha256 && sha256 && *sha256 && strcmp(entries[i].sha256, sha256) != 0)
            return SGN_ERROR(pool, SGN_ARCHIVE_DAMAGED, "%s: not the digest of its ingest", id);
        SGN_TRY(give(&export, entries[i].content, original && *entries[i].sha256 ? NULL : entries[i].sha512,
                     original && *entries[i].sha256 ? entries[i].sha256 : NULL));
    }
    return NULL;
}

typedef struct {
    json_t *positions;
} snapshot_t;

static sgn_error_t *read_positions(void *baton, sgn_db_t *db, apr_pool_t *pool)
{
    snapshot_t *snapshot = baton;
    sgn_db_rows_t *rows;
    int i;

    SGN_TRY(sgn_db_query(&rows, db, pool, "SELECT writer, seq FROM position WHERE writer NOT IN ('objects', 'REBUILDING')", ""));
    for (i = 0; i < sgn_db_count(rows); i++)
        sgn_json_set_int(snapshot->positions, sgn_db_text(rows, i, 0), sgn_db_int(rows, i, 1));
    return NULL;
}

/* Rows taken away from a copy, and its free pages with them. */
static sgn_error_t *leave_out(const char *path, const json_t *without, apr_pool_t *parent)
{
    const char *agency;
    apr_pool_t *pool;
    sgn_error_t *error;
    json_t *ignored;
    sgn_db_t *copy;

    apr_pool_create(&pool, parent);
    error = sgn_db_open(&copy, apr_pstrcat(pool, "sqlite:", path, NULL), 0, pool);
    json_object_foreach((json_t *)without, agency, ignored)
        if (!error)
            error = sgn_catalog_leave_out(copy, agency, pool);
    if (!error)
        error = sgn_db_run(copy, pool, "PRAGMA journal_mode = DELETE", "");     /* one file, not three */
    if (!error)
        error = sgn_db_run(copy, pool, "VACUUM", "");
    error = sgn_error_dup(error, parent);
    apr_pool_destroy(pool);
    return error;
}

sgn_error_t *sgn_archive_snapshot(json_t **positions, sgn_archive_t *archive, const char *path, const json_t *without,
                                  apr_pool_t *pool)
{
    snapshot_t snapshot = { sgn_json_object(pool) };

    SGN_TRY(sgn_store_catch_up(archive, pool));
    SGN_TRY(sgn_db_snapshot(archive->catalog, path, read_positions, &snapshot, pool));
    if (json_object_size(without))
        SGN_TRY(leave_out(path, without, pool));
    *positions = snapshot.positions;
    return NULL;
}

/* ---- after a restore ---------------------------------------------------------------- */

static void count_error(void *baton, const char *code, const char *path, const char *text)
{
    (void)path;
    (void)text;
    *(int *)baton += code[0] == 'E';
}

static sgn_error_t *object_is_good(int *good, int root, const char *id, const char *inventory_digest, apr_pool_t *pool)
{
    sgn_ocfl_inventory_t *inventory;
    apr_int64_t files = 0, bytes = 0;
    int errors = 0;

    *good = 0;
    if (sgn_ocfl_inventory_read(&inventory, root, id, pool) || strcmp(inventory->digest, inventory_digest) != 0)
        return NULL;
    SGN_TRY(sgn_ocfl_check_object(root, inventory->path, id, SGN_OCFL_DEEP, count_error, &errors, &files, &bytes, pool));
    *good = errors == 0;
    return NULL;
}

static sgn_error_t *remove_object(int root, const char *id, apr_pool_t *pool)
{
    const char *path;

    SGN_TRY(sgn_ocfl_path(&path, id, pool));
    SGN_TRY(sgn_file_remove(root, path, pool));
    /* Tuple directories that became empty must not stay. */
    if (unlinkat(root, apr_pstrmemdup(pool, path, 5), AT_REMOVEDIR) == 0)
        (void)!unlinkat(root, apr_pstrmemdup(pool, path, 2), AT_REMOVEDIR);
    return NULL;
}

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));

    return text ? text : "";
}

struct sgn_archive_adoption_t {
    int root, chains;
    sgn_journal_t *journal;
};

int sgn_archive_is_restored(const char *writer)
{
    return strncmp(writer, "r-", 2) == 0;
}

sgn_error_t *sgn_archive_adopt_begin(sgn_archive_adoption_t **out, int directory, apr_pool_t *pool)
{
    sgn_archive_adoption_t *adoption = apr_pcalloc(pool, sizeof(*adoption));
    unsigned char random[6];
    const char *writer;

    SGN_TRY(sgn_file_mkdir(directory, "journal", 0750, pool));
    SGN_TRY(sgn_file_open(&adoption->root, directory, "root", O_RDONLY | O_DIRECTORY, 0, pool));
    SGN_TRY(sgn_file_open(&adoption->chains, directory, "journal", O_RDONLY | O_DIRECTORY, 0, pool));
    /* A chain of its own, closed for ever behind the last line: the next
     * writer takes a new name. */
    SGN_TRY(sgn_random_bytes(random, sizeof(random), pool));
    writer = apr_pstrcat(pool, "r-", sgn_bytes_hex(sgn_bytes(random, sizeof(random)), pool), NULL);
    SGN_TRY(sgn_file_write(adoption->chains, "WRITER", sgn_bytes_str(writer), 0440, pool));
    SGN_TRY(sgn_journal_open(&adoption->journal, adoption->chains, pool));
    *out = adoption;
    return NULL;
}

sgn_error_t *sgn_archive_adopt(int *good, sgn_archive_adoption_t *adoption, const json_t *object, apr_pool_t *pool)
{
    sgn_journal_line_t line = {
        .op = "commit", .tx = "restore", .id = text_of(object, "id"), .version = (int)json_integer_value(json_object_get(object, "version")),
        .inventory = text_of(object, "inventory"), .sha256 = text_of(object, "sha256"), .agency = text_of(object, "agency"),
        .key = json_string_value(json_object_get(object, "key")), .size = json_integer_value(json_object_get(object, "size")),
        .bytes = json_integer_value(json_object_get(object, "bytes")),
    };

    if (!sgn_archive_is_id(line.id))
        return SGN_ERROR(pool, SGN_BACKUP_MANIFEST, "an identifier that is not one of ours");
    SGN_TRY(object_is_good(good, adoption->root, line.id, line.inventory, pool));
    if (!*good)
        return remove_object(adoption->root, line.id, pool);
    SGN_TRY(sgn_ocfl_protect(adoption->root, line.id, pool));
    return sgn_journal_add_late(adoption->journal, &line, pool);
}

sgn_error_t *sgn_archive_adopt_end(sgn_archive_adoption_t *adoption, apr_pool_t *pool)
{
    SGN_TRY(sgn_journal_sync(adoption->journal, pool));
    return sgn_file_remove(adoption->chains, "WRITER", pool);
}
