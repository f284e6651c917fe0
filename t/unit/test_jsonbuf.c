/* The desk's own JSON: strict, bounded, one reading only. */
#include "tap.h"

#include "dtbs/jsonbuf.h"
#include "dtbs/jsonout.h"

static sgn_jsonbuf_node_t nodes[64];
static sgn_jsonbuf_t json;

static int parse(const char *text)
{
    return sgn_jsonbuf_parse(&json, text, strlen(text), nodes, 64);
}

static void refusals(void)
{
    static const struct { const char *text; int fault; const char *name; } rows[] = {
        { "{\"a\":1,\"b\":[true,null,\"x\"]}", SGN_FAULT_NONE, "jsonbuf: a small object is read" },
        { " [ ] ", SGN_FAULT_NONE, "jsonbuf: blanks around are fine" },
        { "{} x", SGN_FAULT_TRAILING, "jsonbuf: bytes behind the value are refused" },
        { "{\"a\":1,\"a\":2}", SGN_FAULT_TWICE, "jsonbuf: a name twice is refused" },
        { "{\"a\":1,\"\\u0061\":2}", SGN_FAULT_TWICE, "jsonbuf: a name twice under an escape is refused" },
        { "{\"a\":1,}", SGN_FAULT_SYNTAX, "jsonbuf: a comma before the end is refused" },
        { "[1 2]", SGN_FAULT_SYNTAX, "jsonbuf: a missing comma is refused" },
        { "{a:1}", SGN_FAULT_SYNTAX, "jsonbuf: a bare name is refused" },
        { "[01]", SGN_FAULT_SYNTAX, "jsonbuf: a leading zero is refused" },
        { "[+1]", SGN_FAULT_SYNTAX, "jsonbuf: a plus sign is refused" },
        { "[1.]", SGN_FAULT_SYNTAX, "jsonbuf: a point without digits is refused" },
        { "[NaN]", SGN_FAULT_SYNTAX, "jsonbuf: NaN is refused" },
        { "[\"a\nb\"]", SGN_FAULT_SYNTAX, "jsonbuf: a raw line break in a string is refused" },
        { "[\"\\x41\"]", SGN_FAULT_SYNTAX, "jsonbuf: an unknown escape is refused" },
        { "[\"\\u0000\"]", SGN_FAULT_UTF8, "jsonbuf: NUL in a string is refused" },
        { "[\"\\ud800x\"]", SGN_FAULT_UTF8, "jsonbuf: half a surrogate pair is refused" },
        { "[\"\\udc00\"]", SGN_FAULT_UTF8, "jsonbuf: the other half is refused" },
        { "[\"\xc3\"]", SGN_FAULT_UTF8, "jsonbuf: text that is not UTF-8 is refused" },
        { "[\"abc", SGN_FAULT_SHORT, "jsonbuf: an open string is refused" },
        { "{\"a\":", SGN_FAULT_SHORT, "jsonbuf: an open object is refused" },
        { "", SGN_FAULT_SHORT, "jsonbuf: nothing is refused" },
        { "[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]", SGN_FAULT_LIMIT, "jsonbuf: seventeen levels are refused" },
        { "[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1]",
          SGN_FAULT_LIMIT, "jsonbuf: more nodes than there is room for are refused" },
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        is_int(parse(rows[i].text), rows[i].fault, rows[i].name);
    is_int(sgn_jsonbuf_parse(&json, "[\"a\0b\"]", 7, nodes, 64), SGN_FAULT_SYNTAX, "jsonbuf: a NUL byte is refused");
}

static void getters(void)
{
    static const char *const names[] = { "s", "n", "h", "list", NULL };
    char text[32];
    unsigned char bytes[4];
    int64_t n;
    size_t len;
    int list;

    is_int(parse("{\"s\":\"Qu\\u1ebft \\ud83d\\ude00\\n\",\"n\":-12,\"h\":\"00ff\",\"list\":[{\"a\":[1,2]},\"z\",3.5,9007199254740993]}"),
           SGN_FAULT_NONE, "jsonbuf: a mixed object is read");
    ok(!sgn_jsonbuf_str(&json, sgn_jsonbuf_member(&json, 0, "s"), text, sizeof text, &len)
       && strcmp(text, "Quết 😀\n") == 0, "jsonbuf: escapes become UTF-8");
    is_int(sgn_jsonbuf_str(&json, sgn_jsonbuf_member(&json, 0, "s"), text, 4, NULL), SGN_FAULT_LIMIT,
           "jsonbuf: a string longer than its room is a fault");
    ok(!sgn_jsonbuf_int(&json, sgn_jsonbuf_member(&json, 0, "n"), &n) && n == -12, "jsonbuf: a number is read");
    ok(!sgn_jsonbuf_hex(&json, sgn_jsonbuf_member(&json, 0, "h"), bytes, 4, &len) && len == 2 && bytes[1] == 0xff,
       "jsonbuf: hex is read");
    list = sgn_jsonbuf_member(&json, 0, "list");
    is_int(sgn_jsonbuf_count(&json, list), 4, "jsonbuf: items are counted");
    ok(!sgn_jsonbuf_str(&json, sgn_jsonbuf_item(&json, list, 1), text, sizeof text, NULL) && strcmp(text, "z") == 0,
       "jsonbuf: the item behind a nested one is found");
    is_int(sgn_jsonbuf_int(&json, sgn_jsonbuf_item(&json, list, 2), &n), SGN_FAULT_TYPE, "jsonbuf: a fraction is no whole number");
    is_int(sgn_jsonbuf_int(&json, sgn_jsonbuf_item(&json, list, 3), &n), SGN_FAULT_VALUE, "jsonbuf: a number past 2^53 is refused");
    is_int(sgn_jsonbuf_int(&json, sgn_jsonbuf_member(&json, 0, "none"), &n), SGN_FAULT_MISSING, "jsonbuf: an absent member is told apart");
    is_int(sgn_jsonbuf_int(&json, sgn_jsonbuf_member(&json, 0, "s"), &n), SGN_FAULT_TYPE, "jsonbuf: from one of another type");
    is_int(sgn_jsonbuf_only(&json, 0, names), SGN_FAULT_NONE, "jsonbuf: known members only");
    is_int(sgn_jsonbuf_only(&json, 0, names + 1), SGN_FAULT_UNKNOWN, "jsonbuf: an unknown member is seen");
}

static void writer(void)
{
    char text[128], small[8];
    sgn_jsonout_t out;

    sgn_jsonout(&out, text, sizeof text);
    sgn_jsonout_open(&out, NULL, '{');
    sgn_jsonout_str(&out, "a", "x\"\\\n\x7f");
    sgn_jsonout_open(&out, "list", '[');
    sgn_jsonout_int(&out, NULL, 1);
    sgn_jsonout_bool(&out, NULL, 0);
    sgn_jsonout_close(&out);
    sgn_jsonout_hex(&out, "h", "\x01", 1);
    sgn_jsonout_base64url(&out, "u", "\xfb\xff", 2);
    sgn_jsonout_close(&out);
    is_int(sgn_jsonout_end(&out), SGN_FAULT_NONE, "jsonout: an object is written");
    is(text, "{\"a\":\"x\\\"\\\\\\u000a\\u007f\",\"list\":[1,false],\"h\":\"01\",\"u\":\"-_8\"}", "jsonout: as expected");
    is_int(parse(text), SGN_FAULT_NONE, "jsonout: and is read back");
    sgn_jsonout(&out, small, sizeof small);
    sgn_jsonout_str(&out, NULL, "far too long for it");
    is_int(sgn_jsonout_end(&out), SGN_FAULT_LIMIT, "jsonout: a full buffer is a fault");
    sgn_jsonout(&out, text, sizeof text);
    sgn_jsonout_open(&out, NULL, '[');
    is_int(sgn_jsonout_end(&out), SGN_FAULT_SYNTAX, "jsonout: an open bracket is a fault");
    sgn_jsonout(&out, text, sizeof text);
    sgn_jsonout_str(&out, NULL, "\xff");
    is_int(sgn_jsonout_end(&out), SGN_FAULT_UTF8, "jsonout: text that is not UTF-8 is a fault");
}

int main(void)
{
    refusals();
    getters();
    writer();
    return done_testing();
}
