/* op_validations.c: validations and their explanations. */
#include "keeper/op_validations.h"

#include <stdlib.h>
#include <string.h>

#include <apr_strings.h>
#include <apr_thread_mutex.h>

#include "base/file.h"
#include "crypto/random.h"
#include "keeper/judgement.h"
#include "keeper/take.h"
#include "office/agency/agency.h"
#include "office/judge/report_html.h"

/* ---- explanations of the last reports -------------------------------------- */

#define KEPT 256

static struct {
    char *id, *account, *text;
} kept[KEPT];
static int next_kept;
static apr_thread_mutex_t *kept_mutex;

/* Called once before any thread runs an operation. */
sgn_error_t *sgn_op_validations_open(apr_pool_t *pool)
{
    apr_status_t rc = apr_thread_mutex_create(&kept_mutex, APR_THREAD_MUTEX_DEFAULT, pool);

    return rc == APR_SUCCESS ? NULL : SGN_ERROR_APR(pool, SGN_INTERNAL, rc, "mutex");
}

static void keep(const char *id, const char *account, const char *text)
{
    apr_thread_mutex_lock(kept_mutex);
    free(kept[next_kept].id);
    free(kept[next_kept].account);
    free(kept[next_kept].text);
    kept[next_kept].id = strdup(id);
    kept[next_kept].account = strdup(account ? account : "");
    kept[next_kept].text = strdup(text);
    next_kept = (next_kept + 1) % KEPT;
    apr_thread_mutex_unlock(kept_mutex);
}

sgn_error_t *sgn_op_validations_explain(sgn_call_t *call)
{
    const char *id, *text = NULL;
    json_t *body;

    SGN_TRY(sgn_json_get_str(&id, call->args, "id", call->pool));
    apr_thread_mutex_lock(kept_mutex);
    for (int i = 0; i < KEPT && !text; i++)
        if (kept[i].id && strcmp(kept[i].id, id) == 0
            && strcmp(kept[i].account, call->account ? call->account : "") == 0)
            text = apr_pstrdup(call->pool, kept[i].text);
    apr_thread_mutex_unlock(kept_mutex);
    if (!text)
        return SGN_ERROR(call->pool, SGN_NOT_FOUND, "no such validation of this account");
    SGN_TRY(sgn_json_parse(&body, sgn_bytes_str(text), 16 << 20, call->pool));
    sgn_call_answer(call, 200, body);
    return NULL;
}

/* ---- validation ------------------------------------------------------------ */

static sgn_error_t *name_document(sgn_call_t *call, json_t *report)
{
    json_t *documents, *about;
    const char *name, *media;

    SGN_TRY(sgn_json_find_array(&documents, call->request, "documents", call->pool));
    SGN_TRY(sgn_json_get_object(&about, report, "document", call->pool));
    if (!documents || !json_is_object(json_array_get(documents, 0)))
        return NULL;
    SGN_TRY(sgn_json_find_str(&name, json_array_get(documents, 0), "name", NULL, call->pool));
    SGN_TRY(sgn_json_find_str(&media, json_array_get(documents, 0), "mediaType", NULL, call->pool));
    sgn_json_set_str(about, "name", name);
    sgn_json_set_str(about, "mediaType", media);
    return NULL;
}

static sgn_error_t *answer_html(sgn_call_t *call, const json_t *report)
{
    sgn_bytes_t page;
    int fd;

    SGN_TRY(sgn_report_html_print(&page, report, call->lang, call->pool));
    SGN_TRY(sgn_file_memfd(&fd, "signvn-report", page, call->pool));
    sgn_call_content(call, "text/html; charset=utf-8", NULL, NULL);
    sgn_call_part(call, fd, 0, (apr_int64_t)page.len);
    return NULL;
}

static sgn_error_t *check_expect(const char *expect, apr_pool_t *pool)
{
    static const char *const words[] = { "any", "issued", "internal", "copy" };

    for (size_t i = 0; expect && i < sizeof words / sizeof *words; i++)
        if (strcmp(words[i], expect) == 0)
            return NULL;
    return expect ? SGN_ERROR(pool, SGN_FIELD, "expect: any, issued, internal or copy") : NULL;
}

sgn_error_t *sgn_op_validations_create(sgn_call_t *call)
{
    apr_pool_t *pool = call->pool;
    sgn_engine_document_t document;
    sgn_verdict_t *verdict;
    const char *agency, *expect, *accept, *id;

    SGN_TRY(sgn_json_find_str(&agency, call->args, "agency", NULL, pool));
    SGN_TRY(sgn_json_find_str(&expect, call->args, "expect", NULL, pool));
    SGN_TRY(sgn_json_find_str(&accept, call->args, "accept", NULL, pool));
    SGN_TRY(check_expect(expect, pool));
    if (agency && !sgn_config_has_agency(call->config, agency))
        return SGN_ERROR(pool, SGN_AGENCY_UNKNOWN, "%.60s", agency);
    if (call->nfds < 1)
        return SGN_ERROR(pool, SGN_BODY_EMPTY, "no document");
    SGN_TRY(sgn_intake_read(&document, call, 0, pool));
    SGN_TRY(sgn_judgement_make(&verdict, call, &document, agency, expect));
    SGN_TRY(name_document(call, verdict->report));
    SGN_TRY(sgn_random_token(&id, 16, pool));
    sgn_json_set_str(verdict->report, "id", id);
    /* a report of a practice site says so */
    if (sgn_config_flag(call->config, "SignVNPractice"))
        sgn_json_set_bool(verdict->report, "practice", 1);
    if (verdict->explain)
        keep(id, call->account, sgn_json_print(verdict->explain, pool));
    if (accept && strstr(accept, "html"))
        return answer_html(call, verdict->report);
    sgn_call_answer(call, 200, verdict->report);
    return NULL;
}
