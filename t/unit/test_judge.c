/*
 * test_judge.c: role, order, legal value and may-seal, on real documents: the
 * technical report of the rig's file, then the judgement over it.
 */
#include "t/unit/tap.h"
#include "t/unit/validate_rig.h"

#include <apr_strings.h>
#include <openssl/sha.h>

#include "base/clock.h"
#include "office/judge/judge.h"
#include "office/judge/report_html.h"

#define HOUR apr_time_from_sec(3600)

static apr_pool_t *pool;
static rig_pki_t *pki;
static sgn_bytes_t base, approved, sealed;

/* ---- a small agency ------------------------------------------------------- */

static const char *const decisions[] = { "QĐ", NULL };
static sgn_judge_binding_t leader = { .id = "b1", .kind = "person", .person = "an", .agency = "H57.28", .role = "authority", .title = "Chủ tịch", .types = decisions };
static sgn_judge_binding_t reviewer = { .id = "b2", .kind = "person", .person = "dat", .agency = "H57.28", .role = "reviewer" };
static sgn_judge_binding_t leader_b = { .id = "b3", .kind = "person", .person = "huong", .agency = "H57.29", .role = "authority" };
static sgn_judge_binding_t seal_a = { .id = "b4", .kind = "agency", .agency = "H57.28", .role = "clerk" };
static sgn_judge_binding_t seal_b = { .id = "b5", .kind = "agency", .agency = "H57.29", .role = "clerk" };
static int nobody;

static const char *sha256_of(const rig_id_t *id)
{
    unsigned char digest[32];

    SHA256(id->der.data, id->der.len, digest);
    return sgn_bytes_hex(sgn_bytes(digest, 32), pool);
}

static sgn_error_t *find(const sgn_judge_binding_t *const **out, void *context, const char *sha256, apr_time_t at, apr_pool_t *p)
{
    const struct { const rig_id_t *id; const sgn_judge_binding_t *binding; } rows[] = {
        { &pki->leader, &leader }, { &pki->reviewer, &reviewer }, { &pki->leader_b, &leader_b }, { &pki->seal_a, &seal_a }, { &pki->seal_b, &seal_b },
    };
    const sgn_judge_binding_t **list = apr_pcalloc(p, sizeof *list * 2);
    size_t i;

    (void)context;
    *out = NULL;
    for (i = 0; i < sizeof rows / sizeof *rows && !nobody; i++)
        if (strcmp(sha256_of(rows[i].id), sha256) == 0
            && (!rows[i].binding->from || rows[i].binding->from <= at) && (!rows[i].binding->to || at < rows[i].binding->to)) {
            list[0] = rows[i].binding;
            *out = list;
        }
    return NULL;
}

/* ---- what the keeper holds: report and facts as JSON, proofs --------------- */

static sgn_judge_proof_t proofs[16];

static json_t *facts_of(const sgn_checks_answer_t *answer)
{
    json_t *facts = sgn_json_array(pool);
    int i;

    for (i = 0; i < answer->facts->nelts; i++) {
        const sgn_checks_fact_t *fact = &APR_ARRAY_IDX(answer->facts, i, sgn_checks_fact_t);
        json_t *one = json_object(), *document = json_object();

        if (fact->document.has_person_digest)
            sgn_json_set_str(document, "personDigest", sgn_bytes_hex(sgn_bytes(fact->document.person_digest, 32), pool));
        sgn_json_set_int(one, "n", fact->n);
        sgn_json_set_str(one, "certificateSha256", fact->certificate_sha256);
        sgn_json_set_int(one, "revisionEnd", fact->revision_end);
        sgn_json_set_str(one, "bestTime", sgn_clock_print(fact->best, pool));
        sgn_json_set_str(one, "bestTimeSource", fact->best_source);
        sgn_json_set_bytes(one, "value", fact->value, pool);
        sgn_json_set_bytes(one, "dtbs", fact->dtbs, pool);
        json_object_set_new(one, "document", document);
        json_array_append_new(facts, one);
    }
    return facts;
}

static void set_field(json_t *fields, const char *name, const sgn_checks_field_t *field)
{
    json_t *one = json_object();

    sgn_json_set_bool(one, "present", field->present);
    sgn_json_set_bool(one, "empty", field->empty);
    json_object_set_new(fields, name, one);
}

static sgn_judge_input_t *judged(sgn_bytes_t file, const rig_look_t *how, sgn_judge_proof_t proof)
{
    const sgn_checks_answer_t *answer = rig_look(file, how, pool);
    sgn_judge_input_t *input = apr_pcalloc(pool, sizeof *input);
    json_t *fields = sgn_json_object(pool);
    int i;

    set_field(fields, "number", &answer->number);
    set_field(fields, "day", &answer->day);
    set_field(fields, "month", &answer->month);
    set_field(fields, "date", &answer->date);
    set_field(fields, "seal", &answer->seal);
    for (i = 0; i < 16; i++)
        proofs[i] = proof;
    input->report = sgn_report_json(answer->report, pool);
    input->facts = facts_of(answer);
    input->fields = fields;
    input->proofs = proofs;
    input->nproofs = 16;
    input->lookup.find = find;
    return input;
}

static const char *value(const sgn_judge_input_t *input, const char *key)
{
    return json_string_value(json_object_get(input->report, key));
}

static const json_t *signature(const sgn_judge_input_t *input, int n)
{
    return json_array_get(json_object_get(input->report, "signatures"), (size_t)n);
}

static const char *role(const sgn_judge_input_t *input, int n)
{
    return json_string_value(json_object_get(signature(input, n), "role"));
}

static int has(const json_t *owner, sgn_code_t code)
{
    json_t *finding;
    size_t i;

    json_array_foreach(json_object_get(owner, "findings"), i, finding)
        if (strcmp(json_string_value(json_object_get(finding, "code")), sgn_error_row(code)->name) == 0)
            return 1;
    return 0;
}

static sgn_judge_input_t *report(sgn_bytes_t file, sgn_judge_proof_t proof)
{
    sgn_judge_input_t *input = judged(file, NULL, proof);

    is_code(sgn_judge_report(NULL, input, pool), SGN_OK, "the report is judged");
    return input;
}

static sgn_error_t *may(sgn_bytes_t file, const rig_look_t *how, const char *agency, const char *type, sgn_judge_proof_t proof)
{
    sgn_judge_input_t *input = judged(file, how, proof);
    sgn_judge_basis_t *basis;
    sgn_error_t *error = sgn_judge_report(NULL, input, pool);

    return error ? error : sgn_judge_may_seal(&basis, NULL, input, agency, type, NULL, pool);
}

static sgn_bytes_t person(sgn_bytes_t file, const rig_id_t *who, const char *kind, int reserve, apr_time_t stamp)
{
    return rig_sign(file, &(rig_sign_t){ .who = who, .kind = kind, .field = apr_psprintf(pool, "p%lu", (unsigned long)file.len),
                                         .reserve = reserve, .stamp = stamp, .box = { 100 + (double)(file.len % 200), 300, 80, 40 } }, pool);
}

static sgn_bytes_t seal(sgn_bytes_t file, const rig_id_t *who, int n)
{
    return rig_sign(file, &(rig_sign_t){ .who = who, .kind = "seal", .field = "sgn_seal", .fill = 1, .number = "07", .day = "21", .month = "11",
                                         .stamp = pki->now - HOUR / 2, .person = rig_fact(rig_look(file, NULL, pool), n)->value }, pool);
}

/* ---- report --------------------------------------------------------------- */

/* [SV-A04] the five classes */
static void legal(void)
{
    sgn_judge_input_t *input = report(approved, SGN_PROOF_GOOD);

    is(value(input, "legalValue"), "person", "SV-A04: a personal signature alone");
    is(role(input, 0), "authority", "approve by a bound authority is role authority");
    ok(json_is_false(json_object_get(input->report, "complete")), "with the seal's place empty it is not complete");
    ok(has(input->report, SGN_J_INCOMPLETE), "and the report says so");
    ok(has(signature(input, 0), SGN_J_PROVED), "the keeper's own proof is told");
    is(value(input, "status"), "current", "the register's status is current");

    input = report(sealed, SGN_PROOF_GOOD);
    is(value(input, "legalValue"), "full", "SV-A04: person and seal");
    ok(json_is_true(json_object_get(input->report, "complete")), "person and seal are complete");
    is(role(input, 1), "clerk", "the seal is put on by a clerk");
    is(value(input, "indication"), "TOTAL-PASSED", "and it passes");

    input = report(rig_sign(base, &(rig_sign_t){ .who = &pki->seal_a, .kind = "scan", .field = "s", .stamp = pki->now - HOUR }, pool), SGN_PROOF_GOOD);
    is(value(input, "legalValue"), "scan", "SV-A04: a scan signed by the agency");
    input = report(rig_sign(base, &(rig_sign_t){ .who = &pki->seal_a, .kind = "copy", .field = "s", .stamp = pki->now - HOUR }, pool), SGN_PROOF_GOOD);
    is(value(input, "legalValue"), "agency", "SV-A04: an agency alone");
    input = report(base, SGN_PROOF_GOOD);
    is(value(input, "legalValue"), "none", "SV-A04: nothing");

    input = report(person(base, &pki->reviewer, "check", 0, pki->now - HOUR), SGN_PROOF_GOOD);
    is(value(input, "legalValue"), "none", "B2: a check alone gives no value");
    is(role(input, 0), "reviewer", "B2: and is a reviewer's");
    input = report(rig_sign(person(base, &pki->leader, "check", 0, pki->now - HOUR),
                            &(rig_sign_t){ .who = &pki->seal_a, .kind = "copy", .field = "s", .stamp = pki->now - HOUR, .box = { 10, 10, 90, 40 } }, pool),
                   SGN_PROOF_GOOD);
    is(value(input, "legalValue"), "agency", "B2: the leader's check and a copy's seal are not full");

    nobody = 1;
    input = report(sealed, SGN_PROOF_NONE);
    is(value(input, "legalValue"), "full", "another province's document is full without our tables");
    is(role(input, 0), "unknown", "but its signer's role is not known here");
    ok(has(signature(input, 0), SGN_J_ROLE_UNKNOWN), "which is told");
    is(value(input, "indication"), "TOTAL-PASSED", "and needs no proof by our keys");
    nobody = 0;
}

/* Made by another tool: valid, but it says nothing about what was done. */
static sgn_bytes_t foreign(const rig_id_t *who)
{
    const char *page = rig_object(base, 3, pool);
    sgn_bytes_t file = rig_append(base, (rig_object_t[]){
        { 1, "<</Type /Catalog /Pages 2 0 R /AcroForm 22 0 R>>", 0 },
        { 20, rig_placeholder("/Type /Sig /Filter /Adobe.PPKLite /SubFilter /ETSI.CAdES.detached", pool), 0 },
        { 21, "<</FT /Sig /T (Signature1) /V 20 0 R /Type /Annot /Subtype /Widget /Rect [0 0 0 0] /F 132 /P 3 0 R>>", 0 },
        { 22, "<</Fields [21 0 R] /SigFlags 3>>", 0 },
        { 3, apr_psprintf(pool, "%.*s /Annots [21 0 R]>>", (int)strlen(page) - 2, page), 0 }, { 0, NULL, 0 } }, NULL, pool);

    return rig_complete(file, base.len, &(rig_sign_t){ .who = who, .foreign = 1 }, pool);
}

static void others(void)
{
    sgn_judge_input_t *input = report(foreign(&pki->leader), SGN_PROOF_GOOD);

    is(value(input, "indication"), "TOTAL-PASSED", "a signature made by OpenSSL passes");
    is(role(input, 0), "unknown", "A7: without a kind the role is unknown");
    ok(has(signature(input, 0), SGN_J_KIND_UNKNOWN), "A7: and that is told");
    is(value(input, "legalValue"), "person", "it has the value of a signature");
    input = judged(rig_sign(base, &(rig_sign_t){ .who = &pki->seal_a, .kind = "copy", .field = "s", .stamp = pki->now - HOUR }, pool), NULL, SGN_PROOF_GOOD);
    sgn_json_set_str(json_object_get(signature(input, 0), "signer"), "provider", "public");
    is_code(sgn_judge_report(NULL, input, pool), SGN_OK, "an agency with a public certificate is judged");
    ok(has(signature(input, 0), SGN_J_PUBLIC_CA), "SV-A11: and warned");
}

static void proof(void)
{
    sgn_judge_input_t *input = report(sealed, SGN_PROOF_NONE);

    is(value(input, "indication"), "INDETERMINATE", "bound here and not proved by the keeper: not passed");
    ok(has(signature(input, 0), SGN_J_NOT_PROVED), "and it says so");
    input = report(sealed, SGN_PROOF_BAD);
    is(value(input, "indication"), "TOTAL-FAILED", "a proof that failed fails the document");
    is(value(input, "legalValue"), "none", "and takes its value");

    /* a worker that calls a check an approval is caught by the proved bytes */
    input = judged(person(base, &pki->reviewer, "check", 1, pki->now - HOUR), NULL, SGN_PROOF_GOOD);
    sgn_json_set_str((json_t *)signature(input, 0), "kind", "approve");
    is_code(sgn_judge_report(NULL, input, pool), SGN_OK, "a report with a false kind is judged");
    is(value(input, "indication"), "TOTAL-FAILED", "B2: a worker's word against the proved bytes fails");
    is(role(input, 0), "reviewer", "B2: the proved bytes say what it is");
}

static void order(void)
{
    sgn_bytes_t file = rig_sign(base, &(rig_sign_t){ .who = &pki->seal_a, .kind = "seal", .field = "s", .signed_number = "7", .person = sgn_bytes_str("x"),
                                                     .stamp = pki->now - HOUR }, pool);
    sgn_judge_input_t *input = report(person(file, &pki->leader, "approve", 0, pki->now - HOUR), SGN_PROOF_GOOD);

    ok(has(input->report, SGN_J_ORDER), "SV-C01: the agency before the person is told");
    ok(has(signature(input, 0), SGN_J_BASIS), "the seal names a signature that is not there");
    ok(json_is_false(json_object_get(input->report, "complete")) && strcmp(value(input, "legalValue"), "full") != 0, "it is neither complete nor full");

    input = report(seal(person(base, &pki->leader_b, "approve", 1, pki->now - HOUR), &pki->seal_a, 0), SGN_PROOF_GOOD);
    ok(has(input->report, SGN_J_OTHER_AGENCY) && strcmp(value(input, "legalValue"), "agency") == 0,
       "B1: the leader of one agency under the seal of another is not full");
    input = report(rig_sign(sealed, &(rig_sign_t){ .who = &pki->leader_b, .kind = "internal", .field = "in", .stamp = pki->now - HOUR / 3,
                                                   .box = { 10, 700, 80, 30 } }, pool), SGN_PROOF_GOOD);
    ok(!has(input->report, SGN_J_ORDER) && strcmp(value(input, "legalValue"), "full") == 0, "a later signature of the recipient changes nothing");
}

/* [SV-E10] incomplete and invalid are two reasons */
static void completeness(void)
{
    static const struct { const char *expect; int approved, sealed; } cases[] = {
        { "any", 0, 1 }, { "issued", 0, 1 }, { "internal", 1, 1 }, { "copy", 0, 0 },
    };
    sgn_judge_input_t *input;
    size_t i;

    for (i = 0; i < sizeof cases / sizeof *cases; i++) {
        input = judged(approved, NULL, SGN_PROOF_GOOD);
        input->expect = cases[i].expect;
        is_code(sgn_judge_report(NULL, input, pool), SGN_OK, "judged as expected");
        is_int(json_is_true(json_object_get(input->report, "complete")), cases[i].approved,
               apr_pstrcat(pool, "SV-E10: approved only, expected ", cases[i].expect, NULL));
        input = judged(sealed, NULL, SGN_PROOF_GOOD);
        input->expect = cases[i].expect;
        is_code(sgn_judge_report(NULL, input, pool), SGN_OK, "judged as expected");
        is_int(json_is_true(json_object_get(input->report, "complete")), cases[i].sealed,
               apr_pstrcat(pool, "SV-E10: sealed, expected ", cases[i].expect, NULL));
    }
    input = report(rig_flip(sealed, rig_find(sealed, 0, "(So:") + 2, 1, pool), SGN_PROOF_NONE);
    ok(strcmp(value(input, "indication"), "TOTAL-FAILED") == 0 && json_is_true(json_object_get(input->report, "complete"))
       && strcmp(value(input, "legalValue"), "none") == 0, "SV-E10: tampered is not incomplete");
}

/* ---- may seal ------------------------------------------------------------- */

static void sealing(void)
{
    sgn_bytes_t crl = rig_crl(pki, &pki->leader, pki->now - 2 * HOUR, 1, pki->now, pool), hold = rig_crl(pki, &pki->leader, pki->now - 2 * HOUR, 6, pki->now, pool);
    sgn_bytes_t check = person(base, &pki->reviewer, "check", 1, pki->now - HOUR), plain, file;
    sgn_judge_input_t *input = judged(approved, NULL, SGN_PROOF_GOOD);
    unsigned char digest[32];
    sgn_bytes_t personal = rig_fact(rig_look(approved, NULL, pool), 0)->value;
    sgn_judge_basis_t *basis;
    json_t *explain;

    is_code(sgn_judge_report(NULL, input, pool), SGN_OK, "judged before sealing");
    is_code(sgn_judge_may_seal(&basis, &explain, input, "H57.28", "QĐ", "Ủy ban nhân dân tỉnh A", pool), SGN_OK, "an approved document may be sealed");
    SHA256(personal.data, personal.len, digest);
    ok(basis && basis->digest.len == 32 && memcmp(basis->digest.data, digest, 32) == 0, "the basis names the personal signature by its digest");
    is(basis ? basis->binding : NULL, "b1", "and the binding that allowed it");
    is_int((long long)json_array_size(explain), 10, "each rule asked is explained");
    ok(json_object_get(json_array_get(explain, 0), "rule") && json_object_get(json_array_get(explain, 0), "fact")
       && json_object_get(json_array_get(explain, 0), "policy") && json_object_get(json_array_get(explain, 0), "outcome")
       && json_object_get(json_array_get(explain, 0), "clause"), "with rule, fact, policy, outcome, clause");
    is_code(may(person(check, &pki->leader, "approve", 0, pki->now - HOUR), NULL, "H57.28", "QĐ", SGN_PROOF_GOOD), SGN_OK,
            "checked, then approved: may be sealed");

    is_code(may(base, NULL, "H57.28", "QĐ", SGN_PROOF_GOOD), SGN_ORDER_SEAL_FIRST, "SV-C01: nobody signed");
    is_code(may(person(base, &pki->leader_b, "approve", 1, pki->now - HOUR), NULL, "H57.28", "QĐ", SGN_PROOF_GOOD), SGN_ORDER_OTHER_AGENCY,
            "B1: approved by another agency's leader");
    is_code(sgn_judge_may_seal(&basis, NULL, input, "H57.28", "QĐ", "Ủy ban nhân dân tỉnh B", pool), SGN_ORDER_OTHER_AGENCY,
            "B1: the certificate's organisation is not the seal's");
    is_code(may(approved, NULL, "H57.28", "CV", SGN_PROOF_GOOD), SGN_ORDER_OTHER_AGENCY, "B1: no authority for this type");
    leader.to = pki->now - 2 * HOUR;
    is_code(may(approved, NULL, "H57.28", "QĐ", SGN_PROOF_GOOD), SGN_ORDER_OTHER_AGENCY, "B1: the binding had ended when he signed");
    leader.to = 0;
    nobody = 1;
    is_code(may(approved, NULL, "H57.28", "QĐ", SGN_PROOF_NONE), SGN_ORDER_OTHER_AGENCY, "B1: a certificate nobody here has");
    nobody = 0;
    is_code(may(check, NULL, "H57.28", "QĐ", SGN_PROOF_GOOD), SGN_ORDER_KIND, "B2: only checked");
    is_code(may(person(base, &pki->leader, "check", 1, pki->now - HOUR), NULL, "H57.28", "QĐ", SGN_PROOF_GOOD), SGN_ORDER_KIND, "B2: the leader's check is no approval");
    is_code(may(sealed, NULL, "H57.28", "QĐ", SGN_PROOF_GOOD), SGN_SEAL_ALREADY, "B3: sealed already");
    {
        int number = rig_field(check, "sgn_number", pool);
        const char *object = rig_object(check, number, pool);
        sgn_bytes_t filled = rig_append(check, (rig_object_t[]){
            { number, apr_psprintf(pool, "%.*s/V (07)>>", (int)strlen(object) - 2, object), 0 }, { 0, NULL, 0 } }, NULL, pool);

        is_code(may(person(filled, &pki->leader, "approve", 0, pki->now - HOUR), NULL, "H57.28", "QĐ", SGN_PROOF_GOOD), SGN_NUMBER_FILLED,
                "B4: the number was filled before the approval");
    }
    file = rig_join(approved, "\nhidden\n", pool);
    is_code(may(file, NULL, "H57.28", "QĐ", SGN_PROOF_GOOD), SGN_CHANGED_AFTER, "B8: other bytes than were signed");
    is_code(may(rig_flip(approved, rig_find(approved, 0, "(So:") + 2, 1, pool), NULL, "H57.28", "QĐ", SGN_PROOF_BAD), SGN_ORDER_SEAL_FIRST,
            "SV-C02: a tampered document");
    is_code(may(sgn_bytes(sealed.data, sealed.len - 700), NULL, "H57.28", "QĐ", SGN_PROOF_GOOD), SGN_DOCUMENT_DAMAGED, "what changed is unknown in a damaged file");
    sgn_json_set_str((json_t *)signature(input, 0), "changesAfter", "unknown");
    is_code(sgn_judge_may_seal(&basis, NULL, input, "H57.28", "QĐ", "Ủy ban nhân dân tỉnh A", pool), SGN_DOCUMENT_DAMAGED,
            "and unknown is never unchanged, whatever else the report says");
    is_code(may(approved, &(rig_look_t){ .ca_crl = crl }, "H57.28", "QĐ", SGN_PROOF_GOOD), SGN_CERT_REVOKED, "B8: revoked meanwhile");
    is_code(may(approved, &(rig_look_t){ .ca_crl = hold }, "H57.28", "QĐ", SGN_PROOF_GOOD), SGN_CERT_ON_HOLD, "SV-E08: on hold");
    is_code(may(approved, &(rig_look_t){ .no_evidence = 1 }, "H57.28", "QĐ", SGN_PROOF_GOOD), SGN_CERT_UNKNOWN_STATUS, "SV-C04: the state is not known yet");
    is_code(may(approved, NULL, "H57.28", "QĐ", SGN_PROOF_NONE), SGN_ORDER_SEAL_FIRST, "A3: not proved by the keeper");
    plain = person(base, &pki->leader, "approve", 1, 0);
    is_code(may(plain, NULL, "H57.28", "QĐ", SGN_PROOF_GOOD), SGN_SEAL_LEVEL, "A14: neither time-stamp nor receipt");
    is_code(may(plain, &(rig_look_t){ .receipt = pki->now - HOUR }, "H57.28", "QĐ", SGN_PROOF_GOOD), SGN_OK, "our own receipt is enough");
    is_code(may(person(base, &pki->leader, "approve", 0, pki->now - HOUR), NULL, "H57.28", "QĐ", SGN_PROOF_GOOD), SGN_NUMBER_NOT_RESERVED,
            "signed without reserved number");
    is_code(may(foreign(&pki->leader), &(rig_look_t){ .receipt = pki->now }, "H57.28", "QĐ", SGN_PROOF_GOOD), SGN_NUMBER_NOT_RESERVED,
            "signed with another tool, so nothing is reserved");
}

/* ---- page ----------------------------------------------------------------- */

static void page(void)
{
    sgn_judge_input_t *input = report(sealed, SGN_PROOF_GOOD);
    json_t *signer = json_object_get(signature(input, 0), "signer");
    sgn_bytes_t html;

    sgn_json_set_str(signer, "commonName", "<script>alert(1)</script>\"'\xe2\x80\xaex");
    is_code(sgn_report_html_print(&html, input->report, "vi", pool), SGN_OK, "the page is printed");
    ok(strstr((const char *)html.data, "Hợp lệ") && strstr((const char *)html.data, "Có giá trị như văn bản giấy có chữ ký và đóng dấu"),
       "in the words of the regulation");
    ok(strstr((const char *)html.data, "<tr class=\"result passed\"><th scope=\"row\">Tính toàn vẹn</th>") != NULL, "SV-E01: each of the three results has its mark");
    ok(!strstr((const char *)html.data, "<script") && !strstr((const char *)html.data, "\xe2\x80\xae"), "B31: a hostile name stays text");
    ok(strstr((const char *)html.data, "không có giá trị pháp lý") != NULL, "SV-A05: a print proves nothing, and says so");
    is_code(sgn_report_html_print(&html, input->report, "en", pool), SGN_OK, "in English too");
    ok(strstr((const char *)html.data, "Has the value of a paper document with signature and seal") != NULL, "with its sentence");
    ok(strstr((const char *)html.data, "Proof of time") != NULL, "a time-stamp is the proof of time");
    sgn_json_set_bool(json_array_get(json_object_get(signature(input, 0), "timestamps"), 0), "valid", 0);
    json_array_remove((json_t *)json_object_get(input->report, "signatures"), 1);
    is_code(sgn_report_html_print(&html, input->report, "en", pool), SGN_OK, "with one that is not valid");
    ok(!strstr((const char *)html.data, "Proof of time"), "there is none");
    input = report(person(base, &pki->leader, "approve", 1, 0), SGN_PROOF_GOOD);
    is_code(sgn_report_html_print(&html, input->report, "vi", pool), SGN_OK, "the page of a signature without time-stamp");
    ok(strstr((const char *)html.data, "Không có dấu thời gian; chỉ xét theo hiện tại") && !strstr((const char *)html.data, "Chứng cứ thời gian"), "says that there is none");
    input = report(rig_flip(sealed, rig_find(sealed, 0, "(So:") + 2, 1, pool), SGN_PROOF_GOOD);
    is_code(sgn_report_html_print(&html, input->report, "vi", pool), SGN_OK, "the page of a changed document");
    ok(strstr((const char *)html.data, "Không xác định được có bị thay đổi sau khi ký hay không") && !strstr((const char *)html.data, "thay đổi được phép sau khi ký"),
       "says that later changes are unknown, and never that they are permitted");
    is_code(sgn_report_html_print(&html, input->report, "en", pool), SGN_OK, "in English");
    ok(strstr((const char *)html.data, "not known whether changed after signing") != NULL, "likewise");
    is(sgn_report_html_verdict("INDETERMINATE", "vi"), "Chưa đủ căn cứ kết luận", "indeterminate has the law's word");
    is(sgn_report_html_legal("none", "vi"), "Chưa có căn cứ công nhận", "none is never called worthless");
}

int main(void)
{
    apr_pool_create(&pool, tap_pool());
    pki = rig_pki();
    base = rig_pdf("table", 300, pool);
    approved = person(base, &pki->leader, "approve", 1, pki->now - HOUR);
    sealed = seal(approved, &pki->seal_a, 0);
    legal();
    others();
    proof();
    order();
    completeness();
    sealing();
    page();
    apr_pool_destroy(pool);
    return done_testing();
}
