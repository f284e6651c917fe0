/*
 * warm.h: what the zygote does once so that no worker does it again: libraries
 * resolve their tables at first use, and a fork that finds them resolved
 * answers in a fraction of the time.
 *
 * Not here: any secret (the key made is thrown away) and any stranger's byte.
 */
#ifndef SGN_LOOK_PKI_WARM_H
#define SGN_LOOK_PKI_WARM_H

#include "base/error.h"

/* Digests, key decoders, verification and a certification path of OpenSSL. */
sgn_error_t *sgn_warm_crypto(apr_pool_t *pool);

#endif
