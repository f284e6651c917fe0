/*
 * checks_part.h: what the checks of one document share (checks*.c only).
 *
 * Every check gets the whole document and one signature, adds findings to
 * signature->row and lowers its indication; an error means that looking itself
 * failed and ends the validation.
 */
#ifndef SGN_LOOK_VALIDATE_CHECKS_PART_H
#define SGN_LOOK_VALIDATE_CHECKS_PART_H

#include "look/format/pdf_diff.h"
#include "look/format/pdf_list.h"
#include "look/pki/cms.h"
#include "look/pki/tsp.h"
#include "look/validate/checks.h"

typedef struct {
    int n;
    const sgn_format_signature_t *from;
    sgn_report_signature_t *row;
    int range_good;                 /* the ranges may be hashed */
    int revision;                   /* that the signature covers; -1: none exactly */
    int known;                      /* a SubFilter that we understand */
    sgn_cms_t *cms;                 /* NULL: unreadable, or a document time-stamp */
    sgn_tsp_token_t *token;         /* of a document time-stamp */
    sgn_cms_t *guess;               /* not known: what /Contents reads as all the same, for nothing but its digest */
    const char *digest_name;        /* "SHA256"; NULL: nothing to hash */
    unsigned char digest[64];
    size_t digest_len;
    sgn_signedattrs_t attrs;
    apr_time_t stamped;             /* document time-stamp: genTime once trusted; 0 */
    int own_stamp;                  /* a valid signature time-stamp was found */
    int proven;                     /* best time rests on a stamp or receipt */
} sgn_checks_signature_t;

typedef struct {
    const sgn_checks_input_t *input;
    sgn_checks_answer_t *answer;
    sgn_report_t *report;
    sgn_pdf_scan_t *scan;
    sgn_pdf_doc_t *doc;             /* the newest revision */
    apr_off_t shift;                /* bytes before %PDF-: the structure counts from there, ranges from byte 0 */
    sgn_format_list_t *list;
    sgn_checks_signature_t *signatures;
    int count;
    sgn_path_store_t *store, *tsa_store;
    sgn_revocation_set_t *evidence;
    apr_array_header_t *dss_certs;      /* sgn_cert_t * */
    apr_array_header_t *dss_evidence;   /* sgn_bytes_t */
    sgn_pdf_diff_step_t *steps;     /* NULL until the changes are asked for */
    apr_pool_t *pool;
} sgn_checks_t;

/* R1, R2: the range itself.  Before the hash. */
sgn_error_t *sgn_checks_range(sgn_checks_t *checks, sgn_checks_signature_t *signature);
/* The CMS or token in /Contents.  Before the hash. */
sgn_error_t *sgn_checks_contents(sgn_checks_t *checks, sgn_checks_signature_t *signature);
/* One pass over the document for all signatures. */
sgn_error_t *sgn_checks_hash(sgn_checks_t *checks);
/* Digest, value, certificate binding. */
sgn_error_t *sgn_checks_value(sgn_checks_t *checks, sgn_checks_signature_t *signature);
/* Proof of time.  Document time-stamps from the last to the first, then the rest. */
sgn_error_t *sgn_checks_time(sgn_checks_t *checks, sgn_checks_signature_t *signature);
/* Path and revocation at the best time. */
sgn_error_t *sgn_checks_path(sgn_checks_t *checks, sgn_checks_signature_t *signature);
/* What later revisions did. */
sgn_error_t *sgn_checks_changes(sgn_checks_t *checks, sgn_checks_signature_t *signature);
/* Number and date as signed against number and date as drawn. */
sgn_error_t *sgn_checks_number(sgn_checks_t *checks, sgn_checks_signature_t *signature);

/* Evidence and certificates of the document itself (DSS). */
sgn_error_t *sgn_checks_dss(sgn_checks_t *checks);
/* Certificates offered for a path: those of the CMS and of the DSS. */
apr_array_header_t *sgn_checks_offered(sgn_checks_t *checks, const sgn_cms_t *cms);
/* The status of a path at a time; adds rows to the report, *worst as
 * sgn_revocation_path() says. */
sgn_error_t *sgn_checks_revocation(sgn_code_t *worst, int *from_dss, sgn_checks_t *checks, sgn_report_signature_t *row,
                                   const sgn_path_t *path, apr_time_t time, int proven);

#endif
