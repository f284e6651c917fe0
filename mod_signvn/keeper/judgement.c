/* judgement.c: look, prove, judge. */
#include "keeper/judgement.h"

#include <string.h>

#include "base/clock.h"
#include "office/agency/agency.h"

/* ---- bindings ------------------------------------------------------------- */

static sgn_error_t *find_bindings(const sgn_judge_binding_t *const **out, void *context,
                                  const char *certificate_sha256, apr_time_t at, apr_pool_t *pool)
{
    sgn_agency_t *agency = context;
    sgn_binding_t *bindings = NULL;
    const sgn_judge_binding_t **list;
    sgn_judge_binding_t *rows;
    int count = 0;

    if (agency)
        SGN_TRY(sgn_agency_bindings(&bindings, &count, agency, certificate_sha256, at, pool));
    if (count == 0) {
        *out = NULL;
        return NULL;
    }
    list = apr_pcalloc(pool, sizeof *list * (apr_size_t)(count + 1));
    rows = apr_pcalloc(pool, sizeof *rows * (apr_size_t)count);
    for (int i = 0; i < count; i++) {
        rows[i].id = bindings[i].id;
        rows[i].kind = bindings[i].kind;
        rows[i].person = bindings[i].account;
        rows[i].agency = bindings[i].agency;
        rows[i].role = bindings[i].role;
        rows[i].title = bindings[i].title;
        rows[i].types = bindings[i].types;
        rows[i].from = bindings[i].from;
        rows[i].to = bindings[i].to;
        list[i] = &rows[i];
    }
    *out = list;
    return NULL;
}

/* ---- the keeper's own proof ------------------------------------------------ */

static sgn_error_t *read_range(apr_int64_t range[4], const json_t *fact, apr_pool_t *pool)
{
    json_t *array;

    SGN_TRY(sgn_json_get_array(&array, fact, "byteRange", pool));
    for (int i = 0; i < 4; i++) {
        const json_t *value = json_array_get(array, (size_t)i);

        if (!json_is_integer(value))
            return SGN_ERROR(pool, SGN_FIELD, "byteRange");
        range[i] = json_integer_value(value);
    }
    return NULL;
}

/* A fact of a bound certificate is proved with the key that its binding holds;
 * what the worker did not tell well enough to be proved is not proved. */
static sgn_error_t *prove(sgn_judge_proof_t *proof, sgn_keeper_t *keeper, const sgn_engine_document_t *document,
                          const json_t *fact, apr_pool_t *pool)
{
    sgn_binding_t *bindings = NULL;
    const char *certificate, *algorithm;
    sgn_bytes_t dtbs, value;
    apr_int64_t range[4];
    int count = 0, good = 0;

    if (sgn_json_get_str(&certificate, fact, "certificateSha256", pool)
        || sgn_json_get_str(&algorithm, fact, "algorithm", pool)
        || sgn_json_get_bytes(&dtbs, fact, "dtbs", pool) || sgn_json_get_bytes(&value, fact, "value", pool)
        || read_range(range, fact, pool))
        return NULL;
    SGN_TRY(sgn_agency_bindings(&bindings, &count, keeper->agency, certificate, 0, pool));
    if (count == 0)
        return NULL;
    SGN_TRY(sgn_engine_prove(&good, document, range, dtbs, value, algorithm, bindings[0].spki, pool));
    *proof = good ? SGN_PROOF_GOOD : SGN_PROOF_BAD;
    return NULL;
}

static sgn_error_t *prove_all(sgn_judgement_t *judgement, sgn_keeper_t *keeper,
                              const sgn_engine_document_t *document, apr_pool_t *pool)
{
    json_t *signatures, *fact;
    apr_int64_t n;
    size_t i;

    SGN_TRY(sgn_json_get_array(&signatures, judgement->report, "signatures", pool));
    judgement->nproofs = (int)json_array_size(signatures);
    judgement->proofs = apr_pcalloc(pool, sizeof *judgement->proofs * (apr_size_t)(judgement->nproofs + 1));
    if (!keeper->agency)
        return NULL;
    json_array_foreach(judgement->facts, i, fact) {
        SGN_TRY(sgn_json_get_int(&n, fact, "n", pool));
        if (n >= 0 && n < judgement->nproofs)
            SGN_TRY(prove(&judgement->proofs[n], keeper, document, fact, pool));
    }
    return NULL;
}

sgn_error_t *sgn_judgement_make(sgn_judgement_t **out, sgn_keeper_t *keeper, sgn_engine_class_t class_,
                                const sgn_engine_document_t *document, apr_time_t receipt,
                                const char *agency, const char *home, const char *expect, apr_pool_t *pool)
{
    sgn_judgement_t *judgement = apr_pcalloc(pool, sizeof *judgement);
    json_t *answer, *about, *parts;

    SGN_TRY(sgn_engine_look(&answer, keeper->engine, class_, document, receipt, pool));
    SGN_TRY(sgn_json_get_object(&judgement->report, answer, "report", pool));
    SGN_TRY(sgn_json_find_array(&judgement->facts, answer, "facts", pool));
    SGN_TRY(sgn_json_find_object(&judgement->fields, answer, "fields", pool));
    if (!judgement->facts)
        judgement->facts = sgn_json_array(pool);
    /* digest and size are ours, whatever the worker says */
    SGN_TRY(sgn_json_find_object(&about, judgement->report, "document", pool));
    if (!about) {
        about = sgn_json_object(pool);
        sgn_json_set(judgement->report, "document", about);
    }
    sgn_json_set_int(about, "size", document->size);
    sgn_json_set_str(about, "sha256", sgn_bytes_hex(sgn_bytes(document->sha256, 32), pool));
    parts = json_object_get(answer, "problems");
    if (parts)
        sgn_json_set(judgement->report, "problems", parts);
    SGN_TRY(prove_all(judgement, keeper, document, pool));
    judgement->input.report = judgement->report;
    judgement->input.facts = judgement->facts;
    judgement->input.fields = judgement->fields;
    judgement->input.proofs = judgement->proofs;
    judgement->input.nproofs = judgement->nproofs;
    judgement->input.lookup.find = find_bindings;
    judgement->input.lookup.context = keeper->agency;
    judgement->input.agency = agency;
    judgement->input.home = home;
    judgement->input.expect = expect;
    SGN_TRY(sgn_judge_report(&judgement->explain, &judgement->input, pool));
    *out = judgement;
    return NULL;
}
