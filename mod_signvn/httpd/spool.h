/*
 * spool.h: one uploaded document on its way to the keeper, bounded by
 * SignVNMaxDocument and by the quota that all children share.
 *
 * Up to 2 MB it is memory that is sealed when the upload is complete, so the
 * keeper can use it as it is; beyond that, and while all uploads together are
 * over 256 MB, an unnamed file in the spool directory, which the keeper copies
 * while it hashes: many small uploads must not take the machine's memory.  Never
 * fsynced.
 * Descriptor and quota are given back with the pool.
 */
#ifndef SGN_HTTPD_SPOOL_H
#define SGN_HTTPD_SPOOL_H

#include "base/error.h"
#include "httpd/gauge.h"

typedef struct {
    int fd;
    apr_off_t size;
    const char *name, *media_type;      /* as the caller said; may be NULL */
    /* private */
    int in_memory;
    apr_int64_t taken;
    struct sgn_spool_place_t *place;
} sgn_spool_t;

typedef struct sgn_spool_place_t {
    const char *directory;
    apr_int64_t limit, quota;           /* of one document; of all */
    sgn_gauge_t *gauge;
} sgn_spool_place_t;

#define SGN_SPOOL_MEMORY (2 << 20)
#define SGN_SPOOL_MEMORY_ALL (256 << 20)

/* SGN_SPOOL_FULL, SGN_TOO_LARGE, SGN_DISK_FULL. */
sgn_error_t *sgn_spool_make(sgn_spool_t **out, sgn_spool_place_t *place, const char *name,
                            const char *media_type, apr_pool_t *pool);
sgn_error_t *sgn_spool_write(sgn_spool_t *spool, const void *data, size_t len, apr_pool_t *pool);
/* The upload is complete: nobody writes any more. */
sgn_error_t *sgn_spool_end(sgn_spool_t *spool, apr_pool_t *pool);

#endif
