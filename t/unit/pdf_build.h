/*
 * pdf_build.h: small PDF files built object by object, for tests.
 */
#ifndef SGN_T_PDF_BUILD_H
#define SGN_T_PDF_BUILD_H

#include "tap.h"

#include "base/buf.h"

typedef struct {
    sgn_buf_t *buf;
    size_t offsets[128];
    int count;
} file_t;

static inline file_t *start(const char *header)
{
    file_t *file = apr_pcalloc(tap_pool(), sizeof *file);

    file->buf = sgn_buf_make(0, tap_pool());
    sgn_buf_str(file->buf, header);
    return file;
}

static inline void object(file_t *file, const char *body)
{
    file->offsets[++file->count] = file->buf->len;
    sgn_buf_printf(file->buf, "%d 0 obj\n", file->count);
    sgn_buf_str(file->buf, body);
    sgn_buf_str(file->buf, "\nendobj\n");
}

static inline void stream(file_t *file, const char *dict, sgn_bytes_t data)
{
    file->offsets[++file->count] = file->buf->len;
    sgn_buf_printf(file->buf, "%d 0 obj\n<<%s/Length %lu>>\nstream\n", file->count, dict, (unsigned long)data.len);
    sgn_buf_add(file->buf, data.data, data.len);
    sgn_buf_str(file->buf, "\nendstream\nendobj\n");
}

/* The table, a trailer with `more`, and the end. */
static inline size_t finish(file_t *file, const char *more)
{
    size_t at = file->buf->len;
    int i;

    sgn_buf_printf(file->buf, "xref\n0 %d\n0000000000 65535 f \n", file->count + 1);
    for (i = 1; i <= file->count; i++)
        sgn_buf_printf(file->buf, "%010lu 00000 n \n", (unsigned long)file->offsets[i]);
    sgn_buf_printf(file->buf, "trailer\n<</Size %d/Root 1 0 R%s>>\nstartxref\n%lu\n%%%%EOF\n", file->count + 1, more,
                   (unsigned long)at);
    return at;
}

#endif
