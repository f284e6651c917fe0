/* work.c: what a worker does between fork and end. */
#include "worker/work.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/file.h"
#include "look/pki/cert.h"
#include "wire/wire.h"
#include "worker/tasks.h"

#define SMALL (4 << 20)

/* Fixed places, so that nothing of the zygote stays open by accident. */
enum { AT_CALL = 3, AT_ANSWER, AT_RESULT, AT_END };

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
    return sgn_wire_send(AT_CALL, &message, 0, pool);
}

static void refuse(const sgn_error_t *error, int code)
{
    if (error)
        _exit(code);
}

/* What the keeper allows. */
static sgn_error_t *read_terms(sgn_task_t *task, sgn_sandbox_limits_t *limits, const sgn_wire_message_t *message)
{
    apr_int64_t size, data, file, cpu;
    int with_result;

    SGN_TRY(sgn_json_get_int(&size, message->json, "size", task->pool));
    SGN_TRY(sgn_json_get_int(&data, message->json, "data", task->pool));
    SGN_TRY(sgn_json_get_int(&file, message->json, "file", task->pool));
    SGN_TRY(sgn_json_get_int(&cpu, message->json, "cpu", task->pool));
    SGN_TRY(sgn_json_find_bool(&with_result, message->json, "result", 0, task->pool));
    if (message->nfds > 1)
        return SGN_ERROR(task->pool, SGN_WIRE, "%d descriptors for a task", message->nfds);
    task->document = message->nfds ? message->fds[0] : -1;
    task->result = with_result ? AT_RESULT : -1;
    task->size = (apr_off_t)size;
    /* beside it the text of the request, its parsed form and what base64 holds */
    *limits = (sgn_sandbox_limits_t) { .document = (apr_uint64_t)size,
                                       .data = (apr_uint64_t)data + 4 * (apr_uint64_t)message->length,
                                       .file = (apr_uint64_t)file, .cpu_sec = (unsigned)cpu };
    return NULL;
}

static void map_document(sgn_task_t *task)
{
    void *map;

    if (task->document < 0 || task->size <= 0)
        return;
    /* a small one at once, a large one as it is read */
    map = mmap(NULL, (size_t)task->size, PROT_READ, MAP_PRIVATE | (task->size <= SMALL ? MAP_POPULATE : 0), task->document, 0);
    if (map == MAP_FAILED)
        _exit(SGN_WORK_EXIT_WALLS);
    task->map = map;
}

static void settle(const sgn_work_t *work)
{
    int high[3] = { work->call, work->answer, work->result };

    signal(SIGPIPE, SIG_IGN);
    for (int i = 0; i < 3; i++)     /* out of the way of the fixed places */
        high[i] = fcntl(high[i], F_DUPFD_CLOEXEC, 32);
    for (int i = 0; i < 3; i++)
        if (dup2(high[i], AT_CALL + i) < 0)
            _exit(SGN_WORK_EXIT_WALLS);
    if (syscall(SYS_close_range, AT_END, ~0u, 0) != 0)
        _exit(SGN_WORK_EXIT_WALLS);
    sgn_pages_touch(work->pages);
    sched_setscheduler(0, SCHED_OTHER, &(struct sched_param) { 0 });
    if (sgn_sandbox_enter(work->sandbox) != 0)
        _exit(SGN_WORK_EXIT_WALLS);
}

void sgn_work_run(const sgn_work_t *work)
{
    const sgn_sandbox_t *sandbox = work->sandbox;
    sgn_task_t task = { .document = -1, .result = -1 };
    sgn_sandbox_limits_t limits;
    sgn_wire_message_t *message = NULL;
    sgn_cert_t *certificate;
    sgn_error_t *error;

    settle(work);
    if (apr_pool_create_ex(&task.pool, NULL, no_memory, NULL) != APR_SUCCESS)
        _exit(SGN_WORK_EXIT_MEMORY);
    /* whoever names one of them finds it read (look/pki/cert.h) */
    for (int i = 0; i < work->certificate_count; i++)
        (void)sgn_cert_parse(&certificate, work->certificates[i], task.pool);
    refuse(sgn_wire_receive(&message, AT_CALL, -1, task.pool), SGN_WORK_EXIT_REQUEST);
    if (!message)               /* nobody needed it */
        _exit(SGN_WORK_EXIT_DONE);
    refuse(read_terms(&task, &limits, message), SGN_WORK_EXIT_REQUEST);
    if (sgn_sandbox_limit(sandbox, &limits) != 0)
        _exit(SGN_WORK_EXIT_WALLS);
    map_document(&task);
    task.answer = sgn_json_object(task.pool);
    error = run(&task, message);
    /* its end takes longer than most tasks: whoever reads the answer goes first */
    setpriority(PRIO_PROCESS, 0, 10);
    refuse(send_answer(make_answer(&task, error), task.pool), SGN_WORK_EXIT_REQUEST);
    refuse(sgn_wire_receive(&message, AT_CALL, -1, task.pool), SGN_WORK_EXIT_DONE);     /* until it is killed */
    _exit(SGN_WORK_EXIT_DONE);
}
