/* access.c: the rules of access.h. */
#include "keeper/access.h"

#include <string.h>

#include "keeper/operations.h"

unsigned sgn_access_role(const char *name)
{
#define ROLE(id, word, bit) if (strcmp(name, word) == 0) return SGN_ACCESS_##id;
    SGN_ACCESS_ROLE_LIST(ROLE)
#undef ROLE
    return 0;
}

int sgn_access_is_local(const sgn_call_t *call)
{
    return call->peer == 0 || call->peer == call->keeper->uid;
}

int sgn_access_is_cli(const sgn_call_t *call)
{
    return sgn_access_is_local(call) && !call->account && call->system
        && strcmp(call->system, SGN_ACCESS_CLI) == 0;
}

static sgn_error_t *check_agent(sgn_call_t *call, int enrolling)
{
    if (!call->keeper->check_proof)
        return SGN_ERROR(call->pool, SGN_AGENT_PROOF, "no desks are served");
    return call->keeper->check_proof(call, enrolling);
}

static sgn_error_t *check_person(sgn_call_t *call, unsigned rule, unsigned wanted)
{
    sgn_keeper_t *keeper = call->keeper;
    unsigned roles = 0;

    if (!call->account)
        return SGN_ERROR(call->pool, SGN_AUTH_REQUIRED, "%s needs a user", call->op);
    if (keeper->find_person)
        SGN_TRY(keeper->find_person(&roles, call));
    if (rule == SGN_ACCESS_USER)
        return NULL;
    if (!call->person)
        return SGN_ERROR(call->pool, SGN_PERSON_UNKNOWN, "the account is nobody's");
    if (rule == SGN_ACCESS_ROLE && !(roles & wanted))
        return SGN_ERROR(call->pool, SGN_ACCESS_DENIED, "%s asks for another role", call->op);
    return NULL;
}

sgn_error_t *sgn_access_check(sgn_call_t *call, sgn_access_t access)
{
    unsigned rule = access & 0xffu;

    switch (rule) {
    case SGN_ACCESS_ANYONE:
        return NULL;
    case SGN_ACCESS_LOCAL:
        if (sgn_access_is_local(call) && !call->account)
            return NULL;
        return SGN_ERROR(call->pool, SGN_ACCESS_DENIED, "%s is for the command line", call->op);
    case SGN_ACCESS_AGENT:
        return check_agent(call, 0);
    case SGN_ACCESS_AGENT_NEW:
        return check_agent(call, 1);
    case SGN_ACCESS_USER:
    case SGN_ACCESS_PERSON:
    case SGN_ACCESS_ROLE:
        return sgn_access_is_cli(call) ? NULL : check_person(call, rule, access >> 8);
    }
    return SGN_ERROR(call->pool, SGN_ACCESS_DENIED, "%s has no rule", call->op);
}
