/* task_args.c: members of arguments and answers about certificates. */
#include "worker/task_args.h"

#include <string.h>

#include "base/clock.h"

#define MANY 4096

sgn_error_t *sgn_task_args_certificates(apr_array_header_t **out, const sgn_task_t *task, const char *key)
{
    apr_array_header_t *list = apr_array_make(task->pool, 4, sizeof(sgn_bytes_t));
    json_t *array, *item;
    size_t i;

    SGN_TRY(sgn_json_find_array(&array, task->args, key, task->pool));
    if (json_array_size(array) > MANY)
        return SGN_ERROR(task->pool, SGN_FIELD, "%s: more than %d", key, MANY);
    json_array_foreach(array, i, item) {
        sgn_bytes_t der;

        if (!json_is_string(item))
            return SGN_ERROR(task->pool, SGN_FIELD, "%s: not text", key);
        SGN_TRY(sgn_bytes_from_base64(&der, json_string_value(item), task->pool));
        APR_ARRAY_PUSH(list, sgn_bytes_t) = der;
    }
    *out = list;
    return NULL;
}

sgn_error_t *sgn_task_args_certificate(sgn_cert_t **out, const sgn_task_t *task, const char *key)
{
    sgn_bytes_t der;

    SGN_TRY(sgn_json_get_bytes(&der, task->args, key, task->pool));
    return sgn_cert_parse(out, der, task->pool);
}

sgn_error_t *sgn_task_args_store(sgn_path_store_t **out, const sgn_task_t *task, const char *anchors_key)
{
    apr_array_header_t *anchors, *intermediates;

    SGN_TRY(sgn_task_args_certificates(&anchors, task, anchors_key));
    SGN_TRY(sgn_task_args_certificates(&intermediates, task, "intermediates"));
    return sgn_path_store_make(out, anchors, intermediates, task->pool);
}

sgn_error_t *sgn_task_args_kind(sgn_revocation_kind_t *out, const json_t *object, apr_pool_t *pool)
{
    const char *kind;

    SGN_TRY(sgn_json_get_str(&kind, object, "kind", pool));
    if (strcmp(kind, "crl") && strcmp(kind, "ocsp"))
        return SGN_ERROR(pool, SGN_FIELD, "kind: neither crl nor ocsp");
    *out = strcmp(kind, "crl") ? SGN_REVOCATION_OCSP : SGN_REVOCATION_CRL;
    return NULL;
}

sgn_error_t *sgn_task_args_evidence(sgn_revocation_set_t **out, const sgn_task_t *task)
{
    sgn_revocation_set_t *set = sgn_revocation_set_make(task->pool);
    json_t *array, *item;
    size_t i;

    SGN_TRY(sgn_json_find_array(&array, task->args, "evidence", task->pool));
    json_array_foreach(array, i, item) {
        sgn_revocation_kind_t kind;
        sgn_bytes_t der;

        SGN_TRY(sgn_task_args_kind(&kind, item, task->pool));
        SGN_TRY(sgn_json_get_bytes(&der, item, "data", task->pool));
        sgn_revocation_set_add(NULL, set, kind, der);
    }
    *out = set;
    return NULL;
}

sgn_error_t *sgn_task_args_time(apr_time_t *out, const sgn_task_t *task, const char *key)
{
    const char *text;

    SGN_TRY(sgn_json_get_str(&text, task->args, key, task->pool));
    return sgn_clock_parse(out, text, task->pool);
}

sgn_error_t *sgn_task_args_hex(sgn_bytes_t *out, const sgn_task_t *task, const char *key)
{
    const char *text;

    SGN_TRY(sgn_json_get_str(&text, task->args, key, task->pool));
    return sgn_bytes_from_hex(out, text, task->pool);
}

void sgn_task_args_missing(sgn_task_t *task, const apr_array_header_t *missing)
{
    json_t *list = sgn_json_array(task->pool);

    for (int i = 0; i < missing->nelts; i++) {
        const sgn_revocation_missing_t *one = &APR_ARRAY_IDX(missing, i, sgn_revocation_missing_t);
        json_t *row = sgn_json_object(task->pool), *urls = sgn_json_array(task->pool);

        sgn_json_set_str(row, "kind", one->kind == SGN_REVOCATION_CRL ? "crl" : "ocsp");
        sgn_json_set_str(row, "key", one->key);
        for (int u = 0; one->urls[u]; u++)
            json_array_append_new(urls, json_string(one->urls[u]));
        sgn_json_set(row, "urls", urls);
        if (one->request.len)
            sgn_json_set_bytes(row, "request", one->request, task->pool);
        sgn_json_set_bytes(row, "issuer", one->issuer->der, task->pool);
        sgn_json_set_bytes(row, "certificate", one->cert->der, task->pool);
        json_array_append(list, row);
    }
    sgn_json_set(task->answer, "missing", list);
}
