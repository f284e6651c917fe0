/*
 * crypto.h: dtbs/primitives.h filled with OpenSSL.
 *
 * es256_sign takes a sgn_es256_t (crypto/es256.h) as its key.
 */
#ifndef SGN_CRYPTO_CRYPTO_H
#define SGN_CRYPTO_CRYPTO_H

#include "dtbs/primitives.h"

const sgn_primitives_t *sgn_crypto_table(void);

#endif
