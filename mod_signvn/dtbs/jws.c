#include <string.h>

#include "dtbs/encode.h"
#include "dtbs/jws.h"

static int read_header(sgn_jws_t *out, const char *text, size_t len, const char *typ)
{
    static const char *const names[] = { "alg", "typ", "kid", "jwk", NULL };
    sgn_jsonbuf_node_t nodes[32];
    sgn_jsonbuf_t json;
    char value[64];
    int kid, jwk;

    SGN_FAULT_TRY(sgn_jsonbuf_parse(&json, text, len, nodes, sizeof nodes / sizeof nodes[0]));
    SGN_FAULT_TRY(sgn_jsonbuf_only(&json, 0, names));
    if (sgn_jsonbuf_str(&json, sgn_jsonbuf_member(&json, 0, "alg"), value, sizeof value, NULL)
        || strcmp(value, "ES256") != 0)
        return SGN_FAULT_ALG;
    if (sgn_jsonbuf_str(&json, sgn_jsonbuf_member(&json, 0, "typ"), value, sizeof value, NULL)
        || strcmp(value, typ) != 0)
        return SGN_FAULT_TYP;
    kid = sgn_jsonbuf_member(&json, 0, "kid");
    jwk = sgn_jsonbuf_member(&json, 0, "jwk");
    if ((kid < 0) == (jwk < 0))
        return SGN_FAULT_KEY;
    out->kid[0] = '\0';
    out->has_jwk = jwk >= 0;
    if (jwk >= 0)
        return sgn_jws_jwk_read(out->jwk, NULL, &json, jwk);
    SGN_FAULT_TRY(sgn_jsonbuf_str(&json, kid, out->kid, sizeof out->kid, NULL));
    return out->kid[0] ? SGN_FAULT_NONE : SGN_FAULT_KEY;
}

int sgn_jws_parse(sgn_jws_t *out, const char *text, size_t len, const char *typ,
                  unsigned char *buf, size_t cap)
{
    const char *first, *second;
    unsigned char header[SGN_JWS_HEADER_MAX];
    size_t n;

    memset(out, 0, sizeof *out);
    if (len > SGN_JWS_MAX)
        return SGN_FAULT_LIMIT;
    first = memchr(text, '.', len);
    if (!first)
        return SGN_FAULT_SYNTAX;
    second = memchr(first + 1, '.', len - (size_t)(first + 1 - text));
    if (!second)
        return SGN_FAULT_SYNTAX;
    SGN_FAULT_TRY(sgn_encode_from_base64url(header, sizeof header, &n, text, (size_t)(first - text)));
    SGN_FAULT_TRY(read_header(out, (const char *)header, n, typ));
    /* a third point is no digit of base64url and fails here */
    SGN_FAULT_TRY(sgn_encode_from_base64url(out->signature, sizeof out->signature, &n,
                                            second + 1, len - (size_t)(second + 1 - text)));
    if (n != SGN_P256_SIGNATURE)
        return SGN_FAULT_LENGTH;
    if (cap == 0)
        return SGN_FAULT_LIMIT;
    SGN_FAULT_TRY(sgn_encode_from_base64url(buf, cap - 1, &out->payload_len,
                                            first + 1, (size_t)(second - first - 1)));
    buf[out->payload_len] = '\0';
    out->payload = buf;
    out->signed_text = text;
    out->signed_len = (size_t)(second - text);
    return SGN_FAULT_NONE;
}

int sgn_jws_verify(const sgn_jws_t *jws, const unsigned char key[SGN_P256_POINT],
                   const sgn_primitives_t *primitives)
{
    return primitives->es256_verify(key, jws->signed_text, jws->signed_len, jws->signature);
}

int sgn_jws_build(char *out, size_t cap, size_t *out_len, const char *typ,
                  const char *kid, const unsigned char *jwk,
                  const void *payload, size_t payload_len,
                  const void *key, const sgn_primitives_t *primitives)
{
    char header[SGN_JWS_HEADER_MAX];
    unsigned char signature[SGN_P256_SIGNATURE];
    sgn_jsonout_t json;
    size_t n;

    if ((kid == NULL) == (jwk == NULL))
        return SGN_FAULT_KEY;
    sgn_jsonout(&json, header, sizeof header);
    sgn_jsonout_open(&json, NULL, '{');
    sgn_jsonout_str(&json, "alg", "ES256");
    sgn_jsonout_str(&json, "typ", typ);
    if (kid)
        sgn_jsonout_str(&json, "kid", kid);
    else
        sgn_jws_jwk_write(&json, "jwk", jwk, NULL);
    sgn_jsonout_close(&json);
    SGN_FAULT_TRY(sgn_jsonout_end(&json));
    SGN_FAULT_TRY(sgn_encode_base64url(out, cap, header, json.len));
    n = strlen(out);
    if (cap - n < 2)
        return SGN_FAULT_LIMIT;
    out[n++] = '.';
    SGN_FAULT_TRY(sgn_encode_base64url(out + n, cap - n, payload, payload_len));
    n += strlen(out + n);
    SGN_FAULT_TRY(primitives->es256_sign(signature, key, out, n));
    if (cap - n < 2)
        return SGN_FAULT_LIMIT;
    out[n++] = '.';
    SGN_FAULT_TRY(sgn_encode_base64url(out + n, cap - n, signature, sizeof signature));
    *out_len = n + strlen(out + n);
    return SGN_FAULT_NONE;
}

int sgn_jws_jwk_read(unsigned char point[SGN_P256_POINT], char kid[SGN_JWS_KID_MAX + 1],
                     const sgn_jsonbuf_t *json, int object)
{
    char value[16];
    size_t n;

    if (sgn_jsonbuf_member(json, object, "d") >= 0)
        return SGN_FAULT_UNKNOWN;
    if (sgn_jsonbuf_str(json, sgn_jsonbuf_member(json, object, "kty"), value, sizeof value, NULL)
        || strcmp(value, "EC") != 0)
        return SGN_FAULT_KEY;
    if (sgn_jsonbuf_str(json, sgn_jsonbuf_member(json, object, "crv"), value, sizeof value, NULL)
        || strcmp(value, "P-256") != 0)
        return SGN_FAULT_KEY;
    if (sgn_jsonbuf_base64url(json, sgn_jsonbuf_member(json, object, "x"), point, 32, &n) || n != 32)
        return SGN_FAULT_KEY;
    if (sgn_jsonbuf_base64url(json, sgn_jsonbuf_member(json, object, "y"), point + 32, 32, &n) || n != 32)
        return SGN_FAULT_KEY;
    if (!kid)
        return SGN_FAULT_NONE;
    kid[0] = '\0';
    if (sgn_jsonbuf_member(json, object, "kid") < 0)
        return SGN_FAULT_NONE;
    return sgn_jsonbuf_str(json, sgn_jsonbuf_member(json, object, "kid"), kid, SGN_JWS_KID_MAX + 1, NULL);
}

void sgn_jws_jwk_write(sgn_jsonout_t *out, const char *name,
                       const unsigned char point[SGN_P256_POINT], const char *kid)
{
    sgn_jsonout_open(out, name, '{');
    sgn_jsonout_str(out, "kty", "EC");
    sgn_jsonout_str(out, "crv", "P-256");
    sgn_jsonout_base64url(out, "x", point, 32);
    sgn_jsonout_base64url(out, "y", point + 32, 32);
    if (kid)
        sgn_jsonout_str(out, "kid", kid);
    sgn_jsonout_close(out);
}
