/* tsp_request.c: a TimeStampReq.  [RFC 3161, 2.4.1] */
#include "look/pki/tsp.h"

#include <openssl/objects.h>

#include "look/pki/x690.h"

static const unsigned char version_one[] = { 0x02, 0x01, 0x01 };
static const unsigned char cert_req[] = { 0x01, 0x01, 0xff };
static const unsigned char sha256[] = {
    0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00 };

static int put_policy(sgn_der_out_t *out, const char *policy)
{
    ASN1_OBJECT *object = OBJ_txt2obj(policy, 1);

    if (!object)
        return 0;
    sgn_der_value(out, SGN_DER_OID, OBJ_get0_data(object), OBJ_length(object));
    ASN1_OBJECT_free(object);
    return 1;
}

sgn_error_t *sgn_tsp_request(sgn_bytes_t *bytes, sgn_bytes_t imprint, sgn_bytes_t nonce, const char *policy, apr_pool_t *pool)
{
    unsigned char buf[256];
    sgn_der_out_t out;
    size_t mark;

    if (imprint.len != 32 || nonce.len == 0 || nonce.len > 20)
        return SGN_ERROR(pool, SGN_FIELD, "imprint of %lu, nonce of %lu bytes",
                         (unsigned long)imprint.len, (unsigned long)nonce.len);
    sgn_der_out(&out, buf, sizeof buf);
    sgn_der_put(&out, cert_req, sizeof cert_req);
    sgn_der_unsigned(&out, nonce.data, nonce.len);
    if (policy && !put_policy(&out, policy))
        return SGN_ERROR(pool, SGN_FIELD, "policy %s", policy);
    mark = sgn_der_mark(&out);
    sgn_der_value(&out, SGN_DER_OCTET_STRING, imprint.data, imprint.len);
    sgn_der_put(&out, sha256, sizeof sha256);
    sgn_der_wrap(&out, SGN_DER_SEQUENCE, mark);
    sgn_der_put(&out, version_one, sizeof version_one);
    sgn_der_wrap(&out, SGN_DER_SEQUENCE, 0);
    SGN_X690_TRY(pool, SGN_CRYPTO, "time-stamp request", out.fault);
    *bytes = sgn_bytes_dup(sgn_bytes(out.buf + out.left, out.cap - out.left), pool);
    return NULL;
}
