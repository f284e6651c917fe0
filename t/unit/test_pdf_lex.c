/* Tokens and values of PDF syntax. */
#include "tap.h"

#include <apr_strings.h>

#include "look/format/pdf_obj.h"

static sgn_pdf_lex_t on(const char *text)
{
    return sgn_pdf_lex_at((const unsigned char *)text, 0, strlen(text));
}

static int first(const char *text)
{
    sgn_pdf_lex_t lex = on(text);

    return sgn_pdf_lex_next(&lex).type;
}

static const char *again(const char *text)
{
    sgn_pdf_lex_t lex = on(text);
    const sgn_pdf_obj_t *value;
    sgn_buf_t *buf = sgn_buf_make(0, tap_pool());
    sgn_bytes_t out;

    if (sgn_pdf_obj_parse(&value, &lex, tap_pool()))
        return NULL;
    sgn_pdf_obj_write(buf, value);
    sgn_buf_bytes(&out, buf);
    return (const char *)out.data;
}

static const char *nested(int depth)
{
    char *text = apr_pcalloc(tap_pool(), 2 * (size_t)depth + 1);

    memset(text, '[', (size_t)depth);
    memset(text + depth, ']', (size_t)depth);
    return text;
}

static int count_of(const char *dict, const char *key)
{
    size_t start, end;

    return sgn_pdf_lex_dict_find(on(dict), key, &start, &end);
}

static void tokens(void)
{
    sgn_pdf_lex_t lex;
    int num, gen;

    ok(first("% comment\n 12") == SGN_PDF_TOKEN_INT, "a comment is passed over");
    ok(first("-.5") == SGN_PDF_TOKEN_REAL, "-.5 is a real number");
    ok(first("99999999999999999999") == SGN_PDF_TOKEN_BAD, "a number beyond 64 bits is refused");
    ok(first("<4a 4B>") == SGN_PDF_TOKEN_HEX, "white space may stand in a hex string");
    ok(first("<4x>") == SGN_PDF_TOKEN_BAD, "a foreign letter in a hex string is refused");
    ok(first("(a(b)\\)c)") == SGN_PDF_TOKEN_STRING, "parentheses nest and may be escaped");
    ok(first("(a(b)") == SGN_PDF_TOKEN_BAD, "a string without its end is refused");
    ok(first("") == SGN_PDF_TOKEN_END, "nothing is the end");
    lex = on("7 0 obj <<>>");
    ok(sgn_pdf_lex_object(&lex, &num, &gen) && num == 7 && gen == 0, "an object header is read");
    lex = on("7 0 R");
    ok(!sgn_pdf_lex_object(&lex, &num, &gen), "a reference is no object header");
    lex = on("<</A[1 0 R (x)]/B<</C 1>>>> 5");
    ok(sgn_pdf_lex_skip(&lex) && sgn_pdf_lex_next(&lex).number == 5, "a whole value is skipped");
    lex = on("[1 2>>");
    ok(!sgn_pdf_lex_skip(&lex), "a value closed by the wrong bracket is refused");
    lex = on("[1 2 endobj]");
    ok(!sgn_pdf_lex_skip(&lex), "a value does not run over endobj");
    lex = on(nested(SGN_PDF_DEPTH));
    ok(sgn_pdf_lex_skip(&lex), "nesting up to the limit is skipped");
    lex = on(nested(SGN_PDF_DEPTH + 1));
    ok(!sgn_pdf_lex_skip(&lex), "nesting beyond the limit is refused");
}

static void dictionaries(void)
{
    is_int(count_of("<</A 1/B 2>>", "B"), 1, "a key is found");
    is_int(count_of("<</A<</B 1>>>>", "B"), 0, "a key of a nested dictionary is not found");
    is_int(count_of("<</ByteRange[0]/Byte#52ange[1]>>", "ByteRange"), 2, "R6: a double key written with an escape is seen");
    is_int(count_of("<</A 1/B>>", "A"), -1, "a dictionary that lacks a value is malformed");
    is_int(sgn_pdf_lex_dict_doubles(on("<</A 1/B 2/A 3>>")), 1, "R6: a double key is told");
    is_int(sgn_pdf_lex_dict_doubles(on("<</A<</A 1>>>>")), 0, "the same key on two levels is no double");
}

static void values(void)
{
    sgn_pdf_lex_t lex;
    const sgn_pdf_obj_t *a, *b;
    const char *vietnamese = "Nguy\xe1\xbb\x85n V\xc4\x83n An";

    is(again("<</N/A#20B/S(a\\)\\101)/R 3 0 R/X[1 -2.50 true null]>>"),
       "<</N /A#20B/S (a\\)A)/R 3 0 R/X [1 -2.50 true null]>>", "values are written as they were read");
    is(again("<FEFF0041>"), "<FEFF0041>", "bytes beyond ASCII are written as hex");
    ok(again(nested(SGN_PDF_DEPTH + 2)) == NULL, "a value nested too deep is refused");
    ok(again("<</A>>") == NULL, "a dictionary without a value is refused");
    is(sgn_pdf_obj_text(sgn_pdf_obj_make_text(vietnamese, tap_pool()), tap_pool()), vietnamese,
       "Vietnamese text comes back from UTF-16");
    lex = on("<</A 1/B(x)>>");
    sgn_pdf_obj_parse(&a, &lex, tap_pool());
    lex = on("<</B<78>/A 1>>");
    sgn_pdf_obj_parse(&b, &lex, tap_pool());
    ok(sgn_pdf_obj_equal(a, b), "the order of keys and the spelling of strings do not matter");
    ok(!sgn_pdf_obj_equal(a, sgn_pdf_obj_with(b, "C", sgn_pdf_obj_make_int(1, tap_pool()), tap_pool())),
       "one more key makes a difference");
    lex = on("<</A 1/A 1>>");
    sgn_pdf_obj_parse(&a, &lex, tap_pool());
    ok(a->doubles && !sgn_pdf_obj_equal(a, a), "R6: a dictionary with double keys equals nothing");
    is(sgn_pdf_obj_number(-0.00001, tap_pool()), "0", "there is no minus zero");
    is(sgn_pdf_obj_number(12.3456789, tap_pool()), "12.3457", "numbers have four decimals");
    is(sgn_pdf_obj_number(-1.5, tap_pool()), "-1.5", "no zero at the end of a number");
}

int main(void)
{
    tokens();
    dictionaries();
    values();
    return done_testing();
}
