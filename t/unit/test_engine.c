/* test_engine.c: tasks in fresh processes: honest ones, and everything a task
 * may try; after each attack an honest task still works (THREATS A2, B9). */
#include "tap.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <apr_strings.h>
#include <apr_thread_proc.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/pool.h"
#include "office/engine/engine_room.h"
#include "office/engine/spawn.h"
#include "wire/wire.h"

/* A sanitized worker has no walls (worker/sandbox.c): the plain build tests them. */
#if defined(__SANITIZE_ADDRESS__)
#define WALLS 0
#else
#define WALLS 1
#endif

static apr_pool_t *pool;
static sgn_engine_t *engine;
static const char *programs;
static pid_t zygote;
static int control = -1;

static json_t *arg(const char *key, const char *value)
{
    json_t *args = sgn_json_object(pool);

    sgn_json_set_str(args, key, value);
    return args;
}

static void birth(void)
{
    is_code(sgn_spawn_zygote(&control, &zygote, programs, pool), SGN_OK, "engine: the zygote is born");
}

static void honest(const char *after)
{
    json_t *answer = NULL;
    const char *echo = "";
    sgn_error_t *error = sgn_engine_task(&answer, NULL, engine, SGN_ENGINE_OFFICE, "ping", arg("echo", "xin chào"), NULL, 0, pool);

    if (!error)
        error = sgn_json_get_str(&echo, answer, "echo", pool);
    ok(!error && strcmp(echo, "xin chào") == 0, apr_psprintf(pool, "engine: an honest task works after %s", after));
    if (error)
        printf("# %s\n", sgn_error_chain(error, pool));
}

static void document_open(sgn_engine_document_t *document, size_t size)
{
    char path[] = "/tmp/test-engine-XXXXXX";
    int fd = mkstemp(path);

    document->size = (apr_off_t)size;
    if (ftruncate(fd, (off_t)size) != 0 || pwrite(fd, "%PDF", 4, 0) != 4)
        ok(0, "setup");
    close(fd);
    document->fd = open(path, O_RDONLY | O_CLOEXEC);
    unlink(path);
}

/* The attack ends with this code ... */
static void ends(const char *task, const char *how, sgn_code_t code, const char *name)
{
    json_t *answer = NULL;
    sgn_bytes_t result;
    apr_time_t began = sgn_clock_monotonic();
    sgn_error_t *error = sgn_engine_task(&answer, &result, engine, SGN_ENGINE_ANYONE, task, arg("how", how), NULL, 1 << 20, pool);

    is_code(error, code, name);
    printf("# %s\n", error ? error->detail : sgn_json_print(answer, pool));
    ok(sgn_clock_monotonic() - began < apr_time_from_sec(6), "  within its deadline");
    honest(how);
}

/* ... or is refused politely and says so. */
static void refused(const char *how, const char *name)
{
    sgn_engine_document_t document;
    json_t *answer = NULL;
    apr_int64_t failed = 0, returned = 0;
    char first[4] = "";
    sgn_error_t *error;

    document_open(&document, 8192);
    error = sgn_engine_task(&answer, NULL, engine, SGN_ENGINE_ANYONE, "break", arg("how", how), &document, 0, pool);
    if (!error)
        error = sgn_json_get_int(&failed, answer, "errno", pool);
    if (!error)
        error = sgn_json_get_int(&returned, answer, "returned", pool);
    ok(error ? error->code == SGN_WORKER_CRASHED : failed > 0 && returned < 0, name);
    printf("# %s\n", error ? error->detail : strerror((int)failed));
    ok(pread(document.fd, first, 4, 0) == 4 && memcmp(first, "%PDF", 4) == 0, "  and the document is as it was");
    close(document.fd);
    honest(how);
}

static void good(void)
{
    json_t *answer = NULL, *args = arg("echo", "a");
    sgn_engine_document_t document;
    sgn_bytes_t result = { 0 };
    apr_int64_t size = 0, first = 0;
    const char *filler = NULL;
    char *big = apr_palloc(pool, 200001);

    honest("the birth");
    document_open(&document, 5000);
    sgn_json_set_int(args, "resultBytes", 100000);
    is_code(sgn_engine_task(&answer, &result, engine, SGN_ENGINE_OFFICE, "ping", args, &document, 1 << 20, pool), SGN_OK,
            "engine: a task with document and result");
    ok(answer && !sgn_json_get_int(&size, answer, "size", pool) && size == 5000, "engine: the document is mapped with its size");
    ok(answer && !sgn_json_get_int(&first, answer, "first", pool) && first == '%', "engine: and its bytes");
    ok(result.len == 100000 && result.data[99999] == 'r', "engine: the result bytes come back");
    close(document.fd);

    args = arg("echo", "b");
    sgn_json_set_int(args, "bytes", 300000);
    is_code(sgn_engine_task(&answer, NULL, engine, SGN_ENGINE_OFFICE, "ping", args, NULL, 0, pool), SGN_OK,
            "engine: an answer of 300 KB needs no descriptor of the worker");
    ok(answer && !sgn_json_get_str(&filler, answer, "filler", pool) && strlen(filler) == 300000, "engine: and is whole");
    memset(big, 'y', 200000);
    big[200000] = 0;
    is_code(sgn_engine_task(&answer, NULL, engine, SGN_ENGINE_OFFICE, "ping", arg("echo", big), NULL, 0, pool), SGN_OK,
            "engine: a request of 200 KB");
    ok(answer && !sgn_json_get_str(&filler, answer, "echo", pool) && strlen(filler) == 200000, "engine: and is whole");
    is_code(sgn_engine_task(&answer, NULL, engine, SGN_ENGINE_OFFICE, "nonsense", NULL, NULL, 0, pool), SGN_OPERATION_UNKNOWN,
            "engine: an unknown task is said by name");
    is_code(sgn_engine_task(&answer, NULL, engine, SGN_ENGINE_OFFICE, "break", arg("how", "?"), NULL, 0, pool), SGN_FIELD,
            "engine: the code that a task answers is the caller's error");
}

static void attacks(void)
{
    ends("crash", "null", SGN_WORKER_CRASHED, "engine: a write to NULL costs one process");
    ends("crash", "abort", SGN_WORKER_CRASHED, "engine: an abort costs one process");
    ends("crash", "recursion", SGN_WORKER_CRASHED, "engine: endless recursion costs one process");
    ends("crash", "exit", SGN_WORKER_CRASHED, "engine: an exit without answer is a crash");
    ends("crash", "silent", SGN_WORKER_CRASHED, "engine: exit 0 without answer is a crash too");
    ends("spin", "loop", SGN_WORKER_DEADLINE, "engine: a loop ends at the deadline");
    ends("spin", "hang", SGN_WORKER_DEADLINE, "engine: a hang ends at the deadline");
    ends("spin", "answered", SGN_OK, "engine: one that spins after its answer is killed at once");
    if (!WALLS) {
        ok(1, "engine: memory and system calls # SKIP the walls are down under sanitizers");
        return;
    }
    ends("bloat", "heap", SGN_OK, "engine: the heap is refused");
    ends("bloat", "shared", SGN_OK, "engine: shared memory is refused");
    ends("bloat", "growsdown", SGN_OK, "engine: growing stacks are refused");
    ends("bloat", "reserve", SGN_OK, "engine: endless reservations are refused");
    ends("bloat", "pool", SGN_WORKER_MEMORY, "engine: a pool without memory is said by name");
    ends("bloat", "result", SGN_WORKER_MEMORY, "engine: a result without end is stopped");
    ends("break", "socket", SGN_WORKER_CRASHED, "engine: a socket ends the worker");
    ends("break", "exec", SGN_WORKER_CRASHED, "engine: exec ends the worker");
    ends("break", "fork", SGN_WORKER_CRASHED, "engine: fork ends the worker");
    ends("break", "kill", SGN_WORKER_CRASHED, "engine: kill ends the worker");
    ends("break", "wx", SGN_WORKER_CRASHED, "engine: executable memory ends the worker");
    ends("break", "truncate", SGN_WORKER_CRASHED, "B9 engine: cutting the document ends the worker");
    refused("open", "engine: open is refused");
    refused("write", "B9 engine: the document cannot be written");
    refused("writable", "B9 engine: the document cannot be mapped writable");
    refused("raise", "A2 engine: a worker cannot raise its own limits");
    refused("limits", "A2 engine: nor set those of others");
    refused("nice", "A2 engine: nor go before others");
    refused("inherited", "A2 engine: no descriptor of the zygote or of a sister is open");
    ends("break", "renice", SGN_WORKER_CRASHED, "engine: other processes' priority ends the worker");
    refused("reopen", "B9 engine: the document cannot be opened again for writing");
}

static void forgery(void)
{
    json_t *answer = NULL;
    const char *echo = "";
    apr_int64_t refused = 0;
    sgn_error_t *error;

    is_code(sgn_engine_task(&answer, NULL, engine, SGN_ENGINE_ANYONE, "break", arg("how", "twice"), NULL, 0, pool), SGN_OK,
            "engine: a second answer is never read");
    ok(answer && !sgn_json_get_str(&echo, answer, "echo", pool) && strcmp(echo, "one") == 0, "engine: the first one counts");
    honest("a second answer");
    answer = NULL;
    is_code(sgn_engine_task(&answer, NULL, engine, SGN_ENGINE_ANYONE, "break", arg("how", "mapped"), NULL, 0, pool), SGN_OK,
            "A2 engine: an answer that its worker still can write is read when the worker is dead");
    ok(answer && !sgn_json_get_str(&echo, answer, "echo", pool) && strcmp(echo, "mapped") == 0, "engine: as it was left");
    honest("an answer that is mapped");
    /* or not even sent: beyond its 16 descriptors the kernel counts those that
     * all processes of this uid have under way */
    error = sgn_engine_task(&answer, NULL, engine, SGN_ENGINE_ANYONE, "break", arg("how", "descriptor"), NULL, 0, pool);
    ok(error ? error->code == SGN_WORKER_CRASHED : !sgn_json_get_int(&refused, answer, "returned", pool) && refused == 1,
       "engine: a descriptor from a worker is not taken");
    honest("a descriptor");
}

static int memory_of_bloat(const char *how)
{
    json_t *answer = NULL;
    apr_int64_t mb = 0;

    if (sgn_engine_task(&answer, NULL, engine, SGN_ENGINE_ANYONE, "bloat", arg("how", how), NULL, 0, pool))
        return 0;
    return sgn_json_get_int(&mb, answer, "returned", pool) ? 0 : (int)mb;
}

static void bounds(void)
{
    static const char *const ways[] = { "heap", "shared", "growsdown", "reserve" };

    for (int i = 0; i < 4; i++) {
        int mb = memory_of_bloat(ways[i]);

        ok(mb >= 16 && mb <= 110, apr_psprintf(pool, "engine: 64 MB and slack stop %s (%d MB)", ways[i], mb));
    }
}

static void rebirth(void)
{
    json_t *answer = NULL;
    pid_t old = zygote;

    kill(zygote, SIGKILL);
    waitpid(zygote, NULL, 0);
    is_code(sgn_engine_task(&answer, NULL, engine, SGN_ENGINE_OFFICE, "ping", arg("echo", "x"), NULL, 0, pool), SGN_WORKER_CRASHED,
            "engine: without a zygote a task is an error, not a hang");
    close(control);
    birth();
    ok(zygote != old, "engine: the zygote is another");
    sgn_engine_zygote(engine, control);
    honest("the zygote's rebirth");
}

/* ---- slots ---------------------------------------------------------------- */

static void *APR_THREAD_FUNC spin(apr_thread_t *thread, void *baton)
{
    json_t *answer;
    apr_pool_t *own;
    json_t *args;
    sgn_error_t *error;

    (void)thread;
    apr_pool_create(&own, NULL);
    args = sgn_json_object(own);
    sgn_json_set_str(args, "how", "hang");
    error = sgn_engine_task(&answer, NULL, engine, SGN_ENGINE_ANYONE, "spin", args, NULL, 0, own);
    *(sgn_code_t *)baton = error ? error->code : SGN_OK;
    apr_pool_destroy(own);
    return NULL;
}

static void slots(void)
{
    apr_thread_t *threads[12];
    sgn_code_t codes[12];
    apr_status_t rc;
    int busy = 0, deadline = 0;
    apr_time_t began;
    json_t *answer;

    for (int i = 0; i < 12; i++)
        apr_thread_create(&threads[i], NULL, spin, &codes[i], pool);
    apr_sleep(200000);
    began = sgn_clock_monotonic();
    is_code(sgn_engine_task(&answer, NULL, engine, SGN_ENGINE_SIGNING, "ping", arg("echo", "s"), NULL, 0, pool), SGN_OK,
            "engine: signing has room while strangers hold every slot of theirs");
    ok(sgn_clock_monotonic() - began < 700000, "engine: and does not wait for them");   /* each holds its slot for 800 ms */
    for (int i = 0; i < 12; i++) {
        apr_thread_join(&rc, threads[i]);
        busy += codes[i] == SGN_BUSY;
        deadline += codes[i] == SGN_WORKER_DEADLINE;
    }
    is_int(deadline, 4, "A16 engine: two run and two wait");
    is_int(busy, 8, "A16 engine: the others are told busy");
}

static int descriptors(void)
{
    int n = 0;

    for (int fd = 0; fd < 1024; fd++)
        n += fcntl(fd, F_GETFD) >= 0;
    return n;
}

static void leaks(void)
{
    int before = descriptors();
    apr_time_t began = sgn_clock_monotonic();
    json_t *answer;

    for (int i = 0; i < 200; i++) {
        apr_pool_t *turn;
        json_t *args;

        apr_pool_create(&turn, pool);
        args = sgn_json_object(turn);
        if (sgn_engine_task(&answer, NULL, engine, SGN_ENGINE_OFFICE, "ping", args, NULL, 0, turn))
            before = -1;
        apr_pool_destroy(turn);
    }
    printf("# one empty task: %d us\n", (int)((sgn_clock_monotonic() - began) / 200));
    is_int(descriptors(), before, "engine: 200 tasks leave no descriptor behind");
}

/* ---- workers that wait ------------------------------------------------------ */

#define AHEAD 3

/* Children of the zygote; signal 0: only counted. */
static int waiting(int signal)
{
    char path[64], text[4096] = "", *at = text;
    int fd, count = 0;
    long pid;

    snprintf(path, sizeof path, "/proc/%d/task/%d/children", (int)zygote, (int)zygote);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || read(fd, text, sizeof text - 1) < 0)
        count = -1;
    close(fd);
    for (; count >= 0 && (pid = strtol(at, &at, 10)) > 0; count++)
        kill((pid_t)pid, signal);
    return count;
}

/* Within two seconds as many as always, no more and no fewer. */
static void settles(const char *after)
{
    int count;

    apr_sleep(200000);          /* the last offers and ends */
    count = waiting(0);
    for (int i = 0; i < 40 && count != AHEAD; i++) {
        apr_sleep(50000);
        count = waiting(0);
    }
    if (!ok(count == AHEAD || count < 0, apr_psprintf(pool, "engine: three workers wait after %s", after)))
        printf("# %d\n", count);
}

static sgn_code_t ping(void)
{
    json_t *answer;
    sgn_error_t *error = sgn_engine_task(&answer, NULL, engine, SGN_ENGINE_OFFICE, "ping", arg("echo", "x"), NULL, 0, pool);

    if (error)
        printf("# %s\n", sgn_error_chain(error, pool));
    return error ? error->code : SGN_OK;
}

static void *APR_THREAD_FUNC wake(apr_thread_t *thread, void *baton)
{
    (void)thread;
    (void)baton;
    apr_sleep(5500000);
    kill(zygote, SIGCONT);
    return NULL;
}

/* The zygote stands still: who waited for a worker in vain is given one later. */
static void late_offers(void)
{
    apr_thread_t *thread;
    apr_status_t rc;
    int good = 0;

    apr_thread_create(&thread, NULL, wake, NULL, pool);
    kill(zygote, SIGSTOP);
    for (int i = 0; i < AHEAD + 1; i++)
        good += ping() == SGN_OK;
    apr_thread_join(&rc, thread);
    is_int(good, AHEAD + 1, "engine: tasks end well though the zygote stood still");
    for (int i = 0; i < 4; i++)
        ping();
    settles("a worker that came too late for its task");
}

static void *APR_THREAD_FUNC widen(apr_thread_t *thread, void *baton)
{
    (void)thread;
    apr_sleep(500000);
    prlimit(zygote, RLIMIT_NOFILE, baton, NULL);
    return NULL;
}

/* The zygote has no descriptors for a while: what it owes it pays when it can. */
static void poor_zygote(void)
{
    struct rlimit usual, few;
    apr_thread_t *thread;
    apr_time_t began;
    apr_status_t rc;
    int good = 0;

    if (prlimit(zygote, RLIMIT_NOFILE, NULL, &usual) != 0) {
        ok(1, "engine: a zygote without descriptors # SKIP its limits cannot be set");
        return;
    }
    few = usual;
    few.rlim_cur = 4;
    prlimit(zygote, RLIMIT_NOFILE, &few, NULL);
    apr_thread_create(&thread, NULL, widen, &usual, pool);
    began = sgn_clock_monotonic();
    for (int i = 0; i < AHEAD + 2; i++)
        good += ping() == SGN_OK;
    is_int(good, AHEAD + 2, "engine: tasks end well though the zygote had no descriptors");
    ok(sgn_clock_monotonic() - began < apr_time_from_sec(3), "engine: and wait no longer than it had none");
    apr_thread_join(&rc, thread);
    settles("a zygote without descriptors");
}

/* The keeper has room for two descriptors: an offer of five is lost, and made up for. */
static void poor_keeper(void)
{
    struct rlimit usual, few;
    int before = descriptors(), next = fcntl(0, F_DUPFD_CLOEXEC, 3);

    close(next);
    getrlimit(RLIMIT_NOFILE, &usual);
    few = usual;
    few.rlim_cur = (rlim_t)next + 2;
    setrlimit(RLIMIT_NOFILE, &few);
    is_int((int)ping(), SGN_WORKER_CRASHED, "engine: without descriptors a task is an error");
    setrlimit(RLIMIT_NOFILE, &usual);
    is_int((int)ping(), SGN_OK, "engine: and with them it works");
    is_int(descriptors(), before, "engine: no descriptor is left of the offers that did not fit");
    settles("a keeper without descriptors");
}

/* More at once than wait: each asks for its own, none takes another's. */
static void crowd(void)
{
    apr_thread_t *threads[4];
    sgn_code_t codes[4];
    apr_status_t rc;
    int good = 0;

    for (int i = 0; i < 4; i++)
        apr_thread_create(&threads[i], NULL, spin, &codes[i], pool);
    for (int i = 0; i < 30; i++)
        good += ping() == SGN_OK;
    for (int i = 0; i < 4; i++)
        apr_thread_join(&rc, threads[i]);
    is_int(good, 30, "engine: tasks beside others that hold every worker");
    settles("a crowd");
}

static void ahead(void)
{
    settles("the attacks");
    waiting(SIGKILL);
    apr_sleep(100000);          /* one that is just dying would still take the task */
    is_int((int)ping(), SGN_OK, "engine: a task after every waiting worker was killed");
    settles("all of them were killed");
    crowd();
    poor_zygote();
    poor_keeper();
    late_offers();
}

/* ---- hints ------------------------------------------------------------------ */

static json_t *missed(const char *key, const char *certificate, const char *issuer)
{
    json_t *row = arg("key", key);

    sgn_json_set_str(row, "certificate", certificate);
    sgn_json_set_str(row, "issuer", issuer);
    return row;
}

/* Every later worker reads them: a worker's word must not bring any. */
static void hints(void)
{
    json_t *have = sgn_json_array(pool), *missing = sgn_json_array(pool), *row = arg("key", "k"), *list = NULL;
    json_t *kept = engine->intermediates;
    sgn_wire_message_t *told = NULL;
    int pair[2], own = engine->control;

    sgn_json_set_str(row, "data", "AAAA");
    json_array_append(have, row);
    json_array_append(missing, missed("k", "Zm9yZ2Vk", "b3Vycw=="));
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
        ok(0, "setup");
    engine->control = pair[0];
    engine->intermediates = sgn_json_array(pool);
    json_array_append_new(engine->intermediates, json_string("b3Vycw=="));
    sgn_hints_learn(engine, have, missing);
    is_code(sgn_wire_receive(&told, pair[1], 0, pool), SGN_OK, "engine: the zygote is told certificates");
    ok(told && !sgn_json_get_array(&list, told->json, "certificates", pool) && json_array_size(list) == 1
       && strcmp(json_string_value(json_array_get(list, 0)), "b3Vycw==") == 0,
       "A2 engine: only the administrator's, none that a worker brought");
    json_array_clear(missing);
    sgn_json_set_str(row, "key", "large");
    json_array_append(missing, missed("large", apr_pstrcat(pool, "A", apr_psprintf(pool, "%0*d", 100000, 1), NULL), "b3Vycw=="));
    sgn_hints_learn(engine, have, missing);
    is_int((long)json_array_size(engine->asked), 1, "A2 engine: and nothing large of a worker is kept");
    engine->control = own;
    engine->intermediates = kept;
    close(pair[0]);
    close(pair[1]);
}

int main(void)
{
    json_t *json;
    sgn_config_t *config;

    pool = tap_pool();
    programs = getenv("SGN_PROGRAMS");
    if (!programs)
        programs = getenv("SGN_BUILDDIR") ? getenv("SGN_BUILDDIR") : ".";
    birth();
    if (control < 0)
        return done_testing();
    json = sgn_json_object(pool);
    sgn_json_set_int(json, "v", 1);
    sgn_json_set_str(json, "build", SGN_BUILD);
    sgn_json_set(json, "server", sgn_json_object(pool));
    sgn_json_set(json, "agencies", sgn_json_array(pool));
    if (!is_code(sgn_config_decode(&config, json, pool), SGN_OK, "engine: a configuration of defaults"))
        return done_testing();
    is_code(sgn_engine_make(&engine, config, NULL, control, pool), SGN_OK, "engine: made");
    good();
    attacks();
    forgery();
    if (WALLS)
        bounds();
    slots();
    leaks();
    ahead();
    hints();
    rebirth();
    kill(zygote, SIGKILL);
    return done_testing();
}
