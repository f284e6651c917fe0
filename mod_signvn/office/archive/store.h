/*
 * store.h: the archive's inside, shared by the files of this room only.
 */
#ifndef SGN_OFFICE_ARCHIVE_STORE_H
#define SGN_OFFICE_ARCHIVE_STORE_H

#include <pthread.h>

#include "office/archive/archive.h"
#include "office/archive/catalog.h"
#include "office/archive/journal.h"
#include "office/archive/ocfl.h"

struct sgn_archive_t {
    apr_pool_t *pool;
    const char *directory;
    int dir, root, staging, chains;     /* descriptors; chains: journal/ */
    sgn_journal_t *journal;             /* NULL when readonly */
    sgn_db_t *catalog, *reader;
    pthread_mutex_t mutex;              /* journal, placing, catalogue writes */
    pthread_mutex_t queue_mutex;        /* the members below */
    pthread_cond_t queue_changed;
    struct sgn_store_act_t *queue;      /* acts that wait for their commit, oldest first */
    int leading;                        /* a thread commits for those it took */
    int readonly;
    volatile int behind;                /* the catalogue lacks journal lines */
};

/* Applies what the catalogue lacks and resolves an open intent; the mutex is held. */
sgn_error_t *sgn_store_settle(sgn_archive_t *archive, apr_pool_t *pool);
/* The same when something is behind, taking the mutex. */
sgn_error_t *sgn_store_catch_up(sgn_archive_t *archive, apr_pool_t *pool);
/* Is the object of an intent there, whole and the one that was meant?  Then it
 * is made to stay. */
sgn_error_t *sgn_store_decide(int *whole, sgn_archive_t *archive, const sgn_journal_line_t *line, apr_pool_t *pool);
/* One durable step: intent, place, commit, catalogue; shared with the acts that
 * come meanwhile.  record NULL: an evidence object. */
sgn_error_t *sgn_store_commit(sgn_archive_t *archive, sgn_ocfl_stage_t *stage, sgn_journal_line_t *line,
                              const json_t *record, apr_pool_t *pool);
/* evidence.json of an object; *out NULL when it is an evidence object. */
sgn_error_t *sgn_store_record(json_t **out, sgn_archive_t *archive, const sgn_ocfl_inventory_t *inventory, apr_pool_t *pool);

#endif
