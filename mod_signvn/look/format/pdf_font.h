/*
 * pdf_font.h: the one embedded font: Vietnamese and ASCII letters of Liberation
 * Serif (metrics of Times New Roman), as a fixed subset made once.
 *
 * sgn_pdf_font_load() before the sandbox closes (the worker has no open()).
 * Glyph numbers are those of the subset, so a text always gives the same bytes.
 * Does NOT: shape scripts that need it; draw what the subset lacks (such a
 * letter becomes '?').
 */
#ifndef SGN_LOOK_FORMAT_PDF_FONT_H
#define SGN_LOOK_FORMAT_PDF_FONT_H

#include "base/buf.h"

#define SGN_PDF_FONT_PATH "/usr/share/fonts/truetype/liberation2/LiberationSerif-Regular.ttf"

/* Once per process; the pool must live as long as the process.  SGN_CONFIG
 * when the file is missing or lacks Vietnamese letters (fonts-liberation 1). */
sgn_error_t *sgn_pdf_font_load(const char *path, apr_pool_t *pool);
int sgn_pdf_font_ready(void);

/* The text as it will be drawn: composed, letters the subset lacks as '?'. */
const char *sgn_pdf_font_text(const char *text, apr_pool_t *pool);
/* Width of the text at size 1, in thousandths; text is UTF-8, composed inside. */
int sgn_pdf_font_width(const char *text, apr_pool_t *pool);
/* "<00410042>" for Tj. */
const char *sgn_pdf_font_show(const char *text, apr_pool_t *pool);

typedef struct {
    const char *base_font;          /* "SGNVNA+LiberationSerif" */
    sgn_bytes_t file;               /* FontFile2, deflated */
    size_t file_length;             /* inflated */
    sgn_bytes_t to_unicode;         /* CMap, deflated */
    const char *widths;             /* "[0[...]]" of /W */
    sgn_bytes_t cid_set;            /* one bit per glyph, deflated [ISO 19005-1, 6.3.5] */
    int ascent, descent, cap_height, box[4];    /* thousandths */
} sgn_pdf_font_parts_t;

/* NULL before load. */
const sgn_pdf_font_parts_t *sgn_pdf_font_parts(void);

#endif
