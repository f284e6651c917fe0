/* pki_rig.c: made by OpenSSL's own writers, so that our readers meet others' bytes. */
#include "t/unit/pki_rig.h"

#include <time.h>

#include <apr_strings.h>
#include <openssl/cms.h>
#include <openssl/conf.h>
#include <openssl/ocsp.h>
#include <openssl/rsa.h>
#include <openssl/ts.h>
#include <openssl/x509v3.h>

#include "base/pool.h"
#include "t/unit/tap.h"

#define HOLDS(what) do { if (!(what)) { printf("Bail out! rig: %s (line %d)\n", #what, __LINE__); exit(2); } } while (0)

static time_t start;

static time_t moment(long seconds)
{
    if (!start)
        start = time(NULL);
    return start + seconds;
}

apr_time_t rig_at(long seconds)
{
    return apr_time_from_sec((apr_time_t)moment(seconds));
}

apr_time_t rig_now(void)
{
    return rig_at(0);
}

static sgn_bytes_t keep(unsigned char *der, int len)
{
    sgn_bytes_t out;

    HOLDS(len > 0);
    out = sgn_bytes_dup(sgn_bytes(der, (size_t)len), tap_pool());
    OPENSSL_free(der);
    return out;
}

static CONF *configuration(void)
{
    static CONF *conf;

    return conf ? conf : (conf = NCONF_new(NULL));
}

static X509_EXTENSION *extension(X509 *issuer, X509 *subject, X509_CRL *crl, const char *name, const char *value)
{
    X509V3_CTX context;
    X509_EXTENSION *out;

    X509V3_set_ctx(&context, issuer, subject, NULL, crl, 0);
    X509V3_set_nconf(&context, configuration());
    HOLDS((out = X509V3_EXT_nconf(NULL, &context, name, value)));
    return out;
}

static void extend(X509 *cert, X509 *issuer, const char *name, const char *value)
{
    X509_EXTENSION *one;

    if (!value)
        return;
    one = extension(issuer, cert, NULL, name, value);
    HOLDS(X509_add_ext(cert, one, -1));
    X509_EXTENSION_free(one);
}

static void add_name(X509_NAME *name, const char *key, const char *value)
{
    if (value)
        HOLDS(X509_NAME_add_entry_by_txt(name, key, MBSTRING_UTF8, (const unsigned char *)value, -1, -1, 0));
}

/* Some keys choose their digest themselves. */
static const EVP_MD *digest_of(const EVP_PKEY *key, int sha1)
{
    return EVP_PKEY_is_a(key, "ED25519") ? NULL : sha1 ? EVP_sha1() : EVP_sha256();
}

static void free_id(void *object)
{
    rig_id_t *id = object;

    X509_free(id->cert);
    EVP_PKEY_free(id->key);
}

rig_id_t *rig_id(const rig_who_t *who, const rig_id_t *issuer)
{
    static long next = 0x5000;
    rig_id_t *out = apr_pcalloc(tap_pool(), sizeof *out);
    X509 *cert = X509_new(), *above;
    X509_NAME *name = X509_get_subject_name(cert);
    unsigned char *der = NULL;

    if (who->same_key) {
        out->key = who->same_key->key;
        EVP_PKEY_up_ref(out->key);
    }
    else if (who->key)
        out->key = who->key;
    else
        out->key = who->rsa ? EVP_RSA_gen((unsigned)who->rsa) : EVP_EC_gen("P-256");
    out->cert = cert;
    sgn_pool_own(tap_pool(), out, free_id);
    above = issuer ? issuer->cert : cert;
    HOLDS(out->key && X509_set_version(cert, 2));
    ASN1_INTEGER_set(X509_get_serialNumber(cert), who->serial ? who->serial : next++);
    ASN1_TIME_set(X509_getm_notBefore(cert), moment(who->from ? who->from : -YEAR));
    ASN1_TIME_set(X509_getm_notAfter(cert), moment(who->to ? who->to : YEAR));
    add_name(name, "C", "VN");
    add_name(name, "O", who->organisation);
    add_name(name, "organizationIdentifier", who->org_id);
    add_name(name, "title", who->title);
    add_name(name, "CN", who->name);
    add_name(name, "UID", who->uid);
    if (who->subject)
        HOLDS(X509_set_subject_name(cert, who->subject));
    X509_set_issuer_name(cert, who->issuer ? who->issuer : X509_get_subject_name(above));
    X509_set_pubkey(cert, out->key);
    extend(cert, above, "basicConstraints", who->basic);
    extend(cert, above, "keyUsage", who->usage);
    extend(cert, above, "extendedKeyUsage", who->eku);
    extend(cert, above, "nameConstraints", who->constraints);
    extend(cert, above, "subjectAltName", who->san);
    extend(cert, above, "subjectKeyIdentifier", "hash");
    extend(cert, above, "authorityKeyIdentifier", issuer ? "keyid:always" : NULL);
    extend(cert, above, "crlDistributionPoints", who->crl);
    extend(cert, above, "authorityInfoAccess", who->ocsp);
    extend(cert, above, "certificatePolicies", who->policies);
    extend(cert, above, "1.3.6.1.5.5.7.48.1.5", who->no_check ? "DER:05:00" : NULL);
    extend(cert, above, "1.2.3.4", who->extra);
    HOLDS(X509_sign(cert, issuer ? issuer->key : out->key, digest_of(issuer ? issuer->key : out->key, who->sha1)) > 0);
    out->der = keep(der, i2d_X509(cert, &der));
    if (sgn_cert_parse(&out->read, out->der, tap_pool()))
        out->read = NULL;
    return out;
}

apr_array_header_t *rig_list(const rig_id_t *a, const rig_id_t *b)
{
    apr_array_header_t *list = apr_array_make(tap_pool(), 2, sizeof(sgn_bytes_t));

    if (a)
        APR_ARRAY_PUSH(list, sgn_bytes_t) = a->der;
    if (b)
        APR_ARRAY_PUSH(list, sgn_bytes_t) = b->der;
    return list;
}

sgn_path_store_t *rig_store(const rig_id_t *anchor, const rig_id_t *intermediate)
{
    sgn_path_store_t *store;

    HOLDS(!sgn_path_store_make(&store, rig_list(anchor, NULL), rig_list(intermediate, NULL), tap_pool()));
    return store;
}

#define CA_USAGE "critical,keyCertSign,cRLSign"
#define SIGN_USAGE "critical,digitalSignature,nonRepudiation"

rig_pki_t *rig_pki(void)
{
    static rig_pki_t pki;

    if (pki.root)
        return &pki;
    pki.root = rig_id(&(rig_who_t){ .organisation = "Ban Cơ yếu Chính phủ (thử)", .name = "Government Root", .basic = "critical,CA:TRUE", .usage = CA_USAGE }, NULL);
    pki.ca = rig_id(&(rig_who_t){ .organisation = "Ban Cơ yếu Chính phủ (thử)", .name = "Issuing CA", .basic = "critical,CA:TRUE,pathlen:0", .usage = CA_USAGE,
                                  .crl = "URI:http://127.0.0.1:1/root.crl" }, pki.root);
    pki.person = rig_id(&(rig_who_t){ .organisation = "Ủy ban nhân dân xã Thử", .title = "Chủ tịch", .name = "Nguyễn Văn An", .uid = "CCCD:038080000001",
                                      .org_id = "H57.28", .usage = SIGN_USAGE, .eku = "clientAuth,emailProtection", .policies = "2.16.704.1.1",
                                      .crl = "URI:http://127.0.0.1:1/ca.crl", .ocsp = "OCSP;URI:http://127.0.0.1:1/ocsp", .rsa = 2048 }, pki.ca);
    pki.agency = rig_id(&(rig_who_t){ .organisation = "Ủy ban nhân dân xã Thử", .name = "Ủy ban nhân dân xã Thử", .uid = "MST:2800000028", .usage = SIGN_USAGE,
                                      .crl = "URI:http://127.0.0.1:1/ca.crl", .ocsp = "OCSP;URI:http://127.0.0.1:1/ocsp" }, pki.ca);
    pki.responder = rig_id(&(rig_who_t){ .name = "OCSP", .usage = "critical,digitalSignature", .eku = "critical,OCSPSigning", .no_check = 1 }, pki.ca);
    pki.tsa_root = rig_id(&(rig_who_t){ .name = "TSA Root", .basic = "critical,CA:TRUE", .usage = CA_USAGE }, NULL);
    pki.tsa = rig_id(&(rig_who_t){ .name = "TSA", .usage = "critical,digitalSignature", .eku = "critical,timeStamping" }, pki.tsa_root);
    pki.other_root = rig_id(&(rig_who_t){ .name = "National Root", .basic = "critical,CA:TRUE", .usage = CA_USAGE }, NULL);
    pki.other_ca = rig_id(&(rig_who_t){ .name = "Public CA", .basic = "critical,CA:TRUE", .usage = CA_USAGE }, pki.other_root);
    pki.store = rig_store(pki.root, pki.ca);
    pki.tsa_store = rig_store(pki.tsa_root, NULL);
    return &pki;
}

/* ---- lists ---------------------------------------------------------------- */

static void add_entry(X509_CRL *crl, const rig_crl_t *how)
{
    X509_REVOKED *entry = X509_REVOKED_new();
    ASN1_TIME *time = ASN1_TIME_set(NULL, moment(how->at));

    X509_REVOKED_set_serialNumber(entry, X509_get_serialNumber(how->revoked->cert));
    X509_REVOKED_set_revocationDate(entry, time);
    ASN1_TIME_free(time);
    if (how->reason >= 0) {
        ASN1_ENUMERATED *why = ASN1_ENUMERATED_new();

        ASN1_ENUMERATED_set(why, how->reason);
        X509_REVOKED_add1_ext_i2d(entry, NID_crl_reason, why, 0, 0);
        ASN1_ENUMERATED_free(why);
    }
    if (how->invalid) {
        ASN1_GENERALIZEDTIME *from = ASN1_GENERALIZEDTIME_set(NULL, moment(how->invalid));

        X509_REVOKED_add1_ext_i2d(entry, NID_invalidity_date, from, 0, 0);
        ASN1_GENERALIZEDTIME_free(from);
    }
    if (how->entry_extra) {
        X509_EXTENSION *one = extension(NULL, NULL, crl, "1.2.3.4", how->entry_extra);

        X509_REVOKED_add_ext(entry, one, -1);
        X509_EXTENSION_free(one);
    }
    X509_CRL_add0_revoked(crl, entry);
}

static void extend_crl(X509_CRL *crl, const rig_id_t *issuer, const char *name, const char *value)
{
    X509_EXTENSION *one;

    if (!value)
        return;
    one = extension(issuer->cert, NULL, crl, name, value);
    X509_CRL_add_ext(crl, one, -1);
    X509_EXTENSION_free(one);
}

sgn_bytes_t rig_crl(const rig_crl_t *how)
{
    X509_CRL *crl = X509_CRL_new();
    ASN1_TIME *time = ASN1_TIME_set(NULL, moment(how->from || how->to ? how->from : -3600));
    ASN1_INTEGER *number = ASN1_INTEGER_new();
    unsigned char *der = NULL;
    EVP_PKEY *key;
    sgn_bytes_t out;

    X509_CRL_set_version(crl, 1);
    X509_CRL_set_issuer_name(crl, X509_get_subject_name(how->issuer->cert));
    X509_CRL_set1_lastUpdate(crl, time);
    ASN1_TIME_free(time);
    time = ASN1_TIME_set(NULL, moment(how->from || how->to ? how->to : DAY));
    X509_CRL_set1_nextUpdate(crl, time);
    ASN1_TIME_free(time);
    extend_crl(crl, how->issuer, "authorityKeyIdentifier", how->signer ? NULL : "keyid:always");
    ASN1_INTEGER_set(number, how->number ? how->number : 1);
    X509_CRL_add1_ext_i2d(crl, NID_crl_number, number, 0, 0);
    if (how->delta)
        X509_CRL_add1_ext_i2d(crl, NID_delta_crl, number, 1, 0);
    extend_crl(crl, how->issuer, "issuingDistributionPoint", how->scope);
    extend_crl(crl, how->issuer, "1.2.3.4", how->extra);
    if (how->revoked)
        add_entry(crl, how);
    X509_CRL_sort(crl);
    key = how->signer ? how->signer->key : how->issuer->key;
    HOLDS(X509_CRL_sign(crl, key, digest_of(key, how->sha1)) > 0);
    out = keep(der, i2d_X509_CRL(crl, &der));
    ASN1_INTEGER_free(number);
    X509_CRL_free(crl);
    return out;
}

/* ---- answers -------------------------------------------------------------- */

sgn_bytes_t rig_ocsp(const rig_ocsp_t *how)
{
    OCSP_BASICRESP *basic = OCSP_BASICRESP_new();
    OCSP_CERTID *id = OCSP_cert_to_id(EVP_sha1(), how->about->cert, how->issuer->cert);
    ASN1_TIME *from = ASN1_TIME_set(NULL, moment(how->from || how->to ? how->from : -3600));
    ASN1_TIME *to = ASN1_TIME_set(NULL, moment(how->from || how->to ? how->to : DAY)), *at = ASN1_TIME_set(NULL, moment(how->at));
    OCSP_RESPONSE *response;
    unsigned char *der = NULL;
    sgn_bytes_t out;

    HOLDS(OCSP_basic_add1_status(basic, id, how->status, how->reason, how->status == V_OCSP_CERTSTATUS_REVOKED ? at : NULL, from, to));
    if (how->nonce.len)
        HOLDS(OCSP_basic_add1_nonce(basic, (unsigned char *)how->nonce.data, (int)how->nonce.len));
    HOLDS(OCSP_basic_sign(basic, how->signer->cert, how->signer->key, digest_of(how->signer->key, 0), NULL, how->no_certs ? OCSP_NOCERTS : 0));
    HOLDS((response = OCSP_response_create(OCSP_RESPONSE_STATUS_SUCCESSFUL, basic)));
    out = keep(der, i2d_OCSP_RESPONSE(response, &der));
    OCSP_RESPONSE_free(response);
    OCSP_BASICRESP_free(basic);
    OCSP_CERTID_free(id);
    ASN1_TIME_free(from);
    ASN1_TIME_free(to);
    ASN1_TIME_free(at);
    return out;
}

/* ---- time-stamps ---------------------------------------------------------- */

static int fixed_time(struct TS_resp_ctx *context, void *data, long *seconds, long *micros)
{
    (void)context;
    *seconds = *(long *)data;
    *micros = 0;
    return 1;
}

static ASN1_INTEGER *next_serial(struct TS_resp_ctx *context, void *data)
{
    static long next = 1000;
    ASN1_INTEGER *serial = ASN1_INTEGER_new();

    (void)context, (void)data;
    ASN1_INTEGER_set(serial, next++);
    return serial;
}

sgn_bytes_t rig_stamp(sgn_bytes_t request, const rig_stamp_t *how)
{
    TS_RESP_CTX *context = TS_RESP_CTX_new();
    ASN1_OBJECT *policy = OBJ_txt2obj(RIG_POLICY, 1);
    BIO *bio = BIO_new_mem_buf(request.data, (int)request.len);
    long at = (long)moment(how->at);
    unsigned char *der = NULL;
    TS_RESP *response;
    sgn_bytes_t out;

    HOLDS(TS_RESP_CTX_set_signer_cert(context, how->signer->cert) && TS_RESP_CTX_set_signer_key(context, how->signer->key)
          && TS_RESP_CTX_set_def_policy(context, policy) && TS_RESP_CTX_set_signer_digest(context, EVP_sha256())
          && TS_RESP_CTX_set_ess_cert_id_digest(context, EVP_sha256()));
    if (!how->refuse)
        HOLDS(TS_RESP_CTX_add_md(context, EVP_sha256()));
    TS_RESP_CTX_set_time_cb(context, fixed_time, &at);
    TS_RESP_CTX_set_serial_cb(context, next_serial, NULL);
    HOLDS((response = TS_RESP_create_response(context, bio)));
    out = keep(der, i2d_TS_RESP(response, &der));
    TS_RESP_free(response);
    TS_RESP_CTX_free(context);
    ASN1_OBJECT_free(policy);
    BIO_free(bio);
    return out;
}

/* ---- signatures ----------------------------------------------------------- */

static void add_signer(CMS_ContentInfo *cms, const rig_id_t *who, const rig_cms_t *how)
{
    unsigned flags = CMS_BINARY | CMS_NOSMIMECAP | (how->cades ? CMS_CADES : 0) | (how->pss ? CMS_KEY_PARAM : 0)
        | (how->no_attributes ? CMS_NOATTR : 0) | (how->no_certs ? CMS_NOCERTS : 0)
        | (how->by_key ? CMS_USE_KEYID : 0);
    CMS_SignerInfo *info = CMS_add1_signer(cms, who->cert, who->key, how->sha1 ? EVP_sha1() : EVP_sha256(), flags);

    HOLDS(info);
    if (how->pss) {
        EVP_PKEY_CTX *context = CMS_SignerInfo_get0_pkey_ctx(info);

        HOLDS(EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PSS_PADDING) > 0 && EVP_PKEY_CTX_set_rsa_pss_saltlen(context, 32) > 0);
    }
}

sgn_bytes_t rig_cms(sgn_bytes_t content, const rig_cms_t *how)
{
    unsigned flags = CMS_PARTIAL | CMS_BINARY | (how->detached ? CMS_DETACHED : 0);
    CMS_ContentInfo *cms = CMS_sign(NULL, NULL, NULL, NULL, flags);
    BIO *bio = BIO_new_mem_buf(content.data, (int)content.len);
    unsigned char *der = NULL;
    sgn_bytes_t out;

    HOLDS(cms);
    if (how->type) {
        ASN1_OBJECT *type = OBJ_txt2obj(how->type, 1);

        HOLDS(CMS_set1_eContentType(cms, type));
        ASN1_OBJECT_free(type);
    }
    add_signer(cms, how->signer, how);
    if (how->second)
        add_signer(cms, how->second, how);
    HOLDS(CMS_final(cms, bio, NULL, flags));
    out = keep(der, i2d_CMS_ContentInfo(cms, &der));
    CMS_ContentInfo_free(cms);
    BIO_free(bio);
    return out;
}

/* Where ContentInfo, its content and SignedData each have two bytes of length. */
#define VERSION 23

static unsigned char *signed_data(sgn_bytes_t der, size_t more)
{
    unsigned char *out = apr_pcalloc(tap_pool(), der.len + more);

    HOLDS(der.data[1] == 0x82 && der.data[16] == 0x82 && der.data[20] == 0x82 && der.data[VERSION] == 2 && der.data[VERSION + 1] == 1
          && der.data[VERSION + 3] == 0x31 && der.data[VERSION + 4] < 0x80);
    return memcpy(out, der.data, der.len);
}

sgn_bytes_t rig_cms_version(sgn_bytes_t der, int version)
{
    unsigned char *out = signed_data(der, 0);

    out[VERSION + 2] = (unsigned char)version;
    return sgn_bytes(out, der.len);
}

sgn_bytes_t rig_cms_signer_version(sgn_bytes_t der, const rig_id_t *signer, int version)
{
    unsigned char *out = signed_data(der, 0);
    const sgn_bytes_t names[] = { signer->read->issuer, signer->read->ski };

    /* sid: issuer or key behind its own header and the version */
    for (int i = 0; i < 2; i++)
        for (size_t at = der.len - names[i].len; at > VERSION; at--)
            if (memcmp(out + at, names[i].data, names[i].len) == 0) {
                size_t head = out[at - 2] == 0x81 ? 3 : 2;

                if (out[at - head] != (i ? 0x80 : 0x30) || memcmp(out + at - head - 3, i ? "\x02\x01\x03" : "\x02\x01\x01", 3))
                    continue;
                out[at - head - 1] = (unsigned char)version;
                return sgn_bytes(out, der.len);
            }
    HOLDS(!"a SignerInfo of that signer");
    return der;
}

sgn_bytes_t rig_cms_digests(sgn_bytes_t der, const char *list, size_t len)
{
    unsigned char *out = signed_data(der, len + 2);
    size_t old = out[VERSION + 4], behind = VERSION + 5 + old, head = len < 0x80 ? 1 : len < 0x100 ? 2 : 3, i;
    static const size_t lengths[] = { 2, 17, 21 };

    memmove(out + VERSION + 4 + head + len, der.data + behind, der.len - behind);
    memcpy(out + VERSION + 4 + head, list, len);
    out[VERSION + 4] = head == 1 ? (unsigned char)len : (unsigned char)(0x80 + head - 1);
    if (head > 1)
        out[VERSION + 3 + head] = (unsigned char)len;
    if (head == 3)
        out[VERSION + 5] = (unsigned char)(len >> 8);
    for (i = 0; i < 3; i++) {
        size_t inner = ((size_t)out[lengths[i]] << 8 | out[lengths[i] + 1]) + len + head - 1 - old;

        out[lengths[i]] = (unsigned char)(inner >> 8);
        out[lengths[i] + 1] = (unsigned char)inner;
    }
    return sgn_bytes(out, der.len + len + head - 1 - old);
}

sgn_bytes_t rig_value(const rig_id_t *who, sgn_bytes_t data, int pss)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    EVP_PKEY_CTX *key_context;
    unsigned char value[1024];
    size_t len = sizeof value;

    HOLDS(EVP_DigestSignInit(context, &key_context, EVP_sha256(), NULL, who->key) > 0);
    if (pss)
        HOLDS(EVP_PKEY_CTX_set_rsa_padding(key_context, RSA_PKCS1_PSS_PADDING) > 0
              && EVP_PKEY_CTX_set_rsa_pss_saltlen(key_context, 32) > 0);
    HOLDS(EVP_DigestSign(context, value, &len, data.data, data.len) > 0);
    EVP_MD_CTX_free(context);
    return sgn_bytes_dup(sgn_bytes(value, len), tap_pool());
}

/* ---- mutations ------------------------------------------------------------ */

sgn_bytes_t rig_join(sgn_bytes_t bytes, const char *more, size_t len)
{
    unsigned char *out = apr_palloc(tap_pool(), bytes.len + len);

    memcpy(out, bytes.data, bytes.len);
    memcpy(out + bytes.len, more, len);
    return sgn_bytes(out, bytes.len + len);
}

sgn_bytes_t rig_swap(sgn_bytes_t bytes, const void *old, const void *with, size_t len)
{
    unsigned char *out = (unsigned char *)sgn_bytes_dup(bytes, tap_pool()).data;
    size_t i = 0;

    while (i + len <= bytes.len && memcmp(out + i, old, len))
        i++;
    HOLDS(i + len <= bytes.len);
    memcpy(out + i, with, len);
    return sgn_bytes(out, bytes.len);
}

sgn_bytes_t rig_indefinite(sgn_bytes_t der)
{
    unsigned char *out = apr_pcalloc(tap_pool(), der.len + 2);

    HOLDS(der.data[1] == 0x82);
    out[0] = der.data[0];
    out[1] = 0x80;
    memcpy(out + 2, der.data + 4, der.len - 4);
    return sgn_bytes(out, der.len);
}
