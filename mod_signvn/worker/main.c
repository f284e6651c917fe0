/*
 * main.c of signvn-worker: the zygote.  Started by the keeper (or the command
 * line) by exec with its control socket as descriptor 3 and nothing else; so
 * it has seen no key, no document and no descriptor of its parent.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <apr_general.h>

#include "wire/wire.h"
#include "worker/rehearse.h"
#include "worker/sandbox.h"
#include "worker/tasks.h"
#include "worker/zygote.h"

#define CONTROL 3

/* The first message: who this is, or why it cannot serve. */
static sgn_error_t *greet(const sgn_error_t *error, apr_pool_t *pool)
{
    sgn_wire_message_t message = { .json = sgn_json_object(pool) };

    sgn_json_set_int(message.json, "v", SGN_WIRE_VERSION);
    sgn_json_set_str(message.json, "build", SGN_BUILD);
    if (error)
        sgn_json_set_str(message.json, "error", sgn_error_chain(error, pool));
    return sgn_wire_send(CONTROL, &message, 0, pool);
}

static sgn_error_t *prepare(sgn_sandbox_t **sandbox, sgn_pages_t **pages, apr_pool_t *pool)
{
    struct rlimit core = { 0, 0 };

    setrlimit(RLIMIT_CORE, &core);
    SGN_TRY(sgn_tasks_warm(pool));
    SGN_TRY(sgn_pages_learn(pages, sgn_rehearse_run, pool));
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    SGN_TRY(sgn_sandbox_make(sandbox, pool));
    return sgn_sandbox_settle(*sandbox, pool);
}

int main(int argc, char **argv)
{
    int type = 0;
    socklen_t len = sizeof type;
    sgn_sandbox_t *sandbox = NULL;
    sgn_pages_t *pages = NULL;
    apr_pool_t *pool;
    sgn_error_t *error;

    if (argc == 2 && strcmp(argv[1], "--version") == 0) {
        puts("signvn-worker " SGN_VERSION " " SGN_BUILD);
        return 0;
    }
    if (getsockopt(CONTROL, SOL_SOCKET, SO_TYPE, &type, &len) != 0 || type != SOCK_SEQPACKET) {
        fputs("signvn-worker is started by signvnd and signvn, not by hand\n", stderr);
        return 64;
    }
    fcntl(CONTROL, F_SETFD, FD_CLOEXEC);
    sgn_pages_settle();
    apr_initialize();
    apr_pool_create(&pool, NULL);
    error = prepare(&sandbox, &pages, pool);
    if (greet(error, pool) || error)
        return 1;
    return sgn_zygote_run(CONTROL, sandbox, pages, pool) ? 1 : 0;
}
