/* The field tree, certification and locks [ISO 32000-2, 12.7, 12.8.2]. */
#include "look/format/pdf_doc_impl.h"

#include <string.h>

#include <apr_strings.h>

#define DAMAGED(...) SGN_ERROR(pool, SGN_DOCUMENT_DAMAGED, __VA_ARGS__)

typedef struct {
    const char *name;
    const sgn_pdf_obj_t *type, *value, *flags;
} parent_t;

typedef struct {
    sgn_pdf_doc_t *doc;
    apr_hash_t *seen;
    int cap;
} walk_t;

/* Widgets without /P are looked for in every page's /Annots, once. */
static int page_of_widget(sgn_pdf_doc_t *doc, int num)
{
    const int *page;

    if (!num)
        return 0;
    if (!doc->annotations) {
        const sgn_pdf_page_t *pages;
        int count, i, k;

        doc->annotations = apr_hash_make(doc->pool);
        if (sgn_pdf_doc_pages(&pages, &count, doc))
            return 0;
        for (i = 0; i < count; i++) {
            const sgn_pdf_obj_t *annots = sgn_pdf_doc_find(doc, pages[i].dict, "Annots");

            for (k = 0; annots->type == SGN_PDF_ARRAY && k < annots->count; k++)
                if (annots->items[k]->type == SGN_PDF_REF) {
                    int *key = apr_palloc(doc->pool, 2 * sizeof *key);

                    key[0] = (int)annots->items[k]->number;
                    key[1] = i + 1;
                    apr_hash_set(doc->annotations, &key[0], sizeof key[0], &key[1]);
                }
        }
    }
    page = apr_hash_get(doc->annotations, &num, sizeof num);
    return page ? *page : 0;
}

static void read_widget(sgn_pdf_field_t *field, sgn_pdf_doc_t *doc, const sgn_pdf_obj_t *ref,
                        const sgn_pdf_obj_t *dict)
{
    const sgn_pdf_obj_t *rect = sgn_pdf_doc_find(doc, dict, "Rect"), *page = sgn_pdf_obj_get(dict, "P");
    int i;

    if (field->widgets++)
        return;
    field->widget_num = ref && ref->type == SGN_PDF_REF ? (int)ref->number : 0;
    for (i = 0; rect->type == SGN_PDF_ARRAY && rect->count == 4 && i < 4; i++)
        field->rect[i] = sgn_pdf_doc_at(doc, rect, i)->real;
    for (i = 0; i < 2; i++)
        if (field->rect[i] > field->rect[i + 2]) {
            double swap = field->rect[i];

            field->rect[i] = field->rect[i + 2];
            field->rect[i + 2] = swap;
        }
    if (page && page->type == SGN_PDF_REF)
        field->page = sgn_pdf_doc_page_of(doc, (int)page->number);
    if (!field->page)
        field->page = page_of_widget(doc, field->widget_num);
}

static sgn_pdf_field_t *add_field(walk_t *walk)
{
    sgn_pdf_doc_t *doc = walk->doc;

    if (doc->field_count == walk->cap) {
        sgn_pdf_field_t *more;

        walk->cap = walk->cap ? walk->cap * 2 : 16;
        more = apr_pcalloc(doc->pool, walk->cap * sizeof *more);
        if (doc->field_count)
            memcpy(more, doc->fields, doc->field_count * sizeof *more);
        doc->fields = more;
    }
    memset(&doc->fields[doc->field_count], 0, sizeof *doc->fields);
    return &doc->fields[doc->field_count++];
}

static sgn_error_t *walk_field(walk_t *walk, const sgn_pdf_obj_t *ref, parent_t from, int depth, apr_pool_t *pool)
{
    sgn_pdf_doc_t *doc = walk->doc;
    const sgn_pdf_obj_t *dict = sgn_pdf_doc_get(doc, ref), *kids = sgn_pdf_doc_find(doc, dict, "Kids"), *value;
    const char *part = sgn_pdf_obj_text(sgn_pdf_doc_find(doc, dict, "T"), pool);
    sgn_pdf_field_t *field;
    int i, fields_below = 0;

    if (depth > SGN_PDF_FIELD_DEPTH)
        return SGN_ERROR(pool, SGN_DOCUMENT_LIMIT, "the field tree is deeper than %d", SGN_PDF_FIELD_DEPTH);
    if (dict->type != SGN_PDF_DICT)
        return NULL;
    if (ref->type == SGN_PDF_REF) {
        int *key = apr_palloc(doc->pool, sizeof *key);

        *key = (int)ref->number;
        if (apr_hash_get(walk->seen, key, sizeof *key))
            return DAMAGED("object %d stands twice in the field tree", *key);
        apr_hash_set(walk->seen, key, sizeof *key, key);
    }
    if (part && strlen(part) + strlen(from.name) > SGN_PDF_FIELD_NAME)
        return SGN_ERROR(pool, SGN_DOCUMENT_LIMIT, "the name of a field is longer than %d bytes", SGN_PDF_FIELD_NAME);
    if (part)
        from.name = *from.name ? apr_pstrcat(pool, from.name, ".", part, NULL) : part;
    if ((value = sgn_pdf_doc_find(doc, dict, "FT"))->type == SGN_PDF_NAME)
        from.type = value;
    if ((value = sgn_pdf_doc_find(doc, dict, "Ff"))->type == SGN_PDF_INT)
        from.flags = value;
    if (sgn_pdf_obj_get(dict, "V"))
        from.value = sgn_pdf_obj_get(dict, "V");
    for (i = 0; kids->type == SGN_PDF_ARRAY && i < kids->count; i++)
        if (sgn_pdf_doc_find(doc, kids->items[i], "T")->type == SGN_PDF_STRING) {
            fields_below = 1;
            SGN_TRY(walk_field(walk, kids->items[i], from, depth + 1, pool));
        }
    if (fields_below)
        return NULL;
    if (doc->field_count == SGN_PDF_FIELDS)
        return SGN_ERROR(pool, SGN_DOCUMENT_LIMIT, "more than %d fields", SGN_PDF_FIELDS);
    field = add_field(walk);
    field->name = from.name;
    field->num = ref->type == SGN_PDF_REF ? (int)ref->number : 0;
    field->gen = ref->type == SGN_PDF_REF ? ref->gen : 0;
    field->dict = dict;
    field->type = sgn_pdf_obj_name(from.type);
    field->flags = (int)sgn_pdf_obj_int(from.flags, 0);
    field->level = depth;
    value = sgn_pdf_doc_get(doc, from.value);
    field->value = value->type == SGN_PDF_NULL ? NULL : value;
    if (from.value && from.value->type == SGN_PDF_REF) {
        field->value_num = (int)from.value->number;
        field->value_gen = from.value->gen;
    }
    if (kids->type == SGN_PDF_ARRAY)
        for (i = 0; i < kids->count; i++)
            read_widget(field, doc, kids->items[i], sgn_pdf_doc_get(doc, kids->items[i]));
    else if (sgn_pdf_doc_find(doc, dict, "Subtype")->type == SGN_PDF_NAME || sgn_pdf_obj_get(dict, "Rect"))
        read_widget(field, doc, ref, dict);
    return NULL;
}

sgn_error_t *sgn_pdf_doc_fields(const sgn_pdf_field_t **fields, int *count, sgn_pdf_doc_t *doc)
{
    if (!doc->fields_known) {
        const sgn_pdf_obj_t *form = sgn_pdf_doc_find(doc, doc->catalog, "AcroForm");
        const sgn_pdf_obj_t *roots = sgn_pdf_doc_find(doc, form, "Fields");
        walk_t walk = { doc, apr_hash_make(doc->pool), 0 };
        parent_t none = { "", NULL, NULL, NULL };
        int i;

        doc->field_count = 0;
        for (i = 0; roots->type == SGN_PDF_ARRAY && i < roots->count; i++)
            SGN_TRY(walk_field(&walk, roots->items[i], none, 0, doc->pool));
        doc->fields_known = 1;
    }
    *fields = doc->fields;
    *count = doc->field_count;
    return NULL;
}

const sgn_pdf_field_t *sgn_pdf_doc_field(sgn_pdf_doc_t *doc, const char *name)
{
    const sgn_pdf_field_t *fields;
    int count, i;

    if (sgn_pdf_doc_fields(&fields, &count, doc))
        return NULL;
    for (i = 0; i < count; i++)
        if (strcmp(fields[i].name, name) == 0)
            return &fields[i];
    return NULL;
}

/* /TransformParams of the reference with that method; NULL. */
static const sgn_pdf_obj_t *transform(sgn_pdf_doc_t *doc, const sgn_pdf_obj_t *signature, const char *method)
{
    const sgn_pdf_obj_t *references = sgn_pdf_doc_find(doc, signature, "Reference");
    int i;

    for (i = 0; references->type == SGN_PDF_ARRAY && i < references->count; i++) {
        const sgn_pdf_obj_t *reference = sgn_pdf_doc_at(doc, references, i);

        if (sgn_pdf_obj_is_name(sgn_pdf_doc_find(doc, reference, "TransformMethod"), method))
            return sgn_pdf_doc_find(doc, reference, "TransformParams");
    }
    return NULL;
}

int sgn_pdf_doc_certified(sgn_pdf_doc_t *doc, int *num)
{
    const sgn_pdf_obj_t *perms = sgn_pdf_doc_find(doc, doc->catalog, "Perms");
    const sgn_pdf_obj_t *ref = sgn_pdf_obj_get(perms, "DocMDP"), *parms = NULL;
    const sgn_pdf_field_t *fields;
    int count, i;
    apr_int64_t p;

    *num = 0;
    if (ref) {
        *num = ref->type == SGN_PDF_REF ? (int)ref->number : 0;
        parms = transform(doc, sgn_pdf_doc_get(doc, ref), "DocMDP");
    }
    else if (!sgn_pdf_doc_fields(&fields, &count, doc)) {
        /* without /Perms readers differ: the strict reading counts */
        for (i = 0; i < count && !parms; i++)
            if (fields[i].type && strcmp(fields[i].type, "Sig") == 0 && fields[i].value) {
                parms = transform(doc, fields[i].value, "DocMDP");
                *num = parms ? fields[i].value_num : 0;
            }
    }
    if (!ref && !parms)
        return 0;
    p = sgn_pdf_obj_int(sgn_pdf_doc_find(doc, parms, "P"), 2);
    return p >= 1 && p <= 3 ? (int)p : 1;
}

static int named(sgn_pdf_doc_t *doc, const sgn_pdf_obj_t *names, const char *field)
{
    int i;

    for (i = 0; names->type == SGN_PDF_ARRAY && i < names->count; i++) {
        const char *name = sgn_pdf_obj_text(sgn_pdf_doc_at(doc, names, i), doc->pool);
        size_t len = name ? strlen(name) : 0;

        /* a name stands for everything below it */
        if (len && strncmp(name, field, len) == 0 && (field[len] == 0 || field[len] == '.'))
            return 1;
    }
    return 0;
}

static int lock_names(sgn_pdf_doc_t *doc, const sgn_pdf_obj_t *lock, const char *field)
{
    const sgn_pdf_obj_t *action = sgn_pdf_doc_find(doc, lock, "Action");
    int listed = named(doc, sgn_pdf_doc_find(doc, lock, "Fields"), field);

    if (sgn_pdf_obj_is_name(action, "All"))
        return 1;
    if (sgn_pdf_obj_is_name(action, "Include"))
        return listed;
    if (sgn_pdf_obj_is_name(action, "Exclude"))
        return !listed;
    return 0;
}

int sgn_pdf_doc_locks(sgn_pdf_doc_t *doc, const sgn_pdf_field_t *signature, const char *field)
{
    const sgn_pdf_obj_t *parms = signature->value ? transform(doc, signature->value, "FieldMDP") : NULL;

    if (parms && lock_names(doc, parms, field))
        return 1;
    return signature->value && lock_names(doc, sgn_pdf_doc_find(doc, signature->dict, "Lock"), field);
}
