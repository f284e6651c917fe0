/* deposit.c: the finished document into the archive, once. */
#include "office/signing/deposit.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include <apr_strings.h>

#include "base/file.h"
#include "base/pool.h"

#define VERDICT_LIMIT ((size_t)64 << 20)

static const char *key_of(const sgn_finish_t *f)
{
    return apr_psprintf(f->pool, "job/%s/%d", f->job->id, f->item->n);
}

static void set_signers(json_t *metadata, const sgn_finish_t *f)
{
    json_t *signers = json_array(), *signature;
    size_t i;

    json_array_foreach(json_object_get(f->report, "signatures"), i, signature) {
        json_t *name = json_object_get(json_object_get(signature, "signer"), "commonName");

        if (json_is_string(name))
            json_array_append(signers, name);
    }
    json_object_set_new(metadata, "signers", signers);
}

/* [TT 41/2017, Điều 9.1] the CRLs and OCSP answers of the moment go with the
 * document; certificates and time-stamps are in its CMS. */
static sgn_error_t *set_evidence(sgn_archive_ingest_t *ingest, const sgn_finish_t *f)
{
    size_t count = json_array_size(f->evidence), i;
    sgn_archive_evidence_t *list = apr_pcalloc(f->pool, sizeof *list * (count + 1));
    json_t *entry;

    json_array_foreach(f->evidence, i, entry) {
        SGN_TRY(sgn_json_get_str(&list[i].kind, entry, "kind", f->pool));
        SGN_TRY(sgn_json_get_bytes(&list[i].bytes, entry, "data", f->pool));
        list[i].name = apr_psprintf(f->pool, "%s-%d.der", strcmp(list[i].kind, "crl") == 0 ? "crl" : "ocsp", (int)i + 1);
    }
    ingest->evidence = list;
    ingest->evidence_count = (int)count;
    return NULL;
}

static sgn_error_t *describe(sgn_archive_ingest_t *ingest, const sgn_finish_t *f)
{
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
    sgn_json_set(metadata, "legalValue", json_object_get(f->report, "legalValue"));
    sgn_json_set(metadata, "indication", json_object_get(f->report, "indication"));
    set_signers(metadata, f);
    ingest->agency = f->job->agency;
    ingest->key = key_of(f);
    ingest->fd = f->document.fd;
    ingest->extension = "pdf";
    ingest->media_type = "application/pdf";
    ingest->report = f->report;
    ingest->metadata = metadata;
    memcpy(ingest->sha256, f->document.sha256, sizeof ingest->sha256);
    ingest->name = apr_pstrcat(f->pool, f->item->number ? f->item->number : "document", ".pdf", NULL);
    return set_evidence(ingest, f);
}

sgn_error_t *sgn_deposit_check(sgn_finish_t *f)
{
    sgn_archive_ingest_t ingest = { .agency = NULL };

    SGN_TRY(describe(&ingest, f));
    return sgn_archive_may_put(&ingest, f->pool);
}

sgn_error_t *sgn_deposit_put(sgn_finish_t *f)
{
    sgn_archive_ingest_t ingest = { .agency = NULL };
    sgn_archive_receipt_t receipt;

    SGN_TRY(describe(&ingest, f));
    SGN_TRY(sgn_archive_put(&receipt, f->jobs->o.archive, &ingest, f->pool));
    f->item->archive = apr_pstrdup(f->keep, receipt.id);
    return NULL;
}

/* The archive links the job's file, so a second name tells that it may have it. */
static sgn_error_t *is_linked(int *linked, const sgn_finish_t *f)
{
    struct stat status;
    int fd;

    SGN_TRY(sgn_file_open(&fd, f->jobs->o.state, sgn_job_path(f->job->id, f->item->n, ".pdf", f->pool), O_RDONLY, 0, f->pool));
    *linked = fstat(fd, &status) == 0 && status.st_nlink > 1;
    sgn_pool_close_fd(f->pool, fd);
    return NULL;
}

sgn_error_t *sgn_deposit_known(int *known, sgn_finish_t *f)
{
    sgn_archive_receipt_t *receipt;
    json_t *list;
    int linked;

    *known = 0;
    if (!f->kind->finishing)
        return NULL;
    SGN_TRY(is_linked(&linked, f));
    if (!linked)
        return NULL;
    SGN_TRY(sgn_archive_find_key(&receipt, f->jobs->o.archive, key_of(f), f->pool));
    if (!receipt)
        return NULL;
    SGN_TRY(sgn_archive_evidence_list(&list, f->jobs->o.archive, receipt->id, f->pool));
    f->item->archive = apr_pstrdup(f->keep, receipt->id);
    f->item->final_sha256 = apr_pstrdup(f->keep, receipt->sha256);
    f->item->report = sgn_json_print(json_object_get(list, "report"), f->keep);
    *known = 1;
    return NULL;
}

static const char *verdict_path(const sgn_finish_t *f)
{
    return sgn_job_path(f->job->id, f->item->n, ".verdict", f->pool);
}

sgn_error_t *sgn_deposit_keep(sgn_finish_t *f)
{
    json_t *verdict = sgn_json_object(f->pool);

    sgn_json_set_int(verdict, "v", 1);
    sgn_json_set(verdict, "report", f->report);
    sgn_json_set(verdict, "evidence", f->evidence);
    return sgn_file_write(f->jobs->o.state, verdict_path(f), sgn_bytes_str(sgn_json_print(verdict, f->pool)), 0600, f->pool);
}

sgn_error_t *sgn_deposit_recall(sgn_finish_t *f)
{
    sgn_bytes_t text, digest;
    json_t *verdict;

    SGN_TRY(sgn_file_read(&text, f->jobs->o.state, verdict_path(f), VERDICT_LIMIT, f->pool));
    SGN_TRY(sgn_json_parse(&verdict, text, VERDICT_LIMIT, f->pool));
    SGN_TRY(sgn_json_get_object(&f->report, verdict, "report", f->pool));
    SGN_TRY(sgn_json_find_array(&f->evidence, verdict, "evidence", f->pool));
    SGN_TRY(sgn_bytes_from_hex(&digest, f->item->final_sha256, f->pool));
    memcpy(f->document.sha256, digest.data, sizeof f->document.sha256);
    SGN_TRY(sgn_file_open(&f->document.fd, f->jobs->o.state, sgn_job_path(f->job->id, f->item->n, ".pdf", f->pool), O_RDONLY, 0,
                          f->pool));
    return sgn_file_size(&f->document.size, f->document.fd, f->pool);
}
