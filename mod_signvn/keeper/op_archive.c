/* op_archive.c: see op_archive.h. */
#include "keeper/op_archive.h"

#include <string.h>

#include <apr_strings.h>

#include "base/clock.h"
#include "keeper/judgement.h"
#include "keeper/take.h"
#include "office/agency/agency.h"
#include "office/archive/archive.h"
#include "office/backup/backup.h"

static const char *const reader_roles[] = { "authority", "deputy", "clerk", "archivist", "inspector", NULL };
static const char *const writer_roles[] = { "authority", "deputy", "clerk", "archivist", NULL };

/* Has the caller one of the roles in that agency? */
static int may(const sgn_call_t *call, const char *agency, const char *const *roles)
{
    if (!call->person)
        return sgn_access_is_local(call);
    for (; *roles; roles++)
        if (sgn_person_has_role(call->person, agency, *roles))
            return 1;
    return 0;
}

/* Codes that may be read, NULL-terminated; NULL: all. */
static const char *const *readable(sgn_call_t *call)
{
    const char *const *all;
    const char **list;
    int n = 0, i;

    if (!call->person)
        return NULL;
    all = sgn_person_agencies(call->person, call->pool);
    for (i = 0; all[i]; i++)
        ;
    list = apr_pcalloc(call->pool, sizeof(*list) * (size_t)(i + 1));
    for (i = 0; all[i]; i++)
        if (may(call, all[i], reader_roles))
            list[n++] = all[i];
    return list;
}

/* The id of the path; another agency's record is as unknown as none (B34). */
static sgn_error_t *id_of(const char **out, sgn_call_t *call)
{
    SGN_TRY(sgn_json_get_str(out, call->args, "id", call->pool));
    if (!sgn_archive_is_id(*out))
        return SGN_ERROR(call->pool, SGN_ARCHIVE_ID, "not one of our identifiers");
    if (!may(call, sgn_archive_agency(*out, call->pool), reader_roles))
        return SGN_ERROR(call->pool, SGN_ARCHIVE_UNKNOWN, "a record of another agency");
    return NULL;
}

/* Reads of documents are logged [SV-I08]. */
static sgn_error_t *log_act(sgn_call_t *call, const char *action, const char *id, json_t *detail)
{
    sgn_audit_act_t act = { .actor = call->account ? call->account : "command line", .agency = sgn_archive_agency(id, call->pool),
                            .action = action, .object = id, .system = call->system, .detail = detail };

    return sgn_audit_record(call->keeper->audit, &act, call->pool);
}

/* ---- putting ----------------------------------------------------------------- */

static sgn_error_t *agency_of(const char **out, sgn_call_t *call)
{
    SGN_TRY(sgn_json_find_str(out, call->body, "agency", NULL, call->pool));
    if (!*out)
        *out = call->person ? sgn_person_home(call->person) : NULL;
    if (!*out || !sgn_config_has_agency(call->config, *out))
        return SGN_ERROR(call->pool, SGN_AGENCY_UNKNOWN, "%.60s", *out ? *out : "none given");
    if (!may(call, *out, writer_roles))
        return SGN_ERROR(call->pool, SGN_ACCESS_DENIED, "no role in %s that may archive", *out);
    return NULL;
}

/* The metadata that the caller gave, and what the report says of the file. */
static json_t *metadata_of(sgn_call_t *call, const json_t *report)
{
    json_t *metadata = sgn_json_object(call->pool), *value;
    const char *key;

    json_object_foreach(call->body, key, value)
        if (strcmp(key, "agency") != 0 && strcmp(key, "secrecy") != 0)
            sgn_json_set(metadata, key, value);
    sgn_json_set(metadata, "indication", json_object_get(report, "indication"));
    sgn_json_set(metadata, "legalValue", json_object_get(report, "legalValue"));
    sgn_json_set_str(metadata, "archivedBy", call->account);
    if (call->system)
        sgn_json_set_str(metadata, "system", call->system);
    return metadata;
}

static sgn_error_t *name_of(const char **name, sgn_call_t *call)
{
    json_t *documents;

    *name = NULL;
    SGN_TRY(sgn_json_find_array(&documents, call->request, "documents", call->pool));
    if (documents && json_is_object(json_array_get(documents, 0)))
        SGN_TRY(sgn_json_find_str(name, json_array_get(documents, 0), "name", NULL, call->pool));
    return NULL;
}

static void print_receipt(json_t *answer, const sgn_archive_receipt_t *receipt, apr_pool_t *pool)
{
    sgn_json_set_str(answer, "id", receipt->id);
    sgn_json_set_int(answer, "version", receipt->version);
    sgn_json_set_str(answer, "sha256", receipt->sha256);
    sgn_json_set_str(answer, "sha512", receipt->sha512);
    sgn_json_set_int(answer, "size", receipt->size);
    sgn_json_set_str(answer, "received", sgn_clock_print(receipt->received, pool));
}

sgn_error_t *sgn_op_archive_create(sgn_call_t *call)
{
    sgn_archive_ingest_t ingest = { .extension = "pdf", .media_type = "application/pdf" };
    json_t *answer = sgn_json_object(call->pool), *detail = sgn_json_object(call->pool);
    sgn_engine_document_t document;
    sgn_archive_receipt_t receipt;
    sgn_verdict_t *verdict;
    const char *secrecy, *key;

    SGN_TRY(sgn_json_find_str(&secrecy, call->body, "secrecy", "none", call->pool));
    if (strcmp(secrecy, "none") != 0)
        return SGN_ERROR(call->pool, SGN_SECRECY_REFUSED, "secrecy is not none");
    SGN_TRY(agency_of(&ingest.agency, call));
    SGN_TRY(name_of(&ingest.name, call));
    if (call->nfds < 1)
        return SGN_ERROR(call->pool, SGN_BODY_EMPTY, "no document");
    SGN_TRY(sgn_json_find_str(&key, call->request, "idempotencyKey", NULL, call->pool));
    if (key)
        ingest.key = apr_psprintf(call->pool, "api/%.64s/%.100s", call->account ? call->account : "", key);
    SGN_TRY(sgn_intake_take(&document, NULL, call, 0, call->pool));
    SGN_TRY(sgn_judgement_make(&verdict, call, &document, ingest.agency, NULL));
    ingest.fd = document.fd;
    memcpy(ingest.sha256, document.sha256, sizeof(ingest.sha256));
    ingest.metadata = metadata_of(call, verdict->report);
    ingest.report = verdict->report;
    SGN_TRY(sgn_archive_put(&receipt, call->keeper->archive, &ingest, call->pool));
    if (receipt.existing && strcmp(receipt.sha256, sgn_bytes_hex(sgn_bytes(document.sha256, 32), call->pool)) != 0)
        return SGN_ERROR(call->pool, SGN_IDEMPOTENCY, "key %.40s", key);
    sgn_json_set_str(detail, "sha256", receipt.sha256);
    if (!receipt.existing)
        SGN_TRY(log_act(call, "archive.put", receipt.id, detail));
    print_receipt(answer, &receipt, call->pool);
    sgn_json_set(answer, "report", verdict->report);
    sgn_call_header(call, "Location", apr_pstrcat(call->pool, "/signvn/v1/archive/", receipt.id, NULL));
    sgn_call_answer(call, 201, answer);
    return NULL;
}

/* ---- finding ------------------------------------------------------------------- */

static sgn_error_t *limit_of(int *out, sgn_call_t *call)
{
    const char *text;

    SGN_TRY(sgn_json_find_str(&text, call->args, "limit", NULL, call->pool));
    if (text && (!*text || strspn(text, "0123456789") != strlen(text) || strlen(text) > 4))
        return SGN_ERROR(call->pool, SGN_SEARCH_SYNTAX, "limit: 1 to 200");
    *out = text ? (int)apr_atoi64(text) : 0;
    return text && !*out ? SGN_ERROR(call->pool, SGN_SEARCH_SYNTAX, "limit: 1 to 200") : NULL;
}

sgn_error_t *sgn_op_archive_search(sgn_call_t *call)
{
    sgn_archive_query_t query = { .agencies = readable(call) };
    const struct { const char *name; const char **to; } texts[] = {
        { "q", &query.q }, { "number", &query.number }, { "symbol", &query.symbol }, { "code", &query.code },
        { "type", &query.type }, { "signer", &query.signer }, { "recipient", &query.recipient }, { "direction", &query.direction },
        { "dossier", &query.dossier }, { "validity", &query.validity }, { "status", &query.status },
        { "from", &query.from }, { "to", &query.to }, { "after", &query.after },
    };
    const char *agency, *only[2] = { NULL, NULL };
    json_t *answer;
    size_t i;

    for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        SGN_TRY(sgn_json_find_str(texts[i].to, call->args, texts[i].name, NULL, call->pool));
        if (*texts[i].to && !**texts[i].to)
            *texts[i].to = NULL;        /* an empty field of a form */
    }
    SGN_TRY(limit_of(&query.limit, call));
    SGN_TRY(sgn_json_find_str(&agency, call->args, "agency", NULL, call->pool));
    if (agency && *agency) {
        only[0] = may(call, agency, reader_roles) ? agency : NULL;
        query.agencies = only;
    }
    SGN_TRY(sgn_archive_search(&answer, call->keeper->archive, &query, call->pool));
    sgn_call_answer(call, 200, answer);
    return NULL;
}

/* Where the copies are and when they were looked at. */
static sgn_error_t *copies_of(json_t **out, sgn_call_t *call, const json_t *record)
{
    const char *received = json_string_value(json_object_get(record, "received"));
    const char *agency = json_string_value(json_object_get(record, "agency"));
    json_t *list = sgn_json_array(call->pool), *targets, *target;
    size_t i;

    *out = list;
    if (!call->keeper->backup)
        return NULL;
    SGN_TRY(sgn_backup_targets_of(&targets, call->keeper->backup, agency ? agency : "", call->pool));
    json_array_foreach(targets, i, target) {
        const char *last = json_string_value(json_object_get(target, "lastOk"));
        json_t *copy = sgn_json_object(call->pool);

        sgn_json_set(copy, "target", json_object_get(target, "name"));
        sgn_json_set_bool(copy, "copied", last && received && strcmp(last, received) >= 0);
        sgn_json_set_str(copy, "lastOk", last);
        sgn_json_set_str(copy, "verified", json_string_value(json_object_get(target, "verified")));
        json_array_append(list, copy);
    }
    return NULL;
}

sgn_error_t *sgn_op_archive_get(sgn_call_t *call)
{
    json_t *record, *evidence, *copies, *signatures;
    const char *id;

    SGN_TRY(id_of(&id, call));
    SGN_TRY(sgn_archive_get(&record, call->keeper->archive, id, call->pool));
    SGN_TRY(sgn_archive_evidence_list(&evidence, call->keeper->archive, id, call->pool));
    signatures = json_object_get(json_object_get(evidence, "report"), "signatures");
    sgn_json_set(record, "signatures", signatures ? signatures : sgn_json_array(call->pool));
    SGN_TRY(copies_of(&copies, call, record));
    sgn_json_set(record, "copies", copies);
    sgn_call_answer(call, 200, record);
    return NULL;
}

static sgn_error_t *hand_over(sgn_call_t *call, const char *id, const sgn_archive_file_t *file)
{
    json_t *detail = sgn_json_object(call->pool);

    sgn_json_set_str(detail, "sha256", file->sha256);
    SGN_TRY(log_act(call, "archive.read", id, detail));
    sgn_call_content(call, file->media_type, file->name, *file->sha256 ? file->sha256 : NULL);
    sgn_call_part(call, file->fd, 0, file->size);
    return NULL;
}

sgn_error_t *sgn_op_archive_original(sgn_call_t *call)
{
    sgn_archive_file_t file;
    const char *id;

    SGN_TRY(id_of(&id, call));
    SGN_TRY(sgn_archive_original(&file, call->keeper->archive, id, call->pool));
    return hand_over(call, id, &file);
}

sgn_error_t *sgn_op_archive_version(sgn_call_t *call)
{
    sgn_archive_file_t file;
    const char *id, *n;

    SGN_TRY(id_of(&id, call));
    SGN_TRY(sgn_json_get_str(&n, call->args, "n", call->pool));
    if (!*n || strlen(n) > 6 || strspn(n, "0123456789") != strlen(n) || *n == '0')
        return SGN_ERROR(call->pool, SGN_ARCHIVE_UNKNOWN, "no version of that number");
    SGN_TRY(sgn_archive_version(&file, call->keeper->archive, id, (int)apr_atoi64(n), call->pool));
    return hand_over(call, id, &file);
}

sgn_error_t *sgn_op_archive_evidence(sgn_call_t *call)
{
    sgn_archive_file_t file;
    json_t *list;
    const char *id, *name;

    SGN_TRY(id_of(&id, call));
    SGN_TRY(sgn_json_find_str(&name, call->args, "name", NULL, call->pool));
    if (name) {
        SGN_TRY(sgn_archive_evidence_file(&file, call->keeper->archive, id, name, call->pool));
        return hand_over(call, id, &file);
    }
    SGN_TRY(sgn_archive_evidence_list(&list, call->keeper->archive, id, call->pool));
    sgn_call_answer(call, 200, list);
    return NULL;
}

sgn_error_t *sgn_op_archive_fixity(sgn_call_t *call)
{
    json_t *answer, *detail = sgn_json_object(call->pool);
    const char *id;

    SGN_TRY(id_of(&id, call));
    SGN_TRY(sgn_archive_fixity(&answer, call->keeper->archive, id, call->pool));
    sgn_json_set(detail, "ok", json_object_get(answer, "ok"));
    SGN_TRY(log_act(call, "archive.fixity", id, detail));
    sgn_call_answer(call, 200, answer);
    return NULL;
}

sgn_error_t *sgn_op_archive_rebuild(sgn_call_t *call)
{
    json_t *answer = sgn_json_object(call->pool);
    apr_int64_t count;

    SGN_TRY(sgn_archive_rebuild(&count, call->keeper->archive, NULL, NULL, call->pool));
    sgn_json_set_int(answer, "documents", count);
    sgn_call_answer(call, 200, answer);
    return NULL;
}
