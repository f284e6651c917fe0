/* spool.c: bytes on their way from the client to the keeper. */
#include "httpd/spool.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
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

sgn_error_t *sgn_spool_make(sgn_spool_t **out, sgn_spool_place_t *place, const char *name,
                            const char *media_type, apr_pool_t *pool)
{
    sgn_spool_t *spool = apr_pcalloc(pool, sizeof *spool);

    spool->place = place;
    spool->name = name;
    spool->media_type = media_type;
    spool->fd = unnamed(place->directory, pool);
    if (spool->fd < 0)
        return SGN_ERROR_ERRNO(pool, errno == ENOSPC || errno == EDQUOT ? SGN_SPOOL_FULL : SGN_FILE_FAILED, "%s", place->directory);
    sgn_pool_own_fd(pool, spool->fd);
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
    error = sgn_file_write_all(spool->fd, data, len, pool);
    if (error)
        return error->code == SGN_DISK_FULL ? SGN_WRAP(pool, error, SGN_SPOOL_FULL, "the disk of the spool is full") : error;
    spool->size += (apr_off_t)len;
    return NULL;
}
