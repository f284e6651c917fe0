/* local.c: see local.h. */
#include "cli/local.h"

#include <grp.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <apr_strings.h>

#include "base/file.h"
#include "base/text.h"

static sgn_error_t *become_owner(int state, const char *path, apr_pool_t *pool)
{
    struct stat status;

    if (fstat(state, &status) != 0)
        return SGN_ERROR_ERRNO(pool, SGN_FILE_FAILED, "%s", path);
    if (geteuid() == status.st_uid)
        return NULL;
    if (geteuid() != 0)
        return SGN_ERROR(pool, SGN_ACCESS_DENIED, "%s belongs to another account", path);
    if (setgroups(0, NULL) != 0 || setresgid(status.st_gid, status.st_gid, status.st_gid) != 0
        || setresuid(status.st_uid, status.st_uid, status.st_uid) != 0)
        return SGN_ERROR_ERRNO(pool, SGN_INTERNAL, "become the owner of %s", path);
    return NULL;
}

sgn_error_t *sgn_local_open(sgn_local_t **out, sgn_cli_t *cli)
{
    sgn_local_t *local = apr_pcalloc(cli->pool, sizeof(*local));
    sgn_archive_options_t archive = { 0 };
    sgn_backup_options_t backup = { 0 };
    const char *database, *base;
    sgn_engine_t *engine;
    sgn_config_t *config;
    int state;

    SGN_TRY(sgn_cli_config(&config, cli));
    local->config = config;
    local->state_path = sgn_config_text(config, "SignVNStateDir");
    SGN_TRY(sgn_file_root(&state, local->state_path, cli->pool));
    SGN_TRY(become_owner(state, local->state_path, cli->pool));
    if (flock(state, LOCK_EX | LOCK_NB) != 0)
        return SGN_ERROR(cli->pool, SGN_BUSY, "another process holds %s", local->state_path);
    database = sgn_config_text(config, "SignVNDatabase");
    base = database ? database : apr_pstrcat(cli->pool, "sqlite:", local->state_path, "/db", NULL);
    archive.reader = apr_pstrcat(cli->pool, base, "/catalog.sqlite", NULL);
    SGN_TRY(sgn_file_mkdir(state, "db", 0700, cli->pool));
    SGN_TRY(sgn_db_open(&local->office, apr_pstrcat(cli->pool, base, "/office.sqlite", NULL), 1, cli->pool));
    SGN_TRY(sgn_db_open(&local->catalog, archive.reader, 0, cli->pool));
    SGN_TRY(sgn_keys_open(&local->keys, state, cli->pool));
    SGN_TRY(sgn_audit_open(&local->audit, local->office, cli->pool));
    archive.directory = apr_pstrcat(cli->pool, local->state_path, "/archive", NULL);
    archive.catalog = local->catalog;
    SGN_TRY(sgn_archive_open(&local->archive, &archive, cli->pool));
    backup.office = local->office;
    backup.archive = local->archive;
    backup.keys = local->keys;
    backup.audit = local->audit;
    backup.verify = sgn_manifest_by_engine;
    SGN_TRY(sgn_cli_engine(&engine, cli));
    backup.baton = engine;
    backup.state_path = local->state_path;
    backup.config = &local->config;
    SGN_TRY(sgn_backup_open(&local->backup, &backup, cli->pool));
    *out = local;
    return NULL;
}

sgn_error_t *sgn_local_progress(void *baton, apr_int64_t done, apr_int64_t total, const char *what)
{
    sgn_cli_t *cli = baton;

    if (!isatty(STDERR_FILENO))
        return NULL;
    if (total)
        fprintf(stderr, "\r\033[K%" APR_INT64_T_FMT " / %" APR_INT64_T_FMT "  %s", done, total, sgn_text_terminal(what, cli->pool));
    else
        fprintf(stderr, "\r\033[K%" APR_INT64_T_FMT "  %s", done, sgn_text_terminal(what, cli->pool));
    return NULL;
}

void sgn_local_progress_end(void)
{
    if (isatty(STDERR_FILENO))
        fputs("\r\033[K", stderr);
}

sgn_error_t *sgn_local_ask(json_t **body, sgn_cli_t *cli, const char *op, json_t *args, json_t *request)
{
    sgn_wire_message_t *answer;

    SGN_TRY(sgn_cli_call(&answer, cli, op, args, request, NULL, 0));
    return sgn_cli_body(body, answer, cli->pool);
}

int sgn_local_is_absent(const sgn_error_t *error)
{
    return error && error->code == SGN_KEEPER_ABSENT;
}
