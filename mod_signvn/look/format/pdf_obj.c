/* PDF values as immutable trees [ISO 32000-2, 7.3]. */
#include "look/format/pdf_obj.h"

#include <string.h>

#include <apr_strings.h>

#include "base/text.h"

static const sgn_pdf_obj_t null_object = { .type = SGN_PDF_NULL };

const sgn_pdf_obj_t *sgn_pdf_obj_get(const sgn_pdf_obj_t *dict, const char *key)
{
    int i;

    if (dict && dict->type == SGN_PDF_DICT)
        for (i = 0; i < dict->count; i++)
            if (strcmp(dict->keys[i], key) == 0)
                return dict->items[i];
    return NULL;
}

const sgn_pdf_obj_t *sgn_pdf_obj_item(const sgn_pdf_obj_t *array, int index)
{
    if (array && array->type == SGN_PDF_ARRAY && index >= 0 && index < array->count)
        return array->items[index];
    return NULL;
}

int sgn_pdf_obj_is_name(const sgn_pdf_obj_t *obj, const char *name)
{
    return obj && obj->type == SGN_PDF_NAME && strcmp((const char *)obj->text.data, name) == 0;
}

int sgn_pdf_obj_is_ref(const sgn_pdf_obj_t *obj, int num, int gen)
{
    return obj && obj->type == SGN_PDF_REF && obj->number == num && obj->gen == gen;
}

apr_int64_t sgn_pdf_obj_int(const sgn_pdf_obj_t *obj, apr_int64_t absent)
{
    return obj && obj->type == SGN_PDF_INT ? obj->number : absent;
}

const char *sgn_pdf_obj_name(const sgn_pdf_obj_t *obj)
{
    return obj && obj->type == SGN_PDF_NAME ? (const char *)obj->text.data : NULL;
}

/* [ISO 32000-2, D.3] PDFDocEncoding where it differs from Latin 1. */
static unsigned pdfdoc_point(unsigned char byte)
{
    static const unsigned short low[8] = { 0x02D8, 0x02C7, 0x02C6, 0x02D9, 0x02DD, 0x02DB, 0x02DA, 0x02DC };
    static const unsigned short high[33] = {
        0x2022, 0x2020, 0x2021, 0x2026, 0x2014, 0x2013, 0x0192, 0x2044, 0x2039, 0x203A, 0x2212,
        0x2030, 0x201E, 0x201C, 0x201D, 0x2018, 0x2019, 0x201A, 0x2122, 0xFB01, 0xFB02, 0x0141,
        0x0152, 0x0160, 0x0178, 0x017D, 0x0131, 0x0142, 0x0153, 0x0161, 0x017E, 0xFFFD, 0x20AC };

    if (byte >= 0x18 && byte <= 0x1f)
        return low[byte - 0x18];
    if (byte >= 0x80 && byte <= 0xa0)
        return high[byte - 0x80];
    return byte;
}

const char *sgn_pdf_obj_text(const sgn_pdf_obj_t *obj, apr_pool_t *pool)
{
    sgn_buf_t *buf;
    sgn_bytes_t out;
    size_t i;

    if (!obj || obj->type != SGN_PDF_STRING)
        return NULL;
    if (obj->text.len >= 3 && memcmp(obj->text.data, "\xEF\xBB\xBF", 3) == 0
        && sgn_text_is_utf8((const char *)obj->text.data + 3, obj->text.len - 3))
        return apr_pstrmemdup(pool, (const char *)obj->text.data + 3, obj->text.len - 3);
    buf = sgn_buf_make(0, pool);
    if (obj->text.len >= 2 && ((obj->text.data[0] == 0xFE && obj->text.data[1] == 0xFF)
                               || (obj->text.data[0] == 0xFF && obj->text.data[1] == 0xFE))) {
        int little = obj->text.data[0] == 0xFF;

        for (i = 2; i + 1 < obj->text.len; i += 2) {
            unsigned unit = (unsigned)obj->text.data[i + little] << 8 | obj->text.data[i + !little];

            if (unit >= 0xD800 && unit < 0xDC00 && i + 3 < obj->text.len) {
                unsigned next = (unsigned)obj->text.data[i + 2 + little] << 8 | obj->text.data[i + 2 + !little];

                if (next >= 0xDC00 && next < 0xE000) {
                    unit = 0x10000 + ((unit - 0xD800) << 10) + (next - 0xDC00);
                    i += 2;
                }
            }
            if (unit == 0 || (unit >= 0xD800 && unit < 0xE000))
                unit = 0xFFFD;
            sgn_text_put(buf, unit);
        }
    }
    else {
        for (i = 0; i < obj->text.len; i++)
            sgn_text_put(buf, obj->text.data[i] ? pdfdoc_point(obj->text.data[i]) : 0xFFFD);
    }
    return sgn_buf_bytes(&out, buf) ? NULL : apr_pstrmemdup(pool, (const char *)out.data, out.len);
}

int sgn_pdf_obj_equal_but(const sgn_pdf_obj_t *a, const sgn_pdf_obj_t *b, const char *const *except)
{
    int i, k, counted[2] = { 0, 0 };

    if (!a)
        a = &null_object;
    if (!b)
        b = &null_object;
    if (a->type != b->type || a->is_stream != b->is_stream || a->doubles || b->doubles)
        return 0;
    switch (a->type) {
    case SGN_PDF_NULL:
        return 1;
    case SGN_PDF_BOOL:
    case SGN_PDF_INT:
        return a->number == b->number;
    case SGN_PDF_REAL:
        return a->real == b->real;
    case SGN_PDF_REF:
        return a->number == b->number && a->gen == b->gen;
    case SGN_PDF_NAME:
    case SGN_PDF_STRING:
        return sgn_bytes_equal(a->text, b->text);
    case SGN_PDF_ARRAY:
        if (a->count != b->count)
            return 0;
        for (i = 0; i < a->count; i++)
            if (!sgn_pdf_obj_equal(a->items[i], b->items[i]))
                return 0;
        return 1;
    case SGN_PDF_DICT:
        for (k = 0; k < 2; k++) {
            const sgn_pdf_obj_t *x = k ? b : a, *y = k ? a : b;

            for (i = 0; i < x->count; i++) {
                const char *const *e = except;

                while (e && *e && strcmp(*e, x->keys[i]) != 0)
                    e++;
                if ((e && *e) || x->items[i]->type == SGN_PDF_NULL)
                    continue;
                counted[k]++;
                if (k == 0 && !sgn_pdf_obj_equal(x->items[i], sgn_pdf_obj_get(y, x->keys[i])))
                    return 0;
            }
        }
        return counted[0] == counted[1];
    }
    return 0;
}

int sgn_pdf_obj_equal(const sgn_pdf_obj_t *a, const sgn_pdf_obj_t *b)
{
    return sgn_pdf_obj_equal_but(a, b, NULL);
}
