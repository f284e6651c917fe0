/* config.c: the finished configuration and its getters. */
#include "wire/config.h"

#include <assert.h>
#include <string.h>

#include <apr_strings.h>

#include "wire/directive.h"
#include "wire/wire.h"

struct sgn_config_t {
    json_t *json;       /* as it came; absent members are filled in by decode */
    json_t *server;
    json_t *agencies;
};

/* Does the value have the type that its kind travels as? */
static int of_kind(const json_t *value, sgn_directive_kind_t kind)
{
    size_t i;
    json_t *word;

    switch (kind) {
    case SGN_DIRECTIVE_FLAG:
        return json_is_boolean(value);
    case SGN_DIRECTIVE_SIZE:
    case SGN_DIRECTIVE_TIME:
    case SGN_DIRECTIVE_NUMBER:
        return json_is_integer(value);
    case SGN_DIRECTIVE_LIST:
    case SGN_DIRECTIVE_LINES:
        if (!json_is_array(value))
            return 0;
        json_array_foreach(value, i, word)
            if (!json_is_string(word))
                return 0;
        return 1;
    default:
        return json_is_string(value);
    }
}

/* Members of one scope: known, of their type, defaults put in. */
static sgn_error_t *complete(json_t *object, sgn_directive_scope_t scope, apr_pool_t *pool)
{
    static const char *const others[] = { "code", "file", "line", "places", "refused" };
    int count;
    const sgn_directive_t *rows = sgn_directive_rows(&count);
    const char *key;
    json_t *value;

    json_object_foreach(object, key, value) {
        const sgn_directive_t *row = sgn_directive_find(key);
        int known = row && row->scope == scope && strcmp(row->name, key) == 0;

        for (size_t i = 0; scope == SGN_DIRECTIVE_AGENCY && i < sizeof others / sizeof others[0]; i++)
            known |= strcmp(others[i], key) == 0;
        if (!known)
            return SGN_ERROR(pool, SGN_CONFIG, "unknown member %.80s", key);
        if (row && !json_is_null(value) && !of_kind(value, row->kind))
            return SGN_ERROR(pool, SGN_CONFIG, "%s has the wrong type", key);
    }
    for (int i = 0; i < count; i++) {
        if (rows[i].scope != scope)
            continue;
        value = json_object_get(object, rows[i].name);
        if (!value || json_is_null(value))
            sgn_json_set(object, rows[i].name, sgn_directive_absent(&rows[i], pool));
    }
    return NULL;
}

sgn_error_t *sgn_config_decode(sgn_config_t **out, json_t *json, apr_pool_t *pool)
{
    sgn_config_t *config = apr_pcalloc(pool, sizeof *config);
    apr_int64_t version;
    const char *code;
    size_t i;
    json_t *agency;

    SGN_TRY(sgn_json_get_int(&version, json, "v", pool));
    if (version != SGN_WIRE_VERSION)
        return SGN_ERROR(pool, SGN_WIRE_SKEW, "configuration of version %d", (int)version);
    config->json = sgn_json_own(json_deep_copy(json), pool);
    SGN_TRY(sgn_json_get_object(&config->server, config->json, "server", pool));
    SGN_TRY(sgn_json_get_array(&config->agencies, config->json, "agencies", pool));
    SGN_TRY(complete(config->server, SGN_DIRECTIVE_SERVER, pool));
    json_array_foreach(config->agencies, i, agency) {
        SGN_TRY(sgn_json_get_str(&code, agency, "code", pool));
        SGN_TRY(complete(agency, SGN_DIRECTIVE_AGENCY, pool));
    }
    *out = config;
    return NULL;
}

json_t *sgn_config_encode(const sgn_config_t *config)
{
    return config->json;
}

/* A misspelt name is a fault of ours, never of the input. */
static void named(const char *name, sgn_directive_scope_t scope)
{
    const sgn_directive_t *row = sgn_directive_find(name);

    assert(row && row->scope == scope);
    (void)row;
    (void)scope;
}

static const json_t *server_value(const sgn_config_t *config, const char *name)
{
    named(name, SGN_DIRECTIVE_SERVER);
    return json_object_get(config->server, name);
}

int sgn_config_flag(const sgn_config_t *config, const char *name)
{
    return json_is_true(server_value(config, name));
}

apr_int64_t sgn_config_number(const sgn_config_t *config, const char *name)
{
    return json_integer_value(server_value(config, name));
}

const char *sgn_config_text(const sgn_config_t *config, const char *name)
{
    return json_string_value(server_value(config, name));
}

static const char *const *strings(const json_t *array, apr_pool_t *pool)
{
    size_t count = json_array_size(array);
    const char **list = apr_pcalloc(pool, (count + 1) * sizeof *list);

    for (size_t i = 0; i < count; i++)
        list[i] = json_string_value(json_array_get(array, i));
    return list;
}

const char *const *sgn_config_list(const sgn_config_t *config, const char *name, apr_pool_t *pool)
{
    return strings(server_value(config, name), pool);
}

/* Also a refused one. */
static const json_t *find_agency(const sgn_config_t *config, const char *code)
{
    size_t i;
    json_t *agency;

    if (code)
        json_array_foreach(config->agencies, i, agency)
            if (strcmp(json_string_value(json_object_get(agency, "code")), code) == 0)
                return agency;
    return NULL;
}

static int refused(const json_t *agency)
{
    return json_object_get(agency, "refused") != NULL;
}

const char *const *sgn_config_agencies(const sgn_config_t *config, apr_pool_t *pool)
{
    const char **list = apr_pcalloc(pool, (json_array_size(config->agencies) + 1) * sizeof *list);
    size_t i, n = 0;
    json_t *agency;

    json_array_foreach(config->agencies, i, agency)
        if (!refused(agency))
            list[n++] = json_string_value(json_object_get(agency, "code"));
    return list;
}

int sgn_config_has_agency(const sgn_config_t *config, const char *code)
{
    const json_t *agency = find_agency(config, code);

    return agency && !refused(agency);
}

const char *sgn_config_agency_refused(const sgn_config_t *config, const char *code)
{
    return json_string_value(json_object_get(find_agency(config, code), "refused"));
}

const char *sgn_config_agency_text(const sgn_config_t *config, const char *code, const char *name)
{
    named(name, SGN_DIRECTIVE_AGENCY);
    return json_string_value(json_object_get(find_agency(config, code), name));
}

const char *const *sgn_config_agency_list(const sgn_config_t *config, const char *code, const char *name, apr_pool_t *pool)
{
    named(name, SGN_DIRECTIVE_AGENCY);
    return strings(json_object_get(find_agency(config, code), name), pool);
}

const char *sgn_config_place(const sgn_config_t *config, const char *agency, const char *name)
{
    const json_t *of = agency ? find_agency(config, agency) : config->json;

    return json_string_value(json_object_get(json_object_get(of, "places"), name));
}

sgn_error_t *sgn_config_check(const sgn_config_t *config, apr_pool_t *pool)
{
    size_t i;
    json_t *agency;

    SGN_TRY(sgn_config_check_server(config->json, pool));
    json_array_foreach(config->agencies, i, agency)
        if (!refused(agency))
            SGN_TRY(sgn_config_check_agency(config->json, agency, pool));
    return NULL;
}
