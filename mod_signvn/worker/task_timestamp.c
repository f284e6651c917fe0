/* task_timestamp.c: tasks "tsq" and "tst". */
#include "worker/task_timestamp.h"

#include "base/clock.h"
#include "look/pki/tsp.h"
#include "worker/task_args.h"

sgn_error_t *sgn_task_timestamp_request(sgn_task_t *task)
{
    sgn_bytes_t imprint, nonce, request;
    const char *policy;

    SGN_TRY(sgn_task_args_hex(&imprint, task, "imprint"));
    SGN_TRY(sgn_task_args_hex(&nonce, task, "nonce"));
    SGN_TRY(sgn_json_find_str(&policy, task->args, "policy", NULL, task->pool));
    SGN_TRY(sgn_tsp_request(&request, imprint, nonce, policy, task->pool));
    sgn_json_set_bytes(task->answer, "request", request, task->pool);
    return NULL;
}

sgn_error_t *sgn_task_timestamp_reply(sgn_task_t *task)
{
    sgn_tsp_expected_t expected = { 0 };
    sgn_path_store_t *store;
    sgn_tsp_token_t *token;
    sgn_bytes_t reply;

    SGN_TRY(sgn_tasks_now(&expected.now, task));
    SGN_TRY(sgn_task_args_time(&expected.asked, task, "requestTime"));
    SGN_TRY(sgn_task_args_hex(&expected.imprint, task, "imprint"));
    SGN_TRY(sgn_task_args_hex(&expected.nonce, task, "nonce"));
    SGN_TRY(sgn_json_find_str(&expected.policy, task->args, "policy", NULL, task->pool));
    SGN_TRY(sgn_json_get_bytes(&reply, task->args, "token", task->pool));
    SGN_TRY(sgn_task_args_store(&store, task, "tsaAnchors"));
    SGN_TRY(sgn_tsp_reply(&token, reply, &expected, store, task->pool));
    sgn_json_set_bytes(task->answer, "token", token->der, task->pool);
    sgn_json_set_str(task->answer, "genTime", sgn_clock_print(token->time, task->pool));
    sgn_json_set_int(task->answer, "accuracy", token->accuracy / 1000);
    sgn_json_set_str(task->answer, "serial", token->serial);
    sgn_json_set_str(task->answer, "policy", token->policy);
    sgn_json_set_str(task->answer, "authority", token->cms->signer->common_name);
    return NULL;
}
