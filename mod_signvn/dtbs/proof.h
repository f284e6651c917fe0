/*
 * proof.h: the payload of SignVN-Proof, the signature on every request of a desk.
 *
 * {htm, htu (path only), iat, jti, bodyHash}: it binds key, method, path, time
 * and body (the shape of RFC 9449).  Made by the desk, checked by the keeper.
 *
 * Not checked here: that the jti was not seen before (the keeper remembers
 * those of claim, result and reject), nor the JWS itself (dtbs/jws.h).
 */
#ifndef SGN_DTBS_PROOF_H
#define SGN_DTBS_PROOF_H

#include "dtbs/jws.h"

#define SGN_PROOF_MAX 2048
#define SGN_PROOF_WINDOW 60     /* seconds either way */

typedef struct {
    char method[8];
    char path[256];
    int64_t issued;             /* seconds since 1970 */
    char jti[65];
    char body_hash[65];         /* hex SHA-256 */
} sgn_proof_t;

/* The finished header value.  kid or jwk as in sgn_jws_build(). */
int sgn_proof_build(char *out, size_t cap, const char *method, const char *path,
                    int64_t now, const void *body, size_t body_len,
                    const char *kid, const unsigned char *jwk,
                    const void *key, const sgn_primitives_t *primitives);
/* Reads a verified payload. */
int sgn_proof_read(sgn_proof_t *out, const unsigned char *payload, size_t len);
/* Against the request that carried it: SGN_FAULT_OTHER, SGN_FAULT_TIME.
 * path: as httpd normalised it, without query. */
int sgn_proof_check(const sgn_proof_t *proof, const char *method, const char *path,
                    const char *body_hash, int64_t now);

#endif
