/* tsp.c: RFC 3161 tokens: reading and judging. */
#include "look/pki/tsp.h"

#include <string.h>

#include <apr_strings.h>

#include "look/pki/x690.h"

#define BAD SGN_F_TST_INVALID
#define OID_TST_INFO "1.2.840.113549.1.9.16.1.4"
/* [THREATS A13, B25] */
#define EARLY apr_time_from_sec(2)
#define LATE apr_time_from_sec(120)

static int read_imprint(sgn_tsp_token_t *token, sgn_der_t *info, apr_pool_t *pool)
{
    sgn_der_t imprint, whole, content;
    sgn_error_t *error;

    SGN_FAULT_TRY(sgn_der_take(info, SGN_DER_SEQUENCE, &imprint));
    SGN_FAULT_TRY(sgn_x690_whole(&imprint, SGN_DER_SEQUENCE, &whole));
    error = sgn_algorithm_digest(&token->digest, &token->weak, sgn_x690_bytes(whole), pool);
    if (error)
        return SGN_FAULT_VALUE;
    SGN_FAULT_TRY(sgn_der_take(&imprint, SGN_DER_OCTET_STRING, &content));
    token->imprint = sgn_x690_bytes(content);
    return sgn_der_end(&imprint);
}

/* Accuracy ::= SEQUENCE { seconds, millis [0], micros [1] } */
static int read_accuracy(sgn_tsp_token_t *token, sgn_der_t in)
{
    sgn_der_t part;
    long seconds = 0, small[2] = { 0, 0 };

    if (sgn_der_peek(&in) == SGN_DER_INTEGER)
        SGN_FAULT_TRY(sgn_der_small(&in, &seconds));
    for (unsigned i = 0; i < 2; i++)
        if (sgn_x690_optional(&in, SGN_DER_CONTEXT(i), &part)) {
            if (part.left == 0 || part.left > 2)
                return SGN_FAULT_VALUE;
            for (size_t b = 0; b < part.left; b++)
                small[i] = small[i] << 8 | part.at[b];
        }
    token->accuracy = apr_time_from_sec(seconds) + small[0] * 1000 + small[1];
    return sgn_der_end(&in);
}

static int read_info(sgn_tsp_token_t *token, sgn_der_t in, apr_pool_t *pool)
{
    sgn_der_t info, content;
    unsigned tag;
    long version;
    int ordering;

    SGN_FAULT_TRY(sgn_der_take(&in, SGN_DER_SEQUENCE, &info));
    SGN_FAULT_TRY(sgn_der_end(&in));
    SGN_FAULT_TRY(sgn_der_small(&info, &version));
    if (version != 1)
        return SGN_FAULT_VALUE;
    SGN_FAULT_TRY(sgn_x690_oid(&token->policy, &info, pool));
    SGN_FAULT_TRY(read_imprint(token, &info, pool));
    SGN_FAULT_TRY(sgn_der_take(&info, SGN_DER_INTEGER, &content));
    token->serial = sgn_x690_hex(sgn_x690_bytes(content), pool);
    SGN_FAULT_TRY(sgn_x690_time(&token->time, &info));
    if (sgn_x690_optional(&info, SGN_DER_SEQUENCE, &content))
        SGN_FAULT_TRY(read_accuracy(token, content));
    SGN_FAULT_TRY(sgn_x690_flag(&ordering, &info));
    if (sgn_der_peek(&info) == SGN_DER_INTEGER) {
        SGN_FAULT_TRY(sgn_der_take(&info, SGN_DER_INTEGER, &content));
        token->nonce = sgn_x690_bytes(content);
    }
    while (info.left) {
        SGN_FAULT_TRY(sgn_der_any(&info, &tag, &content, NULL));
        /* tsa [0] is a hint; extensions [1] could change the meaning */
        if (tag != SGN_DER_CONTEXT_CONSTRUCTED(0))
            return SGN_FAULT_UNKNOWN;
    }
    return SGN_FAULT_NONE;
}

sgn_error_t *sgn_tsp_parse(sgn_tsp_token_t **out, sgn_bytes_t der, apr_pool_t *pool)
{
    sgn_tsp_token_t *token = apr_pcalloc(pool, sizeof *token);
    sgn_error_t *error;

    if (der.len > SGN_TSP_LIMIT)
        return SGN_ERROR(pool, BAD, "time-stamp of %lu bytes", (unsigned long)der.len);
    token->der = der;
    error = sgn_cms_parse(&token->cms, der, pool);
    if (error)
        return SGN_WRAP(pool, error, BAD, "time-stamp: %s", error->detail);
    if (strcmp(token->cms->content_type, OID_TST_INFO) || !token->cms->has_content)
        return SGN_ERROR(pool, BAD, "content type %s is no time-stamp", token->cms->content_type);
    SGN_X690_TRY(pool, BAD, "TSTInfo", read_info(token, sgn_x690_der(token->cms->content), pool));
    *out = token;
    return NULL;
}

int sgn_tsp_imprint_is(const sgn_tsp_token_t *token, sgn_bytes_t data)
{
    unsigned char digest[64];
    size_t len = sgn_algorithm_hash(digest, token->digest, data);

    return len && sgn_bytes_equal(token->imprint, sgn_bytes(digest, len));
}

static const char *judge(sgn_code_t *verdict, sgn_tsp_token_t *token, apr_time_t now, apr_pool_t *pool)
{
    const sgn_cms_t *cms = token->cms;
    unsigned char digest[64];
    size_t len = sgn_algorithm_hash(digest, cms->digest, cms->content);
    sgn_cms_check_t check;

    *verdict = SGN_F_TST_INVALID;
    if (!cms->signer)
        return "the server's certificate is not supplied";
    if (sgn_cms_check(&check, cms, sgn_bytes(digest, len), pool) || !check.digest || !check.value)
        return "signature does not verify";
    if (cms->attributes_wrong || !cms->signed_attrs.len)
        return "signed attributes";
    if (cms->digest_unlisted)
        return "digestAlgorithms does not name the digest of the signer";
    /* [RFC 3161, 2.4.2; RFC 5816] the token must bind its certificate */
    if (cms->ess != SGN_CMS_ESS_RIGHT)
        return cms->ess == SGN_CMS_ESS_MISSING ? "ESSCertID is missing" : "ESSCertID names another certificate";
    if (token->time > now + LATE)
        return "genTime lies in the future";
    *verdict = SGN_F_ALGORITHM;
    if (cms->digest_weak || cms->algorithm.weak || token->weak || !token->digest || sgn_cert_strength(cms->signer) != SGN_OK)
        return "weak algorithm";
    *verdict = SGN_OK;
    return NULL;
}

sgn_error_t *sgn_tsp_verify(sgn_code_t *verdict, const char **detail, sgn_tsp_token_t *token,
                            sgn_path_store_t *tsa_store, const apr_array_header_t *offered,
                            apr_time_t now, apr_pool_t *pool)
{
    const char *why = judge(verdict, token, now, pool);
    apr_array_header_t *certs;

    *detail = why;
    if (*verdict != SGN_OK)
        return NULL;
    certs = apr_array_copy(pool, token->cms->certs);
    if (offered)
        apr_array_cat(certs, offered);
    SGN_TRY(sgn_path_build(&token->path, tsa_store, token->cms->signer, certs, SGN_PATH_TIMESTAMP, token->time, pool));
    *detail = token->path->detail;
    switch (token->path->code) {
    case SGN_OK: *verdict = SGN_OK; break;
    case SGN_F_PATH_NONE: *verdict = SGN_F_TST_UNTRUSTED; break;
    case SGN_F_ALGORITHM: *verdict = SGN_F_ALGORITHM; break;
    default: *verdict = SGN_F_TST_INVALID; break;
    }
    return NULL;
}

/* INTEGERs carry a sign byte, our nonce is bare bytes. */
static int same_number(sgn_bytes_t a, sgn_bytes_t b)
{
    while (a.len && a.data[0] == 0)
        a.data++, a.len--;
    while (b.len && b.data[0] == 0)
        b.data++, b.len--;
    return sgn_bytes_equal(a, b);
}

static int read_reply(sgn_bytes_t *out, long *status, sgn_bytes_t reply)
{
    sgn_der_t in = sgn_x690_der(reply), response, info, whole;

    SGN_FAULT_TRY(sgn_der_take(&in, SGN_DER_SEQUENCE, &response));
    SGN_FAULT_TRY(sgn_der_end(&in));
    SGN_FAULT_TRY(sgn_der_take(&response, SGN_DER_SEQUENCE, &info));
    SGN_FAULT_TRY(sgn_der_small(&info, status));
    if (*status > 1)
        return SGN_FAULT_NONE;
    SGN_FAULT_TRY(sgn_x690_whole(&response, SGN_DER_SEQUENCE, &whole));
    *out = sgn_x690_bytes(whole);
    return sgn_der_end(&response);
}

sgn_error_t *sgn_tsp_reply(sgn_tsp_token_t **out, sgn_bytes_t reply, const sgn_tsp_expected_t *expected,
                           sgn_path_store_t *tsa_store, apr_pool_t *pool)
{
    sgn_bytes_t der = { NULL, 0 };
    sgn_tsp_token_t *token;
    sgn_error_t *error;
    sgn_code_t verdict;
    const char *detail;
    long status;

    SGN_X690_TRY(pool, SGN_TIMESTAMP_BAD, "time-stamp reply", read_reply(&der, &status, reply));
    if (status > 1)
        return SGN_ERROR(pool, SGN_TIMESTAMP_BAD, "the server answered status %ld", status);
    error = sgn_tsp_parse(&token, der, pool);
    if (error)
        return SGN_WRAP(pool, error, SGN_TIMESTAMP_BAD, "%s", error->detail);
    if (!token->digest || strcmp(token->digest, "SHA256") || !sgn_bytes_equal(token->imprint, expected->imprint))
        return SGN_ERROR(pool, SGN_TIMESTAMP_BAD, "imprint of something else");
    if (!token->nonce.len || !same_number(token->nonce, expected->nonce))
        return SGN_ERROR(pool, SGN_TIMESTAMP_BAD, "nonce differs");
    if (expected->policy && strcmp(expected->policy, token->policy))
        return SGN_ERROR(pool, SGN_TIMESTAMP_BAD, "policy %s", token->policy);
    if (token->time < expected->asked - EARLY || token->time > expected->now + LATE)
        return SGN_ERROR(pool, SGN_TIMESTAMP_BAD, "genTime is %ld s from the request",
                         (long)apr_time_sec(token->time - expected->asked));
    SGN_TRY(sgn_tsp_verify(&verdict, &detail, token, tsa_store, NULL, expected->now, pool));
    if (verdict != SGN_OK)
        return SGN_ERROR(pool, SGN_TIMESTAMP_BAD, "%s: %s", sgn_error_row(verdict)->name, detail ? detail : "");
    *out = token;
    return NULL;
}
