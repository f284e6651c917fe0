/*
 * db.h: SQL with $1 parameters on one of several engines.
 *
 * A handle is one connection with a mutex: calls from several threads are
 * taken one after the other, a transaction holds the mutex from begin to
 * commit or rollback.  Values travel as text, 64-bit integers or bytes.
 *
 * Types of parameters, one letter each: s text (NULL allowed), i apr_int64_t,
 * b const sgn_bytes_t * (NULL allowed).  Example:
 *   sgn_db_run(db, pool, "INSERT INTO person (account, since) VALUES ($1,$2)", "si", name, now)
 *
 * Errors: SGN_DB_LOCKED (try again), SGN_DB_UNIQUE (a unique constraint),
 * SGN_DB_FULL (disk), SGN_DB_FAILED.
 */
#ifndef SGN_BASE_DB_H
#define SGN_BASE_DB_H

#include "base/buf.h"

typedef struct sgn_db_t sgn_db_t;
typedef struct sgn_db_rows_t sgn_db_rows_t;

/* One step of a room's schema: `version` grows by one from 1; `min_reader` is
 * the lowest schema number of a program that may still read after this step
 * (expand first, contract a release later). */
typedef struct {
    int version;
    int min_reader;
    const char *sql;    /* several statements, no parameters */
} sgn_db_migration_t;

/* "sqlite:/path/office.sqlite".  WAL; synchronous=FULL when durable.  Closed
 * with the pool. */
sgn_error_t *sgn_db_open(sgn_db_t **out, const char *url, int durable, apr_pool_t *pool);

/* Brings the tables of one room up to date, in a transaction per step; the
 * table `schema` (room, version, min_reader) remembers.  Migrations end with a
 * row of version 0.  A schema newer than this program whose min_reader is
 * above it: SGN_DB_NEWER. */
sgn_error_t *sgn_db_migrate(sgn_db_t *db, const char *room,
                            const sgn_db_migration_t *migrations, apr_pool_t *pool);

sgn_error_t *sgn_db_begin(sgn_db_t *db, apr_pool_t *pool);
sgn_error_t *sgn_db_commit(sgn_db_t *db, apr_pool_t *pool);
/* Harmless when nothing is open. */
void sgn_db_rollback(sgn_db_t *db);

/* A statement without rows; *changed (may be NULL) gets the number of rows changed. */
sgn_error_t *sgn_db_run(sgn_db_t *db, apr_pool_t *pool, const char *sql, const char *types, ...);
sgn_error_t *sgn_db_run_changed(apr_int64_t *changed, sgn_db_t *db, apr_pool_t *pool, const char *sql, const char *types, ...);
/* Key of the last row that this connection inserted (call inside the transaction). */
apr_int64_t sgn_db_last_id(sgn_db_t *db);

/* All rows of the answer, copied into the pool; at most max (0: 100 000), more
 * is SGN_DB_FAILED.  Row i, column c: */
sgn_error_t *sgn_db_query(sgn_db_rows_t **out, sgn_db_t *db, apr_pool_t *pool, const char *sql, const char *types, ...);
int sgn_db_count(const sgn_db_rows_t *rows);
const char *sgn_db_text(const sgn_db_rows_t *rows, int row, int column);      /* NULL for NULL */
apr_int64_t sgn_db_int(const sgn_db_rows_t *rows, int row, int column);       /* 0 for NULL */
sgn_bytes_t sgn_db_bytes(const sgn_db_rows_t *rows, int row, int column);

/* A consistent copy into a new file, made inside one read transaction;
 * `inside` (may be NULL) is called within it, to read what must agree with it. */
typedef sgn_error_t *(*sgn_db_inside_fn)(void *baton, sgn_db_t *db, apr_pool_t *pool);
sgn_error_t *sgn_db_snapshot(sgn_db_t *db, const char *path, sgn_db_inside_fn inside, void *baton, apr_pool_t *pool);

/* Statements that run longer are ended with SGN_DB_TIMEOUT; 0 is no limit.
 * Holds until changed. */
void sgn_db_budget(sgn_db_t *db, apr_interval_time_t budget);

/* ---- For engines (base/db_<name>.c, one row in base/db.c) ---------------- */
typedef struct sgn_db_value_t {
    char type;              /* s, i, b or n (NULL) */
    sgn_bytes_t bytes;      /* s and b */
    apr_int64_t number;
} sgn_db_value_t;

typedef struct sgn_db_engine_t {
    const char *scheme;                                     /* "sqlite" */
    sgn_error_t *(*open)(void **connection, const char *address, int durable, apr_pool_t *pool);
    /* May be called again after a failure. */
    sgn_error_t *(*run)(void *connection, const char *sql, int count, const sgn_db_value_t *values,
                        sgn_db_rows_t **rows, apr_int64_t *changed, apr_pool_t *pool);
    sgn_error_t *(*script)(void *connection, const char *sql, apr_pool_t *pool);
    sgn_error_t *(*snapshot)(void *connection, const char *path, sgn_db_inside_fn inside, void *baton,
                             sgn_db_t *db, apr_pool_t *pool);
    apr_int64_t (*last_id)(void *connection);
    void (*budget)(void *connection, apr_interval_time_t budget);
} sgn_db_engine_t;

struct sgn_db_rows_t {
    int rows, columns;
    sgn_db_value_t *values; /* row-major, texts NUL-terminated */
};

#endif
