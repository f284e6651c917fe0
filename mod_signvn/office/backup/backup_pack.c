/*
 * backup_pack.c: items grouped into packs, made on two threads; each pack is
 * read back from the medium and remembered for a run that goes on.
 *
 * A few packs are made at a time and then written into the manifest, so a run
 * over a million versions takes the memory of the thousands in those packs.
 */
#include "office/backup/backup_job.h"

#include <string.h>

#include <apr_strings.h>

#include "base/log.h"
#include "crypto/digest.h"

#define RUN_THREADS 2
#define PACK_ITEMS 16384        /* at most in one pack, however small they are */

/* ---- packing --------------------------------------------------------------------------------- */

static const char *kept(const sgn_job_t *job, const char *text)
{
    return text ? apr_pstrdup(job->batch, text) : NULL;
}

static sgn_pack_item_t *new_item(sgn_job_t *job)
{
    if (job->count == job->room) {
        int more = job->room ? job->room * 2 : 256;
        sgn_pack_item_t *items = apr_pcalloc(job->batch, sizeof(*items) * (size_t)more);

        if (job->count)
            memcpy(items, job->items, sizeof(*items) * (size_t)job->count);
        job->items = items;
        job->room = more;
    }
    return &job->items[job->count++];
}

sgn_error_t *sgn_backup_pack_add(sgn_job_t *job, const sgn_pack_item_t *item)
{
    sgn_job_pack_t *pack = job->pack_count ? &job->packs[job->pack_count - 1] : NULL;
    sgn_pack_item_t *copy;

    if (!pack || pack->bytes + item->bytes > SGN_PACK_LIMIT || pack->count == PACK_ITEMS) {
        if (job->pack_count == SGN_JOB_PACKS)
            SGN_TRY(sgn_backup_pack_flush(job));
        pack = &job->packs[job->pack_count++];
        memset(pack, 0, sizeof(*pack));
        pack->first = job->count;
    }
    pack->count++;
    pack->bytes += item->bytes;
    copy = new_item(job);
    *copy = *item;
    copy->id = kept(job, item->id);
    copy->inventory = kept(job, item->inventory);
    copy->sha256 = kept(job, item->sha256);
    copy->agency = kept(job, item->agency);
    copy->key = kept(job, item->key);
    copy->writer = kept(job, item->writer);
    return NULL;
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
            error = job->progress(job->baton, job->done, 0, job->target->name);
        if (error && !job->error)
            job->error = error;
        pthread_mutex_unlock(&job->mutex);
    }
}

static sgn_error_t *make_all(sgn_job_t *job)
{
    packer_t packers[RUN_THREADS];
    pthread_t threads[RUN_THREADS];
    int started[RUN_THREADS] = { 0 }, i;

    job->next = 0;
    pthread_mutex_init(&job->mutex, NULL);
    for (i = 0; i < RUN_THREADS; i++) {
        packers[i].job = job;
        apr_pool_create(&packers[i].pool, job->batch);
        started[i] = i + 1 < RUN_THREADS && i + 1 < job->pack_count && pthread_create(&threads[i], NULL, pack_thread, &packers[i]) == 0;
    }
    pack_thread(&packers[RUN_THREADS - 1]);
    for (i = 0; i < RUN_THREADS; i++)
        if (started[i])
            pthread_join(threads[i], NULL);
    pthread_mutex_destroy(&job->mutex);
    return job->error;
}

/* ---- what the manifest says of it ------------------------------------------------------------ */

static json_t *line_of(const sgn_pack_item_t *item, apr_pool_t *pool)
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

sgn_error_t *sgn_backup_pack_lose(sgn_job_t *job, json_t *line, const char *why, apr_pool_t *pool)
{
    json_t *kept_line = json_deep_copy(line);

    json_object_del(line, "pack");
    json_object_del(line, "offset");
    json_object_del(line, "length");
    json_array_append_new(job->lost, kept_line);
    sgn_log(SGN_LOG_ERROR, "backup", "%s: %s was not copied: %s", job->target->name,
            json_string_value(json_object_get(line, "id")), why);
    sgn_json_set_str(line, "damaged", why);
    return sgn_manifest_add(job->draft, line, pool);
}

static sgn_error_t *list_item(sgn_job_t *job, const sgn_pack_item_t *item, apr_pool_t *pool)
{
    json_t *line = line_of(item, pool);

    job->damaged += !item->pack;
    if (!item->pack)
        return sgn_backup_pack_lose(job, line, item->damaged, pool);
    sgn_json_set_str(line, "pack", item->pack);
    sgn_json_set_int(line, "offset", item->offset);
    sgn_json_set_int(line, "length", item->length);
    job->objects++;
    job->bytes += item->size;
    return sgn_manifest_add(job->draft, line, pool);
}

static void list_pack(sgn_job_t *job, const sgn_job_pack_t *pack, apr_pool_t *pool)
{
    json_t *line = sgn_json_object(pool);

    job->packs_made++;
    if (!pack->name)
        return;
    sgn_json_set_str(line, "pack", pack->name);
    sgn_json_set_int(line, "size", pack->size);
    sgn_buf_str(job->pack_lines, sgn_json_print_sorted(line, pool));
    sgn_buf_byte(job->pack_lines, '\n');
}

sgn_error_t *sgn_backup_pack_flush(sgn_job_t *job)
{
    apr_pool_t *pool;
    int i;

    if (!job->count)
        return NULL;
    SGN_TRY(make_all(job));
    apr_pool_create(&pool, job->batch);
    for (i = 0; i < job->count; i++) {
        apr_pool_clear(pool);
        SGN_TRY(list_item(job, &job->items[i], pool));
    }
    for (i = 0; i < job->pack_count; i++)
        list_pack(job, &job->packs[i], pool);
    apr_pool_clear(job->batch);
    job->items = NULL;
    job->count = job->room = job->pack_count = 0;
    return NULL;
}
