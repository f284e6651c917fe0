/* task_image.c: see task_image.h. */
#include "worker/task_image.h"

#include <string.h>

#include "look/format/pdf_image.h"

sgn_error_t *sgn_task_image(sgn_task_t *task)
{
    sgn_pdf_image_use_t use;
    sgn_pdf_image_t *image;
    const char *name;
    sgn_bytes_t png;

    SGN_TRY(sgn_json_get_str(&name, task->args, "use", task->pool));
    SGN_TRY(sgn_json_get_bytes(&png, task->args, "png", task->pool));
    if (strcmp(name, "signature") == 0)
        use = SGN_PDF_IMAGE_SIGNATURE;
    else if (strcmp(name, "seal") == 0)
        use = SGN_PDF_IMAGE_SEAL;
    else
        return SGN_ERROR(task->pool, SGN_FIELD, "use: signature or seal is wanted");
    SGN_TRY(sgn_pdf_image_read(&image, png, task->pool));
    SGN_TRY(sgn_pdf_image_admit(image, use, task->pool));
    sgn_json_set_int(task->answer, "width", image->width);
    sgn_json_set_int(task->answer, "height", image->height);
    sgn_json_set_bool(task->answer, "alpha", image->has_alpha);
    json_object_set_new(task->answer, "hue", json_real(image->hue));
    return NULL;
}
