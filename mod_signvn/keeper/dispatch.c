/* dispatch.c: one request in, one answer out. */
#include "keeper/dispatch.h"

#include <string.h>
#include <unistd.h>

#include <apr_strings.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/pool.h"
#include "keeper/queues.h"

#define SLOW apr_time_from_sec(2)

typedef struct {
    sgn_call_t call;
    const sgn_operation_t *operation;
    int socket, queued;
    apr_time_t began;
} entry_t;

/* ---- answers -------------------------------------------------------------- */

static void reply(int socket, json_t *json, const int *fds, int nfds, apr_pool_t *pool)
{
    sgn_wire_message_t message = { .json = json, .nfds = nfds };

    for (int i = 0; i < nfds; i++)
        message.fds[i] = fds[i];
    sgn_json_set_int(json, "v", SGN_WIRE_VERSION);
    /* one answer of at most one message: a send that would block is a client that is gone */
    (void)sgn_wire_send(socket, &message, 0, pool);
    close(socket);
}

static json_t *make_refusal(const sgn_error_t *error, json_t *findings, apr_pool_t *pool)
{
    const sgn_code_row_t *row = sgn_error_row(error->code);
    json_t *json = sgn_json_object(pool), *headers;

    sgn_json_set_int(json, "status", row->status ? row->status : 500);
    sgn_json_set_str(json, "code", row->name);
    sgn_json_set_str(json, "detail", error->detail);
    if (findings)
        sgn_json_set(json, "findings", findings);
    if (row->status == 503 || row->status == 429) {
        headers = sgn_json_object(pool);
        sgn_json_set_str(headers, "Retry-After", row->status == 503 ? "2" : "60");
        sgn_json_set(json, "headers", headers);
    }
    return json;
}

static json_t *make_answer(const sgn_call_t *call)
{
    json_t *json = sgn_json_object(call->pool);
    int body = call->answer || call->content;

    sgn_json_set_int(json, "status", call->status ? call->status : body ? 200 : 204);
    if (call->headers)
        sgn_json_set(json, "headers", call->headers);
    if (call->content)
        sgn_json_set(json, "content", call->content);
    else if (call->answer)
        sgn_json_set(json, "body", call->answer);
    return json;
}

/* A flood of refusals is one line per second, whatever its size. */
static void note_busy(sgn_keeper_t *keeper, const char *op)
{
    static _Atomic apr_time_t last;
    apr_time_t now = sgn_clock_monotonic();
    int count = ++keeper->busy;

    if (now - last < APR_USEC_PER_SEC)
        return;
    last = now;
    sgn_log(SGN_LOG_WARN, op, "busy; %d refused since the start", count);
}

/* Logged once, here: what is our fault with its chain, the rest in one line. */
static void note(const entry_t *entry, const sgn_error_t *error)
{
    apr_time_t took = sgn_clock_monotonic() - entry->began;

    if (error && error->code == SGN_BUSY)
        note_busy(entry->call.keeper, entry->call.op);
    else if (error && sgn_error_row(error->code)->status >= 500)
        sgn_log_error(SGN_LOG_ERROR, entry->call.op, error);
    else if (error)
        sgn_log(SGN_LOG_INFO, entry->call.op, "%s: %s", sgn_error_row(error->code)->name, error->detail);
    if (took > SLOW)
        sgn_log(SGN_LOG_WARN, entry->call.op, "took %d ms", (int)(took / 1000));
}

static void finish(entry_t *entry, const sgn_error_t *error)
{
    sgn_call_t *call = &entry->call;
    apr_pool_t *pool = call->pool;

    note(entry, error);
    if (entry->queued)
        sgn_queues_leave(call->keeper->queues, entry->operation->class_);
    if (error)
        reply(entry->socket, make_refusal(error, call->findings, pool), NULL, 0, pool);
    else
        reply(entry->socket, make_answer(call), call->out_fds, call->out_nfds, pool);
    apr_pool_destroy(pool);
}

void sgn_dispatch_refuse(int socket, const sgn_error_t *error, apr_pool_t *pool)
{
    reply(socket, make_refusal(error, NULL, pool), NULL, 0, pool);
}

void sgn_dispatch_run(void *baton)
{
    entry_t *entry = baton;
    sgn_error_t *error = sgn_access_check(&entry->call, entry->operation->access);

    if (!error)
        error = entry->operation->run(&entry->call);
    finish(entry, error);
}

/* ---- requests ------------------------------------------------------------- */

static sgn_error_t *check_members(const json_t *request, apr_pool_t *pool)
{
    static const char *const known[] = { "v", "build", "op", "user", "system", "lang", "args", "body",
                                         "documents", "proof", "idempotencyKey" };
    const char *key;
    json_t *value;

    json_object_foreach((json_t *)request, key, value) {
        size_t i = 0;

        while (i < sizeof known / sizeof *known && strcmp(known[i], key) != 0)
            i++;
        if (i == sizeof known / sizeof *known)
            return SGN_ERROR(pool, SGN_WIRE, "unknown member %.40s", key);
    }
    return NULL;
}

static sgn_error_t *check_build(const json_t *request, apr_pool_t *pool)
{
    const char *build;

    SGN_TRY(sgn_json_get_str(&build, request, "build", pool));
    if (strcmp(build, SGN_BUILD) != 0)
        return SGN_ERROR(pool, SGN_WIRE_SKEW, "caller is build %.40s, keeper is %s", build, SGN_BUILD);
    return NULL;
}

static sgn_error_t *read_call(entry_t *entry, const sgn_wire_message_t *message)
{
    sgn_call_t *call = &entry->call;
    apr_pool_t *pool = call->pool;

    call->request = message->json;
    SGN_TRY(check_build(call->request, pool));
    SGN_TRY(check_members(call->request, pool));
    SGN_TRY(sgn_json_get_str(&call->op, call->request, "op", pool));
    SGN_TRY(sgn_json_find_str(&call->account, call->request, "user", NULL, pool));
    SGN_TRY(sgn_json_find_str(&call->system, call->request, "system", NULL, pool));
    SGN_TRY(sgn_json_find_str(&call->lang, call->request, "lang", "vi", pool));
    SGN_TRY(sgn_json_find_object(&call->args, call->request, "args", pool));
    SGN_TRY(sgn_json_find_object(&call->body, call->request, "body", pool));
    call->lang = strcmp(call->lang, "en") == 0 ? "en" : "vi";
    if (!call->args)
        call->args = sgn_json_object(pool);
    if (!call->body)
        call->body = sgn_json_object(pool);
    call->nfds = message->nfds;
    memcpy(call->fds, message->fds, sizeof call->fds);
    entry->operation = sgn_operations_find(call->op);
    if (!entry->operation)
        return SGN_ERROR(pool, SGN_OPERATION_UNKNOWN, "operation %.60s", call->op);
    return NULL;
}

void sgn_dispatch_message(sgn_keeper_t *keeper, int socket, uid_t peer,
                          sgn_wire_message_t *message, apr_pool_t *pool)
{
    entry_t *entry = apr_pcalloc(pool, sizeof *entry);
    sgn_call_t *call = &entry->call;
    sgn_error_t *error;

    entry->socket = socket;
    entry->began = sgn_clock_monotonic();
    call->keeper = keeper;
    call->config = keeper->config;
    call->op = "?";
    call->lang = "vi";
    call->peer = peer;
    call->pool = pool;
    error = read_call(entry, message);
    if (error) {
        finish(entry, error);
        return;
    }
    if (entry->operation->class_ == SGN_CLASS_QUICK) {
        sgn_dispatch_run(entry);
        return;
    }
    entry->queued = 1;
    if (sgn_queues_push(keeper->queues, entry->operation->class_, entry))
        return;
    entry->queued = 0;
    finish(entry, SGN_ERROR(pool, SGN_BUSY, "the queue of %s is full", call->op));
}
