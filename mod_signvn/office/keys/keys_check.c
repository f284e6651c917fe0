/*
 * keys_check.c: is a detached CMS by the archive key?  The certificate in it
 * is compared by digest with the one the caller names; no path is built.
 */
#include <string.h>
#include <strings.h>

#include <openssl/cms.h>
#include <openssl/err.h>
#include <openssl/x509.h>

#include "base/pool.h"
#include "office/keys/keys.h"

#define CHECK_SIGNATURE_LIMIT (1 << 20)

static sgn_error_t *refused(const char *what, apr_pool_t *pool)
{
    ERR_clear_error();
    return SGN_ERROR(pool, SGN_CRYPTO, "%s", what);
}

static int is_pinned(CMS_ContentInfo *cms, const char *fingerprint, apr_pool_t *pool)
{
    STACK_OF(X509) *signers = CMS_get0_signers(cms);
    unsigned char digest[32];
    unsigned len = 0;
    int good = signers && sk_X509_num(signers) == 1
        && X509_digest(sk_X509_value(signers, 0), EVP_sha256(), digest, &len) == 1 && len == sizeof digest
        && strcasecmp(sgn_bytes_hex(sgn_bytes(digest, sizeof digest), pool), fingerprint) == 0;

    sk_X509_free(signers);
    return good;
}

sgn_error_t *sgn_keys_cms_verify(sgn_bytes_t der, sgn_bytes_t bytes, const char *fingerprint, apr_pool_t *pool)
{
    const unsigned char *at = der.data;
    CMS_ContentInfo *cms;
    BIO *content;

    if (der.len > CHECK_SIGNATURE_LIMIT || bytes.len > INT32_MAX)
        return SGN_ERROR(pool, SGN_TOO_LARGE, "signature or signed bytes");
    cms = d2i_CMS_ContentInfo(NULL, &at, (long)der.len);
    if (!cms)
        return refused("no CMS", pool);
    SGN_OWN(pool, cms, CMS_ContentInfo_free);
    if (at != der.data + der.len)
        return refused("bytes behind the CMS", pool);
    content = BIO_new_mem_buf(bytes.data, (int)bytes.len);
    if (!content)
        return refused("memory", pool);
    SGN_OWN(pool, content, BIO_free);
    if (CMS_verify(cms, NULL, NULL, content, NULL, CMS_BINARY | CMS_DETACHED | CMS_NO_SIGNER_CERT_VERIFY) != 1)
        return refused("the signature does not fit the bytes", pool);
    if (!is_pinned(cms, fingerprint, pool))
        return refused("signed by a stranger", pool);
    return NULL;
}
