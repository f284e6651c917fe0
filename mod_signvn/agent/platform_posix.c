#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "agent/outcome.h"
#include "agent/platform.h"

/* ---- time ---------------------------------------------------------------- */

static volatile sig_atomic_t stop_asked;

int64_t sgn_platform_now(void)
{
    return (int64_t)time(NULL);
}

int64_t sgn_platform_ticks(void)
{
    struct timespec now;

    clock_gettime(CLOCK_BOOTTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void sgn_platform_sleep(int milliseconds)
{
    struct timespec span = { milliseconds / 1000, (long)(milliseconds % 1000) * 1000000 };

    if (!stop_asked)
        nanosleep(&span, NULL);
}

static void on_stop(int number)
{
    (void)number;
    stop_asked = 1;
}

void sgn_platform_watch_stop(void)
{
    struct sigaction action;

    memset(&action, 0, sizeof action);
    action.sa_handler = on_stop;
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGHUP, &action, NULL);
    /* a program that went away is an outcome, not the desk's end */
    signal(SIGPIPE, SIG_IGN);
}

int sgn_platform_stopped(void)
{
    return stop_asked;
}

/* ---- the state directory ------------------------------------------------- */

int sgn_platform_state_dir(char *out, size_t cap)
{
    const char *data = getenv("XDG_DATA_HOME"), *home = getenv("HOME");
    int n;

    if (data && data[0] == '/')
        n = snprintf(out, cap, "%s/signvn-agent", data);
    else if (home && home[0] == '/')
        n = snprintf(out, cap, "%s/.local/share/signvn-agent", home);
    else
        return sgn_outcome(SGN_FILE_ABSENT, "neither HOME nor --state is given");
    return n > 0 && (size_t)n < cap ? SGN_DONE : sgn_outcome(SGN_FILE_FAILED, "state directory: name too long");
}

int sgn_platform_make_dir(const char *path)
{
    char part[SGN_PATH_SIZE];
    size_t len = strlen(path);
    struct stat info;

    if (len >= sizeof part)
        return sgn_outcome(SGN_FILE_FAILED, "state directory: name too long");
    for (size_t i = 1; i <= len; i++) {
        if (path[i] != '/' && path[i] != '\0')
            continue;
        memcpy(part, path, i);
        part[i] = '\0';
        if (mkdir(part, 0700) && errno != EEXIST)
            return sgn_outcome(SGN_FILE_FAILED, "%s: %s", part, strerror(errno));
    }
    if (stat(path, &info) || !S_ISDIR(info.st_mode) || info.st_uid != geteuid() || info.st_mode & 077)
        return sgn_outcome(SGN_FILE_UNSAFE, "%s must be this user's own directory, mode 0700", path);
    return SGN_DONE;
}

static int join(char *out, size_t cap, const char *directory, const char *name, const char *suffix)
{
    int n = snprintf(out, cap, "%s/%s%s", directory, name, suffix);

    return n > 0 && (size_t)n < cap ? SGN_DONE : sgn_outcome(SGN_FILE_FAILED, "name too long");
}

static int write_fully(int fd, const void *data, size_t len)
{
    const char *at = data;

    while (len) {
        ssize_t n = write(fd, at, len);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return sgn_outcome(errno == ENOSPC ? SGN_DISK_FULL : SGN_FILE_FAILED, "write: %s", strerror(errno));
        at += n;
        len -= (size_t)n;
    }
    return SGN_DONE;
}

int sgn_platform_write(const char *directory, const char *name, const void *data, size_t len)
{
    char path[SGN_PATH_SIZE], temporary[SGN_PATH_SIZE];
    int fd, result, dir;

    SGN_STEP(join(path, sizeof path, directory, name, ""));
    SGN_STEP(join(temporary, sizeof temporary, directory, name, ".new"));
    fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return sgn_outcome(SGN_FILE_FAILED, "%s: %s", temporary, strerror(errno));
    result = write_fully(fd, data, len);
    if (!result && fsync(fd))
        result = sgn_outcome(SGN_FILE_FAILED, "%s: %s", temporary, strerror(errno));
    close(fd);
    if (!result && rename(temporary, path))
        result = sgn_outcome(SGN_FILE_FAILED, "%s: %s", path, strerror(errno));
    if (result) {
        unlink(temporary);
        return result;
    }
    dir = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir >= 0) {
        fsync(dir);
        close(dir);
    }
    return SGN_DONE;
}

int sgn_platform_read(const char *directory, const char *name, void *out, size_t cap, size_t *len)
{
    char path[SGN_PATH_SIZE];
    size_t used = 0;
    int fd;

    SGN_STEP(join(path, sizeof path, directory, name, ""));
    fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return sgn_outcome(errno == ENOENT ? SGN_FILE_ABSENT : SGN_FILE_FAILED, "%s: %s", path, strerror(errno));
    for (;;) {
        ssize_t n = read(fd, (char *)out + used, cap - used);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 || used + (size_t)n >= cap) {
            close(fd);
            return sgn_outcome(n < 0 ? SGN_FILE_FAILED : SGN_TOO_LARGE, "%s", path);
        }
        if (n == 0)
            break;
        used += (size_t)n;
    }
    close(fd);
    ((char *)out)[used] = '\0';
    *len = used;
    return SGN_DONE;
}

int sgn_platform_lock(const char *directory)
{
    char path[SGN_PATH_SIZE];
    int fd;

    SGN_STEP(join(path, sizeof path, directory, "lock", ""));
    fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return sgn_outcome(SGN_FILE_FAILED, "%s: %s", path, strerror(errno));
    if (flock(fd, LOCK_EX | LOCK_NB)) {
        close(fd);
        return sgn_outcome(SGN_FILE_EXISTS, "another signvn-agent uses %s", directory);
    }
    return SGN_DONE;    /* the descriptor stays open: it is the lock */
}

/* ---- temporary documents ------------------------------------------------- */

int sgn_platform_temporary(int *fd)
{
    const char *directory = getenv("TMPDIR");
    char path[SGN_PATH_SIZE];

    if (!directory || directory[0] != '/')
        directory = "/tmp";
    *fd = open(directory, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (*fd >= 0)
        return SGN_DONE;
    SGN_STEP(join(path, sizeof path, directory, "signvn-XXXXXX", ""));
    *fd = mkostemp(path, O_CLOEXEC);
    if (*fd < 0)
        return sgn_outcome(SGN_FILE_FAILED, "%s: %s", path, strerror(errno));
    unlink(path);
    return SGN_DONE;
}

void sgn_platform_temporary_path(char *out, size_t cap, int fd)
{
    snprintf(out, cap, "/proc/%ld/fd/%d", (long)getpid(), fd);
}

int sgn_platform_append(int fd, const void *data, size_t len)
{
    return write_fully(fd, data, len);
}

int sgn_platform_pread(void *context, void *out, size_t len, int64_t at)
{
    int fd = *(int *)context;
    char *to = out;

    while (len) {
        ssize_t n = pread(fd, to, len, (off_t)at);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return 1;
        to += n;
        at += n;
        len -= (size_t)n;
    }
    return 0;
}

void sgn_platform_close(int fd)
{
    if (fd >= 0)
        close(fd);
}

/* ---- secret memory ------------------------------------------------------- */

static size_t pages(size_t size)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);

    return (size + page - 1) / page * page;
}

void *sgn_platform_secret(size_t size)
{
    size_t len = pages(size);
    void *secret = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (secret == MAP_FAILED)
        return NULL;
    /* not swapped, not in a core, not given to a forked pinentry */
    if (mlock(secret, len) != 0)
        sgn_outcome_log("secret memory could not be locked: %s", strerror(errno));
    madvise(secret, len, MADV_DONTDUMP);
    madvise(secret, len, MADV_DONTFORK);
    return secret;
}

void sgn_platform_secret_free(void *secret, size_t size)
{
    if (!secret)
        return;
    sgn_platform_wipe(secret, size);
    munmap(secret, pages(size));
}

/* ---- other programs ------------------------------------------------------ */

static void reset_signals(void)
{
    signal(SIGINT, SIG_DFL);
    signal(SIGTERM, SIG_DFL);
    signal(SIGHUP, SIG_DFL);
    signal(SIGPIPE, SIG_DFL);
}

int sgn_platform_spawn(sgn_process_t *process, const char *const *argv)
{
    int in[2], out[2];
    pid_t parent = getpid(), pid;

    if (pipe2(in, O_CLOEXEC))
        return sgn_outcome(SGN_INTERNAL, "pipe: %s", strerror(errno));
    if (pipe2(out, O_CLOEXEC)) {
        close(in[0]);
        close(in[1]);
        return sgn_outcome(SGN_INTERNAL, "pipe: %s", strerror(errno));
    }
    pid = fork();
    if (pid == 0) {
        /* the terminal's group stays: pinentry-curses must read from it */
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() != parent)
            _exit(127);
        reset_signals();
        dup2(in[0], 0);
        dup2(out[1], 1);
        execv(argv[0], (char *const *)(uintptr_t)argv);
        _exit(127);
    }
    close(in[0]);
    close(out[1]);
    if (pid < 0) {
        close(in[1]);
        close(out[0]);
        return sgn_outcome(SGN_INTERNAL, "fork: %s", strerror(errno));
    }
    process->pid = (int)pid;
    process->in = in[1];
    process->out = out[0];
    return SGN_DONE;
}

int sgn_platform_child(sgn_process_t *process, sgn_platform_child_fn run, void *context)
{
    int out[2];
    pid_t parent = getpid(), pid;

    if (pipe2(out, O_CLOEXEC))
        return sgn_outcome(SGN_INTERNAL, "pipe: %s", strerror(errno));
    fflush(NULL);
    pid = fork();
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        prctl(PR_SET_DUMPABLE, 0);
        if (getppid() != parent)
            _exit(127);
        close(out[0]);
        run(context, out[1]);
        _exit(0);   /* a vendor's unload hooks must not run */
    }
    close(out[1]);
    if (pid < 0) {
        close(out[0]);
        return sgn_outcome(SGN_INTERNAL, "fork: %s", strerror(errno));
    }
    process->pid = (int)pid;
    process->in = -1;
    process->out = out[0];
    return SGN_DONE;
}

long sgn_platform_read_some(int fd, void *out, size_t cap, int milliseconds)
{
    struct pollfd wait = { .fd = fd, .events = POLLIN };
    ssize_t n;

    if (poll(&wait, 1, milliseconds) <= 0)
        return -1;
    n = read(fd, out, cap);
    if (n < 0)
        return errno == EINTR || errno == EAGAIN ? -1 : 0;
    return (long)n;
}

int sgn_platform_write_all(int fd, const void *data, size_t len, int milliseconds)
{
    const char *at = data;
    int64_t end = sgn_platform_ticks() + milliseconds;

    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
    while (len) {
        struct pollfd wait = { .fd = fd, .events = POLLOUT };
        int64_t left = end - sgn_platform_ticks();
        ssize_t n;

        if (left <= 0 || poll(&wait, 1, (int)left) <= 0)
            return sgn_outcome(SGN_INTERNAL, "the other program does not read");
        n = write(fd, at, len);
        if (n < 0 && (errno == EINTR || errno == EAGAIN))
            continue;
        if (n <= 0)
            return sgn_outcome(SGN_INTERNAL, "the other program closed its input");
        at += n;
        len -= (size_t)n;
    }
    return SGN_DONE;
}

void sgn_platform_close_input(sgn_process_t *process)
{
    sgn_platform_close(process->in);
    process->in = -1;
}

int sgn_platform_wait(sgn_process_t *process, int milliseconds)
{
    int64_t end = sgn_platform_ticks() + milliseconds;
    int status;

    for (;;) {
        pid_t pid = waitpid(process->pid, &status, WNOHANG);

        if (pid == process->pid || (pid < 0 && errno == ECHILD)) {
            process->pid = 0;
            return pid > 0 && WIFEXITED(status) ? WEXITSTATUS(status) : 256;
        }
        if (sgn_platform_ticks() >= end)
            return -1;
        usleep(5000);
    }
}

void sgn_platform_end(sgn_process_t *process)
{
    if (process->pid > 0) {
        kill(process->pid, SIGKILL);
        while (waitpid(process->pid, NULL, 0) < 0 && errno == EINTR)
            continue;
    }
    process->pid = 0;
    sgn_platform_close(process->in);
    sgn_platform_close(process->out);
    process->in = process->out = -1;
}

/* Nobody else may have put something there. */
static int safe_owner(const struct stat *info)
{
    if (info->st_mode & (S_IWGRP | S_IWOTH))
        return 0;
#ifdef SGN_PRACTICE
    if (info->st_uid == geteuid())
        return 1;
#endif
    return info->st_uid == 0;
}

int sgn_platform_trusted(const char *path)
{
    char resolved[PATH_MAX], *slash;
    struct stat info;

    if (path[0] != '/')
        return sgn_outcome(SGN_AGENT_PROGRAM, "%s: not an absolute path", path);
    if (!realpath(path, resolved) || stat(resolved, &info))
        return sgn_outcome(SGN_AGENT_PROGRAM, "%s: %s", path, strerror(errno));
    if (!S_ISREG(info.st_mode) || !safe_owner(&info))
        return sgn_outcome(SGN_AGENT_PROGRAM, "%s: others could have written it", path);
    slash = strrchr(resolved, '/');
    slash[slash == resolved] = '\0';
    if (stat(resolved, &info) || !safe_owner(&info))
        return sgn_outcome(SGN_AGENT_PROGRAM, "%s: others can write its directory", path);
    return SGN_DONE;
}

void *sgn_platform_module(const char *path)
{
    return dlopen(path, RTLD_NOW | RTLD_LOCAL);
}

void *sgn_platform_symbol(void *module, const char *name)
{
    return dlsym(module, name);
}
