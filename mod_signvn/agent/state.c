#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/outcome.h"
#include "agent/state.h"
#include "dtbs/encode.h"

#define STATE_FILE "agent.json"
#define SEEN_FILE "requests"
#define SEEN_MAX (512 * 1024)
#define SEEN_LINE 96

int sgn_state_server(char *out, size_t cap, const char *url)
{
    const char *host, *end;
    size_t n;

    if (strncmp(url, "https://", 8) == 0)
        host = url + 8;
    else if (strncmp(url, "http://", 7) == 0)
        host = url + 7;
    else
        return sgn_outcome(SGN_AGENT_SERVER, "the address must start with https://");
    end = host + strcspn(host, "/?#");
    n = (size_t)(end - url);
    if (end == host || n >= cap || memchr(host, '@', (size_t)(end - host)))
        return sgn_outcome(SGN_AGENT_SERVER, "not an address of a server");
    for (const char *c = host; c < end; c++)
        if ((unsigned char)*c <= 0x20 || (unsigned char)*c >= 0x7f)
            return sgn_outcome(SGN_AGENT_SERVER, "not an address of a server");
    memcpy(out, url, n);
    out[n] = '\0';
    return SGN_DONE;
}

static int text_member(const sgn_jsonbuf_t *json, const char *name, char *out, size_t cap)
{
    int fault = sgn_jsonbuf_str(json, sgn_jsonbuf_member(json, 0, name), out, cap, NULL);

    return fault ? sgn_outcome(SGN_FILE_FAILED, "%s: %s: %s", STATE_FILE, name, sgn_fault_name(fault)) : SGN_DONE;
}

static int read_state(sgn_state_t *state)
{
    static char text[16384];
    sgn_jsonbuf_node_t nodes[128];
    sgn_jsonbuf_t json;
    int64_t batch = 0;
    size_t len;
    int result = sgn_platform_read(state->directory, STATE_FILE, text, sizeof text, &len), keys;

    if (result == SGN_FILE_ABSENT)
        return SGN_DONE;
    SGN_STEP(result);
    if (sgn_jsonbuf_parse(&json, text, len, nodes, 128))
        return sgn_outcome(SGN_FILE_FAILED, "%s is damaged", STATE_FILE);
    SGN_STEP(text_member(&json, "server", state->server, sizeof state->server));
    SGN_STEP(text_member(&json, "ca", state->ca, sizeof state->ca));
    SGN_STEP(text_member(&json, "name", state->name, sizeof state->name));
    SGN_STEP(text_member(&json, "agentID", state->agent_id, sizeof state->agent_id));
    if (sgn_jsonbuf_int(&json, sgn_jsonbuf_member(&json, 0, "maxBatch"), &batch) || batch < 1 || batch > 100)
        return sgn_outcome(SGN_FILE_FAILED, "%s: maxBatch", STATE_FILE);
    state->max_batch = (int)batch;
    keys = sgn_jsonbuf_member(&json, 0, "serverKeys");
    if (sgn_jsonbuf_count(&json, keys) < 1 || sgn_jsonbuf_count(&json, keys) > SGN_STATE_KEYS)
        return sgn_outcome(SGN_FILE_FAILED, "%s: serverKeys", STATE_FILE);
    state->nkeys = (unsigned)sgn_jsonbuf_count(&json, keys);
    for (unsigned i = 0; i < state->nkeys; i++)
        if (sgn_jws_jwk_read(state->keys[i].point, state->keys[i].kid, &json, sgn_jsonbuf_item(&json, keys, i)))
            return sgn_outcome(SGN_FILE_FAILED, "%s: serverKeys", STATE_FILE);
    return sgn_platform_key_load(&state->key, state->directory);
}

static int prepare(sgn_state_t *state, const char *directory)
{
    int n;

    memset(state, 0, sizeof *state);
    state->max_batch = 100;
    if (!directory)
        return sgn_platform_state_dir(state->directory, sizeof state->directory);
    n = snprintf(state->directory, sizeof state->directory, "%s", directory);
    return n > 0 && (size_t)n < sizeof state->directory ? SGN_DONE
        : sgn_outcome(SGN_FILE_FAILED, "state directory: name too long");
}

int sgn_state_open(sgn_state_t *state, const char *directory)
{
    SGN_STEP(prepare(state, directory));
    SGN_STEP(sgn_platform_make_dir(state->directory));
    SGN_STEP(sgn_platform_lock(state->directory));
    return read_state(state);
}

int sgn_state_look(sgn_state_t *state, const char *directory)
{
    SGN_STEP(prepare(state, directory));
    return read_state(state);
}

int sgn_state_save(const sgn_state_t *state)
{
    static char text[16384];
    sgn_jsonout_t out;
    int fault;

    /* the key first: a state that names an agent has its key */
    SGN_STEP(sgn_platform_key_save(state->key, state->directory));
    sgn_jsonout(&out, text, sizeof text);
    sgn_jsonout_open(&out, NULL, '{');
    sgn_jsonout_int(&out, "v", 1);
    sgn_jsonout_str(&out, "server", state->server);
    sgn_jsonout_str(&out, "ca", state->ca);
    sgn_jsonout_str(&out, "name", state->name);
    sgn_jsonout_str(&out, "agentID", state->agent_id);
    sgn_jsonout_int(&out, "maxBatch", state->max_batch);
    sgn_jsonout_open(&out, "serverKeys", '[');
    for (unsigned i = 0; i < state->nkeys; i++)
        sgn_jws_jwk_write(&out, NULL, state->keys[i].point, state->keys[i].kid);
    sgn_jsonout_close(&out);
    sgn_jsonout_close(&out);
    fault = sgn_jsonout_end(&out);
    if (fault)
        return sgn_outcome(SGN_INTERNAL, "%s: %s", STATE_FILE, sgn_fault_name(fault));
    return sgn_platform_write(state->directory, STATE_FILE, text, out.len);
}

/* Lines "<expires> <hex SHA-256 of the nonce>".  kept gets the lines that are
 * still of use; SGN_REQUEST_REPLAYED when the nonce is among them. */
static int look_through(char *kept, size_t cap, size_t *used, char hex[65],
                        const sgn_state_t *state, const char *nonce, int64_t now)
{
    static char old[SEEN_MAX];
    unsigned char digest[SGN_SHA256_SIZE];
    size_t len = 0;
    int result = sgn_platform_read(state->directory, SEEN_FILE, old, sizeof old, &len);

    *used = 0;
    if (result && result != SGN_FILE_ABSENT)
        return result;
    if (result == SGN_FILE_ABSENT)
        old[0] = '\0';
    if (sgn_primitives_sha256(digest, sgn_platform_primitives(), nonce, strlen(nonce))
        || sgn_encode_hex(hex, 65, digest, sizeof digest))
        return sgn_outcome(SGN_INTERNAL, "digest");
    for (char *line = strtok(old, "\n"); line; line = strtok(NULL, "\n")) {
        const char *space = strchr(line, ' ');

        if (!space || strlen(space + 1) != 64)
            return sgn_outcome(SGN_FILE_FAILED, "%s is damaged", SEEN_FILE);
        if (strcmp(space + 1, hex) == 0)
            return sgn_outcome(SGN_REQUEST_REPLAYED, "nonce seen before");
        if (strtoll(line, NULL, 10) + 3600 < now)
            continue;
        *used += (size_t)snprintf(kept + *used, cap - *used, "%s\n", line);
    }
    return SGN_DONE;
}

static char kept[SEEN_MAX];

int sgn_state_seen(const sgn_state_t *state, const char *nonce)
{
    char hex[65];
    size_t used;

    return look_through(kept, sizeof kept, &used, hex, state, nonce, 0);
}

int sgn_state_remember(const sgn_state_t *state, const char *nonce, int64_t expires, int64_t now)
{
    char hex[65];
    size_t used;

    SGN_STEP(look_through(kept, sizeof kept, &used, hex, state, nonce, now));
    if (sizeof kept - used < SEEN_LINE)
        return sgn_outcome(SGN_FILE_FAILED, "%s is full", SEEN_FILE);
    used += (size_t)snprintf(kept + used, sizeof kept - used, "%lld %s\n", (long long)expires, hex);
    return sgn_platform_write(state->directory, SEEN_FILE, kept, used);
}
