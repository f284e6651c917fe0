/*
 * document.h: is the document what the request says, and is that what would be
 * signed?
 *
 * The bytes are downloaded into an unlinked file and never read from anywhere
 * else again.  The whole file's and the original's digests must be those that
 * the browser showed; the signature covers everything but one placeholder
 * behind the original (THREATS B10); the DTBS is of our own form and names
 * this digest, this certificate and this kind (THREATS A7).  The digest that
 * will be signed is computed here, never taken from the request.
 */
#ifndef SGN_AGENT_DOCUMENT_H
#define SGN_AGENT_DOCUMENT_H

#include "agent/request.h"
#include "agent/server.h"

/* Downloads and checks one.  SGN_DOCUMENT_MISMATCH, SGN_DTBS_MISMATCH. */
int sgn_document_fetch(sgn_request_item_t *item, sgn_server_t *server, const sgn_request_t *request,
                       const unsigned char certificate[SGN_SHA256_SIZE], int (*tick)(void *), void *context);
/* The checks alone, on item->fd. */
int sgn_document_check(sgn_request_item_t *item, const unsigned char certificate[SGN_SHA256_SIZE]);

#endif
