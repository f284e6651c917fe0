/* Tokens of PDF syntax [ISO 32000-2, 7.2-7.3]. */
#include "look/format/pdf_lex.h"

#include <string.h>

int sgn_pdf_lex_white(int byte)
{
    return byte == ' ' || byte == '\n' || byte == '\r' || byte == '\t' || byte == '\f' || byte == 0;
}

int sgn_pdf_lex_delimiter(int byte)
{
    return byte == '(' || byte == ')' || byte == '<' || byte == '>' || byte == '[' || byte == ']'
        || byte == '{' || byte == '}' || byte == '/' || byte == '%';
}

static int regular(int byte)
{
    return !sgn_pdf_lex_white(byte) && !sgn_pdf_lex_delimiter(byte);
}

static int hex_digit(int byte)
{
    if (byte >= '0' && byte <= '9')
        return byte - '0';
    if (byte >= 'a' && byte <= 'f')
        return byte - 'a' + 10;
    if (byte >= 'A' && byte <= 'F')
        return byte - 'A' + 10;
    return -1;
}

sgn_pdf_lex_t sgn_pdf_lex_at(const unsigned char *base, size_t pos, size_t end)
{
    sgn_pdf_lex_t lex = { base, pos < end ? pos : end, end };

    return lex;
}

static void skip_white(sgn_pdf_lex_t *lex)
{
    while (lex->pos < lex->end) {
        int byte = lex->base[lex->pos];

        if (sgn_pdf_lex_white(byte)) {
            lex->pos++;
        }
        else if (byte == '%') {
            while (lex->pos < lex->end && lex->base[lex->pos] != '\n' && lex->base[lex->pos] != '\r')
                lex->pos++;
        }
        else {
            return;
        }
    }
}

/* Parentheses balance; a backslash hides the next byte. */
static int skip_string(sgn_pdf_lex_t *lex)
{
    int depth = 0;

    while (lex->pos < lex->end) {
        int byte = lex->base[lex->pos++];

        if (byte == '\\') {
            if (lex->pos < lex->end)
                lex->pos++;
        }
        else if (byte == '(') {
            depth++;
        }
        else if (byte == ')' && --depth == 0) {
            return 1;
        }
    }
    return 0;
}

static int skip_hex(sgn_pdf_lex_t *lex)
{
    static const char zeros[] = "0000000000000000";
    static const unsigned char in_hex[256] = {
        ['0' ... '9'] = 1, ['a' ... 'f'] = 1, ['A' ... 'F'] = 1,
        [0] = 1, ['\t'] = 1, ['\n'] = 1, ['\f'] = 1, ['\r'] = 1, [' '] = 1
    };

    lex->pos++;
    while (lex->pos < lex->end) {
        size_t stop;

        /* the padding of a signature's /Contents is most of it */
        if (lex->end - lex->pos >= 16 && memcmp(lex->base + lex->pos, zeros, 16) == 0) {
            lex->pos += 16;
            continue;
        }
        stop = lex->end - lex->pos > 256 ? lex->pos + 256 : lex->end;
        for (const unsigned char *at = lex->base + lex->pos; lex->pos + 4 <= stop && (in_hex[at[0]] & in_hex[at[1]] & in_hex[at[2]] & in_hex[at[3]]); at += 4)
            lex->pos += 4;
        while (lex->pos < stop && in_hex[lex->base[lex->pos]])
            lex->pos++;
        if (lex->pos < stop)
            return lex->base[lex->pos++] == '>';
    }
    return 0;
}

/* A word of regular characters: INT, REAL or WORD. */
static sgn_pdf_token_type_t classify(const unsigned char *text, size_t len, apr_int64_t *number)
{
    size_t i = 0, digits = 0, points = 0;
    int negative = 0;
    apr_int64_t value = 0;

    *number = 0;
    if (text[0] == '+' || text[0] == '-') {
        negative = text[0] == '-';
        i = 1;
    }
    for (; i < len; i++) {
        if (text[i] >= '0' && text[i] <= '9') {
            digits++;
            if (!points) {
                if (value > (APR_INT64_MAX - 9) / 10)
                    return SGN_PDF_TOKEN_BAD;
                value = value * 10 + (text[i] - '0');
            }
        }
        else if (text[i] == '.' && !points) {
            points = 1;
        }
        else {
            return SGN_PDF_TOKEN_WORD;
        }
    }
    if (!digits)
        return points ? SGN_PDF_TOKEN_BAD : SGN_PDF_TOKEN_WORD;
    if (points)
        return SGN_PDF_TOKEN_REAL;
    *number = negative ? -value : value;
    return SGN_PDF_TOKEN_INT;
}

sgn_pdf_token_t sgn_pdf_lex_next(sgn_pdf_lex_t *lex)
{
    sgn_pdf_token_t token = { SGN_PDF_TOKEN_END, 0, 0, 0 };
    int byte, second;

    skip_white(lex);
    token.start = lex->pos;
    if (lex->pos >= lex->end) {
        token.end = lex->pos;
        return token;
    }
    byte = lex->base[lex->pos];
    second = lex->pos + 1 < lex->end ? lex->base[lex->pos + 1] : -1;
    if (byte == '/') {
        token.type = SGN_PDF_TOKEN_NAME;
        lex->pos++;
        while (lex->pos < lex->end && regular(lex->base[lex->pos]))
            lex->pos++;
    }
    else if (byte == '(') {
        token.type = skip_string(lex) ? SGN_PDF_TOKEN_STRING : SGN_PDF_TOKEN_BAD;
    }
    else if (byte == '<' && second == '<') {
        token.type = SGN_PDF_TOKEN_DICT_OPEN;
        lex->pos += 2;
    }
    else if (byte == '>' && second == '>') {
        token.type = SGN_PDF_TOKEN_DICT_CLOSE;
        lex->pos += 2;
    }
    else if (byte == '<') {
        token.type = skip_hex(lex) ? SGN_PDF_TOKEN_HEX : SGN_PDF_TOKEN_BAD;
    }
    else if (byte == '[' || byte == ']') {
        token.type = byte == '[' ? SGN_PDF_TOKEN_ARRAY_OPEN : SGN_PDF_TOKEN_ARRAY_CLOSE;
        lex->pos++;
    }
    else if (regular(byte)) {
        while (lex->pos < lex->end && regular(lex->base[lex->pos]))
            lex->pos++;
        token.type = classify(lex->base + token.start, lex->pos - token.start, &token.number);
    }
    else {
        token.type = SGN_PDF_TOKEN_BAD;
        lex->pos++;
    }
    token.end = lex->pos;
    return token;
}

sgn_pdf_token_t sgn_pdf_lex_peek(const sgn_pdf_lex_t *lex)
{
    sgn_pdf_lex_t copy = *lex;

    return sgn_pdf_lex_next(&copy);
}

int sgn_pdf_lex_is(const sgn_pdf_lex_t *lex, sgn_pdf_token_t token, const char *word)
{
    size_t len = strlen(word);

    return token.type == SGN_PDF_TOKEN_WORD && token.end - token.start == len
        && memcmp(lex->base + token.start, word, len) == 0;
}

int sgn_pdf_lex_skip(sgn_pdf_lex_t *lex)
{
    unsigned char stack[SGN_PDF_DEPTH];     /* closing token type of each level */
    int depth = 0;

    for (;;) {
        sgn_pdf_token_t token = sgn_pdf_lex_next(lex);

        switch (token.type) {
        case SGN_PDF_TOKEN_END:
        case SGN_PDF_TOKEN_BAD:
            return 0;
        case SGN_PDF_TOKEN_ARRAY_OPEN:
        case SGN_PDF_TOKEN_DICT_OPEN:
            if (depth == SGN_PDF_DEPTH)
                return 0;
            stack[depth++] = token.type == SGN_PDF_TOKEN_ARRAY_OPEN ? SGN_PDF_TOKEN_ARRAY_CLOSE
                                                                   : SGN_PDF_TOKEN_DICT_CLOSE;
            continue;
        case SGN_PDF_TOKEN_ARRAY_CLOSE:
        case SGN_PDF_TOKEN_DICT_CLOSE:
            if (depth == 0 || stack[depth - 1] != (unsigned char)token.type)
                return 0;
            depth--;
            break;
        case SGN_PDF_TOKEN_INT:
            if (depth == 0 && token.number >= 0) {
                sgn_pdf_lex_t ahead = *lex;
                sgn_pdf_token_t gen = sgn_pdf_lex_next(&ahead);
                sgn_pdf_token_t word;

                if (gen.type == SGN_PDF_TOKEN_INT) {
                    word = sgn_pdf_lex_next(&ahead);
                    if (sgn_pdf_lex_is(&ahead, word, "R"))
                        *lex = ahead;
                }
            }
            break;
        case SGN_PDF_TOKEN_WORD:
            /* these end an object: a value never runs over them */
            if (sgn_pdf_lex_is(lex, token, "endobj") || sgn_pdf_lex_is(lex, token, "obj")
                || sgn_pdf_lex_is(lex, token, "stream") || sgn_pdf_lex_is(lex, token, "endstream"))
                return 0;
            break;
        default:
            break;
        }
        if (depth == 0)
            return 1;
    }
}

/* Does the name token spell key, #xx decoded? */
static int name_is(const sgn_pdf_lex_t *lex, sgn_pdf_token_t token, const char *key)
{
    size_t i;

    for (i = token.start + 1; i < token.end; i++) {
        int byte = lex->base[i];

        if (byte == '#' && i + 2 < token.end && hex_digit(lex->base[i + 1]) >= 0
            && hex_digit(lex->base[i + 2]) >= 0) {
            byte = hex_digit(lex->base[i + 1]) * 16 + hex_digit(lex->base[i + 2]);
            i += 2;
        }
        if ((unsigned char)*key != byte || !*key)
            return 0;
        key++;
    }
    return *key == 0;
}

static int same_name(const sgn_pdf_lex_t *lex, sgn_pdf_token_t a, sgn_pdf_token_t b)
{
    char plain[128];
    size_t i, n = 0;

    for (i = a.start + 1; i < a.end && n < sizeof plain - 1; i++) {
        int byte = lex->base[i];

        if (byte == '#' && i + 2 < a.end && hex_digit(lex->base[i + 1]) >= 0
            && hex_digit(lex->base[i + 2]) >= 0) {
            byte = hex_digit(lex->base[i + 1]) * 16 + hex_digit(lex->base[i + 2]);
            i += 2;
        }
        plain[n++] = (char)byte;
    }
    plain[n] = 0;
    return name_is(lex, b, plain);
}

int sgn_pdf_lex_dict_find(sgn_pdf_lex_t lex, const char *key, size_t *start, size_t *end)
{
    int found = 0;

    if (sgn_pdf_lex_next(&lex).type != SGN_PDF_TOKEN_DICT_OPEN)
        return -1;
    for (;;) {
        sgn_pdf_token_t token = sgn_pdf_lex_next(&lex);
        size_t value;

        if (token.type == SGN_PDF_TOKEN_DICT_CLOSE)
            return found;
        if (token.type != SGN_PDF_TOKEN_NAME)
            return -1;
        skip_white(&lex);
        value = lex.pos;
        if (!sgn_pdf_lex_skip(&lex))
            return -1;
        if (name_is(&lex, token, key) && found++ == 0) {
            *start = value;
            *end = lex.pos;
        }
    }
}

int sgn_pdf_lex_dict_doubles(sgn_pdf_lex_t lex)
{
    sgn_pdf_token_t seen[256];
    int count = 0, i;

    if (sgn_pdf_lex_next(&lex).type != SGN_PDF_TOKEN_DICT_OPEN)
        return -1;
    for (;;) {
        sgn_pdf_token_t token = sgn_pdf_lex_next(&lex);

        if (token.type == SGN_PDF_TOKEN_DICT_CLOSE)
            return 0;
        if (token.type != SGN_PDF_TOKEN_NAME || count == 256)
            return -1;
        for (i = 0; i < count; i++)
            if (same_name(&lex, seen[i], token))
                return 1;
        seen[count++] = token;
        if (!sgn_pdf_lex_skip(&lex))
            return -1;
    }
}

int sgn_pdf_lex_object(sgn_pdf_lex_t *lex, int *num, int *gen)
{
    sgn_pdf_lex_t ahead = *lex;
    sgn_pdf_token_t a = sgn_pdf_lex_next(&ahead);
    sgn_pdf_token_t b = sgn_pdf_lex_next(&ahead);
    sgn_pdf_token_t c = sgn_pdf_lex_next(&ahead);

    if (a.type != SGN_PDF_TOKEN_INT || b.type != SGN_PDF_TOKEN_INT || !sgn_pdf_lex_is(&ahead, c, "obj")
        || a.number < 0 || a.number > 0x7fffffff || b.number < 0 || b.number > 65535)
        return 0;
    *num = (int)a.number;
    *gen = (int)b.number;
    *lex = ahead;
    return 1;
}
