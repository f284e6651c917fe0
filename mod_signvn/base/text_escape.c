/* text_escape.c: one escape per sink, so that no text can leave its place. */
#include "base/text.h"

#include <string.h>

#include <apr_strings.h>

#define ASSUAN_POINTS 200

/* Characters that would hide or reorder what a person reads. */
static int hides(unsigned point)
{
    return point < 0x20 || point == 0x7F || (point >= 0x80 && point < 0xA0) ||
           point == 0x00AD || point == 0x061C || (point >= 0x200B && point <= 0x200F) ||
           (point >= 0x2028 && point <= 0x202E) || (point >= 0x2060 && point <= 0x206F) ||
           point == 0xFEFF || (point >= 0xFFF9 && point <= 0xFFFB);
}

static const char *done(sgn_buf_t *buf)
{
    sgn_bytes_t bytes;

    return sgn_buf_bytes(&bytes, buf) ? "" : (const char *)bytes.data;
}

static void show(sgn_buf_t *buf, unsigned point)
{
    sgn_buf_printf(buf, "\\u{%04X}", point);
}

/* Replaces a character by a text, or answers NULL to keep it. */
typedef const char *(*replace_fn)(unsigned point);

static const char *escape(const char *text, replace_fn replace, int keep_newline, apr_pool_t *pool)
{
    sgn_buf_t *buf = sgn_buf_make(0, pool);
    unsigned point;
    int step;

    while ((step = sgn_text_next(&point, text)) > 0) {
        const char *other = replace ? replace(point) : NULL;

        text += step;
        if (other)
            sgn_buf_str(buf, other);
        else if (hides(point) && !(keep_newline && point == '\n'))
            show(buf, point);
        else
            sgn_text_put(buf, point);
    }
    return done(buf);
}

static const char *backslash(unsigned point)
{
    return point == '\\' ? "\\\\" : NULL;
}

const char *sgn_text_log(const char *text, apr_pool_t *pool)
{
    return escape(text, backslash, 0, pool);
}

const char *sgn_text_terminal(const char *text, apr_pool_t *pool)
{
    return escape(text, NULL, 0, pool);
}

static const char *entity(unsigned point)
{
    switch (point) {
    case '&': return "&amp;";
    case '<': return "&lt;";
    case '>': return "&gt;";
    case '"': return "&quot;";
    case '\'': return "&#39;";
    default: return NULL;
    }
}

const char *sgn_text_html(const char *text, apr_pool_t *pool)
{
    return escape(text, entity, 1, pool);
}

const char *sgn_text_xml(const char *text, apr_pool_t *pool)
{
    return escape(text, entity, 1, pool);
}

static const char *doubled(unsigned point)
{
    return point == '"' ? "\"\"" : NULL;
}

const char *sgn_text_csv(const char *text, apr_pool_t *pool)
{
    const char *safe = escape(text, doubled, 0, pool);
    const char *first = safe + strspn(safe, " \"");
    int formula = *first && strchr("=+-@", *first);

    return apr_pstrcat(pool, "\"", formula ? "'" : "", safe, "\"", NULL);
}

const char *sgn_text_pdf(const char *text, apr_pool_t *pool)
{
    sgn_buf_t *buf = sgn_buf_make(0, pool);
    unsigned point;
    int step;

    sgn_buf_str(buf, "<FEFF");
    while ((step = sgn_text_next(&point, text)) > 0) {
        text += step;
        if (point >= 0x10000) {
            point -= 0x10000;
            sgn_buf_printf(buf, "%04X%04X", 0xD800 + (point >> 10), 0xDC00 + (point & 0x3FF));
        } else {
            sgn_buf_printf(buf, "%04X", point);
        }
    }
    sgn_buf_str(buf, ">");
    return done(buf);
}

const char *sgn_text_assuan(const char *text, apr_pool_t *pool)
{
    sgn_buf_t *buf = sgn_buf_make(0, pool);
    unsigned point;
    int step, points = 0;

    while ((step = sgn_text_next(&point, text)) > 0) {
        text += step;
        if (++points > ASSUAN_POINTS) {
            sgn_buf_str(buf, "...");
            break;
        }
        if (hides(point))
            show(buf, point);
        else if (point == '%')
            sgn_buf_str(buf, "%25");
        else
            sgn_text_put(buf, point);
    }
    return done(buf);
}

static const char *metric(unsigned point)
{
    switch (point) {
    case '\\': return "\\\\";
    case '"': return "\\\"";
    default: return NULL;
    }
}

const char *sgn_text_metric(const char *text, apr_pool_t *pool)
{
    return escape(text, metric, 0, pool);
}

const char *sgn_text_disposition(const char *text, apr_pool_t *pool)
{
    static const char safe[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~";
    sgn_buf_t *buf = sgn_buf_make(0, pool);

    sgn_buf_str(buf, "UTF-8''");
    for (const unsigned char *at = (const unsigned char *)sgn_text_terminal(text, pool); *at; at++)
        if (strchr(safe, *at))
            sgn_buf_byte(buf, *at);
        else
            sgn_buf_printf(buf, "%%%02X", *at);
    return done(buf);
}
