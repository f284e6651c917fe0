/* Preparing a signature: field, appearance, reserved fields, placeholder. */
#include "look/format/pdf_prepare.h"

#include <string.h>

#include <apr_strings.h>

#include "look/format/pdf_form.h"
#include "look/format/pdf_list.h"
#include "look/format/pdf_reserve.h"

#define CONTENTS_SIZE 16384
#define CONTENTS_MOST (1 << 20)
#define SEAL_MM 36.0
#define SLACK 0.1               /* user units that rounding may take */

static const sgn_pdf_obj_t *ref(int num, apr_pool_t *pool)
{
    return sgn_pdf_obj_make_ref(num, 0, pool);
}

static const sgn_pdf_obj_t *name(const char *text, apr_pool_t *pool)
{
    return sgn_pdf_obj_make_name(text, pool);
}

/* [ISO 32000-2, 12.8.2.4] the lock of a field becomes the signature's transform */
static const sgn_pdf_obj_t *field_lock(sgn_pdf_form_t *form, const sgn_pdf_field_t *field)
{
    apr_pool_t *pool = form->pool;
    const sgn_pdf_obj_t *lock = sgn_pdf_doc_find(form->doc, field->dict, "Lock"), *parms, *reference;
    const sgn_pdf_obj_t *action = sgn_pdf_doc_find(form->doc, lock, "Action");
    const sgn_pdf_obj_t *fields = sgn_pdf_doc_find(form->doc, lock, "Fields");

    if (action->type != SGN_PDF_NAME)
        return NULL;
    parms = sgn_pdf_obj_with(NULL, "Type", name("TransformParams", pool), pool);
    parms = sgn_pdf_obj_with(parms, "Action", action, pool);
    if (fields->type == SGN_PDF_ARRAY)
        parms = sgn_pdf_obj_with(parms, "Fields", fields, pool);
    parms = sgn_pdf_obj_with(parms, "V", name("1.2", pool), pool);
    reference = sgn_pdf_obj_with(NULL, "Type", name("SigRef", pool), pool);
    reference = sgn_pdf_obj_with(reference, "TransformMethod", name("FieldMDP", pool), pool);
    reference = sgn_pdf_obj_with(reference, "TransformParams", parms, pool);
    reference = sgn_pdf_obj_with(reference, "Data", sgn_pdf_doc_root(form->doc), pool);
    return sgn_pdf_obj_append(NULL, reference, pool);
}

/* No /Reason: the commitment type in the signed attributes says it [EN 319 142-1, 5.3]. */
static void write_value(sgn_pdf_form_t *form, int num, const sgn_format_prepare_t *what, const sgn_pdf_obj_t *lock)
{
    apr_pool_t *pool = form->pool;
    const sgn_pdf_obj_t *dict = sgn_pdf_obj_with(NULL, "Type", name("Sig", pool), pool);

    dict = sgn_pdf_obj_with(dict, "Filter", name("Adobe.PPKLite", pool), pool);
    dict = sgn_pdf_obj_with(dict, "SubFilter", name("ETSI.CAdES.detached", pool), pool);
    dict = sgn_pdf_obj_with(dict, "M", sgn_pdf_obj_make_text(sgn_pdf_list_date(what->now, pool), pool), pool);
    if (what->signer_name && *what->signer_name)
        dict = sgn_pdf_obj_with(dict, "Name", sgn_pdf_obj_make_text(what->signer_name, pool), pool);
    if (lock)
        dict = sgn_pdf_obj_with(dict, "Reference", lock, pool);
    sgn_pdf_update_signature(form->update, num, dict, what->contents_size ? what->contents_size : CONTENTS_SIZE);
}

static sgn_pdf_look_t look_of(sgn_pdf_form_t *form, const sgn_format_prepare_t *what)
{
    sgn_pdf_look_t look = { what->image, what->image_width_mm, what->lines, 0 };

    look.pdfa1 = what->image.len > 0 && sgn_pdf_admit_pdfa1(form->doc, form->pool);
    return look;
}

/* A seal's box gives its corner; its size is the registered diameter. */
static sgn_format_box_t sized(const sgn_format_prepare_t *what)
{
    sgn_format_box_t box = what->box;

    if (box.given && what->image_width_mm > 0) {
        double aspect = 1;

        if (what->image.len >= 24) {
            const unsigned char *p = what->image.data + 16;
            double w = (double)((unsigned)p[0] << 24 | p[1] << 16 | p[2] << 8 | p[3]);
            double h = (double)((unsigned)p[4] << 24 | p[5] << 16 | p[6] << 8 | p[7]);

            if (w > 0 && h > 0 && h < 20 * w)
                aspect = h / w;
        }
        box.width = what->image_width_mm * 72 / 25.4;
        box.height = box.width * aspect;
    }
    return box;
}

static int crosses(const double a[4], const double b[4])
{
    return a[0] < b[2] && a[2] > b[0] && a[1] < b[3] && a[3] > b[1];
}

/* B7: nothing of ours may lie over number or date, there or to come. */
static sgn_error_t *check_beneath(sgn_pdf_form_t *form, const sgn_format_prepare_t *what, const sgn_pdf_place_t *place)
{
    const sgn_format_box_t *boxes[4] = { &what->reserve_number, &what->reserve_day, &what->reserve_month,
                                         &what->reserve_date };
    int i;

    for (i = 0; i < 4; i++) {
        const sgn_pdf_field_t *field = sgn_pdf_doc_field(form->doc, sgn_pdf_reserve_names[i]);
        sgn_pdf_place_t other;

        memset(&other, 0, sizeof other);
        if (boxes[i]->given)
            SGN_TRY(sgn_pdf_appear_place(&other, form->doc, boxes[i], form->pool));
        if ((field && field->page == place->page && crosses(field->rect, place->rect))
            || (boxes[i]->given && other.page == place->page && crosses(other.rect, place->rect)))
            return SGN_ERROR(form->pool, SGN_PLACEMENT_OVER_TEXT, "the box lies over %s", sgn_pdf_reserve_names[i]);
    }
    return NULL;
}

static sgn_error_t *new_field(sgn_format_prepared_t *out, sgn_pdf_form_t *form, const sgn_format_prepare_t *what)
{
    apr_pool_t *pool = form->pool;
    sgn_format_box_t box = sized(what);
    const char *title = sgn_pdf_form_free_name(form, what->field);
    int field = sgn_pdf_update_new(form->update), value = sgn_pdf_update_new(form->update), appearance = 0;
    sgn_pdf_place_t place;
    const sgn_pdf_obj_t *dict;

    SGN_TRY(sgn_pdf_admit_signature(form->doc, title, box.given ? SGN_PDF_ADMIT_VISIBLE
                                    : SGN_PDF_ADMIT_INVISIBLE, pool));
    memset(&place, 0, sizeof place);
    place.page = 1;
    if (box.given) {
        sgn_pdf_look_t look = look_of(form, what);

        SGN_TRY(sgn_pdf_appear_place(&place, form->doc, &box, pool));
        SGN_TRY(check_beneath(form, what, &place));
        SGN_TRY(sgn_pdf_appear_form(&appearance, &form->font_num, form->update, &place, &look, pool));
        out->page = place.page;
        out->rect[0] = box.x;
        out->rect[1] = box.y;
        out->rect[2] = box.x + box.width;
        out->rect[3] = box.y + box.height;
    }
    else {
        appearance = sgn_pdf_appear_stream(form->update, 0, 0, 0, NULL, sgn_bytes("", 0), pool);
    }
    SGN_TRY(sgn_pdf_form_widget(&dict, form, "Sig", title, place.page, place.rect, appearance));
    dict = sgn_pdf_obj_with(dict, "F", sgn_pdf_obj_make_int(SGN_PDF_FORM_PRINT | SGN_PDF_FORM_LOCKED, pool), pool);
    dict = sgn_pdf_obj_with(dict, "V", ref(value, pool), pool);
    sgn_pdf_form_add(form, place.page, field, dict);
    write_value(form, value, what, NULL);
    return NULL;
}

/* ---- filling what is there ----------------------------------------------------- */

static sgn_error_t *place_of(sgn_pdf_place_t *place, sgn_pdf_form_t *form, const sgn_pdf_field_t *field)
{
    memset(place, 0, sizeof *place);
    memcpy(place->rect, field->rect, sizeof place->rect);
    place->page = field->page;
    place->unit = 1;
    if (field->page) {
        place->rotate = form->pages[field->page - 1].rotate;
        place->unit = 1 / form->pages[field->page - 1].user_unit;
    }
    sgn_pdf_appear_turn(place);
    return NULL;
}

static sgn_error_t *fill_signature(sgn_format_prepared_t *out, sgn_pdf_form_t *form, const sgn_format_prepare_t *what)
{
    apr_pool_t *pool = form->pool;
    const sgn_pdf_field_t *field = sgn_pdf_doc_field(form->doc, what->field);
    int seal = strcmp(what->field, SGN_PDF_RESERVE_SEAL) == 0, value, appearance;
    sgn_pdf_place_t place;
    const sgn_pdf_obj_t *dict;

    if (!field || !field->type || strcmp(field->type, "Sig") != 0)
        return SGN_ERROR(pool, seal ? SGN_NUMBER_NOT_RESERVED : SGN_FIELD, "there is no such signature field");
    if (field->value)
        return SGN_ERROR(pool, seal ? SGN_SEAL_ALREADY : SGN_FIELD, "the signature field has its value");
    if (!field->num || field->widgets != 1 || field->widget_num != field->num)
        return SGN_ERROR(pool, SGN_DOCUMENT_ACTIVE, "the signature field is not one object with one widget");
    SGN_TRY(sgn_pdf_admit_signature(form->doc, what->field, SGN_PDF_ADMIT_EXISTING, pool));
    value = sgn_pdf_update_new(form->update);
    dict = sgn_pdf_obj_with(field->dict, "V", ref(value, pool), pool);
    SGN_TRY(place_of(&place, form, field));
    if (place.width > 0 && place.height > 0 && field->page) {
        sgn_pdf_look_t look = look_of(form, what);

        /* drawn at its registered size or not at all, never scaled or cut */
        if (seal && look.image_width_mm * 72 / 25.4 * place.unit > place.width + SLACK)
            return SGN_ERROR(pool, SGN_RESERVE_NARROW, "a seal of %.1f mm in a place of %.1f mm", look.image_width_mm,
                             place.width / place.unit * 25.4 / 72);
        SGN_TRY(sgn_pdf_appear_form(&appearance, &form->font_num, form->update, &place, &look, pool));
        dict = sgn_pdf_obj_with(dict, "AP", sgn_pdf_obj_with(NULL, "N", ref(appearance, pool), pool), pool);
    }
    sgn_pdf_form_change(form, field->num, field->gen, dict);
    out->page = place.page;
    memcpy(out->rect, place.rect, sizeof out->rect);
    write_value(form, value, what, field_lock(form, field));
    return NULL;
}

static sgn_error_t *fill_text(sgn_pdf_form_t *form, const char *title, const char *value)
{
    apr_pool_t *pool = form->pool;
    const sgn_pdf_field_t *field = sgn_pdf_doc_field(form->doc, title);
    const sgn_pdf_obj_t *resources = sgn_pdf_doc_find(form->doc, sgn_pdf_doc_find(form->doc,
                                     sgn_pdf_doc_catalog(form->doc), "AcroForm"), "DR");
    const sgn_pdf_obj_t *font_ref = sgn_pdf_obj_get(sgn_pdf_doc_find(form->doc, resources, "Font"), "SgnF");
    sgn_pdf_reserve_font_t *font;
    sgn_pdf_place_t place;
    const sgn_pdf_obj_t *dict;
    const char *what;
    sgn_bytes_t content;
    int same, appearance;

    if (!value)
        return NULL;
    if (!field)
        return SGN_ERROR(pool, SGN_NUMBER_NOT_RESERVED, "there is no field %s", title);
    if (field->value)
        return SGN_ERROR(pool, SGN_NUMBER_FILLED, "the field %s has a value", title);
    /* B4, B5: nothing may be drawn in it yet */
    SGN_TRY(sgn_pdf_reserve_compare(&same, &what, form->doc, field, pool));
    if (!same)
        return SGN_ERROR(pool, SGN_NUMBER_FILLED, "the field %s is not as it was reserved: %s", title, what);
    SGN_TRY(sgn_pdf_reserve_font(&font, form->doc, font_ref, pool));
    SGN_TRY(place_of(&place, form, field));
    SGN_TRY(sgn_pdf_reserve_appearance(&content, value, place.width, place.height, place.unit, font, pool));
    appearance = sgn_pdf_appear_stream(form->update, place.width, place.height, place.rotate,
                                       sgn_pdf_appear_resources("SgnF", font_ref, pool), content, pool);
    dict = sgn_pdf_obj_with(field->dict, "V", sgn_pdf_obj_make_text(value, pool), pool);
    dict = sgn_pdf_obj_with(dict, "AP", sgn_pdf_obj_with(NULL, "N", ref(appearance, pool), pool), pool);
    sgn_pdf_form_change(form, field->num, field->gen, dict);
    return NULL;
}

/* ---- reserving ------------------------------------------------------------------ */

typedef struct {
    const char *title;
    const sgn_format_box_t *box;
    const char *least;              /* must fit at 11 pt */
} reserved_t;

static sgn_error_t *reserve_one(double rect[4], sgn_pdf_form_t *form, const reserved_t *row,
                                const sgn_pdf_obj_t *font_ref, const sgn_pdf_obj_t *lock)
{
    apr_pool_t *pool = form->pool;
    const sgn_pdf_obj_t *dict;
    sgn_pdf_place_t place;
    int field, appearance, is_seal = lock != NULL;

    SGN_TRY(sgn_pdf_appear_place(&place, form->doc, row->box, pool));
    if (row->least)
        SGN_TRY(sgn_pdf_reserve_room(row->least, place.width, place.height, place.unit, pool));
    if (sgn_pdf_admit_overlaps(form->doc, &form->pages[place.page - 1], place.rect))
        return SGN_ERROR(pool, SGN_DOCUMENT_ACTIVE, "a form field lies over the place of %s", row->title);
    field = sgn_pdf_update_new(form->update);
    appearance = sgn_pdf_appear_stream(form->update, place.width, place.height, place.rotate,
                                       is_seal ? NULL : sgn_pdf_appear_resources("SgnF", font_ref, pool),
                                       sgn_bytes("", 0), pool);
    SGN_TRY(sgn_pdf_form_widget(&dict, form, is_seal ? "Sig" : "Tx", row->title, place.page, place.rect, appearance));
    dict = sgn_pdf_obj_with(dict, "F", sgn_pdf_obj_make_int(SGN_PDF_FORM_PRINT, pool), pool);
    if (is_seal) {
        dict = sgn_pdf_obj_with(dict, "Lock", lock, pool);
    }
    else {
        dict = sgn_pdf_obj_with(dict, "Ff", sgn_pdf_obj_make_int(SGN_PDF_FORM_READONLY, pool), pool);
        dict = sgn_pdf_obj_with(dict, "DA", sgn_pdf_obj_make_text("/SgnF 13 Tf 0 g", pool), pool);
        dict = sgn_pdf_obj_with(dict, "Q", sgn_pdf_obj_make_int(1, pool), pool);
    }
    sgn_pdf_form_add(form, place.page, field, dict);
    memcpy(rect, place.rect, sizeof place.rect);
    return NULL;
}

static sgn_error_t *reserve(sgn_format_prepared_t *out, sgn_pdf_form_t *form, const sgn_format_prepare_t *what)
{
    apr_pool_t *pool = form->pool;
    sgn_format_box_t seal = what->reserve_seal;
    const reserved_t rows[4] = {
        { SGN_PDF_RESERVE_NUMBER, &what->reserve_number, "00" },
        { SGN_PDF_RESERVE_DAY, &what->reserve_day, "00" },
        { SGN_PDF_RESERVE_MONTH, &what->reserve_month, "00" },
        { SGN_PDF_RESERVE_DATE, &what->reserve_date, "00/00/0000" },
    };
    const reserved_t seal_row = { SGN_PDF_RESERVE_SEAL, &seal, NULL };
    const sgn_pdf_obj_t *lock = sgn_pdf_obj_with(NULL, "Type", name("SigFieldLock", pool), pool);
    const sgn_pdf_obj_t *locked = sgn_pdf_obj_make_array(pool), *font_ref;
    int i, texts = 0, lock_num;

    for (i = 0; i < 4; i++)
        texts += rows[i].box->given;
    if (!texts && !seal.given)
        return NULL;
    if (texts && !form->font_num)
        SGN_TRY(sgn_pdf_appear_font(&form->font_num, form->update, pool));
    font_ref = texts ? ref(form->font_num, pool) : NULL;
    for (i = 0; i < 4; i++)
        if (rows[i].box->given) {
            SGN_TRY(reserve_one(out->reserved[i], form, &rows[i], font_ref, NULL));
            locked = sgn_pdf_obj_append(locked, sgn_pdf_obj_make_text(rows[i].title, pool), pool);
        }
    if (texts)
        sgn_pdf_form_resource(form, "SgnF", font_ref);
    if (!seal.given)
        return NULL;
    /* [ISO 32000-2, table 235] /Lock is an indirect object */
    lock = sgn_pdf_obj_with(lock, "Action", name("Include", pool), pool);
    lock = sgn_pdf_obj_with(lock, "Fields", locked, pool);
    lock_num = sgn_pdf_update_new(form->update);
    sgn_pdf_update_object(form->update, lock_num, 0, lock);
    seal.width = seal.height = (what->seal_mm > 0 ? what->seal_mm : SEAL_MM) * 72 / 25.4;
    return reserve_one(out->reserved[4], form, &seal_row, NULL, ref(lock_num, pool));
}

/* Fields of our names that nobody signed are somebody else's trap (B4). */
static sgn_error_t *check_reserve(sgn_pdf_form_t *form, const sgn_format_prepare_t *what)
{
    apr_pool_t *pool = form->pool;
    int wanted = what->reserve_number.given || what->reserve_day.given || what->reserve_month.given
              || what->reserve_date.given || what->reserve_seal.given;
    int is_signed = sgn_pdf_admit_signed(form->doc) > 0, i, present, empty;

    if (wanted && is_signed)
        return SGN_ERROR(pool, SGN_RESERVE_TOO_LATE, "there is a signature already");
    for (i = 0; !is_signed && i < SGN_PDF_RESERVE_COUNT; i++) {
        SGN_TRY(sgn_pdf_reserve_state(&present, &empty, form->doc, sgn_pdf_reserve_names[i], pool));
        if (present)
            return SGN_ERROR(pool, SGN_RESERVE_CLASH, "the unsigned document has a field %s", sgn_pdf_reserve_names[i]);
    }
    if (wanted && sgn_pdf_form_has_resource(form, "SgnF"))
        return SGN_ERROR(pool, SGN_RESERVE_CLASH, "the form has a font SgnF");
    return NULL;
}

sgn_error_t *sgn_pdf_prepare(sgn_format_prepared_t **out, const sgn_format_document_t *document,
                             const sgn_format_prepare_t *what, apr_pool_t *pool)
{
    sgn_format_prepared_t *prepared = apr_pcalloc(pool, sizeof *prepared);
    sgn_pdf_form_t *form;
    sgn_pdf_scan_t *scan;
    sgn_pdf_doc_t *doc;

    if (what->contents_size > CONTENTS_MOST)
        return SGN_ERROR(pool, SGN_FIELD, "contentsSize is over %d", CONTENTS_MOST);
    if (!what->field || !*what->field)
        return SGN_ERROR(pool, SGN_FIELD, "no field name");
    SGN_TRY(sgn_pdf_scan(&scan, document->map, document->size, pool));
    SGN_TRY(sgn_pdf_scan_vet(scan, pool));
    SGN_TRY(sgn_pdf_doc_open(&doc, scan, -1, pool));
    SGN_TRY(sgn_pdf_doc_check(doc, pool));
    SGN_TRY(sgn_pdf_admit_document(doc, pool));
    SGN_TRY(sgn_pdf_form_make(&form, doc, pool));
    SGN_TRY(check_reserve(form, what));
    if (what->fill_field)
        SGN_TRY(fill_signature(prepared, form, what));
    else
        SGN_TRY(new_field(prepared, form, what));
    SGN_TRY(fill_text(form, SGN_PDF_RESERVE_NUMBER, what->fill_number));
    SGN_TRY(fill_text(form, SGN_PDF_RESERVE_DAY, what->fill_day));
    SGN_TRY(fill_text(form, SGN_PDF_RESERVE_MONTH, what->fill_month));
    SGN_TRY(fill_text(form, SGN_PDF_RESERVE_DATE, what->fill_date));
    SGN_TRY(reserve(prepared, form, what));
    SGN_TRY(sgn_pdf_form_write(form));
    /* everything was read by now: what qpdf could not read shows here */
    SGN_TRY(sgn_pdf_doc_check(doc, pool));
    SGN_TRY(sgn_pdf_update_finish(&prepared->update, prepared->range, &prepared->gap_offset,
                                  &prepared->gap_length, form->update));
    prepared->pages = form->page_count;
    *out = prepared;
    return NULL;
}
