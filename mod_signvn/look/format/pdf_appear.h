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
/* width and height from rect and rotate. */
void sgn_pdf_appear_turn(sgn_pdf_place_t *place);
/* Displayed size of a page in points. */
void sgn_pdf_appear_size(double *width, double *height, const sgn_pdf_page_t *page);

/* /Matrix for the rotation, NULL at 0. */
const sgn_pdf_obj_t *sgn_pdf_appear_matrix(int rotate, apr_pool_t *pool);

/* What is drawn. */
typedef struct {
    sgn_bytes_t png;                /* len 0: none */
    double image_width_mm;          /* > 0: exactly that wide, from the lower left corner; 0: fitted and centred */
    const char **lines;             /* NULL-terminated; NULL: none */
    int pdfa1;                      /* stencil mask instead of alpha */
} sgn_pdf_look_t;

/* Writes the form XObject (image and font with it); *font_num: the font to use,
 * 0: written when there is text and set then.  An empty look draws nothing.
 * SGN_IMAGE_REFUSED; SGN_FIELD when the text does not fit at 6 pt. */
sgn_error_t *sgn_pdf_appear_form(int *form_num, int *font_num, sgn_pdf_update_t *update,
                                 const sgn_pdf_place_t *place, const sgn_pdf_look_t *look, apr_pool_t *pool);
/* A form XObject with these contents and resources (NULL: none). */
int sgn_pdf_appear_stream(sgn_pdf_update_t *update, double width, double height, int rotate,
                          const sgn_pdf_obj_t *resources, sgn_bytes_t content, apr_pool_t *pool);
/* Its dictionary, without /Length. */
const sgn_pdf_obj_t *sgn_pdf_appear_dict(double width, double height, int rotate,
                                         const sgn_pdf_obj_t *resources, apr_pool_t *pool);
/* <</Font <</name num 0 R>>>> */
const sgn_pdf_obj_t *sgn_pdf_appear_resources(const char *name, const sgn_pdf_obj_t *font_ref, apr_pool_t *pool);
/* The embedded font as objects of the update; returns the Type0 font's number.
 * SGN_CONFIG when no font was loaded. */
sgn_error_t *sgn_pdf_appear_font(int *font_num, sgn_pdf_update_t *update, apr_pool_t *pool);

#endif
