/*
 * work.h: the life of one worker: walls up, task in, answer out, end.
 *
 * Nothing here is cleaned up: the process is the pool.
 */
#ifndef SGN_WORKER_WORK_H
#define SGN_WORKER_WORK_H

#include "base/buf.h"
#include "worker/pages.h"
#include "worker/sandbox.h"

/* Exit codes the keeper knows. */
enum { SGN_WORK_EXIT_DONE = 0, SGN_WORK_EXIT_WALLS = 70, SGN_WORK_EXIT_REQUEST = 71, SGN_WORK_EXIT_MEMORY = 72 };

/* What a worker is born with. */
typedef struct {
    int call;                           /* its end of the keeper's socket */
    int answer, result;                 /* memfds that the keeper has too */
    const sgn_sandbox_t *sandbox;
    const sgn_pages_t *pages;
    const sgn_bytes_t *certificates;    /* that many documents name; read behind the walls */
    int certificate_count;
} sgn_work_t;

/* Closes every other descriptor, does all that does not depend on the task,
 * then waits for it. */
void sgn_work_run(const sgn_work_t *work) __attribute__((noreturn));

#endif
