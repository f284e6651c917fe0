/*
 * enroll.h: this desk becomes known to a server, under a person's eyes.
 *
 * The person typed the code of a page on which he is logged in; desk and page
 * show six words over both sides' keys, and only after he confirmed them there
 * are the server's keys pinned here (THREATS B11).
 */
#ifndef SGN_AGENT_ENROLL_H
#define SGN_AGENT_ENROLL_H

#include "agent/server.h"

/* state->server, ca and name are set; on success everything is saved. */
int sgn_enroll_run(sgn_state_t *state, const char *language, const char *code);

#endif
