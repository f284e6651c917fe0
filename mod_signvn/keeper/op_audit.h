/* op_audit.h: reading the audit log; rows in operations.c. */
#ifndef SGN_KEEPER_OP_AUDIT_H
#define SGN_KEEPER_OP_AUDIT_H

#include "keeper/operations.h"

/* args agency (own; absent: the first one's), actor, action, object, from, to,
 * after, limit.  The command line sees every agency. */
sgn_error_t *sgn_op_audit_list(sgn_call_t *call);
/* command line only: the chain -> {ok, rows, broken?, head} */
sgn_error_t *sgn_op_audit_verify(sgn_call_t *call);

#endif
