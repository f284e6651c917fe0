/* timers.c: the table of timers and a thread for each. */
#include "keeper/timers.h"

#include <apr_thread_cond.h>
#include <apr_thread_mutex.h>
#include <apr_thread_proc.h>

#include "base/clock.h"
#include "base/log.h"
#include "keeper/op_backups.h"
#include "keeper/op_jobs.h"

/* Ends with a row without a name. */
static const sgn_timer_t rows[] = {
    { .name = "backup", .period_sec = 60, .run = sgn_op_backups_due },
    { .name = "jobs", .period_sec = 60, .run = sgn_op_jobs_due },
    { .name = NULL },
};

typedef struct {
    const sgn_timer_t *timer;
    sgn_keeper_t *keeper;
} baton_t;

static struct {
    apr_thread_mutex_t *mutex;
    apr_thread_cond_t *changed;
    int stopping, running;
} timers;

static int await(apr_interval_time_t period)
{
    apr_time_t until = sgn_clock_monotonic() + period;
    int stopping;

    apr_thread_mutex_lock(timers.mutex);
    while (!timers.stopping && sgn_clock_monotonic() < until)
        apr_thread_cond_timedwait(timers.changed, timers.mutex, until - sgn_clock_monotonic());
    stopping = timers.stopping;
    timers.running += !stopping;
    apr_thread_mutex_unlock(timers.mutex);
    return !stopping;
}

static void done(void)
{
    apr_thread_mutex_lock(timers.mutex);
    timers.running--;
    apr_thread_cond_broadcast(timers.changed);
    apr_thread_mutex_unlock(timers.mutex);
}

static void *APR_THREAD_FUNC run(apr_thread_t *thread, void *data)
{
    baton_t *baton = data;

    (void)thread;
    while (await(apr_time_from_sec(baton->timer->period_sec))) {
        apr_pool_t *pool;
        sgn_error_t *error;

        apr_pool_create(&pool, NULL);
        error = baton->timer->run(baton->keeper, pool);
        if (error)
            sgn_log_error(SGN_LOG_ERROR, baton->timer->name, error);
        apr_pool_destroy(pool);
        done();
    }
    return NULL;
}

sgn_error_t *sgn_timers_start(sgn_keeper_t *keeper, apr_pool_t *pool)
{
    apr_status_t rc = apr_thread_mutex_create(&timers.mutex, APR_THREAD_MUTEX_DEFAULT, pool);

    if (rc == APR_SUCCESS)
        rc = apr_thread_cond_create(&timers.changed, pool);
    for (const sgn_timer_t *row = rows; rc == APR_SUCCESS && row->name; row++) {
        baton_t *baton = apr_palloc(pool, sizeof *baton);
        apr_threadattr_t *attr;
        apr_thread_t *thread;

        baton->timer = row;
        baton->keeper = keeper;
        apr_threadattr_create(&attr, pool);
        apr_threadattr_detach_set(attr, 1);
        rc = apr_thread_create(&thread, attr, run, baton, pool);
    }
    return rc == APR_SUCCESS ? NULL : SGN_ERROR_APR(pool, SGN_INTERNAL, rc, "timers");
}

void sgn_timers_stop(void)
{
    apr_time_t until = sgn_clock_monotonic() + apr_time_from_sec(2);

    if (!timers.changed)
        return;
    apr_thread_mutex_lock(timers.mutex);
    timers.stopping = 1;
    apr_thread_cond_broadcast(timers.changed);
    while (timers.running && sgn_clock_monotonic() < until)
        apr_thread_cond_timedwait(timers.changed, timers.mutex, until - sgn_clock_monotonic());
    apr_thread_mutex_unlock(timers.mutex);
}
