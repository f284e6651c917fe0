/*
 * pages.h: the pages that tasks write, given to each worker at once.
 *
 * A forked process owns no page until it writes it, and each first write is a
 * fault with a copy: a small task spends more on them than on its work.  So at
 * the zygote's start a child runs the usual tasks and tells which pages it came
 * to own; each worker has them made while it waits.
 *
 * It is a hint: where the kernel tells nothing, workers are slower and as
 * right.
 */
#ifndef SGN_WORKER_PAGES_H
#define SGN_WORKER_PAGES_H

#include "base/error.h"

typedef struct sgn_pages_t sgn_pages_t;

/* Before the heap is used much: freed memory stays, so that its addresses are
 * the same in every child. */
void sgn_pages_settle(void);
/* Runs `work` in a child.  While the process is dumpable, before its filter
 * closes. */
sgn_error_t *sgn_pages_learn(sgn_pages_t **out, void (*work)(apr_pool_t *pool), apr_pool_t *pool);
/* In a worker while it waits. */
void sgn_pages_touch(const sgn_pages_t *pages);

#endif
