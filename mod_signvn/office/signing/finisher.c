/*
 * finisher.c: the threads that finish what has a value, at every kick and each
 * second, and the one that ends what is past its deadline.
 *
 * A job is with one finisher at a time.  One finisher never takes what still
 * wants a time-stamp: a server that hangs holds up only what waits for it.
 */
#include <pthread.h>
#include <string.h>
#include <time.h>

#include "base/log.h"
#include "base/pool.h"
#include "office/signing/finish.h"
#include "office/signing/finisher.h"

typedef struct {
    sgn_jobs_t *jobs;
    sgn_job_lane_t *lane;
} finisher_t;

/* Each kick wakes one; who is at work looks again before it waits. */
static void wait_for_kick(sgn_jobs_t *jobs)
{
    struct timespec until;

    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += 1;
    pthread_mutex_lock(&jobs->lock);
    while (jobs->kicked == 0)
        if (pthread_cond_timedwait(&jobs->wake, &jobs->lock, &until) != 0)
            break;
    if (jobs->kicked > 0)
        jobs->kicked--;
    pthread_mutex_unlock(&jobs->lock);
}

int sgn_finisher_take(sgn_jobs_t *jobs, sgn_job_lane_t *lane, const char *job, int stamps)
{
    int stamping = 0, taken = 0;

    pthread_mutex_lock(&jobs->lock);
    for (int i = 0; i < SGN_JOB_FINISHERS; i++) {
        const sgn_job_lane_t *other = &jobs->lanes[i];

        taken |= other->job && strcmp(other->job, job) == 0;
        stamping += other->job && other->stamps;
    }
    if (!taken && (!stamps || stamping < SGN_JOB_FINISHERS - 1)) {
        lane->job = job;
        lane->stamps = stamps;
    }
    pthread_mutex_unlock(&jobs->lock);
    return lane->job == job;
}

void sgn_finisher_give(sgn_jobs_t *jobs, sgn_job_lane_t *lane)
{
    pthread_mutex_lock(&jobs->lock);
    lane->job = NULL;
    pthread_mutex_unlock(&jobs->lock);
}

static void *finish(void *baton)
{
    finisher_t *finisher = baton;
    apr_pool_t *pool;

    apr_pool_create(&pool, NULL);
    for (;;) {
        int some = 0;

        apr_pool_clear(pool);
        sgn_log_error(SGN_LOG_ERROR, "finisher", sgn_finish_pending(&some, finisher->jobs, finisher->lane, pool));
        if (!some)
            wait_for_kick(finisher->jobs);
    }
    return NULL;
}

static void *expire(void *baton)
{
    const struct timespec second = { .tv_sec = 1 };
    apr_pool_t *pool;

    apr_pool_create(&pool, NULL);
    for (;;) {
        apr_pool_clear(pool);
        sgn_log_error(SGN_LOG_ERROR, "signing", sgn_jobs_expire(baton, pool));
        nanosleep(&second, NULL);
    }
    return NULL;
}

static sgn_error_t *start(void *(*run)(void *), void *baton, apr_pool_t *pool)
{
    pthread_t thread;
    int result = pthread_create(&thread, NULL, run, baton);

    if (result != 0)
        return SGN_ERROR_APR(pool, SGN_INTERNAL, result, "thread of the signing room");
    pthread_detach(thread);
    return NULL;
}

sgn_error_t *sgn_jobs_start(sgn_jobs_t *jobs, apr_pool_t *pool)
{
    for (int i = 0; i < SGN_JOB_FINISHERS; i++) {
        finisher_t *finisher = apr_palloc(pool, sizeof *finisher);

        finisher->jobs = jobs;
        finisher->lane = &jobs->lanes[i];
        SGN_TRY(start(finish, finisher, pool));
    }
    return start(expire, jobs, pool);
}

void sgn_jobs_kick(sgn_jobs_t *jobs)
{
    pthread_mutex_lock(&jobs->lock);
    if (jobs->kicked < SGN_JOB_FINISHERS)
        jobs->kicked++;
    pthread_cond_signal(&jobs->wake);
    pthread_mutex_unlock(&jobs->lock);
}
