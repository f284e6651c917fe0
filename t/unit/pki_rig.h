/*
 * pki_rig.h: certificates, lists, answers and time-stamps made in memory, each
 * with the one fault a test wants.  Times are seconds from rig_now().
 *
 * A failure of the rig itself ends the test program: it proves nothing.
 */
#ifndef SGN_T_PKI_RIG_H
#define SGN_T_PKI_RIG_H

#include <openssl/evp.h>
#include <openssl/x509.h>

#include "look/pki/revocation.h"
#include "look/pki/tsp.h"

#define DAY 86400L
#define YEAR (365 * DAY)
#define RIG_POLICY "2.16.704.2.1"

typedef struct {
    EVP_PKEY *key;
    X509 *cert;
    sgn_bytes_t der;
    sgn_cert_t *read;           /* NULL where it cannot be read */
} rig_id_t;

typedef struct {
    const char *name, *title, *organisation, *uid, *org_id;
    const char *basic, *usage, *eku, *crl, *ocsp, *policies;   /* as openssl.cnf writes them; NULL: absent */
    const char *extra;          /* value of extension 1.2.3.4, like "critical,ASN1:NULL" */
    const char *constraints, *san;      /* nameConstraints, subjectAltName */
    long from, to;              /* 0, 0: a year each way */
    int rsa;                    /* bits, 0: P-256 */
    int sha1, no_check;
    long serial;                /* 0: the next */
    const rig_id_t *same_key;   /* use its key */
    EVP_PKEY *key;              /* this one, which the rig takes over */
    X509_NAME *subject, *issuer;        /* instead of the names above, as they are */
} rig_who_t;

apr_time_t rig_now(void);
apr_time_t rig_at(long seconds);

rig_id_t *rig_id(const rig_who_t *who, const rig_id_t *issuer);

/* national root, government root (anchors), issuing CA, a person, an agency, a
 * delegate for OCSP, a time-stamp root of its own and its TSA */
typedef struct {
    rig_id_t *root, *ca, *person, *agency, *responder, *tsa_root, *tsa, *other_root, *other_ca;
    sgn_path_store_t *store, *tsa_store;
} rig_pki_t;
rig_pki_t *rig_pki(void);
sgn_path_store_t *rig_store(const rig_id_t *anchor, const rig_id_t *intermediate);

typedef struct {
    const rig_id_t *issuer;
    const rig_id_t *revoked;    /* NULL: empty list */
    long at, invalid;           /* of revocation; invalidityDate, 0: none */
    int reason;                 /* -1: none */
    long from, to;              /* 0, 0: an hour ago, in a day */
    long number;
    const char *scope;          /* issuingDistributionPoint */
    const char *extra;          /* extension 1.2.3.4 */
    const char *entry_extra;    /* the same of the entry */
    int delta, sha1;
    const rig_id_t *signer;     /* NULL: the issuer */
} rig_crl_t;
sgn_bytes_t rig_crl(const rig_crl_t *how);

typedef struct {
    const rig_id_t *about, *issuer, *signer;
    int status;                 /* V_OCSP_CERTSTATUS_* */
    long at;
    int reason;
    long from, to;              /* 0, 0: an hour ago, in a day */
    sgn_bytes_t nonce;
    int no_certs;
} rig_ocsp_t;
sgn_bytes_t rig_ocsp(const rig_ocsp_t *how);

typedef struct {
    const rig_id_t *signer;
    long at;
    int refuse;
} rig_stamp_t;
/* A TimeStampResp to this request. */
sgn_bytes_t rig_stamp(sgn_bytes_t request, const rig_stamp_t *how);

/* openssl's own CMS_sign; content type dotted or NULL for data. */
typedef struct {
    const rig_id_t *signer, *second;
    const char *type;
    int detached, cades, sha1, pss, no_attributes, no_certs, by_key;
} rig_cms_t;
sgn_bytes_t rig_cms(sgn_bytes_t content, const rig_cms_t *how);

/* A SignedData with another version; with another version of the SignerInfo; with
 * other content in digestAlgorithms. */
sgn_bytes_t rig_cms_version(sgn_bytes_t der, int version);
sgn_bytes_t rig_cms_signer_version(sgn_bytes_t der, const rig_id_t *signer, int version);
sgn_bytes_t rig_cms_digests(sgn_bytes_t der, const char *list, size_t len);

/* Signature value over data with SHA-256. */
sgn_bytes_t rig_value(const rig_id_t *who, sgn_bytes_t data, int pss);

sgn_bytes_t rig_join(sgn_bytes_t bytes, const char *more, size_t len);
/* The first occurrence replaced by as many bytes. */
sgn_bytes_t rig_swap(sgn_bytes_t bytes, const void *old, const void *with, size_t len);
/* The outermost length made indefinite. */
sgn_bytes_t rig_indefinite(sgn_bytes_t der);
apr_array_header_t *rig_list(const rig_id_t *a, const rig_id_t *b);

#endif
