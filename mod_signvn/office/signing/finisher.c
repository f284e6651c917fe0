/* finisher.c: the thread that finishes what has a value, at every kick and each
 * second. */
#include <pthread.h>
#include <time.h>

#include "base/log.h"
#include "base/pool.h"
#include "office/signing/job.h"

static void wait_for_kick(sgn_jobs_t *jobs)
{
    struct timespec until;

    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += 1;
    pthread_mutex_lock(&jobs->lock);
    while (!jobs->kicked)
        if (pthread_cond_timedwait(&jobs->wake, &jobs->lock, &until) != 0)
            break;
    jobs->kicked = 0;
    pthread_mutex_unlock(&jobs->lock);
}

static void *work(void *baton)
{
    sgn_jobs_t *jobs = baton;
    apr_pool_t *pool;

    apr_pool_create(&pool, NULL);
    for (;;) {
        apr_pool_clear(pool);
        sgn_log_error(SGN_LOG_ERROR, "finisher", sgn_jobs_work(jobs, pool));
        wait_for_kick(jobs);
    }
    return NULL;
}

sgn_error_t *sgn_jobs_start(sgn_jobs_t *jobs, apr_pool_t *pool)
{
    pthread_t thread;
    int result = pthread_create(&thread, NULL, work, jobs);

    if (result != 0)
        return SGN_ERROR_APR(pool, SGN_INTERNAL, result, "finisher thread");
    pthread_detach(thread);
    return NULL;
}

void sgn_jobs_kick(sgn_jobs_t *jobs)
{
    pthread_mutex_lock(&jobs->lock);
    jobs->kicked = 1;
    pthread_cond_signal(&jobs->wake);
    pthread_mutex_unlock(&jobs->lock);
}
