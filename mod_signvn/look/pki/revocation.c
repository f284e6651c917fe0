/* revocation.c: judging status from a set of evidence. */
#include "look/pki/revocation.h"

#include <string.h>

#include <apr_strings.h>

#include "crypto/digest.h"
#include "crypto/random.h"
#include "look/pki/x690.h"

#define SKEW apr_time_from_sec(300)
#define CRL_AGE apr_time_from_sec(7 * 86400)        /* without nextUpdate */
#define OCSP_AGE apr_time_from_sec(86400)
#define KEY_COMPROMISE 1
#define CA_COMPROMISE 2
#define HOLD 6
#define AA_COMPROMISE 10
#define MISSING 32

typedef struct {
    sgn_revocation_kind_t kind;
    sgn_crl_t *crl;
    sgn_ocsp_t *ocsp;
    const sgn_cert_t *verified_by;      /* signature found good for this issuer */
    const sgn_cert_t *refused_by;
    const char *why;
} piece_t;

struct sgn_revocation_set_t {
    apr_array_header_t *pieces;         /* piece_t */
    apr_pool_t *pool;
};

/* What one piece says about one certificate. */
typedef struct {
    sgn_revocation_status_t status;
    apr_time_t revoked, invalid_from, this_update, next_update, kept_since;
    apr_interval_time_t age;
    int reason;
    const char *source;
    sgn_bytes_t der;
} word_t;

sgn_revocation_set_t *sgn_revocation_set_make(apr_pool_t *pool)
{
    sgn_revocation_set_t *set = apr_pcalloc(pool, sizeof *set);

    set->pieces = apr_array_make(pool, 4, sizeof(piece_t));
    set->pool = pool;
    return set;
}

void sgn_revocation_set_add(int *used, sgn_revocation_set_t *set, sgn_revocation_kind_t kind, sgn_bytes_t der)
{
    piece_t piece = { .kind = kind };
    sgn_error_t *error = kind == SGN_REVOCATION_CRL
        ? sgn_crl_parse(&piece.crl, der, set->pool) : sgn_ocsp_parse(&piece.ocsp, der, set->pool);
    int good = !error && set->pieces->nelts < SGN_REVOCATION_EVIDENCE;

    if (good)
        APR_ARRAY_PUSH(set->pieces, piece_t) = piece;
    if (used)
        *used = good;
}

/* Verifies once per issuer; the reason of a refusal is remembered. */
static int is_signed(piece_t *piece, const sgn_cert_t *issuer, apr_pool_t *pool)
{
    sgn_error_t *error;

    if (piece->verified_by && sgn_cert_equal(piece->verified_by, issuer))
        return 1;
    if (piece->refused_by && sgn_cert_equal(piece->refused_by, issuer))
        return 0;
    error = piece->kind == SGN_REVOCATION_CRL
        ? sgn_crl_verify(piece->crl, issuer, pool) : sgn_ocsp_verify(piece->ocsp, issuer, pool);
    if (error) {
        piece->refused_by = issuer;
        piece->why = error->detail;
        return 0;
    }
    piece->verified_by = issuer;
    return 1;
}

static int ask_crl(word_t *word, piece_t *piece, const sgn_cert_t *cert, const sgn_cert_t *issuer, apr_pool_t *pool)
{
    const sgn_crl_t *crl = piece->crl;
    sgn_crl_entry_t entry;
    sgn_error_t *error;

    if (!sgn_crl_covers(crl, cert) || !is_signed(piece, issuer, pool))
        return 0;
    error = sgn_crl_find(&entry, crl, cert, pool);
    if (error) {
        piece->why = error->detail;
        return 0;
    }
    *word = (word_t){ .status = !entry.found ? SGN_REVOCATION_GOOD
                          : entry.reason == HOLD ? SGN_REVOCATION_HOLD : SGN_REVOCATION_REVOKED,
                      .revoked = entry.revoked, .invalid_from = entry.invalid_from, .reason = entry.reason,
                      .this_update = crl->this_update, .next_update = crl->next_update,
                      .kept_since = crl->expired_from, .age = CRL_AGE, .source = "CRL", .der = crl->der };
    return 1;
}

static int ask_ocsp(word_t *word, piece_t *piece, const sgn_cert_t *cert, const sgn_cert_t *issuer, apr_pool_t *pool)
{
    const sgn_ocsp_single_t *single = sgn_ocsp_find(piece->ocsp, cert, issuer);

    if (!single || !is_signed(piece, issuer, pool))
        return 0;
    if (single->status == SGN_OCSP_UNKNOWN) {
        piece->why = "the responder does not know the certificate";
        return 0;
    }
    *word = (word_t){ .status = single->status == SGN_OCSP_GOOD ? SGN_REVOCATION_GOOD
                          : single->reason == HOLD ? SGN_REVOCATION_HOLD : SGN_REVOCATION_REVOKED,
                      .revoked = single->revoked, .reason = single->reason,
                      .this_update = single->this_update, .next_update = single->next_update,
                      .kept_since = single->archive_cutoff, .age = OCSP_AGE, .source = "OCSP", .der = piece->ocsp->der };
    return 1;
}

/* May the piece be believed about the time of judgement?  NULL: yes. */
static const char *window(const word_t *word, const sgn_cert_t *cert, const sgn_revocation_when_t *when)
{
    apr_time_t until = word->next_update ? word->next_update : word->this_update + word->age;

    if (word->this_update > when->now + SKEW)
        return "thisUpdate lies in the future";
    /* [EN 319 102-1, 5.2.5.4] issued for the time of judgement */
    if (!when->proven && until < when->now)
        return "out of date";
    if (when->proven && word->this_update < when->time && until < when->time)
        return "older than the time of signing";
    /* [RFC 5280, 3.3] expired certificates may leave the list */
    if (word->status == SGN_REVOCATION_GOOD && word->this_update > cert->not_after
        && !(word->kept_since && word->kept_since <= cert->not_after))
        return "made after the certificate expired";
    return NULL;
}

typedef struct {
    word_t newest, revoked;     /* status UNKNOWN: none */
    const char *why;
} words_t;

static int delegate_is_good(words_t *words, const sgn_ocsp_t *ocsp, apr_array_header_t *missing, sgn_revocation_set_t *set,
                            const sgn_cert_t *issuer, const sgn_revocation_when_t *when, apr_pool_t *pool);

static void collect(words_t *words, apr_array_header_t *missing, sgn_revocation_set_t *set,
                    const sgn_cert_t *cert, const sgn_cert_t *issuer,
                    const sgn_revocation_when_t *when, int lists_only, apr_pool_t *pool)
{
    memset(words, 0, sizeof *words);
    for (int i = 0; i < set->pieces->nelts; i++) {
        piece_t *piece = &APR_ARRAY_IDX(set->pieces, i, piece_t);
        const char *why;
        word_t word;

        if (piece->kind == SGN_REVOCATION_OCSP
            ? lists_only || !ask_ocsp(&word, piece, cert, issuer, pool)
              || !delegate_is_good(words, piece->ocsp, missing, set, issuer, when, pool)
            : !ask_crl(&word, piece, cert, issuer, pool)) {
            if (piece->why)
                words->why = piece->why;
            continue;
        }
        /* what is revoked stays so, however old the piece that says it */
        if (word.status == SGN_REVOCATION_REVOKED && word.this_update <= when->now + SKEW
            && (words->revoked.status == SGN_REVOCATION_UNKNOWN || word.this_update > words->revoked.this_update))
            words->revoked = word;
        why = window(&word, cert, when);
        if (why)
            words->why = why;
        else if (words->newest.status == SGN_REVOCATION_UNKNOWN || word.this_update > words->newest.this_update)
            words->newest = word;
    }
}

static void add_missing(apr_array_header_t *missing, sgn_revocation_kind_t kind, const char *key, const char *const *urls,
                        sgn_bytes_t request, const sgn_cert_t *cert, const sgn_cert_t *issuer)
{
    for (int i = 0; i < missing->nelts; i++)
        if (!strcmp(APR_ARRAY_IDX(missing, i, sgn_revocation_missing_t).key, key))
            return;
    if (missing->nelts < MISSING)
        APR_ARRAY_PUSH(missing, sgn_revocation_missing_t) = (sgn_revocation_missing_t){
            .kind = kind, .key = key, .urls = urls, .request = request, .issuer = issuer, .cert = cert };
}

static sgn_error_t *miss_list(apr_array_header_t *missing, const sgn_cert_t *cert, const sgn_cert_t *issuer, apr_pool_t *pool)
{
    const char *key;

    if (!missing || !cert->crl_urls[0])
        return NULL;
    SGN_TRY(sgn_crl_key(&key, issuer, cert, pool));
    add_missing(missing, SGN_REVOCATION_CRL, key, cert->crl_urls, sgn_bytes(NULL, 0), cert, issuer);
    return NULL;
}

static sgn_error_t *miss_ocsp(apr_array_header_t *missing, const sgn_cert_t *cert, const sgn_cert_t *issuer,
                              sgn_bytes_t seed, apr_pool_t *pool)
{
    unsigned char nonce[32];
    sgn_bytes_t request, text;
    sgn_buf_t *buf;
    const char *key;

    if (!missing || !cert->ocsp_urls[0])
        return NULL;
    SGN_TRY(sgn_ocsp_key(&key, cert, issuer, pool));
    if (seed.len) {
        buf = sgn_buf_make(0, pool);
        sgn_buf_add(buf, seed.data, seed.len);
        sgn_buf_str(buf, key);
        SGN_TRY(sgn_buf_bytes(&text, buf));
        SGN_TRY(sgn_digest_sha256(nonce, text.data, text.len, pool));
    }
    else
        SGN_TRY(sgn_random_bytes(nonce, sizeof nonce, pool));
    /* 16 bytes: older responders refuse longer ones [RFC 8954, 2.1] */
    SGN_TRY(sgn_ocsp_request(&request, cert, issuer, sgn_bytes(nonce, 16), pool));
    add_missing(missing, SGN_REVOCATION_OCSP, key, cert->ocsp_urls, request, cert, issuer);
    return NULL;
}

/* [RFC 6960, 4.2.2.2.1] a delegate's own status: id-pkix-ocsp-nocheck, or a
 * list of the issuer; never OCSP, which would be itself. */
static int delegate_is_good(words_t *words, const sgn_ocsp_t *ocsp, apr_array_header_t *missing, sgn_revocation_set_t *set,
                            const sgn_cert_t *issuer, const sgn_revocation_when_t *when, apr_pool_t *pool)
{
    words_t own;

    if (!ocsp->delegate || ocsp->delegate->ocsp_no_check)
        return 1;
    collect(&own, NULL, set, ocsp->delegate, issuer, when, 1, pool);
    if (own.revoked.status == SGN_REVOCATION_UNKNOWN && own.newest.status == SGN_REVOCATION_GOOD)
        return 1;
    words->why = "the responder's own status is not known";
    if (missing && miss_list(missing, ocsp->delegate, issuer, pool))
        words->why = "the responder's list cannot be named";
    return 0;
}

/* A revocation that is known: does it reach the time of judgement? */
static void judge_revoked(sgn_revocation_t *out, const word_t *word, const sgn_revocation_when_t *when)
{
    int compromise = word->reason == KEY_COMPROMISE || word->reason == CA_COMPROMISE || word->reason == AA_COMPROMISE;
    apr_time_t from = word->revoked;

    out->revoked = word->revoked;
    out->reason = word->reason;
    if (word->invalid_from && word->invalid_from < from)
        from = word->invalid_from;
    if (!when->proven) {
        /* [THREATS A14] /M or a claimed time never saves it */
        out->status = SGN_REVOCATION_REVOKED;
        out->code = SGN_F_REVOKED_NO_POE;
    }
    else if (when->time >= from || (compromise && !word->invalid_from)) {
        out->status = SGN_REVOCATION_REVOKED;
        out->code = SGN_F_CERT_REVOKED;
    }
    else {
        out->status = SGN_REVOCATION_GOOD;
        out->code = SGN_OK;
    }
}

sgn_error_t *sgn_revocation_check(sgn_revocation_t *out, apr_array_header_t *missing,
                                  sgn_revocation_set_t *set, const sgn_cert_t *cert, const sgn_cert_t *issuer,
                                  const sgn_revocation_when_t *when, apr_pool_t *pool)
{
    sgn_revocation_t result = { .status = SGN_REVOCATION_UNKNOWN, .code = SGN_F_REVOCATION_UNKNOWN, .cert = cert };
    const word_t *word;
    words_t words;

    collect(&words, missing, set, cert, issuer, when, 0, pool);
    word = words.revoked.status != SGN_REVOCATION_UNKNOWN ? &words.revoked : &words.newest;
    result.detail = words.why;
    if (word->status != SGN_REVOCATION_UNKNOWN) {
        result.status = word->status;
        result.source = word->source;
        result.produced = word->this_update;
        result.evidence = word->der;
        result.code = word->status == SGN_REVOCATION_HOLD ? SGN_F_CERT_HOLD : SGN_OK;
        if (word->status == SGN_REVOCATION_HOLD) {
            result.revoked = word->revoked;
            result.reason = word->reason;
        }
    }
    if (word->status == SGN_REVOCATION_REVOKED)
        judge_revoked(&result, word, when);
    if (result.status == SGN_REVOCATION_UNKNOWN) {
        SGN_TRY(miss_ocsp(missing, cert, issuer, when->seed, pool));
        SGN_TRY(miss_list(missing, cert, issuer, pool));
    }
    *out = result;
    return NULL;
}

int sgn_revocation_published(const sgn_cert_t *cert)
{
    return cert->ocsp_urls[0] || cert->crl_urls[0];
}

static int gravity(sgn_code_t code)
{
    switch (code) {
    case SGN_OK: return 0;
    case SGN_F_REVOCATION_UNKNOWN: return 1;
    case SGN_F_CERT_HOLD: return 2;
    case SGN_F_REVOKED_NO_POE: return 3;
    default: return 4;
    }
}

static sgn_error_t *along(apr_array_header_t **out, sgn_code_t *worst, apr_array_header_t *missing,
                          sgn_revocation_set_t *set, const sgn_path_t *path, const sgn_revocation_when_t *when,
                          int published_only, apr_pool_t *pool)
{
    apr_array_header_t *list = apr_array_make(pool, path->count + 1, sizeof(sgn_revocation_t));
    sgn_code_t found = SGN_OK;

    if (path->code != SGN_OK && path->code != SGN_F_CERT_EXPIRED && path->code != SGN_F_CERT_USAGE) {
        *out = list;
        *worst = SGN_F_REVOCATION_UNKNOWN;
        return NULL;
    }
    for (int i = 0; i + 1 < path->count; i++) {
        sgn_revocation_t *one = &APR_ARRAY_PUSH(list, sgn_revocation_t);

        SGN_TRY(sgn_revocation_check(one, missing, set, path->certs[i], path->certs[i + 1], when, pool));
        if (published_only && one->status == SGN_REVOCATION_UNKNOWN && !sgn_revocation_published(path->certs[i])) {
            one->status = SGN_REVOCATION_GOOD;
            one->code = SGN_OK;
        }
        if (gravity(one->code) > gravity(found))
            found = one->code;
    }
    *out = list;
    *worst = found;
    return NULL;
}

sgn_error_t *sgn_revocation_path(apr_array_header_t **out, sgn_code_t *worst, apr_array_header_t *missing,
                                 sgn_revocation_set_t *set, const sgn_path_t *path,
                                 const sgn_revocation_when_t *when, apr_pool_t *pool)
{
    return along(out, worst, missing, set, path, when, 0, pool);
}

sgn_error_t *sgn_revocation_tsa_path(apr_array_header_t **out, sgn_code_t *worst, apr_array_header_t *missing,
                                     sgn_revocation_set_t *set, const sgn_path_t *path,
                                     const sgn_revocation_when_t *when, apr_pool_t *pool)
{
    return along(out, worst, missing, set, path, when, 1, pool);
}

apr_array_header_t *sgn_revocation_missing_make(apr_pool_t *pool)
{
    return apr_array_make(pool, 4, sizeof(sgn_revocation_missing_t));
}
