/* test_config.c: directives are read as httpd reads them, and refused with
 * file and line. */
#include "tap.h"
#include "scratch.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <apr_strings.h>

#include "base/file.h"
#include "wire/config.h"
#include "wire/directive.h"

static apr_pool_t *pool;
static const char *dir;

static const char *put(const char *name, const char *text)
{
    const char *path = apr_pstrcat(pool, dir, "/", name, NULL);
    FILE *file = fopen(path, "w");

    fputs(text, file);
    fclose(file);
    return path;
}

/* Reads and checks one file of these lines. */
static sgn_error_t *tried(sgn_config_t **out, const char *text)
{
    sgn_error_t *error = sgn_config_read(out, put("one.conf", text), pool);

    return error ? error : sgn_config_check(*out, pool);
}

#define TARGETS "SignVNBackupTarget a dir:/a\nSignVNBackupTarget b dir:/b\n"
#define AGENCY(lines) TARGETS "<SignVNAgency \"H57.28\">\n" lines "</SignVNAgency>\n"

static void refused(const char *text, const char *place, const char *name)
{
    sgn_config_t *config;
    sgn_error_t *error = tried(&config, text);

    ok(error && (error->code == SGN_CONFIG || error->code == SGN_BACKUP_TARGETS)
       && strstr(error->detail, apr_pstrcat(pool, "one.conf:", place, ": ", NULL)) != NULL, name);
    if (!error || !strstr(error->detail, place))
        printf("# %s\n", error ? error->detail : "(accepted)");
}

static void values(void)
{
    sgn_config_t *config;
    const char *path;

    mkdir(apr_pstrcat(pool, dir, "/more", NULL), 0755);
    put("more/20-b.conf", "SignVNTimestamp http://127.0.0.1:2000/tsa\n");
    put("more/10-a.conf", "SignVNTimestamp http://old/\nSignVNWorkers 3\n");
    put("more/30.txt", "SignVNWorkers 9\n");
    path = put("main.conf",
        "# a comment\nLoadModule x_module x.so\nDefine STATE /srv/signvn\n"
        "SignVNStateDir ${STATE}/state\n"
        "SignVNMaxDocument \\\n  64M\n"
        "SignVNEvidenceHosts a:80 b:443\nSignVNEvidenceHosts c:8080\n"
        "SignVNBackupTarget one \"dir:/with space\"\nsignvnbackuptarget two dir:/two\n"
        "Include more/*.conf\nIncludeOptional none/*.conf\nIncludeOptional absent.conf\n"
        "<Location /signvn>\n SignVN On\n Require valid-user\n</Location>\n"
        "<SignVNAgency \"H57.28\">\n SignVNRoute QĐ check,approve,seal\n SignVNRegime ND130\n</SignVNAgency>\n");
    ok(!sgn_config_read(&config, path, pool), "config: a file as httpd writes it is read");
    is(sgn_config_text(config, "SignVNStateDir"), "/srv/signvn/state", "config: Define is put in");
    is_int(sgn_config_number(config, "SignVNMaxDocument"), 64 << 20, "config: a continued line and a size");
    is(sgn_config_list(config, "SignVNEvidenceHosts", pool)[2], "c:8080", "config: a list adds up");
    is(sgn_config_list(config, "SignVNBackupTarget", pool)[0], "one dir:/with space", "config: a quoted word keeps its space");
    is(sgn_config_text(config, "SignVNTimestamp"), "http://127.0.0.1:2000/tsa", "config: includes come in the order of their names");
    is_int(sgn_config_number(config, "SignVNWorkers"), 3, "config: a name outside the pattern is not included");
    is_int(sgn_config_number(config, "SignVNSpoolQuota"), (long long)8 << 30, "config: an absent size has its default");
    ok(!sgn_config_flag(config, "SignVNPractice"), "config: an absent flag has its default");
    is(sgn_config_text(config, "SignVNOrigin"), NULL, "config: absent without default is NULL");
    is(sgn_config_agencies(config, pool)[0], "H57.28", "config: the agency is there");
    is(sgn_config_agency_text(config, "H57.28", "SignVNRegime"), "nd130", "config: a choice is written as the table does");
    is(sgn_config_agency_text(config, "H57.28", "SignVNNumbering"), "module", "config: a choice's default is its first word");
    is(sgn_config_agency_list(config, "H57.28", "SignVNRoute", pool)[0], "QĐ check,approve,seal", "config: a route is a line");
    is(sgn_config_place(config, "H57.28", "SignVNRoute"), apr_pstrcat(pool, path, ":19", NULL), "config: the place of a value is known");
    ok(!sgn_config_check(config, pool), "config: and all rules are kept");
    ok(!sgn_config_has_agency(config, "H57"), "config: half a code is no agency");
}

static void rules(void)
{
    sgn_config_t *config;

    ok(!tried(&config, AGENCY("SignVNRoute QĐ approve,seal\n")), "config: a plain agency is accepted");
    refused(AGENCY("SignVNRoute QĐ seal,approve\n"), "4", "config: a route with the seal before the person is refused (SV-C01)");
    refused(AGENCY("SignVNRoute QĐ check,seal\n"), "4", "config: a route with no person at all is refused");
    refused(AGENCY("SignVNRoute QĐ approve,seal,check\n"), "4", "config: nobody signs after the seal");
    refused(AGENCY("SignVNRoute QĐ sign\n"), "4", "config: an unknown step is refused");
    refused(AGENCY("SignVNRoute QĐ\n"), "4", "config: a route without steps is refused");
    refused(AGENCY("SignVNRoute QĐ approve\nSignVNRoute QĐ check,approve\n"), "5", "config: a type has one route");
    refused(AGENCY("SignVNRegime nd1\n"), "4", "config: a wrong choice is refused");
    refused(AGENCY("SignVNBackupTargets a c\n"), "4", "config: an agency's target must be defined");
    refused(AGENCY("SignVNBackupTargets a\n"), "4", "config: an agency needs two targets of its own");
    refused(AGENCY("SignVNBackupTargets a a\n"), "4", "config: and not the same one twice");
    ok(!tried(&config, AGENCY("SignVNBackupTargets b a\n")), "config: two are enough");
    refused(AGENCY("SignVNWorkers 2\n"), "4", "config: a server's directive does not stand in an agency");
    refused(AGENCY("") "<SignVNAgency \"H57.28\">\n</SignVNAgency>\n", "5", "config: an agency is opened once");
    refused("<SignVNAgency \"a/../b\">\n", "1", "config: an agency's code is no path");
    refused("SignVNRegime nd68\n", "1", "config: an agency's directive needs its section");
    refused("SignVNBackupTarget a dir:/a\n<SignVNAgency \"A\">\n</SignVNAgency>\n", "1", "config: one backup target is too few");
    refused("SignVNBackupTarget a dir:/a\nSignVNBackupTarget a dir:/b\n", "2", "config: targets have names of their own");
    refused("SignVNBackupTarget a ftp:/a\n", "1", "config: an unknown kind of target is refused");
    refused("\nSignVNWorkers 0\n", "2", "config: no workers is refused");
    refused("SignVNJobRetention 23h\n", "1", "config: results of jobs are kept a day at least");
    refused("SignVNMaxDocument 64X\n", "1", "config: an unknown unit is refused");
    refused("SignVNMaxDocument 99999999999G\n", "1", "config: a size that overflows is refused");
    refused("SignVNStateDir var/lib\n", "1", "config: a relative path is refused");
    refused("SignVNStateDir /var/../etc\n", "1", "config: a path with .. is refused");
    refused("SignVNEvidenceHosts http://a/\n", "1", "config: an evidence host is host:port");
    refused("SignVNEvidenceHosts a:0\n", "1", "config: port 0 is refused");
    refused("SignVNTimestamp http://user@host/\n", "1", "config: an address with a user is refused");
    refused("SignVNTimestamp file:///etc/passwd\n", "1", "config: another scheme is refused");
    refused("SignVNOrigin https://a/b\n", "1", "config: an origin has no path");
    refused("SignVNBackupEvery daily 24:00\n", "1", "config: an hour that does not exist is refused");
    refused("SignVNBackupEvery every 0\n", "1", "config: every 0 minutes is refused");
    refused("SignVNPractise On\n", "1", "config: a misspelt directive is refused");
    refused("SignVNWorkers 2 3\n", "1", "config: one value is one value");
    refused("SignVNWorkers\n", "1", "config: no value is no value");
    refused("Include nowhere.conf\n", "1", "config: an absent Include is refused");
}

static void harm(void)
{
    sgn_config_t *config;
    json_t *draft = sgn_directive_draft(pool), *a, *b;

    ok(!sgn_directive_agency(&a, draft, "A", "f", 1, pool) && !sgn_directive_agency(&b, draft, "B", "f", 2, pool), "config: two sections");
    sgn_directive_refuse(a, "f:1: because");
    ok(!sgn_config_decode(&config, draft, pool), "config: a refused section does not stop the rest");
    ok(!sgn_config_has_agency(config, "A") && sgn_config_has_agency(config, "B"), "config: it is off, the other one is on");
    is(sgn_config_agency_refused(config, "A"), "f:1: because", "config: the reason is kept");
    json_object_set_new(json_object_get(draft, "server"), "SignVNWorkers", json_string("2"));
    is_code(sgn_config_decode(&config, draft, pool), SGN_CONFIG, "config: a value of another type is refused");
    json_object_set_new(json_object_get(draft, "server"), "SignVNWorkers", json_integer(2));
    json_object_set_new(json_object_get(draft, "server"), "Sign", json_integer(2));
    is_code(sgn_config_decode(&config, draft, pool), SGN_CONFIG, "config: an unknown member is refused");
    put("loop.conf", "Include loop.conf\n");
    is_code(sgn_config_read(&config, apr_pstrcat(pool, dir, "/loop.conf", NULL), pool), SGN_CONFIG, "config: a file that includes itself ends");
}

int main(void)
{
    pool = tap_pool();
    dir = scratch_dir();
    values();
    rules();
    harm();
    return done_testing();
}
