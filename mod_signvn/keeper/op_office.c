/* op_office.c: policy, a person. */
#include "keeper/op_office.h"

#include <string.h>

#include "office/agency/agency.h"

/* ---- policy ----------------------------------------------------------------- */

static const char *const settings[] = {
#define SERVER(name, kind, absent, vi, en)
#define LOCATION(name, kind, absent, vi, en)
#define AGENCY(name, kind, absent, vi, en) #name,
#include "base/directives.def"
#undef SERVER
#undef LOCATION
#undef AGENCY
    NULL
};

/* Each value as the configuration holds it, whatever its kind, and its place. */
static json_t *print_settings(const sgn_call_t *call, const char *code)
{
    json_t *list = sgn_json_array(call->pool), *agency, *values = NULL;
    size_t n;

    json_array_foreach(json_object_get(sgn_config_encode(call->config), "agencies"), n, agency) {
        const char *name = json_string_value(json_object_get(agency, "code"));

        if (name && strcmp(name, code) == 0)
            values = agency;
    }
    for (int i = 0; settings[i]; i++) {
        json_t *row = sgn_json_object(call->pool), *value = json_object_get(values, settings[i]);
        const char *place = sgn_config_place(call->config, code, settings[i]);

        sgn_json_set_str(row, "name", settings[i]);
        sgn_json_set(row, "value", value ? value : json_null());
        sgn_json_set_str(row, "place", place ? place : "default");
        json_array_append(list, row);
    }
    return list;
}

sgn_error_t *sgn_op_office_policy(sgn_call_t *call)
{
    json_t *answer = sgn_json_object(call->pool);
    const char *code, *name = NULL, *refused;

    SGN_TRY(sgn_json_get_str(&code, call->args, "id", call->pool));
    if (call->person && !sgn_person_has_role(call->person, code, NULL))
        return SGN_ERROR(call->pool, SGN_ACCESS_DENIED, "policy of %.60s", code);
    refused = sgn_config_agency_refused(call->config, code);
    if (!refused && !sgn_config_has_agency(call->config, code))
        return SGN_ERROR(call->pool, SGN_AGENCY_UNKNOWN, "%.60s", code);
    (void)sgn_agency_name(&name, call->keeper->agency, code, call->pool);   /* not registered yet: no name */
    sgn_json_set_str(answer, "agency", code);
    sgn_json_set_str(answer, "name", name);
    sgn_json_set_bool(answer, "inForce", refused == NULL);
    sgn_json_set_str(answer, "refused", refused);
    sgn_json_set(answer, "settings", print_settings(call, code));
    sgn_call_answer(call, 200, answer);
    return NULL;
}

/* ---- a person --------------------------------------------------------------- */

sgn_error_t *sgn_op_office_person(sgn_call_t *call)
{
    json_t *answer = sgn_json_object(call->pool), *roles = sgn_json_array(call->pool), *all, *items, *item;
    const char *account;
    size_t i;

    SGN_TRY(sgn_json_get_str(&account, call->args, "id", call->pool));
    SGN_TRY(sgn_agency_people(&all, call->keeper->agency,
                              call->person ? sgn_person_agencies(call->person, call->pool) : NULL, call->pool));
    SGN_TRY(sgn_json_get_array(&items, all, "items", call->pool));
    json_array_foreach(items, i, item) {
        const char *one = json_string_value(json_object_get(item, "account"));
        json_t *role;

        if (!one || strcmp(one, account) != 0)
            continue;
        sgn_json_set(answer, "account", json_object_get(item, "account"));
        sgn_json_set(answer, "name", json_object_get(item, "name"));
        role = sgn_json_own(json_copy(item), call->pool);
        json_object_del(role, "account");
        json_object_del(role, "name");
        json_array_append(roles, role);
    }
    if (json_array_size(roles) == 0)
        return SGN_ERROR(call->pool, SGN_NOT_FOUND, "nobody of this account in your agencies");
    sgn_json_set(answer, "roles", roles);
    sgn_call_answer(call, 200, answer);
    return NULL;
}
