/* op_jobs.c: signing jobs as the pages ask for them. */
#include "keeper/op_jobs.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include <apr_strings.h>

#include "base/clock.h"
#include "base/file.h"
#include "crypto/digest.h"
#include "keeper/take.h"
#include "office/signing/job.h"
#include "office/signing/jobs.h"

#define KEY_LIFE apr_time_from_sec(24 * 3600)

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

static sgn_error_t *find_answer(int *found, sgn_call_t *call, const char *key, const char *digest)
{
    sgn_db_rows_t *rows;
    json_t *answer;

    *found = 0;
    SGN_TRY(sgn_db_query(&rows, call->keeper->office, call->pool,
                         "SELECT digest, status, answer FROM idempotency WHERE account = $1 AND key = $2 AND time > $3", "ssi",
                         call->account, key, (apr_int64_t)(sgn_clock_now() - KEY_LIFE)));
    if (sgn_db_count(rows) == 0)
        return NULL;
    if (strcmp(sgn_db_text(rows, 0, 0), digest) != 0)
        return SGN_ERROR(call->pool, SGN_IDEMPOTENCY, "key %.40s", key);
    SGN_TRY(sgn_json_parse(&answer, sgn_bytes_str(sgn_db_text(rows, 0, 2)), 1 << 20, call->pool));
    sgn_call_answer(call, (int)sgn_db_int(rows, 0, 1), answer);
    *found = 1;
    return NULL;
}

static sgn_error_t *keep_answer(sgn_call_t *call, const char *key, const char *digest, int status, json_t *answer)
{
    return sgn_db_run(call->keeper->office, call->pool,
                      "INSERT OR REPLACE INTO idempotency (account, key, digest, status, answer, time) VALUES ($1, $2, $3, $4, $5, $6)",
                      "sssisi", call->account, key, digest, (apr_int64_t)status, sgn_json_print(answer, call->pool),
                      (apr_int64_t)sgn_clock_now());
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

static sgn_error_t *create(sgn_call_t *call, const char *job, int count)
{
    sgn_engine_document_t *documents = apr_pcalloc(call->pool, sizeof *documents * (size_t)count);
    const char *key, *digest = NULL;
    json_t *answer;
    const char *dry;
    int found;

    SGN_TRY(take_all(documents, call, job, count));
    SGN_TRY(sgn_json_find_str(&key, call->request, "idempotencyKey", NULL, call->pool));
    SGN_TRY(sgn_json_find_str(&dry, call->args, "dryRun", NULL, call->pool));
    if (key) {
        SGN_TRY(body_digest(&digest, call, documents, count));
        SGN_TRY(find_answer(&found, call, key, digest));
        if (found) {
            sgn_jobs_abandon(call->keeper->jobs, job, call->pool);
            return NULL;
        }
    }
    SGN_TRY(sgn_jobs_create(&answer, call->keeper->jobs, job, call->person, call->system, call->body, documents, count,
                            dry && strcmp(dry, "1") == 0, call->pool));
    if (dry && strcmp(dry, "1") == 0) {
        sgn_jobs_abandon(call->keeper->jobs, job, call->pool);
        sgn_call_answer(call, 200, answer);
        return NULL;
    }
    if (key)
        SGN_TRY(keep_answer(call, key, digest, 201, answer));
    sgn_call_header(call, "Location", apr_pstrcat(call->pool, "/signvn/v1/jobs/", job, NULL));
    sgn_call_answer(call, 201, answer);
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

sgn_error_t *sgn_op_jobs_document(sgn_call_t *call)
{
    const char *id, *n, *path, *sha256, *name;
    apr_off_t size;
    int fd;

    SGN_TRY(id_of(&id, call));
    SGN_TRY(sgn_json_get_str(&n, call->args, "n", call->pool));
    SGN_TRY(sgn_jobs_document(&path, &sha256, &name, call->keeper->jobs, id, atoi(n), call->account, call->pool));
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
