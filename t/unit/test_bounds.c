/* test_bounds.c: documents made to cost time or memory: each ends soon, with a
 * report or a code, whatever it claims to be. */
#include <sys/resource.h>

#include <apr_strings.h>

#include "look/format/pdf_flate.h"
#include "t/unit/tap.h"
#include "t/unit/validate_rig.h"

#define OBJECTS 200000
#ifdef __SANITIZE_ADDRESS__
#define SECONDS 16.0
#else
#define SECONDS 4.0                 /* of processor time; the worker has 20 */
#endif

static apr_pool_t *scratch;
static sgn_buf_t *file;
static size_t *offsets;
static int objects;

static double cpu(void)
{
    struct rusage usage;

    getrusage(RUSAGE_SELF, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) + (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

/* ---- writing -------------------------------------------------------------- */

static void begin(void)
{
    file = sgn_buf_make(256 << 20, scratch);
    offsets = apr_palloc(scratch, sizeof *offsets * OBJECTS);
    objects = 0;
    sgn_buf_str(file, "%PDF-1.7\n");
}

static int head(void)
{
    offsets[++objects] = file->len;
    sgn_buf_printf(file, "%d 0 obj\n", objects);
    return objects;
}

static int add(const char *body)
{
    int num = head();

    sgn_buf_str(file, body);
    sgn_buf_str(file, "\nendobj\n");
    return num;
}

static int add_stream(const char *dict, sgn_bytes_t data)
{
    int num = head();

    sgn_buf_printf(file, "<<%s/Length %lu>>\nstream\n", dict, (unsigned long)data.len);
    sgn_buf_add(file, data.data, data.len);
    sgn_buf_str(file, "\nendstream\nendobj\n");
    return num;
}

/* Catalog (1), pages (2), page (3).  The scratch pool is cleared by ends(). */
static void plain(const char *catalog, const char *page)
{
    begin();
    add(apr_pstrcat(scratch, "<</Type/Catalog/Pages 2 0 R", catalog, ">>", NULL));
    add("<</Type/Pages/Count 1/Kids[3 0 R]>>");
    add(apr_pstrcat(scratch, "<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]", page, ">>", NULL));
}

static size_t table(const char *trailer)
{
    size_t at = file->len;
    int i;

    sgn_buf_printf(file, "xref\n0 %d\n0000000000 65535 f \n", objects + 1);
    for (i = 1; i <= objects; i++)
        sgn_buf_printf(file, "%010lu 00000 n \n", (unsigned long)offsets[i]);
    sgn_buf_printf(file, "trailer\n<</Size %d/Root 1 0 R%s>>\nstartxref\n%lu\n%%%%EOF\n", objects + 1, trailer, (unsigned long)at);
    return at;
}

/* A revision of its own for one object; returns its section. */
static size_t revise(int num, const char *body, size_t before)
{
    size_t at = file->len, section;

    sgn_buf_printf(file, "%d 0 obj\n", num);
    sgn_buf_str(file, body);
    sgn_buf_str(file, "\nendobj\n");
    section = file->len;
    sgn_buf_printf(file, "xref\n%d 1\n%010lu 00000 n \ntrailer\n<</Size %d/Root 1 0 R/Prev %lu>>\nstartxref\n%lu\n%%%%EOF\n", num,
                   (unsigned long)at, objects + 1, (unsigned long)before, (unsigned long)section);
    return section;
}

static const char *repeat(const char *text, int times)
{
    size_t len = strlen(text);
    char *out = apr_palloc(scratch, len * (size_t)times + 1);
    int i;

    for (i = 0; i < times; i++)
        memcpy(out + len * (size_t)i, text, len);
    out[len * (size_t)times] = '\0';
    return out;
}

static sgn_bytes_t zeros(size_t len)
{
    sgn_bytes_t out = { NULL, 0 };

    sgn_pdf_flate_deflate(&out, sgn_bytes(apr_pcalloc(scratch, len), len), 9, scratch);
    return out;
}

/* ---- looking -------------------------------------------------------------- */

/* Looked at, and prepared for a signature: neither passes nor takes long. */
static void ends(const char *name)
{
    sgn_format_prepare_t what = { .now = rig_pki()->now, .kind = "approve", .field = "sgn_person_9", .box = { 1, 1, 300, 200, 150, 60 } };
    sgn_format_document_t document;
    sgn_checks_answer_t *answer;
    sgn_format_prepared_t *prepared;
    sgn_bytes_t bytes;
    sgn_error_t *error, *refused;
    double began = cpu(), looked;

    if (sgn_buf_bytes(&bytes, file)) {
        ok(0, name);
        return;
    }
    error = rig_try(&answer, bytes, NULL, scratch);
    looked = cpu() - began;
    document = (sgn_format_document_t){ bytes.data, (apr_off_t)bytes.len };
    refused = sgn_format_pdf.prepare(&prepared, &document, &what, scratch);
    began = cpu() - began;
    ok(began < SECONDS && (error || answer->report->indication != SGN_INDICATION_PASSED), name);
    printf("#   %.1f MB, look %.2f s: %s; prepare %.2f s: %s\n", (double)bytes.len / 1e6, looked,
           error ? sgn_error_row(error->code)->name
                 : apr_pstrcat(scratch, sgn_report_indication(answer->report->indication), " ",
                               answer->report->findings->nelts ? APR_ARRAY_IDX(answer->report->findings, 0, sgn_finding_t).subject : "", NULL),
           began - looked, refused ? apr_pstrcat(scratch, sgn_error_row(refused->code)->name, ": ", refused->detail, NULL) : "prepared");
    apr_pool_clear(scratch);
}

static void nesting(void)
{
    plain("", apr_pstrcat(scratch, "/Resources ", repeat("<</A", 3000), " 1", repeat(">>", 3000), NULL));
    table("");
    ends("dictionaries three thousand deep in a page");
    plain(apr_pstrcat(scratch, "/Names ", repeat("[", 200000), NULL), "");
    table("");
    ends("two hundred thousand arrays that do not end");
    plain("", "");
    table(apr_pstrcat(scratch, "/A", repeat("[", 100000), repeat("]", 100000), NULL));
    ends("arrays a hundred thousand deep in the trailer");
    plain("", repeat("/A(((((", 50000));
    table("");
    ends("parentheses that do not end");
    plain("/AcroForm<</Fields[4 0 R]>>", "");
    {
        int i;

        for (i = 0; i < 200; i++)
            add(apr_psprintf(scratch, "<</T(a)/Kids[%d 0 R]>>", objects + 2));
        add("<</T(end)/FT/Sig>>");
    }
    table("");
    ends("fields two hundred levels deep");
}

static void many(void)
{
    int i;
    size_t at;

    plain("", "");
    for (i = 0; i < 100000; i++)
        add("<</A 1>>");
    table("");
    ends("a hundred thousand objects");

    plain("/AcroForm<</Fields 4 0 R>>", "");
    head();
    sgn_buf_str(file, "[");
    for (i = 0; i < 10000; i++)
        sgn_buf_printf(file, "%d 0 R ", 5 + 2 * i);
    sgn_buf_str(file, "]\nendobj\n");
    for (i = 0; i < 10000; i++) {
        add(apr_psprintf(scratch, "<</FT/Sig/T(s%d)/V %d 0 R/Subtype/Widget/Rect[0 0 0 0]>>", i, 6 + 2 * i));
        at = file->len;
        add(apr_psprintf(scratch, "<</Type/Sig/Filter/A/SubFilter/ETSI.CAdES.detached/ByteRange[0 %lu %lu 900000]/Contents<0011>>>",
                         (unsigned long)at + 92, (unsigned long)at + 98));
    }
    table("");
    ends("ten thousand signature fields with values");

    plain("/AcroForm<</Fields 4 0 R>>", "");
    head();
    sgn_buf_str(file, "[");
    for (i = 0; i < 200; i++)
        sgn_buf_printf(file, "%d 0 R ", 5 + 2 * i);
    sgn_buf_str(file, "]\nendobj\n");
    for (i = 0; i < 200; i++) {
        add(apr_psprintf(scratch, "<</FT/Sig/T(s%d)/V %d 0 R/Subtype/Widget/Rect[0 0 0 0]>>", i, 6 + 2 * i));
        add("<</Type/Sig/Filter/A/SubFilter/ETSI.CAdES.detached/ByteRange[0 100 102 8000000]/Contents<0011>>>");
    }
    add(repeat("12345678 ", 1000000));
    table("");
    ends("two hundred signatures that cover eight megabytes each");

    plain("/AcroForm<</Fields 4 0 R>>", "");
    head();
    sgn_buf_str(file, "[");
    for (i = 0; i < 10000; i++)
        sgn_buf_printf(file, "%d 0 R ", 5);
    sgn_buf_str(file, "]\nendobj\n");
    add("<</FT/Sig/T(s)>>");
    table("");
    ends("one field ten thousand times in the form");

    plain("", "");
    at = table("");
    for (i = 0; i < 10000; i++)
        at = revise(3, "<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]>>", at);
    ends("ten thousand revisions");

    plain("/AcroForm<</Fields[4 0 R]>>", apr_pstrcat(scratch, "/Resources<<", repeat("/A 1", 20000), ">>", NULL));
    add(apr_pstrcat(scratch, "<</FT/Tx/T(", repeat("long", 100000), ")/Kids 5 0 R>>", NULL));
    head();
    sgn_buf_str(file, "[");
    for (i = 0; i < 5000; i++)
        sgn_buf_printf(file, "%d 0 R ", 6 + i);
    sgn_buf_str(file, "]\nendobj\n");
    for (i = 0; i < 5000; i++)
        add(apr_psprintf(scratch, "<</T(s%d)>>", i));
    table("");
    ends("five thousand fields below one with a name of 400 KB");

    begin();
    add("<</Type/Catalog/Pages 2 0 R>>");
    head();
    sgn_buf_str(file, "<</Type/Pages/Count 9/Kids[");
    for (i = 0; i < 120000; i++)
        sgn_buf_printf(file, "%d 0 R ", 3 + i);
    sgn_buf_str(file, "]>>\nendobj\n");
    for (i = 0; i < 120000; i++)
        add("<</Type/Page/MediaBox[0 0 9 9]>>");
    table("");
    ends("a hundred and twenty thousand pages");
}

static void keys(void)
{
    int i, k;

    plain("", "");
    for (k = 0; k < 60; k++) {
        head();
        sgn_buf_str(file, "<<");
        for (i = 0; i < 9999; i++)
            sgn_buf_printf(file, "/abcdefgh%d 1", i);
        sgn_buf_str(file, "/ByteRange[0 1 2 3]>>\nendobj\n");
    }
    table("");
    ends("dictionaries of ten thousand keys");
}

/* A first revision with a signature, so that all later ones are compared. */
static size_t signed_first(int pages)
{
    int i;

    begin();
    add("<</Type/Catalog/Pages 2 0 R/AcroForm<</Fields[4 0 R]>>>>");
    head();
    sgn_buf_str(file, "<</Type/Pages/Count 1/Kids[3 0 R ");
    for (i = 1; i < pages; i++)
        sgn_buf_printf(file, "%d 0 R ", 6 + i);
    sgn_buf_str(file, "]>>\nendobj\n");
    add("<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]>>");
    add("<</FT/Sig/T(s)/V 5 0 R/Subtype/Widget/Rect[0 0 0 0]>>");
    add("<</Type/Sig/Filter/A/SubFilter/ETSI.CAdES.detached/ByteRange[0 0000000001 0000000002 0000000003]/Contents<00110011>>>");
    add("null");
    for (i = 1; i < pages; i++)
        add("<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]>>");
    return table("");
}

/* Makes the range of that signature cover the first revision. */
static void cover(size_t end)
{
    unsigned char *data = file->data;
    unsigned char *range = memmem(data, file->len, "[0 0000000001", 13), *gap = memmem(data, file->len, "<00110011>", 10);
    size_t at = (size_t)(gap - data);
    char numbers[64];

    snprintf(numbers, sizeof numbers, "[0 %010lu %010lu %010lu]", (unsigned long)at, (unsigned long)at + 10, (unsigned long)(end - at - 10));
    memcpy(range, numbers, strlen(numbers));
}

static void revisions(void)
{
    size_t at, end;
    int i, k;

    at = signed_first(1);
    end = file->len;
    for (i = 0; i < 950; i++)
        at = revise(3, "<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/A 1>>", at);
    cover(end);
    ends("a signature and 950 revisions behind it");

    at = signed_first(3000);
    end = file->len;
    for (i = 0; i < 400; i++)
        at = revise(6, "null", at);
    cover(end);
    ends("three thousand pages and 400 revisions");

    at = signed_first(1);
    end = file->len;
    for (i = 0; i < 400; i++) {
        size_t section = file->len;

        sgn_buf_printf(file, "xref\n%d 2000\n", 10 + i * 2000);
        for (k = 0; k < 2000; k++)
            sgn_buf_str(file, "0000000000 00000 f \n");
        sgn_buf_printf(file, "trailer\n<</Size 900000/Root 1 0 R/Prev %lu>>\nstartxref\n%lu\n%%%%EOF\n", (unsigned long)at, (unsigned long)section);
        at = section;
    }
    cover(end);
    ends("400 revisions of two thousand entries each");
}

static void overlaps(void)
{
    int i;

    plain("", "");
    for (i = 0; i < 100000; i++) {
        head();
        sgn_buf_str(file, "<</A(");
    }
    table("");
    ends("a hundred thousand objects whose string is the rest of the file");
    plain("/AcroForm<</Fields 4 0 R>>", "");
    head();
    sgn_buf_str(file, "[");
    for (i = 0; i < 15000; i++)
        sgn_buf_printf(file, "%d 0 R ", 5 + i);
    sgn_buf_str(file, "]\nendobj\n");
    for (i = 0; i < 15000; i++) {
        head();
        sgn_buf_str(file, "<</T(");
    }
    table("");
    ends("fifteen thousand fields whose name is the rest of the file");
}

static void streams(void)
{
    sgn_bytes_t bomb = zeros(30 << 20);
    int i;

    plain("/DSS<</Certs 4 0 R/CRLs 4 0 R/OCSPs 4 0 R>>/AcroForm<</Fields[]>>", "");
    head();
    sgn_buf_str(file, "[");
    for (i = 0; i < 60; i++)
        sgn_buf_printf(file, "%d 0 R ", 5 + i);
    sgn_buf_str(file, "]\nendobj\n");
    for (i = 0; i < 60; i++)
        add_stream("/Filter/FlateDecode", bomb);
    table("");
    ends("sixty streams of 30 MB of zeros as evidence");

    plain("/Metadata 4 0 R", "/Contents 4 0 R");
    head();
    sgn_buf_str(file, "<</Length 2147483647/Type/Metadata/Subtype/XML>>\nstream\nabc\nendstream\nendobj\n");
    table("");
    ends("a stream that claims two gigabytes");
    plain("/Metadata 4 0 R", "");
    head();
    sgn_buf_str(file, "<</Length 4 0 R/Type/Metadata/Subtype/XML>>\nstream\nabc\nendstream\nendobj\n");
    table("");
    ends("a stream whose length is itself");
}

/* A cross-reference stream as the only section. */
static void xref_stream(const char *dict, sgn_bytes_t rows, const char *name)
{
    size_t at = file->len;

    add_stream(apr_pstrcat(scratch, "/Type/XRef/Root 1 0 R", dict, NULL), rows);
    sgn_buf_printf(file, "startxref\n%lu\n%%%%EOF\n", (unsigned long)at);
    ends(name);
}

static void xref_streams(void)
{
    unsigned char *rows;
    int i;

    plain("", "");
    xref_stream("/Size 8388607/W[8 8 8]", zeros(1 << 20), "a cross-reference stream of eight million wide entries");
    plain("", "");
    xref_stream("/Size 9/W[2147483647 1 1]", zeros(100), "a column of two gigabytes");
    plain("", "");
    xref_stream("/Size 9/W[0 0 0]/Index[0 1000000]", zeros(100), "a million entries without columns");
    plain("", "");
    xref_stream(apr_pstrcat(scratch, "/Size 9/W[1 1 1]/Index[", repeat("0 0 ", 500000), "]", NULL), zeros(100), "half a million empty subsections");

    /* each entry in an object stream of its own, that is not there */
    plain("", "");
    rows = apr_pcalloc(scratch, 8 * 900000);
    for (i = 0; i < 900000; i++) {
        rows[8 * i] = 2;
        rows[8 * i + 1] = (unsigned char)(i >> 16);
        rows[8 * i + 2] = (unsigned char)(i >> 8);
        rows[8 * i + 3] = (unsigned char)i;
    }
    xref_stream("/Size 900000/W[1 3 4]", sgn_bytes(rows, 8 * 900000), "nine hundred thousand object streams that are not there");

    /* object streams that hold each other */
    plain("", "");
    add_stream("/Type/ObjStm/N 1/First 4/Extends 5 0 R", sgn_bytes_str("5 0 <</Type/ObjStm/N 1/First 4>>"));
    rows = apr_pcalloc(scratch, 4 * 8);
    for (i = 1; i <= 3; i++) {
        rows[4 * i] = 1;
        rows[4 * i + 1] = (unsigned char)(offsets[i] >> 8);
        rows[4 * i + 2] = (unsigned char)offsets[i];
    }
    memcpy(rows + 16, (unsigned char[]){ 2, 0, 5, 0, 2, 0, 4, 0, 1, (unsigned char)(file->len >> 8), (unsigned char)file->len, 0 }, 12);
    objects = 5;
    xref_stream("/Size 7/W[1 2 1]", sgn_bytes(rows, 28), "object streams that lie in each other");
}

int main(void)
{
    apr_pool_create(&scratch, tap_pool());
    rig_pki();
    nesting();
    many();
    keys();
    revisions();
    overlaps();
    streams();
    xref_streams();
    apr_pool_destroy(scratch);
    return done_testing();
}
