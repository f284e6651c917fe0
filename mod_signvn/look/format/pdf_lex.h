/*
 * pdf_lex.h: tokens of PDF syntax over bytes in memory.
 *
 * Works on (base, end) without copying and without allocating; every position
 * it gives is an offset in the file, which is what signature checks need.
 * Does NOT check: that a value makes sense where it stands, names' escapes
 * (sgn_pdf_obj_parse decodes them), encryption.
 *
 * Order of use: sgn_pdf_lex_at(), then _next() or _skip().  Nothing is owned.
 */
#ifndef SGN_LOOK_FORMAT_PDF_LEX_H
#define SGN_LOOK_FORMAT_PDF_LEX_H

#include "base/buf.h"

#define SGN_PDF_DEPTH 100           /* arrays and dictionaries in one value */

typedef enum {
    SGN_PDF_TOKEN_END,              /* no more bytes */
    SGN_PDF_TOKEN_INT,
    SGN_PDF_TOKEN_REAL,
    SGN_PDF_TOKEN_NAME,             /* with its '/' */
    SGN_PDF_TOKEN_STRING,           /* with its parentheses */
    SGN_PDF_TOKEN_HEX,              /* with '<' and '>' */
    SGN_PDF_TOKEN_ARRAY_OPEN,
    SGN_PDF_TOKEN_ARRAY_CLOSE,
    SGN_PDF_TOKEN_DICT_OPEN,
    SGN_PDF_TOKEN_DICT_CLOSE,
    SGN_PDF_TOKEN_WORD,             /* true, obj, R, stream, xref, ... */
    SGN_PDF_TOKEN_BAD
} sgn_pdf_token_type_t;

typedef struct {
    sgn_pdf_token_type_t type;
    size_t start, end;              /* [start, end) in the file */
    apr_int64_t number;             /* of an INT; out of 64 bits is BAD */
} sgn_pdf_token_t;

typedef struct {
    const unsigned char *base;
    size_t pos, end;
} sgn_pdf_lex_t;

sgn_pdf_lex_t sgn_pdf_lex_at(const unsigned char *base, size_t pos, size_t end);
/* White space and comments are passed over. */
sgn_pdf_token_t sgn_pdf_lex_next(sgn_pdf_lex_t *lex);
/* The same without moving. */
sgn_pdf_token_t sgn_pdf_lex_peek(const sgn_pdf_lex_t *lex);
int sgn_pdf_lex_is(const sgn_pdf_lex_t *lex, sgn_pdf_token_t token, const char *word);

/* One whole value; "n g R" is one value.  0 when it is malformed or deeper
 * than SGN_PDF_DEPTH; lex->pos is behind it otherwise. */
int sgn_pdf_lex_skip(sgn_pdf_lex_t *lex);

/* lex stands before '<<'.  Finds key ("ByteRange", without '/', escapes in the
 * file respected) in that dictionary, not in nested ones.  Returns how often
 * the key is there (0, 1; 2 and more is an attack or damage), -1 when the
 * dictionary is malformed.  [*start, *end) is the value of the FIRST. */
int sgn_pdf_lex_dict_find(sgn_pdf_lex_t lex, const char *key, size_t *start, size_t *end);
/* Has any key of this dictionary (not nested) a double?  -1 malformed. */
int sgn_pdf_lex_dict_doubles(sgn_pdf_lex_t lex);

/* "n g obj" at lex; lex->pos is behind it.  0 when it is not there. */
int sgn_pdf_lex_object(sgn_pdf_lex_t *lex, int *num, int *gen);

int sgn_pdf_lex_white(int byte);
int sgn_pdf_lex_delimiter(int byte);

#endif
