/*
 * catalog.h: the rebuildable index of the archive in the catalogue database.
 *
 * A row per document with folded copies of what is searched, the words in an
 * FTS5 table, and per journal chain the last line that went in: row and
 * position travel in one transaction, so a lost end is replayed, never missed.
 *
 * Not thread-safe by itself for writing: the archive's lock is held.
 */
#ifndef SGN_OFFICE_ARCHIVE_CATALOG_H
#define SGN_OFFICE_ARCHIVE_CATALOG_H

#include "office/archive/archive.h"
#include "office/archive/journal.h"

sgn_error_t *sgn_catalog_open(sgn_db_t *db, apr_pool_t *pool);
/* One document (its evidence.json) and the position; record NULL: position only. */
sgn_error_t *sgn_catalog_put(sgn_db_t *db, const json_t *record, const sgn_journal_line_t *line, apr_pool_t *pool);
/* The same inside the caller's transaction: for many at once. */
sgn_error_t *sgn_catalog_put_within(sgn_db_t *db, const json_t *record, const sgn_journal_line_t *line, apr_pool_t *pool);
sgn_error_t *sgn_catalog_position(apr_int64_t *seq, sgn_db_t *db, const char *writer, apr_pool_t *pool);
/* The next number of an agency's year, taken for good. */
sgn_error_t *sgn_catalog_number(apr_int64_t *out, sgn_db_t *db, const char *agency, int year, apr_pool_t *pool);
/* In a copy of the catalogue: everything of one agency away. */
sgn_error_t *sgn_catalog_leave_out(sgn_db_t *db, const char *agency, apr_pool_t *pool);
/* In one step.  Numbers stay taken: one that is skipped harms nobody.  Until
 * sgn_catalog_rebuilt() the catalogue says that it is being made anew. */
sgn_error_t *sgn_catalog_rebuilt(sgn_db_t *db, apr_pool_t *pool);
sgn_error_t *sgn_catalog_is_rebuilding(int *yes, sgn_db_t *db, apr_pool_t *pool);
sgn_error_t *sgn_catalog_clear(sgn_db_t *db, apr_pool_t *pool);
/* NULL in *out: none.  column: "ingest_key", "sha256" or "object". */
sgn_error_t *sgn_catalog_receipt(sgn_archive_receipt_t **out, sgn_db_t *db, const char *column, const char *value, apr_pool_t *pool);
sgn_error_t *sgn_catalog_get(json_t **out, sgn_db_t *db, const char *id, apr_pool_t *pool);
sgn_error_t *sgn_catalog_checked(sgn_db_t *db, const char *id, const char *time, int good, apr_pool_t *pool);
sgn_error_t *sgn_catalog_status(json_t *out, sgn_db_t *db, apr_pool_t *pool);

#endif
