/*
 * pdf_diff_form.c: what a revision may do to form fields and pages.
 *
 * New signature fields at the root, empty signature fields signed, reserved
 * fields filled once together with the seal; on pages only the widgets of
 * those new fields.  Locks and certifications of earlier signatures are
 * honoured [ISO 32000-2, 12.8.2.2 and 12.8.2.4].
 */
#include <math.h>
#include <string.h>

#include "look/format/pdf_diff_step.h"
#include "look/format/pdf_reserve.h"

/* Keys a new signature field may have; /A and /AA (actions) are not among them. */
static const char *const new_field_keys[] = {
    "FT", "T", "TU", "TM", "Ff", "F", "V", "DV", "Lock", "SV", "Type", "Subtype", "Rect", "P", "AP", "AS",
    "MK", "BS", "Border", "DA", "DR", "Q", "NM", "M", "Kids", "Parent", "StructParent", "H", "C", "Contents", NULL
};
static const char *const form_may_differ[] = { "Fields", "SigFlags", NULL };
static const char *const signing_may_differ[] = { "V", "AP", "AS", "F", "M", NULL };
static const char *const filling_may_differ[] = { "V", "AP", NULL };
static const char *const page_may_differ[] = { "Annots", NULL };

static int in_list(const char *const *list, const char *key)
{
    for (; *list; list++)
        if (strcmp(*list, key) == 0)
            return 1;
    return 0;
}

static int is_reserved_text(const char *name)
{
    int i;

    for (i = 0; i < SGN_PDF_RESERVE_COUNT; i++)
        if (strcmp(sgn_pdf_reserve_names[i], name) == 0)
            return strcmp(name, SGN_PDF_RESERVE_SEAL) != 0;
    return 0;
}

static int is_reserved(const char *name)
{
    return is_reserved_text(name) || strcmp(name, SGN_PDF_RESERVE_SEAL) == 0;
}

static int has_value(const sgn_pdf_field_t *field)
{
    return field->value && field->value->type != SGN_PDF_NULL
        && !(field->value->type == SGN_PDF_STRING && field->value->text.len == 0);
}

static int is_sig(const sgn_pdf_field_t *field)
{
    return field->type && strcmp(field->type, "Sig") == 0;
}

static int is_timestamp(const sgn_pdf_field_t *field)
{
    return sgn_pdf_obj_is_name(sgn_pdf_obj_get(field->value, "Type"), "DocTimeStamp");
}

static int certifies(sgn_pdf_diff_pair_t *pair, const sgn_pdf_field_t *field)
{
    const sgn_pdf_obj_t *references = sgn_pdf_doc_find(pair->new, field->value, "Reference");
    int i;

    for (i = 0; i < references->count && references->type == SGN_PDF_ARRAY; i++)
        if (sgn_pdf_obj_is_name(sgn_pdf_doc_find(pair->new, sgn_pdf_doc_at(pair->new, references, i),
                                                 "TransformMethod"), "DocMDP"))
            return 1;
    return 0;
}

/* Is the field locked by a signature of the old revision? */
static int is_locked(sgn_pdf_diff_pair_t *pair, const sgn_pdf_field_t *fields, int count, const char *name)
{
    int i;

    for (i = 0; i < count; i++)
        if (is_sig(&fields[i]) && has_value(&fields[i]) && strcmp(fields[i].name, name) != 0
            && sgn_pdf_doc_locks(pair->old, &fields[i], name))
            return 1;
    return 0;
}

/* Rules for the value of a field that becomes a signature in this revision. */
static int signature_value_ok(sgn_pdf_diff_pair_t *pair, const sgn_pdf_field_t *field, int visible)
{
    const sgn_pdf_obj_t *value = field->value;

    if (!field->value_num || !sgn_pdf_diff_is_new(pair, field->value_num)
        || value->type != SGN_PDF_DICT || value->is_stream
        || sgn_pdf_obj_get(value, "ByteRange") == NULL) {
        sgn_pdf_diff_forbid(pair, SGN_F_CHANGE_FORBIDDEN, field->num, "value is not a new signature dictionary");
        return 0;
    }
    if (pair->certified == 1 && !is_timestamp(field)) {
        sgn_pdf_diff_forbid(pair, SGN_F_CHANGE_LOCK, field->num, "certification allows no further signature");
        return 0;
    }
    if (pair->certified > 1 && visible) {
        sgn_pdf_diff_forbid(pair, SGN_F_CHANGE_LOCK, field->num, "new visible field after a certification");
        return 0;
    }
    if (certifies(pair, field)) {
        sgn_pdf_diff_forbid(pair, SGN_F_CHANGE_FORBIDDEN, field->num, "certification behind another signature");
        return 0;
    }
    return 1;
}

/* R11: a new widget on top of an earlier signature's or of most of a page. */
static void check_cover(sgn_pdf_diff_pair_t *pair, const sgn_pdf_field_t *field,
                        const sgn_pdf_field_t *olds, int count)
{
    double width = field->rect[2] - field->rect[0], height = field->rect[3] - field->rect[1];
    const sgn_pdf_page_t *pages;
    int i, page_count;

    if (width <= 0 || height <= 0 || field->page == 0)
        return;
    for (i = 0; i < count; i++) {
        const sgn_pdf_field_t *old = &olds[i];

        if (is_sig(old) && old->page == field->page && old->rect[2] > old->rect[0]
            && field->rect[0] < old->rect[2] && old->rect[0] < field->rect[2]
            && field->rect[1] < old->rect[3] && old->rect[1] < field->rect[3])
            sgn_pdf_diff_tell(pair, SGN_PDF_DIFF_NONE, SGN_F_CHANGE_COVERS, field->num,
                              "new widget lies over an earlier signature's");
    }
    if (sgn_pdf_doc_pages(&pages, &page_count, pair->new) == NULL && field->page <= page_count) {
        const double *box = pages[field->page - 1].box;

        if (width * height > 0.5 * fabs((box[2] - box[0]) * (box[3] - box[1])))
            sgn_pdf_diff_tell(pair, SGN_PDF_DIFF_NONE, SGN_F_CHANGE_COVERS, field->num,
                              "new widget covers more than half of its page");
    }
}

static void check_new_field(sgn_pdf_diff_pair_t *pair, const sgn_pdf_field_t *field,
                            const sgn_pdf_field_t *olds, int count)
{
    int i, visible = field->rect[2] > field->rect[0] && field->rect[3] > field->rect[1] && field->page;

    if (!is_sig(field)) {
        sgn_pdf_diff_forbid(pair, is_reserved(field->name) ? SGN_F_FILL_FOREIGN : SGN_F_CHANGE_FORBIDDEN,
                            field->num, "new field that is no signature");
        return;
    }
    if (is_reserved(field->name) || field->level != 0 || field->widgets > 1) {
        sgn_pdf_diff_forbid(pair, SGN_F_CHANGE_FORBIDDEN, field->num, "new signature field of a form that is not allowed");
        return;
    }
    for (i = 0; i < field->dict->count; i++)
        if (!in_list(new_field_keys, field->dict->keys[i])) {
            sgn_pdf_diff_forbid(pair, SGN_F_CHANGE_FORBIDDEN, field->num, "new signature field with a key that is not allowed");
            return;
        }
    for (i = 0; i < count; i++)
        if (strcmp(olds[i].name, field->name) == 0) {
            sgn_pdf_diff_forbid(pair, SGN_F_CHANGE_FORBIDDEN, field->num, "new field with the name of an old one");
            return;
        }
    if (!has_value(field)) {
        if (visible || sgn_pdf_obj_get(field->dict, "AP") || sgn_pdf_obj_get(field->dict, "MK")) {
            sgn_pdf_diff_forbid(pair, SGN_F_CHANGE_FORBIDDEN, field->num, "new visible field without a signature");
            return;
        }
    } else {
        if (!signature_value_ok(pair, field, visible))
            return;
        if (!is_timestamp(field) && is_locked(pair, olds, count, field->name)) {
            sgn_pdf_diff_forbid(pair, SGN_F_CHANGE_LOCK, field->num, "an earlier signature locks all fields");
            return;
        }
    }
    if (field->widget_num) {
        if (!sgn_pdf_diff_is_new(pair, field->widget_num)) {
            sgn_pdf_diff_forbid(pair, SGN_F_CHANGE_FORBIDDEN, field->num, "new field takes an old annotation");
            return;
        }
        sgn_pdf_diff_mark(pair->widgets, field->widget_num, pair->pool);
    }
    check_cover(pair, field, olds, count);
    sgn_pdf_diff_tell(pair, SGN_PDF_DIFF_PERMITTED,
                      is_timestamp(field) ? SGN_F_CHANGE_TIMESTAMP : SGN_F_CHANGE_SIGNATURE,
                      field->num, "signature field added");
}

/* An existing field whose object (or whose widget) was overridden.
 * Returns 1 when it was a reserved field that got its value. */
static int check_old_field(sgn_pdf_diff_pair_t *pair, const sgn_pdf_field_t *old, const sgn_pdf_field_t *now,
                           const sgn_pdf_field_t *olds, int count, int *sealed)
{
    int changed = sgn_pdf_diff_is_overridden(pair, old->num)
        || (old->widget_num && sgn_pdf_diff_is_overridden(pair, old->widget_num));
    const char *const *may = NULL;

    if (!changed && !(has_value(old) != has_value(now)))
        return 0;
    if (sgn_pdf_obj_equal(old->dict, now->dict)
        && (old->widget_num == old->num || old->widget_num == 0
            || sgn_pdf_obj_equal(sgn_pdf_doc_object(pair->old, old->widget_num, 0),
                                 sgn_pdf_doc_object(pair->new, old->widget_num, 0))))
        return 0;                   /* the sweep finds other overridden objects itself */
    if (is_locked(pair, olds, count, old->name)) {
        sgn_pdf_diff_forbid(pair, SGN_F_CHANGE_LOCK, old->num, "field locked by an earlier signature");
        return 0;
    }
    if (is_sig(old) && !has_value(old) && has_value(now)) {
        if (signature_value_ok(pair, now, 0))
            may = signing_may_differ;
    } else if (is_reserved_text(old->name) && !has_value(old) && has_value(now) && pair->certified != 1) {
        may = filling_may_differ;
    }
    if (!may || !old->num || old->num != now->num || old->widget_num != now->widget_num
        || !sgn_pdf_obj_equal_but(old->dict, now->dict, may)
        || (old->widget_num && old->widget_num != old->num
            && !sgn_pdf_obj_equal_but(sgn_pdf_doc_object(pair->old, old->widget_num, 0),
                                      sgn_pdf_doc_object(pair->new, old->widget_num, 0), may))) {
        sgn_pdf_diff_forbid(pair, is_reserved_text(old->name) ? SGN_F_FILL_FOREIGN : SGN_F_CHANGE_FORBIDDEN,
                            old->num, "field changed");
        return 0;
    }
    sgn_pdf_diff_explain(pair, old->num);
    if (old->widget_num)
        sgn_pdf_diff_explain(pair, old->widget_num);
    if (may == filling_may_differ)
        return 1;
    if (strcmp(old->name, SGN_PDF_RESERVE_SEAL) == 0)
        *sealed = 1;
    else
        sgn_pdf_diff_tell(pair, SGN_PDF_DIFF_PERMITTED,
                          is_timestamp(now) ? SGN_F_CHANGE_TIMESTAMP : SGN_F_CHANGE_SIGNATURE,
                          old->num, "empty signature field signed");
    return 0;
}

/* [THREATS A9, B5] What is drawn must be what is stored, and the filling must
 * be the seal's. */
static void check_filled(sgn_pdf_diff_pair_t *pair, const sgn_pdf_field_t *field, int sealed)
{
    const char *what = NULL;
    int same = 0;

    if (!sealed) {
        sgn_pdf_diff_forbid(pair, SGN_F_FILL_FOREIGN, field->num, "reserved field filled without the seal");
        return;
    }
    if (sgn_pdf_reserve_compare(&same, &what, pair->new, field, pair->pool) || !same)
        sgn_pdf_diff_forbid(pair, SGN_F_APPEARANCE_DIFFERS, field->num, what ? what : "appearance cannot be made again");
}

static void check_root_fields(sgn_pdf_diff_pair_t *pair, const sgn_pdf_obj_t *old_form, const sgn_pdf_obj_t *new_form)
{
    const sgn_pdf_obj_t *olds = sgn_pdf_doc_find(pair->old, old_form, "Fields");
    const sgn_pdf_obj_t *news = sgn_pdf_doc_find(pair->new, new_form, "Fields");
    const sgn_pdf_obj_t *ref = sgn_pdf_obj_get(old_form, "Fields");
    int i, old_count = olds->type == SGN_PDF_ARRAY ? olds->count : 0;

    if (ref && ref->type == SGN_PDF_REF && sgn_pdf_diff_is_overridden(pair, (int)ref->number))
        sgn_pdf_diff_explain(pair, (int)ref->number);
    if (news->type != SGN_PDF_ARRAY ? old_count > 0 : news->count < old_count) {
        sgn_pdf_diff_forbid(pair, SGN_F_CHANGE_FORBIDDEN, 0, "form fields removed");
        return;
    }
    for (i = 0; i < old_count; i++)
        if (!sgn_pdf_obj_equal(olds->items[i], news->items[i])) {
            sgn_pdf_diff_forbid(pair, SGN_F_CHANGE_FORBIDDEN, 0, "form fields removed or in another order");
            return;
        }
    for (i = old_count; news->type == SGN_PDF_ARRAY && i < news->count; i++)
        if (news->items[i]->type != SGN_PDF_REF || !sgn_pdf_diff_is_new(pair, (int)news->items[i]->number))
            sgn_pdf_diff_forbid(pair, SGN_F_CHANGE_FORBIDDEN, 0, "new form field is not a new object");
}

void sgn_pdf_diff_form(sgn_pdf_diff_pair_t *pair, const sgn_pdf_obj_t *old_form, const sgn_pdf_obj_t *new_form)
{
    const sgn_pdf_field_t *olds = NULL, *news = NULL;
    apr_hash_t *by_name = apr_hash_make(pair->pool);
    int i, old_count = 0, new_count = 0, sealed = 0, filled = 0;
    int *fills;

    if (old_form->type == SGN_PDF_DICT) {
        apr_int64_t flags = sgn_pdf_obj_int(sgn_pdf_doc_find(pair->old, old_form, "SigFlags"), 0);

        if (!sgn_pdf_obj_equal_but(old_form, new_form, form_may_differ))
            sgn_pdf_diff_forbid(pair, SGN_F_CHANGE_FORBIDDEN, 0, "form dictionary changed beyond /Fields and /SigFlags");
        if ((sgn_pdf_obj_int(sgn_pdf_doc_find(pair->new, new_form, "SigFlags"), 0) & flags) != flags)
            sgn_pdf_diff_forbid(pair, SGN_F_CHANGE_FORBIDDEN, 0, "/SigFlags taken back");
    } else if (sgn_pdf_obj_get(new_form, "XFA") || sgn_pdf_obj_get(new_form, "NeedAppearances")) {
        sgn_pdf_diff_forbid(pair, SGN_F_CHANGE_FORBIDDEN, 0, "new form dictionary with /XFA or /NeedAppearances");
    }
    if (sgn_pdf_doc_fields(&olds, &old_count, pair->old) || sgn_pdf_doc_fields(&news, &new_count, pair->new)) {
        sgn_pdf_diff_forbid(pair, SGN_F_CHANGE_FORBIDDEN, 0, "form fields cannot be read");
        return;
    }
    check_root_fields(pair, old_form, new_form);
    for (i = 0; i < new_count; i++) {
        if (apr_hash_get(by_name, news[i].name, APR_HASH_KEY_STRING))
            sgn_pdf_diff_forbid(pair, SGN_F_CHANGE_FORBIDDEN, news[i].num, "two fields of one name");
        apr_hash_set(by_name, news[i].name, APR_HASH_KEY_STRING, &news[i]);
    }
    fills = apr_pcalloc(pair->pool, sizeof *fills * (size_t)(old_count + 1));
    for (i = 0; i < old_count; i++) {
        const sgn_pdf_field_t *now = apr_hash_get(by_name, olds[i].name, APR_HASH_KEY_STRING);

        if (!now || now->num != olds[i].num)
            sgn_pdf_diff_forbid(pair, SGN_F_CHANGE_FORBIDDEN, olds[i].num, "field removed or replaced");
        else
            filled += fills[i] = check_old_field(pair, &olds[i], now, olds, old_count, &sealed);
        apr_hash_set(by_name, olds[i].name, APR_HASH_KEY_STRING, NULL);
    }
    for (i = 0; i < old_count; i++)
        if (fills[i])
            check_filled(pair, sgn_pdf_doc_field(pair->new, olds[i].name), sealed);
    if (sealed)
        sgn_pdf_diff_tell(pair, SGN_PDF_DIFF_PERMITTED, filled ? SGN_F_CHANGE_SEAL_FILL : SGN_F_CHANGE_SIGNATURE,
                          0, filled ? "number and date filled and the seal signed" : "reserved seal field signed");
    for (i = 0; i < new_count; i++)
        if (apr_hash_get(by_name, news[i].name, APR_HASH_KEY_STRING) == &news[i])
            check_new_field(pair, &news[i], olds, old_count);
}

/* Old annotations first and unchanged, then only widgets of new signature fields. */
static void check_annots(sgn_pdf_diff_pair_t *pair, int num, const sgn_pdf_obj_t *olds, const sgn_pdf_obj_t *news)
{
    int i, old_count = olds->type == SGN_PDF_ARRAY ? olds->count : 0;

    if (news->type != SGN_PDF_ARRAY ? old_count > 0 : news->count < old_count) {
        sgn_pdf_diff_forbid(pair, SGN_F_CHANGE_FORBIDDEN, num, "annotations removed");
        return;
    }
    for (i = 0; news->type == SGN_PDF_ARRAY && i < news->count; i++)
        if (i < old_count ? !sgn_pdf_obj_equal(olds->items[i], news->items[i])
            : news->items[i]->type != SGN_PDF_REF
              || !sgn_pdf_diff_marked(pair->widgets, (int)news->items[i]->number)) {
            sgn_pdf_diff_forbid(pair, SGN_F_CHANGE_FORBIDDEN, num,
                                i < old_count ? "annotations removed or in another order"
                                : "annotation added that is no new signature field");
            return;
        }
}

/* Is num the /Annots array of pages of the old revision, and of nothing but? */
static int is_annots_array(sgn_pdf_diff_pair_t *pair, int num)
{
    const sgn_pdf_page_t *pages;
    int i, count;

    if (sgn_pdf_doc_pages(&pages, &count, pair->old))
        return 0;
    for (i = 0; i < count; i++) {
        const sgn_pdf_obj_t *annots = sgn_pdf_obj_get(sgn_pdf_doc_object(pair->old, pages[i].num, pages[i].gen), "Annots");

        if (annots && annots->type == SGN_PDF_REF && annots->number == num) {
            sgn_pdf_diff_mark(pair->family, pages[i].num, pair->pool);
            return 1;
        }
    }
    return 0;
}

void sgn_pdf_diff_pages(sgn_pdf_diff_pair_t *pair)
{
    apr_hash_index_t *index;

    for (index = apr_hash_first(pair->pool, pair->own); index; index = apr_hash_next(index)) {
        const sgn_pdf_entry_t *entry = apr_hash_this_val(index);
        const sgn_pdf_obj_t *old, *now;

        if (entry->type == 0 || sgn_pdf_diff_is_new(pair, entry->num)
            || sgn_pdf_diff_marked(pair->explained, entry->num))
            continue;
        old = sgn_pdf_doc_object(pair->old, entry->num, entry->gen);
        now = sgn_pdf_doc_object(pair->new, entry->num, entry->gen);
        if (old->type == SGN_PDF_DICT && !old->is_stream && !now->is_stream
            && sgn_pdf_obj_is_name(sgn_pdf_obj_get(old, "Type"), "Page")) {
            if (!sgn_pdf_obj_equal_but(old, now, page_may_differ))
                continue;           /* the sweep forbids it */
            check_annots(pair, entry->num, sgn_pdf_doc_find(pair->old, old, "Annots"),
                         sgn_pdf_doc_find(pair->new, now, "Annots"));
            sgn_pdf_diff_explain(pair, entry->num);
        } else if (old->type == SGN_PDF_ARRAY && now->type == SGN_PDF_ARRAY && !sgn_pdf_obj_equal(old, now)
                   && is_annots_array(pair, entry->num)) {
            check_annots(pair, entry->num, old, now);
            sgn_pdf_diff_explain(pair, entry->num);
        }
    }
}
