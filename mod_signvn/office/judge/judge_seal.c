/*
 * judge_seal.c: may the agency's seal go on?  [SV-C01, SV-C02, SV-C04]
 *
 * Read from the file's own cryptography, never from a workflow: the table
 * below is asked in its order and the first refusal is the answer.
 */
#include <string.h>

#include <apr_strings.h>

#include "base/text.h"
#include "office/judge/judge_case.h"

typedef struct {
    sgn_judge_case_t *c;
    const char *agency, *type, *organisation;
    const sgn_judge_signature_t *person;            /* found by `authority` */
    const sgn_judge_binding_t *binding;
    const char *fact;                               /* what the rule looked at */
} asked_t;

static int is_approve(const sgn_judge_signature_t *signature)
{
    return sgn_judge_case_is_person(signature) && sgn_judge_case_kind(signature, "approve");
}

static int is_reserved(const sgn_judge_case_t *c)
{
    return sgn_judge_case_present(c, "number") && sgn_judge_case_present(c, "seal")
        && (sgn_judge_case_present(c, "date")
            || (sgn_judge_case_present(c, "day") && sgn_judge_case_present(c, "month")));
}

/* B3: what carries an agency's signature is issued already */
static sgn_code_t not_sealed(asked_t *a)
{
    int i;

    for (i = 0; i < a->c->count; i++)
        if (sgn_judge_case_is_agency(&a->c->signatures[i])) {
            a->fact = a->c->signatures[i].name;
            return SGN_SEAL_ALREADY;
        }
    return sgn_judge_case_present(a->c, "seal") && !sgn_judge_case_empty(a->c, "seal") ? SGN_SEAL_ALREADY : SGN_OK;
}

static sgn_code_t has_person(asked_t *a)
{
    int i;

    for (i = 0; i < a->c->count; i++)
        if (sgn_judge_case_is_person(&a->c->signatures[i]) && a->c->signatures[i].intact)
            return SGN_OK;
    a->fact = "no personal signature";
    /* One that was broken says more than that one is missing. */
    for (i = 0; i < a->c->count; i++)
        if (strcmp(a->c->signatures[i].changes, "forbidden") == 0)
            return SGN_CHANGED_AFTER;
    return SGN_ORDER_SEAL_FIRST;
}

/* B4: filled by anybody but the seal */
static sgn_code_t not_filled(asked_t *a)
{
    static const char *const fields[] = { "number", "day", "month", "date", NULL };
    int i;

    for (i = 0; fields[i]; i++)
        if (!sgn_judge_case_empty(a->c, fields[i])) {
            a->fact = fields[i];
            return SGN_NUMBER_FILLED;
        }
    return SGN_OK;
}

static sgn_code_t not_changed(asked_t *a)
{
    int i;

    for (i = 0; i < a->c->count; i++)
        if (strcmp(a->c->signatures[i].changes, "forbidden") == 0
            || strcmp(a->c->signatures[i].changes, "numbering") == 0) {
            a->fact = a->c->signatures[i].name;
            return SGN_CHANGED_AFTER;
        }
    if (sgn_judge_case_has(a->c->report, SGN_F_TRAILING) || sgn_judge_case_has(a->c->report, SGN_F_APPEARANCE_DIFFERS))
        return SGN_CHANGED_AFTER;
    if (sgn_judge_case_has_error(a->c->report))
        return SGN_DOCUMENT_DAMAGED;
    /* Not known is not unchanged.  One that is not intact is refused as such. */
    for (i = 0; i < a->c->count; i++)
        if (a->c->signatures[i].intact && strcmp(a->c->signatures[i].changes, "unknown") == 0) {
            a->fact = a->c->signatures[i].name;
            return SGN_DOCUMENT_DAMAGED;
        }
    return SGN_OK;
}

/* B2: a review is no approval */
static sgn_code_t is_approved(asked_t *a)
{
    int i, unknown = 0;

    for (i = 0; i < a->c->count; i++) {
        if (is_approve(&a->c->signatures[i]))
            return SGN_OK;
        if (sgn_judge_case_is_person(&a->c->signatures[i]))
            unknown |= sgn_judge_case_kind(&a->c->signatures[i], "unknown");
    }
    a->fact = unknown ? "kind is not stated" : "kind is not approve";
    /* Signed with another tool: it could not be numbered either (USERS 1.1, 2). */
    return unknown && !is_reserved(a->c) ? SGN_NUMBER_NOT_RESERVED : SGN_ORDER_KIND;
}

/* [SV-C04] every signature in the file, not only the one that counts */
static sgn_code_t all_valid(asked_t *a)
{
    int i;

    for (i = 0; i < a->c->count; i++) {
        const sgn_judge_signature_t *signature = &a->c->signatures[i];

        if (sgn_judge_case_passed(signature))
            continue;
        a->fact = signature->name;
        if (sgn_judge_case_has(signature->row, SGN_F_CERT_REVOKED)
            || sgn_judge_case_has(signature->row, SGN_F_REVOKED_NO_POE))
            return SGN_CERT_REVOKED;
        if (sgn_judge_case_has(signature->row, SGN_F_CERT_HOLD))
            return SGN_CERT_ON_HOLD;
        if (strcmp(signature->indication, "INDETERMINATE") == 0
            && sgn_judge_case_has(signature->row, SGN_F_REVOCATION_UNKNOWN))
            return SGN_CERT_UNKNOWN_STATUS;
        return SGN_ORDER_SEAL_FIRST;
    }
    return SGN_OK;
}

static sgn_code_t is_proved(asked_t *a)
{
    int i, bound = 0;

    for (i = 0; i < a->c->count; i++) {
        const sgn_judge_signature_t *signature = &a->c->signatures[i];

        if (!is_approve(signature))
            continue;
        if (signature->proof == SGN_PROOF_GOOD)
            return SGN_OK;
        bound |= signature->bindings != NULL;
        a->fact = signature->name;
    }
    /* Nobody here has that certificate: not a failed proof, another's leader. */
    return bound ? SGN_ORDER_SEAL_FIRST : SGN_ORDER_OTHER_AGENCY;
}

/* B1: an authority of THIS agency, for this type, at the proved time */
static sgn_code_t has_authority(asked_t *a)
{
    int i;

    for (i = a->c->count - 1; i >= 0; i--) {
        const sgn_judge_signature_t *signature = &a->c->signatures[i];
        const sgn_judge_binding_t *binding;

        if (!is_approve(signature) || signature->proof != SGN_PROOF_GOOD)
            continue;
        a->fact = signature->name;
        binding = sgn_judge_case_authority(signature, a->agency, a->type);
        if (!binding)
            continue;
        if (a->organisation && signature->organisation
            && strcmp(sgn_text_fold(a->organisation, a->c->pool), sgn_text_fold(signature->organisation, a->c->pool)) != 0)
            continue;
        if (!a->person || a->person->revision_end < signature->revision_end) {
            a->person = signature;
            a->binding = binding;
        }
    }
    if (!a->person)
        return SGN_ORDER_OTHER_AGENCY;
    a->fact = a->binding->id;
    return SGN_OK;
}

/* [THREATS A14] a date that the signer chose proves nothing */
static sgn_code_t has_time(asked_t *a)
{
    a->fact = a->person->best_source;
    return strcmp(a->person->best_source, "now") == 0 ? SGN_SEAL_LEVEL : SGN_OK;
}

static sgn_code_t has_reserve(asked_t *a)
{
    return is_reserved(a->c) ? SGN_OK : SGN_NUMBER_NOT_RESERVED;
}

static const struct {
    const char *rule, *policy, *clause;
    sgn_code_t (*ask)(asked_t *asked);
} table[] = {
    { "not-sealed", "one personal signature is sealed once", "UB Đ21.5 (SV-C02)", not_sealed },
    { "person-first", "personal signatures before the agency's", "BG Đ9.3 (SV-C01)", has_person },
    { "fields-empty", "number and date are written with the seal", "BG Đ9.2 (SV-C05)", not_filled },
    { "unchanged", "nothing but permitted changes after signing", "HP Đ4.2 (SV-E12)", not_changed },
    { "approved", "the kind in the signed attributes is approve", "UB Đ21.5 (SV-C02)", is_approved },
    { "all-valid", "every signature is valid before issue", "BG Đ9.3 (SV-C04)", all_valid },
    { "proved", "the keeper proved the approval itself", "NB Đ13 (SV-E01)", is_proved },
    { "authority", "authority of this agency, for this type, at that time", "HP Đ4.3 (SV-B01)", has_authority },
    { "time", "time-stamp, or our own receipt", "NĐ 68/2024 Đ31", has_time },
    { "reserved", "number, date and seal were reserved before signing", "BG Đ9.2 (SV-C05)", has_reserve },
};

sgn_error_t *sgn_judge_may_seal(sgn_judge_basis_t **basis, json_t **explain, const sgn_judge_input_t *input,
                                const char *agency, const char *type, const char *organisation, apr_pool_t *pool)
{
    asked_t asked;
    size_t i;

    memset(&asked, 0, sizeof asked);
    asked.agency = agency;
    asked.type = type;
    asked.organisation = organisation;
    *basis = NULL;
    SGN_TRY(sgn_judge_case_read(&asked.c, input, pool));
    if (explain)
        *explain = asked.c->explain;
    for (i = 0; i < sizeof table / sizeof *table; i++) {
        sgn_code_t code;

        asked.fact = NULL;
        code = table[i].ask(&asked);
        sgn_judge_case_explain(asked.c, table[i].rule, asked.fact ? asked.fact : "nothing against it", table[i].policy,
                               code == SGN_OK ? "yes" : sgn_error_row(code)->name, table[i].clause);
        if (code != SGN_OK)
            return SGN_ERROR(pool, code, "%s: %s", table[i].rule, asked.fact ? asked.fact : "the file");
    }
    *basis = apr_pcalloc(pool, sizeof **basis);
    (*basis)->n = asked.person->n;
    (*basis)->person = asked.binding->person;
    (*basis)->binding = asked.binding->id;
    (*basis)->title = asked.binding->title;
    (*basis)->digest = sgn_bytes_dup(sgn_bytes(asked.person->digest, sizeof asked.person->digest), pool);
    (*basis)->time = asked.person->best;
    return NULL;
}
