/*
 * gauge.h: counters that all children of httpd share: requests in flight per
 * class and bytes in the spool.  They let a child refuse before it reads a
 * body (KEEPER: busy must be known in the child).
 *
 * Each child counts in a slot of its own; the slot of a child that was killed
 * is taken off when a limit is met, so nothing stays reserved by the dead.
 *
 * The counters are hints, not locks: two children may pass a limit together
 * by one request each.
 */
#ifndef SGN_HTTPD_GAUGE_H
#define SGN_HTTPD_GAUGE_H

#include <apr_pools.h>

typedef struct sgn_gauge_t sgn_gauge_t;

typedef enum { SGN_GAUGE_DOCUMENTS, SGN_GAUGE_SIGNING, SGN_GAUGE_WAITING, SGN_GAUGE_COUNT } sgn_gauge_class_t;

/* In the parent, before the children; NULL when there is no memory. */
sgn_gauge_t *sgn_gauge_make(void);
/* In a child, once.  The gauge is fixed after this. */
void sgn_gauge_child(sgn_gauge_t *gauge, apr_pool_t *pchild);

/* One more in flight, if that stays within the limit; left with the pool. */
int sgn_gauge_enter(sgn_gauge_t *gauge, sgn_gauge_class_t class_, int limit, apr_pool_t *pool);
/* Bytes of the spool: would `more` fit?  Nothing is taken. */
int sgn_gauge_fits(sgn_gauge_t *gauge, apr_int64_t more, apr_int64_t limit);
/* Takes them if they fit; the caller gives them back by a negative add. */
int sgn_gauge_take(sgn_gauge_t *gauge, apr_int64_t more, apr_int64_t limit);
void sgn_gauge_give(sgn_gauge_t *gauge, apr_int64_t bytes);

/* The parent says that no keeper runs and none will for seconds. */
void sgn_gauge_down(sgn_gauge_t *gauge, int down);
int sgn_gauge_is_down(sgn_gauge_t *gauge);

#endif
