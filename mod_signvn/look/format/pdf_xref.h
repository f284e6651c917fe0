/*
 * pdf_xref.h: the structure of a PDF by our own eyes: sections, revisions,
 * where each object lies.
 *
 * sgn_pdf_scan() goes before qpdf sees a byte: it refuses what would make
 * qpdf slow, large or silent (bombs, loops, absurd sizes) and knows what qpdf
 * does not tell (offsets, sections, revisions).
 * Does NOT check: values of objects, that "n g obj" stands at an offset (use
 * sgn_pdf_scan_object), gaps between objects, who may change what.
 *
 * The scan borrows map; it lives in the pool.  All offsets count from byte 0,
 * where "%PDF-" must stand.
 */
#ifndef SGN_LOOK_FORMAT_PDF_XREF_H
#define SGN_LOOK_FORMAT_PDF_XREF_H

#include "look/format/pdf_obj.h"

#define SGN_PDF_REVISIONS 1000
#define SGN_PDF_SIZE 8388607        /* largest /Size; PDF 1.7, annex C */
#define SGN_PDF_ENTRIES 1000000     /* entries of all sections together */
#define SGN_PDF_INFLATED (64 << 20) /* bytes of all xref and object streams together */

typedef enum { SGN_PDF_XREF_TABLE, SGN_PDF_XREF_STREAM, SGN_PDF_XREF_HYBRID } sgn_pdf_xref_kind_t;

typedef struct {
    int num;
    int gen;                        /* type 2: 0 */
    unsigned char type;             /* 0 free, 1 at offset, 2 in an object stream */
    unsigned char hidden;           /* came from the /XRefStm of a hybrid section */
    int container;                  /* type 2: number of the object stream */
    apr_off_t offset;               /* type 1: offset; type 2: index in the container */
} sgn_pdf_entry_t;

typedef struct {
    sgn_pdf_xref_kind_t kind;
    apr_off_t offset;               /* of "xref" or of "n g obj" */
    apr_off_t end;                  /* just behind %%EOF and its line end (or end of trailer when none) */
    apr_off_t eof;                  /* just behind %%EOF, without the line end */
    apr_off_t startxref;            /* the value written behind this section */
    apr_off_t prev;                 /* -1: none */
    apr_off_t xref_stm;             /* -1: none */
    const sgn_pdf_obj_t *trailer;   /* the table's trailer, or the stream's dictionary */
    int stream_num;                 /* object number of the xref stream, 0 */
    sgn_pdf_entry_t *entries;       /* ascending num, one per num: table 'n', then /XRefStm, then table 'f' */
    int count;
} sgn_pdf_section_t;

/* All entries of all sections, by number, of one number the newest first. */
typedef struct {
    int num, section, revision;
    const sgn_pdf_entry_t *entry;
} sgn_pdf_index_t;

typedef struct {
    int first, sections;            /* sections[first .. first+sections) (2: the linearized pair) */
    apr_off_t start, end;           /* its own bytes; end just behind %%EOF + EOL */
    apr_off_t eof;                  /* end without the EOL: signers of such files cover only that */
} sgn_pdf_revision_t;

typedef struct {
    const unsigned char *map;
    apr_off_t size;
    char version[8];                /* of the header, "1.7" */
    sgn_pdf_section_t *sections;    /* oldest first */
    int section_count;
    sgn_pdf_revision_t *revisions;  /* oldest first */
    int revision_count;
    sgn_pdf_index_t *index;
    int index_count;
    apr_off_t trailing;             /* bytes behind the last revision's end that are not white space */
    int linearized, hybrid, encrypted;
    int next_num;                   /* max(/Size, highest number + 1): first number free for use */
    int hidden_signatures;          /* "/ByteRange" seen in object streams (only after _vet) */
    const char *damage;             /* what is broken; NULL: the structure is whole */
    apr_pool_t *pool;
} sgn_pdf_scan_t;

/* SGN_BODY_EMPTY, SGN_DOCUMENT_NOT_PDF (no header in the first KB), _HEADER
 * (header not at 0), _DAMAGED, _LIMIT.
 *
 * A damaged file that holds signature dictionaries is no error but a scan with
 * `damage`: one that knows the objects that can be found, so that what fails is
 * named.  sgn_pdf_doc_check() says DAMAGED for it; nothing may be concluded
 * from it but that a signature fails. */
sgn_error_t *sgn_pdf_scan(sgn_pdf_scan_t **out, const unsigned char *map, apr_off_t size, apr_pool_t *pool);
/* Bounded inflate of every object stream: SGN_DOCUMENT_LIMIT for bombs.  Not
 * possible for encrypted files (then the worker's rlimits are the only net).
 * Damage is treated as sgn_pdf_scan() treats it. */
sgn_error_t *sgn_pdf_scan_vet(sgn_pdf_scan_t *scan, apr_pool_t *pool);

/* The entry that rules in revision k (-1: the newest); NULL when none.  A free
 * entry is an entry. */
const sgn_pdf_entry_t *sgn_pdf_scan_find(const sgn_pdf_scan_t *scan, int revision, int num);
/* Which revision defined what rules for num in revision k; -1. */
int sgn_pdf_scan_origin(const sgn_pdf_scan_t *scan, int revision, int num);
/* The revision that ends at `end` (just behind %%EOF, or behind its line end); -1. */
int sgn_pdf_scan_ending(const sgn_pdf_scan_t *scan, apr_off_t end);

/* Raw bytes of a type 1 object: checks "num gen obj" at the offset and
 * "endobj" behind.  *body = offset of the value, *end = behind "endobj"
 * (for streams: behind the dictionary, and *stream = offset of the data,
 * else 0).  SGN_DOCUMENT_DAMAGED. */
sgn_error_t *sgn_pdf_scan_object(apr_off_t *body, apr_off_t *end, apr_off_t *stream,
                                 const sgn_pdf_scan_t *scan, const sgn_pdf_entry_t *entry, apr_pool_t *pool);

#endif
