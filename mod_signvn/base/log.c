/* log.c: one line, one write. */
#include "base/log.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include <apr_strings.h>

#include "base/clock.h"
#include "base/text.h"

/* The log of this process: set by its face at the start and at a reopen. */
static int log_fd = STDERR_FILENO;
static sgn_log_level_t log_level = SGN_LOG_INFO;

sgn_error_t *sgn_log_open(const char *path, sgn_log_level_t level, apr_pool_t *pool)
{
    int fd;

    log_level = level;
    if (!path)
        return NULL;
    fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640);
    if (fd < 0)
        return SGN_ERROR_ERRNO(pool, SGN_FILE_FAILED, "log file %s", path);
    if (log_fd != STDERR_FILENO) {
        dup3(fd, log_fd, O_CLOEXEC);    /* the number stays: other threads may be writing */
        close(fd);
    } else {
        log_fd = fd;
    }
    return NULL;
}

void sgn_log(sgn_log_level_t level, const char *subject, const char *format, ...)
{
    static const char *const names[] = { "error", "warn", "info", "debug" };
    apr_pool_t *pool;
    va_list args;
    const char *line;

    if (level > log_level || apr_pool_create(&pool, NULL) != APR_SUCCESS)
        return;
    va_start(args, format);
    line = apr_pvsprintf(pool, format, args);
    va_end(args);
    line = apr_psprintf(pool, "%s [%s] %s: %s\n", sgn_clock_print(sgn_clock_now(), pool),
                        names[level], subject, sgn_text_log(line, pool));
    if (write(log_fd, line, strlen(line)) < 0) {
        /* nowhere left to tell it */
    }
    apr_pool_destroy(pool);
}

void sgn_log_error(sgn_log_level_t level, const char *subject, const sgn_error_t *error)
{
    apr_pool_t *pool;

    if (!error || level > log_level || apr_pool_create(&pool, NULL) != APR_SUCCESS)
        return;
    sgn_log(level, subject, "%s", sgn_error_chain(error, pool));
    apr_pool_destroy(pool);
}
