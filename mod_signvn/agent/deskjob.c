#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/document.h"
#include "agent/deskjob.h"
#include "agent/outcome.h"
#include "dtbs/encode.h"

#define RENEW 15000             /* milliseconds between signs of life */
#define STEP 250
#define RESULT_SIZE (SGN_KEY_BATCH * (SGN_KEY_VALUE * 2 + SGN_LABEL_SIZE * 2) + 65536)

typedef struct {
    const sgn_deskjob_t *desk;
    sgn_request_t request;
    char lease[44];
    const char *phase;          /* "displayed", "authorised", "signing" */
    int64_t renewed;
    int lost;                   /* outcome that ended the lease, 0: held */
    sgn_key_credential_t credential;
    sgn_token_run_t run;
    unsigned signing[SGN_KEY_BATCH];    /* item of the k-th digest */
    unsigned count;
} job_t;

/* ---- the server ---------------------------------------------------------- */

static void open_body(sgn_jsonout_t *out, char *text, size_t cap, const job_t *job, const char *job_id)
{
    sgn_jsonout(out, text, cap);
    sgn_jsonout_open(out, NULL, '{');
    sgn_jsonout_str(out, "jobID", job_id);
    sgn_jsonout_str(out, "leaseID", job->lease);
}

static int post(sgn_server_t *server, const char *route, sgn_jsonout_t *out, int timeout, int urgent)
{
    int fault;

    sgn_jsonout_close(out);
    fault = sgn_jsonout_end(out);
    if (fault)
        return sgn_outcome(SGN_INTERNAL, "%s: %s", route, sgn_fault_name(fault));
    return sgn_server_post(server, route, out->text, out->len, timeout, urgent);
}

static int is_cancelled(const sgn_jsonbuf_t *json)
{
    return sgn_jsonbuf_is(json, sgn_jsonbuf_member(json, 0, "cancelled"), SGN_JSONBUF_TRUE);
}

/* A sign of life.  What the network does not carry is tried again next time;
 * what the server says counts. */
static void progress(job_t *job)
{
    char text[512];
    sgn_jsonout_t out;
    int result;

    open_body(&out, text, sizeof text, job, job->request.job_id);
    sgn_jsonout_str(&out, "state", job->phase);
    sgn_jsonout_int(&out, "done", job->run.done);
    result = post(job->desk->aside, "progress", &out, 10, 1);
    job->renewed = sgn_platform_ticks();
    if (result == SGN_AGENT_SERVER || result == SGN_BUSY)
        sgn_outcome_log("progress: %s (%s)", sgn_outcome_name(result), sgn_outcome_detail());
    else if (result)
        job->lost = result;
    else if (is_cancelled(&job->desk->aside->json))
        job->lost = SGN_CANCELLED;
}

static int renew(job_t *job)
{
    if (!job->lost && sgn_platform_ticks() - job->renewed >= RENEW)
        progress(job);
    return job->lost;
}

/* While a large document comes down. */
static int downloading(void *context)
{
    job_t *job = context;

    return renew(job) || sgn_server_now(job->desk->server) >= job->request.expires;
}

static int claim(job_t *job, const char *job_id)
{
    unsigned char random[16];
    char text[512];
    static char jws[SGN_SERVER_ANSWER];
    sgn_server_t *server = job->desk->server;
    sgn_jsonout_t out;
    size_t len;
    int result = SGN_DONE;

    if (sgn_platform_primitives()->random(random, sizeof random)
        || sgn_encode_base64url(job->lease, sizeof job->lease, random, sizeof random))
        return sgn_outcome(SGN_INTERNAL, "random");
    /* the same lease again when the answer was lost on the way */
    for (int try = 0; try < 3; try++) {
        open_body(&out, text, sizeof text, job, job_id);
        result = post(server, "claim", &out, 30, 0);
        if (result != SGN_AGENT_SERVER && result != SGN_BUSY)
            break;
        sgn_platform_sleep(1000);
    }
    SGN_STEP(result);
    job->renewed = sgn_platform_ticks();
    job->desk->aside->offset = server->offset;
    job->desk->aside->offset_known = server->offset_known;
    if (sgn_jsonbuf_str(&server->json, sgn_jsonbuf_member(&server->json, 0, "signRequest"), jws, sizeof jws, &len))
        return sgn_outcome(SGN_REQUEST_FORGED, "claim without signRequest");
    return sgn_request_read(&job->request, jws, len, job->desk->state, job_id, sgn_server_now(server));
}

static void reject(job_t *job, const char *job_id, int code)
{
    char text[1024], why[SGN_LABEL_SIZE];
    sgn_jsonout_t out;

    sgn_label(why, 256, sgn_outcome_detail());
    sgn_outcome_log("%s: %s (%s)", job_id, sgn_outcome_name(code), why);
    if (code == SGN_LEASE_LOST || code == SGN_CANCELLED || code == SGN_JOB_STATE || code == SGN_JOB_UNKNOWN
        || code == SGN_EXPIRED)
        return;     /* the server said so itself */
    for (int try = 0; try < 3; try++) {
        int result;

        open_body(&out, text, sizeof text, job, job_id);
        sgn_jsonout_str(&out, "error", sgn_outcome_name(code));
        sgn_jsonout_str(&out, "error_description", why);
        result = post(job->desk->server, "reject", &out, 15, 1);
        if (result != SGN_AGENT_SERVER && result != SGN_BUSY)
            break;
        sgn_platform_sleep(1000 << try);
    }
}

/* ---- what comes before the password -------------------------------------- */

static int find_credential(job_t *job, const char *credential_id)
{
    static sgn_key_list_t list;
    int result = sgn_token_list(&list, job->desk->tokens);

    if (strcmp(job->request.credential_id, credential_id) != 0)
        return sgn_outcome(SGN_CERT_MISMATCH, "the request names another certificate than the offer");
    for (unsigned i = 0; i < list.count; i++)
        if (strcmp(list.items[i].id, job->request.credential_id) == 0) {
            job->credential = list.items[i];
            return SGN_DONE;
        }
    /* a module without any token may not even start: still, there is none */
    return result == SGN_AGENT_PROGRAM ? result : sgn_outcome(SGN_TOKEN_ABSENT, "no token has this certificate");
}

static int fetch_all(job_t *job)
{
    for (unsigned i = 0; i < job->request.count; i++) {
        int result = renew(job);

        if (result)
            return result;
        result = sgn_document_fetch(&job->request.items[i], job->desk->server, &job->request,
                                    job->credential.sha256, downloading, job);
        if (result)
            return job->lost ? job->lost : result;
    }
    return SGN_DONE;
}

static int decide(job_t *job)
{
    sgn_confirm_t *confirm = malloc(sizeof *confirm);
    int outcome = SGN_DONE, result;

    if (!confirm)
        return sgn_outcome(SGN_INTERNAL, "no memory");
    progress(job);
    result = job->lost ? job->lost : sgn_confirm_start(confirm, job->desk->confirm, job->desk->code_typed,
                                                       &job->request, &job->credential);
    if (result) {
        free(confirm);
        return result;
    }
    while (sgn_confirm_step(confirm, STEP, &outcome)) {
        outcome = renew(job);
        if (!outcome && sgn_platform_stopped())
            outcome = sgn_outcome(SGN_USER_DECLINED, "the desk was stopped");
        if (outcome)
            break;
    }
    sgn_confirm_stop(confirm);
    free(confirm);
    return outcome;
}

/* ---- the password and the signatures ------------------------------------- */

static void question(char *out, size_t cap, const job_t *job)
{
    char label[SGN_LABEL_SIZE], raw[SGN_LABEL_SIZE + 512];
    const char *subject = job->count == 1 ? job->request.items[job->signing[0]].subject : "";

    sgn_label(label, 256, job->credential.label);
    /* the phrase is ours, its arguments are labels */
    snprintf(raw, sizeof raw, sgn_outcome_phrase(SGN_PHRASE_SIGN_N), job->count, label, job->request.match_code);
    snprintf(out, cap, "%s %.1200s", raw, subject);
}

/* After the first value a lost lease or a stopped desk no longer ends it: the
 * server takes late values of the same lease. */
static int sign_all(job_t *job)
{
    unsigned char (*digests)[SGN_SHA256_SIZE] = calloc(SGN_KEY_BATCH, sizeof *digests);
    char text[SGN_LABEL_SIZE * 2];
    int result;

    if (!digests)
        return sgn_outcome(SGN_INTERNAL, "no memory");
    for (unsigned i = 0; i < job->count; i++)
        memcpy(digests[i], job->request.items[job->signing[i]].digest, SGN_SHA256_SIZE);
    question(text, sizeof text, job);
    result = sgn_token_start(&job->run, job->desk->tokens, &job->credential, job->request.algorithm,
                             (const unsigned char (*)[SGN_SHA256_SIZE])digests, job->count, text);
    free(digests);
    SGN_STEP(result);
    for (;;) {
        sgn_token_event_t event = sgn_token_step(&job->run, STEP);

        if (event == SGN_TOKEN_END) {
            result = job->run.outcome;
            break;
        }
        if (event == SGN_TOKEN_AUTHORISED) {
            job->phase = "authorised";
            progress(job);
        } else if (event == SGN_TOKEN_SIGNED) {
            job->phase = "signing";
        }
        renew(job);
        if (!job->run.authorised && (job->lost || sgn_platform_stopped())) {
            result = job->lost ? job->lost : sgn_outcome(SGN_USER_DECLINED, "the desk was stopped");
            break;
        }
    }
    sgn_token_stop(&job->run);
    return result;
}

/* ---- the result ---------------------------------------------------------- */

static int evidence(char *out, size_t cap, size_t *len, const job_t *job)
{
    static char payload[SGN_KEY_BATCH * 256 + 512];
    const sgn_state_t *state = job->desk->state;
    unsigned char digest[SGN_SHA256_SIZE];
    sgn_jsonout_t json;
    int fault;

    sgn_jsonout(&json, payload, sizeof payload);
    sgn_jsonout_open(&json, NULL, '{');
    sgn_jsonout_int(&json, "v", 1);
    sgn_jsonout_str(&json, "jobID", job->request.job_id);
    sgn_jsonout_int(&json, "iat", sgn_server_now(job->desk->server));
    sgn_jsonout_open(&json, "items", '[');
    for (unsigned i = 0; i < job->count; i++) {
        const sgn_token_value_t *value = &job->run.values[i];
        const sgn_request_item_t *item = &job->request.items[job->signing[i]];

        if (!value->len)
            continue;
        if (sgn_primitives_sha256(digest, sgn_platform_primitives(), value->value, value->len))
            return sgn_outcome(SGN_INTERNAL, "digest");
        sgn_jsonout_open(&json, NULL, '{');
        sgn_jsonout_int(&json, "n", item->n);
        sgn_jsonout_hex(&json, "hashDtbs", item->digest, sizeof item->digest);
        sgn_jsonout_hex(&json, "signatureSha256", digest, sizeof digest);
        sgn_jsonout_close(&json);
    }
    sgn_jsonout_close(&json);
    sgn_jsonout_close(&json);
    fault = sgn_jsonout_end(&json);
    if (!fault)
        fault = sgn_jws_build(out, cap, len, SGN_JWS_TYP_EVIDENCE, state->agent_id, NULL, payload, json.len,
                              state->key, sgn_platform_primitives());
    return fault ? sgn_outcome(SGN_INTERNAL, "evidence: %s", sgn_fault_name(fault)) : SGN_DONE;
}

static void put_items(sgn_jsonout_t *out, const job_t *job, int failure)
{
    sgn_jsonout_open(out, "items", '[');
    for (unsigned i = 0; i < job->request.count; i++) {
        const sgn_request_item_t *item = &job->request.items[i];
        const sgn_token_value_t *value = NULL;

        for (unsigned k = 0; k < job->count; k++)
            if (job->signing[k] == i && job->run.values[k].len)
                value = &job->run.values[k];
        sgn_jsonout_open(out, NULL, '{');
        sgn_jsonout_int(out, "n", item->n);
        if (value) {
            sgn_jsonout_base64(out, "signature", value->value, value->len);
        } else {
            sgn_jsonout_str(out, "error", sgn_outcome_name(item->declined ? SGN_USER_DECLINED : failure));
            if (item->declined)
                sgn_jsonout_str(out, "reason", item->reason);
        }
        sgn_jsonout_close(out);
    }
    sgn_jsonout_close(out);
}

/* Sent again until the job's deadline: the values are paid for. */
static int deliver(job_t *job, int failure)
{
    static char text[RESULT_SIZE], jws[SGN_KEY_BATCH * 512 + 2048];
    int result = SGN_DONE, wait = 1000;
    size_t len;

    SGN_STEP(evidence(jws, sizeof jws, &len, job));
    do {
        sgn_jsonout_t out;

        open_body(&out, text, sizeof text, job, job->request.job_id);
        put_items(&out, job, failure);
        sgn_jsonout_str(&out, "evidence", jws);
        result = post(job->desk->server, "result", &out, 60, 1);
        if (result != SGN_AGENT_SERVER && result != SGN_BUSY)
            return result;
        sgn_outcome_log("result: %s (%s)", sgn_outcome_name(result), sgn_outcome_detail());
        sgn_platform_sleep(wait);
        wait = wait < 15000 ? wait * 2 : 15000;
    } while (sgn_server_now(job->desk->server) < job->request.expires && !sgn_platform_stopped());
    return result;
}

static int work(job_t *job, const char *job_id, const char *credential_id)
{
    int failure, result;

    SGN_STEP(claim(job, job_id));
    SGN_STEP(find_credential(job, credential_id));
    SGN_STEP(fetch_all(job));
    SGN_STEP(decide(job));
    for (unsigned i = 0; i < job->request.count; i++)
        if (!job->request.items[i].declined)
            job->signing[job->count++] = i;
    failure = SGN_DONE;
    if (job->count) {
        SGN_STEP(sgn_state_remember(job->desk->state, job->request.nonce, job->request.expires,
                                    sgn_server_now(job->desk->server)));
        failure = sign_all(job);
    }
    if (failure && job->run.done == 0)
        return failure;
    result = deliver(job, failure);
    if (!result)
        sgn_outcome_log(sgn_outcome_phrase(SGN_PHRASE_SIGNED), job->run.done, job->request.count);
    return result ? result : failure;
}

int sgn_deskjob_run(const sgn_deskjob_t *desk, const char *job_id, const char *credential_id)
{
    job_t *job = calloc(1, sizeof *job);
    int result;

    if (!job)
        return sgn_outcome(SGN_INTERNAL, "no memory");
    job->desk = desk;
    job->phase = "displayed";
    result = work(job, job_id, credential_id);
    if (result && job->run.done == 0 && job->lease[0])
        reject(job, job_id, result);
    sgn_request_end(&job->request);
    free(job);
    return result;
}
