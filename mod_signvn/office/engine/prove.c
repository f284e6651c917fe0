/* prove.c: the keeper's own proof of one signature: no parser of documents, no
 * word of a worker, only ranges, digest, value and a key of our own table. */
#include "office/engine/engine.h"

#include <string.h>

#include "crypto/digest.h"
#include "crypto/verify.h"
#include "dtbs/signedattrs.h"

/* [0,a) and [b,size): [PDF 32000-1, 12.8.1] the whole file but one gap. */
static int range_is_whole(const apr_int64_t range[4], apr_off_t size)
{
    return range[0] == 0 && range[1] > 0 && range[2] > range[1] && range[3] > 0
        && range[2] <= size && range[3] <= size - range[2];
}

sgn_error_t *sgn_engine_prove(int *good, const sgn_engine_document_t *document,
                              const apr_int64_t range[4], sgn_bytes_t dtbs, sgn_bytes_t value,
                              const char *algorithm_oid, sgn_bytes_t spki, apr_pool_t *pool)
{
    unsigned char digest[32];
    sgn_digest_t *state;
    sgn_verify_key_t *key;
    sgn_der_t found;

    *good = 0;
    if (!range_is_whole(range, document->size))
        return NULL;
    if (sgn_signedattrs_digest(&found, dtbs.data, dtbs.len) != SGN_FAULT_NONE || found.left != sizeof digest)
        return NULL;
    SGN_TRY(sgn_digest_trail_begin(&state, document->trail, document->fd, range[1], pool));
    SGN_TRY(sgn_digest_add_fd(state, document->fd, range[2], range[3], pool));
    SGN_TRY(sgn_digest_finish(digest, state, pool));
    if (memcmp(digest, found.at, sizeof digest) != 0)
        return NULL;
    SGN_TRY(sgn_verify_key(&key, spki, pool));
    return sgn_verify_value(good, key, algorithm_oid, dtbs, value, pool);
}
