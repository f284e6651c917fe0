/*
 * validate_rig.h: a small PKI and signed documents, made in memory, for the
 * tests of validation, difference analysis and judgement.
 *
 * Keys live as long as the process; everything else in the pool given.  A
 * failure of the rig itself ends the test program: it proves nothing.
 */
#ifndef SGN_T_VALIDATE_RIG_H
#define SGN_T_VALIDATE_RIG_H

#include <openssl/evp.h>
#include <openssl/x509.h>

#include "look/validate/checks.h"

#define RIG_NOW "2026-11-21T10:00:00+07:00"

typedef struct {
    EVP_PKEY *key;
    X509 *cert;
    sgn_bytes_t der;
} rig_id_t;

typedef struct {
    rig_id_t root, ca, tsa_root, tsa, stranger_root;
    rig_id_t unscoped;              /* a person's without certificate policies */
    rig_id_t leader, reviewer, leader_b, seal_a, seal_b, stranger, expired, revoked, held, device;
    apr_time_t now;
    sgn_bytes_t root_crl, ca_crl, tsa_crl;
} rig_pki_t;

/* Made once per process. */
rig_pki_t *rig_pki(void);

/* A CRL of the issuing CA at `now`, with one entry; reason 1 keyCompromise, 6 hold. */
sgn_bytes_t rig_crl(const rig_pki_t *pki, const rig_id_t *revoked, apr_time_t at, int reason,
                    apr_time_t now, apr_pool_t *pool);

/* A one-page PDF with a line of text; kind "table" or "stream". */
sgn_bytes_t rig_pdf(const char *kind, size_t padding, apr_pool_t *pool);

typedef struct {
    const rig_id_t *who;
    const char *kind, *field;
    int reserve;                    /* number, day, month, seal */
    int fill;                       /* field is an existing one */
    const char *number, *day, *month;       /* drawn */
    const char *signed_number, *date;       /* in the signed attributes */
    sgn_bytes_t person;             /* value of the personal signature, for personDigest */
    apr_time_t stamp;               /* genTime of its time-stamp, 0: none */
    apr_time_t claimed;             /* /M; 0: now */
    int foreign;                    /* CMS by OpenSSL, which knows no kinds (rig_complete) */
    int inner;                      /* the same with the SHA-1 of the ranges inside, as adbe.pkcs7.sha1 is */
    int bare;                       /* the same without signed attributes */
    int pkcs1;                      /* RSA PKCS#1 v1.5 instead of PSS */
    double box[4];                  /* x y width height; 0: chosen by kind */
} rig_sign_t;

/* document || update, signed. */
sgn_bytes_t rig_sign(sgn_bytes_t document, const rig_sign_t *how, apr_pool_t *pool);
/* The same, and a document time-stamp. */
sgn_bytes_t rig_stamp(sgn_bytes_t document, apr_time_t time, apr_pool_t *pool);

/* By hand, as foreign tools do: a signature dictionary with these entries and
 * placeholders; and, once it is written, its range and contents made right (the
 * first placeholder behind `from`; how->who NULL: a document time-stamp). */
const char *rig_placeholder(const char *dict, apr_pool_t *pool);
sgn_bytes_t rig_complete(sgn_bytes_t document, size_t from, const rig_sign_t *how, apr_pool_t *pool);
/* The form dictionary with one more field at the end. */
const char *rig_with_field(sgn_bytes_t document, int num, apr_pool_t *pool);

typedef struct {
    apr_time_t now, receipt;        /* now 0: the PKI's */
    int no_evidence, no_anchors;
    sgn_bytes_t ca_crl;             /* instead of the PKI's; len 0 */
} rig_look_t;

sgn_checks_answer_t *rig_look(sgn_bytes_t document, const rig_look_t *how, apr_pool_t *pool);
sgn_error_t *rig_try(sgn_checks_answer_t **out, sgn_bytes_t document, const rig_look_t *how, apr_pool_t *pool);

/* n-th signature of the report. */
const sgn_report_signature_t *rig_signature(const sgn_checks_answer_t *answer, int n);
const sgn_checks_fact_t *rig_fact(const sgn_checks_answer_t *answer, int n);

/* ---- mutations ------------------------------------------------------------ */

/* Appends a revision by hand: objects "num gen obj ... endobj", a table (or,
 * for xref stream files, a stream) and a trailer made right.  trailer_extra:
 * further entries, or NULL.  `num` 0 ends the list. */
typedef struct {
    int num;
    const char *body;               /* between "obj" and "endobj"; NULL: a free entry */
    apr_off_t at;                   /* > 0: the entry points there and nothing is written */
} rig_object_t;
sgn_bytes_t rig_append(sgn_bytes_t document, const rig_object_t *objects, const char *trailer_extra, apr_pool_t *pool);

sgn_bytes_t rig_join(sgn_bytes_t a, const char *text, apr_pool_t *pool);
/* One byte changed. */
sgn_bytes_t rig_flip(sgn_bytes_t document, size_t at, int mask, apr_pool_t *pool);
/* The first (from `from`) occurrence replaced by text of the same length. */
sgn_bytes_t rig_replace(sgn_bytes_t document, size_t from, const char *old, const char *text, apr_pool_t *pool);
/* Offset of text from `from` on; (size_t)-1. */
size_t rig_find(sgn_bytes_t document, size_t from, const char *text);
/* The value of object num in the newest revision as PDF text. */
const char *rig_object(sgn_bytes_t document, int num, apr_pool_t *pool);
/* Object numbers of the newest revision: by field name; of page 1; the catalog. */
int rig_field(sgn_bytes_t document, const char *name, apr_pool_t *pool);
int rig_page(sgn_bytes_t document, apr_pool_t *pool);
int rig_root(sgn_bytes_t document, apr_pool_t *pool);
int rig_form(sgn_bytes_t document, apr_pool_t *pool);
int rig_next(sgn_bytes_t document, apr_pool_t *pool);

#endif
