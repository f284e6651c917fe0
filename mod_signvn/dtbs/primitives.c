#include "dtbs/fault.h"
#include "dtbs/primitives.h"

int sgn_primitives_sha256(unsigned char out[SGN_SHA256_SIZE], const sgn_primitives_t *primitives,
                          const void *data, size_t len)
{
    sgn_sha256_state_t state;

    SGN_FAULT_TRY(primitives->sha256_start(&state));
    SGN_FAULT_TRY(primitives->sha256_add(&state, data, len));
    return primitives->sha256_finish(out, &state);
}

int sgn_primitives_equal(const void *a, const void *b, size_t len)
{
    const volatile unsigned char *x = a, *y = b;
    unsigned char difference = 0;

    for (size_t i = 0; i < len; i++)
        difference |= (unsigned char)(x[i] ^ y[i]);
    return difference == 0;
}
