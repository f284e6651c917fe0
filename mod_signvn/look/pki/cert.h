/*
 * cert.h: one X.509 certificate, read into a plain struct.
 *
 * Reading is not validating: whoever made the certificate chose every field.
 * Trust comes from path.h, status from revocation.h.
 *
 * Strict DER, no bytes behind, at most 32 KiB.  Texts are UTF-8 and may hold
 * anything that UTF-8 can: escape them for their sink.
 *
 * Ownership: the struct, its texts and the X509 live in the pool; `der` is a
 * copy of the input.  One pool reads the same bytes once: a second parse gives
 * the same struct.  Not shared between threads.
 */
#ifndef SGN_LOOK_PKI_CERT_H
#define SGN_LOOK_PKI_CERT_H

#include <apr_time.h>

#include "base/buf.h"

#define SGN_CERT_LIMIT (32 * 1024)
#define SGN_CERT_URLS 4             /* of each kind; more are passed over */

typedef enum { SGN_CERT_PERSON, SGN_CERT_AGENCY, SGN_CERT_DEVICE } sgn_cert_kind_t;     /* [SV-F01] */

/* Key usage bits as RFC 5280 numbers them. */
#define SGN_CERT_KU_DIGITAL_SIGNATURE 0x001
#define SGN_CERT_KU_NON_REPUDIATION 0x002
#define SGN_CERT_KU_CERT_SIGN 0x020
#define SGN_CERT_KU_CRL_SIGN 0x040

#define SGN_CERT_EKU_SERVER 0x001
#define SGN_CERT_EKU_CLIENT 0x002
#define SGN_CERT_EKU_CODE 0x004
#define SGN_CERT_EKU_EMAIL 0x008
#define SGN_CERT_EKU_TIMESTAMP 0x010
#define SGN_CERT_EKU_OCSP 0x020
#define SGN_CERT_EKU_DOCUMENT 0x040     /* 1.3.6.1.5.5.7.3.36, Microsoft and Adobe document signing */
#define SGN_CERT_EKU_ANY 0x080
#define SGN_CERT_EKU_OTHER 0x100

typedef struct sgn_cert_t {
    sgn_bytes_t der;
    unsigned char sha256[32];
    const char *sha256_hex;
    struct x509_st *x509;
    struct evp_pkey_st *key;            /* of the X509; NULL: neither RSA nor EC */

    /* subject; NULL where absent */
    const char *common_name, *title, *organisation, *unit, *identifier;
    const char *organisation_id;        /* organizationIdentifier (mã định danh) */
    sgn_bytes_t subject, issuer;        /* Names as DER */
    const char *issuer_name;            /* common name, else the whole name; never NULL */
    const char *serial;                 /* upper-case hex, as openssl prints it */
    sgn_bytes_t serial_bytes;           /* magnitude, without a leading zero */
    apr_time_t not_before, not_after;

    sgn_bytes_t spki;                   /* SubjectPublicKeyInfo */
    sgn_bytes_t key_bits_bytes;         /* content of its BIT STRING without the unused-bits byte */
    const char *key_type;               /* "rsa", "ec", "other" */
    int key_bits;

    int has_key_usage, has_eku, eku_critical, is_ca, self_issued;
    unsigned key_usage, eku;
    int has_policies;                   /* states its scope of use [SV-F03] */
    int ocsp_no_check;
    sgn_bytes_t ski, aki;               /* empty: absent */
    const char *ocsp_urls[SGN_CERT_URLS + 1];       /* NULL-terminated */
    const char *issuer_urls[SGN_CERT_URLS + 1];
    const char *crl_urls[SGN_CERT_URLS + 1];

    sgn_cert_kind_t kind;
} sgn_cert_t;

/* SGN_CERT_UNREADABLE. */
sgn_error_t *sgn_cert_parse(sgn_cert_t **out, sgn_bytes_t der, apr_pool_t *pool);

int sgn_cert_equal(const sgn_cert_t *a, const sgn_cert_t *b);
/* Did `issuer`'s name and key sign `cert`?  Names, key identifiers, key usage
 * and the signature; no time, no trust. */
int sgn_cert_is_issued_by(const sgn_cert_t *cert, const sgn_cert_t *issuer);
/* May it sign documents: key usage (digitalSignature or nonRepudiation), not a
 * CA, not a device?  [NĐ 68/2024, Điều 31]  SGN_OK or SGN_F_CERT_USAGE. */
sgn_code_t sgn_cert_usage(const sgn_cert_t *cert);
/* Key and digest strong enough: SGN_OK or SGN_F_ALGORITHM. */
sgn_code_t sgn_cert_strength(const sgn_cert_t *cert);
/* "person", "agency", "device" */
const char *sgn_cert_kind(const sgn_cert_t *cert);

#endif
