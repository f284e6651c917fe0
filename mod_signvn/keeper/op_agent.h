/* op_agent.h: operations of signing desks; rows in operations.c. */
#ifndef SGN_KEEPER_OP_AGENT_H
#define SGN_KEEPER_OP_AGENT_H

#include "keeper/operations.h"

/* keeper->check_proof: sets call->agent and call->account, or call->agent_jwk. */
sgn_error_t *sgn_op_agent_proof(sgn_call_t *call, int enrolling);

sgn_error_t *sgn_op_agent_enrol_begin(sgn_call_t *call);
sgn_error_t *sgn_op_agent_enrol(sgn_call_t *call);
sgn_error_t *sgn_op_agent_enrol_status(sgn_call_t *call);
sgn_error_t *sgn_op_agent_enrol_confirm(sgn_call_t *call);
sgn_error_t *sgn_op_agent_credentials(sgn_call_t *call);
sgn_error_t *sgn_op_agent_poll(sgn_call_t *call);
sgn_error_t *sgn_op_agent_claim(sgn_call_t *call);
sgn_error_t *sgn_op_agent_document(sgn_call_t *call);
sgn_error_t *sgn_op_agent_progress(sgn_call_t *call);
sgn_error_t *sgn_op_agent_result(sgn_call_t *call);
sgn_error_t *sgn_op_agent_reject(sgn_call_t *call);

#endif
