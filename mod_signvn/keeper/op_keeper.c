/* op_keeper.c: configuration, end, probe. */
#include "keeper/op_keeper.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "keeper/startup.h"

sgn_error_t *sgn_op_keeper_config(sgn_call_t *call)
{
    json_t *body = sgn_json_object(call->pool);

    SGN_TRY(sgn_startup_configure(call->keeper, call->body));
    sgn_json_set_int(body, "generation", call->keeper->generation);
    sgn_call_answer(call, 200, body);
    return NULL;
}

sgn_error_t *sgn_op_keeper_shutdown(sgn_call_t *call)
{
    sgn_log(SGN_LOG_INFO, "keeper", "asked to end");
    kill(getpid(), SIGTERM);
    sgn_call_answer(call, 200, sgn_json_object(call->pool));
    return NULL;
}

sgn_error_t *sgn_op_keeper_probe(sgn_call_t *call)
{
    static const char *const allowed[] = { "ping", "crash", "spin", "bloat" };
    json_t *answer;
    const char *task;

    SGN_TRY(sgn_json_get_str(&task, call->body, "task", call->pool));
    for (size_t i = 0; i < sizeof allowed / sizeof *allowed; i++) {
        if (strcmp(allowed[i], task) != 0)
            continue;
        SGN_TRY(sgn_engine_task(&answer, NULL, call->keeper->engine, SGN_ENGINE_ANYONE, task, call->body, NULL, 0, call->pool));
        sgn_call_answer(call, 200, answer);
        return NULL;
    }
    return SGN_ERROR(call->pool, SGN_FIELD, "task");
}
