/*
 * problem.h: errors as RFC 9457 problem details with the code of codes.def and
 * its sentences in both languages, and the language a caller asked for.
 */
#ifndef SGN_HTTPD_PROBLEM_H
#define SGN_HTTPD_PROBLEM_H

#include <httpd.h>

#include "base/json.h"

/* "vi" unless Accept-Language prefers en. */
const char *sgn_problem_language(request_rec *r);

/* Writes the answer and returns what a handler returns.  detail, findings and
 * status 0 (the code's own) may be left out. */
int sgn_problem_send(request_rec *r, const char *code, int status, const char *detail, json_t *findings);
/* The same of an error, which is logged here, once. */
int sgn_problem_send_error(request_rec *r, const sgn_error_t *error);

/* Errors that httpd tells by itself (no login, a limit) at our addresses get
 * the same form: register once, then per error response. */
void sgn_problem_register(void);
void sgn_problem_instead(request_rec *r);

#endif
