/*
 * pdf_appear.h: where a signature stands on its page and what it looks like.
 *
 * Boxes come as displayed (points, origin bottom-left of the visible page);
 * here they become /Rect in user space, with the form's /Matrix for rotated
 * pages.  Texts: Liberation Serif 10, upright, black [QĐ HP Điều 13].
 * Does NOT check: text beneath, other widgets.
 */
#ifndef SGN_LOOK_FORMAT_PDF_APPEAR_H
#define SGN_LOOK_FORMAT_PDF_APPEAR_H

#include "look/format/format.h"
#include "look/format/pdf_image.h"
#include "look/format/pdf_update.h"

typedef struct {
    int page;                       /* from 1 */
    double rect[4];                 /* user space, x0 y0 x1 y1 */
    double width, height;           /* of the form's BBox, user units, as displayed */
    int rotate;
    double unit;                    /* user units per point: 1 / UserUnit */
} sgn_pdf_place_t;

/* SGN_PLACEMENT_OUTSIDE when the box is not wholly on the displayed page. */
sgn_error_t *sgn_pdf_appear_place(sgn_pdf_place_t *out, sgn_pdf_doc_t *doc,
                                  const sgn_format_box_t *box, apr_pool_t *pool);
/* Displayed size of a page in points. */
void sgn_pdf_appear_size(double *width, double *height, const sgn_pdf_page_t *page);

/* /Matrix for the rotation, NULL at 0. */
const sgn_pdf_obj_t *sgn_pdf_appear_matrix(int rotate, apr_pool_t *pool);

/* Writes the form XObject (and image, font) and returns its number.  font_num
 * 0: a font is written when there is text; *font_num is set then. */
sgn_error_t *sgn_pdf_appear_form(int *form_num, int *font_num, sgn_pdf_update_t *update,
                                 const sgn_pdf_place_t *place, sgn_bytes_t png, double image_width_mm,
                                 const char **lines, int pdfa1, apr_pool_t *pool);
/* The embedded font as objects of the update; returns the Type0 font's number. */
int sgn_pdf_appear_font(sgn_pdf_update_t *update, apr_pool_t *pool);

#endif
