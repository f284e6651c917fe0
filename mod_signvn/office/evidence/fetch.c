/* fetch.c: one bounded HTTP request by libcurl. */
#include "office/evidence/fetch.h"

#include <string.h>
#include <strings.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <apr_lib.h>
#include <apr_strings.h>
#include <curl/curl.h>

#include "base/pool.h"

#define URL_MAX 512
#define CONNECT_MS 5000L

sgn_error_t *sgn_fetch_start(apr_pool_t *pool)
{
    if (curl_global_init(CURL_GLOBAL_DEFAULT))
        return SGN_ERROR(pool, SGN_EVIDENCE_FETCH, "libcurl does not start");
    return NULL;
}

static int is_host(const char *text)
{
    struct in_addr address;
    size_t len = strlen(text);

    if (len == 0 || len > 253)
        return 0;
    if (text[0] == '[') {
        if (text[len - 1] != ']')
            return 0;
        for (size_t i = 1; i + 1 < len; i++)
            if (!apr_isxdigit(text[i]) && text[i] != ':' && text[i] != '.')
                return 0;
        return len > 3;
    }
    for (size_t i = 0; i < len; i++)
        if (!apr_isalnum(text[i]) && text[i] != '.' && text[i] != '-')
            return 0;
    /* "127.1" and "2130706433" are addresses to a resolver, not to a reader */
    for (size_t i = 0; i < len; i++)
        if (!apr_isdigit(text[i]) && text[i] != '.')
            return 1;
    return inet_pton(AF_INET, text, &address) == 1;
}

sgn_error_t *sgn_fetch_host(const char **out, const char *url, apr_pool_t *pool)
{
    const char *authority, *end, *colon, *port;
    size_t len = strlen(url);
    char *host;

    for (size_t i = 0; i < len; i++)
        if (url[i] <= ' ' || url[i] >= 0x7f || url[i] == '\\' || url[i] == '#')
            return SGN_ERROR(pool, SGN_EVIDENCE_URL, "character %d", (int)i);
    if (len > URL_MAX)
        return SGN_ERROR(pool, SGN_EVIDENCE_URL, "%lu characters", (unsigned long)len);
    if (!strncasecmp(url, "http://", 7))
        authority = url + 7, port = "80";
    else if (!strncasecmp(url, "https://", 8))
        authority = url + 8, port = "443";
    else
        return SGN_ERROR(pool, SGN_EVIDENCE_URL, "neither http nor https");
    end = authority + strcspn(authority, "/?");
    if (memchr(authority, '@', (size_t)(end - authority)))
        return SGN_ERROR(pool, SGN_EVIDENCE_URL, "user in the address");
    colon = memchr(authority, ']', (size_t)(end - authority));
    colon = memchr(colon ? colon : authority, ':', (size_t)(end - (colon ? colon : authority)));
    if (colon) {
        size_t digits = (size_t)(end - colon - 1);

        if (digits == 0 || digits > 5 || strspn(colon + 1, "0123456789") < digits)
            return SGN_ERROR(pool, SGN_EVIDENCE_URL, "port");
        port = apr_pstrmemdup(pool, colon + 1, digits);
    }
    host = apr_pstrmemdup(pool, authority, (size_t)((colon ? colon : end) - authority));
    if (!is_host(host))
        return SGN_ERROR(pool, SGN_EVIDENCE_URL, "host");
    for (char *p = host; *p; p++)
        *p = (char)apr_tolower(*p);
    *out = apr_pstrcat(pool, host, ":", port, NULL);
    return NULL;
}

static int is_listed(const char *const *hosts, const char *host)
{
    for (int i = 0; hosts && hosts[i]; i++)
        if (!strcasecmp(hosts[i], host))
            return 1;
    return 0;
}

/* ---- after resolution ---------------------------------------------------- */

static int is_inside4(const unsigned char a[4])
{
    return a[0] == 0 || a[0] == 10 || a[0] == 127 || a[0] >= 224
        || (a[0] == 100 && (a[1] & 0xc0) == 64)         /* [RFC 6598] */
        || (a[0] == 169 && a[1] == 254)
        || (a[0] == 172 && (a[1] & 0xf0) == 16)
        || (a[0] == 192 && a[1] == 168)
        || (a[0] == 192 && a[1] == 0 && a[2] == 0)
        || (a[0] == 198 && (a[1] & 0xfe) == 18);
}

static int is_inside6(const unsigned char a[16])
{
    static const unsigned char mapped[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };
    static const unsigned char nat64[12] = { 0, 0x64, 0xff, 0x9b };
    static const unsigned char zero[12];

    if (!memcmp(a, mapped, 12) || !memcmp(a, nat64, 12))
        return is_inside4(a + 12);
    return !memcmp(a, zero, 12)                         /* ::, ::1, ::a.b.c.d */
        || (a[0] & 0xfe) == 0xfc || a[0] == 0xff        /* private, multicast */
        || (a[0] == 0xfe && (a[1] & 0x80))              /* link-local, site-local */
        || (a[0] == 0x20 && a[1] == 0x02);              /* 6to4 hides another address */
}

typedef struct {
    const char *const *hosts;
    sgn_buf_t *buf;
    const char *refused;
    int inner;
    apr_pool_t *pool;
} talk_t;

static int is_allowed(talk_t *talk, const struct sockaddr *address)
{
    char text[INET6_ADDRSTRLEN + 2] = "";
    const char *listed;
    unsigned port;
    int inside;

    if (address->sa_family == AF_INET) {
        const struct sockaddr_in *in = (const void *)address;

        inside = is_inside4((const unsigned char *)&in->sin_addr);
        inet_ntop(AF_INET, &in->sin_addr, text, sizeof text);
        port = ntohs(in->sin_port);
        listed = apr_psprintf(talk->pool, "%s:%u", text, port);
    }
    else if (address->sa_family == AF_INET6) {
        const struct sockaddr_in6 *in = (const void *)address;

        inside = is_inside6((const unsigned char *)&in->sin6_addr);
        inet_ntop(AF_INET6, &in->sin6_addr, text, sizeof text);
        port = ntohs(in->sin6_port);
        listed = apr_psprintf(talk->pool, "[%s]:%u", text, port);
    }
    else
        return 0;
    if (!inside || talk->inner || is_listed(talk->hosts, listed))
        return 1;
    talk->refused = listed;
    return 0;
}

static curl_socket_t open_socket(void *baton, curlsocktype purpose, struct curl_sockaddr *address)
{
    if (purpose != CURLSOCKTYPE_IPCXN || !is_allowed(baton, &address->addr))
        return CURL_SOCKET_BAD;
    return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

static size_t take(char *data, size_t size, size_t count, void *baton)
{
    talk_t *talk = baton;

    sgn_buf_add(talk->buf, data, size * count);
    return talk->buf->full ? 0 : size * count;
}

static void free_list(void *list)
{
    curl_slist_free_all(list);
}

static void set_options(CURL *curl, talk_t *talk, const sgn_fetch_t *request, struct curl_slist *headers)
{
    curl_easy_setopt(curl, CURLOPT_URL, request->url);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(curl, CURLOPT_DISALLOW_USERNAME_IN_URL, 1L);
    curl_easy_setopt(curl, CURLOPT_PATH_AS_IS, 1L);
    /* an empty string, not NULL: NULL would ask the environment */
    curl_easy_setopt(curl, CURLOPT_PROXY, "");
    curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");
    curl_easy_setopt(curl, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)apr_time_as_msec(request->wait));
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, CONNECT_MS);
    curl_easy_setopt(curl, CURLOPT_MAXFILESIZE_LARGE, (curl_off_t)request->limit);
    curl_easy_setopt(curl, CURLOPT_OPENSOCKETFUNCTION, open_socket);
    curl_easy_setopt(curl, CURLOPT_OPENSOCKETDATA, talk);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, talk);
    curl_easy_setopt(curl, CURLOPT_USERAGENT, "signvn");
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    if (request->body.len) {
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, request->body.data);
        curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body.len);
    }
}

static struct curl_slist *make_headers(const sgn_fetch_t *request, apr_pool_t *pool)
{
    /* Expect would cost a round trip */
    struct curl_slist *headers = curl_slist_append(NULL, "Expect:");

    if (headers && request->content_type)
        curl_slist_append(headers, apr_pstrcat(pool, "Content-Type: ", request->content_type, NULL));
    return headers;
}

sgn_error_t *sgn_fetch(sgn_bytes_t *out, const sgn_fetch_t *request, const char *const *hosts, apr_pool_t *pool)
{
    talk_t talk = { .hosts = hosts, .inner = request->inner, .pool = pool };
    struct curl_slist *headers;
    const char *host;
    CURLcode rc;
    CURL *curl;
    long status = 0;

    SGN_TRY(sgn_fetch_host(&host, request->url, pool));
    if (!is_listed(hosts, host))
        return SGN_ERROR(pool, SGN_EVIDENCE_HOST, "%s", host);
    if (request->wait <= 0)
        return SGN_ERROR(pool, SGN_EVIDENCE_FETCH, "%s: no time left", host);
    curl = curl_easy_init();
    SGN_OWN(pool, curl, curl_easy_cleanup);
    headers = make_headers(request, pool);
    sgn_pool_own(pool, headers, free_list);
    if (!curl || !headers)
        return SGN_ERROR(pool, SGN_EVIDENCE_FETCH, "no memory");
    talk.buf = sgn_buf_make(request->limit, pool);
    set_options(curl, &talk, request, headers);
    rc = curl_easy_perform(curl);
    if (talk.refused)
        return SGN_ERROR(pool, SGN_EVIDENCE_HOST, "%s is the inner address %s", host, talk.refused);
    if (rc != CURLE_OK)
        return SGN_ERROR(pool, SGN_EVIDENCE_FETCH, "%s: %s", host, curl_easy_strerror(rc));
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    if (status != 200)
        return SGN_ERROR(pool, SGN_EVIDENCE_FETCH, "%s answered %ld", host, status);
    return sgn_buf_bytes(out, talk.buf);
}
