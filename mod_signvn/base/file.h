/*
 * file.h: files that are durable before they are believed, and opens that
 * cannot leave a root.
 *
 * Descriptors are plain ints, O_CLOEXEC, owned by the pool that was passed
 * (sgn_pool_own_fd).  "Durable" means: data fsynced, then linked or renamed,
 * then the directory fsynced.  A failed fsync is final for that file: the
 * caller writes a new one, never fsyncs again.
 *
 * Not checked here: quotas and who may call.
 */
#ifndef SGN_BASE_FILE_H
#define SGN_BASE_FILE_H

#include <sys/types.h>

#include "base/buf.h"

/* Opens a directory as a root for the calls below. */
sgn_error_t *sgn_file_root(int *out, const char *path, apr_pool_t *pool);
/* mkdir -p below root with mode; existing is fine. */
sgn_error_t *sgn_file_mkdir(int root, const char *path, mode_t mode, apr_pool_t *pool);
/* openat2(RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS); SGN_FILE_ABSENT, SGN_FILE_UNSAFE. */
sgn_error_t *sgn_file_open(int *out, int root, const char *path, int flags, mode_t mode, apr_pool_t *pool);
/* A whole regular file of at most limit bytes, NUL-terminated behind. */
sgn_error_t *sgn_file_read(sgn_bytes_t *out, int root, const char *path, size_t limit, apr_pool_t *pool);
/* The same from an open descriptor, by pread from 0. */
sgn_error_t *sgn_file_read_fd(sgn_bytes_t *out, int fd, size_t limit, apr_pool_t *pool);
/* Durable replacement: temporary beside it, fsync, rename, fsync of the directory. */
sgn_error_t *sgn_file_write(int root, const char *path, sgn_bytes_t bytes, mode_t mode, apr_pool_t *pool);
/* An unnamed file (O_TMPFILE) in a directory, to be given a name by sgn_file_link. */
sgn_error_t *sgn_file_tmp(int *out, int root, const char *directory, mode_t mode, apr_pool_t *pool);
/* fsync(fd), linkat, fsync(directory).  SGN_FILE_EXISTS when the name is taken. */
sgn_error_t *sgn_file_link(int fd, int root, const char *path, apr_pool_t *pool);
/* The same for many files that the caller syncs together, and their directory. */
sgn_error_t *sgn_file_link_late(int fd, int root, const char *path, apr_pool_t *pool);
/* All bytes, whatever the kernel takes at once. SGN_DISK_FULL on ENOSPC/EDQUOT. */
sgn_error_t *sgn_file_write_all(int fd, const void *data, size_t len, apr_pool_t *pool);
sgn_error_t *sgn_file_pwrite_all(int fd, const void *data, size_t len, off_t at, apr_pool_t *pool);
/* Exactly len bytes from `at`; shorter is SGN_FILE_SHORT. */
sgn_error_t *sgn_file_pread_all(int fd, void *data, size_t len, off_t at, apr_pool_t *pool);
sgn_error_t *sgn_file_sync(int fd, apr_pool_t *pool);
/* fsync of a directory below root ("" is root itself). */
sgn_error_t *sgn_file_sync_dir(int root, const char *path, apr_pool_t *pool);
/* renameat2(RENAME_NOREPLACE); SGN_FILE_EXISTS; EXDEV is SGN_FILE_OTHER_DEVICE. */
sgn_error_t *sgn_file_rename(int from_root, const char *from, int to_root, const char *to, apr_pool_t *pool);
/* rm -r below root, never following a link; absent is fine. */
sgn_error_t *sgn_file_remove(int root, const char *path, apr_pool_t *pool);
/* A sealed memfd with these bytes (WRITE, SHRINK, GROW, SEAL), readable by pread. */
sgn_error_t *sgn_file_memfd(int *out, const char *name, sgn_bytes_t bytes, apr_pool_t *pool);
/* Size of a regular file; SGN_FILE_UNSAFE for anything else. */
sgn_error_t *sgn_file_size(apr_off_t *out, int fd, apr_pool_t *pool);

#endif
