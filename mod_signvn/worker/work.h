/*
 * work.h: the life of one worker: descriptors in place, walls up, request in,
 * task, answer out, end.
 *
 * Nothing here is cleaned up: the process is the pool.
 */
#ifndef SGN_WORKER_WORK_H
#define SGN_WORKER_WORK_H

#include "worker/sandbox.h"

/* Descriptors as the zygote received them; document and result may be -1. */
typedef struct {
    int task, answer, document, result;
    sgn_sandbox_limits_t limits;
} sgn_work_t;

/* Exit codes the keeper knows. */
enum { SGN_WORK_EXIT_DONE = 0, SGN_WORK_EXIT_WALLS = 70, SGN_WORK_EXIT_REQUEST = 71, SGN_WORK_EXIT_MEMORY = 72 };

void sgn_work_run(const sgn_work_t *work, const sgn_sandbox_t *sandbox) __attribute__((noreturn));

#endif
