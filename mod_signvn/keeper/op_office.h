/*
 * op_office.h: who somebody is, and which policy holds for an agency and where
 * each value of it was written.
 */
#ifndef SGN_KEEPER_OP_OFFICE_H
#define SGN_KEEPER_OP_OFFICE_H

#include "keeper/operations.h"

/* args: id (agency code) -> {agency, name, inForce, refused?, settings:[{name, value, place}]} */
sgn_error_t *sgn_op_office_policy(sgn_call_t *call);
/* args: id (account), of the own agencies -> {account, name, roles} */
sgn_error_t *sgn_op_office_person(sgn_call_t *call);

#endif
