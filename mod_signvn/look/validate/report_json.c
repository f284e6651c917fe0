/* report_json.c: the report as API.md "Validation" fixes it. */
#include <apr_strings.h>

#include "look/validate/report.h"

static json_t *findings_json(const apr_array_header_t *findings)
{
    json_t *array = json_array();
    int i;

    for (i = 0; i < findings->nelts; i++) {
        const sgn_finding_t *finding = &APR_ARRAY_IDX(findings, i, sgn_finding_t);
        const sgn_code_row_t *row = sgn_error_row(finding->code);
        json_t *one = json_object();

        sgn_json_set_str(one, "code", row->name);
        sgn_json_set_str(one, "severity", sgn_report_severity(finding->code));
        sgn_json_set_str(one, "clause", sgn_report_clause(finding->code));
        sgn_json_set_str(one, "vi", row->vi);
        sgn_json_set_str(one, "en", row->en);
        sgn_json_set_str(one, "subject", finding->subject);
        json_array_append_new(array, one);
    }
    return array;
}

static const char *changes_name(sgn_changes_t changes)
{
    static const char *const names[] = { "none", "permitted", "numbering", "unknown", "forbidden" };

    return names[changes];
}

static json_t *changes_json(const apr_array_header_t *changes)
{
    json_t *array = json_array();
    int i;

    for (i = 0; i < changes->nelts; i++) {
        const sgn_change_row_t *row = &APR_ARRAY_IDX(changes, i, sgn_change_row_t);
        json_t *one = json_object();

        sgn_json_set_int(one, "revision", row->revision);
        sgn_json_set_str(one, "object", row->object);
        sgn_json_set_str(one, "what", row->what);
        sgn_json_set_str(one, "code", sgn_error_row(row->code)->name);
        json_array_append_new(array, one);
    }
    return array;
}

static json_t *result_json(const sgn_result_t *result)
{
    json_t *one = json_object();

    sgn_json_set_str(one, "status", result->status);
    if (result->code != SGN_OK)
        sgn_json_set_str(one, "code", sgn_error_row(result->code)->name);
    return one;
}

static json_t *signer_json(const sgn_signer_row_t *signer)
{
    json_t *one = json_object();

    sgn_json_set_str(one, "commonName", signer->common_name);
    sgn_json_set_str(one, "title", signer->title);
    sgn_json_set_str(one, "organisation", signer->organisation);
    sgn_json_set_str(one, "identifier", signer->identifier);
    sgn_json_set_str(one, "serial", signer->serial);
    sgn_json_set_str(one, "issuer", signer->issuer);
    sgn_json_set_str(one, "kind", signer->kind);
    sgn_json_set_str(one, "provider", signer->provider);
    return one;
}

static void set_time(json_t *object, const char *key, apr_time_t when, apr_pool_t *pool)
{
    if (when)
        sgn_json_set_str(object, key, sgn_report_time_print(when, pool));
}

static json_t *timestamps_json(const apr_array_header_t *rows, apr_pool_t *pool)
{
    json_t *array = json_array();
    int i;

    for (i = 0; i < rows->nelts; i++) {
        const sgn_timestamp_row_t *row = &APR_ARRAY_IDX(rows, i, sgn_timestamp_row_t);
        json_t *one = json_object();

        set_time(one, "time", row->time, pool);
        sgn_json_set_str(one, "authority", row->authority);
        sgn_json_set_bool(one, "valid", row->valid);
        json_array_append_new(array, one);
    }
    return array;
}

static json_t *revocation_json(const apr_array_header_t *rows, apr_pool_t *pool)
{
    json_t *array = json_array();
    int i;

    for (i = 0; i < rows->nelts; i++) {
        const sgn_revocation_row_t *row = &APR_ARRAY_IDX(rows, i, sgn_revocation_row_t);
        json_t *one = json_object();

        sgn_json_set_str(one, "certificate", row->certificate);
        sgn_json_set_str(one, "source", row->source);
        set_time(one, "producedAt", row->produced, pool);
        sgn_json_set_str(one, "status", row->status);
        json_array_append_new(array, one);
    }
    return array;
}

static json_t *signature_json(const sgn_report_signature_t *signature, apr_pool_t *pool)
{
    json_t *one = json_object(), *path = json_array();
    int i;

    for (i = 0; i < signature->path->nelts; i++)
        json_array_append_new(path, json_string(APR_ARRAY_IDX(signature->path, i, const char *)));
    sgn_json_set_str(one, "name", signature->name);
    sgn_json_set_str(one, "type", signature->timestamp ? "timestamp" : "signature");
    sgn_json_set_str(one, "format", signature->format);
    sgn_json_set_str(one, "level", signature->level);
    sgn_json_set_str(one, "kind", signature->kind);
    sgn_json_set_str(one, "indication", sgn_report_indication(signature->indication));
    sgn_json_set_str(one, "subIndication", signature->sub);
    sgn_json_set_bool(one, "intact", signature->intact);
    sgn_json_set_str(one, "coverage", signature->coverage);
    sgn_json_set_str(one, "changesAfter", changes_name(signature->changes_after));
    json_object_set_new(one, "changes", changes_json(signature->changes));
    json_object_set_new(one, "signer", signer_json(&signature->signer));
    sgn_json_set_str(one, "algorithm", signature->algorithm);
    set_time(one, "claimedTime", signature->claimed, pool);
    set_time(one, "bestTime", signature->best, pool);
    json_object_set_new(one, "timestamps", timestamps_json(signature->timestamps, pool));
    json_object_set_new(one, "path", path);
    json_object_set_new(one, "revocation", revocation_json(signature->revocation, pool));
    json_object_set_new(one, "integrity", result_json(&signature->integrity));
    json_object_set_new(one, "certificateValidity", result_json(&signature->certificate));
    json_object_set_new(one, "certificationPath", result_json(&signature->certification_path));
    json_object_set_new(one, "findings", findings_json(signature->findings));
    return one;
}

json_t *sgn_report_json(const sgn_report_t *report, apr_pool_t *pool)
{
    json_t *object = sgn_json_object(pool), *document = json_object(), *signatures = json_array();
    int i;

    sgn_json_set_str(document, "mediaType", report->media_type);
    sgn_json_set_str(document, "format", report->format);
    sgn_json_set_int(document, "size", report->size);
    sgn_json_set_str(document, "sha256", report->sha256);
    if (report->pages)
        sgn_json_set_int(document, "pages", report->pages);
    if (report->revisions)
        sgn_json_set_int(document, "revisions", report->revisions);
    sgn_json_set_str(document, "version", report->version);
    for (i = 0; i < report->signatures->nelts; i++)
        json_array_append_new(signatures,
            signature_json(APR_ARRAY_IDX(report->signatures, i, sgn_report_signature_t *), pool));
    json_object_set_new(object, "document", document);
    sgn_json_set_str(object, "indication", sgn_report_indication(report->indication));
    json_object_set_new(object, "signatures", signatures);
    json_object_set_new(object, "findings", findings_json(report->findings));
    set_time(object, "validationTime", report->now, pool);
    return object;
}
