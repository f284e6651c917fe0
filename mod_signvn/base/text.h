/*
 * text.h: UTF-8, Vietnamese letters, and one escape per sink.
 *
 * Every text that came from outside passes exactly the function of the sink it
 * goes to: log, terminal, HTML, CSV, XML, PDF string, Assuan (pinentry),
 * metrics label.  Shape of all: NUL-terminated in, NUL-terminated in the pool
 * out; invalid UTF-8 becomes U+FFFD, control and bidirectional characters are
 * shown as \u{XXXX} (THREATS of text: B16, B31).
 *
 * Not here: any other script than Latin with Vietnamese marks is passed as is.
 */
#ifndef SGN_BASE_TEXT_H
#define SGN_BASE_TEXT_H

#include "base/buf.h"

int sgn_text_is_utf8(const char *text, size_t len);
/* Code points, not bytes; invalid bytes count one each. */
size_t sgn_text_length(const char *text);
/* The next code point and its length in bytes (>= 1; 0 at the NUL). */
int sgn_text_next(unsigned *point, const char *text);
void sgn_text_put(sgn_buf_t *buf, unsigned point);

/* Composes Vietnamese (NFC over Latin letters with the marks of Vietnamese);
 * other text is unchanged. */
const char *sgn_text_nfc(const char *text, apr_pool_t *pool);
/* Lower case, marks removed, d-stroke to d, NFD or NFC in: for search. */
const char *sgn_text_fold(const char *text, apr_pool_t *pool);
/* Upper and lower case aware of Vietnamese letters. */
const char *sgn_text_lower(const char *text, apr_pool_t *pool);
/* Has it a letter that only Vietnamese writes (marks or d-stroke)? */
int sgn_text_has_vietnamese(const char *text);

const char *sgn_text_log(const char *text, apr_pool_t *pool);
const char *sgn_text_terminal(const char *text, apr_pool_t *pool);
const char *sgn_text_html(const char *text, apr_pool_t *pool);
/* A quoted CSV field; a leading = + - @ gets an apostrophe. */
const char *sgn_text_csv(const char *text, apr_pool_t *pool);
const char *sgn_text_xml(const char *text, apr_pool_t *pool);
/* A PDF text string as hex, UTF-16BE with BOM: "<FEFF...>". */
const char *sgn_text_pdf(const char *text, apr_pool_t *pool);
/* Percent-escaped for an Assuan line, at most 200 code points. */
const char *sgn_text_assuan(const char *text, apr_pool_t *pool);
/* A Prometheus label value without its quotes. */
const char *sgn_text_metric(const char *text, apr_pool_t *pool);
/* RFC 5987 ext-value for Content-Disposition. */
const char *sgn_text_disposition(const char *text, apr_pool_t *pool);

#endif
