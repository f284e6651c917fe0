/*
 * journal.h: the append-only list of what the archive committed, one JSON
 * object a line, each naming the SHA-256 of the line before it.
 *
 * One directory per writer: journal/<writer>/<first seq>.jsonl.  A line is
 * believed when it was synced; a torn last line was never acknowledged and is
 * cut off at the next start.  Lines: `intent` before an object appears,
 * `commit` when it is durable, `abort` for an intent that came to nothing.
 * `epoch` is the lease of the writer (1: the only one); `audit` is the head of
 * the audit tree, empty until there is one.
 *
 * Not thread-safe: the archive's writer lock is held by the caller.
 */
#ifndef SGN_OFFICE_ARCHIVE_JOURNAL_H
#define SGN_OFFICE_ARCHIVE_JOURNAL_H

#include "base/file.h"
#include "base/json.h"

typedef struct sgn_journal_t sgn_journal_t;

/* One line as it is read back.  Texts live in the pool of the walk. */
typedef struct {
    apr_int64_t seq;
    const char *op;             /* "intent", "commit", "abort" */
    const char *time, *tx, *id, *key, *agency;
    int version;
    const char *inventory;      /* sha512 hex of the object's inventory */
    const char *sha256;         /* of the original, hex */
    const char *writer;         /* directory of the chain */
    apr_int64_t size, bytes;    /* original; whole object as a tar holds it */
} sgn_journal_line_t;

/* Opens the writer's chain in `directory` (made when absent), cuts a torn end,
 * checks the last file's chain.  The writer's name is made once and kept. */
sgn_error_t *sgn_journal_open(sgn_journal_t **out, int directory, apr_pool_t *pool);
const char *sgn_journal_writer(const sgn_journal_t *journal);
apr_int64_t sgn_journal_seq(const sgn_journal_t *journal);
const char *sgn_journal_head(const sgn_journal_t *journal);

/* Appends and syncs.  line->seq and ->time are set here.  After an error the
 * chain refuses everything until sgn_journal_mend(). */
sgn_error_t *sgn_journal_add(sgn_journal_t *journal, sgn_journal_line_t *line, apr_pool_t *pool);
/* The same for many lines: synced once behind the last. */
sgn_error_t *sgn_journal_add_late(sgn_journal_t *journal, sgn_journal_line_t *line, apr_pool_t *pool);
sgn_error_t *sgn_journal_sync(sgn_journal_t *journal, apr_pool_t *pool);
/* Rewrites the last file from what can be read of it (a failed fsync is final
 * for a file) and makes the chain usable again. */
sgn_error_t *sgn_journal_mend(sgn_journal_t *journal, apr_pool_t *pool);
int sgn_journal_is_broken(const sgn_journal_t *journal);

typedef sgn_error_t *(*sgn_journal_line_fn)(void *baton, const sgn_journal_line_t *line, apr_pool_t *pool);

/* The names of all chains, NULL-terminated, sorted. */
sgn_error_t *sgn_journal_writers(const char *const **out, int directory, apr_pool_t *pool);
/* Lines with seq > after of one chain, in order; each in a pool that is cleared
 * behind it.  The chain is checked from the first file that is read:
 * SGN_ARCHIVE_DAMAGED where it breaks.  A torn last line ends the walk.
 * *seq and *head (both may be NULL) get the last line's number and digest. */
sgn_error_t *sgn_journal_walk(apr_int64_t *seq, const char **head, int directory, const char *writer, apr_int64_t after,
                              sgn_journal_line_fn each, void *baton, apr_pool_t *pool);

#endif
