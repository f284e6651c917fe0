/* x690.c: shared small readers on dtbs/der. */
#include "look/pki/x690.h"

#include <string.h>

#include <apr_strings.h>

#define DEPTH 40
#define UTC_TIME 0x17
#define GENERALIZED_TIME 0x18
#define ENUMERATED 0x0a

int sgn_x690_optional(sgn_der_t *in, unsigned tag, sgn_der_t *content)
{
    return sgn_der_peek(in) == tag && sgn_der_take(in, tag, content) == SGN_FAULT_NONE;
}

int sgn_x690_whole(sgn_der_t *in, unsigned tag, sgn_der_t *whole)
{
    sgn_der_t copy = *in, content;
    unsigned found;

    SGN_FAULT_TRY(sgn_der_any(&copy, &found, &content, whole));
    if (found != tag)
        return SGN_FAULT_TAG;
    *in = copy;
    return SGN_FAULT_NONE;
}

int sgn_x690_oid(const char **out, sgn_der_t *in, apr_pool_t *pool)
{
    char text[SGN_X690_OID_TEXT];
    sgn_der_t content;

    SGN_FAULT_TRY(sgn_der_take(in, SGN_DER_OID, &content));
    SGN_FAULT_TRY(sgn_der_oid_text(text, sizeof text, content));
    *out = apr_pstrdup(pool, text);
    return SGN_FAULT_NONE;
}

/* Days since 1970-01-01 of a date of the Gregorian calendar. */
static apr_int64_t days(int y, int m, int d)
{
    apr_int64_t era;
    unsigned yoe, doy, doe;

    y -= m <= 2;
    era = (y >= 0 ? y : y - 399) / 400;
    yoe = (unsigned)(y - era * 400);
    doy = (unsigned)(153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + (unsigned)d - 1;
    doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;
    return era * 146097 + (apr_int64_t)doe - 719468;
}

static int two(const unsigned char *p)
{
    if (p[0] < '0' || p[0] > '9' || p[1] < '0' || p[1] > '9')
        return -1;
    return (p[0] - '0') * 10 + p[1] - '0';
}

int sgn_x690_time_content(apr_time_t *out, unsigned tag, sgn_der_t content)
{
    static const int length[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    const unsigned char *p = content.at;
    size_t left = content.left;
    int year, part[5], leap, hundreds = 0;
    apr_time_t micro = 0;

    if (tag == UTC_TIME) {
        /* [RFC 5280, 4.1.2.5.1] YYMMDDHHMMSSZ */
        if (left != 13 || (year = two(p)) < 0)
            return SGN_FAULT_VALUE;
        year += year < 50 ? 2000 : 1900;
        p += 2, left -= 2;
    }
    else {
        if (left < 15 || (hundreds = two(p)) < 0 || (year = two(p + 2)) < 0)
            return SGN_FAULT_VALUE;
        year += hundreds * 100;
        p += 4, left -= 4;
    }
    for (int i = 0; i < 5; i++, p += 2, left -= 2)
        if ((part[i] = two(p)) < 0)
            return SGN_FAULT_VALUE;
    leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    if (year < 1900 || part[0] < 1 || part[0] > 12 || part[1] < 1
        || part[1] > length[part[0] - 1] + (part[0] == 2 && leap)
        || part[2] > 23 || part[3] > 59 || part[4] > 60)
        return SGN_FAULT_VALUE;
    if (left > 1 && *p == '.') {
        apr_time_t weight = 100000;

        for (p++, left--; left > 1; p++, left--, weight /= 10) {
            if (*p < '0' || *p > '9')
                return SGN_FAULT_VALUE;
            micro += (*p - '0') * weight;
        }
    }
    if (left != 1 || *p != 'Z')
        return SGN_FAULT_VALUE;
    *out = apr_time_from_sec(days(year, part[0], part[1]) * 86400
                             + part[2] * 3600 + part[3] * 60 + part[4]) + micro;
    return SGN_FAULT_NONE;
}

int sgn_x690_time(apr_time_t *out, sgn_der_t *in)
{
    sgn_der_t copy = *in, content;
    unsigned tag;

    SGN_FAULT_TRY(sgn_der_any(&copy, &tag, &content, NULL));
    if (tag != UTC_TIME && tag != GENERALIZED_TIME)
        return SGN_FAULT_TAG;
    SGN_FAULT_TRY(sgn_x690_time_content(out, tag, content));
    *in = copy;
    return SGN_FAULT_NONE;
}

int sgn_x690_flag(int *out, sgn_der_t *in)
{
    sgn_der_t content;

    *out = 0;
    if (sgn_der_peek(in) != SGN_DER_BOOLEAN)
        return SGN_FAULT_NONE;
    SGN_FAULT_TRY(sgn_der_take(in, SGN_DER_BOOLEAN, &content));
    /* DER writes TRUE as FF and leaves a default FALSE out; certificates in
     * the field write it, which changes no meaning. */
    if (content.left != 1 || (content.at[0] != 0xff && content.at[0] != 0))
        return SGN_FAULT_VALUE;
    *out = content.at[0] != 0;
    return SGN_FAULT_NONE;
}

int sgn_x690_enumerated(int *out, sgn_der_t *in)
{
    sgn_der_t content;

    SGN_FAULT_TRY(sgn_der_take(in, ENUMERATED, &content));
    if (content.left != 1 || content.at[0] > 0x7f)
        return SGN_FAULT_VALUE;
    *out = content.at[0];
    return SGN_FAULT_NONE;
}

const char *sgn_x690_hex(sgn_bytes_t integer, apr_pool_t *pool)
{
    static const char digits[] = "0123456789ABCDEF";
    char *out, *p;

    if (integer.len > 1 && integer.data[0] == 0) {
        integer.data++;
        integer.len--;
    }
    out = p = apr_palloc(pool, integer.len * 2 + 1);
    for (size_t i = 0; i < integer.len; i++) {
        *p++ = digits[integer.data[i] >> 4];
        *p++ = digits[integer.data[i] & 15];
    }
    *p = '\0';
    return out;
}

static int strict(sgn_der_t in, int depth)
{
    sgn_der_t content;
    unsigned tag;

    if (depth > DEPTH)
        return SGN_FAULT_LIMIT;
    while (in.left) {
        SGN_FAULT_TRY(sgn_der_any(&in, &tag, &content, NULL));
        if (tag & 0x20)
            SGN_FAULT_TRY(strict(content, depth + 1));
    }
    return SGN_FAULT_NONE;
}

int sgn_x690_strict(sgn_bytes_t der)
{
    sgn_der_t in = sgn_x690_der(der), content;
    unsigned tag;

    SGN_FAULT_TRY(sgn_der_any(&in, &tag, &content, NULL));
    SGN_FAULT_TRY(sgn_der_end(&in));
    if (tag != SGN_DER_SEQUENCE)
        return SGN_FAULT_TAG;
    return strict(content, 1);
}

int sgn_x690_extension(const char **oid, int *critical, sgn_der_t *value, sgn_der_t *in, apr_pool_t *pool)
{
    sgn_der_t extension;

    SGN_FAULT_TRY(sgn_der_take(in, SGN_DER_SEQUENCE, &extension));
    SGN_FAULT_TRY(sgn_x690_oid(oid, &extension, pool));
    SGN_FAULT_TRY(sgn_x690_flag(critical, &extension));
    SGN_FAULT_TRY(sgn_der_take(&extension, SGN_DER_OCTET_STRING, value));
    return sgn_der_end(&extension);
}
