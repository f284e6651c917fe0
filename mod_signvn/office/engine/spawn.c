/* spawn.c: vfork and exec of signvn-worker. */
#include "office/engine/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <apr_strings.h>

#include "wire/wire.h"

#define WARM_LIMIT apr_time_from_sec(5)

/* Between vfork and exec: only calls that touch nothing of the parent. */
static void become(const char *program, char *const argv[], char *const envp[], int control, int null, pid_t parent)
{
    sigset_t none;

    for (int sig = 1; sig < 32; sig++)      /* httpd leaves SIGPIPE ignored, and that survives exec */
        if (sig != SIGKILL && sig != SIGSTOP)
            signal(sig, SIG_DFL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(126);
    if (dup2(control, 3) < 0 || dup2(null, 0) < 0 || dup2(null, 1) < 0 || dup2(null, 2) < 0)
        _exit(126);
    syscall(SYS_close_range, 4, ~0u, 0);
    execve(program, argv, envp);
    _exit(127);
}

static sgn_error_t *meet(int control, const char *program, apr_pool_t *pool)
{
    sgn_wire_message_t *greeting;
    const char *build, *error;

    SGN_TRY(sgn_wire_receive(&greeting, control, WARM_LIMIT, pool));
    if (!greeting)
        return SGN_ERROR(pool, SGN_WORKER_CRASHED, "%s ended at its start", program);
    SGN_TRY(sgn_json_find_str(&error, greeting->json, "error", NULL, pool));
    if (error)
        return SGN_ERROR(pool, SGN_WORKER_CRASHED, "%s: %s", program, error);
    SGN_TRY(sgn_json_get_str(&build, greeting->json, "build", pool));
    if (strcmp(build, SGN_BUILD) != 0)
        return SGN_ERROR(pool, SGN_WIRE_SKEW, "%s is build %s, this is %s", program, build, SGN_BUILD);
    return NULL;
}

sgn_error_t *sgn_spawn_zygote(int *control, pid_t *pid, const char *program_dir, apr_pool_t *pool)
{
    const char *program = apr_pstrcat(pool, program_dir, "/signvn-worker", NULL);
    char *const argv[] = { (char *)"signvn-worker", NULL };
    char *const envp[] = { (char *)"PATH=/usr/bin:/bin", (char *)"LANG=C.UTF-8", NULL };
    int pair[2], null, high;
    pid_t parent = getpid(), child;
    sgn_error_t *error;

    if (access(program, X_OK) != 0)
        return SGN_ERROR_ERRNO(pool, SGN_CONFIG, "SignVNProgramDir: %s", program);
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
        return SGN_ERROR_ERRNO(pool, SGN_INTERNAL, "socketpair");
    null = open("/dev/null", O_RDWR | O_CLOEXEC);
    high = fcntl(pair[1], F_DUPFD_CLOEXEC, 20);
    close(pair[1]);
    child = vfork();
    if (child == 0)
        become(program, argv, envp, high, null, parent);
    close(high);
    close(null);
    if (child < 0) {
        close(pair[0]);
        return SGN_ERROR_ERRNO(pool, SGN_INTERNAL, "vfork");
    }
    error = meet(pair[0], program, pool);
    if (error) {
        close(pair[0]);
        kill(child, SIGKILL);
        waitpid(child, NULL, 0);
        return error;
    }
    *control = pair[0];
    *pid = child;
    return NULL;
}
