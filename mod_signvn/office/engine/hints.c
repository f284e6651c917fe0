/* hints.c: which evidence was asked for lately.
 *
 * Each round costs a worker and a whole reading of the document; signers, CAs
 * and time-stamp servers of an office are few and come again.  Evidence is
 * judged by the worker each time, so a hint that does not fit costs bytes only;
 * therefore nothing large is recalled. */
#include "office/engine/engine_room.h"

#include <string.h>

#include "base/pool.h"
#include "office/evidence/evidence.h"
#include "wire/wire.h"

#define HINTS 24                        /* remembered */
#define LARGE (96 * 1024)               /* base64 of one entry that is not worth it */
#define CERTIFICATES 12

static const char *key_of(const json_t *row)
{
    const char *key = json_string_value(json_object_get(row, "key"));

    return key ? key : "";
}

/* Index of the row with this key, -1. */
static int find_key(const json_t *rows, const char *key)
{
    const json_t *row;
    size_t i;

    json_array_foreach((json_t *)rows, i, row)
        if (strcmp(key_of(row), key) == 0)
            return (int)i;
    return -1;
}

/* A row is the word of a worker: kept as long as the keeper runs, it must not be
 * large either. */
static int is_small(const json_t *row)
{
    return json_dumpb(row, NULL, 0, JSON_COMPACT) < LARGE;
}

/* Only what was missed and then found is worth remembering, and only while it
 * is small. */
static int is_worth(const json_t *have, const json_t *row)
{
    int at = find_key(have, key_of(row));
    const char *data = at < 0 ? NULL : json_string_value(json_object_get(json_array_get(have, (size_t)at), "data"));

    return data && strlen(data) < LARGE;
}

/* ---- certificates ----------------------------------------------------------- */

static int is_in(const json_t *list, const json_t *text)
{
    const json_t *row;
    size_t i;

    json_array_foreach((json_t *)list, i, row)
        if (json_equal(row, text))
            return 1;
    return 0;
}

/* Every later worker reads them before its task, whosever it is: the word of a
 * worker chooses among the administrator's certificates, it brings none. */
static int is_ours(const sgn_engine_t *engine, const json_t *text)
{
    return is_in(engine->anchors, text) || is_in(engine->tsa_anchors, text) || is_in(engine->intermediates, text);
}

static void add_certificate(json_t *list, const sgn_engine_t *engine, const json_t *text)
{
    if (json_is_string(text) && json_array_size(list) < CERTIFICATES && is_ours(engine, text) && !is_in(list, text))
        json_array_append(list, (json_t *)text);
}

/* The authorities that the newest hints name: workers read them while they wait.
 * With the engine's mutex held. */
void sgn_hints_tell(sgn_engine_t *engine)
{
    json_t *list = json_array();
    sgn_wire_message_t message;
    apr_pool_t *pool;

    for (size_t i = json_array_size(engine->asked); i > 0; i--) {
        const json_t *row = json_array_get(engine->asked, i - 1);

        add_certificate(list, engine, json_object_get(row, "certificate"));
        add_certificate(list, engine, json_object_get(row, "issuer"));
    }
    if (json_array_size(list) && engine->control >= 0) {
        apr_pool_create(&pool, NULL);
        message = (sgn_wire_message_t) { .json = sgn_json_object(pool) };
        sgn_json_set_int(message.json, "v", SGN_WIRE_VERSION);
        sgn_json_set(message.json, "certificates", list);
        (void)sgn_wire_send(engine->control, &message, 0, pool);    /* a hint */
        apr_pool_destroy(pool);
    }
    json_decref(list);
}

/* ---- evidence ---------------------------------------------------------------- */

void sgn_hints_learn(sgn_engine_t *engine, const json_t *have, const json_t *missing)
{
    const json_t *row;
    size_t i;
    int more = 0;

    apr_thread_mutex_lock(engine->mutex);
    if (!engine->asked)
        engine->asked = json_array();
    json_array_foreach((json_t *)missing, i, row) {
        if (!*key_of(row) || !is_worth(have, row) || !is_small(row) || find_key(engine->asked, key_of(row)) >= 0)
            continue;
        if (json_array_size(engine->asked) >= HINTS)
            json_array_remove(engine->asked, 0);
        json_array_append_new(engine->asked, json_deep_copy(row));
        more = 1;
    }
    if (more)
        sgn_hints_tell(engine);
    apr_thread_mutex_unlock(engine->mutex);
}

sgn_error_t *sgn_hints_recall(json_t *have, sgn_engine_t *engine, apr_interval_time_t young, apr_pool_t *pool)
{
    json_t *asked = NULL;
    int count;

    apr_thread_mutex_lock(engine->mutex);
    if (engine->asked && json_array_size(engine->asked))
        asked = json_copy(engine->asked);
    apr_thread_mutex_unlock(engine->mutex);
    if (!asked)
        return NULL;
    sgn_json_own(asked, pool);
    return sgn_evidence_find(&count, have, engine->evidence, asked, young, pool);
}
