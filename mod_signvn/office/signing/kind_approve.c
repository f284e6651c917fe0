/*
 * kind_approve.c: ky ban hanh, the signature of the authorised person.
 *
 * The image of the signature and nothing else [NĐ 30/2020, PL I; HP, Điều
 * 13.1a]; as the first signature it reserves number, date and seal.
 */
#include "office/signing/kind.h"

static sgn_error_t *check_wish(const sgn_wish_t *wish, apr_pool_t *pool)
{
    if (!wish->type)
        return SGN_ERROR(pool, SGN_FIELD, "type: the document type is wanted");
    return NULL;
}

static sgn_error_t *check_document(sgn_act_t *act)
{
    /* [HP, Điều 4.3, 8.4] within the title's document types */
    return sgn_agency_check_type(act->binding, act->wish->type, act->pool);
}

static sgn_error_t *dress(json_t *args, sgn_act_t *act)
{
    sgn_bytes_t png;
    double width;

    SGN_TRY(sgn_kind_place(args, act->wish, act->pool));
    SGN_TRY(sgn_agency_image(&png, &width, act->jobs->o.agency, act->binding, act->pool));
    if (!png.len)
        return SGN_ERROR(act->pool, SGN_IMAGE_MISSING, "signature of %s", act->person->account);
    sgn_json_set_bytes(args, "image", png, act->pool);
    return sgn_kind_reserve(args, act);
}

static const char *const roles[] = { "authority", "deputy", NULL };

const sgn_kind_plug_t sgn_kind_approve = {
    .name = "approve",
    .shown = SGN_SHOWN_KIND_APPROVE,
    .attribute = SGN_KIND_APPROVE,
    .certificate = "person",
    .roles = roles,
    .finishing = 0,
    .check_wish = check_wish,
    .check_document = check_document,
    .dress = dress,
};
