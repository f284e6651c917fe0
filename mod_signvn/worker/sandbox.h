/*
 * sandbox.h: the walls around one task.
 *
 * A list of system calls (anything else ends the process with SIGSYS), limits
 * of memory, time, file size and descriptors.  The filters are compiled once,
 * in the zygote; a worker only loads one.
 *
 * Not here: the deadline (the keeper kills by pidfd) and who may ask for a task.
 *
 * Order: sgn_sandbox_make() in the zygote after warming up,
 * sgn_sandbox_settle() in the zygote before the first fork,
 * sgn_sandbox_enter() in each worker while it waits for its task,
 * sgn_sandbox_limit() when it knows the task, before it reads the request.
 */
#ifndef SGN_WORKER_SANDBOX_H
#define SGN_WORKER_SANDBOX_H

#include "base/error.h"

typedef struct sgn_sandbox_t sgn_sandbox_t;

typedef struct {
    apr_uint64_t document;      /* bytes mapped for the task */
    apr_uint64_t data;          /* bytes of memory beyond the zygote's own */
    apr_uint64_t file;          /* largest file (memfd) that may be written */
    unsigned cpu_sec;
} sgn_sandbox_limits_t;

/* Measures this process too: the limits of a worker start from its size. */
sgn_error_t *sgn_sandbox_make(sgn_sandbox_t **out, apr_pool_t *pool);
/* The zygote gives up open, exec, socket, ptrace and every capability, for
 * itself and its children. */
sgn_error_t *sgn_sandbox_settle(const sgn_sandbox_t *sandbox, apr_pool_t *pool);
/* Both: 0, or the errno of what could not be closed: the worker must then end.
 * After enter() a process can still lower its own limits, never raise them. */
int sgn_sandbox_enter(const sgn_sandbox_t *sandbox);
int sgn_sandbox_limit(const sgn_sandbox_t *sandbox, const sgn_sandbox_limits_t *limits);

#endif
