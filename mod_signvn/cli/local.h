/*
 * local.h: the office's rooms opened by the command line itself, where no
 * keeper runs: the same code under the lock of the state directory.
 *
 * Started by root it becomes the owner of the state directory first, so that
 * no file there ever belongs to root.
 */
#ifndef SGN_CLI_LOCAL_H
#define SGN_CLI_LOCAL_H

#include "cli/cli.h"
#include "office/archive/archive.h"
#include "office/audit/audit.h"
#include "office/backup/backup.h"

typedef struct {
    const char *state_path;
    const sgn_config_t *volatile config;
    sgn_db_t *office, *catalog;
    sgn_keys_t *keys;
    sgn_audit_t *audit;
    sgn_archive_t *archive;
    sgn_backup_t *backup;
} sgn_local_t;

/* SGN_BUSY: a keeper or another command holds the state directory. */
sgn_error_t *sgn_local_open(sgn_local_t **out, sgn_cli_t *cli);

/* "12 / 40 what" on one line of a terminal, nothing elsewhere; a
 * sgn_archive_progress_fn. */
sgn_error_t *sgn_local_progress(void *baton, apr_int64_t done, apr_int64_t total, const char *what);
void sgn_local_progress_end(void);

/* One operation of the keeper and its body. */
sgn_error_t *sgn_local_ask(json_t **body, sgn_cli_t *cli, const char *op, json_t *args, json_t *request);
/* Whether the keeper could not be asked at all. */
int sgn_local_is_absent(const sgn_error_t *error);

#endif
