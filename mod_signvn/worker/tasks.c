/* tasks.c: the table of tasks, and what is warmed up for all of them. */
#include "worker/tasks.h"

#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "look/format/pdf_font.h"
#include "look/pki/warm.h"
#include "worker/rehearse.h"
#include "worker/task_image.h"
#include "worker/task_admit.h"
#include "worker/task_certificate.h"
#include "worker/task_cms.h"
#include "worker/task_look.h"
#include "worker/task_manifest.h"
#include "worker/task_prepare.h"
#include "worker/task_probe.h"
#include "worker/task_timestamp.h"

static const sgn_task_row_t rows[] = {
    { .name = "ping", .run = sgn_task_ping },
    { .name = "crash", .run = sgn_task_crash },
    { .name = "spin", .run = sgn_task_spin },
    { .name = "bloat", .run = sgn_task_bloat },
    { .name = "break", .run = sgn_task_break },
    { .name = "look", .run = sgn_task_look },
    { .name = "certificate", .run = sgn_task_certificate },
    { .name = "admit", .run = sgn_task_admit },
    { .name = "tsq", .run = sgn_task_timestamp_request },
    { .name = "tst", .run = sgn_task_timestamp_reply },
    { .name = "cms", .run = sgn_task_cms },
    { .name = "manifest", .run = sgn_task_manifest },
    { .name = "prepare", .run = sgn_task_prepare },
    { .name = "image", .run = sgn_task_image },
};

const sgn_task_row_t *sgn_tasks_find(const char *name)
{
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (strcmp(rows[i].name, name) == 0)
            return &rows[i];
    return NULL;
}

sgn_error_t *sgn_tasks_result(sgn_task_t *task, sgn_bytes_t bytes)
{
    if (task->result < 0)
        return SGN_ERROR(task->pool, SGN_WIRE, "no result is wanted");
    return sgn_file_write_all(task->result, bytes.data, bytes.len, task->pool);
}

sgn_error_t *sgn_tasks_now(apr_time_t *out, const sgn_task_t *task)
{
    const char *text;

    SGN_TRY(sgn_json_get_str(&text, task->args, "now", task->pool));
    return sgn_clock_parse(out, text, task->pool);
}

/* ---- warming up ----------------------------------------------------------- */

static sgn_error_t *warm_font(apr_pool_t *pool)
{
    return sgn_pdf_font_load(SGN_PDF_FONT_PATH, pool);
}

static sgn_error_t *(*const warm[])(apr_pool_t *pool) = {
    sgn_warm_crypto,
    warm_font,
    sgn_rehearse_make,
};

sgn_error_t *sgn_tasks_warm(apr_pool_t *pool)
{
    for (size_t i = 0; i < sizeof warm / sizeof *warm; i++)
        SGN_TRY(warm[i](pool));
    return NULL;
}
