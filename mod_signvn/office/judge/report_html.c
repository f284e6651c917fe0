#include "office/judge/report_html.h"

#include <string.h>

#include "base/text.h"

typedef struct { const char *key, *vi, *en; } word_t;

typedef enum {
#define LABELS
#define LABEL(id, vi, en) LABEL_##id,
#include "office/judge/report_words.def"
#undef LABEL
#undef LABELS
    LABEL_END
} label_t;

static const word_t labels[] = {
#define LABELS
#define LABEL(id, vi, en) { #id, vi, en },
#include "office/judge/report_words.def"
#undef LABEL
#undef LABELS
};

#define WORD(key, vi, en) { key, vi, en },
static const word_t verdicts[] = {
#define WORDS_verdicts
#include "office/judge/report_words.def"
#undef WORDS_verdicts
};
static const word_t legal_values[] = {
#define WORDS_legal_values
#include "office/judge/report_words.def"
#undef WORDS_legal_values
};
static const word_t kinds[] = {
#define WORDS_kinds
#include "office/judge/report_words.def"
#undef WORDS_kinds
};
static const word_t roles[] = {
#define WORDS_roles
#include "office/judge/report_words.def"
#undef WORDS_roles
};
static const word_t changes[] = {
#define WORDS_changes
#include "office/judge/report_words.def"
#undef WORDS_changes
};
static const word_t results[] = {
#define WORDS_results
#include "office/judge/report_words.def"
#undef WORDS_results
};
static const word_t states[] = {
#define WORDS_states
#include "office/judge/report_words.def"
#undef WORDS_states
};

#undef WORD

typedef struct {
    sgn_buf_t *buf;
    apr_pool_t *pool;
    int english;
} page_t;

static const char *find(const word_t *words, size_t count, const char *key, int english)
{
    size_t i;

    for (i = 0; key && i < count; i++)
        if (strcmp(words[i].key, key) == 0)
            return english ? words[i].en : words[i].vi;
    return NULL;
}
#define WORD_OF(page, words, key) find(words, sizeof words / sizeof *words, key, (page)->english)

const char *sgn_report_html_legal(const char *legal_value, const char *lang)
{
    const char *text = find(legal_values, sizeof legal_values / sizeof *legal_values, legal_value,
                            lang && strcmp(lang, "en") == 0);

    return text ? text : "";
}

const char *sgn_report_html_verdict(const char *indication, const char *lang)
{
    const char *text = find(verdicts, sizeof verdicts / sizeof *verdicts, indication, lang && strcmp(lang, "en") == 0);

    return text ? text : "";
}

static const char *member(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

static void put(page_t *page, const char *markup)
{
    sgn_buf_str(page->buf, markup);
}

/* Text of our own or of a stranger: both escaped. */
static void text(page_t *page, const char *value)
{
    sgn_buf_str(page->buf, sgn_text_html(value ? value : "", page->pool));
}

static const char *label(const page_t *page, label_t which)
{
    return page->english ? labels[which].en : labels[which].vi;
}

static void row(page_t *page, label_t which, const char *value)
{
    if (!value || !value[0])
        return;
    put(page, "<tr><th scope=\"row\">");
    text(page, label(page, which));
    put(page, "</th><td>");
    text(page, value);
    put(page, "</td></tr>\n");
}

/* The sheet gives each class its colour and its mark: neither stands alone. */
static const char *class_of_result(const char *status)
{
    if (strcmp(status, "valid") == 0)
        return "passed";
    return strcmp(status, "invalid") == 0 ? "failed" : "open";
}

static void result_row(page_t *page, label_t which, const json_t *result)
{
    const char *status = WORD_OF(page, results, member(result, "status"));
    const sgn_code_row_t *code = member(result, "code") ? sgn_error_find(member(result, "code")) : NULL;

    if (!status)
        return;
    sgn_buf_printf(page->buf, "<tr class=\"result %s\"><th scope=\"row\">", class_of_result(member(result, "status")));
    text(page, label(page, which));
    put(page, "</th><td>");
    text(page, status);
    if (code) {
        put(page, ": ");
        text(page, page->english ? code->en : code->vi);
    }
    put(page, "</td></tr>\n");
}

static void findings(page_t *page, const json_t *list)
{
    json_t *finding;
    size_t i;

    if (json_array_size(list) == 0)
        return;
    put(page, "<ul class=\"findings\">\n");
    json_array_foreach(list, i, finding) {
        const char *severity = member(finding, "severity");

        put(page, "<li class=\"");
        put(page, severity && (strcmp(severity, "error") == 0 || strcmp(severity, "warning") == 0) ? severity : "info");
        put(page, "\">");
        text(page, member(finding, page->english ? "en" : "vi"));
        put(page, " <small>");
        text(page, member(finding, "clause"));
        put(page, " (");
        text(page, member(finding, "code"));
        if (member(finding, "subject")) {
            put(page, ", ");
            text(page, member(finding, "subject"));
        }
        put(page, ")</small></li>\n");
    }
    put(page, "</ul>\n");
}

static const char *class_of(const char *indication)
{
    if (indication && strcmp(indication, "TOTAL-PASSED") == 0)
        return "passed";
    return indication && strcmp(indication, "TOTAL-FAILED") == 0 ? "failed" : "open";
}

/* A time-stamp that is not valid is there and proves nothing. */
static const char *proof_of_time(const page_t *page, const json_t *signature)
{
    const json_t *stamp;
    size_t i;

    json_array_foreach(json_object_get(signature, "timestamps"), i, stamp)
        if (json_is_true(json_object_get(stamp, "valid")))
            return label(page, LABEL_TIME_STAMP);
    return NULL;
}

static void signature_part(page_t *page, const json_t *signature, int number)
{
    const json_t *signer = json_object_get(signature, "signer");
    const char *indication = member(signature, "indication"), *type = member(signature, "type");
    int stamp = type && strcmp(type, "timestamp") == 0;

    sgn_buf_printf(page->buf, "<section class=\"signature %s\">\n<h2>%d. ", class_of(indication), number);
    text(page, stamp ? label(page, LABEL_DOCUMENT_TIME_STAMP)
         : member(signer, "commonName") ? member(signer, "commonName") : label(page, LABEL_UNKNOWN_SIGNER));
    put(page, ": <strong>");
    text(page, sgn_report_html_verdict(indication, page->english ? "en" : "vi"));
    put(page, "</strong></h2>\n<table>\n");
    result_row(page, LABEL_INTEGRITY, json_object_get(signature, "integrity"));
    result_row(page, LABEL_CERTIFICATE, json_object_get(signature, "certificateValidity"));
    result_row(page, LABEL_CERTIFICATION_PATH, json_object_get(signature, "certificationPath"));
    row(page, LABEL_TITLE, member(signer, "title"));
    row(page, LABEL_ORGANISATION, member(signer, "organisation"));
    if (!stamp) {
        row(page, LABEL_KIND, WORD_OF(page, kinds, member(signature, "kind")));
        row(page, LABEL_ROLE, WORD_OF(page, roles, member(signature, "role")));
    }
    row(page, LABEL_JUDGED_AS_OF, member(signature, "bestTime"));
    row(page, LABEL_PROOF_OF_TIME, proof_of_time(page, signature));
    row(page, LABEL_CLAIMED_TIME, member(signature, "claimedTime"));
    row(page, LABEL_AFTER_SIGNING, WORD_OF(page, changes, member(signature, "changesAfter")));
    row(page, LABEL_ISSUER, member(signer, "issuer"));
    row(page, LABEL_CERTIFICATE_NUMBER, member(signer, "serial"));
    row(page, LABEL_ALGORITHM, member(signature, "algorithm"));
    row(page, LABEL_FIELD, member(signature, "name"));
    put(page, "</table>\n");
    findings(page, json_object_get(signature, "findings"));
    put(page, "</section>\n");
}

static void document_part(page_t *page, const json_t *report)
{
    const json_t *document = json_object_get(report, "document");
    const char *indication = member(report, "indication"), *legal = member(report, "legalValue");
    const char *state = WORD_OF(page, states, member(report, "status"));

    sgn_buf_printf(page->buf, "<header class=\"%s\">\n<h1>", class_of(indication));
    text(page, label(page, LABEL_HEADING));
    put(page, "</h1>\n");
    if (json_is_true(json_object_get(report, "practice"))) {
        put(page, "<p class=\"practice\">");
        text(page, label(page, LABEL_PRACTICE));
        put(page, "</p>\n");
    }
    put(page, "<p class=\"verdict\">");
    text(page, sgn_report_html_verdict(indication, page->english ? "en" : "vi"));
    put(page, "</p>\n");
    if (legal) {
        put(page, "<p class=\"legal\">");
        text(page, sgn_report_html_legal(legal, page->english ? "en" : "vi"));
        put(page, "</p>\n");
    }
    if (json_is_false(json_object_get(report, "complete")) && json_array_size(json_object_get(report, "signatures"))) {
        put(page, "<p class=\"incomplete\">");
        text(page, label(page, LABEL_INCOMPLETE));
        put(page, "</p>\n");
    }
    if (state) {
        put(page, "<p class=\"status\">");
        text(page, state);
        put(page, "</p>\n");
    }
    put(page, "<table>\n");
    row(page, LABEL_FILE, member(document, "name"));
    row(page, LABEL_SHA256, member(document, "sha256"));
    row(page, LABEL_CHECKED_AT, member(report, "validationTime"));
    put(page, "</table>\n</header>\n");
    findings(page, json_object_get(report, "findings"));
}

sgn_error_t *sgn_report_html_print(sgn_bytes_t *out, const json_t *report, const char *lang, apr_pool_t *pool)
{
    page_t page = { sgn_buf_make(0, pool), pool, lang && strcmp(lang, "en") == 0 };
    json_t *signature;
    size_t i;

    put(&page, "<!DOCTYPE html>\n<html lang=\"");
    put(&page, page.english ? "en" : "vi");
    put(&page, "\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" content=\"width=device-width\">\n<title>");
    text(&page, label(&page, LABEL_HEADING));
    put(&page, "</title>\n<link rel=\"stylesheet\" href=\"/signvn/style.css\">\n</head>\n<body class=\"report\">\n<main>\n");
    document_part(&page, report);
    json_array_foreach(json_object_get(report, "signatures"), i, signature)
        signature_part(&page, signature, (int)i + 1);
    put(&page, "<footer><p>");
    text(&page, label(&page, LABEL_PRINT_NOTICE));
    put(&page, "</p></footer>\n</main>\n</body>\n</html>\n");
    return sgn_buf_bytes(out, page.buf);
}
