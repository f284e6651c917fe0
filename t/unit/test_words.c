/* B11: the words depend on both sides' keys. */
#include "tap.h"

#include "crypto/crypto.h"
#include "dtbs/words.h"

static unsigned char agent[64], keys[128], nonce[16];

static void words(char out[6][SGN_WORDS_SIZE], unsigned nkeys, const char *code)
{
    sgn_words_enrolment(out, sgn_crypto_table(), agent, keys, nkeys, nonce, sizeof nonce, code);
}

static int same(char a[6][SGN_WORDS_SIZE], char b[6][SGN_WORDS_SIZE])
{
    int equal = 0;

    for (int i = 0; i < 6; i++)
        equal += strcmp(a[i], b[i]) == 0;
    return equal;
}

int main(void)
{
    static char all[SGN_WORDS_LIST][SGN_WORDS_SIZE];
    char first[6][SGN_WORDS_SIZE], second[6][SGN_WORDS_SIZE];
    int doubles = 0, bad = 0;
    unsigned char digest[32] = { 0xff, 0xe0 };

    for (unsigned i = 0; i < SGN_WORDS_LIST; i++) {
        bad += sgn_words_at(all[i], i) != 0 || strlen(all[i]) < 4;
        for (unsigned k = 0; k < i; k++)
            doubles += strcmp(all[i], all[k]) == 0;
    }
    is_int(bad, 0, "words: every index has a word");
    is_int(doubles, 0, "words: all 2048 are different");
    ok(sgn_words_at(all[0], SGN_WORDS_LIST) != 0, "words: there is no further one");
    sgn_words_of(first, digest);
    is(first[0], all[2047], "words: the first eleven bits choose the first word");
    is(first[1], all[0], "words: the next eleven the next");

    memset(agent, 1, sizeof agent);
    memset(keys, 2, sizeof keys);
    memset(nonce, 3, sizeof nonce);
    words(first, 1, "ABCD2345");
    words(second, 1, "ABCD2345");
    is_int(same(first, second), 6, "words: the same on both sides");
    keys[0] ^= 1;
    words(second, 1, "ABCD2345");
    ok(same(first, second) < 3, "B11: a proxy that swaps the server's key changes the words");
    keys[0] ^= 1;
    agent[0] ^= 1;
    words(second, 1, "ABCD2345");
    ok(same(first, second) < 3, "B11: one that swaps the desk's key too");
    agent[0] ^= 1;
    words(second, 2, "ABCD2345");
    ok(same(first, second) < 3, "B11: one that adds a server key too");
    words(second, 1, "ABCD2346");
    ok(same(first, second) < 3, "words: they belong to one code");
    ok(sgn_words_enrolment(second, sgn_crypto_table(), agent, keys, 0, nonce, 16, "A") != 0, "words: no server key, no words");
    return done_testing();
}
