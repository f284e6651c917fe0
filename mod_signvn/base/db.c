/* db.c: handles, parameters, rows and migrations over the table of engines. */
#include "base/db.h"

#include <stdarg.h>
#include <string.h>

#include <pthread.h>

#include <apr_strings.h>

#include "base/clock.h"
#include "base/pool.h"

extern const sgn_db_engine_t sgn_db_sqlite;

static const sgn_db_engine_t *const engines[] = { &sgn_db_sqlite };

#define MAX_PARAMETERS 64

struct sgn_db_t {
    const sgn_db_engine_t *engine;
    void *connection;
    pthread_mutex_t mutex;      /* recursive: held through a transaction */
    int depth;                  /* 1 inside a transaction of the holder */
};

static void destroy_mutex(void *mutex)
{
    pthread_mutex_destroy(mutex);
}

sgn_error_t *sgn_db_open(sgn_db_t **out, const char *url, int durable, apr_pool_t *pool)
{
    const char *colon = strchr(url, ':');
    pthread_mutexattr_t attributes;
    sgn_db_t *db;

    for (size_t i = 0; colon && i < sizeof engines / sizeof engines[0]; i++) {
        if (strncmp(engines[i]->scheme, url, (size_t)(colon - url)) != 0 ||
            engines[i]->scheme[colon - url] != '\0')
            continue;
        db = apr_pcalloc(pool, sizeof *db);
        db->engine = engines[i];
        pthread_mutexattr_init(&attributes);
        pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_RECURSIVE);
        pthread_mutex_init(&db->mutex, &attributes);
        pthread_mutexattr_destroy(&attributes);
        sgn_pool_own(pool, &db->mutex, destroy_mutex);
        SGN_TRY(db->engine->open(&db->connection, colon + 1, durable, pool));
        *out = db;
        return NULL;
    }
    return SGN_ERROR(pool, SGN_CONFIG, "database %s: sqlite:PATH wanted", url);
}

static sgn_error_t *script(sgn_db_t *db, const char *sql, apr_pool_t *pool)
{
    return db->engine->script(db->connection, sql, pool);
}

sgn_error_t *sgn_db_begin(sgn_db_t *db, apr_pool_t *pool)
{
    sgn_error_t *error = NULL;

    pthread_mutex_lock(&db->mutex);
    if (db->depth == 0)
        error = script(db, "BEGIN IMMEDIATE", pool);
    else
        error = SGN_ERROR(pool, SGN_DB_FAILED, "a transaction within a transaction");
    if (error) {
        pthread_mutex_unlock(&db->mutex);
        return error;
    }
    db->depth = 1;
    return NULL;
}

sgn_error_t *sgn_db_commit(sgn_db_t *db, apr_pool_t *pool)
{
    sgn_error_t *error = script(db, "COMMIT", pool);

    if (error) {
        sgn_db_rollback(db);
        return error;
    }
    db->depth = 0;
    pthread_mutex_unlock(&db->mutex);
    return NULL;
}

void sgn_db_rollback(sgn_db_t *db)
{
    apr_pool_t *pool;

    pthread_mutex_lock(&db->mutex);
    if (db->depth) {
        if (apr_pool_create(&pool, NULL) == APR_SUCCESS) {
            sgn_error_t *ignored = script(db, "ROLLBACK", pool);    /* nothing to roll back is fine */

            (void)ignored;
            apr_pool_destroy(pool);
        }
        db->depth = 0;
        pthread_mutex_unlock(&db->mutex);
    }
    pthread_mutex_unlock(&db->mutex);
}

static sgn_error_t *collect(sgn_db_value_t *values, int *count, const char *types, va_list args, apr_pool_t *pool)
{
    int n = 0;

    for (; types && types[n]; n++) {
        sgn_db_value_t *value = &values[n];
        const sgn_bytes_t *bytes;
        const char *text;

        if (n == MAX_PARAMETERS)
            return SGN_ERROR(pool, SGN_DB_FAILED, "more than %d parameters", MAX_PARAMETERS);
        memset(value, 0, sizeof *value);
        value->type = types[n];
        switch (types[n]) {
        case 's':
            text = va_arg(args, const char *);
            value->type = text ? 's' : 'n';
            value->bytes = sgn_bytes_str(text);
            break;
        case 'i':
            value->number = va_arg(args, apr_int64_t);
            break;
        case 'b':
            bytes = va_arg(args, const sgn_bytes_t *);
            value->type = bytes ? 'b' : 'n';
            value->bytes = bytes ? *bytes : sgn_bytes(NULL, 0);
            break;
        default:
            return SGN_ERROR(pool, SGN_DB_FAILED, "parameter type %c", types[n]);
        }
    }
    *count = n;
    return NULL;
}

static sgn_error_t *run(sgn_db_rows_t **rows, apr_int64_t *changed, sgn_db_t *db, apr_pool_t *pool,
                        const char *sql, const char *types, va_list args)
{
    sgn_db_value_t values[MAX_PARAMETERS];
    sgn_error_t *error;
    int count = 0;

    SGN_TRY(collect(values, &count, types, args, pool));
    pthread_mutex_lock(&db->mutex);
    error = db->engine->run(db->connection, sql, count, values, rows, changed, pool);
    pthread_mutex_unlock(&db->mutex);
    return error;
}

sgn_error_t *sgn_db_run(sgn_db_t *db, apr_pool_t *pool, const char *sql, const char *types, ...)
{
    sgn_error_t *error;
    va_list args;

    va_start(args, types);
    error = run(NULL, NULL, db, pool, sql, types, args);
    va_end(args);
    return error;
}

sgn_error_t *sgn_db_run_changed(apr_int64_t *changed, sgn_db_t *db, apr_pool_t *pool,
                                const char *sql, const char *types, ...)
{
    sgn_error_t *error;
    va_list args;

    va_start(args, types);
    error = run(NULL, changed, db, pool, sql, types, args);
    va_end(args);
    return error;
}

sgn_error_t *sgn_db_query(sgn_db_rows_t **out, sgn_db_t *db, apr_pool_t *pool,
                          const char *sql, const char *types, ...)
{
    sgn_error_t *error;
    va_list args;

    va_start(args, types);
    error = run(out, NULL, db, pool, sql, types, args);
    va_end(args);
    return error;
}

apr_int64_t sgn_db_last_id(sgn_db_t *db)
{
    return db->engine->last_id(db->connection);
}

void sgn_db_budget(sgn_db_t *db, apr_interval_time_t budget)
{
    pthread_mutex_lock(&db->mutex);
    db->engine->budget(db->connection, budget);
    pthread_mutex_unlock(&db->mutex);
}

sgn_error_t *sgn_db_snapshot(sgn_db_t *db, const char *path, sgn_db_inside_fn inside, void *baton, apr_pool_t *pool)
{
    sgn_error_t *error;

    pthread_mutex_lock(&db->mutex);
    error = db->engine->snapshot(db->connection, path, inside, baton, db, pool);
    pthread_mutex_unlock(&db->mutex);
    return error;
}

static const sgn_db_value_t *cell(const sgn_db_rows_t *rows, int row, int column)
{
    static const sgn_db_value_t none = { .type = 'n' };

    if (row < 0 || row >= rows->rows || column < 0 || column >= rows->columns)
        return &none;
    return &rows->values[row * rows->columns + column];
}

int sgn_db_count(const sgn_db_rows_t *rows)
{
    return rows->rows;
}

const char *sgn_db_text(const sgn_db_rows_t *rows, int row, int column)
{
    const sgn_db_value_t *value = cell(rows, row, column);

    return value->type == 's' || value->type == 'b' ? (const char *)value->bytes.data : NULL;
}

apr_int64_t sgn_db_int(const sgn_db_rows_t *rows, int row, int column)
{
    const sgn_db_value_t *value = cell(rows, row, column);

    return value->type == 'i' ? value->number : 0;
}

sgn_bytes_t sgn_db_bytes(const sgn_db_rows_t *rows, int row, int column)
{
    return cell(rows, row, column)->bytes;
}

static sgn_error_t *step(sgn_db_t *db, const char *room, const sgn_db_migration_t *migration, apr_pool_t *pool)
{
    sgn_error_t *error = script(db, migration->sql, pool);

    if (!error)
        error = sgn_db_run(db, pool, "DELETE FROM schema WHERE room = $1", "s", room);
    if (!error)
        error = sgn_db_run(db, pool, "INSERT INTO schema (room, version, min_reader) VALUES ($1, $2, $3)", "sii",
                           room, (apr_int64_t)migration->version, (apr_int64_t)migration->min_reader);
    return error;
}

sgn_error_t *sgn_db_migrate(sgn_db_t *db, const char *room, const sgn_db_migration_t *migrations, apr_pool_t *pool)
{
    apr_int64_t have, readers;
    sgn_db_rows_t *rows;
    int last = 0;

    SGN_TRY(sgn_db_run(db, pool, "CREATE TABLE IF NOT EXISTS schema "
                       "(room TEXT PRIMARY KEY, version INTEGER NOT NULL, min_reader INTEGER NOT NULL)", NULL));
    SGN_TRY(sgn_db_query(&rows, db, pool, "SELECT version, min_reader FROM schema WHERE room = $1", "s", room));
    have = sgn_db_int(rows, 0, 0);
    readers = sgn_db_int(rows, 0, 1);
    for (const sgn_db_migration_t *m = migrations; m->version; m++)
        last = m->version;
    if (readers > last)
        return SGN_ERROR(pool, SGN_DB_NEWER, "%s: schema %" APR_INT64_T_FMT ", program %d", room, have, last);
    for (const sgn_db_migration_t *m = migrations; m->version; m++) {
        sgn_error_t *error;

        if (m->version <= have)
            continue;
        SGN_TRY(sgn_db_begin(db, pool));
        error = step(db, room, m, pool);
        if (error) {
            sgn_db_rollback(db);
            return SGN_WRAP(pool, error, error->code, "%s: schema step %d", room, m->version);
        }
        SGN_TRY(sgn_db_commit(db, pool));
    }
    return NULL;
}
