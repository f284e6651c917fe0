#include <openssl/rand.h>

#include "crypto/random.h"

sgn_error_t *sgn_random_bytes(void *out, size_t len, apr_pool_t *pool)
{
    if (len > 1 << 20 || RAND_bytes(out, (int)len) != 1)
        return SGN_ERROR(pool, SGN_INTERNAL, "no random bytes");
    return NULL;
}

sgn_error_t *sgn_random_token(const char **out, size_t bytes, apr_pool_t *pool)
{
    unsigned char *room = apr_palloc(pool, bytes ? bytes : 1);

    SGN_TRY(sgn_random_bytes(room, bytes, pool));
    *out = sgn_bytes_base64url(sgn_bytes(room, bytes), pool);
    return NULL;
}

/* Bytes that would favour the first letters are thrown away. */
static sgn_error_t *pick(const char **out, size_t len, const char *alphabet, unsigned letters, apr_pool_t *pool)
{
    char *text = apr_palloc(pool, len + 1);
    size_t n = 0;

    while (n < len) {
        unsigned char byte;

        SGN_TRY(sgn_random_bytes(&byte, 1, pool));
        if (byte < 256 / letters * letters)
            text[n++] = alphabet[byte % letters];
    }
    text[n] = '\0';
    *out = text;
    return NULL;
}

sgn_error_t *sgn_random_code(const char **out, size_t len, apr_pool_t *pool)
{
    return pick(out, len, "ABCDEFGHJKLMNPQRSTUVWXYZ23456789", 32, pool);
}

sgn_error_t *sgn_random_digits(const char **out, size_t len, apr_pool_t *pool)
{
    return pick(out, len, "0123456789", 10, pool);
}
