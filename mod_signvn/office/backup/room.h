/*
 * room.h: the backup's inside, shared by the files of this room only.
 */
#ifndef SGN_OFFICE_BACKUP_ROOM_H
#define SGN_OFFICE_BACKUP_ROOM_H

#include <pthread.h>

#include "office/backup/backup.h"
#include "office/backup/manifest.h"
#include "office/backup/pack.h"

struct sgn_backup_t {
    sgn_backup_options_t options;
    apr_pool_t *pool;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    int running, queued;
};

/* A configured target: "NAME dir:/path" taken apart. */
typedef struct {
    const char *name, *address;
} sgn_room_target_t;
const sgn_room_target_t *sgn_room_targets(int *count, const sgn_config_t *config, apr_pool_t *pool);

/* Whose originals go where.  Remembers what the sections in force say; *out is
 * [codes of the agencies whose originals the target does not get].
 * SGN_BACKUP_TARGETS: an agency that names fewer than two targets. */
sgn_error_t *sgn_backup_scope_remember(sgn_db_t *office, const sgn_config_t *config, apr_pool_t *pool);
sgn_error_t *sgn_backup_scope_without(json_t **out, sgn_db_t *office, const char *target, apr_pool_t *pool);
sgn_error_t *sgn_backup_scope_check(const sgn_config_t *config, apr_pool_t *pool);

/* What the medium says it is: set, target, signer; SGN_BACKUP_ABSENT when it
 * says nothing. */
sgn_error_t *sgn_room_identity(json_t **out, sgn_medium_t *medium, apr_pool_t *pool);

/* Signers before ours, by which a restored site reads its old manifests: noted
 * by the restore, NULL-terminated. */
sgn_error_t *sgn_room_signer_note(sgn_db_t *office, const char *fingerprint, apr_pool_t *pool);
sgn_error_t *sgn_room_signer(sgn_manifest_signer_t *out, sgn_backup_t *backup, apr_pool_t *pool);

/* One target of a planned run, to its end; the row tells how it ended. */
void sgn_room_run(sgn_backup_t *backup, const char *run, const sgn_room_target_t *target, int full,
                  sgn_archive_progress_fn progress, void *baton, apr_pool_t *pool);
sgn_error_t *sgn_room_state(sgn_backup_t *backup, const char *run, const char *target, const char *state, apr_pool_t *pool);

/* database/<what>-<sha512>.db.gz from a snapshot file; read back. */
sgn_error_t *sgn_room_put_database(json_t **out, sgn_medium_t *medium, const char *what, int fd, apr_pool_t *pool);

#endif
