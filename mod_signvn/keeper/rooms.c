/* rooms.c: the office's rooms, one line each, in the order of their floors. */
#include "keeper/rooms.h"

#include <apr_strings.h>

#include "keeper/op_agent.h"
#include "keeper/op_people.h"
#include "keeper/op_validations.h"
#include "keeper/operations.h"
#include "office/agency/agency.h"
#include "office/agency/register.h"
#include "office/audit/audit.h"
#include "office/backup/backup.h"
#include "office/keys/keys.h"
#include "office/signing/jobs.h"

static sgn_error_t *open_archive(sgn_keeper_t *keeper, apr_pool_t *pool)
{
    sgn_archive_options_t options = {
        .directory = apr_pstrcat(pool, keeper->state_path, "/archive", NULL),
        .catalog = keeper->catalog, .reader = keeper->catalog_url,
    };

    return sgn_archive_open(&keeper->archive, &options, pool);
}

static sgn_error_t *open_jobs(sgn_keeper_t *keeper, apr_pool_t *pool)
{
    sgn_jobs_options_t options = {
        .office = keeper->office, .state = keeper->state, .keys = keeper->keys, .audit = keeper->audit,
        .agency = keeper->agency, .engine = keeper->engine, .archive = keeper->archive, .config = &keeper->config,
    };

    return sgn_jobs_open(&keeper->jobs, &options, pool);
}

/* Fewer than two media, or two on one device, refuse the start; an absent one
 * does not. */
static sgn_error_t *open_backup(sgn_keeper_t *keeper, apr_pool_t *pool)
{
    sgn_backup_options_t options = {
        .office = keeper->office, .archive = keeper->archive, .keys = keeper->keys, .audit = keeper->audit,
        .verify = sgn_manifest_by_engine, .baton = keeper->engine, .state_path = keeper->state_path, .config = &keeper->config,
    };

    SGN_TRY(sgn_backup_open(&keeper->backup, &options, pool));
    return sgn_backup_check(keeper->config, keeper->office, pool);
}

sgn_error_t *sgn_rooms_open(sgn_keeper_t *keeper, apr_pool_t *pool)
{
    SGN_TRY(sgn_op_validations_open(pool));
    SGN_TRY(sgn_keys_open(&keeper->keys, keeper->state, pool));
    SGN_TRY(sgn_audit_open(&keeper->audit, keeper->office, pool));
    SGN_TRY(sgn_agency_open(&keeper->agency, keeper->office, keeper->audit, pool));
    SGN_TRY(sgn_register_open(keeper->office, pool));
    SGN_TRY(open_archive(keeper, pool));
    SGN_TRY(open_backup(keeper, pool));
    SGN_TRY(open_jobs(keeper, pool));
    keeper->find_person = sgn_op_people_find;
    keeper->check_proof = sgn_op_agent_proof;
    return NULL;
}

sgn_error_t *sgn_rooms_start(sgn_keeper_t *keeper, apr_pool_t *pool)
{
    return sgn_jobs_start(keeper->jobs, pool);
}
