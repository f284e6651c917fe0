/* B10: the ranges cover everything but one placeholder. */
#include "tap.h"

#include "crypto/crypto.h"
#include "dtbs/byterange.h"

typedef struct {
    const char *bytes;
    int64_t size;
} file_t;

static int read_file(void *context, void *out, size_t len, int64_t at)
{
    const file_t *file = context;

    if (at < 0 || at + (int64_t)len > file->size)
        return 1;
    memcpy(out, file->bytes + at, len);
    return 0;
}

static int shape(int64_t a, int64_t b, int64_t c, int64_t d, int64_t size)
{
    const int64_t range[4] = { a, b, c, d };

    return sgn_byterange_shape(range, size);
}

static int placeholder(const char *text, int64_t from, int64_t to)
{
    const int64_t range[4] = { 0, from, to, 0 };
    file_t file = { text, (int64_t)strlen(text) };

    return sgn_byterange_placeholder(range, read_file, &file);
}

int main(void)
{
    static const char text[] = "abc<0000>xyz";
    const int64_t range[4] = { 0, 3, 9, 3 };
    file_t file = { text, sizeof text - 1 };
    unsigned char digest[32], want[32];

    is_int(shape(0, 3, 9, 3, 12), SGN_FAULT_NONE, "byterange: everything but the gap is covered");
    is_int(shape(1, 3, 9, 3, 12), SGN_FAULT_RANGE, "B10: a range that starts behind the header is refused");
    is_int(shape(0, 3, 9, 2, 12), SGN_FAULT_RANGE, "B10: an uncovered end is refused");
    is_int(shape(0, 3, 9, 4, 12), SGN_FAULT_RANGE, "byterange: a range behind the end is refused");
    is_int(shape(0, 9, 3, 9, 12), SGN_FAULT_RANGE, "B10: ranges that overlap are refused");
    is_int(shape(0, 3, 12, 0, 12), SGN_FAULT_RANGE, "B10: a gap up to the end of the file is refused");
    is_int(shape(0, INT64_MAX, INT64_MIN, 3, 12), SGN_FAULT_RANGE, "byterange: numbers that overflow are refused");
    is_int(shape(0, -3, 9, 3, 12), SGN_FAULT_RANGE, "byterange: a negative length is refused");
    is_int(shape(0, 3, 3 + 65537, 3, 3 + 65537 + 3), SGN_FAULT_GAP, "B10: a gap over 64 KB is refused");
    is_int(shape(0, 3, 3 + 65536, 3, 3 + 65536 + 3), SGN_FAULT_NONE, "byterange: a gap of 64 KB is accepted");

    is_int(placeholder(text, 3, 9), SGN_FAULT_NONE, "byterange: brackets and zeros are a placeholder");
    is_int(placeholder("abc<00a0>xyz", 3, 9), SGN_FAULT_GAP, "B10: other hex in the gap is refused");
    is_int(placeholder("abc<0 00>xyz", 3, 9), SGN_FAULT_GAP, "B10: a blank in the gap is refused");
    is_int(placeholder("abc<00>0>xyz", 3, 9), SGN_FAULT_GAP, "B10: a gap closed early is refused");
    is_int(placeholder(text, 2, 9), SGN_FAULT_GAP, "B10: a gap with a byte of content before it is refused");
    is_int(placeholder(text, 3, 10), SGN_FAULT_GAP, "B10: a gap with a byte of content behind it is refused");
    is_int(placeholder("abc<000", 3, 9), SGN_FAULT_READ, "byterange: a file that ends in the gap is refused");

    ok(!sgn_byterange_digest(digest, range, sgn_crypto_table(), read_file, &file)
       && !sgn_primitives_sha256(want, sgn_crypto_table(), "abcxyz", 6) && memcmp(digest, want, 32) == 0,
       "byterange: the digest is over both ranges and nothing else");
    ok(!sgn_byterange_span(digest, 3, 6, sgn_crypto_table(), read_file, &file)
       && !sgn_primitives_sha256(want, sgn_crypto_table(), "<0000>", 6) && memcmp(digest, want, 32) == 0,
       "byterange: a span is hashed");
    is_int(sgn_byterange_span(digest, 3, 60, sgn_crypto_table(), read_file, &file), SGN_FAULT_READ,
           "byterange: a span behind the end is no digest");
    return done_testing();
}
