/* test_task_certificate.c: the tasks about certificates, evidence and time, as
 * the engine calls them. */
#include <openssl/ocsp.h>

#include "base/clock.h"
#include "dtbs/signedattrs.h"
#include "t/unit/pki_rig.h"
#include "t/unit/tap.h"
#include "worker/task_admit.h"
#include "worker/task_certificate.h"
#include "worker/task_cms.h"
#include "worker/task_timestamp.h"

static sgn_bytes_t written;

sgn_error_t *sgn_tasks_now(apr_time_t *out, const sgn_task_t *task)
{
    const char *text;

    SGN_TRY(sgn_json_get_str(&text, task->args, "now", task->pool));
    return sgn_clock_parse(out, text, task->pool);
}

sgn_error_t *sgn_tasks_result(sgn_task_t *task, sgn_bytes_t bytes)
{
    written = sgn_bytes_dup(bytes, task->pool);
    return NULL;
}

static json_t *encode(const apr_array_header_t *list)
{
    json_t *array = sgn_json_array(tap_pool());

    for (int i = 0; i < list->nelts; i++)
        json_array_append_new(array, json_string(sgn_bytes_base64(APR_ARRAY_IDX(list, i, sgn_bytes_t), tap_pool())));
    return array;
}

static sgn_task_t make(long now)
{
    sgn_task_t task = { .args = sgn_json_object(tap_pool()), .document = -1, .result = -1, .answer = sgn_json_object(tap_pool()), .pool = tap_pool() };

    sgn_json_set_str(task.args, "now", sgn_clock_print(rig_at(now), tap_pool()));
    sgn_json_set(task.args, "anchors", encode(rig_list(rig_pki()->root, rig_pki()->other_root)));
    sgn_json_set(task.args, "intermediates", encode(rig_list(rig_pki()->ca, rig_pki()->other_ca)));
    sgn_json_set(task.args, "tsaAnchors", encode(rig_list(rig_pki()->tsa_root, NULL)));
    return task;
}

static json_t *evidence(sgn_bytes_t answer, sgn_bytes_t list)
{
    const char *const kinds[] = { "ocsp", "crl" };
    const sgn_bytes_t all[] = { answer, list };
    json_t *array = sgn_json_array(tap_pool());

    for (int i = 0; i < 2; i++) {
        json_t *row = sgn_json_object(tap_pool());

        sgn_json_set_str(row, "kind", kinds[i]);
        sgn_json_set_bytes(row, "data", all[i], tap_pool());
        if (all[i].len)
            json_array_append(array, row);
    }
    return array;
}

static const char *verdict(const rig_id_t *who, const char *role, sgn_bytes_t answer, int *missing)
{
    sgn_task_t task = make(0);
    sgn_error_t *error;

    sgn_json_set_bytes(task.args, "certificate", who->der, tap_pool());
    sgn_json_set_str(task.args, "role", role);
    sgn_json_set(task.args, "evidence", evidence(answer, rig_crl(&(rig_crl_t){ .issuer = rig_pki()->root })));
    error = sgn_task_certificate(&task);
    if (error)
        return sgn_error_row(error->code)->name;
    if (missing)
        *missing = (int)json_array_size(json_object_get(task.answer, "missing"));
    return json_string_value(json_object_get(task.answer, "verdict"));
}

static sgn_bytes_t answer(const rig_id_t *about, int status, int reason)
{
    return rig_ocsp(&(rig_ocsp_t){ .about = about, .issuer = rig_pki()->ca, .signer = rig_pki()->responder, .status = status, .at = -DAY, .reason = reason });
}

static void certificates(void)
{
    const rig_pki_t *pki = rig_pki();
    const sgn_bytes_t none = { NULL, 0 };
    rig_id_t *server = rig_id(&(rig_who_t){ .name = "www", .eku = "serverAuth", .usage = "digitalSignature" }, pki->ca);
    rig_id_t *old = rig_id(&(rig_who_t){ .name = "A", .uid = "CCCD:1", .from = -YEAR, .to = -DAY }, pki->ca);
    rig_id_t *elsewhere = rig_id(&(rig_who_t){ .name = "UBND", .organisation = "UBND", .uid = "MST:1" }, pki->other_ca);
    rig_id_t *stranger = rig_id(&(rig_who_t){ .name = "A", .uid = "CCCD:1" }, NULL);
    rig_id_t *bare = rig_id(&(rig_who_t){ .name = "not a certificate" }, NULL);
    int missing = -1;

    is(verdict(pki->person, "person", answer(pki->person, V_OCSP_CERTSTATUS_GOOD, 0), &missing), "good", "certificate: a person's, good");
    is_int(missing, 0, "certificate: ... nothing is missing");
    is(verdict(pki->agency, "agency", answer(pki->agency, V_OCSP_CERTSTATUS_GOOD, 0), NULL), "good", "certificate: an agency's, good");
    is(verdict(pki->person, "agency", answer(pki->person, V_OCSP_CERTSTATUS_GOOD, 0), NULL), "certificate.purpose", "SV-F01: a person's cannot seal");
    is(verdict(pki->agency, "person", answer(pki->agency, V_OCSP_CERTSTATUS_GOOD, 0), NULL), "certificate.purpose", "SV-F01: a seal's cannot approve");
    is(verdict(server, NULL, none, NULL), "certificate.purpose", "SV-F01: a web server's cannot sign");
    is(verdict(elsewhere, "agency", none, NULL), "certificate.purpose", "SV-F07: a public authority's cannot seal");
    is(verdict(old, "person", none, NULL), "certificate.expired", "certificate: expired");
    is(verdict(stranger, "person", none, NULL), "certificate.untrusted", "certificate: nobody's");
    is(verdict(pki->person, "person", answer(pki->person, V_OCSP_CERTSTATUS_REVOKED, 1), NULL), "certificate.revoked", "SV-E13: revoked");
    is(verdict(pki->person, "person", answer(pki->person, V_OCSP_CERTSTATUS_REVOKED, 6), NULL), "certificate.on-hold", "SV-E13: on hold");
    is(verdict(pki->person, "person", none, &missing), "certificate.status-unknown", "SV-E13: nobody knows");
    is_int(missing, 2, "certificate: OCSP and CRL are missing then");
    bare->der = sgn_bytes("0\x03\x02\x01", 4);
    is(verdict(bare, "person", none, NULL), "certificate.unreadable", "certificate: rubbish");
}

static void stamps(void)
{
    sgn_task_t ask = make(0), judge = make(1);
    sgn_bytes_t request = { NULL, 0 };
    json_t *token;

    sgn_json_set_str(ask.args, "imprint", "6162636465666768696a6b6c6d6e6f707172737475767778797a303132333435");
    sgn_json_set_str(ask.args, "nonce", "7f01020304050607");
    sgn_json_set_str(ask.args, "policy", RIG_POLICY);
    is_code(sgn_task_timestamp_request(&ask), SGN_OK, "tsq: a request");
    (void)!sgn_json_get_bytes(&request, ask.answer, "request", tap_pool());
    json_object_update(judge.args, ask.args);
    sgn_json_set_str(judge.args, "requestTime", sgn_clock_print(rig_now(), tap_pool()));
    sgn_json_set_bytes(judge.args, "token", rig_stamp(request, &(rig_stamp_t){ .signer = rig_pki()->tsa }), tap_pool());
    is_code(sgn_task_timestamp_reply(&judge), SGN_OK, "tst: a right reply");
    token = json_object_get(judge.answer, "token");
    ok(token && json_string_length(token) > 100, "tst: the token is answered");
    is(json_string_value(json_object_get(judge.answer, "genTime")), sgn_clock_print(rig_now(), tap_pool()), "tst: with its genTime");
    sgn_json_set_str(judge.args, "nonce", "7f01020304050608");
    is_code(sgn_task_timestamp_reply(&judge), SGN_TIMESTAMP_BAD, "B25: with another nonce");
}

static void blocks(void)
{
    static const char pss[] = "1.2.840.113549.1.1.10";
    const rig_id_t *person = rig_pki()->person;
    sgn_signedattrs_t attrs = { .kind = SGN_KIND_APPROVE };
    unsigned char out[SGN_SIGNEDATTRS_MAX];
    sgn_task_t task = make(0);
    sgn_cms_t *cms;
    size_t len = 0;

    memcpy(attrs.certificate, person->read->sha256, 32);
    (void)!sgn_signedattrs_build(out, sizeof out, &len, &attrs);
    sgn_json_set_bytes(task.args, "dtbs", sgn_bytes(out, len), tap_pool());
    sgn_json_set_bytes(task.args, "value", rig_value(person, sgn_bytes(out, len), 1), tap_pool());
    sgn_json_set_str(task.args, "algorithm", pss);
    sgn_json_set_bytes(task.args, "certificate", person->der, tap_pool());
    sgn_json_set(task.args, "chain", encode(rig_list(rig_pki()->other_ca, rig_pki()->ca)));
    is_code(sgn_task_cms(&task), SGN_OK, "cms: a block is made");
    is_code(sgn_cms_parse(&cms, written, tap_pool()), SGN_OK, "cms: ... and read");
    is_int(cms->certs->nelts, 2, "cms: only the certificates above the signer go in");
    sgn_json_set_bytes(task.args, "value", rig_value(rig_pki()->agency, sgn_bytes(out, len), 0), tap_pool());
    is_code(sgn_task_cms(&task), SGN_RESULT_MISMATCH, "cms: another one's value makes no block");
}

static void admits(void)
{
    sgn_task_t task = make(0);
    const char *key;

    (void)!sgn_crl_key(&key, rig_pki()->ca->read, rig_pki()->person->read, tap_pool());
    sgn_json_set_str(task.args, "kind", "crl");
    sgn_json_set_str(task.args, "key", key);
    sgn_json_set_bytes(task.args, "issuer", rig_pki()->ca->der, tap_pool());
    sgn_json_set_bytes(task.args, "certificate", rig_pki()->person->der, tap_pool());
    sgn_json_set_bytes(task.args, "data", rig_crl(&(rig_crl_t){ .issuer = rig_pki()->ca, .number = 255 }), tap_pool());
    is_code(sgn_task_admit(&task), SGN_OK, "admit: a list");
    is(json_string_value(json_object_get(task.answer, "number")), "FF", "admit: its number");
    sgn_json_set_str(task.args, "key", "crl:0000000000000000000000000000000000000000000000000000000000000000");
    is_code(sgn_task_admit(&task), SGN_EVIDENCE_BAD, "B24: a list for a key that it does not answer");
}

int main(void)
{
    certificates();
    stamps();
    blocks();
    admits();
    return done_testing();
}
