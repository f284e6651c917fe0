/*
 * text.c: UTF-8 and Vietnamese letters.
 *
 * A Vietnamese letter is a base (a e i o u y d and capitals), a shape mark
 * (circumflex, breve, horn, stroke) and a tone (grave, hook, tilde, acute,
 * dot below).  One table of 134 marked letters serves composition, folding
 * and case.
 */
#include "base/text.h"

#include <string.h>

#include <apr_strings.h>

enum { TONE_NONE, GRAVE, ACUTE, HOOK, TILDE, DOT, TONES };

/* Rows: base letter and shape; columns: no tone, grave, acute, hook, tilde, dot. */
typedef struct {
    char base;              /* plain ASCII letter */
    unsigned shape;         /* combining mark of the shape, 0 for none */
    unsigned short letter[TONES];
} letters_t;

static const letters_t rows[] = {
    { 'A', 0,      { 'A',    0x00C0, 0x00C1, 0x1EA2, 0x00C3, 0x1EA0 } },
    { 'A', 0x0306, { 0x0102, 0x1EB0, 0x1EAE, 0x1EB2, 0x1EB4, 0x1EB6 } },
    { 'A', 0x0302, { 0x00C2, 0x1EA6, 0x1EA4, 0x1EA8, 0x1EAA, 0x1EAC } },
    { 'E', 0,      { 'E',    0x00C8, 0x00C9, 0x1EBA, 0x1EBC, 0x1EB8 } },
    { 'E', 0x0302, { 0x00CA, 0x1EC0, 0x1EBE, 0x1EC2, 0x1EC4, 0x1EC6 } },
    { 'I', 0,      { 'I',    0x00CC, 0x00CD, 0x1EC8, 0x0128, 0x1ECA } },
    { 'O', 0,      { 'O',    0x00D2, 0x00D3, 0x1ECE, 0x00D5, 0x1ECC } },
    { 'O', 0x0302, { 0x00D4, 0x1ED2, 0x1ED0, 0x1ED4, 0x1ED6, 0x1ED8 } },
    { 'O', 0x031B, { 0x01A0, 0x1EDC, 0x1EDA, 0x1EDE, 0x1EE0, 0x1EE2 } },
    { 'U', 0,      { 'U',    0x00D9, 0x00DA, 0x1EE6, 0x0168, 0x1EE4 } },
    { 'U', 0x031B, { 0x01AF, 0x1EEA, 0x1EE8, 0x1EEC, 0x1EEE, 0x1EF0 } },
    { 'Y', 0,      { 'Y',    0x1EF2, 0x00DD, 0x1EF6, 0x1EF8, 0x1EF4 } },
    { 'a', 0,      { 'a',    0x00E0, 0x00E1, 0x1EA3, 0x00E3, 0x1EA1 } },
    { 'a', 0x0306, { 0x0103, 0x1EB1, 0x1EAF, 0x1EB3, 0x1EB5, 0x1EB7 } },
    { 'a', 0x0302, { 0x00E2, 0x1EA7, 0x1EA5, 0x1EA9, 0x1EAB, 0x1EAD } },
    { 'e', 0,      { 'e',    0x00E8, 0x00E9, 0x1EBB, 0x1EBD, 0x1EB9 } },
    { 'e', 0x0302, { 0x00EA, 0x1EC1, 0x1EBF, 0x1EC3, 0x1EC5, 0x1EC7 } },
    { 'i', 0,      { 'i',    0x00EC, 0x00ED, 0x1EC9, 0x0129, 0x1ECB } },
    { 'o', 0,      { 'o',    0x00F2, 0x00F3, 0x1ECF, 0x00F5, 0x1ECD } },
    { 'o', 0x0302, { 0x00F4, 0x1ED3, 0x1ED1, 0x1ED5, 0x1ED7, 0x1ED9 } },
    { 'o', 0x031B, { 0x01A1, 0x1EDD, 0x1EDB, 0x1EDF, 0x1EE1, 0x1EE3 } },
    { 'u', 0,      { 'u',    0x00F9, 0x00FA, 0x1EE7, 0x0169, 0x1EE5 } },
    { 'u', 0x031B, { 0x01B0, 0x1EEB, 0x1EE9, 0x1EED, 0x1EEF, 0x1EF1 } },
    { 'y', 0,      { 'y',    0x1EF3, 0x00FD, 0x1EF7, 0x1EF9, 0x1EF5 } },
};

#define ROWS ((int)(sizeof rows / sizeof rows[0]))
#define LOWER_FROM 12       /* row + 12 is its lower case */
#define D_STROKE 0x0110
#define D_STROKE_LOWER 0x0111

static const unsigned tone_marks[TONES] = { 0, 0x0300, 0x0301, 0x0309, 0x0303, 0x0323 };

static int find(unsigned point, int *row, int *tone)
{
    for (int r = 0; r < ROWS; r++)
        for (int t = 0; t < TONES; t++)
            if (rows[r].letter[t] == point) {
                *row = r;
                *tone = t;
                return 1;
            }
    return 0;
}

int sgn_text_next(unsigned *point, const char *text)
{
    const unsigned char *s = (const unsigned char *)text;
    unsigned c = s[0], value, low;
    int more;

    *point = 0xFFFD;
    if (c == 0)
        return *point = 0, 0;
    if (c < 0x80)
        return *point = c, 1;
    if (c >= 0xC2 && c <= 0xDF)
        more = 1, value = c & 0x1F, low = 0x80;
    else if (c >= 0xE0 && c <= 0xEF)
        more = 2, value = c & 0x0F, low = 0x800;
    else if (c >= 0xF0 && c <= 0xF4)
        more = 3, value = c & 0x07, low = 0x10000;
    else
        return 1;
    for (int i = 1; i <= more; i++) {
        if ((s[i] & 0xC0) != 0x80)
            return 1;
        value = value << 6 | (s[i] & 0x3F);
    }
    if (value < low || value > 0x10FFFF || (value >= 0xD800 && value <= 0xDFFF))
        return 1;
    *point = value;
    return more + 1;
}

void sgn_text_put(sgn_buf_t *buf, unsigned point)
{
    if (point < 0x80) {
        sgn_buf_byte(buf, (int)point);
    } else if (point < 0x800) {
        sgn_buf_byte(buf, (int)(0xC0 | point >> 6));
        sgn_buf_byte(buf, (int)(0x80 | (point & 0x3F)));
    } else if (point < 0x10000) {
        sgn_buf_byte(buf, (int)(0xE0 | point >> 12));
        sgn_buf_byte(buf, (int)(0x80 | (point >> 6 & 0x3F)));
        sgn_buf_byte(buf, (int)(0x80 | (point & 0x3F)));
    } else {
        sgn_buf_byte(buf, (int)(0xF0 | point >> 18));
        sgn_buf_byte(buf, (int)(0x80 | (point >> 12 & 0x3F)));
        sgn_buf_byte(buf, (int)(0x80 | (point >> 6 & 0x3F)));
        sgn_buf_byte(buf, (int)(0x80 | (point & 0x3F)));
    }
}

int sgn_text_is_utf8(const char *text, size_t len)
{
    size_t at = 0;

    while (at < len) {
        unsigned point;
        int step;

        if (text[at] == '\0')
            return 0;
        step = sgn_text_next(&point, text + at);
        /* U+FFFD itself takes three bytes; a one-byte step with it is an error. */
        if ((point == 0xFFFD && step == 1) || at + (size_t)step > len)
            return 0;
        at += (size_t)step;
    }
    return 1;
}

size_t sgn_text_length(const char *text)
{
    unsigned point;
    size_t count = 0;
    int step;

    while ((step = sgn_text_next(&point, text)) > 0) {
        text += step;
        count++;
    }
    return count;
}

static const char *done(sgn_buf_t *buf)
{
    sgn_bytes_t bytes;

    return sgn_buf_bytes(&bytes, buf) ? "" : (const char *)bytes.data;
}

/* The row of the letter with this base and shape. */
static int row_of(char base, unsigned shape)
{
    for (int r = 0; r < ROWS; r++)
        if (rows[r].base == base && rows[r].shape == shape)
            return r;
    return -1;
}

/* Takes the combining marks behind a letter into it, in any order. */
static unsigned compose(unsigned letter, const char **at)
{
    int row, tone;

    if (!find(letter, &row, &tone))
        return letter;
    for (;;) {
        unsigned mark;
        int step = sgn_text_next(&mark, *at), taken = 0;

        if (step == 0)
            break;
        for (int t = 1; t < TONES && tone == TONE_NONE; t++)
            if (tone_marks[t] == mark) {
                tone = t;
                taken = 1;
            }
        if (!taken && rows[row].shape == 0) {
            int other = row_of(rows[row].base, mark);

            if (mark && other >= 0) {
                row = other;
                taken = 1;
            }
        }
        if (!taken)
            break;
        *at += step;
    }
    return rows[row].letter[tone];
}

static int is_plain(const char *text)
{
    while (*text > 0)
        text++;
    return *text == 0;
}

const char *sgn_text_nfc(const char *text, apr_pool_t *pool)
{
    sgn_buf_t *buf;
    unsigned point;
    int step;

    if (is_plain(text))
        return apr_pstrdup(pool, text);
    buf = sgn_buf_make(0, pool);
    while ((step = sgn_text_next(&point, text)) > 0) {
        text += step;
        sgn_text_put(buf, compose(point, &text));
    }
    return done(buf);
}

static unsigned lower(unsigned point)
{
    int row, tone;

    if (point < 0x80)
        return point >= 'A' && point <= 'Z' ? point + 32 : point;
    if (point == D_STROKE)
        return D_STROKE_LOWER;
    if (find(point, &row, &tone) && row < LOWER_FROM)
        return rows[row + LOWER_FROM].letter[tone];
    if (point >= 0xC0 && point <= 0xDE && point != 0xD7)
        return point + 32;
    return point;
}

const char *sgn_text_lower(const char *text, apr_pool_t *pool)
{
    sgn_buf_t *buf = sgn_buf_make(0, pool);
    unsigned point;
    int step;

    while ((step = sgn_text_next(&point, text)) > 0) {
        text += step;
        sgn_text_put(buf, lower(point));
    }
    return done(buf);
}

static int is_mark(unsigned point)
{
    return point >= 0x0300 && point <= 0x036F;
}

const char *sgn_text_fold(const char *text, apr_pool_t *pool)
{
    sgn_buf_t *buf = sgn_buf_make(0, pool);
    unsigned point;
    int step, row, tone;

    while ((step = sgn_text_next(&point, text)) > 0) {
        text += step;
        if (is_mark(point))
            continue;
        point = lower(point);
        if (point == D_STROKE_LOWER)
            point = 'd';
        else if (point >= 0x80 && find(point, &row, &tone))
            point = (unsigned char)rows[row].base;
        sgn_text_put(buf, point);
    }
    return done(buf);
}

int sgn_text_has_vietnamese(const char *text)
{
    unsigned point;
    int step, row, tone;

    while ((step = sgn_text_next(&point, text)) > 0) {
        text += step;
        if (point == D_STROKE || point == D_STROKE_LOWER || is_mark(point) ||
            (point >= 0x80 && find(point, &row, &tone)))
            return 1;
    }
    return 0;
}
