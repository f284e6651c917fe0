/*
 * restore.c: from a set to a state directory: packs, objects checked against
 * the manifest, journal, office database; the catalogue is made anew.
 *
 * Damaged packs do not stop it: what is in the others comes back, what is lost
 * is listed.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <apr_strings.h>
#include "base/file.h"
#include "base/pool.h"
#include "crypto/digest.h"
#include "office/backup/gzip.h"
#include "office/backup/room.h"

typedef struct {
    const sgn_backup_restore_t *options;
    sgn_medium_t *medium;
    const char *set;
    int state, root;            /* state directory; archive/root in it */
    json_t *objects, *lost;     /* objects: id -> line of its newest version */
    json_t *office;             /* database entry of the newest manifest */
    apr_int64_t done;
    sgn_archive_progress_fn progress;
    void *baton;
    apr_pool_t *pool;
} restore_t;

/* ---- what must be there (B27) ------------------------------------------------------- */

/* The head of our set that another set's newest manifest names. */
static sgn_error_t *known_by(apr_int64_t *seq, restore_t *restore, const char *address)
{
    sgn_medium_t *medium;
    sgn_manifest_t *manifest;
    apr_int64_t newest;
    json_t *item;
    size_t i;

    if (sgn_target_open(&medium, address, restore->pool))
        return NULL;    /* not at hand: it can tell nothing */
    SGN_TRY(sgn_manifest_newest(&newest, medium, restore->pool));
    if (!newest)
        return NULL;
    SGN_TRY(sgn_manifest_read(&manifest, medium, newest, NULL, &restore->options->signer, restore->state, restore->pool));
    json_array_foreach(json_object_get(manifest->header, "others"), i, item) {
        const char *set = json_string_value(json_object_get(item, "set"));

        if (set && strcmp(set, restore->set) == 0 && json_integer_value(json_object_get(item, "seq")) > *seq)
            *seq = json_integer_value(json_object_get(item, "seq"));
    }
    return NULL;
}

static sgn_error_t *choose(apr_int64_t *newest, restore_t *restore)
{
    apr_int64_t known = restore->options->expect;
    json_t *identity;
    int i;

    SGN_TRY(sgn_target_open(&restore->medium, restore->options->address, restore->pool));
    SGN_TRY(sgn_room_identity(&identity, restore->medium, restore->pool));
    SGN_TRY(sgn_json_get_str(&restore->set, identity, "set", restore->pool));
    for (i = 0; restore->options->others && restore->options->others[i]; i++)
        SGN_TRY(known_by(&known, restore, restore->options->others[i]));
    SGN_TRY(sgn_manifest_newest(newest, restore->medium, restore->pool));
    if (!*newest)
        return SGN_ERROR(restore->pool, SGN_BACKUP_MANIFEST, "the medium has no manifest");
    if (*newest < known && !restore->options->accept_loss)
        return SGN_ERROR(restore->pool, SGN_BACKUP_MANIFEST,
                         "the newest manifest here is %" APR_INT64_T_FMT ", but %" APR_INT64_T_FMT " was written to this set", *newest, known);
    return NULL;
}

/* ---- the target directory -------------------------------------------------------------- */

static sgn_error_t *prepare_directory(restore_t *restore)
{
    struct dirent *entry;
    DIR *dir;
    int others = 0;

    if (mkdir(restore->options->directory, 0700) != 0 && errno != EEXIST)
        return SGN_ERROR_ERRNO(restore->pool, SGN_FILE_FAILED, "make %s", restore->options->directory);
    dir = opendir(restore->options->directory);
    if (!dir)
        return SGN_ERROR_ERRNO(restore->pool, SGN_FILE_FAILED, "open %s", restore->options->directory);
    while ((entry = readdir(dir)) != NULL)
        others += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0 && strcmp(entry->d_name, "lost+found") != 0;
    closedir(dir);
    if (others)
        return SGN_ERROR(restore->pool, SGN_RESTORE_NOT_EMPTY, "%s", restore->options->directory);
    return sgn_file_root(&restore->state, restore->options->directory, restore->pool);
}

/* Nothing is made there before it is known what comes. */
static sgn_error_t *begin_state(restore_t *restore)
{
    SGN_TRY(sgn_file_mkdir(restore->state, "archive/root", 0750, restore->pool));
    SGN_TRY(sgn_file_mkdir(restore->state, "db", 0700, restore->pool));
    return sgn_file_open(&restore->root, restore->state, "archive/root", O_RDONLY | O_DIRECTORY, 0, restore->pool);
}

/* ---- packs -------------------------------------------------------------------------------- */

static sgn_error_t *take_line(void *baton, json_t *line, apr_pool_t *pool)
{
    restore_t *restore = baton;
    const char *id = json_string_value(json_object_get(line, "id")), *pack = json_string_value(json_object_get(line, "pack"));
    const char *sha512;
    sgn_error_t *error;
    apr_off_t size;

    if (id) {
        json_object_set(restore->objects, id, line);    /* damaged ones too: they are lost unless copied later */
        return NULL;
    }
    if (!pack || strlen(pack) != 128 || strspn(pack, "0123456789abcdef") != 128)
        return NULL;
    error = sgn_pack_read(&sha512, &size, restore->root, restore->medium, sgn_pack_path(pack, pool), pool);
    /* Damage shows at its objects, which are compared one by one. */
    if (error && error->code != SGN_BACKUP_DAMAGED && error->code != SGN_FILE_ABSENT && error->code != SGN_FILE_FAILED
        && error->code != SGN_FILE_SHORT && error->code != SGN_FILE_EXISTS)
        return error;
    restore->done++;
    return restore->progress ? restore->progress(restore->baton, restore->done, 0, "restore") : NULL;
}

static sgn_error_t *take_manifest(void *baton, const sgn_manifest_t *manifest, apr_pool_t *pool)
{
    restore_t *restore = baton;

    restore->office = json_incref(json_object_get(json_object_get(manifest->header, "databases"), "office"));
    sgn_json_own(restore->office, restore->pool);
    return sgn_manifest_each(manifest, take_line, restore, pool);
}

/* ---- the office database --------------------------------------------------------------------- */

typedef struct {
    sgn_digest_t *digest;
    sgn_gzip_t *gzip;
    int fd;
    apr_pool_t *pool;
} database_t;

static sgn_error_t *keep_bytes(void *baton, const unsigned char *data, size_t len)
{
    database_t *database = baton;

    return sgn_file_write_all(database->fd, data, len, database->pool);
}

static sgn_error_t *take_bytes(void *baton, const unsigned char *data, size_t len)
{
    database_t *database = baton;

    SGN_TRY(sgn_digest_add(database->digest, data, len, database->pool));
    return sgn_gzip_add(database->gzip, data, len);
}

static sgn_error_t *restore_office(restore_t *restore)
{
    const char *name = json_string_value(json_object_get(restore->office, "name"));
    const char *want = json_string_value(json_object_get(restore->office, "sha512"));
    database_t database = { .pool = restore->pool };
    unsigned char value[64];

    if (!name || !want || strncmp(name, "database/office-", 16) != 0)
        return SGN_ERROR(restore->pool, SGN_BACKUP_DAMAGED, "the manifest names no database");
    SGN_TRY(sgn_digest_make(&database.digest, SGN_DIGEST_SHA512, restore->pool));
    SGN_TRY(sgn_gzip_unpack(&database.gzip, keep_bytes, &database, restore->pool));
    SGN_TRY(sgn_file_open(&database.fd, restore->state, "db/office.sqlite", O_WRONLY | O_CREAT | O_EXCL, 0600, restore->pool));
    SGN_TRY(sgn_target_read(restore->medium, name, 0, take_bytes, &database, restore->pool));
    SGN_TRY(sgn_gzip_end(database.gzip));
    SGN_TRY(sgn_digest_finish(value, database.digest, restore->pool));
    if (strcmp(sgn_bytes_hex(sgn_bytes(value, sizeof(value)), restore->pool), want) != 0)
        return SGN_ERROR(restore->pool, SGN_BACKUP_DAMAGED, "%s is not what was written", name);
    return sgn_file_sync(database.fd, restore->pool);
}

/* ---- all of it --------------------------------------------------------------------------------- */

static sgn_error_t *open_restored(apr_int64_t *documents, restore_t *restore)
{
    const char *url = apr_pstrcat(restore->pool, "sqlite:", restore->options->directory, "/db/catalog.sqlite", NULL);
    sgn_archive_options_t options = { .directory = apr_pstrcat(restore->pool, restore->options->directory, "/archive", NULL) };
    sgn_archive_t *archive;
    apr_pool_t *pool;
    json_t *status;
    sgn_error_t *error;

    apr_pool_create(&pool, restore->pool);
    error = sgn_db_open(&options.catalog, url, 0, pool);     /* the end syncs everything */
    if (!error)
        error = sgn_archive_open(&archive, &options, pool);
    if (!error)
        error = sgn_archive_status(&status, archive, pool);
    if (error)
        return sgn_error_dup(error, restore->pool);
    *documents = json_integer_value(json_object_get(status, "documents"));
    apr_pool_destroy(pool);
    return NULL;
}

sgn_error_t *sgn_backup_restore(json_t **out, const sgn_backup_restore_t *options,
                                sgn_archive_progress_fn progress, void *baton, apr_pool_t *pool)
{
    restore_t restore = { .options = options, .objects = sgn_json_object(pool), .lost = sgn_json_array(pool),
                          .progress = progress, .baton = baton, .pool = pool };
    json_t *answer = sgn_json_object(pool), *list = sgn_json_array(pool), *line;
    apr_int64_t newest, documents = 0;
    const char *id;
    int archive;

    SGN_TRY(prepare_directory(&restore));
    SGN_TRY(choose(&newest, &restore));
    SGN_TRY(begin_state(&restore));
    SGN_TRY(sgn_manifest_walk(restore.medium, newest, restore.set, &options->signer, restore.state, take_manifest, &restore, pool));
    json_object_foreach(restore.objects, id, line)
        json_array_append(list, line);
    SGN_TRY(sgn_file_open(&archive, restore.state, "archive", O_RDONLY | O_DIRECTORY, 0, pool));
    SGN_TRY(sgn_archive_adopt(restore.lost, archive, list, pool));
    SGN_TRY(restore_office(&restore));
    SGN_TRY(open_restored(&documents, &restore));
    if (syncfs(restore.state) != 0)
        return SGN_ERROR_ERRNO(pool, SGN_FILE_FAILED, "sync %s", options->directory);
    sgn_json_set_str(answer, "set", restore.set);
    sgn_json_set_int(answer, "manifest", newest);
    sgn_json_set_int(answer, "objects", (apr_int64_t)json_array_size(list));
    sgn_json_set_int(answer, "restored", (apr_int64_t)(json_array_size(list) - json_array_size(restore.lost)));
    sgn_json_set_int(answer, "documents", documents);
    sgn_json_set(answer, "lost", restore.lost);
    *out = answer;
    return NULL;
}
