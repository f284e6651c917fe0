#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/label.h"
#include "agent/outcome.h"
#include "agent/pinentry.h"
#include "agent/token.h"

#define LIST_SECONDS 20
#define ASK_SECONDS 300
#define LOGIN_SECONDS 60
#define SIGN_SECONDS 30
#define PAD_SECONDS 120

/* ---- messages from child to desk ----------------------------------------- */

typedef enum { MESSAGE_AUTHORISED = 1, MESSAGE_VALUE, MESSAGE_END, MESSAGE_CREDENTIAL, MESSAGE_ASKED } message_kind_t;

typedef struct {
    unsigned kind;
    unsigned n;         /* item, or outcome */
    unsigned len;       /* of what follows */
} message_t;

static void send_message(int out, message_kind_t kind, unsigned n, const void *data, size_t len)
{
    message_t head = { .kind = kind, .n = n, .len = (unsigned)len };

    if (sgn_platform_write_all(out, &head, sizeof head, 5000) == 0 && len)
        sgn_platform_write_all(out, data, len, 5000);
}

static void send_end(int out, int outcome)
{
    const char *detail = outcome ? sgn_outcome_detail() : "";

    send_message(out, MESSAGE_END, (unsigned)outcome, detail, strlen(detail));
}

/* ---- list ---------------------------------------------------------------- */

static void list_in_child(void *context, int out)
{
    const char *module = context;
    sgn_key_list_t *list = calloc(1, sizeof *list);
    int outcome = list ? SGN_DONE : SGN_INTERNAL;

    for (unsigned i = 0; !outcome && sgn_key_plugs[i]; i++)
        outcome = sgn_key_plugs[i]->list(list, module);
    for (unsigned i = 0; !outcome && i < list->count; i++)
        send_message(out, MESSAGE_CREDENTIAL, i, &list->items[i], sizeof list->items[i]);
    send_end(out, outcome);
}

/* Reads exactly len bytes before `end`. */
static int receive(sgn_process_t *process, void *data, size_t len, int64_t end)
{
    char *to = data;

    while (len) {
        int64_t left = end - sgn_platform_ticks();
        long n = left > 0 ? sgn_platform_read_some(process->out, to, len, (int)left) : -1;

        if (n < 0 && sgn_platform_ticks() >= end)
            return sgn_outcome(SGN_TOKEN_FAILED, "the module did not answer");
        if (n == 0)
            return sgn_outcome(SGN_TOKEN_FAILED, "the module crashed");
        if (n > 0) {
            to += n;
            len -= (size_t)n;
        }
    }
    return SGN_DONE;
}

static int collect(sgn_key_list_t *list, sgn_process_t *process)
{
    int64_t end = sgn_platform_ticks() + LIST_SECONDS * 1000;

    for (;;) {
        static sgn_key_credential_t credential;
        char detail[256];
        message_t head;

        SGN_STEP(receive(process, &head, sizeof head, end));
        if (head.kind == MESSAGE_CREDENTIAL && head.len == sizeof credential) {
            SGN_STEP(receive(process, &credential, sizeof credential, end));
            if (list->count < SGN_KEY_MAX)
                list->items[list->count++] = credential;
        } else if (head.kind == MESSAGE_END && head.len < sizeof detail) {
            SGN_STEP(receive(process, detail, head.len, end));
            detail[head.len] = '\0';
            return head.n ? sgn_outcome((int)head.n, "%s", detail) : SGN_DONE;
        } else {
            return sgn_outcome(SGN_TOKEN_FAILED, "the module's process talks nonsense");
        }
    }
}

int sgn_token_list(sgn_key_list_t *list, const sgn_token_config_t *config)
{
    static int last[8];
    int result = SGN_DONE;

    list->count = 0;
    for (unsigned i = 0; i < config->nmodules; i++) {
        sgn_process_t process = { .in = -1, .out = -1 };
        int one = sgn_platform_child(&process, list_in_child, (void *)(uintptr_t)config->modules[i]);

        if (!one)
            one = collect(list, &process);
        sgn_platform_end(&process);
        if (one && one != last[i])
            sgn_outcome_log("%s: %s (%s)", config->modules[i], sgn_outcome_name(one), sgn_outcome_detail());
        last[i] = one;
        if (one)
            result = one;
    }
    return list->count ? SGN_DONE : result;
}

/* ---- sign ---------------------------------------------------------------- */

typedef struct {
    sgn_key_work_t work;
    const char *pinentry, *question;
    int out;
} child_t;

static int ask(sgn_key_work_t *work, const sgn_key_credential_t *now, unsigned char *pin, size_t cap, size_t *len)
{
    child_t *child = work->context;
    sgn_pinentry_t question = {
        .program = child->pinentry,
        .title = sgn_outcome_phrase(SGN_PHRASE_PIN_TITLE),
        .prompt = sgn_outcome_phrase(SGN_PHRASE_PIN_PROMPT),
        .description = child->question,
        .timeout = ASK_SECONDS,
    };
    int result;

    if (now->pin_final)
        question.warning = sgn_outcome_phrase(SGN_PHRASE_PIN_FINAL);
    else if (now->pin_low)
        question.warning = sgn_outcome_phrase(SGN_PHRASE_PIN_LOW);
    result = sgn_pinentry_ask(&question, pin, cap, len);
    send_message(child->out, MESSAGE_ASKED, 0, NULL, 0);
    return result;
}

static void authorised(sgn_key_work_t *work)
{
    child_t *child = work->context;

    send_message(child->out, MESSAGE_AUTHORISED, 0, NULL, 0);
}

static void signed_one(sgn_key_work_t *work, unsigned n, const unsigned char *value, size_t len)
{
    child_t *child = work->context;

    send_message(child->out, MESSAGE_VALUE, n, value, len);
}

static void sign_in_child(void *context, int out)
{
    child_t *child = context;
    int outcome = SGN_TOKEN_ABSENT;

    child->out = out;
    for (unsigned i = 0; sgn_key_plugs[i] && outcome == SGN_TOKEN_ABSENT; i++)
        outcome = sgn_key_plugs[i]->sign(&child->work);
    send_end(out, outcome);
}

int sgn_token_start(sgn_token_run_t *run, const sgn_token_config_t *config, const sgn_key_credential_t *credential,
                    sgn_key_algorithm_t algorithm, const unsigned char (*digests)[SGN_SHA256_SIZE], unsigned count,
                    const char *question)
{
    child_t *child = calloc(1, sizeof *child);
    int result;

    memset(run, 0, sizeof *run);
    run->process.in = run->process.out = -1;
    if (!child || count == 0 || count > SGN_KEY_BATCH) {
        free(child);
        return sgn_outcome(SGN_TOO_MANY, "%u documents", count);
    }
    child->work.credential = *credential;
    child->work.algorithm = algorithm;
    memcpy(child->work.digests, digests, (size_t)count * SGN_SHA256_SIZE);
    child->work.count = count;
    child->work.ask = ask;
    child->work.authorised = authorised;
    child->work.signed_one = signed_one;
    child->work.context = child;
    child->pinentry = config->pinentry;
    child->question = question;
    result = sgn_platform_child(&run->process, sign_in_child, child);
    free(child);
    run->count = count;
    run->seconds = credential->protected_path ? PAD_SECONDS : SIGN_SECONDS;
    /* loading, the question and the login each have their own limit inside */
    run->end = sgn_platform_ticks() + (int64_t)(LIST_SECONDS + ASK_SECONDS + LOGIN_SECONDS) * 1000;
    return result;
}

static sgn_token_event_t finish(sgn_token_run_t *run, int outcome)
{
    run->outcome = outcome;
    return SGN_TOKEN_END;
}

/* One whole message out of the room, if there is one. */
static int take_message(sgn_token_run_t *run, message_t *head, unsigned char *data, size_t cap)
{
    size_t whole;

    if (run->used < sizeof *head)
        return 0;
    memcpy(head, run->room, sizeof *head);
    if (head->len > cap)
        return -1;
    whole = sizeof *head + head->len;
    if (run->used < whole)
        return 0;
    memcpy(data, run->room + sizeof *head, head->len);
    run->used -= whole;
    memmove(run->room, run->room + whole, run->used);
    return 1;
}

static sgn_token_event_t understand(sgn_token_run_t *run, const message_t *head, unsigned char *data)
{
    switch (head->kind) {
    case MESSAGE_ASKED:
        run->end = sgn_platform_ticks() + LOGIN_SECONDS * 1000;
        return SGN_TOKEN_NOTHING;
    case MESSAGE_AUTHORISED:
        run->authorised = 1;
        run->end = sgn_platform_ticks() + run->seconds * 1000;
        return SGN_TOKEN_AUTHORISED;
    case MESSAGE_VALUE:
        if (head->n >= run->count || run->values[head->n].len || head->len == 0)
            return finish(run, sgn_outcome(SGN_TOKEN_FAILED, "the module's process talks nonsense"));
        memcpy(run->values[head->n].value, data, head->len);
        run->values[head->n].len = head->len;
        run->done++;
        run->end = sgn_platform_ticks() + run->seconds * 1000;
        return SGN_TOKEN_SIGNED;
    case MESSAGE_END:
        data[head->len < 255 ? head->len : 255] = '\0';
        return finish(run, head->n ? sgn_outcome((int)head->n, "%s", (char *)data) : SGN_DONE);
    default:
        return finish(run, sgn_outcome(SGN_TOKEN_FAILED, "the module's process talks nonsense"));
    }
}

sgn_token_event_t sgn_token_step(sgn_token_run_t *run, int milliseconds)
{
    unsigned char data[SGN_KEY_VALUE + 256];
    message_t head;
    int got = take_message(run, &head, data, SGN_KEY_VALUE);

    if (got == 0) {
        long n = sgn_platform_read_some(run->process.out, run->room + run->used, sizeof run->room - run->used, milliseconds);

        if (n == 0)
            return finish(run, sgn_outcome(SGN_TOKEN_FAILED, "the module crashed"));
        if (n < 0)
            return sgn_platform_ticks() < run->end ? SGN_TOKEN_NOTHING
                : finish(run, sgn_outcome(SGN_TOKEN_FAILED, "the module did not answer in time"));
        run->used += (size_t)n;
        got = take_message(run, &head, data, SGN_KEY_VALUE);
    }
    if (got < 0)
        return finish(run, sgn_outcome(SGN_TOKEN_FAILED, "the module's process talks nonsense"));
    return got ? understand(run, &head, data) : SGN_TOKEN_NOTHING;
}

void sgn_token_stop(sgn_token_run_t *run)
{
    sgn_platform_end(&run->process);
}
