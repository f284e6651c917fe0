/* multipart.c: a push parser that holds back at most one delimiter's length. */
#include "httpd/multipart.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include <apr_strings.h>

#include "base/text.h"

#define HEADER_BYTES 8192
#define HEADER_LINES 16
#define LONGEST_NAME 255
#define WINDOW 65536

typedef enum { OPENING, HEADERS, BODY, AFTER, EPILOGUE } state_t;

struct sgn_multipart_t {
    sgn_multipart_sink_t sink;
    const char *delimiter;      /* CRLF "--" boundary */
    size_t length;              /* of the delimiter */
    state_t state;
    int parts, limit;
    char *held;                 /* bytes not yet decided on */
    size_t used, room;
    apr_pool_t *pool;
};

#define MALFORMED(...) SGN_ERROR(multipart->pool, SGN_MULTIPART, __VA_ARGS__)

sgn_error_t *sgn_multipart_boundary(const char **out, const char *content_type, apr_pool_t *pool)
{
    static const char allowed[] = "'()+_,-./:=? ";
    const char *at, *value, *end;

    for (at = strchr(content_type, ';'); at; at = strchr(at, ';')) {
        at++;
        while (*at == ' ' || *at == '\t')
            at++;
        if (strncasecmp(at, "boundary=", 9) == 0)
            break;
    }
    if (!at)
        return SGN_ERROR(pool, SGN_MULTIPART, "no boundary");
    value = at + 9;
    if (*value == '"')
        end = strchr(++value, '"');
    else
        end = value + strcspn(value, "; \t");
    if (!end || end == value || end - value > 70 || end[-1] == ' ')
        return SGN_ERROR(pool, SGN_MULTIPART, "the boundary has 1 to 70 characters");
    for (const char *c = value; c < end; c++)
        if (!isalnum((unsigned char)*c) && !strchr(allowed, *c))
            return SGN_ERROR(pool, SGN_MULTIPART, "a character that no boundary has");
    *out = apr_pstrmemdup(pool, value, (apr_size_t)(end - value));
    return NULL;
}

sgn_multipart_t *sgn_multipart_make(const char *boundary, int parts, const sgn_multipart_sink_t *sink, apr_pool_t *pool)
{
    sgn_multipart_t *multipart = apr_pcalloc(pool, sizeof *multipart);

    multipart->sink = *sink;
    multipart->pool = pool;
    multipart->limit = parts;
    multipart->delimiter = apr_pstrcat(pool, "\r\n--", boundary, NULL);
    multipart->length = strlen(multipart->delimiter);
    multipart->room = WINDOW + HEADER_BYTES + 128;
    multipart->held = apr_palloc(pool, multipart->room);
    /* The first boundary stands at the very start, as if a CRLF were before it. */
    memcpy(multipart->held, "\r\n", 2);
    multipart->used = 2;
    return multipart;
}

static void forget(sgn_multipart_t *multipart, size_t n)
{
    memmove(multipart->held, multipart->held + n, multipart->used - n);
    multipart->used -= n;
}

/* name="value" of a Content-Disposition; \" and \\ are the only escapes.
 * *at moves behind it. */
static sgn_error_t *parameter(const char **name, const char **value, const char **at, sgn_multipart_t *multipart)
{
    const char *text = *at, *equals;
    char *to;

    if (*text != ';')
        return MALFORMED("a parameter begins with ;");
    text++;
    while (*text == ' ' || *text == '\t')
        text++;
    equals = text + strcspn(text, "=;\" ");
    if (*equals != '=' || equals[1] != '"' || equals == text)
        return MALFORMED("parameters are written name=\"value\"");
    *name = apr_pstrmemdup(multipart->pool, text, (apr_size_t)(equals - text));
    *value = to = apr_palloc(multipart->pool, strlen(equals));
    for (text = equals + 2; *text != '"'; text++) {
        if (*text == '\\' && (text[1] == '"' || text[1] == '\\'))
            text++;
        if (!*text)
            return MALFORMED("a quote is not closed");
        *to++ = *text;
    }
    *to = '\0';
    text++;
    while (*text == ' ' || *text == '\t')
        text++;
    *at = text;
    return NULL;
}

static sgn_error_t *disposition(const char **name, const char **filename, const char *value, sgn_multipart_t *multipart)
{
    if (strncasecmp(value, "form-data", 9) != 0)
        return MALFORMED("Content-Disposition is form-data");
    value += 9;
    while (*value) {
        const char *key = NULL, *text = NULL, **into;

        SGN_TRY(parameter(&key, &text, &value, multipart));
        into = strcasecmp(key, "name") == 0 ? name : strcasecmp(key, "filename") == 0 ? filename : NULL;
        if (!into)
            return MALFORMED("only name and filename are known");
        if (*into)
            return MALFORMED("%s is given twice", key);
        if (strlen(text) > LONGEST_NAME || !sgn_text_is_utf8(text, strlen(text)))
            return MALFORMED("%s is at most %d bytes of UTF-8", key, LONGEST_NAME);
        *into = text;
    }
    if (!*name || !**name)
        return MALFORMED("a part has a name");
    for (const char *c = *name; *c; c++)
        if (!isalnum((unsigned char)*c) && !strchr("-_", *c))
            return MALFORMED("a part's name has letters, digits, - and _");
    return NULL;
}

/* The header lines of a part, each closed by CRLF, NUL behind the last. */
static sgn_error_t *headers(sgn_multipart_t *multipart, char *text)
{
    const char *name = NULL, *filename = NULL, *type = NULL;
    int lines = 0, disposed = 0;

    while (*text) {
        char *end = strstr(text, "\r\n"), *value;

        *end = '\0';
        if (++lines > HEADER_LINES || strchr(text, '\r') || strchr(text, '\n') || *text == ' ' || *text == '\t')
            return MALFORMED("headers of a part are plain lines, at most %d", HEADER_LINES);
        value = strchr(text, ':');
        if (!value || value == text || strcspn(text, " \t") < (size_t)(value - text))
            return MALFORMED("a header is name: value");
        *value++ = '\0';
        while (*value == ' ' || *value == '\t')
            value++;
        if (strcasecmp(text, "Content-Disposition") == 0) {
            if (disposed++)
                return MALFORMED("Content-Disposition is given twice");
            SGN_TRY(disposition(&name, &filename, value, multipart));
        }
        else if (strcasecmp(text, "Content-Type") == 0) {
            if (type || strlen(value) > LONGEST_NAME)
                return MALFORMED("Content-Type is given once, and short");
            type = apr_pstrdup(multipart->pool, value);
        }
        else if (strcasecmp(text, "Content-Transfer-Encoding") == 0 && strcasecmp(value, "binary") != 0) {
            return MALFORMED("no transfer encoding is taken");
        }
        text = end + 2;
    }
    if (!disposed)
        return MALFORMED("a part needs Content-Disposition");
    if (++multipart->parts > multipart->limit)
        return MALFORMED("at most %d parts", multipart->limit);
    return multipart->sink.begin(multipart->sink.baton, name, filename, type);
}

/* What one state can do with the bytes held; *moved tells whether it did. */
static sgn_error_t *step(sgn_multipart_t *multipart, int *moved)
{
    char *held = multipart->held, *found;
    size_t used = multipart->used, keep;

    *moved = 0;
    switch (multipart->state) {
    case OPENING:
        keep = used < multipart->length ? used : multipart->length;
        if (memcmp(held, multipart->delimiter, keep) != 0)
            return MALFORMED("the body begins with the boundary");
        if (keep < multipart->length)
            return NULL;
        forget(multipart, multipart->length);
        multipart->state = AFTER;
        *moved = 1;
        return NULL;
    case AFTER:
        if (used < 2)
            return NULL;
        if (memcmp(held, "--", 2) == 0)
            multipart->state = EPILOGUE;
        else if (memcmp(held, "\r\n", 2) == 0)
            multipart->state = HEADERS;
        else
            return MALFORMED("something stands behind a boundary");
        forget(multipart, 2);
        *moved = 1;
        return NULL;
    case HEADERS:
        if (used >= 2 && memcmp(held, "\r\n", 2) == 0)
            return MALFORMED("a part needs Content-Disposition");
        found = memmem(held, used, "\r\n\r\n", 4);
        if (!found)
            return used > HEADER_BYTES ? MALFORMED("the headers of a part are too long") : NULL;
        if ((size_t)(found - held) > HEADER_BYTES || memchr(held, '\0', (size_t)(found - held)))
            return MALFORMED("the headers of a part are too long or hold a NUL");
        keep = (size_t)(found - held) + 4;
        SGN_TRY(headers(multipart, apr_pstrmemdup(multipart->pool, held, keep - 2)));
        forget(multipart, keep);
        multipart->state = BODY;
        *moved = 1;
        return NULL;
    case BODY:
        found = memmem(held, used, multipart->delimiter, multipart->length);
        keep = found ? (size_t)(found - held) : used >= multipart->length ? used - multipart->length + 1 : 0;
        if (keep) {
            SGN_TRY(multipart->sink.data(multipart->sink.baton, held, keep));
            forget(multipart, keep);
        }
        if (found) {
            SGN_TRY(multipart->sink.end(multipart->sink.baton));
            forget(multipart, multipart->length);
            multipart->state = AFTER;
            *moved = 1;
        }
        return NULL;
    default:
        if (used > 2 || memcmp(held, "\r\n", used) != 0)
            return MALFORMED("something stands behind the last boundary");
        return NULL;
    }
}

sgn_error_t *sgn_multipart_feed(sgn_multipart_t *multipart, const void *data, size_t len)
{
    const char *from = data;

    while (len) {
        size_t room = multipart->room - multipart->used, take = len < room ? len : room;
        int moved = 1;

        memcpy(multipart->held + multipart->used, from, take);
        multipart->used += take;
        from += take;
        len -= take;
        while (moved)
            SGN_TRY(step(multipart, &moved));
    }
    return NULL;
}

sgn_error_t *sgn_multipart_end(sgn_multipart_t *multipart)
{
    if (multipart->state != EPILOGUE)
        return MALFORMED("the last boundary is missing");
    return NULL;
}
