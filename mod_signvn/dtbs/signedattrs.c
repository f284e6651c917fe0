#include <string.h>

#include "dtbs/encode.h"
#include "dtbs/signedattrs.h"

/* Contents of the OBJECT IDENTIFIERs. */
static const unsigned char oid_content_type[] = { 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x03 };
static const unsigned char oid_message_digest[] = { 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x04 };
static const unsigned char oid_signing_time[] = { 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x05 };
static const unsigned char oid_certificate_v2[] = { 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x10, 0x02, 0x2f };
static const unsigned char oid_commitment[] = { 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x10, 0x02, 0x10 };
static const unsigned char oid_data[] = { 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x01 };
static const unsigned char oid_sha256[] = { 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01 };
#define CTI 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x10, 0x06
#define ARC 0x69, 0xf8, 0xd9, 0x8f, 0xae, 0xaa, 0xbf, 0xb2, 0xbd, 0xb7, 0x84, 0xf3, 0x9f, 0xbf, 0xd5, 0xfe, 0xbf, 0x97, 0x1b
static const unsigned char oid_document[] = { ARC, 0x01 };

/* What a kind must (need) and may (may) refer to. */
enum { NUMBER = 1, SYMBOL = 2, DATE = 4, PERSON = 8, SOURCE = 16, MAIN = 32 };

typedef struct {
    sgn_kind_t kind;
    const char *name;
    unsigned char oid[24];
    unsigned char oid_len;
    unsigned char need, may, agency;
} kind_row_t;

static const kind_row_t kinds[] = {
    { .kind = SGN_KIND_APPROVE, .name = "approve", .oid = { CTI, 0x05 }, .oid_len = 11 },
    { .kind = SGN_KIND_CHECK, .name = "check", .oid = { CTI, 0x06 }, .oid_len = 11 },
    { .kind = SGN_KIND_SEAL, .name = "seal", .oid = { CTI, 0x01 }, .oid_len = 11,
      .need = NUMBER | DATE | PERSON, .may = SYMBOL, .agency = 1 },
    { .kind = SGN_KIND_COPY, .name = "copy", .oid = { ARC, 0x02, 0x01 }, .oid_len = 21,
      .need = SOURCE, .may = NUMBER | SYMBOL | DATE, .agency = 1 },
    { .kind = SGN_KIND_ATTACHMENT, .name = "attachment", .oid = { ARC, 0x02, 0x02 }, .oid_len = 21,
      .need = MAIN, .may = NUMBER | SYMBOL | DATE, .agency = 1 },
    { .kind = SGN_KIND_APPENDIX, .name = "appendix", .oid = { ARC, 0x02, 0x03 }, .oid_len = 21,
      .need = MAIN, .may = NUMBER | SYMBOL | DATE, .agency = 1 },
    { .kind = SGN_KIND_SCAN, .name = "scan", .oid = { ARC, 0x02, 0x04 }, .oid_len = 21, .agency = 1 },
    { .kind = SGN_KIND_INTERNAL, .name = "internal", .oid = { ARC, 0x02, 0x05 }, .oid_len = 21 },
};
#define KINDS (sizeof kinds / sizeof kinds[0])

static const kind_row_t *row_of(sgn_kind_t kind)
{
    for (size_t i = 0; i < KINDS; i++)
        if (kinds[i].kind == kind)
            return &kinds[i];
    return NULL;
}

const char *sgn_signedattrs_kind_name(sgn_kind_t kind)
{
    const kind_row_t *row = row_of(kind);

    return row ? row->name : "unknown";
}

sgn_kind_t sgn_signedattrs_kind(const char *name)
{
    for (size_t i = 0; name && i < KINDS; i++)
        if (strcmp(kinds[i].name, name) == 0)
            return kinds[i].kind;
    return SGN_KIND_UNKNOWN;
}

int sgn_signedattrs_kind_of_agency(sgn_kind_t kind)
{
    const kind_row_t *row = row_of(kind);

    return row ? row->agency : 0;
}

static unsigned references(const sgn_signedattrs_t *attrs)
{
    return (attrs->number[0] ? NUMBER : 0) | (attrs->symbol[0] ? SYMBOL : 0) | (attrs->date[0] ? DATE : 0)
        | (attrs->has_person_digest ? PERSON : 0) | (attrs->has_source_digest ? SOURCE : 0)
        | (attrs->has_main_digest ? MAIN : 0);
}

static int consistent(const sgn_signedattrs_t *attrs)
{
    const kind_row_t *row = row_of(attrs->kind);
    unsigned has = references(attrs);

    if (!row || (has & row->need) != row->need || has & ~(unsigned)(row->need | row->may))
        return SGN_FAULT_KIND;
    return SGN_FAULT_NONE;
}

static int text_ok(const char *text, size_t len)
{
    if (!sgn_encode_is_utf8(text, len))
        return SGN_FAULT_UTF8;
    for (size_t i = 0; i < len; i++)
        if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f)
            return SGN_FAULT_UTF8;
    return SGN_FAULT_NONE;
}

static int date_ok(const char *date, size_t len)
{
    static const int days[] = { 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    int month, day;

    if (len != 10)
        return SGN_FAULT_VALUE;
    for (int i = 0; i < 10; i++)
        if (i == 4 || i == 7 ? date[i] != '-' : date[i] < '0' || date[i] > '9')
            return SGN_FAULT_VALUE;
    month = (date[5] - '0') * 10 + date[6] - '0';
    day = (date[8] - '0') * 10 + date[9] - '0';
    if (month < 1 || month > 12 || day < 1 || day > days[month - 1])
        return SGN_FAULT_VALUE;
    return SGN_FAULT_NONE;
}

/* ---- building ------------------------------------------------------------ */

/* Attribute ::= SEQUENCE { type, SET { value } }; the value is written already. */
static void attribute(sgn_der_out_t *out, const unsigned char *oid, size_t len, size_t mark)
{
    sgn_der_wrap(out, SGN_DER_SET, mark);
    sgn_der_value(out, SGN_DER_OID, oid, len);
    sgn_der_wrap(out, SGN_DER_SEQUENCE, mark);
}

static void put_content_type(sgn_der_out_t *out, const sgn_signedattrs_t *attrs)
{
    (void)attrs;
    sgn_der_value(out, SGN_DER_OID, oid_data, sizeof oid_data);
    attribute(out, oid_content_type, sizeof oid_content_type, 0);
}

static void put_message_digest(sgn_der_out_t *out, const sgn_signedattrs_t *attrs)
{
    sgn_der_value(out, SGN_DER_OCTET_STRING, attrs->message_digest, SGN_SHA256_SIZE);
    attribute(out, oid_message_digest, sizeof oid_message_digest, 0);
}

/* SigningCertificateV2 { certs { ESSCertIDv2 { certHash } } }; the default
 * hash algorithm, SHA-256, is left out  [RFC 5035, 3; X.690, 11.5] */
static void put_certificate(sgn_der_out_t *out, const sgn_signedattrs_t *attrs)
{
    sgn_der_value(out, SGN_DER_OCTET_STRING, attrs->certificate, SGN_SHA256_SIZE);
    sgn_der_wrap(out, SGN_DER_SEQUENCE, 0);
    sgn_der_wrap(out, SGN_DER_SEQUENCE, 0);
    sgn_der_wrap(out, SGN_DER_SEQUENCE, 0);
    attribute(out, oid_certificate_v2, sizeof oid_certificate_v2, 0);
}

static void put_commitment(sgn_der_out_t *out, const sgn_signedattrs_t *attrs)
{
    const kind_row_t *row = row_of(attrs->kind);

    sgn_der_value(out, SGN_DER_OID, row->oid, row->oid_len);
    sgn_der_wrap(out, SGN_DER_SEQUENCE, 0);
    attribute(out, oid_commitment, sizeof oid_commitment, 0);
}

static void put_document(sgn_der_out_t *out, const sgn_signedattrs_t *attrs)
{
    if (references(attrs) == 0)
        return;
    if (attrs->has_main_digest)
        sgn_der_value(out, SGN_DER_CONTEXT(5), attrs->main_digest, SGN_SHA256_SIZE);
    if (attrs->has_source_digest)
        sgn_der_value(out, SGN_DER_CONTEXT(4), attrs->source_digest, SGN_SHA256_SIZE);
    if (attrs->has_person_digest)
        sgn_der_value(out, SGN_DER_CONTEXT(3), attrs->person_digest, SGN_SHA256_SIZE);
    if (attrs->date[0])
        sgn_der_value(out, SGN_DER_CONTEXT(2), attrs->date, strlen(attrs->date));
    if (attrs->symbol[0])
        sgn_der_value(out, SGN_DER_CONTEXT(1), attrs->symbol, strlen(attrs->symbol));
    if (attrs->number[0])
        sgn_der_value(out, SGN_DER_CONTEXT(0), attrs->number, strlen(attrs->number));
    sgn_der_value(out, SGN_DER_INTEGER, "\x01", 1);
    sgn_der_wrap(out, SGN_DER_SEQUENCE, 0);
    attribute(out, oid_document, sizeof oid_document, 0);
}

int sgn_signedattrs_build(unsigned char *out, size_t cap, size_t *out_len, const sgn_signedattrs_t *attrs)
{
    static void (*const puts[])(sgn_der_out_t *, const sgn_signedattrs_t *) = {
        put_content_type, put_message_digest, put_certificate, put_commitment, put_document
    };
    enum { PUTS = sizeof puts / sizeof puts[0] };
    unsigned char room[PUTS][512], whole_room[SGN_SIGNEDATTRS_MAX];
    sgn_der_t parts[PUTS];
    sgn_der_out_t whole;

    if (!memchr(attrs->number, 0, sizeof attrs->number) || !memchr(attrs->symbol, 0, sizeof attrs->symbol)
        || !memchr(attrs->date, 0, sizeof attrs->date))
        return SGN_FAULT_LIMIT;
    SGN_FAULT_TRY(consistent(attrs));
    SGN_FAULT_TRY(text_ok(attrs->number, strlen(attrs->number)));
    SGN_FAULT_TRY(text_ok(attrs->symbol, strlen(attrs->symbol)));
    if (attrs->date[0])
        SGN_FAULT_TRY(date_ok(attrs->date, strlen(attrs->date)));
    for (int i = 0; i < PUTS; i++) {
        sgn_der_out_t part;

        sgn_der_out(&part, room[i], sizeof room[i]);
        puts[i](&part, attrs);
        if (part.fault)
            return part.fault;
        parts[i] = sgn_der(part.buf + part.left, sgn_der_mark(&part));
    }
    /* insertion sort into DER order; an attribute left out is empty and first */
    for (int i = 1; i < PUTS; i++)
        for (int k = i; k > 0 && sgn_der_compare(parts[k - 1], parts[k]) > 0; k--) {
            sgn_der_t other = parts[k];

            parts[k] = parts[k - 1];
            parts[k - 1] = other;
        }
    sgn_der_out(&whole, whole_room, sizeof whole_room);
    for (int i = PUTS; i-- > 0;)
        sgn_der_put(&whole, parts[i].at, parts[i].left);
    sgn_der_wrap(&whole, SGN_DER_SET, 0);
    if (whole.fault)
        return whole.fault;
    if (sgn_der_mark(&whole) > cap)
        return SGN_FAULT_LIMIT;
    *out_len = sgn_der_mark(&whole);
    memcpy(out, whole_room + whole.left, *out_len);
    return SGN_FAULT_NONE;
}

/* ---- reading ------------------------------------------------------------- */

static int digest_of(unsigned char out[SGN_SHA256_SIZE], sgn_der_t value)
{
    if (value.left != SGN_SHA256_SIZE)
        return SGN_FAULT_LENGTH;
    memcpy(out, value.at, SGN_SHA256_SIZE);
    return SGN_FAULT_NONE;
}

static int text_of(char *out, size_t cap, sgn_der_t value)
{
    if (value.left == 0)
        return SGN_FAULT_VALUE;
    if (value.left >= cap)
        return SGN_FAULT_LIMIT;
    SGN_FAULT_TRY(text_ok((const char *)value.at, value.left));
    memcpy(out, value.at, value.left);
    out[value.left] = '\0';
    return SGN_FAULT_NONE;
}

/* The first ESSCertIDv2 is the signer's  [RFC 5035, 5.4.1]. */
static int read_certificate(sgn_signedattrs_t *out, sgn_der_t value, int ours)
{
    sgn_der_t signing, certs, id, hash;

    SGN_FAULT_TRY(sgn_der_take(&value, SGN_DER_SEQUENCE, &signing));
    SGN_FAULT_TRY(sgn_der_end(&value));
    SGN_FAULT_TRY(sgn_der_take(&signing, SGN_DER_SEQUENCE, &certs));
    if (ours)
        SGN_FAULT_TRY(sgn_der_end(&signing));
    SGN_FAULT_TRY(sgn_der_take(&certs, SGN_DER_SEQUENCE, &id));
    if (ours)
        SGN_FAULT_TRY(sgn_der_end(&certs));
    if (!ours && sgn_der_peek(&id) == SGN_DER_SEQUENCE) {
        sgn_der_t algorithm, oid;

        /* some tools write the default algorithm out */
        SGN_FAULT_TRY(sgn_der_take(&id, SGN_DER_SEQUENCE, &algorithm));
        SGN_FAULT_TRY(sgn_der_take(&algorithm, SGN_DER_OID, &oid));
        if (!sgn_der_equal(oid, oid_sha256, sizeof oid_sha256))
            return SGN_FAULT_NONE;
    }
    SGN_FAULT_TRY(sgn_der_take(&id, SGN_DER_OCTET_STRING, &hash));
    if (ours)
        SGN_FAULT_TRY(sgn_der_end(&id));
    SGN_FAULT_TRY(digest_of(out->certificate, hash));
    out->has_certificate = 1;
    return SGN_FAULT_NONE;
}

static int read_commitment(sgn_signedattrs_t *out, sgn_der_t value, int ours)
{
    sgn_der_t sequence, oid;

    SGN_FAULT_TRY(sgn_der_take(&value, SGN_DER_SEQUENCE, &sequence));
    SGN_FAULT_TRY(sgn_der_end(&value));
    SGN_FAULT_TRY(sgn_der_take(&sequence, SGN_DER_OID, &oid));
    if (ours)
        SGN_FAULT_TRY(sgn_der_end(&sequence));
    for (size_t i = 0; i < KINDS; i++)
        if (sgn_der_equal(oid, kinds[i].oid, kinds[i].oid_len)) {
            out->kind = kinds[i].kind;
            return SGN_FAULT_NONE;
        }
    return SGN_FAULT_KIND;
}

static int read_document(sgn_signedattrs_t *out, sgn_der_t value)
{
    sgn_der_t sequence, part;
    unsigned tag, last = 0;
    long version;

    SGN_FAULT_TRY(sgn_der_take(&value, SGN_DER_SEQUENCE, &sequence));
    SGN_FAULT_TRY(sgn_der_end(&value));
    SGN_FAULT_TRY(sgn_der_small(&sequence, &version));
    if (version != 1)
        return SGN_FAULT_VALUE;
    if (sequence.left == 0)
        return SGN_FAULT_MISSING;
    while (sequence.left) {
        SGN_FAULT_TRY(sgn_der_any(&sequence, &tag, &part, NULL));
        if (tag <= last)
            return tag == last ? SGN_FAULT_TWICE : SGN_FAULT_ORDER;
        last = tag;
        switch (tag) {
        case SGN_DER_CONTEXT(0):
            SGN_FAULT_TRY(text_of(out->number, sizeof out->number, part));
            break;
        case SGN_DER_CONTEXT(1):
            SGN_FAULT_TRY(text_of(out->symbol, sizeof out->symbol, part));
            break;
        case SGN_DER_CONTEXT(2):
            SGN_FAULT_TRY(text_of(out->date, sizeof out->date, part));
            SGN_FAULT_TRY(date_ok(out->date, strlen(out->date)));
            break;
        case SGN_DER_CONTEXT(3):
            SGN_FAULT_TRY(digest_of(out->person_digest, part));
            out->has_person_digest = 1;
            break;
        case SGN_DER_CONTEXT(4):
            SGN_FAULT_TRY(digest_of(out->source_digest, part));
            out->has_source_digest = 1;
            break;
        case SGN_DER_CONTEXT(5):
            SGN_FAULT_TRY(digest_of(out->main_digest, part));
            out->has_main_digest = 1;
            break;
        default:
            return SGN_FAULT_TAG;
        }
    }
    return SGN_FAULT_NONE;
}

typedef struct {
    sgn_der_t oid;
    sgn_der_t value;    /* the one value, with its header */
    sgn_der_t whole;
} attribute_t;

/* Takes the next attribute; exactly one value, for every attribute we know. */
static int take_attribute(attribute_t *out, sgn_der_t *in)
{
    sgn_der_t sequence, values;
    unsigned tag;

    SGN_FAULT_TRY(sgn_der_any(in, &tag, &sequence, &out->whole));
    if (tag != SGN_DER_SEQUENCE)
        return SGN_FAULT_TAG;
    SGN_FAULT_TRY(sgn_der_take(&sequence, SGN_DER_OID, &out->oid));
    SGN_FAULT_TRY(sgn_der_take(&sequence, SGN_DER_SET, &values));
    SGN_FAULT_TRY(sgn_der_end(&sequence));
    out->value = values;
    return SGN_FAULT_NONE;
}

#define IS(attribute, oid_bytes) sgn_der_equal((attribute).oid, oid_bytes, sizeof oid_bytes)
enum { SEEN_TYPE = 1, SEEN_DIGEST = 2, SEEN_CERTIFICATE = 4, SEEN_COMMITMENT = 8, SEEN_DOCUMENT = 16 };

static int open_set(sgn_der_t *set, const unsigned char *der, size_t len, size_t limit)
{
    sgn_der_t in = sgn_der(der, len);

    if (len > limit)
        return SGN_FAULT_LIMIT;
    SGN_FAULT_TRY(sgn_der_take(&in, SGN_DER_SET, set));
    return sgn_der_end(&in);
}

static int read_known(unsigned *seen, sgn_signedattrs_t *out, const attribute_t *attribute, int ours)
{
    sgn_der_t value = attribute->value, content;
    unsigned what;

    if (IS(*attribute, oid_content_type))
        what = SEEN_TYPE;
    else if (IS(*attribute, oid_message_digest))
        what = SEEN_DIGEST;
    else if (IS(*attribute, oid_certificate_v2))
        what = SEEN_CERTIFICATE;
    else if (IS(*attribute, oid_commitment))
        what = SEEN_COMMITMENT;
    else if (IS(*attribute, oid_document))
        what = SEEN_DOCUMENT;
    else
        return SGN_FAULT_UNKNOWN;
    if (*seen & what)
        return SGN_FAULT_TWICE;
    *seen |= what;
    switch (what) {
    case SEEN_TYPE:
        SGN_FAULT_TRY(sgn_der_expect_oid(&value, oid_data, sizeof oid_data));
        return sgn_der_end(&value);
    case SEEN_DIGEST:
        SGN_FAULT_TRY(sgn_der_take(&value, SGN_DER_OCTET_STRING, &content));
        SGN_FAULT_TRY(sgn_der_end(&value));
        return digest_of(out->message_digest, content);
    case SEEN_CERTIFICATE:
        return read_certificate(out, value, ours);
    case SEEN_COMMITMENT:
        return read_commitment(out, value, ours);
    default:
        return read_document(out, value);
    }
}

int sgn_signedattrs_parse(sgn_signedattrs_t *out, const unsigned char *der, size_t len)
{
    const unsigned all = SEEN_TYPE | SEEN_DIGEST | SEEN_CERTIFICATE | SEEN_COMMITMENT;
    sgn_signedattrs_t read;
    sgn_der_t set, before = { 0 };
    unsigned seen = 0;

    memset(&read, 0, sizeof read);
    SGN_FAULT_TRY(open_set(&set, der, len, SGN_SIGNEDATTRS_MAX));
    while (set.left) {
        attribute_t attribute;

        SGN_FAULT_TRY(take_attribute(&attribute, &set));
        if (before.at && sgn_der_compare(before, attribute.whole) >= 0)
            return SGN_FAULT_ORDER;
        before = attribute.whole;
        SGN_FAULT_TRY(read_known(&seen, &read, &attribute, 1));
    }
    if ((seen & all) != all)
        return SGN_FAULT_MISSING;
    SGN_FAULT_TRY(consistent(&read));
    *out = read;
    return SGN_FAULT_NONE;
}

int sgn_signedattrs_survey(sgn_signedattrs_t *out, const unsigned char *der, size_t len)
{
    sgn_signedattrs_t read;
    sgn_der_t set;
    unsigned seen = 0;
    int broken = 0;

    memset(&read, 0, sizeof read);
    SGN_FAULT_TRY(open_set(&set, der, len, SGN_SIGNEDATTRS_FOREIGN_MAX));
    while (set.left) {
        attribute_t attribute;
        int fault;

        SGN_FAULT_TRY(take_attribute(&attribute, &set));
        if (IS(attribute, oid_signing_time))
            read.has_signing_time = 1;
        fault = read_known(&seen, &read, &attribute, 0);
        /* another tool's commitment type, or what it put under our names, is
         * not ours: no kind; a broken digest or certificate is a fault */
        if (fault && (IS(attribute, oid_commitment) || IS(attribute, oid_document)) && fault != SGN_FAULT_TWICE) {
            broken = 1;
            read.unknown++;
        } else if (fault == SGN_FAULT_UNKNOWN) {
            read.unknown++;
        } else if (fault) {
            return fault;
        }
    }
    if (!(seen & SEEN_TYPE) || !(seen & SEEN_DIGEST))
        return SGN_FAULT_MISSING;
    if (broken || consistent(&read) != SGN_FAULT_NONE)
        read.kind = SGN_KIND_UNKNOWN;
    *out = read;
    return SGN_FAULT_NONE;
}

int sgn_signedattrs_digest(sgn_der_t *out, const unsigned char *der, size_t len)
{
    sgn_der_t set, found = { 0 };

    SGN_FAULT_TRY(open_set(&set, der, len, SGN_SIGNEDATTRS_FOREIGN_MAX));
    while (set.left) {
        attribute_t attribute;
        sgn_der_t value;

        SGN_FAULT_TRY(take_attribute(&attribute, &set));
        if (!IS(attribute, oid_message_digest))
            continue;
        if (found.at)
            return SGN_FAULT_TWICE;
        value = attribute.value;
        SGN_FAULT_TRY(sgn_der_take(&value, SGN_DER_OCTET_STRING, &found));
        SGN_FAULT_TRY(sgn_der_end(&value));
    }
    if (!found.at)
        return SGN_FAULT_MISSING;
    *out = found;
    return SGN_FAULT_NONE;
}
