/*
 * evidence_cache.h: verified evidence by key, one file each.
 *
 * A file is one line of JSON and the bytes: {kind, key, thisUpdate, nextUpdate,
 * number, received}.  Written durably, and only when it is not older than what
 * is there.  Without a root nothing is kept.
 *
 * Not checked: that the bytes are what the line says; who uses them verifies
 * them again.
 */
#ifndef SGN_OFFICE_EVIDENCE_EVIDENCE_CACHE_H
#define SGN_OFFICE_EVIDENCE_EVIDENCE_CACHE_H

#include <apr_time.h>

#include "base/json.h"

typedef struct sgn_evidence_cache_t sgn_evidence_cache_t;

typedef struct {
    const char *kind, *key;
    apr_time_t this_update, next_update, received;
    const char *number;             /* of a CRL, hex; NULL */
    sgn_bytes_t data;
} sgn_evidence_cache_entry_t;

/* root: descriptor of SignVNStateDir or -1. */
sgn_error_t *sgn_evidence_cache_make(sgn_evidence_cache_t **out, int root, apr_pool_t *pool);
/* *out NULL: nothing is kept under this key, or it cannot be read. */
sgn_error_t *sgn_evidence_cache_find(sgn_evidence_cache_entry_t **out, sgn_evidence_cache_t *cache,
                                     const char *kind, const char *key, apr_pool_t *pool);
/* SGN_EVIDENCE_OLDER: something newer is there already. */
sgn_error_t *sgn_evidence_cache_put(sgn_evidence_cache_t *cache, const sgn_evidence_cache_entry_t *entry, apr_pool_t *pool);

#endif
