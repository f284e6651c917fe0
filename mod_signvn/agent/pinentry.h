/*
 * pinentry.h: the password, by the user's own pinentry program (Assuan).
 *
 * One question per call and never a second one by itself; external password
 * caches are never allowed.  Every text is a label, percent-escaped, so no
 * name of a token or document can add a command (THREATS B16).  The password
 * only passes through secret memory.
 */
#ifndef SGN_AGENT_PINENTRY_H
#define SGN_AGENT_PINENTRY_H

#include <stddef.h>

typedef struct {
    const char *program;        /* absolute path */
    const char *title, *prompt;
    const char *description;    /* any text; becomes a label by the caller */
    const char *warning;        /* NULL: none */
    int timeout;                /* seconds */
} sgn_pinentry_t;

/* SGN_USER_DECLINED, SGN_USER_TIMEOUT, SGN_AGENT_PROGRAM.  pin is secret memory. */
int sgn_pinentry_ask(const sgn_pinentry_t *question, unsigned char *pin, size_t cap, size_t *len);

#endif
