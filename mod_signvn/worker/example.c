/* example.c: a page and its signature. */
#include "worker/example.h"

#include <string.h>
#include <sys/mman.h>

#include <openssl/err.h>
#include <openssl/evp.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/pool.h"
#include "crypto/digest.h"
#include "crypto/verify.h"
#include "dtbs/signedattrs.h"
#include "look/pki/warm.h"
#include "worker/tasks.h"

#define CONTENTS 8192
#define RESULT_LIMIT ((size_t)1 << 20)
#define SIGNER "Nguyễn Văn Ví Dụ"
/* one pixel, half transparent */
#define PIXEL "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="

typedef struct {
    EVP_PKEY *key;
    sgn_bytes_t certificate;
    apr_int64_t range[4];
    sgn_bytes_t update;
    apr_pool_t *pool;
} maker_t;

static sgn_error_t *failed(apr_pool_t *pool, const char *what)
{
    ERR_clear_error();
    return SGN_ERROR(pool, SGN_CRYPTO, "the example of workers: %s", what);
}

/* One empty A4 page. */
static sgn_error_t *make_page(sgn_bytes_t *out, apr_pool_t *pool)
{
    static const char *const objects[] = {
        "<</Type/Catalog/Pages 2 0 R>>",
        "<</Type/Pages/Kids[3 0 R]/Count 1>>",
        "<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Resources<<>>>>",
    };
    enum { COUNT = sizeof objects / sizeof *objects };
    sgn_buf_t *buf = sgn_buf_make(4096, pool);
    size_t at[COUNT], start;

    sgn_buf_str(buf, "%PDF-1.7\n");
    for (int i = 0; i < COUNT; i++) {
        at[i] = buf->len;
        sgn_buf_printf(buf, "%d 0 obj\n%s\nendobj\n", i + 1, objects[i]);
    }
    start = buf->len;
    sgn_buf_printf(buf, "xref\n0 %d\n0000000000 65535 f \n", COUNT + 1);
    for (int i = 0; i < COUNT; i++)
        sgn_buf_printf(buf, "%010lu 00000 n \n", (unsigned long)at[i]);
    sgn_buf_printf(buf, "trailer\n<</Size %d/Root 1 0 R>>\nstartxref\n%lu\n%%%%EOF\n", COUNT + 1, (unsigned long)start);
    return sgn_buf_bytes(out, buf);
}

/* One task in this process; *result NULL: none wanted. */
static sgn_error_t *run(json_t **answer, sgn_bytes_t *result, const char *name, json_t *args, sgn_bytes_t document, maker_t *maker)
{
    sgn_task_t task = { .args = args, .document = document.len ? 0 : -1, .size = (apr_off_t)document.len, .map = document.data,
                        .result = -1, .answer = sgn_json_object(maker->pool), .pool = maker->pool };
    off_t size;

    if (result) {
        task.result = memfd_create("signvn-example", MFD_CLOEXEC);
        if (task.result < 0)
            return SGN_ERROR_ERRNO(maker->pool, SGN_INTERNAL, "memfd");
        sgn_pool_own_fd(maker->pool, task.result);
    }
    SGN_TRY(sgn_tasks_find(name)->run(&task));
    *answer = task.answer;
    if (!result)
        return NULL;
    size = lseek(task.result, 0, SEEK_CUR);
    SGN_TRY(sgn_file_read_fd(result, task.result, RESULT_LIMIT, maker->pool));
    sgn_pool_close_fd(maker->pool, task.result);
    return size > 0 && result->len == (size_t)size ? NULL : failed(maker->pool, name);
}

static sgn_error_t *prepare(sgn_example_t *example, maker_t *maker)
{
    apr_pool_t *pool = maker->pool;
    json_t *args = sgn_json_object(pool), *answer, *range;

    sgn_json_set_str(args, "now", sgn_clock_print(sgn_clock_now(), pool));
    sgn_json_set_str(args, "kind", "check");
    sgn_json_set_str(args, "field", "sgn_check_example");
    sgn_json_set_int(args, "contentsSize", CONTENTS);
    sgn_json_set_str(args, "signerName", SIGNER);
    sgn_json_set_str(args, "image", PIXEL);
    json_object_set_new(args, "box", json_pack("{s:i, s:i, s:i, s:i, s:i}", "page", 1, "x", 60, "y", 60, "width", 180, "height", 40));
    json_object_set_new(args, "lines", json_pack("[s]", SIGNER));
    SGN_TRY(run(&answer, &maker->update, "prepare", args, example->plain, maker));
    SGN_TRY(sgn_json_get_array(&range, answer, "byteRange", pool));
    for (size_t i = 0; i < 4; i++)
        maker->range[i] = json_integer_value(json_array_get(range, i));
    example->prepare = args;
    return NULL;
}

static sgn_error_t *sign(sgn_bytes_t *dtbs, sgn_bytes_t *value, sgn_bytes_t document, const maker_t *maker)
{
    sgn_signedattrs_t attrs = { .kind = SGN_KIND_CHECK };
    unsigned char *der = apr_palloc(maker->pool, SGN_SIGNEDATTRS_MAX), *raw = apr_palloc(maker->pool, 256);
    size_t len, raw_len = 256;
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    sgn_digest_t *digest;
    int good;

    SGN_OWN(maker->pool, ctx, EVP_MD_CTX_free);
    SGN_TRY(sgn_digest_make(&digest, SGN_DIGEST_SHA256, maker->pool));
    for (int i = 0; i < 4; i += 2)
        SGN_TRY(sgn_digest_add(digest, document.data + maker->range[i], (size_t)maker->range[i + 1], maker->pool));
    SGN_TRY(sgn_digest_finish(attrs.message_digest, digest, maker->pool));
    SGN_TRY(sgn_digest_sha256(attrs.certificate, maker->certificate.data, maker->certificate.len, maker->pool));
    good = sgn_signedattrs_build(der, SGN_SIGNEDATTRS_MAX, &len, &attrs) == 0
        && ctx && EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, maker->key) == 1
        && EVP_DigestSign(ctx, raw, &raw_len, der, len) == 1;
    *dtbs = sgn_bytes(der, len);
    *value = sgn_bytes(raw, raw_len);
    return good ? NULL : failed(maker->pool, "value");
}

static sgn_error_t *finish(sgn_example_t *example, maker_t *maker)
{
    apr_pool_t *pool = maker->pool;
    size_t len = example->plain.len + maker->update.len;
    unsigned char *whole = apr_palloc(pool, len);
    json_t *args = sgn_json_object(pool), *answer;
    sgn_bytes_t dtbs, value, cms;

    memcpy(whole, example->plain.data, example->plain.len);
    memcpy(whole + example->plain.len, maker->update.data, maker->update.len);
    example->finished = sgn_bytes(whole, len);
    SGN_TRY(sign(&dtbs, &value, example->finished, maker));
    sgn_json_set_bytes(args, "dtbs", dtbs, pool);
    sgn_json_set_bytes(args, "value", value, pool);
    sgn_json_set_str(args, "algorithm", SGN_OID_ECDSA_SHA256);
    sgn_json_set_bytes(args, "certificate", maker->certificate, pool);
    SGN_TRY(run(&answer, &cms, "cms", args, sgn_bytes(NULL, 0), maker));
    if (cms.len * 2 > CONTENTS * 2)
        return failed(pool, "cms");
    memcpy(whole + maker->range[1] + 1, sgn_bytes_hex(cms, pool), cms.len * 2);
    example->cms = args;
    return NULL;
}

/* It must be found good, or a broken library would start. */
static sgn_error_t *look(sgn_example_t *example, maker_t *maker)
{
    json_t *args = sgn_json_object(maker->pool), *anchors = sgn_json_array(maker->pool), *answer, *facts;

    json_array_append_new(anchors, json_string(sgn_bytes_base64(maker->certificate, maker->pool)));
    sgn_json_set_str(args, "now", sgn_clock_print(sgn_clock_now(), maker->pool));
    sgn_json_set(args, "anchors", anchors);
    SGN_TRY(run(&answer, NULL, "look", args, example->finished, maker));
    SGN_TRY(sgn_json_get_array(&facts, answer, "facts", maker->pool));
    example->look = args;
    return json_array_size(facts) == 1 ? NULL : failed(maker->pool, "look");
}

sgn_error_t *sgn_example_make(sgn_example_t **out, apr_pool_t *pool)
{
    sgn_example_t *example = apr_pcalloc(pool, sizeof *example);
    maker_t maker = { .pool = pool };

    SGN_TRY(sgn_warm_signer(&maker.certificate, &maker.key, SIGNER, pool));
    SGN_TRY(make_page(&example->plain, pool));
    SGN_TRY(prepare(example, &maker));
    SGN_TRY(finish(example, &maker));
    SGN_TRY(look(example, &maker));
    *out = example;
    return NULL;
}
