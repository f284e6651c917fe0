/* task_look.h: validation of a document. */
#ifndef SGN_WORKER_TASK_LOOK_H
#define SGN_WORKER_TASK_LOOK_H

#include "worker/tasks.h"

sgn_error_t *sgn_task_look(sgn_task_t *task);

#endif
