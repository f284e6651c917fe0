/*
 * evidence.h: CRLs and OCSP answers: found in the cache, else fetched.
 *
 * A worker says what it misses: a list of {kind, key, urls[], request, issuer,
 * certificate} (task look, task certificate).  This room answers with evidence
 * [{kind, key, data}] for the next round.  It parses nothing: before anything
 * fetched is believed or kept, the caller's `run` has task "admit" judge it.
 *
 * Kept by key (issuer key and scope of a CRL, CertID of an OCSP answer, never
 * an address), in files below SignVNStateDir/evidence, and never replaced by
 * something older (thisUpdate, CRL number).  What came out of a document never
 * enters here.  [THREATS A13, B24]
 *
 * Not checked here: signatures, windows and scopes of evidence: that is the
 * worker's, each time it uses it.
 *
 * Order of use per document: budget, then per round
 *   sgn_evidence_find()   what the cache has, young enough
 *   sgn_evidence_fetch()  asks for what is still missing
 * and when nobody answers and the document is not being signed just now,
 * sgn_evidence_find() with SGN_EVIDENCE_YOUNG_ANY.
 * Thread-safe; no lock is held while the network is waited for.
 */
#ifndef SGN_OFFICE_EVIDENCE_EVIDENCE_H
#define SGN_OFFICE_EVIDENCE_EVIDENCE_H

#include <apr_time.h>

#include "base/json.h"
#include "wire/config.h"

typedef struct sgn_evidence_t sgn_evidence_t;

/* How old an answer may be before it is asked for again. */
#define SGN_EVIDENCE_YOUNG_LOOK apr_time_from_sec(60)       /* validations */
#define SGN_EVIDENCE_YOUNG_SIGN 0                           /* before and after signing: ask now */
#define SGN_EVIDENCE_YOUNG_ANY APR_INT64_C(0x7fffffffffffff) /* nobody answers: whatever is in its window */

/* Runs one worker task; sgn_engine_task() behind a baton.  document-less. */
typedef sgn_error_t *(*sgn_evidence_run_fn)(json_t **answer, void *baton, const char *task,
                                            json_t *args, apr_pool_t *pool);

/* What one document may cost. */
typedef struct {
    int urls;                   /* addresses left to be asked, from 16 */
    apr_size_t bytes;           /* left to be received, from 64 MiB */
    apr_time_t deadline;        /* monotonic */
    json_t *tried;              /* keys that were asked for */
} sgn_evidence_budget_t;

/* root: descriptor of SignVNStateDir (sgn_file_root), -1: nothing is kept on
 * disk.  Hosts: SignVNEvidenceHosts, each "host:port". */
sgn_error_t *sgn_evidence_make(sgn_evidence_t **out, const sgn_config_t *config, int root, apr_pool_t *pool);

/* 16 addresses, 64 MiB, `wait` from now. */
void sgn_evidence_budget(sgn_evidence_budget_t *budget, apr_interval_time_t wait, apr_pool_t *pool);

/* Appends to `have` (array) each cached entry that `missing` (array) asks for
 * and that was received at most `young` before now.  *count: how many. */
sgn_error_t *sgn_evidence_find(int *count, json_t *have, sgn_evidence_t *evidence, const json_t *missing,
                               apr_interval_time_t young, apr_pool_t *pool);

/* Asks for each of `missing` that `have` lacks: OCSP first, a CRL only when a
 * certificate got no OCSP answer; verified by `run`, kept, appended to `have`.
 * *count: how many were appended; 0 means another round is useless.  A host
 * that does not answer is no error; `problems` (array, may be NULL) gets
 * {key, url, code, detail}. */
sgn_error_t *sgn_evidence_fetch(int *count, json_t *have, json_t *problems, sgn_evidence_t *evidence,
                                const json_t *missing, sgn_evidence_budget_t *budget,
                                sgn_evidence_run_fn run, void *baton, apr_pool_t *pool);

/* POSTs a time-stamp request to SignVNTimestamp; the reply is not looked at.
 * SGN_TIMESTAMP_DOWN. */
sgn_error_t *sgn_evidence_timestamp(sgn_bytes_t *reply, sgn_evidence_t *evidence, sgn_bytes_t request, apr_pool_t *pool);

#endif
