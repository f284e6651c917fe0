/*
 * pdf_obj.h: PDF values as a plain immutable tree in a pool.
 *
 * One tree is one object with its direct children; references stay references
 * (follow them with sgn_pdf_doc_get).  Trees are compared, changed by copying
 * and written here; nothing here reads a file.
 *
 * Getters accept NULL and the wrong type and answer NULL / the default, so
 * that chains read well; a reference is the wrong type for every getter but
 * sgn_pdf_obj_is_ref: use sgn_pdf_doc_find() where a reference is allowed.
 */
#ifndef SGN_LOOK_FORMAT_PDF_OBJ_H
#define SGN_LOOK_FORMAT_PDF_OBJ_H

#include "look/format/pdf_lex.h"

typedef enum {
    SGN_PDF_NULL, SGN_PDF_BOOL, SGN_PDF_INT, SGN_PDF_REAL, SGN_PDF_NAME,
    SGN_PDF_STRING, SGN_PDF_ARRAY, SGN_PDF_DICT, SGN_PDF_REF
} sgn_pdf_type_t;

typedef struct sgn_pdf_obj_t sgn_pdf_obj_t;
struct sgn_pdf_obj_t {
    sgn_pdf_type_t type;
    apr_int64_t number;             /* BOOL, INT; REF: object number */
    int gen;                        /* REF */
    int is_stream;                  /* DICT of a stream (sgn_pdf_doc_stream has its bytes) */
    int doubles;                    /* DICT parsed from the file itself: a key stood there twice, the first counts */
    double real;                    /* INT and REAL */
    sgn_bytes_t text;               /* NAME (decoded, without '/'; NUL-terminated), STRING (decoded; NUL-terminated), REAL as written */
    int count;                      /* ARRAY items, DICT pairs */
    const sgn_pdf_obj_t **items;    /* ARRAY, DICT values */
    const char **keys;              /* DICT, in file order, without '/' */
};

/* Parses the value at lex.  SGN_DOCUMENT_DAMAGED, SGN_DOCUMENT_LIMIT (depth). */
sgn_error_t *sgn_pdf_obj_parse(const sgn_pdf_obj_t **out, sgn_pdf_lex_t *lex, apr_pool_t *pool);

const sgn_pdf_obj_t *sgn_pdf_obj_get(const sgn_pdf_obj_t *dict, const char *key);
const sgn_pdf_obj_t *sgn_pdf_obj_item(const sgn_pdf_obj_t *array, int index);
int sgn_pdf_obj_is_name(const sgn_pdf_obj_t *obj, const char *name);
int sgn_pdf_obj_is_ref(const sgn_pdf_obj_t *obj, int num, int gen);
apr_int64_t sgn_pdf_obj_int(const sgn_pdf_obj_t *obj, apr_int64_t absent);
/* Name without '/'; NULL. */
const char *sgn_pdf_obj_name(const sgn_pdf_obj_t *obj);
/* A text string (UTF-16 or UTF-8 with BOM, PDFDocEncoding) as UTF-8; NULL. */
const char *sgn_pdf_obj_text(const sgn_pdf_obj_t *obj, apr_pool_t *pool);

/* Equal in value: dictionaries in any order, 1 and 1.0 differ, string and hex
 * string of the same bytes are equal. */
int sgn_pdf_obj_equal(const sgn_pdf_obj_t *a, const sgn_pdf_obj_t *b);
/* The same but for `except`, a NULL-terminated list of keys of the top dictionary. */
int sgn_pdf_obj_equal_but(const sgn_pdf_obj_t *a, const sgn_pdf_obj_t *b, const char *const *except);

const sgn_pdf_obj_t *sgn_pdf_obj_make_int(apr_int64_t value, apr_pool_t *pool);
const sgn_pdf_obj_t *sgn_pdf_obj_make_number(double value, apr_pool_t *pool);
const sgn_pdf_obj_t *sgn_pdf_obj_make_name(const char *name, apr_pool_t *pool);
const sgn_pdf_obj_t *sgn_pdf_obj_make_string(sgn_bytes_t bytes, apr_pool_t *pool);
/* UTF-8 text: ASCII stays ASCII, else UTF-16BE with BOM. */
const sgn_pdf_obj_t *sgn_pdf_obj_make_text(const char *utf8, apr_pool_t *pool);
const sgn_pdf_obj_t *sgn_pdf_obj_make_ref(int num, int gen, apr_pool_t *pool);
const sgn_pdf_obj_t *sgn_pdf_obj_make_array(apr_pool_t *pool);
const sgn_pdf_obj_t *sgn_pdf_obj_make_dict(apr_pool_t *pool);
/* A copy of dict with key set (value NULL: removed) / of array with one more. */
const sgn_pdf_obj_t *sgn_pdf_obj_with(const sgn_pdf_obj_t *dict, const char *key,
                                      const sgn_pdf_obj_t *value, apr_pool_t *pool);
const sgn_pdf_obj_t *sgn_pdf_obj_append(const sgn_pdf_obj_t *array, const sgn_pdf_obj_t *item,
                                        apr_pool_t *pool);
/* Deterministic: the same tree gives the same bytes. */
void sgn_pdf_obj_write(sgn_buf_t *buf, const sgn_pdf_obj_t *obj);
/* A number as PDF writes it: at most 4 decimals, no exponent, no trailing 0. */
const char *sgn_pdf_obj_number(double value, apr_pool_t *pool);

#endif
