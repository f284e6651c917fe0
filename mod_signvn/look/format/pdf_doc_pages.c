/* The page tree, walked by ourselves: qpdf's own walk recurses without bound
 * and changes what it reads [ISO 32000-2, 7.7.3]. */
#include "look/format/pdf_doc_impl.h"

#include <string.h>

#define DAMAGED(...) SGN_ERROR(pool, SGN_DOCUMENT_DAMAGED, __VA_ARGS__)

typedef struct {
    const sgn_pdf_obj_t *media, *crop, *rotate;
} inherited_t;

typedef struct {
    sgn_pdf_doc_t *doc;
    apr_hash_t *seen;
    int cap;
} walk_t;

static int read_box(double box[4], sgn_pdf_doc_t *doc, const sgn_pdf_obj_t *array)
{
    int i;
    double swap;

    if (!array || array->type != SGN_PDF_ARRAY || array->count != 4)
        return 0;
    for (i = 0; i < 4; i++) {
        const sgn_pdf_obj_t *item = sgn_pdf_doc_at(doc, array, i);

        if (item->type != SGN_PDF_INT && item->type != SGN_PDF_REAL)
            return 0;
        if (!(item->real > -1e7 && item->real < 1e7))
            return 0;
        box[i] = item->real;
    }
    for (i = 0; i < 2; i++)
        if (box[i] > box[i + 2]) {
            swap = box[i];
            box[i] = box[i + 2];
            box[i + 2] = swap;
        }
    return box[2] > box[0] && box[3] > box[1];
}

static void take(inherited_t *from, sgn_pdf_doc_t *doc, const sgn_pdf_obj_t *dict)
{
    const sgn_pdf_obj_t *value;

    if ((value = sgn_pdf_doc_find(doc, dict, "MediaBox"))->type == SGN_PDF_ARRAY)
        from->media = value;
    if ((value = sgn_pdf_doc_find(doc, dict, "CropBox"))->type == SGN_PDF_ARRAY)
        from->crop = value;
    if ((value = sgn_pdf_doc_find(doc, dict, "Rotate"))->type == SGN_PDF_INT)
        from->rotate = value;
}

static void fill_page(sgn_pdf_page_t *page, sgn_pdf_doc_t *doc, const sgn_pdf_obj_t *dict, inherited_t from)
{
    const sgn_pdf_obj_t *unit = sgn_pdf_doc_find(doc, dict, "UserUnit");
    double crop[4];
    int i;

    take(&from, doc, dict);
    page->dict = dict;
    if (!read_box(page->box, doc, from.media)) {
        /* what every reader shows then */
        page->box[0] = page->box[1] = 0;
        page->box[2] = 612;
        page->box[3] = 792;
    }
    if (read_box(crop, doc, from.crop)) {
        double both[4];

        for (i = 0; i < 2; i++) {
            both[i] = crop[i] > page->box[i] ? crop[i] : page->box[i];
            both[i + 2] = crop[i + 2] < page->box[i + 2] ? crop[i + 2] : page->box[i + 2];
        }
        if (both[2] > both[0] && both[3] > both[1])
            memcpy(page->box, both, sizeof both);
    }
    page->rotate = from.rotate ? (int)(from.rotate->number % 360 + 360) % 360 : 0;
    if (page->rotate % 90)
        page->rotate = 0;
    page->user_unit = unit->type == SGN_PDF_INT || unit->type == SGN_PDF_REAL ? unit->real : 1;
    if (!(page->user_unit >= 0.01 && page->user_unit <= 75000))
        page->user_unit = 1;
}

static sgn_error_t *add_page(walk_t *walk, const sgn_pdf_obj_t *kid, const sgn_pdf_obj_t *dict,
                             const sgn_pdf_obj_t *parent, int index, inherited_t from, apr_pool_t *pool)
{
    sgn_pdf_doc_t *doc = walk->doc;
    sgn_pdf_page_t *page;

    if (doc->page_count == SGN_PDF_PAGES)
        return SGN_ERROR(pool, SGN_DOCUMENT_LIMIT, "more than %d pages", SGN_PDF_PAGES);
    if (doc->page_count == walk->cap) {
        sgn_pdf_page_t *more;

        walk->cap = walk->cap ? walk->cap * 2 : 16;
        more = apr_pcalloc(doc->pool, walk->cap * sizeof *more);
        if (doc->page_count)
            memcpy(more, doc->pages, doc->page_count * sizeof *more);
        doc->pages = more;
    }
    page = &doc->pages[doc->page_count++];
    memset(page, 0, sizeof *page);
    if (kid->type == SGN_PDF_REF) {
        int *key = apr_palloc(doc->pool, 2 * sizeof *key);

        page->num = (int)kid->number;
        page->gen = kid->gen;
        key[0] = page->num;
        key[1] = doc->page_count;
        apr_hash_set(doc->page_numbers, &key[0], sizeof key[0], &key[1]);
    }
    page->parent = parent && parent->type == SGN_PDF_REF ? (int)parent->number : 0;
    page->parent_gen = page->parent ? parent->gen : 0;
    page->kid = index;
    fill_page(page, doc, dict, from);
    return NULL;
}

static sgn_error_t *walk_node(walk_t *walk, const sgn_pdf_obj_t *ref, inherited_t from, int depth, apr_pool_t *pool)
{
    sgn_pdf_doc_t *doc = walk->doc;
    const sgn_pdf_obj_t *dict = sgn_pdf_doc_get(doc, ref), *kids = sgn_pdf_doc_find(doc, dict, "Kids");
    int i;

    if (depth > SGN_PDF_PAGE_DEPTH)
        return SGN_ERROR(pool, SGN_DOCUMENT_LIMIT, "the page tree is deeper than %d", SGN_PDF_PAGE_DEPTH);
    take(&from, doc, dict);
    for (i = 0; i < kids->count; i++) {
        const sgn_pdf_obj_t *kid = kids->items[i], *value = sgn_pdf_doc_get(doc, kid);

        if (value->type != SGN_PDF_DICT)
            return DAMAGED("a page tree node has a kid that is no dictionary");
        if (kid->type == SGN_PDF_REF) {
            int *key = apr_palloc(doc->pool, sizeof *key);

            *key = (int)kid->number;
            if (apr_hash_get(walk->seen, key, sizeof *key))
                return DAMAGED("object %d stands twice in the page tree", *key);
            apr_hash_set(walk->seen, key, sizeof *key, key);
        }
        if (sgn_pdf_doc_find(doc, value, "Kids")->type == SGN_PDF_ARRAY)
            SGN_TRY(walk_node(walk, kid, from, depth + 1, pool));
        else
            SGN_TRY(add_page(walk, kid, value, ref, i, from, pool));
    }
    return NULL;
}

sgn_error_t *sgn_pdf_doc_pages(const sgn_pdf_page_t **pages, int *count, sgn_pdf_doc_t *doc)
{
    apr_pool_t *pool = doc->pool;

    if (!doc->page_numbers) {
        walk_t walk = { doc, apr_hash_make(pool), 0 };
        inherited_t none = { NULL, NULL, NULL };
        const sgn_pdf_obj_t *root = sgn_pdf_obj_get(doc->catalog, "Pages");

        doc->page_numbers = apr_hash_make(pool);
        doc->page_count = 0;
        if (sgn_pdf_doc_find(doc, root, "Kids")->type == SGN_PDF_ARRAY) {
            sgn_error_t *error = walk_node(&walk, root, none, 0, pool);

            if (error) {
                doc->page_numbers = NULL;
                doc->page_count = 0;
                return error;
            }
        }
    }
    *pages = doc->pages;
    *count = doc->page_count;
    if (!doc->page_count) {
        /* a missing object looks like an empty tree: damage comes first */
        SGN_TRY(sgn_pdf_doc_check(doc, pool));
        return SGN_ERROR(pool, SGN_DOCUMENT_NO_PAGES, "the page tree is empty");
    }
    return NULL;
}

int sgn_pdf_doc_page_of(sgn_pdf_doc_t *doc, int num)
{
    const sgn_pdf_page_t *pages;
    const int *page;
    int count;

    if (sgn_pdf_doc_pages(&pages, &count, doc))
        return 0;
    page = apr_hash_get(doc->page_numbers, &num, sizeof num);
    return page ? *page : 0;
}
