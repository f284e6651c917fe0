/* task_probe.c: honest and hostile tasks that prove the walls. */
#include "worker/task_probe.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <apr_strings.h>

#include "wire/wire.h"

#define TASK_SOCKET 3           /* where work.c puts it */
#define TASK_ANSWER 4
#define LAST_FD 6               /* the result is 5, the document of a request 6 */
#define CHUNK ((size_t)4 << 20)

/* A named way to misbehave. */
typedef struct {
    const char *how;
    long (*run)(sgn_task_t *task);
} way_t;

static sgn_error_t *pick(const way_t *ways, size_t count, sgn_task_t *task)
{
    const char *how;

    SGN_TRY(sgn_json_get_str(&how, task->args, "how", task->pool));
    for (size_t i = 0; i < count; i++) {
        long rc;

        if (strcmp(ways[i].how, how) != 0)
            continue;
        errno = 0;
        rc = ways[i].run(task);
        sgn_json_set_int(task->answer, "returned", rc);
        sgn_json_set_int(task->answer, "errno", errno);
        return NULL;
    }
    return SGN_ERROR(task->pool, SGN_FIELD, "how: %s", how);
}

sgn_error_t *sgn_task_ping(sgn_task_t *task)
{
    apr_int64_t bytes, result;
    const char *echo;

    SGN_TRY(sgn_json_find_str(&echo, task->args, "echo", "", task->pool));
    SGN_TRY(sgn_json_find_int(&bytes, task->args, "bytes", 0, task->pool));
    SGN_TRY(sgn_json_find_int(&result, task->args, "resultBytes", 0, task->pool));
    sgn_json_set_str(task->answer, "echo", echo);
    sgn_json_set_int(task->answer, "size", task->size);
    if (task->map && task->size > 0)
        sgn_json_set_int(task->answer, "first", task->map[0]);
    if (bytes > 0) {
        char *filler = apr_palloc(task->pool, (apr_size_t)bytes + 1);

        memset(filler, 'x', (size_t)bytes);
        filler[bytes] = 0;
        sgn_json_set_str(task->answer, "filler", filler);
    }
    while (result > 0) {
        static const char block[] = "rrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrr";
        size_t n = result < 64 ? (size_t)result : 64;

        SGN_TRY(sgn_tasks_result(task, sgn_bytes(block, n)));
        result -= (apr_int64_t)n;
    }
    return NULL;
}

/* ---- crash ---------------------------------------------------------------- */

static long crash_null(sgn_task_t *task)
{
    (void)task;
    *(volatile int *)NULL = 1;
    return 0;
}

static long crash_abort(sgn_task_t *task)
{
    (void)task;
    abort();
}

static long deeper(volatile char *above, long depth)
{
    volatile char room[4096];

    room[0] = above[0];
    return depth <= 0 ? room[0] : deeper(room, depth - 1) + room[0];
}

static long crash_recursion(sgn_task_t *task)
{
    volatile char start[1] = { 0 };

    (void)task;
    return deeper(start, 1 << 20);
}

static long crash_exit(sgn_task_t *task)
{
    (void)task;
    _exit(3);
}

static long crash_silent(sgn_task_t *task)
{
    (void)task;
    _exit(0);
}

sgn_error_t *sgn_task_crash(sgn_task_t *task)
{
    static const way_t ways[] = { { "null", crash_null }, { "abort", crash_abort }, { "recursion", crash_recursion },
                                  { "exit", crash_exit }, { "silent", crash_silent } };

    return pick(ways, sizeof ways / sizeof *ways, task);
}

/* ---- spin ----------------------------------------------------------------- */

static long spin_loop(sgn_task_t *task)
{
    for (volatile long i = 0;; i++)
        if (i < 0)
            return task->size;
}

static long spin_hang(sgn_task_t *task)
{
    char byte[8];

    (void)task;
    for (;;)
        if (read(TASK_SOCKET, byte, sizeof byte) == 0)
            return 0;
}

static void say(const char *text)
{
    if (write(TASK_SOCKET, text, strlen(text)) < 0)
        _exit(4);
}

static long spin_answered(sgn_task_t *task)
{
    say("{\"v\":1,\"answer\":{\"echo\":\"first\"}}");
    return spin_loop(task);
}

sgn_error_t *sgn_task_spin(sgn_task_t *task)
{
    static const way_t ways[] = { { "loop", spin_loop }, { "hang", spin_hang }, { "answered", spin_answered } };

    return pick(ways, sizeof ways / sizeof *ways, task);
}

/* ---- bloat ---------------------------------------------------------------- */

/* Maps and touches until the kernel refuses; returns how many MB it got. */
static long eat(int protection, int flags)
{
    long got = 0;

    for (;;) {
        char *more = mmap(NULL, CHUNK, protection, flags | MAP_ANONYMOUS, -1, 0);

        if (more == MAP_FAILED)
            return got;
        if (protection & PROT_WRITE)
            memset(more, 1, CHUNK);
        got += (long)(CHUNK >> 20);
        if (got > 65536)
            return got;
    }
}

static long bloat_heap(sgn_task_t *task)
{
    long got = 0;
    char *more;

    (void)task;
    while ((more = malloc(CHUNK)) != NULL) {
        memset(more, 1, CHUNK);
        got += (long)(CHUNK >> 20);
    }
    return got;
}

static long bloat_shared(sgn_task_t *task)
{
    (void)task;
    return eat(PROT_READ | PROT_WRITE, MAP_SHARED);
}

static long bloat_growsdown(sgn_task_t *task)
{
    (void)task;
    return eat(PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_GROWSDOWN);
}

static long bloat_reserve(sgn_task_t *task)
{
    (void)task;
    return eat(PROT_READ, MAP_PRIVATE | MAP_NORESERVE);
}

static long bloat_result(sgn_task_t *task)
{
    static char block[65536];
    long got = 0;

    while (write(task->result, block, sizeof block) > 0)
        got++;
    return got;
}

static long bloat_pool(sgn_task_t *task)
{
    long got;

    for (got = 0; got < 65536; got += (long)(CHUNK >> 20))
        memset(apr_palloc(task->pool, CHUNK), 1, CHUNK);
    return got;
}

sgn_error_t *sgn_task_bloat(sgn_task_t *task)
{
    static const way_t ways[] = { { "heap", bloat_heap }, { "shared", bloat_shared }, { "growsdown", bloat_growsdown },
                                  { "reserve", bloat_reserve }, { "result", bloat_result }, { "pool", bloat_pool } };

    return pick(ways, sizeof ways / sizeof *ways, task);
}

/* ---- break ---------------------------------------------------------------- */

static long break_open(sgn_task_t *task)
{
    (void)task;
    return open("/etc/passwd", O_RDONLY | O_CLOEXEC);
}

static long break_socket(sgn_task_t *task)
{
    (void)task;
    return socket(AF_UNIX, SOCK_STREAM, 0);
}

static long break_exec(sgn_task_t *task)
{
    char *const argv[] = { "/bin/true", NULL };

    (void)task;
    return execve("/bin/true", argv, argv + 1);
}

static long break_fork(sgn_task_t *task)
{
    (void)task;
    return syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL);
}

static long break_kill(sgn_task_t *task)
{
    (void)task;
    return syscall(SYS_kill, syscall(SYS_getppid), SIGKILL);
}

static long break_wx(sgn_task_t *task)
{
    (void)task;
    return mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED;
}

static long break_write(sgn_task_t *task)
{
    return pwrite(task->document, "X", 1, 0);
}

static long break_truncate(sgn_task_t *task)
{
    return ftruncate(task->document, 0);
}

static long break_writable(sgn_task_t *task)
{
    return mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, task->document, 0) == MAP_FAILED ? -1 : 0;
}

static long break_reopen(sgn_task_t *task)
{
    (void)task;
    return open("/proc/self/fd/5", O_RDWR | O_CLOEXEC);
}

/* A second answer behind the first, which the honest path will send as third. */
static long break_twice(sgn_task_t *task)
{
    (void)task;
    say("{\"v\":1,\"answer\":{\"echo\":\"one\"}}");
    say("{\"v\":1,\"answer\":{\"echo\":\"two\"}}");
    return 0;
}

static long break_descriptor(sgn_task_t *task)
{
    sgn_wire_message_t message = { .json = sgn_json_object(task->pool), .nfds = 1, .fds = { task->answer ? TASK_SOCKET : -1 } };

    sgn_json_set_int(message.json, "v", 1);
    return sgn_wire_send(TASK_SOCKET, &message, 0, task->pool) != NULL;
}

/* The limits that it may set itself only ever sink. */
static long break_raise(sgn_task_t *task)
{
    struct rlimit limits = { RLIM_INFINITY, RLIM_INFINITY };

    (void)task;
    return setrlimit(RLIMIT_AS, &limits);
}

static long break_limits(sgn_task_t *task)
{
    struct rlimit none = { 0, 0 };

    (void)task;
    return prlimit(1, RLIMIT_NOFILE, &none, NULL);
}

static long break_nice(sgn_task_t *task)
{
    (void)task;
    return setpriority(PRIO_PROCESS, 0, -5);
}

static long break_renice(sgn_task_t *task)
{
    (void)task;
    return setpriority(PRIO_USER, 0, 19);
}

/* Nothing of the zygote or a sister is open: F_GET_SEALS fails with EBADF. */
static long break_inherited(sgn_task_t *task)
{
    (void)task;
    for (int fd = LAST_FD + 1; fd < 4096; fd++)
        if (fcntl(fd, F_GET_SEALS) >= 0 || errno != EBADF)
            return fd;
    return -1;
}

/* It holds the memory of its answer writable, answers and goes on writing. */
static long break_mapped(sgn_task_t *task)
{
    static const char text[] = "{\"v\":1,\"answer\":{\"echo\":\"mapped\"}}";
    char *map;

    (void)task;
    if (pwrite(TASK_ANSWER, text, sizeof text - 1, 0) < 0)
        return -1;
    map = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, TASK_ANSWER, 0);
    if (map == MAP_FAILED)
        return -1;
    say(apr_psprintf(task->pool, "{\"v\":1,\"long\":%d}", (int)sizeof text - 1));
    for (;;)
        *(volatile char *)map = '{';
}

sgn_error_t *sgn_task_break(sgn_task_t *task)
{
    static const way_t ways[] = {
        { "open", break_open }, { "socket", break_socket }, { "exec", break_exec }, { "fork", break_fork },
        { "kill", break_kill }, { "wx", break_wx }, { "write", break_write }, { "truncate", break_truncate },
        { "writable", break_writable }, { "reopen", break_reopen }, { "twice", break_twice },
        { "descriptor", break_descriptor }, { "raise", break_raise }, { "limits", break_limits }, { "nice", break_nice },
        { "renice", break_renice }, { "inherited", break_inherited }, { "mapped", break_mapped },
    };

    return pick(ways, sizeof ways / sizeof *ways, task);
}
