/* Values read from their text [ISO 32000-2, 7.3]. */
#include "look/format/pdf_obj.h"

#include <stdlib.h>
#include <string.h>

#include <apr_hash.h>
#include <apr_strings.h>

static const sgn_pdf_obj_t null_object = { .type = SGN_PDF_NULL };

static int hex_value(unsigned char byte)
{
    static const signed char values[256] = {        /* one more than the digit */
        ['0'] = 1, ['1'] = 2, ['2'] = 3, ['3'] = 4, ['4'] = 5, ['5'] = 6, ['6'] = 7, ['7'] = 8, ['8'] = 9, ['9'] = 10,
        ['a'] = 11, ['b'] = 12, ['c'] = 13, ['d'] = 14, ['e'] = 15, ['f'] = 16,
        ['A'] = 11, ['B'] = 12, ['C'] = 13, ['D'] = 14, ['E'] = 15, ['F'] = 16,
    };

    return values[byte] - 1;
}

static sgn_pdf_obj_t *make(sgn_pdf_type_t type, apr_pool_t *pool)
{
    sgn_pdf_obj_t *obj = apr_pcalloc(pool, sizeof *obj);

    obj->type = type;
    return obj;
}

static const char *decode_name(size_t *len, const unsigned char *text, size_t size, apr_pool_t *pool)
{
    char *out = apr_palloc(pool, size + 1);
    size_t i, n = 0;

    for (i = 0; i < size; i++) {
        /* "#00" stays as written: a NUL would cut the name */
        if (text[i] == '#' && i + 2 < size && hex_value(text[i + 1]) >= 0 && hex_value(text[i + 2]) >= 0
            && hex_value(text[i + 1]) + hex_value(text[i + 2]) > 0) {
            out[n++] = (char)(hex_value(text[i + 1]) * 16 + hex_value(text[i + 2]));
            i += 2;
        }
        else {
            out[n++] = (char)text[i];
        }
    }
    out[n] = 0;
    *len = n;
    return out;
}

/* [ISO 32000-2, 7.3.4.2] text between the outer parentheses. */
static sgn_bytes_t decode_string(const unsigned char *text, size_t size, apr_pool_t *pool)
{
    unsigned char *out = apr_palloc(pool, size + 1);
    size_t i, n = 0;

    for (i = 0; i < size; i++) {
        int byte = text[i];

        if (byte == '\r') {
            if (i + 1 < size && text[i + 1] == '\n')
                i++;
            out[n++] = '\n';
        }
        else if (byte != '\\' || i + 1 >= size) {
            out[n++] = (unsigned char)byte;
        }
        else {
            byte = text[++i];
            if (byte >= '0' && byte <= '7') {
                int value = 0, k;

                for (k = 0; k < 3 && i < size && text[i] >= '0' && text[i] <= '7'; k++)
                    value = value * 8 + (text[i++] - '0');
                i--;
                out[n++] = (unsigned char)value;
            }
            else if (byte == '\r') {
                if (i + 1 < size && text[i + 1] == '\n')
                    i++;
            }
            else if (byte != '\n') {
                out[n++] = byte == 'n' ? '\n' : byte == 'r' ? '\r' : byte == 't' ? '\t'
                         : byte == 'b' ? '\b' : byte == 'f' ? '\f' : (unsigned char)byte;
            }
        }
    }
    out[n] = 0;
    return sgn_bytes(out, n);
}

static sgn_bytes_t decode_hex(const unsigned char *text, size_t size, apr_pool_t *pool)
{
    unsigned char *out = apr_palloc(pool, size / 2 + 2);
    size_t i = 0, n = 0;
    int half = -1;

    /* two digits side by side, as nearly all are */
    while (i + 1 < size && (hex_value(text[i]) | hex_value(text[i + 1])) >= 0) {
        out[n++] = (unsigned char)(hex_value(text[i]) * 16 + hex_value(text[i + 1]));
        i += 2;
    }
    for (; i < size; i++) {
        int value = hex_value(text[i]);

        if (value < 0)
            continue;
        if (half < 0) {
            half = value;
        }
        else {
            out[n++] = (unsigned char)(half * 16 + value);
            half = -1;
        }
    }
    if (half >= 0)
        out[n++] = (unsigned char)(half * 16);
    out[n] = 0;
    return sgn_bytes(out, n);
}

/* A list that doubles. */
typedef struct {
    const sgn_pdf_obj_t **items;
    const char **keys;
    int count, room;
} list_t;

static void list_add(list_t *list, const char *key, const sgn_pdf_obj_t *item, apr_pool_t *pool)
{
    if (list->count == list->room) {
        int room = list->room ? list->room * 2 : 8;
        const sgn_pdf_obj_t **items = apr_palloc(pool, room * sizeof *items);
        const char **keys = apr_palloc(pool, room * sizeof *keys);

        if (list->count) {
            memcpy(items, list->items, list->count * sizeof *items);
            memcpy(keys, list->keys, list->count * sizeof *keys);
        }
        list->items = items;
        list->keys = keys;
        list->room = room;
    }
    list->items[list->count] = item;
    list->keys[list->count++] = key;
}

static sgn_error_t *parse(const sgn_pdf_obj_t **out, sgn_pdf_lex_t *lex, sgn_pdf_token_t token,
                          int depth, apr_pool_t *pool);

static sgn_error_t *parse_array(const sgn_pdf_obj_t **out, sgn_pdf_lex_t *lex, int depth, apr_pool_t *pool)
{
    sgn_pdf_obj_t *array = make(SGN_PDF_ARRAY, pool);
    list_t list = { 0 };

    for (;;) {
        sgn_pdf_token_t token = sgn_pdf_lex_next(lex);
        const sgn_pdf_obj_t *item;

        if (token.type == SGN_PDF_TOKEN_ARRAY_CLOSE)
            break;
        SGN_TRY(parse(&item, lex, token, depth + 1, pool));
        list_add(&list, NULL, item, pool);
    }
    array->items = list.items;
    array->count = list.count;
    *out = array;
    return NULL;
}

/* Is the key in the list already?  Then, or when there are few, nothing is kept. */
static int is_known(apr_hash_t **known, const list_t *list, const char *key, apr_pool_t *pool)
{
    int i;

    if (list->count < 32) {
        for (i = 0; i < list->count; i++)
            if (strcmp(list->keys[i], key) == 0)
                return 1;
        return 0;
    }
    if (!*known) {
        *known = apr_hash_make(pool);
        for (i = 0; i < list->count; i++)
            apr_hash_set(*known, list->keys[i], APR_HASH_KEY_STRING, list->keys[i]);
    }
    if (apr_hash_get(*known, key, APR_HASH_KEY_STRING))
        return 1;
    apr_hash_set(*known, key, APR_HASH_KEY_STRING, key);
    return 0;
}

static sgn_error_t *parse_dict(const sgn_pdf_obj_t **out, sgn_pdf_lex_t *lex, int depth, apr_pool_t *pool)
{
    sgn_pdf_obj_t *dict = make(SGN_PDF_DICT, pool);
    apr_hash_t *known = NULL;       /* keys, once there are many */
    list_t list = { 0 };

    for (;;) {
        sgn_pdf_token_t token = sgn_pdf_lex_next(lex);
        const sgn_pdf_obj_t *item;
        const char *key;
        size_t len;

        if (token.type == SGN_PDF_TOKEN_DICT_CLOSE)
            break;
        if (token.type != SGN_PDF_TOKEN_NAME)
            return SGN_ERROR(pool, SGN_DOCUMENT_DAMAGED, "a dictionary key is no name at byte %lu",
                             (unsigned long)token.start);
        key = decode_name(&len, lex->base + token.start + 1, token.end - token.start - 1, pool);
        SGN_TRY(parse(&item, lex, sgn_pdf_lex_next(lex), depth + 1, pool));
        if (is_known(&known, &list, key, pool))
            dict->doubles = 1;
        else
            list_add(&list, key, item, pool);
        if (list.count > 10000)
            return SGN_ERROR(pool, SGN_DOCUMENT_LIMIT, "a dictionary has more than 10000 keys");
    }
    dict->items = list.items;
    dict->keys = list.keys;
    dict->count = list.count;
    *out = dict;
    return NULL;
}

static sgn_error_t *parse(const sgn_pdf_obj_t **out, sgn_pdf_lex_t *lex, sgn_pdf_token_t token,
                          int depth, apr_pool_t *pool)
{
    const unsigned char *text = lex->base + token.start;
    size_t size = token.end - token.start;
    sgn_pdf_obj_t *obj;

    if (depth > SGN_PDF_DEPTH)
        return SGN_ERROR(pool, SGN_DOCUMENT_LIMIT, "values nest deeper than %d", SGN_PDF_DEPTH);
    switch (token.type) {
    case SGN_PDF_TOKEN_ARRAY_OPEN:
        return parse_array(out, lex, depth, pool);
    case SGN_PDF_TOKEN_DICT_OPEN:
        return parse_dict(out, lex, depth, pool);
    case SGN_PDF_TOKEN_INT: {
        sgn_pdf_lex_t ahead = *lex;
        sgn_pdf_token_t gen;

        obj = make(SGN_PDF_INT, pool);
        obj->number = token.number;
        obj->real = (double)token.number;
        gen = sgn_pdf_lex_next(&ahead);
        if (token.number >= 0 && token.number <= 0x7fffffff && gen.type == SGN_PDF_TOKEN_INT
            && gen.number >= 0 && gen.number <= 65535) {
            sgn_pdf_token_t word = sgn_pdf_lex_next(&ahead);

            if (sgn_pdf_lex_is(&ahead, word, "R")) {
                obj->type = SGN_PDF_REF;
                obj->gen = (int)gen.number;
                *lex = ahead;
            }
        }
        *out = obj;
        return NULL;
    }
    case SGN_PDF_TOKEN_REAL:
        obj = make(SGN_PDF_REAL, pool);
        obj->text = sgn_bytes(apr_pstrmemdup(pool, (const char *)text, size), size);
        obj->real = strtod((const char *)obj->text.data, NULL);
        *out = obj;
        return NULL;
    case SGN_PDF_TOKEN_NAME:
        obj = make(SGN_PDF_NAME, pool);
        obj->text.data = (const unsigned char *)decode_name(&obj->text.len, text + 1, size - 1, pool);
        *out = obj;
        return NULL;
    case SGN_PDF_TOKEN_STRING:
        obj = make(SGN_PDF_STRING, pool);
        obj->text = decode_string(text + 1, size - 2, pool);
        *out = obj;
        return NULL;
    case SGN_PDF_TOKEN_HEX:
        obj = make(SGN_PDF_STRING, pool);
        obj->text = decode_hex(text + 1, size - 2, pool);
        *out = obj;
        return NULL;
    case SGN_PDF_TOKEN_WORD:
        if (sgn_pdf_lex_is(lex, token, "true") || sgn_pdf_lex_is(lex, token, "false")) {
            obj = make(SGN_PDF_BOOL, pool);
            obj->number = text[0] == 't';
            *out = obj;
            return NULL;
        }
        if (sgn_pdf_lex_is(lex, token, "null")) {
            *out = &null_object;
            return NULL;
        }
        break;
    default:
        break;
    }
    return SGN_ERROR(pool, SGN_DOCUMENT_DAMAGED, "no value at byte %lu", (unsigned long)token.start);
}

sgn_error_t *sgn_pdf_obj_parse(const sgn_pdf_obj_t **out, sgn_pdf_lex_t *lex, apr_pool_t *pool)
{
    return parse(out, lex, sgn_pdf_lex_next(lex), 0, pool);
}
