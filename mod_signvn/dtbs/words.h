/*
 * words.h: the six words that a person compares at enrolment.
 *
 * 2048 words of two plain syllables; 6 x 11 bits of a digest over both sides'
 * keys, the server's nonce and the code typed, so that a proxy that swaps
 * either side's key changes the words (THREATS B11).  Desk and server run this
 * same code.
 */
#ifndef SGN_DTBS_WORDS_H
#define SGN_DTBS_WORDS_H

#include "dtbs/primitives.h"
#include "dtbs/fault.h"

#define SGN_WORDS_LIST 2048
#define SGN_WORDS_COUNT 6
#define SGN_WORDS_SIZE 8        /* one word and its NUL */

/* index below SGN_WORDS_LIST. */
int sgn_words_at(char out[SGN_WORDS_SIZE], unsigned index);
/* The first 11-bit groups of a digest. */
int sgn_words_of(char out[SGN_WORDS_COUNT][SGN_WORDS_SIZE], const unsigned char digest[SGN_SHA256_SIZE]);
/* SHA-256("signvn-words" || agent key || server keys || nonce || code), then words.
 * keys: nkeys points one after the other, in the order of serverKeys. */
int sgn_words_enrolment(char out[SGN_WORDS_COUNT][SGN_WORDS_SIZE], const sgn_primitives_t *primitives,
                        const unsigned char agent[SGN_P256_POINT],
                        const unsigned char *keys, unsigned nkeys,
                        const unsigned char *nonce, size_t nonce_len, const char *user_code);

#endif
