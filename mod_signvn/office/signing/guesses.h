/*
 * guesses.h: how many enrolment codes one address may try [B12].
 *
 * 20 a minute: an IPv4 address, or the /64 of an IPv6 one.  A fixed table whose
 * places are chosen with a secret, so that nobody can aim at another's place and
 * no number of addresses takes memory.  A restart forgets it.
 *
 * Not checked here: whose address it is; httpd says so (mod_remoteip behind a
 * proxy).  Thread-safe.
 */
#ifndef SGN_OFFICE_SIGNING_GUESSES_H
#define SGN_OFFICE_SIGNING_GUESSES_H

#include <apr_time.h>

#include "base/error.h"

typedef struct sgn_guesses_t sgn_guesses_t;

sgn_error_t *sgn_guesses_make(sgn_guesses_t **out, apr_pool_t *pool);
/* Before a code is looked at; SGN_ENROL_TOO_MANY.  now: monotonic. */
sgn_error_t *sgn_guesses_take(sgn_guesses_t *guesses, const char *address, apr_time_t now, apr_pool_t *pool);
/* It was no guess. */
void sgn_guesses_give(sgn_guesses_t *guesses, const char *address);

#endif
