/* cert.c: one certificate into a plain struct. */
#include "look/pki/cert.h"

#include <string.h>
#include <time.h>

#include <apr_strings.h>
#include <apr_tables.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "base/pool.h"
#include "base/text.h"
#include "crypto/digest.h"
#include "look/pki/algorithm.h"
#include "look/pki/library.h"
#include "look/pki/x690.h"

#define TEXT_LIMIT 1024
#define OID_ORGANISATION_ID "2.5.4.97"
#define OID_EKU_DOCUMENT "1.3.6.1.5.5.7.3.36"
#define OID_EKU_DOCUMENT_MS "1.3.6.1.4.1.311.10.3.12"
#define OID_EKU_DOCUMENT_ADOBE "1.2.840.113583.1.1.5"

/* The first value of an attribute as UTF-8; NULL where there is none.  A NUL
 * inside would show another name than was certified: such a text is dropped. */
static const char *text_at(X509_NAME *name, int position, apr_pool_t *pool)
{
    unsigned char *utf8 = NULL;
    const char *text = NULL;
    int len;

    if (position < 0)
        return NULL;
    len = ASN1_STRING_to_UTF8(&utf8, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, position)));
    if (len > 0 && len <= TEXT_LIMIT && !memchr(utf8, 0, (size_t)len))
        text = sgn_text_nfc(apr_pstrmemdup(pool, (char *)utf8, (apr_size_t)len), pool);
    OPENSSL_free(utf8);
    return text;
}

static const char *text_of(X509_NAME *name, int nid, apr_pool_t *pool)
{
    return text_at(name, X509_NAME_get_index_by_NID(name, nid, -1), pool);
}

static const char *text_of_oid(X509_NAME *name, const char *oid, apr_pool_t *pool)
{
    ASN1_OBJECT *object = OBJ_txt2obj(oid, 1);
    const char *text = object ? text_at(name, X509_NAME_get_index_by_OBJ(name, object, -1), pool) : NULL;

    ASN1_OBJECT_free(object);
    return text;
}

static sgn_bytes_t name_der(X509_NAME *name, apr_pool_t *pool)
{
    const unsigned char *der = NULL;
    size_t len = 0;

    if (!X509_NAME_get0_der(name, &der, &len))
        return sgn_bytes(NULL, 0);
    return sgn_bytes_dup(sgn_bytes(der, len), pool);
}

static int time_of(apr_time_t *out, const ASN1_TIME *when)
{
    sgn_der_t content = sgn_der(ASN1_STRING_get0_data(when), (size_t)ASN1_STRING_length(when));

    return sgn_x690_time_content(out, (unsigned)ASN1_STRING_type(when), content) == SGN_FAULT_NONE;
}

/* http and https only: nothing else is ever fetched. */
static void add_url(const char **urls, const ASN1_IA5STRING *url, apr_pool_t *pool)
{
    const char *text = (const char *)ASN1_STRING_get0_data(url);
    int len = ASN1_STRING_length(url), n = 0;

    if (len < 8 || len > 512 || (strncasecmp(text, "http://", 7) && strncasecmp(text, "https://", 8)))
        return;
    for (int i = 0; i < len; i++)
        if (text[i] <= ' ' || text[i] >= 0x7f)
            return;
    while (n < SGN_CERT_URLS && urls[n])
        n++;
    if (n < SGN_CERT_URLS)
        urls[n] = apr_pstrmemdup(pool, text, (apr_size_t)len);
}

static void read_access(sgn_cert_t *cert, apr_pool_t *pool)
{
    AUTHORITY_INFO_ACCESS *access = X509_get_ext_d2i(cert->x509, NID_info_access, NULL, NULL);

    for (int i = 0; i < sk_ACCESS_DESCRIPTION_num(access); i++) {
        ACCESS_DESCRIPTION *one = sk_ACCESS_DESCRIPTION_value(access, i);

        if (one->location->type != GEN_URI)
            continue;
        if (OBJ_obj2nid(one->method) == NID_ad_OCSP)
            add_url(cert->ocsp_urls, one->location->d.uniformResourceIdentifier, pool);
        else if (OBJ_obj2nid(one->method) == NID_ad_ca_issuers)
            add_url(cert->issuer_urls, one->location->d.uniformResourceIdentifier, pool);
    }
    AUTHORITY_INFO_ACCESS_free(access);
}

static void read_points(sgn_cert_t *cert, apr_pool_t *pool)
{
    CRL_DIST_POINTS *points = X509_get_ext_d2i(cert->x509, NID_crl_distribution_points, NULL, NULL);

    for (int i = 0; i < sk_DIST_POINT_num(points); i++) {
        DIST_POINT *point = sk_DIST_POINT_value(points, i);

        /* lists of some reasons or of another issuer are not used (crl.h) */
        if (point->reasons || point->CRLissuer || !point->distpoint || point->distpoint->type != 0)
            continue;
        for (int j = 0; j < sk_GENERAL_NAME_num(point->distpoint->name.fullname); j++) {
            GENERAL_NAME *name = sk_GENERAL_NAME_value(point->distpoint->name.fullname, j);

            if (name->type == GEN_URI)
                add_url(cert->crl_urls, name->d.uniformResourceIdentifier, pool);
        }
    }
    CRL_DIST_POINTS_free(points);
}

static unsigned eku_bit(const ASN1_OBJECT *object)
{
    char oid[SGN_X690_OID_TEXT];

    switch (OBJ_obj2nid(object)) {
    case NID_server_auth: return SGN_CERT_EKU_SERVER;
    case NID_client_auth: return SGN_CERT_EKU_CLIENT;
    case NID_code_sign: return SGN_CERT_EKU_CODE;
    case NID_email_protect: return SGN_CERT_EKU_EMAIL;
    case NID_time_stamp: return SGN_CERT_EKU_TIMESTAMP;
    case NID_OCSP_sign: return SGN_CERT_EKU_OCSP;
    case NID_anyExtendedKeyUsage: return SGN_CERT_EKU_ANY;
    default: break;
    }
    OBJ_obj2txt(oid, sizeof oid, object, 1);
    if (!strcmp(oid, OID_EKU_DOCUMENT) || !strcmp(oid, OID_EKU_DOCUMENT_MS) || !strcmp(oid, OID_EKU_DOCUMENT_ADOBE))
        return SGN_CERT_EKU_DOCUMENT;
    return SGN_CERT_EKU_OTHER;
}

static void read_usage(sgn_cert_t *cert)
{
    int critical = 0;
    EXTENDED_KEY_USAGE *eku = X509_get_ext_d2i(cert->x509, NID_ext_key_usage, &critical, NULL);
    uint32_t usage = X509_get_key_usage(cert->x509);

    cert->has_key_usage = (X509_get_extension_flags(cert->x509) & EXFLAG_KUSAGE) != 0;
    if (cert->has_key_usage) {
        if (usage & KU_DIGITAL_SIGNATURE) cert->key_usage |= SGN_CERT_KU_DIGITAL_SIGNATURE;
        if (usage & KU_NON_REPUDIATION) cert->key_usage |= SGN_CERT_KU_NON_REPUDIATION;
        if (usage & KU_KEY_CERT_SIGN) cert->key_usage |= SGN_CERT_KU_CERT_SIGN;
        if (usage & KU_CRL_SIGN) cert->key_usage |= SGN_CERT_KU_CRL_SIGN;
    }
    if (eku) {
        cert->has_eku = 1;
        cert->eku_critical = critical == 1;
        for (int i = 0; i < sk_ASN1_OBJECT_num(eku); i++)
            cert->eku |= eku_bit(sk_ASN1_OBJECT_value(eku, i));
    }
    EXTENDED_KEY_USAGE_free(eku);
}

static int begins(const char *text, const char *const *words)
{
    for (; text && *words; words++)
        if (strncasecmp(text, *words, strlen(*words)) == 0)
            return 1;
    return 0;
}

/* [SV-F01] Certificates of the Government's CA write CCCD:, CMND:, HC: before a
 * person's number and MST:, MNS:, MDV: before an organisation's. */
static sgn_cert_kind_t kind_of(const sgn_cert_t *cert, int has_personal_name, apr_pool_t *pool)
{
    static const char *const of_person[] = { "CCCD", "CMND", "CMTND", "HC:", "HCH", "CC:", "PNOVN", "IDCVN", NULL };
    static const char *const of_agency[] = { "MST", "MNS", "MDV", "MSDN", "VATVN", "NTRVN", NULL };
    static const char *const words[] = {
#define WORD(text) text,
#include "look/pki/cert_words.def"
#undef WORD
        NULL
    };
    const unsigned device = SGN_CERT_EKU_SERVER | SGN_CERT_EKU_CODE | SGN_CERT_EKU_TIMESTAMP | SGN_CERT_EKU_OCSP;
    const unsigned people = SGN_CERT_EKU_EMAIL | SGN_CERT_EKU_DOCUMENT | SGN_CERT_EKU_ANY | SGN_CERT_EKU_OTHER;
    const char *name = cert->common_name ? cert->common_name : "";
    int person = has_personal_name || cert->title || begins(cert->identifier, of_person);
    int agency = begins(cert->identifier, of_agency)
        || (cert->organisation && strcmp(sgn_text_fold(name, pool), sgn_text_fold(cert->organisation, pool)) == 0)
        || begins(sgn_text_lower(name, pool), words);

    if (cert->has_eku && !(cert->eku & people) && ((cert->eku & device) || (!person && !agency)))
        return SGN_CERT_DEVICE;
    return agency && !person ? SGN_CERT_AGENCY : SGN_CERT_PERSON;
}

static sgn_error_t *read_key(sgn_cert_t *cert, apr_pool_t *pool)
{
    const ASN1_BIT_STRING *bits = X509_get0_pubkey_bitstr(cert->x509);
    EVP_PKEY *key = X509_get0_pubkey(cert->x509);
    unsigned char *der = NULL;
    int len = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(cert->x509), &der);

    if (len <= 0 || !bits)
        return sgn_algorithm_error(pool, SGN_CERT_UNREADABLE, "public key");
    cert->spki = sgn_bytes_dup(sgn_bytes(der, (size_t)len), pool);
    OPENSSL_free(der);
    cert->key_bits_bytes = sgn_bytes_dup(sgn_bytes(ASN1_STRING_get0_data(bits), (size_t)ASN1_STRING_length(bits)), pool);
    cert->key_type = "other";
    cert->key = key;
    if (!key)
        return NULL;
    cert->key_bits = EVP_PKEY_get_bits(key);
    if (EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA || EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA_PSS)
        cert->key_type = "rsa";
    else if (EVP_PKEY_get_base_id(key) == EVP_PKEY_EC)
        cert->key_type = "ec";
    return NULL;
}

static void read_names(sgn_cert_t *cert, apr_pool_t *pool)
{
    X509_NAME *subject = X509_get_subject_name(cert->x509), *issuer = X509_get_issuer_name(cert->x509);
    char *line;

    cert->common_name = text_of(subject, NID_commonName, pool);
    cert->title = text_of(subject, NID_title, pool);
    cert->organisation = text_of(subject, NID_organizationName, pool);
    cert->unit = text_of(subject, NID_organizationalUnitName, pool);
    cert->organisation_id = text_of_oid(subject, OID_ORGANISATION_ID, pool);
    cert->identifier = text_of(subject, NID_userId, pool);
    if (!cert->identifier)
        cert->identifier = text_of(subject, NID_serialNumber, pool);
    if (!cert->identifier)
        cert->identifier = cert->organisation_id;
    cert->subject = name_der(subject, pool);
    cert->issuer = name_der(issuer, pool);
    cert->self_issued = sgn_bytes_equal(cert->subject, cert->issuer);
    cert->issuer_name = text_of(issuer, NID_commonName, pool);
    if (!cert->issuer_name) {
        line = X509_NAME_oneline(issuer, NULL, 0);
        cert->issuer_name = apr_pstrdup(pool, line ? line : "");
        OPENSSL_free(line);
    }
}

static sgn_bytes_t octets(const ASN1_OCTET_STRING *string, apr_pool_t *pool)
{
    if (!string)
        return sgn_bytes(NULL, 0);
    return sgn_bytes_dup(sgn_bytes(ASN1_STRING_get0_data(string), (size_t)ASN1_STRING_length(string)), pool);
}

static sgn_error_t *parse(sgn_cert_t **out, sgn_bytes_t der, apr_pool_t *pool)
{
    sgn_cert_t *cert = apr_pcalloc(pool, sizeof *cert);
    X509_NAME *subject;
    X509 *x509;
    const unsigned char *p;
    uint32_t flags;

    if (der.len > SGN_CERT_LIMIT)
        return SGN_ERROR(pool, SGN_CERT_UNREADABLE, "certificate of %lu bytes", (unsigned long)der.len);
    SGN_X690_TRY(pool, SGN_CERT_UNREADABLE, "certificate", sgn_x690_strict(der));
    cert->der = sgn_bytes_dup(der, pool);
    p = cert->der.data;
    x509 = X509_new_ex(sgn_library_context(), NULL);
    cert->x509 = d2i_X509(x509 ? &x509 : NULL, &p, (long)cert->der.len);
    if (!cert->x509)
        X509_free(x509);
    SGN_OWN(pool, cert->x509, X509_free);
    if (!cert->x509 || p != cert->der.data + cert->der.len)
        return sgn_algorithm_error(pool, SGN_CERT_UNREADABLE, "certificate");
    flags = X509_get_extension_flags(cert->x509);
    if (flags & EXFLAG_INVALID)
        return sgn_algorithm_error(pool, SGN_CERT_UNREADABLE, "extensions");
    SGN_TRY(sgn_digest_sha256(cert->sha256, cert->der.data, cert->der.len, pool));
    cert->sha256_hex = sgn_bytes_hex(sgn_bytes(cert->sha256, 32), pool);
    cert->serial_bytes = octets(X509_get0_serialNumber(cert->x509), pool);
    if (cert->serial_bytes.len == 0 || cert->serial_bytes.len > 32
        || (ASN1_STRING_type(X509_get0_serialNumber(cert->x509)) & V_ASN1_NEG))
        return SGN_ERROR(pool, SGN_CERT_UNREADABLE, "serial number of %lu bytes", (unsigned long)cert->serial_bytes.len);
    cert->serial = sgn_x690_hex(cert->serial_bytes, pool);
    if (!time_of(&cert->not_before, X509_get0_notBefore(cert->x509))
        || !time_of(&cert->not_after, X509_get0_notAfter(cert->x509)))
        return SGN_ERROR(pool, SGN_CERT_UNREADABLE, "validity");
    SGN_TRY(read_key(cert, pool));
    read_names(cert, pool);
    read_usage(cert);
    read_access(cert, pool);
    read_points(cert, pool);
    cert->is_ca = (flags & EXFLAG_CA) != 0;
    cert->ski = octets(X509_get0_subject_key_id(cert->x509), pool);
    cert->aki = octets(X509_get0_authority_key_id(cert->x509), pool);
    cert->ocsp_no_check = X509_get_ext_by_NID(cert->x509, NID_id_pkix_OCSP_noCheck, -1) >= 0;
    cert->has_policies = X509_get_ext_by_NID(cert->x509, NID_certificate_policies, -1) >= 0;
    subject = X509_get_subject_name(cert->x509);
    cert->kind = kind_of(cert, X509_NAME_get_index_by_NID(subject, NID_givenName, -1) >= 0
                         || X509_NAME_get_index_by_NID(subject, NID_surname, -1) >= 0, pool);
    ERR_clear_error();
    *out = cert;
    return NULL;
}

/* One document names the same few certificates again and again. */
sgn_error_t *sgn_cert_parse(sgn_cert_t **out, sgn_bytes_t der, apr_pool_t *pool)
{
    static const char name[] = "sgn.cert";
    apr_array_header_t *read = NULL;
    void *found = NULL;

    if (apr_pool_userdata_get(&found, name, pool) == APR_SUCCESS)
        read = found;
    for (int i = 0; read && i < read->nelts; i++) {
        *out = APR_ARRAY_IDX(read, i, sgn_cert_t *);
        if (sgn_bytes_equal((*out)->der, der))
            return NULL;
    }
    SGN_TRY(parse(out, der, pool));
    if (!read) {
        read = apr_array_make(pool, 8, sizeof(sgn_cert_t *));
        apr_pool_userdata_setn(read, name, NULL, pool);
    }
    APR_ARRAY_PUSH(read, sgn_cert_t *) = *out;
    return NULL;
}

int sgn_cert_equal(const sgn_cert_t *a, const sgn_cert_t *b)
{
    return sgn_bytes_equal(a->der, b->der);
}

int sgn_cert_is_issued_by(const sgn_cert_t *cert, const sgn_cert_t *issuer)
{
    EVP_PKEY *key = X509_get0_pubkey(issuer->x509);
    int good = key && X509_check_issued(issuer->x509, cert->x509) == X509_V_OK
        && X509_verify(cert->x509, key) == 1;

    ERR_clear_error();
    return good;
}

sgn_code_t sgn_cert_usage(const sgn_cert_t *cert)
{
    const unsigned signing = SGN_CERT_KU_DIGITAL_SIGNATURE | SGN_CERT_KU_NON_REPUDIATION;

    /* [SV-F01] a device never signs documents; [SV-F04] key usage constrains */
    if (cert->kind == SGN_CERT_DEVICE || cert->is_ca)
        return SGN_F_CERT_USAGE;
    if (cert->has_key_usage && !(cert->key_usage & signing))
        return SGN_F_CERT_USAGE;
    return SGN_OK;
}

sgn_code_t sgn_cert_strength(const sgn_cert_t *cert)
{
    int digest = NID_undef, key = NID_undef;

    /* [TT 15/2025, Phụ lục] RSA from 2048 bits, EC from 256, SHA-2 and SHA-3 */
    if (!strcmp(cert->key_type, "rsa") ? cert->key_bits < 2048 : cert->key_bits < 256)
        return SGN_F_ALGORITHM;
    if (OBJ_find_sigid_algs(X509_get_signature_nid(cert->x509), &digest, &key)
        && (digest == NID_md5 || digest == NID_sha1 || digest == NID_md2 || digest == NID_md4))
        return SGN_F_ALGORITHM;
    return strcmp(cert->key_type, "other") ? SGN_OK : SGN_F_ALGORITHM;
}

const char *sgn_cert_kind(const sgn_cert_t *cert)
{
    static const char *const names[] = { "person", "agency", "device" };

    return names[cert->kind];
}
