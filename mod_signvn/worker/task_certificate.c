/* task_certificate.c: task "certificate". */
#include "worker/task_certificate.h"

#include <string.h>

#include "base/clock.h"
#include "worker/task_args.h"

static sgn_code_t of_path(const sgn_path_t *path)
{
    switch (path->code) {
    case SGN_OK: return SGN_OK;
    case SGN_F_CERT_EXPIRED: return SGN_CERT_EXPIRED;
    case SGN_F_CERT_USAGE: return SGN_CERT_PURPOSE;
    case SGN_F_ALGORITHM: return SGN_CERT_PURPOSE;
    default: return SGN_CERT_UNTRUSTED;
    }
}

/* [SV-F01] the type decides what may be signed; [SV-F07] agencies sign with
 * certificates of the Government's own authority. */
static sgn_code_t of_role(const sgn_cert_t *cert, const sgn_path_t *path, const char *role)
{
    if (sgn_cert_strength(cert) != SGN_OK)
        return SGN_CERT_PURPOSE;
    if (!role)
        return SGN_OK;
    if (!strcmp(role, "person"))
        return cert->kind == SGN_CERT_PERSON ? SGN_OK : SGN_CERT_PURPOSE;
    if (cert->kind != SGN_CERT_AGENCY || !path->provider || !strcmp(path->provider, "public"))
        return SGN_CERT_PURPOSE;
    return SGN_OK;
}

static sgn_code_t of_status(sgn_code_t worst)
{
    switch (worst) {
    case SGN_OK: return SGN_OK;
    case SGN_F_CERT_HOLD: return SGN_CERT_ON_HOLD;
    case SGN_F_REVOCATION_UNKNOWN: return SGN_CERT_UNKNOWN_STATUS;
    default: return SGN_CERT_REVOKED;
    }
}

static json_t *print_status(const apr_array_header_t *list, apr_pool_t *pool)
{
    static const char *const names[] = { "unknown", "good", "revoked", "on-hold" };
    json_t *array = sgn_json_array(pool);

    for (int i = 0; i < list->nelts; i++) {
        const sgn_revocation_t *one = &APR_ARRAY_IDX(list, i, sgn_revocation_t);
        json_t *row = sgn_json_object(pool);

        sgn_json_set_str(row, "certificate", one->cert->common_name);
        sgn_json_set_str(row, "source", one->source);
        sgn_json_set_str(row, "status", names[one->status]);
        if (one->produced)
            sgn_json_set_str(row, "producedAt", sgn_clock_print(one->produced, pool));
        if (one->revoked)
            sgn_json_set_str(row, "revokedAt", sgn_clock_print(one->revoked, pool));
        sgn_json_set_str(row, "detail", one->detail);
        json_array_append(array, row);
    }
    return array;
}

static void print_cert(json_t *answer, const sgn_cert_t *cert, apr_pool_t *pool)
{
    json_t *subject = sgn_json_object(pool);

    sgn_json_set_str(subject, "commonName", cert->common_name);
    sgn_json_set_str(subject, "organisation", cert->organisation);
    sgn_json_set_str(subject, "unit", cert->unit);
    sgn_json_set_str(subject, "title", cert->title);
    sgn_json_set_str(subject, "identifier", cert->identifier);
    sgn_json_set_str(subject, "organisationId", cert->organisation_id);
    sgn_json_set(answer, "subject", subject);
    sgn_json_set_str(answer, "kind", sgn_cert_kind(cert));
    sgn_json_set_str(answer, "issuer", cert->issuer_name);
    sgn_json_set_str(answer, "serial", cert->serial);
    sgn_json_set_str(answer, "notBefore", sgn_clock_print(cert->not_before, pool));
    sgn_json_set_str(answer, "notAfter", sgn_clock_print(cert->not_after, pool));
    sgn_json_set_str(answer, "sha256", cert->sha256_hex);
    sgn_json_set_bytes(answer, "spki", cert->spki, pool);
    sgn_json_set_str(answer, "keyType", cert->key_type);
    sgn_json_set_int(answer, "keyBits", cert->key_bits);
}

static json_t *print_path(const sgn_path_t *path, apr_pool_t *pool)
{
    json_t *array = sgn_json_array(pool);

    for (int i = 0; i < path->count; i++) {
        const sgn_cert_t *cert = path->certs[i];

        json_array_append_new(array, json_string(cert->common_name ? cert->common_name : cert->serial));
    }
    return array;
}

sgn_error_t *sgn_task_certificate(sgn_task_t *task)
{
    apr_array_header_t *missing = sgn_revocation_missing_make(task->pool), *status;
    sgn_revocation_when_t when = { 0 };
    sgn_path_store_t *store;
    sgn_revocation_set_t *set;
    const char *role, *detail = NULL;
    sgn_code_t verdict, worst;
    sgn_cert_t *cert;
    sgn_path_t *path;

    SGN_TRY(sgn_tasks_now(&when.now, task));
    when.time = when.now;
    SGN_TRY(sgn_json_find_str(&role, task->args, "role", NULL, task->pool));
    SGN_TRY(sgn_task_args_certificate(&cert, task, "certificate"));
    SGN_TRY(sgn_task_args_store(&store, task, "anchors"));
    SGN_TRY(sgn_task_args_evidence(&set, task));
    SGN_TRY(sgn_path_build(&path, store, cert, NULL, SGN_PATH_SIGNER, when.now, task->pool));
    verdict = of_path(path);
    detail = path->detail;
    if (verdict == SGN_OK)
        verdict = of_role(cert, path, role);
    if (verdict == SGN_OK) {
        SGN_TRY(sgn_revocation_path(&status, &worst, missing, set, path, &when, task->pool));
        verdict = of_status(worst);
        sgn_json_set(task->answer, "revocation", print_status(status, task->pool));
    }
    sgn_json_set_str(task->answer, "verdict", verdict == SGN_OK ? "good" : sgn_error_row(verdict)->name);
    sgn_json_set_str(task->answer, "detail", detail);
    sgn_json_set_str(task->answer, "provider", path->provider);
    sgn_json_set(task->answer, "path", print_path(path, task->pool));
    print_cert(task->answer, cert, task->pool);
    sgn_task_args_missing(task, missing);
    return NULL;
}
