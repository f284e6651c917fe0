/*
 * cmd_backup.c: signvn backup run [TARGET] [--full] | list | verify
 * TARGET|dir:PATH [--level N] [--signer FINGERPRINT] | restore
 * TARGET|dir:PATH DIRECTORY [--also dir:PATH]... [--signer FINGERPRINT]
 * [--expect-seq N] [--accept-loss-since].
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <apr_strings.h>

#include "cli/local.h"

#define USE "backup run [TARGET] [--full] | list | verify TARGET|dir:PATH [--level 1..3] [--signer FINGERPRINT] |" \
            " restore TARGET|dir:PATH DIRECTORY [--also dir:PATH]... [--signer FINGERPRINT] [--expect-seq N] [--accept-loss-since]"

static const char *text(const json_t *object, const char *key)
{
    const char *value = json_string_value(json_object_get(object, key));

    return value ? value : "-";
}

static apr_int64_t number(const json_t *object, const char *key)
{
    return json_integer_value(json_object_get(object, key));
}

/* ---- run ------------------------------------------------------------------------ */

static int print_run(const sgn_cli_t *cli, const json_t *run)
{
    json_t *target;
    size_t i;

    sgn_local_progress_end();
    if (cli->json)
        sgn_cli_json(cli, run);
    json_array_foreach(json_object_get(run, "targets"), i, target)
        if (!cli->json)
            sgn_cli_line(cli, "%s  %s  %s  manifest %" APR_INT64_T_FMT "  objects %" APR_INT64_T_FMT "  damaged %" APR_INT64_T_FMT "%s%s",
                         text(target, "target"), text(target, "state"), text(target, "kind"), number(target, "manifest"),
                         number(target, "objects"), number(target, "damaged"), *text(target, "code") == '-' ? "" : "  ",
                         *text(target, "code") == '-' ? "" : text(target, "code"));
    return strcmp(text(run, "state"), "done") == 0 ? 0 : 1;
}

static sgn_error_t *run_local(json_t **out, sgn_cli_t *cli, const char *target, int full)
{
    sgn_local_t *local;
    const char *run;

    SGN_TRY(sgn_local_open(&local, cli));
    SGN_TRY(sgn_backup_run(&run, local->backup, target, "command line", full, sgn_local_progress, cli, cli->pool));
    return sgn_backup_get(out, local->backup, run, 0, cli->pool);
}

/* A run that is under way already is waited for, then ours begins. */
static sgn_error_t *run_keeper(json_t **out, sgn_cli_t *cli, const char *target, int full)
{
    json_t *request = sgn_json_object(cli->pool), *args = sgn_json_object(cli->pool);
    sgn_error_t *error;
    int tries;

    sgn_json_set_str(request, "target", target);
    sgn_json_set_bool(request, "full", full);
    for (tries = 0; ; tries++) {
        error = sgn_local_ask(out, cli, "backups.create", NULL, request);
        if (!error || error->code != SGN_BACKUP_RUNNING || tries == 600)
            break;
        sleep(1);
    }
    SGN_TRY(error);
    sgn_json_set_str(args, "run", text(*out, "run"));
    sgn_json_set_str(args, "wait", "2");
    while (strcmp(text(*out, "state"), "running") == 0) {
        json_t *target_row;
        size_t i;

        SGN_TRY(sgn_local_ask(out, cli, "backups.get", args, NULL));
        json_array_foreach(json_object_get(*out, "targets"), i, target_row)
            if (strcmp(text(target_row, "state"), "planned") != 0)
                SGN_TRY(sgn_local_progress(cli, (apr_int64_t)i + 1, (apr_int64_t)json_array_size(json_object_get(*out, "targets")),
                                           apr_pstrcat(cli->pool, text(target_row, "target"), " ", text(target_row, "state"), NULL)));
    }
    return NULL;
}

static int run(sgn_cli_t *cli, const char *target)
{
    int full = sgn_cli_flag(cli, "full");
    json_t *answer;
    sgn_error_t *error = run_keeper(&answer, cli, target, full);

    if (sgn_local_is_absent(error))
        error = run_local(&answer, cli, target, full);
    return error ? sgn_cli_fail(cli, "backup run", error) : print_run(cli, answer);
}

/* ---- list ------------------------------------------------------------------------- */

static sgn_error_t *get_list(json_t **out, sgn_cli_t *cli)
{
    sgn_error_t *error = sgn_local_ask(out, cli, "backups.list", NULL, NULL);
    sgn_local_t *local;

    if (!sgn_local_is_absent(error))
        return error;
    SGN_TRY(sgn_local_open(&local, cli));
    return sgn_backup_list(out, local->backup, cli->pool);
}

static int list(sgn_cli_t *cli)
{
    json_t *answer, *item;
    sgn_error_t *error = get_list(&answer, cli);
    size_t i;

    if (error)
        return sgn_cli_fail(cli, "backup list", error);
    if (cli->json) {
        sgn_cli_json(cli, answer);
        return number(answer, "alarms") ? 1 : 0;
    }
    json_array_foreach(json_object_get(answer, "targets"), i, item)
        sgn_cli_line(cli, "%s  %s  %s  manifest %" APR_INT64_T_FMT "  last %s  verified %s%s", text(item, "name"), text(item, "address"),
                     text(item, "state"), number(item, "manifest"), text(item, "lastOk"), text(item, "verified"),
                     json_is_true(json_object_get(item, "alarm")) ? "  ALARM" : "");
    json_array_foreach(json_object_get(answer, "runs"), i, item)
        sgn_cli_line(cli, "%s  %s", text(item, "run"), text(item, "state"));
    sgn_cli_line(cli, "signer %s", text(answer, "signer"));
    return number(answer, "alarms") ? 1 : 0;
}

/* ---- a medium named by target or address ---------------------------------------------- */

static sgn_error_t *address_of(const char **out, sgn_cli_t *cli, const char *name)
{
    const char *const *lines;
    sgn_config_t *config;

    if (strchr(name, ':')) {
        *out = name;
        return NULL;
    }
    SGN_TRY(sgn_cli_config(&config, cli));
    for (lines = sgn_config_list(config, "SignVNBackupTarget", cli->pool); *lines; lines++) {
        size_t len = strlen(name);

        if (strncmp(*lines, name, len) == 0 && (*lines)[len] == ' ') {
            *out = *lines + len + strspn(*lines + len, " ");
            return NULL;
        }
    }
    return SGN_ERROR(cli->pool, SGN_BACKUP_UNKNOWN, "no target %.60s", name);
}

/* Signer and newest manifest: given, or what the running system knows. */
static sgn_error_t *what_is_known(sgn_manifest_signer_t *signer, apr_int64_t *expect, sgn_cli_t *cli, const char *target)
{
    sgn_engine_t *engine;
    json_t *answer, *item;
    sgn_error_t *error;
    size_t i;

    signer->fingerprint = sgn_cli_option(cli, "signer");
    SGN_TRY(sgn_cli_engine(&engine, cli));
    signer->verify = sgn_manifest_by_engine;
    signer->baton = engine;
    if (signer->fingerprint)
        return NULL;
    error = get_list(&answer, cli);
    if (error)
        return SGN_WRAP(cli->pool, error, error->code, "the signer is not known here: give --signer FINGERPRINT from the minutes");
    signer->fingerprint = json_string_value(json_object_get(answer, "signer"));
    json_array_foreach(json_object_get(answer, "targets"), i, item)
        if (strcmp(text(item, "name"), target) == 0 || strcmp(text(item, "address"), target) == 0)
            *expect = number(item, "manifest");
    return NULL;
}

static int verify(sgn_cli_t *cli)
{
    const char *level = sgn_cli_option(cli, "level");
    sgn_backup_verify_t options = { .level = level ? atoi(level) : 2, .scratch = "/tmp" };
    json_t *answer, *item;
    sgn_error_t *error = NULL;
    size_t i;

    error = what_is_known(&options.signer, &options.expect, cli, cli->argc > 1 ? cli->argv[1] : "");
    if (cli->argc != 2)
        return sgn_cli_usage(cli, USE);
    if (!error)
        error = address_of(&options.address, cli, cli->argv[1]);
    if (getenv("TMPDIR"))
        options.scratch = getenv("TMPDIR");
    if (!error)
        error = sgn_backup_verify(&answer, &options, sgn_local_progress, cli, cli->pool);
    sgn_local_progress_end();
    if (error)
        return sgn_cli_fail(cli, cli->argv[1], error);
    if (cli->json)
        sgn_cli_json(cli, answer);
    else
        sgn_cli_line(cli, "%s  %s  level %d  manifest %" APR_INT64_T_FMT "  packs %" APR_INT64_T_FMT "  objects %" APR_INT64_T_FMT,
                     cli->argv[1], json_is_true(json_object_get(answer, "ok")) ? "ok" : "DAMAGED", options.level,
                     number(answer, "manifest"), number(answer, "packs"), number(answer, "objects"));
    json_array_foreach(json_object_get(answer, "errors"), i, item)
        if (!cli->json)
            sgn_cli_line(cli, "%s  %s", text(item, "name"), text(item, "text"));
    return json_is_true(json_object_get(answer, "ok")) ? 0 : 1;
}

static int restore(sgn_cli_t *cli)
{
    const char *others[9] = { NULL }, *expect = sgn_cli_option(cli, "expect-seq"), *also;
    sgn_backup_restore_t options = { .others = others, .accept_loss = sgn_cli_flag(cli, "accept-loss-since") };
    json_t *answer, *id;
    sgn_error_t *error;
    size_t i, n = 0;

    while ((also = sgn_cli_option(cli, "also")) != NULL && n < 8)
        others[n++] = also;
    error = what_is_known(&options.signer, &options.expect, cli, cli->argc > 1 ? cli->argv[1] : "");
    if (cli->argc != 3)
        return sgn_cli_usage(cli, USE);
    if (expect)
        options.expect = apr_atoi64(expect);
    options.directory = cli->argv[2];
    if (!error)
        error = address_of(&options.address, cli, cli->argv[1]);
    if (!error)
        error = sgn_backup_restore(&answer, &options, sgn_local_progress, cli, cli->pool);
    sgn_local_progress_end();
    if (error)
        return sgn_cli_fail(cli, cli->argv[1], error);
    if (cli->json)
        sgn_cli_json(cli, answer);
    else
        sgn_cli_line(cli, "%s  manifest %" APR_INT64_T_FMT "  objects %" APR_INT64_T_FMT "  restored %" APR_INT64_T_FMT "  documents %" APR_INT64_T_FMT,
                     options.directory, number(answer, "manifest"), number(answer, "objects"), number(answer, "restored"), number(answer, "documents"));
    json_array_foreach(json_object_get(answer, "without"), i, id)
        if (!cli->json)
            sgn_cli_line(cli, "WITHOUT  %s: this set does not have all of the agency, give the others with --also", json_string_value(id));
    json_array_foreach(json_object_get(answer, "lost"), i, id)
        if (!cli->json)
            sgn_cli_line(cli, "LOST  %s", json_string_value(id));
    return json_array_size(json_object_get(answer, "lost")) ? 1 : 0;
}

int sgn_cmd_backup(sgn_cli_t *cli)
{
    const char *verb = cli->argc ? cli->argv[0] : "";

    if (strcmp(verb, "run") == 0)
        return run(cli, cli->argc > 1 && strncmp(cli->argv[1], "--", 2) != 0 ? cli->argv[1] : NULL);
    if (strcmp(verb, "list") == 0 && cli->argc == 1)
        return list(cli);
    if (strcmp(verb, "verify") == 0)
        return verify(cli);
    if (strcmp(verb, "restore") == 0)
        return restore(cli);
    return sgn_cli_usage(cli, USE);
}
