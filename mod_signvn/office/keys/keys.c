/* keys.c: the job key and the archive key. */
#include "office/keys/keys.h"

#include <string.h>
#include <unistd.h>

#include <openssl/bio.h>
#include <openssl/cms.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include <apr_strings.h>

#include "base/file.h"
#include "base/pool.h"
#include "crypto/digest.h"

#define PEM_LIMIT (64 * 1024)
#define ARCHIVE_BITS 3072
#define ARCHIVE_YEARS 20

struct sgn_keys_t {
    sgn_es256_t *job;
    EVP_PKEY *archive;
    X509 *certificate;
    const char *kid, *certificate_pem, *certificate_sha256;
};

static sgn_error_t *failed(const char *what, apr_pool_t *pool)
{
    char text[200];
    unsigned long number = ERR_get_error();

    ERR_error_string_n(number, text, sizeof text);
    ERR_clear_error();
    return SGN_ERROR(pool, SGN_CRYPTO, "%s: %s", what, text);
}

/* A memory BIO that is cleansed when the pool ends: it may hold a key. */
static BIO *memory(apr_pool_t *pool)
{
    BIO *bio = BIO_new(BIO_s_secmem());

    SGN_OWN(pool, bio, BIO_free_all);
    return bio;
}

static sgn_error_t *write_bio(int root, const char *path, BIO *bio, apr_pool_t *pool)
{
    char *data;
    long len = BIO_get_mem_data(bio, &data);

    return sgn_file_write(root, path, sgn_bytes(data, (size_t)len), 0400, pool);
}

static sgn_error_t *write_key(int root, const char *path, EVP_PKEY *key, apr_pool_t *pool)
{
    BIO *bio = memory(pool);

    if (!bio || !PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL))
        return failed(path, pool);
    return write_bio(root, path, bio, pool);
}

static sgn_error_t *read_bio(BIO **out, int root, const char *path, apr_pool_t *pool)
{
    sgn_bytes_t pem;
    BIO *bio;

    SGN_TRY(sgn_file_read(&pem, root, path, PEM_LIMIT, pool));
    bio = memory(pool);
    if (!bio || BIO_write(bio, pem.data, (int)pem.len) != (int)pem.len)
        return failed(path, pool);
    OPENSSL_cleanse((void *)pem.data, pem.len);
    *out = bio;
    return NULL;
}

static sgn_error_t *read_key(EVP_PKEY **out, int root, const char *path, apr_pool_t *scratch, apr_pool_t *pool)
{
    BIO *bio;

    SGN_TRY(read_bio(&bio, root, path, scratch));
    *out = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
    if (!*out)
        return failed(path, pool);
    SGN_OWN(pool, *out, EVP_PKEY_free);
    return NULL;
}

static int absent(const sgn_error_t *error)
{
    return error && error->code == SGN_FILE_ABSENT;
}

static sgn_error_t *open_job_key(sgn_keys_t *keys, int root, apr_pool_t *scratch, apr_pool_t *pool)
{
    EVP_PKEY *key;
    sgn_error_t *error = read_key(&key, root, "keys/job.pem", scratch, pool);

    if (absent(error)) {
        SGN_TRY(sgn_es256_generate(&keys->job, pool));
        SGN_TRY(write_key(root, "keys/job.pem", sgn_es256_key(keys->job), scratch));
    } else {
        SGN_TRY(error);
        SGN_TRY(sgn_es256_from_key(&keys->job, key, pool));
    }
    return sgn_es256_kid(&keys->kid, sgn_es256_point(keys->job), pool);
}

/* A self-signed certificate: what it proves is pinned by fingerprint, printed
 * in the backup minutes, never taken from a medium. */
static X509 *self_sign(EVP_PKEY *key)
{
    X509 *x = X509_new();
    X509_NAME *name = X509_NAME_new();

    if (!x || !name || !X509_set_version(x, X509_VERSION_3) ||
        !ASN1_INTEGER_set_uint64(X509_get_serialNumber(x), 1) ||
        !X509_gmtime_adj(X509_getm_notBefore(x), -3600) ||
        !X509_time_adj_ex(X509_getm_notAfter(x), 365 * ARCHIVE_YEARS, 0, NULL) ||
        !X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, (const unsigned char *)"mod_signvn archive key", -1, -1, 0) ||
        !X509_set_subject_name(x, name) || !X509_set_issuer_name(x, name) || !X509_set_pubkey(x, key) ||
        !X509_sign(x, key, EVP_sha256())) {
        X509_free(x);
        x = NULL;
    }
    X509_NAME_free(name);
    return x;
}

static sgn_error_t *make_archive_key(sgn_keys_t *keys, int root, apr_pool_t *scratch, apr_pool_t *pool)
{
    BIO *bio = memory(scratch);

    keys->archive = EVP_RSA_gen(ARCHIVE_BITS);
    SGN_OWN(pool, keys->archive, EVP_PKEY_free);
    if (!keys->archive || !bio)
        return failed("archive key", pool);
    keys->certificate = self_sign(keys->archive);
    SGN_OWN(pool, keys->certificate, X509_free);
    if (!keys->certificate || !PEM_write_bio_X509(bio, keys->certificate))
        return failed("archive certificate", pool);
    /* The certificate first: a key without it would be made anew. */
    SGN_TRY(write_bio(root, "keys/archive.crt", bio, scratch));
    return write_key(root, "keys/archive.pem", keys->archive, scratch);
}

static sgn_error_t *open_archive_key(sgn_keys_t *keys, int root, apr_pool_t *scratch, apr_pool_t *pool)
{
    unsigned char *der = NULL;
    sgn_error_t *error = read_key(&keys->archive, root, "keys/archive.pem", scratch, pool);
    BIO *bio;
    char *text;
    long len;
    int der_len;

    if (absent(error)) {
        SGN_TRY(make_archive_key(keys, root, scratch, pool));
    } else {
        SGN_TRY(error);
        SGN_TRY(read_bio(&bio, root, "keys/archive.crt", scratch));
        keys->certificate = PEM_read_bio_X509(bio, NULL, NULL, NULL);
        if (!keys->certificate)
            return failed("keys/archive.crt", pool);
        SGN_OWN(pool, keys->certificate, X509_free);
        if (!X509_check_private_key(keys->certificate, keys->archive))
            return SGN_ERROR(pool, SGN_CONFIG, "keys/archive.crt is not of keys/archive.pem");
    }
    bio = memory(scratch);
    if (!bio || !PEM_write_bio_X509(bio, keys->certificate))
        return failed("archive certificate", pool);
    len = BIO_get_mem_data(bio, &text);
    keys->certificate_pem = apr_pstrmemdup(pool, text, (size_t)len);
    der_len = i2d_X509(keys->certificate, &der);
    if (der_len <= 0)
        return failed("archive certificate", pool);
    error = sgn_digest_sha256_hex(&keys->certificate_sha256, der, (size_t)der_len, pool);
    OPENSSL_free(der);
    return error;
}

sgn_error_t *sgn_keys_open(sgn_keys_t **out, int root, apr_pool_t *pool)
{
    sgn_keys_t *keys = apr_pcalloc(pool, sizeof *keys);
    apr_pool_t *scratch;
    sgn_error_t *error;

    apr_pool_create(&scratch, pool);
    SGN_TRY(sgn_file_mkdir(root, "keys", 0700, pool));
    error = open_job_key(keys, root, scratch, pool);
    if (!error)
        error = open_archive_key(keys, root, scratch, pool);
    if (error)
        return error;   /* it may live in the scratch pool */
    apr_pool_destroy(scratch);
    *out = keys;
    return NULL;
}

sgn_error_t *sgn_keys_jws(const char **out, const sgn_keys_t *keys, const char *typ, sgn_bytes_t payload, apr_pool_t *pool)
{
    return sgn_es256_jws(out, keys->job, typ, keys->kid, payload, pool);
}

json_t *sgn_keys_jwks(const sgn_keys_t *keys, apr_pool_t *pool)
{
    json_t *list = sgn_json_array(pool);

    json_array_append(list, sgn_es256_jwk(sgn_es256_point(keys->job), keys->kid, pool));
    return list;
}

const unsigned char *sgn_keys_point(const sgn_keys_t *keys)
{
    return sgn_es256_point(keys->job);
}

sgn_error_t *sgn_keys_cms_sign(sgn_bytes_t *der, const sgn_keys_t *keys, int fd, apr_pool_t *pool)
{
    BIO *in = lseek(fd, 0, SEEK_SET) == 0 ? BIO_new_fd(fd, BIO_NOCLOSE) : NULL;
    CMS_ContentInfo *cms;
    unsigned char *data = NULL;
    int len;

    SGN_OWN(pool, in, BIO_free_all);
    if (!in)
        return failed("manifest", pool);
    cms = CMS_sign(keys->certificate, keys->archive, NULL, in, CMS_DETACHED | CMS_BINARY | CMS_NOSMIMECAP);
    if (!cms)
        return failed("CMS_sign", pool);
    SGN_OWN(pool, cms, CMS_ContentInfo_free);
    len = i2d_CMS_ContentInfo(cms, &data);
    if (len <= 0)
        return failed("CMS", pool);
    *der = sgn_bytes_dup(sgn_bytes(data, (size_t)len), pool);
    OPENSSL_free(data);
    return NULL;
}

const char *sgn_keys_certificate_pem(const sgn_keys_t *keys)
{
    return keys->certificate_pem;
}

const char *sgn_keys_certificate_sha256(const sgn_keys_t *keys)
{
    return keys->certificate_sha256;
}
