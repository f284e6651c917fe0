/* Reserved number, date and seal [THREATS A9; NĐ 30/2020, PL I]. */
#include "look/format/pdf_reserve.h"

#include <stdlib.h>
#include <string.h>

#include <apr_strings.h>

#include "base/text.h"
#include "look/format/pdf_appear.h"
#include "look/format/pdf_font.h"

#define DAMAGED(...) SGN_ERROR(pool, SGN_DOCUMENT_DAMAGED, __VA_ARGS__)

#define SIZE_FULL 13.0          /* [NĐ 30/2020, PL I: số, ký hiệu cỡ 13] */
#define SIZE_LEAST 11.0
#define SIZE_STEP 0.5
#define DIGIT_HEIGHT 0.66       /* of the size: digits stand in the middle of the box */
#define MARGIN 0.5

const char *const sgn_pdf_reserve_names[SGN_PDF_RESERVE_COUNT + 1] = {
    SGN_PDF_RESERVE_NUMBER, SGN_PDF_RESERVE_DAY, SGN_PDF_RESERVE_MONTH, SGN_PDF_RESERVE_DATE,
    SGN_PDF_RESERVE_SEAL, NULL
};

/* ---- the document's font ------------------------------------------------------ */

struct sgn_pdf_reserve_font_t {
    const char *name;               /* in resources and /DA */
    unsigned short code[0x2100];    /* by code point; 0: none */
    unsigned short width[4096];     /* by code */
};

static int hex4(const unsigned char *at, unsigned *value)
{
    int i;

    *value = 0;
    if (at[0] != '<' || at[5] != '>')
        return 0;
    for (i = 1; i < 5; i++) {
        int byte = at[i];
        int digit = byte >= '0' && byte <= '9' ? byte - '0' : byte >= 'A' && byte <= 'F' ? byte - 'A' + 10
                  : byte >= 'a' && byte <= 'f' ? byte - 'a' + 10 : -1;

        if (digit < 0)
            return 0;
        *value = *value * 16 + (unsigned)digit;
    }
    return 1;
}

/* "<code> <point>" lines between beginbfchar and endbfchar, as we write them. */
static void read_cmap(sgn_pdf_reserve_font_t *font, sgn_bytes_t cmap)
{
    size_t at = 0;
    int inside = 0;

    while (at < cmap.len) {
        const unsigned char *line = cmap.data + at;
        size_t len = 0;
        unsigned code, point;

        while (at + len < cmap.len && line[len] != '\n')
            len++;
        if (len >= 11 && memcmp(line + len - 11, "beginbfchar", 11) == 0)
            inside = 1;
        else if (len >= 9 && memcmp(line, "endbfchar", 9) == 0)
            inside = 0;
        else if (inside && len == 13 && hex4(line, &code) && hex4(line + 7, &point) && point < 0x2100
                 && code && code < 4096 && !font->code[point])
            font->code[point] = (unsigned short)code;
        at += len + 1;
    }
}

sgn_error_t *sgn_pdf_reserve_font(sgn_pdf_reserve_font_t **out, sgn_pdf_doc_t *doc,
                                  const sgn_pdf_obj_t *font_ref, apr_pool_t *pool)
{
    sgn_pdf_reserve_font_t *font = apr_pcalloc(pool, sizeof *font);
    const sgn_pdf_obj_t *dict = sgn_pdf_doc_get(doc, font_ref);
    const sgn_pdf_obj_t *cid = sgn_pdf_doc_at(doc, sgn_pdf_doc_find(doc, dict, "DescendantFonts"), 0);
    const sgn_pdf_obj_t *w = sgn_pdf_doc_find(doc, cid, "W"), *run = sgn_pdf_doc_at(doc, w, 1);
    const sgn_pdf_obj_t *unicode = sgn_pdf_obj_get(dict, "ToUnicode");
    const sgn_pdf_obj_t *descriptor = sgn_pdf_doc_find(doc, cid, "FontDescriptor");
    sgn_bytes_t cmap;
    int i;

    if (!sgn_pdf_obj_is_name(sgn_pdf_doc_find(doc, dict, "Subtype"), "Type0")
        || !sgn_pdf_obj_is_name(sgn_pdf_doc_find(doc, dict, "Encoding"), "Identity-H")
        || !unicode || unicode->type != SGN_PDF_REF
        || !sgn_pdf_doc_find(doc, descriptor, "FontFile2")->is_stream
        || w->count != 2 || run->type != SGN_PDF_ARRAY)
        return DAMAGED("the font of the reserved fields is not the one we embed");
    SGN_TRY(sgn_pdf_doc_stream_decoded(&cmap, doc, (int)unicode->number, unicode->gen, 1 << 20, pool));
    read_cmap(font, cmap);
    for (i = 0; i < run->count && i < 4096; i++) {
        apr_int64_t width = sgn_pdf_obj_int(sgn_pdf_doc_at(doc, run, i), 0);

        font->width[i] = (unsigned short)(width < 0 || width > 4000 ? 0 : width);
    }
    font->name = "SgnF";
    *out = font;
    return NULL;
}

/* ---- the appearance ----------------------------------------------------------- */

sgn_error_t *sgn_pdf_reserve_appearance(sgn_bytes_t *out, const char *value, double width, double height,
                                        double unit, const sgn_pdf_reserve_font_t *font, apr_pool_t *pool)
{
    sgn_buf_t *content = sgn_buf_make(0, pool), *codes = sgn_buf_make(0, pool);
    sgn_bytes_t shown;
    int thousandths = 0, step;
    unsigned point;
    double size;

    *out = sgn_bytes("", 0);
    if (!value || !*value)
        return NULL;
    for (; (step = sgn_text_next(&point, value)) > 0; value += step) {
        if (point >= 0x2100 || !font->code[point])
            return SGN_ERROR(pool, SGN_NUMBER_INVALID, "the font of the document lacks U+%04X", point);
        sgn_buf_printf(codes, "%04X", (unsigned)font->code[point]);
        thousandths += font->width[font->code[point]];
    }
    SGN_TRY(sgn_buf_bytes(&shown, codes));
    for (size = SIZE_FULL; size >= SIZE_LEAST; size -= SIZE_STEP)
        if ((thousandths * size / 1000 + 2 * MARGIN) * unit <= width && size * DIGIT_HEIGHT * unit <= height)
            break;
    if (size < SIZE_LEAST)
        return SGN_ERROR(pool, SGN_RESERVE_NARROW, "the text needs %.1f points, the box has %.1f x %.1f",
                         thousandths * SIZE_LEAST / 1000 + 2 * MARGIN, width / unit, height / unit);
    size *= unit;
    sgn_buf_printf(content, "/Tx BMC\nq\nBT\n/%s %s Tf\n0 g\n%s %s Td\n<", font->name,
                   sgn_pdf_obj_number(size, pool),
                   sgn_pdf_obj_number((width - thousandths * size / 1000) / 2, pool),
                   sgn_pdf_obj_number((height - DIGIT_HEIGHT * size) / 2, pool));
    sgn_buf_add(content, shown.data, shown.len);
    sgn_buf_str(content, "> Tj\nET\nQ\nEMC\n");
    return sgn_buf_bytes(out, content);
}

sgn_error_t *sgn_pdf_reserve_room(const char *least, double width, double height, double unit, apr_pool_t *pool)
{
    double needed = sgn_pdf_font_width(least, pool) * SIZE_LEAST / 1000 + 2 * MARGIN;

    width /= unit;
    height /= unit;
    if (needed > width || SIZE_LEAST * DIGIT_HEIGHT > height)
        return SGN_ERROR(pool, SGN_RESERVE_NARROW, "%.1f x %.1f points, at least %.1f x %.1f are needed", width,
                         height, needed, SIZE_LEAST * DIGIT_HEIGHT);
    return NULL;
}

/* ---- comparing ---------------------------------------------------------------- */

static int differs(int *same, const char **what, const char *text)
{
    *same = 0;
    *what = text;
    return 1;
}

sgn_error_t *sgn_pdf_reserve_compare(int *same, const char **what, sgn_pdf_doc_t *doc,
                                     const sgn_pdf_field_t *field, apr_pool_t *pool)
{
    static const char *const length[] = { "Length", NULL };
    const sgn_pdf_obj_t *form = sgn_pdf_doc_find(doc, sgn_pdf_doc_catalog(doc), "AcroForm");
    const sgn_pdf_obj_t *fonts = sgn_pdf_doc_find(doc, sgn_pdf_doc_find(doc, form, "DR"), "Font");
    const sgn_pdf_obj_t *appearance = sgn_pdf_doc_find(doc, field->dict, "AP"), *normal, *wanted;
    const sgn_pdf_obj_t *need = sgn_pdf_doc_find(doc, form, "NeedAppearances");
    const sgn_pdf_obj_t *font_ref = sgn_pdf_obj_get(fonts, "SgnF");
    const sgn_pdf_page_t *pages;
    const char *value = "";
    sgn_pdf_reserve_font_t *font;
    double width = field->rect[2] - field->rect[0], height = field->rect[3] - field->rect[1], unit = 1, swap;
    sgn_bytes_t made, there;
    sgn_error_t *error;
    int count, rotate = 0;

    *same = 1;
    *what = NULL;
    if (!field->type || strcmp(field->type, "Tx") != 0 || field->widgets != 1 || field->widget_num != field->num)
        return differs(same, what, "not one text field with one widget"), NULL;
    if (sgn_pdf_obj_get(field->dict, "MK") || sgn_pdf_obj_get(field->dict, "AA") || sgn_pdf_obj_get(field->dict, "A")
        || sgn_pdf_obj_get(field->dict, "RV") || sgn_pdf_obj_get(field->dict, "AS")
        || sgn_pdf_obj_get(field->dict, "Border") || sgn_pdf_obj_get(field->dict, "BS"))
        return differs(same, what, "something beside the appearance draws"), NULL;
    if (need->type == SGN_PDF_BOOL && need->number)
        return differs(same, what, "NeedAppearances"), NULL;
    normal = sgn_pdf_obj_get(appearance, "N");
    if (appearance->count != 1 || !normal || normal->type != SGN_PDF_REF)
        return differs(same, what, "not exactly one normal appearance"), NULL;
    if (!font_ref || font_ref->type != SGN_PDF_REF)
        return differs(same, what, "no font in the form's resources"), NULL;
    if (field->value && !(value = sgn_pdf_obj_text(field->value, pool)))
        return differs(same, what, "the value is no text"), NULL;
    SGN_TRY(sgn_pdf_doc_pages(&pages, &count, doc));
    if (field->page) {
        rotate = pages[field->page - 1].rotate;
        unit = 1 / pages[field->page - 1].user_unit;
    }
    if (rotate % 180) {
        swap = width;
        width = height;
        height = swap;
    }
    error = sgn_pdf_reserve_font(&font, doc, font_ref, pool);
    if (!error)
        error = sgn_pdf_reserve_appearance(&made, value, width, height, unit, font, pool);
    if (error)
        return differs(same, what, "no appearance can be made from value, box and font"), NULL;
    error = sgn_pdf_doc_stream(&there, doc, (int)normal->number, normal->gen, pool);
    if (error)
        return differs(same, what, "the appearance cannot be read"), NULL;
    wanted = sgn_pdf_appear_dict(width, height, rotate, sgn_pdf_appear_resources("SgnF", font_ref, pool), pool);
    {
        sgn_pdf_obj_t *marked = apr_pmemdup(pool, wanted, sizeof *wanted);

        marked->is_stream = 1;
        wanted = marked;
    }
    if (!sgn_pdf_obj_equal_but(sgn_pdf_doc_get(doc, normal), wanted, length))
        return differs(same, what, "the appearance's dictionary"), NULL;
    if (!sgn_bytes_equal(made, there))
        return differs(same, what, "the appearance draws something else than the value"), NULL;
    return NULL;
}

sgn_error_t *sgn_pdf_reserve_state(int *present, int *empty, sgn_pdf_doc_t *doc, const char *name, apr_pool_t *pool)
{
    const sgn_pdf_field_t *fields;
    int count, i;

    (void)pool;
    *present = 0;
    *empty = 1;
    SGN_TRY(sgn_pdf_doc_fields(&fields, &count, doc));
    for (i = 0; i < count; i++)
        if (strcmp(fields[i].name, name) == 0) {
            *present = 1;
            if (fields[i].value)
                *empty = 0;
        }
    return NULL;
}
