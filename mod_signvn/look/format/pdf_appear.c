/* Appearance of signatures [QĐ HP, Điều 13; ISO 32000-2, 12.5.5]. */
#include "look/format/pdf_appear.h"

#include <math.h>
#include <string.h>

#include <apr_strings.h>

#include "look/format/pdf_font.h"

#define TEXT_SIZE 10.0          /* [QĐ HP, Điều 13: cỡ chữ 10] */
#define TEXT_LEAST 6.0
#define LEADING 1.2
#define DOTS 300.0              /* per inch, for images */
#define HALVED 150              /* pixels from which colours are halved */
#define SLACK 0.01              /* points a caller's rounding may lie outside */

/* ---- place ------------------------------------------------------------------- */

void sgn_pdf_appear_size(double *width, double *height, const sgn_pdf_page_t *page)
{
    double w = (page->box[2] - page->box[0]) * page->user_unit;
    double h = (page->box[3] - page->box[1]) * page->user_unit;

    *width = page->rotate % 180 ? h : w;
    *height = page->rotate % 180 ? w : h;
}

void sgn_pdf_appear_turn(sgn_pdf_place_t *place)
{
    double w = place->rect[2] - place->rect[0], h = place->rect[3] - place->rect[1];

    place->width = place->rotate % 180 ? h : w;
    place->height = place->rotate % 180 ? w : h;
}

sgn_error_t *sgn_pdf_appear_place(sgn_pdf_place_t *out, sgn_pdf_doc_t *doc,
                                  const sgn_format_box_t *box, apr_pool_t *pool)
{
    const sgn_pdf_page_t *pages, *page;
    double width, height, w, h, x, y, unit;
    int count, i;

    memset(out, 0, sizeof *out);
    SGN_TRY(sgn_pdf_doc_pages(&pages, &count, doc));
    out->page = box->page == -1 ? count : box->page;
    if (out->page < 1 || out->page > count)
        return SGN_ERROR(pool, SGN_PLACEMENT_OUTSIDE, "there is no page %d of %d", box->page, count);
    page = &pages[out->page - 1];
    sgn_pdf_appear_size(&width, &height, page);
    /* written so that NaN is refused too */
    if (!(box->width > 0 && box->height > 0 && box->x >= -SLACK && box->y >= -SLACK
          && box->x + box->width <= width + SLACK && box->y + box->height <= height + SLACK))
        return SGN_ERROR(pool, SGN_PLACEMENT_OUTSIDE, "box %.1f %.1f %.1f x %.1f on page %d of %.1f x %.1f",
                         box->x, box->y, box->width, box->height, out->page, width, height);
    unit = 1 / page->user_unit;
    w = page->box[2] - page->box[0];
    h = page->box[3] - page->box[1];
    x = box->x * unit;
    y = box->y * unit;
    out->unit = unit;
    out->rotate = page->rotate;
    out->width = box->width * unit;
    out->height = box->height * unit;
    switch (page->rotate) {
    case 90:
        out->rect[0] = w - y - out->height;
        out->rect[1] = x;
        break;
    case 180:
        out->rect[0] = w - x - out->width;
        out->rect[1] = h - y - out->height;
        break;
    case 270:
        out->rect[0] = y;
        out->rect[1] = h - x - out->width;
        break;
    default:
        out->rect[0] = x;
        out->rect[1] = y;
    }
    out->rect[0] += page->box[0];
    out->rect[1] += page->box[1];
    out->rect[2] = out->rect[0] + (page->rotate % 180 ? out->height : out->width);
    out->rect[3] = out->rect[1] + (page->rotate % 180 ? out->width : out->height);
    /* what is written must give the same form box when it is read again */
    for (i = 0; i < 4; i++)
        out->rect[i] = round(out->rect[i] * 100) / 100;
    sgn_pdf_appear_turn(out);
    return NULL;
}

const sgn_pdf_obj_t *sgn_pdf_appear_matrix(int rotate, apr_pool_t *pool)
{
    static const signed char turns[4][4] = { { 1, 0, 0, 1 }, { 0, 1, -1, 0 }, { -1, 0, 0, -1 }, { 0, -1, 1, 0 } };
    const sgn_pdf_obj_t *matrix = sgn_pdf_obj_make_array(pool);
    int i;

    if (!rotate)
        return NULL;
    for (i = 0; i < 6; i++)
        matrix = sgn_pdf_obj_append(matrix, sgn_pdf_obj_make_int(i < 4 ? turns[rotate / 90 % 4][i] : 0, pool), pool);
    return matrix;
}

/* ---- pieces ------------------------------------------------------------------ */

const sgn_pdf_obj_t *sgn_pdf_appear_dict(double width, double height, int rotate,
                                         const sgn_pdf_obj_t *resources, apr_pool_t *pool)
{
    const sgn_pdf_obj_t *dict = sgn_pdf_obj_make_dict(pool), *box = sgn_pdf_obj_make_array(pool);
    const sgn_pdf_obj_t *matrix = sgn_pdf_appear_matrix(rotate, pool);

    box = sgn_pdf_obj_append(box, sgn_pdf_obj_make_int(0, pool), pool);
    box = sgn_pdf_obj_append(box, sgn_pdf_obj_make_int(0, pool), pool);
    box = sgn_pdf_obj_append(box, sgn_pdf_obj_make_number(width, pool), pool);
    box = sgn_pdf_obj_append(box, sgn_pdf_obj_make_number(height, pool), pool);
    dict = sgn_pdf_obj_with(dict, "Type", sgn_pdf_obj_make_name("XObject", pool), pool);
    dict = sgn_pdf_obj_with(dict, "Subtype", sgn_pdf_obj_make_name("Form", pool), pool);
    dict = sgn_pdf_obj_with(dict, "BBox", box, pool);
    if (matrix)
        dict = sgn_pdf_obj_with(dict, "Matrix", matrix, pool);
    return sgn_pdf_obj_with(dict, "Resources", resources ? resources : sgn_pdf_obj_make_dict(pool), pool);
}

int sgn_pdf_appear_stream(sgn_pdf_update_t *update, double width, double height, int rotate,
                          const sgn_pdf_obj_t *resources, sgn_bytes_t content, apr_pool_t *pool)
{
    int num = sgn_pdf_update_new(update);

    sgn_pdf_update_stream(update, num, sgn_pdf_appear_dict(width, height, rotate, resources, pool), content);
    return num;
}

static const sgn_pdf_obj_t *one(const char *key, const sgn_pdf_obj_t *value, apr_pool_t *pool)
{
    return sgn_pdf_obj_with(sgn_pdf_obj_make_dict(pool), key, value, pool);
}

const sgn_pdf_obj_t *sgn_pdf_appear_resources(const char *name, const sgn_pdf_obj_t *font_ref, apr_pool_t *pool)
{
    return one("Font", one(name, font_ref, pool), pool);
}

static const sgn_pdf_obj_t *deflated(apr_pool_t *pool)
{
    return one("Filter", sgn_pdf_obj_make_name("FlateDecode", pool), pool);
}

static const sgn_pdf_obj_t *ref(int num, apr_pool_t *pool)
{
    return sgn_pdf_obj_make_ref(num, 0, pool);
}

static sgn_error_t *parse_dict(const sgn_pdf_obj_t **out, const char *text, apr_pool_t *pool)
{
    sgn_pdf_lex_t lex = sgn_pdf_lex_at((const unsigned char *)text, 0, strlen(text));

    return sgn_pdf_obj_parse(out, &lex, pool);
}

/* [ISO 32000-2, 9.7] Type0, Identity-H, CIDFontType2 with the embedded subset. */
sgn_error_t *sgn_pdf_appear_font(int *font_num, sgn_pdf_update_t *update, apr_pool_t *pool)
{
    const sgn_pdf_font_parts_t *parts = sgn_pdf_font_parts();
    int file, cids, unicode, descriptor, cid_font, font;

    if (!parts)
        return SGN_ERROR(pool, SGN_CONFIG, "no font was loaded");
    file = sgn_pdf_update_new(update);
    cids = sgn_pdf_update_new(update);
    unicode = sgn_pdf_update_new(update);
    descriptor = sgn_pdf_update_new(update);
    cid_font = sgn_pdf_update_new(update);
    font = sgn_pdf_update_new(update);
    sgn_pdf_update_stream(update, file, sgn_pdf_obj_with(deflated(pool), "Length1",
                          sgn_pdf_obj_make_int((apr_int64_t)parts->file_length, pool), pool), parts->file);
    sgn_pdf_update_stream(update, cids, deflated(pool), parts->cid_set);
    sgn_pdf_update_stream(update, unicode, deflated(pool), parts->to_unicode);
    sgn_pdf_update_text(update, descriptor, apr_psprintf(pool, "<</Type/FontDescriptor/FontName/%s/Flags 6"
                        "/FontBBox[%d %d %d %d]/ItalicAngle 0/Ascent %d/Descent %d/CapHeight %d/StemV 80"
                        "/FontFile2 %d 0 R/CIDSet %d 0 R>>", parts->base_font, parts->box[0], parts->box[1],
                        parts->box[2], parts->box[3], parts->ascent, parts->descent, parts->cap_height,
                        file, cids));
    sgn_pdf_update_text(update, cid_font, apr_psprintf(pool, "<</Type/Font/Subtype/CIDFontType2/BaseFont/%s"
                        "/CIDSystemInfo<</Registry(Adobe)/Ordering(Identity)/Supplement 0>>"
                        "/FontDescriptor %d 0 R/CIDToGIDMap/Identity/DW 0/W%s>>", parts->base_font, descriptor,
                        parts->widths));
    sgn_pdf_update_text(update, font, apr_psprintf(pool, "<</Type/Font/Subtype/Type0/BaseFont/%s/Encoding/Identity-H"
                        "/DescendantFonts[%d 0 R]/ToUnicode %d 0 R>>", parts->base_font, cid_font, unicode));
    *font_num = font;
    return NULL;
}

static sgn_error_t *write_image(int *num, double *aspect, sgn_pdf_update_t *update, const sgn_pdf_look_t *look,
                                double width, double height, apr_pool_t *pool)
{
    const sgn_pdf_obj_t *dict;
    const sgn_pdf_image_t *small, *colours;
    sgn_pdf_image_t *image;
    sgn_bytes_t rgb, alpha;
    int mask = sgn_pdf_update_new(update);
    double scale;

    *num = sgn_pdf_update_new(update);
    SGN_TRY(sgn_pdf_image_read(&image, look->png, pool));
    *aspect = (double)image->height / image->width;
    scale = fmax(width, height / *aspect) * DOTS / 72 / image->width;
    small = sgn_pdf_image_shrink(image, (int)ceil(image->width * scale), (int)ceil(image->height * scale), pool);
    /* the shape is in the mask; the ink's colour needs half the resolution */
    colours = small->width > HALVED ? sgn_pdf_image_shrink(small, small->width / 2, small->height / 2, pool) : small;
    SGN_TRY(sgn_pdf_image_pack_rgb(&rgb, colours, pool));
    SGN_TRY(sgn_pdf_image_pack_alpha(&alpha, small, look->pdfa1, pool));
    SGN_TRY(parse_dict(&dict, apr_psprintf(pool, "<</Type/XObject/Subtype/Image/Width %d/Height %d%s/Filter/FlateDecode>>",
                       small->width, small->height, look->pdfa1 ? "/ImageMask true/BitsPerComponent 1"
                       : "/ColorSpace/DeviceGray/BitsPerComponent 8"), pool));
    sgn_pdf_update_stream(update, mask, dict, alpha);
    SGN_TRY(parse_dict(&dict, apr_psprintf(pool, "<</Type/XObject/Subtype/Image/Width %d/Height %d/ColorSpace/DeviceRGB"
                       "/BitsPerComponent 8/Filter/FlateDecode/%s %d 0 R>>", colours->width, colours->height,
                       look->pdfa1 ? "Mask" : "SMask", mask), pool));
    sgn_pdf_update_stream(update, *num, dict, rgb);
    return NULL;
}

/* ---- text -------------------------------------------------------------------- */

/* Lines broken at spaces so that none is wider than `width` at `size`. */
static const char **wrap(int *count, const char **lines, double width, double size, apr_pool_t *pool)
{
    const char **out = apr_palloc(pool, 200 * sizeof *out);
    int n = 0;

    for (; *lines && n < 199; lines++) {
        const char *line = apr_pstrdup(pool, *lines);

        for (;;) {
            char *cut = NULL, *space = NULL, *p;

            if (sgn_pdf_font_width(line, pool) * size / 1000 <= width || n == 198)
                break;
            for (p = strchr(line, ' '); p; p = strchr(p + 1, ' ')) {
                *p = 0;
                if (p != line && sgn_pdf_font_width(line, pool) * size / 1000 <= width)
                    space = p;
                *p = ' ';
                if (space != p && p != line)
                    break;
            }
            cut = space;
            if (!cut)
                break;
            *cut = 0;
            out[n++] = line;
            line = cut + 1;
        }
        out[n++] = line;
    }
    out[n] = NULL;
    *count = n;
    return out;
}

/* The text block, filling from the top of a box of that height (user units);
 * *used: its height. */
static sgn_error_t *write_text(sgn_buf_t *content, double *used, const char **lines, double width, double height,
                               double unit, int with_image, apr_pool_t *pool)
{
    double size, margin = 1 * unit, widest = 0, top;
    const char **wrapped = NULL;
    int count = 0, i;

    for (size = TEXT_SIZE; size >= TEXT_LEAST; size -= 0.5) {
        wrapped = wrap(&count, lines, width - 2 * margin, size * unit, pool);
        for (i = 0, widest = 0; i < count; i++)
            widest = fmax(widest, sgn_pdf_font_width(wrapped[i], pool) * size * unit / 1000);
        if (widest <= width - 2 * margin
            && count * size * unit * LEADING <= (with_image ? height / 2 : height))
            break;
    }
    if (size < TEXT_LEAST)
        return SGN_ERROR(pool, SGN_FIELD, "the text of the signature does not fit its box");
    *used = count * size * unit * LEADING;
    top = with_image ? *used : height - (height - *used) / 2;
    sgn_buf_printf(content, "BT\n/SgnF %s Tf\n0 g\n", sgn_pdf_obj_number(size * unit, pool));
    for (i = 0; i < count; i++)
        /* 0.93: from the line's top to its baseline, room for stacked marks */
        sgn_buf_printf(content, "1 0 0 1 %s %s Tm\n%s Tj\n", sgn_pdf_obj_number(margin, pool),
                       sgn_pdf_obj_number(top - (i * LEADING + 0.93) * size * unit, pool),
                       sgn_pdf_font_show(wrapped[i], pool));
    sgn_buf_str(content, "ET\n");
    return NULL;
}

sgn_error_t *sgn_pdf_appear_form(int *form_num, int *font_num, sgn_pdf_update_t *update,
                                 const sgn_pdf_place_t *place, const sgn_pdf_look_t *look, apr_pool_t *pool)
{
    const sgn_pdf_obj_t *resources = sgn_pdf_obj_make_dict(pool);
    sgn_buf_t *content = sgn_buf_make(0, pool);
    int has_text = look->lines && look->lines[0];
    double text_height = 0;
    sgn_bytes_t bytes;

    if (has_text) {
        if (!*font_num)
            SGN_TRY(sgn_pdf_appear_font(font_num, update, pool));
        resources = sgn_pdf_appear_resources("SgnF", ref(*font_num, pool), pool);
        SGN_TRY(write_text(content, &text_height, look->lines, place->width, place->height, place->unit,
                           look->png.len > 0, pool));
    }
    if (look->png.len) {
        double exact = look->image_width_mm * 72 / 25.4 * place->unit, room = place->height - text_height;
        double width = exact > 0 ? exact : place->width, aspect, height, x = 0, y = text_height;
        int image;

        SGN_TRY(write_image(&image, &aspect, update, look, width / place->unit,
                            (exact > 0 ? exact : room) / place->unit, pool));
        height = width * aspect;
        if (exact <= 0) {
            if (height > room) {
                height = room;
                width = height / aspect;
            }
            x = (place->width - width) / 2;
            y += (room - height) / 2;
        }
        sgn_buf_printf(content, "q\n%s 0 0 %s %s %s cm\n/SgnI Do\nQ\n", sgn_pdf_obj_number(width, pool),
                       sgn_pdf_obj_number(height, pool), sgn_pdf_obj_number(x, pool), sgn_pdf_obj_number(y, pool));
        resources = sgn_pdf_obj_with(resources, "XObject", one("SgnI", ref(image, pool), pool), pool);
    }
    SGN_TRY(sgn_buf_bytes(&bytes, content));
    *form_num = sgn_pdf_appear_stream(update, place->width, place->height, place->rotate, resources, bytes, pool);
    return NULL;
}
