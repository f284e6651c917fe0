/*
 * startup.h: everything between main() and the first request: limits,
 * configuration, lock of the state directory, databases, evidence, engine,
 * rooms, zygote (born by exec, so what was opened before does not go with it).
 * Well under a second: no migration of bulk data and no fixity check here.
 *
 * sgn_startup_check() does what can be known without becoming the keeper, for
 * the module's first configuration pass (`signvnd --check`): it creates and
 * changes nothing.
 */
#ifndef SGN_KEEPER_STARTUP_H
#define SGN_KEEPER_STARTUP_H

#include "keeper/keeper.h"

/* The process itself: no core, no ptrace, descriptors, umask, working directory. */
sgn_error_t *sgn_startup_harden(apr_pool_t *pool);
sgn_error_t *sgn_startup_check(const sgn_config_t *config, apr_pool_t *pool);
/* As the final user.  The keeper lives in pool. */
sgn_error_t *sgn_startup_keeper(sgn_keeper_t **out, sgn_config_t *config, apr_pool_t *pool);
/* Main thread only: (re)birth of the zygote; keeper->zygote_* and its control
 * socket *control are set. */
sgn_error_t *sgn_startup_zygote(int *control, pid_t *pid, sgn_keeper_t *keeper);
/* Main thread only: another configuration, all of it or nothing. */
sgn_error_t *sgn_startup_configure(sgn_keeper_t *keeper, json_t *json);

#endif
