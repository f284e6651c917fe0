/*
 * jsonout.h: a JSON writer into a caller-owned buffer.
 *
 * Commas are put by itself; the first fault is remembered and the text is
 * always NUL-terminated.  Text must be UTF-8 (SGN_FAULT_UTF8 otherwise).
 *
 *     sgn_jsonout(&out, buf, sizeof buf);
 *     sgn_jsonout_open(&out, NULL, '{');
 *     sgn_jsonout_str(&out, "jobID", id);
 *     sgn_jsonout_close(&out);
 *     fault = sgn_jsonout_end(&out);
 *
 * name is NULL inside arrays and for the root.
 */
#ifndef SGN_DTBS_JSONOUT_H
#define SGN_DTBS_JSONOUT_H

#include <stddef.h>
#include <stdint.h>

#include "dtbs/fault.h"

typedef struct {
    char *text;
    size_t cap, len;
    int fault;
    int depth;
    char closers[16];
    unsigned char filled[17];
} sgn_jsonout_t;

void sgn_jsonout(sgn_jsonout_t *out, char *buf, size_t cap);
void sgn_jsonout_open(sgn_jsonout_t *out, const char *name, char bracket);
void sgn_jsonout_close(sgn_jsonout_t *out);
void sgn_jsonout_str(sgn_jsonout_t *out, const char *name, const char *value);
void sgn_jsonout_strn(sgn_jsonout_t *out, const char *name, const char *value, size_t len);
void sgn_jsonout_int(sgn_jsonout_t *out, const char *name, int64_t value);
void sgn_jsonout_bool(sgn_jsonout_t *out, const char *name, int value);
void sgn_jsonout_base64(sgn_jsonout_t *out, const char *name, const void *data, size_t len);
void sgn_jsonout_base64url(sgn_jsonout_t *out, const char *name, const void *data, size_t len);
void sgn_jsonout_hex(sgn_jsonout_t *out, const char *name, const void *data, size_t len);
/* SGN_FAULT_*; SYNTAX when a bracket is open. */
int sgn_jsonout_end(sgn_jsonout_t *out);

#endif
