/*
 * task_admit.h: may a fetched CRL or OCSP answer be kept?
 *
 * args: now, kind, key, data, issuer, certificate, request (OCSP).  Answer:
 * key, thisUpdate, nextUpdate, number (CRL); else the code evidence.invalid.
 * The key is computed again: evidence that answers another question than the
 * one asked is refused.
 */
#ifndef SGN_WORKER_TASK_ADMIT_H
#define SGN_WORKER_TASK_ADMIT_H

#include "worker/tasks.h"

sgn_error_t *sgn_task_admit(sgn_task_t *task);

#endif
