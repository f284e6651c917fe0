/* problem.c: problem details [RFC 9457, 3]. */
#include "httpd/problem.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <apr_strings.h>
#include <http_core.h>
#include <http_log.h>
#include <http_protocol.h>
#include <http_request.h>
#include <util_filter.h>

#include "httpd/answer.h"
#include "httpd/mod_signvn.h"

APLOG_USE_MODULE(signvn);

const char *sgn_problem_language(request_rec *r)
{
    const char *header = apr_table_get(r->headers_in, "Accept-Language");
    double best_vi = -1, best_en = -1;
    char *list, *state;

    if (!header || strlen(header) > 1000)
        return "vi";
    list = apr_pstrdup(r->pool, header);
    for (char *one = apr_strtok(list, ",", &state); one; one = apr_strtok(NULL, ",", &state)) {
        const char *q = strstr(one, "q=");
        double weight = q ? strtod(q + 2, NULL) : 1;

        while (*one == ' ' || *one == '\t')
            one++;
        if (strncasecmp(one, "vi", 2) == 0 && strchr("-; ", one[2]) && weight > best_vi)
            best_vi = weight;
        if (strncasecmp(one, "en", 2) == 0 && strchr("-; ", one[2]) && weight > best_en)
            best_en = weight;
    }
    return best_en > 0 && best_en > best_vi ? "en" : "vi";
}

/* What happened: the first sentence of a row's text. */
static const char *first_sentence(const char *text, apr_pool_t *pool)
{
    const char *end = strstr(text, ". ");

    return end ? apr_pstrmemdup(pool, text, (apr_size_t)(end - text)) : text;
}

static int is_english(request_rec *r)
{
    return strcmp(sgn_problem_language(r), "en") == 0;
}

static json_t *make_problem(request_rec *r, const sgn_code_row_t *row, const char *code, int status, const char *detail)
{
    json_t *body = sgn_json_object(r->pool);
    int english = is_english(r);

    sgn_json_set_str(body, "type", apr_pstrcat(r->pool, "urn:signvn:problem:", code, NULL));
    sgn_json_set_str(body, "title", first_sentence(english ? row->en : row->vi, r->pool));
    sgn_json_set_int(body, "status", status);
    sgn_json_set_str(body, "detail", detail ? detail : english ? row->en : row->vi);
    sgn_json_set_str(body, "code", code);
    sgn_json_set_str(body, "vi", row->vi);
    sgn_json_set_str(body, "en", row->en);
    return body;
}

int sgn_problem_send(request_rec *r, const char *code, int status, const char *detail, json_t *findings)
{
    const sgn_code_row_t *row = sgn_error_find(code);
    json_t *body;

    if (!row)
        row = sgn_error_row(SGN_INTERNAL);
    if (status < 400 || status > 599)
        status = row->status ? row->status : HTTP_INTERNAL_SERVER_ERROR;
    body = make_problem(r, row, code, status, detail);
    sgn_json_set(body, "findings", findings);
    if (status == HTTP_SERVICE_UNAVAILABLE && !apr_table_get(r->err_headers_out, "Retry-After"))
        apr_table_setn(r->err_headers_out, "Retry-After", "2");
    if (status == HTTP_UNAUTHORIZED && ap_auth_type(r))
        ap_note_auth_failure(r);
    apr_table_setn(r->err_headers_out, "Content-Language", is_english(r) ? "en" : "vi");
    return sgn_answer_json(r, status, "application/problem+json", body);
}

int sgn_problem_send_error(request_rec *r, const sgn_error_t *error)
{
    const sgn_code_row_t *row = sgn_error_row(error->code);

    if (row->status >= 500)
        ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, r, "signvn: %s", sgn_error_chain(error, r->pool));
    else
        ap_log_rerror(APLOG_MARK, APLOG_INFO, 0, r, "signvn: %s", sgn_error_chain(error, r->pool));
    /* What went wrong inside is for the log; what the caller sent is for him. */
    return sgn_problem_send(r, row->name, 0, row->status == 500 ? NULL : error->detail, NULL);
}

/* ---- errors that httpd itself tells at our addresses ------------------------ */

#define FILTER "SIGNVN_PROBLEM"

/* What httpd would have said is dropped; the problem is said instead. */
static apr_status_t replace(ap_filter_t *filter, apr_bucket_brigade *brigade)
{
    request_rec *r = filter->r;
    const char *text = filter->ctx;
    int ended = 0;

    for (apr_bucket *bucket = APR_BRIGADE_FIRST(brigade); bucket != APR_BRIGADE_SENTINEL(brigade); bucket = APR_BUCKET_NEXT(bucket))
        ended |= APR_BUCKET_IS_EOS(bucket);
    apr_brigade_cleanup(brigade);
    if (text) {
        ap_set_content_type(r, "application/problem+json; charset=utf-8");
        ap_set_content_length(r, (apr_off_t)strlen(text));
        APR_BRIGADE_INSERT_TAIL(brigade, apr_bucket_pool_create(text, strlen(text), r->pool, brigade->bucket_alloc));
        filter->ctx = NULL;
    }
    if (ended) {
        APR_BRIGADE_INSERT_TAIL(brigade, apr_bucket_eos_create(brigade->bucket_alloc));
        ap_remove_output_filter(filter);
    }
    return ap_pass_brigade(filter->next, brigade);
}

void sgn_problem_register(void)
{
    ap_register_output_filter(FILTER, replace, NULL, AP_FTYPE_CONTENT_SET);
}

void sgn_problem_instead(request_rec *r)
{
    static const struct { int status; sgn_code_t code; } codes[] = {
        { HTTP_UNAUTHORIZED, SGN_AUTH_REQUIRED }, { HTTP_FORBIDDEN, SGN_ACCESS_DENIED }, { HTTP_NOT_FOUND, SGN_NOT_FOUND },
        { HTTP_METHOD_NOT_ALLOWED, SGN_METHOD }, { HTTP_REQUEST_ENTITY_TOO_LARGE, SGN_TOO_LARGE }, { HTTP_BAD_REQUEST, SGN_ENCODING },
        { HTTP_REQUEST_TIME_OUT, SGN_BODY_CUT },
    };
    sgn_code_t code = SGN_INTERNAL;
    const sgn_code_row_t *row;

    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++)
        if (codes[i].status == r->status)
            code = codes[i].code;
    /* ranges and preconditions have no code of ours */
    if (code == SGN_INTERNAL && r->status < 500)
        return;
    row = sgn_error_row(code);
    ap_add_output_filter(FILTER, (void *)sgn_json_print(make_problem(r, row, row->name, r->status, NULL), r->pool), r, r->connection);
}
