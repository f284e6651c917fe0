/*
 * spool.h: one uploaded document as an unnamed file in the spool directory,
 * bounded by SignVNMaxDocument and by the quota that all children share.
 *
 * The file is never given a name and never fsynced: the keeper copies it while
 * it hashes and believes nothing else (KEEPER.md 6).  Descriptor and quota are
 * given back with the pool.
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
    apr_int64_t taken;
    struct sgn_spool_place_t *place;
} sgn_spool_t;

typedef struct sgn_spool_place_t {
    const char *directory;
    apr_int64_t limit, quota;           /* of one document; of all */
    sgn_gauge_t *gauge;
} sgn_spool_place_t;

/* SGN_SPOOL_FULL, SGN_TOO_LARGE, SGN_DISK_FULL. */
sgn_error_t *sgn_spool_make(sgn_spool_t **out, sgn_spool_place_t *place, const char *name,
                            const char *media_type, apr_pool_t *pool);
sgn_error_t *sgn_spool_write(sgn_spool_t *spool, const void *data, size_t len, apr_pool_t *pool);

#endif
