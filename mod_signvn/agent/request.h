/*
 * request.h: the signed request of the server, and whether to believe it.
 *
 * sgn_request_read() verifies the JWS with a server key pinned at enrolment,
 * then job, audience, time (by the server's clock), algorithms, counts, and that
 * the nonce was not used; only then are the documents looked at
 * (agent/document.h).  The caller remembers the nonce before the password.
 */
#ifndef SGN_AGENT_REQUEST_H
#define SGN_AGENT_REQUEST_H

#include "agent/key.h"
#include "agent/label.h"
#include "agent/state.h"
#include "dtbs/signedattrs.h"

#define SGN_REQUEST_DOCUMENT (1ll << 31)    /* bytes */

typedef struct {
    unsigned n;
    char subject[SGN_LABEL_SIZE], kind_text[SGN_LABEL_SIZE];    /* labels */
    sgn_kind_t kind;
    int64_t size, original_size;
    unsigned char hash[SGN_SHA256_SIZE], original_hash[SGN_SHA256_SIZE];
    int64_t range[4];
    unsigned char dtbs[SGN_SIGNEDATTRS_MAX];
    size_t dtbs_len;
    unsigned char hash_dtbs[SGN_SHA256_SIZE];                   /* as the server says */
    /* set by agent/document.c */
    int fd;
    sgn_signedattrs_t attrs;
    unsigned char digest[SGN_SHA256_SIZE];                      /* of dtbs, computed here */
    /* set by agent/confirm.c */
    int declined;
    char reason[SGN_LABEL_SIZE];
} sgn_request_item_t;

typedef struct {
    char job_id[65], credential_id[44], nonce[129];
    char user[SGN_LABEL_SIZE], origin[SGN_LABEL_SIZE], description[SGN_LABEL_SIZE];
    char match_code[16];
    int64_t issued, expires;
    sgn_key_algorithm_t algorithm;
    unsigned count;
    sgn_request_item_t *items;
} sgn_request_t;

/* SGN_REQUEST_FORGED, SGN_REQUEST_EXPIRED, SGN_REQUEST_REPLAYED, SGN_FIELD. */
int sgn_request_read(sgn_request_t *out, const char *jws, size_t len, const sgn_state_t *state,
                     const char *job_id, int64_t server_now);
/* Closes the documents and frees the items. */
void sgn_request_end(sgn_request_t *request);

#endif
