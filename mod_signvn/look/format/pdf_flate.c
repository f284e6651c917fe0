/* FlateDecode with limits [ISO 32000-2, 7.4.4]. */
#include "look/format/pdf_flate.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "base/pool.h"

static void end_inflate(void *stream)
{
    inflateEnd(stream);
}

static sgn_error_t *begin(z_stream **out, sgn_bytes_t in, apr_pool_t *pool)
{
    z_stream *z = apr_pcalloc(pool, sizeof *z);

    if (in.len > 0x7fffffff)
        return SGN_ERROR(pool, SGN_DOCUMENT_LIMIT, "a compressed stream of %lu bytes", (unsigned long)in.len);
    z->next_in = (unsigned char *)in.data;
    z->avail_in = (unsigned)in.len;
    if (inflateInit(z) != Z_OK)
        return SGN_ERROR(pool, SGN_INTERNAL, "zlib does not start");
    sgn_pool_own(pool, z, end_inflate);
    *out = z;
    return NULL;
}

sgn_error_t *sgn_pdf_flate_inflate(sgn_bytes_t *out, sgn_bytes_t in, size_t limit, apr_pool_t *pool)
{
    size_t room = in.len * 4 + 256, len = 0;
    unsigned char *data;
    z_stream *z;
    int status;

    /* deflate never needs more than what it gives and a little: more of it is
     * empty blocks, made to cost time */
    if (in.len > limit + limit / 8 + 65536)
        return SGN_ERROR(pool, SGN_DOCUMENT_LIMIT, "a stream of %lu bytes for at most %lu", (unsigned long)in.len, (unsigned long)limit);
    SGN_TRY(begin(&z, in, pool));
    if (room > limit)
        room = limit;
    data = apr_palloc(pool, room + 1);
    for (;;) {
        z->next_out = data + len;
        z->avail_out = (unsigned)(room + 1 - len);
        status = inflate(z, Z_NO_FLUSH);
        len = room + 1 - z->avail_out;
        if (status == Z_STREAM_END)
            break;
        if (status != Z_OK && status != Z_BUF_ERROR)
            return SGN_ERROR(pool, SGN_DOCUMENT_DAMAGED, "a compressed stream is damaged");
        if (len > limit)
            return SGN_ERROR(pool, SGN_DOCUMENT_LIMIT, "a stream inflates to more than %lu bytes", (unsigned long)limit);
        if (z->avail_out) {
            /* out of input: what came out is what there is (readers agree) */
            break;
        }
        if (len > room) {
            size_t more = room * 4 < limit ? room * 4 : limit;
            unsigned char *grown;

            if (more == room)
                return SGN_ERROR(pool, SGN_DOCUMENT_LIMIT, "a stream inflates to more than %lu bytes", (unsigned long)limit);
            grown = apr_palloc(pool, more + 1);
            memcpy(grown, data, len);
            data = grown;
            room = more;
        }
    }
    if (len > limit)
        return SGN_ERROR(pool, SGN_DOCUMENT_LIMIT, "a stream inflates to more than %lu bytes", (unsigned long)limit);
    *out = sgn_bytes(data, len);
    return NULL;
}

#define WINDOW 65536
#define OVERLAP 32

sgn_error_t *sgn_pdf_flate_measure(size_t *size, int *seen, sgn_bytes_t in, const char *needle,
                                   size_t limit, apr_pool_t *pool)
{
    unsigned char *window = apr_palloc(pool, WINDOW + OVERLAP);
    size_t kept = 0, needle_len = strlen(needle);
    z_stream *z;
    int status;

    *size = 0;
    *seen = 0;
    SGN_TRY(begin(&z, in, pool));
    do {
        const unsigned char *at = window, *end;
        size_t got;

        z->next_out = window + kept;
        z->avail_out = WINDOW;
        status = inflate(z, Z_NO_FLUSH);
        if (status != Z_OK && status != Z_STREAM_END && status != Z_BUF_ERROR)
            return SGN_ERROR(pool, SGN_DOCUMENT_DAMAGED, "a compressed stream is damaged");
        got = WINDOW - z->avail_out;
        *size += got;
        if (*size > limit)
            return SGN_ERROR(pool, SGN_DOCUMENT_LIMIT, "object streams inflate to more than %lu bytes",
                             (unsigned long)limit);
        end = window + kept + got;
        while ((at = memmem(at, end - at, needle, needle_len)) != NULL) {
            (*seen)++;
            at += needle_len;
        }
        /* a needle across two windows: keep one byte less than it has */
        kept = needle_len - 1 < (size_t)(end - window) ? needle_len - 1 : (size_t)(end - window);
        if (kept > OVERLAP)
            kept = OVERLAP;
        memmove(window, end - kept, kept);
        if (!got)
            break;
    } while (status != Z_STREAM_END);
    return NULL;
}

static int paeth(int a, int b, int c)
{
    int p = a + b - c, pa = abs(p - a), pb = abs(p - b), pc = abs(p - c);

    return pa <= pb && pa <= pc ? a : pb <= pc ? b : c;
}

sgn_error_t *sgn_pdf_flate_unpredict(sgn_bytes_t *out, sgn_bytes_t in, int columns, apr_pool_t *pool)
{
    size_t rows, row;
    unsigned char *data, *before;
    int i;

    if (columns < 1 || columns > 1024)
        return SGN_ERROR(pool, SGN_DOCUMENT_LIMIT, "predictor with %d columns", columns);
    rows = in.len / (columns + 1);
    data = apr_palloc(pool, rows * columns + 1);
    before = apr_pcalloc(pool, columns);
    for (row = 0; row < rows; row++) {
        const unsigned char *from = in.data + row * (columns + 1);
        unsigned char *to = data + row * columns;
        int filter = *from++;

        if (filter > 4)
            return SGN_ERROR(pool, SGN_DOCUMENT_DAMAGED, "unknown predictor %d", filter);
        for (i = 0; i < columns; i++) {
            int left = i ? to[i - 1] : 0, up = before[i], corner = i ? before[i - 1] : 0;

            to[i] = (unsigned char)(from[i] + (filter == 1 ? left : filter == 2 ? up
                                               : filter == 3 ? (left + up) / 2
                                               : filter == 4 ? paeth(left, up, corner) : 0));
        }
        before = to;
    }
    *out = sgn_bytes(data, rows * columns);
    return NULL;
}

sgn_error_t *sgn_pdf_flate_deflate(sgn_bytes_t *out, sgn_bytes_t in, int level, apr_pool_t *pool)
{
    uLongf len = compressBound((uLong)in.len);
    unsigned char *data = apr_palloc(pool, len);

    if (compress2(data, &len, in.data, (uLong)in.len, level) != Z_OK)
        return SGN_ERROR(pool, SGN_INTERNAL, "zlib does not compress");
    *out = sgn_bytes(data, len);
    return NULL;
}
