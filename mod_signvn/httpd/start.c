/* start.c: the keeper's life as httpd sees it.  State stands in the process
 * pool, never in a static of this DSO, which dies at every restart. */
#include "httpd/start.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <ap_mpm.h>
#include <apr_strings.h>
#include <apr_thread_proc.h>
#include <http_config.h>
#include <http_core.h>
#include <http_log.h>
#include <mod_unixd.h>
#include <openssl/rand.h>
#include <unixd.h>

#include "base/clock.h"
#include "base/file.h"
#include "httpd/directives.h"
#include "httpd/launch.h"
#include "httpd/mod_signvn.h"
#include "wire/wire.h"

APLOG_USE_MODULE(signvn);

#define STATE_KEY "mod_signvn.keeper.1"
/* One that ends is seen at once; these are for one that hangs, and long enough
 * for a machine that is very busy. */
#define READY_WAIT apr_time_from_sec(30)
#define AGAIN_WAIT apr_time_from_sec(10)
#define QUICK_DEATH apr_time_from_sec(2)
#define QUICK_DEATHS 3          /* then the next start waits: 2, 4, 8 ... seconds */
#define LONGEST_PAUSE 30

/* Lives as long as the httpd parent. */
typedef struct {
    apr_proc_t *proc;           /* pid 0: none runs */
    int listener, generation, quick_deaths, watched;
    int pausing;                /* the process is only a pause, not a keeper */
    uid_t uid, httpd_uid;
    gid_t gid;
    apr_time_t started;
    char *config;               /* malloc: replaced at every reload */
    const char *socket_path, *spool_dir, *program, *run_dir, *state_dir, *user;
    unsigned char secret[32];
    sgn_gauge_t *gauge;
    apr_pool_t *pool;
    server_rec *server;         /* of this generation */
} state_t;

static sgn_start_shared_t shared;
static int is_shared;

const sgn_start_shared_t *sgn_start_shared(void)
{
    return is_shared ? &shared : NULL;
}

/* ---- directories and socket ---------------------------------------------- */

static sgn_error_t *make_dir(const char *path, mode_t mode, uid_t uid, gid_t gid, apr_pool_t *pool)
{
    struct stat info;

    if (mkdir(path, mode) == 0) {
        if (geteuid() == 0 && lchown(path, uid, gid) != 0)
            return SGN_ERROR_ERRNO(pool, SGN_FILE_FAILED, "%s", path);
        return chmod(path, mode) == 0 ? NULL : SGN_ERROR_ERRNO(pool, SGN_FILE_FAILED, "%s", path);
    }
    if (errno != EEXIST)
        return SGN_ERROR_ERRNO(pool, SGN_FILE_FAILED, "%s", path);
    if (lstat(path, &info) != 0 || !S_ISDIR(info.st_mode))
        return SGN_ERROR(pool, SGN_FILE_UNSAFE, "%s is no directory", path);
    if (info.st_uid != uid && info.st_uid != 0 && geteuid() == 0)
        return SGN_ERROR(pool, SGN_FILE_UNSAFE, "%s belongs to uid %d, not to %d", path, (int)info.st_uid, (int)uid);
    return NULL;
}

static sgn_error_t *make_dirs(const state_t *k, apr_pool_t *pool)
{
    SGN_TRY(make_dir(k->state_dir, 0700, k->uid, k->gid, pool));
    SGN_TRY(make_dir(k->run_dir, 0755, geteuid(), getegid(), pool));
    return make_dir(k->spool_dir, 0700, k->httpd_uid, geteuid() == 0 ? ap_unixd_config.group_id : getegid(), pool);
}

static sgn_error_t *listen_at(state_t *k, apr_pool_t *pool)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    mode_t before;
    int rc;

    if (strlen(k->socket_path) >= sizeof address.sun_path)
        return SGN_ERROR(pool, SGN_CONFIG, "SignVNRunDir is too long for a socket: %s", k->socket_path);
    apr_cpystrn(address.sun_path, k->socket_path, sizeof address.sun_path);
    k->listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (k->listener < 0)
        return SGN_ERROR_ERRNO(pool, SGN_KEEPER_ABSENT, "socket");
    unlink(k->socket_path);
    before = umask(0177);
    rc = bind(k->listener, (struct sockaddr *)&address, sizeof address);
    umask(before);
    if (rc != 0 || (geteuid() == 0 && chown(k->socket_path, k->httpd_uid, (gid_t)-1) != 0) || listen(k->listener, 128) != 0)
        return SGN_ERROR_ERRNO(pool, SGN_KEEPER_ABSENT, "%s", k->socket_path);
    return NULL;
}

/* ---- configuration -------------------------------------------------------- */

/* A section that is faulty now but ran before goes on as it ran [DESIGN,
 * Configuration]. */
static void keep_running_sections(json_t *agencies, const char *before, server_rec *s, apr_pool_t *pool)
{
    json_t *old = NULL, *section, *was;
    size_t i, k;

    if (!before || sgn_json_parse(&old, sgn_bytes_str(before), SGN_WIRE_LIMIT, pool))
        return;
    json_array_foreach(agencies, i, section) {
        if (!json_object_get(section, "refused"))
            continue;
        json_array_foreach(json_object_get(old, "agencies"), k, was)
            if (json_equal(json_object_get(was, "code"), json_object_get(section, "code")) && !json_object_get(was, "refused")) {
                ap_log_error(APLOG_MARK, APLOG_CRIT, 0, s, "signvn: agency %s keeps its running configuration",
                             json_string_value(json_object_get(was, "code")));
                json_array_set(agencies, i, was);
                break;
            }
    }
}

static sgn_error_t *config_memfd(int *out, state_t *k, server_rec *s, apr_pool_t *pool)
{
    json_t *config = sgn_json_own(json_deep_copy(sgn_directives_draft()), pool);
    const char *text;

    keep_running_sections(json_object_get(config, "agencies"), k->config, s, pool);
    sgn_json_set_str(config, "build", SGN_BUILD);
    sgn_json_set_int(config, "generation", ++k->generation);
    sgn_json_set_int(config, "httpd_uid", (apr_int64_t)k->httpd_uid);
    text = sgn_json_print(config, pool);
    free(k->config);
    k->config = strdup(text);
    return sgn_file_memfd(out, "signvn-config", sgn_bytes_str(text), pool);
}

/* The configuration of the last pass, for a keeper that is born again. */
static sgn_error_t *same_memfd(int *out, state_t *k, apr_pool_t *pool)
{
    return sgn_file_memfd(out, "signvn-config", sgn_bytes_str(k->config), pool);
}

/* ---- birth, death, supervision ------------------------------------------- */

static sgn_error_t *spawn(state_t *k, int config, apr_interval_time_t wait, apr_pool_t *pool)
{
    sgn_launch_t launch = { .program = k->program, .listener = k->listener, .config = config,
                            .uid = k->uid, .gid = k->gid, .wait = wait };

    k->started = sgn_clock_monotonic();
    SGN_TRY(sgn_launch_run(&k->proc->pid, &launch, pool));
    sgn_gauge_down(k->gauge, 0);
    return NULL;
}

static int alive(const state_t *k)
{
    return !k->pausing && k->proc->pid > 0 && waitpid(k->proc->pid, NULL, WNOHANG) == 0;
}

static void watch(state_t *k);

/* A process that only sleeps takes the keeper's place; its end brings us back.
 * Children refuse at once meanwhile, instead of waiting in the backlog. */
static void pause_for(state_t *k, int seconds)
{
    k->pausing = 1;
    sgn_gauge_down(k->gauge, 1);
    sgn_launch_pause(&k->proc->pid, seconds);
}

static int pause_due(state_t *k)
{
    int exponent = k->quick_deaths - QUICK_DEATHS + 1;

    return k->quick_deaths < QUICK_DEATHS ? 0 : exponent > 4 ? LONGEST_PAUSE : 1 << exponent;
}

static void again(state_t *k)
{
    apr_pool_t *pool;
    sgn_error_t *error;
    int config;

    apr_pool_create(&pool, k->pool);
    error = same_memfd(&config, k, pool);
    if (!error)
        error = spawn(k, config, AGAIN_WAIT, pool);
    if (error) {
        ap_log_error(APLOG_MARK, APLOG_CRIT, 0, k->server, "signvn: the keeper did not start: %s", sgn_error_chain(error, pool));
        k->quick_deaths++;
        pause_for(k, pause_due(k) ? pause_due(k) : 1);
    }
    apr_pool_destroy(pool);
}

static void maintain(int reason, void *data, int status)
{
    state_t *k = data;
    int mpm_state = 0, paused = k->pausing;

    (void)status;
    if (reason != APR_OC_REASON_DEATH && reason != APR_OC_REASON_LOST)
        return;
    apr_proc_other_child_unregister(k);
    k->watched = k->pausing = 0;
    k->proc->pid = 0;
    if (ap_mpm_query(AP_MPMQ_MPM_STATE, &mpm_state) == APR_SUCCESS && mpm_state == AP_MPMQ_STOPPING)
        return;
    if (!paused) {
        ap_log_error(APLOG_MARK, APLOG_ERR, 0, k->server, "signvn: the keeper ended unexpectedly, starting it again");
        k->quick_deaths = sgn_clock_monotonic() - k->started < QUICK_DEATH ? k->quick_deaths + 1 : 0;
    }
    if (!paused && pause_due(k)) {
        ap_log_error(APLOG_MARK, APLOG_CRIT, 0, k->server, "signvn: the keeper ended %d times within seconds, waiting %d s",
                     k->quick_deaths, pause_due(k));
        pause_for(k, pause_due(k));
    }
    else {
        again(k);
    }
    watch(k);
}

static void watch(state_t *k)
{
    apr_proc_other_child_register(k->proc, maintain, k, NULL, k->pool);
    k->watched = 1;
}

/* Before the DSO is unloaded: the callback's address dies with it. */
static apr_status_t unwatch(void *data)
{
    state_t *k = data;

    if (k->watched)
        apr_proc_other_child_unregister(k);
    k->watched = 0;
    return APR_SUCCESS;
}

/* Ends the keeper and waits for it, at most four seconds. */
static void end(state_t *k)
{
    if (k->proc->pid <= 0)
        return;
    kill(k->proc->pid, SIGTERM);
    for (int i = 0; i < 400 && waitpid(k->proc->pid, NULL, WNOHANG) == 0; i++) {
        if (i == 300)
            kill(k->proc->pid, SIGKILL);
        apr_sleep(10000);
    }
    k->proc->pid = 0;
    k->pausing = 0;
}

/* Sends the new configuration to the running keeper; *replace is set when that
 * keeper is of another build. */
static sgn_error_t *send_config(int *replace, state_t *k, apr_pool_t *pool)
{
    sgn_wire_message_t message = { .json = sgn_json_object(pool) }, *answer;
    const char *code;
    json_t *config;
    int socket;

    *replace = 0;
    SGN_TRY(sgn_json_parse(&config, sgn_bytes_str(k->config), SGN_WIRE_LIMIT, pool));
    sgn_json_set_int(message.json, "v", SGN_WIRE_VERSION);
    sgn_json_set_str(message.json, "build", SGN_BUILD);
    sgn_json_set_str(message.json, "op", "config");
    sgn_json_set(message.json, "body", config);
    SGN_TRY(sgn_wire_connect(&socket, k->socket_path, apr_time_from_sec(2), pool));
    SGN_TRY(sgn_wire_send(socket, &message, apr_time_from_sec(2), pool));
    SGN_TRY(sgn_wire_receive(&answer, socket, apr_time_from_sec(5), pool));
    if (!answer)
        return SGN_ERROR(pool, SGN_KEEPER_ABSENT, "no answer to the configuration");
    SGN_TRY(sgn_json_find_str(&code, answer->json, "code", NULL, pool));
    if (code && strcmp(code, sgn_error_row(SGN_WIRE_SKEW)->name) == 0) {
        *replace = 1;
        return NULL;
    }
    if (code) {
        const char *detail = json_string_value(json_object_get(answer->json, "detail"));

        return SGN_ERROR(pool, SGN_CONFIG, "%s: %s", code, detail ? detail : "");
    }
    return NULL;
}

/* ---- post_config ---------------------------------------------------------- */

static sgn_error_t *accounts(state_t *k, apr_pool_t *pool)
{
    const sgn_directives_values_t *values = sgn_directives_values();
    struct passwd *account;

    k->uid = geteuid();
    k->gid = getegid();
    k->httpd_uid = k->uid == 0 ? ap_unixd_config.user_id : k->uid;
    if (k->uid != 0)
        return NULL;
    account = getpwnam(values->user);
    if (!account || account->pw_uid == 0)
        return SGN_ERROR(pool, SGN_CONFIG, "SignVNUser: there is no account '%s' other than root", values->user);
    /* The children share httpd's account with the DMS and may own nothing. */
    if (account->pw_uid == k->httpd_uid)
        return SGN_ERROR(pool, SGN_CONFIG, "SignVNUser: '%s' is the account of httpd itself; the keeper needs one of its own", values->user);
    k->uid = account->pw_uid;
    k->gid = account->pw_gid;
    return NULL;
}

static sgn_error_t *fill(state_t *k, apr_pool_t *pool)
{
    const sgn_directives_values_t *values = sgn_directives_values();

    k->run_dir = apr_pstrdup(k->pool, values->run_dir);
    k->state_dir = apr_pstrdup(k->pool, values->state_dir);
    k->user = apr_pstrdup(k->pool, values->user);
    k->program = apr_pstrcat(k->pool, values->program_dir, "/signvnd", NULL);
    k->socket_path = apr_pstrcat(k->pool, k->run_dir, "/keeper.sock", NULL);
    k->spool_dir = apr_pstrcat(k->pool, k->run_dir, "/spool", NULL);
    SGN_TRY(accounts(k, pool));
    if (access(k->program, X_OK) != 0)
        return SGN_ERROR_ERRNO(pool, SGN_CONFIG, "SignVNProgramDir: cannot run %s", k->program);
    return make_dirs(k, pool);
}

/* Still in the foreground: what would hinder the start is told to whoever
 * typed `apachectl start`. */
static sgn_error_t *rehearse(apr_pool_t *ptemp, server_rec *s)
{
    state_t k = { .pool = ptemp, .listener = -1 };
    sgn_launch_t launch = { .listener = -1, .wait = READY_WAIT, .check = 1 };
    pid_t pid = 0;

    SGN_TRY(fill(&k, ptemp));
    SGN_TRY(config_memfd(&launch.config, &k, s, ptemp));
    free(k.config);
    launch.program = k.program;
    launch.uid = k.uid;
    launch.gid = k.gid;
    return sgn_launch_run(&pid, &launch, ptemp);
}

static sgn_error_t *first_start(state_t **out, server_rec *s, apr_pool_t *ptemp)
{
    apr_pool_t *pool = s->process->pool;
    state_t *k = apr_pcalloc(pool, sizeof *k);
    int config;

    k->pool = pool;
    k->server = s;
    k->proc = apr_pcalloc(pool, sizeof *k->proc);   /* outlives this DSO */
    SGN_TRY(fill(k, ptemp));
    if (RAND_bytes(k->secret, sizeof k->secret) != 1)
        return SGN_ERROR(ptemp, SGN_CRYPTO, "no random bytes");
    k->gauge = sgn_gauge_make();
    if (!k->gauge)
        return SGN_ERROR_ERRNO(ptemp, SGN_INTERNAL, "shared memory");
    SGN_TRY(listen_at(k, ptemp));
    SGN_TRY(config_memfd(&config, k, s, ptemp));
    SGN_TRY(spawn(k, config, READY_WAIT, ptemp));
    apr_pool_note_subprocess(pool, k->proc, APR_KILL_AFTER_TIMEOUT);   /* stop ends it, graceful does not */
    apr_pool_userdata_setn(k, STATE_KEY, NULL, pool);
    *out = k;
    return NULL;
}

static void reload(state_t *k, server_rec *s, apr_pool_t *ptemp)
{
    const sgn_directives_values_t *values = sgn_directives_values();
    sgn_error_t *error;
    int config, replace = 1;

    k->server = s;
    if (strcmp(values->run_dir, k->run_dir) != 0 || strcmp(values->state_dir, k->state_dir) != 0 || strcmp(values->user, k->user) != 0)
        ap_log_error(APLOG_MARK, APLOG_CRIT, 0, s, "signvn: SignVNRunDir, SignVNStateDir and SignVNUser change by stop and start, not by reload; the old ones stay");
    k->program = apr_pstrcat(k->pool, values->program_dir, "/signvnd", NULL);
    error = config_memfd(&config, k, s, ptemp);
    if (!error && alive(k))
        error = send_config(&replace, k, ptemp);
    if (!error && replace) {
        end(k);
        error = spawn(k, config, READY_WAIT, ptemp);
    }
    if (error)
        ap_log_error(APLOG_MARK, APLOG_CRIT, 0, s, "signvn: the keeper keeps its old configuration: %s", sgn_error_chain(error, ptemp));
}

int sgn_start_keeper(apr_pool_t *pconf, apr_pool_t *ptemp, server_rec *s)
{
    void *found = NULL;
    state_t *k;
    sgn_error_t *error;

    apr_pool_userdata_get(&found, STATE_KEY, s->process->pool);
    k = found;
    if (!sgn_directives_draft()) {
        if (k)
            end(k);
        return OK;
    }
    if (ap_state_query(AP_SQ_MAIN_STATE) == AP_SQ_MS_CREATE_PRE_CONFIG) {
        error = rehearse(ptemp, s);
        if (error)
            ap_log_error(APLOG_MARK, APLOG_CRIT | APLOG_STARTUP, 0, s, "signvn: %s", sgn_error_chain(error, ptemp));
        return error ? HTTP_INTERNAL_SERVER_ERROR : OK;
    }
    if (k) {
        reload(k, s, ptemp);
    }
    else {
        error = first_start(&k, s, ptemp);
        if (error) {
            ap_log_error(APLOG_MARK, APLOG_CRIT, 0, s, "signvn: %s", sgn_error_chain(error, ptemp));
            return HTTP_INTERNAL_SERVER_ERROR;
        }
    }
    watch(k);
    apr_pool_cleanup_register(pconf, k, unwatch, apr_pool_cleanup_null);
    return OK;
}

void sgn_start_child(apr_pool_t *pchild, server_rec *s)
{
    void *found = NULL;
    state_t *k;

    apr_pool_userdata_get(&found, STATE_KEY, s->process->pool);
    k = found;
    is_shared = k && sgn_directives_draft();
    if (!k)
        return;
    /* Else orphans of a killed parent would keep a dead socket open and their
     * requests waiting on it. */
    if (k->listener >= 0)
        close(k->listener);
    k->listener = -1;
    shared.socket_path = k->socket_path;
    shared.spool_dir = k->spool_dir;
    shared.secret = k->secret;
    shared.gauge = k->gauge;
    sgn_gauge_child(k->gauge, pchild);
}
