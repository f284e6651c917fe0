/* test_evidence.c: what is asked of whom, and what is kept.  A13, B24, T5. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <apr_strings.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/pool.h"
#include "office/evidence/evidence.h"
#include "office/evidence/evidence_cache.h"
#include "office/evidence/fetch.h"
#include "t/unit/tap.h"
#include "t/unit/scratch.h"

#define KEY_OCSP "ocsp:1111111111111111111111111111111111111111111111111111111111111111"
#define KEY_CRL "crl:2222222222222222222222222222222222222222222222222222222222222222"

/* ---- a server that answers by path, one request per connection ------------ */

static int listener, port, hits;
static const char *volatile body = "answer";

static void serve(int fd)
{
    char in[4096], out[8192];
    ssize_t got = read(fd, in, sizeof in - 1);
    const char *status = "200 OK", *more = "", *text = body;
    int len;

    if (got <= 0)
        return;
    in[got] = '\0';
    hits++;
    if (strstr(in, " /redirect ")) {
        status = "302 Found";
        more = "Location: /answer\r\n";
    }
    else if (strstr(in, " /error "))
        status = "500 No";
    else if (strstr(in, " /slow "))
        sleep(1);
    else if (strstr(in, " /echo "))
        text = strstr(in, "\r\n\r\n") ? strstr(in, "\r\n\r\n") + 4 : "";
    len = apr_snprintf(out, sizeof out, "HTTP/1.1 %s\r\nContent-Length: %d\r\n%sConnection: close\r\n\r\n%s", status,
                       (int)strlen(text), more, text);
    if (write(fd, out, (size_t)len) < 0)
        return;
}

static void *serve_all(void *unused)
{
    int fd;

    (void)unused;
    while ((fd = accept(listener, NULL, NULL)) >= 0) {
        serve(fd);
        close(fd);
    }
    return NULL;
}

static void start(void)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t len = sizeof address;
    pthread_t thread;

    listener = socket(AF_INET, SOCK_STREAM, 0);
    if (bind(listener, (void *)&address, sizeof address) || listen(listener, 16) || getsockname(listener, (void *)&address, &len)
        || pthread_create(&thread, NULL, serve_all, NULL))
        printf("Bail out! no server\n");
    port = ntohs(address.sin_port);
}

static const char *url(const char *path)
{
    return apr_psprintf(tap_pool(), "http://127.0.0.1:%d%s", port, path);
}

/* ---- addresses ------------------------------------------------------------ */

static void addresses(void)
{
    static const char *const bad[] = { "ftp://ca.gov.vn/a", "http://user@ca.gov.vn/", "http://ca.gov.vn#@evil/", "http://ca.gov.vn\\@evil/", "http://127.1/",
                                       "http://2130706433/", "http://ca.gov.vn:99999999/", "http:///a", "http://ca.gov.vn/\r\nX: y", "http://[::1/", "file:///etc/passwd",
                                       "http://ca gov.vn/", "http://0x7f000001.1:x/" };
    const char *host;

    is_code(sgn_fetch_host(&host, "http://CA.gov.vn/crl", tap_pool()), SGN_OK, "fetch: an address");
    is(host, "ca.gov.vn:80", "fetch: host and port, lower case");
    is_code(sgn_fetch_host(&host, "https://ca.gov.vn?x=1", tap_pool()), SGN_OK, "fetch: https");
    is(host, "ca.gov.vn:443", "fetch: its port");
    is_code(sgn_fetch_host(&host, "http://[::1]:8080/", tap_pool()), SGN_OK, "fetch: IPv6");
    is(host, "[::1]:8080", "fetch: its port");
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        is_code(sgn_fetch_host(&host, bad[i], tap_pool()), SGN_EVIDENCE_URL, apr_psprintf(tap_pool(), "T5: no such address (%d)", (int)i));
}

static sgn_code_t fetch(const char *address, const char *listed, size_t limit, double seconds)
{
    const char *hosts[] = { listed, NULL };
    sgn_fetch_t request = { .url = address, .limit = limit, .wait = (apr_interval_time_t)(seconds * 1e6) };
    sgn_bytes_t out;
    sgn_error_t *error = sgn_fetch(&out, &request, hosts, tap_pool());

    if (error)
        printf("# %s\n", error->detail);
    return error ? error->code : SGN_OK;
}

static void fetches(void)
{
    const char *here = apr_psprintf(tap_pool(), "127.0.0.1:%d", port);
    const char *named = apr_psprintf(tap_pool(), "localhost:%d", port);
    int before;

    is_int(fetch(url("/answer"), here, 1000, 5), SGN_OK, "fetch: a listed host answers");
    is_int(fetch(url("/answer"), "127.0.0.1:1", 1000, 5), SGN_EVIDENCE_HOST, "A13: another port is not listed");
    is_int(fetch(url("/answer"), NULL, 1000, 5), SGN_EVIDENCE_HOST, "A13: an empty list is no network");
    is_int(fetch(apr_psprintf(tap_pool(), "http://localhost:%d/answer", port), named, 1000, 5), SGN_EVIDENCE_HOST, "A13: a listed name that leads inside is refused");
    is_int(fetch(url("/answer"), here, 3, 5), SGN_EVIDENCE_FETCH, "fetch: more than the limit");
    is_int(fetch(url("/error"), here, 1000, 5), SGN_EVIDENCE_FETCH, "fetch: the server fails");
    before = hits;
    is_int(fetch(url("/redirect"), here, 1000, 5), SGN_EVIDENCE_FETCH, "A13: a redirect is not followed");
    is_int(hits - before, 1, "A13: ... not even asked");
    is_int(fetch(url("/slow"), here, 1000, 0.3), SGN_EVIDENCE_FETCH, "fetch: too slow");
    setenv("http_proxy", "http://127.0.0.1:1", 1);
    setenv("all_proxy", "http://127.0.0.1:1", 1);
    sleep(1);   /* the slow answer above still holds the server */
    is_int(fetch(url("/answer"), here, 1000, 5), SGN_OK, "T5: a proxy of the environment is not asked");
    unsetenv("http_proxy");
    unsetenv("all_proxy");
}

/* ---- the cache ------------------------------------------------------------ */

static sgn_evidence_cache_entry_t entry(const char *kind, const char *key, long from, const char *number, const char *data)
{
    return (sgn_evidence_cache_entry_t){ .kind = kind, .key = key, .this_update = sgn_clock_now() + apr_time_from_sec(from), .number = number,
                                         .next_update = sgn_clock_now() + apr_time_from_sec(86400), .received = sgn_clock_now(), .data = sgn_bytes_str(data) };
}

static void keeps(int root)
{
    sgn_evidence_cache_entry_t first = entry("crl", KEY_CRL, -100, "10", "first"), *found;
    sgn_evidence_cache_t *cache;

    is_code(sgn_evidence_cache_make(&cache, root, tap_pool()), SGN_OK, "cache: made");
    is_code(sgn_evidence_cache_find(&found, cache, "crl", KEY_CRL, tap_pool()), SGN_OK, "cache: asked");
    ok(!found, "cache: nothing yet");
    is_code(sgn_evidence_cache_put(cache, &first, tap_pool()), SGN_OK, "cache: the first list");
    first = entry("crl", KEY_CRL, -200, "11", "older");
    is_code(sgn_evidence_cache_put(cache, &first, tap_pool()), SGN_EVIDENCE_OLDER, "B24: an older thisUpdate replaces nothing");
    first = entry("crl", KEY_CRL, -50, "F", "lower");
    is_code(sgn_evidence_cache_put(cache, &first, tap_pool()), SGN_EVIDENCE_OLDER, "B24: a lower CRL number replaces nothing");
    first = entry("crl", KEY_CRL, -50, "11", "newer");
    is_code(sgn_evidence_cache_put(cache, &first, tap_pool()), SGN_OK, "cache: a newer one does");
    (void)!sgn_evidence_cache_find(&found, cache, "crl", KEY_CRL, tap_pool());
    ok(found && sgn_bytes_equal(found->data, sgn_bytes_str("newer")) && !strcmp(found->number, "11"), "cache: the newer one is there");
    is_code(sgn_evidence_cache_find(&found, cache, "crl", "crl:../../../etc/passwd", tap_pool()), SGN_FIELD, "B29: a key is no path");
    is_code(sgn_evidence_cache_find(&found, cache, "ocsp", KEY_CRL, tap_pool()), SGN_FIELD, "cache: a key of another kind");
    is_code(sgn_file_write(root, "evidence/crl-2222222222222222222222222222222222222222222222222222222222222222", sgn_bytes_str("damaged"), 0600, tap_pool()), SGN_OK,
            "cache: the file is damaged");
    is_code(sgn_evidence_cache_find(&found, cache, "crl", KEY_CRL, tap_pool()), SGN_OK, "cache: ... that is no error");
    ok(!found, "cache: ... but nothing is there");
}

/* ---- the room ------------------------------------------------------------- */

static int judged;
static sgn_code_t judge_says;
static long judge_from = -10;

static sgn_error_t *judge(json_t **answer, void *baton, const char *task, json_t *args, apr_pool_t *pool)
{
    (void)baton;
    judged++;
    if (strcmp(task, "admit") || !json_object_get(args, "data") || !json_object_get(args, "now"))
        return SGN_ERROR(pool, SGN_FIELD, "arguments");
    if (judge_says)
        return SGN_ERROR(pool, judge_says, "as told");
    *answer = sgn_json_object(pool);
    sgn_json_set_str(*answer, "thisUpdate", sgn_clock_print(sgn_clock_now() + apr_time_from_sec(judge_from), pool));
    sgn_json_set_str(*answer, "nextUpdate", sgn_clock_print(sgn_clock_now() + apr_time_from_sec(86400), pool));
    return NULL;
}

static json_t *miss(const char *ocsp_path, const char *crl_path)
{
    const char *const kinds[] = { "ocsp", "crl" }, *const keys[] = { KEY_OCSP, KEY_CRL }, *const paths[] = { ocsp_path, crl_path };
    json_t *list = sgn_json_array(tap_pool());

    for (int i = 0; i < 2; i++) {
        json_t *row = sgn_json_object(tap_pool()), *urls = sgn_json_array(tap_pool());

        if (!paths[i])
            continue;
        sgn_json_set_str(row, "kind", kinds[i]);
        sgn_json_set_str(row, "key", keys[i]);
        json_array_append_new(urls, json_string(url(paths[i])));
        sgn_json_set(row, "urls", urls);
        sgn_json_set_str(row, "issuer", "aXNzdWVy");
        sgn_json_set_str(row, "certificate", "Y2VydA==");
        sgn_json_set_bytes(row, "request", sgn_bytes_str("question"), tap_pool());
        json_array_append(list, row);
    }
    return list;
}

static sgn_evidence_budget_t budget;
static json_t *have, *problems;

static int get(sgn_evidence_t *evidence, json_t *missing)
{
    int count = -1;

    have = sgn_json_array(tap_pool());
    problems = sgn_json_array(tap_pool());
    sgn_evidence_budget(&budget, apr_time_from_sec(5), tap_pool());
    if (sgn_evidence_fetch(&count, have, problems, evidence, missing, &budget, judge, NULL, tap_pool()))
        return -1;
    return count;
}

static const char *kind(int i)
{
    return json_string_value(json_object_get(json_array_get(have, (size_t)i), "kind"));
}

static const char *problem(int i)
{
    return json_string_value(json_object_get(json_array_get(problems, (size_t)i), "code"));
}

static void room(int root)
{
    json_t *json = sgn_json_object(tap_pool()), *server = sgn_json_object(tap_pool()), *hosts = sgn_json_array(tap_pool());
    sgn_evidence_t *evidence;
    sgn_config_t *config;
    sgn_bytes_t reply;
    int count, before;

    sgn_json_set_int(json, "v", 1);
    sgn_json_set_str(json, "build", SGN_BUILD);
    sgn_json_set_int(json, "generation", 1);
    sgn_json_set_int(json, "httpd_uid", 0);
    json_array_append_new(hosts, json_string(apr_psprintf(tap_pool(), "127.0.0.1:%d", port)));
    sgn_json_set(server, "SignVNEvidenceHosts", hosts);
    sgn_json_set_str(server, "SignVNTimestamp", apr_psprintf(tap_pool(), "http://localhost:%d/echo", port));
    sgn_json_set(json, "server", server);
    sgn_json_set(json, "agencies", sgn_json_array(tap_pool()));
    if (!is_code(sgn_config_decode(&config, json, tap_pool()), SGN_OK, "evidence: a configuration")
        || !is_code(sgn_evidence_make(&evidence, config, root, tap_pool()), SGN_OK, "evidence: the room"))
        return;

    is_int(get(evidence, miss("/answer", "/answer")), 1, "evidence: OCSP answers, the list is not asked for");
    is(kind(0), "ocsp", "evidence: ... OCSP it is");
    (void)!sgn_evidence_find(&count, have = sgn_json_array(tap_pool()), evidence, miss("/answer", NULL), SGN_EVIDENCE_YOUNG_LOOK, tap_pool());
    is_int(count, 1, "evidence: found again, young");
    (void)!sgn_evidence_find(&count, have = sgn_json_array(tap_pool()), evidence, miss("/answer", NULL), SGN_EVIDENCE_YOUNG_SIGN - 1, tap_pool());
    is_int(count, 0, "evidence: not young enough for signing");

    is_int(get(evidence, miss("/error", "/answer")), 1, "evidence: OCSP fails, the list is fetched");
    is(kind(0), "crl", "B24: ... and no old OCSP answer in its place");
    is(problem(0), "evidence.fetch", "evidence: the failure is told");
    before = hits;
    is_int(get(evidence, miss(NULL, "/answer")), 1, "evidence: the list again, at once");
    is_int(hits - before, 0, "evidence: ... from the cache");

    judge_says = SGN_EVIDENCE_BAD;
    is_int(get(evidence, miss("/answer", NULL)), 0, "B24: what the worker refuses is not handed on");
    is(problem(0), "evidence.invalid", "evidence: ... and told");
    judge_says = SGN_OK;
    judge_from = -3600;
    is_int(get(evidence, miss("/answer", NULL)), 0, "B24: what is older than the cache is not handed on");
    is(problem(0), "evidence.older", "evidence: ... and told");
    judge_from = -5;
    (void)get(evidence, miss("/answer", NULL));
    before = judged;
    (void)!sgn_evidence_fetch(&count, sgn_json_array(tap_pool()), NULL, evidence, miss("/answer", NULL), &budget, judge, NULL, tap_pool());
    is_int(judged - before, 0, "evidence: a key is asked for once per document");
    is_int(budget.urls, 15, "evidence: an address is counted");
    sgn_evidence_budget(&budget, apr_time_from_sec(5), tap_pool());
    budget.urls = 0;
    problems = sgn_json_array(tap_pool());
    is_code(sgn_evidence_fetch(&count, sgn_json_array(tap_pool()), problems, evidence, miss("/answer", NULL), &budget, judge, NULL, tap_pool()), SGN_OK, "A13: no address left");
    is(problem(0), "evidence.limit", "A13: ... is told");
    is_code(sgn_evidence_timestamp(&reply, evidence, sgn_bytes_str("question"), tap_pool()), SGN_OK, "evidence: a time-stamp request, to an inner name that the administrator chose");
    ok(sgn_bytes_equal(reply, sgn_bytes_str("question")), "evidence: ... is posted as it is");
}

int main(void)
{
    int root = -1;

    (void)tap_pool();
    start();
    if (sgn_file_root(&root, scratch_dir(), tap_pool()) || sgn_fetch_start(tap_pool()))
        return EXIT_FAILURE;
    addresses();
    fetches();
    keeps(root);
    room(root);
    return done_testing();
}
