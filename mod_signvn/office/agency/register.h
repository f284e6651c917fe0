/*
 * register.h: the register of numbers: every number of an agency, year and
 * series has a row that says what became of it [NĐ 30/2020, Điều 15].
 *
 *   reserved (a job holds it) -> used | freed (the desk provably never reached
 *   the password) | void (given up with a reason, stays visible)
 *
 * Calls that change rows run inside the caller's transaction on the office
 * database, so that a refused act takes no number.
 */
#ifndef SGN_OFFICE_AGENCY_REGISTER_H
#define SGN_OFFICE_AGENCY_REGISTER_H

#include "office/agency/agency.h"

sgn_error_t *sgn_register_open(sgn_db_t *office, apr_pool_t *pool);

/* Digits as NĐ 30 writes them: 7 -> "07", 123 -> "123" [NĐ 30/2020, PL I]. */
const char *sgn_register_print(apr_int64_t number, apr_pool_t *pool);
/* SGN_NUMBER_INVALID unless 1 to 7 digits, not zero. */
sgn_error_t *sgn_register_parse(apr_int64_t *number, const char *text, apr_pool_t *pool);

/* The number that comes next. */
sgn_error_t *sgn_register_next(apr_int64_t *number, sgn_db_t *office, const char *agency, int year,
                               const char *series, apr_pool_t *pool);

typedef struct {
    const char *agency, *series, *symbol, *date, *job, *subject;
    int year, item;
    apr_int64_t number;
} sgn_register_entry_t;

/* SGN_NUMBER_TAKEN: reserved, used or void already.  SGN_DATE_EARLIER: a lower
 * number of the series has a later date. */
sgn_error_t *sgn_register_reserve(sgn_db_t *office, const sgn_register_entry_t *entry, apr_pool_t *pool);
sgn_error_t *sgn_register_use(sgn_db_t *office, const char *job, int item, const char *archive, apr_pool_t *pool);
sgn_error_t *sgn_register_free(sgn_db_t *office, const char *job, int item, apr_pool_t *pool);
sgn_error_t *sgn_register_void(sgn_db_t *office, const char *job, int item, const char *reason, apr_pool_t *pool);

/* {items:[{number, symbol, date, state, subject, archive?, reason?}]} */
sgn_error_t *sgn_register_list(json_t **out, sgn_db_t *office, const char *agency, int year,
                               const char *series, apr_pool_t *pool);

#endif
