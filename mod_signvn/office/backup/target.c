/* target.c: the table of kinds and what all of them share. */
#include "office/backup/target.h"

#include <string.h>

#include <apr_strings.h>

#include "crypto/digest.h"

extern const sgn_target_t sgn_target_dir;

static const sgn_target_t *const target_rows[] = { &sgn_target_dir };

struct sgn_medium_t {
    const sgn_target_t *plug;
    void *handle;
    apr_uint64_t device;
};

struct sgn_upload_t {
    const sgn_target_t *plug;
    void *handle;
};

sgn_error_t *sgn_target_open(sgn_medium_t **out, const char *address, apr_pool_t *pool)
{
    const char *colon = strchr(address, ':');
    sgn_medium_t *medium = apr_pcalloc(pool, sizeof(*medium));
    size_t i;

    for (i = 0; colon && i < sizeof(target_rows) / sizeof(target_rows[0]); i++) {
        if (strlen(target_rows[i]->scheme) != (size_t)(colon - address)
            || strncmp(target_rows[i]->scheme, address, (size_t)(colon - address)) != 0)
            continue;
        medium->plug = target_rows[i];
        SGN_TRY(medium->plug->open(&medium->handle, &medium->device, colon + 1, pool));
        *out = medium;
        return NULL;
    }
    return SGN_ERROR(pool, SGN_CONFIG, "backup target %s: no such kind", address);
}

apr_uint64_t sgn_target_device(const sgn_medium_t *medium)
{
    return medium->device;
}

sgn_error_t *sgn_target_lock(sgn_medium_t *medium, apr_pool_t *pool)
{
    return medium->plug->lock(medium->handle, pool);
}

sgn_error_t *sgn_target_begin(sgn_upload_t **out, sgn_medium_t *medium, apr_pool_t *pool)
{
    sgn_upload_t *upload = apr_pcalloc(pool, sizeof(*upload));

    upload->plug = medium->plug;
    SGN_TRY(upload->plug->begin(&upload->handle, medium->handle, pool));
    *out = upload;
    return NULL;
}

sgn_error_t *sgn_target_write(sgn_upload_t *upload, const void *data, size_t len)
{
    return upload->plug->write(upload->handle, data, len);
}

sgn_error_t *sgn_target_rewind(sgn_upload_t *upload, apr_off_t at)
{
    return upload->plug->rewind(upload->handle, at);
}

sgn_error_t *sgn_target_finish(sgn_upload_t *upload, const char *name)
{
    return upload->plug->finish(upload->handle, name);
}

void sgn_target_abort(sgn_upload_t *upload)
{
    upload->plug->abort(upload->handle);
}

sgn_error_t *sgn_target_put(sgn_medium_t *medium, const char *name, sgn_bytes_t bytes, apr_pool_t *pool)
{
    sgn_upload_t *upload;
    sgn_error_t *error;

    SGN_TRY(sgn_target_begin(&upload, medium, pool));
    error = sgn_target_write(upload, bytes.data, bytes.len);
    if (!error)
        error = sgn_target_finish(upload, name);
    if (error)
        sgn_target_abort(upload);
    return error;
}

sgn_error_t *sgn_target_size(apr_off_t *out, sgn_medium_t *medium, const char *name, apr_pool_t *pool)
{
    return medium->plug->size(out, medium->handle, name, pool);
}

sgn_error_t *sgn_target_read(sgn_medium_t *medium, const char *name, int fresh,
                             sgn_target_chunk_fn chunk, void *baton, apr_pool_t *pool)
{
    return medium->plug->read(medium->handle, name, fresh, chunk, baton, pool);
}

sgn_error_t *sgn_target_list(const char *const **out, sgn_medium_t *medium, const char *directory, apr_pool_t *pool)
{
    return medium->plug->list(out, medium->handle, directory, pool);
}

static sgn_error_t *collect(void *baton, const unsigned char *data, size_t len)
{
    sgn_buf_add(baton, data, len);
    return NULL;
}

sgn_error_t *sgn_target_get(sgn_bytes_t *out, sgn_medium_t *medium, const char *name, size_t limit, apr_pool_t *pool)
{
    sgn_buf_t *buf = sgn_buf_make(limit, pool);

    SGN_TRY(sgn_target_read(medium, name, 1, collect, buf, pool));
    return sgn_buf_bytes(out, buf);
}

typedef struct {
    sgn_digest_t *digest;
    apr_off_t size;
    apr_pool_t *pool;
} digest_t;

static sgn_error_t *digest_chunk(void *baton, const unsigned char *data, size_t len)
{
    digest_t *digest = baton;

    digest->size += (apr_off_t)len;
    return sgn_digest_add(digest->digest, data, len, digest->pool);
}

sgn_error_t *sgn_target_digest(const char **sha512, apr_off_t *size, sgn_medium_t *medium, const char *name, apr_pool_t *pool)
{
    digest_t digest = { .pool = pool };
    unsigned char value[64];

    SGN_TRY(sgn_digest_make(&digest.digest, SGN_DIGEST_SHA512, pool));
    SGN_TRY(sgn_target_read(medium, name, 1, digest_chunk, &digest, pool));
    SGN_TRY(sgn_digest_finish(value, digest.digest, pool));
    *sha512 = sgn_bytes_hex(sgn_bytes(value, sizeof(value)), pool);
    *size = digest.size;
    return NULL;
}
