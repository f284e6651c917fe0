/*
 * target.h: a place for backups: a medium that can be identified, locked,
 * appended to and read back.  A plug: target_<kind>.c is one const record, one
 * row in target.c.
 *
 * What is written is complete and durable when finish() returns, or it is not
 * there.  Nothing here knows manifests, packs or schedules.
 *
 * Order of use: sgn_target_open(), sgn_target_lock() for writers, then the
 * calls; everything ends with the pool.  One medium may be used by several
 * threads at once, one upload by one thread.
 */
#ifndef SGN_OFFICE_BACKUP_TARGET_H
#define SGN_OFFICE_BACKUP_TARGET_H

#include "base/buf.h"

typedef struct sgn_medium_t sgn_medium_t;
typedef struct sgn_upload_t sgn_upload_t;

/* address: "dir:/media/a".  SGN_BACKUP_ABSENT: nothing is attached there. */
sgn_error_t *sgn_target_open(sgn_medium_t **out, const char *address, apr_pool_t *pool);
/* Number of the device that the medium is on; 0: cannot be told. */
apr_uint64_t sgn_target_device(const sgn_medium_t *medium);
/* SGN_BACKUP_RUNNING.  A lock of a process that ended is none. */
sgn_error_t *sgn_target_lock(sgn_medium_t *medium, apr_pool_t *pool);

sgn_error_t *sgn_target_begin(sgn_upload_t **out, sgn_medium_t *medium, apr_pool_t *pool);
sgn_error_t *sgn_target_write(sgn_upload_t *upload, const void *data, size_t len);
/* Drops what was written behind `at`. */
sgn_error_t *sgn_target_rewind(sgn_upload_t *upload, apr_off_t at);
/* Durable under that name ("packs/ab/abcd.tar"), replacing what was there. */
sgn_error_t *sgn_target_finish(sgn_upload_t *upload, const char *name);
void sgn_target_abort(sgn_upload_t *upload);
/* All of it at once, replacing. */
sgn_error_t *sgn_target_put(sgn_medium_t *medium, const char *name, sgn_bytes_t bytes, apr_pool_t *pool);

/* SGN_FILE_ABSENT. */
sgn_error_t *sgn_target_size(apr_off_t *out, sgn_medium_t *medium, const char *name, apr_pool_t *pool);
typedef sgn_error_t *(*sgn_target_chunk_fn)(void *baton, const unsigned char *data, size_t len);
/* The bytes from the medium itself, not from a cache, when fresh. */
sgn_error_t *sgn_target_read(sgn_medium_t *medium, const char *name, int fresh,
                             sgn_target_chunk_fn chunk, void *baton, apr_pool_t *pool);
sgn_error_t *sgn_target_get(sgn_bytes_t *out, sgn_medium_t *medium, const char *name, size_t limit, apr_pool_t *pool);
/* Names in a directory, sorted, NULL-terminated; an absent directory is empty. */
sgn_error_t *sgn_target_list(const char *const **out, sgn_medium_t *medium, const char *directory, apr_pool_t *pool);
/* SHA-512 (hex) and size of what the medium holds. */
sgn_error_t *sgn_target_digest(const char **sha512, apr_off_t *size, sgn_medium_t *medium, const char *name, apr_pool_t *pool);

/* ---- For plugs --------------------------------------------------------------------
 * Calls may come again after a failure; only those of different uploads at once. */
typedef struct {
    const char *scheme;
    sgn_error_t *(*open)(void **handle, apr_uint64_t *device, const char *address, apr_pool_t *pool);
    sgn_error_t *(*lock)(void *handle, apr_pool_t *pool);
    sgn_error_t *(*begin)(void **upload, void *handle, apr_pool_t *pool);
    sgn_error_t *(*write)(void *upload, const void *data, size_t len);
    sgn_error_t *(*rewind)(void *upload, apr_off_t at);
    sgn_error_t *(*finish)(void *upload, const char *name);
    void (*abort)(void *upload);
    sgn_error_t *(*size)(apr_off_t *out, void *handle, const char *name, apr_pool_t *pool);
    sgn_error_t *(*read)(void *handle, const char *name, int fresh, sgn_target_chunk_fn chunk, void *baton, apr_pool_t *pool);
    sgn_error_t *(*list)(const char *const **out, void *handle, const char *directory, apr_pool_t *pool);
} sgn_target_t;

#endif
