/* kind.c: the table of kinds and what several of them share. */
#include "office/signing/kind.h"

#include <string.h>

extern const sgn_kind_plug_t sgn_kind_approve, sgn_kind_check, sgn_kind_seal;

static const sgn_kind_plug_t *const kinds[] = { &sgn_kind_approve, &sgn_kind_check, &sgn_kind_seal };

/* Kinds of the API that no plug serves yet, and the member each rests on
 * [SV-C02: the agency's signature never stands on nothing]. */
static const struct {
    const char *name, *basis;
} unavailable[] = {
    { "copy", "copyOf" },
    { "attachment", "main" },
    { "appendix", "main" },
    { "scan", "copyOf" },
    { "internal", NULL },
};

static const char *const shown[] = {
#define SHOWN(id, vi) vi,
#include "office/signing/shown_words.def"
#undef SHOWN
};

const char *sgn_kind_shown(sgn_shown_t which)
{
    return shown[which];
}

sgn_error_t *sgn_kind_find(const sgn_kind_plug_t **out, const char *name, const json_t *spec, apr_pool_t *pool)
{
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (strcmp(kinds[i]->name, name) == 0) {
            *out = kinds[i];
            return NULL;
        }
    for (size_t i = 0; i < sizeof unavailable / sizeof unavailable[0]; i++) {
        if (strcmp(unavailable[i].name, name) != 0)
            continue;
        if (unavailable[i].basis && spec && !json_is_object(json_object_get(spec, unavailable[i].basis)))
            return SGN_ERROR(pool, SGN_SEAL_NO_BASIS, "%s needs %s", name, unavailable[i].basis);
        return SGN_ERROR(pool, SGN_KIND_UNAVAILABLE, "kind %s", name);
    }
    return SGN_ERROR(pool, SGN_KIND_UNKNOWN_CODE, "kind %.20s", name);
}

sgn_error_t *sgn_kind_place(json_t *args, const sgn_wish_t *wish, apr_pool_t *pool)
{
    json_t *placement = json_object_get(wish->spec, "placement");
    const char *field;
    double unused;

    if (!json_is_object(placement) || json_object_get(placement, "title"))
        return SGN_ERROR(pool, SGN_PLACEMENT_NOT_FOUND, "document %d: give the box", wish->n);
    SGN_TRY(sgn_json_find_str(&field, placement, "field", NULL, pool));
    if (field) {
        sgn_json_set_str(args, "fieldName", field);
        return NULL;
    }
    SGN_TRY(sgn_json_get_number(&unused, placement, "x", pool));
    SGN_TRY(sgn_json_get_number(&unused, placement, "y", pool));
    SGN_TRY(sgn_json_get_number(&unused, placement, "width", pool));
    SGN_TRY(sgn_json_get_number(&unused, placement, "height", pool));
    sgn_json_set(args, "box", placement);
    return NULL;
}

sgn_error_t *sgn_kind_reserve(json_t *args, const sgn_act_t *act)
{
    static const char *const members[] = { "number", "day", "month", "date", NULL };
    json_t *reserve = json_object_get(act->wish->spec, "reserve"), *box, *copy;
    double diameter;
    int boxes = 0;

    if (json_is_string(reserve) && strcmp(json_string_value(reserve), "none") == 0)
        return NULL;
    if (!json_is_object(reserve))
        return SGN_ERROR(act->pool, SGN_PLACEMENT_NOT_FOUND, "document %d: give the boxes to reserve", act->wish->n);
    copy = sgn_json_object(act->pool);
    for (const char *const *m = members; *m; m++) {
        SGN_TRY(sgn_json_find_object(&box, reserve, *m, act->pool));
        sgn_json_set(copy, *m, box);
        boxes += box != NULL;
    }
    SGN_TRY(sgn_json_get_object(&box, reserve, "seal", act->pool));
    if (boxes == 0 || !json_object_get(copy, "number"))
        return SGN_ERROR(act->pool, SGN_FIELD, "reserve: number and seal are wanted at least");
    sgn_json_set(copy, "seal", box);
    sgn_json_set(args, "reserve", copy);
    /* [SV-D09] the place is final: it has the diameter of the seal that will come */
    SGN_TRY(sgn_agency_seal_mm(&diameter, act->jobs->o.agency, act->job->agency, act->now, act->pool));
    if (diameter > 0)
        json_object_set_new(args, "sealMm", json_real(diameter));
    return NULL;
}
