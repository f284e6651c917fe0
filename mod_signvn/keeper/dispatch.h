/*
 * dispatch.h: from a received message to its answer: version, operation,
 * access rule, queue, thread, encoding.  The connection carries exactly one
 * request and one answer and is closed here.
 */
#ifndef SGN_KEEPER_DISPATCH_H
#define SGN_KEEPER_DISPATCH_H

#include "keeper/operations.h"

/* Main loop only.  Takes over socket and pool; message lies in the pool. */
void sgn_dispatch_message(sgn_keeper_t *keeper, int socket, uid_t peer,
                          sgn_wire_message_t *message, apr_pool_t *pool);
/* A message that could not be read, or busy: answered and closed at once. */
void sgn_dispatch_refuse(int socket, const sgn_error_t *error, apr_pool_t *pool);
/* For sgn_queues_make(). */
void sgn_dispatch_run(void *entry);

#endif
