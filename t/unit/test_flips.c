/*
 * test_flips.c: no byte of a signed document can be changed without being seen.
 *
 *   test_flips [SHAPE]         a seeded sample of places in every structure
 *   test_flips [--complete] --document FILE --now TIME --anchors PEM --evidence DER...
 *                              in a file of a running site
 *   test_flips --complete ...  every byte, four ways each (minutes)
 * SGN_FLIPS sets how many places the sample has, SGN_SEED which.
 */
#include <time.h>

#include <apr_strings.h>
#include <openssl/pem.h>

#include "base/clock.h"
#include "t/unit/flip_gap.h"
#include "t/unit/flip_rig.h"
#include "t/unit/tap.h"

typedef struct {
    flip_t *flip;
    const char *name;
    flip_tally_t *ranges, *gaps;
    long unexcused, lost;
    apr_pool_t *pool;
} run_t;

static uint64_t state;

static size_t next(size_t below)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (size_t)(state >> 11) % below;
}

static const char *title(const run_t *run, const char *text)
{
    return apr_psprintf(run->pool, "%s: %s", run->name, text);
}

/* The number behind the last startxref: another may be that of an older table. */
static size_t way_in(const sgn_bytes_t *file)
{
    size_t at = file->len > 9 ? file->len - 9 : 0;

    while (at > 0 && memcmp(file->data + at, "startxref", 9) != 0)
        at--;
    return at;
}

/* The bytes that lead to a signature, without which nobody finds it: the header
 * (else it is no PDF), the newest startxref, the objects that are the signature
 * and its field. */
static int leads_to_signature(const run_t *run, size_t at)
{
    const sgn_bytes_t *file = &run->flip->original;
    size_t from = at > 6 ? at - 6 : 0, to = at;

    if (at < 5 || at >= way_in(file))
        return 1;
    while (from > 0 && memcmp(file->data + from, "endobj", 6) != 0)
        from--;
    while (to + 6 < file->len && memcmp(file->data + to, "endobj", 6) != 0)
        to++;
    return memmem(file->data + from, to - from, "/ByteRange", 10) || memmem(file->data + from, to - from, "/FT /Sig", 8);
}

static void try_one(run_t *run, size_t at, flip_how_t how)
{
    flip_result_t result = flip_rig_try(run->flip, at, how);
    const char *why;

    if (flip_rig_gap(run->flip, at) < 0) {
        flip_rig_count(run->ranges, at, result);
        if (result.outcome == FLIP_OPEN && !leads_to_signature(run, at)) {
            run->lost++;
            printf("# %s: byte %lu, way %d: %s\n", run->name, (unsigned long)at, (int)how, result.why);
        }
        return;
    }
    if (result.outcome == FLIP_PASSED) {
        why = flip_gap_meaningless(run->flip, at, how);
        if (!why) {
            run->unexcused++;
            printf("# %s: byte %lu, way %d passes: DER %s\n", run->name, (unsigned long)at, (int)how,
                   flip_gap_path(run->flip, at, run->flip->scratch));
        }
        result.why = apr_pstrcat(run->flip->scratch, "passes: ", why ? why : "?", NULL);
    }
    flip_rig_count(run->gaps, at, result);
}

/* ---- cut, and with bytes behind it ---------------------------------------- */

static void try_ends(run_t *run)
{
    static const char *const tails[] = { "x", "%", "%%EOF", "\n%%EOF\n", "startxref\n0\n%%EOF\n", "\n1 0 obj\n<<>>\nendobj\n",
                                         "trailer<<>>", "\xff", "junk junk junk" };
    const sgn_bytes_t *file = &run->flip->original;
    char *more = apr_palloc(run->pool, file->len + 64);
    int i, passed = 0;

    for (i = 0; i < 200; i++)
        passed += flip_rig_look(run->flip, sgn_bytes(file->data, file->len * (size_t)i / 200)).outcome == FLIP_PASSED;
    for (i = 2; i < 40; i++)
        passed += flip_rig_look(run->flip, sgn_bytes(file->data, file->len - (size_t)i)).outcome == FLIP_PASSED;
    is_int(passed, 0, title(run, "cut at every two-hundredth and in its last bytes, it never passes"));
    memcpy(more, file->data, file->len);
    for (passed = 0, i = 0; i < (int)(sizeof tails / sizeof *tails); i++) {
        memcpy(more + file->len, tails[i], strlen(tails[i]));
        if (flip_rig_look(run->flip, sgn_bytes(more, file->len + strlen(tails[i]))).outcome != FLIP_PASSED)
            continue;
        passed++;
        printf("# passes with \"%s\" behind its end\n", tails[i]);
    }
    is_int(passed, 0, title(run, "with anything but white space behind its end it never passes"));
}

/* ---- one document --------------------------------------------------------- */

static void sample(run_t *run, long places)
{
    size_t at;

    for (; places > 0; places--) {
        do
            at = next(run->flip->original.len);
        while (flip_rig_gap(run->flip, at) >= 0);
        try_one(run, at, (flip_how_t)next(FLIP_HOWS));
        if (places % 3 == 0) {
            const apr_int64_t *range = run->flip->signatures[next((size_t)run->flip->count)].range;

            /* mostly where the CMS is, not in the padding */
            try_one(run, (size_t)range[1] + next((size_t)(range[2] - range[1]) / (places % 4 ? 5 : 1)), FLIP_BIT);
        }
    }
}

/* Padding behind the CMS is tried at every sixteenth place, the data of streams
 * and the CMS in one way: they are all alike. */
static void complete(run_t *run)
{
    const unsigned char *data = run->flip->original.data;
    size_t at, len = run->flip->original.len, told = 0;
    time_t began = time(NULL);
    int how, in_stream = 0;

    for (at = 0; at < len; at++) {
        int in_gap = flip_rig_gap(run->flip, at) >= 0;

        if (at + 9 < len && memcmp(data + at, "endstream", 9) == 0)
            in_stream = 0;
        else if (at > 7 && memcmp(data + at - 7, "stream\n", 7) == 0 && memcmp(data + at - 10, "end", 3) != 0)
            in_stream = 1;
        if (in_gap && at % 16 && data[at] == '0' && !*flip_gap_path(run->flip, at, run->flip->scratch))
            continue;
        for (how = FLIP_BIT; how < (in_gap || in_stream ? FLIP_ZERO : FLIP_HOWS); how++)
            try_one(run, at, (flip_how_t)how);
        if (at * 100 / len != told) {
            told = at * 100 / len;
            fprintf(stderr, "\r%s: %lu %% of %lu bytes, %ld s ", run->name, (unsigned long)told, (unsigned long)len, (long)(time(NULL) - began));
        }
    }
    fprintf(stderr, "\r%-70s\r", "");
}

static void one_document(flip_t *flip, const char *name, long places, apr_pool_t *pool)
{
    run_t run = { flip, name, flip_rig_tally(pool), flip_rig_tally(pool), 0, 0, pool };

    if (places)
        sample(&run, places);
    else
        complete(&run);
    printf("# %s: %lu bytes; signed ranges: %ld fail by name, %ld do not pass; gaps: %ld fail, %ld do not pass, %ld mean nothing\n", name,
           (unsigned long)flip->original.len, flip_rig_counted(run.ranges, FLIP_FAILED), flip_rig_counted(run.ranges, FLIP_OPEN),
           flip_rig_counted(run.gaps, FLIP_FAILED), flip_rig_counted(run.gaps, FLIP_OPEN), flip_rig_counted(run.gaps, FLIP_PASSED));
    if (!places || flip_rig_counted(run.ranges, FLIP_PASSED)) {
        flip_rig_print(run.ranges, flip, FLIP_PASSED);
        flip_rig_print(run.ranges, flip, FLIP_OPEN);
        flip_rig_print(run.gaps, flip, FLIP_PASSED);
    }
    ok(flip_rig_counted(run.ranges, FLIP_FAILED) > 0, title(&run, "changed bytes fail the signature by name"));
    is_int(flip_rig_counted(run.ranges, FLIP_PASSED), 0, title(&run, "no byte of a signed range can be changed and pass"));
    is_int(run.lost, 0, title(&run, "each fails by name, but those of the header, of the newest startxref, of the signature and of its field"));
    is_int(run.unexcused, 0, title(&run, "in a gap only what means nothing can be changed and pass"));
    try_ends(&run);
}

/* ---- a file of a running site --------------------------------------------- */

static sgn_bytes_t slurp(const char *path, apr_pool_t *pool)
{
    FILE *file = fopen(path, "rb");
    unsigned char *data;
    long size;

    if (!file || fseek(file, 0, SEEK_END) != 0 || (size = ftell(file)) <= 0) {
        printf("Bail out! %s cannot be read\n", path);
        exit(2);
    }
    rewind(file);
    data = apr_palloc(pool, (size_t)size);
    size = (long)fread(data, 1, (size_t)size, file);
    fclose(file);
    return sgn_bytes(data, (size_t)size);
}

static void add_certificates(apr_array_header_t *list, const char *path, apr_pool_t *pool)
{
    FILE *file = fopen(path, "r");
    unsigned char *der;
    X509 *cert;
    int len;

    while (file && (cert = PEM_read_X509(file, NULL, NULL, NULL)) != NULL) {
        der = NULL;
        len = i2d_X509(cert, &der);
        APR_ARRAY_PUSH(list, sgn_bytes_t) = sgn_bytes_dup(sgn_bytes(der, (size_t)len), pool);
        OPENSSL_free(der);
        X509_free(cert);
    }
    if (file)
        fclose(file);
}

static void from_file(int argc, char **argv, int at, long places, apr_pool_t *pool)
{
    apr_array_header_t *anchors = apr_array_make(pool, 4, sizeof(sgn_bytes_t)), *evidence = apr_array_make(pool, 4, sizeof(sgn_checks_evidence_t));
    sgn_checks_input_t input = { .anchors = anchors, .tsa_anchors = anchors, .intermediates = anchors, .evidence = evidence };
    const char *document = NULL;

    for (; at + 1 < argc; at += 2) {
        const char *word = argv[at], *value = argv[at + 1];

        if (strcmp(word, "--document") == 0) {
            document = value;
        } else if (strcmp(word, "--now") == 0) {
            is_code(sgn_clock_parse(&input.now, value, pool), SGN_OK, "the time is a time");
        } else if (strcmp(word, "--anchors") == 0) {
            add_certificates(anchors, value, pool);
        } else if (strcmp(word, "--evidence") == 0) {
            const char *dot = strrchr(value, '.');

            APR_ARRAY_PUSH(evidence, sgn_checks_evidence_t) = (sgn_checks_evidence_t){
                dot && strcmp(dot, ".crl") == 0 ? SGN_REVOCATION_CRL : SGN_REVOCATION_OCSP, slurp(value, pool) };
        }
    }
    one_document(flip_rig_open(slurp(document ? document : "", pool), &input, pool), strrchr(document, '/') ? strrchr(document, '/') + 1 : document, places, pool);
}

int main(int argc, char **argv)
{
    const char *places = getenv("SGN_FLIPS"), *seed = getenv("SGN_SEED");
    int whole = argc > 1 && strcmp(argv[1], "--complete") == 0, first = 1 + whole, i;
    int has_file = argc > first && argv[first][0] == '-';
    long count = whole ? 0 : places ? atol(places) : 200;
    apr_pool_t *pool;

    state = seed ? strtoull(seed, NULL, 10) | 1 : 88172645463325252ULL;
    for (i = 0; flip_rig_shapes[i] && !has_file; i++) {
        if (argc > first && strcmp(argv[first], flip_rig_shapes[i]) != 0)
            continue;
        apr_pool_create(&pool, tap_pool());
        one_document(flip_rig_open_sample(flip_rig_shapes[i], pool), flip_rig_shapes[i], count, pool);
        apr_pool_destroy(pool);
    }
    if (has_file) {
        apr_pool_create(&pool, tap_pool());
        from_file(argc, argv, first, count, pool);
        apr_pool_destroy(pool);
    }
    return done_testing();
}
