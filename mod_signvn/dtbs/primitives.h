/*
 * primitives.h: the cryptography that dtbs/ needs, as a small table.
 *
 * The server fills it with OpenSSL (crypto/crypto.h: sgn_crypto_table()), the
 * desk's platform with what its system has.  A SHA-256 state is a plain value
 * on the caller's stack: copying the struct copies the state; it needs no
 * free.  Keys: a public key is the 64 bytes x then y of a P-256 point, a
 * private key is whatever the filler of the table understands.
 *
 * Functions return SGN_FAULT_*.
 */
#ifndef SGN_DTBS_PRIMITIVES_H
#define SGN_DTBS_PRIMITIVES_H

#include <stddef.h>
#include <stdint.h>

#define SGN_SHA256_SIZE 32
#define SGN_P256_POINT 64
#define SGN_P256_SIGNATURE 64   /* r then s, 32 bytes each */

typedef struct {
    uint64_t opaque[32];
} sgn_sha256_state_t;

typedef struct {
    int (*sha256_start)(sgn_sha256_state_t *state);
    int (*sha256_add)(sgn_sha256_state_t *state, const void *data, size_t len);
    int (*sha256_finish)(unsigned char out[SGN_SHA256_SIZE], sgn_sha256_state_t *state);
    /* ECDSA P-256 over SHA-256(message). */
    int (*es256_sign)(unsigned char out[SGN_P256_SIGNATURE], const void *key,
                      const void *message, size_t len);
    /* SGN_FAULT_KEY: not a point of the curve; SGN_FAULT_SIGNATURE. */
    int (*es256_verify)(const unsigned char key[SGN_P256_POINT],
                        const void *message, size_t len,
                        const unsigned char signature[SGN_P256_SIGNATURE]);
    int (*random)(void *out, size_t len);
} sgn_primitives_t;

/* All at once. */
int sgn_primitives_sha256(unsigned char out[SGN_SHA256_SIZE], const sgn_primitives_t *primitives,
                          const void *data, size_t len);
/* Constant time; 1 when equal. */
int sgn_primitives_equal(const void *a, const void *b, size_t len);

#endif
