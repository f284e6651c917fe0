/* test_keeper.c: a real signvnd: start, peers, operations, busy, deaths. */
#include "tap.h"

#include <dirent.h>

#include <apr_thread_proc.h>

#include "base/clock.h"
#include "keeper_rig.h"

static apr_pool_t *pool;
static rig_t rig;

static json_t *with(const char *key, const char *value)
{
    json_t *json = sgn_json_object(pool);

    sgn_json_set_str(json, key, value);
    return json;
}

static json_t *probe(const char *task, const char *how)
{
    json_t *body = with("task", task);

    sgn_json_set_str(body, "how", how);
    return rig_call(&rig, "probe", NULL, NULL, body);
}

static void works(const char *after)
{
    json_t *answer = probe("ping", NULL);

    if (!ok(rig_status(answer) == 200, apr_psprintf(pool, "keeper: an honest task works after %s", after)))
        printf("# %s\n", answer ? sgn_json_print(answer, pool) : "no answer");
}

static void starting(void)
{
    apr_time_t began = sgn_clock_monotonic();
    rig_t other;

    rig_start(&rig);
    ok(rig.said[0] == 'R', "keeper: it says when it is ready");
    printf("# start: %d ms\n", (int)((sgn_clock_monotonic() - began) / 1000));
    is_int(rig_status(rig_call(&rig, "health.get", NULL, NULL, NULL)), 200, "keeper: health needs no user");
    is_int(rig_status(rig_call(&rig, "info.get", NULL, NULL, NULL)), 200, "keeper: info needs no user");
    works("the start");
    other = rig;
    rig_start(&other);
    ok(other.said[0] == 'E' && strstr(other.said, "in use"), "keeper: a second one on the same state directory is refused by name");
    ok(other.pid == 0, "keeper: and has ended");
}

static void requests(void)
{
    json_t *request;
    int pipes[2], empty = memfd_create("empty", MFD_CLOEXEC), some = memfd_create("some", MFD_CLOEXEC);

    is(rig_code(rig_call(&rig, "jobs.destroy", "a", NULL, NULL)), "operation.unknown", "keeper: an operation that is not on the list");
    request = rig_request(&rig, "health.get", NULL, NULL, NULL);
    sgn_json_set_str(request, "build", "0.0.1");
    is(rig_code(rig_send(&rig, request, NULL, 0)), "wire.version", "B36 keeper: another build is told so");
    request = rig_request(&rig, "health.get", NULL, NULL, NULL);
    sgn_json_set_str(request, "surprise", "1");
    is(rig_code(rig_send(&rig, request, NULL, 0)), "wire.malformed", "keeper: an unknown member is refused");
    request = rig_request(&rig, "health.get", NULL, NULL, NULL);
    sgn_json_set_int(request, "v", 2);
    is(rig_code(rig_send(&rig, request, NULL, 0)), "wire.version", "keeper: another version of the wire is refused");
    is(rig_code(rig_call(&rig, "validations.create", NULL, NULL, NULL)), "auth.required", "keeper: validations need a user");
    is(rig_code(rig_call(&rig, "validations.create", "a", NULL, NULL)), "document.empty", "keeper: and a document");
    is(rig_code(rig_call(&rig, "probe", "a", NULL, with("task", "ping"))), "access.denied", "keeper: what is the command line's is no user's");
    is(rig_code(rig_call(&rig, "agent.poll", NULL, NULL, NULL)), "agent.proof", "keeper: a desk without proof");
    if (pipe(pipes) != 0)
        ok(0, "setup");
    is(rig_code(rig_send(&rig, rig_request(&rig, "validations.create", "a", NULL, NULL), pipes, 1)), "file.unsafe",
       "keeper: a pipe is no document");
    is(rig_code(rig_send(&rig, rig_request(&rig, "validations.create", "a", NULL, NULL), &empty, 1)), "document.empty",
       "keeper: a document without bytes");
    if (ftruncate(some, (off_t)2 << 30) != 0)
        ok(0, "setup");
    is(rig_code(rig_send(&rig, rig_request(&rig, "validations.create", "a", NULL, NULL), &some, 1)), "request.too-large",
       "B32 keeper: a document over the limit is refused before it is copied");
    works("bad requests");
}

static void attacks(void)
{
    is(rig_code(probe("crash", "null")), "worker.crashed", "keeper: a crash is an answer");
    works("a crash");
    is(rig_code(probe("spin", "loop")), "worker.deadline", "keeper: a loop is an answer");
    works("a loop");
#if !defined(__SANITIZE_ADDRESS__)      /* a sanitized worker has no walls */
    is(rig_code(probe("bloat", "pool")), "worker.memory", "keeper: a glutton is an answer");
    works("a glutton");
#endif
}

/* ---- peers ---------------------------------------------------------------- */

static void strangers(void)
{
    pid_t child;
    int status = -1, silent;
    apr_time_t began;
    sgn_wire_message_t *message = (void *)&rig;

    if (getuid() != 0) {
        ok(1, "keeper: a peer of another uid is refused # SKIP needs root");
    } else {
        rig_open_to_all(&rig);
        fflush(stdout);
        child = fork();
        if (child == 0) {
            if (setgid(65534) != 0 || setuid(65534) != 0 || access(rig.path, W_OK) != 0)
                _exit(2);
            _exit(rig_call(&rig, "health.get", NULL, NULL, NULL) == NULL ? 0 : 1);
        }
        waitpid(child, &status, 0);
        ok(WIFEXITED(status) && WEXITSTATUS(status) == 0, "keeper: a peer of another uid gets no answer, whatever the file's mode");
    }
    is_code(sgn_wire_connect(&silent, rig.path, apr_time_from_sec(1), pool), SGN_OK, "keeper: a peer that says nothing ...");
    began = sgn_clock_monotonic();
    is_code(sgn_wire_receive(&message, silent, apr_time_from_sec(8), pool), SGN_OK, "  is let go");
    ok(message == NULL && sgn_clock_monotonic() - began < apr_time_from_sec(5), "  after two seconds");
    sgn_pool_close_fd(pool, silent);
}

/* ---- documents of httpd's children ------------------------------------------ */

/* The code of a validation of this memory, as uid 65534. */
static void send_as_child(rig_t *own, int fd, const char *want, const char *name)
{
    int status = -1;
    const char *code;
    pid_t child;

    fflush(stdout);
    child = fork();
    if (child == 0) {
        if (setgid(65534) != 0 || setuid(65534) != 0)
            _exit(2);
        code = rig_code(rig_send(own, rig_request(own, "validations.create", "a", NULL, NULL), &fd, 1));
        if (strcmp(code, want) != 0)
            printf("# %s\n", code);
        fflush(stdout);
        _exit(strcmp(code, want) != 0);
    }
    close(fd);
    waitpid(child, &status, 0);
    ok(WIFEXITED(status) && WEXITSTATUS(status) == 0, name);
}

static int memory(unsigned flags)
{
    return memfd_create("upload", MFD_CLOEXEC | MFD_ALLOW_SEALING | flags);
}

static void from_a_child(rig_t *own, int seals, const char *want, const char *name)
{
    int fd = memory(0);

    if (write(fd, "no PDF", 6) != 6 || (seals && fcntl(fd, F_ADD_SEALS, seals) != 0))
        ok(0, "setup");
    send_as_child(own, fd, want, name);
}

#define SEALS (F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW)

/* Sealed, but not what a child of ours makes. */
static void strange_memory(rig_t *own)
{
    int fd = memory(0);
    void *map;

    if (ftruncate(fd, 3 << 20) != 0 || pwrite(fd, "no PDF", 6, 1 << 20) != 6 || fcntl(fd, F_ADD_SEALS, SEALS) != 0)
        ok(0, "setup");
    send_as_child(own, fd, "none", "B9 keeper: sealed memory with holes is copied, not mapped");

    fd = memory(0);
    map = ftruncate(fd, 8192) == 0 ? mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) : MAP_FAILED;
    ok(map != MAP_FAILED && fcntl(fd, F_ADD_SEALS, SEALS) != 0, "B9 keeper: memory that is mapped writable takes no seal ...");
    send_as_child(own, fd, "file.unsafe", "B9 keeper: ... and is not read");
    munmap(map, 8192);
    from_a_child(own, F_SEAL_FUTURE_WRITE | F_SEAL_SHRINK | F_SEAL_GROW, "file.unsafe",
                 "B9 keeper: nor what only later mappings could not write");

    fd = memory(MFD_HUGETLB);
    if (fd < 0 || ftruncate(fd, 2 << 20) != 0 || fcntl(fd, F_ADD_SEALS, SEALS) != 0) {
        ok(1, "B9 keeper: huge pages # SKIP this kernel has none");
        close(fd);
        return;
    }
    send_as_child(own, fd, "none", "B9 keeper: huge pages that may not be there are copied, not mapped");
}

static void children(void)
{
    rig_t own;

    if (getuid() != 0) {
        ok(1, "keeper: memory of a child # SKIP needs root");
        return;
    }
    rig_make(&own, pool);
    sgn_json_set_int(own.config, "httpd_uid", 65534);
    rig_open_to_all(&own);
    rig_start(&own);
    from_a_child(&own, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW, "none", "keeper: sealed memory of a child is read and reported on");
    from_a_child(&own, 0, "file.unsafe", "B9 keeper: memory that a child can still write is not");
    from_a_child(&own, F_SEAL_WRITE, "file.unsafe", "B9 keeper: nor what it can still cut");
    strange_memory(&own);
    rig_end(&own);
}

/* ---- busy ----------------------------------------------------------------- */

typedef struct {
    rig_t rig;
    int status;
    const char *code;
} caller_t;

static void *APR_THREAD_FUNC flood(apr_thread_t *thread, void *baton)
{
    caller_t *caller = baton;
    json_t *body, *answer;

    (void)thread;
    apr_pool_create(&caller->rig.pool, NULL);
    body = sgn_json_object(caller->rig.pool);
    sgn_json_set_str(body, "task", "spin");
    sgn_json_set_str(body, "how", "hang");
    answer = rig_call(&caller->rig, "probe", NULL, NULL, body);
    caller->status = rig_status(answer);
    caller->code = apr_pstrdup(caller->rig.pool, rig_code(answer));
    return NULL;
}

static void busy(void)
{
    apr_thread_t *threads[40];
    caller_t callers[40];
    apr_status_t rc;
    int refused = 0, late = 0;
    apr_time_t began, took;

    for (int i = 0; i < 40; i++) {
        callers[i].rig = rig;
        apr_thread_create(&threads[i], NULL, flood, &callers[i], pool);
    }
    apr_sleep(200000);
    began = sgn_clock_monotonic();
    is_int(rig_status(rig_call(&rig, "health.get", NULL, NULL, NULL)), 200, "A16 keeper: health answers in the middle of a flood");
    took = sgn_clock_monotonic() - began;
    ok(took < 500000, "A16 keeper: and at once");
    for (int i = 0; i < 40; i++) {
        apr_thread_join(&rc, threads[i]);
        refused += callers[i].status == 503 && strcmp(callers[i].code, "busy") == 0;
        late += strcmp(callers[i].code, "worker.deadline") == 0;
        apr_pool_destroy(callers[i].rig.pool);
    }
    printf("# %d ran, %d were refused, health took %d ms\n", late, refused, (int)(took / 1000));
    ok(late >= 2 && late <= 8, "A16 keeper: two run and two wait per round");
    is_int(refused + late, 40, "A16 keeper: everybody else is told busy");
    works("a flood");
}

/* Three who ask again as soon as they have their answer are within the room. */
static void *APR_THREAD_FUNC insist(apr_thread_t *thread, void *baton)
{
    caller_t *caller = baton;

    (void)thread;
    caller->status = 0;
    for (int i = 0; i < 60; i++) {
        json_t *body;

        apr_pool_create(&caller->rig.pool, NULL);
        body = sgn_json_object(caller->rig.pool);
        sgn_json_set_str(body, "task", "ping");
        caller->status += rig_status(rig_call(&caller->rig, "probe", NULL, NULL, body)) != 200;
        apr_pool_destroy(caller->rig.pool);
    }
    return NULL;
}

static void steady(void)
{
    apr_thread_t *threads[4];
    caller_t callers[4];
    apr_status_t rc;
    int refused = 0;

    for (int i = 0; i < 4; i++) {
        callers[i].rig = rig;
        apr_thread_create(&threads[i], NULL, insist, &callers[i], pool);
    }
    for (int i = 0; i < 4; i++) {
        apr_thread_join(&rc, threads[i]);
        refused += callers[i].status;
    }
    is_int(refused, 0, "keeper: as many clients as there is room for are never refused");
}

/* ---- deaths --------------------------------------------------------------- */

static pid_t zygote_of(pid_t keeper)
{
    char path[64], text[256];
    DIR *proc = opendir("/proc");
    struct dirent *entry;
    pid_t found = 0;

    while (proc && (entry = readdir(proc)) != NULL) {
        FILE *file;
        int parent = 0;

        snprintf(path, sizeof path, "/proc/%.20s/stat", entry->d_name);
        file = fopen(path, "re");
        if (!file)
            continue;
        if (fgets(text, sizeof text, file) && strstr(text, "(signvn-worker)")
            && sscanf(strrchr(text, ')'), ") %*c %d", &parent) == 1 && parent == (int)keeper)
            found = (pid_t)atoi(entry->d_name);
        fclose(file);
    }
    if (proc)
        closedir(proc);
    return found;
}

static void deaths(void)
{
    pid_t zygote = zygote_of(rig.pid), old = rig.pid;
    json_t *answer;
    apr_time_t began;

    ok(zygote > 0, "keeper: the zygote is its child");
    kill(zygote, SIGKILL);
    works("the zygote was killed");
    /* a worker that was waiting may have answered before its successor is born */
    began = sgn_clock_monotonic();
    while ((zygote_of(rig.pid) <= 0 || zygote_of(rig.pid) == zygote) && sgn_clock_monotonic() - began < apr_time_from_sec(5))
        apr_sleep(20000);
    ok(zygote_of(rig.pid) > 0 && zygote_of(rig.pid) != zygote, "keeper: the zygote is another");

    rig_stop(&rig, SIGKILL);
    apr_sleep(100000);
    ok(kill(zygote, 0) != 0, "keeper: nothing of a killed keeper stays");
    fflush(stdout);
    if (fork() == 0) {      /* asked while nobody serves */
        rig_t asker = rig;

        answer = rig_call(&asker, "health.get", NULL, NULL, NULL);
        _exit(rig_status(answer) == 200 ? 0 : 1);
    }
    apr_sleep(200000);
    began = sgn_clock_monotonic();
    rig_start(&rig);
    ok(rig.pid > 0 && rig.pid != old, "keeper: it starts again on what the dead one left");
    printf("# restart: %d ms\n", (int)((sgn_clock_monotonic() - began) / 1000));
    {
        int status = -1;

        waitpid(-1, &status, 0);
        ok(WIFEXITED(status) && WEXITSTATUS(status) == 0, "keeper: who asked while it was dead is answered by the next");
    }
    works("a restart");
}

/* ---- configuration and end -------------------------------------------------- */

static void configuration(void)
{
    json_t *config = sgn_json_own(json_deep_copy(rig.config), pool), *server = json_object_get(config, "server"), *answer;

    sgn_json_set_int(config, "generation", 7);
    sgn_json_set_int(server, "SignVNWorkers", 3);
    answer = rig_call(&rig, "config", NULL, NULL, config);
    is_int(rig_status(answer), 200, "keeper: a new configuration is taken");
    answer = rig_call(&rig, "info.get", NULL, NULL, NULL);
    is_int(json_integer_value(json_object_get(json_object_get(answer, "body"), "generation")), 7, "keeper: and its generation shown");
    sgn_json_set_str(server, "SignVNTrustAnchors", "/nowhere.pem");
    is(rig_code(rig_call(&rig, "config", NULL, NULL, config)), "config.invalid", "keeper: a bad one is refused");
    sgn_json_set(server, "SignVNTrustAnchors", json_null());
    sgn_json_set_str(server, "SignVNStateDir", "/elsewhere");
    is(rig_code(rig_call(&rig, "config", NULL, NULL, config)), "config.invalid", "keeper: another state directory needs a restart");
    is(rig_code(rig_call(&rig, "config", "somebody", NULL, config)), "access.denied", "keeper: a user sends no configuration");
    answer = rig_call(&rig, "info.get", NULL, NULL, NULL);
    is_int(json_integer_value(json_object_get(json_object_get(answer, "body"), "generation")), 7, "keeper: the running one stays");
    works("all that");
}

static void ending(void)
{
    int status = -1;

    is_int(rig_status(rig_call(&rig, "shutdown", NULL, NULL, NULL)), 200, "keeper: it ends when asked");
    waitpid(rig.pid, &status, 0);
    ok(WIFEXITED(status) && WEXITSTATUS(status) == 0, "keeper: in order");
    rig.pid = 0;
    rig_start(&rig);
    ok(rig.pid > 0, "keeper: and can be started again");
    status = rig_stop(&rig, SIGTERM);
    ok(WIFEXITED(status) && WEXITSTATUS(status) == 0, "keeper: SIGTERM ends it in order");
}

/* What the module asks in its first pass: nothing is created, nothing changed. */
static int check(const char *state, const char *more)
{
    const char *path = apr_pstrcat(pool, rig.dir, "/check.conf", NULL);
    const char *program = apr_pstrcat(pool, rig.programs, "/signvnd", NULL);
    FILE *file = fopen(path, "w");
    int status = -1;
    pid_t child;

    fprintf(file, "SignVNPractice On\nSignVNStateDir %s\nSignVNRunDir %s\nSignVNProgramDir %s\n%s", state, rig.dir, rig.programs, more);
    fclose(file);
    fflush(stdout);
    child = fork();
    if (child == 0) {
        dup2(open("/dev/null", O_WRONLY), 2);
        execl(program, "signvnd", "--check", "--config", path, (char *)NULL);
        _exit(127);
    }
    waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void checking(void)
{
    const char *state = apr_pstrcat(pool, rig.dir, "/state", NULL), *open_to_all = apr_pstrcat(pool, rig.dir, "/open", NULL);
    struct stat before, after;

    stat(state, &before);
    is_int(check(state, ""), 0, "keeper: --check of a good configuration is silent");
    stat(state, &after);
    ok(before.st_mtime == after.st_mtime && before.st_nlink == after.st_nlink, "keeper: and makes nothing");
    is_int(check(apr_pstrcat(pool, rig.dir, "/nowhere", NULL), ""), 1, "keeper: --check names a state directory that is not there");
    mkdir(open_to_all, 0700);
    chmod(open_to_all, 0777);
    is_int(check(open_to_all, ""), 1, "keeper: --check names a state directory that others can write");
    is_int(check(state, "SignVNWorkers many\n"), 1, "keeper: --check names a directive that cannot be read");
    is_int(check(state, "SignVNProgramDir /nowhere\n"), 1, "keeper: --check names programs that are not there");
    is_int(check(apr_pstrcat(pool, rig.dir, "/check.conf", NULL), ""), 1, "keeper: --check names a state directory that is a file");
}

int main(void)
{
    pool = tap_pool();
    rig_make(&rig, pool);
    checking();
    starting();
    if (rig.pid > 0) {
        requests();
        attacks();
        strangers();
        children();
        busy();
        steady();
        deaths();
        configuration();
        ending();
    }
    rig_end(&rig);
    return done_testing();
}
