/*
 * report.h: the technical report of one document: what was found, with the
 * indications of EN 319 102-1, and its JSON.
 *
 * A bad signature is a row here, never an error.  Severity and clause of a
 * finding stand in rules.def beside the checks; its sentences in findings.def.
 * Two rules hold for every writer: an indication only gets worse
 * (sgn_report_lower), and what was not looked at is not passed: every signature
 * begins INDETERMINATE and can become TOTAL-PASSED in one place only,
 * sgn_report_conclude(), after all checks ran.
 *
 * Not here: role, legalValue, complete, status (office/judge adds them).
 *
 * Ownership: everything lives in the pool of sgn_report_make().
 */
#ifndef SGN_LOOK_VALIDATE_REPORT_H
#define SGN_LOOK_VALIDATE_REPORT_H

#include <apr_tables.h>
#include <apr_time.h>

#include "base/json.h"

#define SGN_REPORT_FINDINGS 200     /* of the document, and of each signature */

typedef enum {
    SGN_INDICATION_PASSED,          /* TOTAL-PASSED */
    SGN_INDICATION_INDETERMINATE,
    SGN_INDICATION_FAILED,          /* TOTAL-FAILED */
    SGN_INDICATION_NO_SIGNATURE,    /* documents only */
    SGN_INDICATION_UNSUPPORTED      /* documents only */
} sgn_indication_t;

/* One finding; subject says where ("21 0 R", "revision 3"), NULL: the whole. */
typedef struct {
    sgn_code_t code;
    const char *subject;
} sgn_finding_t;

/* One of the three results of [SV-E01]: "valid", "invalid" or "unknown". */
typedef struct {
    const char *status;
    sgn_code_t code;                /* SGN_OK: none */
} sgn_result_t;

/* What happened after the signature, from good to bad.  UNKNOWN: nobody looked,
 * the file is damaged, or what was signed is not proved to be there. */
typedef enum {
    SGN_CHANGES_NONE, SGN_CHANGES_PERMITTED, SGN_CHANGES_NUMBERING, SGN_CHANGES_UNKNOWN, SGN_CHANGES_FORBIDDEN
} sgn_changes_t;

typedef struct {
    int revision;                   /* from 1 */
    const char *object;             /* "12 0 R", or NULL */
    const char *what;               /* English, for people who look into the file */
    sgn_code_t code;
} sgn_change_row_t;

typedef struct {
    const char *certificate;        /* subject common name */
    const char *source;             /* "CRL" or "OCSP" */
    apr_time_t produced;
    const char *status;             /* "good", "revoked", "on-hold" */
} sgn_revocation_row_t;

typedef struct {
    const char *common_name, *title, *organisation, *identifier, *serial, *issuer, *kind, *provider;
} sgn_signer_row_t;

typedef struct {
    apr_time_t time;
    const char *authority;          /* common name */
    int valid;
} sgn_timestamp_row_t;

typedef struct {
    const char *name;               /* of the field, fully qualified */
    int timestamp;
    const char *format, *level, *kind;
    sgn_indication_t indication;    /* what the report says; see sgn_report_conclude */
    sgn_indication_t worst;         /* what the checks so far allow at best */
    const char *sub;                /* sub-indication, NULL */
    int intact;
    const char *coverage;           /* "whole", "revision", "partial" */
    sgn_changes_t changes_after;
    apr_array_header_t *changes;    /* sgn_change_row_t */
    sgn_signer_row_t signer;
    const char *algorithm;
    apr_time_t claimed;             /* 0: none */
    apr_time_t best;
    const char *best_source;        /* "timestamp", "receipt", "now" */
    apr_array_header_t *timestamps; /* sgn_timestamp_row_t */
    apr_array_header_t *path;       /* const char *, leaf first */
    apr_array_header_t *revocation; /* sgn_revocation_row_t */
    sgn_result_t integrity, certificate, certification_path;
    apr_array_header_t *findings;   /* sgn_finding_t */
} sgn_report_signature_t;

typedef struct {
    const char *media_type, *format, *version;
    const char *sha256;             /* lower-case hex */
    apr_int64_t size;
    int pages, revisions;           /* 0: not known */
    sgn_indication_t indication;
    apr_array_header_t *signatures; /* sgn_report_signature_t *, in the order of the field tree */
    apr_array_header_t *findings;   /* of the document */
    apr_time_t now;
    apr_pool_t *pool;
} sgn_report_t;

sgn_report_t *sgn_report_make(apr_pool_t *pool);
/* A new entry, INDETERMINATE, intact 0, changes and all three results "unknown". */
sgn_report_signature_t *sgn_report_add(sgn_report_t *report, const char *name);

/* Adds a finding once per code and subject.  sgn_report_find adds to the
 * document; an error of the document keeps it from TOTAL-PASSED. */
void sgn_report_note(sgn_report_t *report, sgn_report_signature_t *signature,
                     sgn_code_t code, const char *subject);
void sgn_report_find(sgn_report_t *report, sgn_code_t code, const char *subject);
int sgn_report_has(const apr_array_header_t *findings, sgn_code_t code);
/* Is one of the findings an error by rules.def? */
int sgn_report_has_error(const apr_array_header_t *findings);

/* Worse only; of two equal ones the first sub-indication stays. */
void sgn_report_lower(sgn_report_signature_t *signature, sgn_indication_t indication, const char *sub);
/* "invalid" beats "unknown" beats "valid"; the first code of a status stays. */
void sgn_report_result(sgn_result_t *result, const char *status, sgn_code_t code);

/* All checks of the signature ran: its indication is the worst they found, but
 * never TOTAL-PASSED beside a finding that is an error.  What made the integrity
 * invalid becomes the first finding. */
void sgn_report_conclude(sgn_report_signature_t *signature);

/* Sets the document's indication from its signatures and findings. */
void sgn_report_close(sgn_report_t *report);

const char *sgn_report_indication(sgn_indication_t indication);
json_t *sgn_report_json(const sgn_report_t *report, apr_pool_t *pool);

/* RFC 3339 in +07:00, and back (0: malformed): look/ has no clock of its own. */
const char *sgn_report_time_print(apr_time_t when, apr_pool_t *pool);
int sgn_report_time_parse(apr_time_t *out, const char *text);

/* "error", "warning", "info" and the clause of a finding. */
const char *sgn_report_severity(sgn_code_t code);
const char *sgn_report_clause(sgn_code_t code);

#endif
