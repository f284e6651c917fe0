/* task_image.h: admission of a signature or seal image. */
#ifndef SGN_WORKER_TASK_IMAGE_H
#define SGN_WORKER_TASK_IMAGE_H

#include "worker/tasks.h"

/* {png, use: "signature"|"seal"} -> {width, height, alpha, hue}; image.refused. */
sgn_error_t *sgn_task_image(sgn_task_t *task);

#endif
