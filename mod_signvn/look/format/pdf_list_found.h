/*
 * pdf_list_found.h: signatures of a damaged file that its structure does not
 * lead to, found by their bytes; for pdf_list*.c only.
 *
 * What fails is to be named even where the way to it is what is broken.  Found
 * is what is written as an object of its own with a range inside the file; of a
 * file that was cut nothing can be said.
 */
#ifndef SGN_LOOK_FORMAT_PDF_LIST_FOUND_H
#define SGN_LOOK_FORMAT_PDF_LIST_FOUND_H

#include "look/format/pdf_list.h"

/* Adds them behind the listed ones and takes them out of the orphans. */
sgn_error_t *sgn_pdf_list_found_add(sgn_format_list_t *list, sgn_pdf_doc_t *doc, apr_pool_t *pool);

/* The dictionary by our own eyes: range, contents, double keys.  lex stands
 * before its "<<". */
void sgn_pdf_list_raw(sgn_format_signature_t *signature, const sgn_pdf_scan_t *scan, sgn_pdf_lex_t lex, apr_pool_t *pool);
/* Its values: filter, time, name, certification. */
void sgn_pdf_list_values(sgn_format_signature_t *signature, sgn_pdf_doc_t *doc, const sgn_pdf_obj_t *value, apr_pool_t *pool);

#endif
