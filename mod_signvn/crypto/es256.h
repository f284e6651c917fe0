/*
 * es256.h: P-256 keys for JWS: the server's job key and the desks' public keys.
 *
 * A private key comes as an EVP_PKEY that office/keys read from its PEM file,
 * or is generated here; a public key is its 64 bytes x then y.
 */
#ifndef SGN_CRYPTO_ES256_H
#define SGN_CRYPTO_ES256_H

#include "base/json.h"
#include "dtbs/jws.h"

typedef struct sgn_es256_t sgn_es256_t;

/* `evp_pkey` is an EVP_PKEY *, borrowed for the pool's life; SGN_INTERNAL
 * unless it is a private P-256 key. */
sgn_error_t *sgn_es256_from_key(sgn_es256_t **out, void *evp_pkey, apr_pool_t *pool);
sgn_error_t *sgn_es256_generate(sgn_es256_t **out, apr_pool_t *pool);
/* The EVP_PKEY *, for office/keys to write. */
void *sgn_es256_key(const sgn_es256_t *key);
const unsigned char *sgn_es256_point(const sgn_es256_t *key);
/* kid: base64url of the first 12 bytes of SHA-256(x || y). */
sgn_error_t *sgn_es256_kid(const char **out, const unsigned char point[SGN_P256_POINT], apr_pool_t *pool);
/* {"kty","crv","x","y","kid"}; kid may be NULL. */
json_t *sgn_es256_jwk(const unsigned char point[SGN_P256_POINT], const char *kid, apr_pool_t *pool);
/* SGN_AGENT_PROOF unless it is a P-256 public key on the curve. */
sgn_error_t *sgn_es256_jwk_read(unsigned char point[SGN_P256_POINT], const json_t *jwk, apr_pool_t *pool);

/* A compact JWS over payload. */
sgn_error_t *sgn_es256_jws(const char **out, const sgn_es256_t *key, const char *typ, const char *kid,
                           sgn_bytes_t payload, apr_pool_t *pool);
/* Parses without verifying: to learn kid or jwk.  SGN_AGENT_PROOF. */
sgn_error_t *sgn_es256_parse(sgn_jws_t **out, const char *text, const char *typ, apr_pool_t *pool);
/* SGN_AGENT_PROOF unless the signature verifies. */
sgn_error_t *sgn_es256_verify(const sgn_jws_t *jws, const unsigned char point[SGN_P256_POINT], apr_pool_t *pool);

#endif
