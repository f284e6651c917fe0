/* handler.c: the way of a request through the module. */
#include "httpd/handler.h"

#include <string.h>
#include <strings.h>

#include <apr_strings.h>
#include <http_core.h>
#include <http_log.h>
#include <http_protocol.h>
#include <http_request.h>

#include "httpd/answer.h"
#include "httpd/api.h"
#include "httpd/ask.h"
#include "httpd/body.h"
#include "httpd/directives.h"
#include "httpd/mod_signvn.h"
#include "httpd/origin.h"
#include "httpd/problem.h"
#include "httpd/start.h"

APLOG_USE_MODULE(signvn);

#define BASE "/signvn"
#define UPLOADS_PER_WORKER 8    /* in flight, per class */

/* Ours: below /signvn/v1 or /signvn/agent/v1, where SignVN is on. */
static const char *own_path(request_rec *r)
{
    static const char *const roots[] = { "/v1", "/agent/v1" };
    const char *path;

    if (!r->uri || strncmp(r->uri, BASE "/", sizeof BASE) != 0 || !sgn_directives_is_on(r))
        return NULL;
    path = r->uri + sizeof BASE - 1;
    for (size_t i = 0; i < sizeof roots / sizeof roots[0]; i++) {
        size_t len = strlen(roots[i]);

        if (strncmp(path, roots[i], len) == 0 && (path[len] == '/' || !path[len]))
            return path;
    }
    return NULL;
}

void sgn_handler_error(request_rec *r)
{
    if (own_path(r))
        sgn_problem_instead(r);
}

/* No file stands behind an address of ours: no directory walk, no multiviews. */
int sgn_handler_map(request_rec *r)
{
    return own_path(r) ? OK : DECLINED;
}

static sgn_error_t *check_user(request_rec *r, const sgn_api_route_t *route)
{
    if (route->auth == SGN_API_USER && (!r->user || !*r->user))
        return SGN_ERROR(r->pool, SGN_AUTH_REQUIRED, "no authenticated user");
    if (route->auth == SGN_API_DESK && !apr_table_get(r->headers_in, "SignVN-Proof"))
        return SGN_ERROR(r->pool, SGN_AGENT_PROOF, "the header SignVN-Proof is missing");
    return NULL;
}

/* Room for one more of this class, before its body is read [THREATS A16]. */
static sgn_error_t *enter(request_rec *r, const sgn_api_route_t *route, const sgn_start_shared_t *shared)
{
    sgn_gauge_class_t class_ = route->flags & SGN_API_SIGNING ? SGN_GAUGE_SIGNING : SGN_GAUGE_DOCUMENTS;
    int limit = sgn_directives_values()->workers * UPLOADS_PER_WORKER;

    if (route->body != SGN_API_DOCUMENT && route->body != SGN_API_MULTIPART)
        return NULL;
    if (!sgn_gauge_enter(shared->gauge, class_, limit, r->pool))
        return SGN_ERROR(r->pool, SGN_BUSY, "%d uploads are under way", limit);
    return NULL;
}

static sgn_error_t *handle(int *result, request_rec *r, const char *path, const char **allow)
{
    const sgn_start_shared_t *shared = sgn_start_shared();
    const sgn_directives_values_t *values = sgn_directives_values();
    sgn_ask_t ask = { .r = r, .args = apr_table_make(r->pool, 8), .shared = shared };
    sgn_spool_place_t *place = apr_pcalloc(r->pool, sizeof *place);
    sgn_body_t *body;

    SGN_TRY(sgn_api_find(&ask.route, allow, r->method, path, ask.args, r->pool));
    if (!shared || sgn_gauge_is_down(shared->gauge))
        return SGN_ERROR(r->pool, SGN_KEEPER_ABSENT, "no keeper runs");
    SGN_TRY(check_user(r, ask.route));
    SGN_TRY(sgn_body_check_secrecy(r));
    if (ask.route->auth != SGN_API_DESK)
        SGN_TRY(sgn_origin_check(r, shared->secret, values->origin));
    SGN_TRY(sgn_ask_arguments(&ask));
    SGN_TRY(enter(r, ask.route, shared));
    place->directory = shared->spool_dir;
    place->limit = values->max_document;
    place->quota = values->spool_quota;
    place->gauge = shared->gauge;
    SGN_TRY(sgn_body_read(&body, r, ask.route, place));
    ask.body = body;
    return sgn_ask_run(result, &ask);
}

int sgn_handler_run(request_rec *r)
{
    const char *path = own_path(r), *allow = NULL;
    sgn_error_t *error;
    int result = OK;

    if (!path)
        return DECLINED;
    if (r->main || r->prev)     /* neither an internal redirect nor a subrequest acts for a user */
        return HTTP_NOT_FOUND;
    error = handle(&result, r, path, &allow);
    if (!error)
        return result;
    if (allow)
        apr_table_setn(r->err_headers_out, "Allow", allow);
    /* The rest of a refused body is not read: the connection ends instead. */
    if (sgn_body_announced(r))
        r->connection->keepalive = AP_CONN_CLOSE;
    return sgn_problem_send_error(r, error);
}
