/* ask.c: the wire request, its deadline, and waiting. */
#include "httpd/ask.h"

#include <ctype.h>
#include <string.h>

#include <apr_strings.h>
#include <http_log.h>
#include <http_protocol.h>
#include <openssl/evp.h>

#include "base/clock.h"
#include "base/text.h"
#include "httpd/answer.h"
#include "httpd/keeper_client.h"
#include "httpd/origin.h"
#include "httpd/problem.h"

#define QUERY_PARAMETERS 32
#define QUERY_VALUE 4096
#define ANSWER_WAIT apr_time_from_sec(15)
#define DOCUMENT_WAIT apr_time_from_sec(180)
#define LONGEST_WAIT 55
#define WAITERS 48              /* threads of httpd that may wait for a change */

static int hex(char c)
{
    return isdigit((unsigned char)c) ? c - '0' : isxdigit((unsigned char)c) ? tolower((unsigned char)c) - 'a' + 10 : -1;
}

static sgn_error_t *unescape(const char **out, const char *text, apr_pool_t *pool)
{
    char *to = apr_palloc(pool, strlen(text) + 1), *start = to;

    for (; *text; text++) {
        if (*text == '+') {
            *to++ = ' ';
        }
        else if (*text == '%') {
            if (hex(text[1]) < 0 || hex(text[2]) < 0 || (hex(text[1]) == 0 && hex(text[2]) == 0))
                return SGN_ERROR(pool, SGN_ENCODING, "a percent sign in the query");
            *to++ = (char)(hex(text[1]) * 16 + hex(text[2]));
            text += 2;
        }
        else {
            *to++ = *text;
        }
    }
    *to = '\0';
    if (!sgn_text_is_utf8(start, (size_t)(to - start)))
        return SGN_ERROR(pool, SGN_ENCODING, "the query is not UTF-8");
    *out = start;
    return NULL;
}

static int is_name(const char *name)
{
    for (const char *c = name; *c; c++)
        if (!isalnum((unsigned char)*c) && *c != '_')
            return 0;
    return *name && strlen(name) <= 40;
}

/* Seconds to wait; the keeper is not told, waiting is done here. */
static sgn_error_t *take_wait(sgn_ask_t *ask, const char *value)
{
    if (!*value || strspn(value, "0123456789") != strlen(value) || strlen(value) > 2 || apr_atoi64(value) > LONGEST_WAIT)
        return SGN_ERROR(ask->r->pool, SGN_FIELD, "wait: allowed are 0 to %d seconds", LONGEST_WAIT);
    ask->wait_sec = (int)apr_atoi64(value);
    return NULL;
}

/* What form of a report the caller reads. */
static void take_format(sgn_ask_t *ask)
{
    const char *accept = apr_table_get(ask->r->headers_in, "Accept");

    if (strncmp(ask->route->operation, "validations.", 12) != 0 || !accept || apr_table_get(ask->args, "accept"))
        return;
    if (strncmp(accept, "text/html", 9) == 0)
        apr_table_setn(ask->args, "accept", "text/html");
    else if (strncmp(accept, "application/xml", 15) == 0)
        apr_table_setn(ask->args, "accept", "application/xml");
}

sgn_error_t *sgn_ask_arguments(sgn_ask_t *ask)
{
    apr_pool_t *pool = ask->r->pool;
    char *query = ask->r->args ? apr_pstrdup(pool, ask->r->args) : NULL, *state, *pair;
    int count = 0;

    for (pair = query ? apr_strtok(query, "&", &state) : NULL; pair; pair = apr_strtok(NULL, "&", &state)) {
        char *equals = strchr(pair, '=');
        const char *name, *value;

        if (++count > QUERY_PARAMETERS || strlen(pair) > QUERY_VALUE)
            return SGN_ERROR(pool, SGN_TOO_LARGE, "at most %d query parameters of %d bytes", QUERY_PARAMETERS, QUERY_VALUE);
        if (equals)
            *equals = '\0';
        SGN_TRY(unescape(&name, pair, pool));
        SGN_TRY(unescape(&value, equals ? equals + 1 : "", pool));
        if (!is_name(name))
            return SGN_ERROR(pool, SGN_FIELD, "a query parameter's name has letters, digits and _");
        if (apr_table_get(ask->args, name))
            return SGN_ERROR(pool, SGN_FIELD, "%s is given twice", name);
        if (strcmp(name, "wait") == 0 && (ask->route->flags & SGN_API_WAIT))
            SGN_TRY(take_wait(ask, value));
        else
            apr_table_setn(ask->args, name, value);
    }
    take_format(ask);
    return NULL;
}

/* ---- the request ---------------------------------------------------------- */

static int put_argument(void *object, const char *name, const char *value)
{
    sgn_json_set_str(object, name, value);
    return 1;
}

static void add_documents(sgn_wire_message_t *request, const sgn_body_t *body)
{
    json_t *list = json_array();

    for (int i = 0; i < body->count; i++) {
        const sgn_spool_t *spool = body->documents[i];
        json_t *one = json_object();

        sgn_json_set_str(one, "name", spool->name);
        sgn_json_set_str(one, "mediaType", spool->media_type);
        sgn_json_set_int(one, "size", spool->size);
        json_array_append_new(list, one);
        request->fds[request->nfds++] = spool->fd;
    }
    json_object_set_new(request->json, "documents", list);
}

static const char empty_sha256[] = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

static void add_proof(json_t *json, const sgn_ask_t *ask)
{
    json_t *proof = json_object();

    sgn_json_set_str(proof, "jws", apr_table_get(ask->r->headers_in, "SignVN-Proof"));
    sgn_json_set_str(proof, "method", ask->r->method);
    sgn_json_set_str(proof, "path", ask->r->parsed_uri.path ? ask->r->parsed_uri.path : ask->r->uri);
    sgn_json_set_str(proof, "address", ask->r->useragent_ip);
    sgn_json_set_str(proof, "bodyHash", ask->body->sha256 ? ask->body->sha256 : empty_sha256);
    json_object_set_new(json, "proof", proof);
}

static sgn_error_t *make_request(sgn_wire_message_t *request, const sgn_ask_t *ask)
{
    request_rec *r = ask->r;
    const char *key = apr_table_get(r->headers_in, "Idempotency-Key");
    json_t *args = sgn_json_object(r->pool);

    if (key && (strlen(key) > 128 || !*key || strspn(key, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._:-") != strlen(key)))
        return SGN_ERROR(r->pool, SGN_FIELD, "Idempotency-Key: 1 to 128 letters, digits and . _ : -");
    if (r->user && !sgn_text_is_utf8(r->user, strlen(r->user)))
        return SGN_ERROR(r->pool, SGN_ENCODING, "the account's name is not UTF-8");
    memset(request, 0, sizeof *request);
    request->json = sgn_json_object(r->pool);
    sgn_json_set_int(request->json, "v", SGN_WIRE_VERSION);
    sgn_json_set_str(request->json, "build", SGN_BUILD);
    sgn_json_set_str(request->json, "op", ask->route->operation);
    /* A desk proves itself by its key alone. */
    sgn_json_set_str(request->json, "user", ask->route->auth == SGN_API_DESK ? NULL : r->user);
    sgn_json_set_str(request->json, "lang", sgn_problem_language(r));
    sgn_json_set_str(request->json, "idempotencyKey", key);
    apr_table_do(put_argument, args, ask->args, NULL);
    sgn_json_set(request->json, "args", args);
    sgn_json_set(request->json, "body", ask->body->json);
    if (ask->body->count)
        add_documents(request, ask->body);
    if (ask->route->body == SGN_API_AGENT)
        add_proof(request->json, ask);
    return NULL;
}

/* ---- waiting [API, Manner: ?wait=] ---------------------------------------- */

static int is_final(const json_t *body)
{
    static const char *const states[] = { "done", "partial", "rejected", "expired", "cancelled", "failed",
                                          "interrupted", "target-absent", "source-damaged" };
    const char *state = json_string_value(json_object_get(body, "state"));

    for (size_t i = 0; state && i < sizeof states / sizeof states[0]; i++)
        if (strcmp(states[i], state) == 0)
            return 1;
    return !state;      /* an error or something without a state: nothing to wait for */
}

/* The keeper's ETag, or one of the body as it is. */
static const char *etag_of(const sgn_wire_message_t *answer, apr_pool_t *pool)
{
    const char *given = json_string_value(json_object_get(json_object_get(answer->json, "headers"), "ETag"));
    const json_t *body = json_object_get(answer->json, "body");
    const char *text;
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned len = 0;

    if (given)
        return *given == '"' ? given : apr_pstrcat(pool, "\"", given, "\"", NULL);
    text = body ? sgn_json_print_sorted(body, pool) : NULL;
    if (!text || EVP_Digest(text, strlen(text), digest, &len, EVP_sha256(), NULL) != 1)
        return NULL;
    return apr_pstrcat(pool, "\"", sgn_bytes_hex(sgn_bytes(digest, 16), pool), "\"", NULL);
}

/* Asks until the state is final, the ETag is another than the caller's (than
 * the first one, when he named none), or the time is over: *answer NULL. */
static sgn_error_t *wait_for(sgn_wire_message_t **answer, const char **etag, const sgn_ask_t *ask, const sgn_wire_message_t *request)
{
    request_rec *r = ask->r;
    const char *known = apr_table_get(r->headers_in, "If-None-Match");
    apr_time_t until = sgn_clock_monotonic() + apr_time_from_sec(ask->wait_sec);
    apr_interval_time_t pause = 100000;
    apr_pool_t *pool;

    for (;;) {
        apr_pool_create(&pool, r->pool);
        SGN_TRY(sgn_keeper_client_ask(answer, ask->shared->socket_path, request, 1, ANSWER_WAIT, pool));
        *etag = etag_of(*answer, r->pool);
        if (!*etag || is_final(json_object_get((*answer)->json, "body")) || !ask->wait_sec || (known && strcmp(known, *etag) != 0))
            return NULL;
        known = apr_pstrdup(r->pool, *etag);
        if (sgn_clock_monotonic() + pause > until) {
            *answer = NULL;
            return NULL;
        }
        apr_pool_destroy(pool);
        apr_sleep(pause);
        if (pause < 500000)
            pause += 50000;
    }
}

static int is_unchanged(const sgn_ask_t *ask, const char *etag)
{
    const char *known = apr_table_get(ask->r->headers_in, "If-None-Match");

    return known && etag && strcmp(known, etag) == 0;
}

static sgn_error_t *run_waiting(int *result, sgn_ask_t *ask, const sgn_wire_message_t *request)
{
    request_rec *r = ask->r;
    sgn_wire_message_t *answer;
    const char *etag;

    if (ask->wait_sec && !sgn_gauge_enter(ask->shared->gauge, SGN_GAUGE_WAITING, WAITERS, r->pool))
        ask->wait_sec = 0;      /* too many wait already: tell the state of now */
    SGN_TRY(wait_for(&answer, &etag, ask, request));
    if (!answer) {
        *result = sgn_answer_empty(r, HTTP_NO_CONTENT);
        return NULL;
    }
    if (etag && !json_object_get(answer->json, "code")) {
        apr_table_setn(r->err_headers_out, "ETag", etag);
        if (!ask->wait_sec && is_unchanged(ask, etag)) {
            *result = sgn_answer_empty(r, HTTP_NOT_MODIFIED);
            return NULL;
        }
    }
    *result = sgn_answer_send(r, answer);
    return NULL;
}

sgn_error_t *sgn_ask_run(int *result, sgn_ask_t *ask)
{
    request_rec *r = ask->r;
    sgn_wire_message_t request, *answer;
    json_t *body;

    SGN_TRY(make_request(&request, ask));
    if (ask->route->flags & SGN_API_WAIT)
        return run_waiting(result, ask, &request);
    SGN_TRY(sgn_keeper_client_ask(&answer, ask->shared->socket_path, &request, ask->route->flags & SGN_API_RETRY,
                                  ask->body->count || ask->route->body != SGN_API_NONE ? DOCUMENT_WAIT : ANSWER_WAIT, r->pool));
    body = json_object_get(answer->json, "body");
    if ((ask->route->flags & SGN_API_TOKEN) && json_is_object(body))
        sgn_json_set_str(body, "csrf", sgn_origin_token(r->user, ask->shared->secret, r->pool));
    *result = sgn_answer_send(r, answer);
    return NULL;
}
