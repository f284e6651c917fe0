/* attempt.c: one worker from its task to its death.
 *
 * Workers wait before there is a task (worker/zygote.h).  The worker holds the
 * call socket; the life socket stays with the zygote, which alone tells pidfd
 * and end, so a hostile worker can forge neither.  From the worker exactly one
 * message without descriptors is read; then it is killed. */
#include "office/engine/engine_room.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <apr_strings.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/pool.h"
#include "wire/wire.h"

#define ANSWER_LIMIT ((size_t)16 << 20)
#define BURIAL apr_time_from_sec(3)     /* freeing gigabytes takes a moment */
#define BIRTH apr_time_from_sec(5)
#define STILLBORN 8                     /* workers that died while they waited */
#define EXIT_MEMORY 72                  /* worker/work.h */

typedef struct {
    sgn_attempt_t *attempt;
    sgn_engine_t *engine;
    int call, life;             /* to the worker, to the zygote; -1: none yet */
    int answer, result;         /* memfds */
    int pidfd;
    int births;                 /* of the zygote that is asked */
    int owes;                   /* took a worker that it did not ask for */
    apr_pool_t *pool;
} life_t;

static json_t *message_json(apr_pool_t *pool)
{
    json_t *json = sgn_json_object(pool);

    sgn_json_set_int(json, "v", SGN_WIRE_VERSION);
    return json;
}

/* ---- a worker ------------------------------------------------------------- */

/* The control socket, duplicated: a reborn zygote's may replace it meanwhile. */
static sgn_error_t *control_of(int *out, life_t *life)
{
    apr_thread_mutex_lock(life->engine->mutex);
    *out = life->engine->control < 0 ? -1 : fcntl(life->engine->control, F_DUPFD_CLOEXEC, 3);
    life->births = life->engine->births;
    apr_thread_mutex_unlock(life->engine->mutex);
    if (*out < 0)
        return SGN_ERROR(life->pool, SGN_WIRE, "there is no zygote now");
    sgn_pool_own_fd(life->pool, *out);
    return NULL;
}

static sgn_error_t *ask_for_one(int control, apr_pool_t *pool)
{
    sgn_wire_message_t message = { .json = message_json(pool) };

    return sgn_wire_send(control, &message, apr_time_from_sec(1), pool);
}

/* What was asked for in vain (positive) or could not be asked for (negative) is
 * counted, so that waiting workers neither pile up nor run out. */
static int count_spare(life_t *life, int more)
{
    sgn_engine_t *engine = life->engine;
    int spare;

    apr_thread_mutex_lock(engine->mutex);
    if (engine->births != life->births)
        more = 0;
    engine->spare += more;
    spare = engine->births == life->births ? engine->spare : 0;
    apr_thread_mutex_unlock(engine->mutex);
    return spare;
}

/* As many are asked for as were taken. */
static void repay(life_t *life, int control)
{
    int spare;

    if (!life->owes)
        return;
    life->owes = 0;
    for (spare = count_spare(life, -1); spare < 0; spare = count_spare(life, 0)) {
        if (ask_for_one(control, life->pool))
            return;
        count_spare(life, 1);
    }
}

/* A worker that waits; *waits: there was none, or others wait for theirs.  Those
 * have asked for as many as they are: taking one would leave one without. */
static sgn_error_t *take_waiting(sgn_wire_message_t **offer, int *waits, life_t *life, int control)
{
    sgn_engine_t *engine = life->engine;
    sgn_error_t *error = NULL;

    apr_thread_mutex_lock(engine->mutex);
    *waits = 1;
    if (engine->expecting == 0) {
        error = sgn_wire_receive(offer, control, 0, life->pool);
        *waits = error && error->code == SGN_BUSY;
    }
    engine->expecting += *waits;
    apr_thread_mutex_unlock(engine->mutex);
    return *waits ? NULL : error;
}

static sgn_error_t *expect(sgn_wire_message_t **offer, life_t *life, int control)
{
    sgn_error_t *error = ask_for_one(control, life->pool);

    if (!error) {
        error = sgn_wire_receive(offer, control, BIRTH, life->pool);
        if (error && error->code == SGN_BUSY)
            count_spare(life, 1);
    }
    apr_thread_mutex_lock(life->engine->mutex);
    life->engine->expecting--;
    apr_thread_mutex_unlock(life->engine->mutex);
    return error;
}

static sgn_error_t *take_worker(life_t *life, int control)
{
    sgn_wire_message_t *offer = NULL;
    int waits;
    sgn_error_t *error = take_waiting(&offer, &waits, life, control);

    life->owes = !waits;
    if (waits)
        error = expect(&offer, life, control);
    if (error)
        return SGN_WRAP(life->pool, error, SGN_WIRE, "no worker");
    if (!offer || offer->nfds != 5)
        return SGN_ERROR(life->pool, SGN_WIRE, "the zygote died");
    life->call = offer->fds[0];
    life->life = offer->fds[1];
    life->pidfd = offer->fds[2];
    life->answer = offer->fds[3];
    life->result = offer->fds[4];
    return NULL;
}

static void drop_worker(life_t *life)
{
    sgn_pool_close_fd(life->pool, life->call);
    sgn_pool_close_fd(life->pool, life->life);
    sgn_pool_close_fd(life->pool, life->pidfd);
    sgn_pool_close_fd(life->pool, life->answer);
    sgn_pool_close_fd(life->pool, life->result);
    life->call = life->life = life->pidfd = life->answer = life->result = -1;
}

/* Task, limits and descriptor in one message: the worker wakes once. */
static json_t *request_json(const life_t *life)
{
    const sgn_attempt_t *attempt = life->attempt;
    size_t file = attempt->result_limit > ANSWER_LIMIT ? attempt->result_limit : ANSWER_LIMIT;
    json_t *json = message_json(life->pool);

    sgn_json_set_str(json, "task", attempt->task);
    sgn_json_set(json, "args", attempt->args);
    sgn_json_set_int(json, "size", attempt->document ? attempt->document->size : 0);
    sgn_json_set_int(json, "data", (apr_int64_t)attempt->limits->data);
    sgn_json_set_int(json, "file", (apr_int64_t)file);
    sgn_json_set_int(json, "cpu", attempt->limits->deadline_ms / 1000 + 1);
    sgn_json_set_bool(json, "result", attempt->result_limit > 0);
    return json;
}

/* The request to a worker that is alive. */
static sgn_error_t *employ(life_t *life, int control)
{
    sgn_wire_message_t request = { .json = request_json(life) };
    sgn_error_t *error = NULL;

    if (life->attempt->document)
        request.fds[request.nfds++] = life->attempt->document->fd;
    for (int i = 0; i < STILLBORN; i++) {
        SGN_TRY(take_worker(life, control));
        error = sgn_wire_send(life->call, &request, 0, life->pool);
        if (!error)
            return NULL;
        drop_worker(life);
        repay(life, control);
    }
    return error;
}

/* ---- its answer and its end ----------------------------------------------- */

/* The zygote's word of the end.  *gone: it died itself. */
static sgn_error_t *hear_zygote(life_t *life, int *gone)
{
    sgn_wire_message_t *message;
    apr_int64_t status;

    SGN_TRY(sgn_wire_receive(&message, life->life, 0, life->pool));
    if (!message) {
        *gone = 1;
        return NULL;
    }
    SGN_TRY(sgn_json_get_int(&status, message->json, "status", life->pool));
    SGN_TRY(sgn_json_find_int(&life->attempt->rss_kb, message->json, "rssKb", 0, life->pool));
    SGN_TRY(sgn_json_find_int(&life->attempt->cpu_us, message->json, "cpuUs", 0, life->pool));
    life->attempt->status = (int)status;
    life->attempt->ended = 1;
    return NULL;
}

/* The one message of the worker.  No room for descriptors is offered, so the
 * kernel drops what it tries to pass.  *over: nothing more will come. */
static sgn_error_t *hear_worker(life_t *life, int *over)
{
    char *buffer = apr_palloc(life->pool, SGN_WIRE_INLINE);
    struct iovec vec = { .iov_base = buffer, .iov_len = SGN_WIRE_INLINE };
    struct msghdr msg = { .msg_iov = &vec, .msg_iovlen = 1 };
    ssize_t n = recvmsg(life->call, &msg, MSG_DONTWAIT);

    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return NULL;
    *over = 1;
    if (n <= 0)
        return NULL;
    if (msg.msg_flags & (MSG_TRUNC | MSG_CTRUNC))
        return SGN_ERROR(life->pool, SGN_WORKER_CRASHED, "the worker sent what it may not");
    return sgn_json_parse(&life->attempt->answer, sgn_bytes(buffer, (size_t)n), SGN_WIRE_INLINE, life->pool);
}

static int left_ms(apr_time_t until)
{
    apr_interval_time_t rest = until - sgn_clock_monotonic();

    return rest <= 0 ? 0 : (int)(rest / 1000) + 1;
}

/* Until the worker answered, ended, or the time is over. */
static sgn_error_t *attend(life_t *life, apr_time_t until)
{
    int over = 0, gone = 0;

    while (!over && !gone && !life->attempt->ended) {
        struct pollfd fds[2] = { { .fd = life->call, .events = POLLIN },
                                 { .fd = life->life, .events = POLLIN } };
        int rc = poll(fds, 2, left_ms(until));

        if (rc == 0) {
            life->attempt->late = 1;
            return NULL;
        }
        if (rc < 0)
            continue;
        if (fds[0].revents)
            SGN_TRY(hear_worker(life, &over));
        if (fds[1].revents)
            SGN_TRY(hear_zygote(life, &gone));
    }
    return NULL;
}

/* After the seals nobody writes, the worker neither: what it answered can be
 * read while it dies.  Refused while it maps the memory writable. */
static int freeze(int fd)
{
    return fd < 0 || fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW) == 0;
}

/* A worker that answered and then spins would burn its whole limit.  A zygote
 * that died before it told the end took its workers with it; tasks are pure, so
 * the caller may start another. */
static sgn_error_t *bury(life_t *life)
{
    apr_time_t until = sgn_clock_monotonic() + BURIAL;
    int gone = 0;

    for (int killed = 0; !life->attempt->ended && !gone;) {
        struct pollfd fd = { .fd = life->life, .events = POLLIN };

        if (life->pidfd >= 0 && !killed) {
            syscall(SYS_pidfd_send_signal, life->pidfd, SIGKILL, NULL, 0);
            killed = 1;
            if (life->attempt->answer && freeze(life->answer) && freeze(life->result)) {
                life->attempt->ended = 1;       /* it will: nothing outlives SIGKILL */
                return NULL;
            }
        }
        if (poll(&fd, 1, left_ms(until)) == 0)
            return NULL;
        SGN_TRY(hear_zygote(life, &gone));
    }
    return gone ? SGN_ERROR(life->pool, SGN_WIRE, "the zygote died") : NULL;
}

static sgn_error_t *read_memory(sgn_bytes_t *out, int fd, size_t len, apr_pool_t *pool)
{
    unsigned char *data = apr_palloc(pool, len + 1);

    SGN_TRY(sgn_file_pread_all(fd, data, len, 0, pool));
    data[len] = 0;
    *out = sgn_bytes(data, len);
    return NULL;
}

/* Only now, when the worker is dead or the memfds are sealed, nobody writes
 * them any more. */
static sgn_error_t *collect(life_t *life)
{
    sgn_attempt_t *attempt = life->attempt;
    apr_int64_t length;
    sgn_bytes_t text;
    off_t size;

    if (!attempt->ended || !attempt->answer)
        return NULL;
    SGN_TRY(sgn_json_find_int(&length, attempt->answer, "long", 0, life->pool));
    if (length) {
        if (length < 0 || length > (apr_int64_t)ANSWER_LIMIT)
            return SGN_ERROR(life->pool, SGN_WORKER_CRASHED, "an answer of %" APR_INT64_T_FMT " bytes", length);
        SGN_TRY(read_memory(&text, life->answer, (size_t)length, life->pool));
        SGN_TRY(sgn_json_parse(&attempt->answer, text, ANSWER_LIMIT, life->pool));
    }
    if (!attempt->result_limit)
        return NULL;
    size = lseek(life->result, 0, SEEK_END);
    if (size < 0 || (apr_uint64_t)size > attempt->result_limit)
        return SGN_ERROR(life->pool, SGN_WORKER_MEMORY, "a result over %" APR_SIZE_T_FMT " bytes", attempt->result_limit);
    return read_memory(&attempt->result, life->result, (size_t)size, life->pool);
}

static sgn_error_t *live(life_t *life, int control)
{
    sgn_error_t *error, *end;

    SGN_TRY(employ(life, control));
    error = attend(life, sgn_clock_monotonic() + (apr_time_t)life->attempt->limits->deadline_ms * 1000);
    end = bury(life);
    if (!error)
        error = end ? end : collect(life);
    return error;
}

sgn_error_t *sgn_attempt_run(sgn_attempt_t *attempt, sgn_engine_t *engine, apr_pool_t *pool)
{
    life_t life = { .attempt = attempt, .engine = engine, .call = -1, .life = -1, .answer = -1, .result = -1, .pidfd = -1, .pool = pool };
    int control, born;
    sgn_error_t *error;

    SGN_TRY(control_of(&control, &life));
    error = live(&life, control);
    born = life.pidfd >= 0;
    /* only now: its successor's fork would be in the way of the task */
    repay(&life, control);
    /* descriptors end with the task, not with a pool that may serve many */
    drop_worker(&life);
    sgn_pool_close_fd(pool, control);
    /* What the worker said wrongly is its crash, not a reason to start another. */
    if (error && born && error->code != SGN_WIRE) {
        attempt->answer = NULL;
        return NULL;
    }
    return error;
}

static const char *signal_name(int sig)
{
    const char *name = sigabbrev_np(sig);

    return name ? name : "?";
}

/* Libraries answer a refused allocation by abort or by using NULL. */
static int ran_out(const sgn_attempt_t *attempt)
{
    int sig = WIFSIGNALED(attempt->status) ? WTERMSIG(attempt->status) : 0;

    if (WIFEXITED(attempt->status) && WEXITSTATUS(attempt->status) == EXIT_MEMORY)
        return 1;
    if (sig == SIGXFSZ)
        return 1;
    return (sig == SIGABRT || sig == SIGSEGV || sig == SIGBUS)
        && (apr_uint64_t)attempt->rss_kb * 1024 > attempt->limits->data / 2;
}

static sgn_error_t *judge_end(const sgn_attempt_t *attempt, apr_pool_t *pool)
{
    int sig = WIFSIGNALED(attempt->status) ? WTERMSIG(attempt->status) : 0;

    if (attempt->late || sig == SIGXCPU)
        return SGN_ERROR(pool, SGN_WORKER_DEADLINE, "task %s: no answer in %d ms (memory %d KB)", attempt->task,
                         attempt->limits->deadline_ms, (int)attempt->rss_kb);
    if (!attempt->ended)
        return SGN_ERROR(pool, SGN_WORKER_CRASHED, "task %s: its end was not reported", attempt->task);
    if (ran_out(attempt))
        return SGN_ERROR(pool, SGN_WORKER_MEMORY, "task %s: memory %d KB", attempt->task, (int)attempt->rss_kb);
    if (sig)
        return SGN_ERROR(pool, SGN_WORKER_CRASHED, "task %s: signal %d (%s), memory %d KB", attempt->task, sig,
                         signal_name(sig), (int)attempt->rss_kb);
    return SGN_ERROR(pool, SGN_WORKER_CRASHED, "task %s: ended with %d and no answer", attempt->task,
                     WEXITSTATUS(attempt->status));
}

sgn_error_t *sgn_attempt_judge(json_t **answer, const sgn_attempt_t *attempt, apr_pool_t *pool)
{
    const sgn_code_row_t *row;
    const char *code, *detail;

    if (!attempt->answer || !attempt->ended)
        return judge_end(attempt, pool);
    SGN_TRY(sgn_json_find_str(&code, attempt->answer, "code", NULL, pool));
    if (!code)
        return sgn_json_get_object(answer, attempt->answer, "answer", pool);
    SGN_TRY(sgn_json_find_str(&detail, attempt->answer, "detail", "", pool));
    row = sgn_error_find(code);
    if (!row)
        return SGN_ERROR(pool, SGN_WORKER_CRASHED, "task %s: unknown code %s", attempt->task, code);
    return SGN_ERROR(pool, row->code, "%s", detail);
}
