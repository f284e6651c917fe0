/* work.c: what a worker does between fork and end. */
#include "worker/work.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/file.h"
#include "wire/wire.h"
#include "worker/tasks.h"

/* Fixed places, so that nothing of the zygote stays open by accident. */
enum { AT_TASK = 3, AT_ANSWER, AT_DOCUMENT, AT_RESULT, AT_END };

static int place(int from, int to)
{
    return from < 0 ? (close(to), -1) : dup2(from, to);
}

/* apr_palloc never returns NULL to code that does not look: the end has a
 * name instead of being a crash. */
static int no_memory(int status)
{
    (void)status;
    _exit(SGN_WORK_EXIT_MEMORY);
}

static sgn_error_t *run(sgn_task_t *task, const sgn_wire_message_t *request)
{
    const sgn_task_row_t *row;
    const char *name;

    SGN_TRY(sgn_json_get_str(&name, request->json, "task", task->pool));
    SGN_TRY(sgn_json_find_object(&task->args, request->json, "args", task->pool));
    if (!task->args)
        task->args = sgn_json_object(task->pool);
    row = sgn_tasks_find(name);
    if (!row)
        return SGN_ERROR(task->pool, SGN_OPERATION_UNKNOWN, "task %s", name);
    return row->run(task);
}

static json_t *make_answer(const sgn_task_t *task, const sgn_error_t *error)
{
    json_t *json = sgn_json_object(task->pool);

    sgn_json_set_int(json, "v", SGN_WIRE_VERSION);
    if (error) {
        sgn_json_set_str(json, "code", sgn_error_row(error->code)->name);
        sgn_json_set_str(json, "detail", error->detail);
        sgn_json_set_str(json, "chain", sgn_error_chain(error, task->pool));
    } else {
        sgn_json_set(json, "answer", task->answer);
    }
    return json;
}

/* A worker passes no descriptors, so a long answer goes where the keeper put
 * a memfd for it. */
static sgn_error_t *send_answer(json_t *json, apr_pool_t *pool)
{
    const char *text = sgn_json_print(json, pool);
    sgn_wire_message_t message = { .json = json };
    size_t len = text ? strlen(text) : 0;

    if (len > SGN_WIRE_INLINE) {
        SGN_TRY(sgn_file_pwrite_all(AT_ANSWER, text, len, 0, pool));
        message.json = sgn_json_object(pool);
        sgn_json_set_int(message.json, "v", SGN_WIRE_VERSION);
        sgn_json_set_int(message.json, "long", (apr_int64_t)len);
    }
    return sgn_wire_send(AT_TASK, &message, 0, pool);
}

void sgn_work_run(const sgn_work_t *work, const sgn_sandbox_t *sandbox)
{
    int high[4] = { work->task, work->answer, work->document, work->result };
    sgn_wire_message_t *request = NULL;
    sgn_task_t task;
    sgn_error_t *error;

    signal(SIGPIPE, SIG_IGN);
    for (int i = 0; i < 4; i++)     /* out of the way of the fixed places */
        if (high[i] >= 0)
            high[i] = fcntl(high[i], F_DUPFD_CLOEXEC, 32);
    place(high[0], AT_TASK);
    place(high[1], AT_ANSWER);
    place(high[2], AT_DOCUMENT);
    place(high[3], AT_RESULT);
    syscall(SYS_close_range, AT_END, ~0u, 0);

    memset(&task, 0, sizeof task);
    task.document = work->document < 0 ? -1 : AT_DOCUMENT;
    task.result = work->result < 0 ? -1 : AT_RESULT;
    task.size = (apr_off_t)work->limits.document;
    if (task.document >= 0 && task.size > 0) {
        void *map = mmap(NULL, (size_t)task.size, PROT_READ, MAP_PRIVATE, AT_DOCUMENT, 0);

        if (map == MAP_FAILED)
            _exit(SGN_WORK_EXIT_WALLS);
        task.map = map;
    }
    if (sgn_sandbox_enter(sandbox, &work->limits) != 0)
        _exit(SGN_WORK_EXIT_WALLS);
    if (apr_pool_create_ex(&task.pool, NULL, no_memory, NULL) != APR_SUCCESS)
        _exit(SGN_WORK_EXIT_MEMORY);
    error = sgn_wire_receive(&request, AT_TASK, -1, task.pool);
    if (error || !request)
        _exit(SGN_WORK_EXIT_REQUEST);
    task.answer = sgn_json_object(task.pool);
    error = run(&task, request);
    error = send_answer(make_answer(&task, error), task.pool);
    _exit(error ? SGN_WORK_EXIT_REQUEST : SGN_WORK_EXIT_DONE);
}
