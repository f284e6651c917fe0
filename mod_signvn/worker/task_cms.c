/* task_cms.c: task "cms". */
#include "worker/task_cms.h"

#include "look/pki/tsp.h"
#include "worker/task_args.h"

/* The certificates between the signer and a self-signed root, the root left
 * out: whoever trusts it has it. */
static sgn_error_t *choose_chain(apr_array_header_t **out, const sgn_cert_t *leaf, const apr_array_header_t *known, apr_pool_t *pool)
{
    apr_array_header_t *certs = apr_array_make(pool, known->nelts + 1, sizeof(sgn_cert_t *));
    apr_array_header_t *chain = apr_array_make(pool, 4, sizeof(sgn_bytes_t));
    const sgn_cert_t *below = leaf;

    for (int i = 0; i < known->nelts; i++) {
        sgn_cert_t *cert;

        SGN_TRY(sgn_cert_parse(&cert, APR_ARRAY_IDX(known, i, sgn_bytes_t), pool));
        APR_ARRAY_PUSH(certs, sgn_cert_t *) = cert;
    }
    for (int depth = 0; below && depth < SGN_PATH_DEPTH; depth++) {
        const sgn_cert_t *above = NULL;

        for (int i = 0; i < certs->nelts && !above; i++) {
            const sgn_cert_t *cert = APR_ARRAY_IDX(certs, i, sgn_cert_t *);

            if (!cert->self_issued && sgn_cert_is_issued_by(below, cert))
                above = cert;
        }
        if (above)
            APR_ARRAY_PUSH(chain, sgn_bytes_t) = above->der;
        below = above;
    }
    *out = chain;
    return NULL;
}

sgn_error_t *sgn_task_cms(sgn_task_t *task)
{
    sgn_cms_parts_t parts = { .algorithm = NULL };
    apr_array_header_t *known, *chain;
    sgn_cms_t *cms;
    sgn_cms_check_t check;
    sgn_bytes_t der;
    sgn_cert_t *cert;

    SGN_TRY(sgn_json_get_bytes(&parts.dtbs, task->args, "dtbs", task->pool));
    SGN_TRY(sgn_json_get_bytes(&parts.value, task->args, "value", task->pool));
    SGN_TRY(sgn_json_get_str(&parts.algorithm, task->args, "algorithm", task->pool));
    SGN_TRY(sgn_json_get_bytes(&parts.certificate, task->args, "certificate", task->pool));
    SGN_TRY(sgn_json_find_bytes(&parts.token, task->args, "token", task->pool));
    SGN_TRY(sgn_task_args_certificates(&known, task, "chain"));
    SGN_TRY(sgn_cert_parse(&cert, parts.certificate, task->pool));
    SGN_TRY(choose_chain(&chain, cert, known, task->pool));
    parts.chain = chain;
    SGN_TRY(sgn_cms_build(&der, &parts, task->pool));
    /* read back what was made, as a stranger would */
    SGN_TRY(sgn_cms_parse(&cms, der, task->pool));
    SGN_TRY(sgn_cms_check(&check, cms, cms->message_digest, task->pool));
    if (!check.value || cms->ess != SGN_CMS_ESS_RIGHT)
        return SGN_ERROR(task->pool, SGN_RESULT_MISMATCH, "value or bound certificate");
    if (parts.token.len) {
        sgn_tsp_token_t *token;

        SGN_TRY(sgn_tsp_parse(&token, parts.token, task->pool));
        if (!sgn_tsp_imprint_is(token, parts.value))
            return SGN_ERROR(task->pool, SGN_TIMESTAMP_BAD, "time-stamp over something else");
    }
    return sgn_tasks_result(task, der);
}
