/*
 * op_archive.h: the archive's operations; rows in operations.c.
 *
 * A person sees the records of agencies where she is authority, deputy, clerk,
 * archivist or inspector; the others do not exist for her (archive.unknown).
 * The command line of the machine sees all.
 */
#ifndef SGN_KEEPER_OP_ARCHIVE_H
#define SGN_KEEPER_OP_ARCHIVE_H

#include "keeper/operations.h"

#define SGN_ACCESS_ARCHIVE \
    (SGN_ACCESS_AUTHORITY | SGN_ACCESS_DEPUTY | SGN_ACCESS_CLERK | SGN_ACCESS_ARCHIVIST | SGN_ACCESS_INSPECTOR)
#define SGN_ACCESS_ARCHIVE_WRITE (SGN_ACCESS_AUTHORITY | SGN_ACCESS_DEPUTY | SGN_ACCESS_CLERK | SGN_ACCESS_ARCHIVIST)

/* body: metadata with agency (absent: the person's first); one document.
 * -> 201 {id, version, sha256, sha512, received, report} */
sgn_error_t *sgn_op_archive_create(sgn_call_t *call);
/* args as in API.md -> {items, next, total|atLeast} */
sgn_error_t *sgn_op_archive_search(sgn_call_t *call);
sgn_error_t *sgn_op_archive_get(sgn_call_t *call);
/* the bytes; etag is their SHA-256 */
sgn_error_t *sgn_op_archive_original(sgn_call_t *call);
sgn_error_t *sgn_op_archive_version(sgn_call_t *call);
/* the list, or one piece with args.name */
sgn_error_t *sgn_op_archive_evidence(sgn_call_t *call);
sgn_error_t *sgn_op_archive_fixity(sgn_call_t *call);
/* command line only: the catalogue anew -> {documents} */
sgn_error_t *sgn_op_archive_rebuild(sgn_call_t *call);

#endif
