#include "office/judge/judge_case.h"

#include <string.h>

#include <apr_strings.h>

#include "base/clock.h"
#include "crypto/digest.h"
#include "dtbs/signedattrs.h"

static const struct {
    sgn_code_t code;
    const char *severity, *clause;
} rules[] = {
#define RULE(id, severity, clause) { SGN_##id, severity, clause },
#include "office/judge/judge_rules.def"
#undef RULE
};

static const char *text_of(const json_t *object, const char *key, const char *absent)
{
    const char *text = json_string_value(json_object_get(object, key));

    return text ? text : absent;
}

static const json_t *fact_of(const json_t *facts, int n)
{
    size_t i;
    json_t *fact;

    json_array_foreach(facts, i, fact)
        if (json_is_integer(json_object_get(fact, "n")) && json_integer_value(json_object_get(fact, "n")) == n)
            return fact;
    return NULL;
}

/* [THREATS A3] The bytes that the keeper proved say what kind of signature it
 * is and to which personal signature it refers; a worker that tells another
 * story has lied about something. */
static sgn_error_t *read_proved(sgn_judge_signature_t *out, const json_t *fact, apr_pool_t *pool)
{
    sgn_signedattrs_t attrs;
    const char *kind, *person = NULL;
    sgn_bytes_t dtbs;

    memset(&attrs, 0, sizeof attrs);
    SGN_TRY(sgn_json_get_bytes(&dtbs, fact, "dtbs", pool));
    if (sgn_signedattrs_survey(&attrs, dtbs.data, dtbs.len) != SGN_FAULT_NONE)
        memset(&attrs, 0, sizeof attrs);
    kind = sgn_signedattrs_kind_name(attrs.kind);
    if (attrs.has_person_digest)
        person = sgn_bytes_hex(sgn_bytes(attrs.person_digest, sizeof attrs.person_digest), pool);
    if (strcmp(kind, out->kind) != 0 || (person == NULL) != (out->person_digest == NULL)
        || (person && strcmp(person, out->person_digest) != 0))
        out->proof = SGN_PROOF_BAD;
    out->kind = kind;
    out->person_digest = person;
    return NULL;
}

static sgn_error_t *read_one(sgn_judge_signature_t *out, sgn_judge_case_t *c, json_t *row, int n)
{
    const json_t *fact = fact_of(c->input->facts, n), *signer = json_object_get(row, "signer");
    const char *time;

    out->n = n;
    out->row = row;
    out->name = text_of(row, "name", "");
    /* copies: judging sets these members anew */
    out->kind = apr_pstrdup(c->pool, text_of(row, "kind", "unknown"));
    out->indication = apr_pstrdup(c->pool, text_of(row, "indication", "INDETERMINATE"));
    out->changes = text_of(row, "changesAfter", "forbidden");
    out->timestamp = strcmp(text_of(row, "type", "signature"), "timestamp") == 0;
    out->intact = json_is_true(json_object_get(row, "intact"));
    out->signer_kind = text_of(signer, "kind", "unknown");
    out->provider = text_of(signer, "provider", NULL);
    out->organisation = text_of(signer, "organisation", NULL);
    out->best_source = "now";
    if (n < c->input->nproofs)
        out->proof = c->input->proofs[n];
    if (!fact)
        return NULL;
    out->sha256 = text_of(fact, "certificateSha256", NULL);
    out->revision_end = json_integer_value(json_object_get(fact, "revisionEnd"));
    out->best_source = text_of(fact, "bestTimeSource", "now");
    out->person_digest = text_of(json_object_get(fact, "document"), "personDigest", NULL);
    time = text_of(fact, "bestTime", NULL);
    if (time)
        SGN_TRY(sgn_clock_parse(&out->best, time, c->pool));
    if (json_object_get(fact, "value")) {
        sgn_bytes_t value;

        SGN_TRY(sgn_json_get_bytes(&value, fact, "value", c->pool));
        SGN_TRY(sgn_digest_sha256(out->digest, value.data, value.len, c->pool));
        out->has_digest = 1;
    }
    if (out->proof == SGN_PROOF_GOOD)
        SGN_TRY(read_proved(out, fact, c->pool));
    if (out->sha256 && out->best)
        SGN_TRY(c->input->lookup.find(&out->bindings, c->input->lookup.context, out->sha256, out->best, c->pool));
    return NULL;
}

sgn_error_t *sgn_judge_case_read(sgn_judge_case_t **out, const sgn_judge_input_t *input, apr_pool_t *pool)
{
    sgn_judge_case_t *c = apr_pcalloc(pool, sizeof *c);
    json_t *signatures, *row;
    size_t i;

    c->input = input;
    c->pool = pool;
    c->report = input->report;
    c->explain = sgn_json_array(pool);
    SGN_TRY(sgn_json_get_array(&signatures, input->report, "signatures", pool));
    c->count = (int)json_array_size(signatures);
    c->signatures = apr_pcalloc(pool, sizeof *c->signatures * (size_t)(c->count + 1));
    json_array_foreach(signatures, i, row)
        SGN_TRY(read_one(&c->signatures[i], c, row, (int)i));
    *out = c;
    return NULL;
}

int sgn_judge_case_passed(const sgn_judge_signature_t *signature)
{
    return strcmp(signature->indication, "TOTAL-PASSED") == 0;
}

int sgn_judge_case_is_person(const sgn_judge_signature_t *signature)
{
    return !signature->timestamp && strcmp(signature->signer_kind, "person") == 0;
}

int sgn_judge_case_is_agency(const sgn_judge_signature_t *signature)
{
    return !signature->timestamp && strcmp(signature->signer_kind, "agency") == 0;
}

int sgn_judge_case_kind(const sgn_judge_signature_t *signature, const char *kind)
{
    return strcmp(signature->kind, kind) == 0;
}

int sgn_judge_case_has(const json_t *owner, sgn_code_t code)
{
    const char *name = sgn_error_row(code)->name;
    json_t *finding;
    size_t i;

    json_array_foreach(json_object_get(owner, "findings"), i, finding)
        if (strcmp(text_of(finding, "code", ""), name) == 0)
            return 1;
    return 0;
}

int sgn_judge_case_has_error(const json_t *owner)
{
    json_t *finding;
    size_t i;

    json_array_foreach(json_object_get(owner, "findings"), i, finding)
        if (strcmp(text_of(finding, "severity", "error"), "error") == 0)
            return 1;
    return 0;
}

static int may_sign_type(const sgn_judge_binding_t *binding, const char *type)
{
    int i;

    if (!type || !binding->types || !binding->types[0])
        return 1;
    for (i = 0; binding->types[i]; i++)
        if (strcmp(binding->types[i], type) == 0)
            return 1;
    return 0;
}

const sgn_judge_binding_t *sgn_judge_case_authority(const sgn_judge_signature_t *signature, const char *agency,
                                                    const char *type)
{
    int i;

    for (i = 0; signature->bindings && signature->bindings[i]; i++) {
        const sgn_judge_binding_t *binding = signature->bindings[i];

        if (strcmp(binding->kind, "person") == 0 && binding->role && strcmp(binding->role, "authority") == 0
            && (!agency || strcmp(binding->agency, agency) == 0) && may_sign_type(binding, type)
            && (!binding->from || binding->from <= signature->best)
            && (!binding->to || signature->best < binding->to))
            return binding;
    }
    return NULL;
}

const sgn_judge_binding_t *sgn_judge_case_binding(const sgn_judge_signature_t *signature, const char *kind)
{
    int i;

    for (i = 0; signature->bindings && signature->bindings[i]; i++)
        if (strcmp(signature->bindings[i]->kind, kind) == 0)
            return signature->bindings[i];
    return NULL;
}

int sgn_judge_case_present(const sgn_judge_case_t *c, const char *field)
{
    return json_is_true(json_object_get(json_object_get(c->input->fields, field), "present"));
}

int sgn_judge_case_empty(const sgn_judge_case_t *c, const char *field)
{
    const json_t *one = json_object_get(c->input->fields, field);

    return !json_is_true(json_object_get(one, "present")) || json_is_true(json_object_get(one, "empty"));
}

void sgn_judge_case_find(sgn_judge_case_t *c, json_t *owner, sgn_code_t code, const char *subject)
{
    const sgn_code_row_t *row = sgn_error_row(code);
    json_t *findings = json_object_get(owner, "findings"), *one = json_object();
    const char *severity = "error", *clause = "";
    size_t i;

    (void)c;
    for (i = 0; i < sizeof rules / sizeof *rules; i++)
        if (rules[i].code == code) {
            severity = rules[i].severity;
            clause = rules[i].clause;
        }
    sgn_json_set_str(one, "code", row->name);
    sgn_json_set_str(one, "severity", severity);
    sgn_json_set_str(one, "clause", clause);
    sgn_json_set_str(one, "vi", row->vi);
    sgn_json_set_str(one, "en", row->en);
    sgn_json_set_str(one, "subject", subject);
    if (!findings) {
        findings = json_array();
        json_object_set_new(owner, "findings", findings);
    }
    json_array_append_new(findings, one);
}

void sgn_judge_case_explain(sgn_judge_case_t *c, const char *rule, const char *fact, const char *policy,
                            const char *outcome, const char *clause)
{
    json_t *one = json_object();

    sgn_json_set_str(one, "rule", rule);
    sgn_json_set_str(one, "fact", fact);
    sgn_json_set_str(one, "policy", policy);
    sgn_json_set_str(one, "outcome", outcome);
    sgn_json_set_str(one, "clause", clause);
    json_array_append_new(c->explain, one);
}
