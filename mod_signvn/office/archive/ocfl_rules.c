/* ocfl_rules.c: see ocfl_rules.h. */
#include "office/archive/ocfl_rules.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <apr_strings.h>

#include "base/clock.h"

void sgn_ocfl_rules_find(sgn_ocfl_rules_t *rules, const char *code, const char *text)
{
    if (code[0] == 'E')
        rules->errors++;
    rules->finding(rules->baton, code, rules->path, text);
}
#define FIND(code, text) sgn_ocfl_rules_find(rules, code, text)

size_t sgn_ocfl_rules_hex(const json_t *inventory)
{
    const char *name = json_string_value(json_object_get(inventory, "digestAlgorithm"));

    return !name ? 0 : strcmp(name, "sha512") == 0 ? 128 : strcmp(name, "sha256") == 0 ? 64 : 0;
}

static int is_hex(const char *text, size_t len)
{
    return strlen(text) == len && strspn(text, "0123456789abcdefABCDEF") == len;
}

/* Elements of a path: 0 fine, 1 slash at an end, 2 an empty, "." or ".." element. */
static int path_fault(const char *path)
{
    size_t len = strlen(path);
    const char *part = path;

    if (len == 0 || path[0] == '/' || path[len - 1] == '/')
        return 1;
    for (;;) {
        size_t n = strcspn(part, "/");

        if (n == 0 || (n == 1 && part[0] == '.') || (n == 2 && part[0] == '.' && part[1] == '.'))
            return 2;
        if (!part[n])
            return 0;
        part += n + 1;
    }
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Unique, and none the directory of another.  Sorting by text puts "a/b"
 * behind "a" but "a-b" between them, so each directory part is looked up. */
static int paths_conflict(const char **paths, size_t count, apr_pool_t *pool)
{
    size_t i;

    qsort(paths, count, sizeof(*paths), by_text);
    for (i = 0; i < count; i++) {
        char *copy, *slash;

        if (i && strcmp(paths[i], paths[i - 1]) == 0)
            return 1;
        copy = apr_pstrdup(pool, paths[i]);
        while ((slash = strrchr(copy, '/')) != NULL) {
            const char *key = copy;

            *slash = '\0';
            if (bsearch(&key, paths, count, sizeof(*paths), by_text))
                return 1;
        }
    }
    return 0;
}

static size_t count_paths(const json_t *map)
{
    const char *digest;
    json_t *list;
    size_t n = 0;

    json_object_foreach((json_t *)map, digest, list)
        n += json_array_size(list);
    return n;
}

/* "v12" -> 12; 0 when it is no version name.  *width: digits. */
static int version_number(const char *name, size_t *width)
{
    *width = name[0] == 'v' ? strlen(name + 1) : 0;
    if (*width < 1 || *width > 9 || strspn(name + 1, "0123456789") != *width) {
        *width = 0;
        return 0;
    }
    return atoi(name + 1);
}

static void check_manifest(int *sound, sgn_ocfl_rules_t *rules, const json_t *inventory, apr_pool_t *pool)
{
    json_t *manifest = json_object_get(inventory, "manifest"), *versions = json_object_get(inventory, "versions");
    const char **paths = apr_pcalloc(pool, sizeof(*paths) * (count_paths(manifest) + 1));
    json_t *list, *path, *version, *used = sgn_json_object(pool), *seen = sgn_json_object(pool);
    const char *digest, *name;
    size_t n = 0, i, hex = sgn_ocfl_rules_hex(inventory);

    json_object_foreach(versions, name, version) {
        json_t *state = json_object_get(version, "state");

        json_object_foreach(state, digest, list)
            json_object_set_new(used, digest, json_true());
    }
    json_object_foreach(manifest, digest, list) {
        char *lower = apr_pstrdup(pool, digest), *c;

        for (c = lower; *c; c++)
            *c = (char)(*c >= 'A' && *c <= 'Z' ? *c + 32 : *c);
        if (json_object_get(seen, lower))
            FIND("E096", "a digest occurs twice in the manifest");
        json_object_set_new(seen, lower, json_true());
        if (hex && !is_hex(digest, hex))
            FIND("E025", "a manifest key is no digest of the algorithm"), *sound = 0;
        if (!json_object_get(used, digest))
            FIND("E107", "a manifest digest is in no version");
        if (!json_is_array(list) || json_array_size(list) == 0) {
            FIND("E092", "a manifest value is no list of paths");
            *sound = 0;
            continue;
        }
        json_array_foreach(list, i, path) {
            if (!json_is_string(path)) {
                FIND("E092", "a manifest value is no list of paths");
                *sound = 0;
                continue;
            }
            switch (path_fault(json_string_value(path))) {
            case 1: FIND("E100", "a content path begins or ends with a slash"); *sound = 0; break;
            case 2: FIND("E099", "a content path has an empty element, . or .."); *sound = 0; break;
            }
            paths[n++] = json_string_value(path);
        }
    }
    if (paths_conflict(paths, n, pool))
        FIND("E101", "content paths are not unique");
}

static void check_state(sgn_ocfl_rules_t *rules, const json_t *manifest, const json_t *state, apr_pool_t *pool)
{
    const char **paths = apr_pcalloc(pool, sizeof(*paths) * (count_paths(state) + 1)), *digest;
    json_t *list, *path;
    size_t n = 0, i;

    json_object_foreach((json_t *)state, digest, list) {
        if (!json_object_get(manifest, digest))
            FIND("E050", "a digest of a state is not in the manifest");
        if (!json_is_array(list) || json_array_size(list) == 0) {
            FIND("E051", "a state value is no list of paths");
            continue;
        }
        json_array_foreach(list, i, path) {
            if (!json_is_string(path)) {
                FIND("E051", "a state value is no list of paths");
                continue;
            }
            switch (path_fault(json_string_value(path))) {
            case 1: FIND("E053", "a logical path begins or ends with a slash"); break;
            case 2: FIND("E052", "a logical path has an empty element, . or .."); break;
            }
            paths[n++] = json_string_value(path);
        }
    }
    if (paths_conflict(paths, n, pool))
        FIND("E095", "logical paths are not unique");
}

static void check_version(sgn_ocfl_rules_t *rules, const json_t *manifest, const json_t *version, apr_pool_t *pool)
{
    json_t *created = json_object_get(version, "created"), *state = json_object_get(version, "state");
    json_t *message = json_object_get(version, "message"), *user = json_object_get(version, "user");
    apr_time_t when;

    if (!json_is_object(version)) {
        FIND("E047", "a version is no object");
        return;
    }
    if (!created || !state)
        FIND("E048", "a version lacks created or state");
    if (created && (!json_is_string(created) || sgn_clock_parse(&when, json_string_value(created), pool)))
        FIND("E049", "created is no RFC 3339 time");
    if (state && !json_is_object(state))
        FIND("E050", "state is no object");
    else
        check_state(rules, manifest, state, pool);
    if (message && !json_is_string(message))
        FIND("E094", "message is no text");
    if (user && (!json_is_object(user) || !json_is_string(json_object_get(user, "name"))
                 || !*json_string_value(json_object_get(user, "name"))))
        FIND("E054", "user has no name");
    if (!message || !user)
        FIND("W007", "a version lacks message or user");
    else if (json_is_object(user) && !json_object_get(user, "address"))
        FIND("W008", "user has no address");
}

static void check_versions(int *sound, sgn_ocfl_rules_t *rules, const json_t *inventory, apr_pool_t *pool)
{
    json_t *versions = json_object_get(inventory, "versions"), *version, *numbers = sgn_json_object(pool);
    const char *name, *head = json_string_value(json_object_get(inventory, "head"));
    size_t width, padded = 0, first = 0;
    int number, highest = 0, i;
    const char *top = "";

    if (json_object_size(versions) == 0) {
        FIND("E008", "no version");
        *sound = 0;
        return;
    }
    json_object_foreach(versions, name, version) {
        number = version_number(name, &width);
        if (!number) {
            FIND(width ? "E009" : "E046", "a version name is not v and a number");
            *sound = 0;
            continue;
        }
        if (name[1] == '0')
            padded++;
        if (!first)
            first = width;
        if (padded && width != first)
            FIND("E012", "version names are padded to different widths");
        json_object_set_new(numbers, apr_itoa(pool, number), json_true());
        if (number > highest) {
            highest = number;
            top = name;
        }
        check_version(rules, json_object_get(inventory, "manifest"), version, pool);
    }
    if (padded && padded != json_object_size(versions))
        FIND("E012", "some version names are padded and some are not");
    else if (padded)
        FIND("W001", "version names are padded");
    for (i = 1; i <= highest; i++) {
        if (!json_object_get(numbers, apr_itoa(pool, i))) {
            FIND(i == 1 ? "E009" : "E010", "the versions have a gap");
            break;
        }
    }
    if (!head || strcmp(head, top) != 0)
        FIND("E040", "head is not the highest version");
}

static void check_fixity(sgn_ocfl_rules_t *rules, const json_t *inventory, apr_pool_t *pool)
{
    json_t *fixity = json_object_get(inventory, "fixity"), *block, *list, *path, *paths = sgn_json_object(pool), *seen;
    const char *algorithm, *digest;
    size_t i;

    if (!fixity)
        return;
    if (!json_is_object(fixity)) {
        FIND("E111", "fixity is no object");
        return;
    }
    json_object_foreach(json_object_get(inventory, "manifest"), digest, list)
        json_array_foreach(list, i, path)
            if (json_is_string(path))
                json_object_set_new(paths, json_string_value(path), json_true());
    json_object_foreach(fixity, algorithm, block) {
        if (!json_is_object(block)) {
            FIND("E057", "a fixity block is no object");
            continue;
        }
        seen = sgn_json_object(pool);
        json_object_foreach(block, digest, list) {
            char *lower = apr_pstrdup(pool, digest), *c;

            for (c = lower; *c; c++)
                *c = (char)(*c >= 'A' && *c <= 'Z' ? *c + 32 : *c);
            if (json_object_get(seen, lower))
                FIND("E097", "a digest occurs twice in a fixity block");
            json_object_set_new(seen, lower, json_true());
            if (!json_is_array(list)) {
                FIND("E057", "a fixity value is no list of paths");
                continue;
            }
            json_array_foreach(list, i, path) {
                if (!json_is_string(path))
                    FIND("E057", "a fixity value is no list of paths");
                else if (path_fault(json_string_value(path)))
                    FIND(path_fault(json_string_value(path)) == 1 ? "E100" : "E099", "a fixity path is malformed");
                else if (!json_object_get(paths, json_string_value(path)))
                    FIND("E057", "a fixity path is not in the manifest");
            }
        }
    }
}

static void check_content_directory(int *sound, sgn_ocfl_rules_t *rules, const json_t *inventory)
{
    json_t *name = json_object_get(inventory, "contentDirectory");
    const char *text = json_string_value(name);

    if (!name)
        return;
    if (!text || !*text || strchr(text, '/'))
        FIND("E017", "contentDirectory has a slash"), *sound = 0;
    else if (strcmp(text, ".") == 0 || strcmp(text, "..") == 0)
        FIND("E018", "contentDirectory is . or .."), *sound = 0;
}

void sgn_ocfl_rules_check(int *sound, sgn_ocfl_rules_t *rules, const json_t *inventory, apr_pool_t *pool)
{
    static const char known[] = " id type digestAlgorithm head contentDirectory manifest versions fixity ";
    const char *key, *id, *type;
    json_t *value;

    *sound = 0;
    if (!json_is_object(inventory)) {
        FIND("E033", "the inventory is no object");
        return;
    }
    json_object_foreach((json_t *)inventory, key, value)
        if (strchr(key, ' ') || !strstr(known, apr_pstrcat(pool, " ", key, " ", NULL)))
            FIND("E102", "a key that the specification does not know");
    id = json_string_value(json_object_get(inventory, "id"));
    type = json_string_value(json_object_get(inventory, "type"));
    if (!id || !type || !json_object_get(inventory, "digestAlgorithm") || !json_object_get(inventory, "head"))
        FIND("E036", "id, type, digestAlgorithm or head is missing");
    if (id && !*id)
        FIND("E037", "the id is empty");
    else if (id && !strchr(id, ':'))
        FIND("W005", "the id is no URI");
    if (type && strcmp(type, "https://ocfl.io/1.1/spec/#inventory") != 0
        && strcmp(type, "https://ocfl.io/1.0/spec/#inventory") != 0)
        FIND("E038", "the type is no inventory of OCFL 1.0 or 1.1");
    if (json_object_get(inventory, "digestAlgorithm") && !sgn_ocfl_rules_hex(inventory))
        FIND("E025", "the digest algorithm is neither sha512 nor sha256");
    else if (sgn_ocfl_rules_hex(inventory) == 64)
        FIND("W004", "sha512 should be used");
    if (!json_object_get(inventory, "manifest"))
        FIND("E041", "no manifest");
    else if (!json_is_object(json_object_get(inventory, "manifest")))
        FIND("E106", "the manifest is no object");
    if (!json_object_get(inventory, "versions"))
        FIND("E043", "no versions");
    else if (!json_is_object(json_object_get(inventory, "versions")))
        FIND("E044", "versions is no object");
    if (!json_is_object(json_object_get(inventory, "manifest")) || !json_is_object(json_object_get(inventory, "versions"))
        || !sgn_ocfl_rules_hex(inventory))
        return;
    *sound = 1;
    check_content_directory(sound, rules, inventory);
    check_manifest(sound, rules, inventory, pool);
    check_versions(sound, rules, inventory, pool);
    check_fixity(rules, inventory, pool);
}

/* logical path -> content paths, as text, of one version. */
static json_t *state_of(const json_t *inventory, const char *version, apr_pool_t *pool)
{
    json_t *state = json_object_get(json_object_get(json_object_get(inventory, "versions"), version), "state");
    json_t *manifest = json_object_get(inventory, "manifest"), *flat = sgn_json_object(pool), *list, *path;
    const char *digest;
    size_t i;

    json_object_foreach(state, digest, list)
        json_array_foreach(list, i, path)
            if (json_is_string(path))
                json_object_set(flat, json_string_value(path), json_array_get(json_object_get(manifest, digest), 0));
    return flat;
}

void sgn_ocfl_rules_compare(sgn_ocfl_rules_t *rules, const json_t *older, const json_t *newer, apr_pool_t *pool)
{
    const char *a = json_string_value(json_object_get(older, "id")), *b = json_string_value(json_object_get(newer, "id"));
    const char *name, *old_type = json_string_value(json_object_get(older, "type"));
    const char *new_type = json_string_value(json_object_get(newer, "type"));
    json_t *version;

    if (!a || !b || strcmp(a, b) != 0)
        FIND("E110", "the id changed between versions");
    if (old_type && new_type && strcmp(old_type, new_type) > 0)
        FIND("E103", "a later version has an older specification");
    if (!json_equal(json_object_get(older, "contentDirectory"), json_object_get(newer, "contentDirectory"))
        && (json_object_get(older, "contentDirectory") || json_object_get(newer, "contentDirectory")))
        FIND(json_object_get(older, "contentDirectory") ? "E020" : "E019", "contentDirectory changed between versions");
    json_object_foreach(json_object_get(older, "versions"), name, version) {
        if (!json_object_get(json_object_get(newer, "versions"), name)
            || !json_equal(state_of(older, name, pool), state_of(newer, name, pool)))
            FIND("E066", "a version is another state than in a later inventory");
    }
}
