/*
 * verify.h: one signature value against one bare public key.
 *
 * The key comes from the keeper's own table (a SubjectPublicKeyInfo that a
 * worker once took out of a bound certificate); it is read by dtbs/der, not by
 * OpenSSL's parsers.  A value that does not verify is *good = 0, not an error.
 *
 * Keys: RSA 2048-8192 bits with an odd exponent of 3 to 2^32, EC P-256 and P-384.
 * Not checked: any certificate, revocation, time or purpose.
 */
#ifndef SGN_CRYPTO_VERIFY_H
#define SGN_CRYPTO_VERIFY_H

#include "base/buf.h"

#define SGN_OID_RSA_PSS "1.2.840.113549.1.1.10"         /* SHA-256, MGF1 SHA-256, salt 32 */
#define SGN_OID_RSA_SHA256 "1.2.840.113549.1.1.11"      /* PKCS #1 v1.5 */
#define SGN_OID_ECDSA_SHA256 "1.2.840.10045.4.3.2"      /* DER value */

typedef struct sgn_verify_key_t sgn_verify_key_t;

/* SGN_CERT_PURPOSE for a key that is malformed, weak or of another type. */
sgn_error_t *sgn_verify_key(sgn_verify_key_t **out, sgn_bytes_t spki, apr_pool_t *pool);
int sgn_verify_key_is_rsa(const sgn_verify_key_t *key);
int sgn_verify_key_bits(const sgn_verify_key_t *key);
/* OpenSSL's key, for callers with parameters of their own; borrowed. */
struct evp_pkey_st *sgn_verify_key_pkey(const sgn_verify_key_t *key);
/* "RSA 2048": for reports and logs. */
const char *sgn_verify_key_text(const sgn_verify_key_t *key, apr_pool_t *pool);
/* *good = 1 only when the value verifies over SHA-256(message).  An algorithm
 * that is unknown or of another key type is *good = 0. */
sgn_error_t *sgn_verify_value(int *good, const sgn_verify_key_t *key, const char *algorithm_oid,
                              sgn_bytes_t message, sgn_bytes_t value, apr_pool_t *pool);

#endif
