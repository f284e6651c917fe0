/* queues.c: a ring and its threads per class. */
#include "keeper/queues.h"

#include <apr_thread_cond.h>
#include <apr_thread_mutex.h>
#include <apr_thread_proc.h>

#include "base/clock.h"

#define ROOM_MAX 256

typedef struct {
    sgn_queues_t *queues;
    const char *name;
    int threads, room;              /* room: most that wait */
    int running;                    /* calls that are not answered yet */
    int occupied;                   /* threads that have not come back yet */
    int waiting, first;
    void *ring[ROOM_MAX];
    apr_thread_cond_t *wake;
} lane_t;

struct sgn_queues_t {
    apr_thread_mutex_t *mutex;
    apr_thread_cond_t *idle;
    sgn_queues_fn run;
    int stopping;
    lane_t lanes[SGN_CLASS_COUNT];
};

static void *APR_THREAD_FUNC work(apr_thread_t *thread, void *baton)
{
    lane_t *lane = baton;
    sgn_queues_t *queues = lane->queues;

    (void)thread;
    apr_thread_mutex_lock(queues->mutex);
    for (;;) {
        void *entry;

        while (lane->waiting == 0)
            apr_thread_cond_wait(lane->wake, queues->mutex);
        entry = lane->ring[lane->first];
        lane->first = (lane->first + 1) % ROOM_MAX;
        lane->waiting--;
        lane->running++;
        lane->occupied++;
        apr_thread_mutex_unlock(queues->mutex);
        queues->run(entry);
        apr_thread_mutex_lock(queues->mutex);
        lane->occupied--;
        apr_thread_cond_broadcast(queues->idle);
    }
    return NULL;
}

static sgn_error_t *start_lane(sgn_queues_t *queues, sgn_operation_class_t class_, const char *name,
                               int threads, int room, apr_pool_t *pool)
{
    lane_t *lane = &queues->lanes[class_];
    apr_status_t rc;

    lane->queues = queues;
    lane->name = name;
    lane->threads = threads;
    lane->room = room > ROOM_MAX ? ROOM_MAX : room;
    rc = apr_thread_cond_create(&lane->wake, pool);
    for (int i = 0; rc == APR_SUCCESS && i < threads; i++) {
        apr_threadattr_t *attr;
        apr_thread_t *thread;

        apr_threadattr_create(&attr, pool);
        apr_threadattr_detach_set(attr, 1);
        rc = apr_thread_create(&thread, attr, work, lane, pool);
    }
    return rc == APR_SUCCESS ? NULL : SGN_ERROR_APR(pool, SGN_INTERNAL, rc, "threads of %s", name);
}

sgn_error_t *sgn_queues_make(sgn_queues_t **out, const sgn_config_t *config, sgn_queues_fn run, apr_pool_t *pool)
{
    sgn_queues_t *queues = apr_pcalloc(pool, sizeof *queues);
    int n = (int)sgn_config_number(config, "SignVNWorkers");
    apr_status_t rc;

    n = n < 1 ? 1 : n > 64 ? 64 : n;
    queues->run = run;
    rc = apr_thread_mutex_create(&queues->mutex, APR_THREAD_MUTEX_DEFAULT, pool);
    if (rc == APR_SUCCESS)
        rc = apr_thread_cond_create(&queues->idle, pool);
    if (rc != APR_SUCCESS)
        return SGN_ERROR_APR(pool, SGN_INTERNAL, rc, "mutex");
    SGN_TRY(start_lane(queues, SGN_CLASS_OFFICE, "office", 4, 256, pool));
    /* 2 x workers run or wait: the DMS shares httpd's threads with us */
    SGN_TRY(start_lane(queues, SGN_CLASS_DOCUMENT, "document", n, n, pool));
    SGN_TRY(start_lane(queues, SGN_CLASS_SIGNING, "signing", n < 2 ? 2 : n, 128, pool));
    SGN_TRY(start_lane(queues, SGN_CLASS_LONG, "long", 2, 8, pool));
    *out = queues;
    return NULL;
}

int sgn_queues_push(sgn_queues_t *queues, sgn_operation_class_t class_, void *entry)
{
    lane_t *lane = &queues->lanes[class_];
    int taken = 0;

    apr_thread_mutex_lock(queues->mutex);
    /* a free thread counts as room: it has not woken up yet */
    if (!queues->stopping && lane->waiting < lane->room + lane->threads - lane->running && lane->waiting < ROOM_MAX) {
        lane->ring[(lane->first + lane->waiting) % ROOM_MAX] = entry;
        lane->waiting++;
        taken = 1;
        apr_thread_cond_signal(lane->wake);
    }
    apr_thread_mutex_unlock(queues->mutex);
    return taken;
}

void sgn_queues_leave(sgn_queues_t *queues, sgn_operation_class_t class_)
{
    apr_thread_mutex_lock(queues->mutex);
    queues->lanes[class_].running--;
    apr_thread_mutex_unlock(queues->mutex);
}

json_t *sgn_queues_load(sgn_queues_t *queues, apr_pool_t *pool)
{
    json_t *load = sgn_json_object(pool);

    apr_thread_mutex_lock(queues->mutex);
    for (int i = 0; i < SGN_CLASS_COUNT; i++) {
        const lane_t *lane = &queues->lanes[i];
        json_t *row;

        if (!lane->name)
            continue;
        row = sgn_json_object(pool);
        sgn_json_set_int(row, "running", lane->running);
        sgn_json_set_int(row, "waiting", lane->waiting);
        sgn_json_set_int(row, "threads", lane->threads);
        sgn_json_set_int(row, "room", lane->room);
        sgn_json_set(load, lane->name, row);
    }
    apr_thread_mutex_unlock(queues->mutex);
    return load;
}

void sgn_queues_stop(sgn_queues_t *queues, apr_interval_time_t wait)
{
    apr_time_t until = sgn_clock_monotonic() + wait;

    apr_thread_mutex_lock(queues->mutex);
    queues->stopping = 1;
    for (;;) {
        int running = 0;

        for (int i = 0; i < SGN_CLASS_COUNT; i++)
            running += queues->lanes[i].occupied + queues->lanes[i].waiting;
        if (!running || sgn_clock_monotonic() >= until)
            break;
        apr_thread_cond_timedwait(queues->idle, queues->mutex, until - sgn_clock_monotonic());
    }
    apr_thread_mutex_unlock(queues->mutex);
}
