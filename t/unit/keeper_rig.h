/*
 * keeper_rig.h: a real signvnd on a scratch directory, started as httpd's
 * parent starts it: listener as descriptor 3, sealed configuration as 4, ready
 * pipe as 5.  The rig keeps the listener, so a killed keeper refuses nobody.
 */
#ifndef SGN_T_KEEPER_RIG_H
#define SGN_T_KEEPER_RIG_H

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <apr_strings.h>

#include "base/file.h"
#include "base/pool.h"
#include "t/unit/scratch.h"
#include "wire/wire.h"

typedef struct {
    const char *dir, *programs, *path, *said;   /* said: the line of the ready pipe */
    json_t *config;
    int listener;
    pid_t pid;
    apr_pool_t *pool;
} rig_t;

static inline void rig_make(rig_t *rig, apr_pool_t *pool)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    json_t *server = sgn_json_object(pool);

    memset(rig, 0, sizeof *rig);
    rig->pool = pool;
    rig->dir = scratch_dir();
    rig->programs = getenv("SGN_PROGRAMS");
    if (!rig->programs)
        rig->programs = getenv("SGN_BUILDDIR");
    if (!rig->programs) {       /* the keeper changes to /, so "." will not do */
        char *here = getcwd(NULL, 0);

        rig->programs = apr_pstrdup(pool, here);
        free(here);
    }
    rig->path = apr_pstrcat(pool, rig->dir, "/keeper.sock", NULL);
    mkdir(apr_pstrcat(pool, rig->dir, "/state", NULL), 0700);
    rig->config = sgn_json_object(pool);
    sgn_json_set_int(rig->config, "v", 1);
    sgn_json_set_str(rig->config, "build", SGN_BUILD);
    sgn_json_set_int(rig->config, "generation", 1);
    sgn_json_set_int(rig->config, "httpd_uid", (apr_int64_t)getuid());
    sgn_json_set(rig->config, "server", server);
    sgn_json_set(rig->config, "agencies", sgn_json_array(pool));
    sgn_json_set_bool(server, "SignVNPractice", 1);
    sgn_json_set_str(server, "SignVNStateDir", apr_pstrcat(pool, rig->dir, "/state", NULL));
    sgn_json_set_str(server, "SignVNRunDir", rig->dir);
    sgn_json_set_str(server, "SignVNProgramDir", rig->programs);
    rig->listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    strncpy(address.sun_path, rig->path, sizeof address.sun_path - 1);
    if (bind(rig->listener, (void *)&address, sizeof address) != 0 || listen(rig->listener, 128) != 0)
        printf("# the rig has no listener\n");
}

/* Every uid may come as far as the socket (scripts/test leaves its TMPDIR open). */
static inline void rig_open_to_all(const rig_t *rig)
{
    chmod(rig->path, 0666);
    chmod(rig->dir, 0755);
    chmod(apr_pstrndup(rig->pool, rig->dir, (apr_size_t)(strrchr(rig->dir, '/') - rig->dir)), 0755);
}

/* Starts a keeper and waits for its word. */
static inline void rig_start(rig_t *rig)
{
    int ready[2], config = -1, rc = 0;
    char line[1024] = "";
    const char *program = apr_pstrcat(rig->pool, rig->programs, "/signvnd", NULL);

    if (pipe(ready) != 0 || sgn_file_memfd(&config, "config", sgn_bytes_str(sgn_json_print(rig->config, rig->pool)), rig->pool))
        printf("# the rig has no pipe\n");
    fflush(stdout);
    rig->pid = fork();
    if (rig->pid == 0) {
        int a = fcntl(rig->listener, F_DUPFD, 20), b = fcntl(config, F_DUPFD, 20), c = fcntl(ready[1], F_DUPFD, 20);

        dup2(a, 3);
        dup2(b, 4);
        dup2(c, 5);
        for (int fd = 6; fd < 256; fd++)
            close(fd);
        execl(program, "signvnd", (char *)NULL);
        _exit(127);
    }
    close(ready[1]);
    sgn_pool_close_fd(rig->pool, config);
    for (size_t n = 0; n < sizeof line - 1; n += (size_t)rc) {
        rc = (int)read(ready[0], line + n, sizeof line - 1 - n);
        if (rc <= 0)
            break;
    }
    close(ready[0]);
    rig->said = apr_pstrdup(rig->pool, line);
    if (line[0] != 'R') {
        printf("# signvnd: %s\n", line);
        waitpid(rig->pid, NULL, 0);
        rig->pid = 0;
    }
}

static inline int rig_stop(rig_t *rig, int sig)
{
    int status = -1;

    if (rig->pid > 0) {
        kill(rig->pid, sig);
        waitpid(rig->pid, &status, 0);
    }
    rig->pid = 0;
    return status;
}

static inline json_t *rig_request(rig_t *rig, const char *op, const char *user, json_t *args, json_t *body)
{
    json_t *json = sgn_json_object(rig->pool);

    sgn_json_set_int(json, "v", 1);
    sgn_json_set_str(json, "build", SGN_BUILD);
    sgn_json_set_str(json, "op", op);
    sgn_json_set_str(json, "user", user);
    if (args)
        sgn_json_set(json, "args", args);
    if (body)
        sgn_json_set(json, "body", body);
    return json;
}

/* The whole answer; NULL when the keeper closed or did not answer in 15 s. */
static inline json_t *rig_send(rig_t *rig, json_t *request, const int *fds, int nfds)
{
    sgn_wire_message_t message = { .json = request, .nfds = nfds }, *answer = NULL;
    int socket;

    for (int i = 0; i < nfds; i++)
        message.fds[i] = fds[i];
    if (sgn_wire_connect(&socket, rig->path, apr_time_from_sec(5), rig->pool)
        || sgn_wire_send(socket, &message, apr_time_from_sec(1), rig->pool)
        || sgn_wire_receive(&answer, socket, apr_time_from_sec(15), rig->pool))
        return NULL;
    sgn_pool_close_fd(rig->pool, socket);
    return answer ? answer->json : NULL;
}

static inline json_t *rig_call(rig_t *rig, const char *op, const char *user, json_t *args, json_t *body)
{
    return rig_send(rig, rig_request(rig, op, user, args, body), NULL, 0);
}

static inline int rig_status(const json_t *answer)
{
    return answer ? (int)json_integer_value(json_object_get(answer, "status")) : -1;
}

static inline const char *rig_code(const json_t *answer)
{
    const char *code = answer ? json_string_value(json_object_get(answer, "code")) : "no answer";

    return code ? code : "none";
}

static inline void rig_end(rig_t *rig)
{
    rig_stop(rig, SIGKILL);
}

#endif
