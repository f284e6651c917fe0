/*
 * fuzz_mutate.h: changed inputs, from a seed alone: the same seed and round give
 * the same bytes, on every machine.
 *
 * Bytes are changed, pieces doubled, moved, cut and taken from another input,
 * numbers made absurd, and words of a dictionary put in.  Half of the rounds
 * keep the length, so that the offsets in a PDF still lead somewhere.
 */
#ifndef SGN_T_FUZZ_MUTATE_H
#define SGN_T_FUZZ_MUTATE_H

#include <stdint.h>

#include "base/buf.h"

typedef struct { uint64_t state; } fuzz_random_t;

fuzz_random_t fuzz_random(uint64_t seed, uint64_t round);
/* 0 <= result < below; below > 0. */
size_t fuzz_next(fuzz_random_t *random, size_t below);

/* A block of its own on the heap, exactly as long as the input, so that reading
 * too far is seen; free() it.  words: NULL-terminated. */
sgn_bytes_t fuzz_mutate(fuzz_random_t *random, sgn_bytes_t from, sgn_bytes_t other, const char *const *words);

#endif
