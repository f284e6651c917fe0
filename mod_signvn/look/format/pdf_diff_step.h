/*
 * pdf_diff_step.h: what the parts of pdf_diff share about one step.
 *
 * Used by pdf_diff*.c only.  A rule that explains an overridden object calls
 * sgn_pdf_diff_explain(); what is left unexplained at the end is forbidden.
 */
#ifndef SGN_LOOK_FORMAT_PDF_DIFF_STEP_H
#define SGN_LOOK_FORMAT_PDF_DIFF_STEP_H

#include <apr_hash.h>

#include "look/format/pdf_diff.h"

typedef struct {
    sgn_pdf_doc_t *old, *new;
    const sgn_pdf_scan_t *scan;
    int revision;                   /* index of new in scan */
    sgn_pdf_diff_step_t *out;
    apr_hash_t *own;                /* int num -> sgn_pdf_entry_t of this revision's sections */
    apr_hash_t *explained;          /* int num: overridden, and a rule says why */
    apr_hash_t *widgets;            /* int num: widget of a new signature field */
    apr_array_header_t *sole;       /* int num: explained only if nothing outside `family` refers to it */
    apr_hash_t *family;             /* int num: may refer to those (catalog, DSS parts) */
    int certified;                  /* /P of an earlier certification, 0 */
    apr_pool_t *pool;
} sgn_pdf_diff_pair_t;

void sgn_pdf_diff_tell(sgn_pdf_diff_pair_t *pair, sgn_pdf_diff_level_t level, sgn_code_t code,
                       int num, const char *what);
void sgn_pdf_diff_forbid(sgn_pdf_diff_pair_t *pair, sgn_code_t code, int num, const char *what);
void sgn_pdf_diff_explain(sgn_pdf_diff_pair_t *pair, int num);
int sgn_pdf_diff_marked(apr_hash_t *set, int num);
void sgn_pdf_diff_mark(apr_hash_t *set, int num, apr_pool_t *pool);

/* Is num an object of this revision, and was there none of that number before? */
int sgn_pdf_diff_is_new(const sgn_pdf_diff_pair_t *pair, int num);
/* Is num overridden by this revision? */
int sgn_pdf_diff_is_overridden(const sgn_pdf_diff_pair_t *pair, int num);

/* Was there an object of that number before? */
int sgn_pdf_diff_lived(const sgn_pdf_diff_pair_t *pair, int num);
/* The entry of this revision's own sections; NULL. */
const sgn_pdf_entry_t *sgn_pdf_diff_own(const sgn_pdf_diff_pair_t *pair, int num);
/* Explained only if nothing outside the family refers to it. */
void sgn_pdf_diff_explain_sole(sgn_pdf_diff_pair_t *pair, int num);
/* The number of a reference, 0. */
int sgn_pdf_diff_num(const sgn_pdf_obj_t *obj);

/* Trailer; catalog with metadata and evidence, and the form behind it. */
void sgn_pdf_diff_catalog_trailer(sgn_pdf_diff_pair_t *pair);
void sgn_pdf_diff_catalog(sgn_pdf_diff_pair_t *pair);
/* What is left unexplained. */
void sgn_pdf_diff_sweep(sgn_pdf_diff_pair_t *pair);

/* R5: the bytes of the revision are its own objects, xref, trailer. */
void sgn_pdf_diff_bytes(sgn_pdf_diff_pair_t *pair);
/* AcroForm, fields, locks, reserved fields; then pages and their /Annots. */
void sgn_pdf_diff_form(sgn_pdf_diff_pair_t *pair, const sgn_pdf_obj_t *old_form, const sgn_pdf_obj_t *new_form);
void sgn_pdf_diff_pages(sgn_pdf_diff_pair_t *pair);

/* References "num gen R" in the file, for numbers asked for beforehand: who
 * refers to them, and where the referring object lies. */
typedef struct sgn_pdf_diff_refs_t sgn_pdf_diff_refs_t;
typedef struct {
    int target, gen;
    int referrer;                   /* object number; 0: a trailer or xref stream */
    int container;                  /* object stream it lies in, 0 */
    apr_off_t at;                   /* offset of the referring object, or of the container */
} sgn_pdf_diff_ref_t;

sgn_pdf_diff_refs_t *sgn_pdf_diff_refs_make(apr_pool_t *pool);
void sgn_pdf_diff_refs_want(sgn_pdf_diff_refs_t *refs, int num);
/* One pass over the whole file and its object streams. */
sgn_error_t *sgn_pdf_diff_refs_collect(sgn_pdf_diff_refs_t *refs, sgn_pdf_doc_t *newest);
/* All found references to num; *count is set. */
const sgn_pdf_diff_ref_t *sgn_pdf_diff_refs_to(const sgn_pdf_diff_refs_t *refs, int num, int *count);

/* Objects of this revision that an older one refers to, and changed ones that
 * something else uses. */
void sgn_pdf_diff_sweep_refs(sgn_pdf_diff_pair_t *pair, const sgn_pdf_diff_refs_t *refs);

#endif
