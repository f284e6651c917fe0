/* op_backups.c: see op_backups.h. */
#include "keeper/op_backups.h"

#include <string.h>

#include <apr_strings.h>

#include "office/backup/backup.h"

#define WAIT_LONGEST 55

sgn_error_t *sgn_op_backups_due(sgn_keeper_t *keeper, apr_pool_t *pool)
{
    return keeper->backup ? sgn_backup_due(keeper->backup, pool) : NULL;
}

sgn_error_t *sgn_op_backups_list(sgn_call_t *call)
{
    json_t *answer;

    SGN_TRY(sgn_backup_list(&answer, call->keeper->backup, call->pool));
    sgn_call_answer(call, 200, answer);
    return NULL;
}

static sgn_error_t *wait_of(apr_interval_time_t *out, sgn_call_t *call)
{
    const char *text;

    SGN_TRY(sgn_json_find_str(&text, call->args, "wait", NULL, call->pool));
    *out = 0;
    if (!text)
        return NULL;
    if (!*text || strlen(text) > 2 || strspn(text, "0123456789") != strlen(text) || apr_atoi64(text) > WAIT_LONGEST)
        return SGN_ERROR(call->pool, SGN_FIELD, "wait: 0 to %d", WAIT_LONGEST);
    *out = apr_time_from_sec(apr_atoi64(text));
    return NULL;
}

sgn_error_t *sgn_op_backups_create(sgn_call_t *call)
{
    const char *target, *run;
    apr_interval_time_t wait;
    json_t *answer;
    int full;

    SGN_TRY(sgn_json_find_bool(&full, call->body, "full", 0, call->pool));
    SGN_TRY(sgn_json_find_str(&target, call->body, "target", NULL, call->pool));
    SGN_TRY(wait_of(&wait, call));
    SGN_TRY(sgn_backup_start(&run, call->keeper->backup, target, call->account ? call->account : "command line", full,
                             call->pool));
    SGN_TRY(sgn_backup_get(&answer, call->keeper->backup, run, wait, call->pool));
    sgn_call_header(call, "Location", apr_pstrcat(call->pool, "/signvn/v1/backups/", run, NULL));
    sgn_call_answer(call, 202, answer);
    return NULL;
}

sgn_error_t *sgn_op_backups_get(sgn_call_t *call)
{
    apr_interval_time_t wait;
    const char *run;
    json_t *answer;

    SGN_TRY(sgn_json_get_str(&run, call->args, "run", call->pool));
    SGN_TRY(wait_of(&wait, call));
    SGN_TRY(sgn_backup_get(&answer, call->keeper->backup, run, wait, call->pool));
    sgn_call_answer(call, 200, answer);
    return NULL;
}

sgn_error_t *sgn_op_backups_verify(sgn_call_t *call)
{
    json_t *run, *target, *one, *answer = sgn_json_object(call->pool), *list = sgn_json_array(call->pool);
    apr_int64_t level;
    const char *id;
    int good = 1;
    size_t i;

    SGN_TRY(sgn_json_get_str(&id, call->args, "run", call->pool));
    SGN_TRY(sgn_json_find_int(&level, call->body, "level", 2, call->pool));
    if (level < 1 || level > 3)
        return SGN_ERROR(call->pool, SGN_FIELD, "level: 1, 2 or 3");
    SGN_TRY(sgn_backup_get(&run, call->keeper->backup, id, 0, call->pool));
    json_array_foreach(json_object_get(run, "targets"), i, target) {
        SGN_TRY(sgn_backup_verify_target(&one, call->keeper->backup, json_string_value(json_object_get(target, "target")),
                                         (int)level, call->pool));
        good = good && json_is_true(json_object_get(one, "ok"));
        json_array_append(list, one);
    }
    sgn_json_set_str(answer, "run", id);
    sgn_json_set_bool(answer, "ok", good);
    sgn_json_set(answer, "targets", list);
    sgn_call_answer(call, 200, answer);
    return NULL;
}
