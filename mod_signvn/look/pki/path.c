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
#include "look/pki/x690.h"

#define ANCHORS 64
#define INTERMEDIATES 256
/* 112 bits: RSA from 2048, no SHA-1 below the anchor [TT 15/2025, Phụ lục] */
#define AUTH_LEVEL 2

/* A certificate that is read when a path asks for its name: of an office's
 * twenty anchors and authorities a document needs two. */
typedef struct {
    sgn_bytes_t der;
    apr_uint64_t subject, issuer;           /* name_key() */
    sgn_cert_t *cert;                       /* NULL: not read yet */
    int anchor;
} known_t;

struct sgn_path_store_t {
    known_t *known;
    int count;
    apr_pool_t *pool;
};

/* The bytes of one letter: [X.690, 8.23] BMPString 30, UniversalString 28. */
static size_t letter_of(unsigned tag)
{
    return tag == 30 ? 2 : tag == 28 ? 4 : 1;
}

/* Equal for names that are equal without regard to string type, case and white
 * space [RFC 5280, 7.1]: of texts only ASCII counts, which every type has in
 * common.  OpenSSL compares again. */
static int add_name(apr_uint64_t *key, sgn_der_t name)
{
    while (name.left) {
        sgn_der_t content;
        size_t letter;
        unsigned tag;

        SGN_FAULT_TRY(sgn_der_any(&name, &tag, &content, NULL));
        if (tag == SGN_DER_SEQUENCE || tag == SGN_DER_SET) {
            SGN_FAULT_TRY(add_name(key, content));
            continue;
        }
        letter = letter_of(tag);
        for (size_t i = letter; i <= content.left; i += letter) {
            unsigned byte = content.at[i - 1], above = 0;

            for (size_t k = i - letter; k < i - 1; k++)
                above |= content.at[k];
            if (above || byte <= ' ' || byte >= 0x7f)
                continue;
            *key = (*key ^ (byte >= 'A' && byte <= 'Z' ? byte + 32 : byte)) * APR_UINT64_C(0x100000001b3);
        }
    }
    return SGN_FAULT_NONE;
}

static int name_key(apr_uint64_t *key, sgn_der_t name)
{
    *key = APR_UINT64_C(0xcbf29ce484222325);
    return add_name(key, name);
}

/* [RFC 5280, 4.1] as far as the subject */
static int read_names(known_t *known)
{
    sgn_der_t in = sgn_x690_der(known->der), certificate, tbs, version, part;

    SGN_FAULT_TRY(sgn_der_take(&in, SGN_DER_SEQUENCE, &certificate));
    SGN_FAULT_TRY(sgn_der_take(&certificate, SGN_DER_SEQUENCE, &tbs));
    (void)sgn_x690_optional(&tbs, SGN_DER_CONTEXT_CONSTRUCTED(0), &version);
    SGN_FAULT_TRY(sgn_der_take(&tbs, SGN_DER_INTEGER, &part));
    SGN_FAULT_TRY(sgn_der_take(&tbs, SGN_DER_SEQUENCE, &part));
    SGN_FAULT_TRY(sgn_der_take(&tbs, SGN_DER_SEQUENCE, &part));
    SGN_FAULT_TRY(name_key(&known->issuer, part));
    SGN_FAULT_TRY(sgn_der_take(&tbs, SGN_DER_SEQUENCE, &part));
    SGN_FAULT_TRY(sgn_der_take(&tbs, SGN_DER_SEQUENCE, &part));
    return name_key(&known->subject, part);
}

static sgn_error_t *know(sgn_path_store_t *store, const apr_array_header_t *list, int anchor)
{
    for (int i = 0; list && i < list->nelts; i++) {
        known_t *known = &store->known[store->count++];

        *known = (known_t) { .der = APR_ARRAY_IDX(list, i, sgn_bytes_t), .anchor = anchor };
        SGN_X690_TRY(store->pool, SGN_CERT_UNREADABLE, anchor ? "trust anchor" : "intermediate certificate", read_names(known));
    }
    return NULL;
}

sgn_error_t *sgn_path_store_make(sgn_path_store_t **out, const apr_array_header_t *anchors,
                                 const apr_array_header_t *intermediates, apr_pool_t *pool)
{
    sgn_path_store_t *store = apr_pcalloc(pool, sizeof *store);
    int count = intermediates ? intermediates->nelts : 0;

    if (anchors->nelts > ANCHORS || count > INTERMEDIATES)
        return SGN_ERROR(pool, SGN_CONFIG, "%d anchors, %d intermediate certificates", anchors->nelts, count);
    store->pool = pool;
    store->known = apr_pcalloc(pool, sizeof *store->known * (size_t)(anchors->nelts + count + 1));
    SGN_TRY(know(store, anchors, 1));
    SGN_TRY(know(store, intermediates, 0));
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

/* ---- the certificates that can be above the leaf --------------------------- */

typedef struct {
    sgn_cert_t *certs[ANCHORS + INTERMEDIATES + SGN_PATH_OFFERED];
    apr_uint64_t issuers[ANCHORS + INTERMEDIATES + SGN_PATH_OFFERED + 1];   /* the leaf's first */
    int count;
    X509_STORE *trusted;
    STACK_OF(X509) *untrusted;
} above_t;

static int is_wanted(const above_t *above, apr_uint64_t subject)
{
    int wanted = 0;

    for (int i = 0; i <= above->count && !wanted; i++)
        wanted = above->issuers[i] == subject;
    return wanted;
}

static int has(const above_t *above, const sgn_cert_t *cert)
{
    int found = 0;

    for (int i = 0; i < above->count && !found; i++)
        found = above->certs[i] == cert;
    return found;
}

static int add(above_t *above, sgn_cert_t *cert, apr_uint64_t issuer, int anchor)
{
    above->certs[above->count++] = cert;
    above->issuers[above->count] = issuer;
    return anchor ? X509_STORE_add_cert(above->trusted, cert->x509) : sk_X509_push(above->untrusted, cert->x509);
}

/* Those that are known and named as issuer.  *more: some were new. */
static sgn_error_t *climb_known(int *more, above_t *above, const sgn_path_store_t *store)
{
    for (int i = 0; i < store->count; i++) {
        known_t *known = &store->known[i];

        if (!is_wanted(above, known->subject))
            continue;
        if (!known->cert)
            SGN_TRY(sgn_cert_parse(&known->cert, known->der, store->pool));
        if (has(above, known->cert))
            continue;
        if (!add(above, known->cert, known->issuer, known->anchor))
            return sgn_algorithm_error(store->pool, SGN_CRYPTO, "path");
        *more = 1;
    }
    return NULL;
}

static sgn_error_t *climb_offered(int *more, above_t *above, const apr_array_header_t *offered, apr_pool_t *pool)
{
    for (int i = 0; offered && i < offered->nelts && i < SGN_PATH_OFFERED; i++) {
        sgn_cert_t *cert = APR_ARRAY_IDX(offered, i, sgn_cert_t *);
        apr_uint64_t subject, issuer;

        if (has(above, cert) || name_key(&subject, sgn_x690_der(cert->subject)) || !is_wanted(above, subject)
            || name_key(&issuer, sgn_x690_der(cert->issuer)))
            continue;
        if (!add(above, cert, issuer, 0))
            return sgn_algorithm_error(pool, SGN_CRYPTO, "path");
        *more = 1;
    }
    return NULL;
}

static sgn_error_t *collect(above_t *above, const sgn_path_store_t *store, const sgn_cert_t *leaf,
                            const apr_array_header_t *offered, apr_pool_t *pool)
{
    int more = 1;

    /* a leaf may be an anchor itself */
    for (int i = 0; i < store->count; i++)
        if (store->known[i].anchor && sgn_bytes_equal(store->known[i].der, leaf->der)
            && !X509_STORE_add_cert(above->trusted, leaf->x509))
            return sgn_algorithm_error(pool, SGN_CRYPTO, "path");
    SGN_X690_TRY(pool, SGN_CERT_UNREADABLE, "issuer", name_key(&above->issuers[0], sgn_x690_der(leaf->issuer)));
    for (int depth = 0; more && depth <= SGN_PATH_DEPTH; depth++) {
        more = 0;
        SGN_TRY(climb_known(&more, above, store));
        SGN_TRY(climb_offered(&more, above, offered, pool));
    }
    return NULL;
}

/* ---- one path -------------------------------------------------------------- */

static sgn_cert_t *found(const above_t *above, const X509 *x509)
{
    for (int i = 0; i < above->count; i++)
        if (above->certs[i]->x509 == x509)
            return above->certs[i];
    return NULL;
}

static void copy_chain(sgn_path_t *path, const above_t *above, STACK_OF(X509) *chain, const sgn_cert_t *leaf, apr_pool_t *pool)
{
    path->certs = apr_pcalloc(pool, sizeof *path->certs * (SGN_PATH_DEPTH + 2));
    path->certs[path->count++] = (sgn_cert_t *)leaf;
    for (int i = 1; i < sk_X509_num(chain) && path->count < SGN_PATH_DEPTH + 2; i++) {
        sgn_cert_t *cert = found(above, sk_X509_value(chain, i));

        if (cert)
            path->certs[path->count++] = cert;
    }
}

static sgn_error_t *attempt(sgn_path_t *path, sgn_path_store_t *store, const sgn_cert_t *cert,
                            const apr_array_header_t *offered, apr_time_t at, apr_pool_t *pool)
{
    X509_STORE_CTX *ctx = X509_STORE_CTX_new();
    above_t *above = apr_pcalloc(pool, sizeof *above);
    X509_VERIFY_PARAM *param;
    int good, error, depth;

    above->trusted = X509_STORE_new();
    above->untrusted = sk_X509_new_null();
    SGN_OWN(pool, above->trusted, X509_STORE_free);
    SGN_OWN(pool, above->untrusted, OPENSSL_sk_free);
    SGN_OWN(pool, ctx, X509_STORE_CTX_free);
    if (!ctx || !above->trusted || !above->untrusted)
        return sgn_algorithm_error(pool, SGN_CRYPTO, "path");
    SGN_TRY(collect(above, store, cert, offered, pool));
    if (!X509_STORE_CTX_init(ctx, above->trusted, cert->x509, above->untrusted))
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
    copy_chain(path, above, X509_STORE_CTX_get0_chain(ctx), cert, pool);
    return NULL;
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
