/*
 * keeper_client.h: one request to the keeper and its answer.
 *
 * A connection per request; the keeper going away in between is SGN_WIRE or
 * SGN_KEEPER_ABSENT, and is tried once more when the route allows it.  What
 * the answer brings (JSON, descriptors) lives in the pool.
 */
#ifndef SGN_HTTPD_KEEPER_CLIENT_H
#define SGN_HTTPD_KEEPER_CLIENT_H

#include "wire/wire.h"

/* retry: the operation may be asked twice.  SGN_KEEPER_ABSENT, SGN_BUSY when
 * `wait` is over. */
sgn_error_t *sgn_keeper_client_ask(sgn_wire_message_t **answer, const char *socket_path,
                                   const sgn_wire_message_t *request, int retry,
                                   apr_interval_time_t wait, apr_pool_t *pool);

#endif
