/*
 * pdf_rig.h: what the PDF tests share: a document in memory, task "prepare"
 * called as the worker calls it, a CMS put into the gap.
 */
#ifndef SGN_T_PDF_RIG_H
#define SGN_T_PDF_RIG_H

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/cms.h>
#include <openssl/pem.h>

#include "base/clock.h"
#include "tap.h"
#include "worker/task_prepare.h"
#include "worker/tasks.h"

static sgn_bytes_t rig_update;

/* The two functions of worker/tasks.c that the task needs. */
sgn_error_t *sgn_tasks_result(sgn_task_t *task, sgn_bytes_t bytes)
{
    rig_update = sgn_bytes_dup(bytes, task->pool);
    return NULL;
}

sgn_error_t *sgn_tasks_now(apr_time_t *out, const sgn_task_t *task)
{
    const char *text;

    SGN_TRY(sgn_json_get_str(&text, task->args, "now", task->pool));
    return sgn_clock_parse(out, text, task->pool);
}

/* len 0: the file cannot be read. */
static inline sgn_bytes_t rig_read(const char *path)
{
    int fd = open(path, O_RDONLY);
    struct stat st;
    void *map;

    if (fd < 0 || fstat(fd, &st) != 0 || st.st_size == 0)
        return sgn_bytes(NULL, 0);
    map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    close(fd);
    return map == MAP_FAILED ? sgn_bytes(NULL, 0) : sgn_bytes(map, (size_t)st.st_size);
}

static inline sgn_error_t *rig_prepare(json_t **answer, sgn_bytes_t document, json_t *args, apr_pool_t *pool)
{
    sgn_task_t task = { args, 0, (apr_off_t)document.len, document.data, 1, sgn_json_object(pool), pool };

    *answer = task.answer;
    return sgn_task_prepare(&task);
}

/* document || rig_update, with the CMS (NULL key: zeros stay) in the gap. */
static inline sgn_bytes_t rig_finish(sgn_bytes_t document, json_t *answer, X509 *certificate, EVP_PKEY *key, apr_pool_t *pool)
{
    size_t size = document.len + rig_update.len, at, i;
    unsigned char *all = apr_palloc(pool, size), *der = NULL;
    json_t *range = json_object_get(answer, "byteRange");
    json_int_t r[4];
    CMS_ContentInfo *cms;
    BIO *data;
    int len;

    memcpy(all, document.data, document.len);
    memcpy(all + document.len, rig_update.data, rig_update.len);
    if (!key)
        return sgn_bytes(all, size);
    for (i = 0; i < 4; i++)
        r[i] = json_integer_value(json_array_get(range, i));
    data = BIO_new(BIO_s_mem());
    BIO_write(data, all + r[0], (int)r[1]);
    BIO_write(data, all + r[2], (int)r[3]);
    cms = CMS_sign(certificate, key, NULL, data, CMS_DETACHED | CMS_BINARY | CMS_CADES | CMS_NOSMIMECAP);
    BIO_free(data);
    len = cms ? i2d_CMS_ContentInfo(cms, &der) : 0;
    CMS_ContentInfo_free(cms);
    at = (size_t)r[1] + 1;
    for (i = 0; i < (size_t)(len > 0 ? len : 0) && at + 2 * i + 1 < (size_t)r[2]; i++) {
        static const char digits[] = "0123456789abcdef";

        all[at + 2 * i] = (unsigned char)digits[der[i] >> 4];
        all[at + 2 * i + 1] = (unsigned char)digits[der[i] & 15];
    }
    OPENSSL_free(der);
    return sgn_bytes(all, size);
}

#endif
