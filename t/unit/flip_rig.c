/* flip_rig.c: one byte changed at a time, and what the validation says. */
#include "t/unit/flip_rig.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <apr_hash.h>
#include <apr_strings.h>

#define HOLDS(what) do { if (!(what)) { printf("Bail out! flips: %s (line %d)\n", #what, __LINE__); fflush(NULL); _exit(2); } } while (0)
#define PLACES 3                    /* told of each class */

/* ---- opening -------------------------------------------------------------- */

flip_t *flip_rig_open(sgn_bytes_t document, const sgn_checks_input_t *input, apr_pool_t *pool)
{
    flip_t *flip = apr_pcalloc(pool, sizeof *flip);
    sgn_checks_answer_t *answer;
    int i;

    flip->pool = pool;
    apr_pool_create(&flip->scratch, pool);
    flip->original = document;
    HOLDS(document.len);
    flip->block = memcpy(malloc(document.len), document.data, document.len);
    apr_pool_cleanup_register(pool, flip->block, (apr_status_t (*)(void *))(void (*)(void))free, apr_pool_cleanup_null);
    flip->input = *input;
    flip->input.document.map = flip->block;
    flip->input.document.size = (apr_off_t)document.len;
    HOLDS(!sgn_checks_run(&answer, &flip->input, pool));
    if (answer->report->indication != SGN_INDICATION_PASSED)
        printf("# %s\n", sgn_json_print(sgn_report_json(answer->report, pool), pool));
    HOLDS(answer->report->indication == SGN_INDICATION_PASSED);
    HOLDS(answer->report->signatures->nelts && answer->report->signatures->nelts <= FLIP_SIGNATURES);
    for (i = 0; i < answer->facts->nelts; i++) {
        const sgn_checks_fact_t *fact = &APR_ARRAY_IDX(answer->facts, i, sgn_checks_fact_t);

        flip->signatures[flip->count].name = fact->field;
        flip->signatures[flip->count].certificate = fact->certificate;
        memcpy(flip->signatures[flip->count++].range, fact->range, sizeof fact->range);
    }
    return flip;
}

static int covers(const flip_signature_t *signature, size_t at)
{
    const apr_int64_t *range = signature->range;

    return (apr_int64_t)at < range[1] || ((apr_int64_t)at >= range[2] && (apr_int64_t)at < range[2] + range[3]);
}

int flip_rig_gap(const flip_t *flip, size_t at)
{
    int i;

    for (i = 0; i < flip->count; i++)
        if ((apr_int64_t)at >= flip->signatures[i].range[1] && (apr_int64_t)at < flip->signatures[i].range[2])
            return i;
    return -1;
}

/* ---- one change ----------------------------------------------------------- */

/* Digits are places and numbers of objects: without them a class is a class. */
static const char *without_numbers(const char *text, apr_pool_t *pool)
{
    char *out = apr_pstrdup(pool, text), *to = out;

    for (; *text; text++)
        if (!isdigit((unsigned char)*text))
            *to++ = *text;
        else if (to == out || to[-1] != '#')
            *to++ = '#';
    *to = '\0';
    return out;
}

static const char *first_error(const apr_array_header_t *findings, apr_pool_t *pool)
{
    int i;

    for (i = 0; i < findings->nelts; i++) {
        const sgn_finding_t *finding = &APR_ARRAY_IDX(findings, i, sgn_finding_t);

        if (strcmp(sgn_report_severity(finding->code), "error") == 0)
            return apr_pstrcat(pool, sgn_error_row(finding->code)->name, finding->subject ? ": " : "",
                               finding->subject ? finding->subject : "", NULL);
    }
    return "";
}

/* The n-th of the report, by its name or, where that is lost, by its range. */
static int is_it(const sgn_checks_answer_t *answer, int n, const flip_signature_t *signature)
{
    int i;

    if (strcmp(APR_ARRAY_IDX(answer->report->signatures, n, sgn_report_signature_t *)->name, signature->name) == 0)
        return 1;
    for (i = 0; i < answer->facts->nelts; i++) {
        const sgn_checks_fact_t *fact = &APR_ARRAY_IDX(answer->facts, i, sgn_checks_fact_t);

        if (fact->n == n && memcmp(fact->range, signature->range, sizeof fact->range) == 0)
            return 1;
    }
    return 0;
}

/* at: the byte that was changed; (size_t)-1: every signature counts. */
static flip_result_t judge(flip_t *flip, const sgn_checks_answer_t *answer, size_t at)
{
    const sgn_report_t *report = answer->report;
    flip_result_t result = { FLIP_OPEN, "", 0 };
    int i, k, passed = report->indication == SGN_INDICATION_PASSED;
    const char *row_why = "";

    for (i = 0; i < report->signatures->nelts; i++) {
        const sgn_report_signature_t *row = APR_ARRAY_IDX(report->signatures, i, sgn_report_signature_t *);

        for (k = 0; k < flip->count; k++)
            if (is_it(answer, i, &flip->signatures[k])
                && (at == (size_t)-1 || covers(&flip->signatures[k], at) || flip_rig_gap(flip, at) == k))
                break;
        if (k == flip->count)
            continue;
        result.listed = 1;
        if (row->indication == SGN_INDICATION_FAILED)
            result.outcome = FLIP_FAILED;
        else if (row->indication == SGN_INDICATION_PASSED && at != (size_t)-1)
            passed = 1;
        if (!*row_why)
            row_why = first_error(row->findings, flip->scratch);
    }
    if (report->indication != SGN_INDICATION_FAILED && result.outcome == FLIP_FAILED)
        passed = 1;                 /* a failed signature fails the document */
    if (passed)
        result.outcome = FLIP_PASSED;
    result.why = without_numbers(apr_pstrcat(flip->scratch, sgn_report_indication(report->indication), result.listed ? ", listed" : ", not listed",
                                             " [", first_error(report->findings, flip->scratch), "] [", row_why, "]", NULL), flip->scratch);
    return result;
}

static flip_result_t look(flip_t *flip, const sgn_checks_input_t *input, size_t at)
{
    sgn_checks_answer_t *answer;
    sgn_error_t *error = sgn_checks_run(&answer, input, flip->scratch);

    if (!error)
        return judge(flip, answer, at);
    return (flip_result_t){ FLIP_OPEN, without_numbers(apr_pstrcat(flip->scratch, sgn_error_row(error->code)->name, ": ", error->detail, NULL),
                                                       flip->scratch), 0 };
}

flip_result_t flip_rig_try(flip_t *flip, size_t at, flip_how_t how)
{
    static const unsigned char values[FLIP_HOWS] = { [FLIP_ZERO] = 0, [FLIP_SPACE] = ' ', [FLIP_FULL] = 0xff };
    unsigned char was = flip->original.data[at];
    flip_result_t result;

    apr_pool_clear(flip->scratch);
    flip->block[at] = how == FLIP_BIT ? was ^ (unsigned char)(1u << at % 8) : values[how] != was ? values[how] : was ^ 1;
    result = look(flip, &flip->input, at);
    flip->block[at] = was;
    return result;
}

flip_result_t flip_rig_look(flip_t *flip, sgn_bytes_t document)
{
    sgn_checks_input_t input = flip->input;
    unsigned char *block = memcpy(malloc(document.len + !document.len), document.data, document.len);
    flip_result_t result;

    apr_pool_clear(flip->scratch);
    input.document.map = block;
    input.document.size = (apr_off_t)document.len;
    result = look(flip, &input, (size_t)-1);
    free(block);
    return result;
}

/* ---- counting ------------------------------------------------------------- */

typedef struct {
    const char *why;
    flip_outcome_t outcome;
    long count;
    size_t places[PLACES];
} class_t;

struct flip_tally_t {
    apr_hash_t *classes;
    long counts[FLIP_PASSED + 1];
    apr_pool_t *pool;
};

flip_tally_t *flip_rig_tally(apr_pool_t *pool)
{
    flip_tally_t *tally = apr_pcalloc(pool, sizeof *tally);

    tally->classes = apr_hash_make(pool);
    tally->pool = pool;
    return tally;
}

void flip_rig_count(flip_tally_t *tally, size_t at, flip_result_t result)
{
    class_t *class = apr_hash_get(tally->classes, result.why, APR_HASH_KEY_STRING);

    if (!class) {
        class = apr_pcalloc(tally->pool, sizeof *class);
        class->why = apr_pstrdup(tally->pool, result.why);
        class->outcome = result.outcome;
        apr_hash_set(tally->classes, class->why, APR_HASH_KEY_STRING, class);
    }
    if (class->count < PLACES)
        class->places[class->count] = at;
    class->count++;
    tally->counts[result.outcome]++;
}

long flip_rig_counted(const flip_tally_t *tally, flip_outcome_t outcome)
{
    return tally->counts[outcome];
}

static int by_count(const void *a, const void *b)
{
    const class_t *x = *(class_t *const *)a, *y = *(class_t *const *)b;

    return x->count != y->count ? (x->count < y->count ? 1 : -1) : strcmp(x->why, y->why);
}

/* The place with what stands around it. */
static void print_place(const flip_t *flip, size_t at)
{
    size_t from = at > 24 ? at - 24 : 0, to = at + 16 < flip->original.len ? at + 16 : flip->original.len, i;

    printf("#       %8lu  ", (unsigned long)at);
    for (i = from; i < to; i++) {
        int byte = flip->original.data[i];

        if (i == at)
            putchar('{');
        putchar(byte == '\n' || byte == '\r' ? '~' : byte < 0x20 || byte > 0x7e ? '.' : byte);
        if (i == at)
            putchar('}');
    }
    putchar('\n');
}

void flip_rig_print(const flip_tally_t *tally, const flip_t *flip, flip_outcome_t outcome)
{
    class_t **order = apr_palloc(tally->pool, sizeof *order * (apr_hash_count(tally->classes) + 1));
    apr_hash_index_t *index;
    int count = 0, i, k;

    for (index = apr_hash_first(tally->pool, tally->classes); index; index = apr_hash_next(index)) {
        class_t *class = apr_hash_this_val(index);

        if (class->outcome == outcome)
            order[count++] = class;
    }
    qsort(order, (size_t)count, sizeof *order, by_count);
    for (i = 0; i < count; i++) {
        printf("# %7ld %s\n", order[i]->count, order[i]->why);
        for (k = 0; k < PLACES && k < order[i]->count; k++)
            if (order[i]->places[k] < flip->original.len)
                print_place(flip, order[i]->places[k]);
    }
}
