/*
 * digest.h: SHA-2 over memory and descriptors, with a state that can be copied.
 *
 * The keeper keeps the state after the original's bytes and finishes it over
 * the update later (THREATS A20): make, add, copy, add, finish.  A descriptor
 * is read by pread in blocks of 128 KiB, never mapped, its offset untouched.
 *
 * Not checked: that the descriptor's file is not being written meanwhile.
 */
#ifndef SGN_CRYPTO_DIGEST_H
#define SGN_CRYPTO_DIGEST_H

#include "base/buf.h"

#define SGN_DIGEST_MAX 64

typedef enum { SGN_DIGEST_SHA256, SGN_DIGEST_SHA384, SGN_DIGEST_SHA512 } sgn_digest_kind_t;
typedef struct sgn_digest_t sgn_digest_t;

size_t sgn_digest_size(sgn_digest_kind_t kind);
sgn_error_t *sgn_digest_make(sgn_digest_t **out, sgn_digest_kind_t kind, apr_pool_t *pool);
sgn_error_t *sgn_digest_copy(sgn_digest_t **out, const sgn_digest_t *from, apr_pool_t *pool);
sgn_error_t *sgn_digest_add(sgn_digest_t *digest, const void *data, size_t len, apr_pool_t *pool);
/* [from, from+len) of a descriptor; a shorter file is SGN_FILE_SHORT. */
sgn_error_t *sgn_digest_add_fd(sgn_digest_t *digest, int fd, apr_off_t from, apr_off_t len, apr_pool_t *pool);
/* out: sgn_digest_size() bytes.  The digest takes nothing more. */
sgn_error_t *sgn_digest_finish(unsigned char *out, sgn_digest_t *digest, apr_pool_t *pool);

/* States on the way through one file, so that a digest of a prefix need not
 * begin at its first byte.  At most 64, at least 128 KiB apart. */
typedef struct sgn_digest_trail_t sgn_digest_trail_t;

sgn_error_t *sgn_digest_trail_make(sgn_digest_trail_t **out, apr_off_t size, apr_pool_t *pool);
/* `digest` has taken the file's first `at` bytes; kept where one is due. */
sgn_error_t *sgn_digest_trail_pass(sgn_digest_trail_t *trail, const sgn_digest_t *digest, apr_off_t at, apr_pool_t *pool);
/* A digest of the file's first `upto` bytes, the rest of them read from fd.
 * trail NULL: all of them. */
sgn_error_t *sgn_digest_trail_begin(sgn_digest_t **out, const sgn_digest_trail_t *trail, int fd, apr_off_t upto, apr_pool_t *pool);

/* All at once. */
sgn_error_t *sgn_digest_sha256(unsigned char out[32], const void *data, size_t len, apr_pool_t *pool);
sgn_error_t *sgn_digest_sha256_fd(unsigned char out[32], int fd, apr_off_t from, apr_off_t len, apr_pool_t *pool);
/* Lower-case hex of the SHA-256 of bytes. */
sgn_error_t *sgn_digest_sha256_hex(const char **out, const void *data, size_t len, apr_pool_t *pool);

#endif
