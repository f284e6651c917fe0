/*
 * agency.h: agencies, people, the certificates bound to them, custody of seals,
 * incidents and images: the office's own knowledge of who may do what.
 *
 * A binding says: this certificate acts for this agency, as a person or as its
 * seal, with this title, for these document types, from then to then [HP, Điều
 * 4.3, 8.4].  Nothing else makes a certificate usable.
 *
 * Not checked here: the certificate itself (sgn_engine_certificate does), and
 * who may change these tables (the operation does).
 *
 * Order of use: sgn_agency_open() once; sgn_agency_import() for what the
 * administrator supplies; the rest at any time, from any thread.  All results
 * live in the pool of the call.
 */
#ifndef SGN_OFFICE_AGENCY_AGENCY_H
#define SGN_OFFICE_AGENCY_AGENCY_H

#include "base/db.h"
#include "base/json.h"
#include "office/audit/audit.h"
#include "office/engine/engine.h"

typedef struct sgn_agency_t sgn_agency_t;

sgn_error_t *sgn_agency_open(sgn_agency_t **out, sgn_db_t *office, sgn_audit_t *audit, apr_pool_t *pool);

typedef struct {
    const char *agency, *role, *title;
} sgn_person_role_t;

typedef struct sgn_person_t {
    const char *account, *name;
    const sgn_person_role_t *roles;
    int role_count;
} sgn_person_t;

/* *out is NULL when no active person has the account. */
sgn_error_t *sgn_agency_find_person(sgn_person_t **out, sgn_agency_t *agency, const char *account, apr_pool_t *pool);
/* In any agency when agency is NULL. */
int sgn_person_has_role(const sgn_person_t *person, const char *agency, const char *role);
/* The agency of the first role; NULL when there is none. */
const char *sgn_person_home(const sgn_person_t *person);
/* Codes of all agencies the person has a role in, NULL-terminated. */
const char *const *sgn_person_agencies(const sgn_person_t *person, apr_pool_t *pool);

/* Name of an agency at present; SGN_AGENCY_UNKNOWN. */
sgn_error_t *sgn_agency_name(const char **out, sgn_agency_t *agency, const char *code, apr_pool_t *pool);

typedef struct {
    const char *id;
    const char *agency, *kind;          /* "person" | "agency" */
    const char *account, *name;         /* NULL for a seal */
    const char *role, *title;           /* "authority" | "reviewer" ...; a seal has NULL */
    const char *const *types;           /* NULL: every type */
    const char *certificate_sha256;     /* lower-case hex */
    const char *credential;             /* base64url of the same digest: credentialID */
    sgn_bytes_t certificate, spki;
    const char *common_name, *organisation, *serial, *key_type;
    apr_time_t from, to;                /* 0: open */
} sgn_binding_t;

/* All bindings of a certificate in force at `at` (0: at any time). */
sgn_error_t *sgn_agency_bindings(sgn_binding_t **out, int *count, sgn_agency_t *agency,
                                 const char *certificate_sha256, apr_time_t at, apr_pool_t *pool);
/* What the account may sign with now for this agency: kind "person" are its own
 * bindings, kind "agency" the seals it has custody of [UB, Điều 19.4]. */
sgn_error_t *sgn_agency_usable(sgn_binding_t **out, int *count, sgn_agency_t *agency, const char *account,
                               const char *code, const char *kind, apr_time_t now, apr_pool_t *pool);
/* All credentials of a person, its own and the seals in its custody: for the desk. */
sgn_error_t *sgn_agency_credentials(sgn_binding_t **out, int *count, sgn_agency_t *agency,
                                    const char *account, apr_time_t now, apr_pool_t *pool);

/* Is the binding still good for this account: in force, person active, custody
 * held, no open incident?  SGN_BINDING_NONE, SGN_CUSTODY_NONE, SGN_INCIDENT. */
sgn_error_t *sgn_agency_recheck(sgn_agency_t *agency, const sgn_binding_t *binding, const char *account,
                                apr_time_t now, apr_pool_t *pool);
/* May it sign documents of this type?  SGN_BINDING_TYPE. */
sgn_error_t *sgn_agency_check_type(const sgn_binding_t *binding, const char *type, apr_pool_t *pool);

/* The registered image of a binding: PNG, its width (a seal: diameter) in mm.
 * png->len 0 when none is registered. */
sgn_error_t *sgn_agency_image(sgn_bytes_t *png, double *width_mm, sgn_agency_t *agency,
                              const sgn_binding_t *binding, apr_pool_t *pool);

/* The diameter that a place for the agency's seal must have: the largest of the
 * images registered for its seals in force, so that each of them fits [SV-D09];
 * 0 when none is registered. */
sgn_error_t *sgn_agency_seal_mm(double *out, sgn_agency_t *agency, const char *code, apr_time_t now, apr_pool_t *pool);

/* Reports a loss or misuse: signing with the certificate stops at once [HP, Điều 17.5]. */
sgn_error_t *sgn_agency_incident(sgn_agency_t *agency, const char *certificate_sha256, const char *what,
                                 const char *account, apr_pool_t *pool);
sgn_error_t *sgn_agency_lift_incident(sgn_agency_t *agency, const char *certificate_sha256,
                                      const char *account, apr_pool_t *pool);

/*
 * Takes {agencies:[{code,name}], people:[{account,name,roles:[{agency,role,title}]}],
 * bindings:[{agency,kind,account?,certificate(base64 DER),role?,title?,types?,from?,to?}],
 * custody:[{certificate(hex sha256 or base64 DER),account,decision{number,date,signer},from?,to?}],
 * images:[{account|certificate, png(base64), widthMm}]}: all of it or nothing.
 * What is there already is brought up to date.  Certificates and images are
 * looked at by a worker.  *counts: how many of each.
 */
sgn_error_t *sgn_agency_import(json_t **counts, sgn_agency_t *agency, sgn_engine_t *engine,
                               json_t *records, const char *actor, apr_pool_t *pool);

/* For the pages: [{code,name}], people of the agencies (NULL: all). */
sgn_error_t *sgn_agency_list(json_t **out, sgn_agency_t *agency, apr_pool_t *pool);
sgn_error_t *sgn_agency_people(json_t **out, sgn_agency_t *agency, const char *const *agencies, apr_pool_t *pool);

#endif
