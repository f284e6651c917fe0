/*
 * backup_job.h: one run on one target, shared by backup_run.c (medium, steps,
 * manifest), backup_take.c (what is to be copied) and backup_pack.c (packs).
 */
#ifndef SGN_OFFICE_BACKUP_BACKUP_JOB_H
#define SGN_OFFICE_BACKUP_BACKUP_JOB_H

#include "office/backup/room.h"

#define SGN_JOB_PACKS 4             /* made at once; what they hold is all that is in memory */

typedef struct {
    int first, count;               /* items */
    apr_int64_t bytes;
    const char *name;               /* sha512 hex, NULL: nothing good in it */
    apr_off_t size;
} sgn_job_pack_t;

typedef struct {
    sgn_backup_t *backup;
    const char *run;
    const sgn_room_target_t *target;
    apr_pool_t *pool;
    sgn_medium_t *medium;
    const char *set;
    sgn_manifest_signer_t signer;   /* ourselves */
    int full;
    /* what the medium has */
    apr_int64_t last;               /* newest manifest, 0: none */
    const char *last_digest, *last_kind_full;
    json_t *before, *now;           /* {writer: seq} */
    json_t *without;                /* {agency: {writer: seq}}: left out, but for what the set has up to there */
    json_t *regain;                 /* the same of agencies that were left out and are not any more */
    int scope_changed;
    int resigned;                   /* the last manifest is signed by a key before ours */
    sgn_db_t *listed;               /* what the set lists, while a restored chain is compared; NULL */
    json_t *chains;                 /* {writer: {seq, head}}: the journal's own heads */
    sgn_audit_head_t audit;
    json_t *catalog, *office;       /* databases of the header */
    /* what is being packed: items wait in batch until SGN_JOB_PACKS are full */
    apr_pool_t *batch;
    sgn_pack_item_t *items;
    int count, room;
    sgn_job_pack_t packs[SGN_JOB_PACKS];
    int pack_count;
    /* what was packed, and the lines of the manifest */
    apr_int64_t objects, old_objects, bytes, packs_made, damaged;
    sgn_manifest_draft_t *draft;
    sgn_buf_t *pack_lines;          /* they come behind all others */
    json_t *lost, *retried;         /* lines of versions: damaged; those of earlier runs that were tried again */
    int scratch;
    sgn_archive_progress_fn progress;
    void *baton;
    /* threads */
    pthread_mutex_t mutex;
    int next;
    apr_int64_t done;
    sgn_error_t *error;
} sgn_job_t;

/* Every call packs what it gathers, on two threads, reads it back and writes
 * the lines of the manifest: */
/* a full run: every pack on the medium read again; good ones are listed anew,
 * what was in the others is packed; */
sgn_error_t *sgn_backup_take_over(sgn_job_t *job);
/* newest lines of the journal behind the last manifest, and what was damaged then; */
sgn_error_t *sgn_backup_take_new(sgn_job_t *job);
/* the lines of all packs that were made. */
sgn_error_t *sgn_backup_take_end(sgn_job_t *job);

/* For the gathering: an item waits for its pack; all packs that wait are made. */
sgn_error_t *sgn_backup_pack_add(sgn_job_t *job, const sgn_pack_item_t *item);
sgn_error_t *sgn_backup_pack_flush(sgn_job_t *job);
/* A version that the set does not get: told in the manifest, kept for later. */
sgn_error_t *sgn_backup_pack_lose(sgn_job_t *job, json_t *line, const char *why, apr_pool_t *pool);

#endif
