/*
 * tasks.h: what one worker process does, once.
 *
 * A task is a pure function: (arguments, document, time in the arguments) to
 * (JSON answer, result bytes).  It runs in a fresh process without files,
 * sockets, clock decisions or keys; the process is killed after its answer, so
 * nothing has to be freed.
 *
 * Not guaranteed: that the document is what it claims, that `map` stays
 * readable in size only (it is a private mapping of a file that nobody writes
 * any more), that the arguments make sense beyond being well-formed JSON.
 *
 * To add a task: worker/task_<name>.c with `sgn_error_t *sgn_task_<name>(sgn_task_t *)`,
 * a prototype in worker/task_<name>.h, one row in worker/tasks.c, its deadline
 * and memory in office/engine/limits.c (without a row there: 20 s, 256 MB).
 *
 * An error becomes {"code","detail"} of the answer; a library that throws or
 * aborts ends the process and is reported as worker.crashed.
 */
#ifndef SGN_WORKER_TASKS_H
#define SGN_WORKER_TASKS_H

#include "base/json.h"

typedef struct {
    json_t *args;               /* never NULL */
    int document;               /* O_RDONLY, -1: none */
    apr_off_t size;             /* of the document */
    const unsigned char *map;   /* private read-only mapping, NULL: none */
    int result;                 /* memfd to write result bytes to, -1: none wanted */
    json_t *answer;             /* an empty object to be filled */
    apr_pool_t *pool;
} sgn_task_t;

typedef sgn_error_t *(*sgn_task_fn)(sgn_task_t *task);

typedef struct {
    const char *name;
    sgn_task_fn run;
} sgn_task_row_t;

/* NULL: no such task. */
const sgn_task_row_t *sgn_tasks_find(const char *name);

/* Appends to the result memfd (from its current end); SGN_TOO_LARGE over the
 * limit that the engine asked for, SGN_WIRE when no result is wanted. */
sgn_error_t *sgn_tasks_result(sgn_task_t *task, sgn_bytes_t bytes);

/* args.now as a time; SGN_FIELD when absent. */
sgn_error_t *sgn_tasks_now(apr_time_t *out, const sgn_task_t *task);

/* Everything a library does lazily (tables, fonts, error strings) is done once
 * in the zygote before the first fork; rows are in worker/tasks.c. */
sgn_error_t *sgn_tasks_warm(apr_pool_t *pool);

#endif
