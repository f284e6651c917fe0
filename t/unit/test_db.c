/* test_db.c: the database layer, for every engine of base/db.c. */
#include "tap.h"
#include "scratch.h"

#include <pthread.h>
#include <sys/stat.h>
#include <unistd.h>

#include <apr_strings.h>

#include "base/db.h"

static const sgn_db_migration_t first[] = {
    { 1, 1, "CREATE TABLE person (id INTEGER PRIMARY KEY, name TEXT UNIQUE, born INTEGER, face BLOB)" },
    { 0, 0, NULL },
};
static const sgn_db_migration_t second[] = {
    { 1, 1, "CREATE TABLE person (id INTEGER PRIMARY KEY, name TEXT UNIQUE, born INTEGER, face BLOB)" },
    { 2, 2, "ALTER TABLE person ADD COLUMN note TEXT" },
    { 0, 0, NULL },
};

static sgn_error_t *count_inside(void *baton, sgn_db_t *db, apr_pool_t *pool)
{
    sgn_db_rows_t *rows;

    SGN_TRY(sgn_db_query(&rows, db, pool, "SELECT count(*) FROM person", NULL));
    *(apr_int64_t *)baton = sgn_db_int(rows, 0, 0);
    return NULL;
}

static sgn_db_t *shared;

static void *insert_many(void *baton)
{
    apr_pool_t *pool;

    apr_pool_create(&pool, NULL);
    for (int i = 0; i < 50; i++)
        if (sgn_db_begin(shared, pool) == NULL) {
            sgn_error_t *error = sgn_db_run(shared, pool, "INSERT INTO person (name, born) VALUES ($1, $2)", "si",
                                            apr_psprintf(pool, "%s-%d", (const char *)baton, i), (apr_int64_t)i);
            if (error || sgn_db_commit(shared, pool))
                sgn_db_rollback(shared);
        }
    apr_pool_destroy(pool);
    return NULL;
}

/* Another program that holds the file: after five seconds it is said so. */
static void locked(const char *url)
{
    apr_pool_t *pool = tap_pool();
    sgn_db_rows_t *rows;
    sgn_db_t *other;

    is_code(sgn_db_open(&other, url, 1, pool), SGN_OK, "db: opened by another program");
    is_code(sgn_db_begin(other, pool), SGN_OK, "db: that begins to write");
    is_code(sgn_db_begin(shared, pool), SGN_DB_LOCKED, "db: a lock that stays is told, nothing waits for ever");
    sgn_db_rollback(other);
    is_code(sgn_db_run(other, pool, "ALTER TABLE kept ADD COLUMN c TEXT DEFAULT 'c'", NULL), SGN_OK, "db: another program changes a table");
    is_code(sgn_db_run(shared, pool, "INSERT INTO kept (b) VALUES ('b')", NULL), SGN_OK, "db: it is written to");
    ok(!sgn_db_query(&rows, shared, pool, "SELECT * FROM kept LIMIT 1", NULL) && rows->columns == 2 && strcmp(sgn_db_text(rows, 0, 1), "c") == 0,
       "db: a kept statement shows the column of the other program");
    is_code(sgn_db_begin(shared, pool), SGN_OK, "db: and when it is gone the work goes on");
    sgn_db_rollback(shared);
}

/* Statements are kept between runs: nothing of a run may stay in them. */
static void kept(sgn_db_t *db, apr_pool_t *pool)
{
    static const char find[] = "SELECT count(*) FROM kept WHERE a = $1";
    sgn_db_rows_t *rows;
    int right = 1;

    is_code(sgn_db_run(db, pool, "CREATE TABLE kept (a TEXT UNIQUE)", NULL), SGN_OK, "db: a table for kept statements");
    for (int i = 0; i < 200 && right; i++) {        /* more texts than are kept */
        const char *own = apr_psprintf(pool, "SELECT %d, count(*) FROM kept", i % 100);

        right = !sgn_db_query(&rows, db, pool, own, NULL) && sgn_db_int(rows, 0, 0) == i % 100;
    }
    ok(right, "db: two hundred statements of a hundred texts answer each its own");
    is_code(sgn_db_run(db, pool, "INSERT INTO kept (a) VALUES ($1)", "s", "một"), SGN_OK, "db: a kept statement writes");
    is_code(sgn_db_run(db, pool, "INSERT INTO kept (a) VALUES ($1)", "s", "một"), SGN_DB_UNIQUE, "db: and fails");
    is_code(sgn_db_run(db, pool, "INSERT INTO kept (a) VALUES ($1)", "s", "hai"), SGN_OK, "db: and writes again");
    ok(!sgn_db_query(&rows, db, pool, find, "s", "hai") && sgn_db_int(rows, 0, 0) == 1, "db: asked with a value");
    is_code(sgn_db_query(&rows, db, pool, find, ""), SGN_OK, "db: asked without");
    ok(sgn_db_int(rows, 0, 0) == 0, "db: the value of the last time is gone");
    is_code(sgn_db_query(&rows, db, pool, "SELECT * FROM kept LIMIT 1", NULL), SGN_OK, "db: every column");
    is_code(sgn_db_run(db, pool, "ALTER TABLE kept ADD COLUMN b TEXT DEFAULT 'mới'", NULL), SGN_OK, "db: one more column");
    is_code(sgn_db_query(&rows, db, pool, "SELECT * FROM kept LIMIT 1", NULL), SGN_OK, "db: every column again");
    ok(rows->columns == 2 && strcmp(sgn_db_text(rows, 0, 1), "mới") == 0, "db: has the new one");
    is_code(sgn_db_run(db, pool, "DROP TABLE kept", NULL), SGN_OK, "db: a table that kept statements name goes");
    is_code(sgn_db_query(&rows, db, pool, "SELECT * FROM kept LIMIT 1", NULL), SGN_DB_FAILED, "db: they are told so");
    is_code(sgn_db_run(db, pool, "CREATE TABLE kept (b TEXT)", NULL), SGN_OK, "db: and when it is back");
    is_code(sgn_db_query(&rows, db, pool, "SELECT * FROM kept LIMIT 1", NULL), SGN_OK, "db: they work");
    ok(sgn_db_count(rows) == 0, "db: on what is there now");
    is_code(sgn_db_begin(db, pool), SGN_OK, "db: no kept statement stands in the way of a transaction");
    sgn_db_rollback(db);
}

int main(void)
{
    apr_pool_t *pool = tap_pool();
    const char *directory = scratch_dir();
    sgn_bytes_t face = sgn_bytes("\0\1\2", 3);
    apr_int64_t inside = 0, changed;
    const char *url, *copy;
    sgn_db_rows_t *rows;
    sgn_db_t *db;
    pthread_t a, b;

    url = apr_pstrcat(pool, "sqlite:", directory, "/office.sqlite", NULL);
    copy = apr_pstrcat(pool, directory, "/copy.sqlite", NULL);
    is_code(sgn_db_open(&db, "oracle:x", 1, pool), SGN_CONFIG, "db: an unknown engine is refused");
    is_code(sgn_db_open(&db, url, 1, pool), SGN_OK, "db: opened");
    is_code(sgn_db_migrate(db, "people", first, pool), SGN_OK, "db: first schema");
    is_code(sgn_db_migrate(db, "people", second, pool), SGN_OK, "db: second schema on top");
    is_code(sgn_db_migrate(db, "people", second, pool), SGN_OK, "db: again changes nothing");
    is_code(sgn_db_migrate(db, "people", first, pool), SGN_DB_NEWER, "db: an older program is refused by min_reader");
    is_code(sgn_db_run(db, pool, "INSERT INTO person (name, born, face) VALUES ($1, $2, $3)", "sib",
                       "Nguyễn Thị Ánh'); DROP TABLE person; --", (apr_int64_t)1980, &face), SGN_OK, "db: values are never SQL");
    is_code(sgn_db_run(db, pool, "INSERT INTO person (name) VALUES ($1)", "s",
                       "Nguyễn Thị Ánh'); DROP TABLE person; --"), SGN_DB_UNIQUE, "db: a unique constraint is told apart");
    is_code(sgn_db_query(&rows, db, pool, "SELECT name, born, face, note FROM person WHERE born = $1", "i", (apr_int64_t)1980),
            SGN_OK, "db: read");
    ok(sgn_db_count(rows) == 1 && sgn_db_int(rows, 0, 1) == 1980 && sgn_bytes_equal(sgn_db_bytes(rows, 0, 2), face) &&
       sgn_db_text(rows, 0, 3) == NULL, "db: text, integer, bytes and NULL come back");
    kept(db, pool);
    is_code(sgn_db_query(&rows, db, pool, "SELECT $2, $1, $2", "is", (apr_int64_t)1, "hai"), SGN_OK, "db: parameters in any order");
    ok(sgn_db_int(rows, 0, 1) == 1 && strcmp(sgn_db_text(rows, 0, 0), "hai") == 0, "db: go by their number");
    is_code(sgn_db_query(&rows, db, pool, "SELECT $1", "is", (apr_int64_t)1, "hai"), SGN_DB_FAILED, "db: a value without its place is refused");
    is_code(sgn_db_begin(db, pool), SGN_OK, "db: begin");
    is_code(sgn_db_run_changed(&changed, db, pool, "UPDATE person SET born = 1", NULL), SGN_OK, "db: update");
    is_int(changed, 1, "db: one row changed");
    sgn_db_rollback(db);
    is_code(sgn_db_query(&rows, db, pool, "SELECT born FROM person", NULL), SGN_OK, "db: read again");
    is_int(sgn_db_int(rows, 0, 0), 1980, "db: rolled back");
    shared = db;
    pthread_create(&a, NULL, insert_many, (void *)"a");
    pthread_create(&b, NULL, insert_many, (void *)"b");
    pthread_join(a, NULL);
    pthread_join(b, NULL);
    is_code(sgn_db_snapshot(db, copy, count_inside, &inside, pool), SGN_OK, "db: snapshot");
    is_int(inside, 101, "db: two threads lost nothing, read inside the snapshot");
    is_code(sgn_db_open(&db, apr_pstrcat(pool, "sqlite:", copy, NULL), 0, pool), SGN_OK, "db: the snapshot opens");
    is_code(sgn_db_query(&rows, db, pool, "SELECT count(*) FROM person", NULL), SGN_OK, "db: and is read");
    is_int(sgn_db_int(rows, 0, 0), 101, "db: with the same rows");
    is_code(sgn_db_run(db, pool, "PRAGMA max_page_count = 4", NULL), SGN_OK, "db: a disk that is nearly full");
    is_code(sgn_db_run(db, pool, "INSERT INTO person (name) VALUES (hex(zeroblob(100000)))", NULL), SGN_DB_FULL,
            "db: a full disk is told apart");
    sgn_db_budget(db, 1000);
    is_code(sgn_db_query(&rows, db, pool, "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i < 100000000) "
                         "SELECT count(*) FROM n", NULL), SGN_DB_TIMEOUT, "db: B30 a query over its budget is ended");
    locked(apr_pstrcat(pool, "sqlite:", directory, "/office.sqlite", NULL));
    return done_testing();
}
