/*
 * rehearse.h: the common tasks once through, on an example of our own.
 *
 * The zygote does it at its start, so every table of every library is made
 * before the first fork; a child of it does it again to show which pages a task
 * touches (pages.h).
 *
 * Not here: any stranger's byte.
 */
#ifndef SGN_WORKER_REHEARSE_H
#define SGN_WORKER_REHEARSE_H

#include "base/error.h"

/* In the zygote, before its filter closes; the pool must live as long. */
sgn_error_t *sgn_rehearse_make(apr_pool_t *pool);
/* Again, after sgn_rehearse_make(); the outcome does not matter. */
void sgn_rehearse_run(apr_pool_t *pool);

#endif
