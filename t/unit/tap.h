/*
 * tap.h: the smallest TAP producer.  A test program calls ok/is/is_code and
 * ends with `return done_testing();`.  A program without a test fails.
 */
#ifndef SGN_T_TAP_H
#define SGN_T_TAP_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <apr_general.h>

#include "base/error.h"

static int tap_run, tap_failed;

static inline int ok(int pass, const char *name)
{
    tap_run++;
    if (!pass)
        tap_failed++;
    printf("%sok %d - %s\n", pass ? "" : "not ", tap_run, name);
    fflush(stdout);
    return pass;
}

static inline int is(const char *got, const char *want, const char *name)
{
    int pass = got && want ? strcmp(got, want) == 0 : got == want;

    if (!ok(pass, name))
        printf("#  got: %s\n# want: %s\n", got ? got : "(null)", want ? want : "(null)");
    return pass;
}

static inline int is_int(long long got, long long want, const char *name)
{
    if (!ok(got == want, name)) {
        printf("#  got: %lld\n# want: %lld\n", got, want);
        return 0;
    }
    return 1;
}

/* code SGN_OK: no error expected. */
static inline int is_code(const sgn_error_t *error, sgn_code_t code, const char *name)
{
    sgn_code_t got = error ? error->code : SGN_OK;

    if (!ok(got == code, name)) {
        printf("#  got: %s (%s)\n# want: %s\n",
               got ? sgn_error_row(got)->name : "success", error ? error->detail : "",
               code ? sgn_error_row(code)->name : "success");
        return 0;
    }
    return 1;
}

static inline int done_testing(void)
{
    printf("1..%d\n", tap_run);
    return tap_run == 0 || tap_failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* The pool of a test program. */
static inline apr_pool_t *tap_pool(void)
{
    static apr_pool_t *pool;

    if (!pool) {
        apr_initialize();
        atexit(apr_terminate);  /* so that the leak checker sees what pools own */
        apr_pool_create(&pool, NULL);
    }
    return pool;
}

#endif
