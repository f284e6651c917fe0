/* api.c: the table of routes.  Literal segments stand before placeholders of
 * the same place; the first row that matches counts. */
#include "httpd/api.h"

#include <ctype.h>
#include <string.h>

#include <apr_strings.h>

#include "base/text.h"

#define LONGEST_SEGMENT 200

static const sgn_api_route_t routes[] = {
    { .method = "GET", .pattern = "/v1/health", .operation = "health.get", .auth = SGN_API_ANYONE, .flags = SGN_API_RETRY },
    { .method = "GET", .pattern = "/v1/info", .operation = "info.get", .auth = SGN_API_ANYONE, .flags = SGN_API_RETRY },
    { .method = "GET", .pattern = "/v1/metrics", .operation = "metrics.get", .auth = SGN_API_USER, .flags = SGN_API_RETRY },
    { .method = "GET", .pattern = "/v1/session", .operation = "session.get", .auth = SGN_API_USER, .flags = SGN_API_RETRY | SGN_API_TOKEN },

    { .method = "POST", .pattern = "/v1/validations", .operation = "validations.create", .auth = SGN_API_USER, .body = SGN_API_DOCUMENT, .flags = SGN_API_RETRY },
    { .method = "GET", .pattern = "/v1/validations/{id}/explain", .operation = "validations.explain", .auth = SGN_API_USER, .flags = SGN_API_RETRY },

    { .method = "POST", .pattern = "/v1/jobs", .operation = "jobs.create", .auth = SGN_API_USER, .body = SGN_API_MULTIPART, .json_part = "job", .flags = SGN_API_SIGNING },
    { .method = "GET", .pattern = "/v1/jobs", .operation = "jobs.list", .auth = SGN_API_USER, .flags = SGN_API_RETRY },
    { .method = "GET", .pattern = "/v1/jobs/{id}", .operation = "jobs.get", .auth = SGN_API_USER, .flags = SGN_API_RETRY | SGN_API_WAIT },
    { .method = "DELETE", .pattern = "/v1/jobs/{id}", .operation = "jobs.cancel", .auth = SGN_API_USER, .flags = SGN_API_SIGNING },
    { .method = "GET", .pattern = "/v1/jobs/{id}/documents/{n}", .operation = "jobs.document", .auth = SGN_API_USER, .flags = SGN_API_RETRY },
    { .method = "GET", .pattern = "/v1/jobs/{id}/explain", .operation = "jobs.explain", .auth = SGN_API_USER, .flags = SGN_API_RETRY },
    { .method = "GET", .pattern = "/v1/work", .operation = "work.get", .auth = SGN_API_USER, .flags = SGN_API_RETRY },

    { .method = "GET", .pattern = "/v1/agencies", .operation = "agencies.list", .auth = SGN_API_USER, .flags = SGN_API_RETRY },
    { .method = "GET", .pattern = "/v1/agencies/{id}/policy", .operation = "agencies.policy", .auth = SGN_API_USER, .flags = SGN_API_RETRY },
    { .method = "GET", .pattern = "/v1/people", .operation = "people.list", .auth = SGN_API_USER, .flags = SGN_API_RETRY },
    { .method = "GET", .pattern = "/v1/people/{id}", .operation = "people.get", .auth = SGN_API_USER, .flags = SGN_API_RETRY },
    { .method = "POST", .pattern = "/v1/incidents", .operation = "incidents.create", .auth = SGN_API_USER, .body = SGN_API_JSON, .flags = SGN_API_SIGNING },
    { .method = "POST", .pattern = "/v1/incidents/lift", .operation = "incidents.lift", .auth = SGN_API_USER, .body = SGN_API_JSON },
    { .method = "GET", .pattern = "/v1/registers/{agency}/{year}/{series}", .operation = "registers.get", .auth = SGN_API_USER, .flags = SGN_API_RETRY },

    { .method = "POST", .pattern = "/v1/archive", .operation = "archive.create", .auth = SGN_API_USER, .body = SGN_API_MULTIPART, .json_part = "metadata" },
    { .method = "GET", .pattern = "/v1/archive", .operation = "archive.search", .auth = SGN_API_USER, .flags = SGN_API_RETRY },
    { .method = "GET", .pattern = "/v1/archive/{id}", .operation = "archive.get", .auth = SGN_API_USER, .flags = SGN_API_RETRY },
    { .method = "GET", .pattern = "/v1/archive/{id}/original", .operation = "archive.original", .auth = SGN_API_USER, .flags = SGN_API_RETRY },
    { .method = "GET", .pattern = "/v1/archive/{id}/versions/{n}", .operation = "archive.version", .auth = SGN_API_USER, .flags = SGN_API_RETRY },
    { .method = "GET", .pattern = "/v1/archive/{id}/evidence", .operation = "archive.evidence", .auth = SGN_API_USER, .flags = SGN_API_RETRY },
    { .method = "POST", .pattern = "/v1/archive/{id}/fixity", .operation = "archive.fixity", .auth = SGN_API_USER, .body = SGN_API_JSON, .flags = SGN_API_RETRY },

    { .method = "GET", .pattern = "/v1/backups", .operation = "backups.list", .auth = SGN_API_USER, .flags = SGN_API_RETRY },
    { .method = "POST", .pattern = "/v1/backups", .operation = "backups.create", .auth = SGN_API_USER, .body = SGN_API_JSON },
    { .method = "GET", .pattern = "/v1/backups/{run}", .operation = "backups.get", .auth = SGN_API_USER, .flags = SGN_API_RETRY | SGN_API_WAIT },
    { .method = "POST", .pattern = "/v1/backups/{run}/verify", .operation = "backups.verify", .auth = SGN_API_USER, .body = SGN_API_JSON },
    { .method = "GET", .pattern = "/v1/audit", .operation = "audit.list", .auth = SGN_API_USER, .flags = SGN_API_RETRY },

    { .method = "POST", .pattern = "/agent/v1/enroll/begin", .operation = "agent.enrol_begin", .auth = SGN_API_USER, .body = SGN_API_JSON },
    { .method = "POST", .pattern = "/agent/v1/enroll/confirm", .operation = "agent.enrol_confirm", .auth = SGN_API_USER, .body = SGN_API_JSON },
    { .method = "POST", .pattern = "/agent/v1/enroll", .operation = "agent.enrol", .auth = SGN_API_DESK, .body = SGN_API_AGENT },
    { .method = "POST", .pattern = "/agent/v1/enroll/status", .operation = "agent.enrol_status", .auth = SGN_API_DESK, .body = SGN_API_AGENT },
    { .method = "POST", .pattern = "/agent/v1/credentials", .operation = "agent.credentials", .auth = SGN_API_DESK, .body = SGN_API_AGENT },
    { .method = "POST", .pattern = "/agent/v1/poll", .operation = "agent.poll", .auth = SGN_API_DESK, .body = SGN_API_AGENT },
    { .method = "POST", .pattern = "/agent/v1/claim", .operation = "agent.claim", .auth = SGN_API_DESK, .body = SGN_API_AGENT, .flags = SGN_API_SIGNING },
    { .method = "POST", .pattern = "/agent/v1/progress", .operation = "agent.progress", .auth = SGN_API_DESK, .body = SGN_API_AGENT, .flags = SGN_API_SIGNING },
    { .method = "POST", .pattern = "/agent/v1/result", .operation = "agent.result", .auth = SGN_API_DESK, .body = SGN_API_AGENT, .flags = SGN_API_SIGNING },
    { .method = "POST", .pattern = "/agent/v1/reject", .operation = "agent.reject", .auth = SGN_API_DESK, .body = SGN_API_AGENT, .flags = SGN_API_SIGNING },
    { .method = "GET", .pattern = "/agent/v1/docs/{jobID}/{n}", .operation = "agent.document", .auth = SGN_API_DESK, .body = SGN_API_AGENT },
};
#define ROUTES ((int)(sizeof routes / sizeof routes[0]))

const sgn_api_route_t *sgn_api_routes(int *count)
{
    *count = ROUTES;
    return routes;
}

/* Our identifiers; a series of numbers is a word of the language, as QĐ is. */
static int is_plain(const char *segment, size_t len, int is_word)
{
    if (!len || len > LONGEST_SEGMENT || segment[0] == '.')
        return 0;
    for (size_t i = 0; i < len; i++)
        if (!isalnum((unsigned char)segment[i]) && !strchr("._~:-", segment[i]) && !(is_word && (unsigned char)segment[i] >= 0x80))
            return 0;
    return !is_word || sgn_text_is_utf8(segment, len);
}

/* Segment by segment; args may be NULL when only the match is asked. */
static int matches(const char *pattern, const char *path, apr_table_t *args, apr_pool_t *pool)
{
    while (*pattern == '/' && *path == '/') {
        size_t wanted = strcspn(++pattern, "/"), given = strcspn(++path, "/");

        if (*pattern == '{') {
            if (!is_plain(path, given, strcmp(pattern, "{series}") == 0))
                return 0;
            if (args)
                apr_table_setn(args, apr_pstrmemdup(pool, pattern + 1, wanted - 2), apr_pstrmemdup(pool, path, given));
        }
        else if (wanted != given || memcmp(pattern, path, given) != 0) {
            return 0;
        }
        pattern += wanted;
        path += given;
    }
    return !*pattern && !*path;
}

sgn_error_t *sgn_api_find(const sgn_api_route_t **out, const char **allow,
                          const char *method, const char *path,
                          apr_table_t *args, apr_pool_t *pool)
{
    const char *methods = NULL;

    if (strcmp(method, "HEAD") == 0)
        method = "GET";
    for (int i = 0; i < ROUTES; i++) {
        if (!matches(routes[i].pattern, path, NULL, pool))
            continue;
        if (strcmp(routes[i].method, method) == 0) {
            matches(routes[i].pattern, path, args, pool);
            *out = &routes[i];
            return NULL;
        }
        methods = apr_pstrcat(pool, methods ? methods : "", methods ? ", " : "",
                              strcmp(routes[i].method, "GET") == 0 ? "GET, HEAD" : routes[i].method, NULL);
    }
    if (!methods)
        return SGN_ERROR(pool, SGN_NOT_FOUND, "no such address");
    *allow = methods;
    return SGN_ERROR(pool, SGN_METHOD, "allowed here: %s", methods);
}
