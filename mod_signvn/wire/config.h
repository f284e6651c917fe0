/*
 * config.h: the configuration as the keeper gets it: {v, build, generation,
 * httpd_uid, server:{directive: value}, agencies:[{code, file, line,
 * directive: value}]}.  FLAG is a boolean, SIZE TIME NUMBER integers, LIST and
 * LINES arrays of strings, the rest strings; absent members have the default
 * of directives.def.  `places` (of the whole and of each agency) tells
 * "file:line" of every directive that was written.  An agency with a member
 * `refused` has a faulty section: it is off, the text says why.
 *
 * Written by the module from httpd's directives and by the command line from
 * a file of directives; frozen after it was read.
 */
#ifndef SGN_WIRE_CONFIG_H
#define SGN_WIRE_CONFIG_H

#include "base/json.h"

typedef struct sgn_config_t sgn_config_t;

sgn_error_t *sgn_config_decode(sgn_config_t **out, json_t *json, apr_pool_t *pool);
json_t *sgn_config_encode(const sgn_config_t *config);   /* borrowed */

/* Server-wide values; a name that directives.def does not have is an assert. */
int sgn_config_flag(const sgn_config_t *config, const char *name);
apr_int64_t sgn_config_number(const sgn_config_t *config, const char *name);
const char *sgn_config_text(const sgn_config_t *config, const char *name);    /* NULL: not set */
/* LIST and LINES: NULL-terminated, never NULL itself. */
const char *const *sgn_config_list(const sgn_config_t *config, const char *name, apr_pool_t *pool);

/* "file:line" where a value was set, NULL when it is the default; agency NULL:
 * the server's. */
const char *sgn_config_place(const sgn_config_t *config, const char *agency, const char *name);

/* Agencies: codes, NULL-terminated; values of one ("" code never exists).
 * Refused ones are left out. */
const char *const *sgn_config_agencies(const sgn_config_t *config, apr_pool_t *pool);
int sgn_config_has_agency(const sgn_config_t *config, const char *code);
const char *sgn_config_agency_text(const sgn_config_t *config, const char *code, const char *name);
const char *const *sgn_config_agency_list(const sgn_config_t *config, const char *code, const char *name, apr_pool_t *pool);

/* NULL: the agency is unknown or its section is in order; else the reason. */
const char *sgn_config_agency_refused(const sgn_config_t *config, const char *code);

/* The rules that need more than one directive: a route with the seal before
 * the person (refused with file and line), fewer than two targets, ...  */
sgn_error_t *sgn_config_check(const sgn_config_t *config, apr_pool_t *pool);
/* The same in two parts, so that one bad section harms nobody else: the rules
 * of the server, and those of one agency (an element of a draft's `agencies`,
 * see wire/directive.h). */
sgn_error_t *sgn_config_check_server(const json_t *draft, apr_pool_t *pool);
sgn_error_t *sgn_config_check_agency(const json_t *draft, const json_t *agency, apr_pool_t *pool);

/* Reads a file of SignVN directives (and what it Includes) as httpd would;
 * other directives and sections are passed over. */
sgn_error_t *sgn_config_read(sgn_config_t **out, const char *path, apr_pool_t *pool);

#endif
