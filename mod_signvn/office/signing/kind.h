/*
 * kind.h: the kinds of signature, one plug file each: kind_<name>.c ends in its
 * const record, kind.c has the table.
 *
 * A kind says which certificate signs (a person's or the agency's), in which
 * roles, whether the result is finished (archived), and what must be true of
 * the request, of the file, and of the appearance.
 */
#ifndef SGN_OFFICE_SIGNING_KIND_H
#define SGN_OFFICE_SIGNING_KIND_H

#include "dtbs/signedattrs.h"
#include "office/signing/job.h"
#include "office/signing/verdict.h"

/* The words of shown_words.def. */
typedef enum {
#define SHOWN(id, vi) SGN_SHOWN_##id,
#include "office/signing/shown_words.def"
#undef SHOWN
} sgn_shown_t;
const char *sgn_kind_shown(sgn_shown_t which);

/* What the caller wants for one document. */
typedef struct {
    int n;
    json_t *spec;               /* the member of documents[] */
    const struct sgn_kind_plug_t *kind;
    const char *subject, *type, *number, *symbol, *date, *group, *deliver, *urgency;
} sgn_wish_t;

/* One document on its way to a prepared item. */
typedef struct sgn_act_t {
    sgn_jobs_t *jobs;
    const sgn_config_t *config;
    sgn_job_t *job;
    sgn_job_item_t *item;
    const sgn_wish_t *wish;
    const sgn_binding_t *binding;
    const sgn_person_t *person;
    const sgn_engine_document_t *document;
    apr_time_t now;
    /* of a seal */
    sgn_verdict_t *verdict;
    sgn_judge_basis_t *basis;
    apr_int64_t number;         /* the register's or the caller's; 0: none */
    int year;
    const struct sgn_act_t *earlier;    /* the acts of this job, those before this one are complete */
    apr_pool_t *pool;
} sgn_act_t;

typedef struct sgn_kind_plug_t {
    const char *name;
    sgn_shown_t shown;          /* what the desk calls it */
    sgn_kind_t attribute;       /* in the signed attributes */
    const char *certificate;    /* "person" | "agency" */
    const char *const *roles;   /* any of them, in the job's agency; NULL-terminated */
    int finishing;              /* archived when done */
    /* The request alone, before a byte is taken.  May be called twice. */
    sgn_error_t *(*check_wish)(const sgn_wish_t *wish, apr_pool_t *pool);
    /* The file and the office: order, basis, number.  Once per item. */
    sgn_error_t *(*check_document)(sgn_act_t *act);
    /* Adds kind's members to the arguments of task "prepare". */
    sgn_error_t *(*dress)(json_t *args, sgn_act_t *act);
} sgn_kind_plug_t;

/* SGN_KIND_UNKNOWN_CODE for a name that is none; for the kinds of the agency
 * that are not here yet SGN_SEAL_NO_BASIS when `spec` lacks the member they
 * rest on, then SGN_KIND_UNAVAILABLE. */
sgn_error_t *sgn_kind_find(const sgn_kind_plug_t **out, const char *name, const json_t *spec, apr_pool_t *pool);

/* Shared by kinds that the caller places: box or field into args;
 * SGN_PLACEMENT_NOT_FOUND for "auto", absent, and placement by text. */
sgn_error_t *sgn_kind_place(json_t *args, const sgn_wish_t *wish, apr_pool_t *pool);
/* The reservation of the first signature; absent and "auto" are
 * SGN_PLACEMENT_NOT_FOUND, "none" adds nothing. */
sgn_error_t *sgn_kind_reserve(json_t *args, const sgn_act_t *act);

#endif
