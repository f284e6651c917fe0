/*
 * jws.h: compact JWS with exactly one algorithm.
 *
 * [RFC 7515, 7.1; RFC 8725, 3.1]  alg is ES256 and fixed by us, typ is
 * required and compared with what the caller expects, the header may only
 * have alg, typ, kid and jwk (never crit, jku, x5c, b64).  So a message of one
 * type is never taken for another and no header chooses how it is checked
 * (THREATS B15).
 *
 * Not checked here: whether the key is the right one.  Parse, choose the key
 * (by kid from the own table, or the jwk where the protocol says so), verify,
 * and only then read the payload.
 */
#ifndef SGN_DTBS_JWS_H
#define SGN_DTBS_JWS_H

#include "dtbs/jsonbuf.h"
#include "dtbs/jsonout.h"
#include "dtbs/primitives.h"

#define SGN_JWS_KID_MAX 64
#define SGN_JWS_HEADER_MAX 512
#define SGN_JWS_MAX (4u << 20)

#define SGN_JWS_TYP_PROOF "signvn-proof+jwt"
#define SGN_JWS_TYP_SIGN "signvn-sign+jwt"
#define SGN_JWS_TYP_EVIDENCE "signvn-evidence+jwt"

typedef struct {
    char kid[SGN_JWS_KID_MAX + 1];          /* "" when absent */
    int has_jwk;
    unsigned char jwk[SGN_P256_POINT];
    const unsigned char *payload;           /* in the caller's buffer */
    size_t payload_len;
    const char *signed_text;                /* header.payload, borrowed from text */
    size_t signed_len;
    unsigned char signature[SGN_P256_SIGNATURE];
} sgn_jws_t;

/* buf gets the decoded payload and a NUL; cap >= len * 3 / 4 + 4 is enough. */
int sgn_jws_parse(sgn_jws_t *out, const char *text, size_t len, const char *typ,
                  unsigned char *buf, size_t cap);
int sgn_jws_verify(const sgn_jws_t *jws, const unsigned char key[SGN_P256_POINT],
                   const sgn_primitives_t *primitives);
/* Exactly one of kid and jwk.  key goes to primitives->es256_sign.  NUL-terminated. */
int sgn_jws_build(char *out, size_t cap, size_t *out_len, const char *typ,
                  const char *kid, const unsigned char *jwk,
                  const void *payload, size_t payload_len,
                  const void *key, const sgn_primitives_t *primitives);

/* {"kty":"EC","crv":"P-256","x":…,"y":…[,"kid":…]}; other members are ignored
 * but a private part ("d") is SGN_FAULT_UNKNOWN.  kid (may be NULL) gets "" when absent. */
int sgn_jws_jwk_read(unsigned char point[SGN_P256_POINT], char kid[SGN_JWS_KID_MAX + 1],
                     const sgn_jsonbuf_t *json, int object);
/* Writes the object as a member `name` (or item, NULL); kid may be NULL. */
void sgn_jws_jwk_write(sgn_jsonout_t *out, const char *name,
                       const unsigned char point[SGN_P256_POINT], const char *kid);

#endif
