#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/outcome.h"
#include "agent/server.h"
#include "dtbs/proof.h"

#define PREFIX "/signvn/agent/v1/"
#define NODES 16384
#define PATH 256

int sgn_server_make(sgn_server_t *server, sgn_state_t *state, const char *language)
{
    memset(server, 0, sizeof *server);
    server->state = state;
    server->language = language;
    server->answer = malloc(SGN_SERVER_ANSWER);
    server->nodes = malloc(NODES * sizeof *server->nodes);
    return server->answer && server->nodes ? SGN_DONE : sgn_outcome(SGN_INTERNAL, "no memory");
}

int64_t sgn_server_now(const sgn_server_t *server)
{
    return sgn_platform_now() + server->offset;
}

static void learn_time(sgn_server_t *server)
{
    int64_t offset;

    if (!server->http.date)
        return;
    offset = server->http.date - sgn_platform_now();
    if (!server->offset_known && (offset > 120 || offset < -120)) {
        char text[256];

        snprintf(text, sizeof text, sgn_outcome_phrase(SGN_PHRASE_SKEW), (long long)offset);
        sgn_outcome_log("%s", text);
    }
    /* a second of rounding is no news */
    if (!server->offset_known || offset - server->offset > 2 || offset - server->offset < -2)
        server->offset = offset;
    server->offset_known = 1;
}

/* The code of a problem+json body. */
static int refusal(sgn_server_t *server)
{
    char name[64], detail[160] = "";
    int code = 0;

    if (server->http.len
        && sgn_jsonbuf_parse(&server->json, server->answer, server->http.len, server->nodes, NODES) == 0
        && sgn_jsonbuf_str(&server->json, sgn_jsonbuf_member(&server->json, 0, "code"), name, sizeof name, NULL) == 0) {
        code = sgn_outcome_find(name);
        sgn_jsonbuf_str(&server->json, sgn_jsonbuf_member(&server->json, 0, "detail"), detail, sizeof detail, NULL);
    }
    /* the detail is for the log, which must not be steered by it */
    for (char *c = detail; *c; c++)
        if ((unsigned char)*c < 0x20 || *c == 0x7f)
            *c = '?';
    return sgn_outcome(code ? code : SGN_AGENT_SERVER, "HTTP %d %s", server->http.status, detail);
}

static int once(sgn_server_t *server, sgn_http_request_t *request, const char *path)
{
    const sgn_state_t *state = server->state;
    char proof[SGN_PROOF_MAX], url[PATH + 512];
    int enrolled = state->agent_id[0] != '\0', result;
    int fault = sgn_proof_build(proof, sizeof proof, request->method, path, sgn_server_now(server),
                                request->body, request->body_len, enrolled ? state->agent_id : NULL,
                                enrolled ? NULL : sgn_platform_key_point(state->key),
                                state->key, sgn_platform_primitives());

    if (fault)
        return sgn_outcome(SGN_INTERNAL, "proof: %s", sgn_fault_name(fault));
    snprintf(url, sizeof url, "%s%s", state->server, path);
    request->url = url;
    request->proof = proof;
    request->ca = state->ca[0] ? state->ca : NULL;
    request->language = server->language;
    request->out = server->answer;
    request->out_cap = SGN_SERVER_ANSWER;
    server->json.used = 0;
    result = sgn_platform_http(&server->http, request);
    if (result)
        return result;
    learn_time(server);
    return server->http.status >= 200 && server->http.status < 300 ? SGN_DONE : refusal(server);
}

/* A desk whose clock is wrong learns the time from the first refusal. */
static int exchange(sgn_server_t *server, sgn_http_request_t *request, const char *path)
{
    int knew = server->offset_known, result = once(server, request, path);

    if ((result == SGN_AGENT_PROOF || result == SGN_AGENT_REPLAY) && !knew && server->offset_known
        && (server->offset > 5 || server->offset < -5))
        result = once(server, request, path);
    return result;
}

int sgn_server_post(sgn_server_t *server, const char *route, const char *body, size_t len, int timeout, int urgent)
{
    sgn_http_request_t request = {
        .method = "POST", .body = body, .body_len = len, .timeout = timeout, .urgent = urgent, .fd = -1
    };
    char path[PATH];
    int fault;

    snprintf(path, sizeof path, PREFIX "%s", route);
    SGN_STEP(exchange(server, &request, path));
    if (server->http.len == 0)
        return SGN_DONE;
    fault = sgn_jsonbuf_parse(&server->json, server->answer, server->http.len, server->nodes, NODES);
    return fault ? sgn_outcome(SGN_AGENT_SERVER, "answer: %s", sgn_fault_name(fault)) : SGN_DONE;
}

int sgn_server_document(sgn_server_t *server, const char *job, unsigned n, int fd, int64_t size,
                        int (*tick)(void *), void *context)
{
    sgn_http_request_t request = {
        .method = "GET", .timeout = 600, .fd = fd, .fd_limit = size, .tick = tick, .context = context
    };
    char path[PATH];
    int result;

    snprintf(path, sizeof path, PREFIX "docs/%s/%u", job, n);
    result = exchange(server, &request, path);
    if (result == SGN_TOO_LARGE)
        return sgn_outcome(SGN_DOCUMENT_MISMATCH, "document %u is longer than announced", n);
    SGN_STEP(result);
    if (server->http.received != size)
        return sgn_outcome(SGN_DOCUMENT_MISMATCH, "document %u: %lld of %lld bytes", n,
                           (long long)server->http.received, (long long)size);
    return SGN_DONE;
}
