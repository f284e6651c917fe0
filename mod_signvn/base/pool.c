/* pool.c: pool cleanups for foreign objects. */
#include "base/pool.h"

#include <stdint.h>
#include <unistd.h>

typedef struct owned_t {
    void *object;
    sgn_free_fn free_fn;
    struct owned_t *next;
} owned_t;

/* The list of a pool hangs on it as user data, so that disown finds its entry. */
static const char key[] = "sgn_pool_owned";

static apr_status_t cleanup(void *baton)
{
    owned_t *owned = baton;

    if (owned->object)
        owned->free_fn(owned->object);
    owned->object = NULL;
    return APR_SUCCESS;
}

static apr_status_t forget(void *baton)
{
    (void)baton;    /* the entries themselves lie in the pool */
    return APR_SUCCESS;
}

void sgn_pool_own(apr_pool_t *pool, void *object, sgn_free_fn free_fn)
{
    owned_t *owned;
    void *head = NULL;

    if (!object)
        return;
    owned = apr_palloc(pool, sizeof *owned);
    owned->object = object;
    owned->free_fn = free_fn;
    apr_pool_userdata_get(&head, key, pool);
    owned->next = head;
    apr_pool_userdata_setn(owned, key, forget, pool);
    apr_pool_cleanup_register(pool, owned, cleanup, apr_pool_cleanup_null);
}

void sgn_pool_disown(apr_pool_t *pool, void *object, sgn_free_fn free_fn)
{
    void *head = NULL;

    apr_pool_userdata_get(&head, key, pool);
    for (owned_t *owned = head; owned; owned = owned->next)
        if (owned->object == object && owned->free_fn == free_fn) {
            owned->object = NULL;
            return;
        }
}

/* 0 is a descriptor, and NULL is not an object: stored plus one. */
static void close_fd(void *object)
{
    close((int)(intptr_t)object - 1);
}

void sgn_pool_own_fd(apr_pool_t *pool, int fd)
{
    if (fd >= 0)
        sgn_pool_own(pool, (void *)((intptr_t)fd + 1), close_fd);
}

void sgn_pool_close_fd(apr_pool_t *pool, int fd)
{
    if (fd < 0)
        return;
    sgn_pool_disown(pool, (void *)((intptr_t)fd + 1), close_fd);
    close(fd);
}
