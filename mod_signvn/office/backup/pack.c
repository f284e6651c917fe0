/* pack.c: writing packs.  [POSIX.1-2008 pax: ustar interchange format] */
#include "office/backup/pack.h"

#include <stdio.h>
#include <string.h>

#include <apr_strings.h>

#include "base/file.h"
#include "crypto/digest.h"

#define PACK_BUFFER (1 << 20)
#define TAR_BLOCK 512

typedef struct {
    sgn_upload_t *upload;
    sgn_digest_t *digest;
    apr_off_t size;             /* of the tar, buffer included */
    unsigned char *buffer;
    size_t filled;
    apr_pool_t *pool;
} pack_t;

static sgn_error_t *flush(pack_t *pack)
{
    if (pack->filled) {
        SGN_TRY(sgn_digest_add(pack->digest, pack->buffer, pack->filled, pack->pool));
        SGN_TRY(sgn_target_write(pack->upload, pack->buffer, pack->filled));
    }
    pack->filled = 0;
    return NULL;
}

static sgn_error_t *add(pack_t *pack, const void *data, size_t len)
{
    const unsigned char *from = data;

    pack->size += (apr_off_t)len;
    while (len) {
        size_t step = PACK_BUFFER - pack->filled < len ? PACK_BUFFER - pack->filled : len;

        memcpy(pack->buffer + pack->filled, from, step);
        pack->filled += step;
        from += step;
        len -= step;
        if (pack->filled == PACK_BUFFER)
            SGN_TRY(flush(pack));
    }
    return NULL;
}

static sgn_error_t *pad(pack_t *pack, apr_off_t size)
{
    static const unsigned char zeros[TAR_BLOCK];

    return add(pack, zeros, (size_t)((TAR_BLOCK - size % TAR_BLOCK) % TAR_BLOCK));
}

/* The header's fields; a name that does not fit gets the last 100 bytes, the
 * pax record before it has the whole. */
static void header(unsigned char block[TAR_BLOCK], const char *name, apr_off_t size, apr_time_t time, char type)
{
    size_t len = strlen(name), i;
    const char *split = NULL;
    unsigned sum = 0;

    memset(block, 0, TAR_BLOCK);
    if (len > 100) {
        const char *slash = name;

        while ((slash = strchr(slash + 1, '/')) != NULL && slash - name <= 155)
            if (strlen(slash + 1) <= 100 && !split)
                split = slash;
    }
    if (split) {
        memcpy(block + 345, name, (size_t)(split - name));
        name = split + 1;
        len = strlen(name);
    }
    memcpy(block, len > 100 ? name + len - 100 : name, len > 100 ? 100 : len);
    snprintf((char *)block + 100, 8, "%07o", 0440);
    snprintf((char *)block + 108, 8, "%07o", 0);
    snprintf((char *)block + 116, 8, "%07o", 0);
    snprintf((char *)block + 124, 12, "%011llo", (unsigned long long)size & 077777777777ULL);
    snprintf((char *)block + 136, 12, "%011llo", (unsigned long long)apr_time_sec(time) & 077777777777ULL);
    block[156] = (unsigned char)type;
    memcpy(block + 257, "ustar", 6);
    memcpy(block + 263, "00", 2);
    memset(block + 148, ' ', 8);
    for (i = 0; i < TAR_BLOCK; i++)
        sum += block[i];
    snprintf((char *)block + 148, 8, "%06o", sum);
    block[155] = ' ';
}

static int fits(const char *name)
{
    const char *slash = name;

    if (strlen(name) <= 100)
        return 1;
    while ((slash = strchr(slash + 1, '/')) != NULL)
        if (slash - name <= 155 && strlen(slash + 1) <= 100)
            return 1;
    return 0;
}

/* "LEN key=value\n" whose length counts itself. */
static const char *pax_record(const char *key, const char *value, apr_pool_t *pool)
{
    size_t body = strlen(key) + strlen(value) + 3, len = body + 1, again;
    char text[24];

    for (again = 0; again < 3; again++) {
        snprintf(text, sizeof(text), "%lu", (unsigned long)len);
        len = body + strlen(text);
    }
    return apr_psprintf(pool, "%lu %s=%s\n", (unsigned long)len, key, value);
}

static sgn_error_t *add_header(pack_t *pack, const char *name, apr_off_t size, apr_time_t time, apr_pool_t *pool)
{
    unsigned char block[TAR_BLOCK];
    const char *records = "";

    if (!fits(name))
        records = pax_record("path", name, pool);
    if (size > 077777777777LL)
        records = apr_pstrcat(pool, records, pax_record("size", apr_psprintf(pool, "%" APR_OFF_T_FMT, size), pool), NULL);
    if (*records) {
        header(block, "pax", (apr_off_t)strlen(records), time, 'x');
        SGN_TRY(add(pack, block, sizeof(block)));
        SGN_TRY(add(pack, records, strlen(records)));
        SGN_TRY(pad(pack, (apr_off_t)strlen(records)));
    }
    header(block, name, size, time, '0');
    return add(pack, block, sizeof(block));
}

/* One file of a version, compared while it is copied. */
static sgn_error_t *add_file(void *baton, const char *path, int fd, apr_off_t size, apr_time_t time,
                             const char *sha512, const char *sha256, apr_pool_t *pool)
{
    pack_t *pack = baton;
    unsigned char value[SGN_DIGEST_MAX], *block = apr_palloc(pool, size < PACK_BUFFER ? (size_t)size + 1 : PACK_BUFFER);
    const char *want = sha512 ? sha512 : sha256;
    sgn_digest_t *digest;
    apr_off_t at = 0;

    SGN_TRY(sgn_digest_make(&digest, sha512 ? SGN_DIGEST_SHA512 : SGN_DIGEST_SHA256, pool));
    SGN_TRY(add_header(pack, path, size, time, pool));
    while (at < size) {
        size_t step = size - at < PACK_BUFFER ? (size_t)(size - at) : PACK_BUFFER;
        sgn_error_t *error = sgn_file_pread_all(fd, block, step, at, pool);

        if (error)
            return SGN_WRAP(pool, error, SGN_ARCHIVE_DAMAGED, "%s", path);
        SGN_TRY(sgn_digest_add(digest, block, step, pool));
        SGN_TRY(add(pack, block, step));
        at += (apr_off_t)step;
    }
    SGN_TRY(sgn_digest_finish(value, digest, pool));
    if (strcmp(sgn_bytes_hex(sgn_bytes(value, sha512 ? 64 : 32), pool), want) != 0)
        return SGN_ERROR(pool, SGN_ARCHIVE_DAMAGED, "%s: not the bytes that were taken in", path);
    return pad(pack, size);
}

/* A damaged version leaves no byte behind: the tar goes back to where it began. */
static sgn_error_t *add_item(pack_t *pack, sgn_pack_item_t *item, sgn_archive_t *archive, apr_pool_t *scratch)
{
    apr_off_t start = pack->size;
    sgn_digest_t *before;
    sgn_error_t *error;

    SGN_TRY(flush(pack));
    SGN_TRY(sgn_digest_copy(&before, pack->digest, scratch));
    error = sgn_archive_export(archive, item->id, item->version, item->inventory, item->sha256, add_file, pack, scratch);
    if (!error) {
        item->offset = start;
        item->length = pack->size - start;
        item->damaged = NULL;
        return NULL;
    }
    if (error->code != SGN_ARCHIVE_DAMAGED && error->code != SGN_ARCHIVE_UNKNOWN && error->code != SGN_FILE_FAILED
        && error->code != SGN_FILE_SHORT)
        return error;
    item->damaged = apr_pstrdup(pack->pool, error->detail);
    pack->filled = 0;
    pack->size = start;
    SGN_TRY(sgn_target_rewind(pack->upload, start));
    return sgn_digest_copy(&pack->digest, before, pack->pool);
}

static sgn_error_t *fill(int *good, pack_t *pack, sgn_pack_item_t *items, int count, sgn_archive_t *archive)
{
    static const unsigned char end[2 * TAR_BLOCK];
    apr_pool_t *scratch;
    int i;

    *good = 0;
    apr_pool_create(&scratch, pack->pool);
    for (i = 0; i < count; i++) {
        sgn_error_t *error;

        apr_pool_clear(scratch);
        error = add_item(pack, &items[i], archive, scratch);
        if (error)
            return sgn_error_dup(error, pack->pool);
        *good += !items[i].damaged;
    }
    SGN_TRY(add(pack, end, sizeof(end)));
    return flush(pack);
}

const char *sgn_pack_path(const char *sha512, apr_pool_t *pool)
{
    return apr_psprintf(pool, "packs/%.2s/%s.tar", sha512, sha512);
}

sgn_error_t *sgn_pack_write(const char **name, apr_off_t *size, sgn_pack_item_t *items, int count,
                            sgn_archive_t *archive, sgn_medium_t *medium, apr_pool_t *pool)
{
    pack_t pack = { .pool = pool };
    unsigned char value[64];
    sgn_error_t *error;
    int good, i;

    *name = NULL;
    *size = 0;
    pack.buffer = apr_palloc(pool, PACK_BUFFER);
    SGN_TRY(sgn_digest_make(&pack.digest, SGN_DIGEST_SHA512, pool));
    SGN_TRY(sgn_target_begin(&pack.upload, medium, pool));
    error = fill(&good, &pack, items, count, archive);
    if (!error)
        error = sgn_digest_finish(value, pack.digest, pool);
    if (error || !good) {
        sgn_target_abort(pack.upload);
        return error;
    }
    *name = sgn_bytes_hex(sgn_bytes(value, sizeof(value)), pool);
    *size = pack.size;
    error = sgn_target_finish(pack.upload, sgn_pack_path(*name, pool));
    if (error)
        sgn_target_abort(pack.upload);
    for (i = 0; i < count; i++)
        items[i].pack = items[i].damaged ? NULL : *name;
    return error;
}
