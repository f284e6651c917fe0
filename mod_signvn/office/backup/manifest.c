/* manifest.c: see manifest.h. */
#include "office/backup/manifest.h"

#include <string.h>

#include <apr_strings.h>
#include <zlib.h>

#include "base/pool.h"
#include "crypto/digest.h"
#include "office/engine/engine.h"
#include "office/keys/keys.h"

#define MANIFEST_LIMIT ((size_t)1 << 30)
#define MANIFEST_LINE (64 * 1024)
#define MANIFEST_BLOCK (256 * 1024)

const char *sgn_manifest_name(apr_int64_t seq, apr_pool_t *pool)
{
    return apr_psprintf(pool, "manifests/%08" APR_INT64_T_FMT ".jsonl.gz", seq);
}

/* ---- compression ---------------------------------------------------------------- */

static void end_deflate(void *stream)
{
    deflateEnd(stream);
}

static void end_inflate(void *stream)
{
    inflateEnd(stream);
}

sgn_error_t *sgn_manifest_gzip(sgn_bytes_t *out, sgn_bytes_t in, apr_pool_t *pool)
{
    z_stream *stream = apr_pcalloc(pool, sizeof(*stream));
    sgn_buf_t *buf = sgn_buf_make(MANIFEST_LIMIT, pool);
    unsigned char *block = apr_palloc(pool, MANIFEST_BLOCK);
    size_t at = 0;
    int status = Z_OK;

    /* 15 + 16: a gzip header without name and time, so equal bytes give equal files. */
    if (deflateInit2(stream, 1, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK)
        return SGN_ERROR(pool, SGN_INTERNAL, "deflate");
    sgn_pool_own(pool, stream, end_deflate);
    while (status != Z_STREAM_END) {
        if (!stream->avail_in && at < in.len) {
            size_t step = in.len - at < (1u << 30) ? in.len - at : (1u << 30);

            stream->next_in = (Bytef *)in.data + at;
            stream->avail_in = (uInt)step;
            at += step;
        }
        stream->next_out = block;
        stream->avail_out = MANIFEST_BLOCK;
        status = deflate(stream, at == in.len ? Z_FINISH : Z_NO_FLUSH);
        if (status != Z_OK && status != Z_STREAM_END && status != Z_BUF_ERROR)
            return SGN_ERROR(pool, SGN_INTERNAL, "deflate: %d", status);
        sgn_buf_add(buf, block, MANIFEST_BLOCK - stream->avail_out);
    }
    return sgn_buf_bytes(out, buf);
}

sgn_error_t *sgn_manifest_gunzip(sgn_bytes_t *out, sgn_bytes_t in, size_t limit, apr_pool_t *pool)
{
    z_stream *stream = apr_pcalloc(pool, sizeof(*stream));
    sgn_buf_t *buf = sgn_buf_make(limit, pool);
    unsigned char *block = apr_palloc(pool, MANIFEST_BLOCK);
    int status = Z_OK;

    if (in.len > MANIFEST_LIMIT || inflateInit2(stream, 15 + 16) != Z_OK)
        return SGN_ERROR(pool, SGN_TOO_LARGE, "inflate");
    sgn_pool_own(pool, stream, end_inflate);
    stream->next_in = (Bytef *)in.data;
    stream->avail_in = (uInt)in.len;
    while (status == Z_OK) {
        stream->next_out = block;
        stream->avail_out = MANIFEST_BLOCK;
        status = inflate(stream, Z_NO_FLUSH);
        if (status != Z_OK && status != Z_STREAM_END)
            return SGN_ERROR(pool, SGN_BACKUP_DAMAGED, "not gzip: %d", status);
        sgn_buf_add(buf, block, MANIFEST_BLOCK - stream->avail_out);
        if (buf->full)
            break;
    }
    return sgn_buf_bytes(out, buf);
}

/* ---- writing ---------------------------------------------------------------------- */

sgn_error_t *sgn_manifest_write(const char **digest, sgn_medium_t *medium, apr_int64_t seq, json_t *header,
                                sgn_bytes_t lines, const sgn_keys_t *keys, apr_pool_t *pool)
{
    const char *name = sgn_manifest_name(seq, pool);
    sgn_buf_t *text = sgn_buf_make(MANIFEST_LIMIT, pool);
    sgn_bytes_t plain, packed, signature, back;

    sgn_json_set_int(header, "v", 1);
    sgn_json_set_int(header, "seq", seq);
    sgn_buf_str(text, sgn_json_print_sorted(header, pool));
    sgn_buf_byte(text, '\n');
    sgn_buf_add(text, lines.data, lines.len);
    SGN_TRY(sgn_buf_bytes(&plain, text));
    SGN_TRY(sgn_manifest_gzip(&packed, plain, pool));
    SGN_TRY(sgn_keys_cms_sign(&signature, keys, packed, pool));
    /* The signature first: a manifest without one is never seen. */
    SGN_TRY(sgn_target_put(medium, apr_pstrcat(pool, name, ".p7s", NULL), signature, pool));
    SGN_TRY(sgn_target_put(medium, name, packed, pool));
    SGN_TRY(sgn_target_get(&back, medium, name, MANIFEST_LIMIT, pool));
    if (!sgn_bytes_equal(back, packed))
        return SGN_ERROR(pool, SGN_BACKUP_DAMAGED, "%s reads back differently", name);
    return sgn_digest_sha256_hex(digest, packed.data, packed.len, pool);
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

sgn_error_t *sgn_manifest_read(sgn_manifest_t **out, sgn_medium_t *medium, apr_int64_t seq, const char *set,
                               const sgn_manifest_signer_t *signer, apr_pool_t *pool)
{
    const char *name = sgn_manifest_name(seq, pool), *stated;
    sgn_manifest_t *manifest = apr_pcalloc(pool, sizeof(*manifest));
    sgn_bytes_t packed, signature;
    unsigned char sha256[32];
    sgn_error_t *error;
    apr_int64_t number;
    const char *end;

    error = sgn_target_get(&packed, medium, name, MANIFEST_LIMIT, pool);
    if (!error)
        error = sgn_target_get(&signature, medium, apr_pstrcat(pool, name, ".p7s", NULL), 1 << 20, pool);
    if (!error)
        error = sgn_digest_sha256(sha256, packed.data, packed.len, pool);
    if (!error)
        error = signer->verify(signer->baton, signature, sha256, signer->fingerprint, pool);
    if (!error)
        error = sgn_manifest_gunzip(&manifest->text, packed, MANIFEST_LIMIT, pool);
    if (error && (error->code == SGN_BUSY || error->code == SGN_OPERATION_UNKNOWN || error->code == SGN_INTERNAL
                  || error->code == SGN_WIRE || error->code == SGN_WORKER_DEADLINE))
        return error;   /* could not look: that says nothing of the medium */
    if (error)
        return SGN_WRAP(pool, error, SGN_BACKUP_MANIFEST, "%s", name);
    end = memchr(manifest->text.data, '\n', manifest->text.len);
    if (!end)
        return SGN_ERROR(pool, SGN_BACKUP_MANIFEST, "%s has no header", name);
    error = sgn_json_parse(&manifest->header, sgn_bytes(manifest->text.data, (size_t)(end - (const char *)manifest->text.data)),
                           1 << 20, pool);
    if (!error)
        error = sgn_json_get_int(&number, manifest->header, "seq", pool);
    if (!error)
        error = sgn_json_get_str(&stated, manifest->header, "set", pool);
    if (error)
        return SGN_WRAP(pool, error, SGN_BACKUP_MANIFEST, "%s", name);
    if (number != seq || (set && strcmp(stated, set) != 0))
        return SGN_ERROR(pool, SGN_BACKUP_MANIFEST, "%s is number %" APR_INT64_T_FMT " of the set %s", name, number, stated);
    manifest->seq = seq;
    manifest->digest = sgn_bytes_hex(sgn_bytes(sha256, sizeof(sha256)), pool);
    *out = manifest;
    return NULL;
}

sgn_error_t *sgn_manifest_each(const sgn_manifest_t *manifest, sgn_manifest_line_fn each, void *baton, apr_pool_t *pool)
{
    const unsigned char *at = manifest->text.data, *end = at + manifest->text.len, *stop;
    apr_pool_t *round;
    int first = 1;

    apr_pool_create(&round, pool);
    while (at < end && (stop = memchr(at, '\n', (size_t)(end - at))) != NULL) {
        if (!first) {
            sgn_error_t *error;
            json_t *line;

            apr_pool_clear(round);
            error = sgn_json_parse(&line, sgn_bytes(at, (size_t)(stop - at)), MANIFEST_LINE, round);
            if (!error)
                error = each(baton, line, round);
            if (error)
                return sgn_error_dup(error, pool);
        }
        first = 0;
        at = stop + 1;
    }
    apr_pool_destroy(round);
    return NULL;
}

sgn_error_t *sgn_manifest_walk(sgn_medium_t *medium, apr_int64_t last, const char *set, const sgn_manifest_signer_t *signer,
                               sgn_manifest_fn each, void *baton, apr_pool_t *pool)
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
        error = sgn_manifest_read(&manifest, medium, first, set, signer, round);
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
        error = sgn_manifest_read(&manifest, medium, seq, set, signer, round);
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
