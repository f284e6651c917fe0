/*
 * content.h: documents from descriptors that the keeper opened: sent as file
 * buckets, with ETag, conditions and (one part) ranges.
 *
 * Takes the descriptors over: they are closed with the request.  The part list
 * is checked against the files; a file that is shorter than promised ends in
 * 500 before the first byte.
 */
#ifndef SGN_HTTPD_CONTENT_H
#define SGN_HTTPD_CONTENT_H

#include <httpd.h>

#include "wire/wire.h"

int sgn_content_send(request_rec *r, int status, const json_t *content, const sgn_wire_message_t *answer);

#endif
