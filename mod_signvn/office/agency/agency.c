/* agency.c: opening the room, agencies and people. */
#include "office/agency/agency.h"

#include <string.h>

#include <apr_strings.h>

#include "base/clock.h"
#include "office/agency/agency_schema.h"

static const sgn_db_migration_t schema[] = {
    { 1, 1,
      "CREATE TABLE agency (code TEXT PRIMARY KEY, name TEXT NOT NULL, since INTEGER NOT NULL);"
      "CREATE TABLE person (account TEXT PRIMARY KEY, name TEXT NOT NULL, active INTEGER NOT NULL DEFAULT 1,"
      " since INTEGER NOT NULL);"
      "CREATE TABLE person_role (account TEXT NOT NULL REFERENCES person, agency TEXT NOT NULL REFERENCES agency,"
      " role TEXT NOT NULL, title TEXT, since INTEGER NOT NULL, PRIMARY KEY (account, agency, role));"
      "CREATE TABLE binding (id TEXT PRIMARY KEY, agency TEXT NOT NULL REFERENCES agency, kind TEXT NOT NULL,"
      " account TEXT REFERENCES person, role TEXT, title TEXT, types TEXT, certificate_sha256 TEXT NOT NULL,"
      " credential TEXT NOT NULL, certificate BLOB NOT NULL, spki BLOB NOT NULL, common_name TEXT,"
      " organisation TEXT, serial TEXT, key_type TEXT, valid_from INTEGER NOT NULL, valid_to INTEGER NOT NULL,"
      " UNIQUE (agency, certificate_sha256, account));"
      "CREATE INDEX binding_certificate ON binding (certificate_sha256);"
      "CREATE INDEX binding_account ON binding (account);"
      "CREATE TABLE custody (id INTEGER PRIMARY KEY, certificate_sha256 TEXT NOT NULL, account TEXT NOT NULL REFERENCES person,"
      " decision_number TEXT NOT NULL, decision_date TEXT NOT NULL, decision_signer TEXT NOT NULL,"
      " valid_from INTEGER NOT NULL, valid_to INTEGER NOT NULL);"
      "CREATE INDEX custody_account ON custody (account);"
      "CREATE TABLE incident (id INTEGER PRIMARY KEY, certificate_sha256 TEXT NOT NULL, what TEXT NOT NULL,"
      " reported_by TEXT NOT NULL, reported_at INTEGER NOT NULL, lifted_by TEXT, lifted_at INTEGER);"
      "CREATE INDEX incident_certificate ON incident (certificate_sha256);"
      "CREATE TABLE image (owner TEXT PRIMARY KEY, png BLOB NOT NULL, width_um INTEGER NOT NULL, since INTEGER NOT NULL)" },
    { 0, 0, NULL },
};

sgn_error_t *sgn_agency_open(sgn_agency_t **out, sgn_db_t *office, sgn_audit_t *audit, apr_pool_t *pool)
{
    sgn_agency_t *agency = apr_pcalloc(pool, sizeof *agency);

    SGN_TRY(sgn_db_migrate(office, "agency", schema, pool));
    agency->db = office;
    agency->audit = audit;
    *out = agency;
    return NULL;
}

sgn_error_t *sgn_agency_find_person(sgn_person_t **out, sgn_agency_t *agency, const char *account, apr_pool_t *pool)
{
    sgn_person_role_t *roles;
    sgn_db_rows_t *rows;
    sgn_person_t *person;

    *out = NULL;
    SGN_TRY(sgn_db_query(&rows, agency->db, pool, "SELECT account, name FROM person WHERE account = $1 AND active = 1",
                         "s", account));
    if (sgn_db_count(rows) == 0)
        return NULL;
    person = apr_pcalloc(pool, sizeof *person);
    person->account = sgn_db_text(rows, 0, 0);
    person->name = sgn_db_text(rows, 0, 1);
    SGN_TRY(sgn_db_query(&rows, agency->db, pool,
                         "SELECT agency, role, title FROM person_role WHERE account = $1 ORDER BY rowid", "s", account));
    roles = apr_pcalloc(pool, sizeof *roles * (size_t)(sgn_db_count(rows) + 1));
    for (int i = 0; i < sgn_db_count(rows); i++) {
        roles[i].agency = sgn_db_text(rows, i, 0);
        roles[i].role = sgn_db_text(rows, i, 1);
        roles[i].title = sgn_db_text(rows, i, 2);
    }
    person->roles = roles;
    person->role_count = sgn_db_count(rows);
    *out = person;
    return NULL;
}

int sgn_person_has_role(const sgn_person_t *person, const char *agency, const char *role)
{
    for (int i = 0; person && i < person->role_count; i++)
        if ((!agency || strcmp(person->roles[i].agency, agency) == 0) &&
            (!role || strcmp(person->roles[i].role, role) == 0))
            return 1;
    return 0;
}

const char *sgn_person_home(const sgn_person_t *person)
{
    return person && person->role_count ? person->roles[0].agency : NULL;
}

const char *const *sgn_person_agencies(const sgn_person_t *person, apr_pool_t *pool)
{
    const char **codes = apr_pcalloc(pool, sizeof *codes * (size_t)((person ? person->role_count : 0) + 1));
    int count = 0;

    for (int i = 0; person && i < person->role_count; i++) {
        int known = 0;

        for (int j = 0; j < count; j++)
            known |= strcmp(codes[j], person->roles[i].agency) == 0;
        if (!known)
            codes[count++] = person->roles[i].agency;
    }
    return codes;
}

sgn_error_t *sgn_agency_name(const char **out, sgn_agency_t *agency, const char *code, apr_pool_t *pool)
{
    sgn_db_rows_t *rows;

    SGN_TRY(sgn_db_query(&rows, agency->db, pool, "SELECT name FROM agency WHERE code = $1", "s", code));
    if (sgn_db_count(rows) == 0)
        return SGN_ERROR(pool, SGN_AGENCY_UNKNOWN, "agency %s", code);
    *out = sgn_db_text(rows, 0, 0);
    return NULL;
}

sgn_error_t *sgn_agency_list(json_t **out, sgn_agency_t *agency, apr_pool_t *pool)
{
    json_t *items = sgn_json_array(pool), *answer = sgn_json_object(pool);
    sgn_db_rows_t *rows;

    SGN_TRY(sgn_db_query(&rows, agency->db, pool, "SELECT code, name FROM agency ORDER BY code", NULL));
    for (int i = 0; i < sgn_db_count(rows); i++)
        json_array_append_new(items, json_pack("{s:s, s:s}", "code", sgn_db_text(rows, i, 0),
                                               "name", sgn_db_text(rows, i, 1)));
    sgn_json_set(answer, "items", items);
    *out = answer;
    return NULL;
}

static int listed(const char *const *codes, const char *code)
{
    if (!codes)
        return 1;
    for (; *codes; codes++)
        if (strcmp(*codes, code) == 0)
            return 1;
    return 0;
}

sgn_error_t *sgn_agency_people(json_t **out, sgn_agency_t *agency, const char *const *agencies, apr_pool_t *pool)
{
    json_t *items = sgn_json_array(pool), *answer = sgn_json_object(pool);
    sgn_db_rows_t *rows;

    SGN_TRY(sgn_db_query(&rows, agency->db, pool,
                         "SELECT p.account, p.name, r.agency, r.role, r.title FROM person p"
                         " JOIN person_role r ON r.account = p.account WHERE p.active = 1"
                         " ORDER BY r.agency, p.name, r.role", NULL));
    for (int i = 0; i < sgn_db_count(rows); i++) {
        json_t *item;

        if (!listed(agencies, sgn_db_text(rows, i, 2)))
            continue;
        item = json_object();
        sgn_json_set_str(item, "account", sgn_db_text(rows, i, 0));
        sgn_json_set_str(item, "name", sgn_db_text(rows, i, 1));
        sgn_json_set_str(item, "agency", sgn_db_text(rows, i, 2));
        sgn_json_set_str(item, "role", sgn_db_text(rows, i, 3));
        sgn_json_set_str(item, "title", sgn_db_text(rows, i, 4));
        json_array_append_new(items, item);
    }
    sgn_json_set(answer, "items", items);
    *out = answer;
    return NULL;
}
