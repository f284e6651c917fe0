#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include <curl/curl.h>

#include "agent/outcome.h"
#include "agent/platform.h"

typedef struct {
    const sgn_http_request_t *request;
    sgn_http_answer_t *answer;
    CURL *curl;
    int too_much;
    int64_t ticked;
} exchange_t;

static size_t take(char *data, size_t one, size_t count, void *context)
{
    exchange_t *exchange = context;
    const sgn_http_request_t *request = exchange->request;
    size_t n = one * count;
    long status = 0;

    curl_easy_getinfo(exchange->curl, CURLINFO_RESPONSE_CODE, &status);
    /* only the document itself goes to the file; a refusal is JSON */
    if (request->fd >= 0 && status == 200) {
        exchange->answer->received += (int64_t)n;
        if (exchange->answer->received > request->fd_limit) {
            exchange->too_much = 1;
            return 0;
        }
        return sgn_platform_append(request->fd, data, n) ? 0 : n;
    }
    if (request->out_cap - exchange->answer->len < n + 1) {
        exchange->too_much = 1;
        return 0;
    }
    memcpy(request->out + exchange->answer->len, data, n);
    exchange->answer->len += n;
    request->out[exchange->answer->len] = '\0';
    return n;
}

static size_t header(char *line, size_t one, size_t count, void *context)
{
    exchange_t *exchange = context;
    size_t n = one * count;
    char text[128];

    if (n < sizeof text) {
        memcpy(text, line, n);
        text[n] = '\0';
        if (strncasecmp(text, "Date:", 5) == 0) {
            time_t when = curl_getdate(text + 5, NULL);

            exchange->answer->date = when > 0 ? (int64_t)when : 0;
        } else if (strncasecmp(text, "Retry-After:", 12) == 0) {
            int seconds = atoi(text + 12);

            exchange->answer->retry_after = seconds > 0 && seconds <= 300 ? seconds : 0;
        }
    }
    return n;
}

static int progress(void *context, curl_off_t total, curl_off_t now, curl_off_t up_total, curl_off_t up_now)
{
    exchange_t *exchange = context;
    int64_t ticks = sgn_platform_ticks();

    (void)total, (void)now, (void)up_total, (void)up_now;
    if (sgn_platform_stopped() && !exchange->request->urgent)
        return 1;
    if (!exchange->request->tick || ticks - exchange->ticked < 1000)
        return 0;
    exchange->ticked = ticks;
    return exchange->request->tick(exchange->request->context);
}

/* http is for the practice site on this computer only. */
static int allowed(const char *url)
{
    static const char *const local[] = { "http://127.0.0.1", "http://localhost", "http://[::1]" };

    if (strncmp(url, "https://", 8) == 0)
        return 1;
    for (size_t i = 0; i < sizeof local / sizeof local[0]; i++) {
        size_t n = strlen(local[i]);

        if (strncmp(url, local[i], n) == 0 && (url[n] == ':' || url[n] == '/'))
            return 1;
    }
    return 0;
}

static struct curl_slist *headers(const sgn_http_request_t *request)
{
    struct curl_slist *list = NULL;
    size_t cap = strlen(request->proof) + 32;
    char *line = malloc(cap), language[32];

    if (!line)
        return NULL;
    snprintf(line, cap, "SignVN-Proof: %s", request->proof);
    list = curl_slist_append(list, line);
    free(line);
    snprintf(language, sizeof language, "Accept-Language: %s", request->language ? request->language : "vi");
    list = curl_slist_append(list, language);
    list = curl_slist_append(list, "Content-Type: application/json");
    list = curl_slist_append(list, "Expect:");
    return list;
}

int sgn_platform_http(sgn_http_answer_t *answer, const sgn_http_request_t *request)
{
    static int started;
    exchange_t exchange = { .request = request, .answer = answer, .ticked = sgn_platform_ticks() };
    char problem[CURL_ERROR_SIZE] = "";
    struct curl_slist *list;
    CURLcode result;
    long status = 0;

    memset(answer, 0, sizeof *answer);
    if (request->out_cap)
        request->out[0] = '\0';
    if (!allowed(request->url))
        return sgn_outcome(SGN_AGENT_SERVER, "only https, or http to this computer");
    if (!started && curl_global_init(CURL_GLOBAL_DEFAULT))
        return sgn_outcome(SGN_INTERNAL, "HTTP client");
    started = 1;
    exchange.curl = curl_easy_init();
    list = headers(request);
    if (!exchange.curl || !list) {
        curl_easy_cleanup(exchange.curl);
        curl_slist_free_all(list);
        return sgn_outcome(SGN_INTERNAL, "HTTP client");
    }
    curl_easy_setopt(exchange.curl, CURLOPT_URL, request->url);
    curl_easy_setopt(exchange.curl, CURLOPT_HTTPHEADER, list);
    curl_easy_setopt(exchange.curl, CURLOPT_PROTOCOLS_STR, "https,http");
    curl_easy_setopt(exchange.curl, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(exchange.curl, CURLOPT_NOPROXY, "localhost,127.0.0.1,::1");
    curl_easy_setopt(exchange.curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(exchange.curl, CURLOPT_CONNECTTIMEOUT, 10L);
    curl_easy_setopt(exchange.curl, CURLOPT_TIMEOUT, (long)request->timeout);
    curl_easy_setopt(exchange.curl, CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2);
    curl_easy_setopt(exchange.curl, CURLOPT_USERAGENT, "signvn-agent/" SGN_VERSION);
    curl_easy_setopt(exchange.curl, CURLOPT_ERRORBUFFER, problem);
    if (request->ca)
        curl_easy_setopt(exchange.curl, CURLOPT_CAINFO, request->ca);
    if (strcmp(request->method, "POST") == 0) {
        curl_easy_setopt(exchange.curl, CURLOPT_POST, 1L);
        curl_easy_setopt(exchange.curl, CURLOPT_POSTFIELDS, request->body);
        curl_easy_setopt(exchange.curl, CURLOPT_POSTFIELDSIZE, (long)request->body_len);
    }
    curl_easy_setopt(exchange.curl, CURLOPT_WRITEFUNCTION, take);
    curl_easy_setopt(exchange.curl, CURLOPT_WRITEDATA, &exchange);
    curl_easy_setopt(exchange.curl, CURLOPT_HEADERFUNCTION, header);
    curl_easy_setopt(exchange.curl, CURLOPT_HEADERDATA, &exchange);
    curl_easy_setopt(exchange.curl, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(exchange.curl, CURLOPT_XFERINFOFUNCTION, progress);
    curl_easy_setopt(exchange.curl, CURLOPT_XFERINFODATA, &exchange);
    result = curl_easy_perform(exchange.curl);
    curl_easy_getinfo(exchange.curl, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_cleanup(exchange.curl);
    curl_slist_free_all(list);
    if (result != CURLE_OK)
        return sgn_outcome(exchange.too_much ? SGN_TOO_LARGE : SGN_AGENT_SERVER, "%s",
                           problem[0] ? problem : curl_easy_strerror(result));
    answer->status = (int)status;
    return SGN_DONE;
}
