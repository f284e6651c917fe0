/*
 * directive.h: the rows of directives.def as data, one reader per kind, and
 * the draft of a configuration that httpd and the command line fill line by
 * line.
 *
 * Order of use: sgn_directive_draft(), then per line sgn_directive_set() or
 * sgn_directive_agency(); sgn_config_decode() makes a configuration of the
 * finished draft and sgn_config_check() judges what needs more than one line.
 *
 * A draft is {v, server:{}, agencies:[], places:{directive:"file:line"}}; an
 * agency has `code`, `file`, `line`, `places` and its directives, and
 * `refused` with a text when its section is faulty and therefore off.
 *
 * Not checked here: rules over several directives, and whether paths exist.
 */
#ifndef SGN_WIRE_DIRECTIVE_H
#define SGN_WIRE_DIRECTIVE_H

#include "base/json.h"

typedef enum {
    SGN_DIRECTIVE_FLAG, SGN_DIRECTIVE_SIZE, SGN_DIRECTIVE_TIME, SGN_DIRECTIVE_NUMBER,
    SGN_DIRECTIVE_PATH, SGN_DIRECTIVE_TEXT, SGN_DIRECTIVE_LIST, SGN_DIRECTIVE_LINES,
    SGN_DIRECTIVE_CHOICE
} sgn_directive_kind_t;

typedef enum {
    SGN_DIRECTIVE_SERVER = 1, SGN_DIRECTIVE_LOCATION = 2, SGN_DIRECTIVE_AGENCY = 4
} sgn_directive_scope_t;

typedef struct {
    const char *name;
    sgn_directive_scope_t scope;
    sgn_directive_kind_t kind;
    const char *absent;         /* as it would be written; NULL: not set */
    const char *vi, *en;
} sgn_directive_t;

const sgn_directive_t *sgn_directive_rows(int *count);
/* Directive names know no upper or lower case, as in httpd.  NULL: none. */
const sgn_directive_t *sgn_directive_find(const char *name);

/* The value of one line as JSON (LIST and LINES: an array).  SGN_CONFIG says
 * what is allowed, without file and line: the caller knows them. */
sgn_error_t *sgn_directive_read(json_t **out, const sgn_directive_t *row,
                                int argc, const char *const *argv, apr_pool_t *pool);
/* The value when the directive is absent; JSON null: not set. */
json_t *sgn_directive_absent(const sgn_directive_t *row, apr_pool_t *pool);

json_t *sgn_directive_draft(apr_pool_t *pool);
/* A new section; a code is given once.  *agency is borrowed from the draft. */
sgn_error_t *sgn_directive_agency(json_t **agency, json_t *draft, const char *code,
                                  const char *file, int line, apr_pool_t *pool);
/* agency NULL: a directive of the server.  LIST and LINES add up, of the
 * others the last one counts. */
sgn_error_t *sgn_directive_set(json_t *draft, json_t *agency, const sgn_directive_t *row,
                               int argc, const char *const *argv,
                               const char *file, int line, apr_pool_t *pool);
/* Turns a section off, with the reason. */
void sgn_directive_refuse(json_t *agency, const char *reason);

#endif
