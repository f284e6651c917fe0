/* manifest.c: see manifest.h. */
#include "office/backup/manifest.h"

#include <string.h>

#include <apr_strings.h>

#include "base/file.h"
#include "base/pool.h"
#include "crypto/digest.h"
#include "office/backup/gzip.h"
#include "office/engine/engine.h"
#include "office/keys/keys.h"

#define MANIFEST_LIMIT ((apr_off_t)16 << 30)
#define MANIFEST_HEADER (1 << 20)
#define MANIFEST_LINE (64 * 1024)
#define MANIFEST_BLOCK (256 * 1024)

const char *sgn_manifest_name(apr_int64_t seq, apr_pool_t *pool)
{
    return apr_psprintf(pool, "manifests/%08" APR_INT64_T_FMT ".jsonl.gz", seq);
}

/* ---- writing ---------------------------------------------------------------------- */

/* A file that grows by blocks. */
typedef struct {
    int fd;
    apr_off_t size;             /* written */
    size_t filled;              /* of the block */
    unsigned char *block;
    apr_pool_t *pool;
} grow_t;

struct sgn_manifest_draft_t {
    grow_t lines;
    int scratch;
};

static sgn_error_t *grow_begin(grow_t *grow, int scratch, apr_pool_t *pool)
{
    grow->size = 0;
    grow->filled = 0;
    grow->block = apr_palloc(pool, MANIFEST_BLOCK);
    grow->pool = pool;
    return sgn_file_tmp(&grow->fd, scratch, "", 0600, pool);
}

static sgn_error_t *grow_flush(grow_t *grow)
{
    SGN_TRY(sgn_file_pwrite_all(grow->fd, grow->block, grow->filled, grow->size, grow->pool));
    grow->size += (apr_off_t)grow->filled;
    grow->filled = 0;
    return NULL;
}

static sgn_error_t *grow_add(void *baton, const unsigned char *data, size_t len)
{
    grow_t *grow = baton;

    while (len) {
        size_t step = MANIFEST_BLOCK - grow->filled < len ? MANIFEST_BLOCK - grow->filled : len;

        memcpy(grow->block + grow->filled, data, step);
        grow->filled += step;
        data += step;
        len -= step;
        if (grow->filled == MANIFEST_BLOCK)
            SGN_TRY(grow_flush(grow));
    }
    return NULL;
}

/* The bytes of a file of ours, in blocks. */
static sgn_error_t *pour(int fd, apr_off_t size, sgn_gzip_sink_fn sink, void *baton, apr_pool_t *pool)
{
    unsigned char *block = apr_palloc(pool, MANIFEST_BLOCK);
    apr_off_t at = 0;

    while (at < size) {
        size_t step = size - at < MANIFEST_BLOCK ? (size_t)(size - at) : MANIFEST_BLOCK;

        SGN_TRY(sgn_file_pread_all(fd, block, step, at, pool));
        SGN_TRY(sink(baton, block, step));
        at += (apr_off_t)step;
    }
    return NULL;
}

sgn_error_t *sgn_manifest_begin(sgn_manifest_draft_t **out, int scratch, apr_pool_t *pool)
{
    sgn_manifest_draft_t *draft = apr_pcalloc(pool, sizeof(*draft));

    draft->scratch = scratch;
    SGN_TRY(grow_begin(&draft->lines, scratch, pool));
    *out = draft;
    return NULL;
}

sgn_error_t *sgn_manifest_add(sgn_manifest_draft_t *draft, const json_t *line, apr_pool_t *pool)
{
    const char *text = sgn_json_print_sorted(line, pool);

    SGN_TRY(grow_add(&draft->lines, (const unsigned char *)text, strlen(text)));
    return grow_add(&draft->lines, (const unsigned char *)"\n", 1);
}

sgn_error_t *sgn_manifest_add_lines(sgn_manifest_draft_t *draft, sgn_bytes_t lines)
{
    return grow_add(&draft->lines, lines.data, lines.len);
}

static sgn_error_t *compress_to(void *gzip, const unsigned char *data, size_t len)
{
    return sgn_gzip_add(gzip, data, len);
}

static sgn_error_t *store(void *upload, const unsigned char *data, size_t len)
{
    return sgn_target_write(upload, data, len);
}

static sgn_error_t *compress(grow_t *packed, sgn_manifest_draft_t *draft, const json_t *header, apr_pool_t *pool)
{
    const char *text = apr_pstrcat(pool, sgn_json_print_sorted(header, pool), "\n", NULL);
    sgn_gzip_t *gzip;

    SGN_TRY(grow_flush(&draft->lines));
    SGN_TRY(grow_begin(packed, draft->scratch, pool));
    SGN_TRY(sgn_gzip_pack(&gzip, grow_add, packed, pool));
    SGN_TRY(sgn_gzip_add(gzip, text, strlen(text)));
    SGN_TRY(pour(draft->lines.fd, draft->lines.size, compress_to, gzip, pool));
    SGN_TRY(sgn_gzip_end(gzip));
    return grow_flush(packed);
}

static sgn_error_t *put_file(sgn_medium_t *medium, const char *name, const grow_t *packed, apr_pool_t *pool)
{
    sgn_upload_t *upload;
    sgn_error_t *error;

    SGN_TRY(sgn_target_begin(&upload, medium, pool));
    error = pour(packed->fd, packed->size, store, upload, pool);
    if (!error)
        error = sgn_target_finish(upload, name);
    if (error)
        sgn_target_abort(upload);
    return error;
}

sgn_error_t *sgn_manifest_write(const char **digest, sgn_manifest_draft_t *draft, sgn_medium_t *medium, apr_int64_t seq,
                                json_t *header, const sgn_keys_t *keys, const sgn_manifest_signer_t *signer, apr_pool_t *pool)
{
    const char *name = sgn_manifest_name(seq, pool);
    sgn_manifest_t *back;
    unsigned char sha256[32];
    sgn_bytes_t signature;
    sgn_digest_t *hash;
    grow_t packed;

    sgn_json_set_int(header, "v", 1);
    sgn_json_set_int(header, "seq", seq);
    SGN_TRY(compress(&packed, draft, header, pool));
    SGN_TRY(sgn_digest_make(&hash, SGN_DIGEST_SHA256, pool));
    SGN_TRY(sgn_digest_add_fd(hash, packed.fd, 0, packed.size, pool));
    SGN_TRY(sgn_digest_finish(sha256, hash, pool));
    *digest = sgn_bytes_hex(sgn_bytes(sha256, sizeof(sha256)), pool);
    SGN_TRY(sgn_keys_cms_sign(&signature, keys, packed.fd, pool));
    /* The signature first: a manifest without one is never seen. */
    SGN_TRY(sgn_target_put(medium, apr_pstrcat(pool, name, ".p7s", NULL), signature, pool));
    SGN_TRY(put_file(medium, name, &packed, pool));
    SGN_TRY(sgn_manifest_read(&back, medium, seq, NULL, signer, draft->scratch, pool));
    if (strcmp(back->digest, *digest) != 0)
        return SGN_ERROR(pool, SGN_BACKUP_DAMAGED, "%s reads back differently", name);
    return NULL;
}

/* ---- the signer -------------------------------------------------------------------- */

sgn_error_t *sgn_manifest_by_engine(void *engine, sgn_bytes_t der, const unsigned char sha256[32],
                                    const char *fingerprint, apr_pool_t *pool)
{
    json_t *args = sgn_json_object(pool), *answer;

    sgn_json_set_bytes(args, "signature", der, pool);
    sgn_json_set_str(args, "sha256", sgn_bytes_hex(sgn_bytes(sha256, 32), pool));
    sgn_json_set_str(args, "fingerprint", fingerprint);
    return sgn_engine_task(&answer, NULL, engine, SGN_ENGINE_OFFICE, "manifest", args, NULL, 0, pool);
}

/* ---- reading ---------------------------------------------------------------------- */

sgn_error_t *sgn_manifest_newest(apr_int64_t *seq, sgn_medium_t *medium, apr_pool_t *pool)
{
    const char *const *names;
    int i;

    *seq = 0;
    SGN_TRY(sgn_target_list(&names, medium, "manifests", pool));
    for (i = 0; names[i]; i++)
        if (strlen(names[i]) == 17 && strspn(names[i], "0123456789") == 8 && strcmp(names[i] + 8, ".jsonl.gz") == 0)
            *seq = apr_atoi64(names[i]);
    return NULL;
}

typedef struct {
    grow_t file;
    sgn_digest_t *digest;
} copy_t;

static sgn_error_t *copy_chunk(void *baton, const unsigned char *data, size_t len)
{
    copy_t *copy = baton;

    if (copy->file.size + (apr_off_t)len > MANIFEST_LIMIT)
        return SGN_ERROR(copy->file.pool, SGN_TOO_LARGE, "a manifest of that size");
    SGN_TRY(sgn_digest_add(copy->digest, data, len, copy->file.pool));
    return grow_add(&copy->file, data, len);
}

/* A copy that nobody else can change, and its digest. */
static sgn_error_t *fetch(int *fd, unsigned char sha256[32], sgn_medium_t *medium, const char *name, int scratch, apr_pool_t *pool)
{
    copy_t copy;

    SGN_TRY(grow_begin(&copy.file, scratch, pool));
    SGN_TRY(sgn_digest_make(&copy.digest, SGN_DIGEST_SHA256, pool));
    SGN_TRY(sgn_target_read(medium, name, 1, copy_chunk, &copy, pool));
    SGN_TRY(grow_flush(&copy.file));
    *fd = copy.file.fd;
    return sgn_digest_finish(sha256, copy.digest, pool);
}

/* Lines as they come out of the unpacking. */
typedef struct {
    unsigned char *line;
    size_t filled;
    int first, only_first;      /* only_first: nothing behind the header is wanted */
    json_t **header;
    sgn_manifest_line_fn each;
    void *baton;
    apr_pool_t *pool, *round;
} lines_t;

static sgn_error_t *end_line(lines_t *lines)
{
    sgn_bytes_t bytes = sgn_bytes(lines->line, lines->filled);
    json_t *line;

    lines->filled = 0;
    if (lines->first) {
        lines->first = 0;
        return lines->header ? sgn_json_parse(lines->header, bytes, MANIFEST_HEADER, lines->pool) : NULL;
    }
    apr_pool_clear(lines->round);
    SGN_TRY(sgn_json_parse(&line, bytes, MANIFEST_LINE, lines->round));
    return lines->each(lines->baton, line, lines->round);
}

static sgn_error_t *split(void *baton, const unsigned char *data, size_t len)
{
    lines_t *lines = baton;

    while (len && !(lines->only_first && !lines->first)) {
        const unsigned char *stop = memchr(data, '\n', len);
        size_t step = stop ? (size_t)(stop - data) : len;

        if (step > MANIFEST_HEADER - lines->filled)
            return SGN_ERROR(lines->pool, SGN_BACKUP_MANIFEST, "a line without end");
        memcpy(lines->line + lines->filled, data, step);
        lines->filled += step;
        if (stop)
            SGN_TRY(end_line(lines));
        step += stop != NULL;
        data += step;
        len -= step;
    }
    return NULL;
}

static sgn_error_t *read_lines(lines_t *lines, int copy, apr_pool_t *pool)
{
    unsigned char *block = apr_palloc(pool, MANIFEST_BLOCK);
    apr_off_t size, at = 0;
    sgn_gzip_t *gzip;

    lines->line = apr_palloc(pool, MANIFEST_HEADER);
    lines->first = 1;
    lines->pool = pool;
    apr_pool_create(&lines->round, pool);
    SGN_TRY(sgn_file_size(&size, copy, pool));
    SGN_TRY(sgn_gzip_unpack(&gzip, split, lines, pool));
    while (at < size) {
        size_t step = size - at < MANIFEST_BLOCK ? (size_t)(size - at) : MANIFEST_BLOCK;

        SGN_TRY(sgn_file_pread_all(copy, block, step, at, pool));
        SGN_TRY(sgn_gzip_add(gzip, block, step));
        if (lines->only_first && !lines->first)
            return NULL;
        at += (apr_off_t)step;
    }
    return sgn_gzip_end(gzip);
}

static sgn_error_t *read_header(json_t **out, int copy, apr_pool_t *pool)
{
    lines_t lines = { .only_first = 1, .header = out };
    apr_pool_t *scratch;
    sgn_error_t *error;

    apr_pool_create(&scratch, pool);
    *out = NULL;
    error = read_lines(&lines, copy, scratch);
    if (!error && !*out)
        error = SGN_ERROR(pool, SGN_BACKUP_MANIFEST, "no header");
    if (!error)
        sgn_json_own(json_incref(*out), pool);
    error = sgn_error_dup(error, pool);
    apr_pool_destroy(scratch);
    return error;
}

static sgn_error_t *check_signer(const char **out, const sgn_manifest_signer_t *signer, sgn_bytes_t signature,
                                 const unsigned char sha256[32], apr_pool_t *pool)
{
    sgn_error_t *error = signer->verify(signer->baton, signature, sha256, signer->fingerprint, pool), *again = error;
    int i;

    *out = signer->fingerprint;
    for (i = 0; again && again->code == SGN_BACKUP_MANIFEST && signer->earlier && signer->earlier[i]; i++) {
        *out = signer->earlier[i];
        again = signer->verify(signer->baton, signature, sha256, *out, pool);
    }
    return again ? error : NULL;
}

/* Could not look: that says nothing of the medium. */
static int is_ours(const sgn_error_t *error)
{
    return error->code == SGN_BUSY || error->code == SGN_OPERATION_UNKNOWN || error->code == SGN_INTERNAL
        || error->code == SGN_WIRE || error->code == SGN_WORKER_DEADLINE || error->code == SGN_DISK_FULL;
}

sgn_error_t *sgn_manifest_read(sgn_manifest_t **out, sgn_medium_t *medium, apr_int64_t seq, const char *set,
                               const sgn_manifest_signer_t *signer, int scratch, apr_pool_t *pool)
{
    const char *name = sgn_manifest_name(seq, pool), *stated;
    sgn_manifest_t *manifest = apr_pcalloc(pool, sizeof(*manifest));
    unsigned char sha256[32];
    sgn_bytes_t signature;
    sgn_error_t *error;
    apr_int64_t number;

    error = sgn_target_get(&signature, medium, apr_pstrcat(pool, name, ".p7s", NULL), 1 << 20, pool);
    if (!error)
        error = fetch(&manifest->copy, sha256, medium, name, scratch, pool);
    if (!error)
        error = check_signer(&manifest->signer, signer, signature, sha256, pool);
    if (!error)
        error = read_header(&manifest->header, manifest->copy, pool);
    if (!error)
        error = sgn_json_get_int(&number, manifest->header, "seq", pool);
    if (!error)
        error = sgn_json_get_str(&stated, manifest->header, "set", pool);
    if (error)
        return is_ours(error) ? error : SGN_WRAP(pool, error, SGN_BACKUP_MANIFEST, "%s", name);
    if (number != seq || (set && strcmp(stated, set) != 0))
        return SGN_ERROR(pool, SGN_BACKUP_MANIFEST, "%s is number %" APR_INT64_T_FMT " of the set %s", name, number, stated);
    manifest->seq = seq;
    manifest->digest = sgn_bytes_hex(sgn_bytes(sha256, sizeof(sha256)), pool);
    *out = manifest;
    return NULL;
}

sgn_error_t *sgn_manifest_each(const sgn_manifest_t *manifest, sgn_manifest_line_fn each, void *baton, apr_pool_t *pool)
{
    lines_t lines = { .each = each, .baton = baton };
    apr_pool_t *scratch;
    sgn_error_t *error;

    apr_pool_create(&scratch, pool);
    error = sgn_error_dup(read_lines(&lines, manifest->copy, scratch), pool);
    apr_pool_destroy(scratch);
    return error;
}

sgn_error_t *sgn_manifest_walk(sgn_medium_t *medium, apr_int64_t last, const char *set, const sgn_manifest_signer_t *signer,
                               int scratch, sgn_manifest_fn each, void *baton, apr_pool_t *pool)
{
    apr_int64_t first = last, seq;
    const char *previous = NULL;
    apr_pool_t *round;
    sgn_manifest_t *manifest;
    sgn_error_t *error;

    apr_pool_create(&round, pool);
    for (;;) {      /* back to the newest that lists everything */
        const char *kind;

        apr_pool_clear(round);
        error = sgn_manifest_read(&manifest, medium, first, set, signer, scratch, round);
        if (error)
            return sgn_error_dup(error, pool);
        kind = json_string_value(json_object_get(manifest->header, "kind"));
        if (first == 1 || (kind && strcmp(kind, "full") == 0))
            break;
        first--;
    }
    for (seq = first; seq <= last; seq++) {
        const char *stated;

        apr_pool_clear(round);
        error = sgn_manifest_read(&manifest, medium, seq, set, signer, scratch, round);
        stated = error ? NULL : json_string_value(json_object_get(manifest->header, "previous"));
        if (!error && previous && (!stated || strcmp(stated, previous) != 0))
            error = SGN_ERROR(pool, SGN_BACKUP_MANIFEST, "manifest %" APR_INT64_T_FMT " does not follow from the one before", seq);
        if (!error)
            error = each(baton, manifest, round);
        if (error)
            return sgn_error_dup(error, pool);
        previous = apr_pstrdup(pool, manifest->digest);
    }
    apr_pool_destroy(round);
    return NULL;
}
