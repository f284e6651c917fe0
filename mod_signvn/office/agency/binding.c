/* binding.c: which certificate acts for whom, custody of seals, incidents, images. */
#include <string.h>

#include <apr_strings.h>

#include "base/clock.h"
#include "office/agency/agency_schema.h"

#define COLUMNS \
    "b.id, b.agency, b.kind, b.account, p.name, b.role, b.title, b.types, b.certificate_sha256, b.credential," \
    " b.certificate, b.spki, b.common_name, b.organisation, b.serial, b.key_type, b.valid_from, b.valid_to"
#define FROM " FROM binding b LEFT JOIN person p ON p.account = b.account "
/* In force at $1; 0 is open. */
#define IN_FORCE "b.valid_from <= $1 AND (b.valid_to = 0 OR b.valid_to > $1)"
#define HELD "EXISTS (SELECT 1 FROM custody c WHERE c.certificate_sha256 = b.certificate_sha256 AND c.account = $2" \
    " AND c.valid_from <= $1 AND (c.valid_to = 0 OR c.valid_to > $1))"
#define OWN "(b.kind = 'person' AND b.account = $2 AND p.active = 1)"

static const char *const *split(const char *words, apr_pool_t *pool)
{
    const char **list;
    char *copy, *word, *state;
    int count = 0;

    if (!words || !*words)
        return NULL;
    copy = apr_pstrdup(pool, words);
    list = apr_pcalloc(pool, sizeof *list * (strlen(words) / 2 + 2));
    for (word = apr_strtok(copy, " ", &state); word; word = apr_strtok(NULL, " ", &state))
        list[count++] = word;
    return list;
}

static void collect(sgn_binding_t **out, int *count, const sgn_db_rows_t *rows, apr_pool_t *pool)
{
    sgn_binding_t *list = apr_pcalloc(pool, sizeof *list * (size_t)(sgn_db_count(rows) + 1));

    for (int i = 0; i < sgn_db_count(rows); i++) {
        sgn_binding_t *b = &list[i];

        b->id = sgn_db_text(rows, i, 0);
        b->agency = sgn_db_text(rows, i, 1);
        b->kind = sgn_db_text(rows, i, 2);
        b->account = sgn_db_text(rows, i, 3);
        b->name = sgn_db_text(rows, i, 4);
        b->role = sgn_db_text(rows, i, 5);
        b->title = sgn_db_text(rows, i, 6);
        b->types = split(sgn_db_text(rows, i, 7), pool);
        b->certificate_sha256 = sgn_db_text(rows, i, 8);
        b->credential = sgn_db_text(rows, i, 9);
        b->certificate = sgn_db_bytes(rows, i, 10);
        b->spki = sgn_db_bytes(rows, i, 11);
        b->common_name = sgn_db_text(rows, i, 12);
        b->organisation = sgn_db_text(rows, i, 13);
        b->serial = sgn_db_text(rows, i, 14);
        b->key_type = sgn_db_text(rows, i, 15);
        b->from = sgn_db_int(rows, i, 16);
        b->to = sgn_db_int(rows, i, 17);
    }
    *out = list;
    *count = sgn_db_count(rows);
}

sgn_error_t *sgn_agency_bindings(sgn_binding_t **out, int *count, sgn_agency_t *agency,
                                 const char *certificate_sha256, apr_time_t at, apr_pool_t *pool)
{
    sgn_db_rows_t *rows;

    SGN_TRY(sgn_db_query(&rows, agency->db, pool,
                         "SELECT " COLUMNS FROM "WHERE b.certificate_sha256 = $2 AND ($1 = 0 OR (" IN_FORCE ")) ORDER BY b.id",
                         "is", (apr_int64_t)at, certificate_sha256));
    collect(out, count, rows, pool);
    return NULL;
}

sgn_error_t *sgn_agency_usable(sgn_binding_t **out, int *count, sgn_agency_t *agency, const char *account,
                               const char *code, const char *kind, apr_time_t now, apr_pool_t *pool)
{
    sgn_db_rows_t *rows;

    SGN_TRY(sgn_db_query(&rows, agency->db, pool,
                         "SELECT " COLUMNS FROM "WHERE " IN_FORCE " AND b.agency = $3 AND b.kind = $4 AND ("
                         OWN " OR (b.kind = 'agency' AND " HELD ")) ORDER BY b.id",
                         "isss", (apr_int64_t)now, account, code, kind));
    collect(out, count, rows, pool);
    return NULL;
}

sgn_error_t *sgn_agency_credentials(sgn_binding_t **out, int *count, sgn_agency_t *agency,
                                    const char *account, apr_time_t now, apr_pool_t *pool)
{
    sgn_db_rows_t *rows;

    SGN_TRY(sgn_db_query(&rows, agency->db, pool,
                         "SELECT " COLUMNS FROM "WHERE " IN_FORCE " AND ("
                         OWN " OR (b.kind = 'agency' AND " HELD ")) ORDER BY b.id",
                         "is", (apr_int64_t)now, account));
    collect(out, count, rows, pool);
    return NULL;
}

/* [UB, Điều 20.2] an open incident stops the certificate at once. */
static sgn_error_t *check_incident(sgn_agency_t *agency, const char *certificate_sha256, apr_pool_t *pool)
{
    sgn_db_rows_t *rows;

    SGN_TRY(sgn_db_query(&rows, agency->db, pool,
                         "SELECT what FROM incident WHERE certificate_sha256 = $1 AND lifted_at IS NULL", "s",
                         certificate_sha256));
    if (sgn_db_count(rows))
        return SGN_ERROR(pool, SGN_INCIDENT, "incident: %s", sgn_db_text(rows, 0, 0));
    return NULL;
}

sgn_error_t *sgn_agency_recheck(sgn_agency_t *agency, const sgn_binding_t *binding, const char *account,
                                apr_time_t now, apr_pool_t *pool)
{
    sgn_binding_t *usable;
    int count, found = 0;

    SGN_TRY(sgn_agency_usable(&usable, &count, agency, account, binding->agency, binding->kind, now, pool));
    for (int i = 0; i < count; i++)
        found |= strcmp(usable[i].certificate_sha256, binding->certificate_sha256) == 0;
    if (!found && strcmp(binding->kind, "agency") == 0)
        return SGN_ERROR(pool, SGN_CUSTODY_NONE, "seal %.16s", binding->certificate_sha256);
    if (!found)
        return SGN_ERROR(pool, SGN_BINDING_NONE, "certificate %.16s", binding->certificate_sha256);
    return check_incident(agency, binding->certificate_sha256, pool);
}

sgn_error_t *sgn_agency_check_type(const sgn_binding_t *binding, const char *type, apr_pool_t *pool)
{
    if (!binding->types)
        return NULL;
    for (const char *const *t = binding->types; type && *t; t++)
        if (strcmp(*t, type) == 0)
            return NULL;
    return SGN_ERROR(pool, SGN_BINDING_TYPE, "type %s", type ? type : "(none)");
}

/* A person's image goes with the account, a seal's with its certificate. */
static const char *image_owner(const char *account, const char *certificate_sha256, apr_pool_t *pool)
{
    return account ? apr_pstrcat(pool, "person:", account, NULL)
                   : apr_pstrcat(pool, "seal:", certificate_sha256, NULL);
}

sgn_error_t *sgn_agency_image(sgn_bytes_t *png, double *width_mm, sgn_agency_t *agency,
                              const sgn_binding_t *binding, apr_pool_t *pool)
{
    sgn_db_rows_t *rows;

    SGN_TRY(sgn_db_query(&rows, agency->db, pool, "SELECT png, width_um FROM image WHERE owner = $1", "s",
                         image_owner(binding->account, binding->certificate_sha256, pool)));
    *png = sgn_db_count(rows) ? sgn_db_bytes(rows, 0, 0) : sgn_bytes(NULL, 0);
    *width_mm = (double)sgn_db_int(rows, 0, 1) / 1000.0;
    return NULL;
}

sgn_error_t *sgn_agency_seal_mm(double *out, sgn_agency_t *agency, const char *code, apr_time_t now, apr_pool_t *pool)
{
    sgn_db_rows_t *rows;

    SGN_TRY(sgn_db_query(&rows, agency->db, pool,
                         "SELECT max(i.width_um) " FROM "JOIN image i ON i.owner = 'seal:' || b.certificate_sha256"
                         " WHERE " IN_FORCE " AND b.agency = $2 AND b.kind = 'agency'", "is", (apr_int64_t)now, code));
    *out = (double)sgn_db_int(rows, 0, 0) / 1000.0;
    return NULL;
}

static sgn_error_t *audited(sgn_agency_t *agency, const char *action, const char *account, const char *object,
                            const char *what, apr_pool_t *pool)
{
    json_t *detail = sgn_json_object(pool);
    sgn_audit_act_t act = { .actor = account, .action = action, .object = object, .detail = detail };

    sgn_json_set_str(detail, "what", what);
    return sgn_audit_add(agency->audit, &act, pool);
}

sgn_error_t *sgn_agency_incident(sgn_agency_t *agency, const char *certificate_sha256, const char *what,
                                 const char *account, apr_pool_t *pool)
{
    sgn_error_t *error;

    SGN_TRY(sgn_db_begin(agency->db, pool));
    error = sgn_db_run(agency->db, pool,
                       "INSERT INTO incident (certificate_sha256, what, reported_by, reported_at) VALUES ($1, $2, $3, $4)",
                       "sssi", certificate_sha256, what, account, (apr_int64_t)sgn_clock_now());
    if (!error)
        error = audited(agency, "incident.report", account, certificate_sha256, what, pool);
    if (!error)
        return sgn_db_commit(agency->db, pool);
    sgn_db_rollback(agency->db);
    return error;
}

sgn_error_t *sgn_agency_lift_incident(sgn_agency_t *agency, const char *certificate_sha256,
                                      const char *account, apr_pool_t *pool)
{
    sgn_error_t *error;

    SGN_TRY(sgn_db_begin(agency->db, pool));
    error = sgn_db_run(agency->db, pool,
                       "UPDATE incident SET lifted_by = $1, lifted_at = $2 WHERE certificate_sha256 = $3 AND lifted_at IS NULL",
                       "sis", account, (apr_int64_t)sgn_clock_now(), certificate_sha256);
    if (!error)
        error = audited(agency, "incident.lift", account, certificate_sha256, NULL, pool);
    if (!error)
        return sgn_db_commit(agency->db, pool);
    sgn_db_rollback(agency->db);
    return error;
}
