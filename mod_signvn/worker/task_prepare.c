/* task_prepare.c: arguments to look/format's prepare and back. */
#include "worker/task_prepare.h"

#include <string.h>

#include "base/clock.h"
#include "look/format/format.h"

#define LINES 40
#define FIELD_NAME 100

/* {page, x, y, width, height}; absent: given 0.  A seal needs no size. */
static sgn_error_t *read_box(sgn_format_box_t *box, const json_t *object, const char *key, int sized, apr_pool_t *pool)
{
    apr_int64_t page;
    json_t *json;

    memset(box, 0, sizeof *box);
    SGN_TRY(sgn_json_find_object(&json, object, key, pool));
    if (!json)
        return NULL;
    SGN_TRY(sgn_json_find_int(&page, json, "page", -1, pool));
    if (page < -1 || page > 1000000)
        return SGN_ERROR(pool, SGN_PLACEMENT_OUTSIDE, "%s: page", key);
    box->page = (int)page;
    SGN_TRY(sgn_json_get_number(&box->x, json, "x", pool));
    SGN_TRY(sgn_json_get_number(&box->y, json, "y", pool));
    if (sized || json_object_get(json, "width"))
        SGN_TRY(sgn_json_get_number(&box->width, json, "width", pool));
    if (sized || json_object_get(json, "height"))
        SGN_TRY(sgn_json_get_number(&box->height, json, "height", pool));
    box->given = 1;
    return NULL;
}

static sgn_error_t *read_lines(const char ***out, const json_t *args, apr_pool_t *pool)
{
    json_t *list, *line;
    size_t i, n = 0;

    *out = NULL;
    SGN_TRY(sgn_json_find_array(&list, args, "lines", pool));
    if (!list)
        return NULL;
    if (json_array_size(list) > LINES)
        return SGN_ERROR(pool, SGN_FIELD, "lines: more than %d", LINES);
    *out = apr_pcalloc(pool, (json_array_size(list) + 1) * sizeof **out);
    json_array_foreach(list, i, line) {
        if (!json_is_string(line))
            return SGN_ERROR(pool, SGN_FIELD, "lines[%d]: a string is wanted", (int)i);
        (*out)[n++] = json_string_value(line);
    }
    return NULL;
}

static sgn_error_t *read_reserve(sgn_format_prepare_t *what, const json_t *args, apr_pool_t *pool)
{
    json_t *reserve;

    SGN_TRY(sgn_json_find_object(&reserve, args, "reserve", pool));
    if (!reserve)
        return NULL;
    SGN_TRY(read_box(&what->reserve_number, reserve, "number", 1, pool));
    SGN_TRY(read_box(&what->reserve_day, reserve, "day", 1, pool));
    SGN_TRY(read_box(&what->reserve_month, reserve, "month", 1, pool));
    SGN_TRY(read_box(&what->reserve_date, reserve, "date", 1, pool));
    SGN_TRY(read_box(&what->reserve_seal, reserve, "seal", 0, pool));
    if (json_object_get(args, "sealMm"))
        SGN_TRY(sgn_json_get_number(&what->seal_mm, args, "sealMm", pool));
    return NULL;
}

static sgn_error_t *read_fill(sgn_format_prepare_t *what, const json_t *args, apr_pool_t *pool)
{
    json_t *fill;

    SGN_TRY(sgn_json_find_object(&fill, args, "fill", pool));
    if (!fill)
        return NULL;
    SGN_TRY(sgn_json_find_str(&what->fill_number, fill, "number", NULL, pool));
    SGN_TRY(sgn_json_find_str(&what->fill_day, fill, "day", NULL, pool));
    SGN_TRY(sgn_json_find_str(&what->fill_month, fill, "month", NULL, pool));
    return sgn_json_find_str(&what->fill_date, fill, "date", NULL, pool);
}

static sgn_error_t *read_args(sgn_format_prepare_t *what, sgn_task_t *task)
{
    const json_t *args = task->args;
    apr_pool_t *pool = task->pool;
    const char *existing, *claimed;
    apr_int64_t size;

    memset(what, 0, sizeof *what);
    SGN_TRY(sgn_tasks_now(&what->now, task));
    SGN_TRY(sgn_json_find_str(&claimed, args, "claimedTime", NULL, pool));
    if (claimed)
        SGN_TRY(sgn_clock_parse(&what->now, claimed, pool));
    SGN_TRY(sgn_json_get_str(&what->kind, args, "kind", pool));
    SGN_TRY(sgn_json_find_str(&existing, args, "fieldName", NULL, pool));
    SGN_TRY(sgn_json_find_str(&what->field, args, "field", "sgn_signature", pool));
    if (existing) {
        what->field = existing;
        what->fill_field = 1;
    }
    if (strlen(what->field) > FIELD_NAME)
        return SGN_ERROR(pool, SGN_FIELD, "field: longer than %d bytes", FIELD_NAME);
    SGN_TRY(sgn_json_find_int(&size, args, "contentsSize", 0, pool));
    if (size < 0 || size > 1 << 20)
        return SGN_ERROR(pool, SGN_FIELD, "contentsSize");
    what->contents_size = (size_t)size;
    SGN_TRY(sgn_json_find_str(&what->signer_name, args, "signerName", NULL, pool));
    SGN_TRY(read_box(&what->box, args, "box", !json_object_get(args, "imageWidthMm"), pool));
    SGN_TRY(sgn_json_find_bytes(&what->image, args, "image", pool));
    if (json_object_get(args, "imageWidthMm"))
        SGN_TRY(sgn_json_get_number(&what->image_width_mm, args, "imageWidthMm", pool));
    SGN_TRY(read_lines(&what->lines, args, pool));
    SGN_TRY(read_reserve(what, args, pool));
    return read_fill(what, args, pool);
}

static json_t *numbers(const double *values, int count)
{
    json_t *list = json_array();
    int i;

    for (i = 0; i < count; i++)
        json_array_append_new(list, json_real(values[i]));
    return list;
}

static void answer(sgn_task_t *task, const sgn_format_prepared_t *prepared)
{
    static const char *const names[5] = { "number", "day", "month", "date", "seal" };
    json_t *range = json_array(), *gap = json_array(), *rects = json_object(), *signature = json_object();
    int i;

    for (i = 0; i < 4; i++)
        json_array_append_new(range, json_integer(prepared->range[i]));
    json_array_append_new(gap, json_integer(prepared->gap_offset));
    json_array_append_new(gap, json_integer((json_int_t)prepared->gap_length));
    json_object_set_new(signature, "page", json_integer(prepared->page));
    json_object_set_new(signature, "rect", numbers(prepared->rect, 4));
    json_object_set_new(rects, "signature", signature);
    for (i = 0; i < 5; i++)
        if (prepared->reserved[i][2] > prepared->reserved[i][0])
            json_object_set_new(rects, names[i], numbers(prepared->reserved[i], 4));
    json_object_set_new(task->answer, "byteRange", range);
    json_object_set_new(task->answer, "gap", gap);
    json_object_set_new(task->answer, "rects", rects);
    sgn_json_set_int(task->answer, "updateSize", (apr_int64_t)prepared->update.len);
    sgn_json_set_int(task->answer, "pages", prepared->pages);
}

sgn_error_t *sgn_task_prepare(sgn_task_t *task)
{
    sgn_format_document_t document = { task->map, task->size };
    const sgn_format_t *format;
    sgn_format_prepare_t what;
    sgn_format_prepared_t *prepared;

    if (task->document < 0)
        return SGN_ERROR(task->pool, SGN_FIELD, "no document");
    if (!task->map || task->size <= 0)
        return SGN_ERROR(task->pool, SGN_BODY_EMPTY, "no bytes");
    SGN_TRY(read_args(&what, task));
    format = sgn_format_detect(&document);
    if (!format)
        return SGN_ERROR(task->pool, SGN_DOCUMENT_NOT_PDF, "no known format");
    SGN_TRY(format->prepare(&prepared, &document, &what, task->pool));
    SGN_TRY(sgn_tasks_result(task, prepared->update));
    answer(task, prepared);
    return NULL;
}
