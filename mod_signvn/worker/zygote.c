/* zygote.c: spawn requests in, workers out, their ends reported. */
#include "worker/zygote.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/pool.h"
#include "wire/wire.h"
#include "worker/work.h"

#define WORKERS 256             /* at once; the keeper asks for far fewer */

/* One running worker and the socket that hears of its end. */
typedef struct {
    pid_t pid;                  /* 0: free */
    int start;
} worker_t;

/* The next worker is forked before its task comes: a fork costs more than a
 * small task.  It serves one task like any other and has seen none before. */
typedef struct {
    int control, signals;
    pid_t next;                 /* 0: none waits */
    int call;                   /* to it */
    const sgn_sandbox_t *sandbox;
    worker_t workers[WORKERS];
} zygote_t;

typedef struct {
    sgn_work_t work;
    int start;
} spawn_t;

static sgn_error_t *read_spawn(spawn_t *spawn, const sgn_wire_message_t *message, apr_pool_t *pool)
{
    apr_int64_t size, data, file, cpu;
    int with_document, with_result, next = 3;

    SGN_TRY(sgn_json_get_int(&size, message->json, "size", pool));
    SGN_TRY(sgn_json_get_int(&data, message->json, "data", pool));
    SGN_TRY(sgn_json_get_int(&file, message->json, "file", pool));
    SGN_TRY(sgn_json_get_int(&cpu, message->json, "cpu", pool));
    SGN_TRY(sgn_json_find_bool(&with_document, message->json, "document", 0, pool));
    SGN_TRY(sgn_json_find_bool(&with_result, message->json, "result", 0, pool));
    if (message->nfds != 3 + with_document + with_result)
        return SGN_ERROR(pool, SGN_WIRE, "%d descriptors for a task", message->nfds);
    spawn->work.task = message->fds[0];
    spawn->start = message->fds[1];
    spawn->work.answer = message->fds[2];
    spawn->work.document = with_document ? message->fds[next++] : -1;
    spawn->work.result = with_result ? message->fds[next] : -1;
    spawn->work.limits.document = (apr_uint64_t)size;
    spawn->work.limits.data = (apr_uint64_t)data;
    spawn->work.limits.file = (apr_uint64_t)file;
    spawn->work.limits.cpu_sec = (unsigned)cpu;
    return NULL;
}

static void leave_parent(pid_t parent)
{
    sigset_t none;

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(SGN_WORK_EXIT_WALLS);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

/* Waits for its one task; nothing of the zygote stays open meanwhile. */
static void wait_for_task(const sgn_sandbox_t *sandbox, int call, pid_t parent, apr_pool_t *pool)
{
    sgn_wire_message_t *message;
    spawn_t spawn;

    leave_parent(parent);
    if (dup2(call, 3) != 3 || syscall(SYS_close_range, 4, ~0u, 0) != 0)
        _exit(SGN_WORK_EXIT_WALLS);
    if (sgn_wire_receive(&message, 3, -1, pool) || !message || read_spawn(&spawn, message, pool))
        _exit(SGN_WORK_EXIT_REQUEST);
    sgn_work_run(&spawn.work, sandbox);
}

/* Only between two turns: no descriptor of a task is open then. */
static void breed(zygote_t *zygote, apr_pool_t *pool)
{
    pid_t parent = getpid();
    int fds[2];

    if (zygote->next || socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) != 0)
        return;
    zygote->next = fork();
    if (zygote->next == 0)
        wait_for_task(zygote->sandbox, fds[1], parent, pool);
    close(fds[1]);
    if (zygote->next > 0) {
        zygote->call = fds[0];
        return;
    }
    close(fds[0]);
    zygote->next = 0;
}

/* The task goes to the process that waits, or to a new one. */
static pid_t give(zygote_t *zygote, const sgn_wire_message_t *message, const spawn_t *spawn, apr_pool_t *pool)
{
    pid_t pid = zygote->next, parent = getpid();

    if (pid) {
        int gone = sgn_wire_send(zygote->call, message, 0, pool) != NULL;

        close(zygote->call);
        zygote->next = 0;
        if (!gone)
            return pid;
        kill(pid, SIGKILL);
    }
    pid = fork();
    if (pid == 0) {
        leave_parent(parent);
        sgn_work_run(&spawn->work, zygote->sandbox);
    }
    return pid;
}

/* Sent blocking: the buffer of a fresh socket always has room. */
static sgn_error_t *tell(int start, json_t *json, int pidfd, apr_pool_t *pool)
{
    sgn_wire_message_t message = { .json = json };

    if (pidfd >= 0)
        message.fds[message.nfds++] = pidfd;
    return sgn_wire_send(start, &message, 0, pool);
}

static sgn_error_t *spawn_worker(zygote_t *zygote, const sgn_wire_message_t *message, apr_pool_t *pool)
{
    spawn_t spawn;
    worker_t *slot = NULL;
    json_t *json = sgn_json_object(pool);
    pid_t pid;
    int pidfd;

    SGN_TRY(read_spawn(&spawn, message, pool));
    for (int i = 0; i < WORKERS && !slot; i++)
        if (zygote->workers[i].pid == 0)
            slot = &zygote->workers[i];
    if (!slot)
        return SGN_ERROR(pool, SGN_BUSY, "%d workers run", WORKERS);
    pid = give(zygote, message, &spawn, pool);
    if (pid < 0)
        return SGN_ERROR_ERRNO(pool, SGN_INTERNAL, "fork");
    /* not yet reaped, so the number is still this worker's */
    pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
    if (pidfd < 0) {
        kill(pid, SIGKILL);
        return SGN_ERROR_ERRNO(pool, SGN_INTERNAL, "pidfd_open");
    }
    sgn_pool_own_fd(pool, pidfd);
    slot->pid = pid;
    slot->start = dup(spawn.start);
    sgn_json_set_int(json, "v", SGN_WIRE_VERSION);
    return tell(slot->start, json, pidfd, pool);
}

static void reap(zygote_t *zygote, apr_pool_t *pool)
{
    struct rusage usage;
    int status;
    pid_t pid;

    while ((pid = wait4(-1, &status, WNOHANG, &usage)) > 0) {
        if (pid == zygote->next) {      /* killed while it waited */
            close(zygote->call);
            zygote->next = 0;
        }
        for (int i = 0; i < WORKERS; i++) {
            worker_t *worker = &zygote->workers[i];
            json_t *json;

            if (worker->pid != pid)
                continue;
            json = sgn_json_object(pool);
            sgn_json_set_int(json, "v", SGN_WIRE_VERSION);
            sgn_json_set_int(json, "status", status);
            sgn_json_set_int(json, "rssKb", usage.ru_maxrss);
            sgn_json_set_int(json, "cpuUs", (apr_int64_t)usage.ru_utime.tv_sec * 1000000 + usage.ru_utime.tv_usec
                             + (apr_int64_t)usage.ru_stime.tv_sec * 1000000 + usage.ru_stime.tv_usec);
            (void)tell(worker->start, json, -1, pool);      /* a keeper that gave up is not waiting */
            close(worker->start);
            worker->pid = 0;
        }
    }
}

static sgn_error_t *serve(zygote_t *zygote, int *done, apr_pool_t *pool)
{
    struct pollfd fds[2] = { { .fd = zygote->control, .events = POLLIN },
                             { .fd = zygote->signals, .events = POLLIN } };
    sgn_wire_message_t *message;

    if (poll(fds, 2, -1) < 0)
        return errno == EINTR ? NULL : SGN_ERROR_ERRNO(pool, SGN_INTERNAL, "poll");
    if (fds[1].revents) {
        struct signalfd_siginfo info;

        while (read(zygote->signals, &info, sizeof info) > 0)
            continue;
        reap(zygote, pool);
    }
    if (!fds[0].revents)
        return NULL;
    SGN_TRY(sgn_wire_receive(&message, zygote->control, 0, pool));
    if (!message) {
        *done = 1;
        return NULL;
    }
    /* A task that cannot be started closes its sockets with the pool: the
     * keeper sees the end of the start socket. */
    (void)spawn_worker(zygote, message, pool);
    return NULL;
}

sgn_error_t *sgn_zygote_run(int control, const sgn_sandbox_t *sandbox, apr_pool_t *pool)
{
    zygote_t *zygote = apr_pcalloc(pool, sizeof *zygote);
    sigset_t mask;
    apr_pool_t *turn;
    int done = 0;

    sigemptyset(&mask);
    sigaddset(&mask, SIGCHLD);
    sigprocmask(SIG_SETMASK, &mask, NULL);
    zygote->control = control;
    zygote->sandbox = sandbox;
    zygote->signals = signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK);
    if (zygote->signals < 0)
        return SGN_ERROR_ERRNO(pool, SGN_INTERNAL, "signalfd");
    apr_pool_create(&turn, pool);
    while (!done) {
        apr_pool_clear(turn);
        breed(zygote, turn);
        SGN_TRY(serve(zygote, &done, turn));
    }
    return NULL;
}
