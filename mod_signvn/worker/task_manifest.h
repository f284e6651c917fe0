/*
 * task_manifest.h: the signature beside a backup manifest, which lies on a
 * medium and is a stranger's bytes until this said otherwise.
 *
 * args: signature (b64 DER, detached CMS), sha256 (hex, of the content),
 * fingerprint (hex SHA-256 of the certificate that must have signed).  Answer
 * {}; backup.manifest when the value, the digest or the signer is another.  No
 * path is built: the fingerprint is the trust.
 */
#ifndef SGN_WORKER_TASK_MANIFEST_H
#define SGN_WORKER_TASK_MANIFEST_H

#include "worker/tasks.h"

sgn_error_t *sgn_task_manifest(sgn_task_t *task);

#endif
