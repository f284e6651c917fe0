/* finish.c: time-stamp, embed, validate as a stranger, archive. */
#include "office/signing/finish.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <apr_strings.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/pool.h"
#include "crypto/digest.h"
#include "office/agency/register.h"
#include "office/signing/kind.h"
#include "office/signing/prepare.h"

#define UPDATE_LIMIT ((size_t)32 << 20)
#define RETRY_FIRST apr_time_from_sec(2)
#define RETRY_LAST apr_time_from_sec(300)

typedef struct {
    sgn_jobs_t *jobs;
    sgn_job_t *job;
    sgn_job_item_t *item;
    sgn_binding_t *binding;
    sgn_engine_document_t document;     /* finished */
    sgn_verdict_t *verdict;
    apr_pool_t *pool;
} finish_t;

static sgn_error_t *binding_of(finish_t *f)
{
    sgn_binding_t *list;
    int count;

    SGN_TRY(sgn_agency_bindings(&list, &count, f->jobs->o.agency, f->job->certificate_sha256, 0, f->pool));
    for (int i = 0; i < count; i++)
        if (strcmp(list[i].id, f->job->binding) == 0) {
            f->binding = &list[i];
            return NULL;
        }
    return SGN_ERROR(f->pool, SGN_BINDING_NONE, "binding %s is gone", f->job->binding);
}

/* [EN 319 142-1, 6.3] B-T: a token over the signature value. */
static sgn_error_t *timestamp(finish_t *f)
{
    unsigned char imprint[32];
    apr_time_t time;

    if (strcmp(f->item->level, "B-B") == 0 || f->item->token.len)
        return NULL;
    SGN_TRY(sgn_digest_sha256(imprint, f->item->value.data, f->item->value.len, f->pool));
    SGN_TRY(sgn_engine_timestamp(&f->item->token, &time, f->jobs->o.engine, imprint, f->pool));
    return sgn_db_run(f->jobs->o.office, f->pool, "UPDATE job_item SET token = $1 WHERE job = $2 AND n = $3", "bsi",
                      &f->item->token, f->job->id, (apr_int64_t)f->item->n);
}

/* The original's bytes stay; the update goes behind them.  Cut back first: a
 * crash may have left half of it. */
static sgn_error_t *append(finish_t *f, sgn_bytes_t update)
{
    const char *path = sgn_job_path(f->job->id, f->item->n, ".pdf", f->pool);
    int reader, writer;

    SGN_TRY(sgn_file_open(&reader, f->jobs->o.state, path, O_RDONLY, 0, f->pool));
    if (fchmod(reader, 0600) != 0)
        return SGN_ERROR_ERRNO(f->pool, SGN_FILE_FAILED, "chmod %s", path);
    SGN_TRY(sgn_file_open(&writer, f->jobs->o.state, path, O_WRONLY, 0, f->pool));
    if (ftruncate(writer, f->item->size) != 0)
        return SGN_ERROR_ERRNO(f->pool, SGN_FILE_FAILED, "cut %s", path);
    SGN_TRY(sgn_file_pwrite_all(writer, update.data, update.len, f->item->size, f->pool));
    SGN_TRY(sgn_file_sync(writer, f->pool));
    sgn_pool_close_fd(f->pool, writer);
    if (fchmod(reader, 0400) != 0)
        return SGN_ERROR_ERRNO(f->pool, SGN_FILE_FAILED, "chmod %s", path);
    f->document.fd = reader;
    return sgn_file_size(&f->document.size, reader, f->pool);
}

static sgn_error_t *embed(finish_t *f)
{
    size_t gap = (size_t)(f->item->range[1] - f->item->size), gap_len = (size_t)(f->item->range[2] - f->item->range[1]);
    sgn_bytes_t update, cms;

    SGN_TRY(sgn_engine_cms(&cms, f->jobs->o.engine, f->item->dtbs, f->item->value, f->item->algorithm,
                           f->binding->certificate, f->item->token, f->pool));
    SGN_TRY(sgn_file_read(&update, f->jobs->o.state, sgn_job_path(f->job->id, f->item->n, ".update", f->pool), UPDATE_LIMIT,
                          f->pool));
    if (gap + gap_len > update.len)
        return SGN_ERROR(f->pool, SGN_FILE_SHORT, "update of document %d", f->item->n);
    SGN_TRY(sgn_prepare_fill((unsigned char *)update.data + gap, gap_len, cms, f->pool));
    SGN_TRY(append(f, update));
    if (f->document.size != f->item->offered_size)
        return SGN_ERROR(f->pool, SGN_INTERNAL, "finished file of %" APR_OFF_T_FMT " bytes", f->document.size);
    SGN_TRY(sgn_digest_sha256_fd(f->document.sha256, f->document.fd, 0, f->document.size, f->pool));
    f->item->final_sha256 = sgn_bytes_hex(sgn_bytes(f->document.sha256, 32), f->pool);
    return NULL;
}

static const json_t *signature_of(const finish_t *f, const json_t *fact)
{
    return json_array_get(json_object_get(f->verdict->report, "signatures"),
                          (size_t)json_integer_value(json_object_get(fact, "n")));
}

/* The signature with our value in the report of the finished file. */
static const json_t *our_signature(const finish_t *f)
{
    const char *value = sgn_bytes_base64(f->item->value, f->pool);
    json_t *fact;
    size_t i;

    json_array_foreach(f->verdict->facts, i, fact) {
        const char *other = json_string_value(json_object_get(fact, "value"));

        if (other && strcmp(other, value) == 0)
            return signature_of(f, fact);
    }
    return NULL;
}

/* The person's signature that this seal rests on. */
static const json_t *basis_signature(const finish_t *f)
{
    json_t *fact;
    size_t i;

    json_array_foreach(f->verdict->facts, i, fact) {
        const char *digest;
        sgn_bytes_t value;

        if (sgn_json_find_bytes(&value, fact, "value", f->pool) || sgn_digest_sha256_hex(&digest, value.data, value.len, f->pool))
            continue;
        if (strcmp(digest, f->item->person_digest) == 0)
            return signature_of(f, fact);
    }
    return NULL;
}

static sgn_error_t *validate(finish_t *f)
{
    sgn_verdict_options_t options = { .class_ = SGN_ENGINE_SIGNING, .agency = f->job->agency };
    const char *indication, *sub;
    const json_t *signature;

    SGN_TRY(sgn_jobs_receipt(&options.receipt, f->jobs, f->document.sha256, f->pool));
    if (!options.receipt)
        options.receipt = sgn_clock_now();
    SGN_TRY(sgn_verdict_make(&f->verdict, f->jobs->o.engine, f->jobs->o.agency, &f->document, &options, f->pool));
    signature = our_signature(f);
    indication = signature ? json_string_value(json_object_get(signature, "indication")) : NULL;
    sub = signature ? json_string_value(json_object_get(signature, "subIndication")) : NULL;
    f->item->report = sgn_json_print(f->verdict->report, f->pool);
    if (indication && strcmp(indication, "TOTAL-PASSED") == 0 && f->item->person_digest) {
        /* [B8] revoked while the seal was on the desk: there is nothing to seal any more */
        signature = basis_signature(f);
        indication = signature ? json_string_value(json_object_get(signature, "indication")) : NULL;
        sub = signature ? json_string_value(json_object_get(signature, "subIndication")) : NULL;
    }
    if (indication && strcmp(indication, "TOTAL-PASSED") == 0)
        return NULL;
    if (indication && sub && strcmp(sub, "TRY_LATER") == 0)
        return SGN_ERROR(f->pool, SGN_CERT_UNKNOWN_STATUS, "evidence for the finished file");
    return SGN_ERROR(f->pool, SGN_FINAL_CHECK, "%s %s", indication ? indication : "signature not found", sub ? sub : "");
}

static void set_signers(json_t *metadata, const finish_t *f)
{
    json_t *signers = json_array(), *signature;
    size_t i;

    json_array_foreach(json_object_get(f->verdict->report, "signatures"), i, signature) {
        json_t *name = json_object_get(json_object_get(signature, "signer"), "commonName");

        if (json_is_string(name))
            json_array_append(signers, name);
    }
    json_object_set_new(metadata, "signers", signers);
}

/* [TT 41/2017, Điều 9.1] the CRLs and OCSP answers of the moment go with the
 * document; certificates and time-stamps are in its CMS. */
static sgn_error_t *set_evidence(sgn_archive_ingest_t *ingest, const finish_t *f)
{
    size_t count = json_array_size(f->verdict->evidence), i;
    sgn_archive_evidence_t *list = apr_pcalloc(f->pool, sizeof *list * (count + 1));
    json_t *entry;

    json_array_foreach(f->verdict->evidence, i, entry) {
        SGN_TRY(sgn_json_get_str(&list[i].kind, entry, "kind", f->pool));
        SGN_TRY(sgn_json_get_bytes(&list[i].bytes, entry, "data", f->pool));
        list[i].name = apr_psprintf(f->pool, "%s-%d.der", strcmp(list[i].kind, "crl") == 0 ? "crl" : "ocsp", (int)i + 1);
    }
    ingest->evidence = list;
    ingest->evidence_count = (int)count;
    return NULL;
}

static sgn_error_t *archive(finish_t *f)
{
    sgn_archive_ingest_t ingest = {
        .agency = f->job->agency, .key = apr_psprintf(f->pool, "job/%s/%d", f->job->id, f->item->n),
        .fd = f->document.fd, .extension = "pdf", .media_type = "application/pdf", .report = f->verdict->report,
    };
    sgn_archive_receipt_t receipt;
    const char *name;
    json_t *metadata;

    SGN_TRY(sgn_json_parse(&metadata, sgn_bytes_str(f->item->metadata), 1 << 20, f->pool));
    SGN_TRY(sgn_agency_name(&name, f->jobs->o.agency, f->job->agency, f->pool));
    sgn_json_set_str(metadata, "type", f->item->type);
    sgn_json_set_str(metadata, "number", f->item->number);
    sgn_json_set_str(metadata, "symbol", f->item->symbol);
    sgn_json_set_str(metadata, "date", f->item->date);
    sgn_json_set_str(metadata, "subject", f->item->subject);
    sgn_json_set_str(metadata, "agencyName", name);
    sgn_json_set_str(metadata, "direction", "out");
    sgn_json_set_str(metadata, "kind", f->item->kind);
    sgn_json_set_str(metadata, "archivedBy", f->job->account);
    /* what the caller wrote there is not ours */
    json_object_del(metadata, "system");
    json_object_del(metadata, "legalValue");
    json_object_del(metadata, "indication");
    sgn_json_set_str(metadata, "system", f->job->system);
    sgn_json_set(metadata, "legalValue", json_object_get(f->verdict->report, "legalValue"));
    sgn_json_set(metadata, "indication", json_object_get(f->verdict->report, "indication"));
    set_signers(metadata, f);
    ingest.metadata = metadata;
    memcpy(ingest.sha256, f->document.sha256, sizeof ingest.sha256);
    ingest.name = apr_pstrcat(f->pool, f->item->number ? f->item->number : "document", ".pdf", NULL);
    SGN_TRY(set_evidence(&ingest, f));
    SGN_TRY(sgn_archive_put(&receipt, f->jobs->o.archive, &ingest, f->pool));
    f->item->archive = receipt.id;
    return NULL;
}

static sgn_error_t *store_done(finish_t *f)
{
    sgn_db_t *office = f->jobs->o.office;
    json_t *detail = sgn_json_object(f->pool);

    sgn_json_set_int(detail, "n", f->item->n);
    sgn_json_set_str(detail, "sha256", f->item->final_sha256);
    sgn_json_set_str(detail, "archive", f->item->archive);
    sgn_json_set_str(detail, "number", f->item->number);
    SGN_TRY(sgn_db_run(office, f->pool, "INSERT INTO receipt (sha256, time) VALUES ($1, $2) ON CONFLICT DO NOTHING", "si",
                       f->item->final_sha256, (apr_int64_t)sgn_clock_now()));
    SGN_TRY(sgn_db_run(office, f->pool,
                       "UPDATE job_item SET state = 'done', code = NULL, detail = NULL, final_sha256 = $1, archive = $2, report = $3"
                       " WHERE job = $4 AND n = $5", "ssssi", f->item->final_sha256, f->item->archive, f->item->report,
                       f->job->id, (apr_int64_t)f->item->n));
    SGN_TRY(sgn_db_run(office, f->pool, "UPDATE seal_use SET done = 1 WHERE job = $1 AND item = $2", "si", f->job->id,
                       (apr_int64_t)f->item->n));
    SGN_TRY(sgn_register_use(office, f->job->id, f->item->n, f->item->archive, f->pool));
    SGN_TRY(sgn_job_audit(f->jobs, f->job, "item.done", detail, f->pool));
    return sgn_job_settle(office, f->job->id, f->pool);
}

static sgn_error_t *finish_one(finish_t *f)
{
    const sgn_kind_plug_t *kind;
    sgn_error_t *error;

    SGN_TRY(sgn_kind_find(&kind, f->item->kind, NULL, f->pool));
    SGN_TRY(binding_of(f));
    SGN_TRY(timestamp(f));
    SGN_TRY(embed(f));
    SGN_TRY(validate(f));
    if (kind->finishing)
        SGN_TRY(archive(f));
    SGN_TRY(sgn_db_begin(f->jobs->o.office, f->pool));
    error = store_done(f);
    if (!error)
        return sgn_db_commit(f->jobs->o.office, f->pool);
    sgn_db_rollback(f->jobs->o.office);
    return error;
}

/* What passes by itself is tried again: nothing of it asks for a password. */
static int is_passing(sgn_code_t code)
{
    switch (code) {
    case SGN_TIMESTAMP_DOWN:
    case SGN_CERT_UNKNOWN_STATUS:
    case SGN_BUSY:
    case SGN_DISK_FULL:
    case SGN_DB_FULL:
    case SGN_DB_LOCKED:
    case SGN_EVIDENCE_FETCH:
    case SGN_KEEPER_ABSENT:
    case SGN_WORKER_DEADLINE:
        return 1;
    default:
        return 0;
    }
}

static sgn_error_t *postpone(finish_t *f, const sgn_error_t *why)
{
    apr_interval_time_t wait = RETRY_FIRST << (f->item->retries < 8 ? f->item->retries : 8);
    const char *state = why->code == SGN_TIMESTAMP_DOWN ? "awaiting-timestamp" : f->item->state;

    if (wait > RETRY_LAST)
        wait = RETRY_LAST;
    return sgn_db_run(f->jobs->o.office, f->pool,
                      "UPDATE job_item SET state = $1, code = $2, retry_at = $3, retries = retries + 1 WHERE job = $4 AND n = $5",
                      "ssisi", state, sgn_error_row(why->code)->name, (apr_int64_t)(sgn_clock_now() + wait), f->job->id,
                      (apr_int64_t)f->item->n);
}

static sgn_error_t *give_up(finish_t *f, const sgn_error_t *why)
{
    sgn_db_t *office = f->jobs->o.office;
    json_t *detail = sgn_json_object(f->pool);
    sgn_error_t *error;

    sgn_json_set_int(detail, "n", f->item->n);
    sgn_json_set_str(detail, "error", sgn_error_chain(why, f->pool));
    SGN_TRY(sgn_db_begin(office, f->pool));
    error = sgn_job_item_state(office, f->job->id, f->item->n, "error", sgn_error_row(why->code)->name, why->detail, f->pool);
    if (!error)
        error = sgn_job_release_item(office, f->job, f->item->n, sgn_error_row(why->code)->name, f->pool);
    if (!error)
        error = sgn_job_audit(f->jobs, f->job, "item.error", detail, f->pool);
    if (!error)
        error = sgn_job_settle(office, f->job->id, f->pool);
    if (!error)
        return sgn_db_commit(office, f->pool);
    sgn_db_rollback(office);
    return error;
}

static sgn_error_t *finish_row(sgn_jobs_t *jobs, const char *id, int n, apr_pool_t *pool)
{
    finish_t f = { .jobs = jobs, .pool = pool };
    sgn_job_item_t *items;
    sgn_error_t *error;
    int count;

    SGN_TRY(sgn_job_get(&f.job, jobs->o.office, id, pool));
    SGN_TRY(sgn_job_items(&items, &count, jobs->o.office, id, pool));
    if (n < 0 || n >= count)
        return SGN_ERROR(pool, SGN_INTERNAL, "item %d of %s", n, id);
    f.item = &items[n];
    error = finish_one(&f);
    if (!error)
        return NULL;
    return is_passing(error->code) ? postpone(&f, error) : give_up(&f, error);
}

sgn_error_t *sgn_finish_pending(sgn_jobs_t *jobs, apr_pool_t *pool)
{
    sgn_db_rows_t *rows;
    apr_pool_t *each;
    sgn_error_t *error = NULL;

    SGN_TRY(sgn_db_query(&rows, jobs->o.office, pool,
                         "SELECT job, n FROM job_item WHERE state IN ('signed','awaiting-timestamp') AND retry_at <= $1 ORDER BY job, n",
                         "i", (apr_int64_t)sgn_clock_now()));
    apr_pool_create(&each, pool);
    for (int i = 0; i < sgn_db_count(rows) && !error; i++) {
        apr_pool_clear(each);
        error = finish_row(jobs, sgn_db_text(rows, i, 0), (int)sgn_db_int(rows, i, 1), each);
    }
    if (!error)
        apr_pool_destroy(each);
    return error;
}
