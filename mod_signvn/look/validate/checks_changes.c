/* checks_changes.c: what happened to the document after each signature. */
#include <stdlib.h>
#include <string.h>

#include <apr_strings.h>

#include "look/format/pdf_reserve.h"
#include "look/validate/checks_part.h"

static sgn_error_t *compare_revisions(sgn_checks_t *checks)
{
    int i, first = checks->scan->revision_count;

    for (i = 0; i < checks->count; i++)
        if (checks->signatures[i].revision >= 0 && checks->signatures[i].revision < first)
            first = checks->signatures[i].revision;
    return sgn_pdf_diff_run(&checks->steps, checks->doc, first, checks->pool);
}

static void add_change(sgn_checks_t *checks, sgn_report_signature_t *row, int revision,
                       const char *object, const char *what, sgn_code_t code)
{
    sgn_change_row_t *change;

    sgn_report_note(checks->report, row, code, object ? object : apr_psprintf(checks->pool, "revision %d", revision + 1));
    if (row->changes->nelts >= SGN_REPORT_FINDINGS)
        return;
    change = &APR_ARRAY_PUSH(row->changes, sgn_change_row_t);
    change->revision = revision + 1;
    change->object = object;
    change->what = what;
    change->code = code;
}

sgn_error_t *sgn_checks_changes(sgn_checks_t *checks, sgn_checks_signature_t *signature)
{
    static const sgn_changes_t levels[] = {
        [SGN_PDF_DIFF_NONE] = SGN_CHANGES_NONE, [SGN_PDF_DIFF_PERMITTED] = SGN_CHANGES_PERMITTED,
        [SGN_PDF_DIFF_NUMBERING] = SGN_CHANGES_NUMBERING, [SGN_PDF_DIFF_UNKNOWN] = SGN_CHANGES_UNKNOWN,
        [SGN_PDF_DIFF_FORBIDDEN] = SGN_CHANGES_FORBIDDEN
    };
    sgn_report_signature_t *row = signature->row;
    int k, i;

    if (!checks->steps)
        SGN_TRY(compare_revisions(checks));
    /* Later revisions tell nothing where the signed bytes are not what was signed. */
    row->changes_after = row->intact ? SGN_CHANGES_NONE : SGN_CHANGES_UNKNOWN;
    /* A signature that covers no whole revision says nothing about any. */
    for (k = signature->revision < 0 ? checks->scan->revision_count : signature->revision + 1;
         k < checks->scan->revision_count; k++) {
        const sgn_pdf_diff_step_t *step = &checks->steps[k];

        if (levels[step->level] > row->changes_after)
            row->changes_after = levels[step->level];
        for (i = 0; i < step->changes->nelts; i++) {
            const sgn_pdf_diff_change_t *change = &APR_ARRAY_IDX(step->changes, i, sgn_pdf_diff_change_t);

            add_change(checks, row, k, change->object, change->what, change->code);
        }
    }
    /* [R4] incremental saving without a cross-reference section */
    if (checks->scan->trailing > 0) {
        row->changes_after = SGN_CHANGES_FORBIDDEN;
        add_change(checks, row, checks->scan->revision_count, NULL, "bytes behind the last revision", SGN_F_TRAILING);
    }
    if (signature->revision < 0) {
        row->changes_after = SGN_CHANGES_FORBIDDEN;
        return NULL;
    }
    if (row->changes_after == SGN_CHANGES_FORBIDDEN)
        sgn_report_lower(row, SGN_INDICATION_FAILED, "FORMAT_FAILURE");
    return NULL;
}

/* ---- number and date ------------------------------------------------------ */

/* The next number in the text, behind *pos; -1. */
static long next_number(const char **pos)
{
    char *end;
    long value;

    while (**pos && (**pos < '0' || **pos > '9'))
        (*pos)++;
    if (!**pos)
        return -1;
    value = strtol(*pos, &end, 10);
    *pos = end;
    return value;
}

static int agrees(const sgn_checks_field_t *field, long want)
{
    const char *pos = field->value;

    return !field->value || (next_number(&pos) == want && next_number(&pos) == -1);
}

/* "7" is drawn "07": leading zeros do not count, a suffix does. */
static int same_number(const char *a, const char *b)
{
    while (*a == '0' && a[1])
        a++;
    while (*b == '0' && b[1])
        b++;
    return strcmp(a, b) == 0;
}

sgn_error_t *sgn_checks_number(sgn_checks_t *checks, sgn_checks_signature_t *signature)
{
    const sgn_checks_answer_t *answer = checks->answer;
    const sgn_signedattrs_t *attrs = &signature->attrs;
    int good = 1;

    /* Only the seal in the reserved field speaks about the reserved number. */
    if (attrs->kind != SGN_KIND_SEAL || !signature->row->intact
        || strcmp(signature->row->name, SGN_PDF_RESERVE_SEAL) != 0)
        return NULL;
    if (attrs->number[0] && answer->number.value)
        good = same_number(attrs->number, answer->number.value);
    if (strlen(attrs->date) == 10) {
        long year = strtol(attrs->date, NULL, 10), month = strtol(attrs->date + 5, NULL, 10);
        long day = strtol(attrs->date + 8, NULL, 10);

        good = good && agrees(&answer->day, day) && agrees(&answer->month, month);
        if (answer->date.value) {
            const char *pos = answer->date.value;

            good = good && next_number(&pos) == day && next_number(&pos) == month && next_number(&pos) == year;
        }
    }
    if (!good) {
        sgn_report_note(checks->report, signature->row, SGN_F_NUMBER_DIFFERS, NULL);
        sgn_report_lower(signature->row, SGN_INDICATION_FAILED, "SIG_CONSTRAINTS_FAILURE");
        sgn_report_result(&signature->row->integrity, "invalid", SGN_F_NUMBER_DIFFERS);
    }
    return NULL;
}
