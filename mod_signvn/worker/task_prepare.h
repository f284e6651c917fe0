/* task_prepare.h: the incremental update that a signature will be put into. */
#ifndef SGN_WORKER_TASK_PREPARE_H
#define SGN_WORKER_TASK_PREPARE_H

#include "worker/tasks.h"

/* {now, kind, field, contentsSize, signerName, box | fieldName, image,
 * imageWidthMm, lines, reserve {number, day, month, date, seal}, sealMm,
 * fill {number, day, month, date}, claimedTime}
 * -> result bytes = the update; {updateSize, gap [offset, length], byteRange,
 * pages, rects {signature {page, x, y, width, height}, number [x0 y0 x1 y1], ...}} */
sgn_error_t *sgn_task_prepare(sgn_task_t *task);

#endif
