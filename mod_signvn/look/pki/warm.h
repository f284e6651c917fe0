/*
 * warm.h: what the zygote does once so that no worker does it again: libraries
 * resolve their tables at first use, and a fork that finds them resolved
 * answers in a fraction of the time.
 *
 * Not here: any secret and any stranger's byte.
 */
#ifndef SGN_LOOK_PKI_WARM_H
#define SGN_LOOK_PKI_WARM_H

#include "base/buf.h"

struct evp_pkey_st;     /* EVP_PKEY */

/* Digests, and RSA of 2048 bits by a number nobody has the factors of; the pool
 * must live as long as the process. */
sgn_error_t *sgn_warm_crypto(apr_pool_t *pool);
/* An RSA value of each padding that does not verify, after sgn_warm_crypto(). */
void sgn_warm_verify(void);
/* A self-signed certificate of this common name for an hour, and its P-256 key,
 * which lives as long as the pool and is nobody's. */
sgn_error_t *sgn_warm_signer(sgn_bytes_t *certificate, struct evp_pkey_st **key, const char *name, apr_pool_t *pool);

#endif
