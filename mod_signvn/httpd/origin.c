/* origin.c: same origin and token. */
#include "httpd/origin.h"

#include <string.h>
#include <strings.h>

#include <apr_strings.h>
#include <http_core.h>
#include <http_protocol.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "base/buf.h"

#define SECRET_BYTES 32

const char *sgn_origin_token(const char *user, const unsigned char *secret, apr_pool_t *pool)
{
    const char *text = apr_pstrcat(pool, "signvn-csrf:", user ? user : "", NULL);
    unsigned char mac[EVP_MAX_MD_SIZE];
    unsigned len = 0;

    if (!HMAC(EVP_sha256(), secret, SECRET_BYTES, (const unsigned char *)text, strlen(text), mac, &len))
        return NULL;
    return sgn_bytes_base64url(sgn_bytes(mac, len), pool);
}

/* ServerName with the scheme and port of this connection: what the
 * administrator wrote, never what the client sent. */
const char *sgn_origin_own(request_rec *r, const char *configured)
{
    const char *scheme = ap_http_scheme(r), *host = r->server->server_hostname;
    apr_port_t port = r->server->port ? r->server->port : r->connection->local_addr->port;

    if (configured)
        return configured;
    if (port == ap_default_port(r))
        return apr_pstrcat(r->pool, scheme, "://", host, NULL);
    return apr_psprintf(r->pool, "%s://%s:%u", scheme, host, (unsigned)port);
}

sgn_error_t *sgn_origin_check(request_rec *r, const unsigned char *secret, const char *configured)
{
    const char *site = apr_table_get(r->headers_in, "Sec-Fetch-Site");
    const char *origin = apr_table_get(r->headers_in, "Origin");
    const char *cookie = apr_table_get(r->headers_in, "Cookie");
    const char *authorization = apr_table_get(r->headers_in, "Authorization");
    const char *given = apr_table_get(r->headers_in, "X-SignVN-CSRF"), *token;

    if (r->method_number == M_GET)
        return NULL;
    if (authorization && strncasecmp(authorization, "Bearer ", 7) == 0)
        return NULL;
    if (!site && !origin && !cookie)
        return NULL;
    if (site && strcmp(site, "same-origin") != 0)
        return SGN_ERROR(r->pool, SGN_CSRF, "the request comes from another site");
    if (origin && strcasecmp(origin, sgn_origin_own(r, configured)) != 0)
        return SGN_ERROR(r->pool, SGN_CSRF, "the request comes from another origin than %s", sgn_origin_own(r, configured));
    token = sgn_origin_token(r->user, secret, r->pool);
    if (!given || !token || strlen(given) != strlen(token) || CRYPTO_memcmp(given, token, strlen(token)) != 0)
        return SGN_ERROR(r->pool, SGN_CSRF, "X-SignVN-CSRF is missing or of another session");
    return NULL;
}
