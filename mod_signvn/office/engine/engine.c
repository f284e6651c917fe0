/* engine.c: slots per class, one task, the zygote's rebirth. */
#include "office/engine/engine_room.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include <apr_strings.h>

#include "base/clock.h"
#include "base/pool.h"

#define REBIRTH apr_time_from_sec(2)
#define SLOT_WAIT apr_time_from_sec(30)

static const char *const class_names[SGN_ENGINE_CLASSES] = { "signing", "office", "anyone" };

static void close_control(void *object)
{
    sgn_engine_t *engine = object;

    if (engine->control >= 0)
        close(engine->control);
    engine->control = -1;
    json_decref(engine->anchors);
    json_decref(engine->tsa_anchors);
    json_decref(engine->intermediates);
    json_decref(engine->asked);
}

/* Signing has its own slots, so no flood of documents can take them.  Whoever
 * holds a job (signing, office) may wait for a slot; strangers are refused
 * when as many wait as may run. */
static void set_slots(sgn_engine_t *engine, const sgn_config_t *config)
{
    int n = (int)sgn_config_number(config, "SignVNWorkers");

    n = n < 1 ? 1 : n > 64 ? 64 : n;
    for (int i = 0; i < SGN_ENGINE_CLASSES; i++) {
        engine->slots[i].slots = n;
        engine->slots[i].queue = i == SGN_ENGINE_ANYONE ? n : 256;
    }
}

sgn_error_t *sgn_engine_configure(sgn_engine_t *engine, const sgn_config_t *config, apr_pool_t *pool)
{
    json_t *anchors, *tsa_anchors, *intermediates, *old[3];

    SGN_TRY(sgn_anchors_read(&anchors, sgn_config_text(config, "SignVNTrustAnchors"), pool));
    SGN_TRY(sgn_anchors_read(&tsa_anchors, sgn_config_text(config, "SignVNTimestampAnchors"), pool));
    SGN_TRY(sgn_anchors_read(&intermediates, sgn_config_text(config, "SignVNIntermediates"), pool));
    apr_thread_mutex_lock(engine->mutex);
    old[0] = engine->anchors;
    old[1] = engine->tsa_anchors;
    old[2] = engine->intermediates;
    engine->anchors = json_incref(anchors);
    engine->tsa_anchors = json_incref(tsa_anchors);
    engine->intermediates = json_incref(intermediates);
    engine->timestamp_url = sgn_config_text(config, "SignVNTimestamp");
    engine->timestamp_policy = sgn_config_text(config, "SignVNTimestampPolicy");
    set_slots(engine, config);
    apr_thread_cond_broadcast(engine->changed);
    apr_thread_mutex_unlock(engine->mutex);
    for (int i = 0; i < 3; i++)
        json_decref(old[i]);
    return NULL;
}

void sgn_engine_evidence(sgn_engine_t *engine, sgn_evidence_t *evidence)
{
    engine->evidence = evidence;
}

sgn_error_t *sgn_engine_make(sgn_engine_t **out, const sgn_config_t *config,
                             sgn_evidence_t *evidence, int zygote_socket, apr_pool_t *pool)
{
    sgn_engine_t *engine = apr_pcalloc(pool, sizeof *engine);
    apr_status_t rc;

    engine->control = -1;
    engine->evidence = evidence;
    engine->pool = pool;
    rc = apr_thread_mutex_create(&engine->mutex, APR_THREAD_MUTEX_DEFAULT, pool);
    if (rc == APR_SUCCESS)
        rc = apr_thread_cond_create(&engine->changed, pool);
    if (rc != APR_SUCCESS)
        return SGN_ERROR_APR(pool, SGN_INTERNAL, rc, "mutex");
    sgn_pool_own(pool, engine, close_control);
    SGN_TRY(sgn_engine_configure(engine, config, pool));
    sgn_engine_zygote(engine, zygote_socket);
    *out = engine;
    return NULL;
}

void sgn_engine_zygote(sgn_engine_t *engine, int zygote_socket)
{
    apr_thread_mutex_lock(engine->mutex);
    if (engine->control >= 0)
        close(engine->control);
    engine->control = zygote_socket < 0 ? -1 : fcntl(zygote_socket, F_DUPFD_CLOEXEC, 3);
    if (engine->control >= 0) {
        engine->births++;
        engine->spare = 0;
        sgn_hints_tell(engine);
    }
    apr_thread_cond_broadcast(engine->changed);
    apr_thread_mutex_unlock(engine->mutex);
}

void sgn_engine_trust(json_t **anchors, json_t **tsa_anchors, json_t **intermediates,
                      sgn_engine_t *engine, apr_pool_t *pool)
{
    apr_thread_mutex_lock(engine->mutex);
    *anchors = sgn_json_own(json_incref(engine->anchors), pool);
    *tsa_anchors = sgn_json_own(json_incref(engine->tsa_anchors), pool);
    *intermediates = sgn_json_own(json_incref(engine->intermediates), pool);
    apr_thread_mutex_unlock(engine->mutex);
}

json_t *sgn_engine_load(sgn_engine_t *engine, apr_pool_t *pool)
{
    json_t *load = sgn_json_object(pool);

    apr_thread_mutex_lock(engine->mutex);
    for (int i = 0; i < SGN_ENGINE_CLASSES; i++) {
        json_t *row = sgn_json_object(pool);

        sgn_json_set_int(row, "running", engine->slots[i].running);
        sgn_json_set_int(row, "waiting", engine->slots[i].waiting);
        sgn_json_set_int(row, "slots", engine->slots[i].slots);
        sgn_json_set(load, class_names[i], row);
    }
    apr_thread_mutex_unlock(engine->mutex);
    return load;
}

/* ---- slots ---------------------------------------------------------------- */

static sgn_error_t *take_slot(sgn_engine_t *engine, sgn_engine_class_t class_, apr_pool_t *pool)
{
    sgn_engine_slots_t *slots = &engine->slots[class_];
    apr_time_t until = sgn_clock_monotonic() + SLOT_WAIT;
    int taken = 0;

    apr_thread_mutex_lock(engine->mutex);
    if (slots->running < slots->slots) {
        taken = 1;
    } else if (slots->waiting < slots->queue) {
        slots->waiting++;
        while (slots->running >= slots->slots && sgn_clock_monotonic() < until)
            apr_thread_cond_timedwait(engine->changed, engine->mutex, until - sgn_clock_monotonic());
        slots->waiting--;
        taken = slots->running < slots->slots;
    }
    if (taken)
        slots->running++;
    apr_thread_mutex_unlock(engine->mutex);
    return taken ? NULL : SGN_ERROR(pool, SGN_BUSY, "all workers of class %s are taken", class_names[class_]);
}

static void give_slot(sgn_engine_t *engine, sgn_engine_class_t class_)
{
    apr_thread_mutex_lock(engine->mutex);
    engine->slots[class_].running--;
    apr_thread_cond_broadcast(engine->changed);
    apr_thread_mutex_unlock(engine->mutex);
}

/* ---- one task ------------------------------------------------------------- */

static int births(sgn_engine_t *engine)
{
    int n;

    apr_thread_mutex_lock(engine->mutex);
    n = engine->births;
    apr_thread_mutex_unlock(engine->mutex);
    return n;
}

static void await_rebirth(sgn_engine_t *engine, int seen)
{
    apr_time_t until = sgn_clock_monotonic() + REBIRTH;

    apr_thread_mutex_lock(engine->mutex);
    while (engine->births == seen && sgn_clock_monotonic() < until)
        apr_thread_cond_timedwait(engine->changed, engine->mutex, until - sgn_clock_monotonic());
    apr_thread_mutex_unlock(engine->mutex);
}

static sgn_error_t *run(json_t **answer, sgn_bytes_t *result, sgn_engine_t *engine,
                        const sgn_attempt_t *plan, apr_pool_t *pool)
{
    sgn_attempt_t attempt = *plan;
    int seen = births(engine);
    sgn_error_t *error = sgn_attempt_run(&attempt, engine, pool);

    if (error) {
        await_rebirth(engine, seen);
        attempt = *plan;
        error = sgn_attempt_run(&attempt, engine, pool);
        if (error)
            return SGN_WRAP(pool, error, SGN_WORKER_CRASHED, "task %s: no worker could be started", plan->task);
    }
    SGN_TRY(sgn_attempt_judge(answer, &attempt, pool));
    if (result)
        *result = attempt.result;
    return NULL;
}

sgn_error_t *sgn_engine_task(json_t **answer, sgn_bytes_t *result,
                             sgn_engine_t *engine, sgn_engine_class_t class_,
                             const char *task, json_t *args,
                             const sgn_engine_document_t *document,
                             size_t result_limit, apr_pool_t *pool)
{
    sgn_attempt_t plan = { .limits = sgn_limits_find(task), .task = task, .args = args,
                           .document = document, .result_limit = result ? result_limit : 0 };
    sgn_error_t *error;

    SGN_TRY(take_slot(engine, class_, pool));
    error = run(answer, result, engine, &plan, pool);
    give_slot(engine, class_);
    return error;
}
