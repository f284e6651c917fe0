/*
 * algorithm.h: signature algorithms by AlgorithmIdentifier, and their values.
 *
 * Known: RSASSA-PSS (parameters checked, MGF1 with the same digest), RSA
 * PKCS#1 v1.5, ECDSA, over SHA-256, -384, -512; SHA-1 is read so that it can be
 * named weak.  Everything else is unknown and never verifies.
 *
 * Not checked: whose key it is.
 */
#ifndef SGN_LOOK_PKI_ALGORITHM_H
#define SGN_LOOK_PKI_ALGORITHM_H

#include "base/buf.h"

struct evp_pkey_st;     /* EVP_PKEY */

typedef enum { SGN_ALGORITHM_UNKNOWN, SGN_ALGORITHM_PSS, SGN_ALGORITHM_PKCS1, SGN_ALGORITHM_ECDSA } sgn_algorithm_scheme_t;

typedef struct {
    const char *oid;                /* dotted */
    sgn_algorithm_scheme_t scheme;
    const char *digest;             /* OpenSSL's name: "SHA256"; NULL: unknown or stated elsewhere */
    int salt;                       /* PSS */
    int weak;                       /* SHA-1, MD5 */
} sgn_algorithm_t;

/* A whole AlgorithmIdentifier.  `digest` (may be NULL) is what the context says
 * for rsaEncryption and id-ecPublicKey in a SignerInfo.  Malformed parameters
 * give SGN_F_CMS_UNREADABLE, an unknown algorithm gives scheme UNKNOWN. */
sgn_error_t *sgn_algorithm_parse(sgn_algorithm_t *out, sgn_bytes_t identifier, const char *digest, apr_pool_t *pool);
/* The digest of a digest AlgorithmIdentifier, "SHA256"; NULL when unknown. */
sgn_error_t *sgn_algorithm_digest(const char **out, int *weak, sgn_bytes_t identifier, apr_pool_t *pool);
/* The digest of a bare dotted OID; NULL when unknown. */
const char *sgn_algorithm_digest_of(const char *oid);
/* "RSASSA-PSS/SHA-256" for reports. */
const char *sgn_algorithm_text(const sgn_algorithm_t *algorithm, apr_pool_t *pool);

/* 1 only when the value verifies over `data` with the key (NULL: never). */
int sgn_algorithm_verify(const sgn_algorithm_t *algorithm, struct evp_pkey_st *key, sgn_bytes_t data, sgn_bytes_t value);
/* The same over a digest that was computed elsewhere. */
int sgn_algorithm_verify_digest(const sgn_algorithm_t *algorithm, struct evp_pkey_st *key, sgn_bytes_t digest, sgn_bytes_t value);

/* out: at most 64 bytes; the length or 0. */
size_t sgn_algorithm_hash(unsigned char out[64], const char *digest, sgn_bytes_t data);

/* OpenSSL's error queue, emptied, as the detail of an error. */
sgn_error_t *sgn_algorithm_error(apr_pool_t *pool, sgn_code_t code, const char *what);

#endif
