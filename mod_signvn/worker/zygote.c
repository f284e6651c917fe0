/* zygote.c: workers out, their ends reported. */
#include "worker/zygote.h"

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
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
#define CERTIFICATES 16
#define AHEAD 3                 /* wait for a task when nothing is to be done */
#define AGAIN 100               /* ms until one that could not be made is tried again */

/* One worker and the socket that hears of its end. */
typedef struct {
    pid_t pid;                  /* 0: free */
    int life;
} worker_t;

typedef struct {
    int control, signals;
    int owed;                   /* workers asked for that could not be made yet */
    const sgn_sandbox_t *sandbox;
    const sgn_pages_t *pages;
    worker_t workers[WORKERS];
    apr_pool_t *known;          /* of the certificates */
    sgn_bytes_t certificates[CERTIFICATES];
    int certificate_count;
} zygote_t;

static void leave_parent(pid_t parent)
{
    sigset_t none;

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(SGN_WORK_EXIT_WALLS);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

static pid_t breed(const sgn_work_t *work)
{
    pid_t parent = getpid(), pid = fork();

    if (pid == 0) {
        leave_parent(parent);
        sgn_work_run(work);
    }
    return pid;
}

static sgn_error_t *pair(int fds[2], apr_pool_t *pool)
{
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) != 0)
        return SGN_ERROR_ERRNO(pool, SGN_INTERNAL, "socketpair");
    sgn_pool_own_fd(pool, fds[0]);
    sgn_pool_own_fd(pool, fds[1]);
    return NULL;
}

static sgn_error_t *memory(int *fd, const char *name, apr_pool_t *pool)
{
    *fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (*fd < 0)
        return SGN_ERROR_ERRNO(pool, SGN_INTERNAL, "memfd");
    sgn_pool_own_fd(pool, *fd);
    return NULL;
}

/* Offers wait in the control socket; its buffer has room for all of them. */
static sgn_error_t *offer(zygote_t *zygote, apr_pool_t *pool)
{
    sgn_wire_message_t message = { .json = sgn_json_object(pool), .nfds = 5 };
    sgn_work_t work = { .sandbox = zygote->sandbox, .pages = zygote->pages, .certificates = zygote->certificates,
                        .certificate_count = zygote->certificate_count };
    worker_t *slot = NULL;
    int call[2], life[2], pidfd;
    sgn_error_t *error;
    pid_t pid;

    for (int i = 0; i < WORKERS && !slot; i++)
        if (zygote->workers[i].pid == 0)
            slot = &zygote->workers[i];
    if (!slot)
        return SGN_ERROR(pool, SGN_BUSY, "%d workers run", WORKERS);
    SGN_TRY(pair(call, pool));
    SGN_TRY(pair(life, pool));
    SGN_TRY(memory(&work.answer, "signvn-answer", pool));
    SGN_TRY(memory(&work.result, "signvn-result", pool));
    work.call = call[1];
    pid = breed(&work);
    if (pid < 0)
        return SGN_ERROR_ERRNO(pool, SGN_INTERNAL, "fork");
    *slot = (worker_t) { .pid = pid, .life = dup(life[1]) };
    /* not yet reaped, so the number is still this worker's */
    pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
    if (pidfd < 0 || slot->life < 0) {
        error = SGN_ERROR_ERRNO(pool, SGN_INTERNAL, "descriptors of a worker");
        kill(pid, SIGKILL);
        if (pidfd >= 0)
            close(pidfd);
        return error;
    }
    sgn_pool_own_fd(pool, pidfd);
    sgn_json_set_int(message.json, "v", SGN_WIRE_VERSION);
    message.fds[0] = call[0];
    message.fds[1] = life[0];
    message.fds[2] = pidfd;
    message.fds[3] = work.answer;
    message.fds[4] = work.result;
    error = sgn_wire_send(zygote->control, &message, 0, pool);
    if (error)
        kill(pid, SIGKILL);
    return error;
}

/* A keeper that gave up does not wait: what cannot be sent is not missed. */
static void tell(int life, int status, const struct rusage *usage, apr_pool_t *pool)
{
    sgn_wire_message_t message = { .json = sgn_json_object(pool) };

    sgn_json_set_int(message.json, "v", SGN_WIRE_VERSION);
    sgn_json_set_int(message.json, "status", status);
    sgn_json_set_int(message.json, "rssKb", usage->ru_maxrss);
    sgn_json_set_int(message.json, "cpuUs", (apr_int64_t)usage->ru_utime.tv_sec * 1000000 + usage->ru_utime.tv_usec
                     + (apr_int64_t)usage->ru_stime.tv_sec * 1000000 + usage->ru_stime.tv_usec);
    (void)sgn_wire_send(life, &message, 0, pool);
}

static void reap(zygote_t *zygote, apr_pool_t *pool)
{
    struct rusage usage;
    int status;
    pid_t pid;

    while ((pid = wait4(-1, &status, WNOHANG, &usage)) > 0) {
        for (int i = 0; i < WORKERS; i++) {
            worker_t *worker = &zygote->workers[i];

            if (worker->pid != pid)
                continue;
            if (worker->life >= 0) {
                tell(worker->life, status, &usage, pool);
                close(worker->life);
            }
            worker->pid = 0;
        }
    }
}

/* Only bytes: what they are is found out behind walls. */
static void remember(zygote_t *zygote, const json_t *list)
{
    apr_pool_t *parent = apr_pool_parent_get(zygote->known);

    apr_pool_destroy(zygote->known);
    apr_pool_create(&zygote->known, parent);
    zygote->certificate_count = 0;
    for (size_t i = 0; i < json_array_size(list) && i < CERTIFICATES; i++) {
        const char *text = json_string_value(json_array_get(list, i));

        if (text && !sgn_bytes_from_base64(&zygote->certificates[zygote->certificate_count], text, zygote->known))
            zygote->certificate_count++;
    }
}

/* One worker for each that was asked for: when there is no room now, later. */
static void pay(zygote_t *zygote, apr_pool_t *pool)
{
    while (zygote->owed && !offer(zygote, pool))
        zygote->owed--;
}

static sgn_error_t *serve(zygote_t *zygote, int *done, apr_pool_t *pool)
{
    struct pollfd fds[2] = { { .fd = zygote->control, .events = POLLIN },
                             { .fd = zygote->signals, .events = POLLIN } };
    sgn_wire_message_t *message;
    json_t *certificates;

    if (poll(fds, 2, zygote->owed ? AGAIN : -1) < 0)
        return errno == EINTR ? NULL : SGN_ERROR_ERRNO(pool, SGN_INTERNAL, "poll");
    if (fds[1].revents) {
        struct signalfd_siginfo info;

        while (read(zygote->signals, &info, sizeof info) > 0)
            continue;
        reap(zygote, pool);
    }
    if (!fds[0].revents) {
        pay(zygote, pool);
        return NULL;
    }
    SGN_TRY(sgn_wire_receive(&message, zygote->control, 0, pool));
    if (!message) {
        *done = 1;
        return NULL;
    }
    SGN_TRY(sgn_json_find_array(&certificates, message->json, "certificates", pool));
    if (certificates) {
        remember(zygote, certificates);
        return NULL;
    }
    zygote->owed++;
    pay(zygote, pool);
    return NULL;
}

sgn_error_t *sgn_zygote_run(int control, const sgn_sandbox_t *sandbox, const sgn_pages_t *pages, apr_pool_t *pool)
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
    zygote->pages = pages;
    zygote->signals = signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK);
    if (zygote->signals < 0)
        return SGN_ERROR_ERRNO(pool, SGN_INTERNAL, "signalfd");
    apr_pool_create(&turn, pool);
    apr_pool_create(&zygote->known, pool);
    /* whoever just got an answer goes on before the next worker is made */
    sched_setscheduler(0, SCHED_BATCH, &(struct sched_param) { 0 });
    for (int i = 0; i < AHEAD; i++) {
        SGN_TRY(offer(zygote, turn));
        apr_pool_clear(turn);
    }
    while (!done) {
        SGN_TRY(serve(zygote, &done, turn));
        apr_pool_clear(turn);
    }
    return NULL;
}
