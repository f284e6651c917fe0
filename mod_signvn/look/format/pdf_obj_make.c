/* PDF values: making, changing by copy, writing [ISO 32000-2, 7.3]. */
#include "look/format/pdf_obj.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <apr_strings.h>

#include "base/text.h"

static sgn_pdf_obj_t *make(sgn_pdf_type_t type, apr_pool_t *pool)
{
    sgn_pdf_obj_t *obj = apr_pcalloc(pool, sizeof *obj);

    obj->type = type;
    return obj;
}

const sgn_pdf_obj_t *sgn_pdf_obj_make_int(apr_int64_t value, apr_pool_t *pool)
{
    sgn_pdf_obj_t *obj = make(SGN_PDF_INT, pool);

    obj->number = value;
    obj->real = (double)value;
    return obj;
}

const char *sgn_pdf_obj_number(double value, apr_pool_t *pool)
{
    /* integer arithmetic: printf of doubles would follow the locale */
    apr_int64_t scaled = (apr_int64_t)llround(value * 10000.0), whole, part;
    int negative = scaled < 0;
    char fraction[8];
    int len;

    if (negative)
        scaled = -scaled;
    whole = scaled / 10000;
    part = scaled % 10000;
    if (!part)
        return apr_psprintf(pool, "%s%" APR_INT64_T_FMT, negative && whole ? "-" : "", whole);
    len = apr_snprintf(fraction, sizeof fraction, "%04d", (int)part);
    while (len > 1 && fraction[len - 1] == '0')
        fraction[--len] = 0;
    return apr_psprintf(pool, "%s%" APR_INT64_T_FMT ".%s", negative ? "-" : "", whole, fraction);
}

const sgn_pdf_obj_t *sgn_pdf_obj_make_number(double value, apr_pool_t *pool)
{
    const char *text = sgn_pdf_obj_number(value, pool);
    sgn_pdf_obj_t *obj = make(strchr(text, '.') ? SGN_PDF_REAL : SGN_PDF_INT, pool);

    obj->text = sgn_bytes_str(text);
    obj->real = strtod(text, NULL);
    obj->number = obj->type == SGN_PDF_INT ? (apr_int64_t)obj->real : 0;
    return obj;
}

const sgn_pdf_obj_t *sgn_pdf_obj_make_name(const char *name, apr_pool_t *pool)
{
    sgn_pdf_obj_t *obj = make(SGN_PDF_NAME, pool);

    obj->text = sgn_bytes_str(apr_pstrdup(pool, name));
    return obj;
}

const sgn_pdf_obj_t *sgn_pdf_obj_make_string(sgn_bytes_t bytes, apr_pool_t *pool)
{
    sgn_pdf_obj_t *obj = make(SGN_PDF_STRING, pool);

    obj->text = sgn_bytes(apr_pstrmemdup(pool, (const char *)bytes.data, bytes.len), bytes.len);
    return obj;
}

const sgn_pdf_obj_t *sgn_pdf_obj_make_text(const char *utf8, apr_pool_t *pool)
{
    const char *p;
    unsigned char *out;
    size_t n = 0;

    for (p = utf8; *p; p++)
        if ((unsigned char)*p >= 0x7f || (unsigned char)*p < 0x20)
            break;
    if (!*p)
        return sgn_pdf_obj_make_string(sgn_bytes_str(utf8), pool);
    out = apr_palloc(pool, 2 + 4 * strlen(utf8));
    out[n++] = 0xFE;
    out[n++] = 0xFF;
    for (p = utf8; *p; ) {
        unsigned point;
        int step = sgn_text_next(&point, p);

        if (step <= 0)
            break;
        p += step;
        if (point >= 0x10000) {
            unsigned high = 0xD800 + ((point - 0x10000) >> 10);

            out[n++] = (unsigned char)(high >> 8);
            out[n++] = (unsigned char)high;
            point = 0xDC00 + ((point - 0x10000) & 0x3ff);
        }
        out[n++] = (unsigned char)(point >> 8);
        out[n++] = (unsigned char)point;
    }
    return sgn_pdf_obj_make_string(sgn_bytes(out, n), pool);
}

const sgn_pdf_obj_t *sgn_pdf_obj_make_ref(int num, int gen, apr_pool_t *pool)
{
    sgn_pdf_obj_t *obj = make(SGN_PDF_REF, pool);

    obj->number = num;
    obj->gen = gen;
    return obj;
}

const sgn_pdf_obj_t *sgn_pdf_obj_make_array(apr_pool_t *pool)
{
    return make(SGN_PDF_ARRAY, pool);
}

const sgn_pdf_obj_t *sgn_pdf_obj_make_dict(apr_pool_t *pool)
{
    return make(SGN_PDF_DICT, pool);
}

const sgn_pdf_obj_t *sgn_pdf_obj_with(const sgn_pdf_obj_t *dict, const char *key,
                                      const sgn_pdf_obj_t *value, apr_pool_t *pool)
{
    sgn_pdf_obj_t *copy = make(SGN_PDF_DICT, pool);
    int i, room = (dict && dict->type == SGN_PDF_DICT ? dict->count : 0) + 1, placed = 0;

    if (dict && dict->type == SGN_PDF_DICT)
        copy->is_stream = dict->is_stream;
    copy->items = apr_palloc(pool, room * sizeof *copy->items);
    copy->keys = apr_palloc(pool, room * sizeof *copy->keys);
    for (i = 0; i < room - 1; i++) {
        const sgn_pdf_obj_t *item = dict->items[i];

        if (strcmp(dict->keys[i], key) == 0) {
            item = value;
            placed = 1;
        }
        if (item) {
            copy->keys[copy->count] = dict->keys[i];
            copy->items[copy->count++] = item;
        }
    }
    if (!placed && value) {
        copy->keys[copy->count] = apr_pstrdup(pool, key);
        copy->items[copy->count++] = value;
    }
    return copy;
}

const sgn_pdf_obj_t *sgn_pdf_obj_append(const sgn_pdf_obj_t *array, const sgn_pdf_obj_t *item,
                                        apr_pool_t *pool)
{
    sgn_pdf_obj_t *copy = make(SGN_PDF_ARRAY, pool);
    int count = array && array->type == SGN_PDF_ARRAY ? array->count : 0;

    copy->items = apr_palloc(pool, (count + 1) * sizeof *copy->items);
    if (count)
        memcpy(copy->items, array->items, count * sizeof *copy->items);
    copy->items[count] = item;
    copy->count = count + 1;
    return copy;
}

/* ---- writing --------------------------------------------------------------- */

static void write_name(sgn_buf_t *buf, const char *name)
{
    sgn_buf_byte(buf, '/');
    for (; *name; name++) {
        unsigned char byte = (unsigned char)*name;

        if (byte <= 0x20 || byte >= 0x7f || byte == '#' || sgn_pdf_lex_delimiter(byte))
            sgn_buf_printf(buf, "#%02X", byte);
        else
            sgn_buf_byte(buf, byte);
    }
}

static void write_string(sgn_buf_t *buf, sgn_bytes_t text)
{
    size_t i;

    for (i = 0; i < text.len; i++)
        if (text.data[i] < 0x20 || text.data[i] >= 0x7f)
            break;
    if (i < text.len) {
        static const char digits[] = "0123456789ABCDEF";

        sgn_buf_byte(buf, '<');
        for (i = 0; i < text.len; i++) {
            sgn_buf_byte(buf, digits[text.data[i] >> 4]);
            sgn_buf_byte(buf, digits[text.data[i] & 15]);
        }
        sgn_buf_byte(buf, '>');
        return;
    }
    sgn_buf_byte(buf, '(');
    for (i = 0; i < text.len; i++) {
        if (text.data[i] == '(' || text.data[i] == ')' || text.data[i] == '\\')
            sgn_buf_byte(buf, '\\');
        sgn_buf_byte(buf, text.data[i]);
    }
    sgn_buf_byte(buf, ')');
}

void sgn_pdf_obj_write(sgn_buf_t *buf, const sgn_pdf_obj_t *obj)
{
    int i;

    switch (obj->type) {
    case SGN_PDF_NULL:
        sgn_buf_str(buf, "null");
        return;
    case SGN_PDF_BOOL:
        sgn_buf_str(buf, obj->number ? "true" : "false");
        return;
    case SGN_PDF_INT:
        sgn_buf_printf(buf, "%" APR_INT64_T_FMT, obj->number);
        return;
    case SGN_PDF_REAL:
        sgn_buf_add(buf, obj->text.data, obj->text.len);
        return;
    case SGN_PDF_NAME:
        write_name(buf, (const char *)obj->text.data);
        return;
    case SGN_PDF_STRING:
        write_string(buf, obj->text);
        return;
    case SGN_PDF_REF:
        sgn_buf_printf(buf, "%" APR_INT64_T_FMT " %d R", obj->number, obj->gen);
        return;
    case SGN_PDF_ARRAY:
        sgn_buf_byte(buf, '[');
        for (i = 0; i < obj->count; i++) {
            if (i)
                sgn_buf_byte(buf, ' ');
            sgn_pdf_obj_write(buf, obj->items[i]);
        }
        sgn_buf_byte(buf, ']');
        return;
    case SGN_PDF_DICT:
        sgn_buf_str(buf, "<<");
        for (i = 0; i < obj->count; i++) {
            write_name(buf, obj->keys[i]);
            sgn_buf_byte(buf, ' ');
            sgn_pdf_obj_write(buf, obj->items[i]);
        }
        sgn_buf_str(buf, ">>");
        return;
    }
}
