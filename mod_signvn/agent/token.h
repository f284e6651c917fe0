/*
 * token.h: every touch of a token happens in a child process with a deadline.
 *
 * A vendor's module may hang, crash or leak; the child is killed hard and the
 * desk goes on.  The password is asked for inside that child, so the process
 * that talks to the network never holds it.
 *
 * Order of use: sgn_token_list() now and then; for a job sgn_token_start(),
 * sgn_token_step() until it tells the end, sgn_token_stop().
 */
#ifndef SGN_AGENT_TOKEN_H
#define SGN_AGENT_TOKEN_H

#include "agent/key.h"
#include "agent/platform.h"

typedef struct {
    const char *modules[8];
    unsigned nmodules;
    const char *pinentry;
} sgn_token_config_t;

/* What every module shows; modules that fail are logged once and left out. */
int sgn_token_list(sgn_key_list_t *list, const sgn_token_config_t *config);

typedef struct {
    unsigned char value[SGN_KEY_VALUE];
    size_t len;                 /* 0: not signed */
} sgn_token_value_t;

typedef enum {
    SGN_TOKEN_NOTHING,          /* nothing new in this step's time */
    SGN_TOKEN_AUTHORISED,       /* the password (or pad) was accepted */
    SGN_TOKEN_SIGNED,           /* one more value */
    SGN_TOKEN_END               /* outcome is set */
} sgn_token_event_t;

typedef struct {
    sgn_process_t process;
    sgn_token_value_t values[SGN_KEY_BATCH];
    unsigned done;
    int authorised;
    int outcome;
    unsigned char room[4096];   /* messages not read yet */
    size_t used;
    int64_t end;                /* of the step that runs: password or one signature */
    int seconds;                /* for one signature */
    unsigned count;
} sgn_token_run_t;

/* question: what pinentry says, already a label. */
int sgn_token_start(sgn_token_run_t *run, const sgn_token_config_t *config, const sgn_key_credential_t *credential,
                    sgn_key_algorithm_t algorithm, const unsigned char (*digests)[SGN_SHA256_SIZE], unsigned count,
                    const char *question);
sgn_token_event_t sgn_token_step(sgn_token_run_t *run, int milliseconds);
void sgn_token_stop(sgn_token_run_t *run);

#endif
