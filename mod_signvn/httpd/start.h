/*
 * start.h: the keeper (signvnd) as a child of the httpd parent: started in
 * post_config, supervised, told about new configurations, ended with httpd.
 *
 * The parent owns the listening socket for its whole life and hands it to
 * every keeper as descriptor 3; a killed keeper therefore refuses nobody.
 *
 * What signvnd finds: 0-2 /dev/null, 3 the listening SEQPACKET socket, 4 a
 * sealed memfd with the configuration (wire/config.h, and `build`,
 * `generation`, `httpd_uid`), 5 the ready pipe: it writes one line, "R" when
 * it serves or "E text" before it ends.  An environment of its own (PATH,
 * LANG, TZ), umask 077, directory /, SIGTERM when the parent dies.
 * `signvnd --check` gets the same without 3 and ends after its line.
 * A new configuration is the body of operation `config`; an answer with code
 * wire.version means "replace me".
 */
#ifndef SGN_HTTPD_START_H
#define SGN_HTTPD_START_H

#include <httpd.h>

#include "httpd/gauge.h"

int sgn_start_keeper(apr_pool_t *pconf, apr_pool_t *ptemp, server_rec *s);
void sgn_start_child(apr_pool_t *pchild, server_rec *s);

/* In a child: NULL when SignVN is on nowhere. */
typedef struct {
    const char *socket_path, *spool_dir;
    const unsigned char *secret;        /* 32 bytes, of this server's life */
    sgn_gauge_t *gauge;
} sgn_start_shared_t;
const sgn_start_shared_t *sgn_start_shared(void);

#endif
