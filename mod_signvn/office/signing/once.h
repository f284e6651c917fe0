/*
 * once.h: Idempotency-Key: the same key, account and body give the same answer
 * for a day, another body under the key is refused.
 *
 *   find   before the work: the answer that was given
 *   take   inside the transaction of the work, first: of two requests that run
 *          at once one goes on, the other is SGN_BUSY and finds the answer
 *   keep   inside the same transaction, last
 *
 * Not checked here: the digest is the caller's, over all that he sent.
 */
#ifndef SGN_OFFICE_SIGNING_ONCE_H
#define SGN_OFFICE_SIGNING_ONCE_H

#include "base/db.h"
#include "base/json.h"

typedef struct {
    const char *account, *key, *digest;
} sgn_once_t;

/* *answer is NULL when the key is new.  SGN_IDEMPOTENCY. */
sgn_error_t *sgn_once_find(json_t **answer, sgn_db_t *office, const sgn_once_t *once, apr_pool_t *pool);
sgn_error_t *sgn_once_take(sgn_db_t *office, const sgn_once_t *once, apr_pool_t *pool);
sgn_error_t *sgn_once_keep(sgn_db_t *office, const sgn_once_t *once, const json_t *answer, apr_pool_t *pool);

#endif
