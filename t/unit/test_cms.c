/* test_cms.c: SignedData of others read, ours made, and every way to spoil one. */
#include <apr_strings.h>
#include <openssl/cms.h>

#include "dtbs/signedattrs.h"
#include "t/unit/pki_rig.h"
#include "t/unit/tap.h"

static const char content[] = "the document";

static sgn_bytes_t text(void)
{
    return sgn_bytes(content, sizeof content - 1);
}

static int has(const sgn_cms_check_t *check, sgn_code_t code)
{
    for (int i = 0; i < 8 && check->codes[i] != SGN_OK; i++)
        if (check->codes[i] == code)
            return 1;
    return 0;
}

/* The check of a block over `over`. */
static sgn_cms_check_t check_over(sgn_bytes_t der, sgn_bytes_t over, const char *name)
{
    sgn_cms_check_t check = { .digest = -1 };
    unsigned char digest[64];
    sgn_cms_t *cms;

    if (is_code(sgn_cms_parse(&cms, der, tap_pool()), SGN_OK, name))
        (void)!sgn_cms_check(&check, cms, sgn_bytes(digest, sgn_algorithm_hash(digest, cms->digest, over)), tap_pool());
    return check;
}

static void reads_others(void)
{
    const rig_pki_t *pki = rig_pki();
    sgn_bytes_t der = rig_cms(text(), &(rig_cms_t){ .signer = pki->person, .detached = 1, .cades = 1 });
    rig_id_t *weak = rig_id(&(rig_who_t){ .name = "Weak", .rsa = 1024 }, pki->ca);
    sgn_cms_check_t check = check_over(der, text(), "cms: openssl cms -cades is read");
    sgn_bytes_t padded, trimmed;
    sgn_cms_t *cms;

    ok(check.digest && check.value && !has(&check, SGN_F_ESS_MISSING) && has(&check, SGN_F_ALGORITHM_LEGACY), "cms: intact, PKCS#1 v1.5 named");
    check = check_over(der, sgn_bytes("the dokument", 12), "cms: the same over a changed document");
    ok(!check.digest && check.value && has(&check, SGN_F_DIGEST), "cms: the digest differs");
    check = check_over(rig_cms(text(), &(rig_cms_t){ .signer = pki->person, .detached = 1 }), text(), "cms: plain openssl cms");
    ok(check.digest && check.value && has(&check, SGN_F_ESS_MISSING), "cms: intact, but the certificate is not bound");
    check = check_over(rig_cms(text(), &(rig_cms_t){ .signer = pki->person, .detached = 1, .cades = 1, .pss = 1 }), text(), "cms: RSASSA-PSS of openssl");
    ok(check.digest && check.value && !has(&check, SGN_F_ALGORITHM_LEGACY), "cms: PSS verifies");
    check = check_over(rig_cms(text(), &(rig_cms_t){ .signer = pki->agency, .detached = 1, .cades = 1 }), text(), "cms: ECDSA of openssl");
    ok(check.digest && check.value && check.codes[0] == SGN_OK, "cms: ECDSA verifies, nothing to say");
    check = check_over(rig_cms(text(), &(rig_cms_t){ .signer = pki->person, .detached = 1, .cades = 1, .sha1 = 1 }), text(), "cms: SHA-1");
    ok(check.value && has(&check, SGN_F_ALGORITHM), "cms: SHA-1 is weak");
    check = check_over(rig_cms(text(), &(rig_cms_t){ .signer = weak, .detached = 1, .cades = 1 }), text(), "cms: RSA 1024");
    ok(has(&check, SGN_F_ALGORITHM), "cms: RSA 1024 is weak");

    check = check_over(rig_cms(text(), &(rig_cms_t){ .signer = pki->person, .detached = 1, .no_attributes = 1 }), text(), "cms: without signed attributes");
    ok(check.digest && check.value && has(&check, SGN_F_ATTRIBUTES), "cms: intact, but nothing is bound");
    check = check_over(rig_cms(text(), &(rig_cms_t){ .signer = pki->person, .detached = 1, .no_attributes = 1 }), sgn_bytes("other", 5), "cms: the same over something else");
    ok(!check.value && has(&check, SGN_F_VALUE), "cms: does not verify");
    check = check_over(rig_cms(text(), &(rig_cms_t){ .signer = pki->person, .detached = 1, .cades = 1, .no_certs = 1 }), text(), "cms: without the certificate");
    ok(check.digest && !check.value, "cms: cannot be verified");
    check = check_over(rig_swap(der, "\x09\x03\x31\x0b\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x01", "\x09\x03\x31\x0b\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02", 15),
                       text(), "cms: contentType of something else");
    ok(!check.value && has(&check, SGN_F_ATTRIBUTES), "cms: ... is wrong");
    is_code(sgn_cms_parse(&cms, rig_cms(text(), &(rig_cms_t){ .signer = pki->person, .second = pki->agency, .detached = 1 }), tap_pool()),
            SGN_F_CMS_UNREADABLE, "cms: a second signer");
    is_code(sgn_cms_parse(&cms, rig_join(der, "\0", 1), tap_pool()), SGN_F_CMS_UNREADABLE, "cms: a byte behind it");
    is_code(sgn_cms_parse(&cms, rig_indefinite(der), tap_pool()), SGN_F_CMS_UNREADABLE, "cms: an indefinite length");
    is_code(sgn_cms_parse(&cms, sgn_bytes(der.data, der.len / 2), tap_pool()), SGN_F_CMS_UNREADABLE, "cms: cut");
    padded = rig_join(der, "\0\0\0\0", 4);
    is_code(sgn_cms_trim(&trimmed, padded, tap_pool()), SGN_OK, "cms: padding of zeros is taken off");
    ok(sgn_bytes_equal(trimmed, der), "cms: ... exactly");
    is_code(sgn_cms_trim(&trimmed, rig_join(der, "\0\0\1\0", 4), tap_pool()), SGN_F_CMS_UNREADABLE, "cms: other padding hides something");
}

/* ---- versions and digestAlgorithms [RFC 5652, 5.1, 5.3] -------------------- */

static sgn_code_t parses(sgn_bytes_t der)
{
    sgn_error_t *error;
    sgn_cms_t *cms;

    error = sgn_cms_parse(&cms, der, tap_pool());
    return error ? error->code : SGN_OK;
}

static void versions(void)
{
    static const struct { int version; sgn_code_t code; } rows[] = {
        { 0, SGN_F_CMS_UNREADABLE }, { 1, SGN_OK }, { 2, SGN_F_CMS_UNREADABLE }, { 3, SGN_OK }, { 4, SGN_F_CMS_UNREADABLE },
        { 5, SGN_F_CMS_UNREADABLE }, { 9, SGN_F_CMS_UNREADABLE }, { 65, SGN_F_CMS_UNREADABLE }, { 129, SGN_F_CMS_UNREADABLE },
    };
    const rig_pki_t *pki = rig_pki();
    sgn_bytes_t der = rig_cms(text(), &(rig_cms_t){ .signer = pki->person, .detached = 1, .cades = 1 });
    sgn_bytes_t by_key = rig_cms(text(), &(rig_cms_t){ .signer = pki->person, .detached = 1, .cades = 1, .by_key = 1 }), other;
    sgn_cms_check_t check;

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        is_int(parses(rig_cms_version(der, rows[i].version)), rows[i].code, apr_psprintf(tap_pool(), "cms: SignedData version %d", rows[i].version));
    for (int version = 0; version < 6; version++) {
        is_int(parses(rig_cms_signer_version(der, pki->person, version)), version == 1 ? SGN_OK : SGN_F_CMS_UNREADABLE,
               apr_psprintf(tap_pool(), "cms: SignerInfo version %d with issuer and serial", version));
        is_int(parses(rig_cms_signer_version(by_key, pki->person, version)), version == 3 ? SGN_OK : SGN_F_CMS_UNREADABLE,
               apr_psprintf(tap_pool(), "cms: SignerInfo version %d with a key identifier", version));
    }
    check = check_over(by_key, text(), "cms: a signer named by key");
    ok(check.digest && check.value, "cms: ... verifies");
    /* the certificates become members of another kind, as if they were attribute certificates */
    other = sgn_bytes_dup(der, tap_pool());
    for (size_t i = 0; i + pki->person->der.len < other.len; i++)
        if (memcmp(other.data + i, pki->person->der.data, pki->person->der.len) == 0)
            ((unsigned char *)other.data)[i] = 0xa2;
    is_int(parses(rig_cms_version(other, 4)), SGN_OK, "cms: version 4 where there is an attribute certificate");
    is_int(parses(rig_cms_version(other, 1)), SGN_OK, "cms: an older version with it is read");
    is_int(parses(rig_cms_version(other, 5)), SGN_F_CMS_UNREADABLE, "cms: version 5 calls for another kind");
    for (size_t i = 0; i < other.len - pki->person->der.len; i++)
        if (other.data[i] == 0xa2 && memcmp(other.data + i + 1, pki->person->der.data + 1, pki->person->der.len - 1) == 0)
            ((unsigned char *)other.data)[i] = 0xa3;
    is_int(parses(rig_cms_version(other, 5)), SGN_OK, "cms: which is then read");
    is_int(parses(rig_cms_version(other, 4)), SGN_F_CMS_UNREADABLE, "cms: and version 4 is not");
}

#define SHA1_ID "\x30\x07\x06\x05\x2b\x0e\x03\x02\x1a"
#define SHA256_OID "\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01"
#define SHA256_ID "\x30\x0b" SHA256_OID
#define LIST(text) text, sizeof text - 1

static void digests(void)
{
    static const struct { const char *list; size_t len; int unlisted; const char *name; } rows[] = {
        { LIST(SHA256_ID), 0, "its own" }, { LIST("\x30\x0d" SHA256_OID "\x05\x00"), 0, "its own with NULL" },
        { LIST(""), 0, "none, which RFC 5652 allows" }, { LIST(SHA1_ID SHA256_ID), 0, "a further one" },
        { LIST(SHA1_ID), 1, "only another" }, { LIST("\x30\x0b\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x02"), 1, "only SHA-384" },
        { LIST("\x30\x0b\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x7f"), 1, "only an unknown one" },
        { LIST("\x30\x0d" SHA256_OID "\x04\x00"), 1, "its own with parameters that are none" },
    };
    const rig_pki_t *pki = rig_pki();
    sgn_bytes_t der = rig_cms(text(), &(rig_cms_t){ .signer = pki->person, .detached = 1, .cades = 1 });
    char many[33 * (sizeof SHA1_ID - 1)];
    sgn_cms_check_t check;

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        check = check_over(rig_cms_digests(der, rows[i].list, rows[i].len), text(), apr_pstrcat(tap_pool(), "cms: digestAlgorithms with ", rows[i].name, NULL));
        ok(check.digest && check.value && has(&check, SGN_F_DIGEST_UNLISTED) == rows[i].unlisted,
           rows[i].unlisted ? "cms: ... verifies, and the contradiction is told" : "cms: ... is right");
    }
    is_int(parses(rig_cms_digests(der, LIST("\x02\x01\x01"))), SGN_F_CMS_UNREADABLE, "cms: digestAlgorithms of something else");
    is_int(parses(rig_cms_digests(der, LIST("\x30\x02\x05\x00"))), SGN_F_CMS_UNREADABLE, "cms: a digest algorithm without its name");
    for (int i = 0; i < 33; i++)
        memcpy(many + i * (int)(sizeof SHA1_ID - 1), SHA1_ID, sizeof SHA1_ID - 1);
    is_int(parses(rig_cms_digests(der, many, 32 * (sizeof SHA1_ID - 1))), SGN_OK, "cms: 32 digest algorithms");
    is_int(parses(rig_cms_digests(der, many, sizeof many)), SGN_F_CMS_UNREADABLE, "cms: 33 digest algorithms");
}

/* ---- ours ----------------------------------------------------------------- */

static sgn_bytes_t dtbs_of(const rig_id_t *bound)
{
    sgn_signedattrs_t attrs = { .kind = SGN_KIND_APPROVE };
    unsigned char out[SGN_SIGNEDATTRS_MAX], digest[64];
    size_t len = 0;

    sgn_algorithm_hash(digest, "SHA256", text());
    memcpy(attrs.message_digest, digest, 32);
    memcpy(attrs.certificate, bound->read->sha256, 32);
    if (sgn_signedattrs_build(out, sizeof out, &len, &attrs))
        printf("Bail out! no signed attributes\n");
    return sgn_bytes_dup(sgn_bytes(out, len), tap_pool());
}

static sgn_bytes_t build(const rig_id_t *signer, const rig_id_t *bound, const char *algorithm, sgn_bytes_t token)
{
    sgn_bytes_t dtbs = dtbs_of(bound), out = { NULL, 0 };
    sgn_cms_parts_t parts = { .dtbs = dtbs, .value = rig_value(signer, dtbs, !strcmp(algorithm, "1.2.840.113549.1.1.10")), .algorithm = algorithm,
                              .certificate = signer->der, .chain = rig_list(rig_pki()->ca, NULL), .token = token };

    is_code(sgn_cms_build(&out, &parts, tap_pool()), SGN_OK, "cms: ours is made");
    return out;
}

static int openssl_verifies(sgn_bytes_t der)
{
    const unsigned char *p = der.data;
    CMS_ContentInfo *cms = d2i_CMS_ContentInfo(NULL, &p, (long)der.len);
    BIO *bio = BIO_new_mem_buf(content, sizeof content - 1);
    int good = cms && p == der.data + der.len
        && CMS_verify(cms, NULL, NULL, bio, NULL, CMS_BINARY | CMS_NO_SIGNER_CERT_VERIFY) == 1;

    CMS_ContentInfo_free(cms);
    BIO_free(bio);
    return good;
}

static void makes_ours(void)
{
    static const char pss[] = "1.2.840.113549.1.1.10", pkcs1[] = "1.2.840.113549.1.1.11", ecdsa[] = "1.2.840.10045.4.3.2";
    const rig_pki_t *pki = rig_pki();
    const sgn_bytes_t none = { NULL, 0 };
    sgn_bytes_t der = build(pki->person, pki->person, pss, none), request, value;
    rig_id_t *twin = rig_id(&(rig_who_t){ .name = "Nguyễn Văn An", .same_key = pki->person }, pki->ca);
    sgn_cms_check_t check = check_over(der, text(), "cms: ours with PSS is read");
    sgn_tsp_token_t *token;
    sgn_cms_t *cms;

    ok(check.digest && check.value && check.codes[0] == SGN_OK, "cms: ours with PSS verifies, certificate bound");
    ok(openssl_verifies(der), "cms: OpenSSL verifies ours with PSS");
    ok(openssl_verifies(build(pki->person, pki->person, pkcs1, none)), "cms: ... with PKCS#1 v1.5");
    ok(openssl_verifies(build(pki->agency, pki->agency, ecdsa, none)), "cms: ... with ECDSA");
    is_code(sgn_cms_parse(&cms, der, tap_pool()), SGN_OK, "cms: ours again");
    ok(cms->signer && sgn_bytes_equal(cms->signer->der, pki->person->der) && cms->certs->nelts == 2 && cms->ess == SGN_CMS_ESS_RIGHT && cms->ess_version == 2,
       "cms: signer, authority and ESS v2");
    ok(sgn_bytes_equal(cms->signed_attrs, dtbs_of(pki->person)), "cms: the signed attributes come out as they went in");

    check = check_over(rig_swap(der, "\xa2\x03\x02\x01\x20", "\xa2\x03\x02\x01\x14", 5), text(), "cms: PSS with another salt length");
    ok(!check.value && has(&check, SGN_F_VALUE), "cms: ... does not verify");
    check = check_over(rig_swap(der, "\x01\x08\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01", "\x01\x08\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x02", 15),
                       text(), "cms: PSS whose mask has another digest");
    ok(!check.value, "cms: ... does not verify");
    check = check_over(rig_swap(der, "\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x05\x00\xa1", "\x09\x60\x86\x48\x01\x65\x03\x04\x02\x03\x05\x00\xa1", 13), text(),
                       "cms: PSS with another digest");
    ok(!check.value, "cms: ... does not verify");
    check = check_over(build(pki->person, twin, pss, none), text(), "cms: another certificate of the same key is bound");
    ok(check.value && has(&check, SGN_F_ESS_DIFFERS), "cms: ESS names another certificate");
    check = check_over(rig_swap(der, content, content, 0), text(), "cms: unchanged");
    ok(check.value, "cms: ... verifies");

    /* a time-stamp over the value rides along */
    value = cms->value;
    {
        unsigned char digest[64];
        sgn_tsp_expected_t expected = { .imprint = sgn_bytes(digest, 32), .nonce = sgn_bytes("\x01\x02\x03\x04", 4), .asked = rig_now(), .now = rig_now() };

        sgn_algorithm_hash(digest, "SHA256", value);
        (void)!sgn_tsp_request(&request, expected.imprint, expected.nonce, NULL, tap_pool());
        is_code(sgn_tsp_reply(&token, rig_stamp(request, &(rig_stamp_t){ .signer = pki->tsa }), &expected, pki->tsa_store, tap_pool()), SGN_OK, "cms: a token over the value");
    }
    {
        sgn_bytes_t dtbs = dtbs_of(pki->person), with;
        sgn_cms_parts_t parts = { .dtbs = dtbs, .value = value, .algorithm = pss, .certificate = pki->person->der, .token = token->der };

        is_code(sgn_cms_build(&with, &parts, tap_pool()), SGN_OK, "cms: ours with a token");
        is_code(sgn_cms_parse(&cms, with, tap_pool()), SGN_OK, "cms: ... is read");
        ok(cms->timestamps->nelts == 1 && sgn_bytes_equal(APR_ARRAY_IDX(cms->timestamps, 0, sgn_bytes_t), token->der), "cms: ... and has the token");
        ok(openssl_verifies(with), "cms: ... and OpenSSL verifies it");
    }
    is_code(sgn_cms_build(&value, &(sgn_cms_parts_t){ .dtbs = sgn_bytes("x", 1), .value = sgn_bytes("v", 1), .algorithm = pss, .certificate = pki->person->der }, tap_pool()),
            SGN_CRYPTO, "cms: no SET is no DTBS");
}

int main(void)
{
    reads_others();
    versions();
    digests();
    makes_ours();
    return done_testing();
}
