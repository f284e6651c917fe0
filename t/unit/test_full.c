/*
 * A disk that is full in the middle of a commit or of a backup, on small
 * filesystems of our own (skipped where none can be mounted), and deaths that
 * leave things behind.
 */
#include "t/unit/tap.h"

#include <sys/mount.h>

#include "t/unit/backup_ground.h"

#define MOST 400

static const char *media;
static sgn_archive_receipt_t receipts[MOST];

static int sh(const char *format, ...)
{
    va_list list;
    char *command;

    va_start(list, format);
    command = apr_pvsprintf(tap_pool(), format, list);
    va_end(list);
    return shell(command);
}

static int is_valid(void)
{
    json_t *answer;

    ground_need(sgn_archive_check(&answer, ground.archive, 1, NULL, NULL, tap_pool()), "check");
    if (!is_ok(answer))
        printf("# %s\n", sgn_json_print(answer, tap_pool()));
    return is_ok(answer);
}

static int documents(void)
{
    json_t *status;

    ground_need(sgn_archive_status(&status, ground.archive, tap_pool()), "status");
    return (int)json_integer_value(json_object_get(status, "documents"));
}

/* A filesystem in memory; the test is skipped where none can be mounted. */
static int small_disk(const char *path, const char *size)
{
    mkdir(path, 0700);
    return mount("none", path, "tmpfs", 0, apr_pstrcat(tap_pool(), "mode=0700,size=", size, NULL)) == 0;
}

static int readable(int count)
{
    json_t *record;
    sgn_archive_file_t file;
    sgn_archive_query_t query = { .number = "3" };
    sgn_error_t *error = NULL;
    int i;

    for (i = 0; i < count && !error; i++) {
        error = sgn_archive_get(&record, ground.archive, receipts[i].id, tap_pool());
        if (!error)
            error = sgn_archive_original(&file, ground.archive, receipts[i].id, tap_pool());
        if (!error && file.size != receipts[i].size)
            return 0;
    }
    if (!error)
        error = sgn_archive_search(&record, ground.archive, &query, tap_pool());
    if (error)
        printf("# %d of %d: %s\n", i, count, sgn_error_chain(error, tap_pool()));
    return !error && json_array_size(json_object_get(record, "items")) == 1;
}

/* Leaves that many KB, by the big file that fills the rest. */
static void leave(int kb)
{
    sh("rm -f %s/ballast; free=$(df -k --output=avail %s | tail -n 1); head -c $(( (free - %d) * 1024 )) /dev/zero > %s/ballast || :",
       ground.path, ground.path, kb, ground.path);
}

static void test_commit(void)
{
    int count = 0, kb, wrong = 0, refused = 0, invalid = 0, unread = 0;
    sgn_archive_file_t file;
    sgn_error_t *error;
    json_t *record;

    ground_begin(&ground);
    if (!small_disk(ground.path, "24m")) {
        printf("ok 1 - full: # SKIP no small filesystem can be mounted\n1..1\n");
        sh("rm -rf %s %s", ground.path, media);
        exit(0);
    }
    ground_need(sgn_file_root(&ground.root, ground.path, tap_pool()), ground.path);
    ground_need(sgn_file_mkdir(ground.root, "db", 0700, tap_pool()), "db");
    ground_need(sgn_file_mkdir(ground.root, "jobs", 0700, tap_pool()), "jobs");
    ground_need(open_all(), "open");
    for (; count < 10; count++)
        ground_need(ground_put(&receipts[count], &ground, count, 8000, tap_pool()), "put");
    /* Ever fewer blocks are left: the disk is full at another step each time. */
    for (kb = 160; kb >= 0; kb -= 4) {
        unsigned char sha256[32];
        sgn_archive_ingest_t ingest = { .agency = "H57.28", .extension = "pdf", .media_type = "application/pdf" };

        ingest.key = apr_psprintf(tap_pool(), "job/%d/0", count);
        ingest.metadata = ground_metadata(count, tap_pool());
        leave(200);
        ingest.fd = ground_document(&ground, count, 8000, sha256, tap_pool());
        memcpy(ingest.sha256, sha256, sizeof(sha256));
        leave(kb);
        error = sgn_archive_put(&receipts[count], ground.archive, &ingest, tap_pool());
        refused += error != NULL;
        wrong += error && error->code != SGN_DISK_FULL && error->code != SGN_DB_FULL;
        if (error && error->code != SGN_DISK_FULL && error->code != SGN_DB_FULL)
            printf("# %s\n", sgn_error_chain(error, tap_pool()));
        unread += !readable(count);
        if (!error) {       /* the newest may be waiting for its row: then that is said */
            sgn_error_t *late = sgn_archive_get(&record, ground.archive, receipts[count].id, tap_pool());

            unread += (late && late->code != SGN_DB_FULL && late->code != SGN_DISK_FULL)
                || sgn_archive_original(&file, ground.archive, receipts[count].id, tap_pool());
        }
        sh("rm -f %s/ballast", ground.path);
        error = error ? sgn_archive_put(&receipts[count], ground.archive, &ingest, tap_pool())
            : sgn_archive_get(&record, ground.archive, receipts[count].id, tap_pool());
        if (error)
            printf("# again at %d: %s\n", kb, sgn_error_chain(error, tap_pool()));
        count++;
        invalid += error != NULL || !is_valid() || documents() != count;
    }
    printf("# %d of %d refused\n", refused, count);
    ok(refused > 3 && refused < count, "full: a commit on a full disk is refused");
    is_int(wrong, 0, "full: with the code that says so");
    is_int(unread, 0, "full: what was archived before is found and read all the same");
    is_int(invalid, 0, "full: with room again the same act goes through, once, and the archive is valid");
    ground_close(&ground);
    ground_need(open_all(), "open");
    ok(is_valid() && documents() == count, "full: also after a new start");
    ok(sh("test -z \"$(ls %s/archive/staging)\"", ground.path), "full: nothing is left in staging");
}

static void test_backup(void)
{
    json_t *answer;
    int i;

    disk_a = apr_pstrcat(tap_pool(), media, "/disk-a", NULL);
    disk_b = apr_pstrcat(tap_pool(), media, "/disk-b", NULL);
    mkdir(disk_b, 0700);
    ok(small_disk(disk_a, "200k"), "full: a small medium");
    config = make_config(1, disk_a, disk_b);
    is(run("kho-a", 0, &answer), "failed", "full: a run fails on it");
    is(code_of(answer), "disk.full", "full: with the code that says so");
    ok(sh("test -z \"$(ls %s/tmp 2>/dev/null)\" && test -z \"$(ls %s/manifests 2>/dev/null)\"", disk_a, disk_a), "full: and leaves no halves there");
    is(run("kho-b", 0, NULL), "done", "full: the other target is not held up");
    for (i = 400; i <= 1600; i += 400) {
        if (mount("none", disk_a, "tmpfs", MS_REMOUNT, apr_psprintf(tap_pool(), "size=%dk", i)) != 0)
            exit(1);
        if (strcmp(run("kho-a", 0, NULL), "done") == 0)
            break;
    }
    ok(i <= 1600, "full: with a bigger one it goes on");
    ok(is_ok(verify(disk_a, 3)), "full: and is whole");
    for (i = 0; i < 4; i++)
        ground_need(ground_put(&receipts[i], &ground, 700 + i, 8000, tap_pool()), "put");
    leave(40);
    is(run("kho-b", 0, &answer), "failed", "full: our own disk is full: no snapshot, no run");
    ok(sh("test -z \"$(ls %s/db | grep snapshot)\"", ground.path), "full: and no half of one");
    sh("rm -f %s/ballast", ground.path);
    is(run("kho-b", 0, &answer), "done", "full: with room again it is done");
    ok(is_ok(verify(disk_b, 3)), "full: and whole");
}

/* What a death leaves: as big as a database or a pack, for ever. */
static void test_left(void)
{
    ok(sh("mkdir -p %s/tmp; head -c 100000 /dev/zero > %s/tmp/half; head -c 1000 /dev/zero > %s/db/snapshot-r-x-office;"
          " head -c 1000 /dev/zero > %s/db/listed.sqlite-wal", disk_b, disk_b, ground.path, ground.path), "left: a run died while it wrote");
    ground_close(&ground);
    ground_need(open_all(), "open");
    ok(sh("test -z \"$(ls %s/db | grep -e snapshot -e listed)\"", ground.path), "left: copies of databases are swept at the start");
    is(run("kho-b", 0, NULL), "done", "left: the next run");
    ok(sh("test ! -e %s/tmp/half", disk_b), "left: sweeps the medium");
}

/* Killed while the catalogue is made anew, also from objects that no journal names. */
static void test_rebuild(void)
{
    int count = documents(), round, wrong = 0, killed = 0;

    ground_close(&ground);
    ok(sh("rm -rf %s/archive/journal", ground.path), "rebuild: the journal is lost");
    ground_need(open_all(), "open");
    for (round = 0; round < 10; round++) {
        apr_int64_t ignored;
        pid_t pid;
        int status;

        ground_close(&ground);
        fflush(stdout);
        pid = fork();
        if (pid == 0) {
            if (open_all())
                _exit(1);
            for (;;)
                if (sgn_archive_rebuild(&ignored, ground.archive, NULL, NULL, ground.pool))
                    _exit(2);
        }
        usleep((useconds_t)(25000 + round * 3700));
        kill(pid, SIGKILL);
        waitpid(pid, &status, 0);
        killed += WIFSIGNALED(status);
        ground_need(open_all(), "open");
        wrong += documents() != count;
    }
    is_int(killed, 10, "rebuild: killed in the middle");
    is_int(wrong, 0, "rebuild: every document is in the catalogue at the next start");
    ok(is_valid(), "rebuild: the archive is valid");
}

int main(void)
{
    char *path = apr_pstrcat(tap_pool(), getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp", "/sgn-full-XXXXXX", NULL);

    if (!mkdtemp(path))
        exit(1);
    media = path;
    disk_a = disk_b = path;
    config = make_config(1, media, media);
    test_commit();
    test_backup();
    test_left();
    test_rebuild();
    ground_close(&ground);
    umount2(ground.path, MNT_DETACH);
    umount2(disk_a, MNT_DETACH);
    ok(sh("rm -rf %s %s", ground.path, media), "cleared");
    return done_testing();
}
