/*
 * store_commit.c: the durable commit of objects, many at once.
 *
 * Acts queue up; the first thread that finds nobody leading takes what has
 * gathered and commits it for all: every intent, one sync; every object shown,
 * the directories synced; every commit, one sync; one transaction of the
 * catalogue.  A thread returns when its own act was in a group that is through,
 * so nothing is acknowledged before its syncs.
 */
#include <string.h>

#include "base/log.h"
#include "office/archive/store.h"

#define COMMIT_ACTS 64

typedef struct sgn_store_act_t {
    sgn_ocfl_stage_t *stage;
    sgn_journal_line_t *line;
    const json_t *record;
    sgn_error_t *error;
    int intended, whole, done;
    apr_pool_t *pool;                   /* its thread waits while the leader uses it */
    struct sgn_store_act_t *next;
} act_t;

typedef struct {
    act_t *acts[COMMIT_ACTS];
    int count;
} group_t;

/* Two acts of one key or one identifier follow each other. */
static int is_alone(const group_t *group, const act_t *act)
{
    const sgn_journal_line_t *line = act->line;
    int i;

    for (i = 0; i < group->count; i++) {
        const sgn_journal_line_t *other = group->acts[i]->line;

        if (strcmp(other->id, line->id) == 0 || (other->key && line->key && strcmp(other->key, line->key) == 0))
            return 0;
    }
    return 1;
}

static void take(group_t *group, sgn_archive_t *archive)
{
    act_t **at = &archive->queue;

    group->count = 0;
    while (*at && group->count < COMMIT_ACTS) {
        if (is_alone(group, *at)) {
            group->acts[group->count++] = *at;
            *at = (*at)->next;
        } else {
            at = &(*at)->next;
        }
    }
}

static sgn_error_t *intend(act_t *act, sgn_archive_t *archive)
{
    sgn_archive_receipt_t *known = NULL;

    if (act->line->key)
        SGN_TRY(sgn_catalog_receipt(&known, archive->catalog, "ingest_key", act->line->key, act->pool));
    if (known)      /* another thread was faster with the same act */
        return SGN_ERROR(act->pool, SGN_DB_UNIQUE, "the act is archived as %s", known->id);
    act->line->tx = sgn_ocfl_stage_name(act->stage);
    act->line->writer = sgn_journal_writer(archive->journal);
    act->line->op = "intent";
    SGN_TRY(sgn_journal_add_late(archive->journal, act->line, act->pool));
    act->intended = 1;
    return NULL;
}

/* Every act that is left after an error of the whole group has that error. */
static void fail(group_t *group, const sgn_error_t *error)
{
    int i;

    for (i = 0; i < group->count; i++)
        if (!group->acts[i]->error)
            group->acts[i]->error = sgn_error_dup(error, group->acts[i]->pool);
}

static sgn_error_t *intend_all(group_t *group, sgn_archive_t *archive, apr_pool_t *pool)
{
    int i;

    if (archive->behind || sgn_journal_is_broken(archive->journal))
        SGN_TRY(sgn_store_settle(archive, pool));
    for (i = 0; i < group->count; i++) {
        group->acts[i]->error = intend(group->acts[i], archive);
        if (sgn_journal_is_broken(archive->journal))
            return group->acts[i]->error;
    }
    return sgn_journal_sync(archive->journal, pool);
}

static void show_all(group_t *group, sgn_archive_t *archive)
{
    int i;

    for (i = 0; i < group->count; i++)
        if (!group->acts[i]->error)
            group->acts[i]->error = sgn_ocfl_stage_show(group->acts[i]->stage, archive->root);
    for (i = 0; i < group->count; i++)
        if (!group->acts[i]->error)
            group->acts[i]->error = sgn_ocfl_stage_settle(group->acts[i]->stage, archive->root);
}

/* A line for every intent: where something failed, what is on the disk decides,
 * the same as after a crash. */
static sgn_error_t *close_all(group_t *group, sgn_archive_t *archive, apr_pool_t *pool)
{
    int i;

    for (i = 0; i < group->count; i++) {
        act_t *act = group->acts[i];

        if (!act->intended)
            continue;
        act->whole = 1;
        if (act->error)
            SGN_TRY(sgn_store_decide(&act->whole, archive, act->line, act->pool));
        act->line->op = act->whole ? "commit" : "abort";
        SGN_TRY(sgn_journal_add_late(archive->journal, act->line, act->pool));
    }
    return sgn_journal_sync(archive->journal, pool);
}

static sgn_error_t *list_all(group_t *group, sgn_archive_t *archive, apr_pool_t *pool)
{
    sgn_error_t *error = NULL;
    int i;

    SGN_TRY(sgn_db_begin(archive->catalog, pool));
    for (i = 0; !error && i < group->count; i++)
        if (group->acts[i]->intended && group->acts[i]->whole)
            error = sgn_catalog_put_within(archive->catalog, group->acts[i]->record, group->acts[i]->line, group->acts[i]->pool);
    if (!error)
        return sgn_db_commit(archive->catalog, pool);
    sgn_db_rollback(archive->catalog);
    return error;
}

/* The archive's mutex is held. */
static void commit(group_t *group, sgn_archive_t *archive, apr_pool_t *pool)
{
    sgn_error_t *error = intend_all(group, archive, pool);

    if (!error) {
        show_all(group, archive);
        error = close_all(group, archive, pool);
    }
    archive->behind = error != NULL;    /* then the next act closes what is open */
    if (error) {
        fail(group, error);
        return;
    }
    error = list_all(group, archive, pool);
    archive->behind = error != NULL;
    if (error)
        sgn_log_error(SGN_LOG_ERROR, "archive", error);     /* durable all the same: replayed later */
}

static void lead(sgn_archive_t *archive, apr_pool_t *pool)
{
    group_t group;
    int i;

    take(&group, archive);
    archive->leading = 1;
    pthread_mutex_unlock(&archive->queue_mutex);
    pthread_mutex_lock(&archive->mutex);
    commit(&group, archive, pool);
    pthread_mutex_unlock(&archive->mutex);
    pthread_mutex_lock(&archive->queue_mutex);
    for (i = 0; i < group.count; i++)
        group.acts[i]->done = 1;
    archive->leading = 0;
    pthread_cond_broadcast(&archive->queue_changed);
}

sgn_error_t *sgn_store_commit(sgn_archive_t *archive, sgn_ocfl_stage_t *stage, sgn_journal_line_t *line,
                              const json_t *record, apr_pool_t *pool)
{
    act_t act = { .stage = stage, .line = line, .record = record, .pool = pool }, **end;

    pthread_mutex_lock(&archive->queue_mutex);
    for (end = &archive->queue; *end; end = &(*end)->next)
        ;
    *end = &act;
    while (!act.done) {
        if (archive->leading)
            pthread_cond_wait(&archive->queue_changed, &archive->queue_mutex);
        else
            lead(archive, pool);
    }
    pthread_mutex_unlock(&archive->queue_mutex);
    return act.error;
}
