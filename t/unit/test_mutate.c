/* Readers of the shared bytes under a flood of changed inputs: nothing is read
 * out of bounds (sanitizers watch), and what the strict reader accepts is
 * exactly what the writer would have written. */
#include "tap.h"

#include "crypto/crypto.h"
#include "crypto/es256.h"
#include "dtbs/encode.h"
#include "dtbs/jsonbuf.h"
#include "dtbs/proof.h"
#include "dtbs/signedattrs.h"

#define ROUNDS 60000

static uint32_t state = 2463534242u;

static uint32_t next(void)
{
    state ^= state << 13;
    state ^= state >> 17;
    state ^= state << 5;
    return state;
}

/* One to four changes: a byte, a bit, a cut, a doubled or removed piece. */
static size_t mutate(unsigned char *data, size_t len, size_t cap)
{
    for (unsigned n = 1 + next() % 4; n && len > 4; n--) {
        size_t at = next() % len, span = 1 + next() % 16;

        switch (next() % 6) {
        case 0:
            data[at] = (unsigned char)next();
            break;
        case 1:
            data[at] ^= (unsigned char)(1u << next() % 8);
            break;
        case 2:
            len = at + 1;
            break;
        case 3:
            if (at + span <= len && len + span <= cap) {
                memmove(data + at + span, data + at, len - at);
                len += span;
            }
            break;
        case 4:
            if (at + span < len) {
                memmove(data + at, data + at + span, len - at - span);
                len -= span;
            }
            break;
        default:
            data[at] = (unsigned char)"\x00\x80\xff\x30\x31\x04\x7f\x81"[next() % 8];
        }
    }
    return len;
}

static size_t sample(unsigned char *der, sgn_kind_t kind)
{
    sgn_signedattrs_t attrs;
    size_t len = 0;

    memset(&attrs, 0, sizeof attrs);
    attrs.kind = kind;
    memset(attrs.message_digest, (int)next(), 32);
    if (kind == SGN_KIND_SEAL) {
        snprintf(attrs.number, sizeof attrs.number, "07");
        snprintf(attrs.symbol, sizeof attrs.symbol, "QĐ-UBND");
        snprintf(attrs.date, sizeof attrs.date, "2026-11-20");
        attrs.has_person_digest = 1;
    }
    attrs.has_source_digest = kind == SGN_KIND_COPY;
    attrs.has_main_digest = kind == SGN_KIND_ATTACHMENT || kind == SGN_KIND_APPENDIX;
    sgn_signedattrs_build(der, SGN_SIGNEDATTRS_MAX, &len, &attrs);
    return len;
}

static void signed_attributes(void)
{
    int other = 0, accepted = 0;

    for (int i = 0; i < ROUNDS; i++) {
        unsigned char *data = malloc(SGN_SIGNEDATTRS_MAX), *exact, again[SGN_SIGNEDATTRS_MAX];
        size_t len = mutate(data, sample(data, SGN_KIND_APPROVE + next() % 8), SGN_SIGNEDATTRS_MAX), n = 0;
        sgn_signedattrs_t attrs;
        sgn_der_t digest;

        /* on the heap at its exact size, so that one byte too many is seen */
        exact = malloc(len);
        memcpy(exact, data, len);
        if (sgn_signedattrs_parse(&attrs, exact, len) == 0) {
            accepted++;
            other += sgn_signedattrs_build(again, sizeof again, &n, &attrs) != 0 || n != len || memcmp(again, exact, n) != 0;
        }
        sgn_signedattrs_survey(&attrs, exact, len);
        sgn_signedattrs_digest(&digest, exact, len);
        free(exact);
        free(data);
    }
    is_int(other, 0, "signedattrs: whatever is accepted is byte for byte what would be built");
    ok(accepted > ROUNDS / 100, "signedattrs: and some of the changed inputs are (other digests)");
}

static void json(void)
{
    static const char text[] = "{\"a\":[1,-2.5e3,{\"b\":\"\\ud83d\\ude00 Qu\\u1ebft\"}],\"c\":null,\"dd\":{\"e\":true,\"f\":\"\\n\"},\"g\":\"YWJj\"}";
    int parsed = 0, lost = 0;

    for (int i = 0; i < ROUNDS; i++) {
        unsigned char data[512], *exact;
        char out[512];
        sgn_jsonbuf_node_t nodes[40];
        sgn_jsonbuf_t json;
        size_t len;
        int64_t number;

        memcpy(data, text, sizeof text - 1);
        len = mutate(data, sizeof text - 1, sizeof data);
        exact = malloc(len);
        memcpy(exact, data, len);
        if (sgn_jsonbuf_parse(&json, (char *)exact, len, nodes, 40) == 0) {
            parsed++;
            for (int k = 0; k < (int)json.used; k++) {
                sgn_jsonbuf_int(&json, k, &number);
                /* what was checked at parsing can be read, and is UTF-8 */
                if (sgn_jsonbuf_is(&json, k, SGN_JSONBUF_STRING)
                    && (sgn_jsonbuf_str(&json, k, out, sizeof out, NULL) != 0 || !sgn_encode_is_utf8(out, strlen(out))))
                    lost++;
                sgn_jsonbuf_member(&json, k, "a");
                sgn_jsonbuf_item(&json, k, 1);
            }
        }
        free(exact);
    }
    is_int(lost, 0, "jsonbuf: every string that was parsed is readable UTF-8");
    ok(parsed > 0, "jsonbuf: some changed inputs are still JSON");
}

static void proofs(void)
{
    apr_pool_t *pool = tap_pool();
    char text[SGN_PROOF_MAX];
    sgn_es256_t *key;
    int forged = 0;

    sgn_es256_generate(&key, pool);
    sgn_proof_build(text, sizeof text, "POST", "/p", 1000, "{}", 2, "agent", NULL, key, sgn_crypto_table());
    for (int i = 0; i < ROUNDS / 10; i++) {
        unsigned char data[SGN_PROOF_MAX], payload[SGN_PROOF_MAX];
        size_t len = strlen(text);
        sgn_proof_t proof;
        sgn_jws_t jws;

        memcpy(data, text, len);
        len = mutate(data, len, sizeof data);
        if (len == strlen(text) && memcmp(data, text, len) == 0)
            continue;
        if (sgn_jws_parse(&jws, (char *)data, len, SGN_JWS_TYP_PROOF, payload, sizeof payload) == 0) {
            sgn_proof_read(&proof, jws.payload, jws.payload_len);
            forged += sgn_jws_verify(&jws, sgn_es256_point(key), sgn_crypto_table()) == 0;
        }
    }
    is_int(forged, 0, "B15: no changed proof verifies");
}

int main(void)
{
    signed_attributes();
    json();
    proofs();
    return done_testing();
}
