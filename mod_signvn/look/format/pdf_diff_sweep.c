/* pdf_diff_sweep.c: what no rule explained, and objects that an earlier revision
 * refers to already. */
#include "look/format/pdf_diff_step.h"

#define ORPHANS_TOLD 20

/* [R9] A stream is its dictionary and its raw bytes. */
static int same_object(sgn_pdf_diff_pair_t *pair, const sgn_pdf_entry_t *entry)
{
    const sgn_pdf_entry_t *before = sgn_pdf_scan_find(pair->scan, pair->revision - 1, entry->num);
    const sgn_pdf_obj_t *old, *now;
    sgn_bytes_t a, b;

    if (!before || before->gen != entry->gen)
        return 0;
    old = sgn_pdf_doc_object(pair->old, entry->num, entry->gen);
    now = sgn_pdf_doc_object(pair->new, entry->num, entry->gen);
    if (old->is_stream != now->is_stream || !sgn_pdf_obj_equal(old, now))
        return 0;
    if (!now->is_stream)
        return 1;
    return sgn_pdf_doc_stream(&a, pair->old, entry->num, entry->gen, pair->pool) == NULL
        && sgn_pdf_doc_stream(&b, pair->new, entry->num, entry->gen, pair->pool) == NULL
        && sgn_bytes_equal(a, b);
}

static void reach(sgn_pdf_diff_pair_t *pair, const sgn_pdf_obj_t *obj, apr_hash_t *reached, apr_array_header_t *todo)
{
    int i;

    if (!obj)
        return;
    if (obj->type == SGN_PDF_REF && sgn_pdf_diff_own(pair, (int)obj->number)
        && !sgn_pdf_diff_marked(reached, (int)obj->number)) {
        sgn_pdf_diff_mark(reached, (int)obj->number, pair->pool);
        APR_ARRAY_PUSH(todo, int) = (int)obj->number;
    }
    if (obj->type == SGN_PDF_ARRAY || obj->type == SGN_PDF_DICT)
        for (i = 0; i < obj->count; i++)
            reach(pair, obj->items[i], reached, todo);
}

static int is_infrastructure(const sgn_pdf_obj_t *obj)
{
    return obj->is_stream && (sgn_pdf_obj_is_name(sgn_pdf_obj_get(obj, "Type"), "ObjStm")
                              || sgn_pdf_obj_is_name(sgn_pdf_obj_get(obj, "Type"), "XRef"));
}

void sgn_pdf_diff_sweep(sgn_pdf_diff_pair_t *pair)
{
    apr_hash_t *reached = apr_hash_make(pair->pool);
    apr_array_header_t *todo = apr_array_make(pair->pool, 64, sizeof(int));
    apr_hash_index_t *index;
    int told = 0;

    reach(pair, sgn_pdf_doc_trailer(pair->new), reached, todo);
    for (index = apr_hash_first(pair->pool, pair->own); index; index = apr_hash_next(index)) {
        const sgn_pdf_entry_t *entry = apr_hash_this_val(index);

        if (entry->type == 0) {
            if (entry->num != 0 && sgn_pdf_diff_lived(pair, entry->num))
                sgn_pdf_diff_forbid(pair, SGN_F_CHANGE_FORBIDDEN, entry->num, "object freed");
            continue;
        }
        if (entry->type == 1 && entry->num == pair->scan->sections[pair->scan->revisions[pair->revision].first].stream_num
            && !sgn_pdf_diff_lived(pair, entry->num))
            continue;
        if (!sgn_pdf_diff_lived(pair, entry->num))
            continue;
        reach(pair, sgn_pdf_doc_object(pair->new, entry->num, entry->gen), reached, todo);
        if (!sgn_pdf_diff_marked(pair->explained, entry->num) && !same_object(pair, entry))
            sgn_pdf_diff_forbid(pair, SGN_F_CHANGE_FORBIDDEN, entry->num, "object of an earlier revision replaced");
    }
    while (todo->nelts) {
        int num = *(int *)apr_array_pop(todo);
        const sgn_pdf_entry_t *entry = sgn_pdf_diff_own(pair, num);

        reach(pair, sgn_pdf_doc_object(pair->new, num, entry->gen), reached, todo);
    }
    for (index = apr_hash_first(pair->pool, pair->own); index && told < ORPHANS_TOLD; index = apr_hash_next(index)) {
        const sgn_pdf_entry_t *entry = apr_hash_this_val(index);

        if (entry->type == 0 || sgn_pdf_diff_lived(pair, entry->num) || sgn_pdf_diff_marked(reached, entry->num)
            || is_infrastructure(sgn_pdf_doc_object(pair->new, entry->num, entry->gen)))
            continue;
        sgn_pdf_diff_tell(pair, SGN_PDF_DIFF_PERMITTED, SGN_F_CHANGE_ORPHAN, entry->num, "nothing refers to the object");
        told++;
    }
}

/* ---- references of the old revision --------------------------------------- */

static int ref_lives(const sgn_pdf_scan_t *scan, int revision, const sgn_pdf_diff_ref_t *ref)
{
    const sgn_pdf_entry_t *entry, *container;

    if (ref->referrer == 0)
        return 0;
    entry = sgn_pdf_scan_find(scan, revision, ref->referrer);
    if (!entry)
        return 0;
    if (!ref->container)
        return entry->type == 1 && entry->offset == ref->at;
    container = entry->type == 2 && entry->container == ref->container
        ? sgn_pdf_scan_find(scan, revision, entry->container) : NULL;
    return container && container->type == 1 && container->offset == ref->at;
}

void sgn_pdf_diff_sweep_refs(sgn_pdf_diff_pair_t *pair, const sgn_pdf_diff_refs_t *refs)
{
    apr_hash_index_t *index;
    int i, j, count;

    for (index = apr_hash_first(pair->pool, pair->own); index; index = apr_hash_next(index)) {
        const sgn_pdf_entry_t *entry = apr_hash_this_val(index);
        const sgn_pdf_diff_ref_t *rows;

        if (!sgn_pdf_diff_is_new(pair, entry->num))
            continue;
        rows = sgn_pdf_diff_refs_to(refs, entry->num, &count);
        for (i = 0; i < count; i++)
            if (rows[i].gen == entry->gen && ref_lives(pair->scan, pair->revision - 1, &rows[i])) {
                sgn_pdf_diff_forbid(pair, SGN_F_CHANGE_OBJECT_MOVED, entry->num,
                                    "an earlier revision refers to this object already");
                break;
            }
    }
    for (i = 0; i < pair->sole->nelts; i++) {
        int num = APR_ARRAY_IDX(pair->sole, i, int);
        const sgn_pdf_diff_ref_t *rows = sgn_pdf_diff_refs_to(refs, num, &count);

        for (j = 0; j < count; j++)
            if (ref_lives(pair->scan, pair->revision - 1, &rows[j])
                && !sgn_pdf_diff_marked(pair->family, rows[j].referrer)) {
                sgn_pdf_diff_forbid(pair, SGN_F_CHANGE_FORBIDDEN, num, "changed object is used for something else too");
                break;
            }
    }
}
