/* path.c: certification paths by X509_verify_cert with our own store. */
#include "look/pki/path.h"

#include <string.h>

#include <apr_strings.h>
#include <openssl/err.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>

#include "base/pool.h"
#include "base/text.h"
#include "look/pki/algorithm.h"

#define ANCHORS 64
#define INTERMEDIATES 256
/* 112 bits: RSA from 2048, no SHA-1 below the anchor [TT 15/2025, Phụ lục] */
#define AUTH_LEVEL 2

struct sgn_path_store_t {
    X509_STORE *store;
    apr_array_header_t *anchors;            /* sgn_cert_t * */
    apr_array_header_t *intermediates;      /* sgn_cert_t * */
};

sgn_error_t *sgn_path_store_make(sgn_path_store_t **out, const apr_array_header_t *anchors,
                                 const apr_array_header_t *intermediates, apr_pool_t *pool)
{
    sgn_path_store_t *store = apr_pcalloc(pool, sizeof *store);
    int known = intermediates ? intermediates->nelts : 0;

    store->store = X509_STORE_new();
    SGN_OWN(pool, store->store, X509_STORE_free);
    store->anchors = apr_array_make(pool, anchors->nelts + 1, sizeof(sgn_cert_t *));
    store->intermediates = apr_array_make(pool, known + 1, sizeof(sgn_cert_t *));
    if (!store->store || anchors->nelts > ANCHORS || known > INTERMEDIATES)
        return SGN_ERROR(pool, SGN_CONFIG, "%d anchors, %d intermediate certificates", anchors->nelts, known);
    for (int i = 0; i < anchors->nelts; i++) {
        sgn_cert_t *cert;

        SGN_TRY(sgn_cert_parse(&cert, APR_ARRAY_IDX(anchors, i, sgn_bytes_t), pool));
        if (!X509_STORE_add_cert(store->store, cert->x509))
            return sgn_algorithm_error(pool, SGN_CONFIG, "trust anchor");
        APR_ARRAY_PUSH(store->anchors, sgn_cert_t *) = cert;
    }
    for (int i = 0; i < known; i++) {
        sgn_cert_t *cert;

        SGN_TRY(sgn_cert_parse(&cert, APR_ARRAY_IDX(intermediates, i, sgn_bytes_t), pool));
        APR_ARRAY_PUSH(store->intermediates, sgn_cert_t *) = cert;
    }
    *out = store;
    return NULL;
}

/* The provider follows from the anchor's own name: anchors are the
 * administrator's, so nobody else chooses it.  [SV-F02, SV-F06] */
static const char *provider_of(const sgn_cert_t *anchor, apr_pool_t *pool)
{
    static const char *const official[] = { "co yeu", "chuyen dung", "government", "cong vu", NULL };
    static const char *const public_[] = { "quoc gia", "national", "neac", "mic ", "vietnam root", NULL };
    const char *name = sgn_text_fold(apr_pstrcat(pool, anchor->common_name ? anchor->common_name : "", " ",
                                                 anchor->organisation ? anchor->organisation : "", " ", NULL), pool);

    for (int i = 0; official[i]; i++)
        if (strstr(name, official[i]))
            return "official";
    for (int i = 0; public_[i]; i++)
        if (strstr(name, public_[i]))
            return "public";
    return "other";
}

static sgn_code_t code_of(int error, int depth)
{
    switch (error) {
    case X509_V_OK:
        return SGN_OK;
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_CERT_UNTRUSTED:
        return SGN_F_PATH_NONE;
    case X509_V_ERR_CERT_NOT_YET_VALID:
    case X509_V_ERR_CERT_HAS_EXPIRED:
        return depth == 0 ? SGN_F_CERT_EXPIRED : SGN_F_PATH_INVALID;
    case X509_V_ERR_EE_KEY_TOO_SMALL:
    case X509_V_ERR_CA_KEY_TOO_SMALL:
    case X509_V_ERR_CA_MD_TOO_WEAK:
        return SGN_F_ALGORITHM;
    default:
        return SGN_F_PATH_INVALID;
    }
}

static const char *label(const sgn_cert_t *cert)
{
    return cert->common_name ? cert->common_name : cert->serial;
}

/* What X509_verify_cert lets pass for old roots.  [RFC 5280, 6.1.4 (k), (n)]
 * The anchor itself is believed as it is. */
static void check_authorities(sgn_path_t *path, apr_pool_t *pool)
{
    for (int i = 1; i < path->count - 1; i++) {
        const sgn_cert_t *cert = path->certs[i];

        if (!cert->is_ca || (cert->has_key_usage && !(cert->key_usage & SGN_CERT_KU_CERT_SIGN))) {
            path->code = SGN_F_PATH_INVALID;
            path->detail = apr_psprintf(pool, "%s is no certification authority", label(cert));
            return;
        }
    }
}

static void check_purpose(sgn_path_t *path, const sgn_cert_t *cert, sgn_path_purpose_t purpose, apr_pool_t *pool)
{
    const unsigned signing = SGN_CERT_KU_DIGITAL_SIGNATURE | SGN_CERT_KU_NON_REPUDIATION;

    if (purpose == SGN_PATH_SIGNER && sgn_cert_usage(cert) != SGN_OK) {
        path->code = SGN_F_CERT_USAGE;
        path->detail = apr_psprintf(pool, "%s may not sign documents", label(cert));
    }
    /* [RFC 3161, 2.3] exactly this purpose, and critical */
    if (purpose == SGN_PATH_TIMESTAMP
        && (!cert->has_eku || !cert->eku_critical || cert->eku != SGN_CERT_EKU_TIMESTAMP
            || (cert->has_key_usage && !(cert->key_usage & signing)))) {
        path->code = SGN_F_CERT_USAGE;
        path->detail = apr_psprintf(pool, "%s is not for time-stamping alone", label(cert));
    }
}

static void release(void *der)
{
    OPENSSL_free(der);
}

/* The certificate as it was read already: reading one costs more than checking
 * its signature. */
static sgn_cert_t *known(const apr_array_header_t *certs, const X509 *x509)
{
    for (int i = 0; certs && i < certs->nelts; i++)
        if (APR_ARRAY_IDX(certs, i, sgn_cert_t *)->x509 == x509)
            return APR_ARRAY_IDX(certs, i, sgn_cert_t *);
    return NULL;
}

static sgn_error_t *copy_chain(sgn_path_t *path, const sgn_path_store_t *store, const apr_array_header_t *offered,
                               STACK_OF(X509) *chain, const sgn_cert_t *leaf, apr_pool_t *pool)
{
    path->certs = apr_pcalloc(pool, sizeof *path->certs * (SGN_PATH_DEPTH + 2));
    path->certs[path->count++] = (sgn_cert_t *)leaf;
    for (int i = 1; i < sk_X509_num(chain) && path->count < SGN_PATH_DEPTH + 2; i++) {
        const X509 *x509 = sk_X509_value(chain, i);
        sgn_cert_t *cert = known(store->anchors, x509);
        unsigned char *der = NULL;
        int len;

        if (!cert)
            cert = known(store->intermediates, x509);
        if (!cert)
            cert = known(offered, x509);
        if (cert) {
            path->certs[path->count++] = cert;
            continue;
        }
        len = i2d_X509(x509, &der);

        SGN_OWN(pool, der, release);
        if (len <= 0)
            return sgn_algorithm_error(pool, SGN_CRYPTO, "certificate of the path");
        SGN_TRY(sgn_cert_parse(&path->certs[path->count], sgn_bytes(der, (size_t)len), pool));
        path->count++;
    }
    return NULL;
}

static sgn_error_t *attempt(sgn_path_t *path, sgn_path_store_t *store, const sgn_cert_t *cert,
                            const apr_array_header_t *offered, apr_time_t at, apr_pool_t *pool)
{
    X509_STORE_CTX *ctx = X509_STORE_CTX_new();
    STACK_OF(X509) *untrusted = sk_X509_new_null();
    X509_VERIFY_PARAM *param;
    int good, error, depth;

    SGN_OWN(pool, ctx, X509_STORE_CTX_free);
    SGN_OWN(pool, untrusted, OPENSSL_sk_free);
    if (!ctx || !untrusted)
        return sgn_algorithm_error(pool, SGN_CRYPTO, "path");
    for (int i = 0; i < store->intermediates->nelts; i++)
        sk_X509_push(untrusted, APR_ARRAY_IDX(store->intermediates, i, sgn_cert_t *)->x509);
    for (int i = 0; offered && i < offered->nelts && i < SGN_PATH_OFFERED; i++)
        sk_X509_push(untrusted, APR_ARRAY_IDX(offered, i, sgn_cert_t *)->x509);
    if (!X509_STORE_CTX_init(ctx, store->store, cert->x509, untrusted))
        return sgn_algorithm_error(pool, SGN_CRYPTO, "path");
    param = X509_STORE_CTX_get0_param(ctx);
    X509_VERIFY_PARAM_set_depth(param, SGN_PATH_DEPTH);
    X509_VERIFY_PARAM_set_auth_level(param, AUTH_LEVEL);
    X509_VERIFY_PARAM_set_time(param, (time_t)apr_time_sec(at));
    /* an anchor need not be self-signed: a time-stamp server may be anchored
     * at its own authority, below a root that we do not trust for it */
    X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_PARTIAL_CHAIN | X509_V_FLAG_TRUSTED_FIRST);
    good = X509_verify_cert(ctx);
    error = X509_STORE_CTX_get_error(ctx);
    depth = X509_STORE_CTX_get_error_depth(ctx);
    ERR_clear_error();
    path->count = 0;
    path->code = good == 1 ? SGN_OK : error == X509_V_OK ? SGN_F_PATH_INVALID : code_of(error, depth);
    path->detail = good == 1 ? NULL : apr_psprintf(pool, "%s at depth %d", X509_verify_cert_error_string(error), depth);
    return copy_chain(path, store, offered, X509_STORE_CTX_get0_chain(ctx), cert, pool);
}

sgn_error_t *sgn_path_build(sgn_path_t **out, sgn_path_store_t *store, const sgn_cert_t *cert,
                            const apr_array_header_t *offered, sgn_path_purpose_t purpose,
                            apr_time_t at, apr_pool_t *pool)
{
    sgn_path_t *path = apr_pcalloc(pool, sizeof *path);

    /* What we know ourselves first: a decoy in the document, with the name and
     * key identifier of a real authority, must not lead away from it. */
    SGN_TRY(attempt(path, store, cert, NULL, at, pool));
    if (path->code != SGN_OK && path->code != SGN_F_CERT_EXPIRED && offered && offered->nelts) {
        sgn_path_t *second = apr_pcalloc(pool, sizeof *second);

        SGN_TRY(attempt(second, store, cert, offered, at, pool));
        if (second->code == SGN_OK || second->count > path->count)
            path = second;
    }
    if (path->code == SGN_OK)
        check_authorities(path, pool);
    if (path->code == SGN_OK || path->code == SGN_F_CERT_EXPIRED) {
        path->provider = provider_of(path->certs[path->count - 1], pool);
        if (path->code == SGN_OK)
            check_purpose(path, cert, purpose, pool);
    }
    *out = path;
    return NULL;
}
