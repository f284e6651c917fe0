/* validate_rig.c: keys, certificates, tokens and documents for the tests. */
#include "t/unit/validate_rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <apr_strings.h>
#include <openssl/cms.h>
#include <openssl/conf.h>
#include <openssl/rsa.h>
#include <openssl/ts.h>
#include <openssl/x509v3.h>

#include "base/clock.h"
#include "look/format/pdf_doc.h"
#include "look/format/pdf_font.h"
#include "look/format/pdf_list.h"
#include "look/pki/cms.h"

#define HOLDS(what) do { if (!(what)) { printf("Bail out! rig: %s (line %d)\n", #what, __LINE__); fflush(NULL); _exit(2); } } while (0)

static void must(const sgn_error_t *error, int line)
{
    if (!error)
        return;
    printf("Bail out! rig line %d: %s: %s (%s:%d)\n", line, sgn_error_row(error->code)->name, error->detail,
           error->file, error->line);
    fflush(NULL);
    _exit(2);
}
#define MUST(call) must(call, __LINE__)

/* ---- PKI ------------------------------------------------------------------ */

static apr_pool_t *rig_pool;

typedef struct {
    const char *organisation, *title, *name, *uid;
    const char *usage, *eku, *basic;
    const char *from, *to;          /* "20260101000000Z" */
    int rsa, unscoped;
    long serial;
} subject_t;

static void add_name(X509_NAME *name, const char *key, const char *value)
{
    if (value)
        HOLDS(X509_NAME_add_entry_by_txt(name, key, MBSTRING_UTF8, (const unsigned char *)value, -1, -1, 0));
}

/* Some extensions want a configuration, be it empty. */
static CONF *configuration(void)
{
    static CONF *conf;

    return conf ? conf : (conf = NCONF_new(NULL));
}

static void add_extension(X509 *cert, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX context;
    X509_EXTENSION *extension;

    if (!value)
        return;
    X509V3_set_ctx(&context, issuer, cert, NULL, NULL, 0);
    X509V3_set_nconf(&context, configuration());
    HOLDS((extension = X509V3_EXT_nconf_nid(NULL, &context, nid, value)));
    HOLDS(X509_add_ext(cert, extension, -1));
    X509_EXTENSION_free(extension);
}

static sgn_bytes_t cert_der(X509 *cert)
{
    unsigned char *der = NULL;
    int len = i2d_X509(cert, &der);
    sgn_bytes_t copy;

    HOLDS(len > 0);
    copy = sgn_bytes_dup(sgn_bytes(der, (size_t)len), rig_pool);
    OPENSSL_free(der);
    return copy;
}

static void make_id(rig_id_t *out, const subject_t *who, const rig_id_t *issuer)
{
    X509 *cert = X509_new();
    X509_NAME *name = X509_get_subject_name(cert);

    out->key = who->rsa ? EVP_RSA_gen(2048) : EVP_EC_gen("P-256");
    HOLDS(out->key);
    X509_set_version(cert, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(cert), who->serial);
    ASN1_TIME_set_string(X509_getm_notBefore(cert), who->from ? who->from : "20260101000000Z");
    ASN1_TIME_set_string(X509_getm_notAfter(cert), who->to ? who->to : "20281231000000Z");
    add_name(name, "C", "VN");
    add_name(name, "O", who->organisation);
    add_name(name, "title", who->title);
    add_name(name, "CN", who->name);
    add_name(name, "UID", who->uid);
    X509_set_issuer_name(cert, issuer ? X509_get_subject_name(issuer->cert) : name);
    X509_set_pubkey(cert, out->key);
    add_extension(cert, issuer ? issuer->cert : cert, NID_basic_constraints, who->basic);
    add_extension(cert, issuer ? issuer->cert : cert, NID_key_usage, who->usage);
    add_extension(cert, issuer ? issuer->cert : cert, NID_ext_key_usage, who->eku);
    add_extension(cert, issuer ? issuer->cert : cert, NID_subject_key_identifier, "hash");
    if (issuer)
        add_extension(cert, issuer->cert, NID_authority_key_identifier, "keyid:always");
    if (!who->basic)
        add_extension(cert, issuer ? issuer->cert : cert, NID_crl_distribution_points, "URI:http://127.0.0.1:1/ca.crl");
    if (!who->unscoped)
        add_extension(cert, issuer ? issuer->cert : cert, NID_certificate_policies, "2.16.704.1.1");
    HOLDS(X509_sign(cert, issuer ? issuer->key : out->key, EVP_sha256()) > 0);
    out->cert = cert;
    out->der = cert_der(cert);
}

static ASN1_TIME *asn1_time(apr_time_t when)
{
    return ASN1_TIME_set(NULL, (time_t)apr_time_sec(when));
}

static sgn_bytes_t make_crl(const rig_id_t *issuer, const rig_id_t *revoked, apr_time_t at, int reason,
                            apr_time_t now, long number, apr_pool_t *pool)
{
    X509_CRL *crl = X509_CRL_new();
    ASN1_TIME *time = asn1_time(now - apr_time_from_sec(3600));
    ASN1_INTEGER *serial = ASN1_INTEGER_new();
    X509V3_CTX context;
    X509_EXTENSION *extension;
    unsigned char *der = NULL;
    sgn_bytes_t copy;
    int len;

    X509_CRL_set_version(crl, 1);
    X509_CRL_set_issuer_name(crl, X509_get_subject_name(issuer->cert));
    X509_CRL_set1_lastUpdate(crl, time);
    ASN1_TIME_free(time);
    time = asn1_time(now + apr_time_from_sec(86400));
    X509_CRL_set1_nextUpdate(crl, time);
    ASN1_TIME_free(time);
    X509V3_set_ctx(&context, issuer->cert, NULL, NULL, crl, 0);
    X509V3_set_nconf(&context, configuration());
    HOLDS((extension = X509V3_EXT_nconf_nid(NULL, &context, NID_authority_key_identifier, "keyid:always")));
    X509_CRL_add_ext(crl, extension, -1);
    X509_EXTENSION_free(extension);
    ASN1_INTEGER_set(serial, number);
    X509_CRL_add1_ext_i2d(crl, NID_crl_number, serial, 0, 0);
    if (revoked) {
        X509_REVOKED *entry = X509_REVOKED_new();
        ASN1_ENUMERATED *why = ASN1_ENUMERATED_new();

        X509_REVOKED_set_serialNumber(entry, X509_get_serialNumber(revoked->cert));
        time = asn1_time(at);
        X509_REVOKED_set_revocationDate(entry, time);
        ASN1_TIME_free(time);
        ASN1_ENUMERATED_set(why, reason);
        X509_REVOKED_add1_ext_i2d(entry, NID_crl_reason, why, 0, 0);
        ASN1_ENUMERATED_free(why);
        X509_CRL_add0_revoked(crl, entry);
    }
    X509_CRL_sort(crl);
    HOLDS(X509_CRL_sign(crl, issuer->key, EVP_sha256()) > 0);
    len = i2d_X509_CRL(crl, &der);
    HOLDS(len > 0);
    ASN1_INTEGER_free(serial);
    X509_CRL_free(crl);
    copy = sgn_bytes_dup(sgn_bytes(der, (size_t)len), pool);
    OPENSSL_free(der);
    return copy;
}

sgn_bytes_t rig_crl(const rig_pki_t *pki, const rig_id_t *revoked, apr_time_t at, int reason,
                    apr_time_t now, apr_pool_t *pool)
{
    return make_crl(&pki->ca, revoked, at, reason, now, 2, pool);
}

rig_pki_t *rig_pki(void)
{
    static rig_pki_t pki;
    static const char *const org_a = "Ủy ban nhân dân tỉnh A", *const org_b = "Ủy ban nhân dân tỉnh B";
    static const char *const sign = "critical,digitalSignature,nonRepudiation", *const ca = "critical,keyCertSign,cRLSign";

    if (pki.now)
        return &pki;
    apr_pool_create(&rig_pool, NULL);
    MUST(sgn_clock_parse(&pki.now, RIG_NOW, rig_pool));
    MUST(sgn_pdf_font_load(SGN_PDF_FONT_PATH, rig_pool));
    make_id(&pki.root, &(subject_t){ .organisation = "Government", .name = "Government Root", .usage = ca, .basic = "critical,CA:TRUE", .serial = 1 }, NULL);
    make_id(&pki.ca, &(subject_t){ .organisation = "Government", .name = "Government CA", .usage = ca, .basic = "critical,CA:TRUE,pathlen:0", .serial = 2 }, &pki.root);
    make_id(&pki.tsa_root, &(subject_t){ .organisation = "Government", .name = "TSA Root", .usage = ca, .basic = "critical,CA:TRUE", .serial = 3 }, NULL);
    make_id(&pki.tsa, &(subject_t){ .organisation = "Government", .name = "TSA 1", .usage = "critical,digitalSignature", .eku = "critical,timeStamping", .serial = 4 }, &pki.tsa_root);
    make_id(&pki.stranger_root, &(subject_t){ .organisation = "Stranger", .name = "Stranger Root", .usage = ca, .basic = "critical,CA:TRUE", .serial = 5 }, NULL);
    make_id(&pki.leader, &(subject_t){ .organisation = org_a, .title = "Chủ tịch", .name = "Nguyễn Văn An", .uid = "CCCD:001", .usage = sign, .rsa = 1, .serial = 10 }, &pki.ca);
    make_id(&pki.reviewer, &(subject_t){ .organisation = org_a, .title = "Chánh Văn phòng", .name = "Lê Quốc Đạt", .uid = "CCCD:002", .usage = sign, .serial = 11 }, &pki.ca);
    make_id(&pki.leader_b, &(subject_t){ .organisation = org_b, .title = "Chủ tịch", .name = "Phạm Thị Hường", .uid = "CCCD:003", .usage = sign, .serial = 12 }, &pki.ca);
    make_id(&pki.seal_a, &(subject_t){ .organisation = org_a, .name = org_a, .uid = "MST:01", .usage = sign, .serial = 13 }, &pki.ca);
    make_id(&pki.seal_b, &(subject_t){ .organisation = org_b, .name = org_b, .uid = "MST:02", .usage = sign, .serial = 14 }, &pki.ca);
    make_id(&pki.stranger, &(subject_t){ .organisation = org_a, .title = "Chủ tịch", .name = "Nguyễn Văn An", .uid = "CCCD:001", .usage = sign, .serial = 10 }, &pki.stranger_root);
    make_id(&pki.expired, &(subject_t){ .organisation = org_a, .title = "Chủ tịch", .name = "Đỗ Văn Cũ", .uid = "CCCD:004", .usage = sign, .from = "20240101000000Z", .to = "20261101000000Z", .serial = 15 }, &pki.ca);
    make_id(&pki.revoked, &(subject_t){ .organisation = org_a, .title = "Chủ tịch", .name = "Võ Văn Thu", .uid = "CCCD:005", .usage = sign, .serial = 16 }, &pki.ca);
    make_id(&pki.held, &(subject_t){ .organisation = org_a, .title = "Chủ tịch", .name = "Bùi Thị Tạm", .uid = "CCCD:006", .usage = sign, .serial = 17 }, &pki.ca);
    make_id(&pki.device, &(subject_t){ .organisation = org_a, .name = "www.tinh-a.gov.vn", .usage = sign, .eku = "serverAuth", .serial = 18 }, &pki.ca);
    make_id(&pki.unscoped, &(subject_t){ .organisation = org_a, .title = "Chủ tịch", .name = "Hồ Văn Mai", .uid = "CCCD:007", .usage = sign, .unscoped = 1, .serial = 19 }, &pki.ca);
    pki.root_crl = make_crl(&pki.root, NULL, 0, 0, pki.now, 1, rig_pool);
    pki.ca_crl = make_crl(&pki.ca, NULL, 0, 0, pki.now, 1, rig_pool);
    pki.tsa_crl = make_crl(&pki.tsa_root, NULL, 0, 0, pki.now, 1, rig_pool);
    return &pki;
}

/* ---- time-stamps ---------------------------------------------------------- */

static int fixed_time(struct TS_resp_ctx *context, void *data, long *seconds, long *micros)
{
    (void)context;
    *seconds = (long)apr_time_sec(*(apr_time_t *)data);
    *micros = 0;
    return 1;
}

static ASN1_INTEGER *fixed_serial(struct TS_resp_ctx *context, void *data)
{
    ASN1_INTEGER *serial = ASN1_INTEGER_new();
    static long next = 1000;

    (void)context, (void)data;
    ASN1_INTEGER_set(serial, next++);
    return serial;
}

static sgn_bytes_t make_token(const unsigned char imprint[32], apr_time_t time, apr_pool_t *pool)
{
    const rig_pki_t *pki = rig_pki();
    TS_REQ *request = TS_REQ_new();
    TS_MSG_IMPRINT *message = TS_MSG_IMPRINT_new();
    X509_ALGOR *algorithm = X509_ALGOR_new();
    TS_RESP_CTX *context = TS_RESP_CTX_new();
    ASN1_OBJECT *policy = OBJ_txt2obj("1.2.3.4.1", 1);
    BIO *bio = BIO_new(BIO_s_mem());
    unsigned char *der = NULL;
    TS_RESP *response;
    sgn_bytes_t out;
    int len;

    X509_ALGOR_set0(algorithm, OBJ_nid2obj(NID_sha256), V_ASN1_NULL, NULL);
    TS_MSG_IMPRINT_set_algo(message, algorithm);
    TS_MSG_IMPRINT_set_msg(message, (unsigned char *)imprint, 32);
    TS_REQ_set_version(request, 1);
    TS_REQ_set_msg_imprint(request, message);
    TS_REQ_set_cert_req(request, 1);
    HOLDS(i2d_TS_REQ_bio(bio, request));
    HOLDS(TS_RESP_CTX_set_signer_cert(context, pki->tsa.cert) && TS_RESP_CTX_set_signer_key(context, pki->tsa.key)
          && TS_RESP_CTX_set_def_policy(context, policy) && TS_RESP_CTX_add_md(context, EVP_sha256())
          && TS_RESP_CTX_set_signer_digest(context, EVP_sha256())
          && TS_RESP_CTX_set_ess_cert_id_digest(context, EVP_sha256()));
    TS_RESP_CTX_set_time_cb(context, fixed_time, &time);
    TS_RESP_CTX_set_serial_cb(context, fixed_serial, NULL);
    HOLDS((response = TS_RESP_create_response(context, bio)));
    HOLDS(TS_RESP_get_token(response));
    len = i2d_PKCS7(TS_RESP_get_token(response), &der);
    HOLDS(len > 0);
    out = sgn_bytes_dup(sgn_bytes(der, (size_t)len), pool);
    OPENSSL_free(der);
    TS_RESP_free(response);
    TS_RESP_CTX_free(context);
    TS_REQ_free(request);
    TS_MSG_IMPRINT_free(message);
    X509_ALGOR_free(algorithm);
    ASN1_OBJECT_free(policy);
    BIO_free(bio);
    return out;
}

/* ---- signing -------------------------------------------------------------- */

static void sha256(unsigned char out[32], sgn_bytes_t a, sgn_bytes_t b)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    unsigned len;

    HOLDS(EVP_DigestInit_ex(context, EVP_sha256(), NULL) && EVP_DigestUpdate(context, a.data, a.len)
          && EVP_DigestUpdate(context, b.data, b.len) && EVP_DigestFinal_ex(context, out, &len));
    EVP_MD_CTX_free(context);
}

static sgn_bytes_t sign_value(const rig_id_t *who, sgn_bytes_t dtbs, int pkcs1, const char **oid, apr_pool_t *pool)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    EVP_PKEY_CTX *key_context;
    unsigned char value[1024];
    size_t len = sizeof value;

    *oid = "1.2.840.10045.4.3.2";
    HOLDS(EVP_DigestSignInit(context, &key_context, EVP_sha256(), NULL, who->key) > 0);
    if (EVP_PKEY_is_a(who->key, "RSA")) {
        *oid = pkcs1 ? "1.2.840.113549.1.1.11" : "1.2.840.113549.1.1.10";
        if (!pkcs1)
            HOLDS(EVP_PKEY_CTX_set_rsa_padding(key_context, RSA_PKCS1_PSS_PADDING) > 0
                  && EVP_PKEY_CTX_set_rsa_pss_saltlen(key_context, 32) > 0);
    }
    HOLDS(EVP_DigestSign(context, value, &len, dtbs.data, dtbs.len) > 0);
    EVP_MD_CTX_free(context);
    return sgn_bytes_dup(sgn_bytes(value, len), pool);
}

static sgn_bytes_t concat(sgn_bytes_t a, sgn_bytes_t b, apr_pool_t *pool)
{
    unsigned char *data = apr_palloc(pool, a.len + b.len + 1);

    memcpy(data, a.data, a.len);
    memcpy(data + a.len, b.data, b.len);
    return sgn_bytes(data, a.len + b.len);
}

static void embed(sgn_bytes_t file, apr_off_t gap, size_t gap_length, sgn_bytes_t der)
{
    static const char digits[] = "0123456789abcdef";
    unsigned char *at = (unsigned char *)file.data + gap + 1;
    size_t i;

    HOLDS(der.len * 2 + 2 <= gap_length);
    for (i = 0; i < der.len; i++) {
        at[2 * i] = (unsigned char)digits[der.data[i] >> 4];
        at[2 * i + 1] = (unsigned char)digits[der.data[i] & 15];
    }
}

static sgn_format_box_t box(double x, double y, double width, double height)
{
    return (sgn_format_box_t){ 1, 1, x, y, width, height };
}

static void attributes(sgn_signedattrs_t *attrs, const rig_sign_t *how, const unsigned char digest[32])
{
    memset(attrs, 0, sizeof *attrs);
    attrs->kind = sgn_signedattrs_kind(how->kind);
    memcpy(attrs->message_digest, digest, 32);
    sha256(attrs->certificate, how->who->der, sgn_bytes(NULL, 0));
    if (attrs->kind == SGN_KIND_SEAL) {
        apr_cpystrn(attrs->number, how->signed_number ? how->signed_number : how->number ? how->number : "1", sizeof attrs->number);
        apr_cpystrn(attrs->symbol, "QĐ-UBND", sizeof attrs->symbol);
        apr_cpystrn(attrs->date, how->date ? how->date : "2026-11-21", sizeof attrs->date);
        sha256(attrs->person_digest, how->person, sgn_bytes(NULL, 0));
        attrs->has_person_digest = 1;
    }
    if (attrs->kind == SGN_KIND_COPY)
        attrs->has_source_digest = 1;
}

sgn_bytes_t rig_sign(sgn_bytes_t document, const rig_sign_t *how, apr_pool_t *pool)
{
    const rig_pki_t *pki = rig_pki();
    sgn_format_document_t original = { document.data, (apr_off_t)document.len };
    sgn_format_prepare_t what;
    sgn_format_prepared_t *prepared;
    sgn_cms_parts_t parts;
    sgn_signedattrs_t attrs;
    unsigned char digest[32], dtbs[SGN_SIGNEDATTRS_MAX];
    apr_array_header_t *chain = apr_array_make(pool, 1, sizeof(sgn_bytes_t));
    const char *lines[] = { how->fill ? "sealed" : "signed", NULL };
    sgn_bytes_t file, cms;
    size_t len;

    memset(&what, 0, sizeof what);
    what.now = how->claimed ? how->claimed : pki->now;
    what.kind = how->kind;
    what.field = how->field;
    what.fill_field = how->fill;
    what.signer_name = "An";
    if (!how->fill) {
        what.box = how->box[2] ? box(how->box[0], how->box[1], how->box[2], how->box[3]) : box(300, 120, 150, 60);
    }
    what.lines = lines;
    if (how->reserve) {
        what.reserve_number = box(100, 700, 40, 18);
        what.reserve_day = box(300, 700, 30, 18);
        what.reserve_month = box(350, 700, 30, 18);
        what.reserve_seal = box(250, 110, 102, 102);
    }
    what.fill_number = how->number;
    what.fill_day = how->day;
    what.fill_month = how->month;
    MUST(sgn_format_pdf.prepare(&prepared, &original, &what, pool));
    file = concat(document, prepared->update, pool);
    sha256(digest, sgn_bytes(file.data + prepared->range[0], (size_t)prepared->range[1]),
           sgn_bytes(file.data + prepared->range[2], (size_t)prepared->range[3]));
    attributes(&attrs, how, digest);
    HOLDS(sgn_signedattrs_build(dtbs, sizeof dtbs, &len, &attrs) == 0);
    memset(&parts, 0, sizeof parts);
    parts.dtbs = sgn_bytes(dtbs, len);
    parts.value = sign_value(how->who, parts.dtbs, how->pkcs1, &parts.algorithm, pool);
    parts.certificate = how->who->der;
    APR_ARRAY_PUSH(chain, sgn_bytes_t) = pki->ca.der;
    parts.chain = chain;
    if (how->stamp) {
        sha256(digest, parts.value, sgn_bytes(NULL, 0));
        parts.token = make_token(digest, how->stamp, pool);
    }
    MUST(sgn_cms_build(&cms, &parts, pool));
    embed(file, prepared->gap_offset, prepared->gap_length, cms);
    return file;
}

#define GAP 16384

const char *rig_placeholder(const char *dict, apr_pool_t *pool)
{
    char *gap = apr_palloc(pool, GAP + 1);

    memset(gap, '0', GAP);
    gap[GAP] = '\0';
    return apr_pstrcat(pool, "<<", dict, " /ByteRange [0 0000000000 0000000000 0000000000] /Contents <", gap, ">>>", NULL);
}

/* As anybody's program makes it. */
static sgn_bytes_t foreign_cms(const rig_sign_t *how, sgn_bytes_t a, sgn_bytes_t b, apr_pool_t *pool)
{
    const unsigned flags = CMS_BINARY | CMS_NOSMIMECAP | (how->inner ? 0 : CMS_DETACHED) | (how->bare ? CMS_NOATTR : CMS_CADES);
    const rig_id_t *who = how->who;
    unsigned char digest[EVP_MAX_MD_SIZE];
    STACK_OF(X509) *chain = sk_X509_new_null();
    BIO *content = BIO_new(BIO_s_mem());
    unsigned char *der = NULL;
    CMS_ContentInfo *cms;
    sgn_bytes_t out;
    int len;

    sk_X509_push(chain, rig_pki()->ca.cert);
    if (how->inner) {
        sgn_bytes_t both = concat(a, b, pool);

        HOLDS(EVP_Digest(both.data, both.len, digest, NULL, EVP_sha1(), NULL));
        a = sgn_bytes(digest, 20);
        b.len = 0;
    }
    BIO_write(content, a.data, (int)a.len);
    BIO_write(content, b.data, (int)b.len);
    cms = CMS_sign(who->cert, who->key, chain, content, flags);
    HOLDS(cms);
    len = i2d_CMS_ContentInfo(cms, &der);
    HOLDS(len > 0);
    out = sgn_bytes_dup(sgn_bytes(der, (size_t)len), pool);
    OPENSSL_free(der);
    CMS_ContentInfo_free(cms);
    BIO_free(content);
    sk_X509_free(chain);
    return out;
}

sgn_bytes_t rig_complete(sgn_bytes_t document, size_t from, const rig_sign_t *how, apr_pool_t *pool)
{
    sgn_bytes_t file = sgn_bytes_dup(document, pool), cms;
    size_t range = rig_find(file, from, "[0 0000000000"), gap, end;
    unsigned char digest[32], dtbs[SGN_SIGNEDATTRS_MAX];
    sgn_signedattrs_t attrs;
    char numbers[64];
    size_t len;

    HOLDS(range != (size_t)-1);
    gap = rig_find(file, range, "/Contents <") + 10;
    end = gap + GAP + 2;
    snprintf(numbers, sizeof numbers, "[0 %010ld %010ld %010ld]", (long)gap, (long)end, (long)(file.len - end));
    memcpy((unsigned char *)file.data + range, numbers, strlen(numbers));
    sha256(digest, sgn_bytes(file.data, gap), sgn_bytes(file.data + end, file.len - end));
    if (how->who && how->foreign) {
        cms = foreign_cms(how, sgn_bytes(file.data, gap), sgn_bytes(file.data + end, file.len - end), pool);
    } else if (how->who) {
        apr_array_header_t *chain = apr_array_make(pool, 1, sizeof(sgn_bytes_t));
        sgn_cms_parts_t parts;

        memset(&parts, 0, sizeof parts);
        APR_ARRAY_PUSH(chain, sgn_bytes_t) = rig_pki()->ca.der;
        parts.chain = chain;
        attributes(&attrs, how, digest);
        HOLDS(sgn_signedattrs_build(dtbs, sizeof dtbs, &len, &attrs) == 0);
        parts.dtbs = sgn_bytes(dtbs, len);
        parts.value = sign_value(how->who, parts.dtbs, how->pkcs1, &parts.algorithm, pool);
        parts.certificate = how->who->der;
        if (how->stamp) {
            sha256(digest, parts.value, sgn_bytes(NULL, 0));
            parts.token = make_token(digest, how->stamp, pool);
        }
        MUST(sgn_cms_build(&cms, &parts, pool));
    } else {
        cms = make_token(digest, how->stamp, pool);
    }
    embed(file, (apr_off_t)gap, GAP + 2, cms);
    return file;
}

const char *rig_with_field(sgn_bytes_t document, int num, apr_pool_t *pool)
{
    const char *form = rig_object(document, rig_form(document, pool), pool);
    size_t close = rig_find(sgn_bytes_str(form), rig_find(sgn_bytes_str(form), 0, "/Fields"), "]");

    return apr_psprintf(pool, "%.*s %d 0 R%s", (int)close, form, num, form + close);
}

sgn_bytes_t rig_stamp(sgn_bytes_t document, apr_time_t time, apr_pool_t *pool)
{
    int num = rig_next(document, pool);
    const char *field = apr_psprintf(pool, "<</FT /Sig /T (stamp%d) /V %d 0 R /Type /Annot /Subtype /Widget /Rect [0 0 0 0] /F 132 /P %d 0 R>>",
                                     num, num, rig_page(document, pool));
    sgn_bytes_t file = rig_append(document, (rig_object_t[]){
        { num, rig_placeholder("/Type /DocTimeStamp /Filter /Adobe.PPKLite /SubFilter /ETSI.RFC3161", pool), 0 },
        { num + 1, field, 0 }, { rig_form(document, pool), rig_with_field(document, num + 1, pool), 0 }, { 0, NULL, 0 } }, NULL, pool);

    return rig_complete(file, document.len, &(rig_sign_t){ .stamp = time }, pool);
}
