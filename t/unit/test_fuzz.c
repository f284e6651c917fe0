/*
 * test_fuzz.c: everything that reads strangers' bytes, under a flood of changed
 * inputs; the sanitizers watch, and nothing may take long.
 *
 *   test_fuzz                          some hundred rounds of every target
 *   test_fuzz TARGET...                only these
 * SGN_FUZZ_SECONDS: per target, instead of a number of rounds.  SGN_SEED: other
 * inputs.  SGN_FUZZ_ROUND: that round alone (a finding says which it was), its
 * input is written to fuzz-TARGET-ROUND.
 */
#include <signal.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include <apr_strings.h>
#include <png.h>

#include "dtbs/der.h"
#include "dtbs/jsonbuf.h"
#include "dtbs/jws.h"
#include "look/format/pdf_image.h"
#include "look/format/pdf_obj.h"
#include "look/pki/cms.h"
#include "look/pki/ocsp.h"
#include "look/pki/tsp.h"
#include "t/unit/flip_rig.h"
#include "t/unit/fuzz_mutate.h"
#include "t/unit/tap.h"
#include "wire/config.h"
#include "wire/wire.h"

#define SLOW 10                     /* seconds of processor time for one round, with sanitizers */
#define SEEDS 16

typedef struct {
    const char *name;
    int rounds;                     /* without SGN_FUZZ_SECONDS */
    const char *const *words;
    void (*make)(apr_pool_t *pool);
    void (*run)(sgn_bytes_t input, fuzz_random_t *random, apr_pool_t *pool);
} target_t;

static sgn_bytes_t seeds[SEEDS];
static int seed_count;

static void add_seed(sgn_bytes_t bytes)
{
    if (seed_count < SEEDS)
        seeds[seed_count++] = bytes;
}

/* ---- PDF ------------------------------------------------------------------ */

static const char *const pdf_words[] = {
    "/ByteRange", "/Contents<", "/Contents ", "/Prev ", "/XRefStm ", "/Size ", "/W[", "/Index[", "/Filter/FlateDecode", "/Filter[/FlateDecode/FlateDecode]",
    "/DecodeParms<<", "/Predictor 12", "/Columns ", "/Length ", "/Length 0", "/Type/ObjStm", "/Type/XRef", "/Type/Sig", "/Type/Catalog", "/Type/Page",
    "/Kids[", "/Parent ", "/AcroForm", "/Fields[", "/FT/Sig", "/FT/Tx", "/V ", "/T(", "/Annots[", "/DSS", "/VRI", "/Perms", "/DocMDP", "/FieldMDP", "/Lock",
    "/Reference[", "/Extends ", "/N ", "/First ", "/Root ", "/Encrypt ", "/Encrypt<<>>", "/ID[", "/MediaBox[", "/Rotate 90", "/UserUnit 1e9", "/Metadata ",
    " obj", "endobj", "stream\n", "endstream", "xref\n", "trailer", "startxref\n", "%%EOF\n", " 0 R", " R", "<<", ">>", "[", "]", "(", ")", "<", ">", "null", "true",
    " 1 0 R", " 65535 f", " 00000 n ", "#00", "\\", "/sgn_number", "(sgn_number)", "(sgn_seal)", NULL };

static void make_pdf(apr_pool_t *pool)
{
    int i;

    for (i = 0; flip_rig_shapes[i]; i++) {
        add_seed(flip_rig_unsigned(flip_rig_shapes[i], pool));
        add_seed(flip_rig_sample(flip_rig_shapes[i], pool));
    }
    add_seed(rig_stamp(flip_rig_sample("table", pool), rig_pki()->now, pool));
}

static void run_look(sgn_bytes_t input, fuzz_random_t *random, apr_pool_t *pool)
{
    rig_look_t how = { 0 };
    sgn_checks_answer_t *answer;

    (void)random;
    if (!rig_try(&answer, input, &how, pool))
        sgn_json_print(sgn_report_json(answer->report, pool), pool);
}

static void run_prepare(sgn_bytes_t input, fuzz_random_t *random, apr_pool_t *pool)
{
    static const char *const lines[] = { "Ký bởi: Nguyễn Văn An", "dòng hai", NULL };
    const sgn_format_document_t document = { input.data, (apr_off_t)input.len };
    const sgn_format_box_t box = { 1, 1 - 2 * (int)fuzz_next(random, 2), 100, 500, 60, 20 };
    sgn_format_prepare_t what = { .now = rig_pki()->now, .kind = "approve", .field = "sgn_person_2", .signer_name = "Ấ", .box = box, .lines = (const char **)lines };
    sgn_format_prepared_t *prepared;
    sgn_format_list_t *list;

    if (fuzz_next(random, 2)) {
        what.reserve_number = what.reserve_day = what.reserve_month = what.reserve_seal = box;
        what.reserve_day.x = 300;
        what.reserve_month.x = 400;
        what.reserve_seal.y = 100;
    } else if (fuzz_next(random, 2)) {
        what.field = "sgn_seal";
        what.fill_field = 1;
        what.fill_number = "07";
        what.fill_day = "21";
        what.fill_month = "11";
    }
    (void)!sgn_format_pdf.list(&list, &document, pool);
    (void)!sgn_format_pdf.prepare(&prepared, &document, &what, pool);
}

/* ---- DER ------------------------------------------------------------------ */

static const char *const der_words[] = { "\x30\x80", "\x30\x82\xff\xff", "\x30\x84\xff\xff\xff\xff", "\x06\x01\x80", "\x06\x00", "\x05\x00", "\x03\x01\x00", "\x02\x00",
    "\x04\x00", "\x31\x00", "\x17\x0d", "\x18\x0f", "\xa0\x80", "\x1f\xff", "\x0c\x03\xff\xff\xff", NULL };

static void make_der(apr_pool_t *pool)
{
    const rig_pki_t *pki = rig_pki();
    const flip_t *flip = flip_rig_open_sample("table", pool);
    int i;

    add_seed(pki->leader.der);
    add_seed(pki->seal_a.der);
    add_seed(pki->ca.der);
    add_seed(pki->root_crl);
    add_seed(rig_crl(pki, &pki->revoked, pki->now, 1, pki->now, pool));
    for (i = 0; i < flip->count; i++) {
        const sgn_checks_fact_t *fact = rig_fact(rig_look(flip->original, NULL, pool), i);
        sgn_bytes_t padded = sgn_bytes(NULL, 0), der;
        const sgn_pdf_obj_t *hex;
        sgn_pdf_lex_t lex = sgn_pdf_lex_at(flip->original.data, (size_t)fact->range[1], (size_t)fact->range[2]);

        if (!sgn_pdf_obj_parse(&hex, &lex, pool))
            padded = hex->text;
        if (!sgn_cms_trim(&der, padded, pool))
            add_seed(der);
        add_seed(fact->dtbs);
        add_seed(fact->value);
    }
}

static void run_der(sgn_bytes_t input, fuzz_random_t *random, apr_pool_t *pool)
{
    unsigned char buffer[SGN_SIGNEDATTRS_MAX];
    sgn_signedattrs_t attrs;
    sgn_tsp_token_t *token;
    sgn_cert_t *cert;
    sgn_crl_t *crl;
    sgn_ocsp_t *ocsp;
    sgn_bytes_t a, b;
    sgn_cms_t *cms;
    sgn_der_t in = sgn_der(input.data, input.len), content, whole;
    unsigned tag;

    (void)random;
    while (!sgn_der_any(&in, &tag, &content, &whole))
        sgn_der_oid_text((char *)buffer, sizeof buffer, content);
    (void)sgn_signedattrs_parse(&attrs, input.data, input.len);
    (void)sgn_signedattrs_survey(&attrs, input.data, input.len);
    (void)sgn_der_to_rs(buffer, 32, input.data, input.len);
    if (!sgn_cert_parse(&cert, input, pool)) {
        sgn_cert_usage(cert);
        sgn_cert_strength(cert);
    }
    (void)!sgn_crl_parse(&crl, input, pool);
    (void)!sgn_ocsp_parse(&ocsp, input, pool);
    (void)!sgn_ocsp_request_read(&a, &b, input, pool);
    (void)!sgn_tsp_parse(&token, input, pool);
    (void)!sgn_cms_trim(&a, input, pool);
    if (!sgn_cms_parse(&cms, input, pool)) {
        sgn_cms_check_t check;

        (void)!sgn_cms_check(&check, cms, sgn_bytes(buffer, 32), pool);
    }
}

/* ---- JSON and the wire ---------------------------------------------------- */

static const char *const json_words[] = { "{", "}", "[", "]", "\"", ":", ",", "null", "true", "1e999", "-0", "0x1", "\\u0000", "\\ud800", "\\udc00", "\xff", "\xed\xa0\x80",
    "\"v\":1", "\"v\":2", "@60000", "@-1", "@99999999999999999999", "\"op\":", "\"args\":{}", "9223372036854775808", NULL };

static void make_json(apr_pool_t *pool)
{
    static const char *const texts[] = {
        "{\"v\":1,\"build\":\"x\",\"op\":\"jobs.create\",\"user\":\"a\",\"lang\":\"vi\",\"args\":{\"n\":\"1\"},\"body\":{\"items\":[{\"kind\":\"seal\",\"x\":1.5e3}]},"
        "\"documents\":[{\"name\":\"Quy\\u1ebft.pdf\",\"size\":12}]}",
        "{\"v\":1,\"server\":{\"SignVNStateDir\":\"/x\",\"SignVNMaxDocument\":67108864,\"SignVNTrustAnchors\":\"/a\"},\"agencies\":[{\"code\":\"H57.28\",\"name\":\"A\"}]}",
        "{\"a\":[1,-2.5e3,{\"b\":\"\\ud83d\\ude00 Qu\\u1ebft\"}],\"c\":null,\"dd\":{\"e\":true,\"f\":\"\\n\"},\"g\":\"YWJj\"}", "@1234" };
    size_t i;

    for (i = 0; i < sizeof texts / sizeof *texts; i++)
        add_seed(sgn_bytes_str(apr_pstrdup(pool, texts[i])));
}

static void run_json(sgn_bytes_t input, fuzz_random_t *random, apr_pool_t *pool)
{
    unsigned char payload[4096];
    sgn_wire_message_t *message;
    sgn_jsonbuf_node_t nodes[64];
    sgn_config_t *config;
    sgn_jsonbuf_t buffer;
    json_t *json;
    sgn_jws_t jws;
    int ends[2];

    (void)random;
    (void)sgn_jsonbuf_parse(&buffer, (const char *)input.data, input.len, nodes, 64);
    (void)sgn_jws_parse(&jws, (const char *)input.data, input.len, SGN_JWS_TYP_PROOF, payload, sizeof payload);
    if (!sgn_json_parse(&json, input, 1 << 20, pool) && !sgn_config_decode(&config, json, pool))
        (void)!sgn_config_check(config, pool);
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
        return;
    if (send(ends[0], input.data, input.len, MSG_NOSIGNAL | MSG_DONTWAIT) >= 0)
        (void)!sgn_wire_receive(&message, ends[1], 0, pool);
    close(ends[0]);
    close(ends[1]);
}

/* ---- PNG ------------------------------------------------------------------ */

static const char *const png_words[] = { "IHDR", "PLTE", "tRNS", "IDAT", "IEND", "iCCP", "zTXt", "iTXt", "gAMA", "sRGB", "eXIf", "\x7f\xff\xff\xff", "\xff\xff\xff\xff", "acTL", NULL };

static void make_png(apr_pool_t *pool)
{
    static const unsigned formats[] = { PNG_FORMAT_RGBA, PNG_FORMAT_RGB, PNG_FORMAT_GRAY, PNG_FORMAT_GA };
    unsigned char pixels[40 * 40 * 4], *out;
    png_image image;
    png_alloc_size_t size;
    size_t i;

    for (i = 0; i < sizeof pixels; i++)
        pixels[i] = (unsigned char)(i * 37 ^ i / 160);
    for (i = 0; i < sizeof formats / sizeof *formats; i++) {
        memset(&image, 0, sizeof image);
        image.version = PNG_IMAGE_VERSION;
        image.width = image.height = 40;
        image.format = formats[i];
        size = 1 << 16;
        out = apr_palloc(pool, size);
        if (png_image_write_to_memory(&image, out, &size, 0, pixels, 0, NULL))
            add_seed(sgn_bytes(out, size));
    }
}

/* Changed bytes would all end at the checksum: it is made right again. */
static void mend_png(sgn_bytes_t png)
{
    unsigned char *data = (unsigned char *)png.data;
    size_t at = 8, i;
    int k;

    while (at + 12 <= png.len) {
        size_t len = (size_t)data[at] << 24 | (size_t)data[at + 1] << 16 | (size_t)data[at + 2] << 8 | data[at + 3];
        uint32_t crc = 0xffffffffu;

        if (len > png.len - at - 12)
            return;
        for (i = at + 4; i < at + 8 + len; i++)
            for (crc ^= data[i], k = 0; k < 8; k++)
                crc = crc & 1 ? crc >> 1 ^ 0xedb88320u : crc >> 1;
        for (k = 0; k < 4; k++)
            data[at + 8 + len + (size_t)k] = (unsigned char)(~crc >> (24 - 8 * k));
        at += len + 12;
    }
}

static void run_png(sgn_bytes_t input, fuzz_random_t *random, apr_pool_t *pool)
{
    sgn_pdf_image_t *image;
    sgn_bytes_t packed;

    if (fuzz_next(random, 4))
        mend_png(input);
    if (sgn_pdf_image_read(&image, input, pool))
        return;
    (void)!sgn_pdf_image_admit(image, SGN_PDF_IMAGE_SIGNATURE, pool);
    (void)!sgn_pdf_image_admit(image, SGN_PDF_IMAGE_SEAL, pool);
    (void)!sgn_pdf_image_pack_rgb(&packed, sgn_pdf_image_shrink(image, 1 + (int)fuzz_next(random, 50), 3, pool), pool);
    (void)!sgn_pdf_image_pack_alpha(&packed, image, (int)fuzz_next(random, 2), pool);
}

/* ---- rounds --------------------------------------------------------------- */

static const target_t targets[] = {
    { "look", 250, pdf_words, make_pdf, run_look }, { "prepare", 150, pdf_words, make_pdf, run_prepare },
    { "der", 1500, der_words, make_der, run_der }, { "json", 4000, json_words, make_json, run_json },
    { "png", 600, png_words, make_png, run_png },
};

static char running[64];

static void too_slow(int signal)
{
    static const char text[] = "Bail out! too slow: ";

    (void)signal;
    if (write(1, text, sizeof text - 1) < 0 || write(1, running, strlen(running)) < 0 || write(1, "\n", 1) < 0)
        _exit(3);
    abort();
}

static void one_round(const target_t *target, uint64_t seed, long round, int keep, apr_pool_t *pool)
{
    fuzz_random_t random = fuzz_random(seed, (uint64_t)round);
    sgn_bytes_t from = seeds[fuzz_next(&random, (size_t)seed_count)], other = seeds[fuzz_next(&random, (size_t)seed_count)];
    sgn_bytes_t input = fuzz_mutate(&random, from, other, target->words);

    if (keep) {
        FILE *file = fopen(apr_psprintf(pool, "fuzz-%s-%ld", target->name, round), "wb");

        if (file) {
            fwrite(input.data, 1, input.len, file);
            fclose(file);
        }
    }
    snprintf(running, sizeof running, "%s, seed %llu, round %ld", target->name, (unsigned long long)seed, round);
    /* processor time: others may keep this machine busy */
    setitimer(ITIMER_PROF, &(struct itimerval){ .it_value.tv_sec = SLOW }, NULL);
    target->run(input, &random, pool);
    setitimer(ITIMER_PROF, &(struct itimerval){ .it_value.tv_sec = 0 }, NULL);
    free((void *)input.data);
}

static void flood(const target_t *target, uint64_t seed)
{
    const char *seconds = getenv("SGN_FUZZ_SECONDS"), *only = getenv("SGN_FUZZ_ROUND");
    time_t end = seconds ? time(NULL) + atol(seconds) : 0;
    apr_pool_t *pool, *scratch;
    long round;

    apr_pool_create(&pool, tap_pool());
    apr_pool_create(&scratch, pool);
    seed_count = 0;
    target->make(pool);
    for (round = only ? atol(only) : 0; only ? round == atol(only) : end ? time(NULL) < end : round < target->rounds; round++) {
        apr_pool_clear(scratch);
        one_round(target, seed, round, only != NULL, scratch);
    }
    ok(seed_count > 0 && round > 0, apr_psprintf(pool, "%s: changed inputs do no harm and take no time", target->name));
    printf("# %s: %ld rounds\n", target->name, round);
    apr_pool_destroy(pool);
}

int main(int argc, char **argv)
{
    const char *seed = getenv("SGN_SEED");
    size_t i;
    int k;

    signal(SIGPROF, too_slow);
    for (i = 0; i < sizeof targets / sizeof *targets; i++) {
        for (k = 1; k < argc && strcmp(argv[k], targets[i].name) != 0; k++)
            ;
        if (argc == 1 || k < argc)
            flood(&targets[i], seed ? strtoull(seed, NULL, 10) : 1);
    }
    return done_testing();
}
