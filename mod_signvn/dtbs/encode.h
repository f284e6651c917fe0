/*
 * encode.h: base64, base64url and hex between caller-owned buffers.
 *
 * Encoders need cap >= the text and its NUL; decoders are strict: padding
 * exactly as the form demands, unused bits zero, no white space.
 */
#ifndef SGN_DTBS_ENCODE_H
#define SGN_DTBS_ENCODE_H

#include <stddef.h>

#include "dtbs/fault.h"

int sgn_encode_base64(char *out, size_t cap, const void *data, size_t len);
int sgn_encode_base64url(char *out, size_t cap, const void *data, size_t len);
int sgn_encode_hex(char *out, size_t cap, const void *data, size_t len);

/* *out_len is set; text of `len` characters, no NUL needed. */
int sgn_encode_from_base64(unsigned char *out, size_t cap, size_t *out_len, const char *text, size_t len);
int sgn_encode_from_base64url(unsigned char *out, size_t cap, size_t *out_len, const char *text, size_t len);
/* Lower-case hex only. */
int sgn_encode_from_hex(unsigned char *out, size_t cap, size_t *out_len, const char *text, size_t len);

/* 1 when well-formed UTF-8 (no surrogates, no overlong forms). */
int sgn_encode_is_utf8(const char *text, size_t len);

#endif
