/* serve.c: the main loop. */
#include "keeper/serve.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/pool.h"
#include "keeper/dispatch.h"
#include "keeper/queues.h"
#include "keeper/startup.h"
#include "keeper/timers.h"

#define SILENT apr_time_from_sec(2)     /* a peer that connects and says nothing */
#define CONNECTIONS 512                 /* that have not sent their request yet */
#define REBIRTHS 3                      /* in two seconds; then a second of rest */
#define DRAIN apr_time_from_sec(2)      /* httpd kills after three */

typedef struct {
    int fd;                             /* -1: free */
    uid_t peer;
    apr_time_t until;
} connection_t;

typedef struct {
    sgn_keeper_t *keeper;
    int epoll, listener, signals, control;
    pid_t zygote;
    apr_time_t births[REBIRTHS], rest_until;
    int stopping;
    connection_t connections[CONNECTIONS];
    apr_pool_t *pool;
} loop_t;

/* Marks in epoll's data: connections are their index, these lie above. */
enum { MARK_LISTENER = 1 << 20, MARK_SIGNALS, MARK_CONTROL };

sgn_error_t *sgn_serve_signals(int *out, apr_pool_t *pool)
{
    sigset_t mask;
    int fd;

    sigemptyset(&mask);
    sigaddset(&mask, SIGTERM);
    sigaddset(&mask, SIGINT);
    sigaddset(&mask, SIGHUP);
    sigaddset(&mask, SIGCHLD);
    sigprocmask(SIG_SETMASK, &mask, NULL);
    signal(SIGPIPE, SIG_IGN);
    fd = signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK);
    if (fd < 0)
        return SGN_ERROR_ERRNO(pool, SGN_INTERNAL, "signalfd");
    *out = fd;
    return NULL;
}

/* The control socket's messages are the engine's: of it only the end is heard,
 * which epoll tells unasked. */
static int watch(loop_t *loop, int fd, unsigned mark)
{
    struct epoll_event event = { .events = mark == MARK_CONTROL ? 0 : EPOLLIN, .data.u32 = mark };

    return epoll_ctl(loop->epoll, EPOLL_CTL_ADD, fd, &event);
}

/* ---- connections ---------------------------------------------------------- */

static void forget(loop_t *loop, connection_t *connection)
{
    epoll_ctl(loop->epoll, EPOLL_CTL_DEL, connection->fd, NULL);
    connection->fd = -1;
}

static void drop(loop_t *loop, connection_t *connection)
{
    int fd = connection->fd;

    forget(loop, connection);
    close(fd);
}

static void refuse_busy(int fd)
{
    apr_pool_t *pool;

    apr_pool_create(&pool, NULL);
    sgn_dispatch_refuse(fd, SGN_ERROR(pool, SGN_BUSY, "too many open connections"), pool);
    apr_pool_destroy(pool);
}

static void admit(loop_t *loop, int fd)
{
    const sgn_keeper_t *keeper = loop->keeper;
    struct ucred peer;
    socklen_t len = sizeof peer;

    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) != 0
        || (peer.uid != 0 && peer.uid != keeper->uid && peer.uid != keeper->httpd_uid)) {
        sgn_log(SGN_LOG_WARN, "keeper", "a peer of uid %d was refused", (int)peer.uid);
        close(fd);
        return;
    }
    for (int i = 0; i < CONNECTIONS; i++) {
        connection_t *connection = &loop->connections[i];

        if (connection->fd >= 0)
            continue;
        connection->fd = fd;
        connection->peer = peer.uid;
        connection->until = sgn_clock_monotonic() + SILENT;
        if (watch(loop, fd, (unsigned)i) != 0)
            drop(loop, connection);
        return;
    }
    refuse_busy(fd);
}

static void accept_all(loop_t *loop)
{
    for (int i = 0; i < 64; i++) {
        int fd = accept4(loop->listener, NULL, NULL, SOCK_CLOEXEC);

        if (fd < 0)
            return;
        admit(loop, fd);
    }
}

static void read_request(loop_t *loop, connection_t *connection)
{
    sgn_wire_message_t *message;
    sgn_error_t *error;
    apr_pool_t *pool;
    int fd = connection->fd;

    apr_pool_create(&pool, NULL);
    error = sgn_wire_receive(&message, fd, 0, pool);
    if (error && error->code == SGN_BUSY) {     /* nothing there after all */
        apr_pool_destroy(pool);
        return;
    }
    forget(loop, connection);
    if (error) {
        sgn_log_error(SGN_LOG_WARN, "keeper", error);
        sgn_dispatch_refuse(fd, error, pool);
        apr_pool_destroy(pool);
    } else if (!message) {
        close(fd);
        apr_pool_destroy(pool);
    } else {
        sgn_dispatch_message(loop->keeper, fd, connection->peer, message, pool);
    }
}

static void drop_silent(loop_t *loop)
{
    apr_time_t now = sgn_clock_monotonic();

    for (int i = 0; i < CONNECTIONS; i++)
        if (loop->connections[i].fd >= 0 && loop->connections[i].until < now)
            drop(loop, &loop->connections[i]);
}

/* ---- the zygote ----------------------------------------------------------- */

static void lose_zygote(loop_t *loop)
{
    if (loop->control < 0)
        return;
    epoll_ctl(loop->epoll, EPOLL_CTL_DEL, loop->control, NULL);
    close(loop->control);
    loop->control = -1;
    sgn_engine_zygote(loop->keeper->engine, -1);
    loop->keeper->zygote_up = 0;
    if (loop->zygote > 0) {
        kill(loop->zygote, SIGKILL);
        waitpid(loop->zygote, NULL, 0);
    }
    sgn_log(SGN_LOG_WARN, "keeper", "the zygote %d is gone", (int)loop->zygote);
    loop->zygote = 0;
}

static void renew_zygote(loop_t *loop)
{
    apr_time_t now = sgn_clock_monotonic();
    sgn_error_t *error;

    if (loop->control >= 0 || loop->stopping || now < loop->rest_until)
        return;
    if (loop->births[0] && now - loop->births[0] < apr_time_from_sec(2))
        loop->rest_until = now + apr_time_from_sec(1);
    memmove(loop->births, loop->births + 1, sizeof loop->births - sizeof *loop->births);
    loop->births[REBIRTHS - 1] = now;
    error = sgn_startup_zygote(&loop->control, &loop->zygote, loop->keeper);
    if (error) {
        sgn_log_error(SGN_LOG_ERROR, "keeper", error);
        loop->rest_until = now + apr_time_from_sec(1);
        return;
    }
    watch(loop, loop->control, MARK_CONTROL);
    sgn_log(SGN_LOG_INFO, "keeper", "zygote %d", (int)loop->zygote);
}

static void take_signals(loop_t *loop)
{
    struct signalfd_siginfo info;

    while (read(loop->signals, &info, sizeof info) == (ssize_t)sizeof info) {
        if (info.ssi_signo == SIGTERM || info.ssi_signo == SIGINT)
            loop->stopping = 1;
        if (info.ssi_signo == SIGCHLD && loop->zygote > 0 && waitpid(loop->zygote, NULL, WNOHANG) == loop->zygote) {
            loop->zygote = 0;
            lose_zygote(loop);
        }
    }
}

/* ---- the loop ------------------------------------------------------------- */

static void turn(loop_t *loop)
{
    struct epoll_event events[64];
    int n = epoll_wait(loop->epoll, events, 64, 500);

    for (int i = 0; i < n; i++) {
        unsigned mark = events[i].data.u32;

        if (mark == MARK_LISTENER)
            accept_all(loop);
        else if (mark == MARK_SIGNALS)
            take_signals(loop);
        else if (mark == MARK_CONTROL)
            lose_zygote(loop);
        else if (loop->connections[mark].fd >= 0)
            read_request(loop, &loop->connections[mark]);
    }
    drop_silent(loop);
    renew_zygote(loop);
}

sgn_error_t *sgn_serve_run(sgn_keeper_t *keeper, int listener, int signals, int control, pid_t zygote, apr_pool_t *pool)
{
    loop_t *loop = apr_pcalloc(pool, sizeof *loop);

    loop->keeper = keeper;
    loop->listener = listener;
    loop->signals = signals;
    loop->control = control;
    loop->zygote = zygote;
    loop->pool = pool;
    for (int i = 0; i < CONNECTIONS; i++)
        loop->connections[i].fd = -1;
    loop->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (loop->epoll < 0)
        return SGN_ERROR_ERRNO(pool, SGN_INTERNAL, "epoll");
    fcntl(listener, F_SETFL, fcntl(listener, F_GETFL) | O_NONBLOCK);
    watch(loop, listener, MARK_LISTENER);
    watch(loop, signals, MARK_SIGNALS);
    watch(loop, control, MARK_CONTROL);
    while (!loop->stopping)
        turn(loop);
    epoll_ctl(loop->epoll, EPOLL_CTL_DEL, listener, NULL);
    sgn_queues_stop(keeper->queues, DRAIN);
    sgn_timers_stop();
    sgn_log(SGN_LOG_INFO, "keeper", "ended");
    return NULL;
}
