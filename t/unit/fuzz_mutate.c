/* fuzz_mutate.c: changed inputs, from a seed alone. */
#include "t/unit/fuzz_mutate.h"

#include <stdlib.h>
#include <string.h>

#define GROW 4096                   /* room behind the input */

fuzz_random_t fuzz_random(uint64_t seed, uint64_t round)
{
    /* splitmix: neighbouring rounds have nothing in common */
    uint64_t z = seed * 0x9e3779b97f4a7c15ULL + round * 0xbf58476d1ce4e5b9ULL + 0x94d049bb133111ebULL;
    fuzz_random_t random;

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    random.state = (z ^ (z >> 31)) | 1;
    return random;
}

size_t fuzz_next(fuzz_random_t *random, size_t below)
{
    random->state ^= random->state << 13;
    random->state ^= random->state >> 7;
    random->state ^= random->state << 17;
    return (size_t)(random->state >> 11) % below;
}

typedef struct {
    unsigned char *data;
    size_t len, cap;
} text_t;

/* Near where the last change was, as often as not: structures are small. */
static size_t place(fuzz_random_t *random, const text_t *text, size_t *last)
{
    if (fuzz_next(random, 2))
        *last = fuzz_next(random, text->len);
    else
        *last = (*last + fuzz_next(random, 64)) % text->len;
    return *last;
}

static void insert(text_t *text, size_t at, const void *bytes, size_t len)
{
    if (text->len + len > text->cap)
        return;
    memmove(text->data + at + len, text->data + at, text->len - at);
    memcpy(text->data + at, bytes, len);
    text->len += len;
}

static void overwrite(text_t *text, size_t at, const void *bytes, size_t len)
{
    if (at + len > text->len)
        len = text->len - at;
    memcpy(text->data + at, bytes, len);
}

/* The next digits behind `at` become others, as many as there are. */
static void number(fuzz_random_t *random, text_t *text, size_t at)
{
    static const char *const absurd[] = { "0", "9", "2147483647", "4294967296", "18446744073709551615", "000000000", "1", "-1" };
    const char *digits = absurd[fuzz_next(random, sizeof absurd / sizeof *absurd)];
    size_t i;

    while (at < text->len && (text->data[at] < '0' || text->data[at] > '9'))
        at++;
    for (i = 0; at < text->len && text->data[at] >= '0' && text->data[at] <= '9'; at++, i++)
        text->data[at] = (unsigned char)digits[i % strlen(digits)];
}

static void change(fuzz_random_t *random, text_t *text, sgn_bytes_t other, const char *const *words, int keep_length, size_t *last)
{
    static const unsigned char special[] = { 0, 0xff, 0x80, 0x7f, 0x30, 0x31, 0x04, ' ', '<', '>', '(', ')', '[', ']', '/', '%', '\n', '\\' };
    unsigned char piece[256];
    size_t at = place(random, text, last), len = 1 + fuzz_next(random, 64), from;
    const char *word;
    int count = 0;

    switch (fuzz_next(random, keep_length ? 6 : 10)) {
    case 0:
        text->data[at] = (unsigned char)fuzz_next(random, 256);
        break;
    case 1:
        text->data[at] ^= (unsigned char)(1u << fuzz_next(random, 8));
        break;
    case 2:
        text->data[at] = special[fuzz_next(random, sizeof special)];
        break;
    case 3:
        number(random, text, at);
        break;
    case 4:
        while (words[count])
            count++;
        word = words[fuzz_next(random, (size_t)count)];
        overwrite(text, at, word, strlen(word));
        break;
    case 5:
        from = fuzz_next(random, text->len);
        len = len > text->len - from ? text->len - from : len;
        memcpy(piece, text->data + from, len);
        overwrite(text, at, piece, len);
        break;
    case 6:
        while (words[count])
            count++;
        word = words[fuzz_next(random, (size_t)count)];
        insert(text, at, word, strlen(word));
        break;
    case 7:
        len = fuzz_next(random, 8) ? len : fuzz_next(random, text->len);
        if (at + len < text->len) {
            memmove(text->data + at, text->data + at + len, text->len - at - len);
            text->len -= len;
        }
        break;
    case 8:
        if (other.len) {
            from = fuzz_next(random, other.len);
            insert(text, at, other.data + from, len > other.len - from ? other.len - from : len);
        }
        break;
    default:
        if (fuzz_next(random, 8) == 0)
            text->len = at + 1;     /* cut */
        else
            for (count = (int)fuzz_next(random, 40); count; count--)
                insert(text, at, "[", 1);
    }
}

sgn_bytes_t fuzz_mutate(fuzz_random_t *random, sgn_bytes_t from, sgn_bytes_t other, const char *const *words)
{
    text_t text = { malloc(from.len + GROW), from.len, from.len + GROW };
    int keep_length = (int)fuzz_next(random, 2);
    size_t changes = 1 + fuzz_next(random, 6), last = 0;
    unsigned char *exact;

    memcpy(text.data, from.data, from.len);
    for (; changes && text.len > 4; changes--)
        change(random, &text, other, words, keep_length, &last);
    exact = malloc(text.len);
    memcpy(exact, text.data, text.len);
    free(text.data);
    return sgn_bytes(exact, text.len);
}
