/* embed.c: time-stamp, CMS, the finished bytes and the look a stranger would take. */
#include "office/signing/embed.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/pool.h"
#include "crypto/digest.h"
#include "office/signing/prepare.h"

#define UPDATE_LIMIT ((size_t)32 << 20)

/* [EN 319 142-1, 6.3] B-T: a token over the signature value. */
sgn_error_t *sgn_embed_stamp(sgn_finish_t *f)
{
    unsigned char imprint[32];
    apr_time_t time;

    if (strcmp(f->item->level, "B-B") == 0 || f->item->token.len)
        return NULL;
    /* [HP, Điều 17.5] the token proves its own time, not the desk's: what was
     * stopped since the value came is not stamped. */
    SGN_TRY(sgn_agency_recheck(f->jobs->o.agency, f->binding, f->job->account, sgn_clock_now(), f->pool));
    SGN_TRY(sgn_digest_sha256(imprint, f->item->value.data, f->item->value.len, f->pool));
    SGN_TRY(sgn_engine_timestamp(&f->item->token, &time, f->jobs->o.engine, imprint, f->pool));
    return sgn_db_run(f->jobs->o.office, f->pool, "UPDATE job_item SET token = $1 WHERE job = $2 AND n = $3", "bsi",
                      &f->item->token, f->job->id, (apr_int64_t)f->item->n);
}

/* The original's bytes stay; the update goes behind them.  Cut back first: a
 * crash may have left half of it. */
static sgn_error_t *append(sgn_finish_t *f, sgn_bytes_t update)
{
    const char *path = sgn_job_path(f->job->id, f->item->n, ".pdf", f->pool);
    struct stat status;
    int reader, writer;

    SGN_TRY(sgn_file_open(&reader, f->jobs->o.state, path, O_RDONLY, 0, f->pool));
    /* A second name is the archive's: what it holds is never written again. */
    if (fstat(reader, &status) != 0 || status.st_nlink != 1)
        return SGN_ERROR_ERRNO(f->pool, SGN_BUSY, "%s is linked", path);
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

sgn_error_t *sgn_embed_write(sgn_finish_t *f)
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
    f->item->final_sha256 = sgn_bytes_hex(sgn_bytes(f->document.sha256, 32), f->keep);
    return NULL;
}

static const json_t *signature_of(const sgn_verdict_t *verdict, const json_t *fact)
{
    return json_array_get(json_object_get(verdict->report, "signatures"),
                          (size_t)json_integer_value(json_object_get(fact, "n")));
}

/* The signature with our value in the report of the finished file. */
static const json_t *our_signature(const sgn_finish_t *f, const sgn_verdict_t *verdict)
{
    const char *value = sgn_bytes_base64(f->item->value, f->pool);
    json_t *fact;
    size_t i;

    json_array_foreach(verdict->facts, i, fact) {
        const char *other = json_string_value(json_object_get(fact, "value"));

        if (other && strcmp(other, value) == 0)
            return signature_of(verdict, fact);
    }
    return NULL;
}

/* The person's signature that this seal rests on. */
static const json_t *basis_signature(const sgn_finish_t *f, const sgn_verdict_t *verdict)
{
    json_t *fact;
    size_t i;

    json_array_foreach(verdict->facts, i, fact) {
        const char *digest;
        sgn_bytes_t value;

        if (sgn_json_find_bytes(&value, fact, "value", f->pool) || sgn_digest_sha256_hex(&digest, value.data, value.len, f->pool))
            continue;
        if (strcmp(digest, f->item->person_digest) == 0)
            return signature_of(verdict, fact);
    }
    return NULL;
}

sgn_error_t *sgn_embed_check(sgn_finish_t *f)
{
    sgn_verdict_options_t options = { .class_ = SGN_ENGINE_SIGNING, .agency = f->job->agency };
    const char *indication, *sub;
    const json_t *signature;
    sgn_verdict_t *verdict;

    SGN_TRY(sgn_jobs_receipt(&options.receipt, f->jobs, f->document.sha256, f->pool));
    if (!options.receipt)
        options.receipt = sgn_clock_now();
    SGN_TRY(sgn_verdict_make(&verdict, f->jobs->o.engine, f->jobs->o.agency, &f->document, &options, f->pool));
    f->report = verdict->report;
    f->evidence = verdict->evidence;
    signature = our_signature(f, verdict);
    indication = signature ? json_string_value(json_object_get(signature, "indication")) : NULL;
    sub = signature ? json_string_value(json_object_get(signature, "subIndication")) : NULL;
    f->item->report = sgn_json_print(f->report, f->keep);
    if (indication && strcmp(indication, "TOTAL-PASSED") == 0 && f->item->person_digest) {
        /* [B8] revoked while the seal was on the desk: there is nothing to seal any more */
        signature = basis_signature(f, verdict);
        indication = signature ? json_string_value(json_object_get(signature, "indication")) : NULL;
        sub = signature ? json_string_value(json_object_get(signature, "subIndication")) : NULL;
    }
    if (indication && strcmp(indication, "TOTAL-PASSED") == 0)
        return NULL;
    if (indication && sub && strcmp(sub, "TRY_LATER") == 0)
        return SGN_ERROR(f->pool, SGN_CERT_UNKNOWN_STATUS, "evidence for the finished file");
    return SGN_ERROR(f->pool, SGN_FINAL_CHECK, "%s %s", indication ? indication : "signature not found", sub ? sub : "");
}
