/*
 * test_checks.c: validation of signed documents: what passes, the least change
 * that breaks one rule, and the attacks of THREATS by their numbers.
 */
#include "t/unit/tap.h"
#include "t/unit/validate_rig.h"

#include <apr_strings.h>

#include "base/clock.h"
#include "base/json.h"

#define HOUR apr_time_from_sec(3600)
#define DAY apr_time_from_sec(86400)

static apr_pool_t *pool;
static rig_pki_t *pki;
static sgn_bytes_t base, approved, sealed;

static const char *indication(const sgn_checks_answer_t *answer)
{
    return sgn_report_indication(answer->report->indication);
}

static const char *of(const sgn_report_signature_t *signature)
{
    return sgn_report_indication(signature->indication);
}

static int has(const apr_array_header_t *findings, sgn_code_t code)
{
    return sgn_report_has(findings, code);
}

static void make(void)
{
    base = rig_pdf("table", 3000, pool);
    approved = rig_sign(base, &(rig_sign_t){ .who = &pki->leader, .kind = "approve", .field = "sgn_person_1", .reserve = 1,
                                             .stamp = pki->now - HOUR }, pool);
    sealed = rig_sign(approved, &(rig_sign_t){ .who = &pki->seal_a, .kind = "seal", .field = "sgn_seal", .fill = 1, .number = "07",
                                               .day = "21", .month = "11", .stamp = pki->now - HOUR / 2,
                                               .person = rig_fact(rig_look(approved, NULL, pool), 0)->value }, pool);
}

static void good(void)
{
    const sgn_checks_answer_t *answer = rig_look(approved, NULL, pool);
    const sgn_report_signature_t *one = rig_signature(answer, 0), *two;

    is(indication(answer), "TOTAL-PASSED", "an approved document passes");
    is(one->kind, "approve", "the kind comes from the signed attributes");
    is(one->level, "B-T", "a time-stamp makes level B-T");
    is(one->coverage, "whole", "the signature covers the whole file");
    is(one->best_source, "timestamp", "its time is that of the time-stamp");
    is(one->integrity.status, "valid", "integrity is reported by itself");
    is(one->certificate.status, "valid", "the certificate is reported by itself");
    is(one->certification_path.status, "valid", "the path is reported by itself");
    is(one->algorithm, "RSASSA-PSS/SHA-256", "the algorithm is named");
    ok(answer->number.present && answer->number.empty && answer->seal.empty, "reserved fields are present and empty");

    answer = rig_look(sealed, NULL, pool);
    is(indication(answer), "TOTAL-PASSED", "a sealed document passes");
    is_int(answer->report->signatures->nelts, 2, "one entry per signature field");
    one = rig_signature(answer, 0);
    two = rig_signature(answer, 1);
    is_int(one->changes_after, SGN_CHANGES_PERMITTED, "number, date and seal are permitted changes");
    ok(has(one->findings, SGN_F_CHANGE_SEAL_FILL), "they are named");
    is(one->coverage, "revision", "the personal signature covers its revision");
    is(two->kind, "seal", "the seal says that it is one");
    is(two->signer.kind, "agency", "its certificate is an agency's");
    is(rig_fact(answer, 1)->document.number, "07", "the seal names the number");
    is(answer->number.value, "07", "the number stands in its field");
    ok(sgn_bytes_equal(rig_fact(answer, 0)->value, rig_fact(rig_look(approved, NULL, pool), 0)->value),
       "the personal signature is the same value as before the seal");

    answer = rig_look(rig_stamp(sealed, pki->now - HOUR / 4, pool), NULL, pool);
    is(indication(answer), "TOTAL-PASSED", "a document time-stamp behind the seal passes");
    is_int(answer->report->signatures->nelts, 3, "the time-stamp has an entry of its own");
    ok(rig_signature(answer, 2)->timestamp && rig_signature(answer, 2)->intact, "it is a time-stamp and intact");
    ok(has(rig_signature(answer, 0)->findings, SGN_F_CHANGE_TIMESTAMP), "the earlier signatures report it");
}

static void others(void)
{
    sgn_bytes_t stream = rig_pdf("stream", 500, pool), file;
    const sgn_checks_answer_t *answer;

    file = rig_sign(stream, &(rig_sign_t){ .who = &pki->reviewer, .kind = "check", .field = "sgn_check_1", .reserve = 1, .stamp = pki->now - HOUR }, pool);
    file = rig_sign(file, &(rig_sign_t){ .who = &pki->leader, .kind = "approve", .field = "sgn_person_1", .stamp = pki->now - HOUR,
                                         .pkcs1 = 1, .box = { 80, 300, 100, 40 } }, pool);
    answer = rig_look(file, NULL, pool);
    is(indication(answer), "TOTAL-PASSED", "two persons in a file of cross-reference streams pass");
    is(rig_signature(answer, 0)->kind, "check", "the first is a check");
    is(rig_signature(answer, 0)->algorithm, "ECDSA/SHA-256", "signed with ECDSA");
    ok(has(rig_signature(answer, 1)->findings, SGN_F_ALGORITHM_LEGACY), "PKCS#1 v1.5 is told, not refused");
    ok(has(rig_signature(answer, 0)->findings, SGN_F_CHANGE_SIGNATURE), "the second signature is a permitted change of the first");

    answer = rig_look(base, NULL, pool);
    is(indication(answer), "NO-SIGNATURE", "a document without signature says so");
    answer = rig_look(sgn_bytes_str("PK\003\004 not a PDF at all"), NULL, pool);
    is(indication(answer), "UNSUPPORTED", "what is no PDF is UNSUPPORTED, not without signature");
    {
        sgn_checks_answer_t *none;

        is_code(rig_try(&none, sgn_bytes("", 0), NULL, pool), SGN_BODY_EMPTY, "an empty document cannot be looked at");
    }
    answer = rig_look(sgn_bytes(approved.data, approved.len - 700), NULL, pool);
    ok(answer->report->indication == SGN_INDICATION_INDETERMINATE && has(answer->report->findings, SGN_F_STRUCTURE),
       "a truncated document is indeterminate and says why");
}

/* [B26] the clock of the signer proves nothing */
static void times(void)
{
    sgn_bytes_t crl = rig_crl(pki, &pki->revoked, pki->now - HOUR, 1, pki->now, pool);
    sgn_bytes_t hold = rig_crl(pki, &pki->held, pki->now - HOUR, 6, pki->now, pool), file;
    const rig_look_t look = { .ca_crl = crl };
    const sgn_report_signature_t *one;

    file = rig_sign(base, &(rig_sign_t){ .who = &pki->revoked, .kind = "approve", .field = "p", .claimed = pki->now - 7 * DAY }, pool);
    one = rig_signature(rig_look(file, &look, pool), 0);
    is(of(one), "INDETERMINATE", "B26: revoked today, /M of last week, no time-stamp: not passed");
    is(one->sub, "REVOKED_NO_POE", "B26: because nothing proves that it is older");
    ok(has(one->findings, SGN_F_REVOKED_NO_POE), "B26: and the finding says so");
    ok(one->intact, "B26: yet the signature is intact");
    ok(one->claimed == pki->now - 7 * DAY && one->best == pki->now, "B26: the claimed time is shown and not used");

    one = rig_signature(rig_look(file, &(rig_look_t){ .ca_crl = crl, .receipt = pki->now - DAY }, pool), 0);
    ok(strcmp(one->best_source, "receipt") == 0 && one->best == pki->now - DAY, "our own receipt is a proof of time");

    file = rig_sign(base, &(rig_sign_t){ .who = &pki->revoked, .kind = "approve", .field = "p", .stamp = pki->now - HOUR / 2 }, pool);
    one = rig_signature(rig_look(file, &look, pool), 0);
    ok(one->indication != SGN_INDICATION_PASSED && has(one->findings, SGN_F_CERT_REVOKED), "stamped after the revocation: not passed");

    file = rig_sign(base, &(rig_sign_t){ .who = &pki->held, .kind = "approve", .field = "p", .stamp = pki->now - HOUR / 2 }, pool);
    one = rig_signature(rig_look(file, &(rig_look_t){ .ca_crl = hold }, pool), 0);
    ok(one->indication != SGN_INDICATION_PASSED && has(one->findings, SGN_F_CERT_HOLD), "a suspended certificate does not pass");

    file = rig_sign(base, &(rig_sign_t){ .who = &pki->expired, .kind = "approve", .field = "p" }, pool);
    one = rig_signature(rig_look(file, NULL, pool), 0);
    is(one->sub, "OUT_OF_BOUNDS_NO_POE", "expired and no proof of time");
    ok(has(one->findings, SGN_F_EXPIRED_NO_POE), "the finding names expiry without proof");
    is(one->certification_path.status, "valid", "its path is reported apart from its validity");
    is(one->certificate.status, "invalid", "its validity is not");

    one = rig_signature(rig_look(approved, &(rig_look_t){ .no_evidence = 1 }, pool), 0);
    is(one->sub, "TRY_LATER", "without CRL and OCSP there is no conclusion");
    ok(has(one->findings, SGN_F_REVOCATION_UNKNOWN), "and it says what is missing");
    ok(rig_look(approved, &(rig_look_t){ .no_evidence = 1 }, pool)->missing->nelts > 0, "the missing evidence is listed for the keeper");

    one = rig_signature(rig_look(rig_sign(base, &(rig_sign_t){ .who = &pki->stranger, .kind = "approve", .field = "p" }, pool), NULL, pool), 0);
    is(one->sub, "NO_CERTIFICATE_CHAIN_FOUND", "a certificate of another root finds no path");
    ok(one->intact && strcmp(one->certification_path.status, "invalid") == 0, "integrity and path are told apart");
    one = rig_signature(rig_look(rig_sign(base, &(rig_sign_t){ .who = &pki->device, .kind = "approve", .field = "p" }, pool), NULL, pool), 0);
    ok(one->indication != SGN_INDICATION_PASSED && has(one->findings, SGN_F_CERT_USAGE), "a device's certificate signs no documents");

    one = rig_signature(rig_look(rig_sign(base, &(rig_sign_t){ .who = &pki->unscoped, .kind = "approve", .field = "p" }, pool), NULL, pool), 0);
    ok(one->indication == SGN_INDICATION_PASSED && has(one->findings, SGN_F_CERT_SCOPE_UNKNOWN), "a certificate that states no scope is warned about");

    file = rig_sign(base, &(rig_sign_t){ .who = &pki->leader, .kind = "approve", .field = "p", .stamp = pki->now - HOUR,
                                         .claimed = pki->now + DAY }, pool);
    ok(has(rig_signature(rig_look(file, NULL, pool), 0)->findings, SGN_F_TIME_DIFFERS), "a displayed time far from the proved one is told");
    ok(has(rig_signature(rig_look(rig_sign(base, &(rig_sign_t){ .who = &pki->leader, .kind = "approve", .field = "p" }, pool), NULL, pool), 0)
           ->findings, SGN_F_NO_PROOF), "a signature without any proof of time says so");
}

/* The place of the signature in the file: everything before and behind the gap
 * is signed. */
static void gap_of(sgn_bytes_t file, size_t from, size_t *start, size_t *end)
{
    *start = rig_find(file, rig_find(file, from, "/ByteRange"), "/Contents");
    *start = rig_find(file, *start, "<");
    *end = rig_find(file, *start, ">") + 1;
}

static void flips(void)
{
    size_t start, end, at, step = 97;
    int passed = 0, failed = 0, open = 0, named = 0;
    apr_pool_t *scratch;

    gap_of(approved, base.len, &start, &end);
    apr_pool_create(&scratch, pool);
    for (at = 0; at < approved.len; at += at > start && at < end ? 1999 : step) {
        sgn_checks_answer_t *answer;
        sgn_error_t *error;

        apr_pool_clear(scratch);
        if (at >= start && at < end)
            continue;
        error = rig_try(&answer, rig_flip(approved, at, 1 << (at % 8), scratch), NULL, scratch);
        if (error) {
            open++;
        } else if (answer->report->indication == SGN_INDICATION_PASSED) {
            passed++;
            printf("# passed with byte %lu flipped\n", (unsigned long)at);
        } else if (answer->report->indication == SGN_INDICATION_FAILED) {
            failed++;
            /* by its number where the field that has the name is what was changed */
            named += answer->report->signatures->nelts == 1
                && (strcmp(rig_signature(answer, 0)->name, "sgn_person_1") == 0 || strstr(rig_signature(answer, 0)->name, " 0 R"))
                && !rig_signature(answer, 0)->intact;
        } else {
            open++;
        }
    }
    is_int(passed, 0, "no byte of the signed range can be flipped and pass");
    ok(failed > 50 * open, "nearly all flips are TOTAL-FAILED: the structure, or the bytes, lead to the signature");
    is_int(named, failed, "every TOTAL-FAILED names the signature, which is not intact");
    printf("# %d failed, %d without conclusion\n", failed, open);

    {
        /* an entry of the oldest table, which nobody needs to find the signature */
        sgn_bytes_t damaged = rig_flip(approved, rig_find(approved, 0, "0000000000 65535 f") + 3, 0x40, pool);
        const sgn_checks_answer_t *answer = rig_look(damaged, NULL, pool);
        const sgn_format_document_t document = { damaged.data, (apr_off_t)damaged.len };
        const sgn_format_prepare_t what = { .now = rig_pki()->now, .kind = "approve", .field = "sgn_person_2", .box = { 1, 1, 300, 200, 150, 60 } };
        sgn_format_prepared_t *prepared;

        is_int(answer->report->indication, SGN_INDICATION_FAILED, "a damaged structure does not hide that a signature fails");
        is(rig_signature(answer, 0)->name, "sgn_person_1", "which is named");
        ok(has(answer->report->findings, SGN_F_STRUCTURE), "and the damage is told");
        is_int(rig_signature(answer, 0)->changes_after, SGN_CHANGES_UNKNOWN, "what changed after it is unknown, not nothing");
        is_code(sgn_format_pdf.prepare(&prepared, &document, &what, pool), SGN_DOCUMENT_DAMAGED, "nobody signs such a file");
        answer = rig_look(sgn_bytes(sealed.data, sealed.len - 700), NULL, pool);
        ok(answer->report->indication == SGN_INDICATION_INDETERMINATE && rig_signature(answer, 0)->intact,
           "cut behind the first signature: that one is intact, and nothing is concluded");
        is_int(rig_signature(answer, 0)->changes_after, SGN_CHANGES_UNKNOWN, "nor of what changed after it");
        answer = rig_look(rig_replace(approved, base.len, "/AcroForm", "/AcroFrom", pool), NULL, pool);
        is_int(answer->report->indication, SGN_INDICATION_FAILED, "without a form the signature is still found and fails");
    }
    at = rig_find(approved, 0, "(So:");
    ok(has(rig_signature(rig_look(rig_flip(approved, at + 2, 1, pool), NULL, pool), 0)->findings, SGN_F_DIGEST),
       "a letter changed is a digest that differs");
    is(rig_signature(rig_look(rig_flip(approved, at + 2, 1, pool), NULL, pool), 0)->sub, "HASH_FAILURE", "sub-indication HASH_FAILURE");

    /* the value itself: the last bytes of the CMS before the zeros */
    at = end - 1;
    while (approved.data[at - 1] == '0')
        at--;
    ok(rig_look(rig_flip(approved, start + 2000, 1, pool), NULL, pool)->report->indication != SGN_INDICATION_PASSED,
       "a digit of the CMS changed does not pass");
    gap_of(sealed, approved.len, &start, &end);
    {
        const sgn_checks_answer_t *answer = rig_look(rig_flip(sealed, rig_find(sealed, 0, "(So:") + 2, 1, pool), NULL, pool);

        ok(rig_signature(answer, 0)->indication == SGN_INDICATION_FAILED
           && rig_signature(answer, 1)->indication == SGN_INDICATION_FAILED, "a change of the first revision fails both signatures");
        ok(rig_signature(answer, 0)->changes_after == SGN_CHANGES_UNKNOWN && rig_signature(answer, 1)->changes_after == SGN_CHANGES_UNKNOWN,
           "and nobody can say what changed after something that is not intact");
        answer = rig_look(rig_flip(sealed, rig_find(sealed, 0, "0000000000 65535 f") + 3, 0x40, pool), NULL, pool);
        ok(rig_signature(answer, 0)->changes_after == SGN_CHANGES_UNKNOWN && has(rig_signature(answer, 0)->findings, SGN_F_STRUCTURE)
           && rig_signature(answer, 0)->changes->nelts > 0, "a damaged table: a change that cannot be read is unknown");
        answer = rig_look(rig_flip(sealed, end + 5, 1, pool), NULL, pool);
        ok(answer->report->indication != SGN_INDICATION_PASSED, "a change behind the seal's gap does not pass");
    }
}

/* Universal signature forgery and wrapping: the range and the contents. */
static void ranges(void)
{
    size_t range = rig_find(approved, base.len, "/ByteRange"), start, end, digits;
    const sgn_report_signature_t *one;
    char text[64], other[64];
    sgn_bytes_t file;

    gap_of(approved, base.len, &start, &end);
    one = rig_signature(rig_look(rig_replace(approved, range, "/ByteRange", "/ByteRangX", pool), NULL, pool), 0);
    ok(one->indication == SGN_INDICATION_FAILED && has(one->findings, SGN_F_RANGE) && !one->intact, "USF: without /ByteRange it fails");
    one = rig_signature(rig_look(rig_replace(approved, range, "[0 ", "[1 ", pool), NULL, pool), 0);
    ok(one->indication == SGN_INDICATION_FAILED && has(one->findings, SGN_F_RANGE), "a range that begins at 1 fails");
    digits = rig_find(approved, range, "[") + 3;
    snprintf(text, sizeof text, "%lu", (unsigned long)start);
    snprintf(other, sizeof other, "%lu", (unsigned long)start - 1);
    one = rig_signature(rig_look(rig_replace(approved, digits, text, other, pool), NULL, pool), 0);
    ok(one->indication == SGN_INDICATION_FAILED && has(one->findings, SGN_F_RANGE), "a gap one byte too early fails");

    digits = rig_find(approved, range, "]");
    while (approved.data[digits - 1] == ' ')
        digits--;
    file = sgn_bytes_dup(approved, pool);
    ((unsigned char *)file.data)[digits - 3]--;
    one = rig_signature(rig_look(file, NULL, pool), 0);
    ok(one->indication == SGN_INDICATION_FAILED && (has(one->findings, SGN_F_PARTIAL) || has(one->findings, SGN_F_RANGE))
       && strcmp(one->coverage, "partial") == 0, "a range that ends inside its revision fails");

    /* SWA: the gap is longer than /Contents and hides something */
    file = sgn_bytes_dup(approved, pool);
    ((unsigned char *)file.data)[end - 20] = '>';
    one = rig_signature(rig_look(file, NULL, pool), 0);
    ok(one->indication == SGN_INDICATION_FAILED && has(one->findings, SGN_F_RANGE), "SWA: bytes hidden in the gap fail");
    file = sgn_bytes_dup(approved, pool);
    ((unsigned char *)file.data)[end - 20] = ' ';
    one = rig_signature(rig_look(file, NULL, pool), 0);
    ok(one->indication == SGN_INDICATION_FAILED && has(one->findings, SGN_F_RANGE), "SWA: a space in the gap fails");

    /* USF: /Contents is rubbish, null, empty */
    file = sgn_bytes_dup(approved, pool);
    memset((unsigned char *)file.data + start + 1, '0', end - start - 2);
    one = rig_signature(rig_look(file, NULL, pool), 0);
    ok(one->indication == SGN_INDICATION_FAILED && !one->intact && has(one->findings, SGN_F_CMS_UNREADABLE), "USF: zeros for /Contents fail");
    ok(one->integrity.status && strcmp(one->integrity.status, "invalid") == 0, "USF: and integrity is invalid, not absent");

}

/* A signature dictionary of another form, complete and right in itself. */
static sgn_bytes_t form_of(const char *dict, const rig_sign_t *how)
{
    sgn_bytes_t file = rig_append(approved, (rig_object_t[]){
        { 40, rig_placeholder(dict, pool), 0 },
        { 41, apr_psprintf(pool, "<</FT /Sig /T (other) /V 40 0 R /Type /Annot /Subtype /Widget /Rect [0 0 0 0] /F 132 /P %d 0 R>>", rig_page(approved, pool)), 0 },
        { rig_form(approved, pool), rig_with_field(approved, 41, pool), 0 }, { 0, NULL, 0 } }, NULL, pool);

    return rig_complete(file, approved.len, how, pool);
}

/* What is said of the signature "other", and of it with one byte of its range changed. */
static void unknown_form(const char *name, const char *dict, const rig_sign_t *how)
{
    sgn_bytes_t file = form_of(dict, how);
    const sgn_report_signature_t *one = rig_signature(rig_look(file, NULL, pool), 1);

    ok(strcmp(one->name, "other") == 0 && one->indication == SGN_INDICATION_INDETERMINATE && !one->intact
       && has(one->findings, SGN_F_SUBFILTER) && strcmp(one->integrity.status, "unknown") == 0,
       apr_pstrcat(pool, name, ": listed, and nothing is concluded though its digest agrees", NULL));
    one = rig_signature(rig_look(rig_flip(file, rig_find(file, 0, "(So:") + 2, 1, pool), NULL, pool), 1);
    ok(strcmp(one->name, "other") == 0 && one->indication == SGN_INDICATION_FAILED && !one->intact
       && strcmp(one->integrity.status, "invalid") == 0, apr_pstrcat(pool, name, ": fails by name where a byte is changed", NULL));
}

/* A changed byte fails by name, also where it is in the name of the form. */
static void forms(void)
{
    const rig_sign_t by_us = { .who = &pki->leader, .kind = "approve" };
    const sgn_checks_answer_t *answer = rig_look(rig_replace(approved, base.len, "/ETSI.CAdES.detached", "/ETSI.CAdES.detachee", pool), NULL, pool);
    const sgn_report_signature_t *one = rig_signature(answer, 0);
    sgn_bytes_t stamped = rig_stamp(approved, pki->now - HOUR / 2, pool), file;
    size_t start, end;

    is(indication(answer), "TOTAL-FAILED", "a byte of the SubFilter changed fails");
    ok(strcmp(one->name, "sgn_person_1") == 0 && one->indication == SGN_INDICATION_FAILED && !one->intact
       && has(one->findings, SGN_F_DIGEST) && has(one->findings, SGN_F_SUBFILTER), "the signature is named, with digest and form");
    is(sgn_error_row(APR_ARRAY_IDX(one->findings, 0, sgn_finding_t).code)->name, "signature.digest-differs",
            "the digest is the first thing that is told");
    one = rig_signature(rig_look(rig_replace(approved, base.len, "/SubFilter", "/SubFilteq", pool), NULL, pool), 0);
    ok(one->indication == SGN_INDICATION_FAILED && has(one->findings, SGN_F_DIGEST), "so does one of its key");
    one = rig_signature(rig_look(rig_replace(approved, base.len, "/Adobe.PPKLite", "/Adobe.PPKLitf", pool), NULL, pool), 0);
    ok(one->indication == SGN_INDICATION_FAILED && has(one->findings, SGN_F_DIGEST) && !has(one->findings, SGN_F_SUBFILTER),
       "and one of the Filter, which decides nothing");
    one = rig_signature(rig_look(rig_replace(stamped, approved.len, "/ETSI.RFC3161", "/ETSI.RFC3162", pool), NULL, pool), 1);
    ok(one->timestamp && one->indication == SGN_INDICATION_FAILED && has(one->findings, SGN_F_DIGEST), "and of the SubFilter of a document time-stamp");

    unknown_form("CMS of an unknown form", "/Type /Sig /Filter /Adobe.PPKLite /SubFilter /VN.other.detached", &by_us);
    unknown_form("CMS without a SubFilter", "/Type /Sig /Filter /Adobe.PPKLite", &by_us);
    unknown_form("token of an unknown form", "/Type /DocTimeStamp /Filter /Adobe.PPKLite /SubFilter /VN.token", &(rig_sign_t){ .stamp = pki->now - HOUR });
    unknown_form("adbe.pkcs7.sha1", "/Type /Sig /Filter /Adobe.PPKLite /SubFilter /adbe.pkcs7.sha1",
                 &(rig_sign_t){ .who = &pki->leader, .foreign = 1, .inner = 1 });
    unknown_form("CMS without attributes", "/Type /Sig /Filter /Adobe.PPKLite /SubFilter /VN.other.bare",
                 &(rig_sign_t){ .who = &pki->leader, .foreign = 1, .bare = 1 });

    file = form_of("/Type /Sig /Filter /Adobe.PPKLite /SubFilter /adbe.x509.rsa_sha1", &by_us);
    gap_of(file, approved.len, &start, &end);
    file = rig_flip(file, start + 2, 1, pool);
    one = rig_signature(rig_look(file, NULL, pool), 1);
    ok(one->indication == SGN_INDICATION_INDETERMINATE && has(one->findings, SGN_F_SUBFILTER) && one->findings->nelts == 1,
       "what is no CMS states no digest: nothing is concluded");
}

/* The frame of the CMS and of the tokens in it, which no signature covers
 * [RFC 5652, 5.1, 5.3]: digits of /Contents changed. */
static void frames(void)
{
    static const char list[] = "310d300b0609608648016503040201", other[] = "310d300b0609608648016503040202";
    static const char stamp_list[] = "310f300d060960864801650304020105", stamp_other[] = "310f300d060960864801650304020205";
    sgn_bytes_t lower = sgn_bytes_dup(approved, pool), stamped, file;
    const sgn_report_signature_t *one;
    size_t start, end, at;

    gap_of(approved, base.len, &start, &end);
    for (at = start + 1; at < end - 1; at++)
        ((unsigned char *)lower.data)[at] |= lower.data[at] > '9' ? 0x20 : 0;
    is(of(rig_signature(rig_look(lower, NULL, pool), 0)), "TOTAL-PASSED", "the case of digits means nothing");
    at = rig_find(lower, start, list);
    one = rig_signature(rig_look(rig_replace(lower, start, list, other, pool), NULL, pool), 0);
    ok(one->indication == SGN_INDICATION_INDETERMINATE && one->intact && has(one->findings, SGN_F_DIGEST_UNLISTED)
       && strcmp(one->sub, "SIG_CONSTRAINTS_FAILURE") == 0, "digestAlgorithms names another: intact, and nothing is concluded");
    file = sgn_bytes_dup(lower, pool);
    ((unsigned char *)file.data)[at - 1] = '5';
    one = rig_signature(rig_look(file, NULL, pool), 0);
    ok(one->indication == SGN_INDICATION_FAILED && has(one->findings, SGN_F_CMS_UNREADABLE), "a version that does not fit fails");
    at = rig_find(lower, at + 1, "310f300d0609608648016503040201");
    ok(at < end, "the time-stamp in it lists its digest");
    one = rig_signature(rig_look(rig_replace(lower, at, stamp_list, stamp_other, pool), NULL, pool), 0);
    ok(one->indication == SGN_INDICATION_INDETERMINATE && has(one->findings, SGN_F_TST_INVALID) && one->timestamps->nelts == 1
       && strcmp(one->best_source, "now") == 0, "a time-stamp whose digestAlgorithms names another proves nothing");
    file = sgn_bytes_dup(lower, pool);
    ((unsigned char *)file.data)[at - 1] = '7';
    one = rig_signature(rig_look(file, NULL, pool), 0);
    ok(one->indication == SGN_INDICATION_INDETERMINATE && has(one->findings, SGN_F_TST_INVALID) && strcmp(one->best_source, "now") == 0,
       "nor one of an unknown version");

    /* the type of an unsigned attribute: as if somebody had taken the time-stamp
     * away, which everybody can; then there is none, and the report says so */
    file = rig_replace(lower, start, "060b2a864886f70d010910020e", "060b2a864886f70d010910020f", pool);
    one = rig_signature(rig_look(file, NULL, pool), 0);
    ok(one->intact && has(one->findings, SGN_F_NO_PROOF) && one->timestamps->nelts == 0 && strcmp(one->level, "B-B") == 0
       && strcmp(one->best_source, "now") == 0 && one->best == pki->now, "without its time-stamp it is judged as of now, and that is told");
    one = rig_signature(rig_look(file, &(rig_look_t){ .receipt = pki->now - DAY }, pool), 0);
    ok(one->timestamps->nelts == 0 && strcmp(one->level, "B-B") == 0 && strcmp(one->best_source, "receipt") == 0,
       "by our own receipt it is older, but it is no time-stamped signature");

    stamped = rig_stamp(approved, pki->now - HOUR / 2, pool);
    gap_of(stamped, approved.len, &start, &end);
    for (at = start + 1; at < end - 1; at++)
        ((unsigned char *)stamped.data)[at] |= stamped.data[at] > '9' ? 0x20 : 0;
    one = rig_signature(rig_look(rig_replace(stamped, start, stamp_list, stamp_other, pool), NULL, pool), 1);
    ok(one->timestamp && one->indication == SGN_INDICATION_FAILED && has(one->findings, SGN_F_TST_INVALID), "a document time-stamp fails likewise");
    ((unsigned char *)stamped.data)[rig_find(stamped, start, stamp_list) - 1] = '9';
    one = rig_signature(rig_look(stamped, NULL, pool), 1);
    ok(one->timestamp && one->indication == SGN_INDICATION_FAILED && has(one->findings, SGN_F_TST_INVALID), "and with an unknown version");
}

/* Incremental saving attacks with and without a cross-reference section. */
static void trailing(void)
{
    const sgn_checks_answer_t *answer = rig_look(rig_join(sealed, "\n4 0 obj\n<<>>\nendobj\n", pool), NULL, pool);

    ok(answer->report->indication == SGN_INDICATION_FAILED && has(answer->report->findings, SGN_F_TRAILING),
       "ISA: objects appended without a section fail");
    is_int(rig_signature(answer, 0)->changes_after, SGN_CHANGES_FORBIDDEN, "ISA: a forbidden change of every signature");
    answer = rig_look(rig_join(sealed, "\n \r\n", pool), NULL, pool);
    is(indication(answer), "TOTAL-PASSED", "white space behind the end is nothing");
}

/* Foreign bytes before the header (PDF.md, decision 3): looked at, never passed. */
static void leading(void)
{
    const sgn_checks_answer_t *answer;
    sgn_buf_t *buf = sgn_buf_make(0, pool);
    const sgn_report_signature_t *one;
    sgn_bytes_t file;

    sgn_buf_str(buf, "junk before\n");
    sgn_buf_add(buf, approved.data, approved.len);
    is_code(sgn_buf_bytes(&file, buf), SGN_OK, "bytes before the header");
    answer = rig_look(file, NULL, pool);
    is(indication(answer), "TOTAL-FAILED", "bytes put before a signed document move its range");
    one = rig_signature(answer, 0);
    ok(has(one->findings, SGN_F_RANGE) && !one->intact, "the signature is named, with its range");
    ok(has(answer->report->findings, SGN_F_STRUCTURE), "and the header's place is told");
}

/* The report's JSON has the members of the interface, whatever happened. */
static void json(void)
{
    static const char *const members[] = { "name", "type", "format", "level", "kind", "indication", "intact", "coverage", "changesAfter",
        "changes", "signer", "timestamps", "path", "revocation", "integrity", "certificateValidity", "certificationPath", "findings", NULL };
    size_t start, end;
    sgn_bytes_t file = sgn_bytes_dup(approved, pool);
    json_t *report, *one, *finding;
    int i, all = 1;

    gap_of(approved, base.len, &start, &end);
    memset((unsigned char *)file.data + start + 1, 'f', end - start - 2);
    report = sgn_report_json(rig_look(file, NULL, pool)->report, pool);
    one = json_array_get(json_object_get(report, "signatures"), 0);
    for (i = 0; members[i]; i++)
        all = all && json_object_get(one, members[i]);
    ok(all, "every member is there when the CMS cannot be read");
    ok(json_is_false(json_object_get(one, "intact")), "intact is false then, never absent");
    is(json_string_value(json_object_get(one, "changesAfter")), "unknown", "and changesAfter is unknown");
    is(json_string_value(json_object_get(json_array_get(json_object_get(sgn_report_json(rig_look(approved, NULL, pool)->report, pool), "signatures"), 0),
                                         "changesAfter")), "none", "which is none where nothing was changed");
    finding = json_array_get(json_object_get(one, "findings"), 0);
    ok(json_string_value(json_object_get(finding, "code")) && json_string_value(json_object_get(finding, "severity"))
       && json_string_value(json_object_get(finding, "clause")) && json_string_value(json_object_get(finding, "vi"))
       && json_string_value(json_object_get(finding, "en")), "a finding has code, severity, clause and both sentences");
    report = sgn_report_json(rig_look(sealed, NULL, pool)->report, pool);
    is(json_string_value(json_object_get(report, "validationTime")), RIG_NOW, "times are written in +07:00");
    is_int(json_integer_value(json_object_get(json_object_get(report, "document"), "revisions")), 3, "revisions are counted");
}

/* The number that the agency signed is the number that is drawn. */
static void numbers(void)
{
    sgn_bytes_t value = rig_fact(rig_look(approved, NULL, pool), 0)->value, file;
    const sgn_report_signature_t *one;

    file = rig_sign(approved, &(rig_sign_t){ .who = &pki->seal_a, .kind = "seal", .field = "sgn_seal", .fill = 1, .number = "75", .day = "21",
                                             .month = "11", .signed_number = "15", .person = value, .stamp = pki->now - HOUR }, pool);
    one = rig_signature(rig_look(file, NULL, pool), 1);
    ok(one->indication == SGN_INDICATION_FAILED && has(one->findings, SGN_F_NUMBER_DIFFERS), "signed as 15, stored as 75: fails");
    file = rig_sign(approved, &(rig_sign_t){ .who = &pki->seal_a, .kind = "seal", .field = "sgn_seal", .fill = 1, .number = "75", .day = "20",
                                             .month = "11", .person = value, .stamp = pki->now - HOUR }, pool);
    ok(has(rig_signature(rig_look(file, NULL, pool), 1)->findings, SGN_F_NUMBER_DIFFERS), "another day than the one signed fails");
    file = rig_sign(approved, &(rig_sign_t){ .who = &pki->seal_a, .kind = "seal", .field = "sgn_seal", .fill = 1, .number = "07", .day = "05",
                                             .month = "3", .signed_number = "7", .date = "2026-03-05", .person = value, .stamp = pki->now - HOUR }, pool);
    is(of(rig_signature(rig_look(file, NULL, pool), 1)), "TOTAL-PASSED", "07 is 7, and March has no zero");
}

int main(void)
{
    apr_pool_create(&pool, tap_pool());
    pki = rig_pki();
    make();
    good();
    others();
    times();
    flips();
    ranges();
    forms();
    frames();
    trailing();
    leading();
    json();
    numbers();
    apr_pool_destroy(pool);
    return done_testing();
}
