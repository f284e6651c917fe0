/*
 * pdf_update.h: writes an incremental update: objects, cross-reference section
 * of the newest section's kind, trailer.
 *
 * The original's bytes are never touched; offsets count from its size.
 * Order of use: make, objects, finish, then patch the byte range.
 * Does NOT check: that what is overridden may be overridden (pdf_prepare.c).
 */
#ifndef SGN_LOOK_FORMAT_PDF_UPDATE_H
#define SGN_LOOK_FORMAT_PDF_UPDATE_H

#include "look/format/pdf_doc.h"

typedef struct sgn_pdf_update_t sgn_pdf_update_t;

/* Refuses encrypted files (SGN_DOCUMENT_ENCRYPTED). */
sgn_error_t *sgn_pdf_update_make(sgn_pdf_update_t **out, sgn_pdf_doc_t *newest, apr_pool_t *pool);
/* A fresh object number. */
int sgn_pdf_update_new(sgn_pdf_update_t *update);
void sgn_pdf_update_object(sgn_pdf_update_t *update, int num, int gen, const sgn_pdf_obj_t *value);
/* An object as text made by the caller, who vouches for its syntax. */
void sgn_pdf_update_text(sgn_pdf_update_t *update, int num, const char *text);
/* dict gets /Length. */
void sgn_pdf_update_stream(sgn_pdf_update_t *update, int num, const sgn_pdf_obj_t *dict, sgn_bytes_t data);
/* The signature dictionary: dict plus /ByteRange and /Contents placeholders. */
void sgn_pdf_update_signature(sgn_pdf_update_t *update, int num, const sgn_pdf_obj_t *dict, size_t contents_size);
/* Ready bytes with the byte range patched; gap as offsets of the finished file. */
sgn_error_t *sgn_pdf_update_finish(sgn_bytes_t *out, apr_int64_t range[4], apr_off_t *gap_offset,
                                   size_t *gap_length, sgn_pdf_update_t *update);

#endif
