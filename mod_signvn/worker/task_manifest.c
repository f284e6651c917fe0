/* task_manifest.c: task "manifest". */
#include "worker/task_manifest.h"

#include <string.h>

#include "look/pki/cms.h"
#include "worker/task_args.h"

sgn_error_t *sgn_task_manifest(sgn_task_t *task)
{
    sgn_bytes_t der, content, fingerprint;
    sgn_cms_check_t check;
    sgn_cms_t *cms;

    SGN_TRY(sgn_json_get_bytes(&der, task->args, "signature", task->pool));
    SGN_TRY(sgn_task_args_hex(&content, task, "sha256"));
    SGN_TRY(sgn_task_args_hex(&fingerprint, task, "fingerprint"));
    if (sgn_cms_parse(&cms, der, task->pool))
        return SGN_ERROR(task->pool, SGN_BACKUP_MANIFEST, "no CMS");
    if (!cms->signer || !sgn_bytes_equal(fingerprint, sgn_bytes(cms->signer->sha256, sizeof cms->signer->sha256)))
        return SGN_ERROR(task->pool, SGN_BACKUP_MANIFEST, "signed by a stranger");
    if (cms->has_content || !cms->digest || strcmp(cms->digest, "SHA256") != 0)
        return SGN_ERROR(task->pool, SGN_BACKUP_MANIFEST, "not a detached CMS with SHA-256");
    SGN_TRY(sgn_cms_check(&check, cms, content, task->pool));
    if (!check.digest || !check.value)
        return SGN_ERROR(task->pool, SGN_BACKUP_MANIFEST, "the signature does not fit the bytes");
    return NULL;
}
