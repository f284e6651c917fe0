/* guesses.c: counters of tries by address. */
#include "office/signing/guesses.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <string.h>

#include "base/pool.h"
#include "crypto/digest.h"
#include "crypto/random.h"

#define PLACES 4096
#define LIMIT 20
#define WINDOW apr_time_from_sec(60)
#define SECRET 16
#define NETWORK 8       /* bytes of an IPv6 address that one customer has */

struct sgn_guesses_t {
    pthread_mutex_t lock;
    unsigned char secret[SECRET];
    struct {
        apr_time_t since;
        int count;
    } places[PLACES];
};

static void destroy(void *baton)
{
    sgn_guesses_t *guesses = baton;

    pthread_mutex_destroy(&guesses->lock);
}

sgn_error_t *sgn_guesses_make(sgn_guesses_t **out, apr_pool_t *pool)
{
    sgn_guesses_t *guesses = apr_pcalloc(pool, sizeof *guesses);

    SGN_TRY(sgn_random_bytes(guesses->secret, sizeof guesses->secret, pool));
    pthread_mutex_init(&guesses->lock, NULL);
    sgn_pool_own(pool, guesses, destroy);
    *out = guesses;
    return NULL;
}

/* What is counted as one address; a text that is none counts as it stands. */
static size_t source(unsigned char out[64], const char *address)
{
    static const unsigned char mapped[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };
    unsigned char six[16];
    size_t len;

    if (address && inet_pton(AF_INET, address, out) == 1)
        return 4;
    if (address && inet_pton(AF_INET6, address, six) == 1) {
        if (memcmp(six, mapped, sizeof mapped) == 0) {
            memcpy(out, six + sizeof mapped, 4);
            return 4;
        }
        memcpy(out, six, NETWORK);
        return NETWORK;
    }
    len = address ? strnlen(address, 64) : 0;
    memcpy(out, address ? address : "", len);
    return len;
}

static sgn_error_t *place_of(unsigned *out, const sgn_guesses_t *guesses, const char *address, apr_pool_t *pool)
{
    unsigned char text[SECRET + 64], digest[32];
    size_t len = source(text + SECRET, address);

    memcpy(text, guesses->secret, SECRET);
    SGN_TRY(sgn_digest_sha256(digest, text, SECRET + len, pool));
    *out = ((unsigned)digest[0] << 8 | digest[1]) % PLACES;
    return NULL;
}

sgn_error_t *sgn_guesses_take(sgn_guesses_t *guesses, const char *address, apr_time_t now, apr_pool_t *pool)
{
    unsigned place;
    int count;

    SGN_TRY(place_of(&place, guesses, address, pool));
    pthread_mutex_lock(&guesses->lock);
    if (guesses->places[place].count == 0 || now - guesses->places[place].since >= WINDOW) {
        guesses->places[place].since = now;
        guesses->places[place].count = 0;
    }
    count = guesses->places[place].count;
    if (count < LIMIT)
        guesses->places[place].count++;
    pthread_mutex_unlock(&guesses->lock);
    return count < LIMIT ? NULL : SGN_ERROR(pool, SGN_ENROL_TOO_MANY, "%d codes in a minute", LIMIT);
}

void sgn_guesses_give(sgn_guesses_t *guesses, const char *address)
{
    apr_pool_t *pool;
    unsigned place;

    if (apr_pool_create(&pool, NULL) != APR_SUCCESS)
        return;
    if (!place_of(&place, guesses, address, pool)) {
        pthread_mutex_lock(&guesses->lock);
        if (guesses->places[place].count > 0)
            guesses->places[place].count--;
        pthread_mutex_unlock(&guesses->lock);
    }
    apr_pool_destroy(pool);
}
