/* test_text.c: Vietnamese letters and the escape of every sink. */
#include "tap.h"

#include "base/text.h"

/* One name that tries to leave every sink at once. */
static const char hostile[] = "=1+1\n\r\x1b[2J\"'<script>&\\,\xE2\x80\xAE" "fdp.%0aSETPROMPT";

static void letters(apr_pool_t *pool)
{
    is(sgn_text_fold("Quyết định về ĐẤT ĐAI Ưỡn ẹo", pool), "quyet dinh ve dat dai uon eo", "text: marks and the stroke fold away");
    is(sgn_text_fold("Quye\xCC\x82\xCC\x81t đi\xCC\xA3nh", pool), "quyet dinh", "text: decomposed letters fold alike");
    is(sgn_text_nfc("Quye\xCC\x82\xCC\x81t đi\xCC\xA3nh", pool), "Quyết định", "text: NFD becomes NFC");
    is(sgn_text_nfc("e\xCC\xA3\xCC\x82", pool), "ệ", "text: marks compose in either order");
    is(sgn_text_nfc("x\xCC\x81", pool), "x\xCC\x81", "text: a mark on another letter stays");
    is(sgn_text_lower("ĐÀ NẴNG ƯƠỢ", pool), "đà nẵng ươợ", "text: Vietnamese capitals");
    ok(sgn_text_has_vietnamese("số") && !sgn_text_has_vietnamese("so"), "text: Vietnamese is recognised");
    is_int((long long)sgn_text_length("Đà"), 2, "text: counted by characters");
    ok(sgn_text_is_utf8("Đà", 4) && !sgn_text_is_utf8("\xC3", 1) && !sgn_text_is_utf8("\xED\xA0\x80", 3) &&
       !sgn_text_is_utf8("a\0b", 3), "text: broken UTF-8, surrogates and NUL are none");
}

static void sinks(apr_pool_t *pool)
{
    const char *text = sgn_text_log(hostile, pool);

    ok(!strpbrk(text, "\n\r\x1b") && strstr(text, "\\u{202E}"), "text: B31 log keeps one line and shows bidi");
    text = sgn_text_terminal(hostile, pool);
    ok(!strpbrk(text, "\n\r\x1b"), "text: B31 terminal gets no escape sequence");
    text = sgn_text_html(hostile, pool);
    ok(!strpbrk(text, "<>\"'") && strstr(text, "&lt;script&gt;"), "text: B31 HTML is inert");
    text = sgn_text_xml(hostile, pool);
    ok(!strpbrk(text, "<>\"'\x1b"), "text: B31 XML is inert");
    text = sgn_text_csv(hostile, pool);
    ok(text[0] == '"' && text[1] == '\'' && strstr(text, "\"\"") && !strchr(text, '\n'), "text: B31 CSV is no formula");
    is(sgn_text_csv("-2", pool), "\"'-2\"", "text: B31 CSV minus is no formula");
    is(sgn_text_csv("số 5", pool), "\"số 5\"", "text: CSV leaves honest text");
    is(sgn_text_pdf("Đ)\\", pool), "<FEFF01100029005C>", "text: B31 PDF strings are hex");
    text = sgn_text_assuan(hostile, pool);
    ok(!strpbrk(text, "\n\r") && strstr(text, "%250aSETPROMPT"), "text: B16 pinentry gets one escaped line");
    text = sgn_text_metric(hostile, pool);
    ok(strstr(text, "\\\"") && !strchr(text, '\n'), "text: B31 metric labels stay inside their quotes");
    is(sgn_text_disposition("Quyết định.pdf", pool), "UTF-8''Quy%E1%BA%BFt%20%C4%91%E1%BB%8Bnh.pdf", "text: file names of answers");
}

int main(void)
{
    apr_pool_t *pool = tap_pool();
    char *loong = apr_pcalloc(pool, 10001);

    letters(pool);
    sinks(pool);
    memset(loong, 'a', 10000);
    ok(strlen(sgn_text_assuan(loong, pool)) == 203, "text: B16 pinentry text ends after 200 characters");
    return done_testing();
}
