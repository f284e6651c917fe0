/* startup.c: from a configuration to a keeper that can serve. */
#include "keeper/startup.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <apr_strings.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/pool.h"
#include "keeper/rooms.h"
#include "office/engine/spawn.h"
#include "office/evidence/evidence.h"

#define DESCRIPTORS 16384
#define LOCK_WAIT apr_time_from_sec(3)
#define DISK_LEAST ((apr_uint64_t)64 << 20)

static const char *const directories[] = { "db", "jobs", "evidence", "keys", "run", "archive", NULL };

sgn_error_t *sgn_startup_harden(apr_pool_t *pool)
{
    struct rlimit core = { 0, 0 }, files;

    umask(077);
    if (chdir("/") != 0)
        return SGN_ERROR_ERRNO(pool, SGN_INTERNAL, "chdir");
    /* no ptrace and no /proc/<pid>/mem for others of this uid (the workers have it) */
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    setrlimit(RLIMIT_CORE, &core);
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max < DESCRIPTORS ? files.rlim_max : DESCRIPTORS;
        setrlimit(RLIMIT_NOFILE, &files);
    }
    return NULL;
}

/* ---- before anything is opened --------------------------------------------- */

static int is_practice(const sgn_config_t *config)
{
#ifdef SGN_PRACTICE
    return sgn_config_flag(config, "SignVNPractice");
#else
    (void)config;
    return 0;
#endif
}

static sgn_error_t *check_practice(const sgn_config_t *config, apr_pool_t *pool)
{
#ifndef SGN_PRACTICE
    /* [THREATS B33] */
    if (sgn_config_flag(config, "SignVNPractice"))
        return SGN_ERROR(pool, SGN_CONFIG, "%s: SignVNPractice is refused by this build",
                         sgn_config_place(config, NULL, "SignVNPractice"));
#endif
    (void)config;
    (void)pool;
    return NULL;
}

static sgn_error_t *check_programs(const sgn_config_t *config, apr_pool_t *pool)
{
    const char *path = apr_pstrcat(pool, sgn_config_text(config, "SignVNProgramDir"), "/signvn-worker", NULL);

    if (access(path, X_OK) != 0)
        return SGN_ERROR_ERRNO(pool, SGN_CONFIG, "SignVNProgramDir: %s", path);
    return NULL;
}

static uid_t wanted_uid(const sgn_config_t *config)
{
    const char *name = sgn_config_text(config, "SignVNUser");
    struct passwd *user = geteuid() == 0 && name ? getpwnam(name) : NULL;

    return user ? user->pw_uid : geteuid();
}

/* A keeper that was told to end may still be draining: httpd restarted after a
 * kill, or systemd was quick.  1: got it. */
static int await_lock(int fd)
{
    apr_time_t until = sgn_clock_monotonic() + LOCK_WAIT;

    while (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK && errno != EINTR)
            return 0;
        if (sgn_clock_monotonic() >= until)
            return 0;
        apr_sleep(50000);
    }
    return 1;
}

/* The state directory: ours alone, on a disk with room, not in use. */
static sgn_error_t *check_state(const sgn_config_t *config, apr_pool_t *pool)
{
    const char *path = sgn_config_text(config, "SignVNStateDir");
    struct statvfs disk;
    struct stat dir;
    int fd, got;

    if (stat(path, &dir) != 0)
        return SGN_ERROR_ERRNO(pool, SGN_CONFIG, "SignVNStateDir %s", path);
    if (!S_ISDIR(dir.st_mode))
        return SGN_ERROR(pool, SGN_CONFIG, "SignVNStateDir %s is no directory", path);
    if (dir.st_uid != wanted_uid(config) && !is_practice(config))
        return SGN_ERROR(pool, SGN_CONFIG, "SignVNStateDir %s belongs to uid %d, not to %d (%s)", path,
                         (int)dir.st_uid, (int)wanted_uid(config), sgn_config_text(config, "SignVNUser"));
    if (dir.st_mode & 022)
        return SGN_ERROR(pool, SGN_CONFIG, "SignVNStateDir %s can be written by others (chmod 0700)", path);
    if (statvfs(path, &disk) != 0 || (apr_uint64_t)disk.f_bavail * disk.f_frsize < DISK_LEAST)
        return SGN_ERROR(pool, SGN_DISK_FULL, "SignVNStateDir %s has less than %d MB free", path, (int)(DISK_LEAST >> 20));
    fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return SGN_ERROR_ERRNO(pool, SGN_CONFIG, "SignVNStateDir %s", path);
    got = await_lock(fd);
    close(fd);
    if (!got)
        return SGN_ERROR(pool, SGN_CONFIG, "SignVNStateDir %s is in use by another signvnd", path);
    return NULL;
}

sgn_error_t *sgn_startup_check(const sgn_config_t *config, apr_pool_t *pool)
{
    SGN_TRY(check_practice(config, pool));
    SGN_TRY(sgn_config_check(config, pool));
    SGN_TRY(check_programs(config, pool));
    return check_state(config, pool);
}

/* ---- the start ------------------------------------------------------------ */

static sgn_error_t *open_state(sgn_keeper_t *keeper, apr_pool_t *pool)
{
    SGN_TRY(sgn_file_root(&keeper->state, keeper->state_path, pool));
    /* held until the process ends; the descriptor is never given away */
    if (!await_lock(keeper->state))
        return SGN_ERROR(pool, SGN_CONFIG, "SignVNStateDir %s is in use by another signvnd", keeper->state_path);
    for (int i = 0; directories[i]; i++)
        SGN_TRY(sgn_file_mkdir(keeper->state, directories[i], 0700, pool));
    return sgn_log_open(apr_pstrcat(pool, keeper->state_path, "/run/signvnd.log", NULL), SGN_LOG_INFO, pool);
}

static sgn_error_t *open_databases(sgn_keeper_t *keeper, apr_pool_t *pool)
{
    const char *url = sgn_config_text(keeper->config, "SignVNDatabase");
    const char *base = url ? url : apr_pstrcat(pool, "sqlite:", keeper->state_path, "/db", NULL);

    SGN_TRY(sgn_db_open(&keeper->office, apr_pstrcat(pool, base, "/office.sqlite", NULL), 1, pool));
    keeper->catalog_url = apr_pstrcat(pool, base, "/catalog.sqlite", NULL);
    return sgn_db_open(&keeper->catalog, keeper->catalog_url, 0, pool);
}

/* What the command line reads when it is given no configuration. */
static sgn_error_t *save_config(sgn_keeper_t *keeper, apr_pool_t *pool)
{
    const char *text = sgn_json_print_pretty(sgn_config_encode(keeper->config), pool);

    return sgn_file_write(keeper->state, "run/config.json", sgn_bytes_str(text), 0600, pool);
}

static void read_identity(sgn_keeper_t *keeper, apr_pool_t *pool)
{
    json_t *json = sgn_config_encode(keeper->config);
    apr_int64_t uid = (apr_int64_t)geteuid(), generation = 0;

    keeper->uid = geteuid();
    if (sgn_json_find_int(&uid, json, "httpd_uid", (apr_int64_t)keeper->uid, pool))
        uid = (apr_int64_t)keeper->uid;
    if (sgn_json_find_int(&generation, json, "generation", 1, pool))
        generation = 1;
    keeper->httpd_uid = (uid_t)uid;
    keeper->generation = (int)generation;
    keeper->unprivileged = keeper->httpd_uid == keeper->uid;
}

sgn_error_t *sgn_startup_zygote(int *control, pid_t *pid, sgn_keeper_t *keeper)
{
    apr_pool_t *pool;
    sgn_error_t *error;

    apr_pool_create(&pool, NULL);
    error = sgn_spawn_zygote(control, pid, sgn_config_text(keeper->config, "SignVNProgramDir"), pool);
    if (error) {
        error = sgn_error_dup(error, keeper->pool);
        *control = -1;
        *pid = 0;
    } else {
        keeper->zygote_births++;
        if (keeper->engine)
            sgn_engine_zygote(keeper->engine, *control);
    }
    keeper->zygote_up = error == NULL;
    apr_pool_destroy(pool);
    return error;
}

sgn_error_t *sgn_startup_keeper(sgn_keeper_t **out, sgn_config_t *config, apr_pool_t *pool)
{
    sgn_keeper_t *keeper = apr_pcalloc(pool, sizeof *keeper);

    keeper->pool = pool;
    keeper->config = config;
    keeper->started = sgn_clock_now();
    keeper->state_path = sgn_config_text(config, "SignVNStateDir");
    SGN_TRY(check_practice(config, pool));
    SGN_TRY(sgn_config_check(config, pool));
    read_identity(keeper, pool);
    if (keeper->uid == 0 && !is_practice(config))
        return SGN_ERROR(pool, SGN_CONFIG, "signvnd does not run as root: SignVNUser names its account");
    SGN_TRY(open_state(keeper, pool));
#ifdef SGN_PRACTICE
    if (is_practice(config))
        sgn_clock_practice(apr_pstrcat(pool, keeper->state_path, "/run/clock", NULL));
#endif
    if (keeper->unprivileged)
        sgn_log(SGN_LOG_WARN, "keeper", "httpd and keeper share uid %d: keys, archive and database are open to every"
                " page of this server; for practice only", (int)keeper->uid);
    SGN_TRY(open_databases(keeper, pool));
    SGN_TRY(sgn_evidence_make(&keeper->evidence, config, keeper->state, pool));
    SGN_TRY(sgn_engine_make(&keeper->engine, config, keeper->evidence, -1, pool));
    SGN_TRY(sgn_rooms_open(keeper, pool));
    SGN_TRY(save_config(keeper, pool));
    *out = keeper;
    return NULL;
}

/* ---- another configuration ------------------------------------------------ */

static sgn_error_t *check_same(const sgn_keeper_t *keeper, const sgn_config_t *config, apr_pool_t *pool)
{
    static const char *const fixed[] = { "SignVNStateDir", "SignVNDatabase", "SignVNUser", NULL };

    for (int i = 0; fixed[i]; i++) {
        const char *now = sgn_config_text(keeper->config, fixed[i]), *then = sgn_config_text(config, fixed[i]);

        if (strcmp(now ? now : "", then ? then : "") != 0)
            return SGN_ERROR(pool, SGN_CONFIG, "%s changes only with a restart of httpd", fixed[i]);
    }
    return NULL;
}

sgn_error_t *sgn_startup_configure(sgn_keeper_t *keeper, json_t *json)
{
    apr_pool_t *pool;
    sgn_evidence_t *evidence = NULL;
    sgn_config_t *config;
    sgn_error_t *error;

    /* lives until the process ends: calls that began with it may still read it */
    apr_pool_create(&pool, keeper->pool);
    error = sgn_config_decode(&config, json, pool);
    if (!error)
        error = check_practice(config, pool);
    if (!error)
        error = sgn_config_check(config, pool);
    if (!error)
        error = check_same(keeper, config, pool);
    if (!error)
        error = sgn_evidence_make(&evidence, config, keeper->state, pool);
    if (!error)
        error = sgn_engine_configure(keeper->engine, config, pool);
    if (error)
        return error;
    sgn_engine_evidence(keeper->engine, evidence);
    keeper->evidence = evidence;
    keeper->config = config;
    read_identity(keeper, pool);
    error = sgn_log_open(apr_pstrcat(pool, keeper->state_path, "/run/signvnd.log", NULL), SGN_LOG_INFO, pool);
    if (!error)
        error = save_config(keeper, pool);
    sgn_log(SGN_LOG_INFO, "keeper", "configuration generation %d", keeper->generation);
    return error;
}
