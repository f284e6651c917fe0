#include <string.h>

#include <apr_strings.h>

#include "look/format/pdf_diff_step.h"

#define ORPHANS_TOLD 20

static const char *const catalog_may_differ[] = { "AcroForm", "DSS", "Metadata", "Extensions", "Version", NULL };
static const char *const dss_keys[] = { "Type", "Certs", "CRLs", "OCSPs", "VRI", NULL };
static const char *const vri_keys[] = { "Type", "Cert", "CRL", "OCSP", "TU", "TS", NULL };

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

static int lived(const sgn_pdf_diff_pair_t *pair, int num)
{
    const sgn_pdf_entry_t *entry = sgn_pdf_scan_find(pair->scan, pair->revision - 1, num);

    return entry && entry->type != 0;
}

static const sgn_pdf_entry_t *own_entry(const sgn_pdf_diff_pair_t *pair, int num)
{
    return apr_hash_get(pair->own, &num, sizeof num);
}

int sgn_pdf_diff_is_new(const sgn_pdf_diff_pair_t *pair, int num)
{
    const sgn_pdf_entry_t *entry = own_entry(pair, num);

    return entry && entry->type != 0 && !lived(pair, num);
}

int sgn_pdf_diff_is_overridden(const sgn_pdf_diff_pair_t *pair, int num)
{
    return own_entry(pair, num) && lived(pair, num);
}

/* An overridden object that a rule lets change, if it serves for nothing else. */
static void explain_sole(sgn_pdf_diff_pair_t *pair, int num)
{
    if (!sgn_pdf_diff_is_overridden(pair, num))
        return;
    sgn_pdf_diff_explain(pair, num);
    APR_ARRAY_PUSH(pair->sole, int) = num;
}

static int ref_num(const sgn_pdf_obj_t *obj)
{
    return obj && obj->type == SGN_PDF_REF ? (int)obj->number : 0;
}

/* ---- trailer, catalog ----------------------------------------------------- */

/* Document information: text only, so that it can be nothing else. */
static int is_info(const sgn_pdf_obj_t *dict)
{
    int i;

    if (dict->type != SGN_PDF_DICT || dict->is_stream)
        return 0;
    for (i = 0; i < dict->count; i++)
        if (dict->items[i]->type != SGN_PDF_STRING && strcmp(dict->keys[i], "Trapped") != 0)
            return 0;
    return 1;
}

static void check_trailer(sgn_pdf_diff_pair_t *pair)
{
    const sgn_pdf_obj_t *old = sgn_pdf_doc_trailer(pair->old), *now = sgn_pdf_doc_trailer(pair->new);
    const sgn_pdf_obj_t *info = sgn_pdf_obj_get(now, "Info"), *old_id, *id;
    int num = ref_num(info);

    if (now->doubles)
        sgn_pdf_diff_forbid(pair, SGN_F_DUPLICATE_KEY, 0, "trailer has a key twice");
    if (!sgn_pdf_obj_equal(sgn_pdf_obj_get(old, "Root"), sgn_pdf_obj_get(now, "Root")))
        sgn_pdf_diff_forbid(pair, SGN_F_CHANGE_FORBIDDEN, 0, "another catalog");
    if (!sgn_pdf_obj_equal(sgn_pdf_obj_get(old, "Encrypt"), sgn_pdf_obj_get(now, "Encrypt")))
        sgn_pdf_diff_forbid(pair, SGN_F_CHANGE_FORBIDDEN, 0, "encryption changed");
    old_id = sgn_pdf_doc_at(pair->old, sgn_pdf_doc_find(pair->old, old, "ID"), 0);
    id = sgn_pdf_doc_at(pair->new, sgn_pdf_doc_find(pair->new, now, "ID"), 0);
    if (old_id->type == SGN_PDF_STRING && !sgn_pdf_obj_equal(old_id, id))
        sgn_pdf_diff_forbid(pair, SGN_F_CHANGE_FORBIDDEN, 0, "permanent /ID changed");

    if (num && (sgn_pdf_diff_is_new(pair, num)
                || (sgn_pdf_diff_is_overridden(pair, num)
                    && sgn_pdf_obj_is_ref(sgn_pdf_obj_get(old, "Info"), num, (int)info->gen)))) {
        int fits = is_info(sgn_pdf_doc_object(pair->new, num, info->gen));

        if (!sgn_pdf_diff_is_new(pair, num))
            fits = fits && is_info(sgn_pdf_doc_object(pair->old, num, info->gen));
        if (fits) {
            sgn_pdf_diff_explain(pair, num);
            sgn_pdf_diff_tell(pair, SGN_PDF_DIFF_PERMITTED, SGN_F_CHANGE_METADATA, num, "document information");
        }
    }
}

static int version_number(const char *name)
{
    return name && name[0] >= '0' && name[0] <= '9' && name[1] == '.' && name[2] >= '0' && name[2] <= '9'
        && name[3] == '\0' ? (name[0] - '0') * 10 + name[2] - '0' : -1;
}

static void check_version(sgn_pdf_diff_pair_t *pair, const sgn_pdf_obj_t *old, const sgn_pdf_obj_t *now)
{
    const sgn_pdf_obj_t *was = sgn_pdf_obj_get(old, "Version"), *is = sgn_pdf_obj_get(now, "Version");
    int before = was ? version_number(sgn_pdf_obj_name(was)) : version_number(pair->scan->version);

    if (sgn_pdf_obj_equal(was, is) || (!was && !is))
        return;
    if (!is || version_number(sgn_pdf_obj_name(is)) < before)
        sgn_pdf_diff_forbid(pair, SGN_F_CHANGE_FORBIDDEN, 0, "/Version lowered");
}

static int is_metadata(const sgn_pdf_obj_t *stream)
{
    return stream->is_stream && sgn_pdf_obj_is_name(sgn_pdf_obj_get(stream, "Type"), "Metadata")
        && sgn_pdf_obj_is_name(sgn_pdf_obj_get(stream, "Subtype"), "XML");
}

static void check_metadata(sgn_pdf_diff_pair_t *pair, const sgn_pdf_obj_t *old, const sgn_pdf_obj_t *now)
{
    const sgn_pdf_obj_t *was = sgn_pdf_obj_get(old, "Metadata"), *is = sgn_pdf_obj_get(now, "Metadata");
    int num = ref_num(is);

    if ((!was && !is) || (sgn_pdf_obj_equal(was, is) && !sgn_pdf_diff_is_overridden(pair, num)))
        return;
    if (!num || !is_metadata(sgn_pdf_doc_object(pair->new, num, is->gen))
        || (!sgn_pdf_diff_is_new(pair, num) && !(sgn_pdf_obj_equal(was, is)
                                                 && is_metadata(sgn_pdf_doc_object(pair->old, num, is->gen))))) {
        sgn_pdf_diff_forbid(pair, SGN_F_CHANGE_FORBIDDEN, num, "/Metadata is no metadata stream");
        return;
    }
    explain_sole(pair, num);
    sgn_pdf_diff_tell(pair, SGN_PDF_DIFF_PERMITTED, SGN_F_CHANGE_METADATA, num, "XMP metadata");
}

/* ---- evidence (DSS) ------------------------------------------------------- */

static int only_keys(const sgn_pdf_obj_t *dict, const char *const *keys)
{
    int i, j;

    for (i = 0; i < dict->count; i++) {
        for (j = 0; keys[j] && strcmp(keys[j], dict->keys[i]) != 0; j++)
            ;
        if (!keys[j])
            return 0;
    }
    return dict->type == SGN_PDF_DICT && !dict->is_stream && !dict->doubles;
}

/* An array of references to streams. */
static int streams_only(sgn_pdf_diff_pair_t *pair, const sgn_pdf_obj_t *list)
{
    const sgn_pdf_obj_t *array = sgn_pdf_doc_get(pair->new, list);
    int i;

    if (!list)
        return 1;
    if (array->type != SGN_PDF_ARRAY)
        return 0;
    for (i = 0; i < array->count; i++)
        if (array->items[i]->type != SGN_PDF_REF || !sgn_pdf_doc_get(pair->new, array->items[i])->is_stream)
            return 0;
    explain_sole(pair, ref_num(list));
    return 1;
}

static int vri_ok(sgn_pdf_diff_pair_t *pair, const sgn_pdf_obj_t *vri)
{
    const sgn_pdf_obj_t *dict = sgn_pdf_doc_get(pair->new, vri);
    int i;

    if (!vri)
        return 1;
    if (dict->type != SGN_PDF_DICT || dict->is_stream || dict->doubles)
        return 0;
    explain_sole(pair, ref_num(vri));
    sgn_pdf_diff_mark(pair->family, ref_num(vri), pair->pool);
    for (i = 0; i < dict->count; i++) {
        const sgn_pdf_obj_t *one = sgn_pdf_doc_get(pair->new, dict->items[i]);

        if (strcmp(dict->keys[i], "Type") == 0)
            continue;
        if (!only_keys(one, vri_keys) || !streams_only(pair, sgn_pdf_obj_get(one, "Cert"))
            || !streams_only(pair, sgn_pdf_obj_get(one, "CRL")) || !streams_only(pair, sgn_pdf_obj_get(one, "OCSP")))
            return 0;
        explain_sole(pair, ref_num(dict->items[i]));
        sgn_pdf_diff_mark(pair->family, ref_num(dict->items[i]), pair->pool);
    }
    return 1;
}

static void check_dss(sgn_pdf_diff_pair_t *pair, const sgn_pdf_obj_t *old, const sgn_pdf_obj_t *now)
{
    const sgn_pdf_obj_t *was = sgn_pdf_obj_get(old, "DSS"), *is = sgn_pdf_obj_get(now, "DSS");
    const sgn_pdf_obj_t *dss = sgn_pdf_doc_get(pair->new, is);
    apr_hash_index_t *index;
    int any = !(sgn_pdf_obj_equal(was, is) || (!was && !is));

    if (!is) {
        if (was)
            sgn_pdf_diff_forbid(pair, SGN_F_CHANGE_FORBIDDEN, 0, "/DSS removed");
        return;
    }
    if (ref_num(is) && own_entry(pair, ref_num(is)))
        any = 1;
    sgn_pdf_diff_mark(pair->family, ref_num(is), pair->pool);
    if (!only_keys(dss, dss_keys) || !streams_only(pair, sgn_pdf_obj_get(dss, "Certs"))
        || !streams_only(pair, sgn_pdf_obj_get(dss, "CRLs")) || !streams_only(pair, sgn_pdf_obj_get(dss, "OCSPs"))
        || !vri_ok(pair, sgn_pdf_obj_get(dss, "VRI"))) {
        /* An evidence list that this revision did not touch is not its change. */
        for (index = apr_hash_first(pair->pool, pair->own); index && !any; index = apr_hash_next(index))
            any = sgn_pdf_diff_marked(pair->family, ((const sgn_pdf_entry_t *)apr_hash_this_val(index))->num);
        if (any)
            sgn_pdf_diff_forbid(pair, SGN_F_CHANGE_FORBIDDEN, ref_num(is), "/DSS holds other things than evidence");
        return;
    }
    explain_sole(pair, ref_num(is));
    if (any || pair->sole->nelts)
        sgn_pdf_diff_tell(pair, SGN_PDF_DIFF_PERMITTED, SGN_F_CHANGE_DSS, ref_num(is), "evidence added");
}

static void check_catalog(sgn_pdf_diff_pair_t *pair)
{
    const sgn_pdf_obj_t *root = sgn_pdf_doc_root(pair->new);
    const sgn_pdf_obj_t *old = sgn_pdf_doc_catalog(pair->old), *now = sgn_pdf_doc_catalog(pair->new);
    const sgn_pdf_obj_t *old_form = sgn_pdf_obj_get(old, "AcroForm"), *new_form = sgn_pdf_obj_get(now, "AcroForm");

    if (now->doubles)
        sgn_pdf_diff_forbid(pair, SGN_F_DUPLICATE_KEY, ref_num(root), "catalog has a key twice");
    if (!sgn_pdf_obj_equal_but(old, now, catalog_may_differ))
        sgn_pdf_diff_forbid(pair, SGN_F_CHANGE_FORBIDDEN, ref_num(root), "catalog changed");
    else if (sgn_pdf_diff_is_overridden(pair, ref_num(root)))
        sgn_pdf_diff_explain(pair, ref_num(root));
    check_version(pair, old, now);
    sgn_pdf_diff_mark(pair->family, ref_num(root), pair->pool);
    check_dss(pair, old, now);
    check_metadata(pair, old, now);

    if (ref_num(old_form) && ref_num(old_form) == ref_num(new_form)
        && sgn_pdf_diff_is_overridden(pair, ref_num(old_form)))
        sgn_pdf_diff_explain(pair, ref_num(old_form));
    else if (ref_num(new_form) && ref_num(new_form) != ref_num(old_form)
             && !sgn_pdf_diff_is_new(pair, ref_num(new_form)))
        sgn_pdf_diff_forbid(pair, SGN_F_CHANGE_FORBIDDEN, ref_num(new_form), "an old object became the form");
    sgn_pdf_diff_form(pair, sgn_pdf_doc_get(pair->old, old_form), sgn_pdf_doc_get(pair->new, new_form));
}

/* ---- what is left --------------------------------------------------------- */

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
    if (obj->type == SGN_PDF_REF && own_entry(pair, (int)obj->number)
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

static void sweep(sgn_pdf_diff_pair_t *pair)
{
    apr_hash_t *reached = apr_hash_make(pair->pool);
    apr_array_header_t *todo = apr_array_make(pair->pool, 64, sizeof(int));
    apr_hash_index_t *index;
    int told = 0;

    reach(pair, sgn_pdf_doc_trailer(pair->new), reached, todo);
    for (index = apr_hash_first(pair->pool, pair->own); index; index = apr_hash_next(index)) {
        const sgn_pdf_entry_t *entry = apr_hash_this_val(index);

        if (entry->type == 0) {
            if (entry->num != 0 && lived(pair, entry->num))
                sgn_pdf_diff_forbid(pair, SGN_F_CHANGE_FORBIDDEN, entry->num, "object freed");
            continue;
        }
        if (entry->type == 1 && entry->num == pair->scan->sections[pair->scan->revisions[pair->revision].first].stream_num
            && !lived(pair, entry->num))
            continue;
        if (!lived(pair, entry->num))
            continue;
        reach(pair, sgn_pdf_doc_object(pair->new, entry->num, entry->gen), reached, todo);
        if (!sgn_pdf_diff_marked(pair->explained, entry->num) && !same_object(pair, entry))
            sgn_pdf_diff_forbid(pair, SGN_F_CHANGE_FORBIDDEN, entry->num, "object of an earlier revision replaced");
    }
    while (todo->nelts) {
        int num = *(int *)apr_array_pop(todo);
        const sgn_pdf_entry_t *entry = own_entry(pair, num);

        reach(pair, sgn_pdf_doc_object(pair->new, num, entry->gen), reached, todo);
    }
    for (index = apr_hash_first(pair->pool, pair->own); index && told < ORPHANS_TOLD; index = apr_hash_next(index)) {
        const sgn_pdf_entry_t *entry = apr_hash_this_val(index);

        if (entry->type == 0 || lived(pair, entry->num) || sgn_pdf_diff_marked(reached, entry->num)
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

static void check_refs(sgn_pdf_diff_pair_t *pair, const sgn_pdf_diff_refs_t *refs)
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
    check_trailer(pair);
    check_catalog(pair);
    sgn_pdf_diff_pages(pair);
    sgn_pdf_diff_bytes(pair);
    sweep(pair);
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
            sgn_pdf_diff_tell(pair, broken ? SGN_PDF_DIFF_NONE : SGN_PDF_DIFF_FORBIDDEN, SGN_F_STRUCTURE, 0,
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
            check_refs(pairs[k], refs);
    }
    return NULL;
}
