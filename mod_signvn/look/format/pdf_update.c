/* Incremental updates [ISO 32000-2, 7.5.6]. */
#include "look/format/pdf_update.h"

#include <stdlib.h>
#include <string.h>

#include <apr_strings.h>

#include "look/format/pdf_flate.h"

#define RANGE_WIDTH 44          /* "[0 " and three numbers of up to 12 digits, padded */

typedef struct {
    int num, gen;
    apr_off_t offset;
} written_t;

struct sgn_pdf_update_t {
    sgn_pdf_doc_t *doc;
    const sgn_pdf_scan_t *scan;
    apr_pool_t *pool;
    sgn_buf_t *buf;
    int next_num;
    written_t *written;
    int count, cap;
    size_t range_at, contents_at, contents_length;  /* in buf; 0: no signature */
};

sgn_error_t *sgn_pdf_update_make(sgn_pdf_update_t **out, sgn_pdf_doc_t *newest, apr_pool_t *pool)
{
    const sgn_pdf_scan_t *scan = sgn_pdf_doc_scan(newest);
    sgn_pdf_update_t *update = apr_pcalloc(pool, sizeof *update);

    if (scan->encrypted)
        return SGN_ERROR(pool, SGN_DOCUMENT_ENCRYPTED, "objects of an update would have to be encrypted");
    if (scan->next_num > SGN_PDF_SIZE - 100)
        return SGN_ERROR(pool, SGN_DOCUMENT_LIMIT, "no object numbers left below %d", SGN_PDF_SIZE);
    update->doc = newest;
    update->scan = scan;
    update->pool = pool;
    update->buf = sgn_buf_make(0, pool);
    update->next_num = scan->next_num;
    /* the last byte of the original need not end a line */
    if (scan->map[scan->size - 1] != '\n' && scan->map[scan->size - 1] != '\r')
        sgn_buf_byte(update->buf, '\n');
    *out = update;
    return NULL;
}

int sgn_pdf_update_new(sgn_pdf_update_t *update)
{
    return update->next_num++;
}

static void begin(sgn_pdf_update_t *update, int num, int gen)
{
    written_t *row;

    if (update->count == update->cap) {
        int cap = update->cap ? update->cap * 2 : 32;
        written_t *more = apr_palloc(update->pool, cap * sizeof *more);

        if (update->count)
            memcpy(more, update->written, update->count * sizeof *more);
        update->written = more;
        update->cap = cap;
    }
    row = &update->written[update->count++];
    row->num = num;
    row->gen = gen;
    row->offset = update->scan->size + (apr_off_t)update->buf->len;
    sgn_buf_printf(update->buf, "%d %d obj\n", num, gen);
}

void sgn_pdf_update_object(sgn_pdf_update_t *update, int num, int gen, const sgn_pdf_obj_t *value)
{
    begin(update, num, gen);
    sgn_pdf_obj_write(update->buf, value);
    sgn_buf_str(update->buf, "\nendobj\n");
}

void sgn_pdf_update_text(sgn_pdf_update_t *update, int num, const char *text)
{
    begin(update, num, 0);
    sgn_buf_str(update->buf, text);
    sgn_buf_str(update->buf, "\nendobj\n");
}

void sgn_pdf_update_stream(sgn_pdf_update_t *update, int num, const sgn_pdf_obj_t *dict, sgn_bytes_t data)
{
    begin(update, num, 0);
    sgn_pdf_obj_write(update->buf, sgn_pdf_obj_with(dict, "Length",
                      sgn_pdf_obj_make_int((apr_int64_t)data.len, update->pool), update->pool));
    sgn_buf_str(update->buf, "\nstream\n");
    sgn_buf_add(update->buf, data.data, data.len);
    sgn_buf_str(update->buf, "\nendstream\nendobj\n");
}

void sgn_pdf_update_signature(sgn_pdf_update_t *update, int num, const sgn_pdf_obj_t *dict, size_t contents_size)
{
    sgn_buf_t *text = sgn_buf_make(0, update->pool);
    char *zeros = apr_palloc(update->pool, 2 * contents_size + 3);
    sgn_bytes_t bytes;

    begin(update, num, 0);
    sgn_pdf_obj_write(text, dict);
    if (sgn_buf_bytes(&bytes, text))
        return;
    /* everything but the closing ">>" */
    sgn_buf_add(update->buf, bytes.data, bytes.len - 2);
    sgn_buf_str(update->buf, "/ByteRange ");
    update->range_at = update->buf->len;
    memset(zeros, ' ', RANGE_WIDTH);
    sgn_buf_add(update->buf, zeros, RANGE_WIDTH);
    sgn_buf_str(update->buf, "/Contents ");
    update->contents_at = update->buf->len;
    update->contents_length = 2 * contents_size + 2;
    memset(zeros, '0', update->contents_length);
    zeros[0] = '<';
    zeros[update->contents_length - 1] = '>';
    sgn_buf_add(update->buf, zeros, update->contents_length);
    sgn_buf_str(update->buf, ">>\nendobj\n");
}

/* ---- cross-reference section ------------------------------------------------- */

static int by_number(const void *a, const void *b)
{
    const written_t *x = a, *y = b;

    return (x->num > y->num) - (x->num < y->num);
}

/* Of the update, eight bytes at a time; not a secret: the same bytes, the same
 * name. */
static void fingerprint(unsigned char out[16], const sgn_buf_t *buf)
{
    apr_uint64_t a = APR_UINT64_C(0xcbf29ce484222325), b = APR_UINT64_C(0x84222325cbf29ce4) + buf->len, word;

    for (size_t i = 0; i < buf->len; i += sizeof word) {
        size_t rest = buf->len - i;

        word = 0;
        memcpy(&word, buf->data + i, rest < sizeof word ? rest : sizeof word);
        a = (a ^ word) * APR_UINT64_C(0x9e3779b97f4a7c15);
        a ^= a >> 32;
        b = (b + a) * APR_UINT64_C(0xff51afd7ed558ccd);
        b ^= b >> 29;
    }
    memcpy(out, &a, sizeof a);
    memcpy(out + 8, &b, sizeof b);
}

/* [ISO 32000-2, 14.4] the first identifier stays, the second changes. */
static const sgn_pdf_obj_t *identifiers(sgn_pdf_update_t *update)
{
    const sgn_pdf_obj_t *old = sgn_pdf_doc_find(update->doc, sgn_pdf_doc_trailer(update->doc), "ID");
    const sgn_pdf_obj_t *first = sgn_pdf_doc_at(update->doc, old, 0), *array;
    unsigned char fresh[16];

    fingerprint(fresh, update->buf);
    if (first->type != SGN_PDF_STRING)
        first = sgn_pdf_obj_make_string(sgn_bytes(fresh, sizeof fresh), update->pool);
    array = sgn_pdf_obj_append(sgn_pdf_obj_make_array(update->pool), first, update->pool);
    return sgn_pdf_obj_append(array, sgn_pdf_obj_make_string(sgn_bytes(fresh, sizeof fresh), update->pool),
                              update->pool);
}

static const sgn_pdf_obj_t *trailer(sgn_pdf_update_t *update)
{
    const sgn_pdf_obj_t *old = sgn_pdf_doc_trailer(update->doc), *info = sgn_pdf_obj_get(old, "Info");
    const sgn_pdf_section_t *newest = &update->scan->sections[update->scan->section_count - 1];
    const sgn_pdf_obj_t *dict = sgn_pdf_obj_make_dict(update->pool);

    dict = sgn_pdf_obj_with(dict, "Size", sgn_pdf_obj_make_int(update->next_num, update->pool), update->pool);
    dict = sgn_pdf_obj_with(dict, "Root", sgn_pdf_doc_root(update->doc), update->pool);
    if (info)
        dict = sgn_pdf_obj_with(dict, "Info", info, update->pool);
    dict = sgn_pdf_obj_with(dict, "ID", identifiers(update), update->pool);
    return sgn_pdf_obj_with(dict, "Prev", sgn_pdf_obj_make_int(newest->offset, update->pool), update->pool);
}

static void write_table(sgn_pdf_update_t *update)
{
    int i = 0, k;

    sgn_buf_str(update->buf, "xref\n");
    while (i < update->count) {
        for (k = i + 1; k < update->count && update->written[k].num == update->written[k - 1].num + 1; k++)
            ;
        sgn_buf_printf(update->buf, "%d %d\n", update->written[i].num, k - i);
        for (; i < k; i++)
            sgn_buf_printf(update->buf, "%010" APR_INT64_T_FMT " %05d n \n",
                           (apr_int64_t)update->written[i].offset, update->written[i].gen);
    }
    sgn_buf_str(update->buf, "trailer\n");
    sgn_pdf_obj_write(update->buf, trailer(update));
    sgn_buf_byte(update->buf, '\n');
}

static sgn_error_t *write_stream(sgn_pdf_update_t *update)
{
    sgn_buf_t *rows = sgn_buf_make(0, update->pool);
    const sgn_pdf_obj_t *dict, *index = sgn_pdf_obj_make_array(update->pool), *w = index;
    apr_pool_t *pool = update->pool;
    sgn_bytes_t plain, packed;
    written_t self;
    int i, k, b;

    /* its own entry: the highest number, so the order stays */
    self.num = update->next_num++;
    self.gen = 0;
    self.offset = update->scan->size + (apr_off_t)update->buf->len;
    for (i = 0; i <= update->count; i++) {
        const written_t *row = i < update->count ? &update->written[i] : &self;

        sgn_buf_byte(rows, 1);
        for (b = 7; b >= 0; b--)
            sgn_buf_byte(rows, (int)(row->offset >> (8 * b)) & 255);
        sgn_buf_byte(rows, row->gen >> 8);
        sgn_buf_byte(rows, row->gen & 255);
    }
    for (i = 0; i <= update->count; i = k) {
        int first = i < update->count ? update->written[i].num : self.num;

        for (k = i + 1; k <= update->count; k++)
            if ((k < update->count ? update->written[k].num : self.num) != first + (k - i))
                break;
        index = sgn_pdf_obj_append(index, sgn_pdf_obj_make_int(first, pool), pool);
        index = sgn_pdf_obj_append(index, sgn_pdf_obj_make_int(k - i, pool), pool);
    }
    w = sgn_pdf_obj_append(w, sgn_pdf_obj_make_int(1, pool), pool);
    w = sgn_pdf_obj_append(w, sgn_pdf_obj_make_int(8, pool), pool);
    w = sgn_pdf_obj_append(w, sgn_pdf_obj_make_int(2, pool), pool);
    SGN_TRY(sgn_buf_bytes(&plain, rows));
    SGN_TRY(sgn_pdf_flate_deflate(&packed, plain, 6, pool));
    dict = sgn_pdf_obj_with(trailer(update), "Type", sgn_pdf_obj_make_name("XRef", pool), pool);
    dict = sgn_pdf_obj_with(dict, "W", w, pool);
    dict = sgn_pdf_obj_with(dict, "Index", index, pool);
    dict = sgn_pdf_obj_with(dict, "Filter", sgn_pdf_obj_make_name("FlateDecode", pool), pool);
    sgn_pdf_update_stream(update, self.num, dict, packed);
    return NULL;
}

static sgn_error_t *patch_range(apr_int64_t range[4], sgn_pdf_update_t *update)
{
    apr_int64_t size = update->scan->size;
    char text[RANGE_WIDTH + 1];

    range[0] = 0;
    range[1] = size + (apr_int64_t)update->contents_at;
    range[2] = range[1] + (apr_int64_t)update->contents_length;
    range[3] = size + (apr_int64_t)update->buf->len - range[2];
    if (range[2] > APR_INT64_C(999999999999))
        return SGN_ERROR(update->pool, SGN_DOCUMENT_LIMIT, "the file is too large for a byte range");
    apr_snprintf(text, sizeof text, "[0 %" APR_INT64_T_FMT " %" APR_INT64_T_FMT " %" APR_INT64_T_FMT "]",
                 range[1], range[2], range[3]);
    memcpy(update->buf->data + update->range_at, text, strlen(text));
    return NULL;
}

sgn_error_t *sgn_pdf_update_finish(sgn_bytes_t *out, apr_int64_t range[4], apr_off_t *gap_offset,
                                   size_t *gap_length, sgn_pdf_update_t *update)
{
    const sgn_pdf_section_t *newest = &update->scan->sections[update->scan->section_count - 1];
    apr_off_t at;

    qsort(update->written, update->count, sizeof *update->written, by_number);
    at = update->scan->size + (apr_off_t)update->buf->len;
    if (at > APR_INT64_C(9999999999) && newest->kind != SGN_PDF_XREF_STREAM)
        return SGN_ERROR(update->pool, SGN_DOCUMENT_LIMIT, "the file is too large for a table");
    /* the newest section decides; behind a hybrid one a table keeps qpdf,
     * poppler and mupdf agreeing, and hides nothing */
    if (newest->kind == SGN_PDF_XREF_STREAM)
        SGN_TRY(write_stream(update));
    else
        write_table(update);
    sgn_buf_printf(update->buf, "startxref\n%" APR_INT64_T_FMT "\n%%%%EOF\n", (apr_int64_t)at);
    memset(range, 0, 4 * sizeof range[0]);
    *gap_offset = 0;
    *gap_length = 0;
    SGN_TRY(sgn_buf_bytes(out, update->buf));
    if (update->contents_at) {
        SGN_TRY(patch_range(range, update));
        *gap_offset = update->scan->size + (apr_off_t)update->contents_at;
        *gap_length = update->contents_length;
    }
    return sgn_buf_bytes(out, update->buf);
}
