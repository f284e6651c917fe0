/*
 * task_certificate.h: may this certificate sign now?  [SV-E13, NĐ 68/2024 Đ29, Đ31]
 *
 * args: now, certificate, role ("person", "agency", or absent), anchors,
 * intermediates, evidence.  Answer: verdict ("good" or a code of range 400),
 * detail, kind, provider, subject, issuer, serial, notBefore, notAfter, sha256,
 * spki, keyType, keyBits, path, revocation, missing.
 */
#ifndef SGN_WORKER_TASK_CERTIFICATE_H
#define SGN_WORKER_TASK_CERTIFICATE_H

#include "worker/tasks.h"

sgn_error_t *sgn_task_certificate(sgn_task_t *task);

#endif
