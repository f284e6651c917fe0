/*
 * backup.h: the archive and both databases on two or more independent media,
 * by itself, verified, restorable without this program.
 *
 * A run on one target goes through planned, identified, leased, packing,
 * uploaded, manifest, verified to done, or ends as failed, interrupted,
 * target-absent or source-damaged; each state is written before the act.  An
 * absent medium raises an alarm and stops nothing; nothing counts as backed up
 * before the signed manifest was read back.  [TT 05/2025/TT-BNV, Điều 27]
 *
 * Not checked here: who may ask (the operation does).
 *
 * Order of use: sgn_backup_check() before the start, sgn_backup_open() once,
 * sgn_backup_due() from a timer; the rest at any time, any thread.  One run at
 * a time in a process.
 */
#ifndef SGN_OFFICE_BACKUP_BACKUP_H
#define SGN_OFFICE_BACKUP_BACKUP_H

#include "office/archive/archive.h"
#include "office/audit/audit.h"
#include "office/backup/manifest.h"
#include "office/keys/keys.h"
#include "wire/config.h"

typedef struct sgn_backup_t sgn_backup_t;

typedef struct {
    sgn_db_t *office;
    sgn_archive_t *archive;
    const sgn_keys_t *keys;
    sgn_audit_t *audit;
    sgn_manifest_verify_fn verify;              /* sgn_manifest_by_engine with the engine */
    void *baton;
    const char *state_path;                     /* for snapshots: <state>/db */
    const sgn_config_t *const volatile *config; /* read anew for each run */
} sgn_backup_options_t;

/* SGN_BACKUP_TARGETS: fewer than two where an agency archives, of all or of
 * those it names itself (SignVNBackupTargets).
 * SGN_BACKUP_SAME_DEVICE: two of those attached are on one device (allowed in
 * practice).  office: tells which directories are only empty mount points; may
 * be NULL before there is a database. */
sgn_error_t *sgn_backup_check(const sgn_config_t *config, sgn_db_t *office, apr_pool_t *pool);

/* Runs that a dead process left are marked interrupted. */
sgn_error_t *sgn_backup_open(sgn_backup_t **out, const sgn_backup_options_t *options, apr_pool_t *pool);

/* Is a run due by SignVNBackupEvery, or a medium back that was absent?  Then
 * runs it here, to the end.  Failures are logged, kept in the rows and audited;
 * they are no error of this call. */
sgn_error_t *sgn_backup_due(sgn_backup_t *backup, apr_pool_t *pool);

/* Plans a run on one target or (NULL) all and starts it on a thread of its
 * own, behind one that is under way; *run is its id.  SGN_BACKUP_RUNNING: one
 * waits already.  SGN_BACKUP_UNKNOWN. */
sgn_error_t *sgn_backup_start(const char **run, sgn_backup_t *backup, const char *target, const char *actor, int full, apr_pool_t *pool);
/* The same here, to the end; how it ended is in the run.  SGN_BACKUP_RUNNING
 * when one is under way. */
sgn_error_t *sgn_backup_run(const char **run, sgn_backup_t *backup, const char *target, const char *actor, int full,
                            sgn_archive_progress_fn progress, void *baton, apr_pool_t *pool);

/* {run, state, targets:[{target, state, kind, started, ended, manifest, objects,
 * bytes, packs, damaged, code, detail}]}; state is the worst.  Waits while it
 * is running, at most `wait`. */
sgn_error_t *sgn_backup_get(json_t **out, sgn_backup_t *backup, const char *run, apr_interval_time_t wait, apr_pool_t *pool);
/* {targets:[{name, address, set, attached, lastOk, lastFull, manifest, state,
 * alarm, without:[agencies whose originals do not go there]}], runs:[…newest first, at most 50], signer}. */
sgn_error_t *sgn_backup_list(json_t **out, sgn_backup_t *backup, apr_pool_t *pool);
/* {targets, alarms, lastOk}; probe: look whether each medium is there (a
 * hanging mount hangs the caller), else what the rows say: for /health. */
sgn_error_t *sgn_backup_status(json_t **out, sgn_backup_t *backup, int probe, apr_pool_t *pool);
/* Those of the targets, as the rows say, that the agency's originals go to. */
sgn_error_t *sgn_backup_targets_of(json_t **out, sgn_backup_t *backup, const char *agency, apr_pool_t *pool);

/* Looks at everything a target holds: level 1 there and of its size, 2 every
 * digest (of a pack that is damaged, which objects), 3 unpacked and valid OCFL.  {target, level, manifests, packs,
 * objects, bytes, ok, errors:[{name, text}]}. */
typedef struct {
    const char *address;        /* "dir:/…" */
    sgn_manifest_signer_t signer;
    int level;
    const char *scratch;        /* a directory that exists, on a disk; emptied behind */
    apr_int64_t expect;         /* the newest manifest must be at least this; 0: any */
} sgn_backup_verify_t;
sgn_error_t *sgn_backup_verify(json_t **out, const sgn_backup_verify_t *options,
                               sgn_archive_progress_fn progress, void *baton, apr_pool_t *pool);
/* The same for a configured target, with what is known of it; kept in its row. */
sgn_error_t *sgn_backup_verify_target(json_t **out, sgn_backup_t *backup, const char *target, int level, apr_pool_t *pool);

typedef struct {
    const char *address;
    const char *const *others;  /* addresses of other sets at hand, NULL-terminated; may be NULL */
    sgn_manifest_signer_t signer;   /* fingerprint from the minutes, never from the medium */
    const char *directory;      /* an empty or absent directory: becomes the state directory */
    apr_int64_t expect;         /* lowest manifest number to accept; 0: what the other sets say */
    int accept_loss;            /* take less than is known to have been there */
} sgn_backup_restore_t;

/* {manifest, set, objects, restored, fromOthers, lost:[ids], without:[agencies
 * that the set does not have whole], documents}.  Objects that the set lost or
 * does not have come from the others.
 * SGN_RESTORE_NOT_EMPTY, SGN_BACKUP_MANIFEST (B27: older than known). */
sgn_error_t *sgn_backup_restore(json_t **out, const sgn_backup_restore_t *options,
                                sgn_archive_progress_fn progress, void *baton, apr_pool_t *pool);

#endif
