/*
 * pdf_diff.h: what each later revision of a PDF did to the one before it.
 *
 * A whitelist (PDF.md R5-R12): what no rule explains is forbidden.  Explained
 * are: a new signature field with its value, filling an empty signature field,
 * filling the reserved fields together with the seal in one revision, evidence
 * (DSS), a document time-stamp, document information and XMP metadata.
 * Adjacent revisions are compared once; what happened after a signature is the
 * worst of the steps behind its revision.
 *
 * Does NOT check: that a signature is valid, that the signed revision itself
 * is harmless (scripts, hidden layers), numbering by other tools.
 *
 * Order of use: scan, vet, open the newest, then sgn_pdf_diff_run() from the
 * revision of the first signature.  All lives in the pool.
 */
#ifndef SGN_LOOK_FORMAT_PDF_DIFF_H
#define SGN_LOOK_FORMAT_PDF_DIFF_H

#include <apr_tables.h>

#include "look/format/pdf_doc.h"

/* From good to bad: what cannot be known is worse than what is, but no proof. */
typedef enum {
    SGN_PDF_DIFF_NONE, SGN_PDF_DIFF_PERMITTED, SGN_PDF_DIFF_NUMBERING, SGN_PDF_DIFF_UNKNOWN, SGN_PDF_DIFF_FORBIDDEN
} sgn_pdf_diff_level_t;

#define SGN_PDF_DIFF_CHANGES 100    /* rows of one revision */
#define SGN_PDF_DIFF_ENTRIES 3000000    /* cross-reference entries of all revisions that are opened */

typedef struct {
    sgn_pdf_diff_level_t level;     /* NONE: only told, changes nothing */
    const char *object;             /* "12 0 R", NULL: the revision as such */
    const char *what;
    sgn_code_t code;
} sgn_pdf_diff_change_t;

typedef struct {
    sgn_pdf_diff_level_t level;     /* the worst of the changes */
    apr_array_header_t *changes;    /* sgn_pdf_diff_change_t */
} sgn_pdf_diff_step_t;

/* steps[k], k in first+1 .. last revision: what revision k did to k-1; the
 * others are empty (level NONE).  A revision that cannot be read is forbidden,
 * not an error; in a file that is broken as a whole, or has too many revisions of
 * too many objects, nothing is known of any (SGN_F_STRUCTURE at level UNKNOWN). */
sgn_error_t *sgn_pdf_diff_run(sgn_pdf_diff_step_t **steps, sgn_pdf_doc_t *newest, int first,
                              apr_pool_t *pool);

#endif
