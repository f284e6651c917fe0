/* op_people.c: who is who. */
#include "keeper/op_people.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "office/agency/agency.h"
#include "office/agency/register.h"

sgn_error_t *sgn_op_people_find(unsigned *roles, sgn_call_t *call)
{
    *roles = 0;
    call->person = NULL;
    if (!call->account)
        return NULL;
    SGN_TRY(sgn_agency_find_person(&call->person, call->keeper->agency, call->account, call->pool));
    for (int i = 0; call->person && i < call->person->role_count; i++)
        *roles |= sgn_access_role(call->person->roles[i].role);
    return NULL;
}

static json_t *print_roles(const sgn_person_t *person)
{
    json_t *list = json_array();

    for (int i = 0; i < person->role_count; i++) {
        json_t *role = json_object();

        sgn_json_set_str(role, "agency", person->roles[i].agency);
        sgn_json_set_str(role, "role", person->roles[i].role);
        sgn_json_set_str(role, "title", person->roles[i].title);
        json_array_append_new(list, role);
    }
    return list;
}

/* Who I am and what I may sign with. */
sgn_error_t *sgn_op_session_get(sgn_call_t *call)
{
    json_t *answer = sgn_json_object(call->pool), *list = json_array();
    sgn_binding_t *bindings;
    int count;

    sgn_json_set_str(answer, "account", call->account);
    json_object_set_new(answer, "credentials", list);
    if (sgn_config_flag(call->config, "SignVNPractice"))
        sgn_json_set_bool(answer, "practice", 1);
    sgn_call_answer(call, 200, answer);
    if (!call->person)
        return NULL;
    sgn_json_set_str(answer, "name", call->person->name);
    json_object_set_new(answer, "roles", print_roles(call->person));
    SGN_TRY(sgn_agency_credentials(&bindings, &count, call->keeper->agency, call->account, sgn_clock_now(), call->pool));
    for (int i = 0; i < count; i++) {
        json_t *item = json_object();

        sgn_json_set_str(item, "credentialID", bindings[i].credential);
        sgn_json_set_str(item, "agency", bindings[i].agency);
        sgn_json_set_str(item, "kind", bindings[i].kind);
        sgn_json_set_str(item, "title", bindings[i].title);
        sgn_json_set_str(item, "commonName", bindings[i].common_name);
        sgn_json_set_str(item, "serial", bindings[i].serial);
        json_array_append_new(list, item);
    }
    return NULL;
}

sgn_error_t *sgn_op_agencies_list(sgn_call_t *call)
{
    json_t *answer;

    SGN_TRY(sgn_agency_list(&answer, call->keeper->agency, call->pool));
    sgn_call_answer(call, 200, answer);
    return NULL;
}

sgn_error_t *sgn_op_people_list(sgn_call_t *call)
{
    json_t *answer;

    /* The command line sees all, a person its own agencies [SV-B09]. */
    SGN_TRY(sgn_agency_people(&answer, call->keeper->agency,
                              call->person ? sgn_person_agencies(call->person, call->pool) : NULL, call->pool));
    sgn_call_answer(call, 200, answer);
    return NULL;
}

sgn_error_t *sgn_op_people_import(sgn_call_t *call)
{
    json_t *counts;

    SGN_TRY(sgn_agency_import(&counts, call->keeper->agency, call->keeper->engine, call->body,
                              call->account ? call->account : "command line", call->pool));
    sgn_call_answer(call, 200, counts);
    return NULL;
}

sgn_error_t *sgn_op_registers_get(sgn_call_t *call)
{
    const char *agency, *year, *series;
    json_t *answer;

    SGN_TRY(sgn_json_get_str(&agency, call->args, "agency", call->pool));
    SGN_TRY(sgn_json_get_str(&year, call->args, "year", call->pool));
    SGN_TRY(sgn_json_get_str(&series, call->args, "series", call->pool));
    if (call->person && !sgn_person_has_role(call->person, agency, NULL))
        return SGN_ERROR(call->pool, SGN_ACCESS_DENIED, "register of %s", agency);
    if (strlen(year) != 4 || strspn(year, "0123456789") != 4)
        return SGN_ERROR(call->pool, SGN_FIELD, "year: four digits wanted");
    SGN_TRY(sgn_register_list(&answer, call->keeper->office, agency, atoi(year), series, call->pool));
    sgn_call_answer(call, 200, answer);
    return NULL;
}

/* [HP, Điều 17.5] anybody who may use the certificate, or a clerk, an authority
 * or IT of its agency, may stop it; only an authority lets it go on. */
static sgn_error_t *certificate_of(const char **sha256, sgn_call_t *call, int lifting)
{
    sgn_binding_t *bindings;
    int count, may = 0;

    SGN_TRY(sgn_json_get_str(sha256, call->body, "certificate", call->pool));
    SGN_TRY(sgn_agency_bindings(&bindings, &count, call->keeper->agency, *sha256, 0, call->pool));
    for (int i = 0; i < count; i++) {
        const char *agency = bindings[i].agency;

        may |= sgn_person_has_role(call->person, agency, "authority");
        if (!lifting)
            may |= (bindings[i].account && strcmp(bindings[i].account, call->account) == 0) ||
                   sgn_person_has_role(call->person, agency, "clerk") || sgn_person_has_role(call->person, agency, "it");
    }
    if (count == 0 || (!may && call->person))
        return SGN_ERROR(call->pool, SGN_CREDENTIAL_UNKNOWN, "certificate %.16s", *sha256);
    return NULL;
}

sgn_error_t *sgn_op_incidents_create(sgn_call_t *call)
{
    static const char *const classes[] = { "lost", "stolen", "misused", "compromised", "broken", "locked", NULL };
    const char *sha256, *what;
    int known = 0;

    SGN_TRY(certificate_of(&sha256, call, 0));
    SGN_TRY(sgn_json_get_str(&what, call->body, "class", call->pool));
    for (const char *const *c = classes; *c; c++)
        known |= strcmp(*c, what) == 0;
    if (!known)
        return SGN_ERROR(call->pool, SGN_FIELD, "class: lost, stolen, misused, compromised, broken or locked");
    SGN_TRY(sgn_agency_incident(call->keeper->agency, sha256, what, call->account ? call->account : "command line", call->pool));
    sgn_call_answer(call, 201, sgn_json_object(call->pool));
    return NULL;
}

sgn_error_t *sgn_op_incidents_lift(sgn_call_t *call)
{
    const char *sha256;

    SGN_TRY(certificate_of(&sha256, call, 1));
    SGN_TRY(sgn_agency_lift_incident(call->keeper->agency, sha256, call->account ? call->account : "command line", call->pool));
    sgn_call_answer(call, 200, sgn_json_object(call->pool));
    return NULL;
}
