/* journal.c: see journal.h. */
#include "office/archive/journal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <apr_strings.h>

#include "base/clock.h"
#include "base/pool.h"
#include "crypto/digest.h"
#include "crypto/random.h"

#define JOURNAL_FILE (8 << 20)          /* a new file begins above this */
#define JOURNAL_LIMIT (64 << 20)
#define JOURNAL_LINE (16 * 1024)
#define JOURNAL_NONE "0000000000000000000000000000000000000000000000000000000000000000"

struct sgn_journal_t {
    apr_pool_t *pool, *file_pool;   /* file_pool holds the descriptor */
    int directory, fd, broken;
    const char *writer, *name;      /* name: of the last file, "" when none */
    apr_off_t size;
    apr_int64_t seq;
    char head[65];
};

/* The names in a directory that the test accepts, sorted. */
static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static sgn_error_t *list(const char *const **out, int *count, int root, const char *path,
                         int (*accept)(const char *name), apr_pool_t *pool)
{
    const char **names = apr_pcalloc(pool, sizeof(*names) * 16);
    int room = 16, n = 0, fd;
    struct dirent *entry;
    DIR *dir;

    SGN_TRY(sgn_file_open(&fd, root, path, O_RDONLY | O_DIRECTORY, 0, pool));
    dir = fdopendir(dup(fd));
    sgn_pool_close_fd(pool, fd);
    if (!dir)
        return SGN_ERROR_ERRNO(pool, SGN_FILE_FAILED, "list %s", path);
    while ((entry = readdir(dir)) != NULL) {
        if (!accept(entry->d_name))
            continue;
        if (n + 1 == room) {
            const char **more = apr_pcalloc(pool, sizeof(*more) * (size_t)room * 2);

            memcpy(more, names, sizeof(*names) * (size_t)n);
            names = more;
            room *= 2;
        }
        names[n++] = apr_pstrdup(pool, entry->d_name);
    }
    closedir(dir);
    qsort(names, (size_t)n, sizeof(*names), by_text);
    *out = names;
    if (count)
        *count = n;
    return NULL;
}

static int is_writer(const char *name)
{
    size_t len = strlen(name);

    return len >= 2 && len <= 64 && strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") == len;
}

static int is_file(const char *name)
{
    return strlen(name) == 18 && strspn(name, "0123456789") == 12 && strcmp(name + 12, ".jsonl") == 0;
}

sgn_error_t *sgn_journal_writers(const char *const **out, int directory, apr_pool_t *pool)
{
    return list(out, NULL, directory, "", is_writer, pool);
}

const char *sgn_journal_writer(const sgn_journal_t *journal)
{
    return journal->writer;
}

apr_int64_t sgn_journal_seq(const sgn_journal_t *journal)
{
    return journal->seq;
}

const char *sgn_journal_head(const sgn_journal_t *journal)
{
    return journal->head;
}

int sgn_journal_is_broken(const sgn_journal_t *journal)
{
    return journal->broken;
}

/* ---- reading ---------------------------------------------------------------- */

static sgn_error_t *line_read(sgn_journal_line_t *out, const char *previous, apr_int64_t *seq,
                              sgn_bytes_t bytes, const char *writer, apr_pool_t *pool)
{
    const char *prev;
    apr_int64_t version;
    json_t *json;

    memset(out, 0, sizeof(*out));
    out->writer = writer;
    SGN_TRY(sgn_json_parse(&json, bytes, JOURNAL_LINE, pool));
    SGN_TRY(sgn_json_get_int(&out->seq, json, "seq", pool));
    SGN_TRY(sgn_json_get_str(&prev, json, "prev", pool));
    SGN_TRY(sgn_json_get_str(&out->op, json, "op", pool));
    SGN_TRY(sgn_json_get_str(&out->time, json, "time", pool));
    SGN_TRY(sgn_json_get_str(&out->tx, json, "tx", pool));
    SGN_TRY(sgn_json_get_str(&out->id, json, "id", pool));
    SGN_TRY(sgn_json_get_int(&version, json, "version", pool));
    SGN_TRY(sgn_json_find_str(&out->key, json, "key", NULL, pool));
    SGN_TRY(sgn_json_find_str(&out->agency, json, "agency", NULL, pool));
    SGN_TRY(sgn_json_find_str(&out->inventory, json, "inventory", "", pool));
    SGN_TRY(sgn_json_find_str(&out->sha256, json, "sha256", "", pool));
    SGN_TRY(sgn_json_find_int(&out->size, json, "size", 0, pool));
    SGN_TRY(sgn_json_find_int(&out->bytes, json, "bytes", 0, pool));
    out->version = (int)version;
    if ((*seq && out->seq != *seq + 1) || (previous && strcmp(prev, previous) != 0))
        return SGN_ERROR(pool, SGN_ARCHIVE_DAMAGED, "journal %s: line %" APR_INT64_T_FMT " does not follow", writer, out->seq);
    *seq = out->seq;
    return NULL;
}

/* One file's lines.  *end: length of the whole lines.  previous NULL: the
 * first line is taken as it is. */
static sgn_error_t *file_walk(apr_off_t *end, apr_int64_t *seq, char head[65], int known, sgn_bytes_t bytes,
                              const char *writer, apr_int64_t after,
                              sgn_journal_line_fn each, void *baton, apr_pool_t *pool)
{
    size_t at = 0;
    apr_pool_t *round;

    apr_pool_create(&round, pool);
    while (at < bytes.len) {
        const unsigned char *start = bytes.data + at, *stop = memchr(start, '\n', bytes.len - at);
        sgn_journal_line_t line;
        const char *digest;
        sgn_error_t *error;

        if (!stop)
            break;
        apr_pool_clear(round);
        error = line_read(&line, known ? head : NULL, seq, sgn_bytes(start, (size_t)(stop - start)), writer, round);
        if (!error)
            error = sgn_digest_sha256_hex(&digest, start, (size_t)(stop - start), round);
        if (!error && each && line.seq > after)
            error = each(baton, &line, round);
        if (error)
            return sgn_error_dup(error, pool);
        apr_cpystrn(head, digest, 65);
        known = 1;
        at = (size_t)(stop - bytes.data) + 1;
    }
    *end = (apr_off_t)at;
    apr_pool_destroy(round);
    return NULL;
}

sgn_error_t *sgn_journal_walk(apr_int64_t *last, const char **head_out, int directory, const char *writer, apr_int64_t after,
                              sgn_journal_line_fn each, void *baton, apr_pool_t *pool)
{
    const char *const *files;
    apr_int64_t seq = 0;
    apr_pool_t *round;
    int count, first = 0, i;
    char head[65] = JOURNAL_NONE;

    SGN_TRY(list(&files, &count, directory, writer, is_file, pool));
    while (first + 1 < count && apr_atoi64(files[first + 1]) <= after + 1)
        first++;
    apr_pool_create(&round, pool);
    for (i = first; i < count; i++) {
        sgn_bytes_t bytes;
        apr_off_t end;
        sgn_error_t *error;

        apr_pool_clear(round);
        error = sgn_file_read(&bytes, directory, apr_pstrcat(round, writer, "/", files[i], NULL), JOURNAL_LIMIT, round);
        if (!error)
            error = file_walk(&end, &seq, head, i > first || first == 0, bytes, writer, after, each, baton, round);
        if (!error && end < (apr_off_t)bytes.len && i + 1 < count)
            error = SGN_ERROR(pool, SGN_ARCHIVE_DAMAGED, "journal %s: %s is cut", writer, files[i]);
        if (error)
            return sgn_error_dup(error, pool);
    }
    apr_pool_destroy(round);
    if (last)
        *last = seq;
    if (head_out)
        *head_out = apr_pstrdup(pool, head);
    return NULL;
}

/* ---- writing ---------------------------------------------------------------- */

/* Opens the last file for appending and leaves seq, head and size as they are. */
static sgn_error_t *open_last(sgn_journal_t *journal, int create)
{
    sgn_error_t *error;

    apr_pool_clear(journal->file_pool);
    journal->fd = -1;
    error = sgn_file_open(&journal->fd, journal->directory,
                          apr_pstrcat(journal->file_pool, journal->writer, "/", journal->name, NULL),
                          O_WRONLY | O_APPEND | (create ? O_CREAT | O_EXCL : 0), 0640, journal->file_pool);
    if (!error && create)
        error = sgn_file_sync_dir(journal->directory, journal->writer, journal->file_pool);
    return error;
}

/* Reads the last file anew; cuts a torn line off. */
static sgn_error_t *resume(sgn_journal_t *journal, int rewrite, apr_pool_t *pool)
{
    const char *const *files;
    int count;
    sgn_bytes_t bytes;
    const char *path;

    journal->seq = 0;
    journal->size = 0;
    journal->name = "";
    apr_cpystrn(journal->head, JOURNAL_NONE, 65);
    SGN_TRY(list(&files, &count, journal->directory, journal->writer, is_file, pool));
    if (!count)
        return NULL;
    journal->name = apr_pstrdup(journal->pool, files[count - 1]);
    path = apr_pstrcat(pool, journal->writer, "/", journal->name, NULL);
    SGN_TRY(sgn_file_read(&bytes, journal->directory, path, JOURNAL_LIMIT, pool));
    SGN_TRY(file_walk(&journal->size, &journal->seq, journal->head, count == 1, bytes, journal->writer, 0, NULL, NULL, pool));
    if (journal->size == 0 && count > 1) {  /* torn in its first line: the file before tells */
        const char *head;

        SGN_TRY(sgn_journal_walk(&journal->seq, &head, journal->directory, journal->writer, 0, NULL, NULL, pool));
        apr_cpystrn(journal->head, head, sizeof(journal->head));
    }
    if (rewrite || journal->size < (apr_off_t)bytes.len)
        SGN_TRY(sgn_file_write(journal->directory, path, sgn_bytes(bytes.data, (size_t)journal->size), 0640, pool));
    return open_last(journal, 0);
}

sgn_error_t *sgn_journal_open(sgn_journal_t **out, int directory, apr_pool_t *pool)
{
    sgn_journal_t *journal = apr_pcalloc(pool, sizeof(*journal));
    const char *token;
    sgn_bytes_t name;
    sgn_error_t *error;

    journal->pool = pool;
    journal->directory = directory;
    journal->fd = -1;
    apr_pool_create(&journal->file_pool, pool);
    error = sgn_file_read(&name, directory, "WRITER", 64, pool);
    if (error && error->code == SGN_FILE_ABSENT) {
        /* A name of its own for each life of the archive: after a restore a
         * new chain begins and cannot be taken for the old one. */
        unsigned char random[6];

        SGN_TRY(sgn_random_bytes(random, sizeof(random), pool));
        token = apr_pstrcat(pool, "w-", sgn_bytes_hex(sgn_bytes(random, sizeof(random)), pool), NULL);
        SGN_TRY(sgn_file_mkdir(directory, token, 0750, pool));
        SGN_TRY(sgn_file_write(directory, "WRITER", sgn_bytes_str(token), 0440, pool));
        journal->writer = token;
    } else {
        SGN_TRY(error);
        journal->writer = apr_pstrmemdup(pool, (const char *)name.data, strcspn((const char *)name.data, "\n"));
        if (!is_writer(journal->writer))
            return SGN_ERROR(pool, SGN_ARCHIVE_DAMAGED, "journal/WRITER is no name");
        SGN_TRY(sgn_file_mkdir(directory, journal->writer, 0750, pool));
    }
    SGN_TRY(resume(journal, 0, pool));
    *out = journal;
    return NULL;
}

sgn_error_t *sgn_journal_mend(sgn_journal_t *journal, apr_pool_t *pool)
{
    SGN_TRY(resume(journal, 1, pool));
    journal->broken = 0;
    return NULL;
}

static const char *line_print(const sgn_journal_t *journal, const sgn_journal_line_t *line, apr_pool_t *pool)
{
    json_t *json = sgn_json_object(pool), *audit = sgn_json_object(pool);

    sgn_json_set_int(json, "v", 1);
    sgn_json_set_int(json, "seq", line->seq);
    sgn_json_set_int(json, "epoch", 1);
    sgn_json_set_str(json, "time", line->time);
    sgn_json_set_str(json, "op", line->op);
    sgn_json_set_str(json, "tx", line->tx);
    sgn_json_set_str(json, "id", line->id);
    sgn_json_set_int(json, "version", line->version);
    sgn_json_set_str(json, "agency", line->agency);
    sgn_json_set_str(json, "key", line->key);
    sgn_json_set_str(json, "inventory", line->inventory);
    sgn_json_set_str(json, "sha256", line->sha256);
    sgn_json_set_int(json, "size", line->size);
    sgn_json_set_int(json, "bytes", line->bytes);
    sgn_json_set_int(audit, "size", 0);
    sgn_json_set_str(audit, "root", "");
    sgn_json_set(json, "audit", audit);
    sgn_json_set_str(json, "prev", journal->head);
    return sgn_json_print(json, pool);
}

sgn_error_t *sgn_journal_sync(sgn_journal_t *journal, apr_pool_t *pool)
{
    if (journal->fd < 0)
        return NULL;
    journal->broken = 1;    /* a failed sync is final for the file */
    SGN_TRY(sgn_file_sync(journal->fd, pool));
    journal->broken = 0;
    return NULL;
}

sgn_error_t *sgn_journal_add_late(sgn_journal_t *journal, sgn_journal_line_t *line, apr_pool_t *pool)
{
    const char *text, *digest;
    sgn_error_t *error;

    if (journal->broken)
        return SGN_ERROR(pool, SGN_FILE_FAILED, "the journal has to be mended first");
    line->seq = journal->seq + 1;
    line->time = sgn_clock_print(sgn_clock_now(), pool);
    text = line_print(journal, line, pool);
    if (strlen(text) >= JOURNAL_LINE)
        return SGN_ERROR(pool, SGN_TOO_LARGE, "journal line of %s", line->id);
    SGN_TRY(sgn_digest_sha256_hex(&digest, text, strlen(text), pool));
    text = apr_pstrcat(pool, text, "\n", NULL);
    journal->broken = 1;    /* until everything went well */
    if (!*journal->name || journal->size > JOURNAL_FILE) {
        if (journal->fd >= 0)
            SGN_TRY(sgn_file_sync(journal->fd, pool));
        journal->name = apr_psprintf(journal->pool, "%012" APR_INT64_T_FMT ".jsonl", line->seq);
        journal->size = 0;
        SGN_TRY(open_last(journal, 1));
    }
    error = sgn_file_write_all(journal->fd, text, strlen(text), pool);
    if (error)
        return error;
    journal->size += (apr_off_t)strlen(text);
    journal->seq = line->seq;
    apr_cpystrn(journal->head, digest, sizeof(journal->head));
    journal->broken = 0;
    return NULL;
}

sgn_error_t *sgn_journal_add(sgn_journal_t *journal, sgn_journal_line_t *line, apr_pool_t *pool)
{
    SGN_TRY(sgn_journal_add_late(journal, line, pool));
    return sgn_journal_sync(journal, pool);
}
