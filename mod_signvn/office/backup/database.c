/* database.c: a snapshot of a database, compressed onto a medium. */
#include <string.h>

#include <apr_strings.h>

#include "base/file.h"
#include "crypto/digest.h"
#include "office/backup/gzip.h"
#include "office/backup/room.h"

#define DATABASE_BLOCK (256 * 1024)

typedef struct {
    sgn_upload_t *upload;
    sgn_digest_t *digest;
    apr_off_t size;
    apr_pool_t *pool;
} database_t;

static sgn_error_t *store(void *baton, const unsigned char *data, size_t len)
{
    database_t *database = baton;

    SGN_TRY(sgn_digest_add(database->digest, data, len, database->pool));
    database->size += (apr_off_t)len;
    return sgn_target_write(database->upload, data, len);
}

static sgn_error_t *compress_to(database_t *database, int fd)
{
    unsigned char *block = apr_palloc(database->pool, DATABASE_BLOCK);
    apr_off_t size, at = 0;
    sgn_gzip_t *gzip;

    SGN_TRY(sgn_file_size(&size, fd, database->pool));
    SGN_TRY(sgn_gzip_pack(&gzip, store, database, database->pool));
    while (at < size) {
        size_t step = size - at < DATABASE_BLOCK ? (size_t)(size - at) : DATABASE_BLOCK;

        SGN_TRY(sgn_file_pread_all(fd, block, step, at, database->pool));
        SGN_TRY(sgn_gzip_add(gzip, block, step));
        at += (apr_off_t)step;
    }
    return sgn_gzip_end(gzip);
}

sgn_error_t *sgn_room_put_database(json_t **out, sgn_medium_t *medium, const char *what, int fd, apr_pool_t *pool)
{
    json_t *entry = sgn_json_object(pool);
    database_t database = { .pool = pool };
    const char *hex, *name, *back;
    unsigned char value[64];
    sgn_error_t *error;
    apr_off_t read_size;

    SGN_TRY(sgn_digest_make(&database.digest, SGN_DIGEST_SHA512, pool));
    SGN_TRY(sgn_target_begin(&database.upload, medium, pool));
    error = compress_to(&database, fd);
    if (!error)
        error = sgn_digest_finish(value, database.digest, pool);
    if (error) {
        sgn_target_abort(database.upload);
        return error;
    }
    hex = sgn_bytes_hex(sgn_bytes(value, sizeof(value)), pool);
    name = apr_psprintf(pool, "database/%s-%s.db.gz", what, hex);
    error = sgn_target_finish(database.upload, name);
    if (error) {
        sgn_target_abort(database.upload);
        return error;
    }
    SGN_TRY(sgn_target_digest(&back, &read_size, medium, name, pool));
    if (strcmp(back, hex) != 0)
        return SGN_ERROR(pool, SGN_BACKUP_DAMAGED, "%s reads back differently", name);
    sgn_json_set_str(entry, "name", name);
    sgn_json_set_str(entry, "sha512", hex);
    sgn_json_set_int(entry, "size", database.size);
    *out = entry;
    return NULL;
}
