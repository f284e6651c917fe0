/* op_audit.c: see op_audit.h. */
#include "keeper/op_audit.h"

#include <string.h>

#include <apr_strings.h>

#include "base/clock.h"
#include "office/agency/agency.h"
#include "office/audit/audit.h"

static sgn_error_t *number_of(apr_int64_t *out, sgn_call_t *call, const char *name, apr_int64_t absent)
{
    const char *text;

    SGN_TRY(sgn_json_find_str(&text, call->args, name, NULL, call->pool));
    *out = absent;
    if (!text)
        return NULL;
    if (!*text || strlen(text) > 18 || strspn(text, "0123456789") != strlen(text))
        return SGN_ERROR(call->pool, SGN_FIELD, "%s: a number", name);
    *out = apr_atoi64(text);
    return NULL;
}

/* A date or a full time. */
static sgn_error_t *time_of(apr_time_t *out, sgn_call_t *call, const char *name)
{
    const char *text;

    SGN_TRY(sgn_json_find_str(&text, call->args, name, NULL, call->pool));
    *out = 0;
    if (!text)
        return NULL;
    return sgn_clock_parse(out, strlen(text) == 10 ? apr_pstrcat(call->pool, text, "T00:00:00+07:00", NULL) : text, call->pool);
}

static int may_read(const sgn_person_t *person, const char *agency)
{
    return sgn_person_has_role(person, agency, "inspector") || sgn_person_has_role(person, agency, "archivist")
        || sgn_person_has_role(person, agency, "it");
}

sgn_error_t *sgn_op_audit_list(sgn_call_t *call)
{
    sgn_audit_query_t query = { 0 };
    apr_int64_t limit;
    json_t *answer;

    SGN_TRY(sgn_json_find_str(&query.agency, call->args, "agency", NULL, call->pool));
    if (call->person) {
        if (!query.agency)
            query.agency = sgn_person_home(call->person);
        if (!query.agency || !may_read(call->person, query.agency))
            return SGN_ERROR(call->pool, SGN_ACCESS_DENIED, "the log of another agency");
    }
    SGN_TRY(sgn_json_find_str(&query.actor, call->args, "actor", NULL, call->pool));
    SGN_TRY(sgn_json_find_str(&query.action, call->args, "action", NULL, call->pool));
    SGN_TRY(sgn_json_find_str(&query.object, call->args, "object", NULL, call->pool));
    SGN_TRY(number_of(&query.after, call, "after", 0));
    SGN_TRY(number_of(&limit, call, "limit", 100));
    SGN_TRY(time_of(&query.from, call, "from"));
    SGN_TRY(time_of(&query.to, call, "to"));
    query.limit = limit < 1 || limit > 1000 ? -1 : (int)limit;
    SGN_TRY(sgn_audit_list(&answer, call->keeper->audit, &query, call->pool));
    sgn_call_answer(call, 200, answer);
    return NULL;
}

sgn_error_t *sgn_op_audit_verify(sgn_call_t *call)
{
    json_t *answer = sgn_json_object(call->pool);
    apr_int64_t broken, count;
    sgn_audit_head_t head;

    SGN_TRY(sgn_audit_verify(&broken, &count, call->keeper->audit, call->pool));
    SGN_TRY(sgn_audit_head(&head, call->keeper->audit, NULL, call->pool));
    sgn_json_set_bool(answer, "ok", broken == 0);
    sgn_json_set_int(answer, "rows", count);
    if (broken)
        sgn_json_set_int(answer, "broken", broken);
    sgn_json_set_str(answer, "head", head.digest);
    sgn_call_answer(call, 200, answer);
    return NULL;
}
