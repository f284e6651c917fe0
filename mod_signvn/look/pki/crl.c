/* crl.c: revocation lists, searched in place.  [RFC 5280, 5 and 6.3] */
#include "look/pki/crl.h"

#include <string.h>

#include <apr_strings.h>

#include "crypto/digest.h"
#include "look/pki/x690.h"

#define BAD SGN_EVIDENCE_BAD
#define OID_NUMBER "2.5.29.20"
#define OID_AKI "2.5.29.35"
#define OID_SCOPE "2.5.29.28"
#define OID_EXPIRED "2.5.29.60"
#define OID_REASON "2.5.29.21"
#define OID_INVALIDITY "2.5.29.24"
#define EXTENSIONS 32

/* [RFC 5280, 5.2.5] IssuingDistributionPoint ::= SEQUENCE { [0] point,
 * [1] onlyUsers, [2] onlyCAs, [3] someReasons, [4] indirect, [5] onlyAttrs } */
static int read_scope(sgn_crl_t *crl, int *unsupported, sgn_der_t value)
{
    sgn_der_t scope, content;
    unsigned tag;

    SGN_FAULT_TRY(sgn_der_take(&value, SGN_DER_SEQUENCE, &scope));
    SGN_FAULT_TRY(sgn_der_end(&value));
    crl->has_scope = 1;
    while (scope.left) {
        SGN_FAULT_TRY(sgn_der_any(&scope, &tag, &content, NULL));
        if (tag == SGN_DER_CONTEXT_CONSTRUCTED(0))
            crl->scope_point = sgn_x690_bytes(content);
        else if (tag == SGN_DER_CONTEXT(3))
            *unsupported = 1;
        else if (content.left != 1)
            return SGN_FAULT_VALUE;
        else if (tag == SGN_DER_CONTEXT(1))
            crl->only_users = content.at[0] != 0;
        else if (tag == SGN_DER_CONTEXT(2))
            crl->only_cas = content.at[0] != 0;
        else if (content.at[0])
            *unsupported = 1;
    }
    return SGN_FAULT_NONE;
}

static sgn_error_t *read_extension(sgn_crl_t *crl, sgn_der_t *list, apr_pool_t *pool)
{
    sgn_der_t value, content, member;
    const char *oid;
    int critical, unsupported = 0, fault = 0;
    unsigned tag;

    SGN_X690_TRY(pool, BAD, "CRL extension", sgn_x690_extension(&oid, &critical, &value, list, pool));
    if (!strcmp(oid, OID_NUMBER)) {
        fault = sgn_der_take(&value, SGN_DER_INTEGER, &content);
        if (!fault && (content.left == 0 || content.left > 21 || content.at[0] & 0x80))
            fault = SGN_FAULT_VALUE;
        if (!fault)
            crl->number = sgn_x690_hex(sgn_x690_bytes(content), pool);
    }
    else if (!strcmp(oid, OID_AKI)) {
        fault = sgn_der_take(&value, SGN_DER_SEQUENCE, &content);
        if (!fault && sgn_x690_optional(&content, SGN_DER_CONTEXT(0), &member))
            crl->aki = sgn_x690_bytes(member);
    }
    else if (!strcmp(oid, OID_EXPIRED)) {
        fault = sgn_der_any(&value, &tag, &content, NULL);
        if (!fault)
            fault = sgn_x690_time_content(&crl->expired_from, tag, content);
    }
    else if (!strcmp(oid, OID_SCOPE))
        fault = read_scope(crl, &unsupported, value);
    else
        unsupported = critical;     /* deltaCRLIndicator among them */
    if (fault)
        return SGN_ERROR(pool, BAD, "CRL extension %s: %s", oid, sgn_fault_name(fault));
    if (unsupported)
        return SGN_ERROR(pool, BAD, "CRL extension %s is not supported", oid);
    return NULL;
}

static sgn_error_t *read_extensions(sgn_crl_t *crl, sgn_der_t wrapped, apr_pool_t *pool)
{
    sgn_der_t list;
    int count = 0;

    SGN_X690_TRY(pool, BAD, "CRL extensions", sgn_der_take(&wrapped, SGN_DER_SEQUENCE, &list));
    SGN_X690_TRY(pool, BAD, "CRL extensions", sgn_der_end(&wrapped));
    while (list.left) {
        if (++count > EXTENSIONS)
            return SGN_ERROR(pool, BAD, "more than %d CRL extensions", EXTENSIONS);
        SGN_TRY(read_extension(crl, &list, pool));
    }
    return NULL;
}

static int read_times(sgn_crl_t *crl, sgn_der_t *tbs)
{
    sgn_der_t copy = *tbs;

    SGN_FAULT_TRY(sgn_x690_time(&crl->this_update, tbs));
    copy = *tbs;
    if (sgn_x690_time(&crl->next_update, &copy) == SGN_FAULT_NONE)
        *tbs = copy;
    else
        crl->next_update = 0;
    return SGN_FAULT_NONE;
}

sgn_error_t *sgn_crl_parse(sgn_crl_t **out, sgn_bytes_t der, apr_pool_t *pool)
{
    sgn_crl_t *crl = apr_pcalloc(pool, sizeof *crl);
    sgn_der_t in = sgn_x690_der(der), list, whole, tbs, inner, outer, content;
    long version = 0;

    if (der.len > SGN_CRL_LIMIT)
        return SGN_ERROR(pool, BAD, "CRL of %lu bytes", (unsigned long)der.len);
    SGN_X690_TRY(pool, BAD, "CRL", sgn_der_take(&in, SGN_DER_SEQUENCE, &list));
    SGN_X690_TRY(pool, BAD, "CRL", sgn_der_end(&in));
    SGN_X690_TRY(pool, BAD, "CRL", sgn_x690_whole(&list, SGN_DER_SEQUENCE, &whole));
    SGN_X690_TRY(pool, BAD, "CRL algorithm", sgn_x690_whole(&list, SGN_DER_SEQUENCE, &outer));
    SGN_X690_TRY(pool, BAD, "CRL signature", sgn_der_bits(&list, &content));
    SGN_X690_TRY(pool, BAD, "CRL", sgn_der_end(&list));
    crl->der = der;
    crl->tbs = sgn_x690_bytes(whole);
    crl->value = sgn_x690_bytes(content);
    SGN_X690_TRY(pool, BAD, "CRL", sgn_der_take(&whole, SGN_DER_SEQUENCE, &tbs));
    if (sgn_der_peek(&tbs) == SGN_DER_INTEGER)
        SGN_X690_TRY(pool, BAD, "CRL version", sgn_der_small(&tbs, &version));
    SGN_X690_TRY(pool, BAD, "CRL algorithm", sgn_x690_whole(&tbs, SGN_DER_SEQUENCE, &inner));
    /* [RFC 5280, 5.1.1.2] the same algorithm inside and outside */
    if (version > 1 || !sgn_bytes_equal(sgn_x690_bytes(inner), sgn_x690_bytes(outer)))
        return SGN_ERROR(pool, BAD, "CRL version or algorithm");
    SGN_TRY(sgn_algorithm_parse(&crl->algorithm, sgn_x690_bytes(outer), NULL, pool));
    SGN_X690_TRY(pool, BAD, "CRL issuer", sgn_x690_whole(&tbs, SGN_DER_SEQUENCE, &content));
    crl->issuer = sgn_x690_bytes(content);
    SGN_X690_TRY(pool, BAD, "CRL times", read_times(crl, &tbs));
    if (sgn_x690_optional(&tbs, SGN_DER_SEQUENCE, &content))
        crl->entries = sgn_x690_bytes(content);
    if (sgn_x690_optional(&tbs, SGN_DER_CONTEXT_CONSTRUCTED(0), &content))
        SGN_TRY(read_extensions(crl, content, pool));
    SGN_X690_TRY(pool, BAD, "CRL", sgn_der_end(&tbs));
    *out = crl;
    return NULL;
}

sgn_error_t *sgn_crl_verify(const sgn_crl_t *crl, const sgn_cert_t *issuer, apr_pool_t *pool)
{
    if (!sgn_bytes_equal(crl->issuer, issuer->subject))
        return SGN_ERROR(pool, BAD, "CRL of another issuer");
    if (crl->aki.len && issuer->ski.len && !sgn_bytes_equal(crl->aki, issuer->ski))
        return SGN_ERROR(pool, BAD, "CRL of another key of the issuer");
    /* [RFC 5280, 6.3.3 (f)] */
    if (issuer->has_key_usage && !(issuer->key_usage & SGN_CERT_KU_CRL_SIGN))
        return SGN_ERROR(pool, BAD, "issuer may not sign CRLs");
    if (crl->algorithm.weak)
        return SGN_ERROR(pool, BAD, "CRL signed with %s", sgn_algorithm_text(&crl->algorithm, pool));
    if (!sgn_algorithm_verify(&crl->algorithm, issuer->key, crl->tbs, crl->value))
        return SGN_ERROR(pool, BAD, "CRL signature does not verify");
    return NULL;
}

/* Does one of the URLs stand as a URI in the scope's fullName?
 * DistributionPointName ::= CHOICE { [0] fullName GeneralNames, [1] relative } */
static int names_point(sgn_bytes_t point, const char *const *urls)
{
    sgn_der_t in = sgn_x690_der(point), names, content;
    unsigned tag;

    if (sgn_der_take(&in, SGN_DER_CONTEXT_CONSTRUCTED(0), &names))
        return 0;
    while (names.left) {
        if (sgn_der_any(&names, &tag, &content, NULL))
            return 0;
        for (int i = 0; tag == SGN_DER_CONTEXT(6) && urls[i]; i++)
            if (sgn_der_equal(content, urls[i], strlen(urls[i])))
                return 1;
    }
    return 0;
}

int sgn_crl_covers(const sgn_crl_t *crl, const sgn_cert_t *cert)
{
    if (!sgn_bytes_equal(crl->issuer, cert->issuer))
        return 0;
    if ((crl->only_users && cert->is_ca) || (crl->only_cas && !cert->is_ca))
        return 0;
    /* [RFC 5280, 6.3.3 (b)(2)(i)] a partitioned list speaks for those
     * certificates that name the same point */
    if (crl->scope_point.len)
        return names_point(crl->scope_point, cert->crl_urls);
    return 1;
}

static int read_entry_extension(sgn_crl_entry_t *entry, int *unsupported, sgn_der_t *list, apr_pool_t *pool)
{
    sgn_der_t value, content;
    const char *oid;
    int critical;
    unsigned tag;

    SGN_FAULT_TRY(sgn_x690_extension(&oid, &critical, &value, list, pool));
    if (!strcmp(oid, OID_REASON))
        return sgn_x690_enumerated(&entry->reason, &value);
    if (!strcmp(oid, OID_INVALIDITY)) {
        SGN_FAULT_TRY(sgn_der_any(&value, &tag, &content, NULL));
        return sgn_x690_time_content(&entry->invalid_from, tag, content);
    }
    if (critical)
        *unsupported = 1;
    return SGN_FAULT_NONE;
}

/* An unknown critical extension anywhere makes the whole list unusable
 * [RFC 5280, 5.3]: the criticality marker is looked for in every entry, the
 * rest of an entry is read only for the serial number asked for. */
static int is_plain(sgn_der_t extensions)
{
    sgn_der_t list, extension, oid, value;

    if (sgn_der_take(&extensions, SGN_DER_SEQUENCE, &list))
        return 0;
    while (list.left) {
        int critical;

        if (sgn_der_take(&list, SGN_DER_SEQUENCE, &extension) || sgn_der_take(&extension, SGN_DER_OID, &oid)
            || sgn_x690_flag(&critical, &extension) || sgn_der_take(&extension, SGN_DER_OCTET_STRING, &value))
            return 0;
        /* id-ce-reasonCode and id-ce-invalidityDate are known: 2.5.29.21, .24 */
        if (critical && !(oid.left == 3 && oid.at[0] == 0x55 && oid.at[1] == 0x1d && (oid.at[2] == 21 || oid.at[2] == 24)))
            return 0;
    }
    return 1;
}

/* BOOLEAN TRUE in DER: without these bytes nothing in the entry is critical. */
static int has_true(sgn_der_t in)
{
    for (size_t i = 0; i + 2 < in.left; i++)
        if (in.at[i] == 0x01 && in.at[i + 1] == 0x01 && in.at[i + 2] == 0xff)
            return 1;
    return 0;
}

sgn_error_t *sgn_crl_find(sgn_crl_entry_t *out, const sgn_crl_t *crl, const sgn_cert_t *cert, apr_pool_t *pool)
{
    sgn_der_t entries = sgn_x690_der(crl->entries), entry, serial, extensions;
    sgn_crl_entry_t found = { 0 };

    while (entries.left) {
        int hit, unsupported = 0;

        SGN_X690_TRY(pool, BAD, "CRL entry", sgn_der_take(&entries, SGN_DER_SEQUENCE, &entry));
        SGN_X690_TRY(pool, BAD, "CRL entry", sgn_der_take(&entry, SGN_DER_INTEGER, &serial));
        while (serial.left > 1 && serial.at[0] == 0) {
            serial.at++;
            serial.left--;
        }
        hit = sgn_der_equal(serial, cert->serial_bytes.data, cert->serial_bytes.len);
        if (hit) {
            found = (sgn_crl_entry_t){ .found = 1 };
            SGN_X690_TRY(pool, BAD, "CRL entry", sgn_x690_time(&found.revoked, &entry));
            if (sgn_x690_optional(&entry, SGN_DER_SEQUENCE, &extensions))
                while (extensions.left)
                    SGN_X690_TRY(pool, BAD, "CRL entry", read_entry_extension(&found, &unsupported, &extensions, pool));
        }
        else if (has_true(entry)) {
            apr_time_t when;

            SGN_X690_TRY(pool, BAD, "CRL entry", sgn_x690_time(&when, &entry));
            unsupported = entry.left && !is_plain(entry);
        }
        if (unsupported)
            return SGN_ERROR(pool, BAD, "CRL entry with an unknown critical extension");
    }
    *out = found;
    return NULL;
}

int sgn_crl_compare_number(const char *a, const char *b)
{
    size_t la, lb;

    while (a && a[0] == '0' && a[1])
        a++;
    while (b && b[0] == '0' && b[1])
        b++;
    la = a ? strlen(a) : 0;
    lb = b ? strlen(b) : 0;
    if (la != lb)
        return la < lb ? -1 : 1;
    return la ? strcmp(a, b) : 0;
}

sgn_error_t *sgn_crl_key(const char **out, const sgn_cert_t *issuer, const sgn_cert_t *cert, apr_pool_t *pool)
{
    sgn_buf_t *buf = sgn_buf_make(0, pool);
    sgn_bytes_t text;
    const char *digest;

    /* issuer key, issuer name, scope: what the certificate says about it.  The
     * address is never part of what a list *is*, but here it is the partition. */
    sgn_buf_add(buf, issuer->spki.data, issuer->spki.len);
    sgn_buf_add(buf, issuer->subject.data, issuer->subject.len);
    sgn_buf_str(buf, cert->is_ca ? "ca" : "user");
    for (int i = 0; cert->crl_urls[i]; i++)
        sgn_buf_printf(buf, "\n%s", cert->crl_urls[i]);
    SGN_TRY(sgn_buf_bytes(&text, buf));
    SGN_TRY(sgn_digest_sha256_hex(&digest, text.data, text.len, pool));
    *out = apr_pstrcat(pool, "crl:", digest, NULL);
    return NULL;
}
