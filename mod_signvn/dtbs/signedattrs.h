/*
 * signedattrs.h: the bytes that a token signs (DTBS): DER SET OF Attribute.
 *
 * Exactly these attributes, in DER order, and no signing-time:
 *   contentType                id-data                         [RFC 5652, 11.1]
 *   messageDigest              SHA-256 over the byte range     [RFC 5652, 11.2]
 *   signingCertificateV2       SHA-256 of the certificate      [RFC 5035, 3]
 *   commitmentTypeIndication   the kind                        [EN 319 122-1, 5.2.3]
 *   sgnDocument                what the signature refers to (only when it does)
 *
 *   SgnDocument ::= SEQUENCE {
 *     version INTEGER (1),
 *     number [0] UTF8String OPTIONAL, symbol [1] UTF8String OPTIONAL,
 *     date [2] UTF8String OPTIONAL,             -- yyyy-mm-dd
 *     personDigest [3] OCTET STRING OPTIONAL,   -- SHA-256 of the personal signature's value
 *     sourceDigest [4] OCTET STRING OPTIONAL,   -- SHA-256 of the copied original
 *     mainDigest [5] OCTET STRING OPTIONAL }    -- SHA-256 of the main document
 *   all tags IMPLICIT.
 *
 * Object identifiers: arc 2.25.80216417322987753044161988088803871643
 * (UUID 3c591eb9-53f6-4f5b-84e6-7dfd5fcfcb9b): .1 sgnDocument; kinds without a
 * commitment type of ETSI: .2.1 copy .2.2 attachment .2.3 appendix .2.4 scan
 * .2.5 internal.  approve = proofOfApproval, check = proofOfCreation, seal =
 * proofOfOrigin (1.2.840.113549.1.9.16.6.5, .6, .1).
 *
 * What each kind must and may refer to is checked on both ways: seal needs
 * number, date and personDigest; copy needs sourceDigest; attachment and
 * appendix need mainDigest; approve, check, scan, internal refer to nothing.
 * Number, symbol and date may stand with copy, attachment and appendix too.
 *
 * Not checked: any signature, certificate or digest.
 *
 * Order of use: fill a zeroed struct, build; or parse (our own signatures),
 * survey (anybody's, after its value was verified), digest (the keeper's proof).
 */
#ifndef SGN_DTBS_SIGNEDATTRS_H
#define SGN_DTBS_SIGNEDATTRS_H

#include "dtbs/primitives.h"
#include "dtbs/der.h"

typedef enum {
    SGN_KIND_UNKNOWN = 0,
    SGN_KIND_APPROVE,
    SGN_KIND_CHECK,
    SGN_KIND_SEAL,
    SGN_KIND_COPY,
    SGN_KIND_ATTACHMENT,
    SGN_KIND_APPENDIX,
    SGN_KIND_SCAN,
    SGN_KIND_INTERNAL
} sgn_kind_t;

#define SGN_SIGNEDATTRS_MAX 2048    /* bytes of ours, always enough */
#define SGN_SIGNEDATTRS_FOREIGN_MAX (64 * 1024)
#define SGN_NUMBER_MAX 31           /* bytes of UTF-8 */
#define SGN_SYMBOL_MAX 95

typedef struct {
    sgn_kind_t kind;
    unsigned char message_digest[SGN_SHA256_SIZE];
    unsigned char certificate[SGN_SHA256_SIZE];     /* digest of its DER */
    char number[SGN_NUMBER_MAX + 1];                /* "" when absent */
    char symbol[SGN_SYMBOL_MAX + 1];
    char date[11];                                  /* "2026-11-20" */
    unsigned char person_digest[SGN_SHA256_SIZE];
    unsigned char source_digest[SGN_SHA256_SIZE];
    unsigned char main_digest[SGN_SHA256_SIZE];
    unsigned has_person_digest : 1;
    unsigned has_source_digest : 1;
    unsigned has_main_digest : 1;
    /* survey only */
    unsigned has_certificate : 1;                   /* SHA-256 ESS certificate found */
    unsigned has_signing_time : 1;
    unsigned unknown;                               /* attributes passed over */
} sgn_signedattrs_t;

/* "approve" ... "internal", "unknown". */
const char *sgn_signedattrs_kind_name(sgn_kind_t kind);
/* SGN_KIND_UNKNOWN for any other text. */
sgn_kind_t sgn_signedattrs_kind(const char *name);
/* 1 for the kinds that an agency's certificate signs. */
int sgn_signedattrs_kind_of_agency(sgn_kind_t kind);

/* Writes the SET (tag 0x31) to out; cap SGN_SIGNEDATTRS_MAX is enough. */
int sgn_signedattrs_build(unsigned char *out, size_t cap, size_t *out_len, const sgn_signedattrs_t *attrs);
/* Strict: only the attributes above, DER, everything consistent. */
int sgn_signedattrs_parse(sgn_signedattrs_t *out, const unsigned char *der, size_t len);
/* Anybody's signed attributes in DER: what is known is read, the rest counted.
 * kind stays SGN_KIND_UNKNOWN where our attributes are absent or inconsistent.
 * A messageDigest of another size than 32 is SGN_FAULT_LENGTH. */
int sgn_signedattrs_survey(sgn_signedattrs_t *out, const unsigned char *der, size_t len);
/* The one messageDigest of anybody's signed attributes, borrowed. */
int sgn_signedattrs_digest(sgn_der_t *out, const unsigned char *der, size_t len);

#endif
