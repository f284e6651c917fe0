/*
 * directives.h: what httpd's configuration says to this module.
 *
 * Directives of the server are collected in one draft (wire/directive.h) that
 * start.c hands to the keeper; children only know the few values below.
 *
 * A faulty <SignVNAgency> section stops `apachectl configtest` with file and
 * line; at a start or reload it turns only that agency off.
 */
#ifndef SGN_HTTPD_DIRECTIVES_H
#define SGN_HTTPD_DIRECTIVES_H

#include <httpd.h>
#include <http_config.h>

#include "wire/config.h"

extern const command_rec sgn_directives_table[];

/* Per directory: is SignVN on? */
void *sgn_directives_make_dir(apr_pool_t *pool, char *path);
void *sgn_directives_merge_dir(apr_pool_t *pool, void *base, void *over);
int sgn_directives_is_on(request_rec *r);

/* pre_config: forgets what an earlier pass read. */
void sgn_directives_begin(apr_pool_t *pconf);
/* The draft of this pass; NULL when SignVN is on nowhere. */
json_t *sgn_directives_draft(void);
/* check_config: the rules over several lines, and what paths they name. */
int sgn_directives_check(apr_pool_t *pconf, server_rec *s);

/* Values of the running server, set once per pass by sgn_directives_check. */
typedef struct {
    const char *run_dir, *state_dir, *program_dir, *user, *origin;
    apr_int64_t max_document, spool_quota;
    int workers;
} sgn_directives_values_t;
const sgn_directives_values_t *sgn_directives_values(void);

#endif
