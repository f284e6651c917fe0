/*
 * db_sqlite.c: the SQLite engine.  WAL; synchronous=FULL for databases that
 * are truth.  Nobody but SQLite ever opens the file: POSIX locks would vanish.
 */
#include <stdlib.h>
#include <string.h>

#include <sqlite3.h>

#include <apr_strings.h>

#include "base/clock.h"
#include "base/db.h"
#include "base/pool.h"

#define BUSY_MS 5000
#define MAX_ROWS 100000
#define PROGRESS_STEPS 10000

#define PREPARED 64             /* statements kept; parsing one costs more than running it */

typedef struct {
    char *sql;                  /* malloc; NULL: free */
    sqlite3_stmt *statement;
    apr_uint64_t used;
} prepared_t;

typedef struct {
    sqlite3 *db;
    apr_interval_time_t budget;
    apr_time_t deadline;
    apr_uint64_t runs;
    prepared_t prepared[PREPARED];
} connection_t;

static sgn_error_t *failed(connection_t *c, const char *sql, apr_pool_t *pool)
{
    int extended = sqlite3_extended_errcode(c->db);
    sgn_code_t code = SGN_DB_FAILED;

    switch (extended & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        code = SGN_DB_LOCKED;
        break;
    case SQLITE_FULL:
        code = SGN_DB_FULL;
        break;
    case SQLITE_INTERRUPT:
        code = SGN_DB_TIMEOUT;
        break;
    case SQLITE_CONSTRAINT:
        if (extended == SQLITE_CONSTRAINT_UNIQUE || extended == SQLITE_CONSTRAINT_PRIMARYKEY)
            code = SGN_DB_UNIQUE;
        break;
    }
    return SGN_ERROR(pool, code, "%s (%d) in %.60s", sqlite3_errmsg(c->db), extended, sql);
}

static int over_budget(void *baton)
{
    connection_t *c = baton;

    return c->deadline && sgn_clock_monotonic() > c->deadline;
}

static sgn_error_t *script(void *connection, const char *sql, apr_pool_t *pool)
{
    connection_t *c = connection;

    return sqlite3_exec(c->db, sql, NULL, NULL, NULL) == SQLITE_OK ? NULL : failed(c, sql, pool);
}

static void forget(prepared_t *row)
{
    sqlite3_finalize(row->statement);
    free(row->sql);
    row->sql = NULL;
    row->statement = NULL;
}

static void forget_all(void *connection)
{
    connection_t *c = connection;

    for (int i = 0; i < PREPARED; i++)
        forget(&c->prepared[i]);
}

/* The statement of this text, kept since its last run or prepared now in the
 * place of the one unused for longest. */
static sgn_error_t *prepare(sqlite3_stmt **out, connection_t *c, const char *sql, apr_pool_t *pool)
{
    prepared_t *row = &c->prepared[0];

    for (int i = 0; i < PREPARED; i++) {
        if (c->prepared[i].sql && strcmp(c->prepared[i].sql, sql) == 0) {
            row = &c->prepared[i];
            break;
        }
        if (c->prepared[i].used < row->used)
            row = &c->prepared[i];
    }
    if (!row->sql || strcmp(row->sql, sql) != 0) {
        forget(row);
        if (sqlite3_prepare_v3(c->db, sql, -1, SQLITE_PREPARE_PERSISTENT, &row->statement, NULL) != SQLITE_OK)
            return failed(c, sql, pool);
        row->sql = strdup(sql);
        if (!row->sql) {
            forget(row);
            return SGN_ERROR(pool, SGN_INTERNAL, "no memory");
        }
    }
    row->used = ++c->runs;
    *out = row->statement;
    return NULL;
}

static sgn_error_t *open_connection(void **connection, const char *address, int durable, apr_pool_t *pool)
{
    connection_t *c = apr_pcalloc(pool, sizeof *c);
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_FULLMUTEX | SQLITE_OPEN_NOFOLLOW;
    int result = sqlite3_open_v2(address, &c->db, flags, NULL);

    SGN_OWN(pool, c->db, sqlite3_close_v2);
    if (result != SQLITE_OK)
        return SGN_ERROR(pool, SGN_DB_FAILED, "open %s: %s", address, sqlite3_errstr(result));
    sqlite3_extended_result_codes(c->db, 1);
    sqlite3_busy_timeout(c->db, BUSY_MS);
    sqlite3_db_config(c->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    SGN_TRY(script(c, "PRAGMA journal_mode=WAL; PRAGMA foreign_keys=ON; PRAGMA trusted_schema=OFF", pool));
    SGN_TRY(script(c, durable ? "PRAGMA synchronous=FULL" : "PRAGMA synchronous=NORMAL", pool));
    sgn_pool_own(pool, c, forget_all);      /* before the database is closed */
    *connection = c;
    return NULL;
}

static int bind_value(sqlite3_stmt *statement, int at, const sgn_db_value_t *value)
{
    const char *empty = "";

    switch (value->type) {
    case 'i':
        return sqlite3_bind_int64(statement, at, value->number);
    case 's':
        return sqlite3_bind_text64(statement, at, value->bytes.len ? (const char *)value->bytes.data : empty,
                                   value->bytes.len, SQLITE_STATIC, SQLITE_UTF8);
    case 'b':
        return sqlite3_bind_blob64(statement, at, value->bytes.len ? (const void *)value->bytes.data : empty,
                                   value->bytes.len, SQLITE_STATIC);
    default:
        return sqlite3_bind_null(statement, at);
    }
}

/* To SQLite "$2" is a name, numbered by where it first appears: bound by name. */
static sgn_error_t *bind_parameter(connection_t *c, sqlite3_stmt *statement, int number, const sgn_db_value_t *value,
                                   const char *sql, apr_pool_t *pool)
{
    int at = sqlite3_bind_parameter_index(statement, apr_psprintf(pool, "$%d", number));

    if (at == 0)
        return SGN_ERROR(pool, SGN_DB_FAILED, "no $%d in %.60s", number, sql);
    return bind_value(statement, at, value) == SQLITE_OK ? NULL : failed(c, sql, pool);
}

static void copy_cell(sgn_db_value_t *to, sqlite3_stmt *statement, int column, apr_pool_t *pool)
{
    const void *data;

    memset(to, 0, sizeof *to);
    switch (sqlite3_column_type(statement, column)) {
    case SQLITE_INTEGER:
        to->type = 'i';
        to->number = sqlite3_column_int64(statement, column);
        break;
    case SQLITE_NULL:
        to->type = 'n';
        break;
    case SQLITE_BLOB:
        to->type = 'b';
        data = sqlite3_column_blob(statement, column);
        to->bytes = sgn_bytes_dup(sgn_bytes(data, (size_t)sqlite3_column_bytes(statement, column)), pool);
        break;
    default:
        to->type = 's';
        data = sqlite3_column_text(statement, column);
        to->bytes = sgn_bytes_dup(sgn_bytes(data, (size_t)sqlite3_column_bytes(statement, column)), pool);
    }
}

/* Steps to the end; keeps the rows when somebody wants them. */
static sgn_error_t *step_all(connection_t *c, sqlite3_stmt *statement, const char *sql,
                             sgn_db_rows_t *rows, apr_pool_t *pool)
{
    int room = 0, result;

    while ((result = sqlite3_step(statement)) == SQLITE_ROW) {
        if (!rows)
            continue;
        /* only now: a kept statement is prepared again when the schema has changed */
        rows->columns = sqlite3_column_count(statement);
        if (rows->rows == MAX_ROWS)
            return SGN_ERROR(pool, SGN_DB_FAILED, "more than %d rows from %.60s", MAX_ROWS, sql);
        if (rows->rows == room) {
            int more = room ? room * 2 : 8;
            sgn_db_value_t *values = apr_palloc(pool, sizeof *values * (size_t)(more * rows->columns));

            if (room)
                memcpy(values, rows->values, sizeof *values * (size_t)(room * rows->columns));
            rows->values = values;
            room = more;
        }
        for (int i = 0; i < rows->columns; i++)
            copy_cell(&rows->values[rows->rows * rows->columns + i], statement, i, pool);
        rows->rows++;
    }
    return result == SQLITE_DONE ? NULL : failed(c, sql, pool);
}

static sgn_error_t *run(void *connection, const char *sql, int count, const sgn_db_value_t *values,
                        sgn_db_rows_t **rows, apr_int64_t *changed, apr_pool_t *pool)
{
    connection_t *c = connection;
    sgn_db_rows_t *answer = NULL;
    sqlite3_stmt *statement;
    sgn_error_t *error = NULL;

    SGN_TRY(prepare(&statement, c, sql, pool));
    if (rows)
        answer = apr_pcalloc(pool, sizeof *answer);
    c->deadline = c->budget ? sgn_clock_monotonic() + c->budget : 0;
    for (int i = 0; i < count && !error; i++)
        error = bind_parameter(c, statement, i + 1, &values[i], sql, pool);
    if (!error)
        error = step_all(c, statement, sql, answer, pool);
    /* an open statement would hold its snapshot, a binding the caller's memory */
    sqlite3_reset(statement);
    sqlite3_clear_bindings(statement);
    if (error)
        return error;
    if (rows)
        *rows = answer;
    if (changed)
        *changed = sqlite3_changes(c->db);
    return NULL;
}

static sgn_error_t *snapshot(void *connection, const char *path, sgn_db_inside_fn inside, void *baton,
                             sgn_db_t *db, apr_pool_t *pool)
{
    connection_t *c = connection;
    const sgn_db_value_t value = { .type = 's', .bytes = sgn_bytes_str(path) };
    sgn_error_t *error;

    /* The handle's mutex is held and the keeper is the one writer, so what
     * `inside` reads and what VACUUM INTO copies are the same state. */
    if (inside)
        SGN_TRY(inside(baton, db, pool));
    error = run(c, "VACUUM INTO $1", 1, &value, NULL, NULL, pool);
    return error;
}

static apr_int64_t last_id(void *connection)
{
    return sqlite3_last_insert_rowid(((connection_t *)connection)->db);
}

static void budget(void *connection, apr_interval_time_t limit)
{
    connection_t *c = connection;

    c->budget = limit;
    if (limit)
        sqlite3_progress_handler(c->db, PROGRESS_STEPS, over_budget, c);
    else
        sqlite3_progress_handler(c->db, 0, NULL, NULL);
}

extern const sgn_db_engine_t sgn_db_sqlite;
const sgn_db_engine_t sgn_db_sqlite = {
    .scheme = "sqlite",
    .open = open_connection,
    .run = run,
    .script = script,
    .snapshot = snapshot,
    .last_id = last_id,
    .budget = budget,
};
