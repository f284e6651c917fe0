/* op_people.h: operations on agencies, people, incidents; rows in operations.c. */
#ifndef SGN_KEEPER_OP_PEOPLE_H
#define SGN_KEEPER_OP_PEOPLE_H

#include "keeper/operations.h"

/* keeper->find_person. */
sgn_error_t *sgn_op_people_find(unsigned *roles, sgn_call_t *call);

sgn_error_t *sgn_op_session_get(sgn_call_t *call);
sgn_error_t *sgn_op_agencies_list(sgn_call_t *call);
sgn_error_t *sgn_op_people_list(sgn_call_t *call);
sgn_error_t *sgn_op_people_import(sgn_call_t *call);
sgn_error_t *sgn_op_registers_get(sgn_call_t *call);
sgn_error_t *sgn_op_incidents_create(sgn_call_t *call);
sgn_error_t *sgn_op_incidents_lift(sgn_call_t *call);

#endif
