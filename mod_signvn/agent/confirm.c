#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/confirm.h"
#include "agent/outcome.h"

#define DECISION_SECONDS 300
#define REASON_SIZE 501         /* bytes of a reason with its end: what the server keeps */
#define DISPLAY_SIZE (SGN_KEY_BATCH * 8192 + 16384)

/* ---- the display --------------------------------------------------------- */

static void put_document(sgn_jsonout_t *out, const sgn_request_item_t *item)
{
    char path[64], text[SGN_LABEL_SIZE];

    sgn_jsonout_open(out, NULL, '{');
    sgn_jsonout_int(out, "n", item->n);
    sgn_jsonout_str(out, "subject", item->subject);
    /* from the bytes that will be signed, not from the request */
    sgn_jsonout_str(out, "kind", sgn_signedattrs_kind_name(item->attrs.kind));
    sgn_jsonout_str(out, "kindText", item->kind_text);
    sgn_label(text, sizeof text, item->attrs.number);
    sgn_jsonout_str(out, "number", text);
    sgn_label(text, sizeof text, item->attrs.symbol);
    sgn_jsonout_str(out, "symbol", text);
    sgn_jsonout_str(out, "date", item->attrs.date);
    sgn_jsonout_int(out, "size", item->size);
    sgn_jsonout_hex(out, "sha256", item->original_hash, sizeof item->original_hash);
    sgn_platform_temporary_path(path, sizeof path, item->fd);
    sgn_jsonout_str(out, "path", path);
    sgn_jsonout_close(out);
}

static int make_display(char *text, size_t cap, size_t *len, const sgn_request_t *request,
                        const sgn_key_credential_t *credential, int code_typed)
{
    char label[SGN_LABEL_SIZE];
    sgn_jsonout_t out;
    int fault;

    sgn_jsonout(&out, text, cap);
    sgn_jsonout_open(&out, NULL, '{');
    sgn_jsonout_int(&out, "v", 1);
    sgn_jsonout_str(&out, "origin", request->origin);
    sgn_jsonout_str(&out, "user", request->user);
    sgn_jsonout_str(&out, "description", request->description);
    sgn_jsonout_bool(&out, "askMatchCode", code_typed);
    if (!code_typed)
        sgn_jsonout_str(&out, "matchCode", request->match_code);
    sgn_jsonout_int(&out, "expires", request->expires);
    sgn_jsonout_open(&out, "credential", '{');
    sgn_jsonout_str(&out, "credentialID", credential->id);
    sgn_label(label, sizeof label, credential->common_name);
    sgn_jsonout_str(&out, "commonName", label);
    sgn_label(label, sizeof label, credential->label);
    sgn_jsonout_str(&out, "token", label);
    sgn_jsonout_close(&out);
    sgn_jsonout_open(&out, "documents", '[');
    for (unsigned i = 0; i < request->count; i++)
        put_document(&out, &request->items[i]);
    sgn_jsonout_close(&out);
    sgn_jsonout_close(&out);
    fault = sgn_jsonout_end(&out);
    *len = out.len;
    return fault ? sgn_outcome(SGN_INTERNAL, "display: %s", sgn_fault_name(fault)) : SGN_DONE;
}

/* ---- the terminal -------------------------------------------------------- */

/* In a child of its own: the desk goes on renewing its lease meanwhile. */
static void ask_terminal(void *context, int out)
{
    const sgn_request_t *request = context;
    FILE *terminal = fopen("/dev/tty", "r+");
    char line[64], answer[128];
    int n;

    if (!terminal)
        return;
    fprintf(terminal, "\n%s  %s\n", request->origin, request->user);
    for (unsigned i = 0; i < request->count; i++) {
        const sgn_request_item_t *item = &request->items[i];

        fprintf(terminal, "  %u. [%s] %s %s %s\n", item->n + 1, item->kind_text, item->attrs.number,
                item->attrs.symbol, item->subject);
    }
    fputs(sgn_outcome_phrase(SGN_PHRASE_ASK), terminal);
    fflush(terminal);
    if (!fgets(line, sizeof line, terminal))
        return;
    line[strcspn(line, "\r\n")] = '\0';
    if (line[0] == '\0' || strspn(line, "0123456789") != strlen(line))
        return;
    n = snprintf(answer, sizeof answer, "{\"matchCode\":\"%s\"}", line);
    sgn_platform_write_all(out, answer, (size_t)n, 5000);
}

/* ---- the program --------------------------------------------------------- */

static int start_program(sgn_confirm_t *confirm, const char *program, const sgn_key_credential_t *credential)
{
    const char *const argv[] = { program, NULL };
    char *display = malloc(DISPLAY_SIZE);
    size_t len;
    int result = display ? make_display(display, DISPLAY_SIZE, &len, confirm->request, credential, confirm->code_typed)
        : sgn_outcome(SGN_INTERNAL, "no memory");

    if (!result)
        result = sgn_platform_trusted(program);
    if (!result)
        result = sgn_platform_spawn(&confirm->process, argv);
    /* a program that does not read is no failure: its exit code counts */
    if (!result)
        sgn_platform_write_all(confirm->process.in, display, len, 10000);
    sgn_platform_close_input(&confirm->process);
    free(display);
    return result;
}

int sgn_confirm_start(sgn_confirm_t *confirm, const char *program, int code_typed,
                      sgn_request_t *request, const sgn_key_credential_t *credential)
{
    memset(confirm, 0, sizeof *confirm);
    confirm->process.in = confirm->process.out = -1;
    confirm->request = request;
    confirm->code_typed = code_typed || SGN_CONFIRM_CODE_TYPED || !program;
    confirm->end = sgn_platform_ticks() + DECISION_SECONDS * 1000;
    if (!program)
        return sgn_platform_child(&confirm->process, ask_terminal, request);
    return start_program(confirm, program, credential);
}

static int read_declined(sgn_request_t *request, const sgn_jsonbuf_t *json)
{
    int list = sgn_jsonbuf_member(json, 0, "declined"), count = sgn_jsonbuf_count(json, list);
    static char reason[16384];

    if (list >= 0 && count < 0)
        return sgn_outcome(SGN_USER_DECLINED, "confirm program: declined is no list");
    for (int i = 0; i < count; i++) {
        int entry = sgn_jsonbuf_item(json, list, (unsigned)i), found = 0;
        int64_t n;

        if (sgn_jsonbuf_int(json, sgn_jsonbuf_member(json, entry, "n"), &n))
            return sgn_outcome(SGN_USER_DECLINED, "confirm program: declined without n");
        reason[0] = '\0';
        if (sgn_jsonbuf_member(json, entry, "reason") >= 0
            && sgn_jsonbuf_str(json, sgn_jsonbuf_member(json, entry, "reason"), reason, sizeof reason, NULL))
            return sgn_outcome(SGN_USER_DECLINED, "confirm program: reason");
        for (unsigned k = 0; k < request->count; k++) {
            if (request->items[k].n != (unsigned)n || n < 0)
                continue;
            request->items[k].declined = found = 1;
            sgn_label(request->items[k].reason, REASON_SIZE, reason);
        }
        /* what it wanted to decline is not clear: nothing is signed */
        if (!found)
            return sgn_outcome(SGN_USER_DECLINED, "confirm program: declined an unknown document");
    }
    return SGN_DONE;
}

int sgn_confirm_judge(sgn_request_t *request, int code_typed, int exit_code, const char *answer, size_t len)
{
    sgn_jsonbuf_node_t nodes[1024];
    sgn_jsonbuf_t json = { .used = 0 };
    char code[16] = "";

    if (exit_code != 0)
        return sgn_outcome(SGN_USER_DECLINED, "confirm program: exit %d", exit_code);
    while (len && strchr(" \t\r\n", answer[len - 1]) && answer[len - 1])
        len--;
    /* an answer that cannot be read is not a yes */
    if (len && (sgn_jsonbuf_parse(&json, answer, len, nodes, 1024) || !sgn_jsonbuf_is(&json, 0, SGN_JSONBUF_OBJECT)))
        return sgn_outcome(SGN_USER_DECLINED, "confirm program: unreadable answer");
    if (code_typed) {
        if (json.used == 0
            || sgn_jsonbuf_str(&json, sgn_jsonbuf_member(&json, 0, "matchCode"), code, sizeof code, NULL))
            return sgn_outcome(SGN_CONFIRM_REFUSED, "no match code came back");
        if (strcmp(code, request->match_code) != 0)
            return sgn_outcome(SGN_CONFIRM_REFUSED, "another match code");
    }
    return json.used ? read_declined(request, &json) : SGN_DONE;
}

int sgn_confirm_step(sgn_confirm_t *confirm, int milliseconds, int *outcome)
{
    long n = sgn_platform_read_some(confirm->process.out, confirm->answer + confirm->used,
                                    sizeof confirm->answer - confirm->used, milliseconds);
    int code;

    if (n > 0) {
        confirm->used += (size_t)n;
        if (confirm->used < sizeof confirm->answer)
            return 1;
        *outcome = sgn_outcome(SGN_USER_DECLINED, "confirm program: too much output");
        return 0;
    }
    if (n < 0) {
        if (sgn_platform_ticks() < confirm->end)
            return 1;
        *outcome = sgn_outcome(SGN_USER_TIMEOUT, "no decision in %d s", DECISION_SECONDS);
        return 0;
    }
    code = sgn_platform_wait(&confirm->process, 5000);
    *outcome = sgn_confirm_judge(confirm->request, confirm->code_typed, code, confirm->answer, confirm->used);
    return 0;
}

void sgn_confirm_stop(sgn_confirm_t *confirm)
{
    sgn_platform_end(&confirm->process);
}
