/*
 * deposit.h: the finished document and what it was judged by go into the
 * archive, once per document of a job whatever happens between.
 *
 * Members of a group are judged first and archived later: `keep` writes the
 * judgement beside the document (jobs/<id>/<n>.verdict), `recall` reads it
 * back, after a restart too, so that nothing is judged twice.
 */
#ifndef SGN_OFFICE_SIGNING_DEPOSIT_H
#define SGN_OFFICE_SIGNING_DEPOSIT_H

#include "office/signing/finish.h"

/* *known: an earlier run was ended between the archive and the job's row; the
 * item has its archive id, digest and report. */
sgn_error_t *sgn_deposit_known(int *known, sgn_finish_t *f);
/* Nothing in it that the archive would refuse. */
sgn_error_t *sgn_deposit_check(sgn_finish_t *f);
/* Durable when it returns; sets the item's archive id. */
sgn_error_t *sgn_deposit_put(sgn_finish_t *f);
sgn_error_t *sgn_deposit_keep(sgn_finish_t *f);
sgn_error_t *sgn_deposit_recall(sgn_finish_t *f);

#endif
