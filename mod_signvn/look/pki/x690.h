/*
 * x690.h: what the readers of this room share on top of dtbs/der.h: faults as
 * errors, times, object identifiers, optional members.
 *
 * Not checked here: what the values mean.
 */
#ifndef SGN_LOOK_PKI_X690_H
#define SGN_LOOK_PKI_X690_H

#include <apr_time.h>

#include "base/buf.h"
#include "dtbs/der.h"

#define SGN_X690_OID_TEXT 128

/* Returns an error of `code` naming `what` unless the dtbs call succeeded. */
#define SGN_X690_TRY(pool, code, what, call) \
    do { int fault_ = (call); \
         if (fault_) return SGN_ERROR((pool), (code), "%s: %s", (what), sgn_fault_name(fault_)); } while (0)

static inline sgn_bytes_t sgn_x690_bytes(sgn_der_t value)
{
    return sgn_bytes(value.at, value.left);
}

static inline sgn_der_t sgn_x690_der(sgn_bytes_t bytes)
{
    return sgn_der(bytes.data, bytes.len);
}

/* Is the next value of this tag?  Then it is taken. */
int sgn_x690_optional(sgn_der_t *in, unsigned tag, sgn_der_t *content);
/* The next value, header and content, which must have this tag. */
int sgn_x690_whole(sgn_der_t *in, unsigned tag, sgn_der_t *whole);
/* Content of an OBJECT IDENTIFIER as dotted text in the pool. */
int sgn_x690_oid(const char **out, sgn_der_t *in, apr_pool_t *pool);
/* UTCTime or GeneralizedTime in Z; a fraction is kept to the microsecond. */
int sgn_x690_time(apr_time_t *out, sgn_der_t *in);
/* The content of a GeneralizedTime under whatever tag it came. */
int sgn_x690_time_content(apr_time_t *out, unsigned tag, sgn_der_t content);
/* A BOOLEAN DEFAULT FALSE. */
int sgn_x690_flag(int *out, sgn_der_t *in);
/* A small ENUMERATED. */
int sgn_x690_enumerated(int *out, sgn_der_t *in);
/* Content of an INTEGER as upper-case hex without sign byte. */
const char *sgn_x690_hex(sgn_bytes_t integer, apr_pool_t *pool);
/* Definite lengths and low tags all the way down, and nothing behind. */
int sgn_x690_strict(sgn_bytes_t der);
/* Takes one Extension: its OID as dotted text, criticality, value. */
int sgn_x690_extension(const char **oid, int *critical, sgn_der_t *value, sgn_der_t *in, apr_pool_t *pool);

#endif
