/*
 * keys.h: the keeper's own two keys: the job key (ES256), with which it signs
 * requests to the desks, and the archive key (RSA with a certificate of its
 * own), with which it signs backup manifests.
 *
 * This room alone opens keys/ (0400, uid of the keeper).  Missing keys are
 * made at the first start and reported by fingerprint.  The keys never leave
 * the process; secrets are not copied into pools.
 *
 * Any thread may call after sgn_keys_open().
 */
#ifndef SGN_OFFICE_KEYS_KEYS_H
#define SGN_OFFICE_KEYS_KEYS_H

#include "crypto/es256.h"

typedef struct sgn_keys_t sgn_keys_t;

/* root: descriptor of the state directory. */
sgn_error_t *sgn_keys_open(sgn_keys_t **out, int root, apr_pool_t *pool);

/* A JWS by the job key; kid is that of sgn_keys_jwks(). */
sgn_error_t *sgn_keys_jws(const char **out, const sgn_keys_t *keys, const char *typ, sgn_bytes_t payload, apr_pool_t *pool);
/* [JWK] of the job key, and its 64 bytes x then y. */
json_t *sgn_keys_jwks(const sgn_keys_t *keys, apr_pool_t *pool);
const unsigned char *sgn_keys_point(const sgn_keys_t *keys);

/* A detached CMS over a file from its start, of any size, by the archive key,
 * DER, with its certificate. */
sgn_error_t *sgn_keys_cms_sign(sgn_bytes_t *der, const sgn_keys_t *keys, int fd, apr_pool_t *pool);
/* Certificate of the archive key as PEM, and the hex SHA-256 of its DER. */
const char *sgn_keys_certificate_pem(const sgn_keys_t *keys);
const char *sgn_keys_certificate_sha256(const sgn_keys_t *keys);

#endif
