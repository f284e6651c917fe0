/*
 * cli.h: what every command of `signvn` shares: options, configuration, a call
 * of the running keeper, an engine of its own, and the terminal.
 *
 * To add a command: cli/cmd_<verb>.c with `int sgn_cmd_<verb>(sgn_cli_t *)`, its
 * prototype below, one row in cli/signvn.c.  The function gets what stands
 * behind the verb (argv[0] is the first) and returns the exit code: 0 done, 1
 * done and not all is well, 2 could not.
 *
 * Every text from outside goes to the terminal through sgn_cli_line() or
 * sgn_text_terminal().
 */
#ifndef SGN_CLI_CLI_H
#define SGN_CLI_CLI_H

#include "office/engine/engine.h"
#include "wire/wire.h"

typedef struct {
    apr_pool_t *pool;
    const char *lang;           /* "vi" unless --lang en or SIGNVN_LANG=en */
    const char *config_path;    /* --config; NULL: see sgn_cli_config() */
    int json;                   /* --json */
    int argc;
    const char *const *argv;
    sgn_config_t *config;       /* once read */
    int zygote;                 /* its control socket once started, else -1 */
} sgn_cli_t;

/* A text of both languages, the caller's first; text of a code. */
const char *sgn_cli_text(const sgn_cli_t *cli, sgn_code_t code);
/* One line to stdout, its text escaped for a terminal. */
void sgn_cli_line(const sgn_cli_t *cli, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* JSON to stdout in one line, as it is. */
void sgn_cli_json(const sgn_cli_t *cli, const json_t *value);
/* What happened and what to do, code and detail, to stderr.  Returns 2. */
int sgn_cli_fail(const sgn_cli_t *cli, const char *subject, const sgn_error_t *error);
/* The use of a command, to stderr.  Returns 2. */
int sgn_cli_usage(const sgn_cli_t *cli, const char *text);

/* An option "--name VALUE" or "--name=VALUE" among argv: its value, taken out;
 * NULL: not given.  A flag "--name": 1 and taken out. */
const char *sgn_cli_option(sgn_cli_t *cli, const char *name);
int sgn_cli_flag(sgn_cli_t *cli, const char *name);

/* --config FILE (directives, or JSON when it ends in .json); else what the
 * keeper last got (run/config.json in the default state directory); else the
 * defaults of directives.def.  Read once. */
sgn_error_t *sgn_cli_config(sgn_config_t **out, sgn_cli_t *cli);

/* One operation of the running keeper as its command line; answer->fds are the
 * parts of a content.  The keeper's refusal becomes an error with its code;
 * SGN_KEEPER_ABSENT when none runs. */
sgn_error_t *sgn_cli_call(sgn_wire_message_t **answer, sgn_cli_t *cli, const char *op,
                          json_t *args, json_t *body, const int *fds, int nfds);
/* The body of that answer. */
sgn_error_t *sgn_cli_body(json_t **out, const sgn_wire_message_t *answer, apr_pool_t *pool);

/* An engine with a zygote of its own, without keeper: verify, explain. */
sgn_error_t *sgn_cli_engine(sgn_engine_t **out, sgn_cli_t *cli);

int sgn_cmd_verify(sgn_cli_t *cli);
int sgn_cmd_doctor(sgn_cli_t *cli);
int sgn_cmd_people(sgn_cli_t *cli);
int sgn_cmd_agency(sgn_cli_t *cli);
int sgn_cmd_archive(sgn_cli_t *cli);
int sgn_cmd_backup(sgn_cli_t *cli);
int sgn_cmd_audit(sgn_cli_t *cli);

#endif
