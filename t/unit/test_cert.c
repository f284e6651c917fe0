/* test_cert.c: one certificate into a struct, and certificates that must not be read. */
#include <pthread.h>

#include <apr_strings.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>

#include "look/pki/crl.h"
#include "look/pki/ocsp.h"
#include "t/unit/pki_rig.h"
#include "t/unit/tap.h"

static void reads_fields(void)
{
    const sgn_cert_t *cert = rig_pki()->person->read;

    is(cert->common_name, "Nguyễn Văn An", "cert: common name");
    is(cert->title, "Chủ tịch", "cert: title");
    is(cert->organisation, "Ủy ban nhân dân xã Thử", "cert: organisation");
    is(cert->identifier, "CCCD:038080000001", "cert: identifier");
    is(cert->organisation_id, "H57.28", "cert: organisation identifier");
    is(cert->issuer_name, "Issuing CA", "cert: issuer");
    is(cert->ocsp_urls[0], "http://127.0.0.1:1/ocsp", "cert: OCSP address");
    is(cert->crl_urls[0], "http://127.0.0.1:1/ca.crl", "cert: CRL address");
    is(cert->key_type, "rsa", "cert: key type");
    is_int(cert->key_bits, 2048, "cert: key size");
    is_int(cert->not_before, rig_at(-YEAR), "cert: notBefore to the second");
    is_int(cert->not_after, rig_at(YEAR), "cert: notAfter to the second");
    is_int((long)cert->key_usage, SGN_CERT_KU_DIGITAL_SIGNATURE | SGN_CERT_KU_NON_REPUDIATION, "cert: key usage");
    ok(cert->has_policies && !cert->is_ca && rig_pki()->ca->read->is_ca, "cert: scope stated, authority known");
}

static const char *kind(const rig_who_t *who)
{
    const rig_id_t *id = rig_id(who, rig_pki()->ca);

    return id->read ? sgn_cert_kind(id->read) : "unreadable";
}

static void tells_kinds(void)
{
    rig_id_t *server;

    is(sgn_cert_kind(rig_pki()->person->read), "person", "SV-F01: a person");
    is(sgn_cert_kind(rig_pki()->agency->read), "agency", "SV-F01: an agency");
    is(kind(&(rig_who_t){ .name = "www.tinh.gov.vn", .organisation = "UBND", .eku = "serverAuth" }), "device", "SV-F01: a web server is a device");
    is(kind(&(rig_who_t){ .name = "Nguyễn Văn An", .uid = "CCCD:1", .eku = "codeSigning" }), "device", "SV-F01: code signing is a device, whoever holds it");
    is(kind(&(rig_who_t){ .name = "vpn", .eku = "clientAuth" }), "device", "SV-F01: nobody's clientAuth is a device");
    is(kind(&(rig_who_t){ .name = "Nguyễn Văn An", .uid = "CCCD:1", .eku = "clientAuth" }), "person", "SV-F01: a person's clientAuth is a person");
    is(kind(&(rig_who_t){ .name = "Sở Nội vụ", .organisation = "UBND tỉnh" }), "agency", "SV-F01: a department by its name");
    is(kind(&(rig_who_t){ .name = "Trường Tiểu học Thử", .organisation = "UBND tỉnh" }), "agency", "SV-F01: a school");
    is(kind(&(rig_who_t){ .name = "Trương Văn Thử", .organisation = "UBND tỉnh" }), "person", "SV-F01: a person whose name looks like a school without marks");
    is(kind(&(rig_who_t){ .name = "UBND xã", .organisation = "UBND xã", .uid = "CCCD:2" }), "person", "SV-F01: a personal number makes a person");
    server = rig_id(&(rig_who_t){ .name = "www", .eku = "serverAuth", .usage = "digitalSignature" }, rig_pki()->ca);
    is_int(sgn_cert_usage(server->read), SGN_F_CERT_USAGE, "cert: a web server's certificate cannot sign documents");
    is_int(sgn_cert_usage(rig_pki()->person->read), SGN_OK, "cert: a person's can");
    is_int(sgn_cert_usage(rig_id(&(rig_who_t){ .name = "A", .uid = "CCCD:1", .usage = "keyEncipherment" }, rig_pki()->ca)->read),
           SGN_F_CERT_USAGE, "cert: without digitalSignature it cannot");
}

static void refuses(void)
{
    sgn_bytes_t good = rig_pki()->person->der;
    sgn_cert_t *cert;

    is_code(sgn_cert_parse(&cert, good, tap_pool()), SGN_OK, "cert: the good one is read");
    is_code(sgn_cert_parse(&cert, rig_join(good, "x", 1), tap_pool()), SGN_CERT_UNREADABLE, "cert: a byte behind it");
    is_code(sgn_cert_parse(&cert, sgn_bytes(good.data, good.len - 1), tap_pool()), SGN_CERT_UNREADABLE, "cert: a byte too few");
    is_code(sgn_cert_parse(&cert, rig_indefinite(good), tap_pool()), SGN_CERT_UNREADABLE, "cert: an indefinite length");
    is_code(sgn_cert_parse(&cert, sgn_bytes("", 0), tap_pool()), SGN_CERT_UNREADABLE, "cert: nothing");
    is_code(sgn_cert_parse(&cert, rig_swap(good, "Nguy", "Ng\0y", 4), tap_pool()), SGN_OK, "cert: a NUL in the name can be read ...");
    is(cert->common_name, NULL, "cert: ... but shows no name");
}

static void tells_strength(void)
{
    rig_id_t *weak = rig_id(&(rig_who_t){ .name = "A", .rsa = 1024 }, rig_pki()->ca);
    rig_id_t *sha1 = rig_id(&(rig_who_t){ .name = "A", .sha1 = 1 }, rig_pki()->ca);

    is_int(sgn_cert_strength(rig_pki()->person->read), SGN_OK, "cert: RSA 2048 with SHA-256 is strong enough");
    is_int(sgn_cert_strength(weak->read), SGN_F_ALGORITHM, "cert: RSA 1024 is weak");
    is_int(sgn_cert_strength(sha1->read), SGN_F_ALGORITHM, "cert: SHA-1 is weak");
}

/* ---- keys of every kind -------------------------------------------------------- */

/* A public key of these numbers; nobody has its private one. */
static EVP_PKEY *public_key(const char *type, int count, const char *const names[], const int bits[])
{
    OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
    EVP_PKEY *key = NULL;
    BIGNUM *numbers[4];
    OSSL_PARAM *params;

    for (int i = 0; i < count; i++) {
        numbers[i] = BN_new();
        BN_rand(numbers[i], bits[i], BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ODD);
        OSSL_PARAM_BLD_push_BN(build, names[i], numbers[i]);
    }
    params = OSSL_PARAM_BLD_to_param(build);
    if (EVP_PKEY_fromdata_init(ctx) != 1 || EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, params) != 1)
        key = NULL;
    OSSL_PARAM_free(params);
    OSSL_PARAM_BLD_free(build);
    EVP_PKEY_CTX_free(ctx);
    for (int i = 0; i < count; i++)
        BN_free(numbers[i]);
    return key;
}

static EVP_PKEY *pss_key(void)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA-PSS", NULL);
    EVP_PKEY *key = NULL;

    if (EVP_PKEY_keygen_init(ctx) != 1 || EVP_PKEY_CTX_set_rsa_keygen_bits(ctx, 2048) != 1
        || EVP_PKEY_CTX_set_rsa_pss_keygen_md(ctx, EVP_sha256()) != 1 || EVP_PKEY_CTX_set_rsa_pss_keygen_mgf1_md(ctx, EVP_sha256()) != 1
        || EVP_PKEY_CTX_set_rsa_pss_keygen_saltlen(ctx, 32) != 1 || EVP_PKEY_generate(ctx, &key) != 1)
        key = NULL;
    EVP_PKEY_CTX_free(ctx);
    return key;
}

static EVP_PKEY *explicit_key(void)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");

    EVP_PKEY_set_utf8_string_param(key, OSSL_PKEY_PARAM_EC_ENCODING, "explicit");
    return key;
}

static rig_id_t *person(EVP_PKEY *key)
{
    if (!key)
        ok(0, "setup");
    return rig_id(&(rig_who_t){ .name = "Nguyễn Văn An", .uid = "CCCD:1", .usage = "critical,digitalSignature,nonRepudiation", .key = key },
                  rig_pki()->ca);
}

static rig_id_t *authority(EVP_PKEY *key)
{
    return rig_id(&(rig_who_t){ .name = "CA of its own kind", .basic = "critical,CA:TRUE", .usage = "critical,keyCertSign,cRLSign", .key = key },
                  NULL);
}

static sgn_code_t path_of(const rig_id_t *id, sgn_path_store_t *store)
{
    sgn_path_t *path;

    if (!id->read || sgn_path_build(&path, store, id->read, NULL, SGN_PATH_SIGNER, rig_now(), tap_pool()))
        return SGN_INTERNAL;
    return path->code;
}

/* Read or not, a certificate of such a key is never good. */
static void never(EVP_PKEY *key, const char *what)
{
    rig_id_t *id = person(key);

    ok(!id->read || sgn_cert_strength(id->read) == SGN_F_ALGORITHM, apr_psprintf(tap_pool(), "cert: %s is no key for signing", what));
    ok(!id->read || !sgn_cert_is_issued_by(rig_pki()->person->read, id->read), "cert: and verifies nothing");
}

static void keys(void)
{
    static const char *const dsa[] = { OSSL_PKEY_PARAM_FFC_P, OSSL_PKEY_PARAM_FFC_Q, OSSL_PKEY_PARAM_FFC_G, OSSL_PKEY_PARAM_PUB_KEY };
    static const char *const rsa[] = { OSSL_PKEY_PARAM_RSA_N, OSSL_PKEY_PARAM_RSA_E };
    static const int dsa_bits[] = { 2048, 256, 2040, 2040 }, rsa_bits[] = { 16384, 17 };
    rig_id_t *id;

    never(EVP_PKEY_Q_keygen(NULL, NULL, "ED25519"), "Ed25519");
    never(EVP_PKEY_Q_keygen(NULL, NULL, "X25519"), "X25519");
    never(public_key("DSA", 4, dsa, dsa_bits), "DSA");
    id = person(pss_key());
    is(id->read ? id->read->key_type : "", "rsa", "cert: a key for RSA-PSS alone is RSA");
    is_int(path_of(id, rig_pki()->store), SGN_OK, "cert: and its path is good");
    id = person(EVP_EC_gen("P-521"));
    is(id->read ? id->read->key_type : "", "ec", "cert: P-521 is EC");
    is_int(path_of(id, rig_pki()->store), SGN_OK, "cert: and its path is good");
    id = person(explicit_key());
    ok(!id->read || !sgn_cert_is_issued_by(rig_pki()->person->read, id->read), "cert: an EC key of explicit parameters is read or not, without a crash");
    id = person(public_key("RSA", 2, rsa, rsa_bits));
    ok(!id->read || !sgn_cert_is_issued_by(rig_pki()->person->read, id->read), "cert: RSA of 16384 bits verifies nothing that it did not sign");
}

/* What an authority with this key signed: 1 good, 0 not. */
static void signed_by(EVP_PKEY *key, int good, const char *what)
{
    rig_id_t *ca = authority(key);
    rig_id_t *leaf = rig_id(&(rig_who_t){ .name = "Nguyễn Văn An", .uid = "CCCD:1", .usage = "critical,digitalSignature,nonRepudiation" }, ca);
    sgn_code_t path = path_of(leaf, rig_store(ca, NULL));
    sgn_ocsp_t *ocsp = NULL;
    sgn_crl_t *crl = NULL;

    ok((path == SGN_OK) == good && path != SGN_INTERNAL, apr_psprintf(tap_pool(), "cert: a certificate signed by %s", what));
    ok((ca->read && leaf->read && sgn_cert_is_issued_by(leaf->read, ca->read)) == good, "cert:   issued by it");
    ok((ca->read && !sgn_crl_parse(&crl, rig_crl(&(rig_crl_t){ .issuer = ca }), tap_pool()) && !sgn_crl_verify(crl, ca->read, tap_pool())) == good,
       "cert:   its list");
    ok((ca->read && !sgn_ocsp_parse(&ocsp, rig_ocsp(&(rig_ocsp_t){ .about = leaf, .issuer = ca, .signer = ca }), tap_pool())
        && !sgn_ocsp_verify(ocsp, ca->read, tap_pool())) == good, "cert:   its answer");
}

static void *read_many(void *baton)
{
    apr_pool_t *pool;
    sgn_cert_t *cert;
    int good = 1;

    for (int i = 0; i < 100 && good; i++) {
        apr_pool_create_unmanaged_ex(&pool, NULL, NULL);
        good = !sgn_cert_parse(&cert, rig_pki()->person->der, pool) && strcmp(cert->key_type, "rsa") == 0;
        apr_pool_destroy(pool);
    }
    *(int *)baton = good;
    return NULL;
}

static void threads(void)
{
    pthread_t thread[4];
    int good[4] = { 0 };

    for (int i = 0; i < 4; i++)
        pthread_create(&thread[i], NULL, read_many, &good[i]);
    for (int i = 0; i < 4; i++)
        pthread_join(thread[i], NULL);
    ok(good[0] && good[1] && good[2] && good[3], "cert: four threads read at once");
}

int main(void)
{
    reads_fields();
    tells_kinds();
    refuses();
    tells_strength();
    keys();
    signed_by(EVP_EC_gen("P-256"), 1, "EC P-256");
    signed_by(EVP_EC_gen("P-521"), 1, "EC P-521");
    signed_by(pss_key(), 1, "RSA-PSS");
    signed_by(EVP_PKEY_Q_keygen(NULL, NULL, "ED25519"), 0, "Ed25519");
    threads();
    return done_testing();
}
