/*
 * api.h: the routes of the module, one ordered table: what the outside calls
 * and which operation of the keeper answers.
 *
 * A pattern is a path below /signvn; {name} matches one segment of letters,
 * digits and . _ ~ : - and becomes the argument `name` of the operation.
 *
 * Not checked here: who the caller is (handler.c by `auth`; the keeper by its
 * own access rule of the operation, which alone counts).
 */
#ifndef SGN_HTTPD_API_H
#define SGN_HTTPD_API_H

#include <apr_tables.h>

#include "base/error.h"

typedef enum {
    SGN_API_NONE,           /* no body is read */
    SGN_API_JSON,           /* a JSON object or nothing */
    SGN_API_DOCUMENT,       /* the document itself, multipart or JSON */
    SGN_API_MULTIPART,      /* multipart with a JSON part, or JSON alone */
    SGN_API_AGENT           /* JSON and the header SignVN-Proof */
} sgn_api_body_t;

typedef enum { SGN_API_ANYONE, SGN_API_USER, SGN_API_DESK } sgn_api_auth_t;

enum {
    SGN_API_RETRY = 1,      /* may be asked twice when the keeper went away */
    SGN_API_WAIT = 2,       /* takes ?wait=SECONDS */
    SGN_API_TOKEN = 4,      /* the answer gets the token of the caller's pages */
    SGN_API_SIGNING = 8     /* counts against the room reserved for signing */
};

typedef struct {
    const char *method, *pattern, *operation;
    sgn_api_body_t body;
    sgn_api_auth_t auth;
    int flags;
    const char *json_part;  /* MULTIPART: name of the JSON part */
} sgn_api_route_t;

const sgn_api_route_t *sgn_api_routes(int *count);

/* path: below /signvn, decoded.  HEAD finds GET.  SGN_NOT_FOUND; SGN_METHOD
 * with *allow set to the methods there are ("GET, POST").  args gets the
 * placeholders. */
sgn_error_t *sgn_api_find(const sgn_api_route_t **out, const char **allow,
                          const char *method, const char *path,
                          apr_table_t *args, apr_pool_t *pool);

#endif
