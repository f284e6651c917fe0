/*
 * buf.h: bytes with a length, and a buffer that grows in a pool up to a limit.
 *
 * sgn_bytes_t borrows; sgn_buf_t owns its memory in its pool.  A buffer that
 * would pass its limit remembers that it did (`full`) and takes nothing more:
 * the builder checks once at the end with sgn_buf_bytes().
 */
#ifndef SGN_BASE_BUF_H
#define SGN_BASE_BUF_H

#include <stddef.h>

#include "base/error.h"

typedef struct {
    const unsigned char *data;
    size_t len;
} sgn_bytes_t;

typedef struct {
    unsigned char *data;
    size_t len;
    size_t cap;
    size_t limit;
    int full;
    apr_pool_t *pool;
} sgn_buf_t;

sgn_bytes_t sgn_bytes(const void *data, size_t len);
sgn_bytes_t sgn_bytes_str(const char *text);
int sgn_bytes_equal(sgn_bytes_t a, sgn_bytes_t b);
sgn_bytes_t sgn_bytes_dup(sgn_bytes_t bytes, apr_pool_t *pool);

/* Lower-case hex and standard base64, NUL-terminated, in the pool. */
const char *sgn_bytes_hex(sgn_bytes_t bytes, apr_pool_t *pool);
const char *sgn_bytes_base64(sgn_bytes_t bytes, apr_pool_t *pool);
/* Base64url without padding. */
const char *sgn_bytes_base64url(sgn_bytes_t bytes, apr_pool_t *pool);

/* Strict decoders: an unknown character, wrong length or wrong padding is
 * SGN_ENCODING.  Base64 accepts line breaks; base64url accepts no padding. */
sgn_error_t *sgn_bytes_from_hex(sgn_bytes_t *out, const char *text, apr_pool_t *pool);
sgn_error_t *sgn_bytes_from_base64(sgn_bytes_t *out, const char *text, apr_pool_t *pool);
sgn_error_t *sgn_bytes_from_base64url(sgn_bytes_t *out, const char *text, apr_pool_t *pool);

/* limit 0 means 64 MiB. */
sgn_buf_t *sgn_buf_make(size_t limit, apr_pool_t *pool);
void sgn_buf_add(sgn_buf_t *buf, const void *data, size_t len);
void sgn_buf_str(sgn_buf_t *buf, const char *text);
void sgn_buf_byte(sgn_buf_t *buf, int byte);
void sgn_buf_printf(sgn_buf_t *buf, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* The bytes so far; SGN_TOO_LARGE when the limit was met.  NUL-terminated. */
sgn_error_t *sgn_buf_bytes(sgn_bytes_t *out, sgn_buf_t *buf);

#endif
