/*
 * task_timestamp.h: asking for a time-stamp and judging the reply.  [THREATS B25]
 *
 * tsq: {imprint (hex), nonce (hex), policy?} -> {request}
 * tst: {token (the whole TimeStampResp), imprint, nonce, policy?, tsaAnchors,
 * intermediates, requestTime, now} -> {token, genTime, accuracy (ms), serial,
 * policy, authority}; else the code timestamp.refused.
 */
#ifndef SGN_WORKER_TASK_TIMESTAMP_H
#define SGN_WORKER_TASK_TIMESTAMP_H

#include "worker/tasks.h"

sgn_error_t *sgn_task_timestamp_request(sgn_task_t *task);
sgn_error_t *sgn_task_timestamp_reply(sgn_task_t *task);

#endif
