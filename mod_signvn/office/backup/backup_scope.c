/*
 * backup_scope.c: whose originals a target gets (SignVNBackupTargets).
 *
 * What an agency named is remembered in the office database: while its section
 * is faulty or gone, its originals go where they went, not everywhere.
 */
#include <string.h>

#include <apr_strings.h>

#include "office/backup/room.h"

sgn_error_t *sgn_backup_scope_remember(sgn_db_t *office, const sgn_config_t *config, apr_pool_t *pool)
{
    const char *const *agencies = sgn_config_agencies(config, pool), *const *names;
    int i, k;

    for (i = 0; agencies[i]; i++) {
        json_t *list = sgn_json_array(pool);

        names = sgn_config_agency_list(config, agencies[i], "SignVNBackupTargets", pool);
        for (k = 0; names[k]; k++)
            json_array_append_new(list, json_string(names[k]));
        SGN_TRY(sgn_db_run(office, pool,
            "INSERT INTO backup_agency (agency, targets) VALUES ($1, $2)"
            " ON CONFLICT (agency) DO UPDATE SET targets = excluded.targets WHERE targets IS NOT excluded.targets", "ss",
            agencies[i], k ? sgn_json_print(list, pool) : NULL));
    }
    return NULL;
}

sgn_error_t *sgn_backup_scope_without(json_t **out, sgn_db_t *office, const char *target, apr_pool_t *pool)
{
    json_t *without = sgn_json_array(pool);
    sgn_db_rows_t *rows;
    int i;

    SGN_TRY(sgn_db_query(&rows, office, pool,
                         "SELECT agency, targets FROM backup_agency WHERE targets IS NOT NULL ORDER BY agency", ""));
    for (i = 0; i < sgn_db_count(rows); i++) {
        json_t *targets, *name;
        int taken = 0;
        size_t k;

        SGN_TRY(sgn_json_parse(&targets, sgn_bytes_str(sgn_db_text(rows, i, 1)), 64 * 1024, pool));
        json_array_foreach(targets, k, name)
            taken |= json_is_string(name) && strcmp(json_string_value(name), target) == 0;
        if (!taken)
            json_array_append_new(without, json_string(sgn_db_text(rows, i, 0)));
    }
    *out = without;
    return NULL;
}

/* [TT 05/2025/TT-BNV, Điều 27] two sets for everybody, also where an agency
 * chose its own. */
sgn_error_t *sgn_backup_scope_check(const sgn_config_t *config, apr_pool_t *pool)
{
    const char *const *agencies = sgn_config_agencies(config, pool), *const *names;
    int i, k, different;

    for (i = 0; agencies[i]; i++) {
        names = sgn_config_agency_list(config, agencies[i], "SignVNBackupTargets", pool);
        for (k = different = 0; names[k]; k++)
            different |= strcmp(names[k], names[0]) != 0;
        if (names[0] && !different)
            return SGN_ERROR(pool, SGN_BACKUP_TARGETS, "agency %s: SignVNBackupTargets names only %s", agencies[i], names[0]);
    }
    return NULL;
}
