/* flip_samples.c: signed documents in every structure that offices send. */
#include "t/unit/flip_rig.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <apr_strings.h>
#include <qpdf/qpdf-c.h>

#define HOLDS(what) do { if (!(what)) { printf("Bail out! flips: %s (line %d)\n", #what, __LINE__); fflush(NULL); _exit(2); } } while (0)
#define HOUR apr_time_from_sec(3600)

const char *const flip_rig_shapes[] = { "table", "stream", "hybrid", "linearized", "linearized-stream", NULL };

/* qpdf writes what the rig does not: linearized, with compressed object streams. */
static sgn_bytes_t rewrite(sgn_bytes_t plain, enum qpdf_object_stream_e streams, apr_pool_t *pool)
{
    qpdf_data q = qpdf_init();
    sgn_bytes_t out;

    HOLDS(!(qpdf_read_memory(q, "plain", (const char *)plain.data, plain.len, NULL) & QPDF_ERRORS));
    HOLDS(!(qpdf_init_write_memory(q) & QPDF_ERRORS));
    qpdf_set_linearization(q, QPDF_TRUE);
    qpdf_set_deterministic_ID(q, QPDF_TRUE);
    qpdf_set_object_stream_mode(q, streams);
    HOLDS(!(qpdf_write(q) & QPDF_ERRORS));
    out = sgn_bytes_dup(sgn_bytes(qpdf_get_buffer(q), qpdf_get_buffer_length(q)), pool);
    qpdf_cleanup(&q);
    return out;
}

/* As Word writes it: a table for old readers, and what only new readers want
 * (here the outlines) in an object stream behind /XRefStm. */
static sgn_bytes_t hybrid(apr_pool_t *pool)
{
    static const char *const objects[] = {
        "<</Type/Catalog/Pages 2 0 R/Outlines 6 0 R>>", "<</Type/Pages/Kids[3 0 R]/Count 1>>",
        "<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents 4 0 R/Resources<</Font<</F1 5 0 R>>>>>>",
        "<</Length 50>>\nstream\nBT /F1 13 Tf 80 760 Td (So:       /QD-UBND) Tj ET \nendstream",
        "<</Type/Font/Subtype/Type1/BaseFont/Times-Roman>>" };
    static const char packed[] = "6 0 <</Type/Outlines/Count 0>>";
    sgn_buf_t *buf = sgn_buf_make(0, pool);
    apr_off_t at[9], table;
    sgn_bytes_t out;
    int i;

    sgn_buf_str(buf, "%PDF-1.5\n%\xe2\xe3\xcf\xd3\n");
    for (i = 1; i <= 5; i++) {
        at[i] = (apr_off_t)buf->len;
        sgn_buf_printf(buf, "%d 0 obj\n", i);
        sgn_buf_str(buf, objects[i - 1]);
        sgn_buf_str(buf, "\nendobj\n");
    }
    at[7] = (apr_off_t)buf->len;
    sgn_buf_printf(buf, "7 0 obj\n<</Type/ObjStm/N 1/First 4/Length %d>>\nstream\n%s\nendstream\nendobj\n", (int)sizeof packed - 1, packed);
    at[8] = (apr_off_t)buf->len;
    sgn_buf_str(buf, "8 0 obj\n<</Type/XRef/Size 9/W[1 2 1]/Index[6 2]/Root 1 0 R/Length 8>>\nstream\n");
    for (i = 0; i < 8; i++)
        sgn_buf_byte(buf, (const int[]){ 2, 0, 7, 0, 1, (int)at[7] >> 8, (int)at[7] & 255, 0 }[i]);
    sgn_buf_str(buf, "\nendstream\nendobj\n");
    table = (apr_off_t)buf->len;
    sgn_buf_str(buf, "xref\n0 9\n0000000006 65535 f \n");
    for (i = 1; i <= 8; i++)
        sgn_buf_printf(buf, i == 6 || i == 7 ? "%010ld 65535 f \n" : "%010ld 00000 n \n", i == 6 ? 7L : i == 7 ? 0L : (long)at[i]);
    sgn_buf_printf(buf, "trailer\n<</Size 9/Root 1 0 R/ID[<aa><aa>]/XRefStm %ld>>\nstartxref\n%ld\n%%%%EOF\n", (long)at[8], (long)table);
    HOLDS(!sgn_buf_bytes(&out, buf));
    return out;
}

sgn_bytes_t flip_rig_unsigned(const char *shape, apr_pool_t *pool)
{
    if (strcmp(shape, "hybrid") == 0)
        return hybrid(pool);
    if (strcmp(shape, "linearized") == 0)
        return rewrite(rig_pdf("table", 700, pool), qpdf_o_disable, pool);
    if (strcmp(shape, "linearized-stream") == 0)
        return rewrite(rig_pdf("table", 700, pool), qpdf_o_generate, pool);
    return rig_pdf(shape, 700, pool);
}

sgn_bytes_t flip_rig_sample(const char *shape, apr_pool_t *pool)
{
    const rig_pki_t *pki = rig_pki();
    sgn_bytes_t approved = rig_sign(flip_rig_unsigned(shape, pool),
        &(rig_sign_t){ .who = &pki->leader, .kind = "approve", .field = "sgn_person_1", .reserve = 1, .stamp = pki->now - HOUR }, pool);

    return rig_sign(approved,
        &(rig_sign_t){ .who = &pki->seal_a, .kind = "seal", .field = "sgn_seal", .fill = 1, .number = "07", .day = "21", .month = "11",
                       .stamp = pki->now - HOUR / 2, .person = rig_fact(rig_look(approved, NULL, pool), 0)->value }, pool);
}

flip_t *flip_rig_open_sample(const char *shape, apr_pool_t *pool)
{
    const rig_pki_t *pki = rig_pki();
    apr_array_header_t *anchors = apr_array_make(pool, 1, sizeof(sgn_bytes_t)), *stamps = apr_array_make(pool, 1, sizeof(sgn_bytes_t));
    apr_array_header_t *evidence = apr_array_make(pool, 3, sizeof(sgn_checks_evidence_t));
    const sgn_bytes_t *lists[] = { &pki->root_crl, &pki->ca_crl, &pki->tsa_crl };
    sgn_checks_input_t input = { .now = pki->now, .anchors = anchors, .tsa_anchors = stamps, .evidence = evidence };
    int i;

    APR_ARRAY_PUSH(anchors, sgn_bytes_t) = pki->root.der;
    APR_ARRAY_PUSH(stamps, sgn_bytes_t) = pki->tsa_root.der;
    for (i = 0; i < 3; i++)
        APR_ARRAY_PUSH(evidence, sgn_checks_evidence_t) = (sgn_checks_evidence_t){ SGN_REVOCATION_CRL, *lists[i] };
    return flip_rig_open(flip_rig_sample(shape, pool), &input, pool);
}
