/* The structure of PDF files: good ones, and those made to hurt. */
#include "pdf_build.h"

#include <apr_strings.h>

#include "look/format/pdf_doc.h"
#include "look/format/pdf_flate.h"

static file_t *plain(void)
{
    file_t *file = start("%PDF-1.7\n");

    object(file, "<</Type/Catalog/Pages 2 0 R>>");
    object(file, "<</Type/Pages/Count 1/Kids[3 0 R]>>");
    object(file, "<</Type/Page/Parent 2 0 R/MediaBox[0 0 200 100]>>");
    return file;
}

static sgn_pdf_scan_t *scan;

static sgn_error_t *try(const file_t *file)
{
    scan = NULL;
    SGN_TRY(sgn_pdf_scan(&scan, file->buf->data, (apr_off_t)file->buf->len, tap_pool()));
    return sgn_pdf_scan_vet(scan, tap_pool());
}

static sgn_error_t *try_pages(const file_t *file)
{
    const sgn_pdf_page_t *pages;
    sgn_pdf_doc_t *doc;
    int count;

    SGN_TRY(try(file));
    SGN_TRY(sgn_pdf_doc_open(&doc, scan, -1, tap_pool()));
    SGN_TRY(sgn_pdf_doc_pages(&pages, &count, doc));
    return sgn_pdf_doc_check(doc, tap_pool());
}

static sgn_error_t *try_text(const char *text)
{
    file_t *file = start(text);

    return try(file);
}

static sgn_bytes_t deflated(size_t zeros)
{
    unsigned char *data = apr_pcalloc(tap_pool(), zeros);
    sgn_bytes_t out = { NULL, 0 };

    sgn_pdf_flate_deflate(&out, sgn_bytes(data, zeros), 9, tap_pool());
    return out;
}

static void good(void)
{
    file_t *file = plain();
    size_t size, table, next;
    sgn_pdf_doc_t *doc;
    apr_off_t body, end, data;

    table = finish(file, "");
    is_code(try_pages(file), SGN_OK, "a plain file is read");
    is_int(scan->revision_count, 1, "it has one revision");
    is_int(scan->revisions[0].end, (long long)file->buf->len, "the revision ends behind %%EOF and its line end");
    is_int(scan->next_num, 4, "the next number is behind the last");
    is_int(sgn_pdf_scan_find(scan, -1, 3)->offset, (long long)file->offsets[3], "an object's offset is known");
    is_code(sgn_pdf_scan_object(&body, &end, &data, scan, sgn_pdf_scan_find(scan, -1, 3), tap_pool()), SGN_OK,
            "the object stands at its offset");

    size = file->buf->len;
    sgn_buf_str(file->buf, "3 0 obj\n<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]>>\nendobj\n");
    next = file->buf->len;
    sgn_buf_printf(file->buf, "xref\n3 1\n%010lu 00000 n \ntrailer\n<</Size 4/Root 1 0 R/Prev %lu>>\nstartxref\n%lu\n%%%%EOF",
                   (unsigned long)size, (unsigned long)table, (unsigned long)next);
    is_code(try_pages(file), SGN_OK, "an incremental update is read");
    is_int(scan->revision_count, 2, "it is a second revision");
    is_int(scan->revisions[1].start, (long long)size, "which begins where the first ends");
    is_int(sgn_pdf_scan_origin(scan, -1, 3), 1, "the page comes from the second revision");
    is_int(sgn_pdf_scan_origin(scan, 0, 3), 0, "and in the first from the first");
    is_int(sgn_pdf_scan_ending(scan, (apr_off_t)size - 1), 0, "a revision may be cut before its line end");
    is_int(sgn_pdf_scan_ending(scan, (apr_off_t)size - 2), -1, "R2: but not one byte earlier");
    sgn_pdf_doc_open(&doc, scan, 0, tap_pool());
    is_int(sgn_pdf_obj_int(sgn_pdf_obj_item(sgn_pdf_doc_find(doc, sgn_pdf_doc_object(doc, 3, 0), "MediaBox"), 2), 0), 200,
           "the first revision shows the first page");
    sgn_buf_str(file->buf, "\nhello");
    is_code(try(file), SGN_OK, "a few bytes behind the end are read");
    is_int(scan->trailing, 5, "R4: and counted");
}

static void hybrid(void)
{
    file_t *file = start("%PDF-1.5\n");
    size_t table, row;
    unsigned char rows[3] = { 1, 0, 0 };
    sgn_bytes_t bytes;

    object(file, "<</Type/Catalog/Pages 2 0 R>>");
    object(file, "<</Type/Pages/Count 1/Kids[3 0 R]>>");
    object(file, "<</Type/Page/Parent 2 0 R/MediaBox[0 0 200 100]/Annots 4 0 R>>");
    object(file, "[]");
    rows[1] = (unsigned char)(file->offsets[4] >> 8);
    rows[2] = (unsigned char)file->offsets[4];
    row = file->buf->len;
    bytes = sgn_bytes(rows, 3);
    stream(file, "/Type/XRef/Size 5/W[1 2 0]/Index[4 1]", bytes);
    table = file->buf->len;
    sgn_buf_printf(file->buf, "xref\n0 5\n0000000004 65535 f \n%010lu 00000 n \n%010lu 00000 n \n%010lu 00000 n \n"
                   "0000000000 00000 f \ntrailer\n<</Size 5/Root 1 0 R/XRefStm %lu>>\nstartxref\n%lu\n%%%%EOF\n",
                   (unsigned long)file->offsets[1], (unsigned long)file->offsets[2], (unsigned long)file->offsets[3],
                   (unsigned long)row, (unsigned long)table);
    is_code(try_pages(file), SGN_OK, "a hybrid file is read");
    ok(scan->hybrid && scan->sections[0].kind == SGN_PDF_XREF_HYBRID, "it is known as hybrid");
    ok(sgn_pdf_scan_find(scan, -1, 4)->type == 1 && sgn_pdf_scan_find(scan, -1, 4)->hidden,
       "the object of the stream is found behind the free entry of the table");
}

static void refused(void)
{
    file_t *file;
    int i;

    is_code(try_text(""), SGN_BODY_EMPTY, "no bytes are refused");
    is_code(try_text("GIF89a"), SGN_DOCUMENT_NOT_PDF, "another format is refused");
    is_code(try_text("junk\n%PDF-1.4\n"), SGN_DOCUMENT_HEADER, "a header behind other bytes is refused");
    is_code(try_text("%PDF-1.4\n1 0 obj\n<<>>\nendobj\n"), SGN_DOCUMENT_DAMAGED, "a cut file is refused");
    is_code(try_text("%PDF-1.4\nxref\n0 2000000000\ntrailer\n<</Size 1>>\nstartxref\n9\n%%EOF\n"), SGN_DOCUMENT_LIMIT,
            "a table of two billion entries is refused");
    is_code(try_text("%PDF-1.4\nxref\n0 5000000\ntrailer\n<</Size 1>>\nstartxref\n9\n%%EOF\n"), SGN_DOCUMENT_DAMAGED,
            "a table longer than the file is refused");
    is_code(try_text("%PDF-1.4\nxref\n0 0\ntrailer\n<</Size 2147483647>>\nstartxref\n9\n%%EOF\n"), SGN_DOCUMENT_LIMIT,
            "an absurd /Size is refused");
    is_code(try_text("%PDF-1.4\nxref\n0 0\ntrailer\n<</Size 1/Prev 9>>\nstartxref\n9\n%%EOF\n"), SGN_DOCUMENT_DAMAGED,
            "a /Prev that leads to itself is refused");
    is_code(try_text("%PDF-1.4\nxref\n0 0\ntrailer\n<</Size 1/Prev 99999>>\nstartxref\n9\n%%EOF\n"), SGN_DOCUMENT_DAMAGED,
            "a /Prev out of the file is refused");
    is_code(try_text("%PDF-1.4\nstartxref\n99999\n%%EOF\n"), SGN_DOCUMENT_DAMAGED, "a startxref out of the file is refused");

    file = plain();
    finish(file, "");
    sgn_buf_add(file->buf, apr_pcalloc(tap_pool(), 2000), 2000);
    is_code(try(file), SGN_DOCUMENT_DAMAGED, "more than a kilobyte behind the end is refused");

    file = plain();
    finish(file, "/Prev 12 0 R");
    is_code(try(file), SGN_DOCUMENT_DAMAGED, "an indirect /Prev is refused");

    file = start("%PDF-1.7\n");
    object(file, "<</Type/Catalog/Pages 2 0 R>>");
    for (i = 0; i < 62; i++)
        object(file, apr_psprintf(tap_pool(), "<</Type/Pages/Count 1/Kids[%d 0 R]>>", i + 3));
    file->offsets[3] = 12;
    finish(file, "");
    is_code(try_pages(file), SGN_DOCUMENT_DAMAGED, "an offset that leads elsewhere is refused, never an empty page");

    file = start("%PDF-1.7\n");
    object(file, "<</Type/Catalog/Pages 2 0 R>>");
    object(file, "<</Type/Pages/Count 1/Kids[2 0 R]>>");
    finish(file, "");
    is_code(try_pages(file), SGN_DOCUMENT_DAMAGED, "a loop of pages is refused");

    file = start("%PDF-1.7\n");
    object(file, "<</Type/Catalog/Pages 2 0 R>>");
    object(file, "<</Type/Pages/Count 0/Kids[]>>");
    finish(file, "");
    is_code(try_pages(file), SGN_DOCUMENT_NO_PAGES, "a file without pages is told");
}

/* A file with a signature dictionary, and a second revision behind it. */
static file_t *signed_twice(void)
{
    file_t *file = plain();
    size_t table, at, next;

    object(file, "<</Type/Sig/ByteRange[0 1 2 3]/Contents<00>>>");
    table = finish(file, "");
    at = file->buf->len;
    sgn_buf_str(file->buf, "4 0 obj\n<</Type/Sig/ByteRange[0 1 2 3]/Contents<01>>>\nendobj\n");
    next = file->buf->len;
    sgn_buf_printf(file->buf, "xref\n4 1\n%010lu 00000 n \ntrailer\n<</Size 5/Root 1 0 R/Prev %lu>>\nstartxref\n%lu\n%%%%EOF\n",
                   (unsigned long)at, (unsigned long)table, (unsigned long)next);
    return file;
}

static void damaged(void)
{
    file_t *file = signed_twice();
    sgn_pdf_doc_t *doc;
    unsigned char *at;

    is_code(try(file), SGN_OK, "a file with a signature dictionary is read");
    ok(!scan->damage, "and is whole");
    at = memmem(file->buf->data, file->buf->len, "0000000000 65535", 16);
    at[3] = 'x';
    is_code(try(file), SGN_OK, "a damaged one is scanned by its bytes");
    ok(scan->damage != NULL, "and says so");
    is_int(scan->revision_count, 2, "its revisions end at %%EOF");
    is_int(sgn_pdf_scan_origin(scan, -1, 4), 1, "of an object that is there twice the later counts");
    is_int(sgn_pdf_scan_origin(scan, 0, 4), 0, "in the first revision the earlier");
    is_code(sgn_pdf_doc_open(&doc, scan, -1, tap_pool()), SGN_OK, "the newest revision opens, to be looked at");
    ok(sgn_pdf_doc_broken(doc), "broken");
    is_code(sgn_pdf_doc_check(doc, tap_pool()), SGN_DOCUMENT_DAMAGED, "so nothing passes");
    is_code(sgn_pdf_doc_open(&doc, scan, 0, tap_pool()), SGN_DOCUMENT_DAMAGED, "older ones do not open");
    memcpy(memmem(file->buf->data, file->buf->len, "/ByteRange", 10), "/BytteRang", 10);
    memcpy(memmem(file->buf->data, file->buf->len, "/ByteRange", 10), "/BytteRang", 10);
    is_code(try(file), SGN_DOCUMENT_DAMAGED, "a damaged file without signatures is refused");
}

static void deep_pages(int depth, sgn_code_t code, const char *name)
{
    file_t *file = start("%PDF-1.7\n");
    int i;

    object(file, "<</Type/Catalog/Pages 2 0 R>>");
    for (i = 0; i < depth; i++)
        object(file, apr_psprintf(tap_pool(), "<</Type/Pages/Count 1/Kids[%d 0 R]>>", i + 3));
    object(file, "<</Type/Page/MediaBox[0 0 9 9]>>");
    finish(file, "");
    is_code(try_pages(file), code, name);
}

/* An object stream (4) that is said to hold object 6. */
static sgn_error_t *try_container(const char *filter, sgn_bytes_t data)
{
    file_t *file = plain();
    unsigned char rows[8] = { 1, 0, 0, 0, 2, 0, 4, 0 };
    size_t own;

    stream(file, apr_pstrcat(tap_pool(), "/Type/ObjStm/N 1/First 4/Filter", filter, NULL), data);
    rows[1] = (unsigned char)(file->offsets[4] >> 8);
    rows[2] = (unsigned char)file->offsets[4];
    own = file->buf->len;
    stream(file, "/Type/XRef/Size 9/W[1 2 1]/Index[4 1 6 1]/Root 1 0 R", sgn_bytes(rows, 8));
    sgn_buf_printf(file->buf, "startxref\n%lu\n%%%%EOF\n", (unsigned long)own);
    return try(file);
}

static void bombs(void)
{
    file_t *file;
    size_t at;
    int i;

    is_code(try_container("/FlateDecode", deflated(1000)), SGN_OK, "a small object stream is inflated");
    is_code(try_container("/FlateDecode", deflated(80 << 20)), SGN_DOCUMENT_LIMIT,
            "an object stream of 80 MB in a few kilobytes is refused");
    is_code(try_container("[/FlateDecode/FlateDecode]", deflated(1000)), SGN_DOCUMENT_LIMIT,
            "an object stream with two filters is refused");
    is_code(try_container("/LZWDecode", deflated(1000)), SGN_DOCUMENT_LIMIT,
            "an object stream with another filter is refused");
    is_code(try_container("/FlatyDecode", deflated(1000)), SGN_DOCUMENT_DAMAGED,
            "a filter that does not exist is damage");
    file = start("%PDF-1.7\n");
    stream(file, "/Type/XRef/Size 8000000/W[1 2 1]/Filter/FlateDecode", deflated(32 << 20));
    sgn_buf_str(file->buf, "startxref\n9\n%%EOF\n");
    is_code(try(file), SGN_DOCUMENT_LIMIT, "a cross-reference stream of eight million entries is refused");

    file = plain();
    at = finish(file, "");
    for (i = 0; i < 1100; i++) {
        size_t next = file->buf->len;

        sgn_buf_printf(file->buf, "xref\n0 0\ntrailer\n<</Size 4/Root 1 0 R/Prev %lu>>\nstartxref\n%lu\n%%%%EOF\n",
                       (unsigned long)at, (unsigned long)next);
        at = next;
        if (i == 500)
            is_code(try(file), SGN_OK, "five hundred revisions are read");
    }
    is_code(try(file), SGN_DOCUMENT_LIMIT, "eleven hundred revisions are refused");
    deep_pages(40, SGN_OK, "pages forty levels deep are read");
    deep_pages(66, SGN_DOCUMENT_LIMIT, "pages sixty-six levels deep are refused");
}

int main(void)
{
    good();
    hybrid();
    refused();
    damaged();
    bombs();
    return done_testing();
}
