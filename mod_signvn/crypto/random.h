/*
 * random.h: unpredictable bytes, and names made of them.
 */
#ifndef SGN_CRYPTO_RANDOM_H
#define SGN_CRYPTO_RANDOM_H

#include "base/buf.h"

sgn_error_t *sgn_random_bytes(void *out, size_t len, apr_pool_t *pool);
/* base64url of `bytes` random bytes: 16 gives 22 characters. */
sgn_error_t *sgn_random_token(const char **out, size_t bytes, apr_pool_t *pool);
/* `len` characters of A-Z and 2-9 without I and O: for people to type. */
sgn_error_t *sgn_random_code(const char **out, size_t len, apr_pool_t *pool);
/* `len` decimal digits. */
sgn_error_t *sgn_random_digits(const char **out, size_t len, apr_pool_t *pool);

#endif
