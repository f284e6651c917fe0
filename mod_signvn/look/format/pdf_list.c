/* Signatures of a PDF as facts [ISO 32000-2, 12.8]. */
#include "look/format/pdf_list_found.h"

#include <string.h>

#include <apr_hash.h>
#include <apr_strings.h>

/* Each may make us read the whole file once more, and no two of them can cover
 * the same revision. */
#define SIGNATURES 256
#define TAILS (1 << 30)             /* bytes behind their gaps, all together */

/* ---- dates [ISO 32000-2, 7.9.4] --------------------------------------------- */

static int pick(const char **at, int count, int absent, int *ok)
{
    int value = 0, i;

    if (**at < '0' || **at > '9')
        return absent;
    for (i = 0; i < count; i++) {
        if ((*at)[i] < '0' || (*at)[i] > '9') {
            *ok = 0;
            return absent;
        }
        value = value * 10 + ((*at)[i] - '0');
    }
    *at += count;
    return value;
}

typedef struct { int year, month, day, hour, minute, second, offset; } parts_t;

static int split(parts_t *out, const char *text)
{
    int ok = 1, sign, hours, minutes = 0;

    memset(out, 0, sizeof *out);
    if (strncmp(text, "D:", 2) == 0)
        text += 2;
    out->year = pick(&text, 4, -1, &ok);
    out->month = pick(&text, 2, 1, &ok);
    out->day = pick(&text, 2, 1, &ok);
    out->hour = pick(&text, 2, 0, &ok);
    out->minute = pick(&text, 2, 0, &ok);
    out->second = pick(&text, 2, 0, &ok);
    if (!ok || out->year < 1 || out->month < 1 || out->month > 12 || out->day < 1 || out->day > 31
        || out->hour > 23 || out->minute > 59 || out->second > 59)
        return 0;
    if (*text == '+' || *text == '-') {
        sign = *text++ == '-' ? -1 : 1;
        hours = pick(&text, 2, 99, &ok);
        if (*text == '\'')
            text++;
        minutes = pick(&text, 2, 0, &ok);
        if (!ok || hours > 14 || minutes > 59)
            return 0;
        out->offset = sign * (hours * 60 + minutes);
    }
    return 1;
}

int sgn_pdf_list_time(apr_time_t *out, const char *pdf_date)
{
    apr_time_exp_t when;
    parts_t parts;

    if (!pdf_date || !split(&parts, pdf_date))
        return 0;
    memset(&when, 0, sizeof when);
    when.tm_year = parts.year - 1900;
    when.tm_mon = parts.month - 1;
    when.tm_mday = parts.day;
    when.tm_hour = parts.hour;
    when.tm_min = parts.minute;
    when.tm_sec = parts.second;
    when.tm_gmtoff = parts.offset * 60;
    return apr_time_exp_gmt_get(out, &when) == APR_SUCCESS;
}

const char *sgn_pdf_list_date(apr_time_t time, apr_pool_t *pool)
{
    apr_time_exp_t when;

    apr_time_exp_tz(&when, time, 7 * 3600);
    return apr_psprintf(pool, "D:%04d%02d%02d%02d%02d%02d+07'00'", when.tm_year + 1900, when.tm_mon + 1,
                        when.tm_mday, when.tm_hour, when.tm_min, when.tm_sec);
}

static const char *rfc3339(const char *pdf_date, apr_pool_t *pool)
{
    parts_t p;
    int offset;

    if (!pdf_date || !split(&p, pdf_date))
        return NULL;
    offset = p.offset < 0 ? -p.offset : p.offset;
    return apr_psprintf(pool, "%04d-%02d-%02dT%02d:%02d:%02d%c%02d:%02d", p.year, p.month, p.day, p.hour,
                        p.minute, p.second, p.offset < 0 ? '-' : '+', offset / 60, offset % 60);
}

/* ---- the dictionary by our own eyes ----------------------------------------- */

/* Four direct integers, nothing else. */
static int read_range(apr_int64_t range[4], const sgn_pdf_scan_t *scan, size_t start, size_t end)
{
    sgn_pdf_lex_t lex = sgn_pdf_lex_at(scan->map, start, end);
    int i;

    if (sgn_pdf_lex_next(&lex).type != SGN_PDF_TOKEN_ARRAY_OPEN)
        return 0;
    for (i = 0; i < 4; i++) {
        sgn_pdf_token_t token = sgn_pdf_lex_next(&lex);

        if (token.type != SGN_PDF_TOKEN_INT || token.number < 0)
            return 0;
        range[i] = token.number;
    }
    return sgn_pdf_lex_next(&lex).type == SGN_PDF_TOKEN_ARRAY_CLOSE && lex.pos == end;
}

void sgn_pdf_list_raw(sgn_format_signature_t *signature, const sgn_pdf_scan_t *scan, sgn_pdf_lex_t lex,
                     apr_pool_t *pool)
{
    size_t start, end;
    sgn_pdf_token_t token;
    sgn_pdf_lex_t at;

    signature->doubles = sgn_pdf_lex_dict_doubles(lex) != 0;
    if (sgn_pdf_lex_dict_find(lex, "ByteRange", &start, &end) == 1)
        signature->range_ok = read_range(signature->range, scan, start, end);
    if (sgn_pdf_lex_dict_find(lex, "Contents", &start, &end) != 1)
        return;
    at = sgn_pdf_lex_at(scan->map, start, end);
    token = sgn_pdf_lex_peek(&at);
    if (token.type == SGN_PDF_TOKEN_HEX) {
        const sgn_pdf_obj_t *value;

        signature->contents_start = (apr_off_t)token.start;
        signature->contents_end = (apr_off_t)token.end;
        if (!sgn_pdf_obj_parse(&value, &at, pool))
            signature->contents = value->text;
    }
}

static void locate(sgn_format_signature_t *signature, const sgn_pdf_scan_t *scan, int revision,
                   int num, int direct_in_field, apr_pool_t *pool)
{
    const sgn_pdf_entry_t *entry = sgn_pdf_scan_find(scan, revision, num);
    apr_off_t body, end, stream;
    sgn_pdf_lex_t lex;
    size_t start, stop;

    signature->revision = sgn_pdf_scan_origin(scan, revision, num);
    if (!entry || entry->type != 1 || sgn_pdf_scan_object(&body, &end, &stream, scan, entry, pool))
        return;
    lex = sgn_pdf_lex_at(scan->map, (size_t)body, (size_t)end);
    if (direct_in_field) {
        if (sgn_pdf_lex_dict_find(lex, "V", &start, &stop) != 1)
            return;
        lex = sgn_pdf_lex_at(scan->map, start, stop);
    }
    signature->type1 = 1;
    sgn_pdf_list_raw(signature, scan, lex, pool);
}

void sgn_pdf_list_values(sgn_format_signature_t *signature, sgn_pdf_doc_t *doc, const sgn_pdf_obj_t *value,
                        apr_pool_t *pool)
{
    const sgn_pdf_obj_t *references = sgn_pdf_doc_find(doc, value, "Reference");
    int i;

    signature->filter = sgn_pdf_obj_name(sgn_pdf_doc_find(doc, value, "Filter"));
    signature->subfilter = sgn_pdf_obj_name(sgn_pdf_doc_find(doc, value, "SubFilter"));
    signature->claimed_name = sgn_pdf_obj_text(sgn_pdf_doc_find(doc, value, "Name"), pool);
    signature->claimed_time = rfc3339(sgn_pdf_obj_text(sgn_pdf_doc_find(doc, value, "M"), pool), pool);
    signature->is_timestamp = sgn_pdf_obj_is_name(sgn_pdf_doc_find(doc, value, "Type"), "DocTimeStamp")
        || (signature->subfilter && strcmp(signature->subfilter, "ETSI.RFC3161") == 0);
    for (i = 0; references->type == SGN_PDF_ARRAY && i < references->count; i++) {
        const sgn_pdf_obj_t *one = sgn_pdf_doc_at(doc, references, i);
        apr_int64_t p;

        if (!sgn_pdf_obj_is_name(sgn_pdf_doc_find(doc, one, "TransformMethod"), "DocMDP"))
            continue;
        p = sgn_pdf_obj_int(sgn_pdf_doc_find(doc, sgn_pdf_doc_find(doc, one, "TransformParams"), "P"), 2);
        signature->certify = p >= 1 && p <= 3 ? (int)p : 1;
    }
}

/* Has the object at that offset the face of a signature dictionary? */
static int looks_like_signature(sgn_pdf_doc_t *doc, const sgn_pdf_scan_t *scan, const sgn_pdf_entry_t *entry)
{
    sgn_pdf_lex_t lex = sgn_pdf_lex_at(scan->map, (size_t)entry->offset, (size_t)scan->size), behind;
    size_t start, end;
    int num, gen, is_type, whole;

    if (!sgn_pdf_lex_object(&lex, &num, &gen) || sgn_pdf_lex_peek(&lex).type != SGN_PDF_TOKEN_DICT_OPEN)
        return 0;
    behind = lex;
    whole = sgn_pdf_lex_skip(&behind);
    if (!sgn_pdf_doc_spend(doc, behind.pos - lex.pos) || !whole)
        return 0;
    if (sgn_pdf_lex_dict_find(lex, "ByteRange", &start, &end) > 0)
        return 1;
    if (sgn_pdf_lex_dict_find(lex, "Type", &start, &end) <= 0)
        return 0;
    is_type = (end - start == 4 && memcmp(scan->map + start, "/Sig", 4) == 0)
        || (end - start == 13 && memcmp(scan->map + start, "/DocTimeStamp", 13) == 0);
    return is_type;
}

static sgn_error_t *find_orphans(sgn_format_list_t *list, sgn_pdf_doc_t *doc, apr_hash_t *reached, apr_pool_t *pool)
{
    const sgn_pdf_scan_t *scan = sgn_pdf_doc_scan(doc);
    int revision = sgn_pdf_doc_revision(doc), i, k, cap = 0;

    for (i = 0; i < scan->section_count; i++)
        for (k = 0; k < scan->sections[i].count; k++) {
            const sgn_pdf_entry_t *entry = &scan->sections[i].entries[k];
            sgn_format_signature_t *orphan;

            if (entry->type != 1 || entry->offset >= scan->size
                || apr_hash_get(reached, &entry->num, sizeof entry->num)
                || sgn_pdf_scan_find(scan, revision, entry->num) != entry
                || !sgn_pdf_doc_spend(doc, 0) || !looks_like_signature(doc, scan, entry))
                continue;
            if (list->orphan_count == cap) {
                sgn_format_signature_t *more;

                cap = cap ? cap * 2 : 4;
                more = apr_pcalloc(pool, cap * sizeof *more);
                if (list->orphan_count)
                    memcpy(more, list->orphans, list->orphan_count * sizeof *more);
                list->orphans = more;
            }
            orphan = &list->orphans[list->orphan_count++];
            orphan->name = "";
            orphan->value_num = entry->num;
            orphan->value_gen = entry->gen;
            locate(orphan, scan, revision, entry->num, 0, pool);
            sgn_pdf_list_values(orphan, doc, sgn_pdf_doc_object(doc, entry->num, entry->gen), pool);
            if (list->orphan_count >= 100)
                return NULL;
        }
    return NULL;
}

/* Is the way to an orphan what was damaged or taken away?  So it is where no
 * form could lead to any signature, and where the newest revision brings one
 * that nothing leads to; a signature that was cleared is older. */
static int is_way_lost(const sgn_format_list_t *list, sgn_pdf_doc_t *doc)
{
    const sgn_pdf_obj_t *form = sgn_pdf_doc_find(doc, sgn_pdf_doc_catalog(doc), "AcroForm");
    int i;

    if (list->orphan_count && sgn_pdf_doc_find(doc, form, "Fields")->type != SGN_PDF_ARRAY)
        return 1;
    for (i = 0; i < list->orphan_count; i++)
        if (list->orphans[i].range_ok && list->orphans[i].revision == sgn_pdf_doc_scan(doc)->revision_count - 1)
            return 1;
    return 0;
}

sgn_error_t *sgn_pdf_list(sgn_format_list_t **out, sgn_pdf_doc_t *newest, apr_pool_t *pool)
{
    const sgn_pdf_scan_t *scan = sgn_pdf_doc_scan(newest);
    sgn_format_list_t *list = apr_pcalloc(pool, sizeof *list);
    apr_hash_t *reached = apr_hash_make(pool);
    const sgn_pdf_obj_t *version = sgn_pdf_doc_find(newest, sgn_pdf_doc_catalog(newest), "Version");
    const sgn_pdf_field_t *fields;
    const sgn_pdf_page_t *pages;
    apr_int64_t tails = 0;
    int count;
    sgn_error_t *error = sgn_pdf_doc_fields(&fields, &count, newest);
    int i;

    if (error && error->code == SGN_DOCUMENT_DAMAGED) {
        sgn_pdf_doc_blame(newest, error->detail);
        count = 0;
    } else if (error) {
        return error;
    }
    list->signatures = apr_pcalloc(pool, (count + 1) * sizeof *list->signatures);
    for (i = 0; i < count; i++) {
        sgn_format_signature_t *signature;

        if (!fields[i].type || strcmp(fields[i].type, "Sig") != 0 || !fields[i].value)
            continue;
        if (list->count == SIGNATURES)
            return SGN_ERROR(pool, SGN_DOCUMENT_LIMIT, "more than %d signatures", SIGNATURES);
        signature = &list->signatures[list->count++];
        signature->name = fields[i].name;
        signature->field_num = fields[i].num;
        signature->value_num = fields[i].value_num;
        signature->value_gen = fields[i].value_gen;
        signature->page = fields[i].page;
        memcpy(signature->rect, fields[i].rect, sizeof signature->rect);
        sgn_pdf_list_values(signature, newest, fields[i].value, pool);
        locate(signature, scan, sgn_pdf_doc_revision(newest),
               fields[i].value_num ? fields[i].value_num : fields[i].num, !fields[i].value_num, pool);
        if (signature->range_ok && signature->range[3] > 0 && (tails += signature->range[3]) > TAILS)
            return SGN_ERROR(pool, SGN_DOCUMENT_LIMIT, "signatures over more than %d MB behind themselves", TAILS >> 20);
        if (fields[i].value_num)
            apr_hash_set(reached, &signature->value_num, sizeof signature->value_num, signature);
    }
    SGN_TRY(find_orphans(list, newest, reached, pool));
    if (sgn_pdf_doc_pages(&pages, &list->pages, newest))
        list->pages = 0;
    if (is_way_lost(list, newest))
        sgn_pdf_doc_blame(newest, "there is a signature that no field leads to");
    if (sgn_pdf_doc_check(newest, pool))
        SGN_TRY(sgn_pdf_list_found_add(list, newest, pool));
    list->revisions = scan->revision_count;
    list->version = scan->version;
    /* [ISO 32000-2, 7.7.2] the catalog may raise it, never lower */
    if (sgn_pdf_obj_name(version) && strcmp(sgn_pdf_obj_name(version), scan->version) > 0)
        list->version = sgn_pdf_obj_name(version);
    *out = list;
    return NULL;
}
