/* backup_schedule.c: when a run is due. */
#include <stdlib.h>
#include <string.h>

#include <apr_strings.h>

#include "base/clock.h"
#include "base/log.h"
#include "office/backup/room.h"

/* The last time at or before now that the schedule names. [TT 02/2019, Điều 10: daily] */
static apr_time_t scheduled(const char *every, apr_time_t now, apr_pool_t *pool)
{
    int hour = 1, minute = 30;
    apr_time_t midnight, when;

    if (strncmp(every, "every ", 6) == 0) {
        apr_int64_t minutes = apr_atoi64(every + 6);

        return minutes > 0 ? now - apr_time_from_sec(60 * minutes) : 0;
    }
    if (strncmp(every, "daily ", 6) == 0 && strchr(every, ':')) {
        hour = atoi(every + 6);
        minute = atoi(strchr(every, ':') + 1);
    }
    if (sgn_clock_parse(&midnight, apr_pstrcat(pool, sgn_clock_print_date(now, pool), "T00:00:00+07:00", NULL), pool))
        return 0;
    when = midnight + apr_time_from_sec(60 * (60 * hour + minute));
    return when <= now ? when : when - apr_time_from_sec(24 * 3600);
}

static int is_back(const sgn_room_target_t *target, const char *state, apr_pool_t *pool)
{
    sgn_medium_t *medium;
    json_t *identity;

    return strcmp(state, "target-absent") == 0 && !sgn_target_open(&medium, target->address, pool)
        && !sgn_room_identity(&identity, medium, pool);
}

sgn_error_t *sgn_backup_due(sgn_backup_t *backup, apr_pool_t *pool)
{
    const sgn_config_t *config = *backup->options.config;
    const char *every = sgn_config_text(config, "SignVNBackupEvery"), *run;
    apr_time_t when = scheduled(every ? every : "daily 01:30", sgn_clock_now(), pool);
    int count, i;
    const sgn_room_target_t *targets = sgn_room_targets(&count, config, pool);

    SGN_TRY(sgn_backup_scope_remember(backup->options.office, config, pool));
    for (i = 0; i < count; i++) {
        sgn_db_rows_t *rows;
        const char *state;
        sgn_error_t *error;

        SGN_TRY(sgn_db_query(&rows, backup->options.office, pool,
                             "SELECT state, planned FROM backup_run WHERE target = $1 AND planned <= $2 ORDER BY planned DESC LIMIT 1", "si",
                             targets[i].name, (apr_int64_t)sgn_clock_now()));     /* a clock that was ahead stops nothing */
        state = sgn_db_count(rows) ? sgn_db_text(rows, 0, 0) : "never";
        if (sgn_db_count(rows) && sgn_db_int(rows, 0, 1) >= when && strcmp(state, "interrupted") != 0
            && !is_back(&targets[i], state, pool))
            continue;
        error = sgn_backup_run(&run, backup, targets[i].name, "keeper", 0, NULL, NULL, pool);
        if (error && error->code != SGN_BACKUP_RUNNING)
            sgn_log_error(SGN_LOG_ERROR, "backup", error);
    }
    return NULL;
}
