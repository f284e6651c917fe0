/*
 * timers.h: what the keeper does by itself, each row on a thread of its own:
 * a slow one delays only itself.  Rows are in keeper/timers.c {name, period in
 * seconds, function}.  The first run comes one period after the start (a start
 * takes well under a second); a run that fails is logged and tried again at
 * the next period.
 */
#ifndef SGN_KEEPER_TIMERS_H
#define SGN_KEEPER_TIMERS_H

#include "keeper/keeper.h"

typedef sgn_error_t *(*sgn_timer_fn)(sgn_keeper_t *keeper, apr_pool_t *pool);

typedef struct {
    const char *name;
    int period_sec;
    sgn_timer_fn run;
} sgn_timer_t;

sgn_error_t *sgn_timers_start(sgn_keeper_t *keeper, apr_pool_t *pool);
/* Asks all to end and waits at most two seconds. */
void sgn_timers_stop(void);

#endif
