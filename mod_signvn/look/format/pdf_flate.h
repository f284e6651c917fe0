/*
 * pdf_flate.h: zlib with a limit on what comes out, and PNG predictors.
 *
 * A bomb stops at the limit with SGN_DOCUMENT_LIMIT; damaged data is
 * SGN_DOCUMENT_DAMAGED.  Results live in the pool.
 */
#ifndef SGN_LOOK_FORMAT_PDF_FLATE_H
#define SGN_LOOK_FORMAT_PDF_FLATE_H

#include "base/buf.h"

sgn_error_t *sgn_pdf_flate_inflate(sgn_bytes_t *out, sgn_bytes_t in, size_t limit, apr_pool_t *pool);
/* The same without keeping the bytes: *size of the result, *seen = how often
 * `needle` stands in it. */
sgn_error_t *sgn_pdf_flate_measure(size_t *size, int *seen, sgn_bytes_t in, const char *needle,
                                   size_t limit, apr_pool_t *pool);
/* Undoes PNG predictors (10-15) over rows of `columns` bytes. */
sgn_error_t *sgn_pdf_flate_unpredict(sgn_bytes_t *out, sgn_bytes_t in, int columns, apr_pool_t *pool);
sgn_error_t *sgn_pdf_flate_deflate(sgn_bytes_t *out, sgn_bytes_t in, int level, apr_pool_t *pool);

#endif
