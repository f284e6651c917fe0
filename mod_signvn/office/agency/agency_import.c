/*
 * agency_import.c: what the administrator supplies as one JSON record, taken
 * as a whole.  Certificates and images are looked at by a worker first; only
 * then one transaction writes.
 */
#include <string.h>

#include <apr_strings.h>

#include "base/clock.h"
#include "office/agency/agency_schema.h"

typedef struct {
    sgn_agency_t *agency;
    sgn_engine_t *engine;
    const char *actor;
    apr_time_t now;
    apr_pool_t *pool;
} import_t;

typedef sgn_error_t *(*take_fn)(import_t *import, json_t *record);

static sgn_error_t *take_agency(import_t *import, json_t *record)
{
    apr_pool_t *pool = import->pool;
    const char *code, *name;

    SGN_TRY(sgn_json_get_str(&code, record, "code", pool));
    SGN_TRY(sgn_json_get_str(&name, record, "name", pool));
    if (!*code || strlen(code) > 32 || strspn(code, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.") != strlen(code))
        return SGN_ERROR(pool, SGN_FIELD, "code: capitals, digits and dots wanted, at most 32");
    return sgn_db_run(import->agency->db, pool,
                      "INSERT INTO agency (code, name, since) VALUES ($1, $2, $3)"
                      " ON CONFLICT (code) DO UPDATE SET name = excluded.name", "ssi", code, name, (apr_int64_t)import->now);
}

static int known_role(const char *role)
{
    static const char *const roles[] = { "authority", "deputy", "clerk", "reviewer", "reception", "archivist", "it", "inspector" };

    for (size_t i = 0; i < sizeof roles / sizeof roles[0]; i++)
        if (strcmp(roles[i], role) == 0)
            return 1;
    return 0;
}

static sgn_error_t *take_role(import_t *import, const char *account, json_t *record)
{
    const char *code, *role, *title;

    SGN_TRY(sgn_json_get_str(&code, record, "agency", import->pool));
    SGN_TRY(sgn_json_get_str(&role, record, "role", import->pool));
    SGN_TRY(sgn_json_find_str(&title, record, "title", NULL, import->pool));
    if (!known_role(role))
        return SGN_ERROR(import->pool, SGN_FIELD, "role: %s is none", role);
    return sgn_db_run(import->agency->db, import->pool,
                      "INSERT INTO person_role (account, agency, role, title, since) VALUES ($1, $2, $3, $4, $5)"
                      " ON CONFLICT (account, agency, role) DO UPDATE SET title = excluded.title", "ssssi",
                      account, code, role, title, (apr_int64_t)import->now);
}

static sgn_error_t *take_person(import_t *import, json_t *record)
{
    apr_pool_t *pool = import->pool;
    const char *account, *name;
    json_t *roles, *role;
    size_t i;

    SGN_TRY(sgn_json_get_str(&account, record, "account", pool));
    SGN_TRY(sgn_json_get_str(&name, record, "name", pool));
    SGN_TRY(sgn_json_get_array(&roles, record, "roles", pool));
    SGN_TRY(sgn_db_run(import->agency->db, pool,
                       "INSERT INTO person (account, name, active, since) VALUES ($1, $2, 1, $3)"
                       " ON CONFLICT (account) DO UPDATE SET name = excluded.name, active = 1", "ssi",
                       account, name, (apr_int64_t)import->now));
    SGN_TRY(sgn_db_run(import->agency->db, pool, "DELETE FROM person_role WHERE account = $1", "s", account));
    json_array_foreach(roles, i, role)
        SGN_TRY(take_role(import, account, role));
    return NULL;
}

/* The time of a member, 0 when absent. */
static sgn_error_t *find_time(apr_time_t *out, json_t *record, const char *key, apr_pool_t *pool)
{
    const char *text;

    *out = 0;
    SGN_TRY(sgn_json_find_str(&text, record, key, NULL, pool));
    return text ? sgn_clock_parse(out, text, pool) : NULL;
}

static sgn_error_t *join(const char **out, json_t *record, apr_pool_t *pool)
{
    json_t *types, *type;
    size_t i;

    *out = NULL;
    SGN_TRY(sgn_json_find_array(&types, record, "types", pool));
    if (!types)
        return NULL;
    json_array_foreach(types, i, type) {
        const char *word = json_string_value(type);

        if (!word || !*word || strchr(word, ' '))
            return SGN_ERROR(pool, SGN_FIELD, "types: words wanted");
        *out = *out ? apr_pstrcat(pool, *out, " ", word, NULL) : word;
    }
    return NULL;
}

/* What the worker read from the certificate is put beside the record before
 * the transaction: {"record":…, "facts":…}. */
static sgn_error_t *take_binding(import_t *import, json_t *pair)
{
    apr_pool_t *pool = import->pool;
    json_t *record = json_object_get(pair, "record"), *facts = json_object_get(pair, "facts"), *subject;
    const char *code, *kind, *account, *role, *title, *types, *sha256, *serial, *key_type, *common_name, *organisation;
    sgn_bytes_t der, spki, digest;
    apr_time_t from, to;

    SGN_TRY(sgn_json_get_str(&code, record, "agency", pool));
    SGN_TRY(sgn_json_get_str(&kind, record, "kind", pool));
    SGN_TRY(sgn_json_find_str(&account, record, "account", NULL, pool));
    SGN_TRY(sgn_json_find_str(&role, record, "role", NULL, pool));
    SGN_TRY(sgn_json_find_str(&title, record, "title", NULL, pool));
    SGN_TRY(join(&types, record, pool));
    SGN_TRY(find_time(&from, record, "from", pool));
    SGN_TRY(find_time(&to, record, "to", pool));
    SGN_TRY(sgn_json_get_bytes(&der, record, "certificate", pool));
    if (strcmp(kind, "person") == 0 ? !account || !role : strcmp(kind, "agency") != 0 || account)
        return SGN_ERROR(pool, SGN_FIELD, "kind: a person needs account and role, an agency takes no account");
    SGN_TRY(sgn_json_get_str(&sha256, facts, "sha256", pool));
    SGN_TRY(sgn_json_get_bytes(&spki, facts, "spki", pool));
    SGN_TRY(sgn_json_find_str(&serial, facts, "serial", NULL, pool));
    SGN_TRY(sgn_json_find_str(&key_type, facts, "keyType", NULL, pool));
    SGN_TRY(sgn_json_get_object(&subject, facts, "subject", pool));
    SGN_TRY(sgn_json_find_str(&common_name, subject, "commonName", NULL, pool));
    SGN_TRY(sgn_json_find_str(&organisation, subject, "organisation", NULL, pool));
    SGN_TRY(sgn_bytes_from_hex(&digest, sha256, pool));
    return sgn_db_run(import->agency->db, pool,
                      "INSERT INTO binding (id, agency, kind, account, role, title, types, certificate_sha256, credential,"
                      " certificate, spki, common_name, organisation, serial, key_type, valid_from, valid_to)"
                      " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)"
                      " ON CONFLICT (id) DO UPDATE SET role = excluded.role, title = excluded.title,"
                      " types = excluded.types, valid_from = excluded.valid_from, valid_to = excluded.valid_to",
                      "sssssssssbbssssii",
                      apr_psprintf(pool, "%s/%.16s%s%s", code, sha256, account ? "/" : "", account ? account : ""),
                      code, kind, account, role, title, types, sha256, sgn_bytes_base64url(digest, pool), &der, &spki,
                      common_name, organisation, serial, key_type, (apr_int64_t)from, (apr_int64_t)to);
}

/* Certificates are named by their DER in base64 or by the hex SHA-256. */
static sgn_error_t *certificate_name(const char **sha256, import_t *import, json_t *record)
{
    const char *text;
    sgn_db_rows_t *rows;
    sgn_bytes_t der;

    SGN_TRY(sgn_json_get_str(&text, record, "certificate", import->pool));
    if (strlen(text) == 64) {
        *sha256 = text;
        return NULL;
    }
    SGN_TRY(sgn_bytes_from_base64(&der, text, import->pool));
    SGN_TRY(sgn_db_query(&rows, import->agency->db, import->pool,
                         "SELECT certificate_sha256 FROM binding WHERE certificate = $1", "b", &der));
    if (sgn_db_count(rows) == 0)
        return SGN_ERROR(import->pool, SGN_BINDING_NONE, "the certificate is not bound");
    *sha256 = sgn_db_text(rows, 0, 0);
    return NULL;
}

/* [UB, Điều 19.4] a decision assigns the seal to its keeper. */
static sgn_error_t *take_custody(import_t *import, json_t *record)
{
    apr_pool_t *pool = import->pool;
    const char *sha256, *account, *number, *date, *signer;
    json_t *decision;
    apr_time_t from, to;

    SGN_TRY(certificate_name(&sha256, import, record));
    SGN_TRY(sgn_json_get_str(&account, record, "account", pool));
    SGN_TRY(sgn_json_get_object(&decision, record, "decision", pool));
    SGN_TRY(sgn_json_get_str(&number, decision, "number", pool));
    SGN_TRY(sgn_json_get_str(&date, decision, "date", pool));
    SGN_TRY(sgn_json_get_str(&signer, decision, "signer", pool));
    SGN_TRY(find_time(&from, record, "from", pool));
    SGN_TRY(find_time(&to, record, "to", pool));
    SGN_TRY(sgn_db_run(import->agency->db, pool,
                       "DELETE FROM custody WHERE certificate_sha256 = $1 AND account = $2 AND decision_number = $3", "sss",
                       sha256, account, number));
    return sgn_db_run(import->agency->db, pool,
                      "INSERT INTO custody (certificate_sha256, account, decision_number, decision_date, decision_signer,"
                      " valid_from, valid_to) VALUES ($1, $2, $3, $4, $5, $6, $7)", "sssssii",
                      sha256, account, number, date, signer, (apr_int64_t)from, (apr_int64_t)to);
}

static sgn_error_t *take_image(import_t *import, json_t *record)
{
    apr_pool_t *pool = import->pool;
    const char *account, *sha256, *owner;
    sgn_bytes_t png;
    double width;

    SGN_TRY(sgn_json_find_str(&account, record, "account", NULL, pool));
    SGN_TRY(sgn_json_get_bytes(&png, record, "png", pool));
    SGN_TRY(sgn_json_get_number(&width, record, "widthMm", pool));
    if (width < 5 || width > 100)
        return SGN_ERROR(pool, SGN_FIELD, "widthMm: 5 to 100 wanted");
    if (account) {
        owner = apr_pstrcat(pool, "person:", account, NULL);
    } else {
        SGN_TRY(certificate_name(&sha256, import, record));
        owner = apr_pstrcat(pool, "seal:", sha256, NULL);
    }
    return sgn_db_run(import->agency->db, pool,
                      "INSERT INTO image (owner, png, width_um, since) VALUES ($1, $2, $3, $4)"
                      " ON CONFLICT (owner) DO UPDATE SET png = excluded.png, width_um = excluded.width_um,"
                      " since = excluded.since", "sbii", owner, &png, (apr_int64_t)(width * 1000), (apr_int64_t)import->now);
}

/* The worker's eye on certificates and images, before anything is written. */
static sgn_error_t *look_at_bindings(json_t **out, import_t *import, json_t *bindings)
{
    json_t *pairs = sgn_json_array(import->pool), *record;
    size_t i;

    json_array_foreach(bindings, i, record) {
        json_t *args = sgn_json_object(import->pool), *facts;
        const char *kind, *text;

        SGN_TRY(sgn_json_get_str(&kind, record, "kind", import->pool));
        SGN_TRY(sgn_json_get_str(&text, record, "certificate", import->pool));
        sgn_json_set_str(args, "now", sgn_clock_print(import->now, import->pool));
        sgn_json_set_str(args, "certificate", text);
        sgn_json_set_str(args, "role", kind);
        json_object_set_new(args, "anchors", json_array());
        json_object_set_new(args, "intermediates", json_array());
        json_object_set_new(args, "evidence", json_array());
        SGN_TRY(sgn_engine_task(&facts, NULL, import->engine, SGN_ENGINE_OFFICE, "certificate", args, NULL, 0,
                                import->pool));
        json_array_append_new(pairs, json_pack("{s:O, s:O}", "record", record, "facts", facts));
    }
    *out = pairs;
    return NULL;
}

static sgn_error_t *look_at_images(import_t *import, json_t *images)
{
    json_t *record;
    size_t i;

    json_array_foreach(images, i, record) {
        json_t *args = sgn_json_object(import->pool), *answer;

        sgn_json_set(args, "png", json_object_get(record, "png"));
        sgn_json_set_str(args, "use", json_object_get(record, "account") ? "signature" : "seal");
        SGN_TRY(sgn_engine_task(&answer, NULL, import->engine, SGN_ENGINE_OFFICE, "image", args, NULL, 0, import->pool));
    }
    return NULL;
}

static sgn_error_t *take_all(import_t *import, json_t *records, const char *key, take_fn take, json_t *counts)
{
    json_t *list = json_object_get(records, key), *record;
    size_t i;

    json_array_foreach(list, i, record) {
        sgn_error_t *error = take(import, record);

        if (error)
            return SGN_WRAP(import->pool, error, error->code, "%s[%d]: %s", key, (int)i, error->detail);
    }
    sgn_json_set_int(counts, key, (apr_int64_t)json_array_size(list));
    return NULL;
}

sgn_error_t *sgn_agency_import(json_t **counts, sgn_agency_t *agency, sgn_engine_t *engine,
                               json_t *records, const char *actor, apr_pool_t *pool)
{
    static const char *const keys[] = { "agencies", "people", "bindings", "custody", "images" };
    static const take_fn takes[] = { take_agency, take_person, take_binding, take_custody, take_image };
    import_t import = { .agency = agency, .engine = engine, .actor = actor, .now = sgn_clock_now(), .pool = pool };
    json_t *all = sgn_json_object(pool), *pairs, *list;
    sgn_audit_act_t act = { .actor = actor, .action = "people.import" };
    sgn_error_t *error = NULL;

    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        SGN_TRY(sgn_json_find_array(&list, records, keys[i], pool));
        json_object_set(all, keys[i], list ? list : sgn_json_array(pool));
    }
    SGN_TRY(look_at_bindings(&pairs, &import, json_object_get(all, "bindings")));
    SGN_TRY(look_at_images(&import, json_object_get(all, "images")));
    json_object_set(all, "bindings", pairs);
    *counts = sgn_json_object(pool);
    SGN_TRY(sgn_db_begin(agency->db, pool));
    for (size_t i = 0; i < sizeof keys / sizeof keys[0] && !error; i++)
        error = take_all(&import, all, keys[i], takes[i], *counts);
    act.detail = *counts;
    if (!error)
        error = sgn_audit_add(agency->audit, &act, pool);
    if (!error)
        return sgn_db_commit(agency->db, pool);
    sgn_db_rollback(agency->db);
    return error;
}
