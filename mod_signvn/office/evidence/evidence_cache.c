/* evidence_cache.c: evidence in files below evidence/. */
#include "office/evidence/evidence_cache.h"

#include <string.h>
#include <strings.h>

#include <apr_lib.h>
#include <apr_strings.h>
#include <apr_thread_mutex.h>

#include "base/clock.h"
#include "base/file.h"

#define DIRECTORY "evidence"
#define HEAD_MAX 4096
#define DATA_MAX ((size_t)34 << 20)

struct sgn_evidence_cache_t {
    int root;
    apr_thread_mutex_t *mutex;      /* between reading the old and writing the new */
};

sgn_error_t *sgn_evidence_cache_make(sgn_evidence_cache_t **out, int root, apr_pool_t *pool)
{
    sgn_evidence_cache_t *cache = apr_pcalloc(pool, sizeof *cache);
    apr_status_t rc = apr_thread_mutex_create(&cache->mutex, APR_THREAD_MUTEX_DEFAULT, pool);

    if (rc)
        return SGN_ERROR_APR(pool, SGN_INTERNAL, rc, "mutex");
    cache->root = root;
    if (root >= 0)
        SGN_TRY(sgn_file_mkdir(root, DIRECTORY, 0700, pool));
    *out = cache;
    return NULL;
}

/* "crl:<hex>" to "evidence/crl-<hex>"; NULL for anything else, so that no key
 * of a worker ever becomes a path of its choice. */
static const char *path_of(const char *kind, const char *key, apr_pool_t *pool)
{
    size_t len = strlen(kind);

    if ((strcmp(kind, "crl") && strcmp(kind, "ocsp")) || strncmp(key, kind, len) || key[len] != ':')
        return NULL;
    key += len + 1;
    if (strlen(key) != 64 || strspn(key, "0123456789abcdef") != 64)
        return NULL;
    return apr_pstrcat(pool, DIRECTORY "/", kind, "-", key, NULL);
}

static sgn_error_t *read_entry(sgn_evidence_cache_entry_t *entry, sgn_bytes_t file, apr_pool_t *pool)
{
    const unsigned char *end = memchr(file.data, '\n', file.len < HEAD_MAX ? file.len : HEAD_MAX);
    const char *text;
    json_t *line;

    if (!end)
        return SGN_ERROR(pool, SGN_EVIDENCE_BAD, "no first line");
    SGN_TRY(sgn_json_parse(&line, sgn_bytes(file.data, (size_t)(end - file.data)), HEAD_MAX, pool));
    SGN_TRY(sgn_json_get_str(&entry->kind, line, "kind", pool));
    SGN_TRY(sgn_json_get_str(&entry->key, line, "key", pool));
    SGN_TRY(sgn_json_get_str(&text, line, "thisUpdate", pool));
    SGN_TRY(sgn_clock_parse(&entry->this_update, text, pool));
    SGN_TRY(sgn_json_get_str(&text, line, "nextUpdate", pool));
    SGN_TRY(sgn_clock_parse(&entry->next_update, text, pool));
    SGN_TRY(sgn_json_get_str(&text, line, "received", pool));
    SGN_TRY(sgn_clock_parse(&entry->received, text, pool));
    SGN_TRY(sgn_json_find_str(&entry->number, line, "number", NULL, pool));
    entry->data = sgn_bytes(end + 1, file.len - (size_t)(end + 1 - file.data));
    return NULL;
}

sgn_error_t *sgn_evidence_cache_find(sgn_evidence_cache_entry_t **out, sgn_evidence_cache_t *cache,
                                     const char *kind, const char *key, apr_pool_t *pool)
{
    const char *path = path_of(kind, key, pool);
    sgn_evidence_cache_entry_t *entry;
    sgn_error_t *error;
    sgn_bytes_t file;

    *out = NULL;
    if (!path)
        return SGN_ERROR(pool, SGN_FIELD, "key of evidence");
    if (cache->root < 0)
        return NULL;
    error = sgn_file_read(&file, cache->root, path, HEAD_MAX + DATA_MAX, pool);
    if (error)
        return error->code == SGN_FILE_ABSENT ? NULL : error;
    entry = apr_pcalloc(pool, sizeof *entry);
    /* a damaged file is as good as none: it is fetched again */
    if (!read_entry(entry, file, pool) && !strcmp(entry->key, key) && !strcmp(entry->kind, kind))
        *out = entry;
    return NULL;
}

static int compare_number(const char *a, const char *b)
{
    size_t la = a ? strlen(a) : 0, lb = b ? strlen(b) : 0;

    if (la != lb)
        return la < lb ? -1 : 1;
    return la ? strcasecmp(a, b) : 0;
}

static sgn_error_t *put(sgn_evidence_cache_t *cache, const sgn_evidence_cache_entry_t *entry, const char *path, apr_pool_t *pool)
{
    json_t *line = sgn_json_object(pool);
    sgn_evidence_cache_entry_t *old;
    sgn_buf_t *buf = sgn_buf_make(HEAD_MAX + DATA_MAX, pool);
    sgn_bytes_t file;

    SGN_TRY(sgn_evidence_cache_find(&old, cache, entry->kind, entry->key, pool));
    if (old && (entry->this_update < old->this_update || compare_number(entry->number, old->number) < 0))
        return SGN_ERROR(pool, SGN_EVIDENCE_OLDER, "%s of %s", entry->kind, sgn_clock_print(entry->this_update, pool));
    sgn_json_set_str(line, "kind", entry->kind);
    sgn_json_set_str(line, "key", entry->key);
    sgn_json_set_str(line, "thisUpdate", sgn_clock_print(entry->this_update, pool));
    sgn_json_set_str(line, "nextUpdate", sgn_clock_print(entry->next_update, pool));
    sgn_json_set_str(line, "received", sgn_clock_print(entry->received, pool));
    sgn_json_set_str(line, "number", entry->number);
    sgn_buf_str(buf, sgn_json_print(line, pool));
    sgn_buf_byte(buf, '\n');
    sgn_buf_add(buf, entry->data.data, entry->data.len);
    SGN_TRY(sgn_buf_bytes(&file, buf));
    return sgn_file_write(cache->root, path, file, 0600, pool);
}

sgn_error_t *sgn_evidence_cache_put(sgn_evidence_cache_t *cache, const sgn_evidence_cache_entry_t *entry, apr_pool_t *pool)
{
    const char *path = path_of(entry->kind, entry->key, pool);
    sgn_error_t *error;

    if (!path)
        return SGN_ERROR(pool, SGN_FIELD, "key of evidence");
    if (cache->root < 0)
        return NULL;
    apr_thread_mutex_lock(cache->mutex);
    error = put(cache, entry, path, pool);
    apr_thread_mutex_unlock(cache->mutex);
    return error;
}
