/* test_matrix.c: every operation of the allow-list x every role x no user, an
 * unknown account, another agency (THREATS B34).  Asked of a real signvnd;
 * "refused" is a code of access, anything else means that the rule let it in. */
#include "tap.h"

#include "keeper_rig.h"

static apr_pool_t *pool;
static rig_t rig;

static const char *const roles[] = { "authority", "deputy", "clerk", "reviewer", "reception", "archivist", "it", "inspector" };
#define ROLES 8

/* Who may: bits of roles above, and these. */
enum {
    AUTHORITY = 1, DEPUTY = 2, CLERK = 4, REVIEWER = 8, RECEPTION = 16, ARCHIVIST = 32, IT = 64, INSPECTOR = 128,
    PERSONS = 255, STRANGER = 256, NOBODY = 512,
    READERS = AUTHORITY | DEPUTY | CLERK | ARCHIVIST | INSPECTOR,   /* of the archive: API.md, Manner */
    USERS = PERSONS | STRANGER, ANYONE = USERS | NOBODY,
    DESK = 0            /* none without a proof */
};

static struct {
    const char *op;
    int may;
    int there;          /* the source of the keeper has the row */
} table[] = {
    { .op = "health.get", .may = ANYONE }, { .op = "info.get", .may = ANYONE },
    { .op = "session.get", .may = USERS }, { .op = "metrics.get", .may = USERS },
    { .op = "validations.create", .may = USERS }, { .op = "validations.explain", .may = USERS },
    { .op = "jobs.create", .may = PERSONS }, { .op = "jobs.get", .may = USERS }, { .op = "jobs.list", .may = USERS }, { .op = "jobs.cancel", .may = USERS },
    { .op = "jobs.document", .may = USERS }, { .op = "jobs.explain", .may = USERS }, { .op = "jobs.resume", .may = USERS }, { .op = "work.get", .may = USERS },
    { .op = "agencies.list", .may = USERS }, { .op = "agencies.policy", .may = PERSONS },
    { .op = "people.list", .may = PERSONS }, { .op = "people.get", .may = PERSONS }, { .op = "people.import", .may = 0 },
    { .op = "registers.get", .may = PERSONS },
    { .op = "incidents.create", .may = PERSONS }, { .op = "incidents.lift", .may = IT | AUTHORITY },
    { .op = "agent.enrol_begin", .may = PERSONS }, { .op = "agent.enrol_confirm", .may = PERSONS },
    { .op = "agent.enrol", .may = DESK }, { .op = "agent.enrol_status", .may = DESK }, { .op = "agent.credentials", .may = DESK }, { .op = "agent.poll", .may = DESK },
    { .op = "agent.claim", .may = DESK }, { .op = "agent.document", .may = DESK }, { .op = "agent.progress", .may = DESK }, { .op = "agent.result", .may = DESK },
    { .op = "agent.reject", .may = DESK },
    { .op = "archive.create", .may = AUTHORITY | DEPUTY | CLERK | ARCHIVIST },
    { .op = "archive.search", .may = READERS }, { .op = "archive.get", .may = READERS },
    { .op = "archive.original", .may = READERS }, { .op = "archive.version", .may = READERS },
    { .op = "archive.evidence", .may = READERS }, { .op = "archive.fixity", .may = READERS },
    { .op = "archive.rebuild", .may = NOBODY },
    { .op = "backups.list", .may = ARCHIVIST | IT }, { .op = "backups.create", .may = ARCHIVIST | IT },
    { .op = "backups.get", .may = ARCHIVIST | IT }, { .op = "backups.verify", .may = ARCHIVIST | IT },
    { .op = "audit.list", .may = IT | INSPECTOR | ARCHIVIST }, { .op = "audit.verify", .may = NOBODY },
    { .op = "config", .may = NOBODY }, { .op = "probe", .may = NOBODY }, { .op = "shutdown", .may = NOBODY },  /* here this test is the local peer */
};
#define OPERATIONS (sizeof table / sizeof *table)

static int is_access(const char *code)
{
    return strcmp(code, "auth.required") == 0 || strcmp(code, "person.unknown") == 0
        || strcmp(code, "access.denied") == 0 || strcmp(code, "agent.proof") == 0;
}

static const char *ask(const char *op, const char *user, json_t *args)
{
    return rig_code(rig_call(&rig, op, user, args, sgn_json_object(pool)));
}

/* ---- people ---------------------------------------------------------------- */

static void add_person(json_t *people, const char *account, const char *agency, const char *role)
{
    json_t *person = sgn_json_object(pool), *list = sgn_json_array(pool), *one = sgn_json_object(pool);

    sgn_json_set_str(person, "account", account);
    sgn_json_set_str(person, "name", account);
    sgn_json_set_str(one, "agency", agency);
    sgn_json_set_str(one, "role", role);
    json_array_append(list, one);
    sgn_json_set(person, "roles", list);
    json_array_append(people, person);
}

static void add_agency(json_t *agencies, json_t *records, const char *code)
{
    json_t *agency = sgn_json_object(pool), *record = sgn_json_object(pool);

    sgn_json_set_str(agency, "code", code);
    json_array_append(agencies, agency);
    sgn_json_set_str(record, "code", code);
    sgn_json_set_str(record, "name", apr_pstrcat(pool, "UBND ", code, NULL));
    json_array_append(records, record);
}

static void add_target(json_t *targets, const char *name)
{
    const char *path = apr_pstrcat(pool, rig.dir, "/", name, NULL);

    mkdir(path, 0700);
    json_array_append_new(targets, json_string(apr_pstrcat(pool, name, " dir:", path, NULL)));
}

static void register_people(void)
{
    json_t *records = sgn_json_object(pool), *agencies = sgn_json_array(pool), *people = sgn_json_array(pool), *answer;
    json_t *targets = sgn_json_array(pool);

    add_target(targets, "a");
    add_target(targets, "b");
    sgn_json_set(json_object_get(rig.config, "server"), "SignVNBackupTarget", targets);

    add_agency(json_object_get(rig.config, "agencies"), agencies, "H57.28");
    add_agency(json_object_get(rig.config, "agencies"), agencies, "H57.29");
    for (int i = 0; i < ROLES; i++) {
        add_person(people, apr_pstrcat(pool, roles[i], "-a", NULL), "H57.28", roles[i]);
        add_person(people, apr_pstrcat(pool, roles[i], "-b", NULL), "H57.29", roles[i]);
    }
    sgn_json_set(records, "agencies", agencies);
    sgn_json_set(records, "people", people);
    rig_start(&rig);
    answer = rig_call(&rig, "people.import", NULL, NULL, records);
    if (!ok(rig_status(answer) == 200, "matrix: people of two agencies are registered"))
        printf("# %s\n", answer ? sgn_json_print(answer, pool) : "");
}

/* ---- the matrix ------------------------------------------------------------ */

static void check_one(size_t row, const char *user, int bit)
{
    const char *code = ask(table[row].op, user, NULL);
    int may = (table[row].may & bit) != 0;

    if (strcmp(code, "operation.unknown") == 0) {
        ok(bit != STRANGER || !table[row].there, apr_psprintf(pool, "matrix: %s # SKIP not offered", table[row].op));
    } else if (!ok(is_access(code) == !may, apr_psprintf(pool, "B34 matrix: %s by %s is %s", table[row].op,
                                                         user ? user : "nobody", may ? "let in" : "refused"))) {
        printf("# %s\n", code);
    }
}

static void check_all(void)
{
    for (size_t row = 0; row < OPERATIONS; row++) {
        if (strcmp(table[row].op, "shutdown") != 0 && strcmp(table[row].op, "config") != 0
            && strcmp(table[row].op, "people.import") != 0)
            check_one(row, NULL, NOBODY);
        check_one(row, "somebody", STRANGER);
        for (int i = 0; i < ROLES; i++)
            check_one(row, apr_pstrcat(pool, roles[i], "-a", NULL), 1 << i);
    }
}

/* A row of the keeper's table that is not in this one has no expectation. */
static void check_complete(void)
{
    const char *source = getenv("SGN_SRCDIR"), *at;
    sgn_bytes_t text = { 0 };
    int root, found = 0, missing = 0, twice = 0;

    if (!source || sgn_file_root(&root, source, pool)
        || sgn_file_read(&text, root, "mod_signvn/keeper/operations.c", 1 << 20, pool)) {
        ok(source == NULL, "matrix: the keeper's table can be read");
        return;
    }
    for (at = strstr((const char *)text.data, "SGN_OPERATION(\""); at; at = strstr(at, "SGN_OPERATION(\"")) {
        char name[64] = "";
        size_t row = 0;

        at += strlen("SGN_OPERATION(\"");
        sscanf(at, "%63[^\"]", name);
        found++;
        while (row < OPERATIONS && strcmp(table[row].op, name) != 0)
            row++;
        if (row < OPERATIONS) {
            twice += table[row].there;
            table[row].there = 1;
        } else {
            printf("# %s has no expectation\n", name);
            missing++;
        }
    }
    is_int(twice, 0, "matrix: no operation has two rows");
    ok(found > 10 && missing == 0, "B34 matrix: every operation of the keeper has an expectation here");
}

/* ---- other agencies -------------------------------------------------------- */

static void other_agencies(void)
{
    json_t *args = sgn_json_object(pool), *answer;
    const char *text;

    sgn_json_set_str(args, "agency", "H57.28");
    sgn_json_set_str(args, "year", "2026");
    sgn_json_set_str(args, "series", "QĐ-UBND");
    is(ask("registers.get", "clerk-b", args), "access.denied", "B34 matrix: a clerk of B does not see A's register");
    is(ask("registers.get", "clerk-a", args), "none", "B34 matrix: a clerk of A does");
    answer = rig_call(&rig, "people.list", "it-b", NULL, NULL);
    text = answer ? sgn_json_print(answer, pool) : "";
    ok(strstr(text, "clerk-b") && !strstr(text, "clerk-a"), "B34 matrix: people are those of the own agency");
    args = sgn_json_object(pool);
    sgn_json_set_str(args, "id", "H57.28");
    is(ask("agencies.policy", "it-b", args), "access.denied", "B34 matrix: nor A's policy");
    is(ask("agencies.policy", "it-a", args), "none", "B34 matrix: which A's people see");
    args = sgn_json_object(pool);
    sgn_json_set_str(args, "id", "clerk-a");
    is(ask("people.get", "it-b", args), "not-found", "B34 matrix: nor a person of A");
    is(ask("people.get", "it-a", args), "none", "B34 matrix: whom A's people see");
    args = sgn_json_object(pool);
    sgn_json_set_str(args, "id", "AAAAAAAAAAAAAAAAAAAAAA");
    is(ask("jobs.get", "clerk-b", args), "job.unknown", "B34 matrix: a job that is not mine does not exist");
    is(ask("jobs.cancel", "clerk-b", args), "job.unknown", "B34 matrix: nor can it be cancelled");
    is(ask("validations.explain", "clerk-b", args), "not-found", "B34 matrix: another's report is not explained");
}

/* A PDF of one empty page, with the offsets that belong into its table. */
static int small_pdf(void)
{
    static const char *const objects[] = {
        "1 0 obj\n<</Type/Catalog/Pages 2 0 R>>\nendobj\n",
        "2 0 obj\n<</Type/Pages/Kids[3 0 R]/Count 1>>\nendobj\n",
        "3 0 obj\n<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]>>\nendobj\n",
    };
    const char *text = "%PDF-1.4\n", *table = "xref\n0 4\n0000000000 65535 f \n";
    size_t start;
    int fd = -1;

    for (int i = 0; i < 3; i++) {
        table = apr_psprintf(pool, "%s%010d 00000 n \n", table, (int)strlen(text));
        text = apr_pstrcat(pool, text, objects[i], NULL);
    }
    start = strlen(text);
    text = apr_psprintf(pool, "%s%strailer\n<</Size 4/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n", text, table, (int)start);
    if (sgn_file_memfd(&fd, "pdf", sgn_bytes_str(text), pool))
        printf("# no memfd\n");
    return fd;
}

/* A record of A, and what B's people are told about it. */
static void other_archives(void)
{
    static const char *const reads[] = { "archive.get", "archive.original", "archive.version", "archive.evidence", "archive.fixity" };
    json_t *metadata = sgn_json_object(pool), *request, *answer, *args = sgn_json_object(pool);
    const char *id;
    int pdf = small_pdf();

    sgn_json_set_str(metadata, "agency", "H57.28");
    sgn_json_set_str(metadata, "subject", "Về việc thử nghiệm");
    request = rig_request(&rig, "archive.create", "clerk-b", NULL, metadata);
    is(rig_code(rig_send(&rig, request, &pdf, 1)), "access.denied", "B34 matrix: a clerk of B does not archive for A");
    request = rig_request(&rig, "archive.create", "clerk-a", NULL, metadata);
    answer = rig_send(&rig, request, &pdf, 1);
    id = json_string_value(json_object_get(json_object_get(answer, "body"), "id"));
    if (!ok(rig_status(answer) == 201 && id, "matrix: a clerk of A does")) {
        printf("# %s\n", answer ? sgn_json_print(answer, pool) : "");
        return;
    }
    sgn_json_set_str(args, "id", id);
    sgn_json_set_str(args, "n", "1");
    for (size_t i = 0; i < sizeof reads / sizeof *reads; i++) {
        is(ask(reads[i], "archivist-b", args), "archive.unknown",
           apr_psprintf(pool, "B34 matrix: %s of A's record by B's archivist finds nothing", reads[i]));
        ok(!is_access(ask(reads[i], "archivist-a", args)) && strcmp(ask(reads[i], "archivist-a", args), "archive.unknown") != 0,
           apr_psprintf(pool, "B34 matrix: %s by A's archivist finds it", reads[i]));
    }
    answer = rig_call(&rig, "archive.search", "archivist-b", NULL, NULL);
    ok(answer && !strstr(sgn_json_print(answer, pool), id), "B34 matrix: B's search does not show it");
    answer = rig_call(&rig, "archive.search", "archivist-a", NULL, NULL);
    ok(answer && strstr(sgn_json_print(answer, pool), id), "B34 matrix: A's search does");
}

int main(void)
{
    pool = tap_pool();
    rig_make(&rig, pool);
    register_people();
    if (rig.pid > 0) {
        check_complete();
        check_all();
        other_agencies();
        other_archives();
    }
    rig_end(&rig);
    return done_testing();
}
