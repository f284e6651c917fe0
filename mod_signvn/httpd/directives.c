/* directives.c: the command table out of directives.def, and the section. */
#include "httpd/directives.h"

#include <unistd.h>

#include <apr_strings.h>
#include <ap_mpm.h>
#include <http_core.h>
#include <http_log.h>

#include "httpd/mod_signvn.h"
#include "wire/directive.h"

APLOG_USE_MODULE(signvn);

typedef struct {
    int on, set;
} dir_t;

/* Of one pass over the configuration; the DSO is loaded anew for each. */
static json_t *draft;
static json_t *section;         /* the open <SignVNAgency> */
static int enabled;
static sgn_directives_values_t values;

void sgn_directives_begin(apr_pool_t *pconf)
{
    draft = sgn_directive_draft(pconf);
    section = NULL;
    enabled = 0;
    memset(&values, 0, sizeof values);
}

json_t *sgn_directives_draft(void)
{
    return enabled ? draft : NULL;
}

const sgn_directives_values_t *sgn_directives_values(void)
{
    return &values;
}

void *sgn_directives_make_dir(apr_pool_t *pool, char *path)
{
    (void)path;
    return apr_pcalloc(pool, sizeof(dir_t));
}

void *sgn_directives_merge_dir(apr_pool_t *pool, void *base, void *over)
{
    const dir_t *inner = over;

    (void)pool;
    return inner->set ? over : base;
}

int sgn_directives_is_on(request_rec *r)
{
    const dir_t *dir = ap_get_module_config(r->per_dir_config, &signvn_module);

    return dir && dir->on;
}

/* A configuration test names every mistake; a running server must not fall
 * because of one agency. */
static int testing(void)
{
    return ap_state_query(AP_SQ_RUN_MODE) == AP_SQ_RM_CONFIG_TEST;
}

static const char *read_one(cmd_parms *cmd, void *dir_config, int argc, char *const argv[])
{
    const sgn_directive_t *row = sgn_directive_find(cmd->cmd->name);
    const char *misplaced;
    sgn_error_t *error;

    if (row->scope == SGN_DIRECTIVE_LOCATION) {
        dir_t *dir = dir_config;
        json_t *value;

        error = sgn_directive_read(&value, row, argc, (const char *const *)argv, cmd->temp_pool);
        if (error)
            return apr_pstrdup(cmd->pool, error->detail);
        dir->on = json_is_true(value);
        dir->set = 1;
        enabled |= dir->on;
        return NULL;
    }
    misplaced = ap_check_cmd_context(cmd, GLOBAL_ONLY);
    if (misplaced)
        return misplaced;
    error = sgn_directive_set(draft, section, row, argc, (const char *const *)argv,
                              cmd->directive->filename, cmd->directive->line_num, cmd->pool);
    if (!error)
        return NULL;
    if (!section || testing())
        return apr_pstrdup(cmd->pool, error->detail);
    sgn_directive_refuse(section, apr_psprintf(cmd->pool, "%s:%d: %s", cmd->directive->filename,
                                               cmd->directive->line_num, error->detail));
    return NULL;
}

static const char *read_section(cmd_parms *cmd, void *dir_config, const char *line)
{
    const char *misplaced = ap_check_cmd_context(cmd, GLOBAL_ONLY), *end = strrchr(line, '>'), *code, *rest, *text;
    sgn_error_t *error;

    (void)dir_config;
    if (misplaced)
        return misplaced;
    if (section)
        return "<SignVNAgency> stands in no other <SignVNAgency>";
    if (!end)
        return "<SignVNAgency> is not closed by >";
    rest = apr_pstrmemdup(cmd->temp_pool, line, (apr_size_t)(end - line));
    code = ap_getword_conf(cmd->temp_pool, &rest);
    if (!*code || *rest)
        return "<SignVNAgency> takes one code, like <SignVNAgency \"H57.28\">";
    error = sgn_directive_agency(&section, draft, code, cmd->directive->filename, cmd->directive->line_num, cmd->pool);
    if (error) {
        if (testing())
            return apr_pstrdup(cmd->pool, error->detail);
        ap_log_error(APLOG_MARK, APLOG_CRIT, 0, cmd->server, "signvn: %s:%d: section left out: %s",
                     cmd->directive->filename, cmd->directive->line_num, error->detail);
        return NULL;
    }
    text = ap_walk_config(cmd->directive->first_child, cmd, cmd->context);
    if (text && !testing()) {
        /* A directive of another module, or none at all. */
        sgn_directive_refuse(section, apr_psprintf(cmd->pool, "%s:%d: %s", cmd->err_directive ? cmd->err_directive->filename
            : cmd->directive->filename, cmd->err_directive ? cmd->err_directive->line_num : cmd->directive->line_num, text));
        text = NULL;
    }
    section = NULL;
    return text;
}

const command_rec sgn_directives_table[] = {
#define SERVER(name, kind, absent, vi, en) AP_INIT_TAKE_ARGV(#name, read_one, NULL, RSRC_CONF, en),
#define LOCATION(name, kind, absent, vi, en) AP_INIT_TAKE_ARGV(#name, read_one, NULL, RSRC_CONF | ACCESS_CONF, en),
#define AGENCY(name, kind, absent, vi, en) AP_INIT_TAKE_ARGV(#name, read_one, NULL, RSRC_CONF, en),
#include "base/directives.def"
#undef SERVER
#undef LOCATION
#undef AGENCY
    AP_INIT_RAW_ARGS("<SignVNAgency", read_section, NULL, RSRC_CONF, "settings of one agency, by its code"),
    { NULL }
};

/* Every file that is named must be readable now: a typo is an error of today,
 * not of the first signature. */
static int check_paths(const sgn_config_t *config, server_rec *s)
{
    static const char *const files[] = { "SignVNTrustAnchors", "SignVNIntermediates", "SignVNTimestampAnchors" };
    int bad = 0;

    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        const char *path = sgn_config_text(config, files[i]), *place = sgn_config_place(config, NULL, files[i]);

        if (path && access(path, R_OK) != 0) {
            ap_log_error(APLOG_MARK, APLOG_CRIT | APLOG_STARTUP, errno, s, "signvn: %s: %s: cannot read %s",
                         place ? place : "default", files[i], path);
            bad = 1;
        }
    }
    return bad;
}

int sgn_directives_check(apr_pool_t *pconf, server_rec *s)
{
    sgn_config_t *config;
    sgn_error_t *error;
    size_t i;
    json_t *agency;
    int bad = 0;

    if (!enabled)
        return OK;
    error = sgn_config_check_server(draft, pconf);
    if (error) {
        ap_log_error(APLOG_MARK, APLOG_CRIT | APLOG_STARTUP, 0, s, "signvn: %s", error->detail);
        bad = 1;
    }
    json_array_foreach(json_object_get(draft, "agencies"), i, agency) {
        const char *reason = json_string_value(json_object_get(agency, "refused"));

        error = reason ? NULL : sgn_config_check_agency(draft, agency, pconf);
        if (error) {
            reason = error->detail;
            sgn_directive_refuse(agency, reason);
        }
        if (reason) {
            ap_log_error(APLOG_MARK, APLOG_CRIT | APLOG_STARTUP, 0, s, "signvn: %s%s", reason,
                         testing() ? "" : " (this agency is off until it is mended)");
            bad |= testing();
        }
    }
    error = bad ? NULL : sgn_config_decode(&config, draft, pconf);
    if (error) {
        ap_log_error(APLOG_MARK, APLOG_CRIT | APLOG_STARTUP, 0, s, "signvn: %s", error->detail);
        bad = 1;
    }
    if (bad || check_paths(config, s))
        return HTTP_INTERNAL_SERVER_ERROR;
    values.run_dir = sgn_config_text(config, "SignVNRunDir");
    values.state_dir = sgn_config_text(config, "SignVNStateDir");
    values.program_dir = sgn_config_text(config, "SignVNProgramDir");
    values.user = sgn_config_text(config, "SignVNUser");
    values.origin = sgn_config_text(config, "SignVNOrigin");
    values.max_document = sgn_config_number(config, "SignVNMaxDocument");
    values.spool_quota = sgn_config_number(config, "SignVNSpoolQuota");
    values.workers = (int)sgn_config_number(config, "SignVNWorkers");
    return OK;
}
