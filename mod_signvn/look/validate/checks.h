/*
 * checks.h: validation of one document, as a stranger would.
 *
 * A pure function: (bytes, anchors, evidence, time) -> (report, facts, state of
 * the reserved fields, evidence that is missing).  Everything that can be known
 * from the bytes is checked: byte range, digest, value, certificate binding,
 * time, path, revocation, changes after signing [EN 319 102-1, EN 319 142-1].
 * The order of the checks is the table in checks.c.
 *
 * Not checked here: who the people are, what they may sign, whether the seal
 * was due (office/judge); scripts and hidden layers of the signed revision.
 * The facts are claims of this process: the keeper proves them again before
 * anything rests on them.
 *
 * Errors: SGN_BODY_EMPTY, SGN_DOCUMENT_PASSWORD, unreadable anchors.  A document
 * that is no PDF gives a report UNSUPPORTED, a damaged one INDETERMINATE.
 *
 * Ownership: all results live in the pool and borrow the bytes of the input.
 */
#ifndef SGN_LOOK_VALIDATE_CHECKS_H
#define SGN_LOOK_VALIDATE_CHECKS_H

#include "dtbs/signedattrs.h"
#include "look/format/format.h"
#include "look/pki/revocation.h"
#include "look/validate/report.h"

typedef struct {
    sgn_revocation_kind_t kind;
    sgn_bytes_t der;
} sgn_checks_evidence_t;

typedef struct {
    sgn_format_document_t document;
    apr_time_t now;
    apr_time_t receipt;                     /* our own proof of existence of these bytes; 0: none */
    const apr_array_header_t *anchors;      /* sgn_bytes_t, DER */
    const apr_array_header_t *tsa_anchors;
    const apr_array_header_t *intermediates;
    const apr_array_header_t *evidence;     /* sgn_checks_evidence_t; NULL: none */
    sgn_bytes_t seed;                       /* for nonces of OCSP requests */
} sgn_checks_input_t;

/* What the keeper needs to prove one signature by itself [THREATS A3]. */
typedef struct {
    int n;                                  /* index in report->signatures */
    const char *field;
    apr_int64_t range[4];
    sgn_bytes_t dtbs, value;
    const char *algorithm;                  /* dotted OID of the three, NULL: another */
    sgn_bytes_t certificate;
    const char *certificate_sha256;
    apr_int64_t revision_end;
    sgn_signedattrs_t document;             /* kind, number, digests as signed; zeros when not ours */
    apr_time_t best;
    const char *best_source;
} sgn_checks_fact_t;

/* One check of one signature, for explain. */
typedef struct {
    int n;
    const char *name, *what, *clause;       /* of the table */
    sgn_code_t code;                        /* the first error it found; SGN_OK */
} sgn_checks_row_t;

typedef struct {
    int present, empty;
    const char *value;                      /* NULL when empty or a signature */
} sgn_checks_field_t;

typedef struct {
    sgn_report_t *report;
    apr_array_header_t *facts;              /* sgn_checks_fact_t; only signatures whose CMS was readable */
    sgn_checks_field_t number, day, month, date, seal;
    apr_array_header_t *missing;            /* sgn_revocation_missing_t */
    apr_array_header_t *rows;               /* sgn_checks_row_t, in the order they were asked */
} sgn_checks_answer_t;

sgn_error_t *sgn_checks_run(sgn_checks_answer_t **out, const sgn_checks_input_t *input, apr_pool_t *pool);

#endif
