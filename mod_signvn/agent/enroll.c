#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "agent/enroll.h"
#include "agent/outcome.h"
#include "dtbs/words.h"

#define WAIT_SECONDS 300
#define CODE_LENGTH 8

typedef struct {
    char code[CODE_LENGTH + 1];
    char id[129];
    unsigned char nonce[64];
    size_t nonce_len;
} enrolment_t;

/* People type blanks, hyphens and small letters. */
static int clean_code(char out[CODE_LENGTH + 1], const char *text)
{
    size_t n = 0;

    for (; *text; text++) {
        int c = toupper((unsigned char)*text);

        if (c == ' ' || c == '-')
            continue;
        if (n == CODE_LENGTH || !((c >= 'A' && c <= 'Z') || (c >= '2' && c <= '9')))
            return sgn_outcome(SGN_ENROL_CODE, "a code has 8 characters of A-Z and 2-9");
        out[n++] = (char)c;
    }
    out[n] = '\0';
    return n == CODE_LENGTH ? SGN_DONE : sgn_outcome(SGN_ENROL_CODE, "a code has 8 characters of A-Z and 2-9");
}

static int read_keys(sgn_state_t *state, enrolment_t *enrolment, const sgn_jsonbuf_t *json)
{
    int keys = sgn_jsonbuf_member(json, 0, "serverKeys"), count = sgn_jsonbuf_count(json, keys);

    if (count < 1 || count > SGN_STATE_KEYS)
        return sgn_outcome(SGN_AGENT_SERVER, "serverKeys");
    state->nkeys = (unsigned)count;
    for (int i = 0; i < count; i++)
        if (sgn_jws_jwk_read(state->keys[i].point, state->keys[i].kid, json, sgn_jsonbuf_item(json, keys, (unsigned)i))
            || !state->keys[i].kid[0])
            return sgn_outcome(SGN_AGENT_SERVER, "serverKeys");
    if (sgn_jsonbuf_str(json, sgn_jsonbuf_member(json, 0, "enrolmentID"), enrolment->id, sizeof enrolment->id, NULL))
        return sgn_outcome(SGN_AGENT_SERVER, "enrolmentID");
    if (sgn_jsonbuf_base64url(json, sgn_jsonbuf_member(json, 0, "nonce"), enrolment->nonce, sizeof enrolment->nonce,
                              &enrolment->nonce_len))
        return sgn_outcome(SGN_AGENT_SERVER, "nonce");
    return SGN_DONE;
}

static int ask(sgn_server_t *server, sgn_state_t *state, enrolment_t *enrolment)
{
    char text[2048];
    sgn_jsonout_t out;

    sgn_jsonout(&out, text, sizeof text);
    sgn_jsonout_open(&out, NULL, '{');
    sgn_jsonout_str(&out, "userCode", enrolment->code);
    sgn_jsonout_str(&out, "agentName", state->name);
    sgn_jws_jwk_write(&out, "agentKey", sgn_platform_key_point(state->key), NULL);
    sgn_jsonout_str(&out, "appVersion", SGN_VERSION);
    sgn_jsonout_close(&out);
    if (sgn_jsonout_end(&out))
        return sgn_outcome(SGN_INTERNAL, "enrolment: %s", sgn_fault_name(out.fault));
    SGN_STEP(sgn_server_post(server, "enroll", text, out.len, 30, 0));
    return read_keys(state, enrolment, &server->json);
}

static int show_words(const sgn_state_t *state, const enrolment_t *enrolment)
{
    unsigned char points[SGN_STATE_KEYS * SGN_P256_POINT];
    char words[SGN_WORDS_COUNT][SGN_WORDS_SIZE];
    int fault;

    for (unsigned i = 0; i < state->nkeys; i++)
        memcpy(points + i * SGN_P256_POINT, state->keys[i].point, SGN_P256_POINT);
    fault = sgn_words_enrolment(words, sgn_platform_primitives(), sgn_platform_key_point(state->key), points,
                                state->nkeys, enrolment->nonce, enrolment->nonce_len, enrolment->code);
    if (fault)
        return sgn_outcome(SGN_AGENT_SERVER, "words: %s", sgn_fault_name(fault));
    printf("%s\n  ", sgn_outcome_phrase(SGN_PHRASE_WORDS));
    for (int i = 0; i < SGN_WORDS_COUNT; i++)
        printf(" %s", words[i]);
    printf("\n");
    fflush(stdout);
    return SGN_DONE;
}

static int read_policy(sgn_state_t *state, const sgn_jsonbuf_t *json)
{
    int policy = sgn_jsonbuf_member(json, 0, "policy");
    int64_t batch = 100;

    if (sgn_jsonbuf_str(json, sgn_jsonbuf_member(json, 0, "agentID"), state->agent_id, sizeof state->agent_id, NULL)
        || !state->agent_id[0])
        return sgn_outcome(SGN_AGENT_SERVER, "agentID");
    if (sgn_jsonbuf_member(json, policy, "maxBatch") >= 0
        && (sgn_jsonbuf_int(json, sgn_jsonbuf_member(json, policy, "maxBatch"), &batch) || batch < 1 || batch > 100))
        return sgn_outcome(SGN_AGENT_SERVER, "policy.maxBatch");
    state->max_batch = (int)batch;
    return SGN_DONE;
}

static int wait_confirmed(sgn_server_t *server, sgn_state_t *state, const enrolment_t *enrolment)
{
    int64_t end = sgn_platform_ticks() + WAIT_SECONDS * 1000;
    char text[256];
    sgn_jsonout_t out;

    sgn_jsonout(&out, text, sizeof text);
    sgn_jsonout_open(&out, NULL, '{');
    sgn_jsonout_str(&out, "enrolmentID", enrolment->id);
    sgn_jsonout_close(&out);
    if (sgn_jsonout_end(&out))
        return sgn_outcome(SGN_INTERNAL, "enrolment: %s", sgn_fault_name(out.fault));
    while (sgn_platform_ticks() < end && !sgn_platform_stopped()) {
        int result = sgn_server_post(server, "enroll/status", text, out.len, 30, 0);

        if (result == SGN_DONE && server->http.status == 200)
            return read_policy(state, &server->json);
        if (result && result != SGN_AGENT_SERVER && result != SGN_BUSY)
            return result;
        sgn_platform_sleep(server->http.retry_after ? server->http.retry_after * 1000 : 1000);
    }
    return sgn_outcome(SGN_ENROL_CODE, "not confirmed in time");
}

int sgn_enroll_run(sgn_state_t *state, const char *language, const char *code)
{
    enrolment_t enrolment = { .nonce_len = 0 };
    sgn_server_t server;

    SGN_STEP(clean_code(enrolment.code, code));
    /* a new key for every enrolment; the old one is only replaced at its end */
    state->agent_id[0] = '\0';
    SGN_STEP(sgn_platform_key_make(&state->key));
    SGN_STEP(sgn_server_make(&server, state, language));
    SGN_STEP(ask(&server, state, &enrolment));
    SGN_STEP(show_words(state, &enrolment));
    SGN_STEP(wait_confirmed(&server, state, &enrolment));
    SGN_STEP(sgn_state_save(state));
    printf("%s\n", sgn_outcome_phrase(SGN_PHRASE_ENROLLED));
    return SGN_DONE;
}
