/* validate_rig_pdf.c: documents, looking at them, and changing them by hand. */
#include "t/unit/validate_rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <apr_strings.h>

#include "look/format/pdf_doc.h"

#define HOLDS(what) do { if (!(what)) { printf("Bail out! rig: %s (line %d)\n", #what, __LINE__); fflush(NULL); _exit(2); } } while (0)

static void must(const sgn_error_t *error, int line)
{
    if (!error)
        return;
    printf("Bail out! rig line %d: %s: %s\n", line, sgn_error_row(error->code)->name, error->detail);
    fflush(NULL);
    _exit(2);
}
#define MUST(call) must(call, __LINE__)

/* ---- reading -------------------------------------------------------------- */

size_t rig_find(sgn_bytes_t document, size_t from, const char *text)
{
    const unsigned char *found = from >= document.len ? NULL
        : memmem(document.data + from, document.len - from, text, strlen(text));

    return found ? (size_t)(found - document.data) : (size_t)-1;
}

static sgn_pdf_doc_t *open_newest(sgn_bytes_t document, sgn_pdf_scan_t **scan, apr_pool_t *pool)
{
    sgn_pdf_doc_t *doc;

    MUST(sgn_pdf_scan(scan, document.data, (apr_off_t)document.len, pool));
    MUST(sgn_pdf_doc_open(&doc, *scan, -1, pool));
    return doc;
}

const char *rig_object(sgn_bytes_t document, int num, apr_pool_t *pool)
{
    sgn_buf_t *buf = sgn_buf_make(0, pool);
    sgn_pdf_scan_t *scan;
    sgn_bytes_t bytes;

    sgn_pdf_obj_write(buf, sgn_pdf_doc_object(open_newest(document, &scan, pool), num, 0));
    MUST(sgn_buf_bytes(&bytes, buf));
    return (const char *)bytes.data;
}

int rig_field(sgn_bytes_t document, const char *name, apr_pool_t *pool)
{
    sgn_pdf_scan_t *scan;
    const sgn_pdf_field_t *field = sgn_pdf_doc_field(open_newest(document, &scan, pool), name);

    HOLDS(field);
    return field->num;
}

int rig_page(sgn_bytes_t document, apr_pool_t *pool)
{
    const sgn_pdf_page_t *pages;
    sgn_pdf_scan_t *scan;
    int count;

    MUST(sgn_pdf_doc_pages(&pages, &count, open_newest(document, &scan, pool)));
    return pages[0].num;
}

int rig_root(sgn_bytes_t document, apr_pool_t *pool)
{
    sgn_pdf_scan_t *scan;

    return (int)sgn_pdf_doc_root(open_newest(document, &scan, pool))->number;
}

int rig_form(sgn_bytes_t document, apr_pool_t *pool)
{
    sgn_pdf_scan_t *scan;
    const sgn_pdf_obj_t *form = sgn_pdf_obj_get(sgn_pdf_doc_catalog(open_newest(document, &scan, pool)), "AcroForm");

    HOLDS(form && form->type == SGN_PDF_REF);
    return (int)form->number;
}

int rig_next(sgn_bytes_t document, apr_pool_t *pool)
{
    sgn_pdf_scan_t *scan;

    open_newest(document, &scan, pool);
    return scan->next_num;
}

/* ---- writing -------------------------------------------------------------- */

static sgn_bytes_t finish(sgn_buf_t *buf)
{
    sgn_bytes_t bytes;

    MUST(sgn_buf_bytes(&bytes, buf));
    return bytes;
}

static void put_stream(sgn_buf_t *buf, int num, const char *dict, const char *data)
{
    sgn_buf_printf(buf, "%d 0 obj\n<<%s /Length %lu>>\nstream\n", num, dict, (unsigned long)strlen(data));
    sgn_buf_str(buf, data);
    sgn_buf_str(buf, "\nendstream\nendobj\n");
}

static void put_row(sgn_buf_t *buf, int type, apr_off_t field, int last)
{
    int i;

    sgn_buf_byte(buf, type);
    for (i = 7; i >= 0; i--)
        sgn_buf_byte(buf, (int)((apr_uint64_t)field >> (8 * i)) & 255);
    sgn_buf_byte(buf, last >> 8);
    sgn_buf_byte(buf, last & 255);
}

sgn_bytes_t rig_pdf(const char *kind, size_t padding, apr_pool_t *pool)
{
    static const char *const packed_objects[] = {
        "<</Type/Catalog/Pages 2 0 R/Metadata 7 0 R>>", "<</Type/Pages/Kids[3 0 R]/Count 1>>",
        "<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents 4 0 R/Resources<</Font<</F1 5 0 R>>>>>>"
    };
    int stream = strcmp(kind, "stream") == 0, i;
    sgn_buf_t *buf = sgn_buf_make(512 << 20, pool);
    apr_off_t at[10], xref;
    int packed_at[3];
    char *noise;
    size_t n;

    sgn_buf_str(buf, "%PDF-1.7\n%\xe2\xe3\xcf\xd3\n");
    if (stream) {
        const char *body = apr_pstrcat(pool, packed_objects[0], " ", packed_objects[1], " ", packed_objects[2], NULL);
        const char *head;

        packed_at[0] = 0;
        packed_at[1] = (int)strlen(packed_objects[0]) + 1;
        packed_at[2] = packed_at[1] + (int)strlen(packed_objects[1]) + 1;
        head = apr_psprintf(pool, "1 %d 2 %d 3 %d ", packed_at[0], packed_at[1], packed_at[2]);
        at[8] = (apr_off_t)buf->len;
        put_stream(buf, 8, apr_psprintf(pool, "/Type/ObjStm/N 3/First %lu", (unsigned long)strlen(head)),
                   apr_pstrcat(pool, head, body, NULL));
    } else {
        for (i = 0; i < 3; i++) {
            at[i + 1] = (apr_off_t)buf->len;
            sgn_buf_printf(buf, "%d 0 obj\n%s\nendobj\n", i + 1, packed_objects[i]);
        }
    }
    at[4] = (apr_off_t)buf->len;
    put_stream(buf, 4, "", "BT /F1 13 Tf 80 760 Td (So:       /QD-UBND) Tj ET");
    at[5] = (apr_off_t)buf->len;
    sgn_buf_str(buf, "5 0 obj\n<</Type/Font/Subtype/Type1/BaseFont/Times-Roman>>\nendobj\n");
    noise = apr_palloc(pool, padding + 1);
    for (n = 0; n < padding; n++)
        noise[n] = (char)('a' + (n * 7 + n / 251) % 23);
    noise[padding] = '\0';
    at[6] = (apr_off_t)buf->len;
    put_stream(buf, 6, "", noise);
    at[7] = (apr_off_t)buf->len;
    put_stream(buf, 7, "/Type/Metadata/Subtype/XML", "<?xpacket begin='' id='1'?><x/><?xpacket end='w'?>");
    xref = (apr_off_t)buf->len;
    if (stream) {
        sgn_buf_printf(buf, "9 0 obj\n<</Type/XRef/Size 10/Root 1 0 R/ID[<aa><aa>]/W[1 8 2]/Length 110>>\nstream\n");
        put_row(buf, 0, 0, 65535);
        for (i = 0; i < 3; i++)
            put_row(buf, 2, 8, i);
        for (i = 4; i < 9; i++)
            put_row(buf, 1, at[i], 0);
        put_row(buf, 1, xref, 0);
        sgn_buf_printf(buf, "\nendstream\nendobj\nstartxref\n%ld\n%%%%EOF\n", (long)xref);
    } else {
        sgn_buf_str(buf, "xref\n0 8\n0000000000 65535 f \n");
        for (i = 1; i < 8; i++)
            sgn_buf_printf(buf, "%010ld 00000 n \n", (long)at[i]);
        sgn_buf_printf(buf, "trailer\n<</Size 8/Root 1 0 R/ID[<aa><aa>]>>\nstartxref\n%ld\n%%%%EOF\n", (long)xref);
    }
    return finish(buf);
}

sgn_bytes_t rig_append(sgn_bytes_t document, const rig_object_t *objects, const char *trailer_extra, apr_pool_t *pool)
{
    sgn_buf_t *buf = sgn_buf_make(512 << 20, pool);
    const sgn_pdf_section_t *last;
    sgn_pdf_scan_t *scan;
    apr_off_t at[64], xref;
    int i, count, size;

    open_newest(document, &scan, pool);
    last = &scan->sections[scan->section_count - 1];
    size = scan->next_num;
    sgn_buf_add(buf, document.data, document.len);
    for (count = 0; objects[count].num; count++) {
        at[count] = objects[count].at ? objects[count].at : (apr_off_t)buf->len;
        if (objects[count].num >= size)
            size = objects[count].num + 1;
        if (objects[count].body && !objects[count].at)
            sgn_buf_str(buf, apr_psprintf(pool, "%d 0 obj\n%s\nendobj\n", objects[count].num, objects[count].body));
    }
    xref = (apr_off_t)buf->len;
    if (last->kind == SGN_PDF_XREF_STREAM) {
        sgn_buf_printf(buf, "%d 0 obj\n<</Type/XRef/Size %d/Root %d 0 R/ID[<aa><bb>]/Prev %ld%s/W[1 8 2]/Index[", size, size + 1,
                       (int)sgn_pdf_obj_get(last->trailer, "Root")->number, (long)last->startxref,
                       trailer_extra ? trailer_extra : "");
        for (i = 0; i < count; i++)
            sgn_buf_printf(buf, "%d 1 ", objects[i].num);
        sgn_buf_printf(buf, "%d 1]/Length %d>>\nstream\n", size, 11 * (count + 1));
        for (i = 0; i < count; i++)
            put_row(buf, objects[i].body || objects[i].at, objects[i].body || objects[i].at ? at[i] : 0, 0);
        put_row(buf, 1, xref, 0);
        sgn_buf_str(buf, "\nendstream\nendobj\n");
    } else {
        sgn_buf_str(buf, "xref\n");
        for (i = 0; i < count; i++)
            sgn_buf_printf(buf, "%d 1\n%010ld %05d %c \n", objects[i].num,
                           objects[i].body || objects[i].at ? (long)at[i] : 0L,
                           objects[i].body || objects[i].at ? 0 : 1, objects[i].body || objects[i].at ? 'n' : 'f');
        sgn_buf_printf(buf, "trailer\n<</Size %d/Root %d 0 R/ID[<aa><bb>]/Prev %ld%s>>\n", size,
                       (int)sgn_pdf_obj_get(last->trailer, "Root")->number, (long)last->startxref,
                       trailer_extra ? trailer_extra : "");
    }
    sgn_buf_printf(buf, "startxref\n%ld\n%%%%EOF\n", (long)xref);
    return finish(buf);
}

sgn_bytes_t rig_join(sgn_bytes_t a, const char *text, apr_pool_t *pool)
{
    sgn_buf_t *buf = sgn_buf_make(512 << 20, pool);

    sgn_buf_add(buf, a.data, a.len);
    sgn_buf_str(buf, text);
    return finish(buf);
}

sgn_bytes_t rig_flip(sgn_bytes_t document, size_t at, int mask, apr_pool_t *pool)
{
    sgn_bytes_t copy = sgn_bytes_dup(document, pool);

    HOLDS(at < copy.len);
    ((unsigned char *)copy.data)[at] ^= (unsigned char)mask;
    return copy;
}

sgn_bytes_t rig_replace(sgn_bytes_t document, size_t from, const char *old, const char *text, apr_pool_t *pool)
{
    sgn_bytes_t copy = sgn_bytes_dup(document, pool);
    size_t at = rig_find(copy, from, old);

    HOLDS(at != (size_t)-1 && strlen(old) == strlen(text));
    memcpy((unsigned char *)copy.data + at, text, strlen(text));
    return copy;
}

/* ---- looking -------------------------------------------------------------- */

sgn_error_t *rig_try(sgn_checks_answer_t **out, sgn_bytes_t document, const rig_look_t *how, apr_pool_t *pool)
{
    static const rig_look_t plain;
    const rig_pki_t *pki = rig_pki();
    apr_array_header_t *anchors = apr_array_make(pool, 2, sizeof(sgn_bytes_t));
    apr_array_header_t *stamps = apr_array_make(pool, 2, sizeof(sgn_bytes_t));
    apr_array_header_t *evidence = apr_array_make(pool, 4, sizeof(sgn_checks_evidence_t));
    sgn_checks_input_t input;

    how = how ? how : &plain;
    memset(&input, 0, sizeof input);
    /* exactly sized, so that a sanitizer sees any read behind the end */
    input.document.map = memcpy(malloc(document.len + !document.len), document.data, document.len);
    apr_pool_cleanup_register(pool, input.document.map, (apr_status_t (*)(void *))(void (*)(void))free, apr_pool_cleanup_null);
    input.document.size = (apr_off_t)document.len;
    input.now = how->now ? how->now : pki->now;
    input.receipt = how->receipt;
    if (!how->no_anchors) {
        APR_ARRAY_PUSH(anchors, sgn_bytes_t) = pki->root.der;
        APR_ARRAY_PUSH(stamps, sgn_bytes_t) = pki->tsa_root.der;
    }
    if (!how->no_evidence) {
        APR_ARRAY_PUSH(evidence, sgn_checks_evidence_t) = (sgn_checks_evidence_t){ SGN_REVOCATION_CRL, pki->root_crl };
        APR_ARRAY_PUSH(evidence, sgn_checks_evidence_t) =
            (sgn_checks_evidence_t){ SGN_REVOCATION_CRL, how->ca_crl.len ? how->ca_crl : pki->ca_crl };
        APR_ARRAY_PUSH(evidence, sgn_checks_evidence_t) = (sgn_checks_evidence_t){ SGN_REVOCATION_CRL, pki->tsa_crl };
    }
    input.anchors = anchors;
    input.tsa_anchors = stamps;
    input.evidence = evidence;
    return sgn_checks_run(out, &input, pool);
}

sgn_checks_answer_t *rig_look(sgn_bytes_t document, const rig_look_t *how, apr_pool_t *pool)
{
    sgn_checks_answer_t *answer = NULL;

    MUST(rig_try(&answer, document, how, pool));
    return answer;
}

const sgn_report_signature_t *rig_signature(const sgn_checks_answer_t *answer, int n)
{
    HOLDS(n < answer->report->signatures->nelts);
    return APR_ARRAY_IDX(answer->report->signatures, n, sgn_report_signature_t *);
}

const sgn_checks_fact_t *rig_fact(const sgn_checks_answer_t *answer, int n)
{
    int i;

    for (i = 0; i < answer->facts->nelts; i++)
        if (APR_ARRAY_IDX(answer->facts, i, sgn_checks_fact_t).n == n)
            return &APR_ARRAY_IDX(answer->facts, i, sgn_checks_fact_t);
    HOLDS(!"a fact of that signature");
    return NULL;
}
