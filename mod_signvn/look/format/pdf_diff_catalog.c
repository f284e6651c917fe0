/* pdf_diff_catalog.c: what a revision may change in trailer and catalog: document
 * information, metadata, version, evidence (DSS), and through it the form. */
#include <string.h>

#include "look/format/pdf_diff_step.h"

static const char *const catalog_may_differ[] = { "AcroForm", "DSS", "Metadata", "Extensions", "Version", NULL };
static const char *const dss_keys[] = { "Type", "Certs", "CRLs", "OCSPs", "VRI", NULL };
static const char *const vri_keys[] = { "Type", "Cert", "CRL", "OCSP", "TU", "TS", NULL };

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

void sgn_pdf_diff_catalog_trailer(sgn_pdf_diff_pair_t *pair)
{
    const sgn_pdf_obj_t *old = sgn_pdf_doc_trailer(pair->old), *now = sgn_pdf_doc_trailer(pair->new);
    const sgn_pdf_obj_t *info = sgn_pdf_obj_get(now, "Info"), *old_id, *id;
    int num = sgn_pdf_diff_num(info);

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
    int num = sgn_pdf_diff_num(is);

    if ((!was && !is) || (sgn_pdf_obj_equal(was, is) && !sgn_pdf_diff_is_overridden(pair, num)))
        return;
    if (!num || !is_metadata(sgn_pdf_doc_object(pair->new, num, is->gen))
        || (!sgn_pdf_diff_is_new(pair, num) && !(sgn_pdf_obj_equal(was, is)
                                                 && is_metadata(sgn_pdf_doc_object(pair->old, num, is->gen))))) {
        sgn_pdf_diff_forbid(pair, SGN_F_CHANGE_FORBIDDEN, num, "/Metadata is no metadata stream");
        return;
    }
    sgn_pdf_diff_explain_sole(pair, num);
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
    sgn_pdf_diff_explain_sole(pair, sgn_pdf_diff_num(list));
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
    sgn_pdf_diff_explain_sole(pair, sgn_pdf_diff_num(vri));
    sgn_pdf_diff_mark(pair->family, sgn_pdf_diff_num(vri), pair->pool);
    for (i = 0; i < dict->count; i++) {
        const sgn_pdf_obj_t *one = sgn_pdf_doc_get(pair->new, dict->items[i]);

        if (strcmp(dict->keys[i], "Type") == 0)
            continue;
        if (!only_keys(one, vri_keys) || !streams_only(pair, sgn_pdf_obj_get(one, "Cert"))
            || !streams_only(pair, sgn_pdf_obj_get(one, "CRL")) || !streams_only(pair, sgn_pdf_obj_get(one, "OCSP")))
            return 0;
        sgn_pdf_diff_explain_sole(pair, sgn_pdf_diff_num(dict->items[i]));
        sgn_pdf_diff_mark(pair->family, sgn_pdf_diff_num(dict->items[i]), pair->pool);
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
    if (sgn_pdf_diff_num(is) && sgn_pdf_diff_own(pair, sgn_pdf_diff_num(is)))
        any = 1;
    sgn_pdf_diff_mark(pair->family, sgn_pdf_diff_num(is), pair->pool);
    if (!only_keys(dss, dss_keys) || !streams_only(pair, sgn_pdf_obj_get(dss, "Certs"))
        || !streams_only(pair, sgn_pdf_obj_get(dss, "CRLs")) || !streams_only(pair, sgn_pdf_obj_get(dss, "OCSPs"))
        || !vri_ok(pair, sgn_pdf_obj_get(dss, "VRI"))) {
        /* An evidence list that this revision did not touch is not its change. */
        for (index = apr_hash_first(pair->pool, pair->own); index && !any; index = apr_hash_next(index))
            any = sgn_pdf_diff_marked(pair->family, ((const sgn_pdf_entry_t *)apr_hash_this_val(index))->num);
        if (any)
            sgn_pdf_diff_forbid(pair, SGN_F_CHANGE_FORBIDDEN, sgn_pdf_diff_num(is), "/DSS holds other things than evidence");
        return;
    }
    sgn_pdf_diff_explain_sole(pair, sgn_pdf_diff_num(is));
    if (any || pair->sole->nelts)
        sgn_pdf_diff_tell(pair, SGN_PDF_DIFF_PERMITTED, SGN_F_CHANGE_DSS, sgn_pdf_diff_num(is), "evidence added");
}

void sgn_pdf_diff_catalog(sgn_pdf_diff_pair_t *pair)
{
    const sgn_pdf_obj_t *root = sgn_pdf_doc_root(pair->new);
    const sgn_pdf_obj_t *old = sgn_pdf_doc_catalog(pair->old), *now = sgn_pdf_doc_catalog(pair->new);
    const sgn_pdf_obj_t *old_form = sgn_pdf_obj_get(old, "AcroForm"), *new_form = sgn_pdf_obj_get(now, "AcroForm");

    if (now->doubles)
        sgn_pdf_diff_forbid(pair, SGN_F_DUPLICATE_KEY, sgn_pdf_diff_num(root), "catalog has a key twice");
    if (!sgn_pdf_obj_equal_but(old, now, catalog_may_differ))
        sgn_pdf_diff_forbid(pair, SGN_F_CHANGE_FORBIDDEN, sgn_pdf_diff_num(root), "catalog changed");
    else if (sgn_pdf_diff_is_overridden(pair, sgn_pdf_diff_num(root)))
        sgn_pdf_diff_explain(pair, sgn_pdf_diff_num(root));
    check_version(pair, old, now);
    sgn_pdf_diff_mark(pair->family, sgn_pdf_diff_num(root), pair->pool);
    check_dss(pair, old, now);
    check_metadata(pair, old, now);

    if (sgn_pdf_diff_num(old_form) && sgn_pdf_diff_num(old_form) == sgn_pdf_diff_num(new_form)
        && sgn_pdf_diff_is_overridden(pair, sgn_pdf_diff_num(old_form)))
        sgn_pdf_diff_explain(pair, sgn_pdf_diff_num(old_form));
    else if (sgn_pdf_diff_num(new_form) && sgn_pdf_diff_num(new_form) != sgn_pdf_diff_num(old_form)
             && !sgn_pdf_diff_is_new(pair, sgn_pdf_diff_num(new_form)))
        sgn_pdf_diff_forbid(pair, SGN_F_CHANGE_FORBIDDEN, sgn_pdf_diff_num(new_form), "an old object became the form");
    sgn_pdf_diff_form(pair, sgn_pdf_doc_get(pair->old, old_form), sgn_pdf_doc_get(pair->new, new_form));
}
