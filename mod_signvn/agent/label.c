#include <stdio.h>
#include <string.h>

#include "agent/label.h"
#include "dtbs/encode.h"

/* Invisible, or changes how the text around it is shown. */
static int is_hidden(unsigned point)
{
    static const struct { unsigned from, to; } ranges[] = {
        { 0x0000, 0x001f }, { 0x007f, 0x009f }, { 0x00ad, 0x00ad }, { 0x034f, 0x034f }, { 0x061c, 0x061c },
        { 0x115f, 0x1160 }, { 0x17b4, 0x17b5 }, { 0x180b, 0x180f }, { 0x200b, 0x200f }, { 0x2028, 0x202e },
        { 0x2060, 0x206f }, { 0x3164, 0x3164 }, { 0xfe00, 0xfe0f }, { 0xfeff, 0xfeff }, { 0xffa0, 0xffa0 },
        { 0xfff0, 0xfffb }, { 0xe0000, 0xe0fff }
    };

    for (size_t i = 0; i < sizeof ranges / sizeof ranges[0]; i++)
        if (point >= ranges[i].from && point <= ranges[i].to)
            return 1;
    return 0;
}

/* Length of the well-formed character at text, 0 when there is none. */
static size_t character(unsigned *point, const char *text, size_t left)
{
    unsigned char c = (unsigned char)text[0];
    size_t n = c < 0x80 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;

    if (n > left || !sgn_encode_is_utf8(text, n))
        return 0;
    *point = n == 1 ? c : n == 2 ? c & 0x1fu : n == 3 ? c & 0x0fu : c & 0x07u;
    for (size_t i = 1; i < n; i++)
        *point = *point << 6 | ((unsigned char)text[i] & 0x3fu);
    return n;
}

void sgn_label(char *out, size_t cap, const char *text)
{
    size_t len = strlen(text), at = 0, used = 0;

    for (unsigned count = 0; at < len; count++) {
        char piece[16];
        unsigned point = 0;
        size_t n = character(&point, text + at, len - at), width;

        if (count == SGN_LABEL_CHARACTERS) {
            width = (size_t)snprintf(piece, sizeof piece, "\xe2\x80\xa6");
            at = len;
        } else if (n == 0) {
            width = (size_t)snprintf(piece, sizeof piece, "\xef\xbf\xbd");
            at++;
        } else if (is_hidden(point)) {
            width = (size_t)snprintf(piece, sizeof piece, "\\u{%04X}", point);
            at += n;
        } else {
            memcpy(piece, text + at, n);
            width = n;
            at += n;
        }
        if (cap - used < width + 1)
            break;
        memcpy(out + used, piece, width);
        used += width;
    }
    if (cap)
        out[used] = '\0';
}

void sgn_label_assuan(char *out, size_t cap, const char *label)
{
    size_t used = 0;

    for (size_t at = 0; label[at];) {
        unsigned point;
        size_t n = character(&point, label + at, strlen(label + at)), width;
        int escape;

        if (n == 0) {
            at++;
            continue;
        }
        escape = n == 1 && (point < 0x20 || point == 0x7f || point == '%' || point == '"' || point == '\\');
        width = escape ? 3 : n;
        if (cap - used < width + 1)
            break;
        if (escape)
            snprintf(out + used, 4, "%%%02X", point);
        else
            memcpy(out + used, label + at, n);
        used += width;
        at += n;
    }
    if (cap)
        out[used] = '\0';
}

static int hex(unsigned char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return -1;
}

long sgn_label_unescape(unsigned char *text, size_t len)
{
    size_t used = 0;

    for (size_t i = 0; i < len; i++) {
        if (text[i] != '%') {
            text[used++] = text[i];
            continue;
        }
        if (len - i < 3 || hex(text[i + 1]) < 0 || hex(text[i + 2]) < 0)
            return -1;
        text[used++] = (unsigned char)(hex(text[i + 1]) << 4 | hex(text[i + 2]));
        i += 2;
    }
    return (long)used;
}
