/* checks_value.c: what stands in /Contents, the digests, and the value. */
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "base/pool.h"
#include "look/validate/checks_part.h"

static int is_one_of(const char *name, const char *const *list)
{
    for (; name && *list; list++)
        if (strcmp(name, *list) == 0)
            return 1;
    return 0;
}

static void fail(sgn_checks_t *checks, sgn_checks_signature_t *signature, sgn_code_t code, const char *sub,
                 const char *subject)
{
    sgn_report_note(checks->report, signature->row, code, subject);
    sgn_report_lower(signature->row, SGN_INDICATION_FAILED, sub);
    sgn_report_result(&signature->row->integrity, "invalid", code);
}

static void set_signer(sgn_report_signature_t *row, const sgn_cert_t *cert)
{
    row->signer.common_name = cert->common_name;
    row->signer.title = cert->title;
    row->signer.organisation = cert->organisation;
    row->signer.identifier = cert->identifier ? cert->identifier : cert->organisation_id;
    row->signer.serial = cert->serial;
    row->signer.issuer = cert->issuer_name;
    row->signer.kind = sgn_cert_kind(cert);
}

/* ---- forms that are not known --------------------------------------------- */

/* [ISO 32000-1, 12.8.3.3.1] adbe.pkcs7.sha1: the content is the SHA-1 digest of
 * the ranges, and messageDigest that of the content. */
#define INNER_DIGEST 20
#define OID_DATA "1.2.840.113549.1.7.1"

/* A name of the form that was changed must not hide that the signature fails: a
 * CMS or a token states the digest of the ranges whatever its SubFilter is. */
static void guess_contents(sgn_checks_t *checks, sgn_checks_signature_t *signature)
{
    sgn_tsp_token_t *token;
    sgn_cms_t *cms;
    sgn_bytes_t der;

    if (sgn_cms_trim(&der, signature->from->contents, checks->pool) || sgn_cms_parse(&cms, der, checks->pool))
        return;
    signature->guess = cms;
    if (!cms->has_content)
        signature->digest_name = cms->digest;
    else if (!sgn_tsp_parse(&token, der, checks->pool))
        signature->digest_name = token->digest;
    else if (cms->content.len == INNER_DIGEST && strcmp(cms->content_type, OID_DATA) == 0)
        signature->digest_name = "SHA1";
}

/* The digest that it states of the ranges; empty: none that can be compared. */
static sgn_bytes_t stated_digest(const sgn_cms_t *cms, apr_pool_t *pool)
{
    sgn_tsp_token_t *token;

    if (!cms->has_content)
        return cms->message_digest;
    return sgn_tsp_parse(&token, cms->der, pool) ? cms->content : token->imprint;
}

/* A digest that differs is a digest that differs; one that agrees, or a value
 * that nobody can verify, concludes nothing: unknown is never valid. */
static void check_guess(sgn_checks_t *checks, sgn_checks_signature_t *signature)
{
    const sgn_cms_t *cms = signature->guess;
    sgn_bytes_t digest = sgn_bytes(signature->digest, signature->digest_len), stated;

    if (!cms || !digest.len)
        return;
    stated = stated_digest(cms, checks->pool);
    if (stated.len) {
        if (!sgn_bytes_equal(stated, digest))
            fail(checks, signature, SGN_F_DIGEST, "HASH_FAILURE", NULL);
    } else if (!cms->has_content && !cms->signed_attrs.len && cms->signer && cms->algorithm.scheme != SGN_ALGORITHM_UNKNOWN
               && !sgn_algorithm_verify_digest(&cms->algorithm, cms->signer->key, digest, cms->value)) {
        /* without attributes the value stands over the ranges [RFC 5652, 5.4] */
        fail(checks, signature, SGN_F_VALUE, "SIG_CRYPTO_FAILURE", NULL);
    }
}

sgn_error_t *sgn_checks_contents(sgn_checks_t *checks, sgn_checks_signature_t *signature)
{
    static const char *const pades[] = { "ETSI.CAdES.detached", NULL };
    static const char *const pkcs7[] = { "adbe.pkcs7.detached", NULL };
    static const char *const stamps[] = { "ETSI.RFC3161", NULL };
    const char *subfilter = signature->from->subfilter;
    sgn_report_signature_t *row = signature->row;
    sgn_bytes_t der;

    row->timestamp = signature->from->is_timestamp;
    if (signature->from->claimed_time)
        (void)sgn_report_time_parse(&row->claimed, signature->from->claimed_time);
    /* [R3] listed, but nothing good is concluded from what we do not understand */
    if (!is_one_of(subfilter, pades) && !is_one_of(subfilter, pkcs7) && !is_one_of(subfilter, stamps)) {
        row->format = "unknown";
        sgn_report_note(checks->report, row, SGN_F_SUBFILTER, subfilter);
        sgn_report_lower(row, SGN_INDICATION_INDETERMINATE, "GENERIC");
        guess_contents(checks, signature);
        return NULL;
    }
    signature->known = 1;
    if (is_one_of(subfilter, pkcs7)) {
        row->format = "PDF";
        row->level = "PKCS7";
    }
    row->timestamp = is_one_of(subfilter, stamps);
    if (sgn_cms_trim(&der, signature->from->contents, checks->pool)) {
        fail(checks, signature, SGN_F_CMS_UNREADABLE, "FORMAT_FAILURE", NULL);
        return NULL;
    }
    if (row->timestamp) {
        if (sgn_tsp_parse(&signature->token, der, checks->pool)) {
            signature->token = NULL;
            fail(checks, signature, SGN_F_TST_INVALID, "FORMAT_FAILURE", NULL);
            return NULL;
        }
        signature->digest_name = signature->token->digest;
        if (signature->token->cms->signer)
            set_signer(row, signature->token->cms->signer);
        row->algorithm = sgn_algorithm_text(&signature->token->cms->algorithm, checks->pool);
    } else {
        sgn_error_t *error = sgn_cms_parse(&signature->cms, der, checks->pool);

        if (error) {
            signature->cms = NULL;
            fail(checks, signature, SGN_F_CMS_UNREADABLE, "FORMAT_FAILURE", error->detail);
            return NULL;
        }
        signature->digest_name = signature->cms->digest;
        if (signature->cms->signer)
            set_signer(row, signature->cms->signer);
        row->algorithm = sgn_algorithm_text(&signature->cms->algorithm, checks->pool);
        if (!row->claimed)
            row->claimed = signature->cms->claimed;
    }
    return NULL;
}

/* ---- one pass ------------------------------------------------------------- */

static int by_gap(const void *a, const void *b)
{
    const sgn_checks_signature_t *x = *(sgn_checks_signature_t *const *)a, *y = *(sgn_checks_signature_t *const *)b;

    return x->from->range[1] < y->from->range[1] ? -1 : x->from->range[1] > y->from->range[1];
}

/* All signatures of one digest algorithm.  Every range begins at 0, so one
 * context runs over the file; at each gap its state is copied and finished with
 * that signature's own tail, which is short. */
static sgn_error_t *hash_one(sgn_checks_t *checks, const char *digest, sgn_checks_signature_t **order, int count)
{
    const unsigned char *map = checks->input->document.map;
    EVP_MD_CTX *running = EVP_MD_CTX_new(), *copy = EVP_MD_CTX_new();
    EVP_MD *md = EVP_MD_fetch(NULL, digest, NULL);
    apr_int64_t pos = 0;
    int i, good;

    SGN_OWN(checks->pool, running, EVP_MD_CTX_free);
    SGN_OWN(checks->pool, copy, EVP_MD_CTX_free);
    SGN_OWN(checks->pool, md, EVP_MD_free);
    good = running && copy && md && EVP_DigestInit_ex2(running, md, NULL);
    for (i = 0; i < count && good; i++) {
        const apr_int64_t *range = order[i]->from->range;
        unsigned len = 0;

        good = EVP_DigestUpdate(running, map + pos, (size_t)(range[1] - pos));
        pos = range[1];
        good = good && EVP_MD_CTX_copy_ex(copy, running)
            && EVP_DigestUpdate(copy, map + range[2], (size_t)range[3])
            && EVP_DigestFinal_ex(copy, order[i]->digest, &len);
        order[i]->digest_len = len;
    }
    return good ? NULL : SGN_ERROR(checks->pool, SGN_CRYPTO, "digest %s", digest);
}

sgn_error_t *sgn_checks_hash(sgn_checks_t *checks)
{
    sgn_checks_signature_t **order = apr_palloc(checks->pool, sizeof *order * (size_t)(checks->count + 1));
    const char *done[8];
    int i, j, ndone = 0;

    for (i = 0; i < checks->count; i++) {
        const char *digest = checks->signatures[i].digest_name;
        int count = 0;

        if (!digest || !checks->signatures[i].range_good || is_one_of(digest, (done[ndone] = NULL, done)))
            continue;
        for (j = i; j < checks->count; j++)
            if (checks->signatures[j].range_good && checks->signatures[j].digest_name
                && strcmp(checks->signatures[j].digest_name, digest) == 0)
                order[count++] = &checks->signatures[j];
        qsort(order, (size_t)count, sizeof *order, by_gap);
        SGN_TRY(hash_one(checks, digest, order, count));
        done[ndone++] = digest;
        if (ndone == 7)
            break;
    }
    return NULL;
}

/* ---- value ---------------------------------------------------------------- */

static void apply(sgn_checks_t *checks, sgn_checks_signature_t *signature, sgn_code_t code)
{
    sgn_report_signature_t *row = signature->row;

    switch (code) {
    case SGN_F_DIGEST:
        fail(checks, signature, code, "HASH_FAILURE", NULL);
        break;
    case SGN_F_VALUE:
        fail(checks, signature, code, "SIG_CRYPTO_FAILURE", NULL);
        break;
    case SGN_F_ATTRIBUTES:
        fail(checks, signature, code, "FORMAT_FAILURE", NULL);
        break;
    case SGN_F_ESS_MISSING:
        /* adbe.pkcs7.detached never promised it */
        if (strcmp(row->level, "PKCS7") == 0)
            break;
        sgn_report_note(checks->report, row, code, NULL);
        sgn_report_lower(row, SGN_INDICATION_INDETERMINATE, "SIG_CONSTRAINTS_FAILURE");
        break;
    case SGN_F_DIGEST_UNLISTED:
        /* [EN 319 102-1, 5.2.8] it verifies, so it is no format failure; but the
         * block contradicts itself */
        sgn_report_note(checks->report, row, code, NULL);
        sgn_report_lower(row, SGN_INDICATION_INDETERMINATE, "SIG_CONSTRAINTS_FAILURE");
        break;
    case SGN_F_ESS_DIFFERS:
        sgn_report_note(checks->report, row, code, NULL);
        sgn_report_lower(row, SGN_INDICATION_INDETERMINATE, "NO_SIGNING_CERTIFICATE_FOUND");
        break;
    case SGN_F_ALGORITHM:
        sgn_report_note(checks->report, row, code, row->algorithm);
        sgn_report_lower(row, SGN_INDICATION_INDETERMINATE, "CRYPTO_CONSTRAINTS_FAILURE_NO_POE");
        break;
    default:
        sgn_report_note(checks->report, row, code, NULL);
        break;
    }
}

static void add_fact(sgn_checks_t *checks, const sgn_checks_signature_t *signature)
{
    static const struct { sgn_algorithm_scheme_t scheme; const char *oid; } oids[] = {
        { SGN_ALGORITHM_PSS, "1.2.840.113549.1.1.10" },
        { SGN_ALGORITHM_PKCS1, "1.2.840.113549.1.1.11" },
        { SGN_ALGORITHM_ECDSA, "1.2.840.10045.4.3.2" },
    };
    const sgn_cms_t *cms = signature->cms;
    sgn_checks_fact_t *fact = &APR_ARRAY_PUSH(checks->answer->facts, sgn_checks_fact_t);
    size_t i;

    memset(fact, 0, sizeof *fact);
    fact->n = signature->n;
    fact->field = signature->row->name;
    memcpy(fact->range, signature->from->range, sizeof fact->range);
    fact->dtbs = cms->signed_attrs;
    fact->value = cms->value;
    for (i = 0; i < sizeof oids / sizeof *oids; i++)
        if (oids[i].scheme == cms->algorithm.scheme && signature->digest_name
            && strcmp(signature->digest_name, "SHA256") == 0)
            fact->algorithm = oids[i].oid;
    if (cms->signer) {
        fact->certificate = cms->signer->der;
        fact->certificate_sha256 = cms->signer->sha256_hex;
    }
    fact->revision_end = signature->from->range[2] + signature->from->range[3];
    fact->document = signature->attrs;
}

static sgn_error_t *check_token(sgn_checks_t *checks, sgn_checks_signature_t *signature)
{
    sgn_tsp_token_t *token = signature->token;
    sgn_code_t verdict = SGN_F_TST_INVALID;
    const char *detail = NULL;

    if (!token || !signature->range_good)
        return NULL;
    if (signature->digest_len == 0 || token->imprint.len != signature->digest_len
        || memcmp(token->imprint.data, signature->digest, token->imprint.len) != 0) {
        fail(checks, signature, SGN_F_DIGEST, "HASH_FAILURE", NULL);
        return NULL;
    }
    SGN_TRY(sgn_tsp_verify(&verdict, &detail, token, checks->tsa_store, sgn_checks_offered(checks, token->cms),
                           checks->input->now, checks->pool));
    switch (verdict) {
    case SGN_OK:
        break;
    case SGN_F_TST_UNTRUSTED:
        sgn_report_note(checks->report, signature->row, verdict, detail);
        sgn_report_lower(signature->row, SGN_INDICATION_INDETERMINATE, "NO_CERTIFICATE_CHAIN_FOUND");
        sgn_report_result(&signature->row->certification_path, "invalid", SGN_F_TST_UNTRUSTED);
        break;
    case SGN_F_ALGORITHM:
        apply(checks, signature, verdict);
        break;
    default:
        fail(checks, signature, SGN_F_TST_INVALID, "SIG_CRYPTO_FAILURE", detail);
        return NULL;
    }
    signature->row->intact = 1;
    sgn_report_result(&signature->row->integrity, "valid", SGN_OK);
    return NULL;
}

sgn_error_t *sgn_checks_value(sgn_checks_t *checks, sgn_checks_signature_t *signature)
{
    sgn_report_signature_t *row = signature->row;
    sgn_cms_t *cms = signature->cms;
    sgn_cms_check_t check;
    int i;

    if (!signature->known) {
        check_guess(checks, signature);
        return NULL;
    }
    if (row->timestamp)
        return check_token(checks, signature);
    if (!cms)
        return NULL;
    if (!cms->signer) {
        sgn_report_note(checks->report, row, SGN_F_CMS_UNREADABLE, "signer's certificate is not supplied");
        sgn_report_lower(row, SGN_INDICATION_INDETERMINATE, "NO_SIGNING_CERTIFICATE_FOUND");
    } else if (!signature->digest_name) {
        apply(checks, signature, SGN_F_ALGORITHM);
    } else if (signature->range_good) {
        SGN_TRY(sgn_cms_check(&check, cms, sgn_bytes(signature->digest, signature->digest_len), checks->pool));
        for (i = 0; i < 8 && check.codes[i] != SGN_OK; i++)
            apply(checks, signature, check.codes[i]);
        row->intact = check.digest && check.value && signature->range_good;
        if (row->intact) {
            sgn_report_result(&row->integrity, "valid", SGN_OK);
        } else if (row->worst != SGN_INDICATION_FAILED) {
            fail(checks, signature, SGN_F_VALUE, "SIG_CRYPTO_FAILURE", NULL);
        }
        /* What was signed means something only when the value is right. */
        if (row->intact && sgn_signedattrs_survey(&signature->attrs, cms->signed_attrs.data, cms->signed_attrs.len) == 0)
            row->kind = sgn_signedattrs_kind_name(signature->attrs.kind);
        else
            memset(&signature->attrs, 0, sizeof signature->attrs);
    }
    add_fact(checks, signature);
    return NULL;
}
