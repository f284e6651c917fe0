/*
 * pdf_reserve.h: number, day, month (or date) and seal: fields reserved by the
 * first signature and filled once, with the seal.
 *
 * The appearance of a filled text field is a pure function of the value, the
 * field's rectangle and the embedded font OF THE DOCUMENT (its /W and
 * /ToUnicode), so validation makes it again and compares bytes
 * [THREATS A9, B5]; it does not depend on this machine's font.
 * Does NOT check: that the revision that filled them was the seal's.
 */
#ifndef SGN_LOOK_FORMAT_PDF_RESERVE_H
#define SGN_LOOK_FORMAT_PDF_RESERVE_H

#include "look/format/format.h"
#include "look/format/pdf_update.h"

#define SGN_PDF_RESERVE_NUMBER "sgn_number"
#define SGN_PDF_RESERVE_DAY "sgn_day"
#define SGN_PDF_RESERVE_MONTH "sgn_month"
#define SGN_PDF_RESERVE_DATE "sgn_date"
#define SGN_PDF_RESERVE_SEAL "sgn_seal"
#define SGN_PDF_RESERVE_COUNT 5
/* The five names in the order above. */
extern const char *const sgn_pdf_reserve_names[SGN_PDF_RESERVE_COUNT + 1];

/* The embedded font as a document has it: code of each character and widths. */
typedef struct sgn_pdf_reserve_font_t sgn_pdf_reserve_font_t;
sgn_error_t *sgn_pdf_reserve_font(sgn_pdf_reserve_font_t **out, sgn_pdf_doc_t *doc,
                                  const sgn_pdf_obj_t *font_ref, apr_pool_t *pool);

/* The content stream: byte-exact.  width, height: of the field as displayed,
 * in user units; unit: user units per point.  Empty value: empty stream.  SGN_RESERVE_NARROW when it does not
 * fit at 11 pt; SGN_NUMBER_INVALID when the font lacks a character. */
sgn_error_t *sgn_pdf_reserve_appearance(sgn_bytes_t *out, const char *value, double width, double height,
                                        double unit, const sgn_pdf_reserve_font_t *font, apr_pool_t *pool);

/* Is there room for `least` at 11 pt (by our own font)?  SGN_RESERVE_NARROW. */
sgn_error_t *sgn_pdf_reserve_room(const char *least, double width, double height, double unit, apr_pool_t *pool);

/* Is what is drawn what is stored?  field: a reserved text field of doc.
 * *same 1: the /AP /N stream's dictionary and bytes are exactly those made from
 * /V (absent: empty), and nothing else of the field draws (/MK, /AA, second
 * appearance, second widget).  *what says what differs. */
sgn_error_t *sgn_pdf_reserve_compare(int *same, const char **what, sgn_pdf_doc_t *doc,
                                     const sgn_pdf_field_t *field, apr_pool_t *pool);

/* State of one reserved field: present, empty (no /V). */
sgn_error_t *sgn_pdf_reserve_state(int *present, int *empty, sgn_pdf_doc_t *doc, const char *name, apr_pool_t *pool);

#endif
