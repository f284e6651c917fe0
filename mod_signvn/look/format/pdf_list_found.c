/* Signatures of damaged files by their bytes. */
#include "look/format/pdf_list_found.h"

#include <string.h>

#include <apr_strings.h>

#include "look/format/pdf_xref_repair.h"

#define FOUND 200                   /* places of "/ByteRange" that are looked at */

typedef struct {
    sgn_pdf_doc_t *doc;
    const sgn_pdf_scan_t *scan;
    sgn_pdf_entry_t *heads;         /* ascending offset */
    int count;
} bytes_t;

/* Index of the object that holds the place; -1. */
static int head_before(const bytes_t *bytes, apr_off_t at)
{
    int low = 0, high = bytes->count;

    while (low < high) {
        int middle = low + (high - low) / 2;

        if (bytes->heads[middle].offset <= at)
            low = middle + 1;
        else
            high = middle;
    }
    return low - 1;
}

/* Before the value of object `head`; it ends where the next one begins, so that
 * no byte is read twice. */
static sgn_pdf_lex_t lex_of(const bytes_t *bytes, int head)
{
    apr_off_t end = head + 1 < bytes->count ? bytes->heads[head + 1].offset : bytes->scan->size;
    sgn_pdf_lex_t lex = sgn_pdf_lex_at(bytes->scan->map, (size_t)bytes->heads[head].offset, (size_t)end);
    int num, gen;

    sgn_pdf_lex_object(&lex, &num, &gen);
    return lex;
}

static const char *qualified_name(const bytes_t *bytes, const sgn_pdf_obj_t *field, apr_pool_t *pool)
{
    const char *name = NULL, *part;
    int depth;

    for (depth = 0; field->type == SGN_PDF_DICT && depth < SGN_PDF_FIELD_DEPTH; depth++) {
        part = sgn_pdf_obj_text(sgn_pdf_doc_find(bytes->doc, field, "T"), pool);
        if (part && strlen(part) + (name ? strlen(name) : 0) > SGN_PDF_FIELD_NAME)
            return NULL;
        if (part)
            name = name ? apr_pstrcat(pool, part, ".", name, NULL) : part;
        field = sgn_pdf_doc_find(bytes->doc, field, "Parent");
    }
    return name;
}

/* Names for those that have none yet, by the fields whose value they are; one
 * pass over all objects, the later counts. */
static void name_all(sgn_format_signature_t *list, int count, const bytes_t *bytes, apr_pool_t *pool)
{
    int i, k;

    for (i = bytes->count - 1; i >= 0; i--) {
        sgn_pdf_lex_t lex = lex_of(bytes, i);
        const sgn_pdf_obj_t *dict, *value;

        if (sgn_pdf_lex_peek(&lex).type != SGN_PDF_TOKEN_DICT_OPEN || sgn_pdf_obj_parse(&dict, &lex, pool))
            continue;
        value = sgn_pdf_obj_get(dict, "V");
        for (k = 0; value && value->type == SGN_PDF_REF && k < count; k++)
            if (!list[k].name && list[k].value_num == value->number)
                list[k].name = qualified_name(bytes, dict, pool);
    }
    for (k = 0; k < count; k++)
        if (!list[k].name)
            list[k].name = apr_psprintf(pool, "%d %d R", list[k].value_num, list[k].value_gen);
}

static int revision_of(const sgn_pdf_scan_t *scan, apr_off_t at)
{
    int i;

    for (i = 0; i < scan->revision_count; i++)
        if (at >= scan->revisions[i].start && at < scan->revisions[i].end)
            return i;
    return -1;
}

static int is_listed(const sgn_format_signature_t *list, int count, const sgn_format_signature_t *one)
{
    int i;

    for (i = 0; i < count; i++)
        if (list[i].contents_start == one->contents_start)
            return 1;
    return 0;
}

/* The signature that object `head` is; 0 when it is none, or was cut. */
static int read_found(sgn_format_signature_t *out, const bytes_t *bytes, int head, apr_pool_t *pool)
{
    const sgn_pdf_scan_t *scan = bytes->scan;
    sgn_pdf_lex_t lex = lex_of(bytes, head);
    const sgn_pdf_obj_t *value;

    memset(out, 0, sizeof *out);
    if (sgn_pdf_lex_peek(&lex).type != SGN_PDF_TOKEN_DICT_OPEN)
        return 0;
    sgn_pdf_list_raw(out, scan, lex, pool);
    if (!out->range_ok || !out->contents_start || out->range[2] > scan->size || out->range[3] > scan->size - out->range[2]
        || sgn_pdf_obj_parse(&value, &lex, pool))
        return 0;
    out->value_num = bytes->heads[head].num;
    out->value_gen = bytes->heads[head].gen;
    out->type1 = 1;
    out->revision = revision_of(scan, bytes->heads[head].offset);
    sgn_pdf_list_values(out, bytes->doc, value, pool);
    return 1;
}

sgn_error_t *sgn_pdf_list_found_add(sgn_format_list_t *list, sgn_pdf_doc_t *doc, apr_pool_t *pool)
{
    bytes_t bytes = { doc, sgn_pdf_doc_scan(doc), NULL, 0 };
    const unsigned char *at = bytes.scan->map, *end = at + bytes.scan->size;
    sgn_format_signature_t *all = apr_pcalloc(pool, (size_t)(list->count + FOUND) * sizeof *all);
    int i, left = 0, tried = 0, last = -1;

    if (list->count)
        memcpy(all, list->signatures, (size_t)list->count * sizeof *all);
    list->signatures = all;
    for (; tried < FOUND && (at = memmem(at, (size_t)(end - at), "/ByteRange", 10)) != NULL; at += 10, tried++) {
        sgn_format_signature_t *one = &all[list->count];
        int head;

        if (!tried)
            SGN_TRY(sgn_pdf_xref_repair_heads(&bytes.heads, &bytes.count, bytes.scan, pool));
        head = head_before(&bytes, at - bytes.scan->map);
        if (head < 0 || head == last || !read_found(one, &bytes, head, pool) || is_listed(all, list->count, one))
            continue;
        last = head;
        list->count++;
    }
    if (last >= 0)
        name_all(all, list->count, &bytes, pool);
    for (i = 0; i < list->orphan_count; i++)
        if (!is_listed(all, list->count, &list->orphans[i]))
            list->orphans[left++] = list->orphans[i];
    list->orphan_count = left;
    return NULL;
}
