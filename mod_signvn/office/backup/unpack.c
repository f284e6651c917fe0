/* unpack.c: reading packs: a tar reader that takes only what we write. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <apr_strings.h>

#include "base/file.h"
#include "base/pool.h"
#include "crypto/digest.h"
#include "office/backup/pack.h"

#define TAR_BLOCK 512
#define PAX_LIMIT (64 * 1024)

typedef struct {
    int root, fd;
    sgn_digest_t *digest;
    apr_off_t size, left, padding;      /* of the entry: content and padding to come */
    unsigned char block[TAR_BLOCK];
    size_t filled;
    int ended;
    sgn_buf_t *pax;                     /* collecting a pax header */
    const json_t *only;                 /* NULL: all */
    const char *name;                   /* from the pax header, for the next entry */
    apr_off_t long_size;
    apr_pool_t *pool, *entry_pool;
} unpack_t;

static sgn_error_t *bad(unpack_t *unpack, const char *what)
{
    return SGN_ERROR(unpack->pool, SGN_BACKUP_DAMAGED, "pack: %s at %" APR_OFF_T_FMT, what, unpack->size);
}

static int is_safe(const char *name)
{
    const char *part = name;

    if (!*name || *name == '/')
        return 0;
    for (;;) {
        size_t n = strcspn(part, "/");

        if (n == 0 || (n <= 2 && strspn(part, ".") == n))
            return 0;
        if (!part[n])
            return 1;
        part += n + 1;
    }
}

static sgn_error_t *octal(apr_off_t *out, unpack_t *unpack, const unsigned char *field, size_t len)
{
    apr_off_t value = 0;
    size_t i;

    for (i = 0; i < len && field[i] == ' '; i++)
        ;
    for (; i < len && field[i] && field[i] != ' '; i++) {
        if (field[i] < '0' || field[i] > '7')
            return bad(unpack, "a number that is none");
        value = value * 8 + (field[i] - '0');
    }
    *out = value;
    return NULL;
}

/* Directories of a name; the whole restore is synced once at its end. */
static sgn_error_t *make_directories(unpack_t *unpack, const char *name)
{
    char *copy = apr_pstrdup(unpack->entry_pool, name), *slash;

    for (slash = strchr(copy, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (mkdirat(unpack->root, copy, 0750) != 0 && errno != EEXIST)
            return SGN_ERROR_ERRNO(unpack->pool, errno == ENOSPC ? SGN_DISK_FULL : SGN_FILE_FAILED, "make %s", copy);
        *slash = '/';
    }
    return NULL;
}

/* "ab/cd/encoded/…" belongs to the object "ab/cd/encoded". */
static int is_wanted(const unpack_t *unpack, const char *name)
{
    const char *end = strlen(name) > 6 ? strchr(name + 6, '/') : NULL;

    return !unpack->only || (end && json_object_get(unpack->only, apr_pstrmemdup(unpack->entry_pool, name, (apr_size_t)(end - name))));
}

static sgn_error_t *open_file(unpack_t *unpack, const char *name)
{
    sgn_error_t *error;

    if (!is_safe(name))
        return bad(unpack, "a name that leaves the root");
    if (!is_wanted(unpack, name))
        return NULL;
    error = sgn_file_open(&unpack->fd, unpack->root, name, O_WRONLY | O_CREAT | O_EXCL, 0440, unpack->entry_pool);
    if (error && error->code == SGN_FILE_ABSENT)
        SGN_TRY(make_directories(unpack, name));
    else if (error && error->code == SGN_FILE_EXISTS)
        SGN_TRY(sgn_file_remove(unpack->root, name, unpack->entry_pool));    /* a later version's inventory replaces */
    else
        return error;
    return sgn_file_open(&unpack->fd, unpack->root, name, O_WRONLY | O_CREAT | O_EXCL, 0440, unpack->entry_pool);
}

static sgn_error_t *begin_entry(unpack_t *unpack)
{
    static const unsigned char zeros[TAR_BLOCK];
    const unsigned char *block = unpack->block;
    apr_off_t size, sum, have = 0;
    const char *name;
    size_t i;

    if (memcmp(block, zeros, TAR_BLOCK) == 0) {
        unpack->ended = 1;
        return NULL;
    }
    SGN_TRY(octal(&sum, unpack, block + 148, 8));
    for (i = 0; i < TAR_BLOCK; i++)
        have += i >= 148 && i < 156 ? ' ' : block[i];
    if (sum != have || memcmp(block + 257, "ustar", 5) != 0)
        return bad(unpack, "no tar header");
    SGN_TRY(octal(&size, unpack, block + 124, 12));
    apr_pool_clear(unpack->entry_pool);
    unpack->fd = -1;
    unpack->padding = (TAR_BLOCK - size % TAR_BLOCK) % TAR_BLOCK;
    unpack->left = size;
    if (block[156] == 'x') {
        if (size > PAX_LIMIT || !size)
            return bad(unpack, "too long a name, or none");
        unpack->pax = sgn_buf_make(PAX_LIMIT, unpack->pool);
        return NULL;
    }
    if (block[156] != '0' && block[156] != '\0')
        return bad(unpack, "an entry that is no file");
    name = unpack->name;
    if (!name && block[345])
        name = apr_psprintf(unpack->pool, "%.155s/%.100s", (const char *)block + 345, (const char *)block);
    if (!name)
        name = apr_psprintf(unpack->pool, "%.100s", (const char *)block);
    if (unpack->long_size >= 0) {
        unpack->left = unpack->long_size;
        unpack->padding = (TAR_BLOCK - unpack->left % TAR_BLOCK) % TAR_BLOCK;
    }
    unpack->name = NULL;
    unpack->long_size = -1;
    return open_file(unpack, name);
}

/* "LEN key=value\n" records: path and size are ours. */
static sgn_error_t *end_pax(unpack_t *unpack)
{
    sgn_bytes_t bytes;
    size_t at = 0;

    SGN_TRY(sgn_buf_bytes(&bytes, unpack->pax));
    unpack->pax = NULL;
    while (at < bytes.len) {
        char *rest;
        unsigned long len = strtoul((const char *)bytes.data + at, &rest, 10);
        const char *end = (const char *)bytes.data + at + len - 1;

        /* strtoul passes over white space, also over a whole record. */
        if (bytes.data[at] < '1' || bytes.data[at] > '9' || len < 5 || len > bytes.len - at || *rest != ' ' || *end != '\n'
            || rest + 1 >= end)
            return bad(unpack, "a broken pax header");
        rest++;
        if (end - rest < 5) {
            at += len;
            continue;
        }
        if (strncmp(rest, "path=", 5) == 0)
            unpack->name = apr_pstrmemdup(unpack->pool, rest + 5, (apr_size_t)(end - rest - 5));
        else if (strncmp(rest, "size=", 5) == 0)
            unpack->long_size = apr_atoi64(rest + 5);
        at += len;
    }
    return NULL;
}

static sgn_error_t *end_entry(unpack_t *unpack)
{
    if (unpack->pax)
        return end_pax(unpack);
    if (unpack->fd >= 0)
        sgn_pool_close_fd(unpack->entry_pool, unpack->fd);
    unpack->fd = -1;
    return NULL;
}

static sgn_error_t *chunk(void *baton, const unsigned char *data, size_t len)
{
    unpack_t *unpack = baton;

    SGN_TRY(sgn_digest_add(unpack->digest, data, len, unpack->pool));
    while (len) {
        size_t step;

        if (unpack->left || unpack->padding) {
            apr_off_t want = unpack->left ? unpack->left : unpack->padding;

            step = (apr_off_t)len < want ? len : (size_t)want;
            if (unpack->left && unpack->pax)
                sgn_buf_add(unpack->pax, data, step);
            else if (unpack->left && unpack->fd >= 0)
                SGN_TRY(sgn_file_write_all(unpack->fd, data, step, unpack->entry_pool));
            if (unpack->left)
                unpack->left -= (apr_off_t)step;
            else
                unpack->padding -= (apr_off_t)step;
            if (!unpack->left && !unpack->padding)
                SGN_TRY(end_entry(unpack));
        } else {
            step = TAR_BLOCK - unpack->filled < len ? TAR_BLOCK - unpack->filled : len;
            memcpy(unpack->block + unpack->filled, data, step);
            unpack->filled += step;
            if (unpack->filled == TAR_BLOCK) {
                unpack->filled = 0;
                if (!unpack->ended)
                    SGN_TRY(begin_entry(unpack));
                if (!unpack->left && !unpack->padding && unpack->fd >= 0)
                    SGN_TRY(end_entry(unpack));     /* an empty file */
            }
        }
        data += step;
        len -= step;
        unpack->size += (apr_off_t)step;
    }
    return NULL;
}

sgn_error_t *sgn_pack_read(const char **sha512, apr_off_t *size, int root, const json_t *only, sgn_medium_t *medium,
                           const char *name, apr_pool_t *pool)
{
    unpack_t unpack = { .root = root, .only = only, .fd = -1, .long_size = -1, .pool = pool };
    unsigned char value[64];

    apr_pool_create(&unpack.entry_pool, pool);
    SGN_TRY(sgn_digest_make(&unpack.digest, SGN_DIGEST_SHA512, pool));
    SGN_TRY(sgn_target_read(medium, name, 0, chunk, &unpack, pool));
    if (!unpack.ended || unpack.left || unpack.padding)
        return bad(&unpack, "cut");
    SGN_TRY(sgn_digest_finish(value, unpack.digest, pool));
    *sha512 = sgn_bytes_hex(sgn_bytes(value, sizeof(value)), pool);
    *size = unpack.size;
    return NULL;
}
