/*
 * byterange.h: which bytes of a file a PDF signature covers.
 *
 * [0, a] [b, size-b]: everything but one gap, and the gap is the /Contents
 * placeholder '<' zeros '>' and nothing else (THREATS B10: a wider gap or
 * other bytes in it could hide a page's content while it is signed).
 *
 * Not checked: that the gap is really the /Contents of a signature dictionary;
 * that is the worker's validation of the finished file.
 */
#ifndef SGN_DTBS_BYTERANGE_H
#define SGN_DTBS_BYTERANGE_H

#include <stdint.h>

#include "dtbs/primitives.h"
#include "dtbs/fault.h"

#define SGN_BYTERANGE_GAP_MAX (64 * 1024)   /* with both brackets */

/* Reads exactly len bytes at `at`; anything but 0 is SGN_FAULT_READ. */
typedef int (*sgn_byterange_read_fn)(void *context, void *out, size_t len, int64_t at);

/* The four numbers against the size of the whole file. */
int sgn_byterange_shape(const int64_t range[4], int64_t size);
/* The bytes of the gap: '<', only '0', '>'. */
int sgn_byterange_placeholder(const int64_t range[4], sgn_byterange_read_fn read, void *context);
/* SHA-256 over the two ranges. */
int sgn_byterange_digest(unsigned char out[SGN_SHA256_SIZE], const int64_t range[4],
                         const sgn_primitives_t *primitives, sgn_byterange_read_fn read, void *context);
/* SHA-256 over [from, from+len) of the file. */
int sgn_byterange_span(unsigned char out[SGN_SHA256_SIZE], int64_t from, int64_t len,
                       const sgn_primitives_t *primitives, sgn_byterange_read_fn read, void *context);

#endif
