/*
 * Forms, annotations, certification and locks in small files: where a new
 * signature goes, and where none may go.
 */
#include "pdf_build.h"
#include "pdf_rig.h"

#include <apr_strings.h>

#include "look/format/pdf_doc.h"
#include "look/format/pdf_font.h"

#define PAGE "<</Type/Page/Parent 2 0 R/MediaBox[0 0 300 200]"

static sgn_bytes_t built(const char *catalog, const char *pages, ...)
{
    file_t *file = start("%PDF-1.7\n");
    const char *body;
    va_list rest;

    object(file, apr_pstrcat(tap_pool(), "<</Type/Catalog/Pages 2 0 R", catalog, ">>", NULL));
    object(file, pages);
    va_start(rest, pages);
    while ((body = va_arg(rest, const char *)))
        object(file, body);
    va_end(rest);
    finish(file, "");
    return sgn_bytes(file->buf->data, file->buf->len);
}

static sgn_error_t *sign(sgn_bytes_t *out, sgn_bytes_t document, const char *field, int page, int visible)
{
    json_t *args = sgn_json_own(json_pack("{s:s,s:s,s:s,s:i}", "now", "2026-11-20T10:15:30+07:00", "kind", "check",
                                          "field", field, "contentsSize", 100), tap_pool()), *answer;

    if (visible)
        json_object_set_new(args, "box", json_pack("{s:i,s:i,s:i,s:i,s:i}", "page", page, "x", 10, "y", 10, "width", 100,
                                                   "height", 30));
    SGN_TRY(rig_prepare(&answer, document, args, tap_pool()));
    *out = rig_finish(document, answer, NULL, NULL, tap_pool());
    return NULL;
}

static sgn_error_t *fill(sgn_bytes_t *out, sgn_bytes_t document, const char *field)
{
    json_t *args = sgn_json_own(json_pack("{s:s,s:s,s:s,s:i}", "now", "2026-11-20T10:15:30+07:00", "kind", "approve",
                                          "fieldName", field, "contentsSize", 100), tap_pool()), *answer;

    SGN_TRY(rig_prepare(&answer, document, args, tap_pool()));
    *out = rig_finish(document, answer, NULL, NULL, tap_pool());
    return NULL;
}

static sgn_pdf_doc_t *reading(sgn_bytes_t document)
{
    sgn_pdf_scan_t *scan;
    sgn_pdf_doc_t *doc;
    sgn_error_t *error = sgn_pdf_scan(&scan, document.data, (apr_off_t)document.len, tap_pool());

    if (!error)
        error = sgn_pdf_doc_open(&doc, scan, -1, tap_pool());
    if (error)
        printf("# %s\n", error->detail);
    return error ? NULL : doc;
}

/* Numbers of what the newest section wrote, "1 3 4". */
static const char *wrote(sgn_bytes_t document)
{
    const sgn_pdf_scan_t *scan = sgn_pdf_doc_scan(reading(document));
    const sgn_pdf_section_t *last = &scan->sections[scan->section_count - 1];
    const char *text = "";
    int i;

    for (i = 0; i < last->count; i++)
        text = apr_psprintf(tap_pool(), "%s%s%d", text, i ? " " : "", last->entries[i].num);
    return text;
}

static int annots(sgn_bytes_t document, int page)
{
    sgn_pdf_doc_t *doc = reading(document);
    const sgn_pdf_page_t *pages;
    int count;

    if (!doc || sgn_pdf_doc_pages(&pages, &count, doc) || page > count)
        return -1;
    return sgn_pdf_doc_find(doc, pages[page - 1].dict, "Annots")->count;
}

static void places(void)
{
    sgn_bytes_t one, two, plain = built("", "<</Type/Pages/Count 1/Kids[3 0 R]>>", PAGE ">>", NULL);

    is_code(sign(&one, plain, "a", 1, 1), SGN_OK, "a file without a form is signed");
    is(wrote(one), "1 3 4 5 6 7", "catalog, page, field, value, appearance and form are written");
    is_code(sign(&two, one, "b", 1, 0), SGN_OK, "and signed again");
    is(wrote(two), "3 7 8 9 10", "the second time the catalog stays as it is");
    is_int(annots(two, 1), 2, "both widgets hang on the page");

    plain = built("/AcroForm<</Fields 4 0 R/DA(/H 0 Tf)>>", "<</Type/Pages/Count 1/Kids[3 0 R]>>", PAGE ">>", "[]", NULL);
    sign(&one, plain, "a", 1, 0);
    ok(sgn_pdf_doc_field(reading(one), "a") != NULL, "an indirect /Fields is extended");
    is(sgn_pdf_obj_text(sgn_pdf_doc_find(reading(one), sgn_pdf_doc_find(reading(one), sgn_pdf_doc_catalog(reading(one)),
       "AcroForm"), "DA"), tap_pool()), "/H 0 Tf", "and the form keeps its other keys");

    plain = built("", "<</Type/Pages/Count 2/Kids[3 0 R 4 0 R]>>", PAGE "/Annots 5 0 R>>", PAGE "/Annots 5 0 R>>",
                  "[6 0 R]", "<</Type/Annot/Subtype/Link/Rect[0 0 9 9]>>", NULL);
    sign(&one, plain, "a", 1, 1);
    is_int(annots(one, 1), 2, "a shared /Annots gets the widget on the page that is signed");
    is_int(annots(one, 2), 1, "and not on the other");

    plain = built("", "<</Type/Pages/Count 2/Kids[" PAGE ">> " PAGE "/Rotate 90>>]>>", NULL);
    is_code(sign(&one, plain, "a", 2, 1), SGN_OK, "a page that is a direct dictionary is signed");
    is_int(annots(one, 2), 1, "its widget is there");
    is_int(annots(one, 1), 0, "the other page is as it was");
    is_code(sign(&two, one, "b", 2, 1), SGN_OK, "and signed again");
    ok(strncmp(wrote(two), "2 ", 2) != 0, "the page tree is left alone the second time");
}

static void existing(void)
{
    sgn_bytes_t one, two, plain = built("/AcroForm<</Fields[4 0 R]>>", "<</Type/Pages/Count 1/Kids[3 0 R]>>",
        PAGE "/Annots[4 0 R]>>", "<</Type/Annot/Subtype/Widget/FT/Sig/T(k\375)/Rect[9 9 99 50]/P 3 0 R/F 4>>", NULL);
    sgn_pdf_doc_t *doc;

    is_code(fill(&one, plain, "nowhere"), SGN_FIELD, "a field that is not there cannot be filled");
    is_code(fill(&one, plain, "k\xc3\xbd"), SGN_OK, "an empty signature field is filled");
    doc = reading(one);
    ok(sgn_pdf_doc_field(doc, "k\xc3\xbd")->value && annots(one, 1) == 1, "in place, without a second widget");
    is_code(fill(&two, one, "k\xc3\xbd"), SGN_FIELD, "only once");
    plain = built("/AcroForm<</Fields[4 0 R]>>", "<</Type/Pages/Count 1/Kids[3 0 R]>>", PAGE ">>",
                  "<</FT/Sig/T(k)/Rect[0 0 0 0]/Subtype/Widget/SV<</Ff 1>>>>", NULL);
    is_code(fill(&one, plain, "k"), SGN_DOCUMENT_CERTIFIED, "a field with seed values is left alone");
}

static void refusals(void)
{
    static const struct { const char *catalog, *page, *field; sgn_code_t code; const char *name; } rows[] = {
        { "/AA<</WC 4 0 R>>", ">>", "<<>>", SGN_DOCUMENT_ACTIVE, "B6: additional actions of the document" },
        { "/OpenAction<</S/JavaScript/JS(x)>>", ">>", "<<>>", SGN_DOCUMENT_ACTIVE, "B6: a script on opening" },
        { "/OpenAction[3 0 R/Fit]", ">>", "<<>>", SGN_OK, "a destination on opening is harmless" },
        { "/Names<</JavaScript<</Names[]>>>>", ">>", "<<>>", SGN_DOCUMENT_ACTIVE, "B6: named scripts" },
        { "", "/AA<</O 4 0 R>>>>", "<<>>", SGN_DOCUMENT_ACTIVE, "B6: additional actions of a page" },
        { "/AcroForm<</Fields[4 0 R]>>", ">>", "<</FT/Tx/T(x)/AA<</F 3 0 R>>>>", SGN_DOCUMENT_ACTIVE, "B4: additional actions of a field" },
        { "/AcroForm<</Fields[4 0 R]/NeedAppearances true>>", ">>", "<</FT/Tx/T(x)>>", SGN_DOCUMENT_ACTIVE, "B5: NeedAppearances" },
        { "/AcroForm<</Fields[]/XFA 4 0 R>>", ">>", "[]", SGN_DOCUMENT_XFA, "XFA" },
        { "/AcroForm<</Fields[4 0 R]>>", ">>", "<</FT/Tx/T(sgn_number)>>", SGN_RESERVE_CLASH, "B4: a field of a reserved name" },
        { "/AcroForm<</Fields[4 0 R]>>", ">>", "<</T(sgn_number)/Kids[4 0 R]>>", SGN_DOCUMENT_DAMAGED, "a field that is its own kid" },
        { "/AcroForm<</Fields[4 0 R]>>", ">>", "<</T(a)/Kids[<</T(b)/Parent 4 0 R>>]>>", SGN_OK, "a tree of fields is harmless" },
        { "/Version/1.7/Version/1.4", ">>", "<<>>", SGN_DOCUMENT_DAMAGED, "R6: a catalog with a double key" },
    };
    sgn_bytes_t out;
    size_t i;

    for (i = 0; i < sizeof rows / sizeof rows[0]; i++)
        is_code(sign(&out, built(rows[i].catalog, "<</Type/Pages/Count 1/Kids[3 0 R]>>",
                                 apr_pstrcat(tap_pool(), PAGE, rows[i].page, NULL), rows[i].field, NULL), "a", 1, 1),
                rows[i].code, rows[i].name);
}

/* A signature with /P, and one with a lock. */
static sgn_bytes_t locked(int level, const char *lock)
{
    const char *parms = level ? apr_psprintf(tap_pool(), "<</TransformMethod/DocMDP/TransformParams<</P %d/V/1.2>>>>", level)
                              : apr_psprintf(tap_pool(), "<</TransformMethod/FieldMDP/TransformParams<<%s/V/1.2>>>>", lock);

    return built(level ? "/AcroForm<</Fields[4 0 R 6 0 R]/SigFlags 3>>/Perms<</DocMDP 5 0 R>>"
                       : "/AcroForm<</Fields[4 0 R 6 0 R]/SigFlags 3>>",
                 "<</Type/Pages/Count 1/Kids[3 0 R]>>", PAGE ">>", "<</FT/Sig/T(first)/V 5 0 R/Subtype/Widget/Rect[0 0 0 0]>>",
                 apr_psprintf(tap_pool(), "<</Type/Sig/Filter/X/ByteRange[0 1 2 3]/Contents<00>/Reference[%s]>>", parms),
                 "<</FT/Sig/T(empty)/Subtype/Widget/Rect[9 9 99 50]/P 3 0 R>>", NULL);
}

static void locks(void)
{
    sgn_bytes_t out;

    is_code(sign(&out, locked(1, ""), "a", 1, 0), SGN_DOCUMENT_CERTIFIED, "certified with P 1: nothing may be added");
    is_code(fill(&out, locked(1, ""), "empty"), SGN_DOCUMENT_CERTIFIED, "nor filled");
    is_code(sign(&out, locked(2, ""), "a", 1, 1), SGN_DOCUMENT_CERTIFIED, "certified with P 2: no new visible field");
    is_code(sign(&out, locked(2, ""), "a", 1, 0), SGN_OK, "but an invisible one");
    is_code(fill(&out, locked(2, ""), "empty"), SGN_OK, "or one that is there");
    is_code(fill(&out, locked(0, "/Action/All"), "empty"), SGN_DOCUMENT_CERTIFIED, "a lock of all fields is respected");
    is_code(fill(&out, locked(0, "/Action/Include/Fields[(empty)]"), "empty"), SGN_DOCUMENT_CERTIFIED, "and a lock of this one");
    is_code(fill(&out, locked(0, "/Action/Include/Fields[(other)]"), "empty"), SGN_OK, "a lock of another is none");
    is_code(fill(&out, locked(0, "/Action/Exclude/Fields[(empty)]"), "empty"), SGN_OK, "an exception is one");
    is_code(fill(&out, locked(0, "/Action/Exclude/Fields[(other)]"), "empty"), SGN_DOCUMENT_CERTIFIED, "for the field it names");
}

int main(void)
{
    sgn_error_t *error = sgn_pdf_font_load(SGN_PDF_FONT_PATH, tap_pool());

    if (error)
        printf("Bail out! %s\n", error->detail);
    places();
    existing();
    refusals();
    locks();
    return done_testing();
}
