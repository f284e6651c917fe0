/* task_admit.c: task "admit". */
#include "worker/task_admit.h"

#include <string.h>

#include "base/clock.h"
#include "worker/task_args.h"

sgn_error_t *sgn_task_admit(sgn_task_t *task)
{
    sgn_revocation_admitted_t admitted;
    sgn_revocation_kind_t kind;
    sgn_bytes_t data, request;
    sgn_cert_t *cert, *issuer;
    sgn_error_t *error;
    const char *key;
    apr_time_t now;

    SGN_TRY(sgn_tasks_now(&now, task));
    SGN_TRY(sgn_task_args_kind(&kind, task->args, task->pool));
    SGN_TRY(sgn_json_get_str(&key, task->args, "key", task->pool));
    SGN_TRY(sgn_json_get_bytes(&data, task->args, "data", task->pool));
    SGN_TRY(sgn_json_find_bytes(&request, task->args, "request", task->pool));
    SGN_TRY(sgn_task_args_certificate(&cert, task, "certificate"));
    SGN_TRY(sgn_task_args_certificate(&issuer, task, "issuer"));
    error = sgn_revocation_admit(&admitted, kind, data, request, cert, issuer, now, task->pool);
    if (error)
        return error->code == SGN_EVIDENCE_BAD ? error
            : SGN_WRAP(task->pool, error, SGN_EVIDENCE_BAD, "%s", error->detail);
    if (strcmp(admitted.key, key))
        return SGN_ERROR(task->pool, SGN_EVIDENCE_BAD, "evidence for another key");
    sgn_json_set_str(task->answer, "key", key);
    sgn_json_set_str(task->answer, "thisUpdate", sgn_clock_print(admitted.this_update, task->pool));
    sgn_json_set_str(task->answer, "nextUpdate", sgn_clock_print(admitted.next_update, task->pool));
    sgn_json_set_str(task->answer, "number", admitted.number);
    return NULL;
}
