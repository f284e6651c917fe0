/*
 * checks_time.c: by when did the signature exist, provably?  [THREATS A14, B26]
 *
 * The best proof is the earliest of: its own valid time-stamps, a document
 * time-stamp behind it, our own receipt of exactly these bytes.  Without proof
 * it is judged as of now.  /M and signing-time are shown and never used: a
 * thief of the token chooses them.
 */
#include <string.h>

#include "look/validate/checks_part.h"

/* Displayed and proved time may lie this far apart (life of a signing job). */
#define DISPLAYED_TOLERANCE apr_time_from_sec(15 * 60)

/* The earliest trusted document time-stamp behind this revision, else the
 * receipt; 0: none.  *source says which. */
static apr_time_t proof_behind(const sgn_checks_t *checks, int revision, const char **source)
{
    apr_time_t best = 0;
    int i;

    *source = "now";
    for (i = 0; i < checks->count; i++) {
        const sgn_checks_signature_t *other = &checks->signatures[i];

        if (other->stamped && other->revision > revision && (!best || other->stamped < best)) {
            best = other->stamped;
            *source = "timestamp";
        }
    }
    if (!best && checks->input->receipt) {
        best = checks->input->receipt;
        *source = "receipt";
    }
    return best;
}

static const char *authority_name(const sgn_tsp_token_t *token)
{
    return token->cms->signer ? token->cms->signer->common_name : NULL;
}

/* Is a token that verified also of an authority that was not revoked? */
static sgn_error_t *check_authority(sgn_code_t *worst, sgn_checks_t *checks, sgn_checks_signature_t *signature,
                                    const sgn_tsp_token_t *token)
{
    const char *source;
    apr_time_t behind = proof_behind(checks, signature->revision, &source);
    int from_dss;

    *worst = SGN_OK;
    if (!token->path || token->path->count < 2)
        return NULL;
    SGN_TRY(sgn_checks_revocation(worst, &from_dss, checks, signature->row, token->path,
                                  behind ? behind : checks->input->now, behind != 0));
    /* An authority that publishes no status cannot be asked. */
    if (*worst == SGN_F_REVOCATION_UNKNOWN && !sgn_revocation_published(token->path->certs[0]))
        *worst = SGN_OK;
    return NULL;
}

static void add_stamp(sgn_checks_signature_t *signature, const sgn_tsp_token_t *token, int valid)
{
    sgn_timestamp_row_t *row = &APR_ARRAY_PUSH(signature->row->timestamps, sgn_timestamp_row_t);

    row->time = token->time;
    row->authority = authority_name(token);
    row->valid = valid;
}

static sgn_error_t *document_stamp(sgn_checks_t *checks, sgn_checks_signature_t *signature)
{
    sgn_report_signature_t *row = signature->row;
    sgn_code_t worst;
    int i;

    if (!signature->token)
        return NULL;
    row->best = signature->token->time;
    row->best_source = "timestamp";
    if (signature->token->path)
        for (i = 0; i < signature->token->path->count; i++)
            APR_ARRAY_PUSH(row->path, const char *) = signature->token->path->certs[i]->common_name;
    if (!row->intact || row->worst != SGN_INDICATION_PASSED) {
        add_stamp(signature, signature->token, 0);
        return NULL;
    }
    sgn_report_result(&row->certification_path, "valid", SGN_OK);
    SGN_TRY(check_authority(&worst, checks, signature, signature->token));
    if (worst != SGN_OK) {
        sgn_report_note(checks->report, row, worst, authority_name(signature->token));
        sgn_report_lower(row, SGN_INDICATION_INDETERMINATE,
                         worst == SGN_F_REVOCATION_UNKNOWN ? "TRY_LATER" : "REVOKED_NO_POE");
        sgn_report_result(&row->certificate, worst == SGN_F_REVOCATION_UNKNOWN ? "unknown" : "invalid", worst);
    } else {
        sgn_report_result(&row->certificate, "valid", SGN_OK);
        signature->stamped = signature->token->time;
        signature->proven = 1;
    }
    add_stamp(signature, signature->token, worst == SGN_OK);
    return NULL;
}

/* A time-stamp over the signature value; *time is set when it proves. */
static sgn_error_t *own_stamp(apr_time_t *time, sgn_checks_t *checks, sgn_checks_signature_t *signature, sgn_bytes_t der)
{
    sgn_tsp_token_t *token;
    sgn_code_t verdict = SGN_F_TST_INVALID, worst;
    const char *detail = NULL;

    *time = 0;
    if (sgn_tsp_parse(&token, der, checks->pool)) {
        sgn_report_note(checks->report, signature->row, SGN_F_TST_INVALID, NULL);
        return NULL;
    }
    if (!sgn_tsp_imprint_is(token, signature->cms->value)) {
        detail = "made over something else";
    } else {
        SGN_TRY(sgn_tsp_verify(&verdict, &detail, token, checks->tsa_store,
                               sgn_checks_offered(checks, token->cms), checks->input->now, checks->pool));
    }
    if (verdict == SGN_OK) {
        SGN_TRY(check_authority(&worst, checks, signature, token));
        if (worst != SGN_OK) {
            verdict = worst;
            detail = authority_name(token);
            /* Without the authority's status nothing is proved yet. */
            if (worst == SGN_F_REVOCATION_UNKNOWN)
                sgn_report_lower(signature->row, SGN_INDICATION_INDETERMINATE, "TRY_LATER");
        }
    }
    if (verdict != SGN_OK)
        sgn_report_note(checks->report, signature->row, verdict == SGN_F_ALGORITHM ? SGN_F_TST_INVALID : verdict, detail);
    else
        *time = token->time;
    add_stamp(signature, token, verdict == SGN_OK);
    return NULL;
}

sgn_error_t *sgn_checks_time(sgn_checks_t *checks, sgn_checks_signature_t *signature)
{
    sgn_report_signature_t *row = signature->row;
    const char *source;
    apr_time_t best;
    int i;

    if (row->timestamp)
        return document_stamp(checks, signature);
    best = proof_behind(checks, signature->revision < 0 ? checks->scan->revision_count : signature->revision, &source);
    for (i = 0; signature->cms && i < signature->cms->timestamps->nelts; i++) {
        apr_time_t time;

        SGN_TRY(own_stamp(&time, checks, signature, APR_ARRAY_IDX(signature->cms->timestamps, i, sgn_bytes_t)));
        if (!time)
            continue;
        signature->own_stamp = 1;
        if (!best || time < best) {
            best = time;
            source = "timestamp";
        }
    }
    signature->proven = best != 0;
    row->best = best ? best : checks->input->now;
    row->best_source = source;
    if (signature->own_stamp && strcmp(row->level, "B-B") == 0)
        row->level = "B-T";
    if (!signature->proven)
        sgn_report_note(checks->report, row, SGN_F_NO_PROOF, NULL);
    else if (row->claimed && (row->claimed > row->best + DISPLAYED_TOLERANCE
                              || (signature->own_stamp && row->claimed < row->best - DISPLAYED_TOLERANCE)))
        sgn_report_note(checks->report, row, SGN_F_TIME_DIFFERS, NULL);
    return NULL;
}
