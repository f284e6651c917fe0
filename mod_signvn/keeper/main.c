/*
 * main.c of signvnd, the keeper.
 *
 * Started by httpd's parent: descriptor 3 is the listening socket, 4 a sealed
 * memfd with the configuration (JSON, wire/config.h), 5 the ready pipe ("R
 * <pid>" or "E <text>"), 0-2 /dev/null, uid already the keeper's.
 * By hand: signvnd --config FILE (a file of directives) makes its own socket
 * SignVNRunDir/keeper.sock and stays in the foreground.
 * signvnd --check [--config FILE]: says what is wrong (on the ready pipe, with
 * --config on stderr) and changes nothing; all well: exit 0 and no word.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <apr_general.h>
#include <apr_strings.h>

#include "base/file.h"
#include "base/log.h"
#include "base/pool.h"
#include "keeper/dispatch.h"
#include "keeper/queues.h"
#include "keeper/rooms.h"
#include "keeper/serve.h"
#include "keeper/startup.h"
#include "keeper/timers.h"

#define LISTENER 3
#define CONFIG 4
#define READY 5
#define CONFIG_LIMIT ((size_t)16 << 20)
#ifndef F_GET_SEALS
#define F_GET_SEALS 1034
#define F_SEAL_WRITE 0x0008
#endif

typedef struct {
    int check;
    const char *config;     /* file of directives; NULL: descriptor 4 */
} options_t;

static int usage(FILE *out)
{
    fputs(
#include "keeper/help.def"
          , out);
    return out == stdout ? 0 : 64;
}

static int read_options(options_t *options, int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--check") == 0)
            options->check = 1;
        else if (strcmp(argv[i], "--config") == 0 && i + 1 < argc)
            options->config = argv[++i];
        else
            return 0;
    }
    return 1;
}

/* The parent seals what it hands over, so that nobody changes it while it is read. */
static sgn_error_t *read_handed(sgn_config_t **out, apr_pool_t *pool)
{
    int seals = fcntl(CONFIG, F_GET_SEALS);
    sgn_bytes_t text;
    json_t *json;

    if (seals < 0 || !(seals & F_SEAL_WRITE))
        return SGN_ERROR(pool, SGN_CONFIG, "descriptor 4 is no sealed configuration; by hand: signvnd --config FILE");
    SGN_TRY(sgn_file_read_fd(&text, CONFIG, CONFIG_LIMIT, pool));
    SGN_TRY(sgn_json_parse(&json, text, CONFIG_LIMIT, pool));
    return sgn_config_decode(out, json, pool);
}

static sgn_error_t *own_listener(int *out, const sgn_config_t *config, apr_pool_t *pool)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    const char *run = sgn_config_text(config, "SignVNRunDir");
    const char *path = apr_pstrcat(pool, run, "/keeper.sock", NULL);
    int fd;

    if (strlen(path) >= sizeof address.sun_path)
        return SGN_ERROR(pool, SGN_CONFIG, "SignVNRunDir: the path of the socket is too long");
    memcpy(address.sun_path, path, strlen(path) + 1);
    if (mkdir(run, 0755) != 0 && errno != EEXIST)
        return SGN_ERROR_ERRNO(pool, SGN_CONFIG, "SignVNRunDir %s", run);
    unlink(path);       /* nobody serves it: the lock of the state directory is ours */
    fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    umask(0177);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof address) != 0 || listen(fd, 128) != 0)
        return SGN_ERROR_ERRNO(pool, SGN_CONFIG, "%s", path);
    umask(077);
    *out = fd;
    return NULL;
}

static void say(const options_t *options, const char *line)
{
    /* No descriptor 5: called by hand. */
    if (options->config || write(READY, line, strlen(line)) < 0) {
        fprintf(stderr, "signvnd: %s\n", line + 2);
        return;
    }
    close(READY);
}

typedef struct {
    sgn_keeper_t *keeper;
    int listener, signals, control;
    pid_t zygote;
} running_t;

static sgn_error_t *start(running_t *run, const options_t *options, apr_pool_t *pool)
{
    sgn_config_t *config;

    SGN_TRY(options->config ? sgn_config_read(&config, options->config, pool) : read_handed(&config, pool));
    if (options->check)
        return sgn_startup_check(config, pool);
    SGN_TRY(sgn_startup_harden(pool));
    SGN_TRY(sgn_serve_signals(&run->signals, pool));
    SGN_TRY(sgn_startup_keeper(&run->keeper, config, pool));
    SGN_TRY(sgn_startup_zygote(&run->control, &run->zygote, run->keeper));
    SGN_TRY(sgn_queues_make(&run->keeper->queues, config, sgn_dispatch_run, pool));
    if (options->config)
        SGN_TRY(own_listener(&run->listener, config, pool));
    else
        run->listener = LISTENER;
    fcntl(run->listener, F_SETFD, FD_CLOEXEC);
    SGN_TRY(sgn_rooms_start(run->keeper, pool));
    return sgn_timers_start(run->keeper, pool);
}

int main(int argc, char **argv)
{
    options_t options = { 0 };
    running_t run = { 0 };
    apr_pool_t *pool;
    sgn_error_t *error;

    if (argc == 2 && strcmp(argv[1], "--version") == 0) {
        puts("signvnd " SGN_VERSION " " SGN_BUILD);
        return 0;
    }
    if (argc == 2 && strcmp(argv[1], "--help") == 0)
        return usage(stdout);
    if (!read_options(&options, argc, argv))
        return usage(stderr);
    apr_initialize();
    apr_pool_create(&pool, NULL);
    error = start(&run, &options, pool);
    if (error) {
        sgn_log_error(SGN_LOG_ERROR, "keeper", error);
        say(&options, apr_psprintf(pool, "E %s", sgn_error_chain(error, pool)));
        return 1;
    }
    if (options.check)
        return 0;
    sgn_log(SGN_LOG_INFO, "keeper", "signvnd " SGN_BUILD " serves, pid %d, zygote %d", (int)getpid(), (int)run.zygote);
    say(&options, apr_psprintf(pool, "R %d", (int)getpid()));
    error = sgn_serve_run(run.keeper, run.listener, run.signals, run.control, run.zygote, pool);
    if (error)
        sgn_log_error(SGN_LOG_ERROR, "keeper", error);
    /* threads may still hold what the pool owns: the kernel cleans up */
    _exit(error ? 1 : 0);
}
