/*
 * handler.h: one request from route to answer.
 *
 * Order: route, user, secrecy, same origin and token, room (503 before the
 * body is read), body, keeper, answer.  Nothing is stored by a request that
 * one of the first five refuses.
 */
#ifndef SGN_HTTPD_HANDLER_H
#define SGN_HTTPD_HANDLER_H

#include <httpd.h>

int sgn_handler_map(request_rec *r);
int sgn_handler_run(request_rec *r);
/* Before httpd sends an error of its own. */
void sgn_handler_error(request_rec *r);

#endif
