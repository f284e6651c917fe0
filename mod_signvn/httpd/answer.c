/* answer.c: status, headers and body of an answer. */
#include "httpd/answer.h"

#include <string.h>
#include <strings.h>

#include <apr_strings.h>
#include <http_core.h>
#include <http_protocol.h>

#include "httpd/content.h"
#include "httpd/problem.h"

/* Headers every answer carries: nothing of ours belongs into a shared cache,
 * into a frame, or into another reading of its type. */
static void guard(request_rec *r)
{
    if (!apr_table_get(r->headers_out, "Cache-Control"))
        apr_table_setn(r->err_headers_out, "Cache-Control", "no-store");
    apr_table_setn(r->err_headers_out, "X-Content-Type-Options", "nosniff");
    apr_table_setn(r->err_headers_out, "Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; sandbox");
    apr_table_setn(r->err_headers_out, "Vary", "Accept, Accept-Language");
}

int sgn_answer_empty(request_rec *r, int status)
{
    guard(r);
    r->status = status;
    if (status >= 400)
        r->connection->keepalive = AP_CONN_CLOSE;
    ap_set_content_length(r, 0);
    return OK;
}

int sgn_answer_json(request_rec *r, int status, const char *type, const json_t *body)
{
    const char *text = body ? sgn_json_print(body, r->pool) : NULL;

    if (!text)
        return sgn_answer_empty(r, status);
    guard(r);
    r->status = status;
    ap_set_content_type(r, apr_pstrcat(r->pool, type, "; charset=utf-8", NULL));
    ap_set_content_length(r, (apr_off_t)strlen(text));
    if (!r->header_only)
        ap_rwrite(text, (int)strlen(text), r);
    return OK;
}

static void headers(request_rec *r, const json_t *given)
{
    static const char *const passed[] = { "Location", "ETag", "Retry-After", "Link", "Content-Language" };
    const char *name;
    json_t *value;

    json_object_foreach((json_t *)given, name, value) {
        const char *text = json_string_value(value);

        if (!text || strpbrk(text, "\r\n"))
            continue;
        for (size_t i = 0; i < sizeof passed / sizeof passed[0]; i++)
            if (strcasecmp(passed[i], name) == 0)
                apr_table_set(r->err_headers_out, passed[i],
                              strcmp(passed[i], "ETag") == 0 && *text != '"' ? apr_pstrcat(r->pool, "\"", text, "\"", NULL) : text);
    }
}

int sgn_answer_send(request_rec *r, const sgn_wire_message_t *answer)
{
    json_t *json = answer->json, *body = json_object_get(json, "body"), *content = json_object_get(json, "content");
    const char *code = json_string_value(json_object_get(json, "code"));
    int status = (int)json_integer_value(json_object_get(json, "status"));

    headers(r, json_object_get(json, "headers"));
    if (code)
        return sgn_problem_send(r, code, status, json_string_value(json_object_get(json, "detail")), json_object_get(json, "findings"));
    if (status < 200 || status > 599)
        return sgn_problem_send(r, sgn_error_row(SGN_WIRE)->name, 0, NULL, NULL);
    if (content)
        return sgn_content_send(r, status, content, answer);
    if (!body || status == HTTP_NO_CONTENT)
        return sgn_answer_empty(r, status);
    return sgn_answer_json(r, status, "application/json", body);
}
