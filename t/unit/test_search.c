/* Search: what an archivist types, and what an attacker types. */
#include "t/unit/tap.h"

#include "t/unit/archive_ground.h"

static const struct {
    const char *agency, *type, *number, *symbol, *date, *subject, *body, *signer, *recipient;
} documents[] = {
    { "A", "QĐ", "145", "QĐ-UBND", "2026-03-05", "Về việc giao đất cho hộ gia đình", "Ủy ban nhân dân xã Tân Lập", "Nguyễn Văn Đường", "Sở Nội vụ" },
    { "A", "QĐ", "1245", "QĐ-UBND", "2026-04-06", "Quyết định bổ nhiệm cán bộ", "Ủy ban nhân dân xã Tân Lập", "Trần Thị Dương", "Sở Tài chính" },
    { "A", "CV", "45", "UBND-VP", "2026-05-07", "Mời họp về đất đai", "Văn phòng", "Lê Văn Duong", "Phòng Kinh tế" },
    { "A", "TB", "7", "TB-UBND", "2025-12-31", "Thông báo nghỉ Tết", "Văn phòng", "Nguyễn Văn A", "Các thôn" },
    { "B", "QĐ", "145", "QĐ-SNV", "2026-03-05", "Phê duyệt kế hoạch", "Sở Nội vụ", "Phạm Thị B", "UBND xã Tân Lập" },
    { "A", "QĐ", "345", "QĐ-UBND", "2026-06-01", "Quye\xCC\x82\xCC\x81t \xC4\x91i\xCC\xA3nh the\xCC\x89 d\xE1\xBB\xA5ng NEAR(a b) \"subject:\"", "Ủy ban", "Nguyễn Văn A", "Kho bạc" },
};
#define COUNT (int)(sizeof(documents) / sizeof(documents[0]))

static ground_t ground;

static void put(int n)
{
    sgn_archive_ingest_t ingest = { .agency = documents[n].agency, .extension = "pdf", .media_type = "application/pdf" };
    sgn_archive_receipt_t receipt;
    json_t *list = sgn_json_array(tap_pool());

    ingest.metadata = sgn_json_object(tap_pool());
    sgn_json_set_str(ingest.metadata, "type", documents[n].type);
    sgn_json_set_str(ingest.metadata, "number", documents[n].number);
    sgn_json_set_str(ingest.metadata, "symbol", documents[n].symbol);
    sgn_json_set_str(ingest.metadata, "date", documents[n].date);
    sgn_json_set_str(ingest.metadata, "subject", documents[n].subject);
    sgn_json_set_str(ingest.metadata, "agencyName", documents[n].body);
    json_array_append_new(list, json_string(documents[n].signer));
    sgn_json_set(ingest.metadata, "signers", list);
    list = sgn_json_array(tap_pool());
    json_array_append_new(list, json_string(documents[n].recipient));
    sgn_json_set(ingest.metadata, "recipients", list);
    ingest.fd = ground_document(&ground, n, 500, ingest.sha256, tap_pool());
    ground_need(sgn_archive_put(&receipt, ground.archive, &ingest, tap_pool()), "put");
}

/* The numbers of the documents found, sorted by date, as "A/345 A/45". */
static const char *found(const sgn_archive_query_t *query, json_t **answer)
{
    const char *text = "";
    sgn_error_t *error;
    json_t *item;
    size_t i;

    error = sgn_archive_search(answer, ground.archive, query, tap_pool());
    if (error)
        return sgn_error_row(error->code)->name;
    json_array_foreach(json_object_get(*answer, "items"), i, item)
        text = apr_pstrcat(tap_pool(), text, *text ? " " : "", json_string_value(json_object_get(item, "agency")), "/",
                           json_string_value(json_object_get(item, "number")), NULL);
    return text;
}

static const struct { const char *name; sgn_archive_query_t query; const char *want; } table[] = {
    { "a number", { .number = "145" }, "B/145 A/145" },
    { "a number with leading zeros", { .number = "07" }, "A/7" },
    { "the end of a number", { .number = "*45" }, "A/345 A/45 A/1245 B/145 A/145" },
    { "the beginning of a number", { .number = "1*" }, "A/1245 B/145 A/145" },
    { "an unknown digit in a number", { .number = "?45" }, "A/345 B/145 A/145" },
    { "an unknown digit inside a number", { .number = "1?45" }, "A/1245" },
    { "a whole code with marks", { .code = "145/QĐ-UBND" }, "A/145" },
    { "a whole code without marks", { .code = "145/qd-ubnd" }, "A/145" },
    { "a symbol", { .symbol = "QĐ-SNV" }, "B/145" },
    { "the beginning of a symbol", { .symbol = "qd-*" }, "A/345 A/1245 B/145 A/145" },
    { "dates", { .from = "2026-04-01", .to = "2026-05-31" }, "A/45 A/1245" },
    { "a type", { .type = "CV" }, "A/45" },
    { "words with marks", { .q = "giao đất" }, "A/145" },
    { "words without marks", { .q = "giao dat" }, "A/145" },
    { "words with d-stroke only", { .q = "đat" }, "A/45 A/145" },
    { "words in capitals", { .q = "GIAO ĐẤT" }, "A/145" },
    { "words decomposed (NFD)", { .q = "giao \xC4\x91\x61\xCC\x82\xCC\x81t" }, "A/145" },
    { "words of a text that was stored decomposed", { .q = "quyết định thẻ" }, "A/345" },
    { "the beginning of a word", { .q = "bổ nhi*" }, "A/1245" },
    { "a code among the words", { .q = "145/QĐ-UBND đất" }, "A/145" },
    { "half a number among the words", { .q = "*45 đất" }, "A/45 A/145" },
    { "exact marks first", { .q = "Dương" }, "A/1245 A/45 A/145" },
    { "a signer", { .signer = "nguyen van duong" }, "A/145" },
    { "a recipient", { .recipient = "sở nội vụ" }, "A/145" },
    { "words and dates together", { .q = "đất", .from = "2026-05-01" }, "A/45" },
    { "nothing found", { .q = "không có văn bản này" }, "" },
    { "B30: NEAR is a word", { .q = "NEAR(a b)" }, "A/345" },
    { "B30: a column filter is a word", { .q = "subject:" }, "A/345" },
    { "B30: another column filter is a word", { .q = "words:dat" }, "" },
    { "B30: quotes are no syntax", { .q = "\"subject\" OR \"" }, "" },
    { "B30: OR is a word", { .q = "dat OR bo" }, "" },
    { "B30: an asterisk alone", { .q = "*" }, "search.too-broad" },
    { "B30: a beginning of one letter", { .q = "d*" }, "search.too-broad" },
    { "B30: a number of wildcards only", { .number = "*?*" }, "search.too-broad" },
    { "B30: seventeen words", { .q = "a b c d e f g h i j k l m n o p q" }, "search.too-broad" },
    { "B30: bad UTF-8", { .q = "\xff\xfe" }, "search.syntax" },
    { "B30: brackets are no pattern", { .number = "[0-9]*" }, "" },
    { "B30: a percent sign is no pattern", { .number = "%" }, "" },
    { "B30: a quote ends no SQL text", { .symbol = "'; DROP TABLE document; --" }, "" },
    { "B30: a date that is none", { .from = "yesterday" }, "search.syntax" },
    { "B30: a forged cursor", { .q = "dat", .after = "JzsgRFJPUA" }, "search.syntax" },
    { "B30: too large a page", { .q = "dat", .limit = 100000 }, "search.syntax" },
};

int main(void)
{
    static const char *const only_b[] = { "B", NULL }, *const none[] = { NULL };
    sgn_archive_query_t query = { .number = "145", .agencies = only_b };
    json_t *answer = NULL, *why;
    char *long_text;
    int i;

    ground_begin(&ground);
    ground_need(ground_open(&ground), "open");
    for (i = 0; i < COUNT; i++)
        put(i);
    for (i = 0; i < (int)(sizeof(table) / sizeof(table[0])); i++)
        is(found(&table[i].query, &answer), table[i].want, apr_pstrcat(tap_pool(), "search: ", table[i].name, NULL));

    is(found(&query, &answer), "B/145", "search: only the agencies that may be seen");
    query.agencies = none;
    is(found(&query, &answer), "", "search: no agency, no document");
    query = (sgn_archive_query_t){ .q = "giao đất" };
    found(&query, &answer);
    why = json_array_get(json_object_get(json_array_get(json_object_get(answer, "items"), 0), "why"), 0);
    is(json_string_value(json_object_get(why, "field")), "subject", "search: a hit tells its reason");
    is_int(json_integer_value(json_object_get(answer, "total")), 1, "search: the total is told");

    query = (sgn_archive_query_t){ .number = "*45", .limit = 2 };
    is(found(&query, &answer), "A/345 A/45", "search: the first page");
    query.after = json_string_value(json_object_get(answer, "next"));
    is(found(&query, &answer), "A/1245 B/145", "search: the second page");
    query.after = json_string_value(json_object_get(answer, "next"));
    is(found(&query, &answer), "A/145", "search: the last page");
    ok(json_is_null(json_object_get(answer, "next")), "search: has nothing behind it");

    long_text = apr_palloc(tap_pool(), 10001);
    memset(long_text, 'a', 10000);
    long_text[10000] = '\0';
    query = (sgn_archive_query_t){ .q = long_text };
    is(found(&query, &answer), "search.too-broad", "B30: ten kilobytes of words");
    ground_end(&ground);
    return done_testing();
}
