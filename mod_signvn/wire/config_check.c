/* config_check.c: the rules that one directive's reader cannot know.  Every
 * refusal begins with the file and line where the value was set. */
#include "wire/config.h"

#include <ctype.h>
#include <string.h>

#include <apr_strings.h>

#include "base/text.h"
#include "wire/directive.h"

/* "file:line: ", or nothing for a default. */
static const char *at(const json_t *of, const char *name, apr_pool_t *pool)
{
    const char *place = json_string_value(json_object_get(json_object_get(of, "places"), name));

    return place ? apr_pstrcat(pool, place, ": ", NULL) : "";
}

static const char *server_text(const json_t *draft, const char *name)
{
    return json_string_value(json_object_get(json_object_get(draft, "server"), name));
}

static const json_t *server_list(const json_t *draft, const char *name)
{
    return json_object_get(json_object_get(draft, "server"), name);
}

#define REFUSE(name, value, allowed) \
    SGN_ERROR(pool, SGN_CONFIG, "%s%s: '%.80s' is not allowed; allowed: %s", at(draft, (name), pool), (name), \
              sgn_text_log((value), pool), (allowed))

/* "http://host[:port]" and a path where one may stand; no user, no fragment. */
static int is_url(const char *url, int with_path)
{
    const char *rest = strncmp(url, "https://", 8) == 0 ? url + 8 : strncmp(url, "http://", 7) == 0 ? url + 7 : NULL;
    size_t host;

    if (!rest)
        return 0;
    host = strcspn(rest, "/?#");
    if (!host || memchr(rest, '@', host))
        return 0;
    for (const char *c = rest; *c; c++)
        if ((unsigned char)*c <= ' ' || *c == '#' || *c == '"' || (unsigned char)*c >= 127)
            return 0;
    return with_path || !rest[host];
}

/* host:port, the port from 1 to 65535; a v6 address stands in brackets. */
static int is_host_port(const char *text)
{
    const char *colon = strrchr(text, ':');
    apr_int64_t port = 0;

    if (!colon || colon == text || !colon[1] || strlen(colon + 1) > 5)
        return 0;
    for (const char *c = colon + 1; *c; c++) {
        if (!isdigit((unsigned char)*c))
            return 0;
        port = port * 10 + (*c - '0');
    }
    for (const char *c = text; c < colon; c++)
        if (!isalnum((unsigned char)*c) && !strchr(text[0] == '[' ? "[]:." : ".-_", *c))
            return 0;
    return port >= 1 && port <= 65535;
}

static int is_oid(const char *text)
{
    for (const char *c = text; *c; c++)
        if (!isdigit((unsigned char)*c) && !(*c == '.' && c > text && c[1] && c[-1] != '.'))
            return 0;
    return strchr(text, '.') != NULL;
}

/* daily HH:MM | every MINUTES */
static int is_schedule(const char *text)
{
    if (strncmp(text, "daily ", 6) == 0) {
        const char *t = text + 6;

        return strlen(t) == 5 && t[2] == ':' && isdigit((unsigned char)t[0]) && isdigit((unsigned char)t[1])
            && isdigit((unsigned char)t[3]) && isdigit((unsigned char)t[4])
            && (t[0] - '0') * 10 + t[1] - '0' < 24 && t[3] < '6';
    }
    if (strncmp(text, "every ", 6) == 0) {
        apr_int64_t minutes = strspn(text + 6, "0123456789") == strlen(text + 6) ? apr_atoi64(text + 6) : 0;

        return minutes >= 1 && minutes <= 10080;
    }
    return 0;
}

/* NAME dir:/path; *name is set. */
static int is_target(const char *line, const char **name, apr_pool_t *pool)
{
    const char *space = strchr(line, ' ');
    size_t len = space ? (size_t)(space - line) : 0;

    if (!len || len > 32)
        return 0;
    for (size_t i = 0; i < len; i++)
        if (!isalnum((unsigned char)line[i]) && !strchr("-_", line[i]))
            return 0;
    *name = apr_pstrmemdup(pool, line, len);
    return strncmp(space + 1, "dir:/", 5) == 0 && space[6] && !strstr(space, "/../");
}

static sgn_error_t *check_targets(const json_t *draft, apr_pool_t *pool)
{
    const json_t *lines = server_list(draft, "SignVNBackupTarget");
    const char **names = apr_pcalloc(pool, (json_array_size(lines) + 1) * sizeof *names);
    size_t i;
    json_t *line;

    json_array_foreach(lines, i, line) {
        if (!is_target(json_string_value(line), &names[i], pool))
            return REFUSE("SignVNBackupTarget", json_string_value(line), "NAME dir:/absolute/path, the name of letters, digits, - and _");
        for (size_t k = 0; k < i; k++)
            if (strcmp(names[k], names[i]) == 0)
                return REFUSE("SignVNBackupTarget", json_string_value(line), "a name that no other target has");
    }
    /* Two independent media from the first day [DESIGN, backup]. */
    if (json_array_size(json_object_get(draft, "agencies")) && json_array_size(lines) < 2)
        return SGN_ERROR(pool, SGN_BACKUP_TARGETS, "%s%d SignVNBackupTarget given, an archiving agency needs two",
                         at(draft, "SignVNBackupTarget", pool), (int)json_array_size(lines));
    return NULL;
}

sgn_error_t *sgn_config_check_server(const json_t *draft, apr_pool_t *pool)
{
    const char *text;
    const json_t *number;
    size_t i;
    json_t *host;

#ifndef SGN_PRACTICE
    if (json_is_true(json_object_get(json_object_get(draft, "server"), "SignVNPractice")))
        return REFUSE("SignVNPractice", "On", "Off; On exists only in a practice build (--enable-practice)");
#endif
    number = json_object_get(json_object_get(draft, "server"), "SignVNWorkers");
    if (number && (json_integer_value(number) < 1 || json_integer_value(number) > 64))
        return REFUSE("SignVNWorkers", apr_psprintf(pool, "%d", (int)json_integer_value(number)), "1 to 64");
    number = json_object_get(json_object_get(draft, "server"), "SignVNJobRetention");
    if (json_is_integer(number) && json_integer_value(number) < 86400)
        return REFUSE("SignVNJobRetention", apr_psprintf(pool, "%d", (int)json_integer_value(number)), "1d or more");
    text = server_text(draft, "SignVNDatabase");
    if (text && strncmp(text, "sqlite:/", 8) != 0)
        return REFUSE("SignVNDatabase", text, "sqlite:/absolute/directory");
    text = server_text(draft, "SignVNTimestamp");
    if (text && !is_url(text, 1))
        return REFUSE("SignVNTimestamp", text, "an http:// or https:// address without user and fragment");
    text = server_text(draft, "SignVNTimestampPolicy");
    if (text && !is_oid(text))
        return REFUSE("SignVNTimestampPolicy", text, "an OID like 1.3.6.1.4.1.1.2");
    text = server_text(draft, "SignVNOrigin");
    if (text && !is_url(text, 0))
        return REFUSE("SignVNOrigin", text, "scheme and host only, like https://dms.tinh.gov.vn");
    text = server_text(draft, "SignVNBackupEvery");
    if (text && !is_schedule(text))
        return REFUSE("SignVNBackupEvery", text, "\"daily HH:MM\" or \"every MINUTES\"");
    json_array_foreach(server_list(draft, "SignVNEvidenceHosts"), i, host)
        if (!is_host_port(json_string_value(host)))
            return REFUSE("SignVNEvidenceHosts", json_string_value(host), "host:port, like ocsp.ca.gov.vn:80");
    return check_targets(draft, pool);
}

/* One route: "TYPE check,approve,seal".  The agency signs last, over the
 * person [SV-C01, SV-C02]: a seal before the person is never right. */
static sgn_error_t *check_route(const json_t *agency, const char *route, apr_pool_t *pool)
{
    const json_t *draft = agency;
    const char *space = strchr(route, ' ');
    char *steps, *state;
    int approved = 0, sealed = 0;

    if (!space || space == route || !space[1] || strchr(space + 1, ' '))
        return REFUSE("SignVNRoute", route, "TYPE and steps, like: QĐ check,approve,seal");
    steps = apr_pstrdup(pool, space + 1);
    for (char *step = apr_strtok(steps, ",", &state); step; step = apr_strtok(NULL, ",", &state)) {
        if (strcmp(step, "check") != 0 && strcmp(step, "approve") != 0 && strcmp(step, "seal") != 0)
            return REFUSE("SignVNRoute", step, "the steps check, approve and seal");
        if (sealed)
            return REFUSE("SignVNRoute", route, "the seal as the last step: nobody signs after the agency");
        if (strcmp(step, "seal") == 0) {
            if (!approved)
                return REFUSE("SignVNRoute", route, "approve before seal: the agency signs only over the person's signature");
            sealed = 1;
        }
        approved |= strcmp(step, "approve") == 0;
    }
    if (!approved)
        return REFUSE("SignVNRoute", route, "a route with the step approve");
    return NULL;
}

sgn_error_t *sgn_config_check_agency(const json_t *draft, const json_t *agency, apr_pool_t *pool)
{
    const json_t *targets = server_list(draft, "SignVNBackupTarget");
    const json_t *own = json_object_get(agency, "SignVNBackupTargets");
    size_t i, k;
    json_t *entry, *line;
    int different = 0;

    json_array_foreach(json_object_get(agency, "SignVNRoute"), i, entry) {
        const char *route = json_string_value(entry);
        size_t type = strcspn(route, " ") + 1;

        SGN_TRY(check_route(agency, route, pool));
        for (k = 0; k < i; k++)
            if (strncmp(route, json_string_value(json_array_get(json_object_get(agency, "SignVNRoute"), k)), type) == 0)
                return SGN_ERROR(pool, SGN_CONFIG, "%sSignVNRoute: a second route of the type '%.*s'; allowed: one per type",
                                 at(agency, "SignVNRoute", pool), (int)type - 1, route);
    }
    json_array_foreach(own, i, entry) {
        const char *name = json_string_value(entry);
        int found = 0;

        different |= strcmp(name, json_string_value(json_array_get(own, 0))) != 0;
        json_array_foreach(targets, k, line)
            found |= strncmp(json_string_value(line), name, strlen(name)) == 0
                && json_string_value(line)[strlen(name)] == ' ';
        if (!found)
            return SGN_ERROR(pool, SGN_CONFIG, "%sSignVNBackupTargets: '%.80s' is not allowed; allowed: names of SignVNBackupTarget",
                             at(agency, "SignVNBackupTargets", pool), sgn_text_log(name, pool));
    }
    if (json_array_size(own) && !different)
        return SGN_ERROR(pool, SGN_BACKUP_TARGETS, "%sSignVNBackupTargets names only %s, an archiving agency needs two",
                         at(agency, "SignVNBackupTargets", pool), json_string_value(json_array_get(own, 0)));
    return NULL;
}
