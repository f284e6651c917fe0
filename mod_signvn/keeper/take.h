/*
 * take.h: a document of a caller becomes a file of the keeper.
 *
 * The descriptor is a child's spool file and stays writable there; so it is
 * read exactly once, by pread, while it is hashed and copied into an own
 * O_TMPFILE (0400) under jobs/.  That digest is the only digest; workers,
 * DTBS and archive see only the copy.  Never mapped, never sought, never
 * handed on, closed at once.
 * Sealed memory (a small upload) nobody can change any more: where no file is
 * wanted it is hashed and used as it is.
 *
 * Refused: anything but a regular file (SGN_FILE_UNSAFE), empty
 * (SGN_BODY_EMPTY), over SignVNMaxDocument (SGN_TOO_LARGE), shrinking while
 * read (SGN_BODY_CUT).
 */
#ifndef SGN_KEEPER_TAKE_H
#define SGN_KEEPER_TAKE_H

#include "keeper/operations.h"

/* The document `index` (from 0) of the call.  path: name below the state root
 * that the copy gets durably ("jobs/<id>/0.pdf", its directory must exist);
 * NULL: it stays unnamed and ends with the pool.  out->fd is O_RDONLY, owned
 * by the pool. */
sgn_error_t *sgn_intake_take(sgn_engine_document_t *out, const char *path,
                             sgn_call_t *call, int index, apr_pool_t *pool);

/* The document for this call only, never for a file: small uploads, which lie
 * in sealed memory, are not copied. */
sgn_error_t *sgn_intake_read(sgn_engine_document_t *out, sgn_call_t *call, int index, apr_pool_t *pool);

/* The same from any descriptor: an archived file, a file named by the command line. */
sgn_error_t *sgn_intake_copy(sgn_engine_document_t *out, const char *path, int root,
                             int from, apr_off_t limit, apr_pool_t *pool);

/* A keeper's own file that nobody writes any more (jobs/, archive): opened
 * O_RDONLY below the state root and hashed. */
sgn_error_t *sgn_intake_open(sgn_engine_document_t *out, int root, const char *path, apr_pool_t *pool);

#endif
