/* engine_room.h: what the files of this room share: the handle, and one
 * attempt at one task (attempt.c). */
#ifndef SGN_OFFICE_ENGINE_ENGINE_ROOM_H
#define SGN_OFFICE_ENGINE_ENGINE_ROOM_H

#include <apr_thread_cond.h>
#include <apr_thread_mutex.h>

#include "office/engine/engine.h"
#include "office/engine/limits.h"

#define SGN_ENGINE_CLASSES 3

typedef struct {
    int running, waiting;
    int slots, queue;       /* most that may run, most that may wait */
} sgn_engine_slots_t;

struct sgn_engine_t {
    apr_thread_mutex_t *mutex;      /* over everything below */
    apr_thread_cond_t *changed;     /* a slot is free, or a zygote is there */
    int control;                    /* own duplicate; -1: no zygote now */
    int births;
    int expecting;                  /* attempts that asked for a worker and wait for it */
    int spare;                      /* workers that wait beyond the usual number; negative: too few */
    sgn_engine_slots_t slots[SGN_ENGINE_CLASSES];
    json_t *anchors, *tsa_anchors, *intermediates;  /* arrays of base64 DER, replaced as a whole */
    const char *timestamp_url, *timestamp_policy;   /* NULL: none */
    sgn_evidence_t *_Atomic evidence;
    json_t *given;                  /* NULL: none */
    json_t *asked;                  /* what documents lately missed, newest last */
    apr_pool_t *pool;
};

/* What one worker is started with and what became of it. */
typedef struct {
    const sgn_limits_t *limits;
    const char *task;
    json_t *args;
    const sgn_engine_document_t *document;  /* NULL: none */
    size_t result_limit;                    /* 0: no result wanted */
    json_t *answer;                         /* the message, NULL: none came */
    sgn_bytes_t result;
    int ended;                              /* status, rss and cpu are known */
    int late;                               /* killed at the deadline */
    int status;
    apr_int64_t rss_kb, cpu_us;
} sgn_attempt_t;

/* One worker process from birth to death.  An error means that no worker could
 * be started (the zygote is gone): the caller may try again. */
sgn_error_t *sgn_attempt_run(sgn_attempt_t *attempt, sgn_engine_t *engine, apr_pool_t *pool);
/* What the end means: NULL with *answer, or the error of the task. */
sgn_error_t *sgn_attempt_judge(json_t **answer, const sgn_attempt_t *attempt, apr_pool_t *pool);

/* Evidence that most documents of an office need is put beside the first round,
 * so that it stays the only one: learn what was missed, recall what the cache
 * still has young. */
void sgn_hints_learn(sgn_engine_t *engine, const json_t *have, const json_t *missing);
sgn_error_t *sgn_hints_recall(json_t *have, sgn_engine_t *engine, apr_interval_time_t young, apr_pool_t *pool);

void sgn_hints_tell(sgn_engine_t *engine);

/* PEM file of certificates -> array of base64 DER; only the armour is read.
 * path NULL: an empty array. */
sgn_error_t *sgn_anchors_read(json_t **out, const char *path, apr_pool_t *pool);

/* References of the running anchors, owned by the pool. */
void sgn_engine_trust(json_t **anchors, json_t **tsa_anchors, json_t **intermediates,
                      sgn_engine_t *engine, apr_pool_t *pool);

#endif
