/*
 * task_probe.h: tasks that prove the walls: an honest one, one that dies, one
 * that never ends, one that eats memory, one that tries everything forbidden.
 * They take no document of a stranger and are asked for by tests and doctor
 * only; a worker that runs one is as confined as any other.
 */
#ifndef SGN_WORKER_TASK_PROBE_H
#define SGN_WORKER_TASK_PROBE_H

#include "worker/tasks.h"

/* {echo} -> {echo, size, first (byte of the document)}; with a result memfd it
 * writes `resultBytes` bytes of 'r'.  {bytes}: an answer of that length. */
sgn_error_t *sgn_task_ping(sgn_task_t *task);
/* {how: null|abort|recursion|exit|silent} */
sgn_error_t *sgn_task_crash(sgn_task_t *task);
/* {how: loop|hang|answered}: answered answers first and spins then. */
sgn_error_t *sgn_task_spin(sgn_task_t *task);
/* {how: heap|shared|growsdown|reserve|result|pool} */
sgn_error_t *sgn_task_bloat(sgn_task_t *task);
/* {how: open|socket|exec|fork|kill|wx|write|truncate|writable|reopen|twice|descriptor|
 *  raise|limits|nice|renice|inherited|mapped}:
 * the attempt must not succeed; answer {errno} when it was politely refused. */
sgn_error_t *sgn_task_break(sgn_task_t *task);

#endif
