/* revocation_admit.c: may a fetched piece of evidence be kept?  [THREATS A13, B24] */
#include "look/pki/revocation.h"

#define BAD SGN_EVIDENCE_BAD
#define SKEW apr_time_from_sec(300)
#define OCSP_AGE apr_time_from_sec(86400)

static sgn_error_t *in_window(apr_time_t from, apr_time_t until, apr_time_t now, apr_pool_t *pool)
{
    if (from > now + SKEW)
        return SGN_ERROR(pool, BAD, "thisUpdate lies in the future");
    if (until < now)
        return SGN_ERROR(pool, BAD, "out of date");
    return NULL;
}

static sgn_error_t *admit_crl(sgn_revocation_admitted_t *out, sgn_bytes_t der, const sgn_cert_t *cert,
                              const sgn_cert_t *issuer, apr_time_t now, apr_pool_t *pool)
{
    sgn_crl_entry_t entry;
    sgn_crl_t *crl;

    SGN_TRY(sgn_crl_parse(&crl, der, pool));
    SGN_TRY(sgn_crl_verify(crl, issuer, pool));
    if (!sgn_crl_covers(crl, cert))
        return SGN_ERROR(pool, BAD, "CRL of another scope");
    SGN_TRY(sgn_crl_find(&entry, crl, cert, pool));
    /* [RFC 5280, 5.1.2.5] nextUpdate is not optional */
    if (!crl->next_update)
        return SGN_ERROR(pool, BAD, "CRL without nextUpdate");
    SGN_TRY(in_window(crl->this_update, crl->next_update, now, pool));
    out->this_update = crl->this_update;
    out->next_update = crl->next_update;
    out->number = crl->number;
    return sgn_crl_key(&out->key, issuer, cert, pool);
}

/* An answer without our nonce could be an old one, replayed; one that was made
 * just now cannot be much older than the question. */
static sgn_error_t *check_nonce(const sgn_ocsp_t *ocsp, sgn_bytes_t request, apr_time_t now, apr_pool_t *pool)
{
    sgn_bytes_t id, nonce;

    SGN_TRY(sgn_ocsp_request_read(&id, &nonce, request, pool));
    if (ocsp->nonce.len) {
        if (!sgn_bytes_equal(ocsp->nonce, nonce))
            return SGN_ERROR(pool, BAD, "OCSP nonce differs");
        return NULL;
    }
    if (ocsp->produced < now - SKEW || ocsp->produced > now + SKEW)
        return SGN_ERROR(pool, BAD, "OCSP answer without nonce was not made now");
    return NULL;
}

static sgn_error_t *admit_ocsp(sgn_revocation_admitted_t *out, sgn_bytes_t der, sgn_bytes_t request,
                               const sgn_cert_t *cert, const sgn_cert_t *issuer, apr_time_t now, apr_pool_t *pool)
{
    const sgn_ocsp_single_t *single;
    sgn_ocsp_t *ocsp;

    SGN_TRY(sgn_ocsp_parse(&ocsp, der, pool));
    SGN_TRY(sgn_ocsp_verify(ocsp, issuer, pool));
    single = sgn_ocsp_find(ocsp, cert, issuer);
    if (!single)
        return SGN_ERROR(pool, BAD, "OCSP answer about another certificate");
    if (single->status == SGN_OCSP_UNKNOWN)
        return SGN_ERROR(pool, BAD, "the responder does not know the certificate");
    SGN_TRY(check_nonce(ocsp, request, now, pool));
    out->this_update = single->this_update;
    out->next_update = single->next_update ? single->next_update : single->this_update + OCSP_AGE;
    out->number = NULL;
    SGN_TRY(in_window(out->this_update, out->next_update, now, pool));
    return sgn_ocsp_key(&out->key, cert, issuer, pool);
}

sgn_error_t *sgn_revocation_admit(sgn_revocation_admitted_t *out, sgn_revocation_kind_t kind, sgn_bytes_t der,
                                  sgn_bytes_t request, const sgn_cert_t *cert, const sgn_cert_t *issuer,
                                  apr_time_t now, apr_pool_t *pool)
{
    sgn_revocation_admitted_t admitted = { 0 };

    if (!sgn_cert_is_issued_by(cert, issuer))
        return SGN_ERROR(pool, BAD, "the certificate is not of this issuer");
    SGN_TRY(kind == SGN_REVOCATION_CRL
            ? admit_crl(&admitted, der, cert, issuer, now, pool)
            : admit_ocsp(&admitted, der, request, cert, issuer, now, pool));
    *out = admitted;
    return NULL;
}
