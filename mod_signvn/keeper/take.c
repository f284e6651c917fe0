/* take.c: copy and hash in one pass. */
#include "keeper/take.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <apr_strings.h>

#include "base/file.h"
#include "base/pool.h"
#include "crypto/digest.h"

#ifndef TMPFS_MAGIC
#define TMPFS_MAGIC 0x01021994
#endif
#define BLOCK ((size_t)128 << 10)

/* Memory that nobody can change or cut any more. */
static int is_sealed(int fd)
{
    const int want = F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW;
    int seals = fcntl(fd, F_GET_SEALS);

    return seals >= 0 && (seals & want) == want;
}

/* Every page is there already and stays: reading it through a mapping makes
 * none, so it cannot end in SIGBUS.  Not so for holes and huge pages. */
static int is_whole(int fd)
{
    struct statfs place;
    struct stat file;

    return fstatfs(fd, &place) == 0 && place.f_type == TMPFS_MAGIC && fstat(fd, &file) == 0
        && file.st_blocks >= (file.st_size + 511) / 512;
}

/* A child's file lies in the spool: a descriptor of another filesystem (FUSE,
 * NFS) could hold a thread for ever.  memfds and the command line's files are
 * known by their peer and their seals. */
static sgn_error_t *check_source(const sgn_call_t *call, int fd, apr_pool_t *pool)
{
    const char *run = sgn_config_text(call->config, "SignVNRunDir");
    const char *const places[] = { run, apr_pstrcat(pool, run, "/spool", NULL) };
    struct stat file, place;

    if (fstat(fd, &file) != 0 || !S_ISREG(file.st_mode))
        return SGN_ERROR(pool, SGN_FILE_UNSAFE, "a document that is no regular file");
    if (sgn_access_is_local(call) || is_sealed(fd))
        return NULL;
    for (int i = 0; i < 2; i++)
        if (stat(places[i], &place) == 0 && place.st_dev == file.st_dev)
            return NULL;
    return SGN_ERROR(pool, SGN_FILE_UNSAFE, "a document from outside the spool");
}

static sgn_error_t *begin(sgn_digest_t **digest, sgn_engine_document_t *out, int from, apr_off_t limit, apr_pool_t *pool)
{
    struct stat file;

    if (fstat(from, &file) != 0)
        return SGN_ERROR_ERRNO(pool, SGN_FILE_FAILED, "fstat");
    if (file.st_size == 0)
        return SGN_ERROR(pool, SGN_BODY_EMPTY, "no bytes");
    if (file.st_size > limit)
        return SGN_ERROR(pool, SGN_TOO_LARGE, "%" APR_OFF_T_FMT " bytes", (apr_off_t)file.st_size);
    out->size = file.st_size;
    SGN_TRY(sgn_digest_trail_make(&out->trail, out->size, pool));
    return sgn_digest_make(digest, SGN_DIGEST_SHA256, pool);
}

/* The state goes on over the update of a signature: the bytes are hashed once. */
static sgn_error_t *end(sgn_engine_document_t *out, sgn_digest_t *digest, apr_pool_t *pool)
{
    SGN_TRY(sgn_digest_copy(&out->state, digest, pool));
    return sgn_digest_finish(out->sha256, digest, pool);
}

static sgn_error_t *copy(sgn_engine_document_t *out, int from, int to, apr_off_t limit, apr_pool_t *pool)
{
    unsigned char *block = apr_palloc(pool, BLOCK);
    sgn_digest_t *digest;

    SGN_TRY(begin(&digest, out, from, limit, pool));
    for (apr_off_t at = 0; at < out->size; ) {
        size_t want = (size_t)(out->size - at) < BLOCK ? (size_t)(out->size - at) : BLOCK;
        ssize_t n = pread(from, block, want, at);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return SGN_ERROR(pool, SGN_BODY_CUT, "%" APR_OFF_T_FMT " of %" APR_OFF_T_FMT " bytes", at, out->size);
        SGN_TRY(sgn_digest_add(digest, block, (size_t)n, pool));
        SGN_TRY(sgn_file_write_all(to, block, (size_t)n, pool));
        at += n;
        SGN_TRY(sgn_digest_trail_pass(out->trail, digest, at, pool));
    }
    return end(out, digest, pool);
}

/* Sealed memory stays as long as it is: it can be mapped. */
static sgn_error_t *hash(sgn_engine_document_t *out, apr_off_t limit, apr_pool_t *pool)
{
    sgn_error_t *error = NULL;
    sgn_digest_t *digest;
    unsigned char *map;

    SGN_TRY(begin(&digest, out, out->fd, limit, pool));
    map = mmap(NULL, (size_t)out->size, PROT_READ, MAP_SHARED | MAP_POPULATE, out->fd, 0);
    if (map == MAP_FAILED)
        return SGN_ERROR_ERRNO(pool, SGN_FILE_FAILED, "mmap");
    for (apr_off_t at = 0; at < out->size && !error; ) {
        size_t n = (size_t)(out->size - at) < BLOCK ? (size_t)(out->size - at) : BLOCK;

        error = sgn_digest_add(digest, map + at, n, pool);
        at += (apr_off_t)n;
        if (!error)
            error = sgn_digest_trail_pass(out->trail, digest, at, pool);
    }
    munmap(map, (size_t)out->size);
    return error ? error : end(out, digest, pool);
}

/* The same file again, for reading only: the writable descriptor, which belongs
 * to `owner`, ends here. */
static sgn_error_t *reopen(int *out, int fd, apr_pool_t *owner, apr_pool_t *pool)
{
    int again = open(apr_psprintf(pool, "/proc/self/fd/%d", fd), O_RDONLY | O_CLOEXEC);

    if (again < 0)
        return SGN_ERROR_ERRNO(pool, SGN_FILE_FAILED, "reopen");
    sgn_pool_close_fd(owner, fd);
    sgn_pool_own_fd(pool, again);
    *out = again;
    return NULL;
}

sgn_error_t *sgn_intake_copy(sgn_engine_document_t *out, const char *path, int root,
                             int from, apr_off_t limit, apr_pool_t *pool)
{
    int to;

    memset(out, 0, sizeof *out);
    SGN_TRY(sgn_file_tmp(&to, root, "jobs", 0400, pool));
    SGN_TRY(copy(out, from, to, limit, pool));
    if (path)
        SGN_TRY(sgn_file_link(to, root, path, pool));
    return reopen(&out->fd, to, pool, pool);
}

/* The descriptor of document `index`, given up by the call. */
static sgn_error_t *claim(int *from, sgn_call_t *call, int index, apr_pool_t *pool)
{
    if (index < 0 || index >= call->nfds)
        return SGN_ERROR(pool, SGN_FIELD, "document %d did not come", index);
    *from = call->fds[index];
    if (*from < 0)
        return SGN_ERROR(pool, SGN_INTERNAL, "document %d was taken already", index);
    call->fds[index] = -1;
    return check_source(call, *from, pool);
}

static apr_off_t largest(const sgn_call_t *call)
{
    return (apr_off_t)sgn_config_number(call->config, "SignVNMaxDocument");
}

sgn_error_t *sgn_intake_take(sgn_engine_document_t *out, const char *path,
                             sgn_call_t *call, int index, apr_pool_t *pool)
{
    int from = -1;
    sgn_error_t *error = claim(&from, call, index, pool);

    if (!error)
        error = sgn_intake_copy(out, path, call->keeper->state, from, largest(call), pool);
    if (from >= 0)
        sgn_pool_close_fd(call->pool, from);
    return error;
}

sgn_error_t *sgn_intake_read(sgn_engine_document_t *out, sgn_call_t *call, int index, apr_pool_t *pool)
{
    int from = index >= 0 && index < call->nfds ? call->fds[index] : -1;

    if (from < 0 || !is_sealed(from) || !is_whole(from))
        return sgn_intake_take(out, NULL, call, index, pool);
    memset(out, 0, sizeof *out);
    SGN_TRY(claim(&from, call, index, pool));
    SGN_TRY(reopen(&out->fd, from, call->pool, pool));
    return hash(out, largest(call), pool);
}

sgn_error_t *sgn_intake_open(sgn_engine_document_t *out, int root, const char *path, apr_pool_t *pool)
{
    memset(out, 0, sizeof *out);
    SGN_TRY(sgn_file_open(&out->fd, root, path, O_RDONLY, 0, pool));
    SGN_TRY(sgn_file_size(&out->size, out->fd, pool));
    return sgn_digest_sha256_fd(out->sha256, out->fd, 0, out->size, pool);
}
