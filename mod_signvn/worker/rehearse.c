/* rehearse.c: the example once more. */
#include "worker/rehearse.h"

#include <string.h>

#include "look/pki/warm.h"
#include "wire/wire.h"
#include "worker/example.h"
#include "worker/tasks.h"

static sgn_example_t *example;

sgn_error_t *sgn_rehearse_make(apr_pool_t *pool)
{
    SGN_TRY(sgn_example_make(&example, pool));
    sgn_rehearse_run(pool);
    return NULL;
}

/* A request is read on the stack. */
static void touch_stack(void)
{
    volatile char room[SGN_WIRE_INLINE + 4096];

    for (size_t i = 0; i < sizeof room; i += 1024)
        room[i] = 0;
}

static void rehearse(const char *name, json_t *args, sgn_bytes_t document, apr_pool_t *pool)
{
    sgn_task_t task = { .document = document.len ? 0 : -1, .size = (apr_off_t)document.len, .map = document.data,
                        .result = -1, .answer = sgn_json_object(pool), .pool = pool };
    const char *text = sgn_json_print(args, pool);

    if (!text || sgn_json_parse(&task.args, sgn_bytes(text, strlen(text)), SGN_WIRE_LIMIT, pool))
        return;
    (void)sgn_tasks_find(name)->run(&task);
    (void)sgn_json_print(task.answer, pool);
}

void sgn_rehearse_run(apr_pool_t *pool)
{
    apr_pool_t *scratch;

    apr_pool_create(&scratch, pool);
    touch_stack();
    rehearse("cms", example->cms, sgn_bytes(NULL, 0), scratch);
    rehearse("prepare", example->prepare, example->plain, scratch);
    rehearse("look", example->look, example->finished, scratch);
    sgn_warm_verify();
    apr_pool_destroy(scratch);
}
