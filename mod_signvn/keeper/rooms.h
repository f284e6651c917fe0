/*
 * rooms.h: the office's rooms, opened in the order of their floors when the
 * databases, the evidence and the engine are there.  A room that cannot be
 * opened stops the start and is named.
 */
#ifndef SGN_KEEPER_ROOMS_H
#define SGN_KEEPER_ROOMS_H

#include "keeper/keeper.h"

sgn_error_t *sgn_rooms_open(sgn_keeper_t *keeper, apr_pool_t *pool);
/* When the zygote is there: threads of the rooms. */
sgn_error_t *sgn_rooms_start(sgn_keeper_t *keeper, apr_pool_t *pool);

#endif
