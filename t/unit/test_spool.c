/* test_spool.c: uploads in memory and in files, at and around the limit of each. */
#include "tap.h"
#include "scratch.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <apr_strings.h>

#include "httpd/spool.h"

#define LIMIT ((apr_int64_t)3 << 20)
#define SEALS (F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW)

static sgn_spool_place_t place;
static unsigned char bytes[LIMIT];

/* So many bytes in pieces of so many; NULL where one was refused. */
static sgn_spool_t *take(size_t size, size_t piece, apr_pool_t *pool)
{
    sgn_spool_t *spool = NULL;
    sgn_error_t *error = sgn_spool_make(&spool, &place, "a.pdf", NULL, pool);

    for (size_t at = 0; at < size && !error; at += piece)
        error = sgn_spool_write(spool, bytes + at, size - at < piece ? size - at : piece, pool);
    if (!error)
        error = sgn_spool_end(spool, pool);
    if (error)
        printf("# %s\n", sgn_error_chain(error, pool));
    return error ? NULL : spool;
}

static int is_same(const sgn_spool_t *spool, size_t size, apr_pool_t *pool)
{
    unsigned char *got = apr_palloc(pool, size + 1);

    return spool->size == (apr_off_t)size && pread(spool->fd, got, size + 1, 0) == (ssize_t)size && memcmp(got, bytes, size) == 0;
}

static int is_sealed(const sgn_spool_t *spool)
{
    int seals = fcntl(spool->fd, F_GET_SEALS);      /* fails for a file of most filesystems */

    return seals >= 0 && (seals & SEALS) == SEALS;
}

static void at_size(size_t size, size_t piece, int in_memory, const char *what)
{
    apr_pool_t *pool;
    sgn_spool_t *spool;

    apr_pool_create(&pool, tap_pool());
    spool = take(size, piece, pool);
    ok(spool && is_same(spool, size, pool), apr_psprintf(tap_pool(), "spool: %s, byte for byte", what));
    ok(spool && is_sealed(spool) == in_memory,
       in_memory ? "  in sealed memory" : "  in a file");
    ok(!sgn_gauge_fits(place.gauge, place.quota - (apr_int64_t)size + 1, place.quota)
       && sgn_gauge_fits(place.gauge, place.quota - (apr_int64_t)size, place.quota), "  counted once");
    if (in_memory)
        ok(write(spool->fd, "x", 1) < 0 && ftruncate(spool->fd, 0) != 0, "  and nobody changes it");
    apr_pool_destroy(pool);
    ok(sgn_gauge_fits(place.gauge, place.quota, place.quota), "  and given back");
}

static void boundaries(void)
{
    static const size_t pieces[] = { LIMIT, 8192, 8191 };

    for (int i = 0; i < 3; i++) {
        at_size(SGN_SPOOL_MEMORY - 1, pieces[i], 1, "a byte below 2 MB");
        at_size(SGN_SPOOL_MEMORY, pieces[i], 1, "2 MB");
        at_size(SGN_SPOOL_MEMORY + 1, pieces[i], 0, "a byte above 2 MB");
    }
    at_size(LIMIT, 65536, 0, "the limit of a document");
}

static sgn_code_t code_of(size_t size, size_t piece)
{
    sgn_spool_t *spool;
    sgn_error_t *error;
    apr_pool_t *pool;
    sgn_code_t code;

    apr_pool_create(&pool, tap_pool());
    error = sgn_spool_make(&spool, &place, NULL, NULL, pool);
    for (size_t at = 0; at < size && !error; at += piece)
        error = sgn_spool_write(spool, bytes, size - at < piece ? size - at : piece, pool);
    code = error ? error->code : SGN_OK;
    apr_pool_destroy(pool);
    return code;
}

static void refusals(void)
{
    const char *good = place.directory;

    is_int(code_of(LIMIT + 1, 65536), SGN_TOO_LARGE, "spool: a byte over the limit of a document");
    place.quota = SGN_SPOOL_MEMORY;
    is_int(code_of(SGN_SPOOL_MEMORY + 1, 4096), SGN_SPOOL_FULL, "spool: a byte over the quota of all");
    place.quota = (apr_int64_t)1 << 30;
    place.directory = "/nowhere";
    is_int(code_of(SGN_SPOOL_MEMORY, 65536), SGN_OK, "spool: memory needs no directory");
    ok(code_of(SGN_SPOOL_MEMORY + 1, 65536) != SGN_OK, "spool: no file where memory ends");
    place.directory = good;
    ok(sgn_gauge_fits(place.gauge, place.quota, place.quota), "spool: what failed is given back");
}

/* Small uploads of many: together they are bounded. */
static void together(void)
{
    sgn_spool_t *first, *second;
    apr_pool_t *pool;

    at_size(1000, 1000, 1, "a small one alone");
    ok(sgn_gauge_take(place.gauge, SGN_SPOOL_MEMORY_ALL - 1000, place.quota), "spool: others upload 256 MB");
    apr_pool_create(&pool, tap_pool());
    first = take(1000, 100, pool);
    second = take(1001, 100, pool);
    ok(first && is_sealed(first), "A16 spool: the last that fits is in memory");
    ok(second && !is_sealed(second) && is_same(second, 1001, pool), "A16 spool: the next is a file");
    apr_pool_destroy(pool);
    sgn_gauge_give(place.gauge, SGN_SPOOL_MEMORY_ALL - 1000);
    at_size(1000, 1000, 1, "a small one when they are gone");
}

int main(void)
{
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (unsigned char)(i * 31 + (i >> 8));
    place = (sgn_spool_place_t) { .directory = scratch_dir(), .limit = LIMIT, .quota = (apr_int64_t)1 << 30, .gauge = sgn_gauge_make() };
    sgn_gauge_child(place.gauge, tap_pool());
    boundaries();
    refusals();
    together();
    return done_testing();
}
