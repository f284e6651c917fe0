#include <string.h>

#include "dtbs/encode.h"
#include "dtbs/jsonbuf.h"

#define DEPTH 16

typedef struct {
    sgn_jsonbuf_t *json;
    size_t at;
} reader_t;

static void blank(reader_t *in)
{
    while (in->at < in->json->len && strchr(" \t\r\n", in->json->text[in->at]) && in->json->text[in->at])
        in->at++;
}

static int here(const reader_t *in)
{
    return in->at < in->json->len ? (unsigned char)in->json->text[in->at] : -1;
}

static int hex4(unsigned *out, const char *s)
{
    unsigned v = 0;

    for (int i = 0; i < 4; i++) {
        char c = s[i];

        v <<= 4;
        if (c >= '0' && c <= '9')
            v |= (unsigned)(c - '0');
        else if (c >= 'a' && c <= 'f')
            v |= (unsigned)(c - 'a' + 10);
        else if (c >= 'A' && c <= 'F')
            v |= (unsigned)(c - 'A' + 10);
        else
            return SGN_FAULT_SYNTAX;
    }
    *out = v;
    return SGN_FAULT_NONE;
}

/* One character of a string's inside: its code point (bytes of UTF-8 are given
 * one by one) and how much of the text it took. */
static int unescape(unsigned *point, size_t *used, int *escaped, const char *s, size_t left)
{
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    const char *found;

    *escaped = 0;
    *used = 1;
    *point = (unsigned char)s[0];
    if (s[0] != '\\')
        return (unsigned char)s[0] < 0x20 ? SGN_FAULT_SYNTAX : SGN_FAULT_NONE;
    *escaped = 1;
    if (left < 2)
        return SGN_FAULT_SYNTAX;
    *used = 2;
    if (s[1] != 'u') {
        found = s[1] ? strchr(from, s[1]) : NULL;
        if (!found)
            return SGN_FAULT_SYNTAX;
        *point = (unsigned char)to[found - from];
        return SGN_FAULT_NONE;
    }
    if (left < 6)
        return SGN_FAULT_SYNTAX;
    *used = 6;
    SGN_FAULT_TRY(hex4(point, s + 2));
    if (*point >= 0xd800 && *point <= 0xdbff) {
        unsigned low;

        if (left < 12 || s[6] != '\\' || s[7] != 'u')
            return SGN_FAULT_UTF8;
        SGN_FAULT_TRY(hex4(&low, s + 8));
        if (low < 0xdc00 || low > 0xdfff)
            return SGN_FAULT_UTF8;
        *used = 12;
        *point = 0x10000 + ((*point - 0xd800) << 10) + (low - 0xdc00);
    } else if (*point >= 0xdc00 && *point <= 0xdfff) {
        return SGN_FAULT_UTF8;
    }
    return *point ? SGN_FAULT_NONE : SGN_FAULT_UTF8;
}

static unsigned to_utf8(char out[4], unsigned point)
{
    if (point < 0x80) {
        out[0] = (char)point;
        return 1;
    }
    if (point < 0x800) {
        out[0] = (char)(0xc0 | point >> 6);
        out[1] = (char)(0x80 | (point & 0x3f));
        return 2;
    }
    if (point < 0x10000) {
        out[0] = (char)(0xe0 | point >> 12);
        out[1] = (char)(0x80 | (point >> 6 & 0x3f));
        out[2] = (char)(0x80 | (point & 0x3f));
        return 3;
    }
    out[0] = (char)(0xf0 | point >> 18);
    out[1] = (char)(0x80 | (point >> 12 & 0x3f));
    out[2] = (char)(0x80 | (point >> 6 & 0x3f));
    out[3] = (char)(0x80 | (point & 0x3f));
    return 4;
}

/* The next bytes of a string's value; 0 at its end.  The inside was checked. */
static unsigned next_bytes(char out[4], const char *text, const sgn_jsonbuf_node_t *node, size_t *at)
{
    unsigned point;
    size_t used;
    int escaped;

    if (*at >= node->len)
        return 0;
    if (unescape(&point, &used, &escaped, text + node->start + *at, node->len - *at))
        return 0;
    *at += used;
    if (!escaped) {
        out[0] = (char)point;
        return 1;
    }
    return to_utf8(out, point);
}

static int same_string(const sgn_jsonbuf_t *json, const sgn_jsonbuf_node_t *a, const sgn_jsonbuf_node_t *b)
{
    char x[4], y[4];
    size_t i = 0, k = 0;
    unsigned n = 0, m = 0, at = 0, bt = 0;

    for (;;) {
        if (at == n) {
            n = next_bytes(x, json->text, a, &i);
            at = 0;
        }
        if (bt == m) {
            m = next_bytes(y, json->text, b, &k);
            bt = 0;
        }
        if (n == 0 || m == 0)
            return n == m;
        if (x[at++] != y[bt++])
            return 0;
    }
}

static int add_node(unsigned *index, sgn_jsonbuf_t *json, sgn_jsonbuf_type_t type, size_t start)
{
    if (json->used >= json->cap)
        return SGN_FAULT_LIMIT;
    *index = json->used++;
    json->nodes[*index].type = (unsigned char)type;
    json->nodes[*index].start = (unsigned)start;
    json->nodes[*index].len = 0;
    json->nodes[*index].count = 0;
    json->nodes[*index].next = *index + 1;
    return SGN_FAULT_NONE;
}

static int read_string(reader_t *in)
{
    sgn_jsonbuf_t *json = in->json;
    unsigned index;
    size_t start = ++in->at;

    SGN_FAULT_TRY(add_node(&index, json, SGN_JSONBUF_STRING, start));
    for (;;) {
        unsigned point;
        size_t used;
        int escaped, c = here(in);

        if (c < 0)
            return SGN_FAULT_SHORT;
        if (c == '"')
            break;
        SGN_FAULT_TRY(unescape(&point, &used, &escaped, json->text + in->at, json->len - in->at));
        in->at += used;
    }
    json->nodes[index].len = (unsigned)(in->at - start);
    in->at++;
    return SGN_FAULT_NONE;
}

static int digits(reader_t *in)
{
    size_t start = in->at;

    while (here(in) >= '0' && here(in) <= '9')
        in->at++;
    return in->at > start ? SGN_FAULT_NONE : SGN_FAULT_SYNTAX;
}

static int read_number(reader_t *in)
{
    unsigned index;
    size_t start = in->at;

    SGN_FAULT_TRY(add_node(&index, in->json, SGN_JSONBUF_NUMBER, start));
    if (here(in) == '-')
        in->at++;
    if (here(in) == '0') {
        in->at++;
        if (here(in) >= '0' && here(in) <= '9')
            return SGN_FAULT_SYNTAX;
    } else {
        SGN_FAULT_TRY(digits(in));
    }
    if (here(in) == '.') {
        in->at++;
        SGN_FAULT_TRY(digits(in));
    }
    if (here(in) == 'e' || here(in) == 'E') {
        in->at++;
        if (here(in) == '+' || here(in) == '-')
            in->at++;
        SGN_FAULT_TRY(digits(in));
    }
    in->json->nodes[index].len = (unsigned)(in->at - start);
    return SGN_FAULT_NONE;
}

static int read_word(reader_t *in)
{
    static const struct { const char *word; sgn_jsonbuf_type_t type; } words[] = {
        { "null", SGN_JSONBUF_NULL }, { "false", SGN_JSONBUF_FALSE }, { "true", SGN_JSONBUF_TRUE }
    };
    unsigned index;

    for (int i = 0; i < 3; i++) {
        size_t n = strlen(words[i].word);

        if (in->json->len - in->at >= n && memcmp(in->json->text + in->at, words[i].word, n) == 0) {
            SGN_FAULT_TRY(add_node(&index, in->json, words[i].type, in->at));
            in->json->nodes[index].len = (unsigned)n;
            in->at += n;
            return SGN_FAULT_NONE;
        }
    }
    return SGN_FAULT_SYNTAX;
}

static int read_value(reader_t *in, int depth);

/* The name of a member, which its siblings may not have. */
static int read_name(reader_t *in, unsigned object)
{
    sgn_jsonbuf_t *json = in->json;
    unsigned name = json->used, other = object + 1;

    if (here(in) != '"')
        return SGN_FAULT_SYNTAX;
    SGN_FAULT_TRY(read_string(in));
    for (unsigned i = 0; i < json->nodes[object].count; i++) {
        if (same_string(json, &json->nodes[other], &json->nodes[name]))
            return SGN_FAULT_TWICE;
        other = json->nodes[other + 1].next;
    }
    blank(in);
    if (here(in) != ':')
        return SGN_FAULT_SYNTAX;
    in->at++;
    return SGN_FAULT_NONE;
}

static int read_container(reader_t *in, int depth, sgn_jsonbuf_type_t type)
{
    sgn_jsonbuf_t *json = in->json;
    int closer = type == SGN_JSONBUF_OBJECT ? '}' : ']';
    unsigned index;

    if (depth >= DEPTH)
        return SGN_FAULT_LIMIT;
    SGN_FAULT_TRY(add_node(&index, json, type, in->at));
    in->at++;
    blank(in);
    while (here(in) != closer) {
        if (json->nodes[index].count) {
            if (here(in) != ',')
                return here(in) < 0 ? SGN_FAULT_SHORT : SGN_FAULT_SYNTAX;
            in->at++;
            blank(in);
        }
        if (type == SGN_JSONBUF_OBJECT)
            SGN_FAULT_TRY(read_name(in, index));
        SGN_FAULT_TRY(read_value(in, depth + 1));
        json->nodes[index].count++;
        blank(in);
    }
    in->at++;
    json->nodes[index].len = (unsigned)(in->at - json->nodes[index].start);
    json->nodes[index].next = json->used;
    return SGN_FAULT_NONE;
}

static int read_value(reader_t *in, int depth)
{
    blank(in);
    switch (here(in)) {
    case -1:
        return SGN_FAULT_SHORT;
    case '{':
        return read_container(in, depth, SGN_JSONBUF_OBJECT);
    case '[':
        return read_container(in, depth, SGN_JSONBUF_ARRAY);
    case '"':
        return read_string(in);
    case '-': case '0': case '1': case '2': case '3': case '4':
    case '5': case '6': case '7': case '8': case '9':
        return read_number(in);
    default:
        return read_word(in);
    }
}

int sgn_jsonbuf_parse(sgn_jsonbuf_t *out, const char *text, size_t len,
                      sgn_jsonbuf_node_t *nodes, unsigned cap)
{
    reader_t in = { .json = out };

    out->text = text;
    out->len = len;
    out->nodes = nodes;
    out->cap = cap;
    out->used = 0;
    if (len > 0x7fffffff)
        return SGN_FAULT_LIMIT;
    if (!sgn_encode_is_utf8(text, len))
        return SGN_FAULT_UTF8;
    SGN_FAULT_TRY(read_value(&in, 0));
    blank(&in);
    return in.at == len ? SGN_FAULT_NONE : SGN_FAULT_TRAILING;
}

static const sgn_jsonbuf_node_t *node_of(const sgn_jsonbuf_t *json, int node)
{
    return node >= 0 && (unsigned)node < json->used ? &json->nodes[node] : NULL;
}

int sgn_jsonbuf_is(const sgn_jsonbuf_t *json, int node, sgn_jsonbuf_type_t type)
{
    const sgn_jsonbuf_node_t *n = node_of(json, node);

    return n && n->type == type;
}

static int is_name(const sgn_jsonbuf_t *json, const sgn_jsonbuf_node_t *node, const char *name)
{
    char bytes[4];
    size_t at = 0, k = 0, len = strlen(name);
    unsigned n;

    while ((n = next_bytes(bytes, json->text, node, &at)) != 0) {
        if (len - k < n || memcmp(bytes, name + k, n) != 0)
            return 0;
        k += n;
    }
    return k == len;
}

int sgn_jsonbuf_member(const sgn_jsonbuf_t *json, int object, const char *name)
{
    const sgn_jsonbuf_node_t *n = node_of(json, object);
    unsigned at = (unsigned)object + 1;

    if (!n || n->type != SGN_JSONBUF_OBJECT)
        return -1;
    for (unsigned i = 0; i < n->count; i++) {
        if (is_name(json, &json->nodes[at], name))
            return (int)at + 1;
        at = json->nodes[at + 1].next;
    }
    return -1;
}

int sgn_jsonbuf_item(const sgn_jsonbuf_t *json, int array, unsigned index)
{
    const sgn_jsonbuf_node_t *n = node_of(json, array);
    unsigned at = (unsigned)array + 1;

    if (!n || n->type != SGN_JSONBUF_ARRAY || index >= n->count)
        return -1;
    while (index--)
        at = json->nodes[at].next;
    return (int)at;
}

int sgn_jsonbuf_count(const sgn_jsonbuf_t *json, int node)
{
    const sgn_jsonbuf_node_t *n = node_of(json, node);

    if (!n || (n->type != SGN_JSONBUF_ARRAY && n->type != SGN_JSONBUF_OBJECT))
        return -1;
    return (int)n->count;
}

int sgn_jsonbuf_only(const sgn_jsonbuf_t *json, int object, const char *const *names)
{
    const sgn_jsonbuf_node_t *n = node_of(json, object);
    unsigned at = (unsigned)object + 1;

    if (!n)
        return SGN_FAULT_MISSING;
    if (n->type != SGN_JSONBUF_OBJECT)
        return SGN_FAULT_TYPE;
    for (unsigned i = 0; i < n->count; i++) {
        const char *const *name = names;

        while (*name && !is_name(json, &json->nodes[at], *name))
            name++;
        if (!*name)
            return SGN_FAULT_UNKNOWN;
        at = json->nodes[at + 1].next;
    }
    return SGN_FAULT_NONE;
}

static int string_node(const sgn_jsonbuf_node_t **out, const sgn_jsonbuf_t *json, int node)
{
    *out = node_of(json, node);
    if (!*out)
        return SGN_FAULT_MISSING;
    return (*out)->type == SGN_JSONBUF_STRING ? SGN_FAULT_NONE : SGN_FAULT_TYPE;
}

int sgn_jsonbuf_str(const sgn_jsonbuf_t *json, int node, char *out, size_t cap, size_t *out_len)
{
    const sgn_jsonbuf_node_t *n;
    char bytes[4];
    size_t at = 0, used = 0;
    unsigned got;

    SGN_FAULT_TRY(string_node(&n, json, node));
    while ((got = next_bytes(bytes, json->text, n, &at)) != 0) {
        if (cap - used < (size_t)got + 1)
            return SGN_FAULT_LIMIT;
        memcpy(out + used, bytes, got);
        used += got;
    }
    if (used >= cap)
        return SGN_FAULT_LIMIT;
    out[used] = '\0';
    if (out_len)
        *out_len = used;
    return SGN_FAULT_NONE;
}

int sgn_jsonbuf_int(const sgn_jsonbuf_t *json, int node, int64_t *out)
{
    const sgn_jsonbuf_node_t *n = node_of(json, node);
    const char *s;
    int64_t v = 0;
    unsigned i = 0;

    if (!n)
        return SGN_FAULT_MISSING;
    if (n->type != SGN_JSONBUF_NUMBER)
        return SGN_FAULT_TYPE;
    s = json->text + n->start;
    if (s[0] == '-')
        i++;
    for (; i < n->len; i++) {
        if (s[i] < '0' || s[i] > '9')
            return SGN_FAULT_TYPE;
        v = v * 10 + (s[i] - '0');
        if (v > (int64_t)1 << 53)
            return SGN_FAULT_VALUE;
    }
    *out = s[0] == '-' ? -v : v;
    return SGN_FAULT_NONE;
}

/* Encoded bytes need no escape, so the text itself is decoded. */
int sgn_jsonbuf_base64(const sgn_jsonbuf_t *json, int node, unsigned char *out, size_t cap, size_t *out_len)
{
    const sgn_jsonbuf_node_t *n;

    SGN_FAULT_TRY(string_node(&n, json, node));
    return sgn_encode_from_base64(out, cap, out_len, json->text + n->start, n->len);
}

int sgn_jsonbuf_base64url(const sgn_jsonbuf_t *json, int node, unsigned char *out, size_t cap, size_t *out_len)
{
    const sgn_jsonbuf_node_t *n;

    SGN_FAULT_TRY(string_node(&n, json, node));
    return sgn_encode_from_base64url(out, cap, out_len, json->text + n->start, n->len);
}

int sgn_jsonbuf_hex(const sgn_jsonbuf_t *json, int node, unsigned char *out, size_t cap, size_t *out_len)
{
    const sgn_jsonbuf_node_t *n;

    SGN_FAULT_TRY(string_node(&n, json, node));
    return sgn_encode_from_hex(out, cap, out_len, json->text + n->start, n->len);
}
