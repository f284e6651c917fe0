/*
 * body.h: the body of a request, read once, within limits, into JSON and spool
 * files as the route says.
 *
 * What can be refused by headers is refused before the first byte: secrecy,
 * media type, size, quota.  After an error the connection is closed instead
 * of reading the rest.
 */
#ifndef SGN_HTTPD_BODY_H
#define SGN_HTTPD_BODY_H

#include <httpd.h>

#include "base/json.h"
#include "httpd/api.h"
#include "httpd/spool.h"

#define SGN_BODY_DOCUMENTS 100
#define SGN_BODY_JSON (1 << 20)

typedef struct {
    json_t *json;                       /* NULL: none came */
    const char *sha256;                 /* hex of the whole body, AGENT only */
    sgn_spool_t *documents[SGN_BODY_DOCUMENTS];
    int count;
} sgn_body_t;

/* Does a body follow? */
int sgn_body_announced(request_rec *r);
/* SGN_SECRECY_REFUSED unless the header SignVN-Secrecy is absent or "none". */
sgn_error_t *sgn_body_check_secrecy(request_rec *r);
sgn_error_t *sgn_body_read(sgn_body_t **out, request_rec *r, const sgn_api_route_t *route, sgn_spool_place_t *place);

#endif
