#include <string.h>

#include <apr_strings.h>

#include "look/format/pdf_diff_step.h"

/* ---- what the parts share ------------------------------------------------- */

void sgn_pdf_diff_tell(sgn_pdf_diff_pair_t *pair, sgn_pdf_diff_level_t level, sgn_code_t code,
                       int num, const char *what)
{
    sgn_pdf_diff_change_t *change;

    if (level > pair->out->level)
        pair->out->level = level;
    if (pair->out->changes->nelts >= SGN_PDF_DIFF_CHANGES)
        return;
    change = &APR_ARRAY_PUSH(pair->out->changes, sgn_pdf_diff_change_t);
    change->level = level;
    change->code = code;
    change->what = what;
    change->object = num ? apr_psprintf(pair->out->changes->pool, "%d 0 R", num) : NULL;
}

void sgn_pdf_diff_forbid(sgn_pdf_diff_pair_t *pair, sgn_code_t code, int num, const char *what)
{
    sgn_pdf_diff_tell(pair, SGN_PDF_DIFF_FORBIDDEN, code, num, what);
}

int sgn_pdf_diff_marked(apr_hash_t *set, int num)
{
    return apr_hash_get(set, &num, sizeof num) != NULL;
}

void sgn_pdf_diff_mark(apr_hash_t *set, int num, apr_pool_t *pool)
{
    int *key;

    if (sgn_pdf_diff_marked(set, num))
        return;
    key = apr_palloc(pool, sizeof *key);
    *key = num;
    apr_hash_set(set, key, sizeof *key, key);
}

void sgn_pdf_diff_explain(sgn_pdf_diff_pair_t *pair, int num)
{
    sgn_pdf_diff_mark(pair->explained, num, pair->pool);
}

int sgn_pdf_diff_lived(const sgn_pdf_diff_pair_t *pair, int num)
{
    const sgn_pdf_entry_t *entry = sgn_pdf_scan_find(pair->scan, pair->revision - 1, num);

    return entry && entry->type != 0;
}

const sgn_pdf_entry_t *sgn_pdf_diff_own(const sgn_pdf_diff_pair_t *pair, int num)
{
    return apr_hash_get(pair->own, &num, sizeof num);
}

int sgn_pdf_diff_is_new(const sgn_pdf_diff_pair_t *pair, int num)
{
    const sgn_pdf_entry_t *entry = sgn_pdf_diff_own(pair, num);

    return entry && entry->type != 0 && !sgn_pdf_diff_lived(pair, num);
}

int sgn_pdf_diff_is_overridden(const sgn_pdf_diff_pair_t *pair, int num)
{
    return sgn_pdf_diff_own(pair, num) && sgn_pdf_diff_lived(pair, num);
}

/* An overridden object that a rule lets change, if it serves for nothing else. */
void sgn_pdf_diff_explain_sole(sgn_pdf_diff_pair_t *pair, int num)
{
    if (!sgn_pdf_diff_is_overridden(pair, num))
        return;
    sgn_pdf_diff_explain(pair, num);
    APR_ARRAY_PUSH(pair->sole, int) = num;
}

int sgn_pdf_diff_num(const sgn_pdf_obj_t *obj)
{
    return obj && obj->type == SGN_PDF_REF ? (int)obj->number : 0;
}

/* ---- all steps ------------------------------------------------------------ */

static sgn_pdf_diff_pair_t *pair_make(const sgn_pdf_scan_t *scan, int revision, sgn_pdf_diff_step_t *out,
                                      apr_pool_t *pool)
{
    sgn_pdf_diff_pair_t *pair = apr_pcalloc(pool, sizeof *pair);
    const sgn_pdf_revision_t *bytes = &scan->revisions[revision];
    int i, j;

    pair->scan = scan;
    pair->revision = revision;
    pair->out = out;
    pair->pool = pool;
    pair->own = apr_hash_make(pool);
    pair->explained = apr_hash_make(pool);
    pair->widgets = apr_hash_make(pool);
    pair->family = apr_hash_make(pool);
    pair->sole = apr_array_make(pool, 4, sizeof(int));
    for (i = 0; i < bytes->sections; i++)
        for (j = 0; j < scan->sections[bytes->first + i].count; j++) {
            sgn_pdf_entry_t *entry = &scan->sections[bytes->first + i].entries[j];

            apr_hash_set(pair->own, &entry->num, sizeof(int), entry);
        }
    return pair;
}

static void compare(sgn_pdf_diff_pair_t *pair)
{
    int num;

    pair->certified = sgn_pdf_doc_certified(pair->old, &num);
    sgn_pdf_diff_catalog_trailer(pair);
    sgn_pdf_diff_catalog(pair);
    sgn_pdf_diff_pages(pair);
    sgn_pdf_diff_bytes(pair);
    sgn_pdf_diff_sweep(pair);
    if (sgn_pdf_doc_check(pair->old, pair->pool) || sgn_pdf_doc_check(pair->new, pair->pool))
        sgn_pdf_diff_forbid(pair, SGN_F_STRUCTURE, 0, "revision cannot be read cleanly");
}

/* Each revision is opened with all that lies before it. */
static int is_too_much(const sgn_pdf_scan_t *scan, int first)
{
    apr_int64_t entries = 0, all = 0;
    int k, i;

    for (k = 0; k < scan->revision_count; k++) {
        for (i = 0; i < scan->revisions[k].sections; i++)
            entries += scan->sections[scan->revisions[k].first + i].count;
        if (k >= first)
            all += entries;
    }
    return all > SGN_PDF_DIFF_ENTRIES;
}

sgn_error_t *sgn_pdf_diff_run(sgn_pdf_diff_step_t **steps, sgn_pdf_doc_t *newest, int first, apr_pool_t *pool)
{
    const sgn_pdf_scan_t *scan = sgn_pdf_doc_scan(newest);
    sgn_pdf_diff_refs_t *refs = sgn_pdf_diff_refs_make(pool);
    sgn_pdf_diff_pair_t **pairs = apr_pcalloc(pool, sizeof *pairs * (size_t)(scan->revision_count + 1));
    int broken = sgn_pdf_doc_broken(newest) || is_too_much(scan, first);
    sgn_pdf_doc_t *now = broken ? NULL : newest;
    apr_pool_t *now_pool = NULL;
    sgn_error_t *error;
    int k;

    *steps = apr_pcalloc(pool, sizeof **steps * (size_t)(scan->revision_count + 1));
    for (k = 0; k < scan->revision_count; k++)
        (*steps)[k].changes = apr_array_make(pool, 4, sizeof(sgn_pdf_diff_change_t));
    for (k = scan->revision_count - 1; k > first && k > 0; k--) {
        sgn_pdf_diff_pair_t *pair = pairs[k] = pair_make(scan, k, &(*steps)[k], pool);
        apr_hash_index_t *index;
        apr_pool_t *old_pool;
        sgn_pdf_doc_t *old;
        int i;

        apr_pool_create(&old_pool, pool);
        if (now && sgn_pdf_doc_open(&old, scan, k - 1, old_pool) == NULL) {
            pair->old = old;
            pair->new = now;
            compare(pair);
        } else {
            /* nobody can say what was changed there: unknown, not forbidden */
            sgn_pdf_diff_tell(pair, broken ? SGN_PDF_DIFF_UNKNOWN : SGN_PDF_DIFF_FORBIDDEN, SGN_F_STRUCTURE, 0,
                              "revision cannot be read");
            old = NULL;
        }
        pair->old = pair->new = NULL;
        for (index = apr_hash_first(pool, pair->own); index; index = apr_hash_next(index)) {
            const sgn_pdf_entry_t *entry = apr_hash_this_val(index);

            if (sgn_pdf_diff_is_new(pair, entry->num))
                sgn_pdf_diff_refs_want(refs, entry->num);
        }
        for (i = 0; i < pair->sole->nelts; i++)
            sgn_pdf_diff_refs_want(refs, APR_ARRAY_IDX(pair->sole, i, int));
        if (now_pool)
            apr_pool_destroy(now_pool);
        now_pool = old_pool;
        now = old;
    }
    if (now_pool)
        apr_pool_destroy(now_pool);
    error = broken ? NULL : sgn_pdf_diff_refs_collect(refs, newest);
    for (k = 1; k < scan->revision_count; k++) {
        if (!pairs[k])
            continue;
        if (error)
            sgn_pdf_diff_forbid(pairs[k], SGN_F_STRUCTURE, 0, "references cannot be followed");
        else
            sgn_pdf_diff_sweep_refs(pairs[k], refs);
    }
    return NULL;
}
