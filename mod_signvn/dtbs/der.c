#include <stdio.h>
#include <stdint.h>
#include <string.h>

#include "dtbs/der.h"

sgn_der_t sgn_der(const void *data, size_t len)
{
    sgn_der_t der = { .at = data, .left = len };

    return der;
}

int sgn_der_any(sgn_der_t *in, unsigned *tag, sgn_der_t *content, sgn_der_t *whole)
{
    const unsigned char *p = in->at;
    size_t header = 2, len;

    if (in->left < 2)
        return SGN_FAULT_SHORT;
    if ((p[0] & 0x1f) == 0x1f)
        return SGN_FAULT_TAG;
    len = p[1];
    if (len & 0x80) {
        size_t n = len & 0x7f;

        /* [X.690, 10.1] definite, in the fewest bytes */
        if (n == 0 || n > 4)
            return SGN_FAULT_LENGTH;
        if (in->left < 2 + n)
            return SGN_FAULT_SHORT;
        len = 0;
        for (size_t i = 0; i < n; i++)
            len = len << 8 | p[2 + i];
        if (len < 0x80 || p[2] == 0)
            return SGN_FAULT_LENGTH;
        header += n;
    }
    if (len > SGN_DER_LIMIT)
        return SGN_FAULT_LIMIT;
    if (in->left - header < len)
        return SGN_FAULT_SHORT;
    *tag = p[0];
    *content = sgn_der(p + header, len);
    if (whole)
        *whole = sgn_der(p, header + len);
    in->at += header + len;
    in->left -= header + len;
    return SGN_FAULT_NONE;
}

int sgn_der_take(sgn_der_t *in, unsigned tag, sgn_der_t *content)
{
    sgn_der_t copy = *in, value;
    unsigned found;

    SGN_FAULT_TRY(sgn_der_any(&copy, &found, &value, NULL));
    if (found != tag)
        return SGN_FAULT_TAG;
    *in = copy;
    *content = value;
    return SGN_FAULT_NONE;
}

unsigned sgn_der_peek(const sgn_der_t *in)
{
    return in->left ? in->at[0] : 0;
}

int sgn_der_end(const sgn_der_t *in)
{
    return in->left ? SGN_FAULT_TRAILING : SGN_FAULT_NONE;
}

int sgn_der_equal(sgn_der_t a, const void *data, size_t len)
{
    return a.left == len && (len == 0 || memcmp(a.at, data, len) == 0);
}

int sgn_der_expect_oid(sgn_der_t *in, const unsigned char *oid, size_t len)
{
    sgn_der_t value;

    SGN_FAULT_TRY(sgn_der_take(in, SGN_DER_OID, &value));
    return sgn_der_equal(value, oid, len) ? SGN_FAULT_NONE : SGN_FAULT_VALUE;
}

/* [X.690, 8.3.2] the first nine bits are not all equal */
static int minimal(sgn_der_t value)
{
    if (value.left == 0)
        return 0;
    if (value.left > 1 && ((value.at[0] == 0 && value.at[1] < 0x80)
                           || (value.at[0] == 0xff && value.at[1] >= 0x80)))
        return 0;
    return 1;
}

int sgn_der_small(sgn_der_t *in, long *out)
{
    sgn_der_t value;
    long v = 0;

    SGN_FAULT_TRY(sgn_der_take(in, SGN_DER_INTEGER, &value));
    if (!minimal(value))
        return SGN_FAULT_LENGTH;
    if (value.left > 4 || value.at[0] & 0x80)
        return SGN_FAULT_VALUE;
    for (size_t i = 0; i < value.left; i++)
        v = v << 8 | value.at[i];
    *out = v;
    return SGN_FAULT_NONE;
}

int sgn_der_magnitude(sgn_der_t *in, sgn_der_t *out)
{
    sgn_der_t value;

    SGN_FAULT_TRY(sgn_der_take(in, SGN_DER_INTEGER, &value));
    if (!minimal(value))
        return SGN_FAULT_LENGTH;
    if (value.at[0] & 0x80)
        return SGN_FAULT_VALUE;
    if (value.at[0] == 0) {
        value.at++;
        value.left--;
    }
    if (value.left == 0)
        return SGN_FAULT_VALUE;
    *out = value;
    return SGN_FAULT_NONE;
}

int sgn_der_bits(sgn_der_t *in, sgn_der_t *out)
{
    sgn_der_t value;

    SGN_FAULT_TRY(sgn_der_take(in, SGN_DER_BIT_STRING, &value));
    if (value.left == 0 || value.at[0] != 0)
        return SGN_FAULT_VALUE;
    *out = sgn_der(value.at + 1, value.left - 1);
    return SGN_FAULT_NONE;
}

/* [X.690, 11.6] as if the shorter were padded with zero bytes */
int sgn_der_compare(sgn_der_t a, sgn_der_t b)
{
    size_t n = a.left < b.left ? a.left : b.left;
    int order = n ? memcmp(a.at, b.at, n) : 0;

    if (order)
        return order;
    return a.left < b.left ? -1 : a.left > b.left;
}

/* An arc of any UUID under 2.25 fits: 128 bits, as decimal in groups of nine. */
#define ARC_GROUPS 5

static int arc_add(uint32_t groups[ARC_GROUPS], unsigned septet)
{
    uint64_t carry = septet;
    int i;

    for (i = 0; i < ARC_GROUPS; i++) {
        carry += (uint64_t)groups[i] << 7;
        groups[i] = (uint32_t)(carry % 1000000000u);
        carry /= 1000000000u;
    }
    return carry ? SGN_FAULT_LIMIT : SGN_FAULT_NONE;
}

static int arc_text(char *out, size_t cap, const uint32_t groups[ARC_GROUPS])
{
    int i = ARC_GROUPS - 1, n;
    size_t used;

    while (i > 0 && groups[i] == 0)
        i--;
    n = snprintf(out, cap, ".%lu", (unsigned long)groups[i]);
    for (used = (size_t)n; i > 0 && used < cap; used += (size_t)n)
        n = snprintf(out + used, cap - used, "%09lu", (unsigned long)groups[--i]);
    return (int)used;
}

int sgn_der_oid_text(char *out, size_t cap, sgn_der_t oid)
{
    size_t at = 0, used = 0;
    int first = 1;

    if (oid.left == 0)
        return SGN_FAULT_SHORT;
    while (at < oid.left) {
        uint32_t groups[ARC_GROUPS] = { 0 };
        int n;

        if (oid.at[at] == 0x80)
            return SGN_FAULT_LENGTH;
        for (;;) {
            SGN_FAULT_TRY(arc_add(groups, oid.at[at] & 0x7fu));
            if (!(oid.at[at++] & 0x80))
                break;
            if (at == oid.left)
                return SGN_FAULT_SHORT;
        }
        if (first) {
            unsigned top = groups[1] || groups[0] >= 80 ? 2 : groups[0] >= 40;

            if (groups[1])
                return SGN_FAULT_LIMIT;
            n = snprintf(out + used, cap - used, "%u.%lu", top, (unsigned long)groups[0] - 40ul * top);
            first = 0;
        } else {
            n = arc_text(out + used, cap - used, groups);
        }
        if (n < 0 || (size_t)n >= cap - used)
            return SGN_FAULT_LIMIT;
        used += (size_t)n;
    }
    return SGN_FAULT_NONE;
}

void sgn_der_out(sgn_der_out_t *out, void *buf, size_t cap)
{
    out->buf = buf;
    out->cap = cap;
    out->left = cap;
    out->fault = SGN_FAULT_NONE;
}

size_t sgn_der_mark(const sgn_der_out_t *out)
{
    return out->cap - out->left;
}

void sgn_der_put(sgn_der_out_t *out, const void *data, size_t len)
{
    if (out->fault)
        return;
    if (len > out->left) {
        out->fault = SGN_FAULT_LIMIT;
        return;
    }
    out->left -= len;
    if (len)
        memcpy(out->buf + out->left, data, len);
}

void sgn_der_wrap(sgn_der_out_t *out, unsigned tag, size_t mark)
{
    size_t len = sgn_der_mark(out) - mark, n = 0;
    unsigned char header[6];

    if (len > SGN_DER_LIMIT) {
        out->fault = SGN_FAULT_LIMIT;
        return;
    }
    header[n++] = (unsigned char)tag;
    if (len < 0x80) {
        header[n++] = (unsigned char)len;
    } else {
        unsigned bytes = len > 0xffffff ? 4 : len > 0xffff ? 3 : len > 0xff ? 2 : 1;

        header[n++] = (unsigned char)(0x80 | bytes);
        while (bytes--)
            header[n++] = (unsigned char)(len >> (8 * bytes));
    }
    sgn_der_put(out, header, n);
}

void sgn_der_value(sgn_der_out_t *out, unsigned tag, const void *data, size_t len)
{
    size_t mark = sgn_der_mark(out);

    sgn_der_put(out, data, len);
    sgn_der_wrap(out, tag, mark);
}

void sgn_der_unsigned(sgn_der_out_t *out, const unsigned char *data, size_t len)
{
    size_t mark = sgn_der_mark(out);

    while (len > 1 && data[0] == 0) {
        data++;
        len--;
    }
    sgn_der_put(out, data, len);
    if (len == 0 || data[0] & 0x80)
        sgn_der_put(out, "", 1);
    sgn_der_wrap(out, SGN_DER_INTEGER, mark);
}

int sgn_der_from_rs(unsigned char *out, size_t cap, size_t *out_len, const unsigned char *rs, size_t n)
{
    unsigned char room[256];
    sgn_der_out_t der;

    if (n > 66)
        return SGN_FAULT_LIMIT;
    sgn_der_out(&der, room, sizeof room);
    sgn_der_unsigned(&der, rs + n, n);
    sgn_der_unsigned(&der, rs, n);
    sgn_der_wrap(&der, SGN_DER_SEQUENCE, 0);
    if (der.fault)
        return der.fault;
    if (sgn_der_mark(&der) > cap)
        return SGN_FAULT_LIMIT;
    *out_len = sgn_der_mark(&der);
    memcpy(out, room + der.left, *out_len);
    return SGN_FAULT_NONE;
}

int sgn_der_to_rs(unsigned char *rs, size_t n, const unsigned char *der, size_t len)
{
    sgn_der_t in = sgn_der(der, len), sequence, part[2];

    SGN_FAULT_TRY(sgn_der_take(&in, SGN_DER_SEQUENCE, &sequence));
    SGN_FAULT_TRY(sgn_der_end(&in));
    for (int i = 0; i < 2; i++) {
        SGN_FAULT_TRY(sgn_der_magnitude(&sequence, &part[i]));
        if (part[i].left > n)
            return SGN_FAULT_VALUE;
    }
    SGN_FAULT_TRY(sgn_der_end(&sequence));
    memset(rs, 0, 2 * n);
    memcpy(rs + n - part[0].left, part[0].at, part[0].left);
    memcpy(rs + 2 * n - part[1].left, part[1].at, part[1].left);
    return SGN_FAULT_NONE;
}
