/* sign_request.c: minting the signed request. */
#include "office/signing/sign_request.h"

#include <string.h>

#include <apr_strings.h>

#include "base/clock.h"
#include "crypto/digest.h"
#include "crypto/verify.h"
#include "dtbs/jws.h"
#include "office/signing/kind.h"

#define OID_SHA256 "2.16.840.1.101.3.4.2.1"

/* [TT 15/2025] RSASSA-PSS is the scheme; v1.5 only for tokens without it. */
sgn_error_t *sgn_sign_request_algorithm(const char **out, sgn_jobs_t *jobs, const sgn_job_t *job, const sgn_desk_t *desk,
                                        apr_pool_t *pool)
{
    sgn_db_rows_t *rows;
    const char *can;

    SGN_TRY(sgn_db_query(&rows, jobs->o.office, pool, "SELECT algorithms FROM agent_credential WHERE agent = $1 AND credential = $2",
                         "ss", desk->agent, job->credential));
    can = sgn_db_count(rows) ? sgn_db_text(rows, 0, 0) : NULL;
    if (!can)
        return SGN_ERROR(pool, SGN_TOKEN_ABSENT, "the desk does not list the certificate");
    if (strstr(can, SGN_OID_RSA_PSS))
        *out = SGN_OID_RSA_PSS;
    else if (strstr(can, SGN_OID_RSA_SHA256))
        *out = SGN_OID_RSA_SHA256;
    else if (strstr(can, SGN_OID_ECDSA_SHA256))
        *out = SGN_OID_ECDSA_SHA256;
    else
        return SGN_ERROR(pool, SGN_MECHANISM, "algorithms %.100s", can);
    return NULL;
}

static sgn_error_t *kind_text(const char **out, const char *name, apr_pool_t *pool)
{
    const sgn_kind_plug_t *kind;

    SGN_TRY(sgn_kind_find(&kind, name, NULL, pool));
    *out = sgn_kind_shown(kind->shown);
    return NULL;
}

static sgn_error_t *document(json_t **out, const sgn_job_t *job, const sgn_job_item_t *item, apr_pool_t *pool)
{
    json_t *d = json_object(), *range = json_array();
    const char *hash, *shown;

    *out = d;
    SGN_TRY(kind_text(&shown, item->kind, pool));
    sgn_json_set_int(d, "n", item->n);
    sgn_json_set_str(d, "subject", item->subject);
    sgn_json_set_str(d, "kind", item->kind);
    sgn_json_set_str(d, "kindText", shown);
    sgn_json_set_str(d, "docNumber", item->number ? apr_pstrcat(pool, item->number, "/", item->symbol, NULL) : NULL);
    sgn_json_set_str(d, "docDate", item->date);
    sgn_json_set_str(d, "docURI", apr_psprintf(pool, "/signvn/agent/v1/docs/%s/%d", job->id, item->n));
    sgn_json_set_int(d, "size", item->offered_size);
    sgn_json_set_int(d, "originalSize", item->size);
    sgn_json_set_str(d, "hash", item->offered_sha256);
    sgn_json_set_str(d, "originalHash", item->sha256);
    sgn_json_set_str(d, "signature_format", "P");
    for (int i = 0; i < 4; i++)
        json_array_append_new(range, json_integer(item->range[i]));
    json_object_set_new(d, "byteRange", range);
    sgn_json_set_bytes(d, "dtbs", item->dtbs, pool);
    SGN_TRY(sgn_digest_sha256_hex(&hash, item->dtbs.data, item->dtbs.len, pool));
    sgn_json_set_str(d, "hashDtbs", hash);
    return NULL;
}

sgn_error_t *sgn_sign_request_make(const char **jws, sgn_jobs_t *jobs, const sgn_job_t *job, const sgn_desk_t *desk,
                                   apr_pool_t *pool)
{
    json_t *request = sgn_json_object(pool), *documents = json_array();
    const char *algorithm = NULL, *shown, *origin = sgn_config_text(*jobs->o.config, "SignVNOrigin");
    sgn_job_item_t *items;
    int count, pending = 0;

    json_object_set_new(request, "documentDigests", documents);
    SGN_TRY(sgn_job_items(&items, &count, jobs->o.office, job->id, pool));
    for (int i = 0; i < count; i++) {
        json_t *d;

        if (strcmp(items[i].state, "pending") != 0)
            continue;
        SGN_TRY(document(&d, job, &items[i], pool));
        json_array_append_new(documents, d);
        algorithm = items[i].algorithm;
        pending++;
    }
    sgn_json_set_str(request, "jobID", job->id);
    sgn_json_set_str(request, "aud", desk->agent);
    sgn_json_set_str(request, "sub", job->account);
    sgn_json_set_str(request, "origin", origin ? origin : "");
    sgn_json_set_int(request, "iat", apr_time_sec(sgn_clock_now()));
    sgn_json_set_int(request, "exp", apr_time_sec(job->expires));
    sgn_json_set_str(request, "nonce", job->nonce);
    sgn_json_set_str(request, "credentialID", job->credential);
    sgn_json_set_int(request, "numSignatures", pending);
    sgn_json_set_str(request, "signAlgo", algorithm);
    sgn_json_set_str(request, "hashAlgorithmOID", OID_SHA256);
    sgn_json_set_str(request, "matchCode", job->match_code);
    SGN_TRY(kind_text(&shown, job->kind, pool));
    sgn_json_set_str(request, "description", shown);
    return sgn_keys_jws(jws, jobs->o.keys, SGN_JWS_TYP_SIGN, sgn_bytes_str(sgn_json_print(request, pool)), pool);
}
