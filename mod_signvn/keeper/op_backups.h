/* op_backups.h: backups and their timer; rows in operations.c and timers.c. */
#ifndef SGN_KEEPER_OP_BACKUPS_H
#define SGN_KEEPER_OP_BACKUPS_H

#include "keeper/operations.h"
#include "keeper/timers.h"

sgn_error_t *sgn_op_backups_list(sgn_call_t *call);
/* body {target?, full?}; args wait (seconds, at most 55) -> 202 {run, state, targets} */
sgn_error_t *sgn_op_backups_create(sgn_call_t *call);
sgn_error_t *sgn_op_backups_get(sgn_call_t *call);
/* body {level? 1, 2 (default) or 3}: the targets of that run -> {run, ok, targets} */
sgn_error_t *sgn_op_backups_verify(sgn_call_t *call);

/* Runs what SignVNBackupEvery says is due. */
sgn_error_t *sgn_op_backups_due(sgn_keeper_t *keeper, apr_pool_t *pool);

#endif
