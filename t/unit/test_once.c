/* test_once.c: keys of requests that must not happen twice. */
#include "tap.h"
#include "scratch.h"

#include <unistd.h>

#include <apr_strings.h>

#include "base/clock.h"
#include "office/signing/job.h"
#include "office/signing/once.h"

static apr_pool_t *pool;
static sgn_db_t *db;

static json_t *answer_of(const char *id)
{
    json_t *answer = sgn_json_object(pool);

    sgn_json_set_str(answer, "id", id);
    return answer;
}

static void one_key(void)
{
    sgn_once_t once = { .account = "clerk", .key = "k-1", .digest = "aa" }, other = once;
    json_t *found;

    is_code(sgn_once_find(&found, db, &once, pool), SGN_OK, "a new key is asked for");
    ok(!found, "and has no answer");
    is_code(sgn_once_take(db, &once, pool), SGN_OK, "it is taken");
    is_code(sgn_once_take(db, &once, pool), SGN_BUSY, "the same request beside it waits");
    is_code(sgn_once_keep(db, &once, answer_of("job-1"), pool), SGN_OK, "the answer is kept");
    is_code(sgn_once_find(&found, db, &once, pool), SGN_OK, "the same again");
    is(json_string_value(json_object_get(found, "id")), "job-1", "is the same answer");
    other.digest = "bb";
    is_code(sgn_once_find(&found, db, &other, pool), SGN_IDEMPOTENCY, "another body under the key is refused");
    other.account = "reception";
    is_code(sgn_once_find(&found, db, &other, pool), SGN_OK, "another person's key");
    ok(!found, "is his own");
}

static void rolled_back(void)
{
    sgn_once_t once = { .account = "clerk", .key = "k-2", .digest = "aa" };
    json_t *found;

    sgn_db_begin(db, pool);
    is_code(sgn_once_take(db, &once, pool), SGN_OK, "taken by work that fails");
    sgn_db_rollback(db);
    is_code(sgn_once_find(&found, db, &once, pool), SGN_OK, "a failure");
    ok(!found, "leaves the key free");
}

static void a_day_later(void)
{
    sgn_once_t once = { .account = "clerk", .key = "k-3", .digest = "aa" };
    json_t *found;

    sgn_once_take(db, &once, pool);
    sgn_once_keep(db, &once, answer_of("job-3"), pool);
    sgn_db_run(db, pool, "UPDATE idempotency SET time = $1 WHERE key = 'k-3'", "i",
               (apr_int64_t)(sgn_clock_now() - apr_time_from_sec(25 * 3600)));
    sgn_once_find(&found, db, &once, pool);
    ok(!found, "after a day a key is new");
    is_code(sgn_once_take(db, &once, pool), SGN_OK, "and can be taken");
}

int main(void)
{
    pool = tap_pool();
    is_code(sgn_db_open(&db, apr_pstrcat(pool, "sqlite:", scratch_dir(), "/office.sqlite", NULL), 0, pool), SGN_OK, "a database");
    is_code(sgn_job_schema(db, pool), SGN_OK, "with the tables of jobs");
    one_key();
    rolled_back();
    a_day_later();
    return done_testing();
}
