/* gauge.c: slots of anonymous shared memory, one per child. */
#include "httpd/gauge.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <unistd.h>

#define SLOTS 256

typedef struct {
    _Atomic int pid;
    _Atomic int flying[SGN_GAUGE_COUNT];
    _Atomic long long bytes;
} slot_t;

struct sgn_gauge_t {
    _Atomic int down;
    slot_t slots[SLOTS];
};

/* The slot of this process: of the child, or the last one when all are taken. */
static slot_t *own;

/* Unmapped by nobody but the end of the process: a cleanup of the process pool
 * would stand in a DSO that is unloaded before it runs. */
sgn_gauge_t *sgn_gauge_make(void)
{
    void *memory = mmap(NULL, sizeof(sgn_gauge_t), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    return memory == MAP_FAILED ? NULL : memory;
}

static void wipe(slot_t *slot)
{
    for (int c = 0; c < SGN_GAUGE_COUNT; c++)
        atomic_store(&slot->flying[c], 0);
    atomic_store(&slot->bytes, 0);
}

static apr_status_t leave_slot(void *data)
{
    slot_t *slot = data;

    wipe(slot);
    atomic_store(&slot->pid, 0);
    return APR_SUCCESS;
}

/* Slots of the dead are wiped first, then freed: nobody sees half. */
static void bury(sgn_gauge_t *gauge)
{
    for (int i = 0; i < SLOTS; i++) {
        int pid = atomic_load(&gauge->slots[i].pid);

        if (pid > 0 && kill(pid, 0) != 0 && errno == ESRCH) {
            wipe(&gauge->slots[i]);
            atomic_compare_exchange_strong(&gauge->slots[i].pid, &pid, 0);
        }
    }
}

void sgn_gauge_child(sgn_gauge_t *gauge, apr_pool_t *pchild)
{
    bury(gauge);
    own = &gauge->slots[SLOTS - 1];
    for (int i = 0; i < SLOTS - 1; i++) {
        int none = 0;

        if (atomic_compare_exchange_strong(&gauge->slots[i].pid, &none, (int)getpid())) {
            own = &gauge->slots[i];
            wipe(own);
            apr_pool_cleanup_register(pchild, own, leave_slot, apr_pool_cleanup_null);
            break;
        }
    }
}

static long long sum_flying(sgn_gauge_t *gauge, sgn_gauge_class_t class_)
{
    long long sum = 0;

    for (int i = 0; i < SLOTS; i++)
        sum += atomic_load(&gauge->slots[i].flying[class_]);
    return sum;
}

static long long sum_bytes(sgn_gauge_t *gauge)
{
    long long sum = 0;

    for (int i = 0; i < SLOTS; i++)
        sum += atomic_load(&gauge->slots[i].bytes);
    return sum;
}

static apr_status_t leave(void *data)
{
    atomic_int *flying = data;

    atomic_fetch_sub(flying, 1);
    return APR_SUCCESS;
}

int sgn_gauge_enter(sgn_gauge_t *gauge, sgn_gauge_class_t class_, int limit, apr_pool_t *pool)
{
    atomic_fetch_add(&own->flying[class_], 1);
    if (sum_flying(gauge, class_) > limit) {
        bury(gauge);
        if (sum_flying(gauge, class_) > limit) {
            atomic_fetch_sub(&own->flying[class_], 1);
            return 0;
        }
    }
    apr_pool_cleanup_register(pool, (void *)&own->flying[class_], leave, apr_pool_cleanup_null);
    return 1;
}

int sgn_gauge_fits(sgn_gauge_t *gauge, apr_int64_t more, apr_int64_t limit)
{
    if (more <= limit - sum_bytes(gauge))
        return 1;
    bury(gauge);
    return more <= limit - sum_bytes(gauge);
}

int sgn_gauge_take(sgn_gauge_t *gauge, apr_int64_t more, apr_int64_t limit)
{
    atomic_fetch_add(&own->bytes, more);
    if (sgn_gauge_fits(gauge, 0, limit))
        return 1;
    atomic_fetch_sub(&own->bytes, more);
    return 0;
}

void sgn_gauge_give(sgn_gauge_t *gauge, apr_int64_t bytes)
{
    (void)gauge;
    atomic_fetch_sub(&own->bytes, bytes);
}

void sgn_gauge_down(sgn_gauge_t *gauge, int down)
{
    atomic_store(&gauge->down, down);
}

int sgn_gauge_is_down(sgn_gauge_t *gauge)
{
    return atomic_load(&gauge->down);
}
