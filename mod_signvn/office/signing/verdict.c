/* verdict.c: look, prove, judge. */
#include "office/signing/verdict.h"

#include <string.h>

#include <apr_strings.h>

#include "base/clock.h"

typedef struct {
    sgn_agency_t *agency;
} lookup_t;

static sgn_error_t *find(const sgn_judge_binding_t *const **out, void *context, const char *certificate_sha256,
                         apr_time_t at, apr_pool_t *pool)
{
    lookup_t *lookup = context;
    const sgn_judge_binding_t **list;
    sgn_binding_t *bindings;
    int count;

    *out = NULL;
    SGN_TRY(sgn_agency_bindings(&bindings, &count, lookup->agency, certificate_sha256, at, pool));
    if (count == 0)
        return NULL;
    list = apr_pcalloc(pool, sizeof *list * (size_t)(count + 1));
    for (int i = 0; i < count; i++) {
        sgn_judge_binding_t *b = apr_pcalloc(pool, sizeof *b);

        b->id = bindings[i].id;
        b->kind = bindings[i].kind;
        b->person = bindings[i].account;
        b->agency = bindings[i].agency;
        b->role = bindings[i].role && strcmp(bindings[i].role, "deputy") == 0 ? "authority" : bindings[i].role;
        b->title = bindings[i].title;
        b->types = bindings[i].types;
        b->from = bindings[i].from;
        b->to = bindings[i].to;
        list[i] = b;
    }
    *out = list;
    return NULL;
}

static int read_range(apr_int64_t range[4], const json_t *fact)
{
    json_t *list = json_object_get(fact, "byteRange");

    for (size_t i = 0; i < 4; i++) {
        json_t *value = json_array_get(list, i);

        if (!json_is_integer(value))
            return 0;
        range[i] = json_integer_value(value);
    }
    return json_array_size(list) == 4;
}

/* [A3] the keeper proves a signature whose certificate is bound here: a worker
 * that lies about it changes nothing.  What the worker did not tell well enough
 * to be proved is not proved. */
static sgn_error_t *prove(sgn_judge_proof_t *out, sgn_agency_t *agency, const sgn_engine_document_t *document,
                          const json_t *fact, apr_pool_t *pool)
{
    const char *sha256, *algorithm;
    sgn_bytes_t dtbs, value;
    sgn_binding_t *bindings;
    apr_int64_t range[4];
    int count, good;

    *out = SGN_PROOF_NONE;
    if (sgn_json_get_str(&sha256, fact, "certificateSha256", pool) || sgn_json_get_str(&algorithm, fact, "algorithm", pool) ||
        sgn_json_get_bytes(&dtbs, fact, "dtbs", pool) || sgn_json_get_bytes(&value, fact, "value", pool) ||
        !read_range(range, fact))
        return NULL;
    SGN_TRY(sgn_agency_bindings(&bindings, &count, agency, sha256, 0, pool));
    if (count == 0)
        return NULL;
    SGN_TRY(sgn_engine_prove(&good, document, range, dtbs, value, algorithm, bindings[0].spki, pool));
    *out = good ? SGN_PROOF_GOOD : SGN_PROOF_BAD;
    return NULL;
}

static sgn_error_t *prove_all(sgn_verdict_t *verdict, sgn_agency_t *agency, const sgn_engine_document_t *document,
                              apr_pool_t *pool)
{
    json_t *signatures = json_object_get(verdict->report, "signatures"), *fact;
    int count = (int)json_array_size(signatures);
    sgn_judge_proof_t *proofs = apr_pcalloc(pool, sizeof *proofs * (size_t)(count + 1));
    size_t i;

    json_array_foreach(verdict->facts, i, fact) {
        apr_int64_t n;

        SGN_TRY(sgn_json_get_int(&n, fact, "n", pool));
        if (n < 0 || n >= count)
            return SGN_ERROR(pool, SGN_WIRE, "fact of signature %" APR_INT64_T_FMT, n);
        SGN_TRY(prove(&proofs[n], agency, document, fact, pool));
    }
    verdict->input.proofs = proofs;
    verdict->input.nproofs = count;
    return NULL;
}

/* Size and digest are ours, whatever the worker says. */
static void set_document(sgn_verdict_t *verdict, const sgn_engine_document_t *document, apr_pool_t *pool)
{
    json_t *about = json_object_get(verdict->report, "document");

    if (!json_is_object(about)) {
        about = sgn_json_object(pool);
        sgn_json_set(verdict->report, "document", about);
    }
    sgn_json_set_int(about, "size", document->size);
    sgn_json_set_str(about, "sha256", sgn_bytes_hex(sgn_bytes(document->sha256, 32), pool));
}

sgn_error_t *sgn_verdict_make(sgn_verdict_t **out, sgn_engine_t *engine, sgn_agency_t *agency,
                              const sgn_engine_document_t *document, const sgn_verdict_options_t *options,
                              apr_pool_t *pool)
{
    sgn_verdict_t *verdict = apr_pcalloc(pool, sizeof *verdict);
    lookup_t *lookup = apr_pcalloc(pool, sizeof *lookup);
    json_t *answer;

    SGN_TRY(sgn_engine_look(&answer, engine, options->class_, document, options->receipt, pool));
    SGN_TRY(sgn_json_get_object(&verdict->report, answer, "report", pool));
    SGN_TRY(sgn_json_find_array(&verdict->facts, answer, "facts", pool));
    SGN_TRY(sgn_json_find_object(&verdict->fields, answer, "fields", pool));
    SGN_TRY(sgn_json_find_array(&verdict->evidence, answer, "evidence", pool));
    set_document(verdict, document, pool);
    sgn_json_set(verdict->report, "problems", json_object_get(answer, "problems"));
    lookup->agency = agency;
    verdict->input.report = verdict->report;
    verdict->input.facts = verdict->facts;
    verdict->input.fields = verdict->fields;
    verdict->input.explain = json_object_get(answer, "explain");
    verdict->input.lookup.find = find;
    verdict->input.lookup.context = lookup;
    verdict->input.agency = options->agency;
    verdict->input.home = options->home;
    verdict->input.expect = options->expect;
    verdict->input.status = options->status;
    SGN_TRY(prove_all(verdict, agency, document, pool));
    SGN_TRY(sgn_judge_report(&verdict->explain, &verdict->input, pool));
    *out = verdict;
    return NULL;
}
