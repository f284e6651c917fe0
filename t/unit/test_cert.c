/* test_cert.c: one certificate into a struct, and certificates that must not be read. */
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

int main(void)
{
    reads_fields();
    tells_kinds();
    refuses();
    tells_strength();
    return done_testing();
}
