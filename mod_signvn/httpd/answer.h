/*
 * answer.h: what the keeper said becomes an HTTP answer: JSON, a problem, or
 * content from descriptors (content.h).
 *
 * Only the headers named in answer.c pass from the keeper to the client.
 */
#ifndef SGN_HTTPD_ANSWER_H
#define SGN_HTTPD_ANSWER_H

#include <httpd.h>

#include "wire/wire.h"

int sgn_answer_json(request_rec *r, int status, const char *type, const json_t *body);
/* An answer without a body. */
int sgn_answer_empty(request_rec *r, int status);
int sgn_answer_send(request_rec *r, const sgn_wire_message_t *answer);

#endif
