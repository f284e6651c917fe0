/*
 * target_dir.c: a directory of a mounted medium.  The directory is opened once
 * and everything goes through that descriptor: a medium that is unmounted in
 * the middle of a run gives errors, never files on the disk below it.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <apr_strings.h>

#include "base/file.h"
#include "base/pool.h"
#include "crypto/random.h"
#include "office/backup/target.h"

#define DIR_BLOCK (1 << 20)

typedef struct {
    int root;
} dir_t;

typedef struct {
    dir_t *dir;
    int fd;
    const char *tmp;            /* NULL: finished or aborted */
    apr_off_t size;
    apr_pool_t *pool;
} dir_upload_t;

static sgn_error_t *dir_open(void **handle, apr_uint64_t *device, const char *address, apr_pool_t *pool)
{
    dir_t *dir = apr_pcalloc(pool, sizeof(*dir));
    struct stat status;
    sgn_error_t *error = sgn_file_root(&dir->root, address, pool);

    if (error)
        return SGN_WRAP(pool, error, SGN_BACKUP_ABSENT, "%s", address);
    if (fstat(dir->root, &status) != 0)
        return SGN_ERROR_ERRNO(pool, SGN_BACKUP_ABSENT, "%s", address);
    *device = (apr_uint64_t)status.st_dev;
    *handle = dir;
    return NULL;
}

static sgn_error_t *dir_lock(void *handle, apr_pool_t *pool)
{
    dir_t *dir = handle;
    int fd;

    SGN_TRY(sgn_file_open(&fd, dir->root, "LOCK", O_RDWR | O_CREAT, 0640, pool));
    if (flock(fd, LOCK_EX | LOCK_NB) != 0)
        return SGN_ERROR(pool, SGN_BACKUP_RUNNING, "another run holds the medium");
    return sgn_file_remove(dir->root, "tmp", pool);     /* uploads of a process that died */
}

static sgn_error_t *dir_begin(void **out, void *handle, apr_pool_t *pool)
{
    dir_upload_t *upload = apr_pcalloc(pool, sizeof(*upload));
    const char *token;

    upload->dir = handle;
    upload->pool = pool;
    SGN_TRY(sgn_file_mkdir(upload->dir->root, "tmp", 0750, pool));
    SGN_TRY(sgn_random_token(&token, 12, pool));
    upload->tmp = apr_pstrcat(pool, "tmp/", token, NULL);
    SGN_TRY(sgn_file_open(&upload->fd, upload->dir->root, upload->tmp, O_WRONLY | O_CREAT | O_EXCL, 0440, pool));
    *out = upload;
    return NULL;
}

static sgn_error_t *dir_write(void *handle, const void *data, size_t len)
{
    dir_upload_t *upload = handle;

    SGN_TRY(sgn_file_pwrite_all(upload->fd, data, len, upload->size, upload->pool));
    upload->size += (apr_off_t)len;
    return NULL;
}

static sgn_error_t *dir_rewind(void *handle, apr_off_t at)
{
    dir_upload_t *upload = handle;

    if (at > upload->size || ftruncate(upload->fd, at) != 0)
        return SGN_ERROR_ERRNO(upload->pool, SGN_FILE_FAILED, "shorten an upload");
    upload->size = at;
    return NULL;
}

static sgn_error_t *dir_size(apr_off_t *out, void *handle, const char *name, apr_pool_t *pool)
{
    dir_t *dir = handle;
    sgn_error_t *error;
    int fd;

    SGN_TRY(sgn_file_open(&fd, dir->root, name, O_RDONLY | O_NONBLOCK, 0, pool));
    error = sgn_file_size(out, fd, pool);
    sgn_pool_close_fd(pool, fd);
    return error;
}

static const char *directory_of(const char *name, apr_pool_t *pool)
{
    const char *slash = strrchr(name, '/');

    return slash ? apr_pstrmemdup(pool, name, (apr_size_t)(slash - name)) : "";
}

static sgn_error_t *dir_finish(void *handle, const char *name)
{
    dir_upload_t *upload = handle;
    const char *directory = directory_of(name, upload->pool);

    SGN_TRY(sgn_file_sync(upload->fd, upload->pool));
    sgn_pool_close_fd(upload->pool, upload->fd);
    if (*directory)
        SGN_TRY(sgn_file_mkdir(upload->dir->root, directory, 0750, upload->pool));
    if (renameat(upload->dir->root, upload->tmp, upload->dir->root, name) != 0)
        return SGN_ERROR_ERRNO(upload->pool, SGN_FILE_FAILED, "rename to %s", name);
    upload->tmp = NULL;
    return sgn_file_sync_dir(upload->dir->root, directory, upload->pool);
}

static void dir_abort(void *handle)
{
    dir_upload_t *upload = handle;

    if (upload->tmp)
        unlinkat(upload->dir->root, upload->tmp, 0);
    upload->tmp = NULL;
}

static sgn_error_t *read_blocks(int fd, apr_off_t size, int fresh, sgn_target_chunk_fn chunk, void *baton, apr_pool_t *pool)
{
    apr_pool_t *scratch;
    unsigned char *block;
    sgn_error_t *error = NULL;
    apr_off_t at = 0;

    apr_pool_create(&scratch, pool);
    block = apr_palloc(scratch, DIR_BLOCK);
    while (!error && at < size) {
        size_t step = size - at < DIR_BLOCK ? (size_t)(size - at) : DIR_BLOCK;

        error = sgn_file_pread_all(fd, block, step, at, pool);
        if (!error)
            error = chunk(baton, block, step);
        at += (apr_off_t)step;
    }
    if (fresh)
        posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
    apr_pool_destroy(scratch);
    return error;
}

static sgn_error_t *dir_read(void *handle, const char *name, int fresh, sgn_target_chunk_fn chunk, void *baton, apr_pool_t *pool)
{
    dir_t *dir = handle;
    sgn_error_t *error;
    apr_off_t size;
    int fd;

    SGN_TRY(sgn_file_open(&fd, dir->root, name, O_RDONLY | O_NONBLOCK, 0, pool));
    error = sgn_file_size(&size, fd, pool);
    if (!error && fresh)
        posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);   /* what is read is what lies on the medium */
    if (!error)
        error = read_blocks(fd, size, fresh, chunk, baton, pool);
    sgn_pool_close_fd(pool, fd);
    return error;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static sgn_error_t *dir_list(const char *const **out, void *handle, const char *directory, apr_pool_t *pool)
{
    dir_t *dir = handle;
    int fd, n = 0, room = 64;
    const char **names = apr_pcalloc(pool, sizeof(*names) * (size_t)room);
    struct dirent *entry;
    sgn_error_t *error;
    DIR *list;

    *out = names;
    error = sgn_file_open(&fd, dir->root, directory, O_RDONLY | O_DIRECTORY, 0, pool);
    if (error)
        return error->code == SGN_FILE_ABSENT ? NULL : error;
    list = fdopendir(dup(fd));
    sgn_pool_close_fd(pool, fd);
    if (!list)
        return SGN_ERROR_ERRNO(pool, SGN_FILE_FAILED, "list %s", directory);
    while ((entry = readdir(list)) != NULL) {
        if (entry->d_name[0] == '.')
            continue;
        if (n + 1 == room) {
            const char **more = apr_pcalloc(pool, sizeof(*more) * (size_t)room * 2);

            memcpy(more, names, sizeof(*names) * (size_t)n);
            names = more;
            room *= 2;
        }
        names[n++] = apr_pstrdup(pool, entry->d_name);
    }
    closedir(list);
    qsort(names, (size_t)n, sizeof(*names), by_text);
    *out = names;
    return NULL;
}

extern const sgn_target_t sgn_target_dir;
const sgn_target_t sgn_target_dir = {
    .scheme = "dir",
    .open = dir_open,
    .lock = dir_lock,
    .begin = dir_begin,
    .write = dir_write,
    .rewind = dir_rewind,
    .finish = dir_finish,
    .abort = dir_abort,
    .size = dir_size,
    .read = dir_read,
    .list = dir_list,
};
