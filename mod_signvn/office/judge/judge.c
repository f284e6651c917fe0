#include "office/judge/judge.h"

#include <string.h>

#include <apr_strings.h>

#include "office/judge/judge_case.h"

typedef sgn_judge_signature_t signature_t;

/* ---- one signature -------------------------------------------------------- */

/* An indication only gets worse. */
static void lower(signature_t *signature, const char *indication, const char *sub)
{
    if (strcmp(signature->indication, "TOTAL-FAILED") == 0
        || (strcmp(signature->indication, "INDETERMINATE") == 0 && strcmp(indication, "TOTAL-FAILED") != 0))
        return;
    signature->indication = indication;
    sgn_json_set_str(signature->row, "indication", indication);
    sgn_json_set_str(signature->row, "subIndication", sub);
}

/* TOTAL-PASSED for someone bound here rests on our own proof [THREATS A3]. */
static void judge_proof(sgn_judge_case_t *c, signature_t *signature)
{
    const char *outcome = "not asked";

    if (signature->proof == SGN_PROOF_BAD) {
        sgn_judge_case_find(c, signature->row, SGN_J_NOT_PROVED, NULL);
        lower(signature, "TOTAL-FAILED", "SIG_CRYPTO_FAILURE");
        outcome = "bad";
    } else if (signature->proof == SGN_PROOF_GOOD) {
        sgn_judge_case_find(c, signature->row, SGN_J_PROVED, NULL);
        outcome = "good";
    } else if (signature->bindings && sgn_judge_case_passed(signature)) {
        sgn_judge_case_find(c, signature->row, SGN_J_NOT_PROVED, NULL);
        lower(signature, "INDETERMINATE", "GENERIC");
        outcome = "missing";
    }
    sgn_judge_case_explain(c, "proof", apr_psprintf(c->pool, "signature %d: certificate %s", signature->n,
                                                    signature->sha256 ? signature->sha256 : "unknown"),
                           "certificates bound here are proved by the keeper", outcome, "SV-E01");
}

static const char *role_of(const signature_t *signature)
{
    if (!signature->intact || signature->timestamp)
        return "unknown";
    if (sgn_judge_case_is_agency(signature))
        return sgn_judge_case_kind(signature, "seal") || sgn_judge_case_kind(signature, "copy")
            || sgn_judge_case_kind(signature, "attachment") || sgn_judge_case_kind(signature, "appendix")
            || sgn_judge_case_kind(signature, "scan") ? "clerk" : "unknown";
    if (!sgn_judge_case_is_person(signature))
        return "unknown";
    if (sgn_judge_case_kind(signature, "check"))
        return "reviewer";
    if (sgn_judge_case_kind(signature, "approve") && sgn_judge_case_authority(signature, NULL, NULL))
        return "authority";
    return "unknown";
}

static void judge_role(sgn_judge_case_t *c, signature_t *signature)
{
    const char *role = role_of(signature);
    const sgn_judge_binding_t *binding = signature->bindings ? signature->bindings[0] : NULL;

    sgn_json_set_str(signature->row, "role", role);
    sgn_json_set_str(signature->row, "kind", signature->kind);
    if (!signature->timestamp && signature->intact) {
        if (sgn_judge_case_kind(signature, "unknown"))
            sgn_judge_case_find(c, signature->row, SGN_J_KIND_UNKNOWN, NULL);
        else if (strcmp(role, "unknown") == 0)
            sgn_judge_case_find(c, signature->row, SGN_J_ROLE_UNKNOWN, NULL);
        if (sgn_judge_case_is_agency(signature) && signature->provider && strcmp(signature->provider, "public") == 0)
            sgn_judge_case_find(c, signature->row, SGN_J_PUBLIC_CA, NULL);
    }
    sgn_judge_case_explain(c, "role", apr_psprintf(c->pool, "signature %d: kind %s, binding %s", signature->n,
                                                   signature->kind, binding ? binding->id : "none"),
                           "kind in the signed attributes, then the binding at the proved time", role, "SV-B01");
}

/* ---- the document --------------------------------------------------------- */

static int is_approval(const signature_t *signature)
{
    return sgn_judge_case_is_person(signature)
        && (sgn_judge_case_kind(signature, "approve") || sgn_judge_case_kind(signature, "unknown"));
}

static int is_seal(const signature_t *signature)
{
    return sgn_judge_case_is_agency(signature)
        && (sgn_judge_case_kind(signature, "seal") || sgn_judge_case_kind(signature, "unknown"));
}

/* Does this seal stand over that personal signature? */
static int seals(const sgn_judge_case_t *c, const signature_t *seal, const signature_t *person)
{
    if (person->revision_end >= seal->revision_end)
        return 0;
    if (!seal->person_digest)
        return 1;                   /* a foreign seal names none */
    return person->has_digest
        && strcmp(seal->person_digest, sgn_bytes_hex(sgn_bytes(person->digest, sizeof person->digest), c->pool)) == 0;
}

/* [SV-C01] the person first: by revisions, not by workflow */
static int judge_order(sgn_judge_case_t *c)
{
    int i, j, wrong = 0;

    for (i = 0; i < c->count; i++) {
        const signature_t *seal = &c->signatures[i];
        int before = 0, after = 0, named = seal->person_digest == NULL;

        if (!is_seal(seal))
            continue;
        for (j = 0; j < c->count; j++) {
            const signature_t *person = &c->signatures[j];

            if (!is_approval(person))
                continue;
            if (person->revision_end < seal->revision_end)
                before = 1;
            else if (sgn_judge_case_kind(person, "approve"))
                after = 1;
            if (seals(c, seal, person))
                named = 1;
        }
        if (!before && after) {
            sgn_judge_case_find(c, c->report, SGN_J_ORDER, seal->name);
            wrong = 1;
        }
        if (!named && seal->intact)
            sgn_judge_case_find(c, seal->row, SGN_J_BASIS, NULL);
        sgn_judge_case_explain(c, "order", apr_psprintf(c->pool, "seal %d: approval %s it", seal->n,
                                                        before ? "before" : after ? "only after" : "neither before nor after"),
                               "persons before the agency", !before && after ? "wrong" : "right", "SV-C01");
    }
    return !wrong;
}

static int same_agency(sgn_judge_case_t *c, const signature_t *seal, const signature_t *person)
{
    const sgn_judge_binding_t *a = sgn_judge_case_binding(seal, "agency"), *b = sgn_judge_case_binding(person, "person");
    int i;

    if (!a || !b)
        return 1;                   /* other bodies' people are not in our tables */
    for (i = 0; person->bindings[i]; i++)
        if (strcmp(person->bindings[i]->agency, a->agency) == 0)
            return 1;
    sgn_judge_case_find(c, c->report, SGN_J_OTHER_AGENCY, person->name);
    return 0;
}

/* [SV-A04; NB Điều 15] */
static const char *legal_value(sgn_judge_case_t *c)
{
    int i, j, person = 0, agency = 0, scan = 0;

    for (i = 0; i < c->count; i++)
        if (strcmp(c->signatures[i].indication, "TOTAL-FAILED") == 0)
            return "none";
    for (i = 0; i < c->count; i++) {
        const signature_t *signature = &c->signatures[i];

        if (!sgn_judge_case_passed(signature))
            continue;
        if (sgn_judge_case_is_agency(signature)) {
            agency = 1;
            scan |= sgn_judge_case_kind(signature, "scan");
            for (j = 0; is_seal(signature) && j < c->count; j++)
                if (is_approval(&c->signatures[j]) && sgn_judge_case_passed(&c->signatures[j])
                    && seals(c, signature, &c->signatures[j]) && same_agency(c, signature, &c->signatures[j]))
                    return "full";
        } else if (is_approval(signature)
                   || (sgn_judge_case_is_person(signature) && sgn_judge_case_kind(signature, "internal"))) {
            person = 1;
        }
    }
    return scan ? "scan" : agency ? "agency" : person ? "person" : "none";
}

/* [SV-E10] are the signatures there that this class of document needs?  A
 * signature that is there and not valid is another reason, told by itself. */
static int is_complete(sgn_judge_case_t *c, int ordered)
{
    const char *expect = c->input->expect ? c->input->expect : "any";
    int i, j, any = 0, copy = 0, person = 0, issued = 0;

    for (i = 0; i < c->count; i++) {
        const signature_t *signature = &c->signatures[i];

        any |= !signature->timestamp;
        person |= sgn_judge_case_is_person(signature);
        copy |= sgn_judge_case_is_agency(signature) && sgn_judge_case_kind(signature, "copy");
        for (j = 0; is_seal(signature) && j < c->count; j++)
            issued |= is_approval(&c->signatures[j]) && seals(c, signature, &c->signatures[j]);
    }
    if (strcmp(expect, "issued") == 0)
        return ordered && issued;
    if (strcmp(expect, "copy") == 0)
        return copy;
    if (strcmp(expect, "internal") == 0)
        return person;
    /* A place kept for the seal says that one is to come. */
    if (sgn_judge_case_present(c, "seal") && sgn_judge_case_empty(c, "seal"))
        return 0;
    return any && ordered;
}

static const char *judged_for(const sgn_judge_case_t *c)
{
    int i;

    if (c->input->agency)
        return c->input->agency;
    for (i = 0; i < c->count; i++) {
        const sgn_judge_binding_t *binding = sgn_judge_case_is_agency(&c->signatures[i])
            ? sgn_judge_case_binding(&c->signatures[i], "agency") : NULL;

        if (binding)
            return binding->agency;
    }
    return c->input->home;
}

static void judge_indication(sgn_judge_case_t *c)
{
    const char *said = json_string_value(json_object_get(c->report, "indication"));
    const char *worst = said ? apr_pstrdup(c->pool, said) : NULL;
    int i;

    for (i = 0; i < c->count && worst && strcmp(worst, "TOTAL-FAILED") != 0; i++)
        if (!sgn_judge_case_passed(&c->signatures[i]))
            worst = strcmp(c->signatures[i].indication, "TOTAL-FAILED") == 0 ? "TOTAL-FAILED" : "INDETERMINATE";
    sgn_json_set_str(c->report, "indication", worst ? worst : "INDETERMINATE");
}

sgn_error_t *sgn_judge_report(json_t **explain, const sgn_judge_input_t *input, apr_pool_t *pool)
{
    const char *legal, *agency;
    sgn_judge_case_t *c;
    int i, ordered, complete;

    SGN_TRY(sgn_judge_case_read(&c, input, pool));
    if (input->explain)
        json_array_extend(c->explain, (json_t *)input->explain);
    for (i = 0; i < c->count; i++) {
        judge_proof(c, &c->signatures[i]);
        judge_role(c, &c->signatures[i]);
    }
    ordered = judge_order(c);
    judge_indication(c);
    legal = legal_value(c);
    complete = is_complete(c, ordered);
    if (!complete && c->count)
        sgn_judge_case_find(c, c->report, SGN_J_INCOMPLETE, NULL);
    sgn_json_set_str(c->report, "legalValue", legal);
    sgn_json_set_bool(c->report, "complete", complete);
    sgn_json_set_str(c->report, "status", input->status ? input->status : "current");
    agency = judged_for(c);
    sgn_judge_case_explain(c, "legal-value", apr_psprintf(pool, "%d signatures, judged for %s", c->count,
                                                          agency ? agency : "nobody here"),
                           "NB Điều 15.1-3, 15.5a", legal, "SV-A04");
    sgn_judge_case_explain(c, "completeness", input->expect ? input->expect : "any",
                           "personal signature and seal, in order", complete ? "complete" : "incomplete", "SV-E10");
    if (explain)
        *explain = c->explain;
    return NULL;
}
