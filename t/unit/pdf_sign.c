/*
 * pdf_sign: signs a PDF with a key file, for tests and for looking at it.
 *   pdf_sign IN OUT CERT.pem KEY.pem ARGS.json
 * ARGS.json is the argument object of task "prepare"; "@name" as image reads
 * that PNG file.  Prints the answer; exit 1 and the code when refused.
 */
#include "pdf_rig.h"

#include <time.h>

#include "look/format/pdf_font.h"

int main(int argc, char **argv)
{
    apr_pool_t *pool = tap_pool();
    json_t *args, *answer;
    const char *image;
    sgn_error_t *error;
    sgn_bytes_t document, done;
    struct timespec before, after;
    X509 *certificate = NULL;
    EVP_PKEY *key = NULL;
    FILE *file;

    if (argc != 6)
        return fprintf(stderr, "usage: pdf_sign IN OUT CERT KEY ARGS\n"), 2;
    error = sgn_pdf_font_load(SGN_PDF_FONT_PATH, pool);
    document = rig_read(argv[1]);
    args = json_load_file(argv[5], 0, NULL);
    if (error || !args)
        return fprintf(stderr, "%s\n", error ? error->detail : "ARGS"), 2;
    image = json_string_value(json_object_get(args, "image"));
    if (image && *image == '@')
        sgn_json_set_bytes(args, "image", rig_read(image + 1), pool);
    if ((file = fopen(argv[3], "r"))) {
        certificate = PEM_read_X509(file, NULL, NULL, NULL);
        fclose(file);
    }
    if ((file = fopen(argv[4], "r"))) {
        key = PEM_read_PrivateKey(file, NULL, NULL, NULL);
        fclose(file);
    }
    clock_gettime(CLOCK_MONOTONIC, &before);
    error = rig_prepare(&answer, document, args, pool);
    clock_gettime(CLOCK_MONOTONIC, &after);
    if (error) {
        printf("%s: %s\n", sgn_error_row(error->code)->name, error->detail);
        return 1;
    }
    printf("%s\nprepare %.3f ms\n", sgn_json_print(answer, pool),
           (double)(after.tv_sec - before.tv_sec) * 1e3 + (double)(after.tv_nsec - before.tv_nsec) / 1e6);
    done = rig_finish(document, answer, certificate, key, pool);
    file = fopen(argv[2], "w");
    if (!file || fwrite(done.data, 1, done.len, file) != done.len || fclose(file) != 0)
        return 2;
    return 0;
}
