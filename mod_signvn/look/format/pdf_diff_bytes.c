/*
 * pdf_diff_bytes.c: the bytes of an appended revision, end to end (R5).
 *
 * Its own objects, one cross-reference section, trailer, startxref, %%EOF, and
 * white space or comments between them.  An entry that points into older bytes
 * would bring objects to life that were hidden in the signed revision
 * (hide-and-replace); bytes that belong to nothing are kept for such a day.
 */
#include <stdlib.h>
#include <string.h>

#include "look/format/pdf_diff_step.h"

static int by_offset(const void *a, const void *b)
{
    const sgn_pdf_entry_t *x = *(const sgn_pdf_entry_t *const *)a, *y = *(const sgn_pdf_entry_t *const *)b;

    return x->offset < y->offset ? -1 : x->offset > y->offset;
}

/* Only white space and comments between the two? */
static int empty(const sgn_pdf_scan_t *scan, apr_off_t from, apr_off_t to)
{
    sgn_pdf_lex_t lex = sgn_pdf_lex_at(scan->map, (size_t)from, (size_t)to);

    return from <= to && sgn_pdf_lex_next(&lex).type == SGN_PDF_TOKEN_END;
}

/* The end of the object at entry, behind "endobj", streams with their data;
 * 0 when it is not there. */
static apr_off_t object_end(sgn_pdf_diff_pair_t *pair, const sgn_pdf_entry_t *entry,
                            const sgn_pdf_obj_t *dict, apr_off_t limit)
{
    apr_off_t body, end, stream;
    apr_int64_t length;
    sgn_pdf_lex_t lex;

    if (sgn_pdf_scan_object(&body, &end, &stream, pair->scan, entry, pair->pool))
        return 0;
    /* [R6] readers differ in which of two equal keys counts */
    lex = sgn_pdf_lex_at(pair->scan->map, (size_t)body, (size_t)end);
    if (sgn_pdf_lex_peek(&lex).type == SGN_PDF_TOKEN_DICT_OPEN && sgn_pdf_lex_dict_doubles(lex) != 0)
        sgn_pdf_diff_forbid(pair, SGN_F_DUPLICATE_KEY, entry->num, "dictionary has a key twice");
    if (!stream)
        return end;
    length = sgn_pdf_obj_int(sgn_pdf_doc_find(pair->new, dict, "Length"), -1);
    if (length < 0 || length > limit - stream)
        return 0;
    lex = sgn_pdf_lex_at(pair->scan->map, (size_t)(stream + length), (size_t)limit);
    if (!sgn_pdf_lex_is(&lex, sgn_pdf_lex_next(&lex), "endstream")
        || !sgn_pdf_lex_is(&lex, sgn_pdf_lex_next(&lex), "endobj"))
        return 0;
    return (apr_off_t)lex.pos;
}

/* "xref" subsections "trailer" <<...>>; 0 when it is not that. */
static apr_off_t table_end(const sgn_pdf_scan_t *scan, apr_off_t from, apr_off_t to)
{
    sgn_pdf_lex_t lex = sgn_pdf_lex_at(scan->map, (size_t)from, (size_t)to);

    if (!sgn_pdf_lex_is(&lex, sgn_pdf_lex_next(&lex), "xref"))
        return 0;
    for (;;) {
        sgn_pdf_token_t token = sgn_pdf_lex_next(&lex);

        if (sgn_pdf_lex_is(&lex, token, "trailer"))
            break;
        if (token.type != SGN_PDF_TOKEN_INT && !sgn_pdf_lex_is(&lex, token, "n")
            && !sgn_pdf_lex_is(&lex, token, "f"))
            return 0;
    }
    return sgn_pdf_lex_skip(&lex) ? (apr_off_t)lex.pos : 0;
}

/* "startxref" number, then nothing but the %%EOF comment. */
static int startxref_only(const sgn_pdf_scan_t *scan, apr_off_t from, apr_off_t to, apr_off_t value)
{
    sgn_pdf_lex_t lex = sgn_pdf_lex_at(scan->map, (size_t)from, (size_t)to);
    sgn_pdf_token_t token;

    if (!sgn_pdf_lex_is(&lex, sgn_pdf_lex_next(&lex), "startxref"))
        return 0;
    token = sgn_pdf_lex_next(&lex);
    return token.type == SGN_PDF_TOKEN_INT && token.number == value
        && sgn_pdf_lex_next(&lex).type == SGN_PDF_TOKEN_END;
}

void sgn_pdf_diff_bytes(sgn_pdf_diff_pair_t *pair)
{
    const sgn_pdf_scan_t *scan = pair->scan;
    const sgn_pdf_revision_t *revision = &scan->revisions[pair->revision];
    const sgn_pdf_section_t *section = &scan->sections[revision->first], *before;
    const sgn_pdf_entry_t **order;
    sgn_pdf_entry_t own;
    apr_off_t pos = revision->start, end;
    int i, count = 0;

    if (revision->sections != 1) {
        sgn_pdf_diff_forbid(pair, SGN_F_CHANGE_FORBIDDEN, 0, "revision has more than one cross-reference section");
        return;
    }
    before = &scan->sections[revision->first - 1];
    if (section->kind != before->kind && section->kind != SGN_PDF_XREF_HYBRID && !scan->hybrid)
        sgn_pdf_diff_forbid(pair, SGN_F_CHANGE_FORBIDDEN, 0, "cross-reference section of another kind than before");
    if (section->prev < 0 || section->prev >= section->offset)
        sgn_pdf_diff_forbid(pair, SGN_F_CHANGE_FORBIDDEN, 0, "/Prev does not lead back");

    order = apr_palloc(pair->pool, sizeof *order * (size_t)(section->count + 1));
    for (i = 0; i < section->count; i++) {
        const sgn_pdf_entry_t *entry = &section->entries[i];

        if (entry->type == 2) {
            const sgn_pdf_entry_t *container = apr_hash_get(pair->own, &entry->container, sizeof(int));

            if (!container || container->type != 1)
                sgn_pdf_diff_forbid(pair, SGN_F_CHANGE_OBJECT_MOVED, entry->num,
                                    "lies in an object stream of another revision");
        }
        if (entry->type != 1 || entry->offset == section->offset)
            continue;
        if (entry->offset < revision->start || entry->offset >= revision->end) {
            sgn_pdf_diff_forbid(pair, SGN_F_CHANGE_OBJECT_MOVED, entry->num, "points outside its own revision");
            continue;
        }
        order[count++] = entry;
    }
    own = (sgn_pdf_entry_t){ .num = section->stream_num, .type = 1, .offset = section->offset };
    if (section->kind == SGN_PDF_XREF_STREAM)
        order[count++] = &own;
    qsort(order, (size_t)count, sizeof *order, by_offset);

    for (i = 0; i < count; i++) {
        const sgn_pdf_obj_t *dict = order[i] == &own ? section->trailer
            : sgn_pdf_doc_object(pair->new, order[i]->num, order[i]->gen);

        if (!empty(scan, pos, order[i]->offset)) {
            sgn_pdf_diff_forbid(pair, SGN_F_CHANGE_FORBIDDEN, order[i]->num, "unexplained bytes before the object");
            return;
        }
        end = object_end(pair, order[i], dict, revision->end);
        if (end == 0) {
            sgn_pdf_diff_forbid(pair, SGN_F_CHANGE_FORBIDDEN, order[i]->num, "no such object at its offset");
            return;
        }
        pos = end;
    }
    if (section->kind != SGN_PDF_XREF_STREAM) {
        if (!empty(scan, pos, section->offset)) {
            sgn_pdf_diff_forbid(pair, SGN_F_CHANGE_FORBIDDEN, 0, "unexplained bytes before the cross-reference table");
            return;
        }
        pos = table_end(scan, section->offset, revision->end);
    }
    if (pos == 0 || !startxref_only(scan, pos, revision->end, section->offset))
        sgn_pdf_diff_forbid(pair, SGN_F_CHANGE_FORBIDDEN, 0, "unexplained bytes behind the trailer");
}
