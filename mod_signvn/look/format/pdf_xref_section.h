/*
 * pdf_xref_section.h: one cross-reference section: table, stream or both.
 *
 * Part of pdf_xref.c; nobody else calls it.  Does NOT check: the chain.
 */
#ifndef SGN_LOOK_FORMAT_PDF_XREF_SECTION_H
#define SGN_LOOK_FORMAT_PDF_XREF_SECTION_H

#include "look/format/pdf_xref.h"

/* Reads the section at `offset`; *room is the number of entries that all
 * sections together may still have. */
sgn_error_t *sgn_pdf_xref_section_read(sgn_pdf_section_t *out, const sgn_pdf_scan_t *scan,
                                       apr_off_t offset, int *room, apr_pool_t *pool);

/* A stream dictionary as accepted before qpdf: direct /Length inside the file,
 * no filter or one FlateDecode.  *deflated says which. */
sgn_error_t *sgn_pdf_xref_section_stream(sgn_bytes_t *raw, int *deflated, const sgn_pdf_obj_t *dict,
                                         const sgn_pdf_scan_t *scan, apr_off_t data, apr_pool_t *pool);

#endif
