/*
 * kind_seal.c: the agency's signature in place of its stamp, together with
 * number and date, in the fields that the person's signature reserved.
 *
 * Only over a valid approval by a person of this agency with authority for
 * this type at the proved time [BG, Điều 9.3; UB, Điều 21.5]; once [B3].
 */
#include "office/signing/kind.h"

#include <stdlib.h>
#include <string.h>

#include <apr_strings.h>

#include "base/clock.h"
#include "office/agency/register.h"

static sgn_error_t *check_symbol(const char *symbol, apr_pool_t *pool)
{
    if (!symbol || !*symbol || strlen(symbol) > SGN_SYMBOL_MAX || strpbrk(symbol, " \t\r\n<>\"'"))
        return SGN_ERROR(pool, SGN_NUMBER_INVALID, "symbol");
    return NULL;
}

static sgn_error_t *check_wish(const sgn_wish_t *wish, apr_pool_t *pool)
{
    apr_int64_t number;
    apr_time_t when;

    if (!wish->type)
        return SGN_ERROR(pool, SGN_FIELD, "type: the document type is wanted");
    if (json_is_object(json_object_get(wish->spec, "placement")) || json_is_object(json_object_get(wish->spec, "reserve")))
        return SGN_ERROR(pool, SGN_FIELD, "a seal takes neither placement nor reserve: it goes into the reserved field");
    if (wish->number)
        SGN_TRY(sgn_register_parse(&number, wish->number, pool));
    if (wish->date)
        SGN_TRY(sgn_clock_parse(&when, apr_pstrcat(pool, wish->date, "T00:00:00+07:00", NULL), pool));
    return check_symbol(wish->symbol, pool);
}

/* [B3] the same personal signature under another number is a second issue. */
static sgn_error_t *check_unsealed(sgn_act_t *act, const char *digest)
{
    sgn_db_rows_t *rows;

    SGN_TRY(sgn_db_query(&rows, act->jobs->o.office, act->pool,
                         "SELECT number, symbol, done FROM seal_use WHERE person_digest = $1 AND agency = $2", "ss",
                         digest, act->job->agency));
    if (sgn_db_count(rows))
        return SGN_ERROR(act->pool, SGN_SEAL_ALREADY, "number %s/%s%s", sgn_db_text(rows, 0, 0), sgn_db_text(rows, 0, 1),
                         sgn_db_int(rows, 0, 2) ? "" : " (being sealed)");
    return NULL;
}

/* The register's next, above those of this very job that it does not know yet. */
static sgn_error_t *next_number(sgn_act_t *act)
{
    SGN_TRY(sgn_register_next(&act->number, act->jobs->o.office, act->job->agency, act->year, act->wish->type, act->pool));
    for (const sgn_act_t *other = act->earlier; other < act; other++)
        if (other->number >= act->number && other->year == act->year && strcmp(other->wish->type, act->wish->type) == 0)
            act->number = other->number + 1;
    return NULL;
}

/* The number and date it will carry; the rows are written with the job. */
static sgn_error_t *choose_number(sgn_act_t *act)
{
    const char *today = sgn_clock_print_date(act->now, act->pool);
    const char *date = act->wish->date ? act->wish->date : today;

    /* [NĐ 30/2020, Điều 15.2] no day but today without a recorded approval */
    if (strcmp(date, today) < 0)
        return SGN_ERROR(act->pool, SGN_DATE_EARLIER, "%s is before %s", date, today);
    if (strcmp(date, today) > 0)
        return SGN_ERROR(act->pool, SGN_FIELD, "date: %s is after today", date);
    act->year = atoi(date);
    act->item->date = date;
    if (act->wish->number)
        SGN_TRY(sgn_register_parse(&act->number, act->wish->number, act->pool));
    else
        SGN_TRY(next_number(act));
    act->item->number = sgn_register_print(act->number, act->pool);
    act->item->symbol = act->wish->symbol;
    return NULL;
}

static sgn_error_t *check_document(sgn_act_t *act)
{
    sgn_verdict_options_t options = { .class_ = SGN_ENGINE_SIGNING, .agency = act->job->agency };
    const char *digest;
    json_t *explain = NULL;

    SGN_TRY(sgn_agency_check_type(act->binding, act->wish->type, act->pool));
    SGN_TRY(sgn_jobs_receipt(&options.receipt, act->jobs, act->document->sha256, act->pool));
    SGN_TRY(sgn_verdict_make(&act->verdict, act->jobs->o.engine, act->jobs->o.agency, act->document, &options, act->pool));
    SGN_TRY(sgn_judge_may_seal(&act->basis, &explain, &act->verdict->input, act->job->agency, act->wish->type,
                               act->binding->organisation, act->pool));
    digest = sgn_bytes_hex(act->basis->digest, act->pool);
    SGN_TRY(check_unsealed(act, digest));
    act->item->person_digest = digest;
    act->item->explain = explain ? sgn_json_print(explain, act->pool) : NULL;
    return choose_number(act);
}

/* Two digits for days below ten and for January and February only. */
static const char *day_text(const char *date, apr_pool_t *pool)
{
    return apr_psprintf(pool, "%02d", atoi(date + 8));
}

static const char *month_text(const char *date, apr_pool_t *pool)
{
    int month = atoi(date + 5);

    return apr_psprintf(pool, month <= 2 ? "%02d" : "%d", month);
}

/* The words with {day}, {month} and {year} in their places. */
static const char *date_text(const char *date, apr_pool_t *pool)
{
    const char *const places[][2] = {
        { "{day}", day_text(date, pool) }, { "{month}", month_text(date, pool) }, { "{year}", apr_pstrmemdup(pool, date, 4) },
    };
    const char *text = sgn_kind_shown(SGN_SHOWN_DATE);

    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        const char *at = strstr(text, places[i][0]);

        if (at)
            text = apr_pstrcat(pool, apr_pstrmemdup(pool, text, (apr_size_t)(at - text)), places[i][1],
                               at + strlen(places[i][0]), NULL);
    }
    return text;
}

static sgn_error_t *dress(json_t *args, sgn_act_t *act)
{
    const char *date = act->item->date;
    json_t *fill = sgn_json_object(act->pool), *fields = act->verdict->fields;
    sgn_bytes_t png;
    double diameter;

    SGN_TRY(sgn_agency_image(&png, &diameter, act->jobs->o.agency, act->binding, act->pool));
    if (!png.len)
        return SGN_ERROR(act->pool, SGN_IMAGE_MISSING, "seal of %s", act->job->agency);
    sgn_json_set_bytes(args, "image", png, act->pool);
    json_object_set_new(args, "imageWidthMm", json_real(diameter));
    sgn_json_set_str(args, "fieldName", "sgn_seal");
    sgn_json_set_str(fill, "number", act->item->number);
    if (json_is_true(json_object_get(json_object_get(fields, "date"), "present")))
        sgn_json_set_str(fill, "date", date_text(date, act->pool));
    if (json_is_true(json_object_get(json_object_get(fields, "day"), "present")))
        sgn_json_set_str(fill, "day", day_text(date, act->pool));
    if (json_is_true(json_object_get(json_object_get(fields, "month"), "present")))
        sgn_json_set_str(fill, "month", month_text(date, act->pool));
    sgn_json_set(args, "fill", fill);
    return NULL;
}

static const char *const roles[] = { "clerk", "reception", NULL };

const sgn_kind_plug_t sgn_kind_seal = {
    .name = "seal",
    .shown = SGN_SHOWN_KIND_SEAL,
    .attribute = SGN_KIND_SEAL,
    .certificate = "agency",
    .roles = roles,
    .finishing = 1,
    .check_wish = check_wish,
    .check_document = check_document,
    .dress = dress,
};
