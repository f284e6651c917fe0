/* Sections, revisions and where objects lie [ISO 32000-2, 7.5]. */
#include "look/format/pdf_xref.h"

#include <stdlib.h>
#include <string.h>

#include <apr_hash.h>

#include "look/format/pdf_flate.h"
#include "look/format/pdf_xref_repair.h"
#include "look/format/pdf_xref_section.h"

#define DAMAGED(...) SGN_ERROR(pool, SGN_DOCUMENT_DAMAGED, __VA_ARGS__)
#define HEAD 1024               /* where readers look for the header */
#define TAIL 1054               /* where qpdf looks for startxref */

static sgn_error_t *find_header(sgn_pdf_scan_t *scan, apr_pool_t *pool)
{
    size_t head = scan->size < HEAD ? (size_t)scan->size : HEAD, i;
    const unsigned char *at = memmem(scan->map, head, "%PDF-", 5);

    if (!at)
        return SGN_ERROR(pool, SGN_DOCUMENT_NOT_PDF, "no %%PDF- in the first %d bytes", HEAD);
    if (at != scan->map)
        return SGN_ERROR(pool, SGN_DOCUMENT_HEADER, "%%PDF- stands at byte %ld", (long)(at - scan->map));
    for (i = 0; i < sizeof scan->version - 1 && 5 + i < (size_t)scan->size; i++) {
        int byte = at[5 + i];

        if (byte != '.' && (byte < '0' || byte > '9'))
            break;
        scan->version[i] = (char)byte;
    }
    return NULL;
}

static sgn_error_t *find_startxref(apr_off_t *out, const sgn_pdf_scan_t *scan, apr_pool_t *pool)
{
    size_t size = (size_t)scan->size, low = size > TAIL ? size - TAIL : 0, at;
    sgn_pdf_lex_t lex;
    sgn_pdf_token_t number;

    for (at = size < 9 ? 0 : size - 9; at > low; at--)
        if (memcmp(scan->map + at, "startxref", 9) == 0)
            break;
    if (at <= low)
        return DAMAGED("no startxref at the end: the file is cut or has foreign bytes behind it");
    lex = sgn_pdf_lex_at(scan->map, at + 9, size);
    number = sgn_pdf_lex_next(&lex);
    if (number.type != SGN_PDF_TOKEN_INT || number.number <= 0 || number.number >= scan->size)
        return DAMAGED("startxref leads out of the file");
    *out = number.number;
    return NULL;
}

static int is_linearized(const sgn_pdf_scan_t *scan, apr_pool_t *pool)
{
    sgn_pdf_lex_t lex = sgn_pdf_lex_at(scan->map, 0, scan->size < HEAD ? (size_t)scan->size : HEAD);
    const sgn_pdf_obj_t *first;
    int num, gen;

    return sgn_pdf_lex_object(&lex, &num, &gen) && !sgn_pdf_obj_parse(&first, &lex, pool)
        && sgn_pdf_obj_get(first, "Linearized") != NULL;
}

/* Newest first while following /Prev; turned round at the end. */
static sgn_error_t *follow(sgn_pdf_scan_t *scan, apr_off_t offset, apr_pool_t *pool)
{
    int room = SGN_PDF_ENTRIES, cap = 4, count = 0, i;
    sgn_pdf_section_t *sections = apr_palloc(pool, cap * sizeof *sections);

    for (;;) {
        if (count == SGN_PDF_REVISIONS + 1)
            return SGN_ERROR(pool, SGN_DOCUMENT_LIMIT, "more than %d revisions", SGN_PDF_REVISIONS);
        if (count == cap) {
            sgn_pdf_section_t *more = apr_palloc(pool, 2 * cap * sizeof *more);

            memcpy(more, sections, cap * sizeof *more);
            sections = more;
            cap *= 2;
        }
        SGN_TRY(sgn_pdf_xref_section_read(&sections[count], scan, offset, &room, pool));
        if (count && sections[count].offset >= sections[count - 1].offset) {
            /* only the main section of a linearized file lies behind its
             * first-page section, and it is the oldest */
            if (!scan->linearized || sections[count].prev >= 0)
                return DAMAGED("/Prev does not lead backwards");
        }
        offset = sections[count++].prev;
        if (offset < 0)
            break;
    }
    scan->sections = apr_palloc(pool, count * sizeof *sections);
    scan->section_count = count;
    for (i = 0; i < count; i++)
        scan->sections[i] = sections[count - 1 - i];
    return NULL;
}

static void make_revisions(sgn_pdf_scan_t *scan, apr_pool_t *pool)
{
    int i = 0, n = 0;
    apr_off_t start = 0;

    scan->revisions = apr_pcalloc(pool, scan->section_count * sizeof *scan->revisions);
    while (i < scan->section_count) {
        sgn_pdf_revision_t *revision = &scan->revisions[n++];
        const sgn_pdf_section_t *last = &scan->sections[i];

        revision->first = i;
        revision->sections = 1;
        if (i == 0 && scan->section_count > 1 && scan->sections[1].offset < scan->sections[0].offset)
            revision->sections = 2;
        i += revision->sections;
        revision->start = start;
        revision->end = last->end;
        revision->eof = last->eof;
        start = revision->end;
    }
    scan->revision_count = n;
}

static int by_place(const void *a, const void *b)
{
    const sgn_pdf_index_t *x = a, *y = b;

    return x->num != y->num ? (x->num < y->num ? -1 : 1) : y->section - x->section;
}

/* Every look-up takes the same short time, however many revisions there are. */
static void make_index(sgn_pdf_scan_t *scan)
{
    int i, k, r, count = 0;

    for (i = 0; i < scan->section_count; i++)
        count += scan->sections[i].count;
    scan->index = apr_palloc(scan->pool, (size_t)(count + 1) * sizeof *scan->index);
    scan->index_count = 0;
    for (r = 0; r < scan->revision_count; r++)
        for (i = scan->revisions[r].first; i < scan->revisions[r].first + scan->revisions[r].sections; i++)
            for (k = 0; k < scan->sections[i].count; k++)
                scan->index[scan->index_count++] = (sgn_pdf_index_t){ scan->sections[i].entries[k].num, i, r, &scan->sections[i].entries[k] };
    qsort(scan->index, (size_t)scan->index_count, sizeof *scan->index, by_place);
}

static const sgn_pdf_entry_t *find(int *origin, const sgn_pdf_scan_t *scan, int revision, int num)
{
    int low = 0, high = scan->index_count;

    if (revision < 0 || revision >= scan->revision_count)
        revision = scan->revision_count - 1;
    /* the first row of that number which is not of a later revision */
    while (low < high) {
        int middle = low + (high - low) / 2;
        const sgn_pdf_index_t *row = &scan->index[middle];

        if (row->num < num || (row->num == num && row->revision > revision))
            low = middle + 1;
        else
            high = middle;
    }
    *origin = -1;
    if (low == scan->index_count || scan->index[low].num != num)
        return NULL;
    *origin = scan->index[low].revision;
    return scan->index[low].entry;
}

/* By the cross-reference sections, as the standard wants it. */
static sgn_error_t *read_structure(sgn_pdf_scan_t *scan, apr_pool_t *pool)
{
    apr_off_t newest = 0, at;
    int i;

    SGN_TRY(find_startxref(&newest, scan, pool));
    scan->linearized = is_linearized(scan, pool);
    SGN_TRY(follow(scan, newest, pool));
    make_revisions(scan, pool);
    scan->next_num = 1;
    for (i = 0; i < scan->section_count; i++) {
        const sgn_pdf_section_t *section = &scan->sections[i];
        int number = (int)sgn_pdf_obj_int(sgn_pdf_obj_get(section->trailer, "Size"), 0);

        if (section->count && section->entries[section->count - 1].num >= number)
            number = section->entries[section->count - 1].num + 1;
        if (number > scan->next_num)
            scan->next_num = number;
        if (section->kind == SGN_PDF_XREF_HYBRID)
            scan->hybrid = 1;
        if (sgn_pdf_obj_get(section->trailer, "Encrypt"))
            scan->encrypted = 1;
    }
    for (at = scan->revisions[scan->revision_count - 1].end; at < scan->size; at++)
        if (!sgn_pdf_lex_white(scan->map[at]))
            scan->trailing++;
    return NULL;
}

sgn_error_t *sgn_pdf_scan(sgn_pdf_scan_t **out, const unsigned char *map, apr_off_t size, apr_pool_t *pool)
{
    sgn_pdf_scan_t *scan = apr_pcalloc(pool, sizeof *scan);
    sgn_error_t *error;

    if (size <= 0)
        return SGN_ERROR(pool, SGN_BODY_EMPTY, "no bytes");
    scan->map = map;
    scan->size = size;
    scan->pool = pool;
    SGN_TRY(find_header(scan, pool));
    error = read_structure(scan, pool);
    if (error && error->code == SGN_DOCUMENT_DAMAGED)
        error = sgn_pdf_xref_repair(scan, error);
    if (error)
        return error;
    make_index(scan);
    *out = scan;
    return NULL;
}

/* ---- lookup ---------------------------------------------------------------- */

const sgn_pdf_entry_t *sgn_pdf_scan_find(const sgn_pdf_scan_t *scan, int revision, int num)
{
    int origin;

    return find(&origin, scan, revision, num);
}

int sgn_pdf_scan_origin(const sgn_pdf_scan_t *scan, int revision, int num)
{
    int origin;

    find(&origin, scan, revision, num);
    return origin;
}

int sgn_pdf_scan_ending(const sgn_pdf_scan_t *scan, apr_off_t end)
{
    int i;

    for (i = 0; i < scan->revision_count; i++)
        if (end >= scan->revisions[i].eof && end <= scan->revisions[i].end)
            return i;
    return -1;
}

sgn_error_t *sgn_pdf_scan_object(apr_off_t *body, apr_off_t *end, apr_off_t *stream,
                                 const sgn_pdf_scan_t *scan, const sgn_pdf_entry_t *entry, apr_pool_t *pool)
{
    sgn_pdf_lex_t lex;
    sgn_pdf_token_t token;
    int num, gen;

    *stream = 0;
    if (entry->type != 1 || entry->offset <= 0 || entry->offset >= scan->size)
        return DAMAGED("object %d does not lie in the file", entry->num);
    lex = sgn_pdf_lex_at(scan->map, (size_t)entry->offset, (size_t)scan->size);
    if (!sgn_pdf_lex_object(&lex, &num, &gen) || num != entry->num || gen != entry->gen)
        return DAMAGED("object %d does not stand at its offset", entry->num);
    token = sgn_pdf_lex_peek(&lex);
    *body = (apr_off_t)token.start;
    if (sgn_pdf_lex_is(&lex, token, "endobj")) {
        /* an empty object is null */
        *end = (apr_off_t)token.end;
        return NULL;
    }
    if (!sgn_pdf_lex_skip(&lex))
        return DAMAGED("object %d is malformed", entry->num);
    *end = (apr_off_t)lex.pos;
    token = sgn_pdf_lex_next(&lex);
    if (sgn_pdf_lex_is(&lex, token, "endobj")) {
        *end = (apr_off_t)token.end;
        return NULL;
    }
    if (!sgn_pdf_lex_is(&lex, token, "stream"))
        return DAMAGED("object %d has no end", entry->num);
    if (lex.pos < lex.end && lex.base[lex.pos] == '\r')
        lex.pos++;
    if (lex.pos >= lex.end || lex.base[lex.pos] != '\n')
        return DAMAGED("the stream of object %d does not begin with a line end", entry->num);
    *stream = (apr_off_t)lex.pos + 1;
    return NULL;
}

/* ---- object streams before qpdf reads them ---------------------------------- */

static int by_number(const void *a, const void *b)
{
    int x = *(const int *)a, y = *(const int *)b;

    return (x > y) - (x < y);
}

/* Numbers of all object streams, ascending. */
static int containers(int **out, const sgn_pdf_scan_t *scan, apr_pool_t *pool)
{
    int i, k, count = 0, last = -1, unique = 0;
    int *all;

    for (i = 0; i < scan->section_count; i++)
        for (k = 0, last = -1; k < scan->sections[i].count; k++)
            if (scan->sections[i].entries[k].type == 2 && scan->sections[i].entries[k].container != last) {
                last = scan->sections[i].entries[k].container;
                count++;
            }
    all = *out = apr_palloc(pool, (count + 1) * sizeof *all);
    count = 0;
    for (i = 0; i < scan->section_count; i++)
        for (k = 0, last = -1; k < scan->sections[i].count; k++)
            if (scan->sections[i].entries[k].type == 2 && scan->sections[i].entries[k].container != last)
                all[count++] = last = scan->sections[i].entries[k].container;
    qsort(all, count, sizeof *all, by_number);
    for (i = 0; i < count; i++)
        if (i == 0 || all[i] != all[i - 1])
            all[unique++] = all[i];
    return unique;
}

static sgn_error_t *inflate_one(size_t *left, sgn_pdf_scan_t *scan, const sgn_pdf_entry_t *entry, apr_pool_t *pool)
{
    apr_off_t body, end, data;
    const sgn_pdf_obj_t *dict;
    sgn_pdf_lex_t lex;
    sgn_bytes_t raw;
    int deflated, seen;
    size_t size;

    SGN_TRY(sgn_pdf_scan_object(&body, &end, &data, scan, entry, pool));
    lex = sgn_pdf_lex_at(scan->map, (size_t)body, (size_t)end);
    SGN_TRY(sgn_pdf_obj_parse(&dict, &lex, pool));
    if (!data)
        return DAMAGED("object stream %d is no stream", entry->num);
    SGN_TRY(sgn_pdf_xref_section_stream(&raw, &deflated, dict, scan, data, pool));
    if (!deflated)
        return NULL;
    SGN_TRY(sgn_pdf_flate_measure(&size, &seen, raw, "/ByteRange", *left, pool));
    *left -= size;
    scan->hidden_signatures += seen;
    return NULL;
}

/* Every version of a container, once: an older revision may be opened, and a
 * newer section may turn an old entry to a new container. */
static sgn_error_t *inflate_all(sgn_pdf_scan_t *scan, apr_pool_t *pool)
{
    size_t left = SGN_PDF_INFLATED;
    apr_hash_t *done = apr_hash_make(pool);
    int *numbers, count = containers(&numbers, scan, pool), i;

    for (i = 0; count && i < scan->index_count; i++) {
        const sgn_pdf_entry_t *entry = scan->index[i].entry;

        if (entry->type != 1 || !bsearch(&entry->num, numbers, (size_t)count, sizeof *numbers, by_number)
            || apr_hash_get(done, &entry->offset, sizeof entry->offset))
            continue;
        SGN_TRY(inflate_one(&left, scan, entry, pool));
        apr_hash_set(done, &entry->offset, sizeof entry->offset, entry);
    }
    return NULL;
}

sgn_error_t *sgn_pdf_scan_vet(sgn_pdf_scan_t *scan, apr_pool_t *pool)
{
    sgn_error_t *error;

    if (scan->encrypted || scan->damage)
        return NULL;
    error = inflate_all(scan, pool);
    if (error && error->code == SGN_DOCUMENT_DAMAGED) {
        error = sgn_pdf_xref_repair(scan, error);
        if (!error)
            make_index(scan);
    }
    return error;
}
