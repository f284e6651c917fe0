/* cmd_verify.c: signvn verify: documents looked at in a worker of its own,
 * without keeper and without bindings.  Exit 0 all passed, 1 some did not, 2
 * some could not be looked at. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <apr_strings.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/pool.h"
#include "cli/cli.h"
#include "crypto/digest.h"
#include "office/judge/judge.h"
#include "office/judge/report_html.h"

#define EVIDENCE_LIMIT ((size_t)64 << 20)

static const char use[] = "verify FILE... [--json] [--evidence FILE]... [--anchors FILE] [--intermediates FILE]";

/* ---- what was given --------------------------------------------------------- */

/* Anchors on the command line take the place of the configured ones. */
static sgn_error_t *read_trust(sgn_cli_t *cli)
{
    const char *anchors = sgn_cli_option(cli, "anchors"), *intermediates = sgn_cli_option(cli, "intermediates");
    sgn_config_t *config;
    json_t *json, *server;

    SGN_TRY(sgn_cli_config(&config, cli));
    if (!anchors && !intermediates)
        return NULL;
    json = sgn_json_own(json_deep_copy(sgn_config_encode(config)), cli->pool);
    SGN_TRY(sgn_json_get_object(&server, json, "server", cli->pool));
    if (anchors) {
        sgn_json_set_str(server, "SignVNTrustAnchors", anchors);
        sgn_json_set_str(server, "SignVNTimestampAnchors", anchors);
    }
    sgn_json_set_str(server, "SignVNIntermediates", intermediates);
    return sgn_config_decode(&cli->config, json, cli->pool);
}

static sgn_error_t *read_evidence(json_t *list, const char *path, apr_pool_t *pool)
{
    const char *dot = strrchr(path, '.');
    json_t *item = sgn_json_object(pool);
    sgn_bytes_t bytes;
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        return SGN_ERROR_ERRNO(pool, SGN_FILE_ABSENT, "%s", path);
    sgn_pool_own_fd(pool, fd);
    SGN_TRY(sgn_file_read_fd(&bytes, fd, EVIDENCE_LIMIT, pool));
    sgn_pool_close_fd(pool, fd);
    sgn_json_set_str(item, "kind", dot && strcmp(dot, ".crl") == 0 ? "crl" : "ocsp");
    sgn_json_set_bytes(item, "data", bytes, pool);
    json_array_append(list, item);
    return NULL;
}

static sgn_error_t *read_all_evidence(json_t **out, sgn_cli_t *cli)
{
    const char *path;

    *out = sgn_json_array(cli->pool);
    while ((path = sgn_cli_option(cli, "evidence")) != NULL)
        SGN_TRY(read_evidence(*out, path, cli->pool));
    return NULL;
}

/* ---- one document ----------------------------------------------------------- */

/* Nobody is bound at the command line: roles stay unknown. */
static sgn_error_t *nobody(const sgn_judge_binding_t *const **out, void *context,
                           const char *certificate_sha256, apr_time_t at, apr_pool_t *pool)
{
    (void)context;
    (void)certificate_sha256;
    (void)at;
    (void)pool;
    *out = NULL;
    return NULL;
}

static sgn_error_t *look(json_t **out, sgn_engine_t *engine, const char *path, apr_pool_t *pool)
{
    sgn_engine_document_t document = { 0 };
    sgn_judge_input_t input = { .lookup = { .find = nobody } };
    json_t *answer, *facts, *about;
    const char *name = strrchr(path, '/');

    document.fd = open(path, O_RDONLY | O_CLOEXEC);
    if (document.fd < 0)
        return SGN_ERROR_ERRNO(pool, SGN_FILE_ABSENT, "%s", path);
    sgn_pool_own_fd(pool, document.fd);
    SGN_TRY(sgn_file_size(&document.size, document.fd, pool));
    if (document.size == 0)
        return SGN_ERROR(pool, SGN_BODY_EMPTY, "%s", path);
    SGN_TRY(sgn_digest_sha256_fd(document.sha256, document.fd, 0, document.size, pool));
    SGN_TRY(sgn_engine_look(&answer, engine, SGN_ENGINE_ANYONE, &document, 0, pool));
    SGN_TRY(sgn_json_get_object(out, answer, "report", pool));
    SGN_TRY(sgn_json_find_array(&facts, answer, "facts", pool));
    SGN_TRY(sgn_json_find_object(&about, *out, "document", pool));
    if (about) {
        sgn_json_set_str(about, "name", name ? name + 1 : path);
        sgn_json_set_int(about, "size", document.size);
        sgn_json_set_str(about, "sha256", sgn_bytes_hex(sgn_bytes(document.sha256, 32), pool));
    }
    input.report = *out;
    input.facts = facts ? facts : sgn_json_array(pool);
    return sgn_judge_report(NULL, &input, pool);
}

/* ---- the terminal ------------------------------------------------------------ */

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));

    return text ? text : "";
}

static void print_findings(const sgn_cli_t *cli, const json_t *owner, const char *indent)
{
    json_t *finding;
    size_t i;

    json_array_foreach(json_object_get(owner, "findings"), i, finding) {
        const char *text = text_of(finding, cli->lang);

        sgn_cli_line(cli, "%s- %s [%s %s]", indent, text, text_of(finding, "severity"), text_of(finding, "code"));
    }
}

static void print_signature(const sgn_cli_t *cli, size_t n, const json_t *signature)
{
    const json_t *signer = json_object_get(signature, "signer");

    sgn_cli_line(cli, "  %d. %s | %s | %s %s %s | %s", (int)n + 1, text_of(signer, "commonName"),
                 text_of(signer, "organisation"), text_of(signature, "kind"), text_of(signature, "format"),
                 text_of(signature, "level"), text_of(signature, "bestTime"));
    sgn_cli_line(cli, "     %s [%s%s%s]", sgn_report_html_verdict(text_of(signature, "indication"), cli->lang),
                 text_of(signature, "indication"), *text_of(signature, "subIndication") ? " " : "",
                 text_of(signature, "subIndication"));
    print_findings(cli, signature, "     ");
}

static void print_report(const sgn_cli_t *cli, const char *path, const json_t *report)
{
    json_t *signature;
    size_t i;

    sgn_cli_line(cli, "%s", path);
    sgn_cli_line(cli, "  %s [%s]", sgn_report_html_verdict(text_of(report, "indication"), cli->lang),
                 text_of(report, "indication"));
    if (*text_of(report, "legalValue"))
        sgn_cli_line(cli, "  %s [%s]", sgn_report_html_legal(text_of(report, "legalValue"), cli->lang),
                     text_of(report, "legalValue"));
    json_array_foreach(json_object_get(report, "signatures"), i, signature)
        print_signature(cli, i, signature);
    print_findings(cli, report, "  ");
}

static json_t *failure(const char *path, const sgn_error_t *error, apr_pool_t *pool)
{
    const sgn_code_row_t *row = sgn_error_row(error->code);
    json_t *json = sgn_json_object(pool), *about = sgn_json_object(pool);

    sgn_json_set_str(about, "name", path);
    sgn_json_set(json, "document", about);
    sgn_json_set_str(json, "code", row->name);
    sgn_json_set_str(json, "detail", error->detail);
    sgn_json_set_str(json, "vi", row->vi);
    sgn_json_set_str(json, "en", row->en);
    return json;
}

/* 0 passed, 1 not, 2 could not look. */
static int verify(sgn_cli_t *cli, sgn_engine_t *engine, const char *path)
{
    json_t *report;
    sgn_error_t *error = look(&report, engine, path, cli->pool);

    if (error) {
        if (cli->json)
            sgn_cli_json(cli, failure(path, error, cli->pool));
        return sgn_cli_fail(cli, path, error);
    }
    if (cli->json)
        sgn_cli_json(cli, report);
    else
        print_report(cli, path, report);
    return strcmp(text_of(report, "indication"), "TOTAL-PASSED") == 0 ? 0 : 1;
}

int sgn_cmd_verify(sgn_cli_t *cli)
{
    sgn_engine_t *engine;
    json_t *evidence;
    sgn_error_t *error = read_trust(cli);
    int worst = 0;

    if (!error)
        error = read_all_evidence(&evidence, cli);
    if (error)
        return sgn_cli_fail(cli, "verify", error);
    if (cli->argc < 1)
        return sgn_cli_usage(cli, use);
    for (int i = 0; i < cli->argc; i++)
        if (strncmp(cli->argv[i], "--", 2) == 0)
            return sgn_cli_usage(cli, use);
    error = sgn_cli_engine(&engine, cli);
    if (error)
        return sgn_cli_fail(cli, "verify", error);
    sgn_engine_give(engine, evidence);
    for (int i = 0; i < cli->argc; i++) {
        int rc = verify(cli, engine, cli->argv[i]);

        worst = rc > worst ? rc : worst;
    }
    return worst;
}
