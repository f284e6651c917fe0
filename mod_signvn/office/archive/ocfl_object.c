/*
 * ocfl_object.c: an object is built whole beside the root, made durable, and
 * appears by one rename of the topmost directory that is missing.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <apr_strings.h>

#include "base/clock.h"
#include "base/pool.h"
#include "crypto/digest.h"
#include "crypto/random.h"
#include "office/archive/ocfl.h"

#define OCFL_FILES 512
#define OCFL_TRIES 16
#define OCFL_COPY (256 * 1024)
#define TAR_BLOCK 512

struct sgn_ocfl_stage_t {
    apr_pool_t *pool;
    int staging, dir;           /* staging itself, and our directory in it */
    const char *name, *id, *path;
    int count;
    int fds[OCFL_FILES + 8], fd_count;  /* still to be synced */
    int wrapped, there;         /* the object lies in its missing tuple directories; `there` of two exist */
    struct {
        const char *logical;
        sgn_ocfl_digests_t digests;
    } files[OCFL_FILES];
};

/* What a file takes in a tar: header and padded content. */
static apr_int64_t tar_size(apr_int64_t size)
{
    return TAR_BLOCK + (size + TAR_BLOCK - 1) / TAR_BLOCK * TAR_BLOCK;
}

sgn_error_t *sgn_ocfl_stage_begin(sgn_ocfl_stage_t **out, int staging, const char *id, apr_pool_t *pool)
{
    sgn_ocfl_stage_t *stage = apr_pcalloc(pool, sizeof(*stage));

    stage->pool = pool;
    stage->staging = staging;
    stage->id = id;
    SGN_TRY(sgn_ocfl_path(&stage->path, id, pool));
    SGN_TRY(sgn_random_token(&stage->name, 16, pool));
    if (mkdirat(staging, stage->name, 0750) != 0)
        return SGN_ERROR_ERRNO(pool, errno == ENOSPC ? SGN_DISK_FULL : SGN_FILE_FAILED, "staging directory");
    SGN_TRY(sgn_file_open(&stage->dir, staging, stage->name, O_RDONLY | O_DIRECTORY, 0, pool));
    if (mkdirat(stage->dir, "o", 0750) != 0 || mkdirat(stage->dir, "o/v1", 0750) != 0
        || mkdirat(stage->dir, "o/v1/content", 0750) != 0)
        return SGN_ERROR_ERRNO(pool, errno == ENOSPC ? SGN_DISK_FULL : SGN_FILE_FAILED, "staging directory");
    *out = stage;
    return NULL;
}

static sgn_error_t *add_file(sgn_ocfl_stage_t *stage, const char *logical, const sgn_ocfl_digests_t *digests)
{
    if (stage->count == OCFL_FILES)
        return SGN_ERROR(stage->pool, SGN_TOO_LARGE, "more than %d files in one object", OCFL_FILES);
    stage->files[stage->count].logical = apr_pstrdup(stage->pool, logical);
    stage->files[stage->count++].digests = *digests;
    return NULL;
}

static const char *content_path(sgn_ocfl_stage_t *stage, const char *logical)
{
    return apr_pstrcat(stage->pool, "o/v1/content/", logical, NULL);
}

/* Files are written first and synced together: the disk's journal is then
 * forced once, not once per file.  The descriptor stays open until then, so
 * that no error of the disk gets lost. */
static sgn_error_t *sync_later(sgn_ocfl_stage_t *stage, int fd)
{
    if (stage->fd_count == OCFL_FILES + 8)
        return SGN_ERROR(stage->pool, SGN_TOO_LARGE, "more than %d files in one object", OCFL_FILES);
    stage->fds[stage->fd_count++] = fd;
    return NULL;
}

static void close_files(sgn_ocfl_stage_t *stage)
{
    while (stage->fd_count)
        sgn_pool_close_fd(stage->pool, stage->fds[--stage->fd_count]);
}

static sgn_error_t *sync_files(sgn_ocfl_stage_t *stage)
{
    int i;

    for (i = 0; i < stage->fd_count; i++)
        SGN_TRY(sgn_file_sync(stage->fds[i], stage->pool));
    close_files(stage);
    return NULL;
}

/* An unnamed file has one life: after a try that came to nothing the kernel
 * gives it no name again, so then its bytes are taken. */
static sgn_error_t *copy_file(int *out, sgn_ocfl_stage_t *stage, const char *path, int from, apr_off_t size)
{
    unsigned char *block = apr_palloc(stage->pool, OCFL_COPY);
    apr_off_t at = 0;

    SGN_TRY(sgn_file_open(out, stage->dir, path, O_RDWR | O_CREAT | O_EXCL, 0440, stage->pool));
    while (at < size) {
        size_t step = size - at < OCFL_COPY ? (size_t)(size - at) : OCFL_COPY;

        SGN_TRY(sgn_file_pread_all(from, block, step, at, stage->pool));
        SGN_TRY(sgn_file_pwrite_all(*out, block, step, at, stage->pool));
        at += (apr_off_t)step;
    }
    return NULL;
}

/* *fd becomes a descriptor of the stage's own. */
static sgn_error_t *link_or_copy(int *fd, sgn_ocfl_stage_t *stage, const char *path, apr_off_t size)
{
    sgn_error_t *error = sgn_file_link_late(*fd, stage->dir, path, stage->pool);

    if (error && error->code == SGN_FILE_ABSENT)
        return copy_file(fd, stage, path, *fd, size);
    SGN_TRY(error);
    *fd = fcntl(*fd, F_DUPFD_CLOEXEC, 0);
    if (*fd < 0)
        return SGN_ERROR_ERRNO(stage->pool, SGN_FILE_FAILED, "document to be archived");
    sgn_pool_own_fd(stage->pool, *fd);
    return NULL;
}

sgn_error_t *sgn_ocfl_stage_link(sgn_ocfl_digests_t *out, sgn_ocfl_stage_t *stage, const char *logical,
                                 int fd, const unsigned char expected[32])
{
    struct stat status;

    /* A file that somebody else owns could be written behind our back. */
    if (fstat(fd, &status) != 0)
        return SGN_ERROR_ERRNO(stage->pool, SGN_FILE_FAILED, "document to be archived");
    if (!S_ISREG(status.st_mode) || status.st_uid != geteuid())
        return SGN_ERROR(stage->pool, SGN_FILE_UNSAFE, "the document to be archived is not a regular file of ours");
    if (fchmod(fd, 0440) != 0)
        return SGN_ERROR_ERRNO(stage->pool, SGN_FILE_FAILED, "mode of the document");
    SGN_TRY(link_or_copy(&fd, stage, content_path(stage, logical), status.st_size));
    SGN_TRY(sync_later(stage, fd));
    SGN_TRY(sgn_ocfl_digest_fd(out, fd, stage->pool));
    if (memcmp(out->sha256, expected, 32) != 0)
        return SGN_ERROR(stage->pool, SGN_ARCHIVE_DAMAGED, "the document is not the one that was taken in");
    return add_file(stage, logical, out);
}

static sgn_error_t *write_new(sgn_ocfl_stage_t *stage, const char *path, sgn_bytes_t bytes)
{
    int fd;

    SGN_TRY(sgn_file_open(&fd, stage->dir, path, O_WRONLY | O_CREAT | O_EXCL, 0440, stage->pool));
    SGN_TRY(sync_later(stage, fd));
    return sgn_file_write_all(fd, bytes.data, bytes.len, stage->pool);
}

sgn_error_t *sgn_ocfl_stage_write(sgn_ocfl_stage_t *stage, const char *logical, sgn_bytes_t bytes)
{
    sgn_ocfl_digests_t digests = { .size = (apr_off_t)bytes.len };
    const char *slash = strchr(logical, '/');
    sgn_digest_t *hash;

    if (slash && mkdirat(stage->dir, content_path(stage, apr_pstrmemdup(stage->pool, logical, (size_t)(slash - logical))),
                         0750) != 0 && errno != EEXIST)
        return SGN_ERROR_ERRNO(stage->pool, errno == ENOSPC ? SGN_DISK_FULL : SGN_FILE_FAILED, "staging directory");
    SGN_TRY(write_new(stage, content_path(stage, logical), bytes));
    SGN_TRY(sgn_digest_sha256(digests.sha256, bytes.data, bytes.len, stage->pool));
    SGN_TRY(sgn_digest_make(&hash, SGN_DIGEST_SHA512, stage->pool));
    SGN_TRY(sgn_digest_add(hash, bytes.data, bytes.len, stage->pool));
    SGN_TRY(sgn_digest_finish(digests.sha512, hash, stage->pool));
    return add_file(stage, logical, &digests);
}

/* Adds a path to the array under a digest: equal files share one entry. */
static void add_path(json_t *map, const char *digest, const char *path)
{
    json_t *list = json_object_get(map, digest);

    if (!list) {
        list = json_array();
        json_object_set_new(map, digest, list);
    }
    json_array_append_new(list, json_string(path));
}

static const char *inventory_text(sgn_ocfl_stage_t *stage, apr_time_t created, const char *message, const char *user)
{
    apr_pool_t *pool = stage->pool;
    json_t *inventory = sgn_json_object(pool), *manifest = json_object(), *sha256 = json_object();
    json_t *state = json_object(), *fixity = json_object(), *version = json_object(), *versions = json_object();
    json_t *who = json_object();
    int i;

    for (i = 0; i < stage->count; i++) {
        const char *path = apr_pstrcat(pool, "v1/content/", stage->files[i].logical, NULL);
        const char *digest = sgn_bytes_hex(sgn_bytes(stage->files[i].digests.sha512, 64), pool);

        add_path(manifest, digest, path);
        add_path(state, digest, stage->files[i].logical);
        add_path(sha256, sgn_bytes_hex(sgn_bytes(stage->files[i].digests.sha256, 32), pool), path);
    }
    sgn_json_set_str(who, "name", user);
    sgn_json_set_str(who, "address", "urn:x-signvn:archive");
    sgn_json_set_str(version, "created", sgn_clock_print(created, pool));
    sgn_json_set_str(version, "message", message);
    json_object_set_new(version, "state", state);
    json_object_set_new(version, "user", who);
    json_object_set_new(versions, "v1", version);
    json_object_set_new(fixity, "sha256", sha256);
    sgn_json_set_str(inventory, "id", stage->id);
    sgn_json_set_str(inventory, "type", "https://ocfl.io/1.1/spec/#inventory");
    sgn_json_set_str(inventory, "digestAlgorithm", "sha512");
    sgn_json_set_str(inventory, "head", "v1");
    json_object_set_new(inventory, "manifest", manifest);
    json_object_set_new(inventory, "versions", versions);
    json_object_set_new(inventory, "fixity", fixity);
    return sgn_json_print_pretty(inventory, pool);
}

/* fsync and 0550 for each directory of the object but its root, which must
 * stay writable until it was renamed. */
static sgn_error_t *seal_directories(sgn_ocfl_stage_t *stage)
{
    static const char *const directories[] = { "o/v1/content/evidence", "o/v1/content", "o/v1", "o" };
    size_t i;

    for (i = 0; i < sizeof(directories) / sizeof(directories[0]); i++) {
        struct stat status;

        if (fstatat(stage->dir, directories[i], &status, AT_SYMLINK_NOFOLLOW) != 0 && errno == ENOENT && i == 0)
            continue;
        if (i < 3 && fchmodat(stage->dir, directories[i], 0550, 0) != 0)
            return SGN_ERROR_ERRNO(stage->pool, SGN_FILE_FAILED, "mode of %s", directories[i]);
        SGN_TRY(sgn_file_sync_dir(stage->dir, directories[i], stage->pool));
    }
    return NULL;
}

sgn_error_t *sgn_ocfl_stage_finish(const char **digest, apr_int64_t *bytes, sgn_ocfl_stage_t *stage,
                                   apr_time_t created, const char *message, const char *user)
{
    const char *text = inventory_text(stage, created, message, user), *sidecar;
    unsigned char hash[64];
    sgn_digest_t *digester;
    int i;

    SGN_TRY(sgn_digest_make(&digester, SGN_DIGEST_SHA512, stage->pool));
    SGN_TRY(sgn_digest_add(digester, text, strlen(text), stage->pool));
    SGN_TRY(sgn_digest_finish(hash, digester, stage->pool));
    *digest = sgn_bytes_hex(sgn_bytes(hash, sizeof(hash)), stage->pool);
    sidecar = apr_pstrcat(stage->pool, *digest, " " SGN_OCFL_INVENTORY "\n", NULL);
    SGN_TRY(write_new(stage, "o/v1/" SGN_OCFL_INVENTORY, sgn_bytes_str(text)));
    SGN_TRY(write_new(stage, "o/v1/" SGN_OCFL_SIDECAR, sgn_bytes_str(sidecar)));
    SGN_TRY(write_new(stage, "o/" SGN_OCFL_INVENTORY, sgn_bytes_str(text)));
    SGN_TRY(write_new(stage, "o/" SGN_OCFL_SIDECAR, sgn_bytes_str(sidecar)));
    SGN_TRY(write_new(stage, "o/" SGN_OCFL_OBJECT_NAMASTE, sgn_bytes_str("ocfl_object_1.1\n")));
    *bytes = 2 * tar_size((apr_int64_t)strlen(text)) + 2 * tar_size((apr_int64_t)strlen(sidecar)) + tar_size(16);
    for (i = 0; i < stage->count; i++)
        *bytes += tar_size(stage->files[i].digests.size);
    SGN_TRY(sync_files(stage));
    return seal_directories(stage);
}

const char *sgn_ocfl_stage_name(const sgn_ocfl_stage_t *stage)
{
    return stage->name;
}

/* How many of the two tuple directories exist. */
static int tuples_there(sgn_ocfl_stage_t *stage, int root)
{
    struct stat status;

    if (fstatat(root, apr_pstrmemdup(stage->pool, stage->path, 2), &status, AT_SYMLINK_NOFOLLOW) != 0)
        return 0;
    return fstatat(root, apr_pstrmemdup(stage->pool, stage->path, 5), &status, AT_SYMLINK_NOFOLLOW) == 0 ? 2 : 1;
}

/* Where the object lies in staging when it is inside its missing tuples. */
static const char *wrapped_path(sgn_ocfl_stage_t *stage)
{
    return stage->there == 1 ? apr_pstrcat(stage->pool, "t/", stage->path + 6, NULL)
        : apr_psprintf(stage->pool, "t/%.2s/%s", stage->path + 3, stage->path + 6);
}

static sgn_error_t *wrap(sgn_ocfl_stage_t *stage, int there)
{
    const char *inner = there == 1 ? "t" : apr_psprintf(stage->pool, "t/%.2s", stage->path + 3);

    stage->there = there;
    SGN_TRY(sgn_file_mkdir(stage->dir, inner, 0750, stage->pool));
    SGN_TRY(sgn_file_rename(stage->dir, "o", stage->dir, wrapped_path(stage), stage->pool));
    stage->wrapped = 1;
    SGN_TRY(sgn_file_sync_dir(stage->dir, inner, stage->pool));
    return there == 0 ? sgn_file_sync_dir(stage->dir, "t", stage->pool) : NULL;
}

static sgn_error_t *unwrap(sgn_ocfl_stage_t *stage)
{
    SGN_TRY(sgn_file_rename(stage->dir, wrapped_path(stage), stage->dir, "o", stage->pool));
    stage->wrapped = 0;
    return sgn_file_remove(stage->dir, "t", stage->pool);
}

sgn_error_t *sgn_ocfl_stage_wrap(sgn_ocfl_stage_t *stage, int root)
{
    int there = tuples_there(stage, root);

    return there == 2 ? NULL : wrap(stage, there);
}

/* The topmost directory that is missing is renamed with the object in it. */
sgn_error_t *sgn_ocfl_stage_show(sgn_ocfl_stage_t *stage, int root)
{
    int tries;

    for (tries = 0; tries < OCFL_TRIES; tries++) {
        int there = tuples_there(stage, root);
        sgn_error_t *error;

        if (stage->wrapped && stage->there != there)
            SGN_TRY(unwrap(stage));
        stage->there = there;
        if (there == 2)
            return sgn_file_rename(stage->dir, "o", root, stage->path, stage->pool);
        if (!stage->wrapped)
            SGN_TRY(wrap(stage, there));
        error = sgn_file_rename(stage->dir, "t", root, apr_pstrmemdup(stage->pool, stage->path, there == 0 ? 2 : 5), stage->pool);
        if (!error || error->code != SGN_FILE_EXISTS)
            return error;
    }
    return SGN_ERROR(stage->pool, SGN_BUSY, "the directories of %s keep changing", stage->path);
}

sgn_error_t *sgn_ocfl_stage_settle(sgn_ocfl_stage_t *stage, int root)
{
    SGN_TRY(sgn_file_sync_dir(root, stage->there == 2 ? apr_pstrmemdup(stage->pool, stage->path, 5)
                                    : stage->there == 1 ? apr_pstrmemdup(stage->pool, stage->path, 2) : "", stage->pool));
    return sgn_ocfl_protect(root, stage->id, stage->pool);
}

sgn_error_t *sgn_ocfl_protect(int root, const char *id, apr_pool_t *pool)
{
    const char *path;
    int fd;

    SGN_TRY(sgn_ocfl_path(&path, id, pool));
    SGN_TRY(sgn_file_open(&fd, root, path, O_RDONLY | O_DIRECTORY, 0, pool));
    if (fchmod(fd, 0550) != 0)
        return SGN_ERROR_ERRNO(pool, SGN_FILE_FAILED, "mode of %s", path);
    sgn_pool_close_fd(pool, fd);
    return NULL;
}

void sgn_ocfl_stage_drop(sgn_ocfl_stage_t *stage)
{
    sgn_error_t *ignored;

    close_files(stage);
    sgn_pool_close_fd(stage->pool, stage->dir);
    ignored = sgn_file_remove(stage->staging, stage->name, stage->pool);    /* the sweeper comes again */
    (void)ignored;
}
