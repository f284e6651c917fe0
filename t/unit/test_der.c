/* DER: what is read has one form only; encodings are strict both ways. */
#include "tap.h"

#include "dtbs/der.h"
#include "dtbs/encode.h"

static int any(const char *bytes, size_t len)
{
    sgn_der_t in = sgn_der(bytes, len), content;
    unsigned tag;
    int fault = sgn_der_any(&in, &tag, &content, NULL);

    return fault ? fault : sgn_der_end(&in);
}

static void readers(void)
{
    static const struct { const char *bytes; size_t len; int fault; const char *name; } rows[] = {
        { "\x04\x01x", 3, SGN_FAULT_NONE, "der: a short value is read" },
        { "\x04\x01x ", 4, SGN_FAULT_TRAILING, "der: a byte behind the value is refused" },
        { "\x04\x02x", 3, SGN_FAULT_SHORT, "der: a value that ends early is refused" },
        { "\x24\x80\x04\x00\x00\x00", 6, SGN_FAULT_LENGTH, "der: an indefinite length is refused" },
        { "\x04\x81\x01x", 4, SGN_FAULT_LENGTH, "der: a long form for a short length is refused" },
        { "\x04\x82\x00\x80", 4, SGN_FAULT_LENGTH, "der: a length with a leading zero is refused" },
        { "\x1f\x81\x01\x00", 4, SGN_FAULT_TAG, "der: a high tag number is refused" },
        { "\x04\x84\x7f\xff\xff\xff", 6, SGN_FAULT_LIMIT, "der: a length over the limit is refused before it is believed" },
        { "\x04\x85\x01\x01\x01\x01\x01", 7, SGN_FAULT_LENGTH, "der: a length of five bytes is refused" },
        { "\x04", 1, SGN_FAULT_SHORT, "der: a tag alone is refused" },
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        is_int(any(rows[i].bytes, rows[i].len), rows[i].fault, rows[i].name);
}

static void integers(void)
{
    sgn_der_t in, out;
    long n = 0;

    in = sgn_der("\x02\x02\x00\x80", 4);
    ok(sgn_der_small(&in, &n) == SGN_FAULT_NONE && n == 128, "der: a padded positive integer is read");
    in = sgn_der("\x02\x02\x00\x7f", 4);
    is_int(sgn_der_small(&in, &n), SGN_FAULT_LENGTH, "der: a needless zero before an integer is refused");
    in = sgn_der("\x02\x01\x80", 3);
    is_int(sgn_der_small(&in, &n), SGN_FAULT_VALUE, "der: a negative integer is refused");
    in = sgn_der("\x02\x00", 2);
    is_int(sgn_der_magnitude(&in, &out), SGN_FAULT_LENGTH, "der: an empty integer is refused");
}

static void oids(void)
{
    char text[64];

    ok(sgn_der_oid_text(text, sizeof text, sgn_der("\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0b", 9)) == SGN_FAULT_NONE,
       "der: an object identifier becomes text");
    is(text, "1.2.840.113549.1.1.11", "der: and the text is right");
    is_int(sgn_der_oid_text(text, sizeof text, sgn_der("\x2a\x80\x01", 3)), SGN_FAULT_LENGTH,
           "der: an arc with leading zero bits is refused");
    is_int(sgn_der_oid_text(text, sizeof text, sgn_der("\x2a\x86", 2)), SGN_FAULT_SHORT,
           "der: an arc that ends early is refused");
}

static void writers(void)
{
    unsigned char buf[512], big[200] = { 1 };
    sgn_der_out_t out;
    sgn_der_t in, sequence, content;

    sgn_der_out(&out, buf, sizeof buf);
    sgn_der_value(&out, SGN_DER_OCTET_STRING, big, sizeof big);
    sgn_der_wrap(&out, SGN_DER_SEQUENCE, 0);
    in = sgn_der(buf + out.left, sgn_der_mark(&out));
    ok(!out.fault && !sgn_der_take(&in, SGN_DER_SEQUENCE, &sequence) && !sgn_der_end(&in)
       && !sgn_der_take(&sequence, SGN_DER_OCTET_STRING, &content) && sgn_der_equal(content, big, sizeof big),
       "der: what is written is read back");
    sgn_der_out(&out, buf, 10);
    sgn_der_value(&out, SGN_DER_OCTET_STRING, big, sizeof big);
    is_int(out.fault, SGN_FAULT_LIMIT, "der: a full buffer is a fault, not an overrun");
}

static void ecdsa(void)
{
    unsigned char rs[64] = { 0 }, back[64], der[80];
    size_t n;

    rs[0] = 0x80;
    rs[31] = 1;
    rs[63] = 5;
    ok(!sgn_der_from_rs(der, sizeof der, &n, rs, 32) && !sgn_der_to_rs(back, 32, der, n)
       && memcmp(rs, back, 64) == 0, "der: r and s survive the way to DER and back");
    is_int(der[3], 0x21, "der: a high r gets its zero byte");
    is_int(sgn_der_to_rs(back, 32, der, n - 1), SGN_FAULT_SHORT, "der: a cut ECDSA value is refused");
    is_int(sgn_der_to_rs(back, 16, der, n), SGN_FAULT_VALUE, "der: an r longer than the curve is refused");
}

static int b64(const char *text)
{
    unsigned char out[64];
    size_t n;

    return sgn_encode_from_base64(out, sizeof out, &n, text, strlen(text));
}

static int b64url(const char *text)
{
    unsigned char out[64];
    size_t n;

    return sgn_encode_from_base64url(out, sizeof out, &n, text, strlen(text));
}

static void encodings(void)
{
    char text[32];
    unsigned char out[8];
    size_t n;

    ok(!sgn_encode_base64(text, sizeof text, "fooba", 5) && strcmp(text, "Zm9vYmE=") == 0, "encode: base64 has its padding");
    ok(!sgn_encode_base64url(text, sizeof text, "\xfb\xff", 2) && strcmp(text, "-_8") == 0, "encode: base64url has none");
    is_int(b64("Zm9vYmE="), SGN_FAULT_NONE, "encode: good base64 is read");
    is_int(b64("Zm9vYmE"), SGN_FAULT_ENCODING, "encode: base64 without padding is refused");
    is_int(b64("Zm9vYm=="), SGN_FAULT_ENCODING, "encode: base64 with bits left over is refused");
    is_int(b64("Zm9v\nYmE"), SGN_FAULT_ENCODING, "encode: a line break in base64 is refused");
    is_int(b64("="), SGN_FAULT_ENCODING, "encode: padding alone is refused");
    is_int(b64url("-_8"), SGN_FAULT_NONE, "encode: good base64url is read");
    is_int(b64url("-_8="), SGN_FAULT_ENCODING, "encode: padded base64url is refused");
    is_int(b64url("-_9"), SGN_FAULT_ENCODING, "encode: base64url with bits left over is refused");
    is_int(b64url("+/8"), SGN_FAULT_ENCODING, "encode: the other alphabet is refused");
    is_int(sgn_encode_from_hex(out, sizeof out, &n, "0aF0", 4), SGN_FAULT_ENCODING, "encode: upper-case hex is refused");
    is_int(sgn_encode_from_hex(out, 1, &n, "0a0b", 4), SGN_FAULT_LIMIT, "encode: too much hex is refused");
    ok(sgn_encode_is_utf8("Quyết định", strlen("Quyết định")), "encode: Vietnamese is UTF-8");
    ok(!sgn_encode_is_utf8("\xc0\xaf", 2) && !sgn_encode_is_utf8("\xed\xa0\x80", 3) && !sgn_encode_is_utf8("\xe1\xbb", 2)
       && !sgn_encode_is_utf8("\xf4\x90\x80\x80", 4), "encode: overlong, surrogate, cut and too high bytes are not");
}

int main(void)
{
    readers();
    integers();
    oids();
    writers();
    ecdsa();
    encodings();
    return done_testing();
}
