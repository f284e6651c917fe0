/* prepare.c: the worker's update, our digest, our signed attributes. */
#include "office/signing/prepare.h"

#include <string.h>

#include <apr_strings.h>

#include "base/clock.h"
#include "crypto/digest.h"
#include "crypto/random.h"
#include "dtbs/byterange.h"

#define UPDATE_LIMIT ((size_t)32 << 20)
#define CONTENTS_BYTES 16384

static sgn_error_t *arguments(json_t **out, sgn_act_t *act)
{
    json_t *args = sgn_json_object(act->pool);
    const char *suffix;

    SGN_TRY(sgn_random_code(&suffix, 8, act->pool));
    sgn_json_set_str(args, "now", sgn_clock_print(act->now, act->pool));
    sgn_json_set_str(args, "claimedTime", sgn_clock_print(act->now, act->pool));
    sgn_json_set_str(args, "kind", act->wish->kind->name);
    sgn_json_set_str(args, "field", apr_psprintf(act->pool, "sgn_%s_%s", act->wish->kind->name, suffix));
    sgn_json_set_int(args, "contentsSize", CONTENTS_BYTES);
    sgn_json_set_str(args, "signerName", act->binding->common_name ? act->binding->common_name : act->person->name);
    SGN_TRY(act->wish->kind->dress(args, act));
    *out = args;
    return NULL;
}

/* The worker's numbers against the bytes it wrote. */
static sgn_error_t *check_range(apr_int64_t range[4], json_t *answer, sgn_bytes_t update, apr_off_t size, apr_pool_t *pool)
{
    apr_off_t total = size + (apr_off_t)update.len;
    int64_t shape[4];
    json_t *list;

    SGN_TRY(sgn_json_get_array(&list, answer, "byteRange", pool));
    if (json_array_size(list) != 4)
        return SGN_ERROR(pool, SGN_WIRE, "byteRange: four numbers wanted");
    for (size_t i = 0; i < 4; i++)
        shape[i] = range[i] = json_integer_value(json_array_get(list, i));
    if (sgn_byterange_shape(shape, total) != 0 || range[1] < size)
        return SGN_ERROR(pool, SGN_WIRE, "byteRange [%" APR_INT64_T_FMT " %" APR_INT64_T_FMT " %" APR_INT64_T_FMT
                         " %" APR_INT64_T_FMT "] of a file of %" APR_OFF_T_FMT " and an update of %" APR_SIZE_T_FMT,
                         range[0], range[1], range[2], range[3], size, update.len);
    for (apr_int64_t at = range[1]; at < range[2]; at++) {
        unsigned char want = at == range[1] ? '<' : at == range[2] - 1 ? '>' : '0';

        if (update.data[at - size] != want)
            return SGN_ERROR(pool, SGN_WIRE, "placeholder at %" APR_INT64_T_FMT, at);
    }
    return NULL;
}

/* The state after the original: that of the intake when it kept one, else the
 * file is read once more. */
static sgn_error_t *state_of(sgn_digest_t **out, const sgn_engine_document_t *document, apr_pool_t *pool)
{
    if (document->state)
        return sgn_digest_copy(out, document->state, pool);
    SGN_TRY(sgn_digest_make(out, SGN_DIGEST_SHA256, pool));
    return sgn_digest_add_fd(*out, document->fd, 0, document->size, pool);
}

static sgn_error_t *digests(unsigned char message[32], unsigned char offered[32], const sgn_act_t *act, sgn_bytes_t update)
{
    const apr_int64_t *range = act->item->range;
    size_t before = (size_t)(range[1] - act->document->size), after = (size_t)(range[2] - act->document->size);
    sgn_digest_t *signed_part, *whole;

    SGN_TRY(state_of(&signed_part, act->document, act->pool));
    SGN_TRY(sgn_digest_copy(&whole, signed_part, act->pool));
    SGN_TRY(sgn_digest_add(signed_part, update.data, before, act->pool));
    SGN_TRY(sgn_digest_add(signed_part, update.data + after, update.len - after, act->pool));
    SGN_TRY(sgn_digest_finish(message, signed_part, act->pool));
    SGN_TRY(sgn_digest_add(whole, update.data, update.len, act->pool));
    return sgn_digest_finish(offered, whole, act->pool);
}

/* [EN 319 122-1, 5.2] the kind and what it refers to are in the signed bytes. */
static sgn_error_t *build_dtbs(sgn_act_t *act, const unsigned char message[32])
{
    unsigned char der[SGN_SIGNEDATTRS_MAX];
    sgn_signedattrs_t attrs = { .kind = act->wish->kind->attribute };
    sgn_bytes_t certificate;
    size_t len;
    int fault;

    memcpy(attrs.message_digest, message, sizeof attrs.message_digest);
    SGN_TRY(sgn_bytes_from_hex(&certificate, act->binding->certificate_sha256, act->pool));
    memcpy(attrs.certificate, certificate.data, sizeof attrs.certificate);
    if (act->basis) {
        apr_cpystrn(attrs.number, act->item->number, sizeof attrs.number);
        apr_cpystrn(attrs.symbol, act->item->symbol, sizeof attrs.symbol);
        apr_cpystrn(attrs.date, act->item->date, sizeof attrs.date);
        memcpy(attrs.person_digest, act->basis->digest.data, sizeof attrs.person_digest);
        attrs.has_person_digest = 1;
    }
    fault = sgn_signedattrs_build(der, sizeof der, &len, &attrs);
    if (fault)
        return SGN_ERROR(act->pool, SGN_INTERNAL, "signed attributes: %s", sgn_fault_name(fault));
    act->item->dtbs = sgn_bytes_dup(sgn_bytes(der, len), act->pool);
    return NULL;
}

sgn_error_t *sgn_prepare_item(sgn_bytes_t *update, sgn_act_t *act)
{
    unsigned char message[32], offered[32];
    json_t *args, *answer;

    SGN_TRY(arguments(&args, act));
    SGN_TRY(sgn_engine_task(&answer, update, act->jobs->o.engine, SGN_ENGINE_SIGNING, "prepare", args, act->document,
                            UPDATE_LIMIT, act->pool));
    SGN_TRY(check_range(act->item->range, answer, *update, act->document->size, act->pool));
    SGN_TRY(digests(message, offered, act, *update));
    act->item->offered_size = act->document->size + (apr_off_t)update->len;
    act->item->offered_sha256 = sgn_bytes_hex(sgn_bytes(offered, sizeof offered), act->pool);
    return build_dtbs(act, message);
}

sgn_error_t *sgn_prepare_fill(unsigned char *gap, size_t gap_len, sgn_bytes_t cms, apr_pool_t *pool)
{
    if (gap_len < 2 || cms.len > (gap_len - 2) / 2)
        return SGN_ERROR(pool, SGN_CONTENTS_TOO_SMALL, "%" APR_SIZE_T_FMT " bytes into %" APR_SIZE_T_FMT, cms.len,
                         gap_len < 2 ? 0 : (gap_len - 2) / 2);
    memset(gap + 1, '0', gap_len - 2);
    memcpy(gap + 1, sgn_bytes_hex(cms, pool), cms.len * 2);
    return NULL;
}
