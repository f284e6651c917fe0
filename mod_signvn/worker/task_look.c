/*
 * task_look.c: task "look": a document, anchors, evidence and a time in; the
 * report, the facts that the keeper proves again, the state of the reserved
 * fields, the evidence that is missing and the checks that were made out.
 */
#include <string.h>

#include <apr_strings.h>

#include "base/clock.h"
#include "look/validate/checks.h"
#include "worker/task_look.h"

#define MANY 4096                   /* certificates or pieces of evidence in the arguments */

static sgn_error_t *read_certificates(apr_array_header_t **out, const sgn_task_t *task, const char *key)
{
    json_t *array;
    size_t i;

    *out = apr_array_make(task->pool, 8, sizeof(sgn_bytes_t));
    SGN_TRY(sgn_json_find_array(&array, task->args, key, task->pool));
    if (array && json_array_size(array) > MANY)
        return SGN_ERROR(task->pool, SGN_TOO_LARGE, "%s", key);
    for (i = 0; array && i < json_array_size(array); i++) {
        const char *text = json_string_value(json_array_get(array, i));

        if (!text)
            return SGN_ERROR(task->pool, SGN_FIELD, "%s", key);
        SGN_TRY(sgn_bytes_from_base64(&APR_ARRAY_PUSH(*out, sgn_bytes_t), text, task->pool));
    }
    return NULL;
}

static sgn_error_t *read_evidence(apr_array_header_t **out, const sgn_task_t *task)
{
    json_t *array;
    size_t i;

    *out = apr_array_make(task->pool, 8, sizeof(sgn_checks_evidence_t));
    SGN_TRY(sgn_json_find_array(&array, task->args, "evidence", task->pool));
    if (array && json_array_size(array) > MANY)
        return SGN_ERROR(task->pool, SGN_TOO_LARGE, "evidence");
    for (i = 0; array && i < json_array_size(array); i++) {
        sgn_checks_evidence_t *one = &APR_ARRAY_PUSH(*out, sgn_checks_evidence_t);
        json_t *item = json_array_get(array, i);
        const char *kind;

        SGN_TRY(sgn_json_get_str(&kind, item, "kind", task->pool));
        one->kind = strcmp(kind, "ocsp") == 0 ? SGN_REVOCATION_OCSP : SGN_REVOCATION_CRL;
        SGN_TRY(sgn_json_get_bytes(&one->der, item, "data", task->pool));
    }
    return NULL;
}

static void set_digest(json_t *object, const char *key, int has, const unsigned char digest[SGN_SHA256_SIZE],
                       apr_pool_t *pool)
{
    if (has)
        sgn_json_set_str(object, key, sgn_bytes_hex(sgn_bytes(digest, SGN_SHA256_SIZE), pool));
}

static void set_text(json_t *object, const char *key, const char *text)
{
    if (text[0])
        sgn_json_set_str(object, key, text);
}

static json_t *fact_json(const sgn_checks_fact_t *fact, apr_pool_t *pool)
{
    const sgn_signedattrs_t *attrs = &fact->document;
    json_t *one = json_object(), *range = json_array(), *document = json_object();
    int i;

    for (i = 0; i < 4; i++)
        json_array_append_new(range, json_integer(fact->range[i]));
    set_text(document, "number", attrs->number);
    set_text(document, "symbol", attrs->symbol);
    set_text(document, "date", attrs->date);
    set_digest(document, "personDigest", attrs->has_person_digest, attrs->person_digest, pool);
    set_digest(document, "sourceDigest", attrs->has_source_digest, attrs->source_digest, pool);
    set_digest(document, "mainDigest", attrs->has_main_digest, attrs->main_digest, pool);

    sgn_json_set_int(one, "n", fact->n);
    sgn_json_set_str(one, "field", fact->field);
    json_object_set_new(one, "byteRange", range);
    sgn_json_set_bytes(one, "dtbs", fact->dtbs, pool);
    sgn_json_set_bytes(one, "value", fact->value, pool);
    sgn_json_set_str(one, "algorithm", fact->algorithm);
    if (fact->certificate.len)
        sgn_json_set_bytes(one, "certificate", fact->certificate, pool);
    sgn_json_set_str(one, "certificateSha256", fact->certificate_sha256);
    sgn_json_set_int(one, "revisionEnd", fact->revision_end);
    sgn_json_set_str(one, "kind", sgn_signedattrs_kind_name(attrs->kind));
    json_object_set_new(one, "document", document);
    sgn_json_set_str(one, "bestTime", sgn_clock_print(fact->best, pool));
    sgn_json_set_str(one, "bestTimeSource", fact->best_source);
    return one;
}

static void set_field(json_t *fields, const char *key, const sgn_checks_field_t *field)
{
    json_t *one = json_object();

    sgn_json_set_bool(one, "present", field->present);
    sgn_json_set_bool(one, "empty", field->empty);
    sgn_json_set_str(one, "value", field->value);
    json_object_set_new(fields, key, one);
}

static json_t *missing_json(const sgn_revocation_missing_t *missing, apr_pool_t *pool)
{
    json_t *one = json_object(), *urls = json_array();
    int i;

    for (i = 0; missing->urls && missing->urls[i]; i++)
        json_array_append_new(urls, json_string(missing->urls[i]));
    sgn_json_set_str(one, "kind", missing->kind == SGN_REVOCATION_OCSP ? "ocsp" : "crl");
    sgn_json_set_str(one, "key", missing->key);
    json_object_set_new(one, "urls", urls);
    if (missing->request.len)
        sgn_json_set_bytes(one, "request", missing->request, pool);
    sgn_json_set_bytes(one, "issuer", missing->issuer->der, pool);
    sgn_json_set_bytes(one, "certificate", missing->cert->der, pool);
    return one;
}

static json_t *explain_json(const apr_array_header_t *rows, apr_pool_t *pool)
{
    json_t *array = json_array();
    int i;

    for (i = 0; i < rows->nelts; i++) {
        const sgn_checks_row_t *row = &APR_ARRAY_IDX(rows, i, sgn_checks_row_t);
        json_t *one = json_object();

        sgn_json_set_str(one, "rule", row->name);
        sgn_json_set_str(one, "fact", apr_psprintf(pool, "signature %d", row->n));
        sgn_json_set_str(one, "policy", row->what);
        sgn_json_set_str(one, "outcome", row->code == SGN_OK ? "nothing against it" : sgn_error_row(row->code)->name);
        sgn_json_set_str(one, "clause", row->clause);
        json_array_append_new(array, one);
    }
    return array;
}

sgn_error_t *sgn_task_look(sgn_task_t *task)
{
    apr_array_header_t *anchors, *tsa_anchors, *intermediates, *evidence;
    json_t *facts = json_array(), *fields = json_object(), *missing = json_array();
    sgn_checks_answer_t *answer;
    sgn_checks_input_t input;
    const char *receipt;
    int i;

    memset(&input, 0, sizeof input);
    input.document.map = task->map;
    input.document.size = task->map ? task->size : 0;
    SGN_TRY(sgn_tasks_now(&input.now, task));
    SGN_TRY(sgn_json_find_str(&receipt, task->args, "receipt", NULL, task->pool));
    if (receipt)
        SGN_TRY(sgn_clock_parse(&input.receipt, receipt, task->pool));
    SGN_TRY(read_certificates(&anchors, task, "anchors"));
    SGN_TRY(read_certificates(&tsa_anchors, task, "tsaAnchors"));
    SGN_TRY(read_certificates(&intermediates, task, "intermediates"));
    SGN_TRY(read_evidence(&evidence, task));
    input.anchors = anchors;
    input.tsa_anchors = tsa_anchors;
    input.intermediates = intermediates;
    input.evidence = evidence;
    SGN_TRY(sgn_checks_run(&answer, &input, task->pool));

    for (i = 0; i < answer->facts->nelts; i++)
        json_array_append_new(facts, fact_json(&APR_ARRAY_IDX(answer->facts, i, sgn_checks_fact_t), task->pool));
    for (i = 0; i < answer->missing->nelts; i++)
        json_array_append_new(missing, missing_json(&APR_ARRAY_IDX(answer->missing, i, sgn_revocation_missing_t), task->pool));
    set_field(fields, "number", &answer->number);
    set_field(fields, "day", &answer->day);
    set_field(fields, "month", &answer->month);
    set_field(fields, "date", &answer->date);
    set_field(fields, "seal", &answer->seal);
    json_object_set_new(task->answer, "facts", facts);
    json_object_set_new(task->answer, "fields", fields);
    json_object_set_new(task->answer, "missing", missing);
    json_object_set_new(task->answer, "explain", explain_json(answer->rows, task->pool));
    sgn_json_set(task->answer, "report", sgn_report_json(answer->report, task->pool));
    return NULL;
}
