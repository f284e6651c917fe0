/* The archive: what was acknowledged is there, whole, findable, and the same. */
#include "t/unit/tap.h"

#include <dirent.h>
#include <pthread.h>
#include <errno.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "office/archive/journal.h"
#include "office/archive/ocfl.h"
#include "t/unit/archive_ground.h"

#define DOCUMENTS 50

/* The disk as it fails: the n-th fsync from now on answers with an error.  The
 * libraries are linked into this program, so they call this one. */
static int fsync_left = -1, fsync_error;

int fsync(int fd)
{
    if (fsync_left > 0 && --fsync_left == 0) {
        errno = fsync_error;
        return -1;
    }
    return (int)syscall(SYS_fsync, fd);
}

static sgn_archive_receipt_t receipts[DOCUMENTS];

static int check_ok(ground_t *ground, int deep, apr_pool_t *pool)
{
    json_t *answer;
    sgn_error_t *error = sgn_archive_check(&answer, ground->archive, deep, NULL, NULL, pool);

    if (error) {
        printf("# %s\n", sgn_error_chain(error, pool));
        return 0;
    }
    if (!json_is_true(json_object_get(answer, "ok")))
        printf("# %s\n", sgn_json_print(answer, pool));
    return json_is_true(json_object_get(answer, "ok"));
}

static int same_bytes(ground_t *ground, const sgn_archive_receipt_t *receipt, apr_pool_t *pool)
{
    sgn_archive_file_t file;
    sgn_ocfl_digests_t digests;

    return !sgn_archive_original(&file, ground->archive, receipt->id, pool)
        && !sgn_ocfl_digest_fd(&digests, file.fd, pool)
        && strcmp(sgn_bytes_hex(sgn_bytes(digests.sha256, 32), pool), receipt->sha256) == 0
        && strcmp(file.sha256, receipt->sha256) == 0 && file.size == receipt->size;
}

static void test_put(ground_t *ground)
{
    sgn_archive_receipt_t again;
    sgn_archive_file_t file;
    int i, same = 1, good = 1;
    json_t *record;

    for (i = 0; i < DOCUMENTS; i++) {
        sgn_error_t *error = ground_put(&receipts[i], ground, i, (size_t)1000 + 977 * (size_t)i, tap_pool());

        good = good && !error;
        if (error)
            printf("# %s\n", sgn_error_chain(error, tap_pool()));
        else
            same = same && same_bytes(ground, &receipts[i], tap_pool());
    }
    ok(good, "archive: fifty documents are put");
    ok(same, "archive: the original given back is byte for byte the one put in");
    is(receipts[13].id, "urn:vn:H57.28:2026:00000014", "archive: identifiers count within agency and year");
    is_code(ground_put(&again, ground, 7, 1000 + 977 * 7, tap_pool()), SGN_OK, "archive: the same act again");
    ok(again.existing && strcmp(again.id, receipts[7].id) == 0, "archive: the same act twice gives the first receipt");
    ok(check_ok(ground, 1, tap_pool()), "archive: the whole archive is valid OCFL");
    is_code(sgn_archive_get(&record, ground->archive, receipts[3].id, tap_pool()), SGN_OK, "archive: a record is found by its id");
    is(json_string_value(json_object_get(record, "subject")), "Về việc giao đất cho hộ gia đình", "archive: the metadata is kept as given");
    is_code(sgn_archive_version(&file, ground->archive, receipts[3].id, 2, tap_pool()), SGN_ARCHIVE_UNKNOWN,
            "archive: a version that does not exist is unknown");
    is(file.name, NULL, "archive: nothing is opened then");
}

static void test_refusals(ground_t *ground)
{
    static const char *const attacks[] = {
        "urn:vn:H57.28:2026:0000001", "urn:vn:H57.28:2026:00000001/", "urn:vn:H57.28:2026:00000001/../../lock",
        "urn:vn:../../etc:2026:00000001", "urn:vn::2026:00000001", "urn:vn:h57:2026:00000001", "../journal/WRITER", "",
        "urn:vn:H57.28:evidence:zz", "urn:vn:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA:2026:00000001", "urn:vn:H57.28:2026:00000001\n",
        "urn:vn:H57.28:2026:%2e%2e%2f%2e%2e",
    };
    sgn_archive_ingest_t ingest = { .agency = "H57.28", .extension = "pdf", .media_type = "application/pdf" };
    sgn_archive_receipt_t receipt;
    sgn_archive_file_t file;
    sgn_archive_evidence_t evidence = { .name = "../../x", .kind = "crl", .bytes = { (const unsigned char *)"x", 1 } };
    json_t *answer;
    size_t i;
    int refused = 1, fd;

    for (i = 0; i < sizeof(attacks) / sizeof(attacks[0]); i++) {
        sgn_error_t *a = sgn_archive_original(&file, ground->archive, attacks[i], tap_pool());
        sgn_error_t *b = sgn_archive_get(&answer, ground->archive, attacks[i], tap_pool());
        sgn_error_t *c = sgn_archive_fixity(&answer, ground->archive, attacks[i], tap_pool());

        refused = refused && a && a->code == SGN_ARCHIVE_ID && b && b->code == SGN_ARCHIVE_ID && c && c->code == SGN_ARCHIVE_ID;
    }
    ok(refused, "B29: an identifier that is not exactly ours is refused everywhere");
    is_code(sgn_archive_evidence_file(&file, ground->archive, receipts[0].id, "../../original.pdf", tap_pool()), SGN_ARCHIVE_UNKNOWN,
            "B29: names of evidence are looked up, never paths");
    ingest.fd = ground_document(ground, 900, 5000, ingest.sha256, tap_pool());
    ingest.evidence = &evidence;
    ingest.evidence_count = 1;
    is_code(sgn_archive_put(&receipt, ground->archive, &ingest, tap_pool()), SGN_FIELD, "B29: evidence whose name is a path is refused");
    ingest.evidence_count = 0;
    ingest.agency = "../x";
    is_code(sgn_archive_put(&receipt, ground->archive, &ingest, tap_pool()), SGN_AGENCY_UNKNOWN, "B29: an agency that is a path is refused");
    ingest.agency = "H57.28";
    ingest.sha256[0] ^= 1;
    is_code(sgn_archive_put(&receipt, ground->archive, &ingest, tap_pool()), SGN_ARCHIVE_DAMAGED,
            "archive: bytes that are not those taken in are not stored");
    ingest.sha256[0] ^= 1;
    fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    ingest.fd = fd;
    is_code(sgn_archive_put(&receipt, ground->archive, &ingest, tap_pool()), SGN_FILE_UNSAFE, "archive: only regular files are stored");
    close(fd);
    fd = open("/dev/shm", O_TMPFILE | O_RDWR | O_CLOEXEC, 0400);
    if (fd >= 0 && write(fd, "x", 1) == 1) {
        ingest.fd = fd;
        is_code(sgn_archive_put(&receipt, ground->archive, &ingest, tap_pool()), SGN_FILE_OTHER_DEVICE,
                "archive: a file of another filesystem is refused, never copied");
        close(fd);
    }
    ok(check_ok(ground, 1, tap_pool()), "archive: refused documents leave nothing behind");
}

static void test_evidence(ground_t *ground)
{
    unsigned char *big = apr_pcalloc(tap_pool(), 100000);
    sgn_archive_evidence_t evidence[2] = {
        { .name = "signer.cer", .kind = "certificate", .bytes = { (const unsigned char *)"0\202small", 7 } },
        { .name = "issuer.crl", .kind = "crl", .bytes = { big, 100000 } },
    };
    sgn_archive_ingest_t ingest = { .agency = "H57.28", .extension = "pdf", .media_type = "application/pdf",
                                    .evidence = evidence, .evidence_count = 2 };
    sgn_archive_receipt_t receipt, second;
    sgn_archive_file_t file;
    json_t *list;

    ingest.metadata = ground_metadata(801, tap_pool());
    sgn_json_set_str(ingest.metadata, "subject", "Tờ trình <b>&\"'</b> về đất đai");
    ingest.fd = ground_document(ground, 801, 3000, ingest.sha256, tap_pool());
    is_code(sgn_archive_put(&receipt, ground->archive, &ingest, tap_pool()), SGN_OK, "archive: a document with evidence is put");
    ingest.fd = ground_document(ground, 802, 3000, ingest.sha256, tap_pool());
    is_code(sgn_archive_put(&second, ground->archive, &ingest, tap_pool()), SGN_OK, "archive: a second one with the same evidence");
    is_code(sgn_archive_evidence_list(&list, ground->archive, receipt.id, tap_pool()), SGN_OK, "archive: its evidence is listed");
    list = json_array_get(json_object_get(list, "evidence"), 1);
    ok(json_object_get(list, "object") != NULL, "archive: evidence above 64 KB is an object of its own");
    is_code(sgn_archive_evidence_file(&file, ground->archive, second.id, "issuer.crl", tap_pool()), SGN_OK, "archive: big evidence is opened by its name");
    is_int(file.size, 100000, "archive: and is the whole of it");
    is_code(sgn_archive_evidence_file(&file, ground->archive, second.id, "signer.cer", tap_pool()), SGN_OK, "archive: small evidence too");
    is_int(file.size, 7, "archive: and is the whole of it");
    ok(check_ok(ground, 1, tap_pool()), "archive: evidence objects are valid");
}

/* ---- the validator ------------------------------------------------------------------ */

typedef struct { const char *want; int seen, others; } seen_t;

static void see(void *baton, const char *code, const char *path, const char *text)
{
    seen_t *seen = baton;

    (void)path;
    (void)text;
    if (strcmp(code, seen->want) == 0)
        seen->seen++;
    else if (code[0] == 'E')
        seen->others++;
}

static const char *const mutations[][3] = {
    /* code, file below the object, what: + append, - remove, d mkdir, s symlink, else text replaced in inventory (a|b) */
    { "E092", "v1/content/original.pdf", "+x" },
    { "E092", "v1/content/metadata.xml", "-" },
    { "E023", "v1/content/extra.pdf", "+x" },
    { "E024", "v1/content/empty", "d" },
    { "E001", "stray.txt", "+x" },
    { "E001", "strange", "d" },
    { "E046", "v2", "d" },
    { "E015", "v1/stray.txt", "+x" },
    { "E003", "0=ocfl_object_1.1", "-" },
    { "E007", "0=ocfl_object_1.1", "+x" },
    { "E003", "0=ocfl_object_1.0", "+ocfl_object_1.0\n" },
    { "E006", "0=ocfl_object_9.9", "+x" },
    { "E063", "inventory.json", "-" },
    { "E058", "inventory.json.sha512", "-" },
    { "E061", "inventory.json.sha512", "+x" },
    { "E060", "inventory.json", "+ " },
    { "E058", "v1/inventory.json.sha512", "-" },
    { "E064", "v1/inventory.json", "+ " },
    { "E090", "v1/content/link", "s" },
    { "E033", NULL, "{|[" },
    { "E102", NULL, "\"head\":|\"extra\": 1, \"head\":" },
    { "E036", NULL, "\"id\"|\"ID\"" },
    { "E040", NULL, "\"head\": \"v1\"|\"head\": \"v2\"" },
    { "E038", NULL, "1.1/spec|9.9/spec" },
    { "E025", NULL, "\"sha512\"|\"md5\"" },
    { "E041", NULL, "\"manifest\"|\"manifesto\"" },
    { "E043", NULL, "\"versions\"|\"version\"" },
    { "E048", NULL, "\"created\"|\"made\"" },
    { "E049", NULL, "\"created\": \"20|\"created\": \"" },
    { "E094", NULL, "\"message\": \"|\"message\": 1, \"x\": \"" },
    { "E054", NULL, "\"name\": \"mod_signvn\"|\"nom\": \"x\"" },
    { "E009", NULL, "\"v1\": {|\"v2\": {" },
    { "E046", NULL, "\"v1\": {|\"version-one\": {" },
    { "E053", NULL, "\"metadata.xml\"|\"/metadata.xml\"" },
    { "E052", NULL, "\"metadata.xml\"|\"a/../metadata.xml\"" },
    { "E095", NULL, "\"metadata.xml\"|\"original.pdf\"" },
    { "E099", NULL, "\"v1/content/metadata.xml\"|\"v1/content/../content/metadata.xml\"" },
    { "E100", NULL, "\"v1/content/metadata.xml\"|\"/v1/content/metadata.xml\"" },
    { "E101", NULL, "\"v1/content/metadata.xml\"|\"v1/content/original.pdf\"" },
    { "E042", NULL, "\"v1/content/metadata.xml\"|\"v1/other/metadata.xml\"" },
    { "E111", NULL, "\"fixity\": {|\"fixity\": 1, \"x\": {" },
    { "E110", NULL, "urn:vn:H57.28:2026|urn:vn:H57.28:2025" },
    { "E017", NULL, "\"head\":|\"contentDirectory\": \"a/b\", \"head\":" },
    { "E018", NULL, "\"head\":|\"contentDirectory\": \"..\", \"head\":" },
};

static const char *replaced(const char *text, const char *rule, apr_pool_t *pool)
{
    const char *bar = strchr(rule, '|'), *from = apr_pstrmemdup(pool, rule, (apr_size_t)(bar - rule)), *at;
    const char *out = "";

    while ((at = strstr(text, from)) != NULL) {
        out = apr_pstrcat(pool, out, apr_pstrmemdup(pool, text, (apr_size_t)(at - text)), bar + 1, NULL);
        text = at + strlen(from);
    }
    return apr_pstrcat(pool, out, text, NULL);
}

static int copy_object(const char *from, const char *to)
{
    pid_t pid = fork();
    int status;

    if (pid == 0) {
        execlp("sh", "sh", "-c", "cp -r \"$0\" \"$1\" && chmod -R u+w \"$1\"", from, to, (char *)NULL);
        _exit(127);
    }
    return waitpid(pid, &status, 0) == pid && status == 0;
}

static void mutate(int root, const char *file, const char *what, apr_pool_t *pool)
{
    const char *path = file ? apr_pstrcat(pool, "o/", file, NULL) : NULL;
    sgn_bytes_t bytes;
    int fd;

    if (!file) {
        unsigned char digest[64];
        const char *text;
        sgn_digest_t *hash;

        ground_need(sgn_file_read(&bytes, root, "o/inventory.json", 1 << 20, pool), "inventory");
        text = replaced((const char *)bytes.data, what, pool);
        ground_need(sgn_digest_make(&hash, SGN_DIGEST_SHA512, pool), "hash");
        ground_need(sgn_digest_add(hash, text, strlen(text), pool), "hash");
        ground_need(sgn_digest_finish(digest, hash, pool), "hash");
        ground_need(sgn_file_write(root, "o/inventory.json", sgn_bytes_str(text), 0640, pool), "write");
        ground_need(sgn_file_write(root, "o/v1/inventory.json", sgn_bytes_str(text), 0640, pool), "write");
        text = apr_pstrcat(pool, sgn_bytes_hex(sgn_bytes(digest, 64), pool), " inventory.json\n", NULL);
        ground_need(sgn_file_write(root, "o/inventory.json.sha512", sgn_bytes_str(text), 0640, pool), "write");
        ground_need(sgn_file_write(root, "o/v1/inventory.json.sha512", sgn_bytes_str(text), 0640, pool), "write");
    } else if (what[0] == '-') {
        unlinkat(root, path, 0);
    } else if (what[0] == 'd') {
        mkdirat(root, path, 0750);
    } else if (what[0] == 's') {
        if (symlinkat("original.pdf", root, path) != 0)
            return;
    } else {
        fd = openat(root, path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
        ground_need(sgn_file_write_all(fd, what + 1, strlen(what + 1), pool), "append");
        close(fd);
    }
}

static void test_validator(ground_t *ground)
{
    const char *path, *scratch = apr_pstrcat(tap_pool(), ground->path, "/mutants", NULL);
    apr_pool_t *pool;
    size_t i;
    int root;

    mkdir(scratch, 0750);
    ground_need(sgn_file_root(&root, scratch, tap_pool()), scratch);
    ground_need(sgn_ocfl_path(&path, receipts[5].id, tap_pool()), "path");
    path = apr_pstrcat(tap_pool(), ground->path, "/archive/root/", path, NULL);
    apr_pool_create(&pool, tap_pool());
    for (i = 0; i < sizeof(mutations) / sizeof(mutations[0]); i++) {
        seen_t seen = { .want = mutations[i][0] };
        apr_int64_t files = 0, bytes = 0;
        sgn_error_t *error;

        apr_pool_clear(pool);
        ground_need(sgn_file_remove(root, "o", pool), "remove");
        if (!copy_object(path, apr_pstrcat(pool, scratch, "/o", NULL)))
            ok(0, "copy");
        if (i == 0) {
            ground_need(sgn_ocfl_check_object(root, "o", NULL, SGN_OCFL_DEEP, see, &seen, &files, &bytes, pool), "check");
            ok(seen.seen == 0 && seen.others == 0, "ocfl: an untouched copy is valid");
            chmod(apr_pstrcat(pool, scratch, "/o/v1/content", NULL), 0750);
        }
        mutate(root, mutations[i][1], mutations[i][2], pool);
        error = sgn_ocfl_check_object(root, "o", strcmp(mutations[i][0], "E110") ? NULL : receipts[5].id, SGN_OCFL_DEEP, see, &seen, &files, &bytes, pool);
        if (!ok(!error && seen.seen > 0, apr_psprintf(pool, "ocfl: %s is caught (%s %s)", mutations[i][0],
                                                      mutations[i][1] ? mutations[i][1] : "inventory",
                                                      strcspn(mutations[i][2], "\n") < strlen(mutations[i][2]) ? "+line" : mutations[i][2])))
            printf("# %s, %d others\n", error ? error->detail : "no error", seen.others);
    }
    ground_need(sgn_file_remove(root, "o", pool), "remove");
}

static void test_root(ground_t *ground)
{
    const char *root_path = apr_pstrcat(tap_pool(), ground->path, "/archive/root", NULL);
    json_t *answer, *first;
    sgn_bytes_t keep;
    apr_pool_t *pool = tap_pool();
    int root, fd;

    ground_need(sgn_file_root(&root, root_path, pool), root_path);
    mkdirat(root, "zz", 0750);
    ground_need(sgn_archive_check(&answer, ground->archive, 0, NULL, NULL, pool), "check");
    first = json_array_get(json_object_get(answer, "errors"), 0);
    is(json_string_value(json_object_get(first, "code")), "E073", "ocfl: an empty directory in the root is caught");
    fd = openat(root, "zz/file", O_WRONLY | O_CREAT | O_CLOEXEC, 0640);
    close(fd);
    ground_need(sgn_archive_check(&answer, ground->archive, 0, NULL, NULL, pool), "check");
    first = json_array_get(json_object_get(answer, "errors"), 0);
    is(json_string_value(json_object_get(first, "code")), "E084", "ocfl: a file between the objects is caught");
    unlinkat(root, "zz/file", 0);
    unlinkat(root, "zz", AT_REMOVEDIR);
    ground_need(sgn_file_read(&keep, root, "0=ocfl_1.1", 100, pool), "declaration");
    unlinkat(root, "0=ocfl_1.1", 0);
    ground_need(sgn_archive_check(&answer, ground->archive, 0, NULL, NULL, pool), "check");
    first = json_array_get(json_object_get(answer, "errors"), 0);
    is(json_string_value(json_object_get(first, "code")), "E069", "ocfl: a root without its declaration is caught");
    ground_need(sgn_file_write(root, "0=ocfl_1.1", keep, 0440, pool), "declaration");
}

/* ---- fixity and rebuilding ------------------------------------------------------------ */

static void flip(ground_t *ground, const char *id, const char *file, off_t at)
{
    const char *path;
    unsigned char byte;
    int fd;

    ground_need(sgn_ocfl_path(&path, id, tap_pool()), "path");
    path = apr_pstrcat(tap_pool(), ground->path, "/archive/root/", path, "/", file, NULL);
    chmod(path, 0640);
    fd = open(path, O_RDWR | O_CLOEXEC);
    if (fd < 0 || pread(fd, &byte, 1, at) != 1) {
        printf("Bail out! flip %s\n", path);
        exit(1);
    }
    byte ^= 1;
    if (pwrite(fd, &byte, 1, at) != 1)
        exit(1);
    close(fd);
}

static void test_fixity(ground_t *ground)
{
    json_t *answer;
    apr_int64_t count, before;

    is_code(sgn_archive_fixity(&answer, ground->archive, receipts[9].id, tap_pool()), SGN_OK, "fixity: a good object is looked at");
    ok(json_is_true(json_object_get(answer, "ok")), "fixity: and is good");
    flip(ground, receipts[9].id, "v1/content/original.pdf", 100);
    is_code(sgn_archive_fixity(&answer, ground->archive, receipts[9].id, tap_pool()), SGN_OK, "fixity: a rotten object is looked at");
    ok(json_is_false(json_object_get(answer, "ok")), "fixity: one flipped bit is found");
    ground_need(sgn_archive_get(&answer, ground->archive, receipts[9].id, tap_pool()), "get");
    is(json_string_value(json_object_get(json_object_get(answer, "fixity"), "result")), "damaged", "fixity: the record says so");
    flip(ground, receipts[9].id, "v1/content/original.pdf", 100);
    ground_need(sgn_archive_fixity(&answer, ground->archive, receipts[9].id, tap_pool()), "fixity");
    ok(json_is_true(json_object_get(answer, "ok")), "fixity: repaired, it is good again");
    is_code(sgn_archive_fixity(&answer, ground->archive, "urn:vn:H57.28:2026:00009999", tap_pool()), SGN_ARCHIVE_UNKNOWN,
            "fixity: an object that never was is unknown");
    flip(ground, receipts[10].id, "inventory.json", 30);
    is_code(sgn_archive_get(&answer, ground->archive, receipts[10].id, tap_pool()), SGN_OK, "fixity: the catalogue still knows it");
    ground_need(sgn_archive_fixity(&answer, ground->archive, receipts[10].id, tap_pool()), "fixity");
    ok(json_is_false(json_object_get(answer, "ok")), "fixity: a rotten inventory is found");
    flip(ground, receipts[10].id, "inventory.json", 30);

    ground_need(sgn_archive_status(&answer, ground->archive, tap_pool()), "status");
    before = json_integer_value(json_object_get(answer, "documents"));
    is_code(sgn_archive_rebuild(&count, ground->archive, NULL, NULL, tap_pool()), SGN_OK, "rebuild: the catalogue is made anew");
    is_int(count, before, "rebuild: from the objects, all of them");
    ground_close(ground);
    {
        const char *catalog = apr_pstrcat(tap_pool(), ground->path, "/db/catalog.sqlite", NULL);

        unlink(catalog);
        unlink(apr_pstrcat(tap_pool(), catalog, "-wal", NULL));
        unlink(apr_pstrcat(tap_pool(), catalog, "-shm", NULL));
    }
    is_code(ground_open(ground), SGN_OK, "rebuild: a start without a catalogue");
    ground_need(sgn_archive_status(&answer, ground->archive, tap_pool()), "status");
    is_int(json_integer_value(json_object_get(answer, "documents")), before, "rebuild: replays the journal");
    {
        sgn_archive_receipt_t next;

        is_code(ground_put(&next, ground, 777, 3000, tap_pool()), SGN_OK, "rebuild: and goes on");
        ok(strcmp(next.id, receipts[DOCUMENTS - 1].id) > 0, "rebuild: with numbers above those used");
    }
}

/* ---- crashes ------------------------------------------------------------------------------ */

static void test_lock(ground_t *ground)
{
    ground_t second = *ground;

    is_code(ground_open(&second), SGN_BUSY, "archive: a second writer is refused");
    apr_pool_destroy(second.pool);
}

/* Each fsync of a put fails once: nothing is acknowledged that is not durable,
 * nothing half done stays, and the same act afterwards gives one document. */
static void test_disk(void)
{
    ground_t ground;
    int n, failed = 0, acknowledged = 0, again = 0, invalid = 0, wrong_code = 0, twice = 0;
    json_t *status;

    ground_begin(&ground);
    ground_need(ground_open(&ground), "open");
    for (n = 1; n <= 40; n++) {
        sgn_archive_receipt_t receipt, second;
        sgn_error_t *error;

        fsync_error = n % 2 ? EIO : ENOSPC;
        fsync_left = n;
        error = ground_put(&receipt, &ground, n, 4000, tap_pool());
        if (fsync_left > 0)
            acknowledged++;
        fsync_left = -1;
        failed += error != NULL;
        wrong_code += error && error->code != (n % 2 ? SGN_FILE_FAILED : SGN_DISK_FULL);
        again += ground_put(&second, &ground, n, 4000, tap_pool()) == NULL;
        twice += !error && strcmp(receipt.id, second.id) != 0;
        invalid += !check_ok(&ground, 1, tap_pool());
    }
    printf("# %d of 40 failed\n", failed);
    /* those that did not fail had their failure while staging was cleared, or none */
    ok(failed >= 15 && acknowledged > 10, "disk: a put whose fsync fails is not acknowledged");
    is_int(wrong_code, 0, "disk: a full disk and a broken one have their codes");
    is_int(again, 40, "disk: the same act goes through when the disk is well again");
    is_int(twice, 0, "disk: what was acknowledged keeps its number");
    is_int(invalid, 0, "disk: the archive is valid after each of them");
    ground_need(sgn_archive_status(&status, ground.archive, tap_pool()), "status");
    is_int(json_integer_value(json_object_get(status, "documents")), 40, "disk: and every act is one document");
    ground_close(&ground);
    ground_need(ground_open(&ground), "open");
    ok(check_ok(&ground, 1, tap_pool()), "disk: a new start finds it in order");
    ground_end(&ground);
}

/* A child puts documents and tells each acknowledged id through a pipe, until
 * it is killed. */
static void test_kill(void)
{
    ground_t ground;
    int round, acknowledged = 0, lost = 0, invalid = 0, failed = 0;
    const char *rounds_text = getenv("SGN_KILL_ROUNDS");
    int rounds = rounds_text ? atoi(rounds_text) : 8;
    apr_pool_t *pool;

    ground_begin(&ground);
    apr_pool_create(&pool, tap_pool());
    for (round = 0; round < rounds; round++) {
        int ends[2], n;
        char line[64];
        FILE *in;
        pid_t pid;

        fflush(stdout);
        if (pipe(ends) != 0)
            exit(1);
        pid = fork();
        if (pid == 0) {
            close(ends[0]);
            if (ground_open(&ground))
                _exit(3);
            for (n = 0; ; n++) {
                sgn_archive_receipt_t receipt;
                apr_pool_t *each;

                apr_pool_create(&each, ground.pool);
                if (ground_put(&receipt, &ground, round * 100000 + n, 2000 + (size_t)n * 100, each))
                    _exit(4);
                if (write(ends[1], apr_pstrcat(each, receipt.id, "\n", NULL), strlen(receipt.id) + 1) < 0)
                    _exit(5);
                apr_pool_destroy(each);
            }
        }
        close(ends[1]);
        usleep((useconds_t)(60000 + (round * 7919) % 90000));
        kill(pid, SIGKILL);
        waitpid(pid, &n, 0);
        if (!WIFSIGNALED(n))
            failed++;
        if (ground_open(&ground)) {
            failed++;
            continue;
        }
        in = fdopen(ends[0], "r");
        while (fgets(line, sizeof(line), in)) {
            sgn_archive_receipt_t receipt = { 0 };
            json_t *answer;

            line[strcspn(line, "\n")] = '\0';
            acknowledged++;
            if (sgn_archive_get(&answer, ground.archive, line, pool)) {
                lost++;
                continue;
            }
            receipt.id = line;
            receipt.sha256 = json_string_value(json_object_get(answer, "sha256"));
            receipt.size = json_integer_value(json_object_get(answer, "size"));
            lost += !same_bytes(&ground, &receipt, pool);
        }
        fclose(in);
        invalid += !check_ok(&ground, 1, pool);
        ground_close(&ground);
        apr_pool_clear(pool);
    }
    printf("# %d rounds, %d acknowledged\n", rounds, acknowledged);
    ok(acknowledged > 0 && failed == 0, "kill -9: the archive opens again every time");
    ok(lost == 0, "kill -9: every acknowledged document is there and whole");
    ok(invalid == 0, "kill -9: every object is valid, nothing half done is left");
    ground_need(ground_open(&ground), "open");
    ground_end(&ground);
}

/* Two processes place objects whose tuples collide: placing needs no lock. */
static void test_race(void)
{
    int root, staging, dir, i, p, status, bad = 0, count = 0;
    const char *path = scratch_dir();
    seen_t seen = { .want = "none" };
    struct stat stat_buf;
    apr_int64_t files = 0, bytes = 0;

    ground_need(sgn_file_root(&dir, path, tap_pool()), path);
    mkdirat(dir, "root", 0750);
    mkdirat(dir, "staging", 0750);
    ground_need(sgn_file_open(&root, dir, "root", O_RDONLY | O_DIRECTORY, 0, tap_pool()), "root");
    ground_need(sgn_file_open(&staging, dir, "staging", O_RDONLY | O_DIRECTORY, 0, tap_pool()), "staging");
    fflush(stdout);
    for (p = 0; p < 2; p++) {
        if (fork() == 0) {
            for (i = 0; i < 150; i++) {
                apr_pool_t *pool;
                sgn_ocfl_stage_t *stage;
                const char *digest;
                apr_int64_t sum;

                apr_pool_create(&pool, tap_pool());
                if (sgn_ocfl_stage_begin(&stage, staging, apr_psprintf(pool, "urn:vn:A:2026:%08d", i * 2 + p), pool)
                    || sgn_ocfl_stage_write(stage, "original.txt", sgn_bytes_str("race"))
                    || sgn_ocfl_stage_finish(&digest, &sum, stage, apr_time_now(), "race", "race")
                    || (i % 2 && sgn_ocfl_stage_wrap(stage, root))
                    || sgn_ocfl_stage_show(stage, root) || sgn_ocfl_stage_settle(stage, root))
                    _exit(1);
                sgn_ocfl_stage_drop(stage);
                apr_pool_destroy(pool);
            }
            _exit(0);
        }
    }
    for (p = 0; p < 2; p++) {
        wait(&status);
        bad += status != 0;
    }
    ok(bad == 0, "race: two processes place objects in the same tuples");
    for (i = 0; i < 300; i++) {
        const char *id = apr_psprintf(tap_pool(), "urn:vn:A:2026:%08d", i), *place;

        ground_need(sgn_ocfl_path(&place, id, tap_pool()), "path");
        count += !sgn_ocfl_check_object(root, place, id, SGN_OCFL_DEEP, see, &seen, &files, &bytes, tap_pool());
    }
    is_int(count, 300, "race: all of them are there");
    is_int(seen.others, 0, "race: and valid");
    ok(fstatat(dir, "staging", &stat_buf, 0) == 0 && stat_buf.st_nlink == 2, "race: staging is empty again");
}

static void test_journal(ground_t *ground)
{
    const char *const *writers;
    const char *path, *chain;
    sgn_bytes_t bytes;
    struct dirent *entry;
    DIR *dir;
    int journal, fd;
    json_t *answer;

    ground_need(sgn_file_open(&journal, ground->root, "archive/journal", O_RDONLY | O_DIRECTORY, 0, tap_pool()), "journal");
    ground_need(sgn_journal_writers(&writers, journal, tap_pool()), "writers");
    chain = writers[0];
    is_code(sgn_journal_walk(NULL, NULL, journal, chain, 0, NULL, NULL, tap_pool()), SGN_OK, "journal: the chain holds");
    ground_close(ground);
    path = apr_pstrcat(tap_pool(), ground->path, "/archive/journal/", chain, NULL);
    dir = opendir(path);
    while ((entry = readdir(dir)) != NULL)
        if (strstr(entry->d_name, ".jsonl"))
            path = apr_pstrcat(tap_pool(), path, "/", entry->d_name, NULL);
    closedir(dir);
    fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
    if (write(fd, "{\"v\":1,\"seq\":99999,\"op\":\"int", 27) != 27)
        exit(1);
    close(fd);
    is_code(ground_open(ground), SGN_OK, "journal: a torn last line is cut off at the start");
    ok(check_ok(ground, 0, tap_pool()), "journal: and the archive is valid");
    ground_close(ground);
    ground_need(sgn_file_read(&bytes, ground->root, path + strlen(ground->path) + 1, 64 << 20, tap_pool()), "journal");
    ((char *)bytes.data)[200] ^= 1;
    ground_need(sgn_file_write(ground->root, path + strlen(ground->path) + 1, bytes, 0640, tap_pool()), "journal");
    {
        sgn_archive_options_t options = { .directory = apr_pstrcat(tap_pool(), ground->path, "/archive", NULL), .readonly = 1 };
        sgn_archive_t *archive;

        ground_need(sgn_archive_open(&archive, &options, tap_pool()), "readonly");
        ground_need(sgn_archive_check(&answer, archive, 0, NULL, NULL, tap_pool()), "check");
        ok(json_is_false(json_object_get(answer, "ok")), "journal: a changed line is found by the check");
    }
    ((char *)bytes.data)[200] ^= 1;
    ground_need(sgn_file_write(ground->root, path + strlen(ground->path) + 1, bytes, 0640, tap_pool()), "journal");
    ground_need(ground_open(ground), "open");
}

int main(void)
{
    ground_t ground;

    ground_begin(&ground);
    ground_need(ground_open(&ground), "open");
    test_put(&ground);
    test_refusals(&ground);
    test_evidence(&ground);
    test_lock(&ground);
    test_validator(&ground);
    test_root(&ground);
    test_fixity(&ground);
    test_journal(&ground);
    ground_end(&ground);
    test_disk();
    test_race();
    test_kill();
    return done_testing();
}
