/*
 * pdf_doc_impl.h: the inside of sgn_pdf_doc_t, for pdf_doc*.c only.
 */
#ifndef SGN_LOOK_FORMAT_PDF_DOC_IMPL_H
#define SGN_LOOK_FORMAT_PDF_DOC_IMPL_H

#include <apr_hash.h>
#include <qpdf/qpdf-c.h>

#include "look/format/pdf_doc.h"

struct sgn_pdf_doc_t {
    qpdf_data q;
    const sgn_pdf_scan_t *scan;
    int revision;
    apr_pool_t *pool;
    apr_hash_t *cache;              /* {num, gen} -> value */
    size_t spent, decoded;          /* bytes read for objects; of decoded streams */
    const char *warning;            /* the first intolerable one */
    int broken;                     /* qpdf does not read it: only what our own parser finds */
    const sgn_pdf_obj_t *trailer, *root, *catalog;
    sgn_pdf_page_t *pages;
    int page_count;
    apr_hash_t *page_numbers;       /* object number -> int */
    sgn_pdf_field_t *fields;
    int field_count, fields_known;
    apr_hash_t *annotations;        /* object number of a widget -> page, made when needed */
};

const sgn_pdf_obj_t *sgn_pdf_doc_copy(sgn_pdf_doc_t *doc, qpdf_oh handle);

#endif
