/* database.c: a snapshot of a database, compressed onto a medium. */
#include <string.h>

#include <apr_strings.h>
#include <zlib.h>

#include "base/file.h"
#include "base/pool.h"
#include "crypto/digest.h"
#include "office/backup/room.h"

#define DATABASE_BLOCK (256 * 1024)

static void end_deflate(void *stream)
{
    deflateEnd(stream);
}

static sgn_error_t *compress_to(sgn_upload_t *upload, sgn_digest_t *digest, apr_off_t *stored, int fd, apr_pool_t *pool)
{
    unsigned char *in = apr_palloc(pool, DATABASE_BLOCK), *out = apr_palloc(pool, DATABASE_BLOCK);
    z_stream *stream = apr_pcalloc(pool, sizeof(*stream));
    apr_off_t size, at = 0;
    int status = Z_OK;

    SGN_TRY(sgn_file_size(&size, fd, pool));
    if (deflateInit2(stream, 1, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK)
        return SGN_ERROR(pool, SGN_INTERNAL, "deflate");
    sgn_pool_own(pool, stream, end_deflate);
    while (status != Z_STREAM_END) {
        if (!stream->avail_in && at < size) {
            size_t step = size - at < DATABASE_BLOCK ? (size_t)(size - at) : DATABASE_BLOCK;

            SGN_TRY(sgn_file_pread_all(fd, in, step, at, pool));
            stream->next_in = in;
            stream->avail_in = (uInt)step;
            at += (apr_off_t)step;
        }
        stream->next_out = out;
        stream->avail_out = DATABASE_BLOCK;
        status = deflate(stream, at == size ? Z_FINISH : Z_NO_FLUSH);
        if (status != Z_OK && status != Z_STREAM_END && status != Z_BUF_ERROR)
            return SGN_ERROR(pool, SGN_INTERNAL, "deflate: %d", status);
        SGN_TRY(sgn_digest_add(digest, out, DATABASE_BLOCK - stream->avail_out, pool));
        SGN_TRY(sgn_target_write(upload, out, DATABASE_BLOCK - stream->avail_out));
        *stored += DATABASE_BLOCK - stream->avail_out;
    }
    return NULL;
}

sgn_error_t *sgn_room_put_database(json_t **out, sgn_medium_t *medium, const char *what, int fd, apr_pool_t *pool)
{
    json_t *entry = sgn_json_object(pool);
    const char *hex, *name, *back;
    unsigned char value[64];
    sgn_upload_t *upload;
    sgn_digest_t *digest;
    sgn_error_t *error;
    apr_off_t size = 0, read_size;

    SGN_TRY(sgn_digest_make(&digest, SGN_DIGEST_SHA512, pool));
    SGN_TRY(sgn_target_begin(&upload, medium, pool));
    error = compress_to(upload, digest, &size, fd, pool);
    if (!error)
        error = sgn_digest_finish(value, digest, pool);
    if (error) {
        sgn_target_abort(upload);
        return error;
    }
    hex = sgn_bytes_hex(sgn_bytes(value, sizeof(value)), pool);
    name = apr_psprintf(pool, "database/%s-%s.db.gz", what, hex);
    error = sgn_target_finish(upload, name);
    if (error) {
        sgn_target_abort(upload);
        return error;
    }
    SGN_TRY(sgn_target_digest(&back, &read_size, medium, name, pool));
    if (strcmp(back, hex) != 0)
        return SGN_ERROR(pool, SGN_BACKUP_DAMAGED, "%s reads back differently", name);
    sgn_json_set_str(entry, "name", name);
    sgn_json_set_str(entry, "sha512", hex);
    sgn_json_set_int(entry, "size", size);
    *out = entry;
    return NULL;
}
