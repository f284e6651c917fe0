/* rounds.c: tasks that may miss evidence: asked, fetched, asked again. */
#include "office/engine/engine_room.h"

#include <string.h>

#include <apr_strings.h>

#include "base/clock.h"
#include "office/evidence/evidence.h"

#define ROUNDS 3
#define EVIDENCE_WAIT apr_time_from_sec(10)

typedef struct {
    sgn_engine_t *engine;
    sgn_engine_class_t class_;
} asker_t;

static sgn_error_t *run_admit(json_t **answer, void *baton, const char *task, json_t *args, apr_pool_t *pool)
{
    asker_t *asker = baton;

    return sgn_engine_task(answer, NULL, asker->engine, asker->class_, task, args, NULL, 0, pool);
}

/* What every judging task is given: the time and whom to trust. */
static json_t *make_args(sgn_engine_t *engine, apr_pool_t *pool)
{
    json_t *args = sgn_json_object(pool), *anchors, *tsa_anchors, *intermediates;

    sgn_engine_trust(&anchors, &tsa_anchors, &intermediates, engine, pool);
    sgn_json_set_str(args, "now", sgn_clock_print(sgn_clock_now(), pool));
    sgn_json_set(args, "anchors", anchors);
    sgn_json_set(args, "tsaAnchors", tsa_anchors);
    sgn_json_set(args, "intermediates", intermediates);
    return args;
}

void sgn_engine_give(sgn_engine_t *engine, json_t *evidence)
{
    engine->given = sgn_json_own(json_incref(evidence), engine->pool);
}

/* Asks; while the answer misses evidence and something new was got, asks again. */
static sgn_error_t *ask(json_t **answer, sgn_engine_t *engine, sgn_engine_class_t class_, const char *task,
                        json_t *args, const sgn_engine_document_t *document, apr_interval_time_t young,
                        apr_pool_t *pool)
{
    asker_t asker = { engine, class_ };
    sgn_evidence_budget_t budget;
    json_t *have = sgn_json_array(pool), *problems = sgn_json_array(pool), *missing;

    if (engine->given)
        json_array_extend(have, engine->given);
    sgn_json_set(args, "evidence", have);
    if (engine->evidence)
        sgn_evidence_budget(&budget, EVIDENCE_WAIT, pool);
    if (engine->evidence && young > 0)
        SGN_TRY(sgn_hints_recall(have, engine, young, pool));
    for (int round = 0;; round++) {
        int found = 0, fetched = 0;

        SGN_TRY(sgn_engine_task(answer, NULL, engine, class_, task, args, document, 0, pool));
        SGN_TRY(sgn_json_find_array(&missing, *answer, "missing", pool));
        if (!missing || json_array_size(missing) == 0 || !engine->evidence || round == ROUNDS)
            break;
        if (young > 0)
            SGN_TRY(sgn_evidence_find(&found, have, engine->evidence, missing, young, pool));
        if (found == 0)
            SGN_TRY(sgn_evidence_fetch(&fetched, have, problems, engine->evidence, missing, &budget, run_admit, &asker, pool));
        /* nobody answered: for a look, what was verified earlier and is still in
         * its window; for signing, nothing */
        if (found + fetched == 0 && young > 0)
            SGN_TRY(sgn_evidence_find(&found, have, engine->evidence, missing, SGN_EVIDENCE_YOUNG_ANY, pool));
        if (found + fetched == 0)
            break;
        sgn_hints_learn(engine, have, missing);
        /* time goes on while the network is waited for */
        sgn_json_set_str(args, "now", sgn_clock_print(sgn_clock_now(), pool));
    }
    sgn_json_set(*answer, "evidence", have);
    if (json_array_size(problems))
        sgn_json_set(*answer, "problems", problems);
    return NULL;
}

sgn_error_t *sgn_engine_look(json_t **answer, sgn_engine_t *engine, sgn_engine_class_t class_,
                             const sgn_engine_document_t *document, apr_time_t receipt, apr_pool_t *pool)
{
    json_t *args = make_args(engine, pool);

    if (receipt)
        sgn_json_set_str(args, "receipt", sgn_clock_print(receipt, pool));
    return ask(answer, engine, class_, "look", args, document,
               class_ == SGN_ENGINE_SIGNING ? SGN_EVIDENCE_YOUNG_SIGN : SGN_EVIDENCE_YOUNG_LOOK, pool);
}

sgn_error_t *sgn_engine_certificate(json_t **answer, sgn_engine_t *engine,
                                    sgn_bytes_t certificate, const char *role, apr_pool_t *pool)
{
    json_t *args = make_args(engine, pool);
    const sgn_code_row_t *row;
    const char *verdict;

    sgn_json_set_bytes(args, "certificate", certificate, pool);
    sgn_json_set_str(args, "role", role);
    SGN_TRY(ask(answer, engine, SGN_ENGINE_SIGNING, "certificate", args, NULL, SGN_EVIDENCE_YOUNG_SIGN, pool));
    SGN_TRY(sgn_json_get_str(&verdict, *answer, "verdict", pool));
    if (strcmp(verdict, "good") == 0)
        return NULL;
    row = sgn_error_find(verdict);
    return SGN_ERROR(pool, row ? row->code : SGN_CERT_UNKNOWN_STATUS, "certificate: %s", verdict);
}
