/* spool.c: bytes on their way from the client to the keeper. */
#include "httpd/spool.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include <apr_strings.h>

#include "base/file.h"
#include "base/pool.h"

static apr_status_t give_back(void *data)
{
    sgn_spool_t *spool = data;

    sgn_gauge_give(spool->place->gauge, spool->taken);
    return APR_SUCCESS;
}

/* Filesystems without O_TMPFILE: a name for the blink of an eye. */
static int unnamed(const char *directory, apr_pool_t *pool)
{
    int fd = open(directory, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    char *path;

    if (fd >= 0 || (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL))
        return fd;
    path = apr_pstrcat(pool, directory, "/upload-XXXXXX", NULL);
    fd = mkostemp(path, O_CLOEXEC);
    if (fd >= 0)
        unlink(path);
    return fd;
}

static sgn_error_t *make_file(int *fd, const char *directory, apr_pool_t *pool)
{
    *fd = unnamed(directory, pool);
    if (*fd < 0)
        return SGN_ERROR_ERRNO(pool, errno == ENOSPC || errno == EDQUOT ? SGN_SPOOL_FULL : SGN_FILE_FAILED, "%s", directory);
    sgn_pool_own_fd(pool, *fd);
    return NULL;
}

/* It grew out of memory. */
static sgn_error_t *move_to_file(sgn_spool_t *spool, apr_pool_t *pool)
{
    unsigned char block[16384];
    apr_off_t at = 0;
    int file;

    SGN_TRY(make_file(&file, spool->place->directory, pool));
    while (at < spool->size) {
        size_t n = (size_t)(spool->size - at) < sizeof block ? (size_t)(spool->size - at) : sizeof block;

        SGN_TRY(sgn_file_pread_all(spool->fd, block, n, at, pool));
        SGN_TRY(sgn_file_write_all(file, block, n, pool));
        at += (apr_off_t)n;
    }
    sgn_pool_close_fd(pool, spool->fd);
    spool->fd = file;
    spool->in_memory = 0;
    return NULL;
}

/* The bytes to be written are counted already. */
static int fits_in_memory(const sgn_spool_t *spool, size_t len)
{
    return spool->size + (apr_off_t)len <= SGN_SPOOL_MEMORY && sgn_gauge_fits(spool->place->gauge, 0, SGN_SPOOL_MEMORY_ALL);
}

static sgn_error_t *append(sgn_spool_t *spool, const void *data, size_t len, apr_pool_t *pool)
{
    if (spool->in_memory && !fits_in_memory(spool, len))
        SGN_TRY(move_to_file(spool, pool));
    return sgn_file_write_all(spool->fd, data, len, pool);
}

sgn_error_t *sgn_spool_make(sgn_spool_t **out, sgn_spool_place_t *place, const char *name,
                            const char *media_type, apr_pool_t *pool)
{
    sgn_spool_t *spool = apr_pcalloc(pool, sizeof *spool);

    spool->place = place;
    spool->name = name;
    spool->media_type = media_type;
    spool->fd = memfd_create("signvn-upload", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    spool->in_memory = spool->fd >= 0;
    if (spool->in_memory)
        sgn_pool_own_fd(pool, spool->fd);
    else
        SGN_TRY(make_file(&spool->fd, place->directory, pool));
    apr_pool_cleanup_register(pool, spool, give_back, apr_pool_cleanup_null);
    *out = spool;
    return NULL;
}

sgn_error_t *sgn_spool_write(sgn_spool_t *spool, const void *data, size_t len, apr_pool_t *pool)
{
    sgn_error_t *error;

    if ((apr_int64_t)len > spool->place->limit - spool->size)
        return SGN_ERROR(pool, SGN_TOO_LARGE, "a document is over %" APR_INT64_T_FMT " bytes", spool->place->limit);
    if (!sgn_gauge_take(spool->place->gauge, (apr_int64_t)len, spool->place->quota))
        return SGN_ERROR(pool, SGN_SPOOL_FULL, "the uploads are over %" APR_INT64_T_FMT " bytes", spool->place->quota);
    spool->taken += (apr_int64_t)len;
    error = append(spool, data, len, pool);
    if (error)
        return error->code == SGN_DISK_FULL ? SGN_WRAP(pool, error, SGN_SPOOL_FULL, "the disk of the spool is full") : error;
    spool->size += (apr_off_t)len;
    return NULL;
}

sgn_error_t *sgn_spool_end(sgn_spool_t *spool, apr_pool_t *pool)
{
    if (spool->in_memory && fcntl(spool->fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0)
        return SGN_ERROR_ERRNO(pool, SGN_INTERNAL, "seal of an upload");
    return NULL;
}
