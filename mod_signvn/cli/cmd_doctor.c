/* cmd_doctor.c: signvn doctor: is everything as it must be to serve?  Each
 * check is one line; a failed one says what to do.  Exit 0 all well, 1 not. */
#include <string.h>
#include <sys/stat.h>
#include <sys/timex.h>
#include <unistd.h>

#include <apr_strings.h>

#include "cli/cli.h"

typedef sgn_error_t *(*check_fn)(const char **said, sgn_cli_t *cli);

static sgn_error_t *check_config(const char **said, sgn_cli_t *cli)
{
    sgn_config_t *config;

    SGN_TRY(sgn_cli_config(&config, cli));
    *said = cli->config_path ? cli->config_path : sgn_config_text(config, "SignVNStateDir");
    return sgn_config_check(config, cli->pool);
}

static sgn_error_t *check_programs(const char **said, sgn_cli_t *cli)
{
    static const char *const names[] = { "signvnd", "signvn-worker" };
    const char *directory = sgn_config_text(cli->config, "SignVNProgramDir");

    *said = directory;
    for (int i = 0; i < 2; i++) {
        const char *path = apr_pstrcat(cli->pool, directory, "/", names[i], NULL);

        if (access(path, X_OK) != 0)
            return SGN_ERROR_ERRNO(cli->pool, SGN_CONFIG, "SignVNProgramDir: %s", path);
    }
    return NULL;
}

static sgn_error_t *check_state(const char **said, sgn_cli_t *cli)
{
    const char *path = sgn_config_text(cli->config, "SignVNStateDir");
    struct stat dir;

    *said = path;
    if (stat(path, &dir) != 0)
        return SGN_ERROR_ERRNO(cli->pool, SGN_CONFIG, "SignVNStateDir %s", path);
    if (dir.st_mode & 077)
        return SGN_ERROR(cli->pool, SGN_CONFIG, "SignVNStateDir %s is open to others (chmod 0700)", path);
    return NULL;
}

/* A seal's date and every window of evidence hang on it [THREATS A19]. */
static sgn_error_t *check_clock(const char **said, sgn_cli_t *cli)
{
    struct timex state = { 0 };

    *said = "clock";
    if (adjtimex(&state) == TIME_ERROR && (state.status & STA_UNSYNC))
        return SGN_ERROR(cli->pool, SGN_CLOCK_UNSURE, "the kernel says the clock is not synchronised");
    return NULL;
}

static sgn_error_t *check_worker(const char **said, sgn_cli_t *cli)
{
    sgn_engine_t *engine;
    json_t *answer;

    *said = "signvn-worker";
    SGN_TRY(sgn_cli_engine(&engine, cli));
    return sgn_engine_task(&answer, NULL, engine, SGN_ENGINE_OFFICE, "ping", NULL, NULL, 0, cli->pool);
}

static sgn_error_t *check_keeper(const char **said, sgn_cli_t *cli)
{
    sgn_wire_message_t *answer;
    const char *status;
    json_t *body;

    *said = "signvnd";
    SGN_TRY(sgn_cli_call(&answer, cli, "health.get", NULL, NULL, NULL, 0));
    SGN_TRY(sgn_cli_body(&body, answer, cli->pool));
    SGN_TRY(sgn_json_get_str(&status, body, "status", cli->pool));
    *said = apr_psprintf(cli->pool, "signvnd %s", sgn_json_print(body, cli->pool));
    return strcmp(status, "ok") == 0 ? NULL : SGN_ERROR(cli->pool, SGN_KEEPER_ABSENT, "health says %s", status);
}

static const struct {
    const char *name;
    check_fn run;
    int warning;        /* counts as a warning only */
} checks[] = {
    { .name = "config", .run = check_config },
    { .name = "programs", .run = check_programs },
    { .name = "state", .run = check_state },
    { .name = "clock", .run = check_clock, .warning = 1 },
    { .name = "worker", .run = check_worker },
    { .name = "keeper", .run = check_keeper },
};

static json_t *print_check(const sgn_cli_t *cli, const char *name, const char *result, const char *said, const sgn_error_t *error)
{
    json_t *row = sgn_json_object(cli->pool);

    sgn_json_set_str(row, "check", name);
    sgn_json_set_str(row, "result", result);
    sgn_json_set_str(row, "subject", said);
    if (error) {
        sgn_json_set_str(row, "code", sgn_error_row(error->code)->name);
        sgn_json_set_str(row, "detail", error->detail);
    }
    return row;
}

int sgn_cmd_doctor(sgn_cli_t *cli)
{
    json_t *all = sgn_json_array(cli->pool);
    int worst = 0;

    if (cli->argc)
        return sgn_cli_usage(cli, "doctor [--json]");
    for (size_t i = 0; i < sizeof checks / sizeof *checks; i++) {
        const char *said = checks[i].name, *result;
        sgn_error_t *error = checks[i].run(&said, cli);

        result = !error ? "ok" : checks[i].warning ? "warning" : "failed";
        json_array_append(all, print_check(cli, checks[i].name, result, said, error));
        if (!cli->json)
            sgn_cli_line(cli, "%-8s %-8s %s", result, checks[i].name, said);
        if (error && !cli->json)
            sgn_cli_line(cli, "         %s [%s] %s", sgn_cli_text(cli, error->code), sgn_error_row(error->code)->name, error->detail);
        if (error && !checks[i].warning)
            worst = 1;
        if (error && i == 0)
            break;      /* nothing can be asked without a configuration */
    }
    if (cli->json)
        sgn_cli_json(cli, all);
    return worst;
}
