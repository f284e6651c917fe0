/*
 * serve.h: the main loop: accepts, knows the peer, reads one request, hands it
 * over; watches the zygote and the signals.  Never waits for a database, a
 * file or a peer.
 */
#ifndef SGN_KEEPER_SERVE_H
#define SGN_KEEPER_SERVE_H

#include "keeper/keeper.h"

/* Before any thread exists: signals are taken by descriptor from now on. */
sgn_error_t *sgn_serve_signals(int *out, apr_pool_t *pool);
/* Until SIGTERM or `shutdown`.  control, zygote: as sgn_startup_zygote() gave them. */
sgn_error_t *sgn_serve_run(sgn_keeper_t *keeper, int listener, int signals, int control, pid_t zygote, apr_pool_t *pool);

#endif
