/*
 * queues.h: calls wait in a bounded queue per class and run on the threads of
 * their class.  A full queue refuses at once; no class takes another's room.
 *
 * Any thread may push; a call that was pushed belongs to its thread.
 */
#ifndef SGN_KEEPER_QUEUES_H
#define SGN_KEEPER_QUEUES_H

#include "keeper/operations.h"

typedef struct sgn_queues_t sgn_queues_t;

/* What a thread does with one entry; the entry is the function's to free. */
typedef void (*sgn_queues_fn)(void *entry);

sgn_error_t *sgn_queues_make(sgn_queues_t **out, const sgn_config_t *config, sgn_queues_fn run, apr_pool_t *pool);
/* 0: the queue of the class is full. */
int sgn_queues_push(sgn_queues_t *queues, sgn_operation_class_t class_, void *entry);
/* By the function, once per entry, just before its answer goes out: who has an
 * answer may ask again and must not meet the room still taken by himself. */
void sgn_queues_leave(sgn_queues_t *queues, sgn_operation_class_t class_);
/* {"office":{"running","waiting","threads","room"},...} */
json_t *sgn_queues_load(sgn_queues_t *queues, apr_pool_t *pool);
/* Nothing new is taken; waits at most `wait` for what runs. */
void sgn_queues_stop(sgn_queues_t *queues, apr_interval_time_t wait);

#endif
