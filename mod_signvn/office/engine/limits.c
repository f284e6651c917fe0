/* limits.c: deadline and memory per task. */
#include "office/engine/limits.h"

#include <string.h>

#define MB ((apr_uint64_t)1 << 20)

static const sgn_limits_t rows[] = {
    { .task = "look", .deadline_ms = 20000, .data = 256 * MB },
    { .task = "prepare", .deadline_ms = 20000, .data = 256 * MB },
    { .task = "admit", .deadline_ms = 20000, .data = 768 * MB },     /* the largest CRLs of the country */
    { .task = "certificate", .deadline_ms = 5000, .data = 128 * MB },
    { .task = "tsq", .deadline_ms = 5000, .data = 64 * MB },
    { .task = "tst", .deadline_ms = 5000, .data = 64 * MB },
    { .task = "cms", .deadline_ms = 5000, .data = 64 * MB },
    { .task = "image", .deadline_ms = 5000, .data = 128 * MB },
    { .task = "ping", .deadline_ms = 5000, .data = 64 * MB },
    { .task = "crash", .deadline_ms = 3000, .data = 64 * MB },
    { .task = "spin", .deadline_ms = 800, .data = 64 * MB },
    { .task = "bloat", .deadline_ms = 3000, .data = 64 * MB },
    { .task = "break", .deadline_ms = 3000, .data = 64 * MB },
    /* the default */
    { .task = "", .deadline_ms = 20000, .data = 256 * MB },
};

const sgn_limits_t *sgn_limits_find(const char *task)
{
    const sgn_limits_t *row = rows;

    while (*row->task && strcmp(row->task, task) != 0)
        row++;
    return row;
}
