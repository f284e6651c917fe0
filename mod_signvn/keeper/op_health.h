/*
 * op_health.h: what the keeper says about itself: health (may it serve?), info
 * (what is it?), metrics (numbers for Prometheus).
 */
#ifndef SGN_KEEPER_OP_HEALTH_H
#define SGN_KEEPER_OP_HEALTH_H

#include "keeper/operations.h"

sgn_error_t *sgn_op_health_get(sgn_call_t *call);
sgn_error_t *sgn_op_info_get(sgn_call_t *call);
sgn_error_t *sgn_op_metrics_get(sgn_call_t *call);

#endif
