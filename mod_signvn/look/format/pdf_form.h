/*
 * pdf_form.h: the form and the pages while an update is being made: widgets
 * are added to pages, fields to the form, and each object is written once.
 *
 * Order of use: make, add / change, write.
 * Does NOT check: whether the change is allowed (pdf_admit.h).
 */
#ifndef SGN_LOOK_FORMAT_PDF_FORM_H
#define SGN_LOOK_FORMAT_PDF_FORM_H

#include <apr_hash.h>

#include "look/format/pdf_admit.h"
#include "look/format/pdf_appear.h"
#include "look/format/pdf_update.h"

#define SGN_PDF_FORM_PRINT 4        /* annotation flags */
#define SGN_PDF_FORM_LOCKED 128
#define SGN_PDF_FORM_READONLY 1     /* field flag */

typedef struct {
    sgn_pdf_doc_t *doc;
    sgn_pdf_update_t *update;
    const sgn_pdf_page_t *pages;
    int page_count;
    int font_num;                   /* embedded in this update; 0: not yet */
    apr_pool_t *pool;
    /* private */
    apr_hash_t *changed;            /* object number -> changed object */
    apr_hash_t *page_numbers;       /* page from 1 -> its number, when it was direct */
    const sgn_pdf_obj_t *new_fields;
    const sgn_pdf_obj_t *fonts;     /* to add to /DR /Font */
} sgn_pdf_form_t;

sgn_error_t *sgn_pdf_form_make(sgn_pdf_form_t **out, sgn_pdf_doc_t *doc, apr_pool_t *pool);
/* wanted, or wanted_2, ...: no field at the root has that name; dots become '_'. */
const char *sgn_pdf_form_free_name(sgn_pdf_form_t *form, const char *wanted);
/* The common entries of a merged field and widget. */
sgn_error_t *sgn_pdf_form_widget(const sgn_pdf_obj_t **out, sgn_pdf_form_t *form, const char *type,
                                 const char *title, int page, const double rect[4], int appearance);
/* Field object `num` joins /Fields and the page's /Annots, in this order. */
void sgn_pdf_form_add(sgn_pdf_form_t *form, int page, int num, const sgn_pdf_obj_t *dict);
/* An existing object gets a new value. */
void sgn_pdf_form_change(sgn_pdf_form_t *form, int num, int gen, const sgn_pdf_obj_t *value);
void sgn_pdf_form_resource(sgn_pdf_form_t *form, const char *font, const sgn_pdf_obj_t *font_ref);
int sgn_pdf_form_has_resource(sgn_pdf_form_t *form, const char *font);
/* Writes form, catalog, pages and every changed object to the update. */
sgn_error_t *sgn_pdf_form_write(sgn_pdf_form_t *form);

#endif
