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
#include "office/backup/restore_objects.h"
#include "office/backup/room.h"

typedef struct {
    const sgn_backup_restore_t *options;
    sgn_medium_t *medium;
    const char *set;
    int state;                  /* state directory */
    sgn_restore_objects_t *objects;
    json_t *office;             /* database entry of the newest manifest */
    json_t *without;            /* agencies that the set does not have whole */
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
    return sgn_file_mkdir(restore->state, "db", 0700, restore->pool);
}

/* ---- objects ------------------------------------------------------------------------------- */

static sgn_error_t *take_manifest(void *baton, const sgn_manifest_t *manifest, apr_pool_t *pool)
{
    restore_t *restore = baton;
    const char *agency;
    json_t *places;

    restore->office = json_incref(json_object_get(json_object_get(manifest->header, "databases"), "office"));
    sgn_json_own(restore->office, restore->pool);
    restore->without = sgn_json_array(restore->pool);
    json_object_foreach(json_object_get(manifest->header, "without"), agency, places)
        json_array_append_new(restore->without, json_string(agency));
    return sgn_restore_objects_take(restore->objects, restore->medium, manifest, pool);
}

static sgn_error_t *help_manifest(void *baton, const sgn_manifest_t *manifest, apr_pool_t *pool)
{
    restore_t *restore = baton;

    return sgn_restore_objects_help(restore->objects, manifest, pool);
}

/* What is damaged or not in our set, from another that is at hand. */
static sgn_error_t *help(restore_t *restore, const char *address)
{
    sgn_medium_t *medium;
    apr_int64_t newest;

    if (sgn_target_open(&medium, address, restore->pool))
        return NULL;
    SGN_TRY(sgn_manifest_newest(&newest, medium, restore->pool));
    if (!newest)
        return NULL;
    SGN_TRY(sgn_manifest_walk(medium, newest, NULL, &restore->options->signer, restore->state, help_manifest, restore, restore->pool));
    return sgn_restore_objects_help_adopt(restore->objects, medium, restore->pool);
}

static sgn_error_t *restore_objects(json_t *answer, restore_t *restore, apr_int64_t newest, sgn_archive_progress_fn progress, void *baton)
{
    int i;

    SGN_TRY(sgn_restore_objects_begin(&restore->objects, restore->state, restore->options->directory, progress, baton, restore->pool));
    SGN_TRY(sgn_manifest_walk(restore->medium, newest, restore->set, &restore->options->signer, restore->state, take_manifest, restore,
                              restore->pool));
    SGN_TRY(sgn_restore_objects_adopt(restore->objects, restore->pool));
    for (i = 0; restore->options->others && restore->options->others[i]; i++)
        SGN_TRY(help(restore, restore->options->others[i]));
    return sgn_restore_objects_end(restore->objects, answer);
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

/* The archive key is in no backup: the restored site makes a new one, and goes
 * on with sets whose manifests the old one signed. */
static sgn_error_t *note_signer(restore_t *restore)
{
    apr_pool_t *pool;
    sgn_error_t *error;
    sgn_db_t *office;

    apr_pool_create(&pool, restore->pool);
    error = sgn_db_open(&office, apr_pstrcat(pool, "sqlite:", restore->options->directory, "/db/office.sqlite", NULL), 1, pool);
    if (!error)
        error = sgn_room_signer_note(office, restore->options->signer.fingerprint, pool);
    error = sgn_error_dup(error, restore->pool);
    apr_pool_destroy(pool);
    return error;
}

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
    restore_t restore = { .options = options, .pool = pool };
    json_t *answer = sgn_json_object(pool);
    apr_int64_t newest, documents = 0;

    SGN_TRY(prepare_directory(&restore));
    SGN_TRY(choose(&newest, &restore));
    SGN_TRY(begin_state(&restore));
    SGN_TRY(restore_objects(answer, &restore, newest, progress, baton));
    SGN_TRY(restore_office(&restore));
    SGN_TRY(note_signer(&restore));
    SGN_TRY(open_restored(&documents, &restore));
    if (syncfs(restore.state) != 0)
        return SGN_ERROR_ERRNO(pool, SGN_FILE_FAILED, "sync %s", options->directory);
    sgn_json_set_str(answer, "set", restore.set);
    sgn_json_set_int(answer, "manifest", newest);
    sgn_json_set_int(answer, "documents", documents);
    sgn_json_set(answer, "without", restore.without);
    *out = answer;
    return NULL;
}
