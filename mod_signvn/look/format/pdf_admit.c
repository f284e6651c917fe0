/* What makes a PDF unfit for signing [THREATS B4, B6; ISO 32000-2, 12.8.2]. */
#include "look/format/pdf_admit.h"

#include <string.h>

#define ACTIVE(...) SGN_ERROR(pool, SGN_DOCUMENT_ACTIVE, __VA_ARGS__)

static int is_script(sgn_pdf_doc_t *doc, const sgn_pdf_obj_t *action)
{
    action = sgn_pdf_doc_get(doc, action);
    return action->type == SGN_PDF_DICT
        && (sgn_pdf_obj_is_name(sgn_pdf_doc_find(doc, action, "S"), "JavaScript")
            || sgn_pdf_obj_is_name(sgn_pdf_doc_find(doc, action, "S"), "Launch")
            || sgn_pdf_doc_find(doc, action, "JS")->type != SGN_PDF_NULL);
}

static sgn_error_t *check_pages(sgn_pdf_doc_t *doc, apr_pool_t *pool)
{
    const sgn_pdf_page_t *pages;
    int count, i;

    SGN_TRY(sgn_pdf_doc_pages(&pages, &count, doc));
    for (i = 0; i < count; i++)
        if (sgn_pdf_obj_get(pages[i].dict, "AA"))
            return ACTIVE("page %d has /AA", i + 1);
    return NULL;
}

static sgn_error_t *check_fields(sgn_pdf_doc_t *doc, apr_pool_t *pool)
{
    const sgn_pdf_field_t *fields;
    int count, i;

    SGN_TRY(sgn_pdf_doc_fields(&fields, &count, doc));
    for (i = 0; i < count; i++) {
        if (sgn_pdf_obj_get(fields[i].dict, "AA"))
            return ACTIVE("a field (object %d) has /AA", fields[i].num);
        if (is_script(doc, sgn_pdf_obj_get(fields[i].dict, "A")))
            return ACTIVE("a field (object %d) runs a script", fields[i].num);
    }
    return NULL;
}

sgn_error_t *sgn_pdf_admit_document(sgn_pdf_doc_t *doc, apr_pool_t *pool)
{
    const sgn_pdf_scan_t *scan = sgn_pdf_doc_scan(doc);
    const sgn_pdf_obj_t *catalog = sgn_pdf_doc_catalog(doc);
    const sgn_pdf_obj_t *form = sgn_pdf_doc_find(doc, catalog, "AcroForm");
    const sgn_pdf_obj_t *need = sgn_pdf_doc_find(doc, form, "NeedAppearances");
    int i;

    if (scan->encrypted)
        return SGN_ERROR(pool, SGN_DOCUMENT_ENCRYPTED, "the trailer has /Encrypt");
    for (i = 0; i < scan->section_count; i++)
        if (scan->sections[i].trailer->doubles)
            return SGN_ERROR(pool, SGN_DOCUMENT_DAMAGED, "a trailer has a key twice");
    if (sgn_pdf_doc_doubles(doc, (int)sgn_pdf_doc_root(doc)->number))
        return SGN_ERROR(pool, SGN_DOCUMENT_DAMAGED, "the catalog has a key twice");
    if (sgn_pdf_doc_find(doc, form, "XFA")->type != SGN_PDF_NULL)
        return SGN_ERROR(pool, SGN_DOCUMENT_XFA, "the form has /XFA");
    if (need->type == SGN_PDF_BOOL && need->number)
        return ACTIVE("the form wants its appearances made anew (NeedAppearances)");
    if (sgn_pdf_obj_get(catalog, "AA"))
        return ACTIVE("the catalog has /AA");
    if (is_script(doc, sgn_pdf_obj_get(catalog, "OpenAction")))
        return ACTIVE("opening the document runs a script");
    if (sgn_pdf_doc_find(doc, sgn_pdf_doc_find(doc, catalog, "Names"), "JavaScript")->type != SGN_PDF_NULL)
        return ACTIVE("the document has named scripts");
    SGN_TRY(check_pages(doc, pool));
    return check_fields(doc, pool);
}

int sgn_pdf_admit_signed(sgn_pdf_doc_t *doc)
{
    const sgn_pdf_field_t *fields;
    int count, i, n = 0;

    if (sgn_pdf_doc_fields(&fields, &count, doc))
        return 0;
    for (i = 0; i < count; i++)
        n += fields[i].type && strcmp(fields[i].type, "Sig") == 0 && fields[i].value;
    return n;
}

sgn_error_t *sgn_pdf_admit_signature(sgn_pdf_doc_t *doc, const char *name, sgn_pdf_admit_how_t how, apr_pool_t *pool)
{
    const sgn_pdf_field_t *fields;
    int count, i, num, level = sgn_pdf_doc_certified(doc, &num);

    if (level == 1)
        return SGN_ERROR(pool, SGN_DOCUMENT_CERTIFIED, "certified: no changes allowed");
    if (level && how == SGN_PDF_ADMIT_VISIBLE)
        return SGN_ERROR(pool, SGN_DOCUMENT_CERTIFIED, "certified: only existing fields may be signed");
    SGN_TRY(sgn_pdf_doc_fields(&fields, &count, doc));
    for (i = 0; i < count; i++) {
        if (fields[i].type && strcmp(fields[i].type, "Sig") == 0 && fields[i].value
            && sgn_pdf_doc_locks(doc, &fields[i], name))
            return SGN_ERROR(pool, SGN_DOCUMENT_CERTIFIED, "an earlier signature locks the field");
        if (how == SGN_PDF_ADMIT_EXISTING && strcmp(fields[i].name, name) == 0
            && sgn_pdf_doc_find(doc, fields[i].dict, "SV")->type != SGN_PDF_NULL)
            return SGN_ERROR(pool, SGN_DOCUMENT_CERTIFIED, "the field prescribes its signature (/SV)");
    }
    return NULL;
}

int sgn_pdf_admit_overlaps(sgn_pdf_doc_t *doc, const sgn_pdf_page_t *page, const double rect[4])
{
    const sgn_pdf_obj_t *annots = sgn_pdf_doc_find(doc, page->dict, "Annots");
    int i, k;

    for (i = 0; annots->type == SGN_PDF_ARRAY && i < annots->count; i++) {
        const sgn_pdf_obj_t *annot = sgn_pdf_doc_at(doc, annots, i), *box = sgn_pdf_doc_find(doc, annot, "Rect");
        double other[4];

        if (!sgn_pdf_obj_is_name(sgn_pdf_doc_find(doc, annot, "Subtype"), "Widget") || box->count != 4)
            continue;
        for (k = 0; k < 4; k++)
            other[k] = sgn_pdf_doc_at(doc, box, k)->real;
        for (k = 0; k < 2; k++)
            if (other[k] > other[k + 2]) {
                double swap = other[k];

                other[k] = other[k + 2];
                other[k + 2] = swap;
            }
        if (other[0] < rect[2] && other[2] > rect[0] && other[1] < rect[3] && other[3] > rect[1])
            return 1;
    }
    return 0;
}

int sgn_pdf_admit_pdfa1(sgn_pdf_doc_t *doc, apr_pool_t *pool)
{
    const sgn_pdf_obj_t *ref = sgn_pdf_obj_get(sgn_pdf_doc_catalog(doc), "Metadata");
    const unsigned char *at;
    sgn_bytes_t xmp;
    size_t left;

    if (!ref || ref->type != SGN_PDF_REF
        || sgn_pdf_doc_stream_decoded(&xmp, doc, (int)ref->number, ref->gen, 1 << 20, pool))
        return 0;
    at = memmem(xmp.data, xmp.len, "pdfaid:part", 11);
    if (!at)
        return 0;
    at += 11;
    left = xmp.len - (size_t)(at - xmp.data);
    while (left && (*at == '=' || *at == '"' || *at == '\'' || *at == '>' || *at == ' ')) {
        at++;
        left--;
    }
    return left > 0 && *at == '1';
}
