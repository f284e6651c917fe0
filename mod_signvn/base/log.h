/*
 * log.h: the log of the faces that are not httpd (signvnd, signvn-worker,
 * signvn).  Libraries do not log the errors they return; the face logs once.
 *
 * A line: time, level, subject, text; every text passes sgn_text_log(), so a
 * hostile name cannot forge a line.  Thread-safe: one write(2) per line.
 */
#ifndef SGN_BASE_LOG_H
#define SGN_BASE_LOG_H

#include "base/error.h"

typedef enum { SGN_LOG_ERROR, SGN_LOG_WARN, SGN_LOG_INFO, SGN_LOG_DEBUG } sgn_log_level_t;

/* Appends to path (created 0640); NULL is stderr.  Called again: reopened. */
sgn_error_t *sgn_log_open(const char *path, sgn_log_level_t level, apr_pool_t *pool);
void sgn_log(sgn_log_level_t level, const char *subject, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void sgn_log_error(sgn_log_level_t level, const char *subject, const sgn_error_t *error);

#endif
