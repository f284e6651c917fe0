/*
 * zygote.h: the warm process that forks one worker per task, always some of
 * them ahead: a fork costs more than a small task.
 *
 * Control socket (descriptor 3), zygote to keeper, once: {"v":1,"build",
 *   "error"?}; then one {"v":1} for each worker that waits, with
 *   [call socket, life socket, pidfd, answer memfd, result memfd].  Keeper to
 *   zygote: {"v":1}, one more; {"v":1,"certificates":[base64]}, which workers
 *   from now on read while they wait (the zygote itself reads none): only of the
 *   configuration, for every later worker reads them.  A worker that cannot be
 *   made when it is asked for is made later.
 * Call socket, keeper to worker, once:
 *   {"v":1,"task","args"?,"size":bytes of the document,"data","file","cpu":
 *    limits,"result":bool} with [document?].
 *   The worker answers once, without descriptors; what is longer than a message
 *   lies in the answer memfd ({"v":1,"long":bytes}), bytes that a task makes in
 *   the result memfd.
 * Life socket, zygote to keeper, when the worker is dead: {"v":1,"status":wait
 *   status,"rssKb","cpuUs"}.  The worker never holds it, so it cannot forge
 *   its end.
 *
 * The zygote holds no secret, opens nothing after its start and ends with the
 * process that started it.
 */
#ifndef SGN_WORKER_ZYGOTE_H
#define SGN_WORKER_ZYGOTE_H

#include "base/error.h"
#include "worker/pages.h"
#include "worker/sandbox.h"

/* Serves until the control socket closes. */
sgn_error_t *sgn_zygote_run(int control, const sgn_sandbox_t *sandbox, const sgn_pages_t *pages, apr_pool_t *pool);

#endif
