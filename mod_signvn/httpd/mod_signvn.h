/*
 * mod_signvn.h: the module's own symbol, for APLOG_USE_MODULE and for its
 * per-directory configuration.
 */
#ifndef SGN_HTTPD_MOD_SIGNVN_H
#define SGN_HTTPD_MOD_SIGNVN_H

#include <httpd.h>
#include <http_config.h>

extern module AP_MODULE_DECLARE_DATA signvn_module;

#endif
