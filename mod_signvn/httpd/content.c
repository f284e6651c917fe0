/* content.c: file buckets from handed-over descriptors. */
#include "httpd/content.h"

#include <string.h>
#include <sys/stat.h>

#include <apr_buckets.h>
#include <apr_portable.h>
#include <apr_strings.h>
#include <http_core.h>
#include <http_log.h>
#include <http_protocol.h>
#include <util_filter.h>

#include "base/text.h"
#include "httpd/mod_signvn.h"
#include "httpd/problem.h"

APLOG_USE_MODULE(signvn);

static int broken(request_rec *r, const char *why)
{
    ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, r, "signvn: content from the keeper: %s", why);
    return sgn_problem_send(r, sgn_error_row(SGN_WIRE)->name, 0, NULL, NULL);
}

/* One {fd, offset, length} behind the others.  The descriptor is owned by the
 * request's pool already (wire.h); apr_os_file_put adds no second owner. */
static const char *add_part(apr_bucket_brigade *brigade, apr_off_t *total, request_rec *r, const json_t *part,
                            const sgn_wire_message_t *answer)
{
    core_dir_config *core = ap_get_core_module_config(r->per_dir_config);
    json_int_t index = json_integer_value(json_object_get(part, "fd"));
    apr_off_t offset = json_integer_value(json_object_get(part, "offset"));
    apr_off_t length = json_integer_value(json_object_get(part, "length"));
    apr_os_file_t fd;
    apr_file_t *file = NULL;
    struct stat info;

    if (!json_is_integer(json_object_get(part, "fd")) || index < 0 || index >= answer->nfds || offset < 0 || length < 0)
        return "a part names no descriptor";
    fd = answer->fds[index];
    if (fstat(fd, &info) != 0 || !S_ISREG(info.st_mode) || offset > info.st_size || length > info.st_size - offset)
        return "a part is longer than its file";
    if (!length)
        return NULL;
    if (apr_os_file_put(&file, &fd, APR_READ | APR_BINARY | AP_SENDFILE_ENABLED(core->enable_sendfile), r->pool) != APR_SUCCESS)
        return "a descriptor is not taken";
    apr_brigade_insert_file(brigade, file, offset, length, r->pool);
    *total += length;
    return NULL;
}

static void describe(request_rec *r, const json_t *content)
{
    const char *type = json_string_value(json_object_get(content, "type"));
    const char *name = json_string_value(json_object_get(content, "name"));
    const char *etag = json_string_value(json_object_get(content, "etag"));

    ap_set_content_type(r, type ? apr_pstrdup(r->pool, type) : "application/octet-stream");
    if (name)
        apr_table_setn(r->headers_out, "Content-Disposition",
                       apr_pstrcat(r->pool, "inline; filename*=", sgn_text_disposition(name, r->pool), NULL));
    if (etag && strspn(etag, "0123456789abcdef-") == strlen(etag))
        apr_table_setn(r->headers_out, "ETag", apr_pstrcat(r->pool, "\"", etag, "\"", NULL));
    apr_table_setn(r->headers_out, "X-Content-Type-Options", "nosniff");
    apr_table_setn(r->headers_out, "Cache-Control", "private, no-cache");
    /* A sandbox would also stop the browser's own PDF viewer. */
    apr_table_setn(r->headers_out, "Content-Security-Policy",
                   type && strcmp(type, "application/pdf") == 0 ? "default-src 'none'; frame-ancestors 'self'"
                   : "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'self'; sandbox");
    /* mod_deflate would weaken the ETag and drop ranges. */
    apr_table_setn(r->subprocess_env, "no-gzip", "1");
    apr_table_setn(r->subprocess_env, "no-brotli", "1");
}

int sgn_content_send(request_rec *r, int status, const json_t *content, const sgn_wire_message_t *answer)
{
    apr_bucket_brigade *brigade = apr_brigade_create(r->pool, r->connection->bucket_alloc);
    const json_t *parts = json_object_get(content, "parts");
    apr_off_t total = 0;
    size_t i;
    json_t *part;
    int rc;

    json_array_foreach(parts, i, part) {
        const char *why = add_part(brigade, &total, r, part, answer);

        if (why)
            return broken(r, why);
    }
    describe(r, content);
    r->status = status;
    ap_set_content_length(r, total);
    if (status == HTTP_OK) {
        if (json_array_size(parts) == 1)
            ap_set_accept_ranges(r);
        else
            apr_table_setn(r->headers_out, "Accept-Ranges", "none");
        rc = ap_meets_conditions(r);
        if (rc != OK) {
            r->status = rc;
            apr_brigade_cleanup(brigade);
            return rc;
        }
    }
    if (json_array_size(parts) != 1)
        apr_table_unset(r->headers_in, "Range");
    APR_BRIGADE_INSERT_TAIL(brigade, apr_bucket_eos_create(r->connection->bucket_alloc));
    rc = ap_pass_brigade(r->output_filters, brigade);
    if (rc != APR_SUCCESS && !r->connection->aborted)
        ap_log_rerror(APLOG_MARK, APLOG_INFO, rc, r, "signvn: the content was not sent whole");
    return OK;
}
