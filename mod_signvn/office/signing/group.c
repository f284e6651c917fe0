/* group.c: one member ends, all end. */
#include "office/signing/group.h"

#include <string.h>

#include "crypto/digest.h"

int sgn_group_same(const sgn_job_item_t *one, const sgn_job_item_t *other)
{
    return one->group && other->group && *one->group && strcmp(one->group, other->group) == 0;
}

static sgn_error_t *end_member(sgn_jobs_t *jobs, const sgn_job_t *job, const sgn_job_item_t *item, int failed,
                               const char *code, apr_pool_t *pool)
{
    const char *name = sgn_error_row(SGN_JOB_GROUP)->name, *digest = NULL;
    json_t *detail = sgn_json_object(pool);

    sgn_json_set_int(detail, "n", item->n);
    sgn_json_set_int(detail, "cause", failed);
    sgn_json_set_str(detail, "code", code);
    /* A signed document exists somewhere: its digest is on record. */
    if (item->value.len)
        SGN_TRY(sgn_digest_sha256_hex(&digest, item->value.data, item->value.len, pool));
    sgn_json_set_str(detail, "valueSha256", digest);
    SGN_TRY(sgn_db_run(jobs->o.office, pool,
                       "UPDATE job_item SET state = 'skipped', code = $1, detail = NULL, cause = $2, cause_code = $3"
                       " WHERE job = $4 AND n = $5", "sissi", name, (apr_int64_t)failed, code, job->id, (apr_int64_t)item->n));
    SGN_TRY(sgn_job_release_item(jobs->o.office, job, item->n, name, pool));
    return sgn_job_audit(jobs, job, "item.group", detail, pool);
}

sgn_error_t *sgn_group_end(sgn_jobs_t *jobs, const sgn_job_t *job, sgn_job_item_t *items, int count, int failed,
                           const char *code, apr_pool_t *pool)
{
    for (int i = 0; i < count; i++) {
        if (i == failed || !sgn_group_same(&items[i], &items[failed]) || sgn_job_item_is_final(items[i].state))
            continue;
        SGN_TRY(end_member(jobs, job, &items[i], items[failed].n, code, pool));
        items[i].state = "skipped";
    }
    return NULL;
}
