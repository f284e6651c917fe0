/*
 * state.h: what a desk remembers: its server, its keys, the requests it saw.
 *
 * Files in the state directory (0700), each 0600: agent.json, agent.key,
 * requests.  The server's keys are pinned here at enrolment and never changed
 * by a message.
 */
#ifndef SGN_AGENT_STATE_H
#define SGN_AGENT_STATE_H

#include "agent/platform.h"
#include "dtbs/jws.h"

#define SGN_STATE_KEYS 4

typedef struct {
    char directory[SGN_PATH_SIZE];
    char server[256];           /* "https://host[:port]" */
    char ca[256];               /* "" none */
    char agent_id[65];          /* "" not enrolled */
    char name[128];
    int max_batch;
    unsigned nkeys;
    struct {
        char kid[SGN_JWS_KID_MAX + 1];
        unsigned char point[SGN_P256_POINT];
    } keys[SGN_STATE_KEYS];
    sgn_platform_key_t *key;
} sgn_state_t;

/* Fills the directory, locks it, loads what is there.  Not enrolled is no
 * failure: agent_id is "" then. */
int sgn_state_open(sgn_state_t *state, const char *directory);
/* The same without a lock: for commands that only look. */
int sgn_state_look(sgn_state_t *state, const char *directory);
/* Writes agent.json and agent.key. */
int sgn_state_save(const sgn_state_t *state);
/* Scheme, host and port of an address; SGN_AGENT_SERVER for anything else. */
int sgn_state_server(char *out, size_t cap, const char *url);
/* Requests are remembered from the moment the password is asked for: a job that
 * is offered again after a crash before that is shown again, one after it is
 * SGN_REQUEST_REPLAYED, so no password is asked twice for one item. */
int sgn_state_seen(const sgn_state_t *state, const char *nonce);
/* The same check, then durable before it returns; entries past their time go. */
int sgn_state_remember(const sgn_state_t *state, const char *nonce, int64_t expires, int64_t now);

#endif
