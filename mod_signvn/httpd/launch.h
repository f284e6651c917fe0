/*
 * launch.h: fork, drop everything httpd has, exec signvnd, hear its first line.
 *
 * Not checked here: directories, accounts, who supervises.  Called by the
 * parent only, before or between its children.
 */
#ifndef SGN_HTTPD_LAUNCH_H
#define SGN_HTTPD_LAUNCH_H

#include <sys/types.h>

#include "base/error.h"

typedef struct {
    const char *program;
    int listener;           /* -1: none (check) */
    int config;             /* sealed memfd */
    uid_t uid;              /* counts only for root */
    gid_t gid;
    int check;              /* signvnd --check */
    apr_interval_time_t wait;
} sgn_launch_t;

/* *pid is set as soon as the process exists, also when it then tells an error
 * (SGN_CONFIG with its text) or nothing in time (SGN_KEEPER_ABSENT: it is
 * killed and reaped).  A check is always reaped. */
sgn_error_t *sgn_launch_run(pid_t *pid, const sgn_launch_t *launch, apr_pool_t *pool);

/* A process that only sleeps, so that its end can be waited for like the
 * keeper's; it serves nobody. */
void sgn_launch_pause(pid_t *pid, int seconds);

#endif
