/* The archivist's worst day: the whole state directory is lost, one medium is
 * left, a block of it is damaged; and the day after, when backups go on. */
#include "t/unit/tap.h"
#include "t/unit/backup_ground.h"

#define DOCUMENTS 30

static sgn_archive_receipt_t receipts[DOCUMENTS + 10];
static const char *media, *disk_c, *before;

static const sgn_config_t *site(const char *two)
{
    json_t *targets = sgn_json_array(tap_pool()), *agencies = sgn_json_array(tap_pool());

    json_array_append_new(targets, json_string(apr_pstrcat(tap_pool(), "kho-a dir:", disk_a, NULL)));
    json_array_append_new(targets, json_string(apr_pstrcat(tap_pool(), "kho-b dir:", disk_b, NULL)));
    if (two)
        json_array_append_new(targets, json_string(apr_pstrcat(tap_pool(), "kho-c dir:", disk_c, NULL)));
    add_agency(agencies, "H57.28", two ? "kho-a kho-b" : NULL);
    if (two)
        add_agency(agencies, "H57.29", two);
    return config_of(1, targets, agencies);
}

static int sh(const char *format, ...)
{
    va_list list;
    char *command;

    va_start(list, format);
    command = apr_pvsprintf(tap_pool(), format, list);
    va_end(list);
    return shell(command);
}

/* The state as it is, for comparison; then it is gone. */
static void lose_everything(void)
{
    ground_close(&ground);
    ok(sh("rm -rf %s; mkdir %s; cp -a %s/archive/root %s/", before, before, ground.path, before), "the archive as it was");
    ok(sh("chmod -R u+w %s; rm -rf %s", ground.path, ground.path), "the whole state directory is lost");
}

static json_t *restore_from(const char *disk, const char *other, const char *signer, const char *directory)
{
    const char *others[] = { other ? apr_pstrcat(tap_pool(), "dir:", other, NULL) : NULL, NULL };
    sgn_backup_restore_t options = { .address = apr_pstrcat(tap_pool(), "dir:", disk, NULL), .others = others,
                                     .signer = { signer, by_openssl, NULL, NULL }, .directory = directory };
    json_t *answer = NULL;

    is_code(sgn_backup_restore(&answer, &options, NULL, NULL, tap_pool()), SGN_OK, "the restore goes through");
    printf("# %s\n", answer ? sgn_json_print(answer, tap_pool()) : "");
    return answer;
}

/* The keeper starts on what was restored. */
static void start(void)
{
    ground_need(sgn_file_root(&ground.root, ground.path, tap_pool()), ground.path);
    ground_need(sgn_file_mkdir(ground.root, "jobs", 0700, tap_pool()), "jobs");
    ground_need(open_all(), "open");
}

static const char *fresh(const char *name)
{
    return apr_pstrcat(tap_pool(), media, "/", name, NULL);
}

static apr_int64_t number(const json_t *answer, const char *key)
{
    return json_integer_value(json_object_get(answer, key));
}

static int found(const char *words)
{
    sgn_archive_query_t query = { .q = words, .limit = 200 };
    json_t *answer;

    ground_need(sgn_archive_search(&answer, ground.archive, &query, tap_pool()), "search");
    return (int)json_array_size(json_object_get(answer, "items"));
}

static const json_t *target_row(const json_t *answer, int n)
{
    return json_array_get(json_object_get(answer, "targets"), (size_t)n);
}

static void test_total_loss(void)
{
    const char *old_signer;
    sgn_archive_receipt_t again;
    json_t *answer;
    int i, same = 1, words;

    for (i = 0; i < DOCUMENTS; i++)
        ground_need(ground_put(&receipts[i], &ground, i, 4000 + (size_t)i * 300, tap_pool()), "put");
    is(run(NULL, 0, NULL), "done", "loss: a first run");
    for (; i < DOCUMENTS + 5; i++)
        ground_need(ground_put(&receipts[i], &ground, i, 4000, tap_pool()), "put");
    is(run(NULL, 0, NULL), "done", "loss: a daily one");
    words = found("giao dat");
    old_signer = fingerprint;
    ok(sh("mkdir %s; cp -a %s/keys %s/", fresh("stolen"), ground.path, fresh("stolen")), "loss: somebody has a copy of the keys");
    lose_everything();
    ground.path = fresh("state-2");
    answer = restore_from(disk_b, NULL, old_signer, ground.path);
    is_int(number(answer, "restored"), DOCUMENTS + 5, "loss: from one target alone every object comes back");
    is_int((long long)json_array_size(json_object_get(answer, "lost")), 0, "loss: none is lost");
    ok(sh("diff -r %s/root %s/archive/root", before, ground.path), "loss: the same bytes, to the last file");
    ok(sh("test -z \"$(ls %s/db | grep -v -e ^office.sqlite -e ^catalog.sqlite)\"", ground.path), "loss: nothing else is left behind");
    start();
    ok(strcmp(old_signer, fingerprint) != 0, "loss: the archive key is a new one");
    is_int(found("giao dat"), words, "loss: search finds what it found");
    for (i = 0; i < DOCUMENTS + 5; i++)
        same = same && !ground_put(&again, &ground, i, 4000, tap_pool()) && again.existing && strcmp(again.id, receipts[i].id) == 0;
    ok(same, "loss: every act is known by its key and not archived twice");
    is(run(NULL, 0, &answer), "done", "loss: the next backup completes on both targets");
    for (i = 0; i < 2; i++)
        ok(number(target_row(answer, i), "objects") == 0 && number(target_row(answer, i), "packs") == 0, "loss: and copies nothing once more");
    for (i = 0; i < 2; i++) {
        answer = verify(i ? disk_b : disk_a, 3);
        ok(is_ok(answer), "loss: the set is whole, by the new key");
        is_int(number(answer, "objects"), DOCUMENTS + 5, "loss: each object is listed once");
    }
    ok(sh("cd %s; openssl x509 -in signer.pem -noout; openssl x509 -in signer-%.16s.pem -noout", disk_a, old_signer), "loss: the medium has both certificates");
    ground_need(ground_put(&receipts[DOCUMENTS + 5], &ground, 500, 4000, tap_pool()), "put");
    is(run(NULL, 0, &answer), "done", "loss: the day after");
    is_int(number(target_row(answer, 0), "objects"), 1, "loss: only what is new goes");
}

static void test_again(void)
{
    const char *signer = fingerprint;
    json_t *answer;

    lose_everything();
    ground.path = fresh("state-3");
    answer = restore_from(disk_a, NULL, signer, ground.path);
    is_int(number(answer, "restored"), DOCUMENTS + 6, "again: a second loss, from the other target");
    ok(sh("diff -r %s/root %s/archive/root", before, ground.path), "again: the same bytes");
    start();
    is(run(NULL, 0, &answer), "done", "again: backups go on");
    is_int(number(target_row(answer, 0), "objects"), 0, "again: without copying");
}

/* Where the pack of a disk has a document's bytes. */
static off_t place_of(const char *pack, int n)
{
    const char *list = fresh("place"), *text = apr_psprintf(tap_pool(), "%%PDF-1.7 document %d\n", n);
    char line[64] = "";
    FILE *file;

    sh("grep -a -b -o -F '%s' %s | head -n 1 > %s", apr_pstrmemdup(tap_pool(), text, strlen(text) - 1), pack, list);
    file = fopen(list, "r");
    if (!file || !fgets(line, sizeof(line), file))
        exit(1);
    fclose(file);
    return (off_t)atol(line);
}

static int names(json_t *answer, const char *id)
{
    json_t *item;
    size_t i;

    json_array_foreach(json_object_get(answer, "errors"), i, item)
        if (strcmp(json_string_value(json_object_get(item, "name")), id) == 0)
            return 1;
    return 0;
}

static const char *pack_with(const char *disk, int n)
{
    const char *list = fresh("pack");
    char line[512] = "";
    FILE *file;

    sh("for f in %s/packs/*/*.tar; do grep -q -a -x -e '.*PDF-1.7 document %d' $f && echo $f; done > %s || :", disk, n, list);
    file = fopen(list, "r");
    if (!file || !fgets(line, sizeof(line), file))
        exit(1);
    fclose(file);
    line[strcspn(line, "\n")] = '\0';
    return apr_pstrdup(tap_pool(), line);
}

static void test_damaged_block(void)
{
    const char *pack = pack_with(disk_a, 17), *id = receipts[17].id;
    off_t at = place_of(pack, 17) + 600;
    json_t *answer;

    flip(pack, at);
    answer = verify(disk_a, 2);
    ok(!is_ok(answer) && names(answer, id), "block: verify names the object that is damaged");
    ok(!names(answer, receipts[16].id) && !names(answer, receipts[18].id), "block: and not its neighbours");
    ok(names(verify(disk_a, 3), id), "block: also when all is unpacked");
    answer = restore_from(disk_a, NULL, fingerprint, fresh("alone"));
    is(json_string_value(json_array_get(json_object_get(answer, "lost"), 0)), id, "block: from this target alone it is lost, and said so");
    is_int(number(answer, "restored"), DOCUMENTS + 5, "block: all others are there");
    answer = restore_from(disk_a, disk_b, fingerprint, fresh("helped"));
    is_int((long long)json_array_size(json_object_get(answer, "lost")), 0, "block: with the other target at hand nothing is lost");
    is_int(number(answer, "fromOthers"), 1, "block: the one object comes from there");
    ok(sh("diff -r %s/root %s/archive/root", before, fresh("helped")), "block: every byte as it was");
    flip(pack, at);
    ok(sh("mv %s %s", pack, fresh("away.tar")), "pack: one is gone");
    ok(names(verify(disk_a, 2), id), "pack: verify names its objects");
    answer = restore_from(disk_a, disk_b, fingerprint, fresh("helped-2"));
    is_int((long long)json_array_size(json_object_get(answer, "lost")), 0, "pack: the other target has them");
    ok(sh("diff -r %s/root %s/archive/root", before, fresh("helped-2")), "pack: every byte as it was");
    ok(sh("mv %s %s", fresh("away.tar"), pack), "pack: put back");
}

/* An agency whose originals go elsewhere comes back from there. */
static void test_split(void)
{
    sgn_archive_ingest_t ingest = { .agency = "H57.29", .extension = "pdf", .media_type = "application/pdf" };
    sgn_archive_receipt_t receipt;
    json_t *answer;

    config = site("kho-b kho-c");
    ingest.fd = ground_document(&ground, 9000, 5000, ingest.sha256, tap_pool());
    ground_need(sgn_archive_put(&receipt, ground.archive, &ingest, tap_pool()), "put");
    is(run(NULL, 0, NULL), "done", "split: each agency to its targets");
    answer = restore_from(disk_a, NULL, fingerprint, fresh("split"));
    is_int(number(answer, "restored"), DOCUMENTS + 6, "split: one target has what it was given");
    is(json_string_value(json_array_get(json_object_get(answer, "without"), 0)), "H57.29", "split: and says who is not in it");
    answer = restore_from(disk_a, disk_c, fingerprint, fresh("split-2"));
    is_int(number(answer, "restored"), DOCUMENTS + 7, "split: with the other all is there");
    is_int(number(answer, "fromOthers"), 1, "split: that one from there");
}

/* The key that was lost with the site may be in a thief's hands. */
static void test_old_key(void)
{
    sgn_keys_t *thief;
    sgn_manifest_signer_t signer = { NULL, by_openssl, NULL, NULL };
    sgn_manifest_draft_t *draft;
    sgn_manifest_t *newest;
    sgn_medium_t *medium;
    const char *digest;
    apr_int64_t seq;
    json_t *answer;
    int root;

    ground_need(sgn_file_root(&root, fresh("stolen"), tap_pool()), "stolen");
    ground_need(sgn_keys_open(&thief, root, tap_pool()), "keys");
    ground_need(sgn_target_open(&medium, apr_pstrcat(tap_pool(), "dir:", disk_b, NULL), tap_pool()), "medium");
    ground_need(sgn_manifest_newest(&seq, medium, tap_pool()), "newest");
    signer.fingerprint = fingerprint;
    ground_need(sgn_manifest_read(&newest, medium, seq, NULL, &signer, ground.root, tap_pool()), "read");
    signer.fingerprint = sgn_keys_certificate_sha256(thief);
    sgn_json_set_str(newest->header, "previous", newest->digest);
    ground_need(sgn_manifest_begin(&draft, ground.root, tap_pool()), "begin");
    ground_need(sgn_manifest_write(&digest, draft, medium, seq + 1, newest->header, thief, &signer, tap_pool()), "forge");
    is(run("kho-b", 0, &answer), "failed", "B27: a manifest by the key that was lost is refused behind one by the new");
    is(code_of(answer), "backup.manifest", "B27: with its code");
    ok(sh("rm -f %s/%s*", disk_b, sgn_manifest_name(seq + 1, tap_pool())), "B27: taken away");
    is(run("kho-b", 0, NULL), "done", "B27: the run goes on");
}

/* A pack is read before its digest is known: whatever lies there is refused. */
static void test_hostile_pack(void)
{
    static const char *const records[] = {
        "\n\n\n\n\n5 path=x", "0 path=x\n", "99999999999999999999 path=x\n", "5 a=\n", "8 path=\n", "6 size\n",
    };
    const char *pack = pack_with(disk_a, 17), *file = fresh("hostile.tar");
    size_t i;
    int refused = 0;

    ok(sh("mv %s %s", pack, fresh("away.tar")), "hostile: a pack is replaced");
    for (i = 0; i < sizeof(records) / sizeof(records[0]); i++) {
        unsigned char block[1536] = { 0 };
        unsigned sum = 0;
        size_t k;
        int fd;

        memcpy(block, "pax", 3);
        snprintf((char *)block + 124, 12, "%011o", (unsigned)strlen(records[i]));
        block[156] = 'x';
        memcpy(block + 257, "ustar", 6);
        memset(block + 148, ' ', 8);
        for (k = 0; k < 512; k++)
            sum += block[k];
        snprintf((char *)block + 148, 8, "%06o", sum);
        memcpy(block + 512, records[i], strlen(records[i]));
        unlink(file);
        fd = open(file, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
        if (write(fd, block, sizeof(block)) != (ssize_t)sizeof(block))
            exit(1);
        close(fd);
        sh("cp %s %s", file, pack);
        refused += !is_ok(verify(disk_a, 3));
    }
    is_int(refused, (long long)i, "hostile: every broken header is damage, none is a death");
    ok(sh("rm -f %s; mv %s %s", pack, fresh("away.tar"), pack), "hostile: put back");
    ok(is_ok(verify(disk_a, 3)), "hostile: and whole");
}

int main(void)
{
    char *path = apr_pstrcat(tap_pool(), getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp", "/sgn-media-XXXXXX", NULL);

    if (!mkdtemp(path))
        exit(1);
    media = path;
    before = fresh("before");
    disk_a = fresh("disk-a");
    disk_b = fresh("disk-b");
    disk_c = fresh("disk-c");
    mkdir(disk_a, 0700);
    mkdir(disk_b, 0700);
    mkdir(disk_c, 0700);
    ground_begin(&ground);
    config = site(NULL);
    ground_need(open_all(), "open");
    test_total_loss();
    test_again();
    test_old_key();
    test_damaged_block();
    test_hostile_pack();
    test_split();
    ground_close(&ground);
    ok(sh("chmod -R u+w %s; rm -rf %s", media, media), "cleared");
    return done_testing();
}
