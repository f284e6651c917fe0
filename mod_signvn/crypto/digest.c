#include <openssl/evp.h>

#include "base/file.h"
#include "base/pool.h"
#include "crypto/digest.h"

#define BLOCK (128 * 1024)

struct sgn_digest_t {
    EVP_MD_CTX *context;
    sgn_digest_kind_t kind;
};

static const EVP_MD *md_of(sgn_digest_kind_t kind)
{
    switch (kind) {
    case SGN_DIGEST_SHA384:
        return EVP_sha384();
    case SGN_DIGEST_SHA512:
        return EVP_sha512();
    default:
        return EVP_sha256();
    }
}

size_t sgn_digest_size(sgn_digest_kind_t kind)
{
    return kind == SGN_DIGEST_SHA512 ? 64 : kind == SGN_DIGEST_SHA384 ? 48 : 32;
}

static sgn_error_t *new_digest(sgn_digest_t **out, sgn_digest_kind_t kind, apr_pool_t *pool)
{
    sgn_digest_t *digest = apr_pcalloc(pool, sizeof *digest);

    digest->kind = kind;
    digest->context = EVP_MD_CTX_new();
    if (!digest->context)
        return SGN_ERROR(pool, SGN_INTERNAL, "no digest context");
    SGN_OWN(pool, digest->context, EVP_MD_CTX_free);
    *out = digest;
    return NULL;
}

sgn_error_t *sgn_digest_make(sgn_digest_t **out, sgn_digest_kind_t kind, apr_pool_t *pool)
{
    SGN_TRY(new_digest(out, kind, pool));
    if (EVP_DigestInit_ex((*out)->context, md_of(kind), NULL) != 1)
        return SGN_ERROR(pool, SGN_INTERNAL, "digest start");
    return NULL;
}

sgn_error_t *sgn_digest_copy(sgn_digest_t **out, const sgn_digest_t *from, apr_pool_t *pool)
{
    SGN_TRY(new_digest(out, from->kind, pool));
    if (EVP_MD_CTX_copy_ex((*out)->context, from->context) != 1)
        return SGN_ERROR(pool, SGN_INTERNAL, "digest copy");
    return NULL;
}

sgn_error_t *sgn_digest_add(sgn_digest_t *digest, const void *data, size_t len, apr_pool_t *pool)
{
    if (EVP_DigestUpdate(digest->context, data, len) != 1)
        return SGN_ERROR(pool, SGN_INTERNAL, "digest add");
    return NULL;
}

sgn_error_t *sgn_digest_add_fd(sgn_digest_t *digest, int fd, apr_off_t from, apr_off_t len, apr_pool_t *pool)
{
    unsigned char *block = apr_palloc(pool, len < BLOCK ? (size_t)(len > 0 ? len : 1) : BLOCK);

    if (from < 0 || len < 0)
        return SGN_ERROR(pool, SGN_FILE_SHORT, "negative range");
    while (len > 0) {
        size_t n = len < BLOCK ? (size_t)len : BLOCK;

        SGN_TRY(sgn_file_pread_all(fd, block, n, from, pool));
        SGN_TRY(sgn_digest_add(digest, block, n, pool));
        from += (apr_off_t)n;
        len -= (apr_off_t)n;
    }
    return NULL;
}

sgn_error_t *sgn_digest_finish(unsigned char *out, sgn_digest_t *digest, apr_pool_t *pool)
{
    unsigned n;

    if (EVP_DigestFinal_ex(digest->context, out, &n) != 1 || n != sgn_digest_size(digest->kind))
        return SGN_ERROR(pool, SGN_INTERNAL, "digest finish");
    return NULL;
}

/* ---- the trail ------------------------------------------------------------- */

#define MARKS 64

struct sgn_digest_trail_t {
    apr_off_t step;
    int count;
    struct {
        apr_off_t at;
        sgn_digest_t *state;
    } marks[MARKS];
};

sgn_error_t *sgn_digest_trail_make(sgn_digest_trail_t **out, apr_off_t size, apr_pool_t *pool)
{
    *out = apr_pcalloc(pool, sizeof **out);
    (*out)->step = size / MARKS < BLOCK ? BLOCK : size / MARKS;
    return NULL;
}

sgn_error_t *sgn_digest_trail_pass(sgn_digest_trail_t *trail, const sgn_digest_t *digest, apr_off_t at, apr_pool_t *pool)
{
    apr_off_t last = trail->count ? trail->marks[trail->count - 1].at : 0;

    if (trail->count == MARKS || at - last < trail->step)
        return NULL;
    SGN_TRY(sgn_digest_copy(&trail->marks[trail->count].state, digest, pool));
    trail->marks[trail->count++].at = at;
    return NULL;
}

sgn_error_t *sgn_digest_trail_begin(sgn_digest_t **out, const sgn_digest_trail_t *trail, int fd, apr_off_t upto, apr_pool_t *pool)
{
    int i = trail ? trail->count - 1 : -1;

    while (i >= 0 && trail->marks[i].at > upto)
        i--;
    if (i < 0) {
        SGN_TRY(sgn_digest_make(out, SGN_DIGEST_SHA256, pool));
        return sgn_digest_add_fd(*out, fd, 0, upto, pool);
    }
    SGN_TRY(sgn_digest_copy(out, trail->marks[i].state, pool));
    return sgn_digest_add_fd(*out, fd, trail->marks[i].at, upto - trail->marks[i].at, pool);
}

sgn_error_t *sgn_digest_sha256(unsigned char out[32], const void *data, size_t len, apr_pool_t *pool)
{
    if (EVP_Digest(data, len, out, NULL, EVP_sha256(), NULL) != 1)
        return SGN_ERROR(pool, SGN_INTERNAL, "digest");
    return NULL;
}

sgn_error_t *sgn_digest_sha256_fd(unsigned char out[32], int fd, apr_off_t from, apr_off_t len, apr_pool_t *pool)
{
    sgn_digest_t *digest;

    SGN_TRY(sgn_digest_make(&digest, SGN_DIGEST_SHA256, pool));
    SGN_TRY(sgn_digest_add_fd(digest, fd, from, len, pool));
    return sgn_digest_finish(out, digest, pool);
}

sgn_error_t *sgn_digest_sha256_hex(const char **out, const void *data, size_t len, apr_pool_t *pool)
{
    unsigned char digest[32];

    SGN_TRY(sgn_digest_sha256(digest, data, len, pool));
    *out = sgn_bytes_hex(sgn_bytes(digest, sizeof digest), pool);
    return NULL;
}
