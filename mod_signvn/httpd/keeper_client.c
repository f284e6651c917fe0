/* keeper_client.c: connect, send, receive, each with a deadline. */
#include "httpd/keeper_client.h"

#include <unistd.h>

#include "base/pool.h"

#define CONNECT_WAIT apr_time_from_sec(3)
#define SEND_WAIT apr_time_from_sec(3)
#define DYING 200000

static sgn_error_t *once(sgn_wire_message_t **answer, const char *socket_path, const sgn_wire_message_t *request,
                         apr_interval_time_t wait, apr_pool_t *pool)
{
    int socket;
    sgn_error_t *error;

    SGN_TRY(sgn_wire_connect(&socket, socket_path, CONNECT_WAIT, pool));
    error = sgn_wire_send(socket, request, SEND_WAIT, pool);
    if (!error)
        error = sgn_wire_receive(answer, socket, wait, pool);
    sgn_pool_close_fd(pool, socket);
    if (!error && !*answer)
        error = SGN_ERROR(pool, SGN_KEEPER_ABSENT, "the keeper went away before it answered");
    return error;
}

sgn_error_t *sgn_keeper_client_ask(sgn_wire_message_t **answer, const char *socket_path,
                                   const sgn_wire_message_t *request, int retry,
                                   apr_interval_time_t wait, apr_pool_t *pool)
{
    sgn_error_t *error = once(answer, socket_path, request, wait, pool);

    /* Within a second the parent starts it again; connections wait meanwhile
     * in the backlog of the socket that the parent keeps.  Not at once: one that
     * is being killed may still take a connection and drop it. */
    if (error && retry && (error->code == SGN_KEEPER_ABSENT || error->code == SGN_WIRE)) {
        apr_sleep(DYING);
        error = once(answer, socket_path, request, wait, pool);
    }
    if (error && error->code == SGN_WIRE)
        error = SGN_WRAP(pool, error, SGN_KEEPER_ABSENT, "no connection to the keeper");
    return error;
}
