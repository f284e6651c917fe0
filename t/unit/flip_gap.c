/* flip_gap.c: what a byte of a gap means. */
#include "t/unit/flip_gap.h"

#include <ctype.h>
#include <string.h>

#include <apr_strings.h>

/* SignedData is 0.1.0, its only SignerInfo .4.0, the time-stamp token (a
 * ContentInfo again) the value of its first unsigned attribute. */
#define TOKEN "0.1.0.4.0.6.0.1."

static const struct { const char *path, *why; } meaningless[] = {
    { "0.1.0.0", "version of the SignedData" }, { "0.1.0.1", "list of digest algorithms" },
    { "0.1.0.4.0.0", "version of the SignerInfo" }, { "0.1.0.4.0.6.0.0", "type of an unsigned attribute" },
    { TOKEN "0.1.0.0", "version of the time-stamp" }, { TOKEN "0.1.0.1", "list of digest algorithms of the time-stamp" },
    { TOKEN "0.1.0.4.0.0", "version of the time-stamp's SignerInfo" },
};

static int digit(int byte)
{
    return byte <= '9' ? byte - '0' : (byte | 32) - 'a' + 10;
}

static size_t byte_at(const unsigned char *hex, size_t i)
{
    return (size_t)(digit(hex[2 * i]) * 16 + digit(hex[2 * i + 1]));
}

/* Definite lengths only, which is all that is ever written here. */
static const char *path_of(const unsigned char *hex, size_t from, size_t end, size_t wanted, const char *path, apr_pool_t *pool)
{
    int n;

    for (n = 0; from + 2 <= end; n++) {
        size_t tag = byte_at(hex, from), len = byte_at(hex, from + 1), head = 2, i;
        const char *here = apr_psprintf(pool, "%s%s%d", path, *path ? "." : "", n);

        if (len & 0x80) {
            head += len & 0x7f;
            for (len = 0, i = 2; i < head && from + i < end; i++)
                len = len << 8 | byte_at(hex, from + i);
        }
        if (wanted < from + head + len)
            return (tag & 0x20) && wanted >= from + head ? path_of(hex, from + head, from + head + len, wanted, here, pool) : here;
        if (!*path)
            return "";              /* one element; what follows is padding */
        from += head + len;
    }
    return path;
}

const char *flip_gap_path(const flip_t *flip, size_t at, apr_pool_t *pool)
{
    const apr_int64_t *range = flip->signatures[flip_rig_gap(flip, at)].range;
    size_t first = (size_t)range[1] + 1, digits = (size_t)(range[2] - range[1] - 2);

    if (at < first || at >= first + digits)
        return "bracket";
    return path_of(flip->original.data + first, 0, digits / 2, (at - first) / 2, "", pool);
}

const char *flip_gap_meaningless(const flip_t *flip, size_t at, flip_how_t how)
{
    int was = flip->original.data[at];
    const char *path = flip_gap_path(flip, at, flip->scratch);
    size_t i;

    if (how == FLIP_BIT && at % 8 == 5 && isalpha(was))
        return "case of a letter";
    for (i = 0; i < sizeof meaningless / sizeof *meaningless; i++) {
        size_t len = strlen(meaningless[i].path);

        if (strncmp(path, meaningless[i].path, len) == 0 && (path[len] == '\0' || path[len] == '.'))
            return meaningless[i].why;
    }
    return NULL;
}
