#include <string.h>

#include "agent/leaf.h"

static const unsigned char oid_rsa[] = { 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01 };
static const unsigned char oid_ec[] = { 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01 };
static const unsigned char oid_p256[] = { 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07 };
static const unsigned char oid_common_name[] = { 0x55, 0x04, 0x03 };
static const unsigned char oid_basic_constraints[] = { 0x55, 0x1d, 0x13 };
#define PRINTABLE_STRING 0x13

static int read_subject(sgn_leaf_t *out, sgn_der_t subject)
{
    while (subject.left) {
        sgn_der_t set, pair, oid, value;
        unsigned tag;

        SGN_FAULT_TRY(sgn_der_take(&subject, SGN_DER_SET, &set));
        SGN_FAULT_TRY(sgn_der_take(&set, SGN_DER_SEQUENCE, &pair));
        SGN_FAULT_TRY(sgn_der_take(&pair, SGN_DER_OID, &oid));
        SGN_FAULT_TRY(sgn_der_any(&pair, &tag, &value, NULL));
        if (!sgn_der_equal(oid, oid_common_name, sizeof oid_common_name)
            || (tag != SGN_DER_UTF8 && tag != PRINTABLE_STRING)
            || value.left >= sizeof out->common_name || memchr(value.at, 0, value.left))
            continue;
        memcpy(out->common_name, value.at, value.left);
        out->common_name[value.left] = '\0';
    }
    return SGN_FAULT_NONE;
}

static int read_key(sgn_leaf_t *out, sgn_der_t spki)
{
    sgn_der_t algorithm, oid, curve, bits, key, modulus;

    SGN_FAULT_TRY(sgn_der_take(&spki, SGN_DER_SEQUENCE, &algorithm));
    SGN_FAULT_TRY(sgn_der_bits(&spki, &bits));
    SGN_FAULT_TRY(sgn_der_take(&algorithm, SGN_DER_OID, &oid));
    if (sgn_der_equal(oid, oid_rsa, sizeof oid_rsa)) {
        SGN_FAULT_TRY(sgn_der_take(&bits, SGN_DER_SEQUENCE, &key));
        SGN_FAULT_TRY(sgn_der_magnitude(&key, &modulus));
        out->rsa = 1;
        out->bits = (int)modulus.left * 8;
    } else if (sgn_der_equal(oid, oid_ec, sizeof oid_ec)) {
        SGN_FAULT_TRY(sgn_der_take(&algorithm, SGN_DER_OID, &curve));
        out->ec = sgn_der_equal(curve, oid_p256, sizeof oid_p256);
        out->bits = 256;
    }
    return SGN_FAULT_NONE;
}

static int read_extensions(sgn_leaf_t *out, sgn_der_t list)
{
    sgn_der_t extensions;

    SGN_FAULT_TRY(sgn_der_take(&list, SGN_DER_SEQUENCE, &extensions));
    while (extensions.left) {
        sgn_der_t extension, oid, value, constraints;
        unsigned tag;

        SGN_FAULT_TRY(sgn_der_take(&extensions, SGN_DER_SEQUENCE, &extension));
        SGN_FAULT_TRY(sgn_der_take(&extension, SGN_DER_OID, &oid));
        SGN_FAULT_TRY(sgn_der_any(&extension, &tag, &value, NULL));
        if (tag == SGN_DER_BOOLEAN)
            SGN_FAULT_TRY(sgn_der_any(&extension, &tag, &value, NULL));
        if (!sgn_der_equal(oid, oid_basic_constraints, sizeof oid_basic_constraints))
            continue;
        SGN_FAULT_TRY(sgn_der_take(&value, SGN_DER_SEQUENCE, &constraints));
        out->ca = sgn_der_peek(&constraints) == SGN_DER_BOOLEAN;
    }
    return SGN_FAULT_NONE;
}

/* [RFC 5280, 4.1] */
int sgn_leaf_read(sgn_leaf_t *out, const unsigned char *der, size_t len)
{
    sgn_der_t in = sgn_der(der, len), certificate, tbs, skipped;
    unsigned tag;

    memset(out, 0, sizeof *out);
    SGN_FAULT_TRY(sgn_der_take(&in, SGN_DER_SEQUENCE, &certificate));
    SGN_FAULT_TRY(sgn_der_end(&in));
    SGN_FAULT_TRY(sgn_der_take(&certificate, SGN_DER_SEQUENCE, &tbs));
    if (sgn_der_peek(&tbs) == SGN_DER_CONTEXT_CONSTRUCTED(0))
        SGN_FAULT_TRY(sgn_der_any(&tbs, &tag, &skipped, NULL));
    for (int i = 0; i < 4; i++)     /* serial, algorithm, issuer, validity */
        SGN_FAULT_TRY(sgn_der_any(&tbs, &tag, &skipped, NULL));
    SGN_FAULT_TRY(sgn_der_take(&tbs, SGN_DER_SEQUENCE, &skipped));
    SGN_FAULT_TRY(read_subject(out, skipped));
    SGN_FAULT_TRY(sgn_der_take(&tbs, SGN_DER_SEQUENCE, &skipped));
    SGN_FAULT_TRY(read_key(out, skipped));
    while (tbs.left) {
        SGN_FAULT_TRY(sgn_der_any(&tbs, &tag, &skipped, NULL));
        if (tag == SGN_DER_CONTEXT_CONSTRUCTED(3))
            SGN_FAULT_TRY(read_extensions(out, skipped));
    }
    return SGN_FAULT_NONE;
}
