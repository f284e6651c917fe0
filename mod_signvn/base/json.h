/*
 * json.h: jansson with limits and typed getters whose errors name the member.
 *
 * Objects are owned by a pool.  Parsing refuses: more than `limit` bytes,
 * depth over 64, duplicate keys, bytes after the value, NUL in strings and
 * text that is not UTF-8.  Borrowed strings live as long as their json_t.
 */
#ifndef SGN_BASE_JSON_H
#define SGN_BASE_JSON_H

#include <jansson.h>

#include "base/buf.h"

/* SGN_JSON_SYNTAX with line and column, SGN_TOO_LARGE. */
sgn_error_t *sgn_json_parse(json_t **out, sgn_bytes_t text, size_t limit, apr_pool_t *pool);

/* Compact, keys in insertion order / sorted (for hashing and files). */
const char *sgn_json_print(const json_t *value, apr_pool_t *pool);
const char *sgn_json_print_sorted(const json_t *value, apr_pool_t *pool);
/* Indented and sorted, ending in LF: for files that people read. */
const char *sgn_json_print_pretty(const json_t *value, apr_pool_t *pool);

/* The pool drops the reference.  Returns its argument. */
json_t *sgn_json_own(json_t *value, apr_pool_t *pool);
json_t *sgn_json_object(apr_pool_t *pool);
json_t *sgn_json_array(apr_pool_t *pool);

/* get: the member must be there and of the type, else SGN_FIELD naming it.
 * find: absent (or null) gives the default; another type is SGN_FIELD. */
sgn_error_t *sgn_json_get_str(const char **out, const json_t *object, const char *key, apr_pool_t *pool);
sgn_error_t *sgn_json_find_str(const char **out, const json_t *object, const char *key, const char *absent, apr_pool_t *pool);
sgn_error_t *sgn_json_get_int(apr_int64_t *out, const json_t *object, const char *key, apr_pool_t *pool);
sgn_error_t *sgn_json_find_int(apr_int64_t *out, const json_t *object, const char *key, apr_int64_t absent, apr_pool_t *pool);
sgn_error_t *sgn_json_find_bool(int *out, const json_t *object, const char *key, int absent, apr_pool_t *pool);
/* Integer or real. */
sgn_error_t *sgn_json_get_number(double *out, const json_t *object, const char *key, apr_pool_t *pool);
sgn_error_t *sgn_json_get_object(json_t **out, const json_t *object, const char *key, apr_pool_t *pool);
sgn_error_t *sgn_json_find_object(json_t **out, const json_t *object, const char *key, apr_pool_t *pool);
sgn_error_t *sgn_json_get_array(json_t **out, const json_t *object, const char *key, apr_pool_t *pool);
sgn_error_t *sgn_json_find_array(json_t **out, const json_t *object, const char *key, apr_pool_t *pool);
/* Base64 member. */
sgn_error_t *sgn_json_get_bytes(sgn_bytes_t *out, const json_t *object, const char *key, apr_pool_t *pool);
sgn_error_t *sgn_json_find_bytes(sgn_bytes_t *out, const json_t *object, const char *key, apr_pool_t *pool);

/* Setters that take borrowed values; NULL text sets nothing. */
void sgn_json_set_str(json_t *object, const char *key, const char *value);
void sgn_json_set_int(json_t *object, const char *key, apr_int64_t value);
void sgn_json_set_bool(json_t *object, const char *key, int value);
void sgn_json_set_bytes(json_t *object, const char *key, sgn_bytes_t value, apr_pool_t *pool);
void sgn_json_set(json_t *object, const char *key, json_t *borrowed);

#endif
