/* test_guesses.c: tries of enrolment codes by address (B12). */
#include "tap.h"

#include <apr_strings.h>

#include "office/signing/guesses.h"

#define NOW apr_time_from_sec(1000)

static apr_pool_t *pool;
static sgn_guesses_t *guesses;

/* How many of n tries are let through. */
static int tries(const char *address, int n, apr_time_t now)
{
    int through = 0;

    for (int i = 0; i < n; i++)
        through += sgn_guesses_take(guesses, address, now, pool) == NULL;
    return through;
}

int main(void)
{
    int blocked = 0;

    pool = tap_pool();
    is_code(sgn_guesses_make(&guesses, pool), SGN_OK, "a table");
    is_int(tries("192.0.2.1", 25, NOW), 20, "twenty tries from one address");
    is_code(sgn_guesses_take(guesses, "192.0.2.1", NOW + apr_time_from_sec(59), pool), SGN_ENROL_TOO_MANY, "in a minute");
    is_code(sgn_guesses_take(guesses, "::ffff:192.0.2.1", NOW, pool), SGN_ENROL_TOO_MANY, "however it is written");
    is_int(tries("192.0.2.1", 25, NOW + apr_time_from_sec(60)), 20, "then as many again");
    is_int(tries("192.0.2.2", 20, NOW), 20, "another address has its own");
    is_int(tries("2001:db8:1:2::1", 20, NOW), 20, "one of IPv6 too");
    is_code(sgn_guesses_take(guesses, "2001:db8:1:2:ffff::9", NOW, pool), SGN_ENROL_TOO_MANY, "B12: with all that one customer has");
    is_code(sgn_guesses_take(guesses, "2001:db8:1:3::1", NOW, pool), SGN_OK, "and not his neighbour's");
    for (int i = 0; i < 19; i++) {
        sgn_guesses_take(guesses, "192.0.2.7", NOW, pool);
        sgn_guesses_give(guesses, "192.0.2.7");
    }
    is_int(tries("192.0.2.7", 25, NOW), 20, "codes that were right do not count");
    is_int(tries(NULL, 25, NOW), 20, "no address is one address");
    is_int(tries(apr_psprintf(pool, "%0500d", 1), 25, NOW), 20, "nor does a long one hurt");
    for (int i = 0; i < 1000; i++)
        blocked += tries(apr_psprintf(pool, "198.51.%d.%d", i / 250, i % 250), 1, NOW + apr_time_from_sec(120)) == 0;
    is_int(blocked, 0, "a thousand offices that try once are let through");
    return done_testing();
}
