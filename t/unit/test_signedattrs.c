/* The bytes a token signs: exactly one form, the kind inside, nothing else. */
#include "tap.h"

#include "dtbs/signedattrs.h"

static sgn_signedattrs_t sample(sgn_kind_t kind)
{
    sgn_signedattrs_t attrs;

    memset(&attrs, 0, sizeof attrs);
    attrs.kind = kind;
    memset(attrs.message_digest, 0x11, 32);
    memset(attrs.certificate, 0x22, 32);
    if (kind == SGN_KIND_SEAL) {
        snprintf(attrs.number, sizeof attrs.number, "07");
        snprintf(attrs.symbol, sizeof attrs.symbol, "QĐ-UBND");
        snprintf(attrs.date, sizeof attrs.date, "2026-11-20");
        memset(attrs.person_digest, 0x33, 32);
        attrs.has_person_digest = 1;
    }
    if (kind == SGN_KIND_COPY) {
        memset(attrs.source_digest, 0x44, 32);
        attrs.has_source_digest = 1;
    }
    if (kind == SGN_KIND_ATTACHMENT || kind == SGN_KIND_APPENDIX) {
        memset(attrs.main_digest, 0x55, 32);
        attrs.has_main_digest = 1;
    }
    return attrs;
}

static int build(unsigned char *der, size_t *len, const sgn_signedattrs_t *attrs)
{
    return sgn_signedattrs_build(der, SGN_SIGNEDATTRS_MAX, len, attrs);
}

static void every_kind(void)
{
    for (int kind = SGN_KIND_APPROVE; kind <= SGN_KIND_INTERNAL; kind++) {
        sgn_signedattrs_t attrs = sample(kind), back;
        unsigned char der[SGN_SIGNEDATTRS_MAX], again[SGN_SIGNEDATTRS_MAX];
        size_t len = 0, n = 0;
        char name[96];
        int pass = build(der, &len, &attrs) == 0 && sgn_signedattrs_parse(&back, der, len) == 0
            && back.kind == attrs.kind && memcmp(back.message_digest, attrs.message_digest, 32) == 0
            && memcmp(back.certificate, attrs.certificate, 32) == 0 && strcmp(back.number, attrs.number) == 0
            && strcmp(back.symbol, attrs.symbol) == 0 && strcmp(back.date, attrs.date) == 0
            && build(again, &n, &back) == 0 && n == len && memcmp(der, again, len) == 0;

        snprintf(name, sizeof name, "signedattrs: %s is built, read back and built the same",
                 sgn_signedattrs_kind_name(kind));
        ok(pass, name);
        ok(sgn_signedattrs_kind(sgn_signedattrs_kind_name(kind)) == (sgn_kind_t)kind, "signedattrs: and its name finds it");
    }
    is_int(sgn_signedattrs_kind("unknown"), SGN_KIND_UNKNOWN, "signedattrs: no name makes the unknown kind");
    ok(sgn_signedattrs_kind_of_agency(SGN_KIND_SEAL) && !sgn_signedattrs_kind_of_agency(SGN_KIND_APPROVE),
       "signedattrs: a seal is the agency's, an approval a person's");
}

static void references(void)
{
    unsigned char der[SGN_SIGNEDATTRS_MAX];
    size_t len;
    sgn_signedattrs_t attrs = sample(SGN_KIND_SEAL);

    attrs.has_person_digest = 0;
    is_int(build(der, &len, &attrs), SGN_FAULT_KIND, "B2: a seal that names no personal signature is not built");
    attrs = sample(SGN_KIND_SEAL);
    attrs.number[0] = '\0';
    is_int(build(der, &len, &attrs), SGN_FAULT_KIND, "signedattrs: a seal without a number is not built");
    attrs = sample(SGN_KIND_COPY);
    attrs.has_source_digest = 0;
    is_int(build(der, &len, &attrs), SGN_FAULT_KIND, "B2: a copy that names no source is not built");
    attrs = sample(SGN_KIND_APPROVE);
    attrs.has_person_digest = 1;
    is_int(build(der, &len, &attrs), SGN_FAULT_KIND, "signedattrs: an approval that refers to a signature is not built");
    attrs = sample(SGN_KIND_UNKNOWN);
    is_int(build(der, &len, &attrs), SGN_FAULT_KIND, "signedattrs: no kind, no bytes");
    attrs = sample(SGN_KIND_SEAL);
    snprintf(attrs.number, sizeof attrs.number, "7\n");
    is_int(build(der, &len, &attrs), SGN_FAULT_UTF8, "signedattrs: a control character in the number is refused");
    attrs = sample(SGN_KIND_SEAL);
    snprintf(attrs.date, sizeof attrs.date, "2026-13-01");
    is_int(build(der, &len, &attrs), SGN_FAULT_VALUE, "signedattrs: a thirteenth month is refused");
}

static unsigned char *find(unsigned char *der, size_t len, const char *what, size_t n)
{
    for (size_t i = 0; i + n <= len; i++)
        if (memcmp(der + i, what, n) == 0)
            return der + i;
    return NULL;
}

/* One change of the good bytes each. */
static void mutations(void)
{
    sgn_signedattrs_t attrs = sample(SGN_KIND_SEAL), back;
    unsigned char good[SGN_SIGNEDATTRS_MAX], der[SGN_SIGNEDATTRS_MAX + 1], *at;
    size_t len, refused = 0;
    sgn_der_t digest;

    build(good, &len, &attrs);
    memcpy(der, good, len);
    der[len] = 0;
    is_int(sgn_signedattrs_parse(&back, der, len + 1), SGN_FAULT_TRAILING, "signedattrs: a byte behind is refused");
    is_int(sgn_signedattrs_parse(&back, der, len - 1), SGN_FAULT_SHORT, "signedattrs: a cut end is refused");
    der[0] = 0x30;
    is_int(sgn_signedattrs_parse(&back, der, len), SGN_FAULT_TAG, "signedattrs: a SEQUENCE instead of the SET is refused");

    memcpy(der, good, len);
    at = find(der, len, "\x2a\x86\x48\x86\xf7\x0d\x01\x09\x10\x06\x01", 11);
    at[10] = 0x05;
    is_int(sgn_signedattrs_parse(&back, der, len), SGN_FAULT_KIND, "B2: a seal relabelled as an approval is refused");
    at[10] = 0x02;
    is_int(sgn_signedattrs_parse(&back, der, len), SGN_FAULT_KIND, "signedattrs: a commitment type that is no kind of ours is refused");

    memcpy(der, good, len);
    at = find(der, len, "\x2a\x86\x48\x86\xf7\x0d\x01\x09\x04", 9);
    at[8] = 0x05;
    is_int(sgn_signedattrs_parse(&back, der, len), SGN_FAULT_UNKNOWN, "signedattrs: a signing-time is refused");
    ok(sgn_signedattrs_digest(&digest, der, len) == SGN_FAULT_MISSING, "signedattrs: and no digest is found then");

    memcpy(der, good, len);
    ok(sgn_signedattrs_digest(&digest, der, len) == 0 && digest.left == 32 && digest.at[0] == 0x11,
       "signedattrs: the keeper finds the one message digest");
    /* no single changed byte of the structure may read as something else by accident */
    for (size_t i = 0; i < len; i++) {
        memcpy(der, good, len);
        der[i] ^= 0x20;
        if (sgn_signedattrs_parse(&back, der, len) != 0)
            refused++;
    }
    ok(refused > 100, "signedattrs: a changed byte of the structure is refused");
}

static void order(void)
{
    /* the two first attributes change places */
    sgn_signedattrs_t attrs = sample(SGN_KIND_APPROVE), back;
    unsigned char good[SGN_SIGNEDATTRS_MAX], der[SGN_SIGNEDATTRS_MAX];
    size_t len;
    sgn_der_t in, set, a, b, content;
    unsigned tag;

    build(good, &len, &attrs);
    in = sgn_der(good, len);
    sgn_der_take(&in, SGN_DER_SET, &set);
    sgn_der_any(&set, &tag, &content, &a);
    sgn_der_any(&set, &tag, &content, &b);
    memcpy(der, good, len);
    memcpy(der + (a.at - good), b.at, b.left);
    memcpy(der + (a.at - good) + b.left, a.at, a.left);
    is_int(sgn_signedattrs_parse(&back, der, len), SGN_FAULT_ORDER, "signedattrs: attributes out of DER order are refused");
    is_int(sgn_signedattrs_survey(&back, der, len), SGN_FAULT_NONE, "signedattrs: another tool may order them as it likes");
    is_int(back.kind, SGN_KIND_APPROVE, "signedattrs: and its kind is read");
}

static void foreign(void)
{
    /* contentType and messageDigest only, as openssl and old tools write */
    static const unsigned char plain[] = {
        0x31, 0x4b,
        0x30, 0x18, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x03, 0x31, 0x0b, 0x06, 0x09,
        0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x01,
        0x30, 0x2f, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x04, 0x31, 0x22, 0x04, 0x20,
        1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1
    };
    sgn_signedattrs_t back;

    is_int(sgn_signedattrs_survey(&back, plain, sizeof plain), SGN_FAULT_NONE, "signedattrs: a plain foreign set is surveyed");
    ok(back.kind == SGN_KIND_UNKNOWN && !back.has_certificate, "signedattrs: without kind and certificate");
    is_int(sgn_signedattrs_parse(&back, plain, sizeof plain), SGN_FAULT_MISSING, "signedattrs: but it is not ours");
}

int main(void)
{
    every_kind();
    references();
    mutations();
    order();
    foreign();
    return done_testing();
}
