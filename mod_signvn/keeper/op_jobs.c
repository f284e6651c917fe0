/* op_jobs.c: signing jobs as the pages ask for them. */
#include "keeper/op_jobs.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include <apr_strings.h>

#include "base/file.h"
#include "crypto/digest.h"
#include "keeper/take.h"
#include "office/signing/job.h"
#include "office/signing/jobs.h"
#include "office/signing/once.h"
#include "office/signing/retain.h"

static sgn_error_t *id_of(const char **out, sgn_call_t *call)
{
    return sgn_json_get_str(out, call->args, "id", call->pool);
}

/* ---- Idempotency-Key: the same key, user and body give the same answer ------- */

static sgn_error_t *body_digest(const char **out, sgn_call_t *call, const sgn_engine_document_t *documents, int count)
{
    sgn_buf_t *buf = sgn_buf_make(0, call->pool);
    sgn_bytes_t bytes;

    sgn_buf_str(buf, sgn_json_print_sorted(call->body, call->pool));
    for (int i = 0; i < count; i++)
        sgn_buf_add(buf, documents[i].sha256, sizeof documents[i].sha256);
    SGN_TRY(sgn_buf_bytes(&bytes, buf));
    return sgn_digest_sha256_hex(out, bytes.data, bytes.len, call->pool);
}

/* *once is NULL without a key. */
static sgn_error_t *read_key(sgn_once_t **once, sgn_call_t *call, const sgn_engine_document_t *documents, int count)
{
    const char *key;

    *once = NULL;
    SGN_TRY(sgn_json_find_str(&key, call->request, "idempotencyKey", NULL, call->pool));
    if (!key)
        return NULL;
    *once = apr_pcalloc(call->pool, sizeof **once);
    (*once)->account = call->account;
    (*once)->key = key;
    return body_digest(&(*once)->digest, call, documents, count);
}

/* ---- create ------------------------------------------------------------------- */

/* documents[n] names its part; without a name it is part n. */
static sgn_error_t *part_of(int *part, sgn_call_t *call, int n)
{
    json_t *spec = json_array_get(json_object_get(call->body, "documents"), (size_t)n);
    apr_int64_t value;

    SGN_TRY(sgn_json_find_int(&value, spec, "part", n, call->pool));
    if (value < 0 || value >= call->nfds)
        return SGN_ERROR(call->pool, SGN_FIELD, "documents[%d].part: %d parts were sent", n, call->nfds);
    if (call->fds[value] < 0)
        return SGN_ERROR(call->pool, SGN_FIELD, "documents[%d].part: part %d is another document's", n, (int)value);
    *part = (int)value;
    return NULL;
}

static sgn_error_t *take_all(sgn_engine_document_t *documents, sgn_call_t *call, const char *job, int count)
{
    for (int n = 0; n < count; n++) {
        int part = 0;

        SGN_TRY(part_of(&part, call, n));
        SGN_TRY(sgn_intake_take(&documents[n], sgn_job_path(job, n, ".pdf", call->pool), call, part, call->pool));
    }
    return NULL;
}

/* A new job, or the one that the same request made. */
static sgn_error_t *make(json_t **answer, int *again, sgn_call_t *call, const char *job, const sgn_once_t *once,
                         const sgn_engine_document_t *documents, int count, int dry_run)
{
    sgn_error_t *error;

    *again = 0;
    if (once) {
        SGN_TRY(sgn_once_find(answer, call->keeper->office, once, call->pool));
        *again = *answer != NULL;
    }
    if (*again)
        return NULL;
    error = sgn_jobs_create(answer, call->keeper->jobs, job, call->person, call->system, call->body, documents, count, dry_run,
                            once, call->pool);
    if (!error || !once)
        return error;
    /* The same request may have run beside this one and taken what it needs. */
    SGN_TRY(sgn_once_find(answer, call->keeper->office, once, call->pool));
    *again = *answer != NULL;
    return *again ? NULL : error;
}

static sgn_error_t *create(sgn_call_t *call, const char *job, int count)
{
    sgn_engine_document_t *documents = apr_pcalloc(call->pool, sizeof *documents * (size_t)count);
    json_t *answer = NULL;
    const char *dry;
    sgn_once_t *once;
    int dry_run, again;

    SGN_TRY(take_all(documents, call, job, count));
    SGN_TRY(sgn_json_find_str(&dry, call->args, "dryRun", NULL, call->pool));
    dry_run = dry && strcmp(dry, "1") == 0;
    SGN_TRY(read_key(&once, call, documents, count));
    SGN_TRY(make(&answer, &again, call, job, once, documents, count, dry_run));
    if (dry_run || again)
        sgn_jobs_abandon(call->keeper->jobs, job, call->pool);
    if (!dry_run)
        sgn_call_header(call, "Location", apr_pstrcat(call->pool, "/signvn/v1/jobs/",
                                                      json_string_value(json_object_get(answer, "id")), NULL));
    sgn_call_answer(call, dry_run ? 200 : 201, answer);
    return NULL;
}

sgn_error_t *sgn_op_jobs_create(sgn_call_t *call)
{
    sgn_error_t *error;
    const char *job;
    int count;

    SGN_TRY(sgn_jobs_begin(&job, &count, call->keeper->jobs, call->person, call->body, call->pool));
    error = create(call, job, count);
    if (error)
        sgn_jobs_abandon(call->keeper->jobs, job, call->pool);
    return error;
}

/* ---- the rest ----------------------------------------------------------------- */

sgn_error_t *sgn_op_jobs_get(sgn_call_t *call)
{
    const char *id, *etag, *seen;
    json_t *answer;

    SGN_TRY(id_of(&id, call));
    SGN_TRY(sgn_jobs_get(&answer, call->keeper->jobs, id, call->account, call->pool));
    SGN_TRY(sgn_digest_sha256_hex(&etag, sgn_json_print_sorted(answer, call->pool),
                                  strlen(sgn_json_print_sorted(answer, call->pool)), call->pool));
    etag = apr_psprintf(call->pool, "\"%.16s\"", etag);
    sgn_call_header(call, "ETag", etag);
    SGN_TRY(sgn_json_find_str(&seen, call->args, "ifNoneMatch", NULL, call->pool));
    if (seen && strcmp(seen, etag) == 0) {
        sgn_call_header(call, "Retry-After", "1");
        sgn_call_answer(call, 204, NULL);
        return NULL;
    }
    sgn_call_answer(call, 200, answer);
    return NULL;
}

sgn_error_t *sgn_op_jobs_list(sgn_call_t *call)
{
    const char *state;
    json_t *answer;

    SGN_TRY(sgn_json_find_str(&state, call->args, "state", NULL, call->pool));
    SGN_TRY(sgn_jobs_list(&answer, call->keeper->jobs, call->account, state, call->pool));
    sgn_call_answer(call, 200, answer);
    return NULL;
}

sgn_error_t *sgn_op_jobs_cancel(sgn_call_t *call)
{
    json_t *answer;
    const char *id;

    SGN_TRY(id_of(&id, call));
    SGN_TRY(sgn_jobs_cancel(&answer, call->keeper->jobs, id, call->account, call->pool));
    sgn_call_answer(call, 200, answer);
    return NULL;
}

sgn_error_t *sgn_op_jobs_index(int *out, sgn_call_t *call)
{
    const char *n;

    SGN_TRY(sgn_json_get_str(&n, call->args, "n", call->pool));
    if (!*n || strlen(n) > 6 || strspn(n, "0123456789") != strlen(n))
        return SGN_ERROR(call->pool, SGN_NOT_FOUND, "document %.20s", n);
    *out = atoi(n);
    return NULL;
}

sgn_error_t *sgn_op_jobs_document(sgn_call_t *call)
{
    const char *id, *path, *sha256, *name;
    apr_off_t size;
    int fd, n;

    SGN_TRY(id_of(&id, call));
    SGN_TRY(sgn_op_jobs_index(&n, call));
    SGN_TRY(sgn_jobs_document(&path, &sha256, &name, call->keeper->jobs, id, n, call->account, call->pool));
    SGN_TRY(sgn_file_open(&fd, call->keeper->state, path, O_RDONLY, 0, call->pool));
    SGN_TRY(sgn_file_size(&size, fd, call->pool));
    sgn_call_content(call, "application/pdf", name, sha256);
    sgn_call_part(call, fd, 0, size);
    return NULL;
}

sgn_error_t *sgn_op_jobs_explain(sgn_call_t *call)
{
    json_t *answer;
    const char *id;

    SGN_TRY(id_of(&id, call));
    SGN_TRY(sgn_jobs_explain(&answer, call->keeper->jobs, id, call->account, call->pool));
    sgn_call_answer(call, 200, answer);
    return NULL;
}

/* What waits for me: my jobs that are not finished, the oldest first. */
sgn_error_t *sgn_op_work_get(sgn_call_t *call)
{
    json_t *all, *item, *answer = sgn_json_object(call->pool), *items = json_array();
    size_t i;

    json_object_set_new(answer, "items", items);
    SGN_TRY(sgn_jobs_list(&all, call->keeper->jobs, call->account, NULL, call->pool));
    json_array_foreach(json_object_get(all, "items"), i, item) {
        const char *state = json_string_value(json_object_get(item, "state"));

        if (state && !sgn_job_is_final(state))
            json_array_insert(items, 0, item);
    }
    sgn_call_answer(call, 200, answer);
    return NULL;
}

sgn_error_t *sgn_op_jobs_due(sgn_keeper_t *keeper, apr_pool_t *pool)
{
    return sgn_retain_due(keeper->jobs, pool);
}
