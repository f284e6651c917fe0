/* file.c: durable files and opens beneath a root. */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <dirent.h>

#include <apr_strings.h>

#include "base/pool.h"

#ifndef RENAME_NOREPLACE
#define RENAME_NOREPLACE 1
#endif

static sgn_error_t *failed(const char *what, const char *path, apr_pool_t *pool)
{
    int number = errno;
    sgn_code_t code = SGN_FILE_FAILED;

    switch (number) {
    case ENOENT:
    case ENOTDIR:
        code = SGN_FILE_ABSENT;
        break;
    case EEXIST:
    case ENOTEMPTY:
        code = SGN_FILE_EXISTS;
        break;
    case ELOOP:
    case EXDEV:     /* openat2: a link, or out of the root */
        code = SGN_FILE_UNSAFE;
        break;
    case ENOSPC:
    case EDQUOT:
        code = SGN_DISK_FULL;
        break;
    }
    return SGN_ERROR_APR(pool, code, number, "%s %s", what, path);
}

sgn_error_t *sgn_file_root(int *out, const char *path, apr_pool_t *pool)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd < 0)
        return failed("open", path, pool);
    sgn_pool_own_fd(pool, fd);
    *out = fd;
    return NULL;
}

/* openat2 is not in glibc 2.36. */
static int open_beneath(int root, const char *path, int flags, mode_t mode)
{
    struct open_how how = {
        .flags = (unsigned)flags | O_CLOEXEC,
        .mode = flags & (O_CREAT | O_TMPFILE) & ~O_DIRECTORY ? mode : 0,
        .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
    };

    return (int)syscall(SYS_openat2, root, *path ? path : ".", &how, sizeof how);
}

sgn_error_t *sgn_file_open(int *out, int root, const char *path, int flags, mode_t mode, apr_pool_t *pool)
{
    int fd = open_beneath(root, path, flags, mode);

    if (fd < 0)
        return failed("open", path, pool);
    sgn_pool_own_fd(pool, fd);
    *out = fd;
    return NULL;
}

/* The directory part of a path below root, opened; *name is the last part. */
static sgn_error_t *open_parent(int *out, const char **name, int root, const char *path, apr_pool_t *pool)
{
    const char *slash = strrchr(path, '/');
    int fd;

    *name = slash ? slash + 1 : path;
    if (!**name || strcmp(*name, ".") == 0 || strcmp(*name, "..") == 0)
        return SGN_ERROR(pool, SGN_FILE_UNSAFE, "%s", path);
    fd = open_beneath(root, slash ? apr_pstrmemdup(pool, path, (size_t)(slash - path)) : "",
                      O_RDONLY | O_DIRECTORY, 0);
    if (fd < 0)
        return failed("open directory of", path, pool);
    *out = fd;
    return NULL;
}

sgn_error_t *sgn_file_mkdir(int root, const char *path, mode_t mode, apr_pool_t *pool)
{
    char *copy = apr_pstrdup(pool, path);

    for (char *at = copy; ; at++) {
        char keep = *at;
        const char *name;
        int parent, result;

        if (keep != '/' && keep != '\0')
            continue;
        *at = '\0';
        SGN_TRY(open_parent(&parent, &name, root, copy, pool));
        result = mkdirat(parent, name, mode);
        if (result == 0)
            result = fsync(parent);
        else if (errno == EEXIST)
            result = 0;
        close(parent);
        if (result != 0)
            return failed("make directory", copy, pool);
        *at = keep;
        if (!keep)
            return NULL;
    }
}

sgn_error_t *sgn_file_size(apr_off_t *out, int fd, apr_pool_t *pool)
{
    struct stat status;

    if (fstat(fd, &status) != 0)
        return failed("stat", "descriptor", pool);
    if (!S_ISREG(status.st_mode))
        return SGN_ERROR(pool, SGN_FILE_UNSAFE, "no regular file");
    *out = status.st_size;
    return NULL;
}

sgn_error_t *sgn_file_pread_all(int fd, void *data, size_t len, off_t at, apr_pool_t *pool)
{
    unsigned char *to = data;

    while (len) {
        ssize_t got = pread(fd, to, len, at);

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return failed("read", "descriptor", pool);
        if (got == 0)
            return SGN_ERROR(pool, SGN_FILE_SHORT, "%" APR_SIZE_T_FMT " bytes missing at %" APR_OFF_T_FMT,
                             len, (apr_off_t)at);
        to += got;
        at += got;
        len -= (size_t)got;
    }
    return NULL;
}

sgn_error_t *sgn_file_read_fd(sgn_bytes_t *out, int fd, size_t limit, apr_pool_t *pool)
{
    unsigned char *data;
    apr_off_t size;

    SGN_TRY(sgn_file_size(&size, fd, pool));
    if ((apr_uint64_t)size > limit)
        return SGN_ERROR(pool, SGN_TOO_LARGE, "%" APR_OFF_T_FMT " bytes, limit %" APR_SIZE_T_FMT, size, limit);
    data = apr_palloc(pool, (size_t)size + 1);
    SGN_TRY(sgn_file_pread_all(fd, data, (size_t)size, 0, pool));
    data[size] = 0;
    *out = sgn_bytes(data, (size_t)size);
    return NULL;
}

sgn_error_t *sgn_file_read(sgn_bytes_t *out, int root, const char *path, size_t limit, apr_pool_t *pool)
{
    int fd = open_beneath(root, path, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0);
    sgn_error_t *error;

    if (fd < 0)
        return failed("open", path, pool);
    error = sgn_file_read_fd(out, fd, limit, pool);
    close(fd);
    return error;
}

sgn_error_t *sgn_file_write_all(int fd, const void *data, size_t len, apr_pool_t *pool)
{
    const unsigned char *from = data;

    while (len) {
        ssize_t put = write(fd, from, len);

        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return failed("write", "descriptor", pool);
        from += put;
        len -= (size_t)put;
    }
    return NULL;
}

sgn_error_t *sgn_file_pwrite_all(int fd, const void *data, size_t len, off_t at, apr_pool_t *pool)
{
    const unsigned char *from = data;

    while (len) {
        ssize_t put = pwrite(fd, from, len, at);

        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return failed("write", "descriptor", pool);
        from += put;
        at += put;
        len -= (size_t)put;
    }
    return NULL;
}

sgn_error_t *sgn_file_sync(int fd, apr_pool_t *pool)
{
    return fsync(fd) == 0 ? NULL : failed("sync", "descriptor", pool);
}

sgn_error_t *sgn_file_sync_dir(int root, const char *path, apr_pool_t *pool)
{
    int fd = open_beneath(root, path, O_RDONLY | O_DIRECTORY, 0), result;

    if (fd < 0)
        return failed("open", path, pool);
    result = fsync(fd);
    if (result != 0) {
        sgn_error_t *error = failed("sync", path, pool);

        close(fd);
        return error;
    }
    close(fd);
    return NULL;
}

static sgn_error_t *write_and_rename(int parent, const char *name, const char *temporary,
                                     sgn_bytes_t bytes, mode_t mode, apr_pool_t *pool)
{
    int fd = openat(parent, temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
    sgn_error_t *error;

    if (fd < 0)
        return failed("create", temporary, pool);
    error = sgn_file_write_all(fd, bytes.data, bytes.len, pool);
    if (!error)
        error = sgn_file_sync(fd, pool);
    close(fd);
    if (!error && renameat(parent, temporary, parent, name) != 0)
        error = failed("rename", name, pool);
    if (error) {
        unlinkat(parent, temporary, 0);
        return error;
    }
    return fsync(parent) == 0 ? NULL : failed("sync directory of", name, pool);
}

sgn_error_t *sgn_file_write(int root, const char *path, sgn_bytes_t bytes, mode_t mode, apr_pool_t *pool)
{
    const char *name, *temporary;
    sgn_error_t *error;
    int parent;

    SGN_TRY(open_parent(&parent, &name, root, path, pool));
    temporary = apr_psprintf(pool, ".%s.%ld.%" APR_UINT64_T_HEX_FMT, name, (long)syscall(SYS_gettid),
                             (apr_uint64_t)apr_time_now());
    error = write_and_rename(parent, name, temporary, bytes, mode, pool);
    close(parent);
    return error;
}

sgn_error_t *sgn_file_tmp(int *out, int root, const char *directory, mode_t mode, apr_pool_t *pool)
{
    int fd = open_beneath(root, directory, O_TMPFILE | O_RDWR, mode);

    if (fd < 0)
        return failed("temporary file in", directory, pool);
    sgn_pool_own_fd(pool, fd);
    *out = fd;
    return NULL;
}

static sgn_error_t *link_at(int fd, int root, const char *path, int durable, apr_pool_t *pool)
{
    char self[64];
    const char *name;
    sgn_error_t *error = NULL;
    int parent;

    if (durable)
        SGN_TRY(sgn_file_sync(fd, pool));
    SGN_TRY(open_parent(&parent, &name, root, path, pool));
    snprintf(self, sizeof self, "/proc/self/fd/%d", fd);
    if (linkat(AT_FDCWD, self, parent, name, AT_SYMLINK_FOLLOW) != 0)
        error = errno == EXDEV ? SGN_ERROR(pool, SGN_FILE_OTHER_DEVICE, "link %s", path)
                               : failed("link", path, pool);
    else if (durable && fsync(parent) != 0)
        error = failed("sync directory of", path, pool);
    close(parent);
    return error;
}

sgn_error_t *sgn_file_link(int fd, int root, const char *path, apr_pool_t *pool)
{
    return link_at(fd, root, path, 1, pool);
}

sgn_error_t *sgn_file_link_late(int fd, int root, const char *path, apr_pool_t *pool)
{
    return link_at(fd, root, path, 0, pool);
}

sgn_error_t *sgn_file_rename(int from_root, const char *from, int to_root, const char *to, apr_pool_t *pool)
{
    const char *from_name, *to_name;
    sgn_error_t *error;
    int from_parent, to_parent;

    SGN_TRY(open_parent(&from_parent, &from_name, from_root, from, pool));
    error = open_parent(&to_parent, &to_name, to_root, to, pool);
    if (!error) {
        if (syscall(SYS_renameat2, from_parent, from_name, to_parent, to_name, RENAME_NOREPLACE) != 0)
            error = errno == EXDEV ? SGN_ERROR(pool, SGN_FILE_OTHER_DEVICE, "rename %s", to)
                                   : failed("rename", to, pool);
        close(to_parent);
    }
    close(from_parent);
    return error;
}

static int remove_tree(int parent, const char *name)
{
    struct dirent *entry;
    DIR *directory;
    int fd;

    if (unlinkat(parent, name, 0) == 0 || errno == ENOENT)
        return 0;
    if (errno != EISDIR && errno != EPERM)
        return -1;
    fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ? 0 : -1;
    fchmod(fd, 0700);   /* committed directories are 0550 */
    directory = fdopendir(fd);
    if (!directory) {
        close(fd);
        return -1;
    }
    while ((entry = readdir(directory)) != NULL)
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0 &&
            remove_tree(dirfd(directory), entry->d_name) != 0) {
            closedir(directory);
            return -1;
        }
    closedir(directory);
    return unlinkat(parent, name, AT_REMOVEDIR) == 0 || errno == ENOENT ? 0 : -1;
}

sgn_error_t *sgn_file_remove(int root, const char *path, apr_pool_t *pool)
{
    const char *name;
    sgn_error_t *error;
    int parent;

    error = open_parent(&parent, &name, root, path, pool);
    if (error)
        return error->code == SGN_FILE_ABSENT ? NULL : error;
    if (remove_tree(parent, name) != 0)
        error = failed("remove", path, pool);
    else if (fsync(parent) != 0)
        error = failed("sync directory of", path, pool);
    close(parent);
    return error;
}

sgn_error_t *sgn_file_memfd(int *out, const char *name, sgn_bytes_t bytes, apr_pool_t *pool)
{
    int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);

    if (fd < 0)
        return failed("memfd", name, pool);
    sgn_pool_own_fd(pool, fd);
    SGN_TRY(sgn_file_write_all(fd, bytes.data, bytes.len, pool));
    if (fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0)
        return failed("seal", name, pool);
    *out = fd;
    return NULL;
}
