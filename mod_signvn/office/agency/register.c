/* register.c: rows of numbers and what became of them. */
#include "office/agency/register.h"

#include <stdlib.h>
#include <string.h>

#include <apr_strings.h>

#include "base/clock.h"

static const sgn_db_migration_t schema[] = {
    { 1, 1,
      "CREATE TABLE register_number (agency TEXT NOT NULL, year INTEGER NOT NULL, series TEXT NOT NULL,"
      " number INTEGER NOT NULL, state TEXT NOT NULL, symbol TEXT, date TEXT NOT NULL, subject TEXT, job TEXT, item INTEGER,"
      " archive TEXT, reason TEXT, changed INTEGER NOT NULL, PRIMARY KEY (agency, year, series, number));"
      "CREATE INDEX register_job ON register_number (job, item)" },
    { 0, 0, NULL },
};

sgn_error_t *sgn_register_open(sgn_db_t *office, apr_pool_t *pool)
{
    return sgn_db_migrate(office, "register", schema, pool);
}

const char *sgn_register_print(apr_int64_t number, apr_pool_t *pool)
{
    return apr_psprintf(pool, number < 10 ? "0%" APR_INT64_T_FMT : "%" APR_INT64_T_FMT, number);
}

sgn_error_t *sgn_register_parse(apr_int64_t *number, const char *text, apr_pool_t *pool)
{
    size_t len = strlen(text);

    if (len < 1 || len > 7 || strspn(text, "0123456789") != len)
        return SGN_ERROR(pool, SGN_NUMBER_INVALID, "number %.16s", text);
    *number = strtoll(text, NULL, 10);
    if (*number == 0)
        return SGN_ERROR(pool, SGN_NUMBER_INVALID, "number 0");
    return NULL;
}

sgn_error_t *sgn_register_next(apr_int64_t *number, sgn_db_t *office, const char *agency, int year,
                               const char *series, apr_pool_t *pool)
{
    sgn_db_rows_t *rows;

    SGN_TRY(sgn_db_query(&rows, office, pool,
                         "SELECT max(number) FROM register_number WHERE agency = $1 AND year = $2 AND series = $3"
                         " AND state <> 'freed'", "sis", agency, (apr_int64_t)year, series));
    *number = sgn_db_int(rows, 0, 0) + 1;
    return NULL;
}

sgn_error_t *sgn_register_reserve(sgn_db_t *office, const sgn_register_entry_t *e, apr_pool_t *pool)
{
    apr_int64_t changed;
    sgn_db_rows_t *rows;

    /* [NĐ 30/2020, Điều 15.2] numbers follow time: a date before that of the
     * number below it would let a document slip in. */
    SGN_TRY(sgn_db_query(&rows, office, pool,
                         "SELECT number FROM register_number WHERE agency = $1 AND year = $2 AND series = $3"
                         " AND number < $4 AND date > $5 AND state IN ('reserved', 'used') LIMIT 1", "sisis",
                         e->agency, (apr_int64_t)e->year, e->series, e->number, e->date));
    if (sgn_db_count(rows))
        return SGN_ERROR(pool, SGN_DATE_EARLIER, "number %" APR_INT64_T_FMT " has a later date", sgn_db_int(rows, 0, 0));
    SGN_TRY(sgn_db_run_changed(&changed, office, pool,
                               "INSERT INTO register_number (agency, year, series, number, state, symbol, date, subject,"
                               " job, item, changed) VALUES ($1, $2, $3, $4, 'reserved', $5, $6, $7, $8, $9, $10)"
                               " ON CONFLICT (agency, year, series, number) DO UPDATE SET state = 'reserved',"
                               " symbol = excluded.symbol, date = excluded.date, subject = excluded.subject,"
                               " job = excluded.job, item = excluded.item, changed = excluded.changed"
                               " WHERE register_number.state = 'freed'", "sisissssii",
                               e->agency, (apr_int64_t)e->year, e->series, e->number, e->symbol, e->date, e->subject,
                               e->job, (apr_int64_t)e->item, (apr_int64_t)sgn_clock_now()));
    if (changed != 1)
        return SGN_ERROR(pool, SGN_NUMBER_TAKEN, "%" APR_INT64_T_FMT " of %s %d", e->number, e->series, e->year);
    return NULL;
}

static sgn_error_t *turn(sgn_db_t *office, const char *state, const char *job, int item, const char *archive,
                         const char *reason, apr_pool_t *pool)
{
    return sgn_db_run(office, pool,
                      "UPDATE register_number SET state = $1, archive = $2, reason = $3, changed = $4"
                      " WHERE job = $5 AND item = $6 AND state = 'reserved'", "sssisi", state, archive, reason,
                      (apr_int64_t)sgn_clock_now(), job, (apr_int64_t)item);
}

sgn_error_t *sgn_register_use(sgn_db_t *office, const char *job, int item, const char *archive, apr_pool_t *pool)
{
    return turn(office, "used", job, item, archive, NULL, pool);
}

sgn_error_t *sgn_register_free(sgn_db_t *office, const char *job, int item, apr_pool_t *pool)
{
    return turn(office, "freed", job, item, NULL, NULL, pool);
}

sgn_error_t *sgn_register_void(sgn_db_t *office, const char *job, int item, const char *reason, apr_pool_t *pool)
{
    return turn(office, "void", job, item, NULL, reason, pool);
}

sgn_error_t *sgn_register_list(json_t **out, sgn_db_t *office, const char *agency, int year,
                               const char *series, apr_pool_t *pool)
{
    json_t *items = sgn_json_array(pool), *answer = sgn_json_object(pool);
    sgn_db_rows_t *rows;

    SGN_TRY(sgn_db_query(&rows, office, pool,
                         "SELECT number, symbol, date, state, subject, archive, reason FROM register_number"
                         " WHERE agency = $1 AND year = $2 AND series = $3 ORDER BY number", "sis",
                         agency, (apr_int64_t)year, series));
    for (int i = 0; i < sgn_db_count(rows); i++) {
        json_t *item = json_object();

        sgn_json_set_str(item, "number", sgn_register_print(sgn_db_int(rows, i, 0), pool));
        sgn_json_set_str(item, "symbol", sgn_db_text(rows, i, 1));
        sgn_json_set_str(item, "date", sgn_db_text(rows, i, 2));
        sgn_json_set_str(item, "state", sgn_db_text(rows, i, 3));
        sgn_json_set_str(item, "subject", sgn_db_text(rows, i, 4));
        sgn_json_set_str(item, "archive", sgn_db_text(rows, i, 5));
        sgn_json_set_str(item, "reason", sgn_db_text(rows, i, 6));
        json_array_append_new(items, item);
    }
    sgn_json_set(answer, "items", items);
    *out = answer;
    return NULL;
}
