/*
 * multipart.h: multipart/form-data [RFC 7578], read as it comes, strictly.
 *
 * Refused (SGN_MULTIPART): a preamble or epilogue, padding after a boundary,
 * bare LF, folded or more than 16 header lines of a part, more than 8 KiB of
 * them, a part without or with two Content-Dispositions, names outside
 * letters, digits and -_, a transfer encoding, more than `parts` parts.  Each
 * of these is read differently by somebody, and what is read differently can
 * be smuggled.
 *
 * Order of use: boundary, make, feed until the body ends, end.  The callbacks
 * own what they keep: texts live in the pool, data only during the call.
 */
#ifndef SGN_HTTPD_MULTIPART_H
#define SGN_HTTPD_MULTIPART_H

#include "base/buf.h"

typedef struct {
    /* A part begins; type is NULL when not given, filename NULL or as sent. */
    sgn_error_t *(*begin)(void *baton, const char *name, const char *filename, const char *type);
    sgn_error_t *(*data)(void *baton, const void *data, size_t len);
    sgn_error_t *(*end)(void *baton);
    void *baton;
} sgn_multipart_sink_t;

typedef struct sgn_multipart_t sgn_multipart_t;

/* The boundary of a Content-Type value, SGN_MULTIPART when there is none. */
sgn_error_t *sgn_multipart_boundary(const char **out, const char *content_type, apr_pool_t *pool);
sgn_multipart_t *sgn_multipart_make(const char *boundary, int parts, const sgn_multipart_sink_t *sink, apr_pool_t *pool);
sgn_error_t *sgn_multipart_feed(sgn_multipart_t *multipart, const void *data, size_t len);
/* The body is over: SGN_MULTIPART unless the closing boundary was there. */
sgn_error_t *sgn_multipart_end(sgn_multipart_t *multipart);

#endif
