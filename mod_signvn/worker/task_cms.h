/*
 * task_cms.h: the SignedData of a finished signature.
 *
 * args: dtbs, value, algorithm (OID), certificate, chain (whatever the server
 * knows: only the certificates above this one go in), token?  Result bytes:
 * detached SignedData in DER.  The value is verified first: a wrong one gives
 * result.mismatch, and no signature block.
 */
#ifndef SGN_WORKER_TASK_CMS_H
#define SGN_WORKER_TASK_CMS_H

#include "worker/tasks.h"

sgn_error_t *sgn_task_cms(sgn_task_t *task);

#endif
