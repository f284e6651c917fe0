/*
 * pdf_xref_repair.h: a scan of a damaged file, so that its signatures can be
 * named; for pdf_xref.c and pdf_list_found.c only.
 *
 * Objects are found by their "n g obj", revisions by their %%EOF; where numbers
 * repeat, the later one counts.  What the file really shows is not known
 * afterwards: readers repair in different ways.
 */
#ifndef SGN_LOOK_FORMAT_PDF_XREF_REPAIR_H
#define SGN_LOOK_FORMAT_PDF_XREF_REPAIR_H

#include "look/format/pdf_xref.h"

/* Fills sections, revisions and damage of a scan that has its map, its size and
 * its pool.  Returns `why` when nothing in the bytes is a signature. */
sgn_error_t *sgn_pdf_xref_repair(sgn_pdf_scan_t *scan, sgn_error_t *why);

/* Every "n g obj" of the file as an entry, in the order of the file.
 * SGN_DOCUMENT_LIMIT. */
sgn_error_t *sgn_pdf_xref_repair_heads(sgn_pdf_entry_t **out, int *count, const sgn_pdf_scan_t *scan, apr_pool_t *pool);

#endif
