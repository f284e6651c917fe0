#include "dtbs/byterange.h"

#define BLOCK 32768

int sgn_byterange_shape(const int64_t range[4], int64_t size)
{
    int64_t gap;

    if (size <= 0 || range[0] != 0 || range[1] <= 0 || range[1] > size
        || range[2] <= range[1] || range[2] >= size || range[3] != size - range[2])
        return SGN_FAULT_RANGE;
    gap = range[2] - range[1];
    if (gap < 4 || gap > SGN_BYTERANGE_GAP_MAX)
        return SGN_FAULT_GAP;
    return SGN_FAULT_NONE;
}

int sgn_byterange_placeholder(const int64_t range[4], sgn_byterange_read_fn read, void *context)
{
    unsigned char block[4096];
    int64_t from = range[1], to = range[2];

    if (from < 0 || to - from < 4 || to - from > SGN_BYTERANGE_GAP_MAX)
        return SGN_FAULT_GAP;
    for (int64_t at = from; at < to;) {
        size_t n = to - at > (int64_t)sizeof block ? sizeof block : (size_t)(to - at);

        if (read(context, block, n, at))
            return SGN_FAULT_READ;
        for (size_t i = 0; i < n; i++) {
            int64_t here = at + (int64_t)i;
            int want = here == from ? '<' : here == to - 1 ? '>' : '0';

            if (block[i] != want)
                return SGN_FAULT_GAP;
        }
        at += (int64_t)n;
    }
    return SGN_FAULT_NONE;
}

static int add_span(sgn_sha256_state_t *state, int64_t from, int64_t len,
                    const sgn_primitives_t *primitives, sgn_byterange_read_fn read, void *context)
{
    unsigned char block[BLOCK];

    if (from < 0 || len < 0)
        return SGN_FAULT_RANGE;
    while (len > 0) {
        size_t n = len > BLOCK ? BLOCK : (size_t)len;

        if (read(context, block, n, from))
            return SGN_FAULT_READ;
        SGN_FAULT_TRY(primitives->sha256_add(state, block, n));
        from += (int64_t)n;
        len -= (int64_t)n;
    }
    return SGN_FAULT_NONE;
}

int sgn_byterange_digest(unsigned char out[SGN_SHA256_SIZE], const int64_t range[4],
                         const sgn_primitives_t *primitives, sgn_byterange_read_fn read, void *context)
{
    sgn_sha256_state_t state;

    SGN_FAULT_TRY(primitives->sha256_start(&state));
    SGN_FAULT_TRY(add_span(&state, range[0], range[1], primitives, read, context));
    SGN_FAULT_TRY(add_span(&state, range[2], range[3], primitives, read, context));
    return primitives->sha256_finish(out, &state);
}

int sgn_byterange_span(unsigned char out[SGN_SHA256_SIZE], int64_t from, int64_t len,
                       const sgn_primitives_t *primitives, sgn_byterange_read_fn read, void *context)
{
    sgn_sha256_state_t state;

    SGN_FAULT_TRY(primitives->sha256_start(&state));
    SGN_FAULT_TRY(add_span(&state, from, len, primitives, read, context));
    return primitives->sha256_finish(out, &state);
}
