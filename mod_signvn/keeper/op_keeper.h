/*
 * op_keeper.h: operations about the keeper itself: a new configuration, the
 * end, and a probe of the workers.
 */
#ifndef SGN_KEEPER_OP_KEEPER_H
#define SGN_KEEPER_OP_KEEPER_H

#include "keeper/operations.h"

/* body: the configuration of wire/config.h.  A refused one leaves the running
 * one.  -> {generation} */
sgn_error_t *sgn_op_keeper_config(sgn_call_t *call);
/* Ends when running calls are done, at most two seconds later. */
sgn_error_t *sgn_op_keeper_shutdown(sgn_call_t *call);
/* {task:"ping|crash|spin|bloat", how}: runs a probe task, for doctor and tests. */
sgn_error_t *sgn_op_keeper_probe(sgn_call_t *call);

#endif
