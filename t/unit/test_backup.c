/* Backups: made, verified, broken in every way, restored, also by hand. */
#include "t/unit/tap.h"
#include "t/unit/backup_ground.h"

#define DOCUMENTS 40

static sgn_archive_receipt_t receipts[DOCUMENTS + 20];

static const char *original_path(int n)
{
    return object_path(receipts[n].id);
}

/* ---- the tests -------------------------------------------------------------------------- */

static void test_configuration(void)
{
    int other_device = access("/dev/shm", W_OK) == 0;
    const char *shm = "/dev/shm/sgn-backup-test";

    is_code(sgn_backup_check(make_config(1, disk_a, NULL), NULL, tap_pool()), SGN_BACKUP_TARGETS, "backup: one target refuses the start");
    is_code(sgn_backup_check(make_config(1, disk_a, disk_a), NULL, tap_pool()), SGN_BACKUP_SAME_DEVICE, "backup: one place named twice refuses the start");
    is_code(sgn_backup_check(make_config(0, disk_a, disk_b), ground.office, tap_pool()), SGN_BACKUP_SAME_DEVICE, "backup: two targets on one device refuse the start");
    is_code(sgn_backup_check(make_config(1, disk_a, disk_b), NULL, tap_pool()), SGN_OK, "backup: in practice one disk is enough");
    is_code(sgn_backup_check(make_config(0, disk_a, path_of("not-there")), NULL, tap_pool()), SGN_OK, "backup: an absent medium never refuses the start");
    if (other_device && mkdir(shm, 0700) == 0) {
        is_code(sgn_backup_check(make_config(0, disk_a, shm), ground.office, tap_pool()), SGN_OK, "backup: two devices are fine");
        rmdir(shm);
    }
}

static void test_first(void)
{
    json_t *answer;
    int i, good = 1;

    for (i = 0; i < DOCUMENTS; i++)
        good = good && !ground_put(&receipts[i], &ground, i, 3000 + (size_t)i * 1000, tap_pool());
    ok(good, "backup: forty documents are archived");
    is(run(NULL, 0, &answer), "done", "backup: the first run on both targets");
    is_int(json_integer_value(json_object_get(json_array_get(json_object_get(answer, "targets"), 1), "objects")), DOCUMENTS, "backup: copies every document");
    ok(is_ok(verify(disk_a, 1)) && is_ok(verify(disk_a, 2)), "backup: everything is there, every digest fits");
    answer = verify(disk_b, 3);
    ok(is_ok(answer), "backup: unpacked, everything is valid OCFL");
    is_int(json_integer_value(json_object_get(answer, "objects")), DOCUMENTS, "backup: all of it");
    is(run(NULL, 0, &answer), "done", "backup: a run without changes");
    is_int(json_integer_value(json_object_get(json_array_get(json_object_get(answer, "targets"), 0), "packs")), 0, "backup: writes no pack");
    for (i = DOCUMENTS; i < DOCUMENTS + 5; i++)
        ground_need(ground_put(&receipts[i], &ground, i, 5000, tap_pool()), "put");
    is(run("kho-a", 0, &answer), "done", "backup: a run on one target");
    is_int(json_integer_value(json_object_get(json_array_get(json_object_get(answer, "targets"), 0), "objects")), 5, "backup: copies only what is new");
    is_int(json_integer_value(json_object_get(json_array_get(json_object_get(answer, "targets"), 0), "manifest")), 3, "backup: manifests are counted");
    is(run("kho-x", 0, NULL), "backup.unknown", "backup: a target that is not configured");
    ok(is_ok(verify(disk_a, 3)), "backup: three manifests in a row are a chain");
}

static void test_large(void)
{
    sgn_archive_receipt_t large;
    sgn_archive_ingest_t ingest = { .agency = "H57.28", .extension = "pdf", .media_type = "application/pdf" };
    char *name = apr_palloc(tap_pool(), 129);

    memset(name, 'A', 32);
    name[32] = '\0';
    ingest.agency = name;       /* a long path: the tar needs its second name field */
    ingest.fd = ground_document(&ground, 4711, 70 << 20, ingest.sha256, tap_pool());
    ground_need(sgn_archive_put(&large, ground.archive, &ingest, tap_pool()), "put 70 MB");
    is(run("kho-a", 0, NULL), "done", "backup: an original above 64 MB has a pack of its own");
    ok(is_ok(verify(disk_a, 3)), "backup: which is valid");
    flip(apr_pstrcat(tap_pool(), first_pack(disk_a), NULL), 3000);
    ok(!is_ok(verify(disk_a, 2)), "backup: one flipped bit on the medium is found");
    ok(is_ok(verify(disk_a, 1)), "backup: but not by looking at sizes");
    is(run("kho-a", 1, NULL), "done", "backup: a full run reads everything again");
    ok(is_ok(verify(disk_a, 3)), "backup: and writes the damaged pack anew");
}

static void test_by_hand(void)
{
    const char *command = apr_psprintf(tap_pool(),
        "cd %s; for m in manifests/*.jsonl.gz; do openssl cms -verify -binary -inform DER -in $m.p7s -content $m -certfile signer.pem"
        " -nointern -CAfile signer.pem -purpose any -out /dev/null 2>/dev/null; done;"
        " (cd packs; for f in */*.tar; do echo \"$(basename $f .tar)  $f\"; done | sha512sum -c --quiet);"
        " mkdir -p %s/by-hand/root; for f in packs/*/*.tar; do tar -xf $f -C %s/by-hand/root; done;"
        " cmp %s %s/by-hand/root/%s; gzip -dc database/office-*.db.gz > /dev/null; test -s README.txt", disk_b, ground.path, ground.path,
        original_path(3), ground.path, strstr(original_path(3), "/root/") + 6);

    ok(shell(command), "by hand: openssl, sha512sum and tar give the originals back");
    ok(shell(apr_psprintf(tap_pool(), "test $(find %s/by-hand/root -name original.pdf | wc -l) -ge %d", ground.path, DOCUMENTS)), "by hand: all of them");
    ok(shell(apr_psprintf(tap_pool(), "chmod -R u+w %s/by-hand; rm -rf %s/by-hand", ground.path, ground.path)), "by hand: cleared");
}

/* As if the process had died when the newest manifest was durable and no row
 * knew of it. */
static void forget_newest(const char *target, const char *disk)
{
    sgn_manifest_signer_t signer = { fingerprint, by_openssl, NULL, NULL };
    sgn_manifest_t *newest;
    sgn_medium_t *medium;
    apr_int64_t seq;

    ground_need(sgn_target_open(&medium, apr_pstrcat(tap_pool(), "dir:", disk, NULL), tap_pool()), "medium");
    ground_need(sgn_manifest_newest(&seq, medium, tap_pool()), "newest");
    ground_need(sgn_manifest_read(&newest, medium, seq, NULL, &signer, ground.root, tap_pool()), "read");
    ground_need(sgn_db_run(ground.office, tap_pool(), "UPDATE backup_target SET manifest = $1, digest = $2 WHERE name = $3", "iss",
                           seq - 1, json_string_value(json_object_get(newest->header, "previous")), target), "forget");
    ground_need(sgn_db_run(ground.office, tap_pool(), "DELETE FROM backup_damaged WHERE target = $1", "s", target), "forget");
}

static void test_rot(void)
{
    json_t *answer;
    sgn_archive_receipt_t receipt;
    int i;

    for (i = 0; i < 3; i++)
        ground_need(ground_put(&receipt, &ground, 300 + i, 4000, tap_pool()), "put"), receipts[DOCUMENTS + 10 + i] = receipt;
    flip(original_path(DOCUMENTS + 11), 500);
    is(run("kho-b", 0, &answer), "source-damaged", "rot: a document that rotted before the run");
    is(code_of(answer), "backup.source-damaged", "rot: is told by its code");
    is_int(json_integer_value(json_object_get(json_array_get(json_object_get(answer, "targets"), 0), "damaged")), 1, "rot: the one");
    answer = verify(disk_b, 3);
    ok(is_ok(answer), "rot: and not copied; the others are");
    is_int(json_integer_value(json_object_get(answer, "objects")), DOCUMENTS + 5 + 1 + 2, "rot: all others");
    flip(original_path(DOCUMENTS + 11), 500);
    forget_newest("kho-b", disk_b);
    is(run("kho-b", 0, &answer), "done", "rot: repaired, it goes with the next run");
    is_int(json_integer_value(json_object_get(json_array_get(json_object_get(answer, "targets"), 0), "objects")), 1, "rot: alone");
    is_int(json_integer_value(json_object_get(verify(disk_b, 3), "objects")), DOCUMENTS + 5 + 1 + 3, "rot: now all are there");
}

static void test_media(void)
{
    const char *away = path_of("away");
    json_t *answer;
    off_t at;

    if (rename(disk_a, away) != 0)
        exit(1);
    is(run("kho-a", 0, &answer), "target-absent", "media: an absent medium is an alarm");
    is(code_of(answer), "backup.target-absent", "media: with its code");
    mkdir(disk_a, 0700);
    is(run("kho-a", 0, &answer), "target-absent", "media: an empty mount point is an absent medium, nothing is written there");
    ok(rmdir(disk_a) == 0, "media: really nothing");
    ground_need(sgn_backup_status(&answer, backup, 1, tap_pool()), "status");
    is_int(json_integer_value(json_object_get(answer, "alarms")), 1, "media: the state says so");
    is_code(sgn_backup_check(make_config(1, disk_a, disk_b), ground.office, tap_pool()), SGN_OK, "media: but the start is never refused");
    if (symlink(disk_b, disk_a) != 0)
        exit(1);
    is(run("kho-a", 0, &answer), "failed", "media: the medium of another target is refused");
    is(code_of(answer), "backup.wrong-medium", "media: with its code");
    unlink(disk_a);
    if (rename(away, disk_a) != 0)
        exit(1);
    is(run("kho-a", 0, NULL), "done", "media: attached again, the run goes through");
    {
        sgn_bytes_t identity;
        int root;

        ground_need(sgn_file_root(&root, disk_a, tap_pool()), "disk");
        ground_need(sgn_file_read(&identity, root, "SIGNVN-BACKUP.json", 4096, tap_pool()), "identity");
        at = strstr((const char *)identity.data, "\"set\": \"") + 10 - (const char *)identity.data;
    }
    flip(apr_pstrcat(tap_pool(), disk_a, "/SIGNVN-BACKUP.json", NULL), at);
    {
        const char *state = run("kho-a", 0, &answer);

        ok(strcmp(state, "failed") == 0, "media: a changed identity is refused");
    }
    flip(apr_pstrcat(tap_pool(), disk_a, "/SIGNVN-BACKUP.json", NULL), at);
}

static void test_manifests(void)
{
    apr_int64_t newest;
    sgn_medium_t *medium;
    const char *name, *hidden = path_of("hidden.gz");
    json_t *answer;

    ground_need(sgn_target_open(&medium, apr_pstrcat(tap_pool(), "dir:", disk_a, NULL), tap_pool()), "medium");
    ground_need(sgn_manifest_newest(&newest, medium, tap_pool()), "newest");
    is(run("kho-b", 0, NULL), "done", "B27: the other target learns the newest manifest");
    name = apr_pstrcat(tap_pool(), disk_a, "/", sgn_manifest_name(newest, tap_pool()), NULL);
    if (rename(name, hidden) != 0)
        exit(1);
    is(run("kho-a", 0, &answer), "failed", "B27: a medium that lost its newest manifest is refused");
    is(code_of(answer), "backup.manifest", "B27: with its code");
    restore(disk_a, disk_b, "restored-old", SGN_BACKUP_MANIFEST, 0, "B27: and not restored in silence");
    answer = restore(disk_a, disk_b, "restored-old", SGN_OK, 1, "B27: only where the loss is accepted");
    ok(answer && json_integer_value(json_object_get(answer, "manifest")) == newest - 1, "B27: up to the manifest that is there");
    if (rename(hidden, name) != 0)
        exit(1);
    flip(name, 60);
    ok(!is_ok(verify(disk_a, 1)), "manifest: one flipped bit breaks the signature");
    restore(disk_a, NULL, "restored-bad", SGN_BACKUP_MANIFEST, 0, "manifest: which is not restored from");
    flip(name, 60);
    ok(is_ok(verify(disk_a, 1)), "manifest: unharmed, it is fine");
    {
        const char *keep = fingerprint;

        fingerprint = "0000000000000000000000000000000000000000000000000000000000000000";
        ok(!is_ok(verify(disk_a, 1)), "manifest: another signer than the one named is refused");
        fingerprint = keep;
    }
}

static void test_restore(void)
{
    json_t *answer;
    sgn_archive_options_t options = { .directory = path_of("restored/archive"), .readonly = 1 };
    sgn_archive_t *archive;
    sgn_archive_file_t file;
    sgn_ocfl_digests_t digests;
    int i, same = 1;

    answer = restore(disk_a, disk_b, "restored", SGN_OK, 0, "restore: into an empty directory");
    is_int((long long)json_array_size(json_object_get(answer, "lost")), 0, "restore: nothing is lost");
    is_int(json_integer_value(json_object_get(answer, "documents")), DOCUMENTS + 5 + 1 + 3, "restore: the catalogue is made anew");
    restore(disk_a, disk_b, "restored", SGN_RESTORE_NOT_EMPTY, 0, "restore: into a directory that is not empty");
    ground_need(sgn_archive_open(&archive, &options, tap_pool()), "restored archive");
    for (i = 0; i < DOCUMENTS; i++)
        same = same && !sgn_archive_original(&file, archive, receipts[i].id, tap_pool())
            && !sgn_ocfl_digest_fd(&digests, file.fd, tap_pool())
            && strcmp(sgn_bytes_hex(sgn_bytes(digests.sha256, 32), tap_pool()), receipts[i].sha256) == 0;
    ok(same, "restore: every original byte for byte");
    ground_need(sgn_archive_check(&answer, archive, 1, NULL, NULL, tap_pool()), "check");
    ok(is_ok(answer), "restore: the archive is valid");
    {
        sgn_db_t *office;
        sgn_db_rows_t *rows;

        ground_need(sgn_db_open(&office, apr_pstrcat(tap_pool(), "sqlite:", path_of("restored/db/office.sqlite"), NULL), 1, tap_pool()), "office");
        ground_need(sgn_db_query(&rows, office, tap_pool(), "SELECT count(*) FROM audit_entry", ""), "audit");
        ok(sgn_db_int(rows, 0, 0) > 0, "restore: the office database is there");
    }
    flip(first_pack(disk_b), 2500);
    answer = restore(disk_b, NULL, "restored-rot", SGN_OK, 0, "restore: a damaged pack does not stop it");
    ok(answer && json_array_size(json_object_get(answer, "lost")) >= 1
       && json_integer_value(json_object_get(answer, "restored")) > 0, "restore: what is lost is listed, the rest is there");
    flip(first_pack(disk_b), 2500);
    ok(shell(apr_psprintf(tap_pool(), "cd %s; cp -a database ../database.keep; for f in database/office-*; do chmod u+w $f; printf x >> $f; done", disk_b)),
       "restore: the databases on a medium are damaged");
    restore(disk_b, NULL, "restored-database", SGN_BACKUP_DAMAGED, 0, "restore: a damaged database is told, not used");
    ok(shell(apr_psprintf(tap_pool(), "cd %s; rm -rf database; mv ../database.keep database", disk_b)), "restore: put back");
}

/* Killed at random in the middle of a run: the next one finishes it. */
static void test_interrupted(void)
{
    int round, i, done = 1, interrupted = 0;
    json_t *answer;

    for (round = 0; round < 5; round++) {
        pid_t pid;
        int status;

        for (i = 0; i < 12; i++) {
            sgn_archive_receipt_t receipt;

            ground_need(ground_put(&receipt, &ground, 5000 + round * 100 + i, 1 << 20, tap_pool()), "put");
        }
        ground_close(&ground);
        fflush(stdout);
        pid = fork();
        if (pid == 0) {
            const char *id;

            if (open_all())
                _exit(1);
            _exit(sgn_backup_run(&id, backup, NULL, "test", 0, NULL, NULL, tap_pool()) != NULL);
        }
        usleep((useconds_t)(30000 + round * 25000));
        kill(pid, SIGKILL);
        waitpid(pid, &status, 0);
        ground_need(open_all(), "open");
        ground_need(sgn_backup_list(&answer, backup, tap_pool()), "list");
        interrupted += strcmp(json_string_value(json_object_get(json_array_get(json_object_get(answer, "runs"), 0), "state")), "interrupted") == 0;
        done = done && strcmp(run(NULL, 0, NULL), "done") == 0;
    }
    printf("# %d of 5 were interrupted\n", interrupted);
    ok(done, "kill -9: the next run completes");
    ok(is_ok(verify(disk_a, 3)) && is_ok(verify(disk_b, 3)), "kill -9: both sets are whole");
}

#ifdef SGN_PRACTICE
static int count_runs(const char *kind)
{
    sgn_db_rows_t *rows;

    ground_need(sgn_db_query(&rows, ground.office, tap_pool(), "SELECT count(*) FROM backup_run WHERE actor = 'keeper' AND state = 'done'"
                             " AND ($1 IS NULL OR kind = $1)", "s", kind), "count");
    return (int)sgn_db_int(rows, 0, 0);
}

static void move_clock(const char *name, apr_time_t to)
{
    const char *text = apr_psprintf(tap_pool(), "%" APR_TIME_T_FMT "\n", (to - apr_time_now()) / APR_USEC_PER_SEC);

    ground_need(sgn_file_write(ground.root, name, sgn_bytes_str(text), 0600, tap_pool()), "clock");
    sgn_clock_practice(path_of(name));
    usleep(1100000);
    sgn_clock_now();
}

/* [SV-I03] a backup happens without a request. */
static void test_schedule(void)
{
    apr_time_t at;
    int before;

    ground_need(sgn_clock_parse(&at, "2027-03-30T12:00:00+07:00", tap_pool()), "time");
    move_clock("clock", at);
    ground_need(sgn_backup_due(backup, tap_pool()), "due");
    before = count_runs(NULL);
    ok(before >= 2, "schedule: a run that is due happens by itself, on both targets");
    ground_need(sgn_backup_due(backup, tap_pool()), "due");
    is_int(count_runs(NULL), before, "schedule: and once");
    ground_need(sgn_clock_parse(&at, "2027-03-31T01:29:00+07:00", tap_pool()), "time");
    move_clock("clock", at);
    ground_need(sgn_backup_due(backup, tap_pool()), "due");
    is_int(count_runs(NULL), before, "schedule: not before half past one of the next day");
    ground_need(sgn_clock_parse(&at, "2027-03-31T01:31:00+07:00", tap_pool()), "time");
    move_clock("clock", at);
    ground_need(sgn_backup_due(backup, tap_pool()), "due");
    is_int(count_runs(NULL), before + 2, "schedule: but then");
    before = count_runs("full");
    ground_need(sgn_clock_parse(&at, "2027-04-01T02:00:00+07:00", tap_pool()), "time");
    move_clock("clock", at);
    ground_need(sgn_backup_due(backup, tap_pool()), "due");
    is_int(count_runs("full"), before + 2, "schedule: on the first of the month everything is read again");
    sgn_clock_practice(NULL);
}
#endif

/* By hand while another runs: the second waits its turn, a third is refused. */
static void test_queue(void)
{
    const char *first, *second = NULL, *third;
    sgn_archive_receipt_t receipt;
    json_t *answer;
    int i, refused = 0;

    for (i = 0; i < 6; i++)
        ground_need(ground_put(&receipt, &ground, 9000 + i, 4 << 20, tap_pool()), "put");
    is_code(sgn_backup_start(&first, backup, NULL, "test", 0, tap_pool()), SGN_OK, "queue: a run on a thread of its own");
    for (i = 0; i < 100 && !second; i++) {
        if (sgn_backup_start(&second, backup, NULL, "test", 0, tap_pool()))
            usleep(1000);
    }
    ok(second != NULL, "queue: a second one is taken");
    for (i = 0; i < 3; i++) {
        sgn_error_t *error = sgn_backup_start(&third, backup, NULL, "test", 0, tap_pool());

        refused += error && error->code == SGN_BACKUP_RUNNING;
        if (!error)
            break;
    }
    printf("# %d refused\n", refused);
    is_code(sgn_backup_get(&answer, backup, first, apr_time_from_sec(60), tap_pool()), SGN_OK, "queue: the first");
    is(json_string_value(json_object_get(answer, "state")), "done", "queue: is done");
    is_code(sgn_backup_get(&answer, backup, second, apr_time_from_sec(60), tap_pool()), SGN_OK, "queue: the second");
    is(json_string_value(json_object_get(answer, "state")), "done", "queue: too");
    for (i = 0; i < 600 && refused < 3; i++) {
        ground_need(sgn_backup_get(&answer, backup, third, apr_time_from_sec(1), tap_pool()), "third");
        if (strcmp(json_string_value(json_object_get(answer, "state")), "running") != 0)
            break;
    }
}

int main(void)
{
    ground_begin(&ground);
    disk_a = path_of("disk-a");
    disk_b = path_of("disk-b");
    mkdir(disk_a, 0700);
    mkdir(disk_b, 0700);
    config = make_config(1, disk_a, disk_b);
    ground_need(open_all(), "open");
    test_configuration();
    test_first();
    test_by_hand();
    test_large();
    test_rot();
    test_media();
    test_manifests();
    test_restore();
    test_queue();
    test_interrupted();
#ifdef SGN_PRACTICE
    test_schedule();
#endif
    ground_end(&ground);
    return done_testing();
}
