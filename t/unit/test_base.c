/* test_base.c: errors, pools, buffers, JSON, clock and durable files. */
#include "tap.h"
#include "scratch.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/json.h"
#include "base/pool.h"

static int freed;

static void count_free(void *object)
{
    (void)object;
    freed++;
}

static void errors(apr_pool_t *pool)
{
    sgn_error_t *root = SGN_ERROR(pool, SGN_DISK_FULL, "jobs at %d%%", 100);
    sgn_error_t *top = SGN_WRAP(pool, root, SGN_INTERNAL, "job");
    int count;

    is(sgn_error_row(root->code)->name, "disk.full", "error: a code knows its public name");
    ok(sgn_error_find("seal.no-basis") && sgn_error_find("seal.no-basis")->status == 409, "error: a name finds its row");
    ok(!sgn_error_find("no.such-code"), "error: an unknown name finds nothing");
    ok(strstr(sgn_error_chain(top, pool), "internal: job") && strstr(sgn_error_chain(top, pool), "disk.full: jobs at 100%"),
       "error: the chain tells every link");
    ok(sgn_error_rows(&count) && count > 100, "error: the table has its rows");
}

static void pools(apr_pool_t *pool)
{
    apr_pool_t *sub;

    apr_pool_create(&sub, pool);
    sgn_pool_own(sub, &freed, count_free);
    sgn_pool_own(sub, &pool, count_free);
    sgn_pool_disown(sub, &pool, count_free);
    apr_pool_destroy(sub);
    is_int(freed, 1, "pool: what is owned is freed once, what was disowned never");
}

static void encodings(apr_pool_t *pool)
{
    sgn_bytes_t out;
    sgn_buf_t *buf = sgn_buf_make(4, pool);

    is(sgn_bytes_base64(sgn_bytes("any carnal pleas", 16), pool), "YW55IGNhcm5hbCBwbGVhcw==", "base64: padding");
    is_code(sgn_bytes_from_base64(&out, "YW55IGNhcm5hbCBwbGVhcw==", pool), SGN_OK, "base64: read back");
    ok(out.len == 16 && memcmp(out.data, "any carnal pleas", 16) == 0, "base64: the same bytes");
    is_code(sgn_bytes_from_base64(&out, "YW55IGNhcm5hbCBwbGVhcw=", pool), SGN_ENCODING, "base64: a missing pad is refused");
    is_code(sgn_bytes_from_base64(&out, "YW5=", pool), SGN_ENCODING, "base64: stray bits are refused");
    is_code(sgn_bytes_from_base64url(&out, "_-8", pool), SGN_OK, "base64url: the other alphabet");
    is_code(sgn_bytes_from_base64url(&out, "/+8", pool), SGN_ENCODING, "base64url: the standard alphabet is refused");
    is_code(sgn_bytes_from_hex(&out, "0aFF", pool), SGN_OK, "hex: read");
    is_code(sgn_bytes_from_hex(&out, "0aF", pool), SGN_ENCODING, "hex: odd length is refused");
    sgn_buf_str(buf, "abcd");
    is_code(sgn_buf_bytes(&out, buf), SGN_OK, "buf: up to the limit");
    sgn_buf_byte(buf, 'e');
    is_code(sgn_buf_bytes(&out, buf), SGN_TOO_LARGE, "buf: one byte over the limit is told");
}

static void json(apr_pool_t *pool)
{
    const char *text;
    apr_int64_t number;
    sgn_bytes_t deep;
    sgn_buf_t *buf = sgn_buf_make(0, pool);
    json_t *value;

    is_code(sgn_json_parse(&value, sgn_bytes_str("{\"so\":\"45\",\"n\":7}"), 100, pool), SGN_OK, "json: parsed");
    is_code(sgn_json_get_str(&text, value, "so", pool), SGN_OK, "json: a string is got");
    is(text, "45", "json: with its value");
    is_code(sgn_json_get_int(&number, value, "so", pool), SGN_FIELD, "json: a string is no integer");
    is_code(sgn_json_get_str(&text, value, "absent", pool), SGN_FIELD, "json: a missing member is named");
    is_code(sgn_json_parse(&value, sgn_bytes_str("{\"a\":1,\"a\":2}"), 100, pool), SGN_JSON_SYNTAX, "json: duplicate keys are refused");
    is_code(sgn_json_parse(&value, sgn_bytes_str("{} x"), 100, pool), SGN_JSON_SYNTAX, "json: trailing bytes are refused");
    is_code(sgn_json_parse(&value, sgn_bytes_str("[1,2,3]"), 6, pool), SGN_TOO_LARGE, "json: over the limit is refused unread");
    for (int i = 0; i < 65; i++)
        sgn_buf_byte(buf, '[');
    is_code(sgn_buf_bytes(&deep, buf), SGN_OK, "json: 65 brackets made");
    is_code(sgn_json_parse(&value, deep, 1000, pool), SGN_JSON_SYNTAX, "json: depth over 64 is refused");
}

static void clocks(apr_pool_t *pool)
{
    apr_time_t when;

    is_code(sgn_clock_parse(&when, "2026-11-20T10:05:33+07:00", pool), SGN_OK, "clock: RFC 3339 is read");
    is(sgn_clock_print(when, pool), "2026-11-20T10:05:33+07:00", "clock: and printed in +07:00");
    is(sgn_clock_print_asn1(when, pool), "20261120030533Z", "clock: GeneralizedTime is UTC");
    is(sgn_clock_print_pdf(when, pool), "D:20261120100533+07'00'", "clock: PDF date");
    is_code(sgn_clock_parse(&when, "2026-11-20 10:05", pool), SGN_FIELD, "clock: a time without seconds and zone is refused");
    is_code(sgn_clock_parse(&when, "2026-13-20T10:05:33Z", pool), SGN_FIELD, "clock: month 13 is refused");
    is_code(sgn_clock_parse_asn1(&when, "20261120030533Z", pool), SGN_OK, "clock: GeneralizedTime is read");
    is(sgn_clock_print_date(when, pool), "2026-11-20", "clock: the date in Vietnam");
}

static void files(apr_pool_t *pool)
{
    const char *name = scratch_dir();
    sgn_bytes_t out;
    int root, fd, memfd;

    is_code(sgn_file_root(&root, name, pool), SGN_OK, "file: a root opens");
    is_code(sgn_file_mkdir(root, "a/b", 0700, pool), SGN_OK, "file: directories are made");
    is_code(sgn_file_mkdir(root, "a/b", 0700, pool), SGN_OK, "file: again is fine");
    is_code(sgn_file_write(root, "a/b/c", sgn_bytes_str("Quyết định"), 0600, pool), SGN_OK, "file: written durably");
    is_code(sgn_file_read(&out, root, "a/b/c", 100, pool), SGN_OK, "file: read back");
    is((const char *)out.data, "Quyết định", "file: the same bytes");
    is_code(sgn_file_read(&out, root, "a/b/c", 3, pool), SGN_TOO_LARGE, "file: over the limit is refused");
    is_code(sgn_file_read(&out, root, "../../etc/passwd", 100, pool), SGN_FILE_UNSAFE, "file: .. does not leave the root");
    ok(symlinkat("/etc", root, "link") == 0, "file: a link is planted");
    is_code(sgn_file_read(&out, root, "link/passwd", 100, pool), SGN_FILE_UNSAFE, "file: B29 a planted link is not followed");
    is_code(sgn_file_tmp(&fd, root, "a", 0400, pool), SGN_OK, "file: an unnamed file");
    is_code(sgn_file_write_all(fd, "x", 1, pool), SGN_OK, "file: written");
    is_code(sgn_file_link(fd, root, "a/named", pool), SGN_OK, "file: gets its name when durable");
    is_code(sgn_file_link(fd, root, "a/named", pool), SGN_FILE_EXISTS, "file: a taken name is told");
    is_code(sgn_file_rename(root, "a/named", root, "a/b/c", pool), SGN_FILE_EXISTS, "file: rename replaces nothing");
    is_code(sgn_file_memfd(&memfd, "test", sgn_bytes_str("sealed"), pool), SGN_OK, "file: a sealed memfd");
    ok(pwrite(memfd, "x", 1, 0) < 0, "file: nobody writes into it any more");
    is_code(sgn_file_write_all(memfd, "x", 1, pool), SGN_FILE_FAILED, "file: and a failed write is told");
    is_code(sgn_file_remove(root, "a", pool), SGN_OK, "file: a tree is removed");
    is_code(sgn_file_read(&out, root, "a/b/c", 100, pool), SGN_FILE_ABSENT, "file: and is gone");
}

int main(void)
{
    apr_pool_t *pool = tap_pool();

    errors(pool);
    pools(pool);
    encodings(pool);
    json(pool);
    clocks(pool);
    files(pool);
    return done_testing();
}
