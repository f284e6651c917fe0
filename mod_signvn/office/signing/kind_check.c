/*
 * kind_check.c: ky kiem tra noi dung / the thuc, the check before the leader
 * [BG, Điều 9.3]: a small block of text, no image; never an approval.
 */
#include "office/signing/kind.h"

#include <string.h>

#include <apr_strings.h>

#include "base/clock.h"

static int is_form(const sgn_wish_t *wish)
{
    const char *of = json_string_value(json_object_get(wish->spec, "checkOf"));

    return of && strcmp(of, "form") == 0;
}

static sgn_error_t *check_wish(const sgn_wish_t *wish, apr_pool_t *pool)
{
    json_t *of = json_object_get(wish->spec, "checkOf");

    if (of && !is_form(wish) && (!json_is_string(of) || strcmp(json_string_value(of), "content") != 0))
        return SGN_ERROR(pool, SGN_FIELD, "checkOf: content or form wanted");
    return NULL;
}

static sgn_error_t *check_document(sgn_act_t *act)
{
    (void)act;  /* anybody bound as a signer of the agency may check */
    return NULL;
}

static sgn_error_t *dress(json_t *args, sgn_act_t *act)
{
    json_t *lines = sgn_json_array(act->pool);

    SGN_TRY(sgn_kind_place(args, act->wish, act->pool));
    json_array_append_new(lines, json_string(sgn_kind_shown(is_form(act->wish) ? SGN_SHOWN_CHECK_FORM : SGN_SHOWN_CHECK_CONTENT)));
    json_array_append_new(lines, json_string(act->person->name));
    json_array_append_new(lines, json_string(sgn_clock_print(act->now, act->pool)));
    sgn_json_set(args, "lines", lines);
    return sgn_kind_reserve(args, act);
}

static const char *const roles[] = { "reviewer", "authority", "deputy", "clerk", NULL };

const sgn_kind_plug_t sgn_kind_check = {
    .name = "check",
    .shown = SGN_SHOWN_KIND_CHECK,
    .attribute = SGN_KIND_CHECK,
    .certificate = "person",
    .roles = roles,
    .finishing = 0,
    .check_wish = check_wish,
    .check_document = check_document,
    .dress = dress,
};
