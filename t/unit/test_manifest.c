/*
 * Manifests of big sets: the same bytes as if made at once, and no more memory
 * for many lines than for few.  SGN_LINES=200000 makes a bench of it.
 */
#include "t/unit/tap.h"
#include "t/unit/backup_ground.h"

#include <zlib.h>

/* KB that a run over any number of lines may take; the sanitizer keeps what was
 * freed, so there nothing is asked. */
#ifdef __SANITIZE_ADDRESS__
#define GROWTH (1 << 30)
#else
#define GROWTH (12 << 10)
#endif

static int wanted;
static sgn_medium_t *medium;
static const char *set_of_a;

/* Anonymous memory of ours in KB: what malloc and pools hold. */
static long memory(void)
{
    FILE *file = fopen("/proc/self/status", "r");
    char line[256];
    long kb = -1;

    while (file && fgets(line, sizeof(line), file))
        if (sscanf(line, "RssAnon: %ld kB", &kb) == 1)
            break;
    if (file)
        fclose(file);
    return kb;
}

static long most;

static void look(void)
{
    long now = memory();

    most = now > most ? now : most;
}

static json_t *synthetic(int n, const char *pack, apr_pool_t *pool)
{
    json_t *line = sgn_json_object(pool);
    const char *digest;

    ground_need(sgn_digest_sha256_hex(&digest, &n, sizeof(n), pool), "digest");
    sgn_json_set_str(line, "id", apr_psprintf(pool, "urn:vn:H57.28:2020:%08d", n));
    sgn_json_set_int(line, "version", 1);
    sgn_json_set_str(line, "inventory", apr_pstrcat(pool, digest, digest, NULL));
    sgn_json_set_str(line, "sha256", digest);
    sgn_json_set_str(line, "agency", "H57.28");
    sgn_json_set_str(line, "writer", "w-000000000000");
    sgn_json_set_int(line, "seq", 2 * n);
    sgn_json_set_int(line, "size", 125000);
    sgn_json_set_int(line, "bytes", 140000);
    sgn_json_set_str(line, "pack", pack);
    sgn_json_set_int(line, "offset", 140000 * (n % 400));
    sgn_json_set_int(line, "length", 140000);
    return line;
}

static json_t *header_for(const char *previous, apr_pool_t *pool)
{
    json_t *header = sgn_json_object(pool);

    sgn_json_set_str(header, "set", set_of_a);
    sgn_json_set_str(header, "target", "kho-a");
    sgn_json_set_str(header, "kind", "full");
    sgn_json_set_str(header, "created", sgn_clock_print(sgn_clock_now(), pool));
    sgn_json_set_str(header, "previous", previous);
    sgn_json_set(header, "journal", sgn_json_object(pool));
    sgn_json_set(header, "databases", sgn_json_object(pool));
    sgn_json_set_int(header, "objects", wanted);
    return header;
}

/* All lines at once and one call of zlib: how manifests were made first. */
static sgn_bytes_t at_once(const json_t *header, int count, const char *pack)
{
    sgn_buf_t *buf = sgn_buf_make((size_t)1 << 30, tap_pool());
    z_stream stream = { .next_in = NULL };
    sgn_bytes_t text;
    apr_pool_t *round;
    Bytef *out;
    int i;

    apr_pool_create(&round, tap_pool());
    sgn_buf_str(buf, sgn_json_print_sorted(header, tap_pool()));
    sgn_buf_byte(buf, '\n');
    for (i = 0; i < count; i++) {
        apr_pool_clear(round);
        sgn_buf_str(buf, sgn_json_print_sorted(synthetic(i, pack, round), round));
        sgn_buf_byte(buf, '\n');
    }
    ground_need(sgn_buf_bytes(&text, buf), "text");
    out = apr_palloc(tap_pool(), text.len + 65536);
    if (deflateInit2(&stream, 1, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK)
        exit(1);
    stream.next_in = (Bytef *)text.data;
    stream.avail_in = (uInt)text.len;
    stream.next_out = out;
    stream.avail_out = (uInt)text.len + 65536;
    if (deflate(&stream, Z_FINISH) != Z_STREAM_END)
        exit(1);
    deflateEnd(&stream);
    return sgn_bytes(out, (size_t)stream.total_out);
}

static const char *write_lines(json_t *header, apr_int64_t seq, int count, const char *pack)
{
    sgn_manifest_signer_t signer = { fingerprint, by_openssl, NULL, NULL };
    sgn_manifest_draft_t *draft;
    apr_pool_t *pool, *round;
    const char *digest;
    int i;

    apr_pool_create(&pool, tap_pool());
    apr_pool_create(&round, pool);
    ground_need(sgn_manifest_begin(&draft, ground.root, pool), "begin");
    for (i = 0; i < count; i++) {
        apr_pool_clear(round);
        ground_need(sgn_manifest_add(draft, synthetic(i, pack, round), round), "add");
        if (i % 1000 == 0)
            look();
    }
    ground_need(sgn_manifest_write(&digest, draft, medium, seq, header, keys, &signer, pool), "write");
    look();
    digest = apr_pstrdup(tap_pool(), digest);
    apr_pool_destroy(pool);
    return digest;
}

static int seen;
static sgn_error_t *count_line(void *baton, json_t *line, apr_pool_t *pool)
{
    (void)pool;
    if (json_integer_value(json_object_get(line, "seq")) != 2 * seen)
        return SGN_ERROR(baton, SGN_INTERNAL, "line %d", seen);
    if (seen++ % 1000 == 0)
        look();
    return NULL;
}

static sgn_error_t *read_lines(apr_int64_t seq, sgn_manifest_line_fn each)
{
    sgn_manifest_signer_t signer = { fingerprint, by_openssl, NULL, NULL };
    sgn_manifest_t *manifest;
    apr_pool_t *pool;
    sgn_error_t *error;

    apr_pool_create(&pool, tap_pool());
    seen = 0;
    error = sgn_manifest_read(&manifest, medium, seq, set_of_a, &signer, ground.root, pool);
    if (!error)
        error = sgn_manifest_each(manifest, each, pool, pool);
    error = sgn_error_dup(error, tap_pool());
    apr_pool_destroy(pool);
    return error;
}

static sgn_error_t *stop_line(void *baton, json_t *line, apr_pool_t *pool)
{
    (void)line;
    (void)pool;
    return ++seen == 3 ? SGN_ERROR(baton, SGN_BUSY, "enough") : NULL;
}

static void test_bytes(const char *pack)
{
    json_t *header = header_for("", tap_pool());
    sgn_bytes_t stored, expected;
    int count = 20000;

    write_lines(header, 7, count, pack);
    ground_need(sgn_target_get(&stored, medium, sgn_manifest_name(7, tap_pool()), 64 << 20, tap_pool()), "get");
    expected = at_once(header, count, pack);
    ok(sgn_bytes_equal(stored, expected), "manifest: written line by line, the bytes are those of one piece");
    is_code(read_lines(7, count_line), SGN_OK, "manifest: and are read line by line");
    is_int(seen, count, "manifest: every one of them, in order");
    is_code(read_lines(7, stop_line), SGN_BUSY, "manifest: a reader that has enough ends it");
    is_int(seen, 3, "manifest: at once");
    ok(shell(apr_psprintf(tap_pool(), "cd %s/manifests; gzip -dc 00000007.jsonl.gz > ../cut; truncate -s -1000 00000007.jsonl.gz", disk_a)), "manifest: one is cut");
    is_code(read_lines(7, count_line), SGN_BACKUP_MANIFEST, "manifest: which is no manifest any more");
    is_int(seen, 0, "manifest: before a line of it is looked at");
    ok(shell(apr_psprintf(tap_pool(), "cd %s; rm -f cut manifests/00000007*", disk_a)), "manifest: cleared");
}

static sgn_error_t *look_at(void *baton, apr_int64_t done, apr_int64_t total, const char *what)
{
    (void)baton;
    (void)done;
    (void)total;
    (void)what;
    look();
    return NULL;
}

/* A set with very many objects behind a few packs: a full run lists them all anew. */
static void test_memory(const char *pack, const char *previous)
{
    sgn_backup_verify_t options = { .address = apr_pstrcat(tap_pool(), "dir:", disk_a, NULL), .signer = { fingerprint, by_openssl, NULL, NULL },
                                    .level = 1, .scratch = ground.path };
    long before;
    json_t *answer, *target;
    const char *id;
    apr_time_t start;

    most = before = memory();
    start = apr_time_now();
    write_lines(header_for(previous, tap_pool()), 2, wanted, pack);
    printf("# %d lines written in %.1f s, RssAnon from %ld to at most %ld KB\n", wanted, (double)(apr_time_now() - start) / 1e6, before, most);
    ok(most - before < GROWTH, "memory: writing many lines takes no more than few");
    most = before = memory();
    is_code(read_lines(2, count_line), SGN_OK, "memory: they are read");
    printf("# read: RssAnon from %ld to at most %ld KB\n", before, most);
    is_int(seen, wanted, "memory: all of them");
    ok(most - before < GROWTH, "memory: which takes no more either");
    most = before = memory();
    start = apr_time_now();
    ground_need(sgn_backup_run(&id, backup, "kho-a", "test", 1, look_at, NULL, tap_pool()), "run");
    look();
    ground_need(sgn_backup_get(&answer, backup, id, 0, tap_pool()), "get");
    is(json_string_value(json_object_get(answer, "state")), "done", "memory: a full run over them");
    printf("# full run in %.1f s: RssAnon from %ld to at most %ld KB\n", (double)(apr_time_now() - start) / 1e6, before, most);
    ok(most - before < GROWTH, "memory: is flat");
    target = json_array_get(json_object_get(answer, "targets"), 0);
    is_int(json_integer_value(json_object_get(target, "manifest")), 3, "memory: and follows from a manifest that it had not known");
    most = before = memory();
    ground_need(sgn_backup_verify(&answer, &options, look_at, NULL, tap_pool()), "verify");
    look();
    ok(is_ok(answer), "memory: the set is looked at");
    is_int(json_integer_value(json_object_get(answer, "objects")), wanted + 3, "memory: with every line, and the documents of the journal");
    printf("# verify: RssAnon from %ld to at most %ld KB\n", before, most);
    ok(most - before < GROWTH, "memory: is flat there too");
}

int main(void)
{
    const char *lines = getenv("SGN_LINES"), *pack, *previous;
    sgn_archive_receipt_t receipt;
    sgn_bytes_t bytes;
    json_t *identity;
    int i;

    wanted = lines ? atoi(lines) : 30000;
    ground_begin(&ground);
    disk_a = path_of("disk-a");
    disk_b = path_of("disk-b");
    mkdir(disk_a, 0700);
    mkdir(disk_b, 0700);
    config = make_config(1, disk_a, disk_b);
    ground_need(open_all(), "open");
    for (i = 0; i < 3; i++)
        ground_need(ground_put(&receipt, &ground, i, 3000, tap_pool()), "put");
    is(run("kho-a", 0, NULL), "done", "manifest: a set is there");
    pack = strrchr(first_pack(disk_a), '/') + 1;
    pack = apr_pstrmemdup(tap_pool(), pack, 128);
    ground_need(sgn_target_open(&medium, apr_pstrcat(tap_pool(), "dir:", disk_a, NULL), tap_pool()), "medium");
    ground_need(sgn_target_get(&bytes, medium, "SIGNVN-BACKUP.json", 4096, tap_pool()), "identity");
    ground_need(sgn_json_parse(&identity, bytes, 4096, tap_pool()), "identity");
    set_of_a = json_string_value(json_object_get(identity, "set"));
    ground_need(sgn_target_get(&bytes, medium, sgn_manifest_name(1, tap_pool()), 1 << 20, tap_pool()), "manifest");
    ground_need(sgn_digest_sha256_hex(&previous, bytes.data, bytes.len, tap_pool()), "digest");
    test_memory(pack, previous);
    test_bytes(pack);
    ground_end(&ground);
    return done_testing();
}
