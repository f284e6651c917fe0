/*
 * zygote.h: the warm process that forks one worker per task, the next one
 * always ahead of its task.
 *
 * Control socket (descriptor 3), zygote to keeper, once: {"v":1,"build",
 *   "error"?}; keeper to zygote:
 *   {"v":1,"size":bytes of the document,"data","file","cpu":limits,
 *    "document":bool,"result":bool}
 *   with [task socket, start socket, answer memfd, document?, result memfd?].
 * Start socket, zygote to keeper: {"v":1} with the worker's pidfd, then when
 * it is dead {"v":1,"status":wait status,"rssKb","cpuUs"}.  The worker never
 * holds the start socket, so it cannot forge either.
 * Task socket, worker: one request, one answer; the worker's answer carries no
 * descriptors (one longer than a message lies in the answer memfd:
 * {"v":1,"long":bytes}).
 *
 * The zygote holds no secret, opens nothing after its start and ends with the
 * process that started it.
 */
#ifndef SGN_WORKER_ZYGOTE_H
#define SGN_WORKER_ZYGOTE_H

#include "base/error.h"
#include "worker/sandbox.h"

/* Serves until the control socket closes. */
sgn_error_t *sgn_zygote_run(int control, const sgn_sandbox_t *sandbox, apr_pool_t *pool);

#endif
