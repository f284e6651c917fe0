/* ocsp_request.c: asking about one certificate.  [RFC 6960, 4.1] */
#include "look/pki/ocsp.h"

#include <string.h>

#include "look/pki/x690.h"

#define REQUEST_MAX 512

static const unsigned char sha1_algorithm[] = { 0x30, 0x09, 0x06, 0x05, 0x2b, 0x0e, 0x03, 0x02, 0x1a, 0x05, 0x00 };
static const unsigned char oid_nonce[] = { 0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x30, 0x01, 0x02 };

/* SHA-1 only names the issuer here, as every responder expects it [RFC 5019,
 * 2.1.1]; nothing rests on its strength: the answer is verified by key. */
static int put_id(sgn_der_out_t *out, const sgn_cert_t *cert, const sgn_cert_t *issuer)
{
    unsigned char name[64], key[64];
    size_t mark = sgn_der_mark(out);

    if (sgn_algorithm_hash(name, "SHA1", issuer->subject) != 20
        || sgn_algorithm_hash(key, "SHA1", issuer->key_bits_bytes) != 20)
        return SGN_FAULT_CRYPTO;
    sgn_der_unsigned(out, cert->serial_bytes.data, cert->serial_bytes.len);
    sgn_der_value(out, SGN_DER_OCTET_STRING, key, 20);
    sgn_der_value(out, SGN_DER_OCTET_STRING, name, 20);
    sgn_der_put(out, sha1_algorithm, sizeof sha1_algorithm);
    sgn_der_wrap(out, SGN_DER_SEQUENCE, mark);
    return out->fault;
}

static void put_nonce(sgn_der_out_t *out, sgn_bytes_t nonce)
{
    size_t mark = sgn_der_mark(out), value = mark;

    sgn_der_value(out, SGN_DER_OCTET_STRING, nonce.data, nonce.len);
    sgn_der_wrap(out, SGN_DER_OCTET_STRING, value);
    sgn_der_value(out, SGN_DER_OID, oid_nonce, sizeof oid_nonce);
    sgn_der_wrap(out, SGN_DER_SEQUENCE, mark);
    sgn_der_wrap(out, SGN_DER_SEQUENCE, mark);
    sgn_der_wrap(out, SGN_DER_CONTEXT_CONSTRUCTED(2), mark);
}

sgn_error_t *sgn_ocsp_request(sgn_bytes_t *bytes, const sgn_cert_t *cert, const sgn_cert_t *issuer,
                              sgn_bytes_t nonce, apr_pool_t *pool)
{
    unsigned char buf[REQUEST_MAX];
    sgn_der_out_t out;
    size_t mark;

    sgn_der_out(&out, buf, sizeof buf);
    if (nonce.len > 32)
        return SGN_ERROR(pool, SGN_INTERNAL, "nonce of %lu bytes", (unsigned long)nonce.len);
    if (nonce.len)
        put_nonce(&out, nonce);
    mark = sgn_der_mark(&out);
    SGN_X690_TRY(pool, SGN_CRYPTO, "OCSP request", put_id(&out, cert, issuer));
    sgn_der_wrap(&out, SGN_DER_SEQUENCE, mark);     /* Request */
    sgn_der_wrap(&out, SGN_DER_SEQUENCE, mark);     /* requestList */
    sgn_der_wrap(&out, SGN_DER_SEQUENCE, 0);        /* TBSRequest */
    sgn_der_wrap(&out, SGN_DER_SEQUENCE, 0);        /* OCSPRequest */
    SGN_X690_TRY(pool, SGN_CRYPTO, "OCSP request", out.fault);
    *bytes = sgn_bytes_dup(sgn_bytes(out.buf + out.left, out.cap - out.left), pool);
    return NULL;
}

static int read_request(sgn_bytes_t *id, sgn_bytes_t *nonce, sgn_der_t in)
{
    sgn_der_t content, list, one, whole, value;

    SGN_FAULT_TRY(sgn_der_take(&in, SGN_DER_SEQUENCE, &content));
    SGN_FAULT_TRY(sgn_der_end(&in));
    SGN_FAULT_TRY(sgn_der_take(&content, SGN_DER_SEQUENCE, &in));
    SGN_FAULT_TRY(sgn_der_take(&in, SGN_DER_SEQUENCE, &list));
    SGN_FAULT_TRY(sgn_der_take(&list, SGN_DER_SEQUENCE, &one));
    SGN_FAULT_TRY(sgn_der_end(&list));
    SGN_FAULT_TRY(sgn_x690_whole(&one, SGN_DER_SEQUENCE, &whole));
    *id = sgn_x690_bytes(whole);
    *nonce = sgn_bytes(NULL, 0);
    if (!in.left)
        return SGN_FAULT_NONE;
    SGN_FAULT_TRY(sgn_der_take(&in, SGN_DER_CONTEXT_CONSTRUCTED(2), &content));
    SGN_FAULT_TRY(sgn_der_take(&content, SGN_DER_SEQUENCE, &list));
    SGN_FAULT_TRY(sgn_der_take(&list, SGN_DER_SEQUENCE, &one));
    SGN_FAULT_TRY(sgn_der_end(&list));
    SGN_FAULT_TRY(sgn_der_expect_oid(&one, oid_nonce, sizeof oid_nonce));
    SGN_FAULT_TRY(sgn_der_take(&one, SGN_DER_OCTET_STRING, &value));
    SGN_FAULT_TRY(sgn_der_take(&value, SGN_DER_OCTET_STRING, &one));
    *nonce = sgn_x690_bytes(one);
    return SGN_FAULT_NONE;
}

sgn_error_t *sgn_ocsp_request_read(sgn_bytes_t *id, sgn_bytes_t *nonce, sgn_bytes_t request, apr_pool_t *pool)
{
    SGN_X690_TRY(pool, SGN_FIELD, "OCSP request", read_request(id, nonce, sgn_x690_der(request)));
    return NULL;
}
