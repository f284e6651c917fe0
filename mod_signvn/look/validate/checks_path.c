/* checks_path.c: certificate, path and revocation at the time that counts. */
#include <string.h>

#include "look/validate/checks_part.h"

#define DSS_ITEMS 64
#define DSS_ITEM_LIMIT (32 << 20)

/* ---- evidence of the document --------------------------------------------- */

static sgn_error_t *dss_list(sgn_checks_t *checks, const sgn_pdf_obj_t *dss, const char *key,
                             void (*take)(sgn_checks_t *checks, sgn_bytes_t der))
{
    const sgn_pdf_obj_t *list = sgn_pdf_doc_find(checks->doc, dss, key);
    int i;

    for (i = 0; list->type == SGN_PDF_ARRAY && i < list->count && i < DSS_ITEMS; i++) {
        sgn_bytes_t der;

        if (list->items[i]->type == SGN_PDF_REF
            && sgn_pdf_doc_stream_decoded(&der, checks->doc, (int)list->items[i]->number, list->items[i]->gen,
                                          DSS_ITEM_LIMIT, checks->pool) == NULL)
            take(checks, der);
    }
    return NULL;
}

static void take_cert(sgn_checks_t *checks, sgn_bytes_t der)
{
    sgn_cert_t *cert;

    if (sgn_cert_parse(&cert, der, checks->pool) == NULL)
        APR_ARRAY_PUSH(checks->dss_certs, sgn_cert_t *) = cert;
}

static void take_crl(sgn_checks_t *checks, sgn_bytes_t der)
{
    APR_ARRAY_PUSH(checks->dss_evidence, sgn_bytes_t) = der;
    sgn_revocation_set_add(NULL, checks->evidence, SGN_REVOCATION_CRL, der);
}

static void take_ocsp(sgn_checks_t *checks, sgn_bytes_t der)
{
    APR_ARRAY_PUSH(checks->dss_evidence, sgn_bytes_t) = der;
    sgn_revocation_set_add(NULL, checks->evidence, SGN_REVOCATION_OCSP, der);
}

sgn_error_t *sgn_checks_dss(sgn_checks_t *checks)
{
    const sgn_pdf_obj_t *dss = sgn_pdf_doc_find(checks->doc, sgn_pdf_doc_catalog(checks->doc), "DSS");
    int i, j;

    checks->dss_certs = apr_array_make(checks->pool, 8, sizeof(sgn_cert_t *));
    checks->dss_evidence = apr_array_make(checks->pool, 8, sizeof(sgn_bytes_t));
    if (dss->type == SGN_PDF_DICT) {
        SGN_TRY(dss_list(checks, dss, "Certs", take_cert));
        SGN_TRY(dss_list(checks, dss, "CRLs", take_crl));
        SGN_TRY(dss_list(checks, dss, "OCSPs", take_ocsp));
    }
    for (i = 0; i < checks->count; i++) {
        const sgn_cms_t *cms = checks->signatures[i].cms ? checks->signatures[i].cms
            : checks->signatures[i].token ? checks->signatures[i].token->cms : NULL;

        if (!cms)
            continue;
        for (j = 0; j < cms->crls->nelts; j++)
            sgn_revocation_set_add(NULL, checks->evidence, SGN_REVOCATION_CRL, APR_ARRAY_IDX(cms->crls, j, sgn_bytes_t));
        for (j = 0; j < cms->ocsps->nelts; j++)
            sgn_revocation_set_add(NULL, checks->evidence, SGN_REVOCATION_OCSP, APR_ARRAY_IDX(cms->ocsps, j, sgn_bytes_t));
    }
    return NULL;
}

apr_array_header_t *sgn_checks_offered(sgn_checks_t *checks, const sgn_cms_t *cms)
{
    return checks->dss_certs && checks->dss_certs->nelts
        ? apr_array_append(checks->pool, cms->certs, checks->dss_certs) : cms->certs;
}

/* ---- revocation ----------------------------------------------------------- */

static const char *status_name(sgn_revocation_status_t status)
{
    switch (status) {
    case SGN_REVOCATION_GOOD:    return "good";
    case SGN_REVOCATION_REVOKED: return "revoked";
    case SGN_REVOCATION_HOLD:    return "on-hold";
    case SGN_REVOCATION_UNKNOWN: break;
    }
    return "unknown";
}

static int is_from_dss(const sgn_checks_t *checks, sgn_bytes_t evidence)
{
    int i;

    for (i = 0; i < checks->dss_evidence->nelts; i++)
        if (sgn_bytes_equal(APR_ARRAY_IDX(checks->dss_evidence, i, sgn_bytes_t), evidence))
            return 1;
    return 0;
}

sgn_error_t *sgn_checks_revocation(sgn_code_t *worst, int *from_dss, sgn_checks_t *checks, sgn_report_signature_t *row,
                                   const sgn_path_t *path, apr_time_t time, int proven)
{
    sgn_revocation_when_t when;
    apr_array_header_t *all;
    int i;

    memset(&when, 0, sizeof when);
    when.time = time;
    when.proven = proven;
    when.now = checks->input->now;
    when.seed = checks->input->seed;
    SGN_TRY(sgn_revocation_path(&all, worst, checks->answer->missing, checks->evidence, path, &when, checks->pool));
    *from_dss = all->nelts > 0;
    for (i = 0; i < all->nelts; i++) {
        const sgn_revocation_t *one = &APR_ARRAY_IDX(all, i, sgn_revocation_t);
        sgn_revocation_row_t *out = &APR_ARRAY_PUSH(row->revocation, sgn_revocation_row_t);

        out->certificate = one->cert ? one->cert->common_name : NULL;
        out->source = one->source;
        out->produced = one->produced;
        out->status = status_name(one->status);
        if (!is_from_dss(checks, one->evidence))
            *from_dss = 0;
    }
    return NULL;
}

/* ---- path ----------------------------------------------------------------- */

static void certificate_bad(sgn_checks_t *checks, sgn_checks_signature_t *signature, sgn_code_t code, const char *sub)
{
    sgn_report_note(checks->report, signature->row, code, NULL);
    sgn_report_lower(signature->row, SGN_INDICATION_INDETERMINATE, sub);
    sgn_report_result(&signature->row->certificate, "invalid", code);
}

static void path_bad(sgn_checks_t *checks, sgn_checks_signature_t *signature, sgn_code_t code, const char *sub,
                     const char *detail)
{
    sgn_report_note(checks->report, signature->row, code, detail);
    sgn_report_lower(signature->row, SGN_INDICATION_INDETERMINATE, sub);
    sgn_report_result(&signature->row->certification_path, "invalid", code);
}

/* The certificate's own validity at the best time [NĐ 68/2024, Điều 31.1a].
 * Returns the time at which its path is looked at. */
static apr_time_t check_period(sgn_checks_t *checks, sgn_checks_signature_t *signature, const sgn_cert_t *cert)
{
    sgn_report_signature_t *row = signature->row;

    if (row->best < cert->not_before) {
        sgn_report_note(checks->report, row, SGN_F_CERT_EXPIRED, NULL);
        sgn_report_lower(row, signature->proven ? SGN_INDICATION_FAILED : SGN_INDICATION_INDETERMINATE,
                         signature->proven ? "NOT_YET_VALID" : "OUT_OF_BOUNDS_NO_POE");
        sgn_report_result(&row->certificate, "invalid", SGN_F_CERT_EXPIRED);
        return cert->not_before;
    }
    if (row->best > cert->not_after) {
        certificate_bad(checks, signature, signature->proven ? SGN_F_CERT_EXPIRED : SGN_F_EXPIRED_NO_POE,
                        "OUT_OF_BOUNDS_NO_POE");
        return cert->not_after - apr_time_from_sec(1);
    }
    return row->best;
}

static void add_path(sgn_report_signature_t *row, const sgn_path_t *path)
{
    int i;

    for (i = 0; i < path->count; i++)
        APR_ARRAY_PUSH(row->path, const char *) =
            path->certs[i]->common_name ? path->certs[i]->common_name : path->certs[i]->issuer_name;
    row->signer.provider = path->provider;
}

sgn_error_t *sgn_checks_path(sgn_checks_t *checks, sgn_checks_signature_t *signature)
{
    sgn_report_signature_t *row = signature->row;
    const sgn_cert_t *cert = signature->cms ? signature->cms->signer : NULL;
    sgn_path_t *path;
    sgn_code_t worst;
    apr_time_t at;
    int from_dss;

    if (row->timestamp || !cert)
        return NULL;
    at = check_period(checks, signature, cert);
    if (!cert->has_policies)
        sgn_report_note(checks->report, row, SGN_F_CERT_SCOPE_UNKNOWN, NULL);
    SGN_TRY(sgn_path_build(&path, checks->store, cert, sgn_checks_offered(checks, signature->cms), SGN_PATH_SIGNER,
                           at, checks->pool));
    add_path(row, path);
    switch (path->code) {
    case SGN_OK:
        break;
    case SGN_F_PATH_NONE:
        path_bad(checks, signature, path->code, "NO_CERTIFICATE_CHAIN_FOUND", path->detail);
        return NULL;
    case SGN_F_CERT_USAGE:
        certificate_bad(checks, signature, path->code, "CHAIN_CONSTRAINTS_FAILURE");
        return NULL;
    case SGN_F_ALGORITHM:
        path_bad(checks, signature, path->code, "CRYPTO_CONSTRAINTS_FAILURE_NO_POE", path->detail);
        return NULL;
    default:
        path_bad(checks, signature, path->code, "CERTIFICATE_CHAIN_GENERAL_FAILURE", path->detail);
        return NULL;
    }
    sgn_report_result(&row->certification_path, "valid", SGN_OK);

    SGN_TRY(sgn_checks_revocation(&worst, &from_dss, checks, row, path, row->best, signature->proven));
    switch (worst) {
    case SGN_OK:
        sgn_report_result(&row->certificate, "valid", SGN_OK);
        if (signature->own_stamp && from_dss && strcmp(row->level, "B-T") == 0)
            row->level = "B-LT";
        break;
    case SGN_F_REVOCATION_UNKNOWN:
        sgn_report_note(checks->report, row, worst, NULL);
        sgn_report_lower(row, SGN_INDICATION_INDETERMINATE, "TRY_LATER");
        sgn_report_result(&row->certificate, "unknown", worst);
        break;
    case SGN_F_CERT_HOLD:
        certificate_bad(checks, signature, worst, "TRY_LATER");
        break;
    default:
        certificate_bad(checks, signature, worst, "REVOKED_NO_POE");
        break;
    }
    return NULL;
}
