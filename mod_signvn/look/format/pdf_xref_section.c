/* Cross-reference sections [ISO 32000-2, 7.5.4, 7.5.8]. */
#include "look/format/pdf_xref_section.h"

#include <stdlib.h>
#include <string.h>

#include "look/format/pdf_flate.h"

#define DAMAGED(...) SGN_ERROR(pool, SGN_DOCUMENT_DAMAGED, __VA_ARGS__)

typedef struct {
    sgn_pdf_entry_t *items;
    int count, cap;
    int *room;
} entries_t;

static sgn_error_t *reserve(entries_t *entries, apr_int64_t more, apr_pool_t *pool)
{
    if (more < 0 || more > *entries->room)
        return SGN_ERROR(pool, SGN_DOCUMENT_LIMIT, "more than %d cross-reference entries", SGN_PDF_ENTRIES);
    *entries->room -= (int)more;
    if (entries->count + more > entries->cap) {
        int cap = entries->count + (int)more;
        sgn_pdf_entry_t *items = apr_palloc(pool, cap * sizeof *items);

        if (entries->count)
            memcpy(items, entries->items, entries->count * sizeof *items);
        entries->items = items;
        entries->cap = cap;
    }
    return NULL;
}

static int digits(const unsigned char *text, int count, apr_int64_t *value)
{
    *value = 0;
    while (count--) {
        if (*text < '0' || *text > '9')
            return 0;
        *value = *value * 10 + (*text++ - '0');
    }
    return 1;
}

/* The 20 bytes of the standard; writers that lose one byte of the line end are
 * read by tokens (qpdf's "accepting invalid xref table entry"). */
static int table_entry(sgn_pdf_lex_t *lex, apr_int64_t *offset, apr_int64_t *gen, int *used)
{
    const unsigned char *at = lex->base + lex->pos;
    sgn_pdf_token_t a, b, c;

    if (lex->end - lex->pos >= 20 && digits(at, 10, offset) && at[10] == ' ' && digits(at + 11, 5, gen)
        && at[16] == ' ' && (at[17] == 'n' || at[17] == 'f')
        && sgn_pdf_lex_white(at[18]) && sgn_pdf_lex_white(at[19])) {
        *used = at[17] == 'n';
        lex->pos += 20;
        return 1;
    }
    a = sgn_pdf_lex_next(lex);
    b = sgn_pdf_lex_next(lex);
    c = sgn_pdf_lex_next(lex);
    if (a.type != SGN_PDF_TOKEN_INT || b.type != SGN_PDF_TOKEN_INT || a.number < 0 || b.number < 0
        || b.number > 65535 || (!sgn_pdf_lex_is(lex, c, "n") && !sgn_pdf_lex_is(lex, c, "f")))
        return 0;
    *offset = a.number;
    *gen = b.number;
    *used = sgn_pdf_lex_is(lex, c, "n");
    return 1;
}

static sgn_error_t *read_table(entries_t *entries, sgn_pdf_lex_t *lex, apr_pool_t *pool)
{
    for (;;) {
        sgn_pdf_token_t first = sgn_pdf_lex_next(lex), count;
        apr_int64_t i;

        if (sgn_pdf_lex_is(lex, first, "trailer"))
            return NULL;
        count = sgn_pdf_lex_next(lex);
        if (first.type != SGN_PDF_TOKEN_INT || count.type != SGN_PDF_TOKEN_INT || first.number < 0
            || count.number < 0)
            return DAMAGED("no subsection of a table at byte %lu", (unsigned long)first.start);
        if (first.number > SGN_PDF_SIZE || count.number > SGN_PDF_SIZE
            || first.number + count.number > SGN_PDF_SIZE + 1)
            return SGN_ERROR(pool, SGN_DOCUMENT_LIMIT, "a table names objects above %d", SGN_PDF_SIZE);
        if ((apr_uint64_t)count.number > (lex->end - lex->pos) / 18 + 1)
            return DAMAGED("a table is longer than the file");
        SGN_TRY(reserve(entries, count.number, pool));
        while (lex->pos < lex->end && sgn_pdf_lex_white(lex->base[lex->pos]))
            lex->pos++;
        for (i = 0; i < count.number; i++) {
            sgn_pdf_entry_t *entry = &entries->items[entries->count];
            apr_int64_t offset, gen;
            int used;

            if (!table_entry(lex, &offset, &gen, &used))
                return DAMAGED("a table entry at byte %lu is malformed", (unsigned long)lex->pos);
            memset(entry, 0, sizeof *entry);
            entry->num = (int)(first.number + i);
            entry->gen = (int)gen;
            /* offset 0 marks an unused entry in files of careless writers */
            entry->type = used && offset > 0;
            entry->offset = offset;
            entries->count++;
        }
    }
}

/* [ISO 32000-2, 7.4] filters that exist; what has another name is damage. */
static int is_filter(const sgn_pdf_obj_t *filter)
{
    static const char *const names[] = { "LZWDecode", "ASCIIHexDecode", "ASCII85Decode", "RunLengthDecode", "Crypt",
                                         "CCITTFaxDecode", "JBIG2Decode", "DCTDecode", "JPXDecode" };
    size_t i;

    for (i = 0; i < sizeof names / sizeof *names; i++)
        if (sgn_pdf_obj_is_name(filter, names[i]))
            return 1;
    return 0;
}

sgn_error_t *sgn_pdf_xref_section_stream(sgn_bytes_t *raw, int *deflated, const sgn_pdf_obj_t *dict,
                                         const sgn_pdf_scan_t *scan, apr_off_t data, apr_pool_t *pool)
{
    const sgn_pdf_obj_t *filter = sgn_pdf_obj_get(dict, "Filter");
    apr_int64_t length = sgn_pdf_obj_int(sgn_pdf_obj_get(dict, "Length"), -1);

    if (length < 0 || length > scan->size - data)
        return DAMAGED("a stream without a direct /Length inside the file");
    if (filter && filter->type == SGN_PDF_ARRAY) {
        if (filter->count > 1)
            return SGN_ERROR(pool, SGN_DOCUMENT_LIMIT, "a structure stream with %d filters", filter->count);
        filter = sgn_pdf_obj_item(filter, 0);
    }
    if (is_filter(filter))
        return SGN_ERROR(pool, SGN_DOCUMENT_LIMIT, "a structure stream with a filter that is not FlateDecode");
    *deflated = sgn_pdf_obj_is_name(filter, "FlateDecode");
    if (filter && filter->type != SGN_PDF_NULL && !*deflated)
        return DAMAGED("a structure stream with a filter that does not exist");
    *raw = sgn_bytes(scan->map + data, (size_t)length);
    return NULL;
}

static sgn_error_t *unpack(sgn_bytes_t *rows, const sgn_pdf_obj_t *dict, const sgn_pdf_scan_t *scan,
                           apr_off_t data, apr_int64_t count, int width, apr_pool_t *pool)
{
    const sgn_pdf_obj_t *parms = sgn_pdf_obj_get(dict, "DecodeParms");
    int deflated, predictor;
    sgn_bytes_t raw;

    SGN_TRY(sgn_pdf_xref_section_stream(&raw, &deflated, dict, scan, data, pool));
    if (parms && parms->type == SGN_PDF_ARRAY)
        parms = sgn_pdf_obj_item(parms, 0);
    predictor = deflated ? (int)sgn_pdf_obj_int(sgn_pdf_obj_get(parms, "Predictor"), 1) : 1;
    *rows = raw;
    if (deflated)
        /* a little more than needed: writers pad; a lot more is a bomb */
        SGN_TRY(sgn_pdf_flate_inflate(rows, raw, (size_t)count * (width + 1) + 65536, pool));
    if (predictor >= 10) {
        apr_int64_t columns = sgn_pdf_obj_int(sgn_pdf_obj_get(parms, "Columns"), 1);

        if (columns != width || sgn_pdf_obj_int(sgn_pdf_obj_get(parms, "Colors"), 1) != 1
            || sgn_pdf_obj_int(sgn_pdf_obj_get(parms, "BitsPerComponent"), 8) != 8)
            return DAMAGED("a cross-reference stream whose predictor does not fit /W");
        SGN_TRY(sgn_pdf_flate_unpredict(rows, *rows, width, pool));
    }
    else if (predictor != 1) {
        return DAMAGED("a cross-reference stream with predictor %d", predictor);
    }
    if (rows->len < (size_t)count * width)
        return DAMAGED("a cross-reference stream is too short");
    return NULL;
}

static apr_int64_t column(const unsigned char **at, int width, apr_int64_t absent)
{
    apr_uint64_t value = 0;

    if (!width)
        return absent;
    while (width--)
        value = (value << 8) | *(*at)++;
    return value > (apr_uint64_t)APR_INT64_MAX ? APR_INT64_MAX : (apr_int64_t)value;
}

static sgn_error_t *read_stream(entries_t *entries, const sgn_pdf_obj_t *dict, const sgn_pdf_scan_t *scan,
                                apr_off_t data, int hidden, apr_pool_t *pool)
{
    const sgn_pdf_obj_t *w = sgn_pdf_obj_get(dict, "W"), *index = sgn_pdf_obj_get(dict, "Index");
    apr_int64_t size = sgn_pdf_obj_int(sgn_pdf_obj_get(dict, "Size"), -1), total = 0;
    int width[3], i, pair;
    const unsigned char *at;
    sgn_bytes_t rows;

    if (!sgn_pdf_obj_is_name(sgn_pdf_obj_get(dict, "Type"), "XRef"))
        return DAMAGED("no cross-reference stream where one should be");
    if (size < 1)
        return DAMAGED("a cross-reference stream without /Size");
    if (size > SGN_PDF_SIZE)
        return SGN_ERROR(pool, SGN_DOCUMENT_LIMIT, "/Size %" APR_INT64_T_FMT, size);
    for (i = 0; i < 3; i++) {
        apr_int64_t one = sgn_pdf_obj_int(sgn_pdf_obj_item(w, i), -1);

        if (one < 0 || one > 8)
            return DAMAGED("/W of a cross-reference stream");
        width[i] = (int)one;
    }
    if (!index) {
        const sgn_pdf_obj_t *whole = sgn_pdf_obj_append(NULL, sgn_pdf_obj_make_int(0, pool), pool);

        index = sgn_pdf_obj_append(whole, sgn_pdf_obj_make_int(size, pool), pool);
    }
    if (index->type != SGN_PDF_ARRAY || index->count % 2)
        return DAMAGED("/Index of a cross-reference stream");
    for (pair = 0; pair < index->count; pair += 2) {
        apr_int64_t first = sgn_pdf_obj_int(index->items[pair], -1);
        apr_int64_t count = sgn_pdf_obj_int(index->items[pair + 1], -1);

        if (first < 0 || count < 0 || first > SGN_PDF_SIZE || count > SGN_PDF_SIZE
            || first + count > SGN_PDF_SIZE + 1)
            return SGN_ERROR(pool, SGN_DOCUMENT_LIMIT, "/Index of a cross-reference stream");
        total += count;
        if (total > SGN_PDF_ENTRIES)
            return SGN_ERROR(pool, SGN_DOCUMENT_LIMIT, "more than %d cross-reference entries", SGN_PDF_ENTRIES);
    }
    SGN_TRY(reserve(entries, total, pool));
    SGN_TRY(unpack(&rows, dict, scan, data, total, width[0] + width[1] + width[2], pool));
    at = rows.data;
    for (pair = 0; pair < index->count; pair += 2) {
        apr_int64_t first = sgn_pdf_obj_int(index->items[pair], 0);
        apr_int64_t count = sgn_pdf_obj_int(index->items[pair + 1], 0), k;

        for (k = 0; k < count; k++) {
            sgn_pdf_entry_t *entry = &entries->items[entries->count];
            apr_int64_t type = column(&at, width[0], 1), second = column(&at, width[1], 0);
            apr_int64_t third = column(&at, width[2], 0);

            memset(entry, 0, sizeof *entry);
            entry->num = (int)(first + k);
            entry->hidden = (unsigned char)hidden;
            if (type == 1) {
                entry->type = 1;
                entry->offset = second;
                entry->gen = third > 65535 ? 65535 : (int)third;
            }
            else if (type == 2) {
                if (second > SGN_PDF_SIZE)
                    return DAMAGED("an object stream number is out of range");
                entry->type = 2;
                entry->container = (int)second;
                entry->offset = third;
            }
            else {
                /* free, or a type of the future: a reference to null */
                entry->gen = type == 0 && third <= 65535 ? (int)third : 65535;
            }
            entries->count++;
        }
    }
    return NULL;
}

/* Rank of an entry in its section: table 'n', /XRefStm, table 'f'. */
static int rank(const sgn_pdf_entry_t *entry)
{
    return entry->hidden ? 1 : entry->type ? 0 : 2;
}

static int compare(const void *a, const void *b)
{
    const sgn_pdf_entry_t *x = a, *y = b;

    return x->num != y->num ? (x->num < y->num ? -1 : 1) : rank(x) - rank(y);
}

static void sort_unique(entries_t *entries)
{
    int i, n = 0, sorted = 1;

    for (i = 1; i < entries->count && sorted; i++)
        sorted = compare(&entries->items[i - 1], &entries->items[i]) < 0;
    if (!sorted)
        qsort(entries->items, entries->count, sizeof *entries->items, compare);
    for (i = 0; i < entries->count; i++)
        if (n == 0 || entries->items[n - 1].num != entries->items[i].num)
            entries->items[n++] = entries->items[i];
    entries->count = n;
}

/* "n g obj << >> stream" at offset. */
static sgn_error_t *stream_at(const sgn_pdf_obj_t **dict, apr_off_t *data, int *num, sgn_pdf_lex_t *lex,
                              apr_pool_t *pool)
{
    sgn_pdf_token_t word;
    int gen;

    if (!sgn_pdf_lex_object(lex, num, &gen))
        return DAMAGED("no cross-reference section at byte %lu", (unsigned long)lex->pos);
    SGN_TRY(sgn_pdf_obj_parse(dict, lex, pool));
    word = sgn_pdf_lex_next(lex);
    if (!sgn_pdf_lex_is(lex, word, "stream"))
        return DAMAGED("no stream at byte %lu", (unsigned long)word.start);
    if (lex->pos < lex->end && lex->base[lex->pos] == '\r')
        lex->pos++;
    if (lex->pos < lex->end && lex->base[lex->pos] == '\n')
        lex->pos++;
    *data = (apr_off_t)lex->pos;
    return NULL;
}

static sgn_error_t *offset_of(apr_off_t *out, const sgn_pdf_obj_t *trailer, const char *key,
                              const sgn_pdf_scan_t *scan, apr_pool_t *pool)
{
    const sgn_pdf_obj_t *value = sgn_pdf_obj_get(trailer, key);

    *out = -1;
    if (!value)
        return NULL;
    if (value->type != SGN_PDF_INT || value->number < 0 || value->number >= scan->size)
        return DAMAGED("/%s of a trailer leads out of the file", key);
    *out = value->number;
    return NULL;
}

/* Behind the section: startxref, its number, %%EOF and one line end. */
static void read_end(sgn_pdf_section_t *section, sgn_pdf_lex_t lex)
{
    sgn_pdf_token_t word, number;
    size_t at;

    section->startxref = -1;
    section->end = section->eof = (apr_off_t)lex.pos;
    word = sgn_pdf_lex_next(&lex);
    if (!sgn_pdf_lex_is(&lex, word, "startxref"))
        return;
    number = sgn_pdf_lex_next(&lex);
    if (number.type != SGN_PDF_TOKEN_INT)
        return;
    section->startxref = number.number;
    for (at = lex.pos; at < lex.end && sgn_pdf_lex_white(lex.base[at]); at++)
        ;
    if (lex.end - at < 5 || memcmp(lex.base + at, "%%EOF", 5) != 0)
        return;
    at += 5;
    section->eof = (apr_off_t)at;
    while (at < lex.end && (lex.base[at] == ' ' || lex.base[at] == '\t'))
        at++;
    if (at < lex.end && lex.base[at] == '\r')
        at++;
    if (at < lex.end && lex.base[at] == '\n')
        at++;
    section->end = (apr_off_t)at;
}

sgn_error_t *sgn_pdf_xref_section_read(sgn_pdf_section_t *out, const sgn_pdf_scan_t *scan,
                                       apr_off_t offset, int *room, apr_pool_t *pool)
{
    sgn_pdf_lex_t lex = sgn_pdf_lex_at(scan->map, (size_t)offset, (size_t)scan->size);
    entries_t entries = { NULL, 0, 0, room };
    sgn_pdf_token_t word;
    apr_int64_t size;
    apr_off_t data;

    memset(out, 0, sizeof *out);
    out->offset = offset;
    out->prev = out->xref_stm = -1;
    word = sgn_pdf_lex_peek(&lex);
    if (sgn_pdf_lex_is(&lex, word, "xref")) {
        out->kind = SGN_PDF_XREF_TABLE;
        sgn_pdf_lex_next(&lex);
        SGN_TRY(read_table(&entries, &lex, pool));
        SGN_TRY(sgn_pdf_obj_parse(&out->trailer, &lex, pool));
        SGN_TRY(offset_of(&out->xref_stm, out->trailer, "XRefStm", scan, pool));
        if (out->xref_stm >= 0) {
            sgn_pdf_lex_t other = sgn_pdf_lex_at(scan->map, (size_t)out->xref_stm, (size_t)scan->size);
            const sgn_pdf_obj_t *dict;

            out->kind = SGN_PDF_XREF_HYBRID;
            SGN_TRY(stream_at(&dict, &data, &out->stream_num, &other, pool));
            SGN_TRY(read_stream(&entries, dict, scan, data, 1, pool));
        }
    }
    else {
        out->kind = SGN_PDF_XREF_STREAM;
        SGN_TRY(stream_at(&out->trailer, &data, &out->stream_num, &lex, pool));
        SGN_TRY(read_stream(&entries, out->trailer, scan, data, 0, pool));
        lex.pos = (size_t)(data + sgn_pdf_obj_int(sgn_pdf_obj_get(out->trailer, "Length"), 0));
        word = sgn_pdf_lex_next(&lex);
        if (!sgn_pdf_lex_is(&lex, word, "endstream"))
            return DAMAGED("no endstream at byte %lu", (unsigned long)word.start);
        word = sgn_pdf_lex_next(&lex);
        if (!sgn_pdf_lex_is(&lex, word, "endobj"))
            return DAMAGED("no endobj at byte %lu", (unsigned long)word.start);
    }
    if (out->trailer->type != SGN_PDF_DICT)
        return DAMAGED("a trailer is no dictionary");
    size = sgn_pdf_obj_int(sgn_pdf_obj_get(out->trailer, "Size"), -1);
    if (size < 0)
        return DAMAGED("a trailer without /Size");
    if (size > SGN_PDF_SIZE)
        return SGN_ERROR(pool, SGN_DOCUMENT_LIMIT, "/Size %" APR_INT64_T_FMT, size);
    SGN_TRY(offset_of(&out->prev, out->trailer, "Prev", scan, pool));
    sort_unique(&entries);
    out->entries = entries.items;
    out->count = entries.count;
    read_end(out, lex);
    return NULL;
}
