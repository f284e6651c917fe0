/*
 * task_args.h: members that several tasks take or answer: certificates,
 * evidence, and what evidence is missing.
 */
#ifndef SGN_WORKER_TASK_ARGS_H
#define SGN_WORKER_TASK_ARGS_H

#include "look/pki/revocation.h"
#include "worker/tasks.h"

/* An array of base64 DER; absent is empty.  sgn_bytes_t. */
sgn_error_t *sgn_task_args_certificates(apr_array_header_t **out, const sgn_task_t *task, const char *key);
/* One base64 DER certificate. */
sgn_error_t *sgn_task_args_certificate(sgn_cert_t **out, const sgn_task_t *task, const char *key);
/* args.anchors (or `anchors_key`) and args.intermediates. */
sgn_error_t *sgn_task_args_store(sgn_path_store_t **out, const sgn_task_t *task, const char *anchors_key);
/* args.evidence: [{kind, data}] */
sgn_error_t *sgn_task_args_evidence(sgn_revocation_set_t **out, const sgn_task_t *task);
/* "crl" or "ocsp"; SGN_FIELD. */
sgn_error_t *sgn_task_args_kind(sgn_revocation_kind_t *out, const json_t *object, apr_pool_t *pool);
/* args.<key> as a time. */
sgn_error_t *sgn_task_args_time(apr_time_t *out, const sgn_task_t *task, const char *key);
/* args.<key> as hex bytes. */
sgn_error_t *sgn_task_args_hex(sgn_bytes_t *out, const sgn_task_t *task, const char *key);

/* answer.missing */
void sgn_task_args_missing(sgn_task_t *task, const apr_array_header_t *missing);

#endif
