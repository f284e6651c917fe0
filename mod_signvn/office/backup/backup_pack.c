/*
 * backup_pack.c: what a run has to copy, grouped into packs, on two threads;
 * each pack is read back from the medium and remembered for a run that goes on.
 */
#include "office/backup/backup_job.h"

#include <string.h>

#include <apr_strings.h>

#include "base/log.h"
#include "base/pool.h"
#include "crypto/digest.h"
#include "office/archive/journal.h"

#define RUN_THREADS 2

/* ---- what is new ----------------------------------------------------------------------- */

static sgn_pack_item_t *new_item(sgn_job_t *job)
{
    if (job->count == job->room) {
        int more = job->room ? job->room * 2 : 256;
        sgn_pack_item_t *items = apr_pcalloc(job->pool, sizeof(*items) * (size_t)more);

        if (job->count)
            memcpy(items, job->items, sizeof(*items) * (size_t)job->count);
        job->items = items;
        job->room = more;
    }
    return &job->items[job->count++];
}

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

static sgn_error_t *gather_line(void *baton, const sgn_journal_line_t *line, apr_pool_t *pool)
{
    gather_t *gather = baton;
    apr_pool_t *keep = gather->job->pool;
    sgn_pack_item_t *item;

    if (line->seq > gather->until || strcmp(line->op, "commit") != 0 || !sgn_archive_is_id(line->id)
        || is_not_wanted(gather, sgn_archive_agency(line->id, pool), line->writer, line->seq))
        return NULL;
    item = new_item(gather->job);
    item->id = apr_pstrdup(keep, line->id);
    item->inventory = apr_pstrdup(keep, line->inventory);
    item->sha256 = apr_pstrdup(keep, line->sha256);
    item->agency = line->agency ? apr_pstrdup(keep, line->agency) : NULL;
    item->key = line->key ? apr_pstrdup(keep, line->key) : NULL;
    item->writer = apr_pstrdup(keep, line->writer);
    item->version = line->version;
    item->seq = line->seq;
    item->size = line->size;
    item->bytes = line->bytes;
    return NULL;
}

static void item_of_line(sgn_pack_item_t *item, const json_t *line, apr_pool_t *pool)
{
    const struct { const char *key; const char **to; } texts[] = {
        { "id", &item->id }, { "inventory", &item->inventory }, { "sha256", &item->sha256 },
        { "agency", &item->agency }, { "key", &item->key }, { "writer", &item->writer },
    };
    size_t i;

    for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        const char *text = json_string_value(json_object_get(line, texts[i].key));

        *texts[i].to = text ? apr_pstrdup(pool, text) : NULL;
    }
    item->version = (int)json_integer_value(json_object_get(line, "version"));
    item->seq = json_integer_value(json_object_get(line, "seq"));
    item->size = json_integer_value(json_object_get(line, "size"));
    item->bytes = json_integer_value(json_object_get(line, "bytes"));
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
        if (!is_left_out(job, line, job->pool))
            item_of_line(new_item(job), line, job->pool);
    }
    return NULL;
}

sgn_error_t *sgn_backup_pack_gather(sgn_job_t *job)
{
    const char *writer;
    json_t *seq;

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
    return NULL;
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

/* It was in a pack that rotted, and its agency's originals go elsewhere by now:
 * not copied again, and said so. */
static sgn_error_t *lose(sgn_job_t *job, json_t *line, apr_pool_t *pool)
{
    SGN_TRY(sgn_db_run(job->backup->options.office, pool,
                       "INSERT OR REPLACE INTO backup_damaged (target, id, version, line) VALUES ($1,$2,$3,$4)", "ssis",
                       job->target->name, json_string_value(json_object_get(line, "id")),
                       (apr_int64_t)json_integer_value(json_object_get(line, "version")), sgn_json_print_sorted(line, pool)));
    sgn_json_set_str(line, "damaged", "its pack rotted, and the agency has other targets");
    json_object_del(line, "pack");
    sgn_buf_str(job->lines, sgn_json_print_sorted(line, pool));
    sgn_buf_byte(job->lines, '\n');
    return NULL;
}

static sgn_error_t *full_line(void *baton, json_t *line, apr_pool_t *pool)
{
    full_t *full = baton;
    const char *pack = json_string_value(json_object_get(line, "pack"));

    if (json_object_get(line, "damaged"))
        return NULL;
    if (pack && json_object_get(full->bad, pack)) {
        if (!json_object_get(line, "id"))
            return NULL;
        if (is_left_out(full->job, line, pool))
            return lose(full->job, line, pool);
        item_of_line(new_item(full->job), line, full->job->pool);
        return NULL;
    }
    full->job->old_objects += json_object_get(line, "id") != NULL;
    sgn_buf_str(full->job->lines, sgn_json_print_sorted(line, pool));
    sgn_buf_byte(full->job->lines, '\n');
    return NULL;
}

static sgn_error_t *full_packs_of(void *baton, const sgn_manifest_t *manifest, apr_pool_t *pool)
{
    return sgn_manifest_each(manifest, full_pack, baton, pool);
}

static sgn_error_t *full_lines_of(void *baton, const sgn_manifest_t *manifest, apr_pool_t *pool)
{
    return sgn_manifest_each(manifest, full_line, baton, pool);
}

sgn_error_t *sgn_backup_pack_take_over(sgn_job_t *job)
{
    full_t full = { job, sgn_json_object(job->pool) };
    const char *pack;
    json_t *yes;

    SGN_TRY(sgn_manifest_walk(job->medium, job->last, job->set, &job->signer, full_packs_of, &full, job->pool));
    json_object_foreach(full.bad, pack, yes)
        SGN_TRY(sgn_db_run(job->backup->options.office, job->pool, "DELETE FROM backup_pack WHERE target = $1 AND name = $2", "ss",
                           job->target->name, pack));
    return sgn_manifest_walk(job->medium, job->last, job->set, &job->signer, full_lines_of, &full, job->pool);
}

/* ---- packing --------------------------------------------------------------------------------- */

static void plan_packs(sgn_job_t *job)
{
    int i;

    job->packs = apr_pcalloc(job->pool, sizeof(*job->packs) * (size_t)(job->count + 1));
    for (i = 0; i < job->count; i++) {
        sgn_job_pack_t *pack = job->pack_count ? &job->packs[job->pack_count - 1] : NULL;

        if (!pack || pack->bytes + job->items[i].bytes > SGN_PACK_LIMIT) {
            pack = &job->packs[job->pack_count++];
            pack->first = i;
        }
        pack->count++;
        pack->bytes += job->items[i].bytes;
    }
}

static sgn_error_t *items_key(const char **out, sgn_job_t *job, const sgn_job_pack_t *pack, apr_pool_t *pool)
{
    unsigned char value[32];
    sgn_digest_t *digest;
    int i;

    SGN_TRY(sgn_digest_make(&digest, SGN_DIGEST_SHA256, pool));
    for (i = pack->first; i < pack->first + pack->count; i++) {
        const char *text = apr_psprintf(pool, "%s|%d|%s\n", job->items[i].id, job->items[i].version, job->items[i].inventory);

        SGN_TRY(sgn_digest_add(digest, text, strlen(text), pool));
    }
    SGN_TRY(sgn_digest_finish(value, digest, pool));
    *out = sgn_bytes_hex(sgn_bytes(value, sizeof(value)), pool);
    return NULL;
}

/* A pack that an interrupted run had finished and read back. */
static sgn_error_t *find_finished(int *found, sgn_job_t *job, sgn_job_pack_t *pack, const char *key, apr_pool_t *keep)
{
    sgn_db_rows_t *rows;
    json_t *layout, *place;
    apr_off_t size;
    size_t i;

    *found = 0;
    SGN_TRY(sgn_db_query(&rows, job->backup->options.office, keep,
                         "SELECT name, size, layout FROM backup_pack WHERE target = $1 AND items = $2", "ss", job->target->name, key));
    if (!sgn_db_count(rows))
        return NULL;
    pack->name = sgn_db_text(rows, 0, 0);
    pack->size = sgn_db_int(rows, 0, 1);
    if (sgn_target_size(&size, job->medium, sgn_pack_path(pack->name, keep), keep) || size != pack->size
        || sgn_json_parse(&layout, sgn_bytes_str(sgn_db_text(rows, 0, 2)), 64 << 20, keep)
        || json_array_size(layout) != (size_t)pack->count)
        return NULL;
    json_array_foreach(layout, i, place) {
        sgn_pack_item_t *item = &job->items[pack->first + (int)i];

        item->pack = json_is_array(place) ? pack->name : NULL;
        item->damaged = json_is_array(place) ? NULL : "damaged at the last run";
        item->offset = json_integer_value(json_array_get(place, 0));
        item->length = json_integer_value(json_array_get(place, 1));
    }
    *found = 1;
    return NULL;
}

static sgn_error_t *remember(sgn_job_t *job, const sgn_job_pack_t *pack, const char *key, apr_pool_t *pool)
{
    json_t *layout = sgn_json_array(pool);
    int i;

    for (i = pack->first; i < pack->first + pack->count; i++) {
        const sgn_pack_item_t *item = &job->items[i];

        if (item->damaged)
            return NULL;    /* tried again by the next run, not remembered */
        json_array_append_new(layout, json_pack("[I,I]", (json_int_t)item->offset, (json_int_t)item->length));
    }
    return sgn_db_run(job->backup->options.office, pool,
                      "INSERT OR REPLACE INTO backup_pack (target, items, name, size, layout) VALUES ($1,$2,$3,$4,$5)", "sssis",
                      job->target->name, key, pack->name, (apr_int64_t)pack->size, sgn_json_print(layout, pool));
}

static sgn_error_t *make_pack(sgn_job_t *job, sgn_job_pack_t *pack, apr_pool_t *keep)
{
    apr_pool_t *scratch;
    const char *key, *sha512, *name;
    sgn_error_t *error;
    apr_off_t size;
    int found, i;

    apr_pool_create(&scratch, keep);
    SGN_TRY(items_key(&key, job, pack, scratch));
    SGN_TRY(find_finished(&found, job, pack, key, keep));
    if (found)
        return NULL;
    error = sgn_pack_write(&name, &pack->size, &job->items[pack->first], pack->count, job->backup->options.archive, job->medium, scratch);
    if (!error && name)
        error = sgn_target_digest(&sha512, &size, job->medium, sgn_pack_path(name, scratch), scratch);
    if (!error && name && strcmp(sha512, name) != 0)
        error = SGN_ERROR(scratch, SGN_BACKUP_DAMAGED, "pack %s reads back differently", name);
    if (error)
        return sgn_error_dup(error, keep);
    pack->name = name ? apr_pstrdup(keep, name) : NULL;
    for (i = pack->first; i < pack->first + pack->count; i++) {
        job->items[i].pack = job->items[i].damaged ? NULL : pack->name;
        job->items[i].damaged = job->items[i].damaged ? apr_pstrdup(keep, job->items[i].damaged) : NULL;
    }
    if (pack->name)
        SGN_TRY(remember(job, pack, key, keep));
    apr_pool_destroy(scratch);
    return NULL;
}

typedef struct {
    sgn_job_t *job;
    apr_pool_t *pool;
} packer_t;

static void *pack_thread(void *data)
{
    packer_t *packer = data;
    sgn_job_t *job = packer->job;

    for (;;) {
        sgn_error_t *error = NULL;
        int mine;

        pthread_mutex_lock(&job->mutex);
        mine = job->error ? job->pack_count : job->next++;
        pthread_mutex_unlock(&job->mutex);
        if (mine >= job->pack_count)
            return NULL;
        error = make_pack(job, &job->packs[mine], packer->pool);
        pthread_mutex_lock(&job->mutex);
        job->done += job->packs[mine].count;
        if (!error && job->progress)
            error = job->progress(job->baton, job->done, job->count, job->target->name);
        if (error && !job->error)
            job->error = error;
        pthread_mutex_unlock(&job->mutex);
    }
}

sgn_error_t *sgn_backup_pack_all(sgn_job_t *job)
{
    packer_t packers[RUN_THREADS];
    pthread_t threads[RUN_THREADS];
    int started[RUN_THREADS] = { 0 }, i;

    plan_packs(job);
    pthread_mutex_init(&job->mutex, NULL);
    for (i = 0; i < RUN_THREADS; i++) {
        packers[i].job = job;
        apr_pool_create(&packers[i].pool, job->pool);
        started[i] = i + 1 < RUN_THREADS && i + 1 < job->pack_count && pthread_create(&threads[i], NULL, pack_thread, &packers[i]) == 0;
    }
    pack_thread(&packers[RUN_THREADS - 1]);
    for (i = 0; i < RUN_THREADS; i++)
        if (started[i])
            pthread_join(threads[i], NULL);
    pthread_mutex_destroy(&job->mutex);
    return job->error;
}

json_t *sgn_backup_pack_line(const sgn_pack_item_t *item, apr_pool_t *pool)
{
    json_t *line = sgn_json_object(pool);

    sgn_json_set_str(line, "id", item->id);
    sgn_json_set_int(line, "version", item->version);
    sgn_json_set_str(line, "inventory", item->inventory);
    sgn_json_set_str(line, "sha256", item->sha256);
    sgn_json_set_str(line, "agency", item->agency);
    sgn_json_set_str(line, "key", item->key);
    sgn_json_set_str(line, "writer", item->writer);
    sgn_json_set_int(line, "seq", item->seq);
    sgn_json_set_int(line, "size", item->size);
    sgn_json_set_int(line, "bytes", item->bytes);
    return line;
}
