/* checks_range.c: the byte range (PDF.md R1-R3). */
#include <string.h>

#include "look/validate/checks_part.h"

static void bad_range(sgn_checks_t *checks, sgn_checks_signature_t *signature, const char *why)
{
    sgn_report_note(checks->report, signature->row, SGN_F_RANGE, why);
    sgn_report_lower(signature->row, SGN_INDICATION_FAILED, "FORMAT_FAILURE");
    sgn_report_result(&signature->row->integrity, "invalid", SGN_F_RANGE);
}

/* Only hexadecimal digits between '<' and '>': nothing hides in the gap. */
static int gap_is_hex(const sgn_format_document_t *document, apr_int64_t from, apr_int64_t to)
{
    static const unsigned char hex[256] = {
        ['0'] = 1, ['1'] = 1, ['2'] = 1, ['3'] = 1, ['4'] = 1, ['5'] = 1, ['6'] = 1, ['7'] = 1, ['8'] = 1, ['9'] = 1,
        ['a'] = 1, ['b'] = 1, ['c'] = 1, ['d'] = 1, ['e'] = 1, ['f'] = 1,
        ['A'] = 1, ['B'] = 1, ['C'] = 1, ['D'] = 1, ['E'] = 1, ['F'] = 1
    };
    apr_int64_t i;

    if (to - from < 2 || document->map[from] != '<' || document->map[to - 1] != '>')
        return 0;
    for (i = from + 1; i < to - 1; i++)
        if (!hex[document->map[i]])
            return 0;
    return 1;
}

sgn_error_t *sgn_checks_range(sgn_checks_t *checks, sgn_checks_signature_t *signature)
{
    const sgn_format_signature_t *from = signature->from;
    const apr_int64_t *range = from->range;
    apr_off_t size = checks->input->document.size;
    int revision;

    /* [R1] four direct integers, from byte 0, in order, within the file */
    if (!from->range_ok || range[0] != 0 || range[1] <= 0 || range[2] <= range[1] || range[3] < 0
        || range[2] > size || range[3] > size - range[2]) {
        bad_range(checks, signature, "ByteRange");
        return NULL;
    }
    /* [R1] the gap is exactly the hex string of /Contents of this dictionary,
     * found by our own eyes in a plain object of its own revision */
    if (!from->type1 || from->value_num == 0 || from->revision < 0) {
        bad_range(checks, signature, "signature dictionary is not an object of its own");
        return NULL;
    }
    if (from->doubles) {
        sgn_report_note(checks->report, signature->row, SGN_F_DUPLICATE_KEY, NULL);
        sgn_report_lower(signature->row, SGN_INDICATION_INDETERMINATE, "FORMAT_FAILURE");
    }
    if (from->contents_start + checks->shift != range[1] || from->contents_end + checks->shift != range[2]
        || !gap_is_hex(&checks->input->document, range[1], range[2])) {
        bad_range(checks, signature, "gap is not /Contents");
        return NULL;
    }
    signature->range_good = 1;

    /* [R2] covers a whole revision, and the one that brought the signature */
    revision = sgn_pdf_scan_ending(checks->scan, (apr_off_t)(range[2] + range[3]) - checks->shift);
    if (revision < 0 && range[2] + range[3] == size)
        revision = checks->scan->revision_count - 1;
    if (revision < 0 || from->revision != revision
        || range[1] - checks->shift < checks->scan->revisions[revision].start) {
        sgn_report_note(checks->report, signature->row, SGN_F_PARTIAL, NULL);
        sgn_report_lower(signature->row, SGN_INDICATION_FAILED, "FORMAT_FAILURE");
        sgn_report_result(&signature->row->integrity, "invalid", SGN_F_PARTIAL);
        return NULL;
    }
    signature->revision = revision;
    signature->row->coverage = revision == checks->scan->revision_count - 1 && checks->scan->trailing == 0
        ? "whole" : "revision";
    return NULL;
}
