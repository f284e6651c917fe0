/*
 * error.h: the one error object of the tree.
 *
 * A call that can fail returns sgn_error_t *; NULL is success.  An error has a
 * code (a row of codes.def), one line of detail, the place it was made and,
 * where a caller added knowledge, its cause.  It lives in the pool that was
 * passed to the failing call, so nothing is ever freed.
 *
 * Not here: a bad signature.  That is a finding in a report (look/validate);
 * an error means "could not look".
 *
 * Order of use: SGN_ERROR() where it is found, SGN_TRY() on the way up,
 * SGN_WRAP() only by a caller that adds knowledge, sgn_error_chain() once in
 * the face that logs it.
 */
#ifndef SGN_BASE_ERROR_H
#define SGN_BASE_ERROR_H

#include <apr_pools.h>
#include <apr_errno.h>

typedef enum {
    SGN_OK = 0,
#define CODE(id, name, number, status, vi, en) SGN_##id = number,
#include "base/codes.def"
#undef CODE
    SGN_CODE_END
} sgn_code_t;

/* One row of codes.def.  `status` is the HTTP status of an answer that carries
 * it; 0 marks a finding of a report, which never is an answer by itself. */
typedef struct {
    sgn_code_t code;
    const char *name;   /* stable, public: "order.seal-before-person" */
    int status;
    const char *vi;     /* what happened, then what to do */
    const char *en;
} sgn_code_row_t;

typedef struct sgn_error_t sgn_error_t;
struct sgn_error_t {
    sgn_code_t code;
    const char *detail;         /* one line, no secrets, no personal data */
    const char *file;
    int line;
    const sgn_error_t *cause;   /* NULL at the root */
};

/* The row of a code; unknown numbers give the row of INTERNAL, never NULL. */
const sgn_code_row_t *sgn_error_row(sgn_code_t code);

/* The row of a public name, NULL when there is none. */
const sgn_code_row_t *sgn_error_find(const char *name);

/* All rows in table order; *count is set. */
const sgn_code_row_t *sgn_error_rows(int *count);

sgn_error_t *sgn_error_make(apr_pool_t *pool, sgn_code_t code,
                            const sgn_error_t *cause,
                            const char *file, int line,
                            const char *format, ...)
    __attribute__((format(printf, 6, 7)));

/* The same for a failed APR or errno call: its text is put behind the detail. */
sgn_error_t *sgn_error_apr_make(apr_pool_t *pool, sgn_code_t code,
                                apr_status_t status,
                                const char *file, int line,
                                const char *format, ...)
    __attribute__((format(printf, 6, 7)));

/* A deep copy that survives the clearing of the pool it came from. */
sgn_error_t *sgn_error_dup(const sgn_error_t *error, apr_pool_t *pool);

/* "code: detail (file:line) <- code: detail ..." for the log of a face. */
const char *sgn_error_chain(const sgn_error_t *error, apr_pool_t *pool);

#define SGN_ERROR(pool, code, ...) \
    sgn_error_make((pool), (code), NULL, __FILE__, __LINE__, __VA_ARGS__)
#define SGN_WRAP(pool, cause, code, ...) \
    sgn_error_make((pool), (code), (cause), __FILE__, __LINE__, __VA_ARGS__)
#define SGN_ERROR_APR(pool, code, status, ...) \
    sgn_error_apr_make((pool), (code), (status), __FILE__, __LINE__, __VA_ARGS__)
/* For calls that set errno. */
#define SGN_ERROR_ERRNO(pool, code, ...) \
    sgn_error_apr_make((pool), (code), apr_get_os_error(), __FILE__, __LINE__, __VA_ARGS__)
#define SGN_TRY(expression) \
    do { sgn_error_t *sgn_try_ = (expression); if (sgn_try_) return sgn_try_; } while (0)

#endif
