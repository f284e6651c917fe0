#include <string.h>

#include "dtbs/words.h"

/* 32 first syllables x 64 second ones; every first is two letters, so two
 * different pairs never read the same. */
static const char first[32][3] = {
    "ba", "be", "bi", "bo", "ca", "co", "da", "de", "di", "do", "ga", "go", "ha", "he", "hi", "ho",
    "la", "le", "li", "lo", "ma", "me", "mi", "mo", "na", "ne", "no", "sa", "so", "ta", "ti", "to"
};
static const char second[64][6] = {
    "ban", "bao", "bay", "bien", "bong", "cam", "canh", "cau", "chim", "com", "cong", "dao", "dat", "dinh", "dong", "duc",
    "gan", "gao", "giang", "hai", "hang", "hoa", "hong", "huong", "kem", "khe", "khoi", "kinh", "lam", "lan", "long", "lua",
    "mai", "may", "mien", "muoi", "nam", "nau", "ngoc", "nhan", "non", "nui", "phao", "phu", "quan", "que", "rung", "sao",
    "sen", "song", "suoi", "tam", "thu", "tin", "tre", "trang", "tung", "vang", "ven", "voi", "vui", "xanh", "xuan", "yen"
};

int sgn_words_at(char out[SGN_WORDS_SIZE], unsigned index)
{
    size_t n;

    if (index >= SGN_WORDS_LIST)
        return SGN_FAULT_VALUE;
    n = strlen(second[index % 64]);
    memcpy(out, first[index / 64], 2);
    memcpy(out + 2, second[index % 64], n + 1);
    return SGN_FAULT_NONE;
}

int sgn_words_of(char out[SGN_WORDS_COUNT][SGN_WORDS_SIZE], const unsigned char digest[SGN_SHA256_SIZE])
{
    for (unsigned i = 0; i < SGN_WORDS_COUNT; i++) {
        unsigned index = 0;

        for (unsigned bit = 11 * i; bit < 11 * i + 11; bit++)
            index = index << 1 | ((digest[bit / 8] >> (7 - bit % 8)) & 1u);
        SGN_FAULT_TRY(sgn_words_at(out[i], index));
    }
    return SGN_FAULT_NONE;
}

int sgn_words_enrolment(char out[SGN_WORDS_COUNT][SGN_WORDS_SIZE], const sgn_primitives_t *primitives,
                        const unsigned char agent[SGN_P256_POINT],
                        const unsigned char *keys, unsigned nkeys,
                        const unsigned char *nonce, size_t nonce_len, const char *user_code)
{
    static const char label[] = "signvn-words";
    unsigned char digest[SGN_SHA256_SIZE];
    sgn_sha256_state_t state;

    if (nkeys == 0 || nonce_len < 16)
        return SGN_FAULT_MISSING;
    SGN_FAULT_TRY(primitives->sha256_start(&state));
    SGN_FAULT_TRY(primitives->sha256_add(&state, label, sizeof label - 1));
    SGN_FAULT_TRY(primitives->sha256_add(&state, agent, SGN_P256_POINT));
    SGN_FAULT_TRY(primitives->sha256_add(&state, keys, (size_t)nkeys * SGN_P256_POINT));
    SGN_FAULT_TRY(primitives->sha256_add(&state, nonce, nonce_len));
    SGN_FAULT_TRY(primitives->sha256_add(&state, user_code, strlen(user_code)));
    SGN_FAULT_TRY(primitives->sha256_finish(digest, &state));
    return sgn_words_of(out, digest);
}
