/* once.c: keys of requests that must not happen twice. */
#include "office/signing/once.h"

#include <string.h>

#include "base/clock.h"

#define KEY_LIFE apr_time_from_sec(24 * 3600)
#define ANSWER_LIMIT ((size_t)1 << 20)
#define CREATED 201

sgn_error_t *sgn_once_find(json_t **answer, sgn_db_t *office, const sgn_once_t *once, apr_pool_t *pool)
{
    sgn_db_rows_t *rows;

    *answer = NULL;
    SGN_TRY(sgn_db_query(&rows, office, pool,
                         "SELECT digest, answer FROM idempotency WHERE account = $1 AND key = $2 AND time > $3", "ssi",
                         once->account, once->key, (apr_int64_t)(sgn_clock_now() - KEY_LIFE)));
    if (sgn_db_count(rows) == 0)
        return NULL;
    if (strcmp(sgn_db_text(rows, 0, 0), once->digest) != 0)
        return SGN_ERROR(pool, SGN_IDEMPOTENCY, "key %.40s", once->key);
    return sgn_json_parse(answer, sgn_bytes_str(sgn_db_text(rows, 0, 1)), ANSWER_LIMIT, pool);
}

sgn_error_t *sgn_once_take(sgn_db_t *office, const sgn_once_t *once, apr_pool_t *pool)
{
    apr_time_t now = sgn_clock_now();
    sgn_error_t *error;

    SGN_TRY(sgn_db_run(office, pool, "DELETE FROM idempotency WHERE time <= $1", "i", (apr_int64_t)(now - KEY_LIFE)));
    error = sgn_db_run(office, pool,
                       "INSERT INTO idempotency (account, key, digest, status, answer, time) VALUES ($1, $2, $3, $4, 'null', $5)",
                       "sssii", once->account, once->key, once->digest, (apr_int64_t)CREATED, (apr_int64_t)now);
    if (error && error->code == SGN_DB_UNIQUE)
        return SGN_WRAP(pool, error, SGN_BUSY, "the same request was faster");
    return error;
}

sgn_error_t *sgn_once_keep(sgn_db_t *office, const sgn_once_t *once, const json_t *answer, apr_pool_t *pool)
{
    return sgn_db_run(office, pool, "UPDATE idempotency SET answer = $1 WHERE account = $2 AND key = $3", "sss",
                      sgn_json_print(answer, pool), once->account, once->key);
}
