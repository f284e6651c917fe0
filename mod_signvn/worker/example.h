/*
 * example.h: a page of our own, signed when the zygote starts by a key that is
 * thrown away: what workers rehearse on (rehearse.h).
 *
 * The arguments are those of the tasks, so whatever a task needs its example
 * needs too.  Nothing here is anybody's document, key or certificate.
 */
#ifndef SGN_WORKER_EXAMPLE_H
#define SGN_WORKER_EXAMPLE_H

#include "base/json.h"

typedef struct {
    sgn_bytes_t plain, finished;        /* before and after signing */
    json_t *prepare, *cms, *look;       /* arguments */
} sgn_example_t;

/* Before the zygote's filter closes; runs each of the three tasks once.  The
 * pool must live as long as the process. */
sgn_error_t *sgn_example_make(sgn_example_t **out, apr_pool_t *pool);

#endif
