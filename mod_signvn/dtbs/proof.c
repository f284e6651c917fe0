#include <string.h>

#include "dtbs/encode.h"
#include "dtbs/proof.h"

int sgn_proof_build(char *out, size_t cap, const char *method, const char *path,
                    int64_t now, const void *body, size_t body_len,
                    const char *kid, const unsigned char *jwk,
                    const void *key, const sgn_primitives_t *primitives)
{
    unsigned char random[16], digest[SGN_SHA256_SIZE];
    char payload[1024];
    sgn_jsonout_t json;
    size_t n;

    SGN_FAULT_TRY(primitives->random(random, sizeof random));
    SGN_FAULT_TRY(sgn_primitives_sha256(digest, primitives, body_len ? body : "", body_len));
    sgn_jsonout(&json, payload, sizeof payload);
    sgn_jsonout_open(&json, NULL, '{');
    sgn_jsonout_str(&json, "htm", method);
    sgn_jsonout_str(&json, "htu", path);
    sgn_jsonout_int(&json, "iat", now);
    sgn_jsonout_base64url(&json, "jti", random, sizeof random);
    sgn_jsonout_hex(&json, "bodyHash", digest, sizeof digest);
    sgn_jsonout_close(&json);
    SGN_FAULT_TRY(sgn_jsonout_end(&json));
    return sgn_jws_build(out, cap, &n, SGN_JWS_TYP_PROOF, kid, jwk, payload, json.len, key, primitives);
}

int sgn_proof_read(sgn_proof_t *out, const unsigned char *payload, size_t len)
{
    static const char *const names[] = { "htm", "htu", "iat", "jti", "bodyHash", NULL };
    sgn_jsonbuf_node_t nodes[16];
    sgn_jsonbuf_t json;
    unsigned char digest[SGN_SHA256_SIZE];
    size_t n;

    memset(out, 0, sizeof *out);
    SGN_FAULT_TRY(sgn_jsonbuf_parse(&json, (const char *)payload, len, nodes, 16));
    SGN_FAULT_TRY(sgn_jsonbuf_only(&json, 0, names));
    SGN_FAULT_TRY(sgn_jsonbuf_str(&json, sgn_jsonbuf_member(&json, 0, "htm"), out->method, sizeof out->method, NULL));
    SGN_FAULT_TRY(sgn_jsonbuf_str(&json, sgn_jsonbuf_member(&json, 0, "htu"), out->path, sizeof out->path, NULL));
    SGN_FAULT_TRY(sgn_jsonbuf_int(&json, sgn_jsonbuf_member(&json, 0, "iat"), &out->issued));
    SGN_FAULT_TRY(sgn_jsonbuf_str(&json, sgn_jsonbuf_member(&json, 0, "jti"), out->jti, sizeof out->jti, &n));
    if (n < 16)
        return SGN_FAULT_VALUE;
    SGN_FAULT_TRY(sgn_jsonbuf_hex(&json, sgn_jsonbuf_member(&json, 0, "bodyHash"), digest, sizeof digest, &n));
    if (n != sizeof digest)
        return SGN_FAULT_VALUE;
    return sgn_encode_hex(out->body_hash, sizeof out->body_hash, digest, sizeof digest);
}

int sgn_proof_check(const sgn_proof_t *proof, const char *method, const char *path,
                    const char *body_hash, int64_t now)
{
    if (strcmp(proof->method, method) != 0 || strcmp(proof->path, path) != 0
        || strcmp(proof->body_hash, body_hash) != 0)
        return SGN_FAULT_OTHER;
    if (proof->issued > now + SGN_PROOF_WINDOW || proof->issued < now - SGN_PROOF_WINDOW)
        return SGN_FAULT_TIME;
    return SGN_FAULT_NONE;
}
