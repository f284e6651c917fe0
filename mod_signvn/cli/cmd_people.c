/*
 * cmd_people.c: signvn people list | import FILE | incident CERTIFICATE CLASS |
 * lift CERTIFICATE, signvn agency list | register CODE YEAR SERIES | check:
 * who is who, through the running keeper.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <apr_strings.h>

#include "base/file.h"
#include "base/text.h"
#include "cli/cli.h"

#define RECORD_LIMIT ((size_t)64 << 20)

static sgn_error_t *ask(json_t **body, sgn_cli_t *cli, const char *op, json_t *args, json_t *request)
{
    sgn_wire_message_t *answer;

    SGN_TRY(sgn_cli_call(&answer, cli, op, args, request, NULL, 0));
    return sgn_cli_body(body, answer, cli->pool);
}

/* One line per item, the members of `columns` in this order. */
static int print_items(const sgn_cli_t *cli, const json_t *body, const char *const *columns)
{
    json_t *item;
    size_t i;

    if (cli->json) {
        sgn_cli_json(cli, body);
        return 0;
    }
    json_array_foreach(json_object_get(body, "items"), i, item) {
        const char *line = "";

        for (const char *const *c = columns; *c; c++) {
            const char *text = json_string_value(json_object_get(item, *c));

            line = apr_pstrcat(cli->pool, line, *line ? "\t" : "", text ? sgn_text_terminal(text, cli->pool) : "-", NULL);
        }
        fputs(line, stdout);
        fputc('\n', stdout);
    }
    return 0;
}

static int list(sgn_cli_t *cli, const char *op, json_t *args, const char *const *columns)
{
    json_t *body;
    sgn_error_t *error = ask(&body, cli, op, args, NULL);

    return error ? sgn_cli_fail(cli, op, error) : print_items(cli, body, columns);
}

static sgn_error_t *read_record(json_t **out, const char *path, apr_pool_t *pool)
{
    sgn_bytes_t text;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    sgn_error_t *error;

    if (fd < 0)
        return SGN_ERROR_ERRNO(pool, SGN_FILE_ABSENT, "%s", path);
    error = sgn_file_read_fd(&text, fd, RECORD_LIMIT, pool);
    close(fd);
    return error ? error : sgn_json_parse(out, text, RECORD_LIMIT, pool);
}

static int import(sgn_cli_t *cli, const char *path)
{
    json_t *record, *counts, *value;
    const char *key;
    sgn_error_t *error = read_record(&record, path, cli->pool);

    if (!error)
        error = ask(&counts, cli, "people.import", NULL, record);
    if (error)
        return sgn_cli_fail(cli, path, error);
    if (cli->json) {
        sgn_cli_json(cli, counts);
        return 0;
    }
    json_object_foreach(counts, key, value)
        sgn_cli_line(cli, "%s: %" APR_INT64_T_FMT, key, (apr_int64_t)json_integer_value(value));
    return 0;
}

static int incident(sgn_cli_t *cli, const char *op, const char *certificate, const char *class_)
{
    json_t *request = sgn_json_object(cli->pool), *body;
    sgn_error_t *error;

    sgn_json_set_str(request, "certificate", certificate);
    sgn_json_set_str(request, "class", class_);
    error = ask(&body, cli, op, NULL, request);
    return error ? sgn_cli_fail(cli, certificate, error) : 0;
}

int sgn_cmd_people(sgn_cli_t *cli)
{
    static const char *const columns[] = { "account", "name", "agency", "role", "title", NULL };
    const char *verb = cli->argc ? cli->argv[0] : "";

    if (strcmp(verb, "list") == 0 && cli->argc == 1)
        return list(cli, "people.list", NULL, columns);
    if (strcmp(verb, "import") == 0 && cli->argc == 2)
        return import(cli, cli->argv[1]);
    if (strcmp(verb, "incident") == 0 && cli->argc == 3)
        return incident(cli, "incidents.create", cli->argv[1], cli->argv[2]);
    if (strcmp(verb, "lift") == 0 && cli->argc == 2)
        return incident(cli, "incidents.lift", cli->argv[1], NULL);
    return sgn_cli_usage(cli, "people list | import FILE.json | incident CERTIFICATE CLASS | lift CERTIFICATE");
}

/* The configuration and what it says of agencies, without a keeper. */
static int check(sgn_cli_t *cli)
{
    sgn_config_t *config;
    sgn_error_t *error = sgn_cli_config(&config, cli);

    if (!error)
        error = sgn_config_check(config, cli->pool);
    if (error)
        return sgn_cli_fail(cli, "agency check", error);
    for (const char *const *code = sgn_config_agencies(config, cli->pool); *code; code++)
        sgn_cli_line(cli, "%s %s %s", *code, sgn_config_agency_text(config, *code, "SignVNRegime"),
                     sgn_config_agency_text(config, *code, "SignVNSignatureLevel"));
    return 0;
}

int sgn_cmd_agency(sgn_cli_t *cli)
{
    static const char *const agencies[] = { "code", "name", NULL };
    static const char *const numbers[] = { "number", "symbol", "date", "state", "subject", "reason", NULL };
    const char *verb = cli->argc ? cli->argv[0] : "";
    json_t *args = sgn_json_object(cli->pool);

    if (strcmp(verb, "list") == 0 && cli->argc == 1)
        return list(cli, "agencies.list", NULL, agencies);
    if (strcmp(verb, "check") == 0 && cli->argc == 1)
        return check(cli);
    if (strcmp(verb, "register") == 0 && cli->argc == 4) {
        sgn_json_set_str(args, "agency", cli->argv[1]);
        sgn_json_set_str(args, "year", cli->argv[2]);
        sgn_json_set_str(args, "series", cli->argv[3]);
        return list(cli, "registers.get", args, numbers);
    }
    return sgn_cli_usage(cli, "agency list | check | register CODE YEAR SERIES");
}
