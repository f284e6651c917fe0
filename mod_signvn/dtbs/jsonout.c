#include <stdio.h>
#include <string.h>

#include "dtbs/encode.h"
#include "dtbs/jsonout.h"

static void put(sgn_jsonout_t *out, const char *text, size_t len)
{
    if (out->fault)
        return;
    if (out->cap - out->len < len + 1) {
        out->fault = SGN_FAULT_LIMIT;
        return;
    }
    memcpy(out->text + out->len, text, len);
    out->len += len;
    out->text[out->len] = '\0';
}

static void put_quoted(sgn_jsonout_t *out, const char *value, size_t len)
{
    size_t from = 0;

    if (!sgn_encode_is_utf8(value, len)) {
        if (!out->fault)
            out->fault = SGN_FAULT_UTF8;
        return;
    }
    put(out, "\"", 1);
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)value[i];
        char escape[8];
        int n;

        if (c >= 0x20 && c != '"' && c != '\\' && c != 0x7f)
            continue;
        put(out, value + from, i - from);
        from = i + 1;
        if (c == '"' || c == '\\')
            n = snprintf(escape, sizeof escape, "\\%c", c);
        else
            n = snprintf(escape, sizeof escape, "\\u%04x", c);
        put(out, escape, (size_t)n);
    }
    put(out, value + from, len - from);
    put(out, "\"", 1);
}

/* The comma and the name before a value. */
static void lead(sgn_jsonout_t *out, const char *name)
{
    if (out->filled[out->depth])
        put(out, ",", 1);
    out->filled[out->depth] = 1;
    if (name) {
        put_quoted(out, name, strlen(name));
        put(out, ":", 1);
    }
}

void sgn_jsonout(sgn_jsonout_t *out, char *buf, size_t cap)
{
    memset(out, 0, sizeof *out);
    out->text = buf;
    out->cap = cap;
    if (cap == 0)
        out->fault = SGN_FAULT_LIMIT;
    else
        buf[0] = '\0';
}

void sgn_jsonout_open(sgn_jsonout_t *out, const char *name, char bracket)
{
    if (out->fault)
        return;
    if (out->depth >= (int)sizeof out->closers) {
        out->fault = SGN_FAULT_LIMIT;
        return;
    }
    lead(out, name);
    put(out, &bracket, 1);
    out->closers[out->depth++] = bracket == '{' ? '}' : ']';
    out->filled[out->depth] = 0;
}

void sgn_jsonout_close(sgn_jsonout_t *out)
{
    if (out->fault)
        return;
    if (out->depth == 0) {
        out->fault = SGN_FAULT_SYNTAX;
        return;
    }
    put(out, &out->closers[--out->depth], 1);
}

void sgn_jsonout_strn(sgn_jsonout_t *out, const char *name, const char *value, size_t len)
{
    lead(out, name);
    put_quoted(out, value, len);
}

void sgn_jsonout_str(sgn_jsonout_t *out, const char *name, const char *value)
{
    sgn_jsonout_strn(out, name, value, strlen(value));
}

void sgn_jsonout_int(sgn_jsonout_t *out, const char *name, int64_t value)
{
    char text[24];
    int n = snprintf(text, sizeof text, "%lld", (long long)value);

    lead(out, name);
    put(out, text, (size_t)n);
}

void sgn_jsonout_bool(sgn_jsonout_t *out, const char *name, int value)
{
    lead(out, name);
    put(out, value ? "true" : "false", value ? 4 : 5);
}

typedef int (*encoder_t)(char *out, size_t cap, const void *data, size_t len);

static void put_encoded(sgn_jsonout_t *out, const char *name, encoder_t encoder, const void *data, size_t len)
{
    int fault;

    lead(out, name);
    put(out, "\"", 1);
    if (out->fault)
        return;
    fault = encoder(out->text + out->len, out->cap - out->len, data, len);
    if (fault) {
        out->text[out->len] = '\0';
        out->fault = fault;
        return;
    }
    out->len += strlen(out->text + out->len);
    put(out, "\"", 1);
}

void sgn_jsonout_base64(sgn_jsonout_t *out, const char *name, const void *data, size_t len)
{
    put_encoded(out, name, sgn_encode_base64, data, len);
}

void sgn_jsonout_base64url(sgn_jsonout_t *out, const char *name, const void *data, size_t len)
{
    put_encoded(out, name, sgn_encode_base64url, data, len);
}

void sgn_jsonout_hex(sgn_jsonout_t *out, const char *name, const void *data, size_t len)
{
    put_encoded(out, name, sgn_encode_hex, data, len);
}

int sgn_jsonout_end(sgn_jsonout_t *out)
{
    if (!out->fault && out->depth)
        out->fault = SGN_FAULT_SYNTAX;
    return out->fault;
}
