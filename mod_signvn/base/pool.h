/*
 * pool.h: foreign objects (OpenSSL, libxml2, qpdf, jansson, descriptors) owned
 * by an APR pool from the line after their creation, so that no error path has
 * anything to free.
 */
#ifndef SGN_BASE_POOL_H
#define SGN_BASE_POOL_H

#include <apr_pools.h>

#include "base/error.h"

typedef void (*sgn_free_fn)(void *object);

/* Calls free_fn(object) when the pool is cleared or destroyed; NULL objects are
 * ignored.  SGN_OWN casts the usual typed free functions (X509_free, ...). */
void sgn_pool_own(apr_pool_t *pool, void *object, sgn_free_fn free_fn);
#define SGN_OWN(pool, object, free_fn) \
    sgn_pool_own((pool), (object), (sgn_free_fn)(void (*)(void))(free_fn))

/* Ends ownership early without freeing; the caller owns the object again. */
void sgn_pool_disown(apr_pool_t *pool, void *object, sgn_free_fn free_fn);
#define SGN_DISOWN(pool, object, free_fn) \
    sgn_pool_disown((pool), (object), (sgn_free_fn)(void (*)(void))(free_fn))

/* The pool closes the descriptor; sgn_pool_close_fd does it now, once. */
void sgn_pool_own_fd(apr_pool_t *pool, int fd);
void sgn_pool_close_fd(apr_pool_t *pool, int fd);

#endif
