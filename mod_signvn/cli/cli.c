/* cli.c: options, configuration, calls, terminal. */
#include "cli/cli.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <apr_strings.h>

#include "base/file.h"
#include "base/pool.h"
#include "base/text.h"
#include "office/engine/spawn.h"
#include "office/evidence/evidence.h"

#define CONFIG_LIMIT ((size_t)16 << 20)
#define ANSWER_WAIT apr_time_from_sec(3600)     /* a backup may take its time */

/* ---- terminal -------------------------------------------------------------- */

const char *sgn_cli_text(const sgn_cli_t *cli, sgn_code_t code)
{
    const sgn_code_row_t *row = sgn_error_row(code);

    return strcmp(cli->lang, "en") == 0 ? row->en : row->vi;
}

void sgn_cli_line(const sgn_cli_t *cli, const char *format, ...)
{
    va_list args;
    char *text;

    va_start(args, format);
    text = apr_pvsprintf(cli->pool, format, args);
    va_end(args);
    puts(sgn_text_terminal(text, cli->pool));
}

void sgn_cli_json(const sgn_cli_t *cli, const json_t *value)
{
    puts(sgn_json_print(value, cli->pool));
}

int sgn_cli_fail(const sgn_cli_t *cli, const char *subject, const sgn_error_t *error)
{
    fprintf(stderr, "%s: %s\n  [%s] %s\n", sgn_text_terminal(subject, cli->pool), sgn_cli_text(cli, error->code),
            sgn_error_row(error->code)->name, sgn_text_terminal(error->detail, cli->pool));
    return 2;
}

int sgn_cli_usage(const sgn_cli_t *cli, const char *text)
{
    (void)cli;
    fprintf(stderr, "signvn %s\n", text);
    return 2;
}

/* ---- options --------------------------------------------------------------- */

static void take_out(sgn_cli_t *cli, int at, int count)
{
    const char **left = apr_palloc(cli->pool, sizeof *left * (apr_size_t)(cli->argc + 1));
    int n = 0;

    for (int i = 0; i < cli->argc; i++)
        if (i < at || i >= at + count)
            left[n++] = cli->argv[i];
    left[n] = NULL;
    cli->argv = left;
    cli->argc = n;
}

const char *sgn_cli_option(sgn_cli_t *cli, const char *name)
{
    size_t len = strlen(name);

    for (int i = 0; i < cli->argc; i++) {
        const char *arg = cli->argv[i], *value;

        if (strncmp(arg, "--", 2) != 0 || strncmp(arg + 2, name, len) != 0)
            continue;
        if (arg[2 + len] == '=') {
            value = arg + 3 + len;
            take_out(cli, i, 1);
            return value;
        }
        if (arg[2 + len] == '\0' && i + 1 < cli->argc) {
            value = cli->argv[i + 1];
            take_out(cli, i, 2);
            return value;
        }
    }
    return NULL;
}

int sgn_cli_flag(sgn_cli_t *cli, const char *name)
{
    for (int i = 0; i < cli->argc; i++) {
        if (strncmp(cli->argv[i], "--", 2) == 0 && strcmp(cli->argv[i] + 2, name) == 0) {
            take_out(cli, i, 1);
            return 1;
        }
    }
    return 0;
}

/* ---- configuration ---------------------------------------------------------- */

static sgn_error_t *read_json(sgn_config_t **out, const char *path, apr_pool_t *pool)
{
    sgn_bytes_t text;
    json_t *json;
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        return SGN_ERROR_ERRNO(pool, SGN_FILE_ABSENT, "%s", path);
    sgn_pool_own_fd(pool, fd);
    SGN_TRY(sgn_file_read_fd(&text, fd, CONFIG_LIMIT, pool));
    SGN_TRY(sgn_json_parse(&json, text, CONFIG_LIMIT, pool));
    return sgn_config_decode(out, json, pool);
}

static sgn_error_t *read_defaults(sgn_config_t **out, apr_pool_t *pool)
{
    json_t *json = sgn_json_object(pool);

    sgn_json_set_int(json, "v", 1);
    sgn_json_set_str(json, "build", SGN_BUILD);
    sgn_json_set(json, "server", sgn_json_object(pool));
    sgn_json_set(json, "agencies", sgn_json_array(pool));
    return sgn_config_decode(out, json, pool);
}

static int ends_in(const char *text, const char *tail)
{
    size_t n = strlen(text), m = strlen(tail);

    return n >= m && strcmp(text + n - m, tail) == 0;
}

sgn_error_t *sgn_cli_config(sgn_config_t **out, sgn_cli_t *cli)
{
    const char *last;

    if (!cli->config && cli->config_path) {
        if (ends_in(cli->config_path, ".json"))
            SGN_TRY(read_json(&cli->config, cli->config_path, cli->pool));
        else
            SGN_TRY(sgn_config_read(&cli->config, cli->config_path, cli->pool));
    }
    if (!cli->config) {
        sgn_config_t *defaults;

        SGN_TRY(read_defaults(&defaults, cli->pool));
        last = apr_pstrcat(cli->pool, sgn_config_text(defaults, "SignVNStateDir"), "/run/config.json", NULL);
        cli->config = defaults;
        if (access(last, R_OK) == 0)
            SGN_TRY(read_json(&cli->config, last, cli->pool));
    }
    *out = cli->config;
    return NULL;
}

/* ---- the keeper ------------------------------------------------------------- */

static sgn_error_t *refused(const json_t *answer, apr_pool_t *pool)
{
    const sgn_code_row_t *row;
    const char *code, *detail;

    SGN_TRY(sgn_json_find_str(&code, answer, "code", NULL, pool));
    if (!code)
        return NULL;
    SGN_TRY(sgn_json_find_str(&detail, answer, "detail", "", pool));
    row = sgn_error_find(code);
    return SGN_ERROR(pool, row ? row->code : SGN_INTERNAL, "%s", detail);
}

sgn_error_t *sgn_cli_call(sgn_wire_message_t **answer, sgn_cli_t *cli, const char *op,
                          json_t *args, json_t *body, const int *fds, int nfds)
{
    sgn_wire_message_t message = { .json = sgn_json_object(cli->pool), .nfds = nfds };
    sgn_config_t *config;
    const char *path;
    int socket;

    SGN_TRY(sgn_cli_config(&config, cli));
    path = apr_pstrcat(cli->pool, sgn_config_text(config, "SignVNRunDir"), "/keeper.sock", NULL);
    /* "not ready, try again" would send the administrator the wrong way */
    if (access(path, W_OK) != 0 && errno == EACCES)
        return SGN_ERROR(cli->pool, SGN_ACCESS_DENIED, "%s: sudo signvn ...", path);
    SGN_TRY(sgn_wire_connect(&socket, path, apr_time_from_sec(5), cli->pool));
    sgn_json_set_int(message.json, "v", SGN_WIRE_VERSION);
    sgn_json_set_str(message.json, "build", SGN_BUILD);
    sgn_json_set_str(message.json, "op", op);
    sgn_json_set_str(message.json, "system", "command line");    /* SGN_ACCESS_CLI of the keeper */
    sgn_json_set_str(message.json, "lang", cli->lang);
    if (args)
        sgn_json_set(message.json, "args", args);
    if (body)
        sgn_json_set(message.json, "body", body);
    for (int i = 0; i < nfds; i++)
        message.fds[i] = fds[i];
    SGN_TRY(sgn_wire_send(socket, &message, apr_time_from_sec(5), cli->pool));
    SGN_TRY(sgn_wire_receive(answer, socket, ANSWER_WAIT, cli->pool));
    sgn_pool_close_fd(cli->pool, socket);
    if (!*answer)
        return SGN_ERROR(cli->pool, SGN_KEEPER_ABSENT, "it closed without an answer to %s", op);
    return refused((*answer)->json, cli->pool);
}

sgn_error_t *sgn_cli_body(json_t **out, const sgn_wire_message_t *answer, apr_pool_t *pool)
{
    SGN_TRY(sgn_json_find_object(out, answer->json, "body", pool));
    if (!*out)
        *out = sgn_json_object(pool);
    return NULL;
}

/* ---- an engine of its own ---------------------------------------------------- */

/* Where signvn itself lies, for a build tree that is not installed. */
static const char *own_directory(apr_pool_t *pool)
{
    char path[4096];
    ssize_t n = readlink("/proc/self/exe", path, sizeof path - 1);
    char *slash;

    if (n <= 0)
        return ".";
    path[n] = 0;
    slash = strrchr(path, '/');
    if (slash)
        *slash = 0;
    return apr_pstrdup(pool, path);
}

sgn_error_t *sgn_cli_engine(sgn_engine_t **out, sgn_cli_t *cli)
{
    sgn_evidence_t *evidence;
    sgn_config_t *config;
    const char *programs;
    pid_t pid;

    SGN_TRY(sgn_cli_config(&config, cli));
    programs = sgn_config_text(config, "SignVNProgramDir");
    if (access(apr_pstrcat(cli->pool, programs, "/signvn-worker", NULL), X_OK) != 0)
        programs = own_directory(cli->pool);
    SGN_TRY(sgn_spawn_zygote(&cli->zygote, &pid, programs, cli->pool));
    SGN_TRY(sgn_evidence_make(&evidence, config, -1, cli->pool));
    return sgn_engine_make(out, config, evidence, cli->zygote, cli->pool);
}
