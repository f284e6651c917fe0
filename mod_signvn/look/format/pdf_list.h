/*
 * pdf_list.h: the signatures of a PDF, as facts.
 *
 * For a caller that has scan and newest revision open already (validation
 * does); format_pdf.c wraps it for the plug.
 * Does NOT check: what the facts mean (PDF.md R1-R12 are look/validate's).
 */
#ifndef SGN_LOOK_FORMAT_PDF_LIST_H
#define SGN_LOOK_FORMAT_PDF_LIST_H

#include "look/format/format.h"
#include "look/format/pdf_doc.h"

/* In a damaged file also what only its bytes lead to, named "12 0 R" where the
 * name is lost; of a file that was cut what is left whole. */
sgn_error_t *sgn_pdf_list(sgn_format_list_t **out, sgn_pdf_doc_t *newest, apr_pool_t *pool);

/* "D:20261121153000+07'00'" <-> time.  0 when malformed. */
int sgn_pdf_list_time(apr_time_t *out, const char *pdf_date);
const char *sgn_pdf_list_date(apr_time_t time, apr_pool_t *pool);   /* in +07:00 */

#endif
