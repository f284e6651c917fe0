/* stamp.c: a time-stamp over a digest, and the CMS of a finished signature. */
#include "office/engine/engine_room.h"

#include <string.h>

#include "base/clock.h"
#include "crypto/random.h"
#include "office/evidence/evidence.h"

#define CMS_LIMIT ((size_t)256 << 10)

/* The worker keeps no state, so the nonce is the caller's to remember (B25). */
sgn_error_t *sgn_engine_timestamp(sgn_bytes_t *token, apr_time_t *time, sgn_engine_t *engine,
                                  const unsigned char imprint[32], apr_pool_t *pool)
{
    json_t *args = sgn_json_object(pool), *answer, *anchors, *tsa_anchors, *intermediates;
    const char *hex = sgn_bytes_hex(sgn_bytes(imprint, 32), pool), *gen_time;
    unsigned char nonce[8];
    sgn_bytes_t request, reply;

    if (!engine->evidence || !engine->timestamp_url)
        return SGN_ERROR(pool, SGN_TIMESTAMP_DOWN, "SignVNTimestamp is not set");
    SGN_TRY(sgn_random_bytes(nonce, sizeof nonce, pool));
    nonce[0] &= 0x7f;       /* an INTEGER that is positive without a leading zero */
    nonce[0] |= 0x40;
    sgn_engine_trust(&anchors, &tsa_anchors, &intermediates, engine, pool);
    sgn_json_set_str(args, "imprint", hex);
    sgn_json_set_str(args, "nonce", sgn_bytes_hex(sgn_bytes(nonce, sizeof nonce), pool));
    sgn_json_set_str(args, "policy", engine->timestamp_policy);
    sgn_json_set_str(args, "requestTime", sgn_clock_print(sgn_clock_now(), pool));
    SGN_TRY(sgn_engine_task(&answer, NULL, engine, SGN_ENGINE_SIGNING, "tsq", args, NULL, 0, pool));
    SGN_TRY(sgn_json_get_bytes(&request, answer, "request", pool));
    SGN_TRY(sgn_evidence_timestamp(&reply, engine->evidence, request, pool));
    sgn_json_set_bytes(args, "token", reply, pool);
    sgn_json_set(args, "tsaAnchors", tsa_anchors);
    sgn_json_set(args, "intermediates", intermediates);
    sgn_json_set_str(args, "now", sgn_clock_print(sgn_clock_now(), pool));
    SGN_TRY(sgn_engine_task(&answer, NULL, engine, SGN_ENGINE_SIGNING, "tst", args, NULL, 0, pool));
    SGN_TRY(sgn_json_get_bytes(token, answer, "token", pool));
    SGN_TRY(sgn_json_get_str(&gen_time, answer, "genTime", pool));
    return sgn_clock_parse(time, gen_time, pool);
}

sgn_error_t *sgn_engine_cms(sgn_bytes_t *cms, sgn_engine_t *engine, sgn_bytes_t dtbs,
                            sgn_bytes_t value, const char *algorithm_oid,
                            sgn_bytes_t certificate, sgn_bytes_t token, apr_pool_t *pool)
{
    json_t *args = sgn_json_object(pool), *answer, *anchors, *tsa_anchors, *intermediates;

    sgn_engine_trust(&anchors, &tsa_anchors, &intermediates, engine, pool);
    sgn_json_set_bytes(args, "dtbs", dtbs, pool);
    sgn_json_set_bytes(args, "value", value, pool);
    sgn_json_set_str(args, "algorithm", algorithm_oid);
    sgn_json_set_bytes(args, "certificate", certificate, pool);
    sgn_json_set(args, "chain", intermediates);
    if (token.len)
        sgn_json_set_bytes(args, "token", token, pool);
    return sgn_engine_task(&answer, cms, engine, SGN_ENGINE_SIGNING, "cms", args, NULL, CMS_LIMIT, pool);
}
