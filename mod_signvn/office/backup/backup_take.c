/*
 * backup_take.c: what a run has to copy: what is new in the journal, what was
 * damaged before, and on a full run what rotted on the medium.
 */
#include "office/backup/backup_job.h"

#include <string.h>

#include <apr_strings.h>

#include "base/file.h"
#include "base/log.h"
#include "office/archive/journal.h"

/* ---- what is new ----------------------------------------------------------------------- */

typedef struct {
    sgn_job_t *job;
    apr_int64_t after, until;
} gather_t;

static apr_int64_t place_of(const json_t *places, const char *writer)
{
    return json_integer_value(json_object_get(places, writer));
}

/* Not for this set, or there already. */
static int is_not_wanted(const gather_t *gather, const char *agency, const char *writer, apr_int64_t seq)
{
    json_t *regained = json_object_get(gather->job->regain, agency);

    return json_object_get(gather->job->without, agency) || seq <= (regained ? place_of(regained, writer) : gather->after);
}

/* ---- a restored chain: what the set has already --------------------------------------------
 * A restore begins a new chain with what came from a set.  Its lines are
 * compared with the set's, else all of it would be copied once more. */

#define TAKE_LISTED "listed.sqlite"

static sgn_error_t *drop_listed(sgn_job_t *job)
{
    static const char *const files[] = { TAKE_LISTED, TAKE_LISTED "-wal", TAKE_LISTED "-shm" };
    size_t i;

    for (i = 0; i < sizeof(files) / sizeof(files[0]); i++)
        SGN_TRY(sgn_file_remove(job->scratch, files[i], job->pool));
    return NULL;
}

static sgn_error_t *list_line(void *baton, json_t *line, apr_pool_t *pool)
{
    sgn_job_t *job = baton;

    if (!json_object_get(line, "id") || !json_object_get(line, "inventory") || json_object_get(line, "damaged"))
        return NULL;
    return sgn_db_run(job->listed, pool, "INSERT OR IGNORE INTO listed (id, inventory) VALUES ($1, $2)", "ss",
                      json_string_value(json_object_get(line, "id")), json_string_value(json_object_get(line, "inventory")));
}

static sgn_error_t *list_manifest(void *baton, const sgn_manifest_t *manifest, apr_pool_t *pool)
{
    return sgn_manifest_each(manifest, list_line, baton, pool);
}

static sgn_error_t *begin_listed(sgn_job_t *job)
{
    static const sgn_db_migration_t migrations[] = {
        { 1, 1, "CREATE TABLE listed (id TEXT NOT NULL, inventory TEXT NOT NULL, PRIMARY KEY (id, inventory)) WITHOUT ROWID" },
        { 0, 0, NULL }
    };
    sgn_error_t *error;

    SGN_TRY(drop_listed(job));      /* of a run that died */
    SGN_TRY(sgn_db_open(&job->listed, apr_pstrcat(job->pool, "sqlite:", job->backup->options.state_path, "/db/" TAKE_LISTED, NULL), 0, job->pool));
    SGN_TRY(sgn_db_migrate(job->listed, "listed", migrations, job->pool));
    SGN_TRY(sgn_db_begin(job->listed, job->pool));
    error = sgn_manifest_walk(job->medium, job->last, job->set, &job->signer, job->scratch, list_manifest, job, job->pool);
    if (!error)
        return sgn_db_commit(job->listed, job->pool);
    sgn_db_rollback(job->listed);
    return error;
}

static sgn_error_t *is_listed(int *yes, sgn_job_t *job, const char *id, const char *inventory, apr_pool_t *pool)
{
    sgn_db_rows_t *rows;

    if (!job->listed)
        return NULL;
    SGN_TRY(sgn_db_query(&rows, job->listed, pool, "SELECT 1 FROM listed WHERE id = $1 AND inventory = $2", "ss", id, inventory));
    *yes = sgn_db_count(rows) > 0;
    return NULL;
}

static sgn_error_t *gather_line(void *baton, const sgn_journal_line_t *line, apr_pool_t *pool)
{
    gather_t *gather = baton;
    sgn_pack_item_t item = { .id = line->id, .inventory = line->inventory, .sha256 = line->sha256, .agency = line->agency,
                             .key = line->key, .writer = line->writer, .version = line->version, .seq = line->seq,
                             .size = line->size, .bytes = line->bytes };

    int listed = 0;

    if (line->seq > gather->until || strcmp(line->op, "commit") != 0 || !sgn_archive_is_id(line->id)
        || is_not_wanted(gather, sgn_archive_agency(line->id, pool), line->writer, line->seq))
        return NULL;
    if (sgn_archive_is_restored(line->writer))
        SGN_TRY(is_listed(&listed, gather->job, line->id, line->inventory, pool));
    if (listed)
        return NULL;
    return sgn_backup_pack_add(gather->job, &item);
}

/* The texts stay the line's. */
static sgn_error_t *add_line(sgn_job_t *job, const json_t *line)
{
    sgn_pack_item_t pack_item = { .id = NULL }, *item = &pack_item;
    const struct { const char *key; const char **to; } texts[] = {
        { "id", &item->id }, { "inventory", &item->inventory }, { "sha256", &item->sha256 },
        { "agency", &item->agency }, { "key", &item->key }, { "writer", &item->writer },
    };
    size_t i;

    for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        *texts[i].to = json_string_value(json_object_get(line, texts[i].key));
    item->version = (int)json_integer_value(json_object_get(line, "version"));
    item->seq = json_integer_value(json_object_get(line, "seq"));
    item->size = json_integer_value(json_object_get(line, "size"));
    item->bytes = json_integer_value(json_object_get(line, "bytes"));
    if (!item->id || !item->inventory || !sgn_archive_is_id(item->id))
        return SGN_ERROR(job->pool, SGN_BACKUP_MANIFEST, "a line without identifier");
    return sgn_backup_pack_add(job, item);
}

static int is_left_out(const sgn_job_t *job, const json_t *line, apr_pool_t *pool)
{
    const char *id = json_string_value(json_object_get(line, "id"));

    return sgn_archive_is_id(id) && json_object_get(job->without, sgn_archive_agency(id, pool));
}

/* Versions that were damaged at an earlier run and may be repaired by now. */
static sgn_error_t *gather_damaged(sgn_job_t *job)
{
    sgn_db_rows_t *rows;
    int i;

    SGN_TRY(sgn_db_query(&rows, job->backup->options.office, job->pool,
                         "SELECT line FROM backup_damaged WHERE target = $1 ORDER BY id", "s", job->target->name));
    for (i = 0; i < sgn_db_count(rows); i++) {
        json_t *line;

        SGN_TRY(sgn_json_parse(&line, sgn_bytes_str(sgn_db_text(rows, i, 0)), 64 * 1024, job->pool));
        if (is_left_out(job, line, job->pool))
            continue;
        json_array_append(job->retried, line);
        SGN_TRY(add_line(job, line));
    }
    return NULL;
}

sgn_error_t *sgn_backup_take_new(sgn_job_t *job)
{
    const char *writer;
    json_t *seq;

    json_object_foreach(job->now, writer, seq)
        if (job->last && !job->listed && sgn_archive_is_restored(writer) && !json_object_get(job->before, writer))
            SGN_TRY(begin_listed(job));
    SGN_TRY(gather_damaged(job));
    job->chains = sgn_json_object(job->pool);
    json_object_foreach(job->now, writer, seq) {
        gather_t gather = { job, place_of(job->before, writer), json_integer_value(seq) };
        apr_int64_t after = gather.after, last;
        json_t *chain = sgn_json_object(job->pool), *regained;
        const char *head, *agency;

        json_object_foreach(job->regain, agency, regained)
            after = place_of(regained, writer) < after ? place_of(regained, writer) : after;

        SGN_TRY(sgn_journal_walk(&last, &head, sgn_archive_chains(job->backup->options.archive), writer, after,
                                 gather_line, &gather, job->pool));
        sgn_json_set_int(chain, "seq", last);
        sgn_json_set_str(chain, "head", head);
        sgn_json_set(job->chains, writer, chain);
    }
    SGN_TRY(sgn_backup_pack_flush(job));
    return job->listed ? drop_listed(job) : NULL;
}

/* ---- a full run: everything that is there, read again ------------------------------------ */

typedef struct {
    sgn_job_t *job;
    json_t *bad;        /* packs that rotted on the medium */
} full_t;

static sgn_error_t *full_pack(void *baton, json_t *line, apr_pool_t *pool)
{
    full_t *full = baton;
    const char *pack = json_string_value(json_object_get(line, "pack")), *sha512;
    apr_off_t size;

    if (!pack || json_object_get(line, "id"))
        return NULL;
    if (sgn_target_digest(&sha512, &size, full->job->medium, sgn_pack_path(pack, pool), pool) || strcmp(sha512, pack) != 0) {
        sgn_log(SGN_LOG_ERROR, "backup", "%s: pack %s is damaged and written again", full->job->target->name, pack);
        json_object_set_new(full->bad, pack, json_true());
    }
    return NULL;
}

static int is_bad(const full_t *full, const json_t *line)
{
    const char *pack = json_string_value(json_object_get(line, "pack"));

    return pack && json_object_get(full->bad, pack);
}

static sgn_error_t *full_line(void *baton, json_t *line, apr_pool_t *pool)
{
    full_t *full = baton;

    if (json_object_get(line, "damaged") || is_bad(full, line))
        return NULL;
    full->job->old_objects += json_object_get(line, "id") != NULL;
    return sgn_manifest_add(full->job->draft, line, pool);
}

/* Not copied again where the agency's originals go elsewhere by now. */
static sgn_error_t *full_again(void *baton, json_t *line, apr_pool_t *pool)
{
    full_t *full = baton;

    if (json_object_get(line, "damaged") || !is_bad(full, line) || !json_object_get(line, "id"))
        return NULL;
    if (is_left_out(full->job, line, pool))
        return sgn_backup_pack_lose(full->job, line, "its pack rotted, and the agency has other targets", pool);
    return add_line(full->job, line);
}

static sgn_error_t *full_packs_of(void *baton, const sgn_manifest_t *manifest, apr_pool_t *pool)
{
    return sgn_manifest_each(manifest, full_pack, baton, pool);
}

static sgn_error_t *full_lines_of(void *baton, const sgn_manifest_t *manifest, apr_pool_t *pool)
{
    return sgn_manifest_each(manifest, full_line, baton, pool);
}

static sgn_error_t *full_again_of(void *baton, const sgn_manifest_t *manifest, apr_pool_t *pool)
{
    return sgn_manifest_each(manifest, full_again, baton, pool);
}

static sgn_error_t *walk(full_t *full, sgn_manifest_fn each)
{
    sgn_job_t *job = full->job;

    return sgn_manifest_walk(job->medium, job->last, job->set, &job->signer, job->scratch, each, full, job->pool);
}

sgn_error_t *sgn_backup_take_over(sgn_job_t *job)
{
    full_t full = { job, sgn_json_object(job->pool) };
    const char *pack;
    json_t *yes;

    SGN_TRY(walk(&full, full_packs_of));
    json_object_foreach(full.bad, pack, yes)
        SGN_TRY(sgn_db_run(job->backup->options.office, job->pool, "DELETE FROM backup_pack WHERE target = $1 AND name = $2", "ss",
                           job->target->name, pack));
    SGN_TRY(walk(&full, full_lines_of));
    return json_object_size(full.bad) ? walk(&full, full_again_of) : NULL;
}

sgn_error_t *sgn_backup_take_end(sgn_job_t *job)
{
    sgn_bytes_t lines;

    SGN_TRY(sgn_backup_pack_flush(job));
    SGN_TRY(sgn_buf_bytes(&lines, job->pack_lines));
    return sgn_manifest_add_lines(job->draft, lines);
}
