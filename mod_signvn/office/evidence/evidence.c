/* evidence.c: what a worker misses, from the cache or the network. */
#include "office/evidence/evidence.h"

#include <string.h>

#include <apr_strings.h>

#include "base/clock.h"
#include "office/evidence/evidence_cache.h"
#include "office/evidence/fetch.h"

#define URLS 16
#define BYTES ((apr_size_t)64 << 20)
#define CRL_MAX ((size_t)32 << 20)
#define OCSP_MAX ((size_t)256 << 10)
#define STAMP_MAX ((size_t)128 << 10)
#define WAIT_ONE apr_time_from_sec(10)
/* A list is published every few hours: asking twice within one signing job
 * would fetch the same megabytes. */
#define CRL_YOUNG apr_time_from_sec(15)

struct sgn_evidence_t {
    sgn_evidence_cache_t *cache;
    const char *const *hosts;           /* for evidence */
    const char *timestamp_url;          /* NULL: none */
    const char *const *timestamp_hosts;
};

/* One row of `missing`, read and bounded: it comes from an untrusted worker. */
typedef struct {
    const char *kind, *key, *issuer, *certificate, *request;
    json_t *urls;
} wish_t;

static const char *const *copy_hosts(const char *const *list, apr_pool_t *pool)
{
    const char **out;
    int n = 0;

    while (list && list[n])
        n++;
    out = apr_pcalloc(pool, sizeof *out * (size_t)(2 * n + 1));
    for (int i = 0, o = 0; i < n; i++) {
        const char *colon = strrchr(list[i], ':');

        if (colon && (list[i][0] != '[' || colon[-1] == ']'))
            out[o++] = apr_pstrdup(pool, list[i]);
        else {  /* without a port: both usual ones */
            out[o++] = apr_pstrcat(pool, list[i], ":80", NULL);
            out[o++] = apr_pstrcat(pool, list[i], ":443", NULL);
        }
    }
    return out;
}

sgn_error_t *sgn_evidence_make(sgn_evidence_t **out, const sgn_config_t *config, int root, apr_pool_t *pool)
{
    sgn_evidence_t *evidence = apr_pcalloc(pool, sizeof *evidence);
    const char *url = sgn_config_text(config, "SignVNTimestamp");

    SGN_TRY(sgn_fetch_start(pool));
    SGN_TRY(sgn_evidence_cache_make(&evidence->cache, root, pool));
    evidence->hosts = copy_hosts(sgn_config_list(config, "SignVNEvidenceHosts", pool), pool);
    if (url) {
        const char **hosts = apr_pcalloc(pool, sizeof *hosts * 2);

        SGN_TRY(sgn_fetch_host(&hosts[0], url, pool));
        evidence->timestamp_hosts = hosts;
        evidence->timestamp_url = apr_pstrdup(pool, url);
    }
    *out = evidence;
    return NULL;
}

void sgn_evidence_budget(sgn_evidence_budget_t *budget, apr_interval_time_t wait, apr_pool_t *pool)
{
    budget->urls = URLS;
    budget->bytes = BYTES;
    budget->deadline = sgn_clock_monotonic() + wait;
    budget->tried = sgn_json_object(pool);
}

static sgn_error_t *read_wish(wish_t *wish, const json_t *row, apr_pool_t *pool)
{
    SGN_TRY(sgn_json_get_str(&wish->kind, row, "kind", pool));
    SGN_TRY(sgn_json_get_str(&wish->key, row, "key", pool));
    SGN_TRY(sgn_json_get_str(&wish->issuer, row, "issuer", pool));
    SGN_TRY(sgn_json_get_str(&wish->certificate, row, "certificate", pool));
    SGN_TRY(sgn_json_find_str(&wish->request, row, "request", NULL, pool));
    return sgn_json_get_array(&wish->urls, row, "urls", pool);
}

static int has(const json_t *have, const char *key)
{
    size_t i;
    json_t *row;

    json_array_foreach((json_t *)have, i, row) {
        const char *other = json_string_value(json_object_get(row, "key"));

        if (other && !strcmp(other, key))
            return 1;
    }
    return 0;
}

static void append(json_t *have, const sgn_evidence_cache_entry_t *entry, apr_pool_t *pool)
{
    json_t *row = sgn_json_object(pool);

    sgn_json_set_str(row, "kind", entry->kind);
    sgn_json_set_str(row, "key", entry->key);
    sgn_json_set_bytes(row, "data", entry->data, pool);
    json_array_append(have, row);
}

sgn_error_t *sgn_evidence_find(int *count, json_t *have, sgn_evidence_t *evidence, const json_t *missing,
                               apr_interval_time_t young, apr_pool_t *pool)
{
    apr_time_t now = sgn_clock_now();
    size_t i;
    json_t *row;

    *count = 0;
    json_array_foreach((json_t *)missing, i, row) {
        sgn_evidence_cache_entry_t *entry;
        wish_t wish;

        SGN_TRY(read_wish(&wish, row, pool));
        if (has(have, wish.key))
            continue;
        SGN_TRY(sgn_evidence_cache_find(&entry, evidence->cache, wish.kind, wish.key, pool));
        /* a clock that was put back makes nothing young */
        if (!entry || entry->received > now || now - entry->received > young || entry->next_update < now)
            continue;
        append(have, entry, pool);
        ++*count;
    }
    return NULL;
}

/* ---- fetching ------------------------------------------------------------- */

typedef struct {
    sgn_evidence_t *evidence;
    sgn_evidence_budget_t *budget;
    json_t *have, *problems;
    sgn_evidence_run_fn run;
    void *baton;
    apr_pool_t *pool;
} errand_t;

static void complain(errand_t *errand, const wish_t *wish, const char *url, const sgn_error_t *error)
{
    json_t *row;

    if (!errand->problems || json_array_size(errand->problems) >= URLS)
        return;
    row = sgn_json_object(errand->pool);
    sgn_json_set_str(row, "key", wish->key);
    sgn_json_set_str(row, "url", url);
    sgn_json_set_str(row, "code", sgn_error_row(error->code)->name);
    sgn_json_set_str(row, "detail", error->detail);
    json_array_append(errand->problems, row);
}

/* [THREATS A13] Nothing is believed or kept before a worker judged it. */
static sgn_error_t *admit(sgn_evidence_cache_entry_t *entry, errand_t *errand, const wish_t *wish, sgn_bytes_t data)
{
    json_t *args = sgn_json_object(errand->pool), *answer;
    const char *text;

    sgn_json_set_str(args, "now", sgn_clock_print(sgn_clock_now(), errand->pool));
    sgn_json_set_str(args, "kind", wish->kind);
    sgn_json_set_str(args, "key", wish->key);
    sgn_json_set_str(args, "issuer", wish->issuer);
    sgn_json_set_str(args, "certificate", wish->certificate);
    sgn_json_set_str(args, "request", wish->request);
    sgn_json_set_bytes(args, "data", data, errand->pool);
    SGN_TRY(errand->run(&answer, errand->baton, "admit", args, errand->pool));
    entry->kind = wish->kind;
    entry->key = wish->key;
    entry->data = data;
    entry->received = sgn_clock_now();
    SGN_TRY(sgn_json_get_str(&text, answer, "thisUpdate", errand->pool));
    SGN_TRY(sgn_clock_parse(&entry->this_update, text, errand->pool));
    SGN_TRY(sgn_json_get_str(&text, answer, "nextUpdate", errand->pool));
    SGN_TRY(sgn_clock_parse(&entry->next_update, text, errand->pool));
    return sgn_json_find_str(&entry->number, answer, "number", NULL, errand->pool);
}

static sgn_error_t *ask_one(sgn_evidence_cache_entry_t *entry, errand_t *errand, const wish_t *wish, const char *url)
{
    int ocsp = !strcmp(wish->kind, "ocsp");
    apr_interval_time_t left = errand->budget->deadline - sgn_clock_monotonic();
    sgn_fetch_t request = { .url = url, .wait = left < WAIT_ONE ? left : WAIT_ONE, .limit = ocsp ? OCSP_MAX : CRL_MAX };
    sgn_bytes_t data;

    if (request.limit > errand->budget->bytes)
        request.limit = errand->budget->bytes;
    if (ocsp) {
        SGN_TRY(sgn_bytes_from_base64(&request.body, wish->request ? wish->request : "", errand->pool));
        if (!request.body.len)
            return SGN_ERROR(errand->pool, SGN_FIELD, "request of an OCSP question");
        request.content_type = "application/ocsp-request";
    }
    SGN_TRY(sgn_fetch(&data, &request, errand->evidence->hosts, errand->pool));
    errand->budget->bytes -= data.len < errand->budget->bytes ? data.len : errand->budget->bytes;
    SGN_TRY(admit(entry, errand, wish, data));
    return sgn_evidence_cache_put(errand->evidence->cache, entry, errand->pool);
}

/* *got: one piece was appended. */
static sgn_error_t *ask(int *got, errand_t *errand, const wish_t *wish)
{
    sgn_evidence_cache_entry_t *kept, entry;
    apr_time_t now = sgn_clock_now();
    size_t i;
    json_t *url;

    *got = 0;
    SGN_TRY(sgn_evidence_cache_find(&kept, errand->evidence->cache, wish->kind, wish->key, errand->pool));
    if (kept && !strcmp(wish->kind, "crl") && kept->received <= now && now - kept->received < CRL_YOUNG && kept->next_update >= now) {
        append(errand->have, kept, errand->pool);
        *got = 1;
        return NULL;
    }
    json_array_foreach(wish->urls, i, url) {
        sgn_error_t *error;

        if (!json_is_string(url) || sgn_clock_monotonic() >= errand->budget->deadline)
            break;
        if (errand->budget->urls <= 0)
            return SGN_ERROR(errand->pool, SGN_EVIDENCE_LIMIT, "more than %d addresses", URLS);
        errand->budget->urls--;
        error = ask_one(&entry, errand, wish, json_string_value(url));
        if (!error) {
            append(errand->have, &entry, errand->pool);
            *got = 1;
            return NULL;
        }
        complain(errand, wish, json_string_value(url), error);
        if (error->code == SGN_BUSY || error->code == SGN_KEEPER_ABSENT)
            return error;
    }
    return NULL;
}

static sgn_error_t *ask_all(int *count, errand_t *errand, const json_t *missing, const char *kind, json_t *answered)
{
    size_t i;
    json_t *row;

    json_array_foreach((json_t *)missing, i, row) {
        sgn_error_t *error;
        wish_t wish;
        int got;

        SGN_TRY(read_wish(&wish, row, errand->pool));
        if (strcmp(wish.kind, kind) || has(errand->have, wish.key) || json_object_get(errand->budget->tried, wish.key)
            || json_object_get(answered, wish.certificate))
            continue;
        sgn_json_set_bool(errand->budget->tried, wish.key, 1);
        error = ask(&got, errand, &wish);
        if (error && error->code == SGN_EVIDENCE_LIMIT) {
            complain(errand, &wish, NULL, error);
            return NULL;
        }
        SGN_TRY(error);
        if (got) {
            sgn_json_set_bool(answered, wish.certificate, 1);
            ++*count;
        }
    }
    return NULL;
}

sgn_error_t *sgn_evidence_fetch(int *count, json_t *have, json_t *problems, sgn_evidence_t *evidence,
                                const json_t *missing, sgn_evidence_budget_t *budget,
                                sgn_evidence_run_fn run, void *baton, apr_pool_t *pool)
{
    errand_t errand = { .evidence = evidence, .budget = budget, .have = have, .problems = problems,
                        .run = run, .baton = baton, .pool = pool };
    json_t *answered = sgn_json_object(pool);

    *count = 0;
    SGN_TRY(ask_all(count, &errand, missing, "ocsp", answered));
    return ask_all(count, &errand, missing, "crl", answered);
}

sgn_error_t *sgn_evidence_timestamp(sgn_bytes_t *reply, sgn_evidence_t *evidence, sgn_bytes_t request, apr_pool_t *pool)
{
    sgn_fetch_t fetch = { .url = evidence->timestamp_url, .body = request, .wait = WAIT_ONE, .limit = STAMP_MAX, .inner = 1,
                          .content_type = "application/timestamp-query" };
    sgn_error_t *error;

    if (!evidence->timestamp_url)
        return SGN_ERROR(pool, SGN_TIMESTAMP_DOWN, "SignVNTimestamp is not set");
    error = sgn_fetch(reply, &fetch, evidence->timestamp_hosts, pool);
    return error ? SGN_WRAP(pool, error, SGN_TIMESTAMP_DOWN, "%s", error->detail) : NULL;
}
