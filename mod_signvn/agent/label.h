/*
 * label.h: text from outside before a person or pinentry sees it.
 *
 * At most 200 characters; control, bidirectional and other invisible
 * characters become \u{XXXX}, bytes that are not UTF-8 become U+FFFD
 * (THREATS B16).  The Assuan form is percent-escaped on top, so that no text
 * can start a new command line.
 */
#ifndef SGN_AGENT_LABEL_H
#define SGN_AGENT_LABEL_H

#include <stddef.h>

#define SGN_LABEL_CHARACTERS 200
/* The longest label: every character as \u{10FFFF}, and "…". */
#define SGN_LABEL_SIZE (SGN_LABEL_CHARACTERS * 10 + 8)

/* out has SGN_LABEL_SIZE bytes or more; text may be of any length. */
void sgn_label(char *out, size_t cap, const char *text);
/* Percent-escapes a finished label (%, control, quote) for one Assuan line;
 * what does not fit is cut at a character. */
void sgn_label_assuan(char *out, size_t cap, const char *label);
/* Decodes the %XX of a D line in place; returns the new length, -1 on syntax. */
long sgn_label_unescape(unsigned char *text, size_t len);

#endif
