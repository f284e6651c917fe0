/*
 * der.h: strict DER over caller-owned buffers.
 *
 * Reader: definite, minimal lengths, low tag numbers only, at most
 * SGN_DER_LIMIT bytes in one value.  A sgn_der_t is a window that shrinks as
 * values are taken from its front; it borrows.
 *
 * Writer: fills a buffer from its end to its front, so a value is written
 * before its header and no length is ever moved: last child first, then
 * sgn_der_wrap().  It remembers the first fault; ask once at the end.
 *
 * Not checked here: what the values mean.
 */
#ifndef SGN_DTBS_DER_H
#define SGN_DTBS_DER_H

#include <stddef.h>

#include "dtbs/fault.h"

#define SGN_DER_LIMIT (64u << 20)

#define SGN_DER_BOOLEAN 0x01
#define SGN_DER_INTEGER 0x02
#define SGN_DER_BIT_STRING 0x03
#define SGN_DER_OCTET_STRING 0x04
#define SGN_DER_NULL 0x05
#define SGN_DER_OID 0x06
#define SGN_DER_UTF8 0x0c
#define SGN_DER_SEQUENCE 0x30
#define SGN_DER_SET 0x31
#define SGN_DER_CONTEXT(n) (0x80 | (n))              /* primitive, IMPLICIT */
#define SGN_DER_CONTEXT_CONSTRUCTED(n) (0xa0 | (n))

typedef struct {
    const unsigned char *at;
    size_t left;
} sgn_der_t;

sgn_der_t sgn_der(const void *data, size_t len);
/* The next value of any tag; whole (may be NULL) is header and content. */
int sgn_der_any(sgn_der_t *in, unsigned *tag, sgn_der_t *content, sgn_der_t *whole);
/* The next value, which must have this tag. */
int sgn_der_take(sgn_der_t *in, unsigned tag, sgn_der_t *content);
/* Tag of the next value without taking it; 0 at the end. */
unsigned sgn_der_peek(const sgn_der_t *in);
/* SGN_FAULT_TRAILING unless everything was taken. */
int sgn_der_end(const sgn_der_t *in);
/* An OBJECT IDENTIFIER that must be these content bytes. */
int sgn_der_expect_oid(sgn_der_t *in, const unsigned char *oid, size_t len);
/* A minimal INTEGER from 0 to 2^31-1. */
int sgn_der_small(sgn_der_t *in, long *out);
/* A positive INTEGER's magnitude without leading zero, borrowed. */
int sgn_der_magnitude(sgn_der_t *in, sgn_der_t *out);
/* A BIT STRING of whole bytes. */
int sgn_der_bits(sgn_der_t *in, sgn_der_t *out);
int sgn_der_equal(sgn_der_t a, const void *data, size_t len);
/* DER order of two encodings in a SET OF: <0, 0, >0. */
int sgn_der_compare(sgn_der_t a, sgn_der_t b);
/* Content of an OID as dotted text; SGN_FAULT_LIMIT for arcs over 64 bits. */
int sgn_der_oid_text(char *out, size_t cap, sgn_der_t oid);

typedef struct {
    unsigned char *buf;
    size_t cap;
    size_t left;    /* free bytes at the front; the value starts at buf + left */
    int fault;
} sgn_der_out_t;

void sgn_der_out(sgn_der_out_t *out, void *buf, size_t cap);
/* Bytes written so far: the mark that sgn_der_wrap() wants. */
size_t sgn_der_mark(const sgn_der_out_t *out);
void sgn_der_put(sgn_der_out_t *out, const void *data, size_t len);
/* Gives everything written since `mark` a header. */
void sgn_der_wrap(sgn_der_out_t *out, unsigned tag, size_t mark);
/* A whole primitive value. */
void sgn_der_value(sgn_der_out_t *out, unsigned tag, const void *data, size_t len);
/* An INTEGER from an unsigned big-endian magnitude. */
void sgn_der_unsigned(sgn_der_out_t *out, const unsigned char *data, size_t len);

/* r then s of n bytes each <-> SEQUENCE { INTEGER, INTEGER }. */
int sgn_der_from_rs(unsigned char *out, size_t cap, size_t *out_len, const unsigned char *rs, size_t n);
int sgn_der_to_rs(unsigned char *rs, size_t n, const unsigned char *der, size_t len);

#endif
