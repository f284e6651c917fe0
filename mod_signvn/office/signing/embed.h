/*
 * embed.h: one durable signature value on its way into the document.
 *
 * Each call can be taken again after a crash: value, token and update are
 * durable, the document is cut back to the original's size before it is
 * appended to, and never once the archive has linked it (SGN_BUSY).
 */
#ifndef SGN_OFFICE_SIGNING_EMBED_H
#define SGN_OFFICE_SIGNING_EMBED_H

#include "office/signing/finish.h"

/* A token over the value, kept with the item; nothing for level B-B and when
 * there is one.  SGN_TIMESTAMP_DOWN, SGN_TIMESTAMP_BAD; SGN_BINDING_NONE,
 * SGN_CUSTODY_NONE, SGN_INCIDENT: the certificate was stopped before it. */
sgn_error_t *sgn_embed_stamp(sgn_finish_t *f);
/* The finished document, durable; sets f->document and final_sha256. */
sgn_error_t *sgn_embed_write(sgn_finish_t *f);
/* The last check: the whole file as a stranger would see it, and that what the
 * seal rests on is still good.  Sets f->report, f->evidence.  SGN_FINAL_CHECK,
 * SGN_CERT_UNKNOWN_STATUS. */
sgn_error_t *sgn_embed_check(sgn_finish_t *f);

#endif
