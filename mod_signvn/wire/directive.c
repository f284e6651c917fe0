/* directive.c: reading one directive, and the draft they are collected in. */
#include "wire/directive.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#include <apr_strings.h>

#include "base/text.h"
#include "wire/wire.h"

static const sgn_directive_t rows[] = {
#define SERVER(name, kind, absent, vi, en) \
    { #name, SGN_DIRECTIVE_SERVER, SGN_DIRECTIVE_##kind, absent, vi, en },
#define LOCATION(name, kind, absent, vi, en) \
    { #name, SGN_DIRECTIVE_LOCATION, SGN_DIRECTIVE_##kind, absent, vi, en },
#define AGENCY(name, kind, absent, vi, en) \
    { #name, SGN_DIRECTIVE_AGENCY, SGN_DIRECTIVE_##kind, absent, vi, en },
#include "base/directives.def"
#undef SERVER
#undef LOCATION
#undef AGENCY
};
#define ROWS ((int)(sizeof rows / sizeof rows[0]))
#define LONGEST 4096

const sgn_directive_t *sgn_directive_rows(int *count)
{
    *count = ROWS;
    return rows;
}

const sgn_directive_t *sgn_directive_find(const char *name)
{
    for (int i = 0; i < ROWS; i++)
        if (strcasecmp(rows[i].name, name) == 0)
            return &rows[i];
    return NULL;
}

static sgn_error_t *not_allowed(const sgn_directive_t *row, const char *value,
                                const char *allowed, apr_pool_t *pool)
{
    return SGN_ERROR(pool, SGN_CONFIG, "%s: '%.80s' is not allowed; allowed: %s", row->name,
                     sgn_text_log(value, pool), allowed);
}

static sgn_error_t *read_flag(json_t **out, const sgn_directive_t *row, const char *value, apr_pool_t *pool)
{
    int on = strcasecmp(value, "on") == 0;

    if (!on && strcasecmp(value, "off") != 0)
        return not_allowed(row, value, "On or Off", pool);
    *out = json_boolean(on);
    return NULL;
}

/* Digits and perhaps one letter of `units`, each with its factor. */
static int read_scaled(apr_int64_t *out, const char *value, const char *units, const apr_int64_t *factors)
{
    char *end;
    apr_int64_t number, factor = 1;

    if (!isdigit((unsigned char)*value))
        return 0;
    errno = 0;
    number = apr_strtoi64(value, &end, 10);
    if (errno)
        return 0;
    if (*end) {
        const char *unit = strchr(units, tolower((unsigned char)*end));

        if (!unit || end[1])
            return 0;
        factor = factors[unit - units];
    }
    if (number > APR_INT64_MAX / factor)
        return 0;
    *out = number * factor;
    return 1;
}

static sgn_error_t *read_size(json_t **out, const sgn_directive_t *row, const char *value, apr_pool_t *pool)
{
    static const apr_int64_t factors[] = { 1 << 10, 1 << 20, 1 << 30 };
    apr_int64_t bytes;

    if (!read_scaled(&bytes, value, "kmg", factors) || bytes < 1)
        return not_allowed(row, value, "a size above 0 in bytes, or with K, M or G, like 64M", pool);
    *out = json_integer(bytes);
    return NULL;
}

static sgn_error_t *read_time(json_t **out, const sgn_directive_t *row, const char *value, apr_pool_t *pool)
{
    static const apr_int64_t factors[] = { 1, 60, 3600, 86400 };
    apr_int64_t seconds;

    if (!read_scaled(&seconds, value, "smhd", factors))
        return not_allowed(row, value, "a time in seconds, or with s, m, h or d, like 15m", pool);
    *out = json_integer(seconds);
    return NULL;
}

static sgn_error_t *read_number(json_t **out, const sgn_directive_t *row, const char *value, apr_pool_t *pool)
{
    apr_int64_t number;

    if (!read_scaled(&number, value, "", NULL) || number > APR_INT32_MAX)
        return not_allowed(row, value, "a whole number, 0 or more", pool);
    *out = json_integer(number);
    return NULL;
}

static sgn_error_t *read_path(json_t **out, const sgn_directive_t *row, const char *value, apr_pool_t *pool)
{
    if (*value != '/' || strstr(value, "/../") || (strlen(value) >= 3 && strcmp(value + strlen(value) - 3, "/..") == 0))
        return not_allowed(row, value, "an absolute path without ..", pool);
    *out = json_string(value);
    return NULL;
}

static sgn_error_t *read_text(json_t **out, const sgn_directive_t *row, const char *value, apr_pool_t *pool)
{
    if (!*value)
        return not_allowed(row, value, "a word that is not empty", pool);
    *out = json_string(value);
    return NULL;
}

/* The words are in the row's default: "first|second|...". */
static sgn_error_t *read_choice(json_t **out, const sgn_directive_t *row, const char *value, apr_pool_t *pool)
{
    char *state, *words = apr_pstrdup(pool, row->absent);

    for (char *word = apr_strtok(words, "|", &state); word; word = apr_strtok(NULL, "|", &state))
        if (strcasecmp(word, value) == 0) {
            *out = json_string(word);
            return NULL;
        }
    return not_allowed(row, value, row->absent, pool);
}

static sgn_error_t *read_words(json_t **out, const sgn_directive_t *row, int argc, const char *const *argv, apr_pool_t *pool)
{
    json_t *list = json_array();

    *out = list;
    if (row->kind == SGN_DIRECTIVE_LINES) {
        json_array_append_new(list, json_string(apr_pstrcat(pool, argv[0],
            argc > 1 ? " " : NULL, argc > 1 ? argv[1] : NULL,
            argc > 2 ? " " : NULL, argc > 2 ? argv[2] : NULL, NULL)));
        return argc > 3 ? SGN_ERROR(pool, SGN_CONFIG, "%s: at most three words, quote what holds spaces", row->name) : NULL;
    }
    for (int i = 0; i < argc; i++) {
        if (!*argv[i])
            return not_allowed(row, argv[i], "words that are not empty", pool);
        json_array_append_new(list, json_string(argv[i]));
    }
    return NULL;
}

/* One reader per kind; NULL: read_words, which takes the whole line. */
static sgn_error_t *(*const readers[])(json_t **, const sgn_directive_t *, const char *, apr_pool_t *) = {
    [SGN_DIRECTIVE_FLAG] = read_flag, [SGN_DIRECTIVE_SIZE] = read_size,
    [SGN_DIRECTIVE_TIME] = read_time, [SGN_DIRECTIVE_NUMBER] = read_number,
    [SGN_DIRECTIVE_PATH] = read_path, [SGN_DIRECTIVE_TEXT] = read_text,
    [SGN_DIRECTIVE_LIST] = NULL, [SGN_DIRECTIVE_LINES] = NULL,
    [SGN_DIRECTIVE_CHOICE] = read_choice,
};

sgn_error_t *sgn_directive_read(json_t **out, const sgn_directive_t *row,
                                int argc, const char *const *argv, apr_pool_t *pool)
{
    json_t *value = NULL;
    sgn_error_t *error;
    const char *only;

    if (argc < 1)
        return SGN_ERROR(pool, SGN_CONFIG, "%s needs a value", row->name);
    for (int i = 0; i < argc; i++)
        if (strlen(argv[i]) > LONGEST || !sgn_text_is_utf8(argv[i], strlen(argv[i])))
            return SGN_ERROR(pool, SGN_CONFIG, "%s: a value is at most %d bytes of UTF-8", row->name, LONGEST);
    if (!readers[row->kind]) {
        error = read_words(&value, row, argc, argv, pool);
    }
    else {
        /* Two bare words of a TEXT ("daily 01:30") are one text. */
        only = argv[0];
        if (row->kind == SGN_DIRECTIVE_TEXT && argc == 2)
            only = apr_pstrcat(pool, argv[0], " ", argv[1], NULL);
        else if (argc > 1)
            return SGN_ERROR(pool, SGN_CONFIG, "%s takes one value, %d were given", row->name, argc);
        error = readers[row->kind](&value, row, only, pool);
    }
    if (value)
        sgn_json_own(value, pool);
    if (!error)
        *out = value;
    return error;
}

json_t *sgn_directive_absent(const sgn_directive_t *row, apr_pool_t *pool)
{
    json_t *value = NULL;
    char *first;
    const char *argv[1];

    if (row->kind == SGN_DIRECTIVE_LIST || row->kind == SGN_DIRECTIVE_LINES)
        return sgn_json_array(pool);
    if (!row->absent)
        return json_null();
    first = apr_pstrdup(pool, row->absent);
    if (row->kind == SGN_DIRECTIVE_CHOICE && strchr(first, '|'))
        *strchr(first, '|') = '\0';
    argv[0] = first;
    return sgn_directive_read(&value, row, 1, argv, pool) ? json_null() : value;
}

json_t *sgn_directive_draft(apr_pool_t *pool)
{
    json_t *draft = sgn_json_object(pool);

    sgn_json_set_int(draft, "v", SGN_WIRE_VERSION);
    json_object_set_new(draft, "server", json_object());
    json_object_set_new(draft, "agencies", json_array());
    json_object_set_new(draft, "places", json_object());
    return draft;
}

sgn_error_t *sgn_directive_agency(json_t **agency, json_t *draft, const char *code,
                                  const char *file, int line, apr_pool_t *pool)
{
    json_t *agencies = json_object_get(draft, "agencies"), *other, *made;
    size_t i, len = strlen(code);

    for (i = 0; i < len; i++)
        if (!isalnum((unsigned char)code[i]) && !strchr(".-_", code[i]))
            break;
    if (!len || i < len || len > 64 || !isalnum((unsigned char)code[0]))
        return SGN_ERROR(pool, SGN_CONFIG, "<SignVNAgency>: '%.80s' is not allowed; allowed: a code of letters, digits, . - _ like \"H57.28\"",
                         sgn_text_log(code, pool));
    json_array_foreach(agencies, i, other)
        if (strcmp(json_string_value(json_object_get(other, "code")), code) == 0)
            return SGN_ERROR(pool, SGN_CONFIG, "<SignVNAgency \"%s\"> was opened before at %s:%d", code,
                             json_string_value(json_object_get(other, "file")),
                             (int)json_integer_value(json_object_get(other, "line")));
    made = json_object();
    sgn_json_set_str(made, "code", code);
    sgn_json_set_str(made, "file", file);
    sgn_json_set_int(made, "line", line);
    json_object_set_new(made, "places", json_object());
    json_array_append_new(agencies, made);
    *agency = made;
    return NULL;
}

sgn_error_t *sgn_directive_set(json_t *draft, json_t *agency, const sgn_directive_t *row,
                               int argc, const char *const *argv,
                               const char *file, int line, apr_pool_t *pool)
{
    json_t *into = agency ? agency : json_object_get(draft, "server"), *value, *held;

    if (row->scope == SGN_DIRECTIVE_AGENCY && !agency)
        return SGN_ERROR(pool, SGN_CONFIG, "%s stands only inside <SignVNAgency \"code\">", row->name);
    if (row->scope == SGN_DIRECTIVE_SERVER && agency)
        return SGN_ERROR(pool, SGN_CONFIG, "%s is for the whole server and stands outside <SignVNAgency>", row->name);
    SGN_TRY(sgn_directive_read(&value, row, argc, argv, pool));
    held = json_object_get(into, row->name);
    if (held && json_is_array(held))
        json_array_extend(held, value);
    else
        sgn_json_set(into, row->name, value);
    sgn_json_set_str(json_object_get(agency ? agency : draft, "places"), row->name,
                     apr_psprintf(pool, "%s:%d", file, line));
    return NULL;
}

void sgn_directive_refuse(json_t *agency, const char *reason)
{
    if (!json_object_get(agency, "refused"))
        sgn_json_set_str(agency, "refused", reason);
}
