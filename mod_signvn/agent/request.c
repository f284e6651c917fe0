#include <stdlib.h>
#include <string.h>

#include "agent/outcome.h"
#include "agent/request.h"

#define NODES 16384
#define SHA256_OID "2.16.840.1.101.3.4.2.1"

static int bad(const char *member, int fault)
{
    return sgn_outcome(SGN_FIELD, "signRequest.%s: %s", member, sgn_fault_name(fault));
}

static int text(const sgn_jsonbuf_t *json, int object, const char *name, char *out, size_t cap)
{
    int fault = sgn_jsonbuf_str(json, sgn_jsonbuf_member(json, object, name), out, cap, NULL);

    return fault ? bad(name, fault) : SGN_DONE;
}

/* Text for people: any length, becomes a label; absent is "". */
static int label(const sgn_jsonbuf_t *json, int object, const char *name, char *out)
{
    static char raw[65536];
    int member = sgn_jsonbuf_member(json, object, name), fault;

    out[0] = '\0';
    if (member < 0 || sgn_jsonbuf_is(json, member, SGN_JSONBUF_NULL))
        return SGN_DONE;
    fault = sgn_jsonbuf_str(json, member, raw, sizeof raw, NULL);
    if (fault)
        return bad(name, fault);
    sgn_label(out, SGN_LABEL_SIZE, raw);
    return SGN_DONE;
}

static int number(const sgn_jsonbuf_t *json, int object, const char *name, int64_t from, int64_t to, int64_t *out)
{
    int fault = sgn_jsonbuf_int(json, sgn_jsonbuf_member(json, object, name), out);

    if (!fault && (*out < from || *out > to))
        fault = SGN_FAULT_VALUE;
    return fault ? bad(name, fault) : SGN_DONE;
}

static int digest(const sgn_jsonbuf_t *json, int object, const char *name, unsigned char out[SGN_SHA256_SIZE])
{
    size_t n = 0;
    int fault = sgn_jsonbuf_hex(json, sgn_jsonbuf_member(json, object, name), out, SGN_SHA256_SIZE, &n);

    if (!fault && n != SGN_SHA256_SIZE)
        fault = SGN_FAULT_LENGTH;
    return fault ? bad(name, fault) : SGN_DONE;
}

static int read_item(sgn_request_item_t *out, const sgn_jsonbuf_t *json, int object)
{
    char word[64];
    int64_t n;
    int range, fault;

    SGN_STEP(number(json, object, "n", 0, SGN_KEY_BATCH - 1, &n));
    out->n = (unsigned)n;
    out->fd = -1;
    SGN_STEP(text(json, object, "kind", word, sizeof word));
    out->kind = sgn_signedattrs_kind(word);
    if (out->kind == SGN_KIND_UNKNOWN)
        return bad("kind", SGN_FAULT_UNKNOWN);
    SGN_STEP(text(json, object, "signature_format", word, sizeof word));
    if (strcmp(word, "P") != 0)     /* never a bare hash  (THREATS A10) */
        return bad("signature_format", SGN_FAULT_VALUE);
    SGN_STEP(label(json, object, "subject", out->subject));
    SGN_STEP(label(json, object, "kindText", out->kind_text));
    SGN_STEP(number(json, object, "size", 1, SGN_REQUEST_DOCUMENT, &out->size));
    SGN_STEP(number(json, object, "originalSize", 1, out->size - 1, &out->original_size));
    SGN_STEP(digest(json, object, "hash", out->hash));
    SGN_STEP(digest(json, object, "originalHash", out->original_hash));
    SGN_STEP(digest(json, object, "hashDtbs", out->hash_dtbs));
    range = sgn_jsonbuf_member(json, object, "byteRange");
    if (sgn_jsonbuf_count(json, range) != 4)
        return bad("byteRange", SGN_FAULT_VALUE);
    for (unsigned i = 0; i < 4; i++) {
        fault = sgn_jsonbuf_int(json, sgn_jsonbuf_item(json, range, i), &out->range[i]);
        if (fault)
            return bad("byteRange", fault);
    }
    fault = sgn_jsonbuf_base64(json, sgn_jsonbuf_member(json, object, "dtbs"), out->dtbs, sizeof out->dtbs, &out->dtbs_len);
    return fault ? bad("dtbs", fault) : SGN_DONE;
}

static int read_items(sgn_request_t *out, const sgn_jsonbuf_t *json, int max_batch)
{
    int list = sgn_jsonbuf_member(json, 0, "documentDigests"), count = sgn_jsonbuf_count(json, list);
    int64_t wanted;

    SGN_STEP(number(json, 0, "numSignatures", 1, SGN_KEY_BATCH, &wanted));
    if (count != (int)wanted || count > max_batch)
        return bad("documentDigests", SGN_FAULT_VALUE);
    out->items = calloc((size_t)count, sizeof *out->items);
    if (!out->items)
        return sgn_outcome(SGN_INTERNAL, "no memory");
    for (int i = 0; i < count; i++)
        out->items[i].fd = -1;
    out->count = (unsigned)count;
    for (int i = 0; i < count; i++) {
        SGN_STEP(read_item(&out->items[i], json, sgn_jsonbuf_item(json, list, (unsigned)i)));
        for (int k = 0; k < i; k++)
            if (out->items[k].n == out->items[i].n)
                return bad("n", SGN_FAULT_TWICE);
    }
    return SGN_DONE;
}

static int read_head(sgn_request_t *out, const sgn_jsonbuf_t *json, const sgn_state_t *state,
                     const char *job_id, int64_t now)
{
    char word[128];
    int algorithm;

    SGN_STEP(text(json, 0, "aud", word, sizeof word));
    if (strcmp(word, state->agent_id) != 0)
        return sgn_outcome(SGN_REQUEST_FORGED, "made for another desk");
    SGN_STEP(text(json, 0, "jobID", out->job_id, sizeof out->job_id));
    if (strcmp(out->job_id, job_id) != 0)
        return sgn_outcome(SGN_REQUEST_FORGED, "made for another job");
    SGN_STEP(number(json, 0, "iat", 0, INT64_C(1) << 40, &out->issued));
    SGN_STEP(number(json, 0, "exp", 0, INT64_C(1) << 40, &out->expires));
    if (out->expires <= now || out->issued > now + 120 || out->expires - out->issued > 3600)
        return sgn_outcome(SGN_REQUEST_EXPIRED, "exp %lld, now %lld", (long long)out->expires, (long long)now);
    SGN_STEP(text(json, 0, "nonce", out->nonce, sizeof out->nonce));
    if (strlen(out->nonce) < 16)
        return bad("nonce", SGN_FAULT_VALUE);
    SGN_STEP(text(json, 0, "credentialID", out->credential_id, sizeof out->credential_id));
    SGN_STEP(text(json, 0, "hashAlgorithmOID", word, sizeof word));
    if (strcmp(word, SHA256_OID) != 0)
        return bad("hashAlgorithmOID", SGN_FAULT_VALUE);
    SGN_STEP(text(json, 0, "signAlgo", word, sizeof word));
    algorithm = sgn_key_algorithm(word);
    if (algorithm < 0)
        return sgn_outcome(SGN_MECHANISM, "%.60s", word);
    out->algorithm = (sgn_key_algorithm_t)algorithm;
    SGN_STEP(text(json, 0, "matchCode", out->match_code, sizeof out->match_code));
    if (strlen(out->match_code) < 4 || strspn(out->match_code, "0123456789") != strlen(out->match_code))
        return bad("matchCode", SGN_FAULT_VALUE);
    SGN_STEP(label(json, 0, "sub", out->user));
    SGN_STEP(label(json, 0, "origin", out->origin));
    return label(json, 0, "description", out->description);
}

static const unsigned char *pinned(const sgn_state_t *state, const char *kid)
{
    for (unsigned i = 0; i < state->nkeys; i++)
        if (strcmp(state->keys[i].kid, kid) == 0)
            return state->keys[i].point;
    return NULL;
}

static int read_all(sgn_request_t *out, const char *jws_text, size_t len, const sgn_state_t *state,
                    const char *job_id, int64_t now, unsigned char *payload, size_t cap, sgn_jsonbuf_node_t *nodes)
{
    const unsigned char *key;
    sgn_jsonbuf_t json;
    sgn_jws_t jws;
    int fault = sgn_jws_parse(&jws, jws_text, len, SGN_JWS_TYP_SIGN, payload, cap);

    if (fault)
        return sgn_outcome(SGN_REQUEST_FORGED, "%s", sgn_fault_name(fault));
    key = jws.has_jwk ? NULL : pinned(state, jws.kid);
    if (!key)
        return sgn_outcome(SGN_REQUEST_FORGED, "not a key that was pinned at enrolment");
    fault = sgn_jws_verify(&jws, key, sgn_platform_primitives());
    if (fault)
        return sgn_outcome(SGN_REQUEST_FORGED, "%s", sgn_fault_name(fault));
    fault = sgn_jsonbuf_parse(&json, (const char *)jws.payload, jws.payload_len, nodes, NODES);
    if (fault)
        return bad("payload", fault);
    SGN_STEP(read_head(out, &json, state, job_id, now));
    SGN_STEP(read_items(out, &json, state->max_batch));
    return sgn_state_seen(state, out->nonce);
}

int sgn_request_read(sgn_request_t *out, const char *jws, size_t len, const sgn_state_t *state,
                     const char *job_id, int64_t server_now)
{
    size_t cap = len / 4 * 3 + 4;
    unsigned char *payload = malloc(cap);
    sgn_jsonbuf_node_t *nodes = malloc(NODES * sizeof *nodes);
    int result;

    memset(out, 0, sizeof *out);
    result = payload && nodes ? read_all(out, jws, len, state, job_id, server_now, payload, cap, nodes)
        : sgn_outcome(SGN_INTERNAL, "no memory");
    free(payload);
    free(nodes);
    if (result)
        sgn_request_end(out);
    return result;
}

void sgn_request_end(sgn_request_t *request)
{
    for (unsigned i = 0; i < request->count; i++)
        sgn_platform_close(request->items[i].fd);
    free(request->items);
    request->items = NULL;
    request->count = 0;
}
