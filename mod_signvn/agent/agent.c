/*
 * agent.c: signvn-agent, the program on the desk: commands and the waiting loop.
 *
 * It dials out to the one server it was enrolled at and listens nowhere.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/enroll.h"
#include "agent/deskjob.h"
#include "agent/outcome.h"

#define POLL_WAIT 25            /* seconds the server may hold a poll */
#define RELIST 10000            /* milliseconds between looks at the tokens */
#define RELIST_EMPTY 3000       /* while a person is about to plug one in */
#define RETELL 300000           /* milliseconds after which the server hears them again */
#define MODULES_FILE_DIRECTORY "/etc/signvn"
#define MODULES_FILE "agent-modules"

typedef struct {
    const char *server, *code, *name, *ca, *state, *language, *confirm;
    sgn_token_config_t tokens;
    int once, code_typed;
} options_t;

enum { OPT_SERVER = 256, OPT_CODE, OPT_NAME, OPT_CA, OPT_STATE, OPT_LANG, OPT_CONFIRM, OPT_PINENTRY, OPT_MODULE,
       OPT_ONCE, OPT_TYPED, OPT_HELP };

static const struct option long_options[] = {
    { "server", required_argument, NULL, OPT_SERVER }, { "code", required_argument, NULL, OPT_CODE },
    { "name", required_argument, NULL, OPT_NAME }, { "ca", required_argument, NULL, OPT_CA },
    { "state", required_argument, NULL, OPT_STATE }, { "lang", required_argument, NULL, OPT_LANG },
    { "confirm", required_argument, NULL, OPT_CONFIRM }, { "pinentry", required_argument, NULL, OPT_PINENTRY },
    { "module", required_argument, NULL, OPT_MODULE }, { "once", no_argument, NULL, OPT_ONCE },
    { "typed-code", no_argument, NULL, OPT_TYPED }, { "help", no_argument, NULL, OPT_HELP },
    { NULL, 0, NULL, 0 }
};

static int usage(FILE *out)
{
    fputs("signvn-agent " SGN_VERSION
#ifdef SGN_PRACTICE
          " (practice)"
#endif
          "\n"
#include "agent/help.def"
          , out);
    return out == stdout ? 0 : 2;
}

static int add_module(sgn_token_config_t *tokens, const char *path)
{
    size_t room = sizeof tokens->modules / sizeof tokens->modules[0];

    if (tokens->nmodules == room || path[0] != '/' || strlen(path) >= 256)
        return sgn_outcome(SGN_AGENT_PROGRAM, "module %s: an absolute path, at most %u of them", path, (unsigned)room);
    tokens->modules[tokens->nmodules++] = path;
    return SGN_DONE;
}

/* The administrator's list; absent is fine. */
static int default_modules(sgn_token_config_t *tokens)
{
    static char text[8192];
    size_t len;

    if (sgn_platform_read(MODULES_FILE_DIRECTORY, MODULES_FILE, text, sizeof text, &len))
        return SGN_DONE;
    for (char *line = strtok(text, "\r\n"); line; line = strtok(NULL, "\r\n"))
        if (line[0] != '#')
            SGN_STEP(add_module(tokens, line));
    return SGN_DONE;
}

static int read_options(options_t *options, int argc, char **argv)
{
    int option;

    memset(options, 0, sizeof *options);
    options->tokens.pinentry = "/usr/bin/pinentry";
    options->language = "vi";
    options->code_typed = SGN_CONFIRM_CODE_TYPED;
    while ((option = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
        switch (option) {
        case OPT_SERVER: options->server = optarg; break;
        case OPT_CODE: options->code = optarg; break;
        case OPT_NAME: options->name = optarg; break;
        case OPT_CA: options->ca = optarg; break;
        case OPT_STATE: options->state = optarg; break;
        case OPT_LANG: options->language = optarg; break;
        case OPT_CONFIRM: options->confirm = optarg; break;
        case OPT_PINENTRY: options->tokens.pinentry = optarg; break;
        case OPT_ONCE: options->once = 1; break;
        case OPT_TYPED: options->code_typed = 1; break;
        case OPT_MODULE: SGN_STEP(add_module(&options->tokens, optarg)); break;
        default: return sgn_outcome(SGN_FIELD, "unknown option");
        }
    }
    if (strcmp(options->language, "vi") != 0 && strcmp(options->language, "en") != 0)
        return sgn_outcome(SGN_FIELD, "--lang is vi or en");
    sgn_outcome_language(options->language);
    return options->tokens.nmodules ? SGN_DONE : default_modules(&options->tokens);
}

/* ---- commands ------------------------------------------------------------ */

static int enroll(const options_t *options)
{
    static sgn_state_t state;
    const char *name = options->name ? options->name : getenv("HOSTNAME");

    if (!options->server || !options->code)
        return sgn_outcome(SGN_FIELD, "enroll wants --server and --code");
    SGN_STEP(sgn_state_open(&state, options->state));
    SGN_STEP(sgn_state_server(state.server, sizeof state.server, options->server));
    snprintf(state.name, sizeof state.name, "%.100s", name && name[0] ? name : "signvn-agent");
    snprintf(state.ca, sizeof state.ca, "%s", options->ca ? options->ca : "");
    return sgn_enroll_run(&state, options->language, options->code);
}

static int tokens(const options_t *options)
{
    static sgn_key_list_t list;

    SGN_STEP(sgn_token_list(&list, &options->tokens));
    if (list.count == 0)
        return sgn_outcome(SGN_TOKEN_ABSENT, "%u modules", options->tokens.nmodules);
    for (unsigned i = 0; i < list.count; i++) {
        const sgn_key_credential_t *item = &list.items[i];
        char label[SGN_LABEL_SIZE], name[SGN_LABEL_SIZE];

        sgn_label(label, sizeof label, item->label);
        sgn_label(name, sizeof name, item->common_name);
        printf("%s\t%s\t%s\t%s\t%d%s%s\n", item->id, name, label, item->serial, item->bits,
               item->protected_path ? "\tpad" : "", item->pin_locked ? "\tlocked" : "");
    }
    return SGN_DONE;
}

static int status(const options_t *options)
{
    static sgn_state_t state;

    SGN_STEP(sgn_state_look(&state, options->state));
    if (!state.agent_id[0])
        return sgn_outcome(SGN_AGENT_NOT_ENROLLED, "%s", state.directory);
    printf("server\t%s\nagentID\t%s\nname\t%s\nstate\t%s\n", state.server, state.agent_id, state.name, state.directory);
    for (unsigned i = 0; i < state.nkeys; i++)
        printf("serverKey\t%s\n", state.keys[i].kid);
    return SGN_DONE;
}

/* ---- waiting for work ---------------------------------------------------- */

typedef struct {
    sgn_deskjob_t desk;
    sgn_key_list_t list, told;
    int64_t listed, told_at;
    int retell;
} waiter_t;

static int same_list(const sgn_key_list_t *a, const sgn_key_list_t *b)
{
    if (a->count != b->count)
        return 0;
    for (unsigned i = 0; i < a->count; i++)
        if (strcmp(a->items[i].id, b->items[i].id) != 0 || strcmp(a->items[i].label, b->items[i].label) != 0)
            return 0;
    return 1;
}

static void put_credential(sgn_jsonout_t *out, const sgn_key_credential_t *item)
{
    char label[SGN_LABEL_SIZE];

    sgn_jsonout_open(out, NULL, '{');
    sgn_jsonout_str(out, "credentialID", item->id);
    sgn_jsonout_open(out, "cert", '{');
    sgn_jsonout_open(out, "certificates", '[');
    sgn_jsonout_base64(out, NULL, item->certificate, item->certificate_len);
    sgn_jsonout_close(out);
    sgn_jsonout_close(out);
    sgn_jsonout_open(out, "key", '{');
    sgn_jsonout_open(out, "algo", '[');
    for (int i = SGN_KEY_PSS; i <= SGN_KEY_ECDSA; i++)
        if (item->algorithms & 1u << i)
            sgn_jsonout_str(out, NULL, sgn_key_algorithm_oid((sgn_key_algorithm_t)i));
    sgn_jsonout_close(out);
    sgn_jsonout_int(out, "len", item->bits);
    sgn_jsonout_close(out);
    sgn_jsonout_open(out, "token", '{');
    sgn_label(label, sizeof label, item->label);
    sgn_jsonout_str(out, "label", label);
    sgn_label(label, sizeof label, item->serial);
    sgn_jsonout_str(out, "serial", label);
    sgn_jsonout_bool(out, "protectedPath", item->protected_path);
    sgn_jsonout_close(out);
    sgn_jsonout_close(out);
}

static int tell_credentials(waiter_t *waiter)
{
    static char text[SGN_KEY_MAX * (SGN_KEY_CERTIFICATE * 4 / 3 + 8192)];
    sgn_jsonout_t out;

    sgn_jsonout(&out, text, sizeof text);
    sgn_jsonout_open(&out, NULL, '{');
    sgn_jsonout_open(&out, "credentials", '[');
    for (unsigned i = 0; i < waiter->list.count; i++)
        put_credential(&out, &waiter->list.items[i]);
    sgn_jsonout_close(&out);
    sgn_jsonout_close(&out);
    if (sgn_jsonout_end(&out))
        return sgn_outcome(SGN_INTERNAL, "credentials: %s", sgn_fault_name(out.fault));
    SGN_STEP(sgn_server_post(waiter->desk.server, "credentials", text, out.len, 30, 0));
    waiter->told = waiter->list;
    waiter->told_at = sgn_platform_ticks();
    waiter->retell = 0;
    sgn_outcome_log("%u certificates told to the server", waiter->list.count);
    return SGN_DONE;
}

/* Tokens come and go: looked at between polls, told when they changed. */
static int keep_credentials(waiter_t *waiter)
{
    int64_t now = sgn_platform_ticks();

    if (!waiter->listed || now - waiter->listed >= (waiter->list.count ? RELIST : RELIST_EMPTY)) {
        int result = sgn_token_list(&waiter->list, waiter->desk.tokens);

        if (result == SGN_AGENT_PROGRAM)
            return result;
        waiter->listed = now;
    }
    if (waiter->retell || now - waiter->told_at >= RETELL || !same_list(&waiter->list, &waiter->told))
        return tell_credentials(waiter);
    return SGN_DONE;
}

static int poll_once(waiter_t *waiter, char job_id[65], char credential_id[44])
{
    char text[4096];
    sgn_server_t *server = waiter->desk.server;
    sgn_jsonout_t out;
    int job;

    job_id[0] = '\0';
    sgn_jsonout(&out, text, sizeof text);
    sgn_jsonout_open(&out, NULL, '{');
    sgn_jsonout_open(&out, "credentialIDs", '[');
    for (unsigned i = 0; i < waiter->list.count; i++)
        sgn_jsonout_str(&out, NULL, waiter->list.items[i].id);
    sgn_jsonout_close(&out);
    sgn_jsonout_int(&out, "wait", POLL_WAIT);
    sgn_jsonout_int(&out, "capacity", 1);
    sgn_jsonout_close(&out);
    if (sgn_jsonout_end(&out))
        return sgn_outcome(SGN_INTERNAL, "poll: %s", sgn_fault_name(out.fault));
    SGN_STEP(sgn_server_post(server, "poll", text, out.len, POLL_WAIT + 20, 0));
    if (server->http.status == 204 || server->json.used == 0)
        return SGN_DONE;
    job = sgn_jsonbuf_member(&server->json, 0, "job");
    if (sgn_jsonbuf_str(&server->json, sgn_jsonbuf_member(&server->json, job, "jobID"), job_id, 65, NULL)
        || sgn_jsonbuf_str(&server->json, sgn_jsonbuf_member(&server->json, job, "credentialID"), credential_id, 44, NULL)
        || strspn(job_id, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") != strlen(job_id)) {
        job_id[0] = '\0';
        return sgn_outcome(SGN_AGENT_SERVER, "offer");
    }
    return SGN_DONE;
}

/* What the server or the administrator must mend: waiting does not help. */
static int is_final(int result)
{
    return result == SGN_AGENT_PROGRAM || result == SGN_AGENT_VERSION || result == SGN_AGENT_NOT_ENROLLED
        || result == SGN_INTERNAL;
}

static int wait_for_work(waiter_t *waiter, int once)
{
    int pause = 1000;

    waiter->retell = 1;
    while (!sgn_platform_stopped()) {
        char job_id[65] = "", credential_id[44] = "";
        int result = keep_credentials(waiter);

        if (!result)
            result = poll_once(waiter, job_id, credential_id);
        if (is_final(result))
            return result;
        if (result) {
            if (sgn_platform_stopped())
                break;
            sgn_outcome_log("%s (%s)", sgn_outcome_name(result), sgn_outcome_detail());
            waiter->retell = 1;
            sgn_platform_sleep(pause);
            pause = pause < 30000 ? pause * 2 : 30000;
            continue;
        }
        pause = 1000;
        if (!job_id[0]) {
            int seconds = waiter->desk.server->http.retry_after;

            sgn_platform_sleep(seconds ? seconds * 1000 : 200);
            continue;
        }
        result = sgn_deskjob_run(&waiter->desk, job_id, credential_id);
        waiter->listed = 0;
        if (once)
            return result;
        /* what was refused may be offered again at once */
        if (result)
            sgn_platform_sleep(1000);
    }
    return SGN_DONE;
}

static int run(const options_t *options)
{
    static sgn_state_t state;
    static waiter_t waiter;
    static sgn_server_t server, aside;

    SGN_STEP(sgn_state_open(&state, options->state));
    if (!state.agent_id[0])
        return sgn_outcome(SGN_AGENT_NOT_ENROLLED, "%s", state.directory);
    for (unsigned i = 0; i < options->tokens.nmodules; i++)
        SGN_STEP(sgn_platform_trusted(options->tokens.modules[i]));
    if (options->confirm)
        SGN_STEP(sgn_platform_trusted(options->confirm));
    SGN_STEP(sgn_platform_trusted(options->tokens.pinentry));
    SGN_STEP(sgn_server_make(&server, &state, options->language));
    SGN_STEP(sgn_server_make(&aside, &state, options->language));
#ifdef SGN_PRACTICE
    sgn_outcome_log("%s", sgn_outcome_phrase(SGN_PHRASE_PRACTICE));
#endif
    sgn_outcome_log("%s", sgn_outcome_phrase(SGN_PHRASE_WAITING));
    waiter.desk = (sgn_deskjob_t){
        .state = &state, .server = &server, .aside = &aside, .tokens = &options->tokens,
        .confirm = options->confirm, .code_typed = options->code_typed
    };
    return wait_for_work(&waiter, options->once);
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        int (*run)(const options_t *options);
    } commands[] = { { "enroll", enroll }, { "run", run }, { "tokens", tokens }, { "status", status } };
    options_t options;
    int result;

    if (argc < 2)
        return usage(stderr);
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "--version") == 0)
        return usage(stdout);
    sgn_platform_watch_stop();
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        if (strcmp(argv[1], commands[i].name) != 0)
            continue;
        result = read_options(&options, argc - 1, argv + 1);
        if (!result)
            result = commands[i].run(&options);
        if (result)
            sgn_outcome_print(result);
        return result ? 1 : 0;
    }
    return usage(stderr);
}
