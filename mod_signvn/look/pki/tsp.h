/*
 * tsp.h: RFC 3161 time-stamps: asking for one, and judging any.
 *
 * A token proves nothing until sgn_tsp_verify() said SGN_OK: its signature, the
 * ESSCertID of the signer, the extended key usage (timeStamping, critical,
 * alone) and the path to the *time-stamp anchors*, which are not those of
 * signers.
 *
 * Not checked: revocation of the TSA (path->certs, with revocation.h).
 *
 * Order of use, our own: request, reply.  In documents: parse, imprint_is or
 * compare `imprint` with the digest of the ranges, verify.
 */
#ifndef SGN_LOOK_PKI_TSP_H
#define SGN_LOOK_PKI_TSP_H

#include "look/pki/cms.h"
#include "look/pki/path.h"

#define SGN_TSP_LIMIT (128 * 1024)

typedef struct {
    sgn_bytes_t der;
    sgn_cms_t *cms;
    const char *policy;             /* dotted OID */
    const char *digest;             /* of the imprint, "SHA256"; NULL: unknown */
    int weak;                       /* SHA-1 imprint */
    sgn_bytes_t imprint, nonce;     /* nonce empty: absent; content of the INTEGER */
    const char *serial;             /* upper-case hex */
    apr_time_t time;                /* genTime */
    apr_interval_time_t accuracy;   /* 0: not stated */
    sgn_path_t *path;               /* set by verify */
} sgn_tsp_token_t;

/* A TimeStampReq over a SHA-256 imprint, certReq TRUE.  nonce: 1-20 bytes;
 * policy: dotted or NULL. */
sgn_error_t *sgn_tsp_request(sgn_bytes_t *out, sgn_bytes_t imprint, sgn_bytes_t nonce, const char *policy, apr_pool_t *pool);

typedef struct {
    sgn_bytes_t imprint, nonce;
    const char *policy;             /* NULL: any */
    apr_time_t asked;               /* when the request was made */
    apr_time_t now;                 /* when the reply came */
} sgn_tsp_expected_t;

/* The token of a TimeStampResp, everything right: status, imprint, nonce,
 * policy, genTime within [asked - 2 s, now + 120 s], verified against the
 * store.  Else SGN_TIMESTAMP_BAD. */
sgn_error_t *sgn_tsp_reply(sgn_tsp_token_t **out, sgn_bytes_t reply, const sgn_tsp_expected_t *expected,
                           sgn_path_store_t *tsa_store, apr_pool_t *pool);

/* SGN_F_TST_INVALID. */
sgn_error_t *sgn_tsp_parse(sgn_tsp_token_t **out, sgn_bytes_t der, apr_pool_t *pool);
/* Is the imprint the digest of these bytes? */
int sgn_tsp_imprint_is(const sgn_tsp_token_t *token, sgn_bytes_t data);
/* SGN_OK, SGN_F_TST_INVALID, SGN_F_TST_UNTRUSTED (no path to these anchors) or
 * SGN_F_ALGORITHM; judged at genTime, which may not lie after now + 120 s. */
sgn_error_t *sgn_tsp_verify(sgn_code_t *verdict, const char **detail, sgn_tsp_token_t *token,
                            sgn_path_store_t *tsa_store, const apr_array_header_t *offered,
                            apr_time_t now, apr_pool_t *pool);

#endif
