/*
 * origin.h: does a request express the user's will, or only his browser's
 * habit of sending credentials (THREATS A6, B17)?
 *
 * A state-changing request that shows a browser (Sec-Fetch-Site, Origin or a
 * cookie) must come from this server's own origin and carry the token of
 * GET /session.  Only `Authorization: Bearer` is exempt.  The Host header
 * decides nothing here.
 */
#ifndef SGN_HTTPD_ORIGIN_H
#define SGN_HTTPD_ORIGIN_H

#include <httpd.h>

#include "base/error.h"

/* NULL or SGN_CSRF. */
sgn_error_t *sgn_origin_check(request_rec *r, const unsigned char *secret, const char *configured);
/* The token for pages of this user; 43 characters. */
const char *sgn_origin_token(const char *user, const unsigned char *secret, apr_pool_t *pool);
/* "https://host[:port]" of this server. */
const char *sgn_origin_own(request_rec *r, const char *configured);

#endif
