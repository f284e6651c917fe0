/* Form and pages in an update [ISO 32000-2, 12.7.3, 12.5.6.19]. */
#include "look/format/pdf_form.h"

#include <stdlib.h>
#include <string.h>

#include <apr_strings.h>

#define SIG_FLAGS 3             /* SignaturesExist, AppendOnly */

typedef struct {
    int num, gen;
    const sgn_pdf_obj_t *value;
} changed_t;

sgn_error_t *sgn_pdf_form_make(sgn_pdf_form_t **out, sgn_pdf_doc_t *doc, apr_pool_t *pool)
{
    sgn_pdf_form_t *form = apr_pcalloc(pool, sizeof *form);
    const sgn_pdf_obj_t *old = sgn_pdf_doc_find(doc, sgn_pdf_doc_catalog(doc), "AcroForm");

    form->doc = doc;
    form->pool = pool;
    form->changed = apr_hash_make(pool);
    form->page_numbers = apr_hash_make(pool);
    if (old->type != SGN_PDF_NULL && old->type != SGN_PDF_DICT)
        return SGN_ERROR(pool, SGN_DOCUMENT_DAMAGED, "/AcroForm is no dictionary");
    SGN_TRY(sgn_pdf_doc_pages(&form->pages, &form->page_count, doc));
    SGN_TRY(sgn_pdf_update_make(&form->update, doc, pool));
    *out = form;
    return NULL;
}

const char *sgn_pdf_form_free_name(sgn_pdf_form_t *form, const char *wanted)
{
    char *base = apr_pstrdup(form->pool, wanted), *p;
    const char *candidate = base;
    const sgn_pdf_field_t *fields;
    int count, i, n = 1;

    for (p = base; *p; p++)
        if (*p == '.')
            *p = '_';
    if (sgn_pdf_doc_fields(&fields, &count, form->doc))
        return base;
    for (;;) {
        size_t len = strlen(candidate);

        for (i = 0; i < count; i++)
            if (strncmp(fields[i].name, candidate, len) == 0
                && (fields[i].name[len] == 0 || fields[i].name[len] == '.'))
                break;
        if (i == count)
            return candidate;
        candidate = apr_psprintf(form->pool, "%s_%d", base, ++n);
    }
}

void sgn_pdf_form_change(sgn_pdf_form_t *form, int num, int gen, const sgn_pdf_obj_t *value)
{
    changed_t *row = apr_palloc(form->pool, sizeof *row);

    row->num = num;
    row->gen = gen;
    row->value = value;
    apr_hash_set(form->changed, &row->num, sizeof row->num, row);
}

/* The value as this update has it so far. */
static const sgn_pdf_obj_t *current(sgn_pdf_form_t *form, int num, int gen)
{
    const changed_t *row = apr_hash_get(form->changed, &num, sizeof num);

    return row ? row->value : sgn_pdf_doc_object(form->doc, num, gen);
}

/* The page's object number; a page that is a direct dictionary becomes an
 * object of its own, so that later signatures change only that. */
static int page_number(sgn_pdf_form_t *form, int page)
{
    const sgn_pdf_page_t *row = &form->pages[page - 1];
    const sgn_pdf_obj_t *parent, *kids, *fresh;
    int *known, i;

    if (row->num)
        return row->num;
    known = apr_hash_get(form->page_numbers, &page, sizeof page);
    if (known)
        return known[1];
    known = apr_palloc(form->pool, 2 * sizeof *known);
    known[0] = page;
    known[1] = sgn_pdf_update_new(form->update);
    apr_hash_set(form->page_numbers, &known[0], sizeof known[0], known);
    sgn_pdf_form_change(form, known[1], 0, row->dict);
    parent = current(form, row->parent, row->parent_gen);
    kids = sgn_pdf_doc_find(form->doc, parent, "Kids");
    fresh = sgn_pdf_obj_make_array(form->pool);
    for (i = 0; i < kids->count; i++)
        fresh = sgn_pdf_obj_append(fresh, i == row->kid ? sgn_pdf_obj_make_ref(known[1], 0, form->pool)
                                   : kids->items[i], form->pool);
    sgn_pdf_form_change(form, row->parent, row->parent_gen, sgn_pdf_obj_with(parent, "Kids", fresh, form->pool));
    return known[1];
}

sgn_error_t *sgn_pdf_form_widget(const sgn_pdf_obj_t **out, sgn_pdf_form_t *form, const char *type,
                                 const char *title, int page, const double rect[4], int appearance)
{
    apr_pool_t *pool = form->pool;
    const sgn_pdf_obj_t *dict, *box = sgn_pdf_obj_make_array(pool);
    const sgn_pdf_page_t *row = &form->pages[page - 1];
    int i;

    if (!row->num && !row->parent)
        return SGN_ERROR(pool, SGN_DOCUMENT_DAMAGED, "page %d hangs on no object", page);
    for (i = 0; i < 4; i++)
        box = sgn_pdf_obj_append(box, sgn_pdf_obj_make_number(rect[i], pool), pool);
    dict = sgn_pdf_obj_with(NULL, "Type", sgn_pdf_obj_make_name("Annot", pool), pool);
    dict = sgn_pdf_obj_with(dict, "Subtype", sgn_pdf_obj_make_name("Widget", pool), pool);
    dict = sgn_pdf_obj_with(dict, "FT", sgn_pdf_obj_make_name(type, pool), pool);
    dict = sgn_pdf_obj_with(dict, "T", sgn_pdf_obj_make_text(title, pool), pool);
    dict = sgn_pdf_obj_with(dict, "Rect", box, pool);
    dict = sgn_pdf_obj_with(dict, "P", sgn_pdf_obj_make_ref(page_number(form, page), row->gen, pool), pool);
    *out = sgn_pdf_obj_with(dict, "AP", sgn_pdf_obj_with(NULL, "N",
                            sgn_pdf_obj_make_ref(appearance, 0, pool), pool), pool);
    return NULL;
}

void sgn_pdf_form_add(sgn_pdf_form_t *form, int page, int num, const sgn_pdf_obj_t *dict)
{
    apr_pool_t *pool = form->pool;
    const sgn_pdf_obj_t *ref = sgn_pdf_obj_make_ref(num, 0, pool), *annots, *value;
    int page_num = page_number(form, page), gen = form->pages[page - 1].gen;

    sgn_pdf_update_object(form->update, num, 0, dict);
    form->new_fields = sgn_pdf_obj_append(form->new_fields, ref, pool);
    /* an indirect /Annots may be shared by pages: this page gets its own */
    value = current(form, page_num, gen);
    annots = sgn_pdf_obj_append(sgn_pdf_doc_find(form->doc, value, "Annots"), ref, pool);
    sgn_pdf_form_change(form, page_num, gen, sgn_pdf_obj_with(value, "Annots", annots, pool));
}

void sgn_pdf_form_resource(sgn_pdf_form_t *form, const char *font, const sgn_pdf_obj_t *font_ref)
{
    form->fonts = sgn_pdf_obj_with(form->fonts, font, font_ref, form->pool);
}

int sgn_pdf_form_has_resource(sgn_pdf_form_t *form, const char *font)
{
    const sgn_pdf_obj_t *old = sgn_pdf_doc_find(form->doc, sgn_pdf_doc_catalog(form->doc), "AcroForm");
    const sgn_pdf_obj_t *fonts = sgn_pdf_doc_find(form->doc, sgn_pdf_doc_find(form->doc, old, "DR"), "Font");

    return sgn_pdf_obj_get(fonts, font) != NULL;
}

/* The form with new fields, fonts and flags; *changed 0: nothing to write. */
static const sgn_pdf_obj_t *new_form(int *changed, sgn_pdf_form_t *form, const sgn_pdf_obj_t *old)
{
    apr_pool_t *pool = form->pool;
    const sgn_pdf_obj_t *value = old->type == SGN_PDF_DICT ? old : sgn_pdf_obj_make_dict(pool);
    const sgn_pdf_obj_t *fields = sgn_pdf_obj_get(old, "Fields");
    apr_int64_t flags = sgn_pdf_obj_int(sgn_pdf_doc_find(form->doc, old, "SigFlags"), 0);
    int i;

    *changed = 0;
    if (form->new_fields) {
        const sgn_pdf_obj_t *all = sgn_pdf_doc_get(form->doc, fields);

        if (all->type != SGN_PDF_ARRAY)
            all = sgn_pdf_obj_make_array(pool);
        for (i = 0; i < form->new_fields->count; i++)
            all = sgn_pdf_obj_append(all, form->new_fields->items[i], pool);
        if (fields && fields->type == SGN_PDF_REF && sgn_pdf_doc_get(form->doc, fields)->type == SGN_PDF_ARRAY) {
            sgn_pdf_form_change(form, (int)fields->number, fields->gen, all);
        }
        else {
            value = sgn_pdf_obj_with(value, "Fields", all, pool);
            *changed = 1;
        }
    }
    if ((flags & SIG_FLAGS) != SIG_FLAGS) {
        value = sgn_pdf_obj_with(value, "SigFlags", sgn_pdf_obj_make_int(flags | SIG_FLAGS, pool), pool);
        *changed = 1;
    }
    if (form->fonts) {
        const sgn_pdf_obj_t *resources = sgn_pdf_doc_find(form->doc, old, "DR");
        const sgn_pdf_obj_t *fonts = sgn_pdf_doc_find(form->doc, resources, "Font");

        for (i = 0; i < form->fonts->count; i++)
            fonts = sgn_pdf_obj_with(fonts, form->fonts->keys[i], form->fonts->items[i], pool);
        resources = sgn_pdf_obj_with(resources, "Font", fonts, pool);
        value = sgn_pdf_obj_with(value, "DR", resources, pool);
        *changed = 1;
    }
    return value;
}

static int by_number(const void *a, const void *b)
{
    const changed_t *x = *(changed_t *const *)a, *y = *(changed_t *const *)b;

    return (x->num > y->num) - (x->num < y->num);
}

sgn_error_t *sgn_pdf_form_write(sgn_pdf_form_t *form)
{
    const sgn_pdf_obj_t *root = sgn_pdf_doc_root(form->doc), *catalog = sgn_pdf_doc_catalog(form->doc);
    const sgn_pdf_obj_t *old = sgn_pdf_obj_get(catalog, "AcroForm"), *value;
    apr_hash_index_t *index;
    changed_t **rows;
    int changed, count = 0, i;

    value = new_form(&changed, form, sgn_pdf_doc_get(form->doc, old));
    if (changed && old && old->type == SGN_PDF_REF
        && sgn_pdf_doc_get(form->doc, old)->type == SGN_PDF_DICT) {
        sgn_pdf_form_change(form, (int)old->number, old->gen, value);
    }
    else if (changed) {
        /* as an object of its own, so that later signatures leave the catalog alone */
        int num = sgn_pdf_update_new(form->update);

        sgn_pdf_form_change(form, num, 0, value);
        sgn_pdf_form_change(form, (int)root->number, root->gen, sgn_pdf_obj_with(catalog, "AcroForm",
                            sgn_pdf_obj_make_ref(num, 0, form->pool), form->pool));
    }
    rows = apr_palloc(form->pool, (apr_hash_count(form->changed) + 1) * sizeof *rows);
    for (index = apr_hash_first(form->pool, form->changed); index; index = apr_hash_next(index)) {
        void *row;

        apr_hash_this(index, NULL, NULL, &row);
        rows[count++] = row;
    }
    qsort(rows, count, sizeof *rows, by_number);
    for (i = 0; i < count; i++)
        sgn_pdf_update_object(form->update, rows[i]->num, rows[i]->gen, rows[i]->value);
    return NULL;
}
