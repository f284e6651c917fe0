#include <stdint.h>

#include "dtbs/encode.h"

static const char standard[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char url[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

static int encode(char *out, size_t cap, const unsigned char *data, size_t len,
                  const char *alphabet, int padded)
{
    size_t o = 0, need = (len / 3) * 4 + (len % 3 ? (padded ? 4 : len % 3 + 1) : 0);

    if (len > SIZE_MAX / 2 || cap < need + 1)
        return SGN_FAULT_LIMIT;
    for (size_t i = 0; i < len; i += 3) {
        unsigned n = (unsigned)(len - i > 3 ? 3 : len - i);
        unsigned v = (unsigned)data[i] << 16;

        if (n > 1)
            v |= (unsigned)data[i + 1] << 8;
        if (n > 2)
            v |= data[i + 2];
        for (unsigned k = 0; k < 4; k++) {
            if (k <= n)
                out[o++] = alphabet[(v >> (18 - 6 * k)) & 63];
            else if (padded)
                out[o++] = '=';
        }
    }
    out[o] = '\0';
    return SGN_FAULT_NONE;
}

static int digit(char c, const char *alphabet)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    if (c == alphabet[62])
        return 62;
    if (c == alphabet[63])
        return 63;
    return -1;
}

/* text without padding */
static int decode(unsigned char *out, size_t cap, size_t *out_len,
                  const char *text, size_t len, const char *alphabet)
{
    size_t o = 0;
    unsigned v = 0, bits = 0;

    if (len % 4 == 1)
        return SGN_FAULT_ENCODING;
    if (len / 4 * 3 + (len % 4 ? len % 4 - 1 : 0) > cap)
        return SGN_FAULT_LIMIT;
    for (size_t i = 0; i < len; i++) {
        int d = digit(text[i], alphabet);

        if (d < 0)
            return SGN_FAULT_ENCODING;
        v = (v << 6 | (unsigned)d) & 0xffffffu;
        bits += 6;
        if (bits >= 8) {
            bits -= 8;
            out[o++] = (unsigned char)(v >> bits);
        }
    }
    /* one text per value: the bits left over are zero  [RFC 4648, 3.5] */
    if (v & ((1u << bits) - 1))
        return SGN_FAULT_ENCODING;
    *out_len = o;
    return SGN_FAULT_NONE;
}

int sgn_encode_base64(char *out, size_t cap, const void *data, size_t len)
{
    return encode(out, cap, data, len, standard, 1);
}

int sgn_encode_base64url(char *out, size_t cap, const void *data, size_t len)
{
    return encode(out, cap, data, len, url, 0);
}

int sgn_encode_hex(char *out, size_t cap, const void *data, size_t len)
{
    static const char digits[] = "0123456789abcdef";
    const unsigned char *in = data;

    if (len > SIZE_MAX / 2 - 1 || cap < 2 * len + 1)
        return SGN_FAULT_LIMIT;
    for (size_t i = 0; i < len; i++) {
        out[2 * i] = digits[in[i] >> 4];
        out[2 * i + 1] = digits[in[i] & 15];
    }
    out[2 * len] = '\0';
    return SGN_FAULT_NONE;
}

int sgn_encode_from_base64(unsigned char *out, size_t cap, size_t *out_len, const char *text, size_t len)
{
    if (len % 4)
        return SGN_FAULT_ENCODING;
    if (len && text[len - 1] == '=') {
        len--;
        if (text[len - 1] == '=')
            len--;
    }
    return decode(out, cap, out_len, text, len, standard);
}

int sgn_encode_from_base64url(unsigned char *out, size_t cap, size_t *out_len, const char *text, size_t len)
{
    return decode(out, cap, out_len, text, len, url);
}

int sgn_encode_from_hex(unsigned char *out, size_t cap, size_t *out_len, const char *text, size_t len)
{
    if (len % 2)
        return SGN_FAULT_ENCODING;
    if (len / 2 > cap)
        return SGN_FAULT_LIMIT;
    for (size_t i = 0; i < len; i++) {
        int c = text[i], d;

        if (c >= '0' && c <= '9')
            d = c - '0';
        else if (c >= 'a' && c <= 'f')
            d = c - 'a' + 10;
        else
            return SGN_FAULT_ENCODING;
        out[i / 2] = (unsigned char)(i % 2 ? out[i / 2] | d : d << 4);
    }
    *out_len = len / 2;
    return SGN_FAULT_NONE;
}

int sgn_encode_is_utf8(const char *text, size_t len)
{
    const unsigned char *s = (const unsigned char *)text;

    for (size_t i = 0; i < len;) {
        unsigned c = s[i], more, least, point;

        if (c < 0x80) {
            i++;
            continue;
        }
        if (c >= 0xc2 && c <= 0xdf)
            more = 1, least = 0x80, point = c & 0x1f;
        else if (c >= 0xe0 && c <= 0xef)
            more = 2, least = 0x800, point = c & 0x0f;
        else if (c >= 0xf0 && c <= 0xf4)
            more = 3, least = 0x10000, point = c & 0x07;
        else
            return 0;
        if (len - i <= more)
            return 0;
        for (unsigned k = 1; k <= more; k++) {
            if ((s[i + k] & 0xc0) != 0x80)
                return 0;
            point = point << 6 | (s[i + k] & 0x3fu);
        }
        if (point < least || point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff))
            return 0;
        i += more + 1;
    }
    return 1;
}
