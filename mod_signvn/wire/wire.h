/*
 * wire.h: one message over a SOCK_SEQPACKET socket: JSON with descriptors.
 *
 * Used between httpd child and keeper, command line and keeper, keeper and
 * worker.  A connection carries one request and one answer; closing it
 * cancels.  JSON above 60 KiB travels in a sealed memfd.  Truncated messages
 * (MSG_TRUNC, MSG_CTRUNC) are errors and what came with them is closed;
 * received descriptors are O_CLOEXEC and owned by the pool.
 *
 * Not checked here: who the peer is (sgn_wire_peer tells) and what the JSON
 * means.  Version rule: `v` must be SGN_WIRE_VERSION; unknown members are
 * refused in requests by the reader of the operation and ignored in answers.
 */
#ifndef SGN_WIRE_WIRE_H
#define SGN_WIRE_WIRE_H

#include "base/json.h"

#define SGN_WIRE_VERSION 1
#define SGN_WIRE_FDS 128            /* descriptors of one message */
#define SGN_WIRE_INLINE (60 * 1024)
#define SGN_WIRE_LIMIT (256 << 20)  /* JSON in a memfd */

typedef struct {
    json_t *json;
    size_t length;              /* received: bytes of the text */
    int fds[SGN_WIRE_FDS];
    int nfds;
} sgn_wire_message_t;

/* Sends without blocking longer than `wait`; SGN_WIRE when the peer is gone. */
sgn_error_t *sgn_wire_send(int socket, const sgn_wire_message_t *message,
                           apr_interval_time_t wait, apr_pool_t *pool);
/* Waits at most `wait` (negative: for ever).  *out is NULL when the peer closed
 * without a message; SGN_BUSY when the time is over. */
sgn_error_t *sgn_wire_receive(sgn_wire_message_t **out, int socket,
                              apr_interval_time_t wait, apr_pool_t *pool);
/* Connects to the keeper; SGN_KEEPER_ABSENT. */
sgn_error_t *sgn_wire_connect(int *out, const char *path, apr_interval_time_t wait, apr_pool_t *pool);
/* SO_PEERCRED. */
sgn_error_t *sgn_wire_peer(uid_t *uid, pid_t *pid, int socket, apr_pool_t *pool);

#endif
