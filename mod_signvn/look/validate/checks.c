#include <string.h>

#include <apr_strings.h>

#include "look/format/pdf_reserve.h"
#include "look/validate/checks_part.h"

typedef sgn_error_t *(*check_fn)(sgn_checks_t *checks, sgn_checks_signature_t *signature);

/* Every check in its order.  A new check is a function and a row.  Those of
 * `any` ask about bytes, so also of signatures whose form is unknown. */
static const struct {
    const char *name, *what, *clause;
    check_fn run;
    int before_hash, any;
} table[] = {
    { "range", "byte range and /Contents", "EN 319 142-1, 5.3; ISO 32000-2, 12.8.1", sgn_checks_range, 1, 1 },
    { "contents", "form of the signature", "RFC 5652; EN 319 122-1", sgn_checks_contents, 1, 1 },
    { "value", "digest, value and bound certificate", "EN 319 102-1, 5.2.7", sgn_checks_value, 0, 1 },
    { "time", "proof of time", "EN 319 102-1, 5.5; NĐ 68/2024 Đ29.4", sgn_checks_time, 0, 0 },
    { "path", "certificate, path and revocation", "EN 319 102-1, 5.2.6; NĐ 68/2024 Đ31", sgn_checks_path, 0, 0 },
    { "changes", "changes after signing", "HP Đ4.2 (SV-E12)", sgn_checks_changes, 0, 1 },
    { "number", "number and date as signed", "BG Đ9.2 (SV-C05)", sgn_checks_number, 0, 0 },
};
#define CHECKS ((int)(sizeof table / sizeof *table))

/* One check, and what it found against the signature. */
static sgn_error_t *run_one(sgn_checks_t *checks, int r, sgn_checks_signature_t *signature)
{
    const apr_array_header_t *findings = signature->row->findings;
    sgn_checks_row_t *row;
    int i, before = findings->nelts;

    if (!signature->known && !table[r].any)
        return NULL;
    SGN_TRY(table[r].run(checks, signature));
    row = &APR_ARRAY_PUSH(checks->answer->rows, sgn_checks_row_t);
    *row = (sgn_checks_row_t){ signature->n, table[r].name, table[r].what, table[r].clause, SGN_OK };
    for (i = findings->nelts - 1; i >= before; i--) {
        sgn_code_t code = APR_ARRAY_IDX(findings, i, sgn_finding_t).code;

        if (strcmp(sgn_report_severity(code), "error") == 0)
            row->code = code;
    }
    return NULL;
}

/* Runs row r over all signatures; time-stamps of the document first and from
 * the last to the first, for they are proof for what lies before them. */
static sgn_error_t *run_row(sgn_checks_t *checks, int r)
{
    int i;

    for (i = checks->count - 1; i >= 0; i--)
        if (checks->signatures[i].row->timestamp)
            SGN_TRY(run_one(checks, r, &checks->signatures[i]));
    for (i = 0; i < checks->count; i++)
        if (!checks->signatures[i].row->timestamp)
            SGN_TRY(run_one(checks, r, &checks->signatures[i]));
    return NULL;
}

static int by_revision(const void *a, const void *b)
{
    const sgn_checks_signature_t *x = a, *y = b;

    return x->revision != y->revision ? (x->revision < y->revision ? -1 : 1) : x->n - y->n;
}

/* A document time-stamp behind evidence makes the level long-term. */
static void find_levels(sgn_checks_t *checks)
{
    int i, j;

    for (i = 0; i < checks->count; i++)
        for (j = i + 1; j < checks->count; j++)
            if (checks->signatures[j].stamped && checks->signatures[j].revision > checks->signatures[i].revision
                && strcmp(checks->signatures[i].row->level, "B-LT") == 0)
                checks->signatures[i].row->level = "B-LTA";
}

static sgn_error_t *read_field(sgn_checks_field_t *out, sgn_checks_t *checks, const char *name)
{
    const sgn_pdf_field_t *field = sgn_pdf_doc_field(checks->doc, name);

    out->empty = 1;
    out->present = field != NULL;
    if (!field || !field->value || field->value->type == SGN_PDF_NULL)
        return NULL;
    if (field->value->type == SGN_PDF_STRING) {
        if (field->value->text.len)
            out->value = sgn_pdf_obj_text(field->value, checks->pool);
        out->empty = field->value->text.len == 0;
    } else {
        out->empty = 0;
    }
    return NULL;
}

/* [THREATS A9] Whatever the history: what stands in a reserved field is drawn
 * as it is stored. */
static void check_reserved(sgn_checks_t *checks)
{
    int i;

    for (i = 0; i < SGN_PDF_RESERVE_COUNT; i++) {
        const sgn_pdf_field_t *field = sgn_pdf_doc_field(checks->doc, sgn_pdf_reserve_names[i]);
        const char *what = NULL;
        int same = 0;

        if (!field || !field->type || strcmp(field->type, "Tx") != 0)
            continue;
        if (sgn_pdf_reserve_compare(&same, &what, checks->doc, field, checks->pool) || !same)
            sgn_report_find(checks->report, SGN_F_APPEARANCE_DIFFERS, sgn_pdf_reserve_names[i]);
    }
}

/* [R6] and what the structure itself shows */
static void check_structure(sgn_checks_t *checks)
{
    const sgn_pdf_scan_t *scan = checks->scan;
    const sgn_pdf_page_t *pages;
    int i, count;

    if (scan->hybrid)
        sgn_report_find(checks->report, SGN_F_HYBRID, NULL);
    if (scan->encrypted)
        sgn_report_find(checks->report, SGN_F_ENCRYPTED, NULL);
    if (scan->trailing > 0)
        sgn_report_find(checks->report, SGN_F_TRAILING, NULL);
    for (i = 0; i < scan->section_count; i++)
        if (scan->sections[i].trailer && scan->sections[i].trailer->doubles)
            sgn_report_find(checks->report, SGN_F_DUPLICATE_KEY, "trailer");
    if (sgn_pdf_doc_catalog(checks->doc)->doubles)
        sgn_report_find(checks->report, SGN_F_DUPLICATE_KEY, "catalog");
    if (checks->list->count && sgn_pdf_doc_pages(&pages, &count, checks->doc) == NULL)
        for (i = 0; i < count; i++)
            if (sgn_pdf_doc_object(checks->doc, pages[i].num, pages[i].gen)->doubles)
                sgn_report_find(checks->report, SGN_F_DUPLICATE_KEY, apr_psprintf(checks->pool, "page %d", i + 1));
    for (i = 0; i < checks->list->orphan_count; i++) {
        const sgn_format_signature_t *orphan = &checks->list->orphans[i];

        sgn_report_find(checks->report, SGN_F_ORPHAN_SIGNATURE,
                        apr_psprintf(checks->pool, "%d %d R", orphan->value_num, orphan->value_gen));
    }
    if (scan->hidden_signatures)
        sgn_report_find(checks->report, SGN_F_ORPHAN_SIGNATURE, "object stream");
}

static sgn_error_t *make_stores(sgn_checks_t *checks)
{
    const sgn_checks_input_t *input = checks->input;
    const apr_array_header_t *none = apr_array_make(checks->pool, 1, sizeof(sgn_bytes_t));
    int i;

    SGN_TRY(sgn_path_store_make(&checks->store, input->anchors ? input->anchors : none,
                                input->intermediates ? input->intermediates : none, checks->pool));
    SGN_TRY(sgn_path_store_make(&checks->tsa_store, input->tsa_anchors ? input->tsa_anchors : none,
                                input->intermediates ? input->intermediates : none, checks->pool));
    checks->evidence = sgn_revocation_set_make(checks->pool);
    for (i = 0; input->evidence && i < input->evidence->nelts; i++) {
        const sgn_checks_evidence_t *one = &APR_ARRAY_IDX(input->evidence, i, sgn_checks_evidence_t);

        sgn_revocation_set_add(NULL, checks->evidence, one->kind, one->der);
    }
    return NULL;
}

static sgn_error_t *check_all(sgn_checks_t *checks)
{
    sgn_report_t *report = checks->report;
    sgn_error_t *error;
    int i, r, damaged;

    checks->count = checks->list->count;
    checks->signatures = apr_pcalloc(checks->pool, sizeof *checks->signatures * (size_t)(checks->count + 1));
    for (i = 0; i < checks->count; i++) {
        sgn_checks_signature_t *signature = &checks->signatures[i];

        signature->n = i;
        signature->from = &checks->list->signatures[i];
        signature->revision = -1;
        signature->row = sgn_report_add(report, signature->from->name);
    }
    SGN_TRY(make_stores(checks));
    check_structure(checks);
    SGN_TRY(read_field(&checks->answer->number, checks, SGN_PDF_RESERVE_NUMBER));
    SGN_TRY(read_field(&checks->answer->day, checks, SGN_PDF_RESERVE_DAY));
    SGN_TRY(read_field(&checks->answer->month, checks, SGN_PDF_RESERVE_MONTH));
    SGN_TRY(read_field(&checks->answer->date, checks, SGN_PDF_RESERVE_DATE));
    SGN_TRY(read_field(&checks->answer->seal, checks, SGN_PDF_RESERVE_SEAL));
    if (checks->count)
        check_reserved(checks);

    for (r = 0; r < CHECKS && table[r].before_hash; r++)
        SGN_TRY(run_row(checks, r));
    SGN_TRY(sgn_checks_hash(checks));
    SGN_TRY(sgn_checks_dss(checks));
    /* In the order of the revisions from here on, so that a document time-stamp
     * is judged before everything it is proof for. */
    qsort(checks->signatures, (size_t)checks->count, sizeof *checks->signatures, by_revision);
    for (; r < CHECKS; r++)
        SGN_TRY(run_row(checks, r));
    find_levels(checks);

    error = sgn_pdf_doc_check(checks->doc, checks->pool);
    damaged = error != NULL;
    if (damaged)
        sgn_report_find(report, SGN_F_STRUCTURE, error->detail);
    for (i = 0; i < checks->count; i++) {
        sgn_report_signature_t *row = checks->signatures[i].row;

        /* What a damaged file hides is not known. */
        if (damaged && row->changes_after < SGN_CHANGES_UNKNOWN)
            row->changes_after = SGN_CHANGES_UNKNOWN;
        /* Damaged or ambiguous: never passed, but failed where it failed. */
        if (damaged || sgn_report_has_error(report->findings))
            sgn_report_lower(row, SGN_INDICATION_INDETERMINATE, "SIG_CONSTRAINTS_FAILURE");
        sgn_report_conclude(row);
    }
    for (i = 0; i < checks->answer->facts->nelts; i++) {
        sgn_checks_fact_t *fact = &APR_ARRAY_IDX(checks->answer->facts, i, sgn_checks_fact_t);
        const sgn_report_signature_t *row = APR_ARRAY_IDX(report->signatures, fact->n, sgn_report_signature_t *);

        fact->best = row->best;
        fact->best_source = row->best_source;
    }
    return NULL;
}

/* Offset of "%PDF-" in the first kilobyte; 0 also when it is not there. */
static apr_off_t find_header(const sgn_format_document_t *document)
{
    apr_off_t i;

    for (i = 0; i + 5 <= document->size && i < 1024; i++)
        if (memcmp(document->map + i, "%PDF-", 5) == 0)
            return i;
    return 0;
}

/* Scans, and again from the header where foreign bytes stand before it: what is
 * signed there is looked at and told, but readers disagree about such files, so
 * nothing passes. */
static sgn_error_t *open_document(sgn_checks_t *checks)
{
    const sgn_format_document_t *document = &checks->input->document;
    sgn_error_t *error = sgn_pdf_scan(&checks->scan, document->map, document->size, checks->pool);

    if (error && error->code == SGN_DOCUMENT_HEADER) {
        checks->shift = find_header(document);
        sgn_report_find(checks->report, SGN_F_STRUCTURE, error->detail);
        error = sgn_pdf_scan(&checks->scan, document->map + checks->shift, document->size - checks->shift, checks->pool);
    }
    SGN_TRY(error);
    if (!checks->scan->encrypted)
        SGN_TRY(sgn_pdf_scan_vet(checks->scan, checks->pool));
    SGN_TRY(sgn_pdf_doc_open(&checks->doc, checks->scan, -1, checks->pool));
    return sgn_pdf_list(&checks->list, checks->doc, checks->pool);
}

sgn_error_t *sgn_checks_run(sgn_checks_answer_t **out, const sgn_checks_input_t *input, apr_pool_t *pool)
{
    sgn_checks_t *checks = apr_pcalloc(pool, sizeof *checks);
    sgn_checks_answer_t *answer = apr_pcalloc(pool, sizeof *answer);
    const sgn_format_t *format;
    sgn_error_t *error;

    checks->input = input;
    checks->pool = pool;
    checks->answer = answer;
    checks->report = answer->report = sgn_report_make(pool);
    answer->facts = apr_array_make(pool, 4, sizeof(sgn_checks_fact_t));
    answer->missing = sgn_revocation_missing_make(pool);
    answer->rows = apr_array_make(pool, 16, sizeof(sgn_checks_row_t));
    answer->report->now = input->now;
    answer->report->size = input->document.size;
    if (input->document.size == 0)
        return SGN_ERROR(pool, SGN_BODY_EMPTY, "document");
    format = sgn_format_detect(&input->document);
    if (!format) {
        answer->report->media_type = "application/octet-stream";
        answer->report->format = "unknown";
        answer->report->indication = SGN_INDICATION_UNSUPPORTED;
        *out = answer;
        return NULL;
    }
    answer->report->media_type = format->media_type;
    answer->report->format = format->name;
    error = open_document(checks);
    if (!error) {
        answer->report->version = checks->list->version;
        answer->report->pages = checks->list->pages;
        answer->report->revisions = checks->list->revisions;
        error = check_all(checks);
        if (error)
            return error;
    } else if (error->code == SGN_DOCUMENT_PASSWORD) {
        return error;
    } else {
        /* The structure leads nowhere: no conclusion, and never "no signature". */
        sgn_report_find(answer->report, SGN_F_STRUCTURE, error->detail);
    }
    sgn_report_close(answer->report);
    *out = answer;
    return NULL;
}
