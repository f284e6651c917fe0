/*
 * store.c: opening the archive, and what is done after a crash.
 *
 * The mutex is held from the intents of a group to their commits, so open
 * intents are found among the last lines of the chain only.  The catalogue
 * follows the journal in the same order; its position passes neither a line
 * that is not in it nor an intent that is open.
 */
#include "office/archive/store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include <apr_strings.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/pool.h"

#define STORE_SEARCH_BUDGET apr_time_from_sec(2)
#define STORE_BATCH 500         /* rows of a catalogue made anew per transaction */

static const char store_readme[] =
#define LINE(text) text "\n"
#include "office/archive/readme.def"
#undef LINE
    ;

static sgn_error_t *take_lock(sgn_archive_t *archive)
{
    int fd;

    SGN_TRY(sgn_file_open(&fd, archive->dir, "lock", O_RDWR | O_CREAT, 0640, archive->pool));
    if (flock(fd, LOCK_EX | LOCK_NB) != 0)
        return SGN_ERROR(archive->pool, SGN_BUSY, "another process writes to the archive %s", archive->directory);
    return NULL;
}

/* A durable archive needs unnamed files, renames that replace nothing and
 * syncs of directories; network filesystems lack one or the other. */
static sgn_error_t *probe(sgn_archive_t *archive, apr_pool_t *pool)
{
    sgn_error_t *error;
    int fd;

    error = sgn_file_tmp(&fd, archive->staging, "", 0400, pool);
    if (!error)
        error = sgn_file_link(fd, archive->staging, "probe-1", pool);
    if (!error)
        error = sgn_file_rename(archive->staging, "probe-1", archive->root, ".probe-2", pool);
    if (!error)
        error = sgn_file_remove(archive->root, ".probe-2", pool);
    if (error)
        return SGN_WRAP(pool, error, error->code == SGN_DISK_FULL ? SGN_DISK_FULL : SGN_CONFIG,
                        "the filesystem of %s cannot keep an archive", archive->directory);
    return NULL;
}

static void sweep(sgn_archive_t *archive, apr_pool_t *pool)
{
    int fd = openat(archive->staging, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    struct dirent *entry;

    if (!dir)
        return;
    while ((entry = readdir(dir)) != NULL) {
        sgn_error_t *error;

        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        error = sgn_file_remove(archive->staging, entry->d_name, pool);
        if (error)
            sgn_log_error(SGN_LOG_WARN, "archive", error);
    }
    closedir(dir);
}

static void destroy_locks(void *data)
{
    sgn_archive_t *archive = data;

    pthread_mutex_destroy(&archive->mutex);
    pthread_mutex_destroy(&archive->queue_mutex);
    pthread_cond_destroy(&archive->queue_changed);
}

/* Also a catalogue that was being made anew when the process died: what no
 * journal names is found on the disk only. */
static sgn_error_t *catch_up_all(sgn_archive_t *archive, apr_pool_t *pool)
{
    apr_int64_t ignored;
    int rebuilding;

    SGN_TRY(sgn_store_settle(archive, pool));
    SGN_TRY(sgn_catalog_is_rebuilding(&rebuilding, archive->catalog, pool));
    return rebuilding ? sgn_archive_rebuild(&ignored, archive, NULL, NULL, pool) : NULL;
}

sgn_error_t *sgn_archive_open(sgn_archive_t **out, const sgn_archive_options_t *options, apr_pool_t *parent)
{
    sgn_archive_t *archive;
    apr_pool_t *pool;
    int above;

    apr_pool_create(&pool, parent);
    archive = apr_pcalloc(pool, sizeof(*archive));
    archive->pool = pool;
    archive->directory = apr_pstrdup(pool, options->directory);
    archive->catalog = archive->reader = options->catalog;
    archive->readonly = options->readonly;
    pthread_mutex_init(&archive->mutex, NULL);
    pthread_mutex_init(&archive->queue_mutex, NULL);
    pthread_cond_init(&archive->queue_changed, NULL);
    sgn_pool_own(pool, archive, destroy_locks);
    if (!options->readonly) {
        const char *slash = strrchr(archive->directory, '/');
        const char *parent_path = !slash ? "." : slash == archive->directory ? "/"
            : apr_pstrmemdup(pool, archive->directory, (apr_size_t)(slash - archive->directory));

        SGN_TRY(sgn_file_root(&above, parent_path, pool));
        SGN_TRY(sgn_file_mkdir(above, slash ? slash + 1 : archive->directory, 0750, pool));
    }
    SGN_TRY(sgn_file_root(&archive->dir, archive->directory, pool));
    if (!options->readonly) {
        SGN_TRY(take_lock(archive));
        SGN_TRY(sgn_file_mkdir(archive->dir, "root", 0750, pool));
        SGN_TRY(sgn_file_mkdir(archive->dir, "staging", 0700, pool));
        SGN_TRY(sgn_file_mkdir(archive->dir, "journal", 0750, pool));
    }
    SGN_TRY(sgn_file_open(&archive->root, archive->dir, "root", O_RDONLY | O_DIRECTORY, 0, pool));
    SGN_TRY(sgn_file_open(&archive->chains, archive->dir, "journal", O_RDONLY | O_DIRECTORY, 0, pool));
    if (options->reader) {
        SGN_TRY(sgn_db_open(&archive->reader, options->reader, 0, pool));
        sgn_db_budget(archive->reader, STORE_SEARCH_BUDGET);
    }
    *out = archive;
    if (options->readonly)
        return NULL;
    SGN_TRY(sgn_file_open(&archive->staging, archive->dir, "staging", O_RDONLY | O_DIRECTORY, 0, pool));
    sweep(archive, pool);
    SGN_TRY(sgn_ocfl_root_make(archive->root, store_readme, pool));
    SGN_TRY(probe(archive, pool));
    SGN_TRY(sgn_catalog_open(archive->catalog, pool));
    SGN_TRY(sgn_journal_open(&archive->journal, archive->chains, pool));
    return catch_up_all(archive, pool);
}

/* ---- after a crash ----------------------------------------------------------- */

sgn_error_t *sgn_store_record(json_t **out, sgn_archive_t *archive, const sgn_ocfl_inventory_t *inventory, apr_pool_t *pool)
{
    const sgn_ocfl_entry_t *entries, *entry;
    sgn_bytes_t bytes;
    int count;

    *out = NULL;
    SGN_TRY(sgn_ocfl_entries(&entries, &count, inventory, inventory->head, pool));
    entry = sgn_ocfl_entry_find(entries, count, "evidence.json");
    if (!entry)
        return NULL;
    SGN_TRY(sgn_file_read(&bytes, archive->root, apr_pstrcat(pool, inventory->path, "/", entry->content, NULL), 64 << 20, pool));
    return sgn_json_parse(out, bytes, 64 << 20, pool);
}

static void count_finding(void *baton, const char *code, const char *path, const char *text)
{
    (void)path;
    (void)text;
    if (code[0] == 'E')
        ++*(int *)baton;
}

/* Is the object of an intent there, whole and the one that was meant? */
static sgn_error_t *is_whole(int *whole, sgn_archive_t *archive, const sgn_journal_line_t *line, apr_pool_t *pool)
{
    sgn_ocfl_inventory_t *inventory;
    apr_int64_t files = 0, bytes = 0;
    int errors = 0;
    sgn_error_t *error = sgn_ocfl_inventory_read(&inventory, archive->root, line->id, pool);

    *whole = 0;
    if (error)
        return error->code == SGN_ARCHIVE_UNKNOWN || error->code == SGN_ARCHIVE_DAMAGED ? NULL : error;
    if (strcmp(inventory->digest, line->inventory) != 0)
        return NULL;
    SGN_TRY(sgn_ocfl_check_object(archive->root, inventory->path, line->id, SGN_OCFL_DEEP, count_finding, &errors,
                                  &files, &bytes, pool));
    *whole = errors == 0;
    return NULL;
}

static sgn_error_t *apply(sgn_archive_t *archive, const sgn_journal_line_t *line, apr_pool_t *pool)
{
    sgn_ocfl_inventory_t *inventory;
    json_t *record = NULL;
    sgn_error_t *error;

    if (!sgn_archive_is_id(line->id))
        return SGN_ERROR(pool, SGN_ARCHIVE_DAMAGED, "journal line %" APR_INT64_T_FMT, line->seq);
    if (!strstr(line->id, ":evidence:")) {
        error = sgn_ocfl_inventory_read(&inventory, archive->root, line->id, pool);
        if (!error)
            error = sgn_store_record(&record, archive, inventory, pool);
        if (error) {
            /* A damaged object is told by fixity and check; the others stay findable. */
            sgn_log_error(SGN_LOG_ERROR, "archive", error);
            record = NULL;
        }
    }
    return sgn_catalog_put_within(archive->catalog, record, line, pool);
}

sgn_error_t *sgn_store_decide(int *whole, sgn_archive_t *archive, const sgn_journal_line_t *line, apr_pool_t *pool)
{
    const char *path;

    SGN_TRY(is_whole(whole, archive, line, pool));
    if (!*whole)
        return NULL;
    SGN_TRY(sgn_ocfl_path(&path, line->id, pool));
    SGN_TRY(sgn_ocfl_protect(archive->root, line->id, pool));
    SGN_TRY(sgn_file_sync_dir(archive->root, apr_pstrmemdup(pool, path, 5), pool));
    SGN_TRY(sgn_file_sync_dir(archive->root, apr_pstrmemdup(pool, path, 2), pool));
    return sgn_file_sync_dir(archive->root, "", pool);
}

/* ---- intents that a crash left open ---- */

typedef struct open_t {
    sgn_journal_line_t line;
    struct open_t *next;
} open_t;

typedef struct {
    open_t *first;
    apr_pool_t *pool;
} opens_t;

static const char *kept(const opens_t *opens, const char *text)
{
    return text ? apr_pstrdup(opens->pool, text) : NULL;
}

static sgn_error_t *note_intent(void *baton, const sgn_journal_line_t *line, apr_pool_t *pool)
{
    opens_t *opens = baton;
    open_t **at = &opens->first, *open;

    (void)pool;
    while (*at && strcmp((*at)->line.tx, line->tx) != 0)
        at = &(*at)->next;
    if (strcmp(line->op, "intent") != 0) {
        if (*at)
            *at = (*at)->next;
        return NULL;
    }
    open = apr_pcalloc(opens->pool, sizeof(*open));
    open->line = *line;
    open->line.tx = kept(opens, line->tx);
    open->line.id = kept(opens, line->id);
    open->line.key = kept(opens, line->key);
    open->line.agency = kept(opens, line->agency);
    open->line.inventory = kept(opens, line->inventory);
    open->line.sha256 = kept(opens, line->sha256);
    *at = open;
    return NULL;
}

/* What is on the disk decides. */
static sgn_error_t *close_intents(sgn_archive_t *archive, const char *writer, apr_int64_t after, apr_pool_t *pool)
{
    opens_t opens = { NULL, pool };
    open_t *open;
    int whole;

    SGN_TRY(sgn_journal_walk(NULL, NULL, archive->chains, writer, after, note_intent, &opens, pool));
    for (open = opens.first; open; open = open->next) {
        if (!sgn_archive_is_id(open->line.id))
            return SGN_ERROR(pool, SGN_ARCHIVE_DAMAGED, "journal line %" APR_INT64_T_FMT, open->line.seq);
        SGN_TRY(sgn_store_decide(&whole, archive, &open->line, pool));
        open->line.op = whole ? "commit" : "abort";
        SGN_TRY(sgn_journal_add(archive->journal, &open->line, pool));
    }
    return NULL;
}

/* ---- lines that the catalogue lacks ---- */

typedef struct {
    sgn_archive_t *archive;
    int rows;                   /* in the open transaction */
} settle_t;

static sgn_error_t *settle_line(void *baton, const sgn_journal_line_t *line, apr_pool_t *pool)
{
    settle_t *settle = baton;

    if (strcmp(line->op, "commit") != 0)
        return NULL;
    if (settle->rows++ == STORE_BATCH) {
        SGN_TRY(sgn_db_commit(settle->archive->catalog, pool));
        SGN_TRY(sgn_db_begin(settle->archive->catalog, pool));
        settle->rows = 0;
    }
    return apply(settle->archive, line, pool);
}

sgn_error_t *sgn_store_settle(sgn_archive_t *archive, apr_pool_t *pool)
{
    const char *const *writers;
    int i;

    if (sgn_journal_is_broken(archive->journal))
        SGN_TRY(sgn_journal_mend(archive->journal, pool));
    SGN_TRY(sgn_journal_writers(&writers, archive->chains, pool));
    for (i = 0; writers[i]; i++) {
        settle_t settle = { .archive = archive };
        apr_int64_t after;
        sgn_error_t *error;

        SGN_TRY(sgn_catalog_position(&after, archive->catalog, writers[i], pool));
        if (strcmp(writers[i], sgn_journal_writer(archive->journal)) == 0)
            SGN_TRY(close_intents(archive, writers[i], after, pool));
        SGN_TRY(sgn_db_begin(archive->catalog, pool));
        error = sgn_journal_walk(NULL, NULL, archive->chains, writers[i], after, settle_line, &settle, pool);
        if (!error)
            error = sgn_db_commit(archive->catalog, pool);
        if (error) {
            sgn_db_rollback(archive->catalog);
            return error;
        }
    }
    archive->behind = 0;
    return NULL;
}

sgn_error_t *sgn_store_catch_up(sgn_archive_t *archive, apr_pool_t *pool)
{
    sgn_error_t *error;

    if (!archive->behind || archive->readonly)
        return NULL;
    pthread_mutex_lock(&archive->mutex);
    error = archive->behind ? sgn_store_settle(archive, pool) : NULL;
    pthread_mutex_unlock(&archive->mutex);
    return error;
}
