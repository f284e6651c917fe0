/*
 * sign_request.h: what the desk is asked to sign, signed by the job key; minted
 * at the claim, good until the job's deadline.
 */
#ifndef SGN_OFFICE_SIGNING_SIGN_REQUEST_H
#define SGN_OFFICE_SIGNING_SIGN_REQUEST_H

#include "office/signing/desk.h"
#include "office/signing/job.h"

/* What this desk signs with: PSS where its token can, else PKCS#1 v1.5; ECDSA
 * for an EC key.  SGN_TOKEN_ABSENT: it does not list the certificate. */
sgn_error_t *sgn_sign_request_algorithm(const char **out, sgn_jobs_t *jobs, const sgn_job_t *job, const sgn_desk_t *desk,
                                        apr_pool_t *pool);
/* Compact JWS, typ signvn-sign+jwt, of a job whose lease the desk has. */
sgn_error_t *sgn_sign_request_make(const char **jws, sgn_jobs_t *jobs, const sgn_job_t *job, const sgn_desk_t *desk,
                                   apr_pool_t *pool);

/* The job that this desk holds by the leaseID in body; SGN_LEASE_LOST. */
sgn_error_t *sgn_desk_held_job(sgn_job_t **out, sgn_jobs_t *jobs, const sgn_desk_t *desk, json_t *body, apr_pool_t *pool);

#endif
