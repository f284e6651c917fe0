/* test_path.c: paths to configured anchors, each fault by itself. */
#include "t/unit/pki_rig.h"
#include "t/unit/tap.h"

#define CA_USAGE "critical,keyCertSign,cRLSign"
#define USAGE "critical,digitalSignature,nonRepudiation"

static sgn_path_t *build_at(const rig_id_t *id, sgn_path_store_t *store, const apr_array_header_t *offered,
                            sgn_path_purpose_t purpose, apr_time_t at)
{
    sgn_path_t *path = NULL;

    if (sgn_path_build(&path, store, id->read, offered, purpose, at, tap_pool()))
        return NULL;
    return path;
}

static sgn_code_t code(const rig_id_t *id)
{
    sgn_path_t *path = build_at(id, rig_pki()->store, NULL, SGN_PATH_SIGNER, rig_now());

    if (path && path->code != SGN_OK)
        printf("# %s\n", path->detail);
    return path ? path->code : SGN_INTERNAL;
}

static rig_id_t *person(rig_who_t who, const rig_id_t *issuer)
{
    who.name = "Nguyễn Văn An";
    who.uid = "CCCD:1";
    if (!who.usage)
        who.usage = USAGE;
    return rig_id(&who, issuer);
}

static apr_array_header_t *offer(const rig_id_t *a)
{
    apr_array_header_t *list = apr_array_make(tap_pool(), 1, sizeof(sgn_cert_t *));

    APR_ARRAY_PUSH(list, sgn_cert_t *) = a->read;
    return list;
}

/* ---- names and lists as nobody expects them ------------------------------------ */

static apr_array_header_t *ders(int count, rig_id_t *const ids[])
{
    apr_array_header_t *list = apr_array_make(tap_pool(), count + 1, sizeof(sgn_bytes_t));

    for (int i = 0; i < count; i++)
        APR_ARRAY_PUSH(list, sgn_bytes_t) = ids[i]->der;
    return list;
}

static sgn_code_t with(const rig_id_t *leaf, const rig_id_t *anchor, int count, rig_id_t *const between[])
{
    sgn_path_store_t *store;
    sgn_path_t *path = NULL;

    if (!sgn_path_store_make(&store, rig_list(anchor, NULL), ders(count, between), tap_pool()))
        path = build_at(leaf, store, NULL, SGN_PATH_SIGNER, rig_now());
    if (path && path->code != SGN_OK)
        printf("# %s\n", path->detail);
    return path ? path->code : SGN_INTERNAL;
}

static X509_NAME *named(const char *utf8, int type)
{
    X509_NAME *name = X509_NAME_new();
    ASN1_STRING *text = NULL;

    ASN1_mbstring_copy(&text, (const unsigned char *)utf8, -1, MBSTRING_UTF8, (unsigned long)ASN1_tag2bit(type));
    if (!text || !X509_NAME_add_entry_by_NID(name, NID_commonName, type, ASN1_STRING_get0_data(text), ASN1_STRING_length(text), -1, 0))
        ok(0, "setup");
    ASN1_STRING_free(text);
    return name;
}

/* An authority of one name, a person whose issuer is written in another way. */
static void written(const char *above, int above_type, const char *below, int below_type, sgn_code_t want, const char *name)
{
    X509_NAME *subject = named(above, above_type), *issuer = named(below, below_type);
    rig_id_t *ca = rig_id(&(rig_who_t){ .subject = subject, .basic = "critical,CA:TRUE", .usage = CA_USAGE }, rig_pki()->root);

    is_int(with(person((rig_who_t){ .issuer = issuer }, ca), rig_pki()->root, 1, &ca), want, name);
    X509_NAME_free(subject);
    X509_NAME_free(issuer);
}

static void names(void)
{
    written("CA SO 1", V_ASN1_PRINTABLESTRING, "ca  so 1 ", V_ASN1_UTF8STRING, SGN_OK, "path: names of another case and white space are one");
    written("Cơ quan Đăng ký Ũ", V_ASN1_UTF8STRING, "Cơ quan Đăng ký Ũ", V_ASN1_BMPSTRING, SGN_OK, "path: so are UTF8String and BMPString, with Vietnamese letters");
    written("Cơ quan Đăng ký Ũ", V_ASN1_UNIVERSALSTRING, "Cơ quan Đăng ký Ũ", V_ASN1_UTF8STRING, SGN_OK, "path: and UniversalString");
    written("Caf\xc3\xa9", V_ASN1_T61STRING, "Caf\xc3\xa9", V_ASN1_UTF8STRING, SGN_OK, "path: and TeletexString");
    written("Cơ quan Đăng ký", V_ASN1_UTF8STRING, "Cơ quan Đãng ký", V_ASN1_UTF8STRING, SGN_F_PATH_NONE, "path: another letter is another name");
}

static void crowds(void)
{
    const rig_pki_t *pki = rig_pki();
    rig_who_t same = { .name = "Same CA", .basic = "critical,CA:TRUE", .usage = CA_USAGE }, old = same;
    rig_id_t *many[256], *loop[3], *both[2], *leaf;
    sgn_path_t *path;

    for (int i = 0; i < 256; i++)
        many[i] = rig_id(&same, i == 200 ? pki->root : pki->other_root);
    is_int(with(person((rig_who_t){ .from = 0 }, many[200]), pki->root, 256, many), SGN_OK, "path: the right one of 256 of one name");
    is_int(with(person((rig_who_t){ .from = 0 }, many[3]), pki->root, 256, many), SGN_F_PATH_NONE, "path: none of the others");

    both[0] = rig_id(&same, pki->root);
    old.same_key = both[0];
    old.from = -YEAR;
    old.to = -DAY;
    both[1] = rig_id(&old, pki->root);
    leaf = person((rig_who_t){ .from = 0 }, both[0]);
    is_int(with(leaf, pki->root, 2, both), SGN_OK, "path: an expired authority of the same name and key behind the good one");
    loop[0] = both[1];
    loop[1] = both[0];
    is_int(with(leaf, pki->root, 2, loop), SGN_OK, "path: and before it");
    path = build_at(leaf, rig_store(pki->root, both[0]), offer(both[1]), SGN_PATH_SIGNER, rig_now());
    is_int(path->code, SGN_OK, "path: and in the document");

    loop[0] = rig_id(&(rig_who_t){ .name = "A", .basic = "critical,CA:TRUE", .usage = CA_USAGE }, NULL);
    loop[1] = rig_id(&(rig_who_t){ .name = "B", .basic = "critical,CA:TRUE", .usage = CA_USAGE }, loop[0]);
    loop[2] = rig_id(&(rig_who_t){ .name = "A", .basic = "critical,CA:TRUE", .usage = CA_USAGE, .same_key = loop[0] }, loop[1]);
    leaf = person((rig_who_t){ .from = 0 }, loop[1]);
    is_int(with(leaf, pki->root, 2, loop + 1), SGN_F_PATH_NONE, "path: two authorities that certify each other end in no anchor");
    is_int(with(leaf, loop[0], 2, loop + 1), SGN_OK, "path: and in one that is");

    path = build_at(pki->person, rig_store(pki->person, NULL), NULL, SGN_PATH_SIGNER, rig_now());
    is_int(path->code, SGN_OK, "path: a person who is the anchor");
    is_int(path->count, 1, "path: of one certificate");
    both[0] = pki->root;
    both[1] = pki->ca;
    is_int(with(pki->person, pki->root, 2, both), SGN_OK, "path: an anchor that is among the authorities too");
    path = build_at(pki->person, pki->store, offer(pki->root), SGN_PATH_SIGNER, rig_now());
    is_int(path->code, SGN_OK, "path: an anchor that is in the document too");
}

int main(void)
{
    const rig_pki_t *pki = rig_pki();
    sgn_path_t *path = build_at(pki->person, pki->store, NULL, SGN_PATH_SIGNER, rig_now());
    rig_id_t *old_ca, *bad_ca, *sub_ca, *weak_ca, *decoy, *deep;

    is_int(path->code, SGN_OK, "path: a person of a known authority");
    is_int(path->count, 3, "path: leaf, authority, anchor");
    is(path->provider, "official", "SV-F02: the Government's anchor is official");
    path = build_at(person((rig_who_t){ .from = 0 }, pki->other_ca), rig_store(pki->other_root, pki->other_ca), NULL, SGN_PATH_SIGNER, rig_now());
    is(path->provider, "public", "SV-F02: the national root is public");

    is_int(code(person((rig_who_t){ .to = -DAY, .from = -YEAR }, pki->ca)), SGN_F_CERT_EXPIRED, "path: expired");
    is_int(code(person((rig_who_t){ .from = DAY, .to = YEAR }, pki->ca)), SGN_F_CERT_EXPIRED, "path: not valid yet");
    path = build_at(person((rig_who_t){ .to = -DAY, .from = -YEAR }, pki->ca), pki->store, NULL, SGN_PATH_SIGNER, rig_at(-2 * DAY));
    is_int(path->code, SGN_OK, "path: expired today, valid at the time asked for");
    is_int(code(person((rig_who_t){ .from = 0 }, pki->other_ca)), SGN_F_PATH_NONE, "path: the authority of another root");
    is_int(code(person((rig_who_t){ .usage = "critical,keyEncipherment" }, pki->ca)), SGN_F_CERT_USAGE, "path: not for signing");
    is_int(code(person((rig_who_t){ .eku = "serverAuth" }, pki->ca)), SGN_F_CERT_USAGE, "path: a device");
    is_int(code(person((rig_who_t){ .rsa = 1024 }, pki->ca)), SGN_F_ALGORITHM, "path: RSA 1024");
    is_int(code(person((rig_who_t){ .sha1 = 1 }, pki->ca)), SGN_F_ALGORITHM, "path: certified with SHA-1");
    is_int(code(person((rig_who_t){ .extra = "critical,ASN1:NULL" }, pki->ca)), SGN_F_PATH_INVALID, "path: an unknown critical extension");
    is_int(code(person((rig_who_t){ .extra = "ASN1:NULL" }, pki->ca)), SGN_OK, "path: an unknown extension that is not critical");

    /* a signature that is not the authority's: right names, wrong key */
    bad_ca = rig_id(&(rig_who_t){ .organisation = "Ban Cơ yếu Chính phủ (thử)", .name = "Issuing CA", .basic = "critical,CA:TRUE", .usage = CA_USAGE }, pki->other_root);
    is_int(code(person((rig_who_t){ .from = 0 }, bad_ca)) == SGN_OK, 0, "path: an impostor of the authority's name");

    old_ca = rig_id(&(rig_who_t){ .name = "Old CA", .basic = "critical,CA:TRUE", .usage = CA_USAGE, .from = -YEAR, .to = -DAY }, pki->root);
    path = build_at(person((rig_who_t){ .from = 0 }, old_ca), pki->store, offer(old_ca), SGN_PATH_SIGNER, rig_now());
    is_int(path->code, SGN_F_PATH_INVALID, "path: an expired authority");
    sub_ca = rig_id(&(rig_who_t){ .name = "Second CA", .basic = "critical,CA:TRUE", .usage = CA_USAGE }, pki->root);
    path = build_at(person((rig_who_t){ .from = 0 }, sub_ca), pki->store, offer(sub_ca), SGN_PATH_SIGNER, rig_now());
    is_int(path->code, SGN_OK, "path: an authority that the document supplies, below our anchor");
    sub_ca = rig_id(&(rig_who_t){ .name = "Narrow CA", .basic = "critical,CA:TRUE", .usage = CA_USAGE, .constraints = "critical,permitted;email:.gov.vn" }, pki->root);
    path = build_at(person((rig_who_t){ .san = "email:an@xa.gov.vn" }, sub_ca), pki->store, offer(sub_ca), SGN_PATH_SIGNER, rig_now());
    is_int(path->code, SGN_OK, "path: a name within the name constraints");
    path = build_at(person((rig_who_t){ .san = "email:an@example.com" }, sub_ca), pki->store, offer(sub_ca), SGN_PATH_SIGNER, rig_now());
    is_int(path->code, SGN_F_PATH_INVALID, "path: a name outside the name constraints");
    weak_ca = rig_id(&(rig_who_t){ .name = "No CA", .usage = "digitalSignature" }, pki->root);
    path = build_at(person((rig_who_t){ .from = 0 }, weak_ca), pki->store, offer(weak_ca), SGN_PATH_SIGNER, rig_now());
    ok(path->code != SGN_OK, "path: a person cannot issue (basic constraints)");
    weak_ca = rig_id(&(rig_who_t){ .name = "CA without the right", .basic = "critical,CA:TRUE", .usage = "cRLSign" }, pki->root);
    path = build_at(person((rig_who_t){ .from = 0 }, weak_ca), pki->store, offer(weak_ca), SGN_PATH_SIGNER, rig_now());
    ok(path->code != SGN_OK, "path: an authority without keyCertSign");
    deep = rig_id(&(rig_who_t){ .name = "Sub CA", .basic = "critical,CA:TRUE", .usage = CA_USAGE }, pki->ca);
    path = build_at(person((rig_who_t){ .from = 0 }, deep), pki->store, offer(deep), SGN_PATH_SIGNER, rig_now());
    is_int(path->code, SGN_F_PATH_INVALID, "path: deeper than pathlen allows");
    decoy = rig_id(&(rig_who_t){ .organisation = "Ban Cơ yếu Chính phủ (thử)", .name = "Issuing CA", .basic = "critical,CA:TRUE", .usage = CA_USAGE, .same_key = NULL }, NULL);
    path = build_at(pki->person, pki->store, offer(decoy), SGN_PATH_SIGNER, rig_now());
    is_int(path->code, SGN_OK, "path: a decoy of the authority's name in the document leads nobody away");
    path = build_at(decoy, pki->store, offer(decoy), SGN_PATH_ANY, rig_now());
    is_int(path->code, SGN_F_PATH_NONE, "path: an anchor in the document is no anchor");

    path = build_at(pki->tsa, pki->tsa_store, NULL, SGN_PATH_TIMESTAMP, rig_now());
    is_int(path->code, SGN_OK, "path: the time-stamp server");
    path = build_at(pki->tsa, pki->store, NULL, SGN_PATH_TIMESTAMP, rig_now());
    is_int(path->code, SGN_F_PATH_NONE, "B25: the signers' anchors are none for time-stamps");
    path = build_at(rig_id(&(rig_who_t){ .name = "TSA", .usage = "critical,digitalSignature", .eku = "timeStamping" }, pki->tsa_root),
                    pki->tsa_store, NULL, SGN_PATH_TIMESTAMP, rig_now());
    is_int(path->code, SGN_F_CERT_USAGE, "B25: timeStamping that is not critical");
    path = build_at(rig_id(&(rig_who_t){ .name = "TSA", .usage = "critical,digitalSignature", .eku = "critical,timeStamping,clientAuth" }, pki->tsa_root),
                    pki->tsa_store, NULL, SGN_PATH_TIMESTAMP, rig_now());
    is_int(path->code, SGN_F_CERT_USAGE, "B25: timeStamping among other purposes");
    names();
    crowds();
    return done_testing();
}
