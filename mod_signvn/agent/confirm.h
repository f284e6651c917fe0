/*
 * confirm.h: a person looks at the documents and says yes, or no to some.
 *
 * The confirm program gets the display as JSON on its standard input: origin,
 * user, matchCode, expires, description, credential, documents [{n, subject,
 * kind, kindText, number, symbol, date, size, sha256, path}].  What is shown
 * of a document is what its signed attributes say.  Exit 0 = sign; its
 * standard output may be {"declined":[{"n":1,"reason":"..."}], "matchCode":"1234"}.
 *
 * Except in a practice build, the display has no match code and the program
 * must give back the one that the browser shows: a program that nobody looks
 * at cannot know it (THREATS B33).  Without a program the desk asks so on its
 * terminal.
 *
 * Order of use: start, step until it is over, stop.
 */
#ifndef SGN_AGENT_CONFIRM_H
#define SGN_AGENT_CONFIRM_H

#include "agent/platform.h"
#include "agent/request.h"

#ifdef SGN_PRACTICE
#define SGN_CONFIRM_CODE_TYPED 0
#else
#define SGN_CONFIRM_CODE_TYPED 1
#endif

#define SGN_CONFIRM_ANSWER 65536

typedef struct {
    sgn_process_t process;
    sgn_request_t *request;
    int code_typed;             /* the match code must come back */
    char answer[SGN_CONFIRM_ANSWER];
    size_t used;
    int64_t end;
} sgn_confirm_t;

/* program NULL: the terminal.  code_typed: at least SGN_CONFIRM_CODE_TYPED. */
int sgn_confirm_start(sgn_confirm_t *confirm, const char *program, int code_typed,
                      sgn_request_t *request, const sgn_key_credential_t *credential);
/* 1: goes on.  0: over, *outcome is set, declined items are marked. */
int sgn_confirm_step(sgn_confirm_t *confirm, int milliseconds, int *outcome);
void sgn_confirm_stop(sgn_confirm_t *confirm);

/* What the program wrote and its exit code, judged.  Public for the tests. */
int sgn_confirm_judge(sgn_request_t *request, int code_typed, int exit_code, const char *answer, size_t len);

#endif
