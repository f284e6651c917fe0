/*
 * deskjob.h: one job on the desk, from the claim to the result.
 *
 * claim -> believe the request -> download and check every document -> the
 * person decides -> the password, once -> sign what was computed here ->
 * result with the desk's own evidence.  Whatever goes wrong before the
 * password is told to the server as a code and nothing is signed; values that
 * were paid for with a password are sent until the job's deadline.
 */
#ifndef SGN_AGENT_DESKJOB_H
#define SGN_AGENT_DESKJOB_H

#include "agent/confirm.h"
#include "agent/server.h"
#include "agent/token.h"

typedef struct {
    sgn_state_t *state;
    sgn_server_t *server;
    sgn_server_t *aside;        /* for signs of life while `server` is busy */
    const sgn_token_config_t *tokens;
    const char *confirm;        /* program, NULL: terminal */
    int code_typed;
} sgn_deskjob_t;

/* SGN_DONE when every document that was not declined is signed and delivered. */
int sgn_deskjob_run(const sgn_deskjob_t *desk, const char *job_id, const char *credential_id);

#endif
