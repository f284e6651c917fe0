/*
 * pdf_prepare.h: the update that makes a document ready to be signed.
 *
 * Part of format_pdf.c's plug; see format.h for what goes in and out.
 * Does NOT check: that the signer may, that the number is free, that an
 * earlier signature is valid.
 */
#ifndef SGN_LOOK_FORMAT_PDF_PREPARE_H
#define SGN_LOOK_FORMAT_PDF_PREPARE_H

#include "look/format/format.h"

sgn_error_t *sgn_pdf_prepare(sgn_format_prepared_t **out, const sgn_format_document_t *document,
                             const sgn_format_prepare_t *what, apr_pool_t *pool);

#endif
