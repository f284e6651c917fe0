/*
 * cmd_archive.c: signvn archive list [WORDS] [--number N] ... | get ID
 * [--output FILE] [--version N] | check [DIRECTORY] [--quick] | rebuild.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <apr_strings.h>

#include "base/file.h"
#include "base/text.h"
#include "cli/local.h"

#define USE "archive list [WORDS] [--number N] [--symbol S] [--code C] [--agency A] [--type T] [--from DATE] [--to DATE] [--limit N]" \
            " [--after CURSOR] | get ID [--output FILE] [--version N] | check [DIRECTORY] [--quick] | rebuild"
#define COPY_BLOCK (1 << 20)

static const char *text(const json_t *object, const char *key)
{
    const char *value = json_string_value(json_object_get(object, key));

    return value ? value : "-";
}

/* ---- list -------------------------------------------------------------------------- */

static sgn_error_t *search_local(json_t **out, sgn_cli_t *cli, const json_t *args)
{
    sgn_archive_query_t query = { 0 };
    const struct { const char *name; const char **to; } texts[] = {
        { "q", &query.q }, { "number", &query.number }, { "symbol", &query.symbol }, { "code", &query.code }, { "type", &query.type },
        { "from", &query.from }, { "to", &query.to }, { "after", &query.after },
    };
    const char *agency[2] = { json_string_value(json_object_get(args, "agency")), NULL };
    const char *limit = json_string_value(json_object_get(args, "limit"));
    sgn_local_t *local;
    size_t i;

    SGN_TRY(sgn_local_open(&local, cli));
    for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        *texts[i].to = json_string_value(json_object_get(args, texts[i].name));
    query.agencies = agency[0] ? agency : NULL;
    query.limit = limit ? (int)apr_atoi64(limit) : 0;
    return sgn_archive_search(out, local->archive, &query, cli->pool);
}

static int list(sgn_cli_t *cli)
{
    static const char *const options[] = { "number", "symbol", "code", "agency", "type", "from", "to", "limit", "after" };
    json_t *args = sgn_json_object(cli->pool), *answer, *item;
    const char *words = "";
    sgn_error_t *error;
    size_t i;
    int k;

    for (i = 0; i < sizeof(options) / sizeof(options[0]); i++)
        sgn_json_set_str(args, options[i], sgn_cli_option(cli, options[i]));
    for (k = 1; k < cli->argc; k++)
        words = apr_pstrcat(cli->pool, words, k > 1 ? " " : "", cli->argv[k], NULL);
    if (*words)
        sgn_json_set_str(args, "q", words);
    error = sgn_local_ask(&answer, cli, "archive.search", args, NULL);
    if (sgn_local_is_absent(error))
        error = search_local(&answer, cli, args);
    if (error)
        return sgn_cli_fail(cli, "archive list", error);
    if (cli->json) {
        sgn_cli_json(cli, answer);
        return 0;
    }
    json_array_foreach(json_object_get(answer, "items"), i, item)
        sgn_cli_line(cli, "%s  %s/%s  %s  %s", text(item, "id"), text(item, "number"), text(item, "symbol"), text(item, "date"), text(item, "subject"));
    if (json_is_string(json_object_get(answer, "next")))
        sgn_cli_line(cli, "--after %s", text(answer, "next"));
    return 0;
}

/* ---- get --------------------------------------------------------------------------------- */

static sgn_error_t *copy(int to, int from, apr_pool_t *pool)
{
    unsigned char *block = apr_palloc(pool, COPY_BLOCK);
    apr_off_t at = 0;
    ssize_t got;

    while ((got = pread(from, block, COPY_BLOCK, at)) != 0) {
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return SGN_ERROR_ERRNO(pool, SGN_FILE_FAILED, "read");
        SGN_TRY(sgn_file_write_all(to, block, (size_t)got, pool));
        at += got;
    }
    return NULL;
}

static sgn_error_t *write_to(const char *path, int from, apr_pool_t *pool)
{
    sgn_error_t *error;
    int fd;

    if (strcmp(path, "-") == 0)
        return copy(STDOUT_FILENO, from, pool);
    fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    if (fd < 0)
        return SGN_ERROR_ERRNO(pool, errno == EEXIST ? SGN_FILE_EXISTS : SGN_FILE_FAILED, "%s", path);
    error = copy(fd, from, pool);
    if (!error)
        error = sgn_file_sync(fd, pool);
    close(fd);
    return error;
}

static sgn_error_t *fetch(int *out, sgn_cli_t *cli, const char *id, const char *version)
{
    json_t *args = sgn_json_object(cli->pool);
    sgn_wire_message_t *answer;
    sgn_archive_file_t file;
    sgn_local_t *local;
    sgn_error_t *error;

    sgn_json_set_str(args, "id", id);
    sgn_json_set_str(args, "n", version);
    error = sgn_cli_call(&answer, cli, version ? "archive.version" : "archive.original", args, NULL, NULL, 0);
    if (!error && answer->nfds < 1)
        error = SGN_ERROR(cli->pool, SGN_WIRE, "no content");
    if (!sgn_local_is_absent(error)) {
        if (!error)
            *out = answer->fds[0];
        return error;
    }
    SGN_TRY(sgn_local_open(&local, cli));
    SGN_TRY(sgn_archive_version(&file, local->archive, id, version ? (int)apr_atoi64(version) : 1, cli->pool));
    *out = file.fd;
    return NULL;
}

static int get(sgn_cli_t *cli)
{
    const char *output = sgn_cli_option(cli, "output"), *version = sgn_cli_option(cli, "version");
    json_t *args = sgn_json_object(cli->pool), *record;
    sgn_error_t *error;
    sgn_local_t *local;
    int fd;

    if (cli->argc != 2)
        return sgn_cli_usage(cli, USE);
    if (output) {
        error = fetch(&fd, cli, cli->argv[1], version);
        if (!error)
            error = write_to(output, fd, cli->pool);
        return error ? sgn_cli_fail(cli, cli->argv[1], error) : 0;
    }
    sgn_json_set_str(args, "id", cli->argv[1]);
    error = sgn_local_ask(&record, cli, "archive.get", args, NULL);
    if (sgn_local_is_absent(error)) {
        error = sgn_local_open(&local, cli);
        if (!error)
            error = sgn_archive_get(&record, local->archive, cli->argv[1], cli->pool);
    }
    if (error)
        return sgn_cli_fail(cli, cli->argv[1], error);
    if (cli->json)
        sgn_cli_json(cli, record);
    else
        fputs(sgn_json_print_pretty(record, cli->pool), stdout);
    return 0;
}

/* ---- check and rebuild ------------------------------------------------------------------------ */

/* Reads only: needs no lock and disturbs no keeper. */
static int check(sgn_cli_t *cli)
{
    sgn_archive_options_t options = { .readonly = 1 };
    int deep = !sgn_cli_flag(cli, "quick");
    sgn_archive_t *archive;
    json_t *answer, *item;
    sgn_config_t *config;
    sgn_error_t *error = NULL;
    size_t i;

    if (cli->argc > 2)
        return sgn_cli_usage(cli, USE);
    if (cli->argc == 2) {
        options.directory = cli->argv[1];
    } else {
        error = sgn_cli_config(&config, cli);
        if (!error)
            options.directory = apr_pstrcat(cli->pool, sgn_config_text(config, "SignVNStateDir"), "/archive", NULL);
    }
    if (!error)
        error = sgn_archive_open(&archive, &options, cli->pool);
    if (!error)
        error = sgn_archive_check(&answer, archive, deep, sgn_local_progress, cli, cli->pool);
    sgn_local_progress_end();
    if (error)
        return sgn_cli_fail(cli, "archive check", error);
    if (cli->json)
        sgn_cli_json(cli, answer);
    else
        sgn_cli_line(cli, "%s  objects %" APR_INT64_T_FMT "  files %" APR_INT64_T_FMT "  bytes %" APR_INT64_T_FMT "  wrong %" APR_INT64_T_FMT,
                     json_is_true(json_object_get(answer, "ok")) ? "ok" : "DAMAGED",
                     (apr_int64_t)json_integer_value(json_object_get(answer, "objects")),
                     (apr_int64_t)json_integer_value(json_object_get(answer, "files")),
                     (apr_int64_t)json_integer_value(json_object_get(answer, "bytes")),
                     (apr_int64_t)json_integer_value(json_object_get(answer, "wrong")));
    json_array_foreach(json_object_get(answer, "errors"), i, item)
        if (!cli->json)
            sgn_cli_line(cli, "%s  %s  %s", text(item, "code"), text(item, "path"), text(item, "text"));
    return json_is_true(json_object_get(answer, "ok")) ? 0 : 1;
}

static int rebuild(sgn_cli_t *cli)
{
    json_t *answer;
    sgn_local_t *local;
    apr_int64_t count = 0;
    sgn_error_t *error = sgn_local_ask(&answer, cli, "archive.rebuild", NULL, NULL);

    if (!error)
        count = json_integer_value(json_object_get(answer, "documents"));
    if (sgn_local_is_absent(error)) {
        error = sgn_local_open(&local, cli);
        if (!error)
            error = sgn_archive_rebuild(&count, local->archive, sgn_local_progress, cli, cli->pool);
        sgn_local_progress_end();
    }
    if (error)
        return sgn_cli_fail(cli, "archive rebuild", error);
    sgn_cli_line(cli, "documents %" APR_INT64_T_FMT, count);
    return 0;
}

int sgn_cmd_archive(sgn_cli_t *cli)
{
    const char *verb = cli->argc ? cli->argv[0] : "";

    if (strcmp(verb, "list") == 0)
        return list(cli);
    if (strcmp(verb, "get") == 0)
        return get(cli);
    if (strcmp(verb, "check") == 0)
        return check(cli);
    if (strcmp(verb, "rebuild") == 0 && cli->argc == 1)
        return rebuild(cli);
    return sgn_cli_usage(cli, USE);
}
