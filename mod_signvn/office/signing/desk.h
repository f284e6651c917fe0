/*
 * desk.h: what a signing desk (signvn-agent) may do: enrol, prove itself, list
 * its certificates, poll, claim, report, bring results.
 *
 * A desk belongs to one account.  It is offered only that account's jobs, and
 * a certificate it lists counts only through a binding [B13].  Every call but
 * enrolment carries a proof: a JWS of the desk's key over method, path, time
 * and body.
 *
 * A signature value is durable before its result is answered [A15].
 */
#ifndef SGN_OFFICE_SIGNING_DESK_H
#define SGN_OFFICE_SIGNING_DESK_H

#include "office/signing/jobs.h"

/* ---- enrolment ---------------------------------------------------------------- */
/* One code lives per account; five tries with its first half end it [B12]. */
sgn_error_t *sgn_enrol_begin(json_t **answer, sgn_jobs_t *jobs, const char *account, apr_pool_t *pool);
/* jwk: the desk's key, proved by the caller's proof.  address: of the one who
 * asks.  SGN_ENROL_CODE, SGN_ENROL_TOO_MANY. */
sgn_error_t *sgn_enrol_request(json_t **answer, sgn_jobs_t *jobs, json_t *body, json_t *jwk, const char *address,
                               apr_pool_t *pool);
/* *status 202 until the user confirmed, then 200 with {agentID, policy}. */
sgn_error_t *sgn_enrol_status(json_t **answer, int *status, sgn_jobs_t *jobs, json_t *body, json_t *jwk, apr_pool_t *pool);
/* show: tells name and words; otherwise the desk becomes valid. */
sgn_error_t *sgn_enrol_confirm(json_t **answer, sgn_jobs_t *jobs, json_t *body, int show, const char *account, apr_pool_t *pool);

/* ---- proof ---------------------------------------------------------------------- */
typedef struct {
    const char *jws, *method, *path, *body_hash;
    int enrolling;      /* the key comes with the proof */
    int once;           /* remember its jti: claim, result, reject */
} sgn_desk_proof_t;

/* *agent, *account of the enrolled desk, or *jwk when enrolling.
 * SGN_AGENT_PROOF, SGN_AGENT_REPLAY. */
sgn_error_t *sgn_desk_prove(const char **agent, const char **account, json_t **jwk, sgn_jobs_t *jobs,
                            const sgn_desk_proof_t *proof, apr_pool_t *pool);

/* ---- work ----------------------------------------------------------------------- */
typedef struct {
    const char *agent, *account;
} sgn_desk_t;

sgn_error_t *sgn_desk_credentials(json_t **answer, sgn_jobs_t *jobs, const sgn_desk_t *desk, json_t *body, apr_pool_t *pool);
/* *answer is NULL when there is nothing. */
sgn_error_t *sgn_desk_poll(json_t **answer, sgn_jobs_t *jobs, const sgn_desk_t *desk, json_t *body, apr_pool_t *pool);
sgn_error_t *sgn_desk_claim(json_t **answer, sgn_jobs_t *jobs, const sgn_desk_t *desk, json_t *body, apr_pool_t *pool);
/* Paths below the state root of original and update, and the size of each. */
sgn_error_t *sgn_desk_document(const char *path[2], apr_off_t size[2], sgn_jobs_t *jobs, const sgn_desk_t *desk,
                               const char *job, int n, apr_pool_t *pool);
sgn_error_t *sgn_desk_progress(json_t **answer, sgn_jobs_t *jobs, const sgn_desk_t *desk, json_t *body, apr_pool_t *pool);
sgn_error_t *sgn_desk_result(json_t **answer, sgn_jobs_t *jobs, const sgn_desk_t *desk, json_t *body, apr_pool_t *pool);
sgn_error_t *sgn_desk_reject(json_t **answer, sgn_jobs_t *jobs, const sgn_desk_t *desk, json_t *body, apr_pool_t *pool);

#endif
