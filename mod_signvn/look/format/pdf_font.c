/* The embedded subset of Liberation Serif, made once by HarfBuzz. */
#include "look/format/pdf_font.h"

#include <stdlib.h>
#include <string.h>

#include <apr_strings.h>
#include <hb-ot.h>
#include <hb-subset.h>
#include <hb.h>

#include "base/pool.h"
#include "base/text.h"
#include "look/format/pdf_flate.h"

typedef struct {
    unsigned point;
    int glyph;                      /* in the subset */
    int width;                      /* thousandths */
} letter_t;

static struct {
    int ready;
    letter_t *letters;              /* ascending point */
    int count, glyphs;
    sgn_pdf_font_parts_t parts;
} font;

static const struct { unsigned first, last; int needed; } ranges[] = {
    { 0x0020, 0x007E, 1 }, { 0x00A0, 0x00FF, 1 }, { 0x0102, 0x0103, 1 }, { 0x0110, 0x0111, 1 },
    { 0x0128, 0x0129, 1 }, { 0x0168, 0x0169, 1 }, { 0x01A0, 0x01A1, 1 }, { 0x01AF, 0x01B0, 1 },
    { 0x0300, 0x0301, 0 }, { 0x0303, 0x0303, 0 }, { 0x0309, 0x0309, 0 }, { 0x0323, 0x0323, 0 },
    { 0x1EA0, 0x1EF9, 1 }, { 0x2010, 0x2015, 0 }, { 0x2018, 0x2019, 0 }, { 0x201C, 0x201E, 0 },
    { 0x2022, 0x2022, 0 }, { 0x2026, 0x2026, 0 }, { 0x20AB, 0x20AB, 0 },
};

static int thousandths(int value, unsigned upem)
{
    return (int)(((apr_int64_t)value * 1000 + (value >= 0 ? (int)upem / 2 : -(int)upem / 2)) / (int)upem);
}

static int big16(hb_blob_t *blob, unsigned at, int absent)
{
    unsigned len;
    const unsigned char *data = (const unsigned char *)hb_blob_get_data(blob, &len);

    return at + 2 <= len ? (short)(data[at] << 8 | data[at + 1]) : absent;
}

static void read_metrics(hb_face_t *face, hb_font_t *hb)
{
    unsigned upem = hb_face_get_upem(face);
    hb_blob_t *head = hb_face_reference_table(face, HB_TAG('h', 'e', 'a', 'd'));
    hb_blob_t *os2 = hb_face_reference_table(face, HB_TAG('O', 'S', '/', '2'));
    hb_font_extents_t extents;
    int i;

    for (i = 0; i < 4; i++)
        font.parts.box[i] = thousandths(big16(head, 36 + 2 * (unsigned)i, 0), upem);
    font.parts.cap_height = thousandths(big16(os2, 88, 1341), upem);
    hb_font_get_h_extents(hb, &extents);
    font.parts.ascent = thousandths(extents.ascender, upem);
    font.parts.descent = thousandths(extents.descender, upem);
    hb_blob_destroy(head);
    hb_blob_destroy(os2);
}

static sgn_error_t *cut(sgn_bytes_t *out, hb_face_t *face, hb_font_t *hb, apr_pool_t *pool)
{
    static const char drop[] = "GSUBGPOSGDEFkernnameOS/2postcmapFFTMDSIGVDMXhdmxLTSHgaspcvt fpgmprepBASEJSTFmeta";
    hb_subset_input_t *input = hb_subset_input_create_or_fail();
    hb_subset_plan_t *plan = NULL;
    hb_face_t *subset = NULL;
    hb_blob_t *blob;
    sgn_bytes_t bytes;
    unsigned len;
    const char *data;
    size_t i;
    int *widths;

    if (!input)
        return SGN_ERROR(pool, SGN_INTERNAL, "HarfBuzz does not subset");
    SGN_OWN(pool, input, hb_subset_input_destroy);
    for (i = 0; i < (size_t)font.count; i++)
        hb_set_add(hb_subset_input_unicode_set(input), font.letters[i].point);
    for (i = 0; i + 4 < sizeof drop; i += 4)
        hb_set_add(hb_subset_input_set(input, HB_SUBSET_SETS_DROP_TABLE_TAG),
                   HB_TAG(drop[i], drop[i + 1], drop[i + 2], drop[i + 3]));
    hb_subset_input_set_flags(input, HB_SUBSET_FLAGS_NO_HINTING);
    plan = hb_subset_plan_create_or_fail(face, input);
    subset = plan ? hb_subset_plan_execute_or_fail(plan) : NULL;
    if (!subset)
        return SGN_ERROR(pool, SGN_CONFIG, "HarfBuzz cannot subset the font");
    SGN_OWN(pool, plan, hb_subset_plan_destroy);
    SGN_OWN(pool, subset, hb_face_destroy);
    font.glyphs = (int)hb_face_get_glyph_count(subset);
    widths = apr_pcalloc(pool, (font.glyphs + 1) * sizeof *widths);
    for (i = 0; i < (size_t)font.count; i++) {
        hb_codepoint_t old = 0;

        hb_font_get_nominal_glyph(hb, font.letters[i].point, &old);
        font.letters[i].glyph = (int)hb_map_get(hb_subset_plan_old_to_new_glyph_mapping(plan), old);
        font.letters[i].width = thousandths(hb_font_get_glyph_h_advance(hb, old), hb_face_get_upem(face));
        if (font.letters[i].glyph > 0 && font.letters[i].glyph < font.glyphs)
            widths[font.letters[i].glyph] = font.letters[i].width;
    }
    {
        sgn_buf_t *w = sgn_buf_make(0, pool);

        for (i = 0; i < (size_t)font.glyphs; i++)
            sgn_buf_printf(w, "%s%d", i ? " " : "[0[", widths[i]);
        sgn_buf_str(w, "]]");
        SGN_TRY(sgn_buf_bytes(&bytes, w));
        font.parts.widths = (const char *)bytes.data;
    }
    blob = hb_face_reference_blob(subset);
    SGN_OWN(pool, blob, hb_blob_destroy);
    data = hb_blob_get_data(blob, &len);
    *out = sgn_bytes(data, len);
    return NULL;
}

/* [ISO 32000-2, 9.10.3] */
static sgn_error_t *make_cmap(sgn_bytes_t *out, apr_pool_t *pool)
{
    sgn_buf_t *buf = sgn_buf_make(0, pool);
    const char **lines = apr_pcalloc(pool, (font.glyphs + 1) * sizeof *lines);
    sgn_bytes_t plain;
    int i, k, total = 0;

    for (i = 0; i < font.count; i++)
        /* of two letters with one glyph the first speaks */
        if (font.letters[i].glyph > 0 && !lines[font.letters[i].glyph])
            lines[font.letters[i].glyph] = apr_psprintf(pool, "<%04X> <%04X>\n",
                                                        (unsigned)font.letters[i].glyph, font.letters[i].point);
    for (i = 0; i < font.glyphs; i++)
        if (lines[i])
            lines[total++] = lines[i];
    sgn_buf_str(buf, "/CIDInit /ProcSet findresource begin\n12 dict begin\nbegincmap\n"
                "/CIDSystemInfo << /Registry (Adobe) /Ordering (UCS) /Supplement 0 >> def\n"
                "/CMapName /Adobe-Identity-UCS def\n/CMapType 2 def\n"
                "1 begincodespacerange\n<0000> <FFFF>\nendcodespacerange\n");
    for (i = 0; i < total; i += 100) {
        int n = total - i < 100 ? total - i : 100;

        sgn_buf_printf(buf, "%d beginbfchar\n", n);
        for (k = 0; k < n; k++)
            sgn_buf_str(buf, lines[i + k]);
        sgn_buf_str(buf, "endbfchar\n");
    }
    sgn_buf_str(buf, "endcmap\nCMapName currentdict /CMap defineresource pop\nend\nend\n");
    SGN_TRY(sgn_buf_bytes(&plain, buf));
    return sgn_pdf_flate_deflate(out, plain, 9, pool);
}

sgn_error_t *sgn_pdf_font_load(const char *path, apr_pool_t *pool)
{
    hb_blob_t *blob = hb_blob_create_from_file_or_fail(path);
    unsigned char *bits;
    hb_face_t *face;
    hb_font_t *hb;
    sgn_bytes_t file;
    unsigned point;
    size_t i;

    if (!blob)
        return SGN_ERROR(pool, SGN_CONFIG, "the font %s is not there (package fonts-liberation2)", path);
    SGN_OWN(pool, blob, hb_blob_destroy);
    face = hb_face_create(blob, 0);
    SGN_OWN(pool, face, hb_face_destroy);
    hb = hb_font_create(face);
    SGN_OWN(pool, hb, hb_font_destroy);
    font.ready = 0;
    font.count = 0;
    font.letters = apr_pcalloc(pool, 512 * sizeof *font.letters);
    for (i = 0; i < sizeof ranges / sizeof ranges[0]; i++)
        for (point = ranges[i].first; point <= ranges[i].last; point++) {
            hb_codepoint_t glyph;

            if (hb_font_get_nominal_glyph(hb, point, &glyph))
                font.letters[font.count++].point = point;
            else if (ranges[i].needed)
                return SGN_ERROR(pool, SGN_CONFIG, "the font %s lacks U+%04X (fonts-liberation2 has it, "
                                 "fonts-liberation has not)", path, point);
        }
    read_metrics(face, hb);
    SGN_TRY(cut(&file, face, hb, pool));
    font.parts.base_font = "SGNVNA+LiberationSerif";
    font.parts.file_length = file.len;
    SGN_TRY(sgn_pdf_flate_deflate(&font.parts.file, file, 9, pool));
    SGN_TRY(make_cmap(&font.parts.to_unicode, pool));
    bits = apr_pcalloc(pool, font.glyphs / 8 + 1);
    for (i = 0; i < (size_t)font.glyphs; i++)
        bits[i / 8] |= (unsigned char)(0x80 >> (i % 8));
    SGN_TRY(sgn_pdf_flate_deflate(&font.parts.cid_set, sgn_bytes(bits, (font.glyphs + 7) / 8), 9, pool));
    font.ready = 1;
    return NULL;
}

int sgn_pdf_font_ready(void)
{
    return font.ready;
}

const sgn_pdf_font_parts_t *sgn_pdf_font_parts(void)
{
    return font.ready ? &font.parts : NULL;
}

static const letter_t *letter(unsigned point)
{
    int low = 0, high = font.count - 1;

    while (low <= high) {
        int middle = (low + high) / 2;

        if (font.letters[middle].point == point)
            return &font.letters[middle];
        if (font.letters[middle].point < point)
            low = middle + 1;
        else
            high = middle - 1;
    }
    return NULL;
}

static const letter_t *letter_or_mark(unsigned point)
{
    const letter_t *found = letter(point);

    return found ? found : letter('?');
}

const char *sgn_pdf_font_text(const char *text, apr_pool_t *pool)
{
    sgn_buf_t *buf = sgn_buf_make(0, pool);
    sgn_bytes_t out;
    unsigned point;
    int step;

    for (text = sgn_text_nfc(text, pool); (step = sgn_text_next(&point, text)) > 0; text += step)
        sgn_text_put(buf, letter_or_mark(point)->point);
    return sgn_buf_bytes(&out, buf) ? "" : (const char *)out.data;
}

int sgn_pdf_font_width(const char *text, apr_pool_t *pool)
{
    int width = 0, step;
    unsigned point;

    for (text = sgn_text_nfc(text, pool); (step = sgn_text_next(&point, text)) > 0; text += step)
        width += letter_or_mark(point)->width;
    return width;
}

const char *sgn_pdf_font_show(const char *text, apr_pool_t *pool)
{
    sgn_buf_t *buf = sgn_buf_make(0, pool);
    sgn_bytes_t out;
    unsigned point;
    int step;

    sgn_buf_byte(buf, '<');
    for (text = sgn_text_nfc(text, pool); (step = sgn_text_next(&point, text)) > 0; text += step)
        sgn_buf_printf(buf, "%04X", (unsigned)letter_or_mark(point)->glyph);
    sgn_buf_byte(buf, '>');
    return sgn_buf_bytes(&out, buf) ? "<>" : (const char *)out.data;
}
