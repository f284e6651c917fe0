/* body.c: raw, JSON and multipart bodies. */
#include "httpd/body.h"

#include <string.h>
#include <strings.h>

#include <apr_buckets.h>
#include <apr_strings.h>
#include <http_protocol.h>
#include <openssl/evp.h>
#include <util_filter.h>

#include "base/pool.h"
#include "httpd/multipart.h"

#define PIECE 65536

/* Where the bytes of a body go, piece by piece. */
typedef struct reader_t {
    sgn_error_t *(*take)(struct reader_t *reader, const void *data, size_t len);
    request_rec *r;
    sgn_body_t *body;
    const sgn_api_route_t *route;
    sgn_spool_place_t *place;
    sgn_buf_t *text;            /* the JSON being collected, NULL: none */
    sgn_spool_t *spool;         /* the document being written, NULL: none */
    sgn_multipart_t *multipart;
    EVP_MD_CTX *digest;
} reader_t;

int sgn_body_announced(request_rec *r)
{
    const char *length = apr_table_get(r->headers_in, "Content-Length");

    return apr_table_get(r->headers_in, "Transfer-Encoding") || (length && strcmp(length, "0") != 0);
}

sgn_error_t *sgn_body_check_secrecy(request_rec *r)
{
    const char *secrecy = apr_table_get(r->headers_in, "SignVN-Secrecy");

    if (secrecy && strcmp(secrecy, "none") != 0)
        return SGN_ERROR(r->pool, SGN_SECRECY_REFUSED, "SignVN-Secrecy is not none");
    return NULL;
}

/* ---- secrecy inside the JSON, before the documents ------------------------ */

static sgn_error_t *secrecy_of(const json_t *object, int demanded, apr_pool_t *pool)
{
    const json_t *value = json_object_get(object, "secrecy");
    const char *text = json_string_value(value);

    if (!value || json_is_null(value))
        return demanded ? SGN_ERROR(pool, SGN_SECRECY_MISSING, "documents[].secrecy is missing") : NULL;
    if (!text || strcmp(text, "none") != 0)
        return SGN_ERROR(pool, SGN_SECRECY_REFUSED, "secrecy is not none");
    return NULL;
}

/* A job says it per document, any other object at its top [API, Manner]. */
static sgn_error_t *check_secrecy(const json_t *json, const sgn_api_route_t *route, apr_pool_t *pool)
{
    const json_t *documents = json_object_get(json, "documents");
    int job = route->json_part && strcmp(route->json_part, "job") == 0;
    size_t i;
    json_t *document;

    SGN_TRY(secrecy_of(json, 0, pool));
    if (json_is_array(documents))
        json_array_foreach(documents, i, document)
            SGN_TRY(secrecy_of(document, job, pool));
    return NULL;
}

static sgn_error_t *finish_json(reader_t *reader)
{
    sgn_bytes_t text;
    json_t *json;

    SGN_TRY(sgn_buf_bytes(&text, reader->text));
    reader->text = NULL;
    if (!text.len)
        return NULL;
    SGN_TRY(sgn_json_parse(&json, text, SGN_BODY_JSON, reader->r->pool));
    if (!json_is_object(json))
        return SGN_ERROR(reader->r->pool, SGN_FIELD, "the JSON is not an object");
    reader->body->json = json;
    return check_secrecy(json, reader->route, reader->r->pool);
}

static sgn_error_t *take_json(reader_t *reader, const void *data, size_t len)
{
    if (reader->digest && EVP_DigestUpdate(reader->digest, data, len) != 1)
        return SGN_ERROR(reader->r->pool, SGN_CRYPTO, "SHA-256");
    if (reader->text->len + len > SGN_BODY_JSON)
        return SGN_ERROR(reader->r->pool, SGN_TOO_LARGE, "JSON is over %d bytes", SGN_BODY_JSON);
    sgn_buf_add(reader->text, data, len);
    return NULL;
}

static sgn_error_t *take_document(reader_t *reader, const void *data, size_t len)
{
    return sgn_spool_write(reader->spool, data, len, reader->r->pool);
}

static sgn_error_t *begin_document(reader_t *reader, const char *name, const char *type)
{
    sgn_body_t *body = reader->body;

    if (body->count == SGN_BODY_DOCUMENTS)
        return SGN_ERROR(reader->r->pool, SGN_TOO_LARGE, "at most %d documents", SGN_BODY_DOCUMENTS);
    SGN_TRY(sgn_spool_make(&reader->spool, reader->place, name, type, reader->r->pool));
    body->documents[body->count++] = reader->spool;
    return NULL;
}

/* ---- multipart ------------------------------------------------------------ */

static sgn_error_t *part_begin(void *baton, const char *name, const char *filename, const char *type)
{
    reader_t *reader = baton;
    int single = reader->route->body == SGN_API_DOCUMENT;
    const char *json_part = reader->route->json_part;
    int is_job = json_part && strcmp(json_part, "job") == 0;

    reader->spool = NULL;
    reader->text = NULL;
    if (strcmp(name, "document") == 0) {
        if (is_job && !reader->body->json)
            return SGN_ERROR(reader->r->pool, SGN_MULTIPART, "the part job stands before the documents");
        if (single && reader->body->count)
            return SGN_ERROR(reader->r->pool, SGN_MULTIPART, "one part document is taken here");
        return begin_document(reader, filename, type);
    }
    if (json_part && strcmp(name, json_part) == 0 && !reader->body->json) {
        reader->text = sgn_buf_make(SGN_BODY_JSON + 1, reader->r->pool);
        return NULL;
    }
    return SGN_ERROR(reader->r->pool, SGN_MULTIPART, "the part %s is not expected here%s", name,
                     json_part && strcmp(name, json_part) == 0 ? " again" : "");
}

static sgn_error_t *part_data(void *baton, const void *data, size_t len)
{
    reader_t *reader = baton;

    return reader->spool ? take_document(reader, data, len) : take_json(reader, data, len);
}

static sgn_error_t *part_end(void *baton)
{
    reader_t *reader = baton;

    if (reader->text) {
        SGN_TRY(finish_json(reader));
        if (!reader->body->json)
            return SGN_ERROR(reader->r->pool, SGN_MULTIPART, "the part %s is empty", reader->route->json_part);
    }
    reader->spool = NULL;
    return NULL;
}

static sgn_error_t *take_multipart(reader_t *reader, const void *data, size_t len)
{
    return sgn_multipart_feed(reader->multipart, data, len);
}

/* ---- the reading ---------------------------------------------------------- */

static sgn_error_t *read_all(reader_t *reader)
{
    request_rec *r = reader->r;
    apr_bucket_brigade *brigade = apr_brigade_create(r->pool, r->connection->bucket_alloc);
    int more = 1;

    while (more) {
        apr_status_t rv = ap_get_brigade(r->input_filters, brigade, AP_MODE_READBYTES, APR_BLOCK_READ, PIECE);

        if (rv != APR_SUCCESS) {
            int status = ap_map_http_request_error(rv, HTTP_BAD_REQUEST);

            return status == HTTP_REQUEST_ENTITY_TOO_LARGE
                ? SGN_ERROR(r->pool, SGN_TOO_LARGE, "the body is over LimitRequestBody")
                : SGN_ERROR_APR(r->pool, SGN_BODY_CUT, rv, "the body broke off");
        }
        for (apr_bucket *bucket = APR_BRIGADE_FIRST(brigade); bucket != APR_BRIGADE_SENTINEL(brigade); bucket = APR_BUCKET_NEXT(bucket)) {
            const char *data;
            apr_size_t len;

            if (APR_BUCKET_IS_EOS(bucket)) {
                more = 0;
                break;
            }
            if (APR_BUCKET_IS_METADATA(bucket))
                continue;
            rv = apr_bucket_read(bucket, &data, &len, APR_BLOCK_READ);
            if (rv != APR_SUCCESS)
                return SGN_ERROR_APR(r->pool, SGN_BODY_CUT, rv, "the body broke off");
            SGN_TRY(reader->take(reader, data, len));
        }
        apr_brigade_cleanup(brigade);
    }
    return NULL;
}

static int is_type(const char *given, const char *wanted)
{
    size_t len = strlen(wanted);

    return given && strncasecmp(given, wanted, len) == 0 && strchr("; \t", given[len]);
}

/* What Content-Length tells already. */
static sgn_error_t *check_length(request_rec *r, int documents, const sgn_spool_place_t *place)
{
    const char *text = apr_table_get(r->headers_in, "Content-Length");
    apr_int64_t length = text ? apr_atoi64(text) : 0;

    if (documents == 0 ? length > SGN_BODY_JSON : documents == 1 ? length > place->limit + PIECE : length > place->quota)
        return SGN_ERROR(r->pool, SGN_TOO_LARGE, "%" APR_INT64_T_FMT " bytes are announced", length);
    if (documents && !sgn_gauge_fits(place->gauge, length, place->quota))
        return SGN_ERROR(r->pool, SGN_SPOOL_FULL, "no room for %" APR_INT64_T_FMT " bytes now", length);
    return NULL;
}

static sgn_error_t *choose(reader_t *reader, const char *type)
{
    request_rec *r = reader->r;
    sgn_api_body_t kind = reader->route->body;
    sgn_multipart_sink_t sink = { part_begin, part_data, part_end, reader };
    const char *boundary;
    int single = kind == SGN_API_DOCUMENT;

    if ((kind == SGN_API_MULTIPART || single) && is_type(type, "multipart/form-data")) {
        SGN_TRY(check_length(r, single ? 1 : SGN_BODY_DOCUMENTS, reader->place));
        SGN_TRY(sgn_multipart_boundary(&boundary, type, r->pool));
        reader->multipart = sgn_multipart_make(boundary, SGN_BODY_DOCUMENTS + 2, &sink, r->pool);
        reader->take = take_multipart;
        return NULL;
    }
    if (is_type(type, "application/json") || (!type && !single)) {
        SGN_TRY(check_length(r, 0, reader->place));
        reader->text = sgn_buf_make(SGN_BODY_JSON + 1, r->pool);
        reader->take = take_json;
        return NULL;
    }
    if (single && !is_type(type, "application/x-www-form-urlencoded")) {
        SGN_TRY(check_length(r, 1, reader->place));
        SGN_TRY(begin_document(reader, NULL, type));
        reader->take = take_document;
        return NULL;
    }
    return SGN_ERROR(r->pool, SGN_MEDIA_TYPE, "Content-Type %.80s", type ? type : "is missing");
}

sgn_error_t *sgn_body_read(sgn_body_t **out, request_rec *r, const sgn_api_route_t *route, sgn_spool_place_t *place)
{
    reader_t reader = { .r = r, .route = route, .place = place, .body = apr_pcalloc(r->pool, sizeof *reader.body) };
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned len = 0;

    *out = reader.body;
    if (route->body == SGN_API_NONE)
        return NULL;
    SGN_TRY(choose(&reader, apr_table_get(r->headers_in, "Content-Type")));
    if (route->body == SGN_API_AGENT) {
        reader.digest = EVP_MD_CTX_new();
        SGN_OWN(r->pool, reader.digest, EVP_MD_CTX_free);
        if (!reader.digest || EVP_DigestInit_ex(reader.digest, EVP_sha256(), NULL) != 1)
            return SGN_ERROR(r->pool, SGN_CRYPTO, "SHA-256");
    }
    SGN_TRY(read_all(&reader));
    if (reader.multipart)
        SGN_TRY(sgn_multipart_end(reader.multipart));
    else if (reader.text)
        SGN_TRY(finish_json(&reader));
    if (reader.digest) {
        if (EVP_DigestFinal_ex(reader.digest, digest, &len) != 1)
            return SGN_ERROR(r->pool, SGN_CRYPTO, "SHA-256");
        reader.body->sha256 = sgn_bytes_hex(sgn_bytes(digest, len), r->pool);
    }
    for (int i = 0; i < reader.body->count; i++) {
        if (!reader.body->documents[i]->size)
            return SGN_ERROR(r->pool, SGN_BODY_EMPTY, "document %d is empty", i);
        SGN_TRY(sgn_spool_end(reader.body->documents[i], r->pool));
    }
    if (route->body == SGN_API_DOCUMENT && !reader.body->count && !reader.body->json)
        return SGN_ERROR(r->pool, SGN_BODY_EMPTY, "no document came");
    return NULL;
}
