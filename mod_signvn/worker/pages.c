/* pages.c: /proc/self/pagemap of a child that has worked, madvise in the next. */
#include "worker/pages.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <malloc.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/pool.h"

#ifndef MADV_POPULATE_WRITE     /* Linux 5.14; headers may be older */
#define MADV_POPULATE_WRITE 23
#endif

#define RANGES 256
#define PAGE ((uintptr_t)4096)
#define HEAP_SLACK (4 << 20)
#define LARGEST ((uintptr_t)64 << 20)   /* a sanitizer reserves terabytes */
/* [Linux, admin-guide/mm/pagemap] */
#define PRESENT (UINT64_C(1) << 63)
#define OF_FILE (UINT64_C(1) << 61)
#define EXCLUSIVE (UINT64_C(1) << 56)

typedef struct {
    uintptr_t from, to;
} range_t;

struct sgn_pages_t {
    int count;
    range_t ranges[RANGES];
};

void sgn_pages_settle(void)
{
    mallopt(M_TOP_PAD, HEAP_SLACK);
    mallopt(M_TRIM_THRESHOLD, HEAP_SLACK * 4);
    mallopt(M_MMAP_THRESHOLD, 1 << 20);
}

/* ---- in the child that works ------------------------------------------------- */

static void add(sgn_pages_t *pages, uintptr_t at)
{
    range_t *last = pages->count ? &pages->ranges[pages->count - 1] : NULL;

    if (last && last->to == at)
        last->to += PAGE;
    else if (pages->count < RANGES)
        pages->ranges[pages->count++] = (range_t) { at, at + PAGE };
}

/* What it owns alone was written since the fork. */
static void scan(sgn_pages_t *pages, int pagemap, range_t mapping)
{
    uint64_t entries[256];
    uintptr_t at = mapping.from;

    while (at < mapping.to) {
        size_t want = (mapping.to - at) / PAGE < 256 ? (mapping.to - at) / PAGE : 256;
        ssize_t n = pread(pagemap, entries, want * sizeof *entries, (off_t)(at / PAGE * sizeof *entries));

        if (n <= 0)
            return;
        for (size_t i = 0; i < (size_t)n / sizeof *entries; i++, at += PAGE)
            if ((entries[i] & PRESENT) && !(entries[i] & OF_FILE) && (entries[i] & EXCLUSIVE))
                add(pages, at);
    }
}

static void survey(sgn_pages_t *pages)
{
    FILE *maps = fopen("/proc/self/maps", "re");
    int pagemap = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
    char line[512], mode[5];
    range_t mapping;

    while (maps && pagemap >= 0 && fgets(line, sizeof line, maps))
        if (sscanf(line, "%" SCNxPTR "-%" SCNxPTR " %4s", &mapping.from, &mapping.to, mode) == 3
            && mode[1] == 'w' && mode[3] == 'p' && mapping.to - mapping.from <= LARGEST)
            scan(pages, pagemap, mapping);
}

static void probe(int out, void (*work)(apr_pool_t *), sgn_pages_t *pages, apr_pool_t *pool)
{
    work(pool);
    survey(pages);
    _exit(write(out, pages, sizeof *pages) == (ssize_t)sizeof *pages ? 0 : 1);
}

/* ---- in the zygote and its workers -------------------------------------------- */

sgn_error_t *sgn_pages_learn(sgn_pages_t **out, void (*work)(apr_pool_t *pool), apr_pool_t *pool)
{
    sgn_pages_t *pages = apr_pcalloc(pool, sizeof *pages);
    size_t got = 0;
    int fds[2], status;
    pid_t child;

    *out = pages;
    if (pipe2(fds, O_CLOEXEC) != 0)
        return SGN_ERROR_ERRNO(pool, SGN_INTERNAL, "pipe");
    child = fork();
    if (child == 0)
        probe(fds[1], work, pages, pool);
    close(fds[1]);
    for (ssize_t n = 1; child > 0 && n > 0 && got < sizeof *pages; got += n > 0 ? (size_t)n : 0)
        n = read(fds[0], (char *)pages + got, sizeof *pages - got);
    close(fds[0]);
    if (child < 0 || waitpid(child, &status, 0) != child || status != 0)
        return SGN_ERROR(pool, SGN_INTERNAL, "the rehearsal ended badly");
    if (got != sizeof *pages)
        pages->count = 0;
    return NULL;
}

void sgn_pages_touch(const sgn_pages_t *pages)
{
    for (int i = 0; i < pages->count; i++) {
        const range_t *range = &pages->ranges[i];

        (void)madvise((void *)range->from, range->to - range->from, MADV_POPULATE_WRITE);
    }
}
