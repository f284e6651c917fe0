/*
 * backup_job.h: one run on one target, shared by backup_run.c (medium, steps,
 * manifest) and backup_pack.c (what is new, packs).
 */
#ifndef SGN_OFFICE_BACKUP_BACKUP_JOB_H
#define SGN_OFFICE_BACKUP_BACKUP_JOB_H

#include "office/backup/room.h"

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
    json_t *chains;                 /* {writer: {seq, head}}: the journal's own heads */
    sgn_audit_head_t audit;
    json_t *catalog, *office;       /* databases of the header */
    /* what is packed */
    sgn_pack_item_t *items;
    int count, room;
    sgn_job_pack_t *packs;
    int pack_count;
    apr_int64_t old_objects;
    sgn_buf_t *lines;
    sgn_archive_progress_fn progress;
    void *baton;
    /* threads */
    pthread_mutex_t mutex;
    int next, done;
    sgn_error_t *error;
} sgn_job_t;

/* Newest lines of the journal behind the last manifest, and what was damaged then. */
sgn_error_t *sgn_backup_pack_gather(sgn_job_t *job);
/* A full run: every pack on the medium read again; good ones are listed anew,
 * what was in the others is gathered. */
sgn_error_t *sgn_backup_pack_take_over(sgn_job_t *job);
/* Packs what was gathered, on two threads, and reads it back. */
sgn_error_t *sgn_backup_pack_all(sgn_job_t *job);
/* A manifest line of an item. */
json_t *sgn_backup_pack_line(const sgn_pack_item_t *item, apr_pool_t *pool);

#endif
