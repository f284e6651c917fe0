/* json.c: jansson behind limits and named errors. */
#include "base/json.h"

#include <string.h>

#include <apr_strings.h>

#include "base/pool.h"

#define DEPTH_LIMIT 64

/* jansson's own limit is a compile-time 2048: measured before it parses. */
static int too_deep(sgn_bytes_t text)
{
    int depth = 0, in_string = 0;

    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = text.data[i];

        if (in_string) {
            if (c == '\\')
                i++;
            else if (c == '"')
                in_string = 0;
        } else if (c == '"') {
            in_string = 1;
        } else if (c == '{' || c == '[') {
            if (++depth > DEPTH_LIMIT)
                return 1;
        } else if (c == '}' || c == ']') {
            depth--;
        }
    }
    return 0;
}

sgn_error_t *sgn_json_parse(json_t **out, sgn_bytes_t text, size_t limit, apr_pool_t *pool)
{
    json_error_t error;
    json_t *value;

    if (text.len > limit)
        return SGN_ERROR(pool, SGN_TOO_LARGE, "JSON of %" APR_SIZE_T_FMT " bytes, limit %" APR_SIZE_T_FMT,
                         text.len, limit);
    if (too_deep(text))
        return SGN_ERROR(pool, SGN_JSON_SYNTAX, "deeper than %d", DEPTH_LIMIT);
    value = json_loadb((const char *)text.data, text.len,
                       JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);
    if (!value)
        return SGN_ERROR(pool, SGN_JSON_SYNTAX, "line %d column %d: %s", error.line, error.column, error.text);
    *out = sgn_json_own(value, pool);
    return NULL;
}

static const char *print(const json_t *value, size_t flags, apr_pool_t *pool)
{
    char *text = json_dumps(value, flags | JSON_ENCODE_ANY);

    if (!text)
        return "null";
    SGN_OWN(pool, text, free);
    return text;
}

const char *sgn_json_print(const json_t *value, apr_pool_t *pool)
{
    return print(value, JSON_COMPACT, pool);
}

const char *sgn_json_print_sorted(const json_t *value, apr_pool_t *pool)
{
    return print(value, JSON_COMPACT | JSON_SORT_KEYS, pool);
}

const char *sgn_json_print_pretty(const json_t *value, apr_pool_t *pool)
{
    return apr_pstrcat(pool, print(value, JSON_INDENT(2) | JSON_SORT_KEYS, pool), "\n", NULL);
}

static void drop(void *value)
{
    json_decref(value);
}

json_t *sgn_json_own(json_t *value, apr_pool_t *pool)
{
    sgn_pool_own(pool, value, drop);
    return value;
}

json_t *sgn_json_object(apr_pool_t *pool)
{
    return sgn_json_own(json_object(), pool);
}

json_t *sgn_json_array(apr_pool_t *pool)
{
    return sgn_json_own(json_array(), pool);
}

static sgn_error_t *wrong(const char *key, const char *want, apr_pool_t *pool)
{
    return SGN_ERROR(pool, SGN_FIELD, "%s: %s wanted", key, want);
}

/* NULL when absent or null. */
static json_t *member(const json_t *object, const char *key)
{
    json_t *value = json_object_get(object, key);

    return json_is_null(value) ? NULL : value;
}

sgn_error_t *sgn_json_get_str(const char **out, const json_t *object, const char *key, apr_pool_t *pool)
{
    json_t *value = member(object, key);

    if (!json_is_string(value))
        return wrong(key, "a string", pool);
    *out = json_string_value(value);
    return NULL;
}

sgn_error_t *sgn_json_find_str(const char **out, const json_t *object, const char *key,
                               const char *absent, apr_pool_t *pool)
{
    *out = absent;
    return member(object, key) ? sgn_json_get_str(out, object, key, pool) : NULL;
}

sgn_error_t *sgn_json_get_int(apr_int64_t *out, const json_t *object, const char *key, apr_pool_t *pool)
{
    json_t *value = member(object, key);

    if (!json_is_integer(value))
        return wrong(key, "an integer", pool);
    *out = json_integer_value(value);
    return NULL;
}

sgn_error_t *sgn_json_find_int(apr_int64_t *out, const json_t *object, const char *key,
                               apr_int64_t absent, apr_pool_t *pool)
{
    *out = absent;
    return member(object, key) ? sgn_json_get_int(out, object, key, pool) : NULL;
}

sgn_error_t *sgn_json_find_bool(int *out, const json_t *object, const char *key, int absent, apr_pool_t *pool)
{
    json_t *value = member(object, key);

    *out = absent;
    if (!value)
        return NULL;
    if (!json_is_boolean(value))
        return wrong(key, "true or false", pool);
    *out = json_is_true(value);
    return NULL;
}

sgn_error_t *sgn_json_get_number(double *out, const json_t *object, const char *key, apr_pool_t *pool)
{
    json_t *value = member(object, key);

    if (!json_is_number(value))
        return wrong(key, "a number", pool);
    *out = json_number_value(value);
    return NULL;
}

sgn_error_t *sgn_json_get_object(json_t **out, const json_t *object, const char *key, apr_pool_t *pool)
{
    json_t *value = member(object, key);

    if (!json_is_object(value))
        return wrong(key, "an object", pool);
    *out = value;
    return NULL;
}

sgn_error_t *sgn_json_find_object(json_t **out, const json_t *object, const char *key, apr_pool_t *pool)
{
    *out = NULL;
    return member(object, key) ? sgn_json_get_object(out, object, key, pool) : NULL;
}

sgn_error_t *sgn_json_get_array(json_t **out, const json_t *object, const char *key, apr_pool_t *pool)
{
    json_t *value = member(object, key);

    if (!json_is_array(value))
        return wrong(key, "an array", pool);
    *out = value;
    return NULL;
}

sgn_error_t *sgn_json_find_array(json_t **out, const json_t *object, const char *key, apr_pool_t *pool)
{
    *out = NULL;
    return member(object, key) ? sgn_json_get_array(out, object, key, pool) : NULL;
}

sgn_error_t *sgn_json_get_bytes(sgn_bytes_t *out, const json_t *object, const char *key, apr_pool_t *pool)
{
    const char *text;
    sgn_error_t *error;

    SGN_TRY(sgn_json_get_str(&text, object, key, pool));
    error = sgn_bytes_from_base64(out, text, pool);
    return error ? SGN_WRAP(pool, error, SGN_FIELD, "%s: base64 wanted", key) : NULL;
}

sgn_error_t *sgn_json_find_bytes(sgn_bytes_t *out, const json_t *object, const char *key, apr_pool_t *pool)
{
    *out = sgn_bytes(NULL, 0);
    return member(object, key) ? sgn_json_get_bytes(out, object, key, pool) : NULL;
}

void sgn_json_set_str(json_t *object, const char *key, const char *value)
{
    if (value)
        json_object_set_new(object, key, json_string(value));
}

void sgn_json_set_int(json_t *object, const char *key, apr_int64_t value)
{
    json_object_set_new(object, key, json_integer(value));
}

void sgn_json_set_bool(json_t *object, const char *key, int value)
{
    json_object_set_new(object, key, json_boolean(value));
}

void sgn_json_set_bytes(json_t *object, const char *key, sgn_bytes_t value, apr_pool_t *pool)
{
    json_object_set_new(object, key, json_string(sgn_bytes_base64(value, pool)));
}

void sgn_json_set(json_t *object, const char *key, json_t *borrowed)
{
    if (borrowed)
        json_object_set(object, key, borrowed);
}
