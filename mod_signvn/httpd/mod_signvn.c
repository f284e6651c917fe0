/*
 * mod_signvn.c: the hooks of the module, each with the reason for its place.
 * What they do is in the files they name.
 */
#include "httpd/mod_signvn.h"

#include <http_protocol.h>
#include <http_request.h>

#include "httpd/directives.h"
#include "httpd/handler.h"
#include "httpd/problem.h"
#include "httpd/start.h"

static int pre_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp)
{
    (void)plog;
    (void)ptemp;
    sgn_directives_begin(pconf);
    return OK;
}

static int check_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp, server_rec *s)
{
    (void)plog;
    (void)ptemp;
    return sgn_directives_check(pconf, s);
}

static int post_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp, server_rec *s)
{
    (void)plog;
    return sgn_start_keeper(pconf, ptemp, s);
}

static void child_init(apr_pool_t *pchild, server_rec *s)
{
    sgn_start_child(pchild, s);
}

static void register_hooks(apr_pool_t *pool)
{
    (void)pool;
    sgn_problem_register();
    ap_hook_pre_config(pre_config, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_check_config(check_config, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_post_config(post_config, NULL, NULL, APR_HOOK_LAST);     /* after the modules that may still refuse */
    ap_hook_child_init(child_init, NULL, NULL, APR_HOOK_FIRST);
    ap_hook_map_to_storage(sgn_handler_map, NULL, NULL, APR_HOOK_REALLY_FIRST);  /* our addresses are no files */
    ap_hook_insert_error_filter(sgn_handler_error, NULL, NULL, APR_HOOK_LAST);
    ap_hook_handler(sgn_handler_run, NULL, NULL, APR_HOOK_FIRST);    /* before the default handler sees a file */
}

AP_DECLARE_MODULE(signvn) = {
    STANDARD20_MODULE_STUFF,
    sgn_directives_make_dir,
    sgn_directives_merge_dir,
    NULL,
    NULL,
    sgn_directives_table,
    register_hooks,
#ifdef AP_MODULE_FLAG_NONE
    AP_MODULE_FLAG_NONE
#endif
};
