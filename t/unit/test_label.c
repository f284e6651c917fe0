/* B16: what a person or pinentry reads cannot steer what it is shown in. */
#include "tap.h"

#include "agent/label.h"

static const char *label(const char *text)
{
    static char out[SGN_LABEL_SIZE];

    sgn_label(out, sizeof out, text);
    return out;
}

static const char *assuan(const char *text)
{
    static char out[600];

    sgn_label_assuan(out, sizeof out, text);
    return out;
}

int main(void)
{
    char longest[4096], small[7];
    unsigned char pin[] = "a%25b%0Ac", cut[] = "a%2";

    is(label("Quyết định số 07"), "Quyết định số 07", "label: Vietnamese is shown as it is");
    is(label("a\nSETPROMPT b"), "a\\u{000A}SETPROMPT b", "B16: a line break is shown as its code");
    is(label("a\xe2\x80\xae" "b"), "a\\u{202E}b", "B16: a direction override is shown as its code");
    is(label("a\xe2\x81\xa6" "b\xe2\x81\xa9"), "a\\u{2066}b\\u{2069}", "B16: isolates are shown as their codes");
    is(label("a\xe2\x80\x8b" "b\xef\xbb\xbf"), "a\\u{200B}b\\u{FEFF}", "B16: invisible characters are shown as their codes");
    is(label("\x1b[2J"), "\\u{001B}[2J", "B16: terminal sequences are shown as their codes");
    is(label("\xf3\xa0\x81\x81"), "\\u{E0041}", "B16: tag characters are shown as their codes");
    is(label("a\xff" "b\xc3"), "a\xef\xbf\xbd" "b\xef\xbf\xbd", "label: bytes that are not UTF-8 become U+FFFD");
    memset(longest, 'x', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    is_int((long long)strlen(label(longest)), 203, "B16: ten kilobytes become 200 characters and an ellipsis");
    sgn_label(small, sizeof small, "Nguyễn Văn");
    is(small, "Nguy", "label: a small buffer cuts at a character");
    is(assuan("a\nGETPIN"), "a%0AGETPIN", "B16: a line break is percent-escaped for pinentry");
    is(assuan("50% \"x\" \\"), "50%25 %22x%22 %5C", "B16: percent, quote and backslash are escaped");
    is_int(sgn_label_unescape(pin, sizeof pin - 1), 5, "label: a password is unescaped");
    ok(memcmp(pin, "a%b\nc", 5) == 0, "label: byte for byte");
    is_int(sgn_label_unescape(cut, sizeof cut - 1), -1, "label: a cut escape is refused");
    return done_testing();
}
