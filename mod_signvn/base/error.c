/* error.c: making, copying and printing errors; the table of codes. */
#include "base/error.h"

#include <stdarg.h>
#include <string.h>

#include <apr_strings.h>

static const sgn_code_row_t rows[] = {
#define CODE(id, name, number, status, vi, en) { SGN_##id, name, status, vi, en },
#include "base/codes.def"
#undef CODE
};

#define ROWS ((int)(sizeof rows / sizeof rows[0]))

const sgn_code_row_t *sgn_error_rows(int *count)
{
    *count = ROWS;
    return rows;
}

const sgn_code_row_t *sgn_error_row(sgn_code_t code)
{
    for (int i = 0; i < ROWS; i++)
        if (rows[i].code == code)
            return &rows[i];
    return sgn_error_row(SGN_INTERNAL);
}

const sgn_code_row_t *sgn_error_find(const char *name)
{
    for (int i = 0; i < ROWS; i++)
        if (strcmp(rows[i].name, name) == 0)
            return &rows[i];
    return NULL;
}

static sgn_error_t *make(apr_pool_t *pool, sgn_code_t code,
                         const sgn_error_t *cause, const char *file, int line,
                         const char *detail)
{
    sgn_error_t *error = apr_pcalloc(pool, sizeof *error);

    error->code = code;
    error->cause = cause;
    error->file = file;
    error->line = line;
    error->detail = detail;
    return error;
}

sgn_error_t *sgn_error_make(apr_pool_t *pool, sgn_code_t code,
                            const sgn_error_t *cause, const char *file,
                            int line, const char *format, ...)
{
    va_list args;
    const char *detail;

    va_start(args, format);
    detail = apr_pvsprintf(pool, format, args);
    va_end(args);
    return make(pool, code, cause, file, line, detail);
}

sgn_error_t *sgn_error_apr_make(apr_pool_t *pool, sgn_code_t code,
                                apr_status_t status, const char *file,
                                int line, const char *format, ...)
{
    char text[128];
    va_list args;
    const char *detail;

    va_start(args, format);
    detail = apr_pvsprintf(pool, format, args);
    va_end(args);
    apr_strerror(status, text, sizeof text);
    return make(pool, code, NULL, file, line,
                apr_pstrcat(pool, detail, ": ", text, NULL));
}

sgn_error_t *sgn_error_dup(const sgn_error_t *error, apr_pool_t *pool)
{
    if (!error)
        return NULL;
    return make(pool, error->code, sgn_error_dup(error->cause, pool),
                apr_pstrdup(pool, error->file), error->line,
                apr_pstrdup(pool, error->detail));
}

const char *sgn_error_chain(const sgn_error_t *error, apr_pool_t *pool)
{
    const char *text = "";

    for (; error; error = error->cause)
        text = apr_psprintf(pool, "%s%s%s: %s (%s:%d)", text,
                            *text ? " <- " : "",
                            sgn_error_row(error->code)->name, error->detail,
                            error->file, error->line);
    return text;
}
