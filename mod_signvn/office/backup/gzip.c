/* gzip.c: see gzip.h. */
#include "office/backup/gzip.h"

#include <zlib.h>

#include "base/pool.h"

#define GZIP_BLOCK (256 * 1024)
#define GZIP_STEP ((size_t)1 << 30)

struct sgn_gzip_t {
    z_stream stream;
    sgn_gzip_sink_fn sink;
    void *baton;
    int packs, status;
    unsigned char *block;
    apr_pool_t *pool;
};

static void end_deflate(void *stream)
{
    deflateEnd(stream);
}

static void end_inflate(void *stream)
{
    inflateEnd(stream);
}

static sgn_gzip_t *make(sgn_gzip_sink_fn sink, void *baton, apr_pool_t *pool)
{
    sgn_gzip_t *gzip = apr_pcalloc(pool, sizeof(*gzip));

    gzip->sink = sink;
    gzip->baton = baton;
    gzip->block = apr_palloc(pool, GZIP_BLOCK);
    gzip->pool = pool;
    return gzip;
}

sgn_error_t *sgn_gzip_pack(sgn_gzip_t **out, sgn_gzip_sink_fn sink, void *baton, apr_pool_t *pool)
{
    sgn_gzip_t *gzip = make(sink, baton, pool);

    gzip->packs = 1;
    if (deflateInit2(&gzip->stream, 1, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK)
        return SGN_ERROR(pool, SGN_INTERNAL, "deflate");
    sgn_pool_own(pool, &gzip->stream, end_deflate);
    *out = gzip;
    return NULL;
}

sgn_error_t *sgn_gzip_unpack(sgn_gzip_t **out, sgn_gzip_sink_fn sink, void *baton, apr_pool_t *pool)
{
    sgn_gzip_t *gzip = make(sink, baton, pool);

    if (inflateInit2(&gzip->stream, 15 + 16) != Z_OK)
        return SGN_ERROR(pool, SGN_INTERNAL, "inflate");
    sgn_pool_own(pool, &gzip->stream, end_inflate);
    *out = gzip;
    return NULL;
}

/* One call of zlib and what it gave. */
static sgn_error_t *step(sgn_gzip_t *gzip, int flush)
{
    gzip->stream.next_out = gzip->block;
    gzip->stream.avail_out = GZIP_BLOCK;
    gzip->status = gzip->packs ? deflate(&gzip->stream, flush) : inflate(&gzip->stream, flush);
    if (gzip->status != Z_OK && gzip->status != Z_STREAM_END && gzip->status != Z_BUF_ERROR)
        return gzip->packs ? SGN_ERROR(gzip->pool, SGN_INTERNAL, "deflate: %d", gzip->status)
            : SGN_ERROR(gzip->pool, SGN_BACKUP_DAMAGED, "not gzip: %d", gzip->status);
    return gzip->stream.avail_out == GZIP_BLOCK ? NULL
        : gzip->sink(gzip->baton, gzip->block, GZIP_BLOCK - gzip->stream.avail_out);
}

sgn_error_t *sgn_gzip_add(sgn_gzip_t *gzip, const void *data, size_t len)
{
    const unsigned char *from = data;

    while (len && gzip->status != Z_STREAM_END) {
        size_t some = len < GZIP_STEP ? len : GZIP_STEP;

        gzip->stream.next_in = (Bytef *)from;
        gzip->stream.avail_in = (uInt)some;
        from += some;
        len -= some;
        do
            SGN_TRY(step(gzip, Z_NO_FLUSH));
        while (gzip->status != Z_STREAM_END && (gzip->stream.avail_in || !gzip->stream.avail_out));
    }
    return NULL;
}

sgn_error_t *sgn_gzip_end(sgn_gzip_t *gzip)
{
    gzip->stream.avail_in = 0;
    while (gzip->packs && gzip->status != Z_STREAM_END)
        SGN_TRY(step(gzip, Z_FINISH));
    return gzip->status == Z_STREAM_END ? NULL : SGN_ERROR(gzip->pool, SGN_BACKUP_DAMAGED, "gzip: cut");
}
