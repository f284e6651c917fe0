/*
 * record.h: the two papers beside each original: evidence.json (what the
 * catalogue is rebuilt from) and metadata.xml (what an archivist of another
 * system reads).  Built from the same values, so they never differ.
 *
 * Not checked: the meaning of the metadata.
 */
#ifndef SGN_OFFICE_ARCHIVE_RECORD_H
#define SGN_OFFICE_ARCHIVE_RECORD_H

#include "office/archive/archive.h"

#define SGN_RECORD_LIMIT (4u << 20)

/* Is the metadata an object whose known members have their types and lengths?
 * SGN_FIELD naming the member. */
sgn_error_t *sgn_record_check(const json_t *metadata, apr_pool_t *pool);

typedef struct {
    const char *id;
    apr_time_t received;
    const char *sha256, *sha512;    /* hex */
    apr_off_t size;
    json_t *evidence;               /* array of {name, kind, sha256, size, path|object} */
} sgn_record_facts_t;

json_t *sgn_record_json(const sgn_archive_ingest_t *ingest, const sgn_record_facts_t *facts, apr_pool_t *pool);
/* [TT 05/2025/TT-BNV; names of TT 02/2019 where both have them] */
sgn_error_t *sgn_record_xml(sgn_bytes_t *out, const sgn_archive_ingest_t *ingest, const sgn_record_facts_t *facts, apr_pool_t *pool);

#endif
