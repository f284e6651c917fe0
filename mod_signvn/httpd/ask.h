/*
 * ask.h: a request becomes an operation of the keeper, and is asked again
 * while a caller waits (?wait=) for a change.
 */
#ifndef SGN_HTTPD_ASK_H
#define SGN_HTTPD_ASK_H

#include <httpd.h>

#include "httpd/api.h"
#include "httpd/body.h"
#include "httpd/start.h"

typedef struct {
    request_rec *r;
    const sgn_api_route_t *route;
    apr_table_t *args;              /* placeholders, then the query */
    const sgn_body_t *body;
    const sgn_start_shared_t *shared;
    int wait_sec;
} sgn_ask_t;

/* The query string into args; SGN_FIELD, SGN_ENCODING. */
sgn_error_t *sgn_ask_arguments(sgn_ask_t *ask);
/* Asks and answers; *result is what the handler returns. */
sgn_error_t *sgn_ask_run(int *result, sgn_ask_t *ask);

#endif
