/* cms_ess.c: signing-certificate and signing-certificate-v2. */
#include "look/pki/cms_ess.h"

#include <string.h>

#include "look/pki/x690.h"

#define OID_ESS_V1 "1.2.840.113549.1.9.16.2.12"
#define OID_ESS_V2 "1.2.840.113549.1.9.16.2.47"

typedef struct {
    const char *digest;
    sgn_der_t hash, issuer, serial;     /* issuer, serial empty: not stated */
} ess_t;

/* IssuerSerial ::= SEQUENCE { GeneralNames, INTEGER }; one directoryName [4]. */
static int read_issuer_serial(ess_t *out, sgn_der_t in)
{
    sgn_der_t names, name;

    SGN_FAULT_TRY(sgn_der_take(&in, SGN_DER_SEQUENCE, &names));
    SGN_FAULT_TRY(sgn_der_take(&names, SGN_DER_CONTEXT_CONSTRUCTED(4), &name));
    SGN_FAULT_TRY(sgn_der_end(&names));
    SGN_FAULT_TRY(sgn_x690_whole(&name, SGN_DER_SEQUENCE, &out->issuer));
    SGN_FAULT_TRY(sgn_der_take(&in, SGN_DER_INTEGER, &out->serial));
    while (out->serial.left > 1 && out->serial.at[0] == 0) {
        out->serial.at++;
        out->serial.left--;
    }
    return sgn_der_end(&in);
}

/* ESSCertID ::= SEQUENCE { OCTET STRING, IssuerSerial OPTIONAL }
 * ESSCertIDv2 ::= SEQUENCE { AlgorithmIdentifier DEFAULT sha256, ... } */
static int read_first(ess_t *out, sgn_bytes_t value, int version, apr_pool_t *pool)
{
    sgn_der_t in = sgn_x690_der(value), list, ids, id, algorithm;
    const char *oid;

    SGN_FAULT_TRY(sgn_der_take(&in, SGN_DER_SEQUENCE, &list));
    SGN_FAULT_TRY(sgn_der_take(&list, SGN_DER_SEQUENCE, &ids));
    SGN_FAULT_TRY(sgn_der_take(&ids, SGN_DER_SEQUENCE, &id));
    out->digest = version == 1 ? "SHA1" : "SHA256";
    if (version == 2 && sgn_x690_optional(&id, SGN_DER_SEQUENCE, &algorithm)) {
        SGN_FAULT_TRY(sgn_x690_oid(&oid, &algorithm, pool));
        out->digest = sgn_algorithm_digest_of(oid);
    }
    SGN_FAULT_TRY(sgn_der_take(&id, SGN_DER_OCTET_STRING, &out->hash));
    if (sgn_x690_optional(&id, SGN_DER_SEQUENCE, &algorithm))
        SGN_FAULT_TRY(read_issuer_serial(out, algorithm));
    return sgn_der_end(&id);
}

static int binds(const ess_t *ess, const sgn_cert_t *cert)
{
    unsigned char digest[64];
    size_t len = sgn_algorithm_hash(digest, ess->digest, cert->der);

    if (!len || !sgn_der_equal(ess->hash, digest, len))
        return 0;
    return !ess->issuer.left
        || (sgn_der_equal(ess->issuer, cert->issuer.data, cert->issuer.len)
            && sgn_der_equal(ess->serial, cert->serial_bytes.data, cert->serial_bytes.len));
}

static int same_name(const sgn_cert_t *a, const sgn_cert_t *b)
{
    return sgn_bytes_equal(a->issuer, b->issuer) && sgn_bytes_equal(a->serial_bytes, b->serial_bytes);
}

sgn_error_t *sgn_cms_ess_read(sgn_cms_t *cms, apr_pool_t *pool)
{
    static const struct { const char *oid; int version; } forms[] = { { OID_ESS_V2, 2 }, { OID_ESS_V1, 1 } };

    for (size_t i = 0; i < 2; i++) {
        ess_t ess = { 0 };
        sgn_bytes_t value;

        if (!sgn_cms_attribute(&value, cms, forms[i].oid, pool))
            continue;
        SGN_X690_TRY(pool, SGN_F_CMS_UNREADABLE, "signing-certificate", read_first(&ess, value, forms[i].version, pool));
        for (int c = 0; cms->signer && !binds(&ess, cms->signer) && c < cms->certs->nelts; c++) {
            sgn_cert_t *cert = APR_ARRAY_IDX(cms->certs, c, sgn_cert_t *);

            if (same_name(cert, cms->signer) && binds(&ess, cert))
                cms->signer = cert;
        }
        /* with both forms present, both must be right */
        if (!cms->signer || !binds(&ess, cms->signer) || cms->ess == SGN_CMS_ESS_DIFFERS)
            cms->ess = SGN_CMS_ESS_DIFFERS;
        else
            cms->ess = SGN_CMS_ESS_RIGHT;
        if (!cms->ess_version)
            cms->ess_version = forms[i].version;
    }
    return NULL;
}
