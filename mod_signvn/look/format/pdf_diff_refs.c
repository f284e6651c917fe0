/*
 * pdf_diff_refs.c: who refers to an object, by its bytes.
 *
 * Needed for two attacks.  A signed revision may refer to an object that does
 * not exist yet, and a later one brings it (a page's second content stream);
 * and an object that a rule lets change (metadata, evidence list) may serve as
 * something else as well (page content).  Walking all objects of a revision
 * costs hundreds of milliseconds for a large file; looking for the letter R
 * costs a memchr, and what it finds too much (in stream data) does no harm.
 */
#include <stdlib.h>

#include "look/format/pdf_diff_step.h"

#define OBJSTM_LIMIT (32 << 20)
#define FOUND_LIMIT 200000

typedef struct {
    apr_off_t at;
    int num;                        /* 0: trailer, xref stream */
} extent_t;

struct sgn_pdf_diff_refs_t {
    unsigned char *wanted;          /* one bit per number */
    int limit;
    apr_array_header_t *wants;      /* int */
    apr_array_header_t *found;      /* sgn_pdf_diff_ref_t, sorted by target after collect */
    extent_t *extents;
    int extent_count;
    int full;
    apr_pool_t *pool;
};

sgn_pdf_diff_refs_t *sgn_pdf_diff_refs_make(apr_pool_t *pool)
{
    sgn_pdf_diff_refs_t *refs = apr_pcalloc(pool, sizeof *refs);

    refs->pool = pool;
    refs->wants = apr_array_make(pool, 64, sizeof(int));
    refs->found = apr_array_make(pool, 64, sizeof(sgn_pdf_diff_ref_t));
    return refs;
}

void sgn_pdf_diff_refs_want(sgn_pdf_diff_refs_t *refs, int num)
{
    APR_ARRAY_PUSH(refs->wants, int) = num;
    if (num >= refs->limit)
        refs->limit = num + 1;
}

/* Position behind the last byte before pos that is neither white space nor part
 * of a comment; comments end at line ends and may stand between the tokens. */
static size_t back(const unsigned char *base, size_t pos)
{
    for (;;) {
        size_t line, percent;
        int newline = 0;

        while (pos > 0 && sgn_pdf_lex_white(base[pos - 1])) {
            if (base[pos - 1] == '\n' || base[pos - 1] == '\r')
                newline = 1;
            pos--;
        }
        if (!newline || pos == 0)
            return pos;
        line = pos;
        while (line > 0 && pos - line < 1024 && base[line - 1] != '\n' && base[line - 1] != '\r')
            line--;
        for (percent = line; percent < pos && base[percent] != '%'; percent++)
            ;
        if (percent == pos)
            return pos;
        pos = percent;
    }
}

/* The integer that ends at *pos; -1 when there is none. */
static apr_int64_t back_int(const unsigned char *base, size_t *pos)
{
    size_t start = *pos, i;
    apr_int64_t value = 0;

    while (start > 0 && *pos - start < 12 && base[start - 1] >= '0' && base[start - 1] <= '9')
        start--;
    if (start == *pos)
        return -1;
    if (start > 0 && base[start - 1] == '+')
        start--;
    for (i = start + (base[start] == '+'); i < *pos; i++)
        value = value * 10 + (base[i] - '0');
    *pos = start;
    return value;
}

static int wanted(const sgn_pdf_diff_refs_t *refs, apr_int64_t num)
{
    return num > 0 && num < refs->limit && (refs->wanted[num >> 3] >> (num & 7)) & 1;
}

static const extent_t *extent_of(const sgn_pdf_diff_refs_t *refs, apr_off_t pos)
{
    int low = 0, high = refs->extent_count;

    while (low < high) {
        int middle = low + (high - low) / 2;

        if (refs->extents[middle].at <= pos)
            low = middle + 1;
        else
            high = middle;
    }
    return low ? &refs->extents[low - 1] : NULL;
}

/* All "num gen R" of [base, base+len).  The referrer is found by the caller's
 * function from the position. */
typedef void (*place_fn)(sgn_pdf_diff_ref_t *ref, size_t pos, void *context);

static void look(sgn_pdf_diff_refs_t *refs, const unsigned char *base, size_t len,
                 place_fn place, void *context)
{
    const unsigned char *p = base, *end = base + len;

    while (p < end && (p = memchr(p, 'R', (size_t)(end - p)))) {
        size_t pos = (size_t)(p - base), at;
        apr_int64_t num, gen;

        p++;
        if (p < end && !sgn_pdf_lex_white(*p) && !sgn_pdf_lex_delimiter(*p))
            continue;
        if (pos == 0 || !sgn_pdf_lex_white(base[pos - 1]))
            continue;
        at = back(base, pos);
        gen = back_int(base, &at);
        if (gen < 0 || at == 0)
            continue;
        at = back(base, at);
        num = back_int(base, &at);
        if (wanted(refs, num)) {
            if (refs->found->nelts >= FOUND_LIMIT) {
                refs->full = 1;
                return;
            }
            sgn_pdf_diff_ref_t *ref = &APR_ARRAY_PUSH(refs->found, sgn_pdf_diff_ref_t);

            memset(ref, 0, sizeof *ref);
            ref->target = (int)num;
            ref->gen = (int)gen;
            place(ref, pos, context);
        }
    }
}

static void place_in_file(sgn_pdf_diff_ref_t *ref, size_t pos, void *context)
{
    const extent_t *extent = extent_of(context, (apr_off_t)pos);

    ref->referrer = extent ? extent->num : 0;
    ref->at = extent ? extent->at : 0;
}

typedef struct {
    int *nums;
    apr_int64_t *least;             /* of the offsets from here on: the last object that begins before a
                                     * place is the one, whatever their order */
    int count, container;
    apr_off_t at;
} packed_t;

static void place_in_container(sgn_pdf_diff_ref_t *ref, size_t pos, void *context)
{
    const packed_t *packed = context;
    int low = 0, high = packed->count;

    ref->container = packed->container;
    ref->at = packed->at;
    while (low < high) {
        int middle = low + (high - low) / 2;

        if (packed->least[middle] <= (apr_int64_t)pos)
            low = middle + 1;
        else
            high = middle;
    }
    if (low)
        ref->referrer = packed->nums[low - 1];
}

static sgn_error_t *look_into_container(sgn_pdf_diff_refs_t *refs, sgn_pdf_doc_t *doc,
                                        int num, int gen, apr_off_t at, apr_pool_t *pool)
{
    const sgn_pdf_obj_t *dict = sgn_pdf_doc_object(doc, num, gen);
    packed_t packed = { NULL, NULL, 0, num, at };
    apr_int64_t n, first;
    sgn_pdf_lex_t lex;
    sgn_bytes_t bytes;
    int i;

    SGN_TRY(sgn_pdf_doc_stream_decoded(&bytes, doc, num, gen, OBJSTM_LIMIT, pool));
    n = sgn_pdf_obj_int(sgn_pdf_doc_find(doc, dict, "N"), 0);
    first = sgn_pdf_obj_int(sgn_pdf_doc_find(doc, dict, "First"), 0);
    if (n < 0 || n > SGN_PDF_ENTRIES || first < 0 || (size_t)first > bytes.len)
        return SGN_ERROR(pool, SGN_DOCUMENT_DAMAGED, "object stream %d", num);
    packed.nums = apr_pcalloc(pool, sizeof *packed.nums * (size_t)(n + 1));
    packed.least = apr_pcalloc(pool, sizeof *packed.least * (size_t)(n + 1));
    lex = sgn_pdf_lex_at(bytes.data, 0, (size_t)first);
    for (i = 0; i < n; i++) {
        sgn_pdf_token_t a = sgn_pdf_lex_next(&lex), b = sgn_pdf_lex_next(&lex);

        if (a.type != SGN_PDF_TOKEN_INT || b.type != SGN_PDF_TOKEN_INT)
            return SGN_ERROR(pool, SGN_DOCUMENT_DAMAGED, "object stream %d", num);
        packed.nums[packed.count] = (int)a.number;
        packed.least[packed.count++] = b.number;
    }
    for (i = packed.count - 2; i >= 0; i--)
        if (packed.least[i] > packed.least[i + 1])
            packed.least[i] = packed.least[i + 1];
    look(refs, bytes.data + first, bytes.len - (size_t)first, place_in_container, &packed);
    return NULL;
}

static int by_offset(const void *a, const void *b)
{
    const extent_t *x = a, *y = b;

    return x->at < y->at ? -1 : x->at > y->at;
}

static int by_target(const void *a, const void *b)
{
    const sgn_pdf_diff_ref_t *x = a, *y = b;

    return x->target < y->target ? -1 : x->target > y->target;
}

sgn_error_t *sgn_pdf_diff_refs_collect(sgn_pdf_diff_refs_t *refs, sgn_pdf_doc_t *newest)
{
    const sgn_pdf_scan_t *scan = sgn_pdf_doc_scan(newest);
    apr_hash_t *seen = apr_hash_make(refs->pool);
    int i, j, count = 0;

    if (refs->limit == 0)
        return NULL;
    refs->wanted = apr_pcalloc(refs->pool, (size_t)refs->limit / 8 + 1);
    for (i = 0; i < refs->wants->nelts; i++) {
        int num = APR_ARRAY_IDX(refs->wants, i, int);

        refs->wanted[num >> 3] |= (unsigned char)(1 << (num & 7));
    }
    for (i = 0; i < scan->section_count; i++)
        count += scan->sections[i].count + 1;
    refs->extents = apr_palloc(refs->pool, sizeof *refs->extents * (size_t)(count + 1));
    for (i = 0; i < scan->section_count; i++) {
        const sgn_pdf_section_t *section = &scan->sections[i];

        refs->extents[refs->extent_count++] = (extent_t){ section->offset, 0 };
        for (j = 0; j < section->count; j++) {
            const sgn_pdf_entry_t *entry = &section->entries[j];

            if (entry->type == 1 && entry->num != section->stream_num)
                refs->extents[refs->extent_count++] = (extent_t){ entry->offset, entry->num };
        }
    }
    qsort(refs->extents, (size_t)refs->extent_count, sizeof *refs->extents, by_offset);
    look(refs, scan->map, (size_t)scan->size, place_in_file, refs);

    for (i = 0; i < scan->section_count; i++)
        for (j = 0; j < scan->sections[i].count; j++) {
            const sgn_pdf_entry_t *entry = &scan->sections[i].entries[j];
            const sgn_pdf_entry_t *container;
            apr_pool_t *scratch;
            sgn_error_t *error;

            if (entry->type != 2 || sgn_pdf_diff_marked(seen, entry->container))
                continue;
            sgn_pdf_diff_mark(seen, entry->container, refs->pool);
            container = sgn_pdf_scan_find(scan, -1, entry->container);
            if (!container || container->type != 1)
                continue;
            apr_pool_create(&scratch, refs->pool);
            error = look_into_container(refs, newest, container->num, container->gen, container->offset, scratch);
            if (error)
                error = sgn_error_dup(error, refs->pool);
            apr_pool_destroy(scratch);
            SGN_TRY(error);
        }
    if (refs->full)
        return SGN_ERROR(refs->pool, SGN_DOCUMENT_LIMIT, "too many references to objects of later revisions");
    qsort(refs->found->elts, (size_t)refs->found->nelts, sizeof(sgn_pdf_diff_ref_t), by_target);
    return NULL;
}

const sgn_pdf_diff_ref_t *sgn_pdf_diff_refs_to(const sgn_pdf_diff_refs_t *refs, int num, int *count)
{
    const sgn_pdf_diff_ref_t *rows = (const sgn_pdf_diff_ref_t *)refs->found->elts;
    int low = 0, high = refs->found->nelts, end;

    while (low < high) {
        int middle = low + (high - low) / 2;

        if (rows[middle].target < num)
            low = middle + 1;
        else
            high = middle;
    }
    for (end = low; end < refs->found->nelts && rows[end].target == num; end++)
        ;
    *count = end - low;
    return *count ? rows + low : NULL;
}
