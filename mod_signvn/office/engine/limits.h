/*
 * limits.h: what each task may cost.  Rows in limits.c; a task without a row
 * has the default's.
 */
#ifndef SGN_OFFICE_ENGINE_LIMITS_H
#define SGN_OFFICE_ENGINE_LIMITS_H

#include <apr_time.h>

typedef struct {
    const char *task;
    int deadline_ms;
    apr_uint64_t data;      /* bytes of memory beyond zygote, document and request */
} sgn_limits_t;

/* Never NULL. */
const sgn_limits_t *sgn_limits_find(const char *task);

#endif
