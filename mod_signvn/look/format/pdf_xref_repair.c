/* Objects and revisions of a damaged file, from front to back. */
#include "look/format/pdf_xref_repair.h"

#include <stdlib.h>
#include <string.h>

static const sgn_pdf_obj_t no_trailer = { .type = SGN_PDF_DICT };

/* The number that ends at *end (white space before it is left out); -1. */
static long number_before(const unsigned char *map, apr_off_t *end)
{
    apr_off_t at = *end;
    long value = 0, scale = 1;

    while (at > 0 && sgn_pdf_lex_white(map[at - 1]))
        at--;
    if (at == *end)
        return -1;
    for (*end = at; at > 0 && map[at - 1] >= '0' && map[at - 1] <= '9' && *end - at < 8; at--) {
        value += (map[at - 1] - '0') * scale;
        scale *= 10;
    }
    if (at == *end)
        return -1;
    *end = at;
    return value;
}

/* "obj" stands at `at`: is it the head of an object? */
static int is_head(sgn_pdf_entry_t *entry, const unsigned char *map, apr_off_t at)
{
    long gen = number_before(map, &at), num = gen < 0 ? -1 : number_before(map, &at);

    if (num <= 0 || num > SGN_PDF_SIZE || gen > 65535 || (at > 0 && map[at - 1] >= '0' && map[at - 1] <= '9'))
        return 0;
    memset(entry, 0, sizeof *entry);
    entry->num = (int)num;
    entry->gen = (int)gen;
    entry->type = 1;
    entry->offset = at;
    return 1;
}

sgn_error_t *sgn_pdf_xref_repair_heads(sgn_pdf_entry_t **out, int *count, const sgn_pdf_scan_t *scan, apr_pool_t *pool)
{
    const unsigned char *at = scan->map, *end = scan->map + scan->size;
    sgn_pdf_entry_t entry, *heads = NULL;
    int cap = 0;

    *count = 0;
    for (; (at = memmem(at, (size_t)(end - at), "obj", 3)) != NULL; at += 3) {
        if (!is_head(&entry, scan->map, at - scan->map))
            continue;
        if (*count == SGN_PDF_ENTRIES)
            return SGN_ERROR(pool, SGN_DOCUMENT_LIMIT, "more than %d objects in a damaged file", SGN_PDF_ENTRIES);
        if (*count == cap) {
            sgn_pdf_entry_t *more = apr_palloc(pool, (size_t)(cap = cap ? cap * 2 : 256) * sizeof *more);

            if (*count)
                memcpy(more, heads, (size_t)*count * sizeof *more);
            heads = more;
        }
        heads[(*count)++] = entry;
    }
    *out = heads;
    return NULL;
}

/* Of one number the later; qsort does not keep the order, the offset does. */
static int by_number(const void *a, const void *b)
{
    const sgn_pdf_entry_t *x = a, *y = b;

    if (x->num != y->num)
        return x->num < y->num ? -1 : 1;
    return x->offset < y->offset ? 1 : -1;
}

static void fill_section(sgn_pdf_section_t *section, sgn_pdf_entry_t *entries, int count)
{
    int i, unique = 0;

    if (count)
        qsort(entries, (size_t)count, sizeof *entries, by_number);
    for (i = 0; i < count; i++)
        if (!unique || entries[unique - 1].num != entries[i].num)
            entries[unique++] = entries[i];
    section->kind = SGN_PDF_XREF_TABLE;
    section->startxref = section->prev = section->xref_stm = -1;
    section->trailer = &no_trailer;
    section->entries = entries;
    section->count = unique;
}

/* Behind the %%EOF at or behind `from`, without its line end; the end of the
 * file when there is none. */
static apr_off_t end_of_part(const sgn_pdf_scan_t *scan, apr_off_t from)
{
    const unsigned char *at = memmem(scan->map + from, (size_t)(scan->size - from), "%%EOF", 5);

    return at ? at + 5 - scan->map : scan->size;
}

static apr_off_t behind_line_end(const sgn_pdf_scan_t *scan, apr_off_t at)
{
    while (at < scan->size && (scan->map[at] == ' ' || scan->map[at] == '\t'))
        at++;
    if (at < scan->size && scan->map[at] == '\r')
        at++;
    if (at < scan->size && scan->map[at] == '\n')
        at++;
    return at;
}

static int only_white(const sgn_pdf_scan_t *scan, apr_off_t at)
{
    while (at < scan->size && sgn_pdf_lex_white(scan->map[at]))
        at++;
    return at == scan->size;
}

sgn_error_t *sgn_pdf_xref_repair(sgn_pdf_scan_t *scan, sgn_error_t *why)
{
    sgn_pdf_entry_t *heads;
    apr_off_t start = 0;
    int count, next = 0, i;

    if (!memmem(scan->map, (size_t)scan->size, "/ByteRange", 10))
        return why;
    SGN_TRY(sgn_pdf_xref_repair_heads(&heads, &count, scan, scan->pool));
    scan->sections = apr_pcalloc(scan->pool, SGN_PDF_REVISIONS * sizeof *scan->sections);
    scan->revisions = apr_pcalloc(scan->pool, SGN_PDF_REVISIONS * sizeof *scan->revisions);
    scan->section_count = scan->revision_count = 0;
    for (i = 0; i < SGN_PDF_REVISIONS && (i == 0 || !only_white(scan, start)); i++) {
        sgn_pdf_section_t *section = &scan->sections[i];
        int first = next;

        /* too many parts: the last holds all that follow */
        section->eof = i + 1 < SGN_PDF_REVISIONS ? end_of_part(scan, start) : scan->size;
        section->end = behind_line_end(scan, section->eof);
        section->offset = section->eof;
        while (next < count && heads[next].offset < section->end)
            next++;
        fill_section(section, heads + first, next - first);
        scan->revisions[i] = (sgn_pdf_revision_t){ .first = i, .sections = 1, .start = start, .end = section->end, .eof = section->eof };
        start = section->end;
        scan->section_count = scan->revision_count = i + 1;
    }
    scan->linearized = scan->hybrid = 0;
    scan->trailing = 0;
    scan->next_num = SGN_PDF_SIZE;
    scan->damage = why->detail;
    return NULL;
}
