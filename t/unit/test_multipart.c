/* test_multipart.c: the same parts whatever the pieces the body comes in. */
#include "tap.h"

#include <apr_strings.h>

#include "httpd/multipart.h"

static apr_pool_t *pool;
static sgn_buf_t *seen;

static sgn_error_t *on_begin(void *baton, const char *name, const char *filename, const char *type)
{
    (void)baton;
    sgn_buf_printf(seen, "[%s|%s|%s:", name, filename ? filename : "-", type ? type : "-");
    return NULL;
}

static sgn_error_t *on_data(void *baton, const void *data, size_t len)
{
    (void)baton;
    sgn_buf_add(seen, data, len);
    return NULL;
}

static sgn_error_t *on_end(void *baton)
{
    (void)baton;
    sgn_buf_str(seen, "]");
    return NULL;
}

/* Fed in pieces of `step` bytes. */
static sgn_error_t *feed(const char *text, size_t len, size_t step)
{
    sgn_multipart_sink_t sink = { on_begin, on_data, on_end, NULL };
    sgn_multipart_t *multipart = sgn_multipart_make("B", 4, &sink, pool);

    seen = sgn_buf_make(1 << 20, pool);
    for (size_t at = 0; at < len; at += step)
        SGN_TRY(sgn_multipart_feed(multipart, text + at, len - at < step ? len - at : step));
    return sgn_multipart_end(multipart);
}

static const char *boundary(const char *type)
{
    const char *out;

    return sgn_multipart_boundary(&out, type, pool) ? NULL : out;
}

int main(void)
{
    static const char good[] =
        "--B\r\nContent-Disposition: form-data; name=\"job\"\r\n\r\n{}\r\n"
        "--B\r\ncontent-disposition: form-data; name=\"document\"; filename=\"a \\\"b\\\".pdf\"\r\nContent-Type: application/pdf\r\n\r\n"
        "\r\n--\r\n--C\r\n-\r\n--b--\r\n"
        "\r\n--B\r\nContent-Disposition: form-data; name=\"empty\"\r\n\r\n\r\n--B--\r\n";
    static const char want[] =
        "[job|-|-:{}][document|a \"b\".pdf|application/pdf:\r\n--\r\n--C\r\n-\r\n--b--\r\n][empty|-|-:]";
    size_t len = sizeof good - 1, wrong = 0, early = 0;
    sgn_bytes_t bytes;
    char *big;

    pool = tap_pool();
    for (size_t step = 1; step <= len; step++) {
        sgn_error_t *error = feed(good, len, step);

        if (error || sgn_buf_bytes(&bytes, seen) || strcmp((const char *)bytes.data, want) != 0)
            wrong++;
    }
    is_int((long long)wrong, 0, "multipart: pieces of any size give the same parts");
    for (size_t cut = 1; cut < len - 2; cut++)
        if (!feed(good, cut, 7))
            early++;
    is_int((long long)early, 0, "multipart: a body cut anywhere is refused");

    big = apr_palloc(pool, 300000);
    memset(big, '-', 300000);
    memcpy(big, "--B\r\nContent-Disposition: form-data; name=\"d\"\r\n\r\n", 49);
    memcpy(big + 300000 - 9, "\r\n--B--\r\n", 9);
    is_code(feed(big, 300000, 65536), SGN_OK, "multipart: a long part of dashes");
    ok(!sgn_buf_bytes(&bytes, seen) && bytes.len == 300000 - 49 - 9 + strlen("[d|-|-:]"), "multipart: comes whole");

    is(boundary("multipart/form-data; boundary=abc"), "abc", "multipart: a plain boundary");
    is(boundary("multipart/form-data; charset=utf-8; BOUNDARY=\"a b\""), "a b", "multipart: a quoted boundary");
    is(boundary("multipart/form-data; xboundary=abc"), NULL, "multipart: another parameter is no boundary");
    is(boundary("multipart/form-data; boundary=\"abc"), NULL, "multipart: an open quote is refused");
    is(boundary("multipart/form-data; boundary=\"abc \""), NULL, "multipart: a boundary does not end in a space");
    is(boundary("multipart/form-data; boundary=a\x01"), NULL, "multipart: no control characters");
    return done_testing();
}
