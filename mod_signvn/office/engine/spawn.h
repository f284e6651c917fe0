/*
 * spawn.h: the birth of signvn-worker, by exec: no key, no memory and no
 * descriptor of the caller goes with it but one end of the control socket.
 *
 * It dies with the *thread* that called (PR_SET_PDEATHSIG): the keeper calls
 * from its main thread only.  Waiting for it is the caller's (SIGCHLD).
 */
#ifndef SGN_OFFICE_ENGINE_SPAWN_H
#define SGN_OFFICE_ENGINE_SPAWN_H

#include <sys/types.h>

#include "base/error.h"

/* Waits until it is warm (at most five seconds).  *control is O_CLOEXEC and
 * the caller's to close: when all copies are closed the zygote ends.  Another
 * build of the program: SGN_WIRE_SKEW. */
sgn_error_t *sgn_spawn_zygote(int *control, pid_t *pid, const char *program_dir, apr_pool_t *pool);

#endif
