/* buf.c: bytes, growing buffers, hex and base64. */
#include "base/buf.h"

#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <apr_strings.h>

#define DEFAULT_LIMIT ((size_t)64 << 20)

sgn_bytes_t sgn_bytes(const void *data, size_t len)
{
    sgn_bytes_t bytes = { .data = data, .len = len };

    return bytes;
}

sgn_bytes_t sgn_bytes_str(const char *text)
{
    return sgn_bytes(text, text ? strlen(text) : 0);
}

int sgn_bytes_equal(sgn_bytes_t a, sgn_bytes_t b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

sgn_bytes_t sgn_bytes_dup(sgn_bytes_t bytes, apr_pool_t *pool)
{
    unsigned char *copy = apr_palloc(pool, bytes.len + 1);

    if (bytes.len)
        memcpy(copy, bytes.data, bytes.len);
    copy[bytes.len] = 0;
    return sgn_bytes(copy, bytes.len);
}

const char *sgn_bytes_hex(sgn_bytes_t bytes, apr_pool_t *pool)
{
    static const char digits[] = "0123456789abcdef";
    char *text = apr_palloc(pool, bytes.len * 2 + 1);

    for (size_t i = 0; i < bytes.len; i++) {
        text[2 * i] = digits[bytes.data[i] >> 4];
        text[2 * i + 1] = digits[bytes.data[i] & 15];
    }
    text[bytes.len * 2] = '\0';
    return text;
}

static const char standard[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char urlsafe[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

static const char *encode(sgn_bytes_t in, const char *alphabet, int padding, apr_pool_t *pool)
{
    char *text = apr_palloc(pool, (in.len + 2) / 3 * 4 + 1), *out = text;

    for (size_t i = 0; i < in.len; i += 3) {
        size_t left = in.len - i;
        unsigned long bits = (unsigned long)in.data[i] << 16;

        if (left > 1)
            bits |= (unsigned long)in.data[i + 1] << 8;
        if (left > 2)
            bits |= in.data[i + 2];
        *out++ = alphabet[bits >> 18 & 63];
        *out++ = alphabet[bits >> 12 & 63];
        if (left > 1)
            *out++ = alphabet[bits >> 6 & 63];
        else if (padding)
            *out++ = '=';
        if (left > 2)
            *out++ = alphabet[bits & 63];
        else if (padding)
            *out++ = '=';
    }
    *out = '\0';
    return text;
}

const char *sgn_bytes_base64(sgn_bytes_t bytes, apr_pool_t *pool)
{
    return encode(bytes, standard, 1, pool);
}

const char *sgn_bytes_base64url(sgn_bytes_t bytes, apr_pool_t *pool)
{
    return encode(bytes, urlsafe, 0, pool);
}

static int hex_digit(int c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

sgn_error_t *sgn_bytes_from_hex(sgn_bytes_t *out, const char *text, apr_pool_t *pool)
{
    size_t len = strlen(text);
    unsigned char *data = apr_palloc(pool, len / 2 + 1);

    if (len % 2)
        return SGN_ERROR(pool, SGN_ENCODING, "hex of odd length");
    for (size_t i = 0; i < len; i += 2) {
        int high = hex_digit(text[i]), low = hex_digit(text[i + 1]);

        if (high < 0 || low < 0)
            return SGN_ERROR(pool, SGN_ENCODING, "no hex digit at %" APR_SIZE_T_FMT, i);
        data[i / 2] = (unsigned char)(high << 4 | low);
    }
    data[len / 2] = 0;
    *out = sgn_bytes(data, len / 2);
    return NULL;
}

/* The value of each character in an alphabet, -1 for strangers; built per call
 * on the stack: no mutable globals. */
static void invert(signed char table[256], const char *alphabet)
{
    memset(table, -1, 256);
    for (int i = 0; i < 64; i++)
        table[(unsigned char)alphabet[i]] = (signed char)i;
}

static sgn_error_t *decode(sgn_bytes_t *out, const char *text, const char *alphabet,
                           int padding, apr_pool_t *pool)
{
    size_t len = strlen(text), used = 0, filled = 0, pads = 0;
    unsigned char *data = apr_palloc(pool, len / 4 * 3 + 4);
    signed char table[256];
    unsigned long bits = 0;

    invert(table, alphabet);
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];

        if (padding && (c == '\n' || c == '\r'))
            continue;
        if (padding && c == '=') {
            pads++;
            continue;
        }
        if (pads || table[c] < 0)
            return SGN_ERROR(pool, SGN_ENCODING, "no base64 at %" APR_SIZE_T_FMT, i);
        bits = bits << 6 | (unsigned long)table[c];
        if (++used % 4 == 0) {
            data[filled++] = (unsigned char)(bits >> 16);
            data[filled++] = (unsigned char)(bits >> 8);
            data[filled++] = (unsigned char)bits;
            bits = 0;
        }
    }
    switch (used % 4) {
    case 1:
        return SGN_ERROR(pool, SGN_ENCODING, "base64 is cut");
    case 2:
        if (bits & 15)
            return SGN_ERROR(pool, SGN_ENCODING, "base64 ends in stray bits");
        data[filled++] = (unsigned char)(bits >> 4);
        break;
    case 3:
        if (bits & 3)
            return SGN_ERROR(pool, SGN_ENCODING, "base64 ends in stray bits");
        data[filled++] = (unsigned char)(bits >> 10);
        data[filled++] = (unsigned char)(bits >> 2);
        break;
    }
    if (padding && pads != (4 - used % 4) % 4)
        return SGN_ERROR(pool, SGN_ENCODING, "base64 is wrongly padded");
    data[filled] = 0;
    *out = sgn_bytes(data, filled);
    return NULL;
}

sgn_error_t *sgn_bytes_from_base64(sgn_bytes_t *out, const char *text, apr_pool_t *pool)
{
    return decode(out, text, standard, 1, pool);
}

sgn_error_t *sgn_bytes_from_base64url(sgn_bytes_t *out, const char *text, apr_pool_t *pool)
{
    return decode(out, text, urlsafe, 0, pool);
}

sgn_buf_t *sgn_buf_make(size_t limit, apr_pool_t *pool)
{
    sgn_buf_t *buf = apr_pcalloc(pool, sizeof *buf);

    buf->limit = limit ? limit : DEFAULT_LIMIT;
    buf->pool = pool;
    return buf;
}

/* Room for len more bytes and a NUL, or `full`. */
static int reserve(sgn_buf_t *buf, size_t len)
{
    size_t cap = buf->cap ? buf->cap : 256;
    unsigned char *data;

    if (buf->full || len > buf->limit - buf->len) {
        buf->full = 1;
        return 0;
    }
    if (buf->len + len + 1 <= buf->cap)
        return 1;
    while (cap < buf->len + len + 1)
        cap *= 2;
    data = apr_palloc(buf->pool, cap);
    if (buf->len)
        memcpy(data, buf->data, buf->len);
    buf->data = data;
    buf->cap = cap;
    return 1;
}

void sgn_buf_add(sgn_buf_t *buf, const void *data, size_t len)
{
    if (!reserve(buf, len))
        return;
    if (len)
        memcpy(buf->data + buf->len, data, len);
    buf->len += len;
    buf->data[buf->len] = 0;
}

void sgn_buf_str(sgn_buf_t *buf, const char *text)
{
    sgn_buf_add(buf, text, strlen(text));
}

void sgn_buf_byte(sgn_buf_t *buf, int byte)
{
    unsigned char c = (unsigned char)byte;

    sgn_buf_add(buf, &c, 1);
}

void sgn_buf_printf(sgn_buf_t *buf, const char *format, ...)
{
    va_list args, again;
    int len;

    va_start(args, format);
    va_copy(again, args);
    len = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (len >= 0 && reserve(buf, (size_t)len)) {
        vsnprintf((char *)buf->data + buf->len, (size_t)len + 1, format, again);
        buf->len += (size_t)len;
    }
    va_end(again);
}

sgn_error_t *sgn_buf_bytes(sgn_bytes_t *out, sgn_buf_t *buf)
{
    if (buf->full)
        return SGN_ERROR(buf->pool, SGN_TOO_LARGE, "over %" APR_SIZE_T_FMT " bytes", buf->limit);
    if (!buf->data)
        sgn_buf_add(buf, "", 0);
    *out = sgn_bytes(buf->data, buf->len);
    return NULL;
}
