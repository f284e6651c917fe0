/*
 * library.h: the OpenSSL library context that certificates are read in.
 *
 * It knows the public keys that the regulations allow, RSA and EC as
 * SubjectPublicKeyInfo, and every digest and signature of the default provider.
 * A key of another type stays unread, so nothing verifies with it.  And reading
 * is quick: d2i_X509 tries each decoder of its context, of which the default
 * one has about a hundred (85 us a certificate; here 35).
 */
#ifndef SGN_LOOK_PKI_LIBRARY_H
#define SGN_LOOK_PKI_LIBRARY_H

#include <openssl/types.h>

/* Made at the first call, lives as long as the process; NULL (the default
 * context) where it cannot be made.  Thread-safe. */
OSSL_LIB_CTX *sgn_library_context(void);

#endif
