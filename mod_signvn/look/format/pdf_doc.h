/*
 * pdf_doc.h: object values of one revision, read on the mapped bytes: what lies
 * plainly in the file by our own parser, object streams, encrypted files and
 * whatever we cannot read by qpdf.
 *
 * Scan (and vet) first, then open.  Every value is copied into the pool as a
 * tree of pdf_obj.h and cached by number; qpdf's handles never leave this
 * unit.  qpdf never repairs: what it cannot read is NULL plus a warning, so
 * end every examination with sgn_pdf_doc_check(): any warning but the three
 * tolerated ones is SGN_DOCUMENT_DAMAGED (validation: indeterminate).
 * Does NOT check: signatures, changes, content streams.
 */
#ifndef SGN_LOOK_FORMAT_PDF_DOC_H
#define SGN_LOOK_FORMAT_PDF_DOC_H

#include "look/format/pdf_xref.h"

#define SGN_PDF_PAGE_DEPTH 64
#define SGN_PDF_PAGES 100000
#define SGN_PDF_FIELDS 20000
#define SGN_PDF_FIELD_DEPTH 32
#define SGN_PDF_FIELD_NAME 4096
#define SGN_PDF_DECODED (128 << 20)     /* bytes of all streams decoded for one document */

typedef struct sgn_pdf_doc_t sgn_pdf_doc_t;

/* revision -1: the newest.  Encrypted files open with the empty user password:
 * SGN_DOCUMENT_PASSWORD otherwise.  SGN_DOCUMENT_DAMAGED for an older revision;
 * the newest one opens all the same, broken, so that its signatures can be
 * listed: sgn_pdf_doc_check() tells. */
sgn_error_t *sgn_pdf_doc_open(sgn_pdf_doc_t **out, const sgn_pdf_scan_t *scan, int revision, apr_pool_t *pool);
/* See above; the detail of the error is the first intolerable warning. */
sgn_error_t *sgn_pdf_doc_check(sgn_pdf_doc_t *doc, apr_pool_t *pool);

/* Only the objects that lie plainly in the file can be read. */
int sgn_pdf_doc_broken(const sgn_pdf_doc_t *doc);
/* Damage that the caller found: sgn_pdf_doc_check() tells it too. */
void sgn_pdf_doc_blame(sgn_pdf_doc_t *doc, const char *damage);
/* So many bytes of the file were read for an object.  0: much more was read than
 * the file has, for its objects lie in each other; no more of them is read. */
int sgn_pdf_doc_spend(sgn_pdf_doc_t *doc, size_t bytes);

const sgn_pdf_scan_t *sgn_pdf_doc_scan(const sgn_pdf_doc_t *doc);
int sgn_pdf_doc_revision(const sgn_pdf_doc_t *doc);     /* index, never -1 */
apr_pool_t *sgn_pdf_doc_pool(const sgn_pdf_doc_t *doc);

/* The object; type NULL when there is none.  Never NULL. */
const sgn_pdf_obj_t *sgn_pdf_doc_object(sgn_pdf_doc_t *doc, int num, int gen);
/* obj itself, or what a reference leads to (at most 16 hops).  Never NULL. */
const sgn_pdf_obj_t *sgn_pdf_doc_get(sgn_pdf_doc_t *doc, const sgn_pdf_obj_t *obj);
/* get(get(dict)[key]).  Never NULL. */
const sgn_pdf_obj_t *sgn_pdf_doc_find(sgn_pdf_doc_t *doc, const sgn_pdf_obj_t *dict, const char *key);
const sgn_pdf_obj_t *sgn_pdf_doc_at(sgn_pdf_doc_t *doc, const sgn_pdf_obj_t *array, int index);
const sgn_pdf_obj_t *sgn_pdf_doc_trailer(sgn_pdf_doc_t *doc);
const sgn_pdf_obj_t *sgn_pdf_doc_catalog(sgn_pdf_doc_t *doc);
/* The reference to the catalog. */
const sgn_pdf_obj_t *sgn_pdf_doc_root(sgn_pdf_doc_t *doc);

/* Has the object's dictionary a key twice in the file (R6)?  qpdf hides that; 0
 * for objects in object streams. */
int sgn_pdf_doc_doubles(sgn_pdf_doc_t *doc, int num);

/* The stream's bytes as they lie in the file: a view of the map, no copy. */
sgn_error_t *sgn_pdf_doc_stream(sgn_bytes_t *out, sgn_pdf_doc_t *doc, int num, int gen, apr_pool_t *pool);
/* Decoded: no filter or one FlateDecode without predictor, at most limit bytes. */
sgn_error_t *sgn_pdf_doc_stream_decoded(sgn_bytes_t *out, sgn_pdf_doc_t *doc, int num, int gen,
                                        size_t limit, apr_pool_t *pool);

typedef struct {
    int num, gen;                   /* the page object; 0: a direct dictionary in its parent's /Kids */
    const sgn_pdf_obj_t *dict;
    int parent, parent_gen, kid;    /* its /Pages node and its place in /Kids */
    double box[4];                  /* CropBox within MediaBox, normalised: x0 y0 x1 y1, user space */
    int rotate;                     /* 0 90 180 270 */
    double user_unit;               /* 1 */
} sgn_pdf_page_t;

/* All pages in order (cached).  Errors: SGN_DOCUMENT_NO_PAGES, _LIMIT (depth,
 * number), _DAMAGED (loop, no box). */
sgn_error_t *sgn_pdf_doc_pages(const sgn_pdf_page_t **pages, int *count, sgn_pdf_doc_t *doc);
/* Number (from 1) of the page with that object number; 0. */
int sgn_pdf_doc_page_of(sgn_pdf_doc_t *doc, int num);

typedef struct {
    const char *name;               /* qualified "a.b.c", UTF-8 */
    int num, gen;                   /* the field's object; 0 when it is direct */
    const sgn_pdf_obj_t *dict;
    const char *type;               /* inherited /FT: "Sig" "Tx" "Btn" "Ch"; NULL */
    const sgn_pdf_obj_t *value;     /* inherited /V resolved; NULL when absent or null */
    int value_num, value_gen;       /* when /V is a reference; 0 */
    int flags;                      /* inherited /Ff */
    int level;                      /* 0: at the root of /Fields */
    int widgets;                    /* number of its widget annotations */
    int widget_num;                 /* the (first) widget's object, may be == num */
    int page;                       /* from 1; 0: on no page */
    double rect[4];                 /* of the first widget, normalised */
} sgn_pdf_field_t;

/* Terminal fields, depth first in the order of the tree (cached). */
sgn_error_t *sgn_pdf_doc_fields(const sgn_pdf_field_t **fields, int *count, sgn_pdf_doc_t *doc);
const sgn_pdf_field_t *sgn_pdf_doc_field(sgn_pdf_doc_t *doc, const char *name);

/* /P of the certification signature (DocMDP), 0 when there is none; *num = its
 * signature dictionary. */
int sgn_pdf_doc_certified(sgn_pdf_doc_t *doc, int *num);

/* Does a lock (FieldMDP of the signature, or /Lock of its field) name `field`? */
int sgn_pdf_doc_locks(sgn_pdf_doc_t *doc, const sgn_pdf_field_t *signature, const char *field);

#endif
