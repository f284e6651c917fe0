/*
 * access.h: who may call an operation.  Every row of keeper/operations.c names
 * one of these rules; a row without one, or with SGN_ACCESS_NONE, does not
 * compile (SGN_OPERATION refuses it).
 *
 * The account is asserted by httpd (its authentication); what is looked up
 * here is the person behind it.  Records of *other agencies* are refused
 * inside the operation, by the person's agencies: the rule knows no records.
 */
#ifndef SGN_KEEPER_ACCESS_H
#define SGN_KEEPER_ACCESS_H

#include "base/error.h"

struct sgn_call_t;

/* Roles of a person, as bits (API.md, Manner). */
#define SGN_ACCESS_ROLE_LIST(ROLE) \
    ROLE(AUTHORITY, "authority", 0) ROLE(DEPUTY, "deputy", 1) ROLE(CLERK, "clerk", 2) \
    ROLE(REVIEWER, "reviewer", 3) ROLE(RECEPTION, "reception", 4) \
    ROLE(ARCHIVIST, "archivist", 5) ROLE(IT, "it", 6) ROLE(INSPECTOR, "inspector", 7)
enum {
#define ROLE(id, name, bit) SGN_ACCESS_##id = 1u << (bit),
    SGN_ACCESS_ROLE_LIST(ROLE)
#undef ROLE
    SGN_ACCESS_ROLES_ALL = 0xff
};
/* "clerk" -> its bit, 0 for an unknown word. */
unsigned sgn_access_role(const char *name);

typedef unsigned sgn_access_t;      /* rule in the low byte, roles above */
enum {
    SGN_ACCESS_NONE = 0,
    SGN_ACCESS_ANYONE,      /* no user needed: health, info */
    SGN_ACCESS_USER,        /* an account; call->person is set when it is known */
    SGN_ACCESS_PERSON,      /* the account is a registered person */
    SGN_ACCESS_ROLE,        /* a person with one of the roles: SGN_ACCESS_ROLES(mask) */
    SGN_ACCESS_AGENT,       /* a valid SignVN-Proof of an enrolled desk */
    SGN_ACCESS_AGENT_NEW,   /* a valid SignVN-Proof with its own jwk (enrolment) */
    SGN_ACCESS_LOCAL        /* peer uid 0 or the keeper's own: the command line */
};
#define SGN_ACCESS_ROLES(mask) (SGN_ACCESS_ROLE | (unsigned)(mask) << 8)

/* The rule is kept: NULL, else SGN_AUTH_REQUIRED, SGN_PERSON_UNKNOWN,
 * SGN_ACCESS_DENIED, SGN_AGENT_PROOF.  Sets call->person.  The command line
 * (a local peer without account whose `system` is SGN_ACCESS_CLI) passes USER,
 * PERSON and ROLE rules too, with call->person NULL: the administrator of the
 * machine is not kept out by a table.  Where httpd has the keeper's own uid
 * (practice) that word is all that tells them apart; httpd never sends it. */
sgn_error_t *sgn_access_check(struct sgn_call_t *call, sgn_access_t access);

#define SGN_ACCESS_CLI "command line"

/* Peer uid 0 or the keeper's own uid. */
int sgn_access_is_local(const struct sgn_call_t *call);
/* Local, and says it is the command line. */
int sgn_access_is_cli(const struct sgn_call_t *call);

#endif
