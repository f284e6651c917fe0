/*
 * scratch.h: directories of a test program below TMPDIR.  They are removed when
 * the program ends by exit or return, from wherever; what a signal ends leaves
 * them to scripts/test, which removes its TMPDIR.  A child that exits removes nothing.
 */
#ifndef SGN_T_SCRATCH_H
#define SGN_T_SCRATCH_H

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static char scratch_base[256];
static pid_t scratch_owner;

static inline int scratch_one(const char *path, const struct stat *what, int kind, struct FTW *where)
{
    (void)what, (void)kind, (void)where;
    (void)!remove(path);
    return 0;           /* what cannot go must not keep the rest */
}

static inline void scratch_end(void)
{
    if (scratch_owner == getpid())
        (void)nftw(scratch_base, scratch_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* A fresh directory, mode 0700; the program ends when there is none. */
static inline const char *scratch_dir(void)
{
    static char path[8][sizeof scratch_base + 8];
    static unsigned count;
    const char *place = getenv("TMPDIR");

    if (!scratch_owner) {
        snprintf(scratch_base, sizeof scratch_base, "%s/sgn-test-XXXXXX", place ? place : "/tmp");
        if (mkdtemp(scratch_base)) {
            scratch_owner = getpid();
            atexit(scratch_end);
        }
    }
    if (!scratch_owner || count == sizeof path / sizeof path[0]) {
        printf("Bail out! no scratch directory\n");
        exit(EXIT_FAILURE);
    }
    snprintf(path[count], sizeof path[count], "%s/%u", scratch_base, count);
    if (mkdir(path[count], 0700) != 0) {
        printf("Bail out! %s\n", path[count]);
        exit(EXIT_FAILURE);
    }
    return path[count++];
}

#endif
