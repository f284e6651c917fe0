/* cmd_audit.c: signvn audit verify | list [--agency A] [--action A] [--after N]. */
#include <string.h>

#include <apr_strings.h>

#include "cli/local.h"

#define USE "audit verify | list [--agency A] [--actor A] [--action A] [--object ID] [--after SEQ] [--limit N]"

static const char *text(const json_t *object, const char *key)
{
    const char *value = json_string_value(json_object_get(object, key));

    return value ? value : "-";
}

static sgn_error_t *verify_local(json_t **out, sgn_cli_t *cli)
{
    apr_int64_t broken, count;
    sgn_local_t *local;

    SGN_TRY(sgn_local_open(&local, cli));
    SGN_TRY(sgn_audit_verify(&broken, &count, local->audit, cli->pool));
    *out = sgn_json_object(cli->pool);
    sgn_json_set_bool(*out, "ok", broken == 0);
    sgn_json_set_int(*out, "rows", count);
    if (broken)
        sgn_json_set_int(*out, "broken", broken);
    return NULL;
}

static int verify(sgn_cli_t *cli)
{
    json_t *answer;
    sgn_error_t *error = sgn_local_ask(&answer, cli, "audit.verify", NULL, NULL);
    int good;

    if (sgn_local_is_absent(error))
        error = verify_local(&answer, cli);
    if (error)
        return sgn_cli_fail(cli, "audit verify", error);
    good = json_is_true(json_object_get(answer, "ok"));
    if (cli->json)
        sgn_cli_json(cli, answer);
    else if (good)
        sgn_cli_line(cli, "ok  rows %" APR_INT64_T_FMT, (apr_int64_t)json_integer_value(json_object_get(answer, "rows")));
    else
        sgn_cli_line(cli, "BROKEN  at %" APR_INT64_T_FMT, (apr_int64_t)json_integer_value(json_object_get(answer, "broken")));
    return good ? 0 : 1;
}

static int list(sgn_cli_t *cli)
{
    static const char *const options[] = { "agency", "actor", "action", "object", "from", "to", "after", "limit" };
    json_t *args = sgn_json_object(cli->pool), *answer, *item;
    sgn_error_t *error;
    size_t i;

    for (i = 0; i < sizeof(options) / sizeof(options[0]); i++)
        sgn_json_set_str(args, options[i], sgn_cli_option(cli, options[i]));
    error = sgn_local_ask(&answer, cli, "audit.list", args, NULL);
    if (error)
        return sgn_cli_fail(cli, "audit list", error);
    if (cli->json) {
        sgn_cli_json(cli, answer);
        return 0;
    }
    json_array_foreach(json_object_get(answer, "items"), i, item)
        sgn_cli_line(cli, "%" APR_INT64_T_FMT "  %s  %s  %s  %s  %s", (apr_int64_t)json_integer_value(json_object_get(item, "seq")),
                     text(item, "time"), text(item, "actor"), text(item, "agency"), text(item, "action"), text(item, "object"));
    return 0;
}

int sgn_cmd_audit(sgn_cli_t *cli)
{
    const char *verb = cli->argc ? cli->argv[0] : "";

    if (strcmp(verb, "verify") == 0 && cli->argc == 1)
        return verify(cli);
    if (strcmp(verb, "list") == 0)
        return list(cli);
    return sgn_cli_usage(cli, USE);
}
