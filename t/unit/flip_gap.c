/* flip_gap.c: what a byte of a gap means. */
#include "t/unit/flip_gap.h"

#include <ctype.h>
#include <string.h>

#include <apr_strings.h>

/* SignedData is 0.1.0, its only SignerInfo .4.0, the time-stamp token (a
 * ContentInfo again) the value of its first unsigned attribute. */
#define TOKEN "0.1.0.4.0.6.0.1."
#define CERTIFICATES "0.1.0.3."
#define DEPTH 32

static const struct { const char *path, *why; } meaningless[] = {
    { "0.1.0.4.0.6.0.0", "type of an unsigned attribute" },
};

/* Where 1 and 3 are taken for each other. */
static const struct { const char *path, *why; } versions[] = {
    { "0.1.0.0", "version of the SignedData" }, { TOKEN "0.1.0.0", "version of the time-stamp" },
};

static int digit(int byte)
{
    return byte <= '9' ? byte - '0' : (byte | 32) - 'a' + 10;
}

static size_t byte_at(const unsigned char *hex, size_t i)
{
    return (size_t)(digit(hex[2 * i]) * 16 + digit(hex[2 * i + 1]));
}

/* Where the element and those around it lie, outermost first. */
typedef struct {
    size_t from[DEPTH], to[DEPTH];
    int depth;
} place_t;

/* Definite lengths only, which is all that is ever written here. */
static const char *path_of(place_t *place, const unsigned char *hex, size_t from, size_t end, size_t wanted, const char *path, apr_pool_t *pool)
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
        if (wanted < from + head + len) {
            if (place->depth == DEPTH)
                return here;
            place->from[place->depth] = from;
            place->to[place->depth++] = from + head + len;
            return (tag & 0x20) && wanted >= from + head ? path_of(place, hex, from + head, from + head + len, wanted, here, pool) : here;
        }
        if (!*path)
            return "";              /* one element; what follows is padding */
        from += head + len;
    }
    return path;
}

static const char *place_of(place_t *place, const flip_t *flip, size_t at, apr_pool_t *pool)
{
    const apr_int64_t *range = flip->signatures[flip_rig_gap(flip, at)].range;
    size_t first = (size_t)range[1] + 1, digits = (size_t)(range[2] - range[1] - 2);

    if (at < first || at >= first + digits)
        return "bracket";
    return path_of(place, flip->original.data + first, 0, digits / 2, (at - first) / 2, "", pool);
}

const char *flip_gap_path(const flip_t *flip, size_t at, apr_pool_t *pool)
{
    place_t place = { .depth = 0 };

    return place_of(&place, flip, at, pool);
}

/* Is the element at that depth a certificate of the list behind `path` which
 * nobody signed with? */
static int is_other_certificate(const place_t *place, const flip_t *flip, size_t at, const char *path, const char *list, int depth)
{
    static const char stamping[] = "06082b06010505070308";      /* id-kp-timeStamping */
    int gap = flip_rig_gap(flip, at);
    const unsigned char *hex = flip->original.data + flip->signatures[gap].range[1] + 1;
    sgn_bytes_t signer = flip->signatures[gap].certificate;
    size_t i;

    if (strncmp(path, list, strlen(list)) != 0 || place->depth <= depth)
        return 0;
    if (memmem(hex + 2 * place->from[depth], 2 * (place->to[depth] - place->from[depth]), stamping, sizeof stamping - 1))
        return 0;
    if (place->to[depth] - place->from[depth] != signer.len)
        return 1;
    for (i = 0; i < signer.len; i++)
        if (byte_at(hex, place->from[depth] + i) != signer.data[i])
            return 1;
    return 0;
}

const char *flip_gap_meaningless(const flip_t *flip, size_t at, flip_how_t how)
{
    int was = flip->original.data[at];
    place_t place = { .depth = 0 };
    const char *path = place_of(&place, flip, at, flip->scratch);
    size_t i;

    if (how == FLIP_BIT && at % 8 == 5 && isalpha(was))
        return "case of a letter";
    if (is_other_certificate(&place, flip, at, path, CERTIFICATES, 4)
        || is_other_certificate(&place, flip, at, path, TOKEN CERTIFICATES, 12))
        return "a certificate that the configuration has too";
    for (i = 0; i < sizeof versions / sizeof *versions; i++)
        if (strcmp(path, versions[i].path) == 0 && how == FLIP_BIT && at % 8 == 1 && (was == '1' || was == '3'))
            return versions[i].why;
    for (i = 0; i < sizeof meaningless / sizeof *meaningless; i++) {
        size_t len = strlen(meaningless[i].path);

        if (strncmp(path, meaningless[i].path, len) == 0 && (path[len] == '\0' || path[len] == '.'))
            return meaningless[i].why;
    }
    return NULL;
}
