/*
 * pdf_admit.h: what makes a PDF unfit for (another) signature.
 *
 * Refuses: encryption, XFA, content that changes its look by itself
 * (JavaScript, additional actions, NeedAppearances), double keys in trailers,
 * certification and locks of earlier signatures [THREATS B4, B6].
 * Does NOT check: whether earlier signatures are valid; text under the box.
 */
#ifndef SGN_LOOK_FORMAT_PDF_ADMIT_H
#define SGN_LOOK_FORMAT_PDF_ADMIT_H

#include "look/format/pdf_doc.h"

/* SGN_DOCUMENT_ENCRYPTED, _XFA, _ACTIVE, _DAMAGED. */
sgn_error_t *sgn_pdf_admit_document(sgn_pdf_doc_t *doc, apr_pool_t *pool);

/* May a signature be added in a new visible / invisible field, or in the
 * existing field `name`?  SGN_DOCUMENT_CERTIFIED. */
typedef enum { SGN_PDF_ADMIT_VISIBLE, SGN_PDF_ADMIT_INVISIBLE, SGN_PDF_ADMIT_EXISTING } sgn_pdf_admit_how_t;
sgn_error_t *sgn_pdf_admit_signature(sgn_pdf_doc_t *doc, const char *name, sgn_pdf_admit_how_t how, apr_pool_t *pool);

/* How many signature fields have a value. */
int sgn_pdf_admit_signed(sgn_pdf_doc_t *doc);

/* Does a widget of that page lie over the rectangle (user space)? */
int sgn_pdf_admit_overlaps(sgn_pdf_doc_t *doc, const sgn_pdf_page_t *page, const double rect[4]);

/* Does the metadata claim PDF/A-1 (no transparency allowed)? */
int sgn_pdf_admit_pdfa1(sgn_pdf_doc_t *doc, apr_pool_t *pool);

#endif
