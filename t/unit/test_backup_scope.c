/* Whose originals go to which target: SignVNBackupTargets. */
#include "t/unit/tap.h"
#include "t/unit/backup_ground.h"

#define ONE "H57.28"
#define TWO "H57.29"

static const char *disk_c;
static int documents;

/* two: targets of TWO, "" none of its own, NULL no section at all. */
static const sgn_config_t *site(const char *two)
{
    json_t *targets = sgn_json_array(tap_pool()), *agencies = sgn_json_array(tap_pool());

    json_array_append_new(targets, json_string(apr_pstrcat(tap_pool(), "kho-a dir:", disk_a, NULL)));
    json_array_append_new(targets, json_string(apr_pstrcat(tap_pool(), "kho-b dir:", disk_b, NULL)));
    json_array_append_new(targets, json_string(apr_pstrcat(tap_pool(), "kho-c dir:", disk_c, NULL)));
    add_agency(agencies, ONE, NULL);
    if (two)
        add_agency(agencies, TWO, *two ? two : NULL);
    return config_of(1, targets, agencies);
}

static const char *put(const char *agency, const char *subject)
{
    sgn_archive_ingest_t ingest = { .agency = agency, .extension = "pdf", .media_type = "application/pdf" };
    static char evidence[70000];
    sgn_archive_evidence_t big = { .name = "big.crl", .kind = "crl" };
    sgn_archive_receipt_t receipt;

    memset(evidence, 'a' + documents % 26, sizeof(evidence));
    snprintf(evidence, sizeof(evidence), "%s %d", agency, documents);
    big.bytes = sgn_bytes(evidence, sizeof(evidence));
    ingest.evidence = &big;
    ingest.evidence_count = 1;
    ingest.fd = ground_document(&ground, 100000 + documents++, 6000, ingest.sha256, tap_pool());
    ingest.metadata = ground_metadata(documents, tap_pool());
    sgn_json_set_str(ingest.metadata, "subject", subject);
    ground_need(sgn_archive_put(&receipt, ground.archive, &ingest, tap_pool()), "put");
    return receipt.id;
}

/* Objects of an agency that a set holds, its evidence objects too, looked for
 * in the packs themselves and compared with the lines of the manifests. */
static int objects_of(const char *disk, const char *agency)
{
    const char *list = path_of("list");
    char text[32] = "";
    FILE *file;

    if (!shell(apr_psprintf(tap_pool(), "for f in %s/packs/*/*.tar; do test ! -e $f || tar -tf $f; done | grep -F %%3aH57%%2e%s%%3a | cut -d/ -f3"
                            " | sort -u | wc -l > %s; exit 0", disk, agency + 4, list)))
        return -1;
    file = fopen(list, "r");
    if (!file || !fgets(text, sizeof(text), file))
        return -1;
    fclose(file);
    return atoi(text);
}

/* Does the newest catalogue on a disk, or any byte of it, know these words? */
static int catalogue_knows(const char *disk, const char *words)
{
    return shell(apr_psprintf(tap_pool(), "f=$(ls -t %s/database/catalog-*.db.gz | head -n 1); gzip -dc $f | grep -q -a -i -F '%s'", disk, words));
}

static json_t *target_of(json_t *list, const char *name)
{
    json_t *item;
    size_t i;

    json_array_foreach(json_object_get(list, "targets"), i, item)
        if (strcmp(json_string_value(json_object_get(item, "name")), name) == 0)
            return item;
    return NULL;
}

static json_t *header_of(const char *disk)
{
    sgn_manifest_signer_t signer = { fingerprint, by_openssl, NULL, NULL };
    sgn_manifest_t *manifest;
    sgn_medium_t *medium;
    apr_int64_t newest;

    ground_need(sgn_target_open(&medium, apr_pstrcat(tap_pool(), "dir:", disk, NULL), tap_pool()), "medium");
    ground_need(sgn_manifest_newest(&newest, medium, tap_pool()), "newest");
    ground_need(sgn_manifest_read(&manifest, medium, newest, NULL, &signer, ground.root, tap_pool()), "manifest");
    return manifest->header;
}

static void check_configuration(void)
{
    is_code(sgn_backup_check(site("kho-a"), NULL, tap_pool()), SGN_BACKUP_TARGETS, "scope: an agency that names one target refuses the start");
    is_code(sgn_backup_check(site("kho-a kho-a"), NULL, tap_pool()), SGN_BACKUP_TARGETS, "scope: one target named twice is one");
    is_code(sgn_backup_check(site("kho-a kho-b"), NULL, tap_pool()), SGN_OK, "scope: two are enough");
    is_code(sgn_backup_check(site(""), NULL, tap_pool()), SGN_OK, "scope: none named is all");
}

static void check_ways(void)
{
    json_t *list;

    put(ONE, "giao dat mot");
    put(TWO, "bo nhiem hai");
    config = site("kho-b kho-c");
    is(run(NULL, 0, NULL), "done", "scope: a run on three targets");
    ok(objects_of(disk_a, ONE) == 2 && objects_of(disk_b, ONE) == 2 && objects_of(disk_c, ONE) == 2, "scope: an agency that names none goes to all, with its evidence");
    ok(objects_of(disk_b, TWO) == 2 && objects_of(disk_c, TWO) == 2, "scope: an agency's originals go to the targets it names");
    is_int(objects_of(disk_a, TWO), 0, "scope: and to no other");
    ok(catalogue_knows(disk_a, "giao dat mot") && catalogue_knows(disk_b, "bo nhiem hai"), "scope: the catalogue goes with them");
    ok(!catalogue_knows(disk_a, "bo nhiem") && !catalogue_knows(disk_a, TWO ":2"), "scope: no byte of it tells of an agency that is left out");
    ok(json_object_get(json_object_get(header_of(disk_a), "without"), TWO) != NULL, "scope: the manifest says who is left out");
    ok(!json_object_get(header_of(disk_b), "without"), "scope: where nobody is, it says nothing");
    ok(is_ok(verify(disk_a, 3)) && is_ok(verify(disk_b, 3)) && is_ok(verify(disk_c, 3)), "scope: all three sets are valid");
    ground_need(sgn_backup_list(&list, backup, tap_pool()), "list");
    is(json_string_value(json_array_get(json_object_get(target_of(list, "kho-a"), "without"), 0)), TWO, "scope: the list of targets says so");
    is_int((long long)json_array_size(json_object_get(target_of(list, "kho-b"), "without")), 0, "scope: only there");
    ground_need(sgn_backup_targets_of(&list, backup, TWO, tap_pool()), "targets of");
    is_int((long long)json_array_size(list), 2, "scope: a record tells of its own targets");
    is(run("kho-a", 1, NULL), "done", "scope: a full run");
    is_int(objects_of(disk_a, TWO), 0, "scope: brings nothing either");
}

/* A section that is faulty or gone must not open what it had closed. */
static void check_gone(void)
{
    put(TWO, "bo nhiem ba");
    config = site(NULL);
    is(run(NULL, 0, NULL), "done", "scope: the agency's section is gone");
    is_int(objects_of(disk_a, TWO), 0, "scope: its originals still do not go elsewhere");
    ok(objects_of(disk_b, TWO) == 4 && objects_of(disk_c, TWO) == 4, "scope: but where they went");
    ground_close(&ground);
    ground_need(open_all(), "open");
    is(run("kho-a", 0, NULL), "done", "scope: nor after a new start");
    is_int(objects_of(disk_a, TWO), 0, "scope: without the section");
}

static int lines_of(const char *disk, const char *agency)
{
    const char *list = path_of("list");
    char text[32] = "";
    FILE *file;

    shell(apr_psprintf(tap_pool(), "for f in %s/manifests/*.gz; do gzip -dc $f; done | grep -v damaged | grep -o '\"id\":\"urn:vn:%s:[^\"]*\"' | sort"
                       " | uniq -c | awk '$1 != 1 { bad = 1 } END { print bad ? -1 : NR }' > %s; exit 0", disk, agency, list));
    file = fopen(list, "r");
    if (!file || !fgets(text, sizeof(text), file))
        return -1;
    fclose(file);
    return atoi(text);
}

static void check_changes(void)
{
    config = site("kho-a kho-b kho-c");
    is(run(NULL, 0, NULL), "done", "scope: the agency names another target too");
    is_int(objects_of(disk_a, TWO), 4, "scope: which gets what it had missed");
    ok(catalogue_knows(disk_a, "bo nhiem ba"), "scope: and the catalogue of it, though no document is new");
    ok(!json_object_get(header_of(disk_a), "without"), "scope: nobody is left out any more");
    config = site("kho-a kho-b");
    put(TWO, "bo nhiem bon");
    is(run(NULL, 0, NULL), "done", "scope: the agency leaves a target");
    is_int(objects_of(disk_c, TWO), 4, "scope: what is there stays, nothing new comes");
    put(TWO, "bo nhiem nam");
    is(run(NULL, 0, NULL), "done", "scope: and stays away");
    is_int(objects_of(disk_c, TWO), 4, "scope: run after run");
    config = site("");
    is(run(NULL, 0, NULL), "done", "scope: it comes back");
    is_int(objects_of(disk_c, TWO), 8, "scope: and gets what came meanwhile");
    is_int(lines_of(disk_a, TWO), 8, "scope: each object is listed once");
    is_int(json_integer_value(json_object_get(verify(disk_c, 3), "objects")), 10, "scope: also by the check");
}

/* A pack that rotted is written again, but not for those who left. */
static void check_rot(void)
{
    config = site("kho-a kho-b");
    is(run(NULL, 0, NULL), "done", "scope: left again");
    ok(shell(apr_psprintf(tap_pool(), "for f in %s/packs/*/*.tar; do chmod u+w $f; printf x >> $f; done", disk_c)), "scope: every pack of the target rots");
    is(run("kho-c", 1, NULL), "done", "scope: a full run writes them anew");
    is_int(lines_of(disk_c, ONE), -1, "scope: those of the agency that stays");
    ok(shell(apr_psprintf(tap_pool(), "gzip -dc $(ls %s/manifests/*.gz | tail -n 1) | grep -F '\"id\":\"urn:vn:" TWO "' > %s; test $(grep -c damaged %s) = 8"
                          " && ! grep -v damaged %s", disk_c, path_of("list"), path_of("list"), path_of("list"))), "scope: those of the other are told as lost there");
    config = site("");
    is(run("kho-c", 0, NULL), "done", "scope: it comes back once more");
    is_int(json_integer_value(json_object_get(verify(disk_c, 3), "objects")), 10, "scope: and everything is there");
}

int main(void)
{
    ground_begin(&ground);
    disk_a = path_of("disk-a");
    disk_b = path_of("disk-b");
    disk_c = path_of("disk-c");
    mkdir(disk_a, 0700);
    mkdir(disk_b, 0700);
    mkdir(disk_c, 0700);
    config = site("");
    ground_need(open_all(), "open");
    check_configuration();
    check_ways();
    check_gone();
    check_changes();
    check_rot();
    ground_end(&ground);
    return done_testing();
}
