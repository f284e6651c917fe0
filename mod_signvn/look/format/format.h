/*
 * format.h: the plug of document formats, and what all of them tell.
 *
 * A format recognises its documents, lists their signatures and prepares an
 * update for a new one.  Adding a format: look/format/format_<name>.c with one
 * const sgn_format_t, and its row in format.c; nothing else.
 * Does NOT check: digests, certificates, changes (look/validate does).
 */
#ifndef SGN_LOOK_FORMAT_FORMAT_H
#define SGN_LOOK_FORMAT_FORMAT_H

#include <apr_time.h>

#include "base/json.h"

/* A document in memory: a private read-only map of a file nobody writes. */
typedef struct {
    const unsigned char *map;
    apr_off_t size;
} sgn_format_document_t;

/* One signature field with a value, or (orphan) a signature dictionary that no
 * field reaches. */
typedef struct {
    const char *name;               /* qualified field name, UTF-8; "" for an orphan */
    int field_num;                  /* object of the field, 0 */
    int value_num, value_gen;       /* object of the signature dictionary; 0: direct */
    int is_timestamp;               /* /DocTimeStamp or ETSI.RFC3161 */
    const char *filter, *subfilter; /* NULL when absent */
    const char *claimed_time;       /* /M as RFC 3339; NULL when absent or malformed */
    const char *claimed_name;       /* /Name */
    int range_ok;                   /* exactly four direct integers >= 0, no double keys */
    apr_int64_t range[4];
    apr_off_t contents_start;       /* offset of '<' by our own tokenizer; 0: not found as a hex token */
    apr_off_t contents_end;         /* behind '>' */
    sgn_bytes_t contents;           /* decoded, with its padding */
    int revision;                   /* which defined the signature dictionary; -1 */
    int type1;                      /* its dictionary is not in an object stream */
    int doubles;                    /* a key of the dictionary stands there twice */
    int page;                       /* from 1; 0: invisible or on no page */
    double rect[4];
    int certify;                    /* /P of its DocMDP; 0 */
} sgn_format_signature_t;

typedef struct {
    sgn_format_signature_t *signatures;     /* order of the field tree, depth first */
    int count;
    sgn_format_signature_t *orphans;
    int orphan_count;
    int pages, revisions;
    const char *version;            /* "1.7" */
} sgn_format_list_t;

/* A box in points, origin bottom-left of the page as displayed; page from 1,
 * -1 the last. */
typedef struct { int given; int page; double x, y, width, height; } sgn_format_box_t;

typedef struct {
    apr_time_t now;
    const char *kind;               /* "approve", "seal", "check", ... */
    const char *field;              /* name of the new field, or of the empty field to fill */
    int fill_field;                 /* field names an existing empty signature field */
    size_t contents_size;           /* DER bytes reserved; 0: 16384 */
    const char *signer_name;        /* /Name; NULL */
    sgn_format_box_t box;
    sgn_bytes_t image;              /* PNG; len 0: none */
    double image_width_mm;          /* > 0: drawn at this width (diameter of a seal) */
    const char **lines;             /* text of the appearance, NULL-terminated; NULL */
    sgn_format_box_t reserve_number, reserve_day, reserve_month, reserve_date, reserve_seal;
    double seal_mm;                 /* diameter of the seal that will come; 0: 36 */
    const char *fill_number, *fill_day, *fill_month, *fill_date;    /* NULL: not filled */
} sgn_format_prepare_t;

typedef struct {
    sgn_bytes_t update;             /* original || update is the prepared file */
    apr_int64_t range[4];           /* of the finished file */
    apr_off_t gap_offset;           /* of '<' in the finished file */
    size_t gap_length;              /* with the brackets */
    int pages;
    int page;                       /* where the signature stands; 0 invisible */
    double rect[4];                 /* as displayed, points */
    double reserved[5][4];          /* number day month date seal: page user space; zeros when not */
} sgn_format_prepared_t;

typedef struct {
    const char *name;               /* "PDF" */
    const char *media_type;
    int (*detect)(sgn_bytes_t head);
    sgn_error_t *(*list)(sgn_format_list_t **out, const sgn_format_document_t *document, apr_pool_t *pool);
    sgn_error_t *(*prepare)(sgn_format_prepared_t **out, const sgn_format_document_t *document,
                            const sgn_format_prepare_t *what, apr_pool_t *pool);
} sgn_format_t;

/* The format of a document; NULL: unknown (the report says UNSUPPORTED). */
const sgn_format_t *sgn_format_detect(const sgn_format_document_t *document);
const sgn_format_t *sgn_format_at(int index);   /* NULL behind the last */

extern const sgn_format_t sgn_format_pdf;

#endif
