#include <string.h>

#include "agent/document.h"
#include "agent/outcome.h"
#include "dtbs/byterange.h"

static int check_bytes(sgn_request_item_t *item)
{
    const sgn_primitives_t *primitives = sgn_platform_primitives();
    unsigned char digest[SGN_SHA256_SIZE];
    int fault = sgn_byterange_shape(item->range, item->size);

    if (!fault && item->range[1] < item->original_size)
        fault = SGN_FAULT_RANGE;    /* nothing of the original may lie in the gap */
    if (!fault)
        fault = sgn_byterange_placeholder(item->range, sgn_platform_pread, &item->fd);
    if (!fault)
        fault = sgn_byterange_span(digest, 0, item->size, primitives, sgn_platform_pread, &item->fd);
    if (!fault && !sgn_primitives_equal(digest, item->hash, sizeof digest))
        return sgn_outcome(SGN_DOCUMENT_MISMATCH, "document %u: digest", item->n);
    if (!fault)
        fault = sgn_byterange_span(digest, 0, item->original_size, primitives, sgn_platform_pread, &item->fd);
    if (!fault && !sgn_primitives_equal(digest, item->original_hash, sizeof digest))
        return sgn_outcome(SGN_DOCUMENT_MISMATCH, "document %u: digest of the original", item->n);
    return fault ? sgn_outcome(SGN_DOCUMENT_MISMATCH, "document %u: %s", item->n, sgn_fault_name(fault)) : SGN_DONE;
}

static int check_dtbs(sgn_request_item_t *item, const unsigned char certificate[SGN_SHA256_SIZE])
{
    const sgn_primitives_t *primitives = sgn_platform_primitives();
    unsigned char digest[SGN_SHA256_SIZE];
    int fault = sgn_signedattrs_parse(&item->attrs, item->dtbs, item->dtbs_len);

    if (fault)
        return sgn_outcome(SGN_DTBS_MISMATCH, "document %u: signed attributes: %s", item->n, sgn_fault_name(fault));
    if (item->attrs.kind != item->kind)
        return sgn_outcome(SGN_DTBS_MISMATCH, "document %u: kind %s, asked for %s", item->n,
                           sgn_signedattrs_kind_name(item->attrs.kind), sgn_signedattrs_kind_name(item->kind));
    if (!sgn_primitives_equal(item->attrs.certificate, certificate, SGN_SHA256_SIZE))
        return sgn_outcome(SGN_DTBS_MISMATCH, "document %u: another certificate", item->n);
    if (sgn_byterange_digest(digest, item->range, primitives, sgn_platform_pread, &item->fd)
        || !sgn_primitives_equal(digest, item->attrs.message_digest, sizeof digest))
        return sgn_outcome(SGN_DTBS_MISMATCH, "document %u: message digest", item->n);
    if (sgn_primitives_sha256(item->digest, primitives, item->dtbs, item->dtbs_len)
        || !sgn_primitives_equal(item->digest, item->hash_dtbs, sizeof item->digest))
        return sgn_outcome(SGN_DTBS_MISMATCH, "document %u: digest of the signed attributes", item->n);
    return SGN_DONE;
}

int sgn_document_check(sgn_request_item_t *item, const unsigned char certificate[SGN_SHA256_SIZE])
{
    SGN_STEP(check_bytes(item));
    return check_dtbs(item, certificate);
}

int sgn_document_fetch(sgn_request_item_t *item, sgn_server_t *server, const sgn_request_t *request,
                       const unsigned char certificate[SGN_SHA256_SIZE], int (*tick)(void *), void *context)
{
    SGN_STEP(sgn_platform_temporary(&item->fd));
    SGN_STEP(sgn_server_document(server, request->job_id, item->n, item->fd, item->size, tick, context));
    return sgn_document_check(item, certificate);
}
