/*
 * Preparing signatures on every sample: what must be refused is, what is
 * signed reads back as it should, and a reserved field draws what it stores.
 */
#include "pdf_rig.h"

#include <apr_strings.h>

#include "look/format/pdf_doc.h"
#include "look/format/pdf_font.h"
#include "look/format/pdf_image.h"
#include "look/format/pdf_list.h"
#include "look/format/pdf_reserve.h"
#include "look/format/pdf_update.h"

static const char *samples;

static sgn_bytes_t sample(const char *name)
{
    return rig_read(apr_pstrcat(tap_pool(), samples, "/", name, NULL));
}

static json_t *box(int page, double x, double y, double width, double height)
{
    return json_pack("{s:i,s:f,s:f,s:f,s:f}", "page", page, "x", x, "y", y, "width", width, "height", height);
}

static json_t *arguments(const char *kind, const char *image)
{
    json_t *args = sgn_json_own(json_pack("{s:s,s:s,s:s,s:i,s:s}", "now", "2026-11-20T10:15:30+07:00", "kind", kind,
                                          "field", "sgn_test", "contentsSize", 4096, "signerName",
                                          "Nguy\xe1\xbb\x85n V\xc4\x83n An"), tap_pool());

    json_object_set_new(args, "box", box(1, 361, 316, 113, 56));
    if (image)
        sgn_json_set_bytes(args, "image", sample(image), tap_pool());
    return args;
}

static json_t *reserving(void)
{
    json_t *args = arguments("approve", "signature.png"), *reserve = json_object();

    json_object_set_new(reserve, "number", box(1, 132.52, 736, 36, 17));
    json_object_set_new(reserve, "day", box(1, 398.27, 736, 24, 17));
    json_object_set_new(reserve, "month", box(1, 458.38, 736, 24, 17));
    json_object_set_new(reserve, "seal", box(1, 297.06, 293.82, 1, 1));
    json_object_set_new(args, "reserve", reserve);
    return args;
}

static json_t *sealing(const char *number)
{
    json_t *args = arguments("seal", "seal-a.png");

    json_object_del(args, "box");
    json_object_set_new(args, "fieldName", json_string("sgn_seal"));
    json_object_set_new(args, "imageWidthMm", json_real(36));
    json_object_set_new(args, "fill", json_pack("{s:s,s:s,s:s}", "number", number, "day", "05", "month", "02"));
    return args;
}

static sgn_error_t *sign(sgn_bytes_t *out, sgn_bytes_t document, json_t *args)
{
    json_t *answer;

    SGN_TRY(rig_prepare(&answer, document, args, tap_pool()));
    *out = rig_finish(document, answer, NULL, NULL, tap_pool());
    return NULL;
}

static sgn_pdf_doc_t *reading(sgn_bytes_t document)
{
    sgn_pdf_scan_t *scan;
    sgn_pdf_doc_t *doc;

    if (sgn_pdf_scan(&scan, document.data, (apr_off_t)document.len, tap_pool())
        || sgn_pdf_scan_vet(scan, tap_pool()) || sgn_pdf_doc_open(&doc, scan, -1, tap_pool()))
        return NULL;
    return doc;
}

static void refusals(void)
{
    static const struct { const char *file; sgn_code_t code; } rows[] = {
        { "not-a-pdf.pdf", SGN_DOCUMENT_NOT_PDF }, { "empty.pdf", SGN_BODY_EMPTY },
        { "truncated.pdf", SGN_DOCUMENT_DAMAGED }, { "bad-startxref.pdf", SGN_DOCUMENT_DAMAGED },
        { "zero-pages.pdf", SGN_DOCUMENT_NO_PAGES }, { "leading-junk.pdf", SGN_DOCUMENT_HEADER },
        { "encrypted-password.pdf", SGN_DOCUMENT_PASSWORD }, { "encrypted-empty-aes256.pdf", SGN_DOCUMENT_ENCRYPTED },
        { "encrypted-empty-rc4.pdf", SGN_DOCUMENT_ENCRYPTED }, { "xfa.pdf", SGN_DOCUMENT_XFA },
        { "javascript.pdf", SGN_DOCUMENT_ACTIVE }, { "reserved-names.pdf", SGN_RESERVE_CLASH },
        { "reserved-number-filled-stream.pdf", SGN_RESERVE_CLASH },
    };
    sgn_bytes_t out;
    size_t i;

    for (i = 0; i < sizeof rows / sizeof rows[0]; i++)
        is_code(sign(&out, sample(rows[i].file), reserving()), rows[i].code,
                apr_psprintf(tap_pool(), "%s is refused", rows[i].file));
}

static void boxes(void)
{
    json_t *args = arguments("approve", NULL);
    sgn_bytes_t out, reserved, table = sample("decision-table.pdf");

    json_object_set_new(args, "box", box(1, 550, 10, 100, 50));
    is_code(sign(&out, table, args), SGN_PLACEMENT_OUTSIDE, "a box over the edge is refused");
    json_object_set_new(args, "box", box(9, 10, 10, 100, 50));
    is_code(sign(&out, table, args), SGN_PLACEMENT_OUTSIDE, "a box on a page that is not there is refused");
    json_object_set_new(args, "box", box(1, 10, 10, 0, 50));
    is_code(sign(&out, table, args), SGN_PLACEMENT_OUTSIDE, "a box without width is refused");
    args = reserving();
    json_object_set_new(json_object_get(args, "reserve"), "number", box(1, 132, 736, 9, 17));
    is_code(sign(&out, table, args), SGN_RESERVE_NARROW, "a number box for less than two digits is refused");
    args = reserving();
    json_object_set_new(args, "box", box(1, 120, 700, 60, 60));
    is_code(sign(&out, table, args), SGN_PLACEMENT_OVER_TEXT, "B7: a signature over the number it reserves is refused");
    is_code(sign(&reserved, table, reserving()), SGN_OK, "number and date are reserved");
    args = arguments("check", NULL);
    json_object_set_new(args, "box", box(1, 450, 700, 60, 60));
    is_code(sign(&out, reserved, args), SGN_PLACEMENT_OVER_TEXT, "B7: and over the reserved date too");
    args = reserving();
    json_object_set_new(args, "image", json_string("aGVsbG8="));
    is_code(sign(&out, table, args), SGN_IMAGE_REFUSED, "an image that is no PNG is refused");
}

/* Approve with reservation, then seal, and look at what is there. */
static void whole(const char *name)
{
    sgn_bytes_t first, second, third;
    const sgn_pdf_field_t *field;
    sgn_format_list_t *list;
    sgn_pdf_doc_t *doc;
    const char *what = NULL;
    int same = 0, i, ours = 0, count;
    const sgn_pdf_page_t *pages;
    double wide;

    if (is_code(sign(&first, sample(name), reserving()), SGN_OK, apr_pstrcat(tap_pool(), name, ": approved", NULL)) == 0)
        return;
    doc = reading(first);
    ok(doc && memcmp(first.data, sample(name).data, sample(name).len) == 0, "the original's bytes are as they were");
    for (i = 0; i < 3; i++) {
        field = sgn_pdf_doc_field(doc, sgn_pdf_reserve_names[i]);
        ok(field && !field->value && field->flags == 1 && field->page == 1, "a reserved field is empty and read-only");
        ok(field && !sgn_pdf_reserve_compare(&same, &what, doc, field, tap_pool()) && same,
           "and draws nothing, provably");
    }
    field = sgn_pdf_doc_field(doc, "sgn_seal");
    wide = field && !sgn_pdf_doc_pages(&pages, &count, doc) ? (field->rect[2] - field->rect[0]) * pages[0].user_unit : 0;
    ok(wide > 102 && wide < 102.1,
       "the seal's field has the registered diameter of 36 mm");
    is_code(sign(&second, first, reserving()), SGN_RESERVE_TOO_LATE, "reserving after a signature is refused");
    is_code(sign(&second, first, sealing("12345678")), SGN_RESERVE_NARROW, "a number too wide for its box is refused");
    is_code(sign(&second, first, sealing("0\xe4\xb8\x80")), SGN_NUMBER_INVALID, "a number the font cannot write is refused");
    if (is_code(sign(&second, first, sealing("07")), SGN_OK, "sealed with number and date") == 0)
        return;
    doc = reading(second);
    is_int(sgn_pdf_doc_scan(doc)->revision_count, sgn_pdf_doc_scan(reading(first))->revision_count + 1,
           "number, date and seal are one revision");
    for (i = 0; i < 3; i++) {
        static const char *const values[] = { "07", "05", "02" };

        field = sgn_pdf_doc_field(doc, sgn_pdf_reserve_names[i]);
        is(field ? sgn_pdf_obj_text(field->value, tap_pool()) : NULL, values[i], "the value is stored");
        ok(field && !sgn_pdf_reserve_compare(&same, &what, doc, field, tap_pool()) && same,
           "what is drawn is what is stored");
    }
    ok(sgn_pdf_list(&list, doc, tap_pool()) == NULL && list->orphan_count == 0, "no signature is out of reach");
    for (i = 0; i < list->count; i++) {
        sgn_format_signature_t *s = &list->signatures[i];

        ours += s->range_ok && s->range[0] == 0 && s->range[1] == s->contents_start && s->range[2] == s->contents_end
             && sgn_pdf_scan_ending(sgn_pdf_doc_scan(doc), s->range[2] + s->range[3]) == s->revision && s->type1
             && !s->doubles && strcmp(s->subfilter, "ETSI.CAdES.detached") == 0 && s->page == 1;
    }
    is_int(ours, 2, "R1, R2: both byte ranges end at their revisions and leave out exactly /Contents");
    is(list->signatures[list->count - 1].claimed_time, "2026-11-20T10:15:30+07:00", "the claimed time is told");
    is_code(sign(&third, second, sealing("07")), SGN_SEAL_ALREADY, "B3: a second seal in the field is refused");
    is_code(sign(&third, second, arguments("copy", NULL)), SGN_OK, "a later signature of others is possible");
    ok(sgn_pdf_doc_field(reading(third), "sgn_test_2") != NULL, "and gets a name of its own");
}

/* [ISO 19005-1, 6.4] no soft masks where the metadata claims PDF/A-1. */
static void without_transparency(void)
{
    sgn_bytes_t plain = sample("decision-table.pdf"), out = { NULL, 0 };
    const char *xmp = "<rdf:Description xmlns:pdfaid='x' pdfaid:part='1'/>";
    sgn_buf_t *buf = sgn_buf_make(0, tap_pool());
    const sgn_pdf_obj_t *catalog;
    sgn_pdf_update_t *update;
    sgn_pdf_doc_t *doc = reading(plain);
    apr_int64_t range[4];
    apr_off_t gap;
    size_t length;
    int num;

    sgn_pdf_update_make(&update, doc, tap_pool());
    num = sgn_pdf_update_new(update);
    sgn_pdf_update_stream(update, num, sgn_pdf_obj_make_dict(tap_pool()), sgn_bytes_str(xmp));
    catalog = sgn_pdf_obj_with(sgn_pdf_doc_catalog(doc), "Metadata", sgn_pdf_obj_make_ref(num, 0, tap_pool()), tap_pool());
    sgn_pdf_update_object(update, (int)sgn_pdf_doc_root(doc)->number, 0, catalog);
    is_code(sgn_pdf_update_finish(&out, range, &gap, &length, update), SGN_OK, "metadata is added");
    sgn_buf_add(buf, plain.data, plain.len);
    sgn_buf_add(buf, out.data, out.len);
    is_code(sign(&out, sgn_bytes(buf->data, buf->len), reserving()), SGN_OK, "a file that claims PDF/A-1 is signed");
    ok(memmem(rig_update.data, rig_update.len, "/ImageMask true", 15) && !memmem(rig_update.data, rig_update.len, "/SMask", 6),
       "its image has a stencil mask instead of alpha");
    is_code(sign(&out, plain, reserving()), SGN_OK, "another file is signed");
    ok(memmem(rig_update.data, rig_update.len, "/SMask", 6) != NULL, "its image has alpha");
}

static void sizes(void)
{
    sgn_bytes_t first, second;
    json_t *args = sealing("07");

    json_object_set_new(args, "imageWidthMm", json_real(42));
    if (sign(&first, sample("decision-table.pdf"), reserving()) == NULL)
        is_code(sign(&second, first, args), SGN_RESERVE_NARROW, "a seal larger than its reserved place is refused, not cut");
    args = reserving();
    json_object_set_new(args, "sealMm", json_real(42));
    is_code(sign(&first, sample("decision-table.pdf"), args), SGN_OK, "a place for a seal of 42 mm is reserved");
    args = sealing("07");
    json_object_set_new(args, "imageWidthMm", json_real(42));
    is_code(sign(&second, first, args), SGN_OK, "and takes it");
}

/* B5: /V says one thing, the appearance another. */
static void forged(void)
{
    sgn_bytes_t first, second, forged;
    unsigned char *copy, *at;
    const char *what = NULL;
    sgn_pdf_doc_t *doc;
    int same = 1;

    if (sign(&first, sample("decision-table.pdf"), reserving()) || sign(&second, first, sealing("15"))) {
        ok(0, "B5: the document to forge is there");
        return;
    }
    copy = apr_pmemdup(tap_pool(), second.data, second.len);
    at = memmem(copy + first.len, second.len - first.len, "/V (15)", 7);
    ok(at != NULL, "B5: the stored value is found");
    if (at)
        memcpy(at, "/V (75)", 7);
    forged = sgn_bytes(copy, second.len);
    doc = reading(forged);
    ok(doc && !sgn_pdf_reserve_compare(&same, &what, doc, sgn_pdf_doc_field(doc, "sgn_number"), tap_pool()) && !same,
       "B5: a value that differs from what is drawn is told");
    is(what, "the appearance draws something else than the value", "B5: and how");
    /* B4: filled before the seal */
    is_code(sign(&second, forged, sealing("75")), SGN_SEAL_ALREADY, "B4: sealing over a filled field is refused");
}

static void images(void)
{
    static const struct { const char *file; sgn_pdf_image_use_t use; sgn_code_t code; } rows[] = {
        { "signature.png", SGN_PDF_IMAGE_SIGNATURE, SGN_OK }, { "signature-deputy.png", SGN_PDF_IMAGE_SIGNATURE, SGN_OK },
        { "seal-a.png", SGN_PDF_IMAGE_SEAL, SGN_OK }, { "seal-b.png", SGN_PDF_IMAGE_SEAL, SGN_OK },
        { "seal-a.png", SGN_PDF_IMAGE_SIGNATURE, SGN_IMAGE_REFUSED },
        { "signature.png", SGN_PDF_IMAGE_SEAL, SGN_IMAGE_REFUSED },
        { "signature-opaque.png", SGN_PDF_IMAGE_SIGNATURE, SGN_IMAGE_REFUSED },
        { "signature-black.png", SGN_PDF_IMAGE_SIGNATURE, SGN_IMAGE_REFUSED },
        { "seal-green.png", SGN_PDF_IMAGE_SEAL, SGN_IMAGE_REFUSED },
        { "image-jpeg.png", SGN_PDF_IMAGE_SIGNATURE, SGN_IMAGE_REFUSED },
    };
    size_t i;

    for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        sgn_pdf_image_t *image;
        sgn_error_t *error = sgn_pdf_image_read(&image, sample(rows[i].file), tap_pool());

        if (!error)
            error = sgn_pdf_image_admit(image, rows[i].use, tap_pool());
        is_code(error, rows[i].code, apr_psprintf(tap_pool(), "%s as %s", rows[i].file,
                rows[i].use == SGN_PDF_IMAGE_SEAL ? "seal" : "signature"));
    }
}

static void font(void)
{
    const char *composed = "\xe1\xbb\x86", *apart = "E\xcc\xa3\xcc\x82";

    is(sgn_pdf_font_show(apart, tap_pool()), sgn_pdf_font_show(composed, tap_pool()),
       "a letter with separate marks is drawn as the composed one");
    ok(sgn_pdf_font_width("A", tap_pool()) == 722 && sgn_pdf_font_width("0", tap_pool()) == 500,
       "widths are those of Times New Roman");
    is(sgn_pdf_font_text("\xe4\xb8\x80", tap_pool()), "?", "a letter the font lacks is drawn as '?'");
    is_code(sgn_pdf_font_load("/nonexistent.ttf", tap_pool()), SGN_CONFIG, "a missing font is told");
}

int main(void)
{
    static const char *const shapes[] = { "decision-table.pdf", "decision-stream.pdf", "decision-hybrid.pdf",
        "decision-linearized.pdf", "decision-linearized-stream.pdf", "cropbox.pdf", "shifted-mediabox.pdf",
        "inverted-mediabox.pdf", "inherited-mediabox.pdf", "rotated-180.pdf", "userunit.pdf", "no-last-newline.pdf", "trailing-bytes.pdf",
        "form-direct.pdf", "form-indirect-stream.pdf", "form-empty-signature.pdf", "pages-3.pdf", "pages-200-stream.pdf" };
    sgn_error_t *error;
    size_t i;

    samples = getenv("SGN_SAMPLES");
    if (!samples) {
        printf("1..0 # SKIP SGN_SAMPLES is not set (scripts/test makes them)\n");
        return 0;
    }
    error = sgn_pdf_font_load(SGN_PDF_FONT_PATH, tap_pool());
    if (error)
        printf("Bail out! %s\n", error->detail);
    refusals();
    boxes();
    for (i = 0; i < sizeof shapes / sizeof shapes[0]; i++)
        whole(shapes[i]);
    forged();
    without_transparency();
    sizes();
    images();
    font();
    return done_testing();
}
