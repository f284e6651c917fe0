/*
 * bench_sign.c: the server's side of one signature against its limit, in one
 * run: SHA-256 of the bytes and one RSA-2048 signature.
 *
 *   bench_sign PROGRAM_DIR CERTIFICATE.der KEY.pem FILE.pdf [ROUNDS]
 *
 * Ours: the spool file is read, hashed and copied as at intake; a worker
 * prepares; digest and signed attributes are built; a worker makes the CMS; it
 * goes into the placeholder.  Two worker calls and the wire are in it; the
 * token's RSA, fsync and the time-stamp are not.  Printed: median of each in
 * milliseconds, the ratio, the parts of ours, and what an empty task takes.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include <apr_general.h>
#include <apr_strings.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/pool.h"
#include "crypto/digest.h"
#include "crypto/verify.h"
#include "dtbs/signedattrs.h"
#include "office/engine/engine.h"
#include "office/engine/spawn.h"

#define BLOCK ((size_t)128 << 10)
#define CONTENTS 16384

enum { HASH, PREPARE, CMS, EMPTY, PARTS };

static double parts[PARTS][1000];
static sgn_engine_t *engine;
static sgn_bytes_t certificate;
static EVP_PKEY *key;

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return x < y ? -1 : x > y;
}

static double median(double *list, int count)
{
    qsort(list, (size_t)count, sizeof *list, by_value);
    return list[count / 2];
}

static double now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1000 + (double)t.tv_nsec / 1e6;
}

static size_t rsa(unsigned char value[512], const unsigned char digest[32])
{
    size_t len = 512;
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(key, NULL);

    EVP_PKEY_sign_init(ctx);
    EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING);
    EVP_PKEY_CTX_set_signature_md(ctx, EVP_sha256());
    if (EVP_PKEY_sign(ctx, value, &len, digest, 32) <= 0)
        abort();
    EVP_PKEY_CTX_free(ctx);
    return len;
}

/* What nobody can do without: the bytes hashed, one signature. */
static double limit(int fd, apr_off_t size)
{
    static unsigned char block[BLOCK];
    unsigned char digest[32], value[512];
    EVP_MD_CTX *md = EVP_MD_CTX_new();
    double begin = now_ms();

    EVP_DigestInit_ex(md, EVP_sha256(), NULL);
    for (apr_off_t at = 0; at < size; ) {
        ssize_t n = pread(fd, block, BLOCK, at);

        if (n <= 0)
            abort();
        EVP_DigestUpdate(md, block, (size_t)n);
        at += n;
    }
    EVP_DigestFinal_ex(md, digest, NULL);
    rsa(value, digest);
    EVP_MD_CTX_free(md);
    return now_ms() - begin;
}

static sgn_error_t *take(sgn_engine_document_t *document, int fd, apr_off_t size, apr_pool_t *pool)
{
    sgn_digest_t *digest;

    document->fd = fd;
    document->size = size;
    SGN_TRY(sgn_digest_make(&digest, SGN_DIGEST_SHA256, pool));
    SGN_TRY(sgn_digest_add_fd(digest, fd, 0, size, pool));
    SGN_TRY(sgn_digest_copy(&document->state, digest, pool));
    return sgn_digest_finish(document->sha256, digest, pool);
}

static sgn_error_t *prepare(sgn_bytes_t *update, apr_int64_t range[4], const sgn_engine_document_t *document, apr_pool_t *pool)
{
    json_t *args = sgn_json_object(pool), *answer, *list;

    sgn_json_set_str(args, "now", sgn_clock_print(sgn_clock_now(), pool));
    sgn_json_set_str(args, "claimedTime", sgn_clock_print(sgn_clock_now(), pool));
    sgn_json_set_str(args, "kind", "check");
    sgn_json_set_str(args, "field", "sgn_check_bench");
    sgn_json_set_int(args, "contentsSize", CONTENTS);
    sgn_json_set_str(args, "signerName", "Nguyễn Văn An");
    json_object_set_new(args, "box", json_pack("{s:i, s:i, s:i, s:i, s:i}", "page", 1, "x", 60, "y", 60, "width", 180, "height", 40));
    json_object_set_new(args, "lines", json_pack("[s, s]", "Kiểm tra nội dung", "Nguyễn Văn An"));
    SGN_TRY(sgn_engine_task(&answer, update, engine, SGN_ENGINE_SIGNING, "prepare", args, document, (size_t)8 << 20, pool));
    SGN_TRY(sgn_json_get_array(&list, answer, "byteRange", pool));
    for (size_t i = 0; i < 4; i++)
        range[i] = json_integer_value(json_array_get(list, i));
    return NULL;
}

/* *token_ms: the token's part, to be left out. */
static sgn_error_t *sign(double *token_ms, int round, int fd, apr_off_t size, apr_pool_t *pool)
{
    unsigned char der[SGN_SIGNEDATTRS_MAX], hash[32], signature[512];
    sgn_signedattrs_t attrs = { .kind = SGN_KIND_CHECK };
    sgn_engine_document_t document;
    sgn_bytes_t update, cms, value;
    apr_int64_t range[4];
    sgn_digest_t *digest;
    size_t len;
    double begin = now_ms();

    memset(&document, 0, sizeof document);
    SGN_TRY(take(&document, fd, size, pool));
    parts[HASH][round] = now_ms() - begin;
    begin = now_ms();
    SGN_TRY(prepare(&update, range, &document, pool));
    parts[PREPARE][round] = now_ms() - begin;
    SGN_TRY(sgn_digest_copy(&digest, document.state, pool));
    SGN_TRY(sgn_digest_add(digest, update.data, (size_t)(range[1] - size), pool));
    SGN_TRY(sgn_digest_add(digest, update.data + (range[2] - size), update.len - (size_t)(range[2] - size), pool));
    SGN_TRY(sgn_digest_finish(attrs.message_digest, digest, pool));
    SGN_TRY(sgn_digest_sha256(attrs.certificate, certificate.data, certificate.len, pool));
    if (sgn_signedattrs_build(der, sizeof der, &len, &attrs) != 0)
        return SGN_ERROR(pool, SGN_INTERNAL, "signed attributes");
    *token_ms = now_ms();
    SGN_TRY(sgn_digest_sha256(hash, der, len, pool));
    value = sgn_bytes(signature, rsa(signature, hash));
    *token_ms = now_ms() - *token_ms;
    begin = now_ms();
    SGN_TRY(sgn_engine_cms(&cms, engine, sgn_bytes(der, len), value, SGN_OID_RSA_SHA256, certificate, sgn_bytes(NULL, 0), pool));
    parts[CMS][round] = now_ms() - begin;
    memcpy((unsigned char *)update.data + (range[1] - size) + 1, sgn_bytes_hex(cms, pool), cms.len * 2);
    return NULL;
}

int main(int argc, char **argv)
{
    int rounds = argc > 5 ? atoi(argv[5]) : 31, control, fd;
    double ours[1000], least[1000], a, b;
    apr_pool_t *pool, *each;
    sgn_config_t *config;
    sgn_error_t *error;
    apr_off_t size;
    pid_t zygote;
    FILE *pem;

    if (argc < 5 || rounds < 3 || rounds > 1000) {
        fputs("bench_sign PROGRAM_DIR CERTIFICATE.der KEY.pem FILE.pdf [ROUNDS]\n", stderr);
        return 2;
    }
    apr_initialize();
    apr_pool_create(&pool, NULL);
    apr_pool_create(&each, pool);
    pem = fopen(argv[3], "re");
    key = pem ? PEM_read_PrivateKey(pem, NULL, NULL, NULL) : NULL;
    if (!key)
        return 2;
    fd = open(argv[2], O_RDONLY);
    error = sgn_file_read_fd(&certificate, fd, 65536, pool);
    if (!error)
        error = sgn_config_decode(&config, sgn_json_own(json_pack("{s:i, s:s, s:i, s:i, s:{}, s:[]}", "v", 1, "build", SGN_BUILD, "generation", 1, "httpd_uid", 0, "server", "agencies"), pool), pool);
    if (!error)
        error = sgn_spawn_zygote(&control, &zygote, argv[1], pool);
    if (!error)
        error = sgn_engine_make(&engine, config, NULL, control, pool);
    fd = open(argv[4], O_RDONLY);
    if (!error)
        error = sgn_file_size(&size, fd, pool);
    for (int i = -2; i < rounds && !error; i++) {   /* two rounds warm up */
        int round = i < 0 ? 0 : i;
        double begin, token = 0;
        json_t *answer;

        apr_pool_clear(each);
        least[round] = limit(fd, size);
        begin = now_ms();
        error = sign(&token, round, fd, size, each);
        ours[round] = now_ms() - begin - token;
        begin = now_ms();
        if (!error)
            error = sgn_engine_task(&answer, NULL, engine, SGN_ENGINE_SIGNING, "ping", NULL, NULL, 0, each);
        parts[EMPTY][round] = now_ms() - begin;
    }
    if (error) {
        fprintf(stderr, "bench_sign: %s\n", sgn_error_chain(error, pool));
        return 1;
    }
    a = median(least, rounds);
    b = median(ours, rounds);
    printf("sign %.2f MB: limit (SHA-256 + RSA-2048) %.3f ms, ours without token %.3f ms, ratio %.2f\n",
           (double)size / 1e6, a, b, b / a);
    printf("  of it hash %.3f, prepare %.3f, cms %.3f; an empty task %.3f\n", median(parts[HASH], rounds),
           median(parts[PREPARE], rounds), median(parts[CMS], rounds), median(parts[EMPTY], rounds));
    return 0;
}
