/* judgement.c: receipts, then the verdict. */
#include "keeper/judgement.h"

#include "office/archive/archive.h"
#include "office/signing/jobs.h"

/* [THREATS A14] the best proof after a time-stamp: that we had these bytes. */
static sgn_error_t *receipt_of(apr_time_t *out, sgn_call_t *call, const sgn_engine_document_t *document)
{
    sgn_archive_receipt_t *archived;

    SGN_TRY(sgn_jobs_receipt(out, call->keeper->jobs, document->sha256, call->pool));
    if (*out)
        return NULL;
    SGN_TRY(sgn_archive_find_sha256(&archived, call->keeper->archive,
                                    sgn_bytes_hex(sgn_bytes(document->sha256, 32), call->pool), call->pool));
    *out = archived ? archived->received : 0;
    return NULL;
}

sgn_error_t *sgn_judgement_make(sgn_verdict_t **out, sgn_call_t *call, const sgn_engine_document_t *document,
                                const char *agency, const char *expect)
{
    sgn_verdict_options_t options = {
        .class_ = SGN_ENGINE_ANYONE, .agency = agency, .expect = expect,
        .home = call->person ? sgn_person_home(call->person) : NULL,
    };

    SGN_TRY(receipt_of(&options.receipt, call, document));
    return sgn_verdict_make(out, call->keeper->engine, call->keeper->agency, document, &options, call->pool);
}
