/* launch.c: between fork and exec only calls that are safe there. */
#include "httpd/launch.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <apr_strings.h>

#include "base/clock.h"
#include "base/text.h"

#define PARKED 20           /* first free place above the descriptors handed over */

static char *const environment[] = {
    "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C.UTF-8", "TZ=Asia/Ho_Chi_Minh", NULL
};

static void default_signals(void)
{
    sigset_t none;

    for (int n = 1; n < NSIG; n++)
        if (n != SIGKILL && n != SIGSTOP)
            signal(n, SIG_DFL);     /* httpd's ignored SIGPIPE would survive exec */
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

static void close_from(unsigned first)
{
#ifdef SYS_close_range
    if (syscall(SYS_close_range, first, ~0u, 0u) == 0)
        return;
#endif
    for (int fd = (int)first; fd < 65536; fd++)
        close(fd);
}

/* Never returns.  The order is KEEPER.md's: descriptors out of the way first,
 * the death signal after the change of uid, which clears it. */
static void become_keeper(const sgn_launch_t *launch, int ready, pid_t parent)
{
    char *argv[3] = { (char *)launch->program, launch->check ? "--check" : NULL, NULL };
    int given[3] = { launch->listener, launch->config, ready }, null;

    setsid();
    default_signals();
    for (int i = 0; i < 3; i++)
        if (given[i] >= 0)
            given[i] = fcntl(given[i], F_DUPFD, PARKED);
    null = fcntl(open("/dev/null", O_RDWR), F_DUPFD, PARKED);
    for (int fd = 0; fd < 3; fd++)
        dup2(null, fd);
    for (int i = 0; i < 3; i++)
        if (given[i] < 0)
            close(3 + i);
        else if (dup2(given[i], 3 + i) < 0)
            _exit(126);
    close_from(6);
    umask(077);
    if (chdir("/") != 0)
        _exit(126);
    if (getuid() == 0 && (setgroups(0, NULL) != 0 || setresgid(launch->gid, launch->gid, launch->gid) != 0
                          || setresuid(launch->uid, launch->uid, launch->uid) != 0))
        _exit(126);
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != parent)
        _exit(126);
    execve(launch->program, argv, environment);
    _exit(127);
}

/* The line from the ready pipe; "" when the process ended without one. */
static const char *first_line(int *in_time, int pipe_end, apr_interval_time_t wait, apr_pool_t *pool)
{
    apr_time_t until = sgn_clock_monotonic() + wait;
    char line[2048];
    size_t used = 0;

    *in_time = 1;
    for (;;) {
        struct pollfd fd = { .fd = pipe_end, .events = POLLIN };
        apr_interval_time_t left = until - sgn_clock_monotonic();
        ssize_t n;

        if (left <= 0 || used == sizeof line - 1) {
            *in_time = used > 0;
            break;
        }
        n = poll(&fd, 1, (int)(left / 1000 + 1));
        if (n < 0 && errno != EINTR)
            break;
        if (n <= 0)
            continue;
        n = read(pipe_end, line + used, sizeof line - 1 - used);
        if (n <= 0)
            break;
        used += (size_t)n;
        if (memchr(line, '\n', used) || line[0] == 'R')
            break;
    }
    line[used] = '\0';
    line[strcspn(line, "\n")] = '\0';
    return sgn_text_log(line, pool);
}

/* It is about to end, or told to; two seconds later it is made to. */
static int reap(pid_t pid)
{
    int status = 0;

    for (int i = 0; i < 200 && waitpid(pid, &status, WNOHANG) == 0; i++)
        apr_sleep(10000);
    if (kill(pid, SIGKILL) == 0)
        waitpid(pid, &status, 0);
    return status;
}

sgn_error_t *sgn_launch_run(pid_t *pid, const sgn_launch_t *launch, apr_pool_t *pool)
{
    pid_t parent = getpid();
    const char *line;
    int ready[2], in_time, status;

    if (pipe2(ready, O_CLOEXEC) != 0)
        return SGN_ERROR_ERRNO(pool, SGN_KEEPER_ABSENT, "pipe");
    *pid = fork();
    if (*pid == 0)
        become_keeper(launch, ready[1], parent);
    close(ready[1]);
    if (*pid < 0) {
        *pid = 0;
        close(ready[0]);
        return SGN_ERROR_ERRNO(pool, SGN_KEEPER_ABSENT, "fork");
    }
    line = first_line(&in_time, ready[0], launch->wait, pool);
    close(ready[0]);
    if (line[0] == 'R' && !launch->check)
        return NULL;
    if (!in_time)
        kill(*pid, SIGKILL);
    status = reap(*pid);
    *pid = 0;
    if (line[0] == 'R' || (launch->check && !line[0] && WIFEXITED(status) && WEXITSTATUS(status) == 0))
        return NULL;
    if (line[0] == 'E')
        return SGN_ERROR(pool, SGN_CONFIG, "signvnd: %s", line + (line[1] == ' ' ? 2 : 1));
    if (!in_time)
        return SGN_ERROR(pool, SGN_KEEPER_ABSENT, "signvnd was not ready in %d s", (int)apr_time_sec(launch->wait));
    return SGN_ERROR(pool, SGN_KEEPER_ABSENT, "signvnd ended at once, status 0x%x", (unsigned)status);
}

void sgn_launch_pause(pid_t *pid, int seconds)
{
    pid_t parent = getpid();

    *pid = fork();
    if (*pid == 0) {
        default_signals();
        close_from(0);
        prctl(PR_SET_PDEATHSIG, SIGTERM);
        if (getppid() == parent)
            sleep((unsigned)seconds);
        _exit(0);
    }
}
