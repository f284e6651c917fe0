#include <apr_strings.h>

#include "look/validate/report.h"

static const struct {
    sgn_code_t code;
    const char *severity, *clause;
} rules[] = {
#define RULE(id, severity, clause) { SGN_##id, severity, clause },
#include "look/validate/rules.def"
#undef RULE
};

const char *sgn_report_severity(sgn_code_t code)
{
    size_t i;

    for (i = 0; i < sizeof rules / sizeof *rules; i++)
        if (rules[i].code == code)
            return rules[i].severity;
    return "error";         /* a finding nobody weighed is not harmless */
}

const char *sgn_report_clause(sgn_code_t code)
{
    size_t i;

    for (i = 0; i < sizeof rules / sizeof *rules; i++)
        if (rules[i].code == code)
            return rules[i].clause;
    return "";
}

const char *sgn_report_indication(sgn_indication_t indication)
{
    switch (indication) {
    case SGN_INDICATION_PASSED:       return "TOTAL-PASSED";
    case SGN_INDICATION_FAILED:       return "TOTAL-FAILED";
    case SGN_INDICATION_NO_SIGNATURE: return "NO-SIGNATURE";
    case SGN_INDICATION_UNSUPPORTED:  return "UNSUPPORTED";
    case SGN_INDICATION_INDETERMINATE: break;
    }
    return "INDETERMINATE";
}

sgn_report_t *sgn_report_make(apr_pool_t *pool)
{
    sgn_report_t *report = apr_pcalloc(pool, sizeof *report);

    report->pool = pool;
    report->indication = SGN_INDICATION_INDETERMINATE;
    report->signatures = apr_array_make(pool, 4, sizeof(sgn_report_signature_t *));
    report->findings = apr_array_make(pool, 4, sizeof(sgn_finding_t));
    return report;
}

sgn_report_signature_t *sgn_report_add(sgn_report_t *report, const char *name)
{
    apr_pool_t *pool = report->pool;
    sgn_report_signature_t *signature = apr_pcalloc(pool, sizeof *signature);

    signature->name = name;
    signature->format = "PAdES";
    signature->level = "B-B";
    signature->kind = "unknown";
    signature->indication = SGN_INDICATION_INDETERMINATE;
    signature->worst = SGN_INDICATION_PASSED;
    signature->coverage = "partial";
    signature->changes_after = SGN_CHANGES_UNKNOWN;
    signature->changes = apr_array_make(pool, 4, sizeof(sgn_change_row_t));
    signature->timestamps = apr_array_make(pool, 1, sizeof(sgn_timestamp_row_t));
    signature->path = apr_array_make(pool, 4, sizeof(const char *));
    signature->revocation = apr_array_make(pool, 4, sizeof(sgn_revocation_row_t));
    signature->findings = apr_array_make(pool, 4, sizeof(sgn_finding_t));
    signature->integrity.status = "unknown";
    signature->certificate.status = "unknown";
    signature->certification_path.status = "unknown";
    signature->signer.kind = "person";
    APR_ARRAY_PUSH(report->signatures, sgn_report_signature_t *) = signature;
    return signature;
}

static void note(apr_array_header_t *findings, sgn_code_t code, const char *subject, apr_pool_t *pool)
{
    sgn_finding_t *finding;
    int i;

    for (i = 0; i < findings->nelts; i++) {
        finding = &APR_ARRAY_IDX(findings, i, sgn_finding_t);
        if (finding->code == code
            && (finding->subject == subject
                || (finding->subject && subject && strcmp(finding->subject, subject) == 0)))
            return;
    }
    /* A hostile file must not make a report of a million rows. */
    if (findings->nelts >= SGN_REPORT_FINDINGS)
        return;
    finding = &APR_ARRAY_PUSH(findings, sgn_finding_t);
    finding->code = code;
    finding->subject = subject ? apr_pstrdup(pool, subject) : NULL;
}

void sgn_report_note(sgn_report_t *report, sgn_report_signature_t *signature,
                     sgn_code_t code, const char *subject)
{
    note(signature->findings, code, subject, report->pool);
}

void sgn_report_find(sgn_report_t *report, sgn_code_t code, const char *subject)
{
    note(report->findings, code, subject, report->pool);
}

int sgn_report_has(const apr_array_header_t *findings, sgn_code_t code)
{
    int i;

    for (i = 0; i < findings->nelts; i++)
        if (APR_ARRAY_IDX(findings, i, sgn_finding_t).code == code)
            return 1;
    return 0;
}

int sgn_report_has_error(const apr_array_header_t *findings)
{
    int i;

    for (i = 0; i < findings->nelts; i++)
        if (strcmp(sgn_report_severity(APR_ARRAY_IDX(findings, i, sgn_finding_t).code), "error") == 0)
            return 1;
    return 0;
}

void sgn_report_lower(sgn_report_signature_t *signature, sgn_indication_t indication, const char *sub)
{
    if (indication <= signature->worst)
        return;
    signature->worst = indication;
    signature->sub = sub;
}

static int status_rank(const char *status)
{
    return strcmp(status, "invalid") == 0 ? 2 : strcmp(status, "unknown") == 0 ? 1 : 0;
}

void sgn_report_result(sgn_result_t *result, const char *status, sgn_code_t code)
{
    /* "unknown" without a code is the beginning: not yet looked at. */
    int untouched = result->code == SGN_OK && strcmp(result->status, "unknown") == 0;

    if (untouched || status_rank(status) > status_rank(result->status)) {
        result->status = status;
        result->code = code;
    }
}

/* People read the first finding: what makes it invalid, not what is unknown
 * besides. */
static void put_first(apr_array_header_t *findings, sgn_code_t code)
{
    sgn_finding_t *list = (sgn_finding_t *)findings->elts, found;
    int i;

    for (i = 0; i < findings->nelts; i++)
        if (list[i].code == code) {
            found = list[i];
            memmove(list + 1, list, sizeof *list * (size_t)i);
            list[0] = found;
            return;
        }
}

void sgn_report_conclude(sgn_report_signature_t *signature)
{
    if (strcmp(signature->integrity.status, "invalid") == 0)
        put_first(signature->findings, signature->integrity.code);
    if (signature->worst == SGN_INDICATION_PASSED
        && (sgn_report_has_error(signature->findings) || !signature->intact))
        sgn_report_lower(signature, SGN_INDICATION_INDETERMINATE, "SIG_CONSTRAINTS_FAILURE");
    signature->indication = signature->worst;
    if (signature->indication == SGN_INDICATION_PASSED)
        signature->sub = NULL;
}

void sgn_report_close(sgn_report_t *report)
{
    sgn_indication_t worst = SGN_INDICATION_PASSED;
    int i;

    if (report->indication == SGN_INDICATION_UNSUPPORTED)
        return;
    for (i = 0; i < report->signatures->nelts; i++) {
        const sgn_report_signature_t *signature =
            APR_ARRAY_IDX(report->signatures, i, sgn_report_signature_t *);

        if (signature->indication > worst)
            worst = signature->indication;
    }
    if (sgn_report_has_error(report->findings) && worst < SGN_INDICATION_INDETERMINATE)
        worst = SGN_INDICATION_INDETERMINATE;
    else if (report->signatures->nelts == 0)
        worst = SGN_INDICATION_NO_SIGNATURE;
    report->indication = worst;
}
