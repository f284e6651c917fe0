/*
 * gzip.h: bytes compressed and back as they pass by: memory does not grow with
 * the file.  Equal bytes give an equal file: no name and no time in the header.
 *
 * Not checked here: whose bytes they are, and how many.
 *
 * Order of use: begin, add as often as wanted, end.
 */
#ifndef SGN_OFFICE_BACKUP_GZIP_H
#define SGN_OFFICE_BACKUP_GZIP_H

#include "base/buf.h"

typedef struct sgn_gzip_t sgn_gzip_t;

/* Takes what came out; an error ends the whole. */
typedef sgn_error_t *(*sgn_gzip_sink_fn)(void *baton, const unsigned char *data, size_t len);

sgn_error_t *sgn_gzip_pack(sgn_gzip_t **out, sgn_gzip_sink_fn sink, void *baton, apr_pool_t *pool);
sgn_error_t *sgn_gzip_unpack(sgn_gzip_t **out, sgn_gzip_sink_fn sink, void *baton, apr_pool_t *pool);
/* SGN_BACKUP_DAMAGED: what is to be unpacked is no gzip.  Bytes behind its end
 * are passed over. */
sgn_error_t *sgn_gzip_add(sgn_gzip_t *gzip, const void *data, size_t len);
/* SGN_BACKUP_DAMAGED: it is cut. */
sgn_error_t *sgn_gzip_end(sgn_gzip_t *gzip);

#endif
