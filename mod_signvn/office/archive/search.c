/*
 * search.c: what a person types becomes SQL that we wrote: words are cut by
 * us, folded, quoted for FTS5 (so that NEAR, column filters and quotes are
 * plain words), wildcards only where the rules allow them (THREATS B30).
 */
#include <stdlib.h>
#include <string.h>

#include <apr_strings.h>

#include "base/log.h"
#include "base/text.h"
#include "office/archive/store.h"

#define SEARCH_TOKENS 16
#define SEARCH_TEXT 1024
#define SEARCH_COUNT 1000
#define SEARCH_PARAMETERS 48

typedef struct {
    apr_pool_t *pool;
    sgn_buf_t *where, *match;
    const char *values[SEARCH_PARAMETERS];
    int count, tokens;
    const char *words[SEARCH_TOKENS];   /* folded, for the reasons */
    int word_count;
    int exact;                          /* the words carried Vietnamese marks */
} search_t;

/* Adds " AND <left>$n<right>" with a text value. */
static sgn_error_t *condition(search_t *search, const char *left, const char *value, const char *right)
{
    if (search->count == SEARCH_PARAMETERS - 4)
        return SGN_ERROR(search->pool, SGN_SEARCH_BROAD, "too many conditions");
    search->values[search->count++] = value;
    sgn_buf_printf(search->where, " AND %s$%d%s", left, search->count, right);
    return NULL;
}

static int has_wildcard(const char *text)
{
    return strpbrk(text, "*?") != NULL;
}

/* Lower-case without marks, wildcards kept. */
static const char *folded(const char *text, apr_pool_t *pool)
{
    return sgn_text_fold(text, pool);
}

/* GLOB's own characters are the user's wildcards; brackets are plain. */
static const char *glob(const char *text, apr_pool_t *pool)
{
    sgn_buf_t *out = sgn_buf_make(0, pool);
    sgn_bytes_t bytes;

    for (; *text; text++) {
        if (*text == '[')
            sgn_buf_str(out, "[[]");
        else
            sgn_buf_byte(out, (unsigned char)*text);
    }
    return sgn_buf_bytes(&bytes, out) ? "" : (const char *)bytes.data;
}

/* The least text above every text that begins with `prefix`. */
static const char *above(const char *prefix, apr_pool_t *pool)
{
    char *copy = apr_pstrdup(pool, prefix);

    copy[strlen(copy) - 1]++;
    return copy;
}

static const char *reversed(const char *text, apr_pool_t *pool)
{
    size_t len = strlen(text), i;
    char *copy = apr_pstrdup(pool, text);

    for (i = 0; i < len; i++)
        copy[i] = text[len - 1 - i];
    return copy;
}

static sgn_error_t *check_text(const char *what, const char *text, apr_pool_t *pool)
{
    if (strlen(text) > SEARCH_TEXT)
        return SGN_ERROR(pool, SGN_SEARCH_BROAD, "%s: more than %d bytes", what, SEARCH_TEXT);
    if (!sgn_text_is_utf8(text, strlen(text)))
        return SGN_ERROR(pool, SGN_SEARCH_SYNTAX, "%s: not UTF-8", what);
    return NULL;
}

/* A column with an index, and its reversed twin when there is one: "*45" and
 * "45*" become ranges, "1?45" a pattern behind the range of "1". */
static sgn_error_t *pattern(search_t *search, const char *column, const char *reverse, const char *what, const char *text)
{
    apr_pool_t *pool = search->pool;
    size_t plain;
    const char *core;

    SGN_TRY(check_text(what, text, pool));
    text = folded(text, pool);
    if (!has_wildcard(text))
        return condition(search, apr_psprintf(pool, "d.%s = ", column), text, "");
    if (strspn(text, "*?") == strlen(text))
        return SGN_ERROR(pool, SGN_SEARCH_BROAD, "%s: a wildcard alone", what);
    plain = strcspn(text, "*?");
    if (plain) {
        core = apr_pstrmemdup(pool, text, plain);
        SGN_TRY(condition(search, apr_psprintf(pool, "d.%s >= ", column), core, ""));
        SGN_TRY(condition(search, apr_psprintf(pool, "d.%s < ", column), above(core, pool), ""));
    } else if (reverse) {
        core = reversed(text, pool);
        plain = strcspn(core, "*?");
        if (plain) {
            core = apr_pstrmemdup(pool, core, plain);
            SGN_TRY(condition(search, apr_psprintf(pool, "d.%s >= ", reverse), core, ""));
            SGN_TRY(condition(search, apr_psprintf(pool, "d.%s < ", reverse), above(core, pool), ""));
        }
    }
    return condition(search, apr_psprintf(pool, "d.%s GLOB ", column), glob(text, pool), "");
}

static const char *without_zeros(const char *number)
{
    while (number[0] == '0' && number[1] && number[1] != '*' && number[1] != '?')
        number++;
    return number;
}

/* One word for FTS5: letters and digits of any script stay, the rest splits in
 * the tokenizer; quotes are doubled so that everything inside is text. */
static sgn_error_t *word(search_t *search, const char *text, int prefix)
{
    const char *c;
    int letters = 0;

    if (search->tokens == SEARCH_TOKENS)
        return SGN_ERROR(search->pool, SGN_SEARCH_BROAD, "more than %d words", SEARCH_TOKENS);
    for (c = text; *c; c++)
        letters += (*c >= 'a' && *c <= 'z') || (*c >= '0' && *c <= '9') || (unsigned char)*c >= 0x80;
    if (!letters)
        return NULL;
    if (prefix && letters < 2)
        return SGN_ERROR(search->pool, SGN_SEARCH_BROAD, "a beginning of one letter");
    sgn_buf_printf(search->match, "%s\"", search->tokens ? " AND " : "");
    for (c = text; *c; c++) {
        if (*c == '"')
            sgn_buf_byte(search->match, '"');
        sgn_buf_byte(search->match, (unsigned char)*c);
    }
    sgn_buf_str(search->match, prefix ? "\"*" : "\"");
    search->words[search->word_count++] = text;
    search->tokens++;
    return NULL;
}

static int is_number_like(const char *text)
{
    return strpbrk(text, "0123456789") != NULL;
}

/* A word of q: "12/QĐ-UBND" is a code, "*45" and "1?45" numbers, "quy*" a
 * beginning, everything else a word. */
static sgn_error_t *token(search_t *search, char *text)
{
    size_t len = strlen(text);
    int prefix = len && text[len - 1] == '*';

    if (len && strspn(text, "*?") == len)
        return SGN_ERROR(search->pool, SGN_SEARCH_BROAD, "a wildcard alone");
    if (strchr(text, '/') && text[0] != '/' && is_number_like(text)) {
        text = (char *)without_zeros(text);
        return pattern(search, "code_key", NULL, "q", text);
    }
    if (prefix && !strpbrk(apr_pstrmemdup(search->pool, text, len - 1), "*?")) {
        text[len - 1] = '\0';
        return word(search, text, 1);
    }
    if (has_wildcard(text)) {
        if (!is_number_like(text))
            return SGN_ERROR(search->pool, SGN_SEARCH_SYNTAX, "%s: words take * at the end only", text);
        return pattern(search, "number_key", "number_reverse", "q", text);
    }
    return word(search, text, 0);
}

static sgn_error_t *words(search_t *search, const char *q)
{
    char *state, *part, *copy;

    SGN_TRY(check_text("q", q, search->pool));
    search->exact |= sgn_text_has_vietnamese(q);
    copy = apr_pstrdup(search->pool, folded(q, search->pool));
    for (part = apr_strtok(copy, " \t\r\n,;", &state); part; part = apr_strtok(NULL, " \t\r\n,;", &state))
        SGN_TRY(token(search, part));
    return NULL;
}

/* A person or body: the words must be there and the text must contain it. */
static sgn_error_t *containing(search_t *search, const char *column, const char *what, const char *text)
{
    char *copy, *part, *state;

    SGN_TRY(check_text(what, text, search->pool));
    text = folded(text, search->pool);
    copy = apr_pstrdup(search->pool, text);
    for (part = apr_strtok(copy, " ", &state); part; part = apr_strtok(NULL, " ", &state))
        SGN_TRY(word(search, part, 0));
    return condition(search, apr_psprintf(search->pool, "instr(d.%s, ", column), text, ") > 0");
}

static sgn_error_t *date(const char *what, const char *text, apr_pool_t *pool)
{
    if (strlen(text) != 10 || strspn(text, "0123456789-") != 10 || text[4] != '-' || text[7] != '-')
        return SGN_ERROR(pool, SGN_SEARCH_SYNTAX, "%s: like 2026-11-20", what);
    return NULL;
}

static sgn_error_t *conditions(search_t *search, const sgn_archive_query_t *query)
{
    apr_pool_t *pool = search->pool;
    const struct { const char *value, *column; } exact[] = {
        { query->type, "type" }, { query->direction, "direction" }, { query->dossier, "dossier" },
        { query->validity, "legal_value" }, { query->status, "status" },
    };
    size_t i;

    if (query->agencies) {
        json_t *codes = sgn_json_array(pool);

        for (i = 0; query->agencies[i]; i++)
            json_array_append_new(codes, json_string(query->agencies[i]));
        SGN_TRY(condition(search, "d.agency IN (SELECT value FROM json_each(", sgn_json_print(codes, pool), "))"));
    }
    if (query->number)
        SGN_TRY(pattern(search, "number_key", "number_reverse", "number", without_zeros(query->number)));
    if (query->symbol)
        SGN_TRY(pattern(search, "symbol_key", NULL, "symbol", query->symbol));
    if (query->code)
        SGN_TRY(pattern(search, "code_key", NULL, "code", without_zeros(query->code)));
    for (i = 0; i < sizeof(exact) / sizeof(exact[0]); i++) {
        if (!exact[i].value)
            continue;
        SGN_TRY(check_text(exact[i].column, exact[i].value, pool));
        SGN_TRY(condition(search, apr_psprintf(pool, "d.%s = ", exact[i].column), exact[i].value, ""));
    }
    if (query->from) {
        SGN_TRY(date("from", query->from, pool));
        SGN_TRY(condition(search, "d.date >= ", query->from, ""));
    }
    if (query->to) {
        SGN_TRY(date("to", query->to, pool));
        SGN_TRY(condition(search, "d.date <= ", query->to, ""));
    }
    if (query->q)
        SGN_TRY(words(search, query->q));
    if (query->signer)
        SGN_TRY(containing(search, "signers_fold", "signer", query->signer));
    if (query->recipient)
        SGN_TRY(containing(search, "recipients_fold", "recipient", query->recipient));
    return NULL;
}

/* All values are texts; those behind `count` are not read. */
static sgn_error_t *ask(sgn_db_rows_t **out, search_t *search, sgn_db_t *db, const char *sql)
{
    char types[SEARCH_PARAMETERS + 1];
    const char **v = search->values;
    sgn_error_t *error;

    memset(types, 's', (size_t)search->count);
    types[search->count] = '\0';
    error = sgn_db_query(out, db, search->pool, sql, types,
        v[0], v[1], v[2], v[3], v[4], v[5], v[6], v[7], v[8], v[9], v[10], v[11], v[12], v[13], v[14], v[15],
        v[16], v[17], v[18], v[19], v[20], v[21], v[22], v[23], v[24], v[25], v[26], v[27], v[28], v[29], v[30], v[31],
        v[32], v[33], v[34], v[35], v[36], v[37], v[38], v[39], v[40], v[41], v[42], v[43], v[44], v[45], v[46], v[47]);
    if (error && error->code == SGN_DB_TIMEOUT)
        return SGN_WRAP(search->pool, error, SGN_SEARCH_BROAD, "over the time for a search");
    return error;
}

/* ---- the answer ------------------------------------------------------------------------ */

static void reason(json_t *why, const char *field, const char *text)
{
    json_t *item = json_object();

    sgn_json_set_str(item, "field", field);
    sgn_json_set_str(item, "text", text);
    json_array_append_new(why, item);
}

static int has_word(const search_t *search, const char *text, apr_pool_t *pool)
{
    const char *fold = text ? sgn_text_fold(text, pool) : "";
    int i;

    for (i = 0; i < search->word_count; i++)
        if (strstr(fold, search->words[i]))
            return 1;
    return 0;
}

static json_t *reasons(const search_t *search, const sgn_archive_query_t *query, const json_t *item)
{
    static const char *const texts[] = { "subject", "agencyName", "title", "sender", "dossier", "note", "number", "symbol", "type", "name" };
    static const char *const lists[] = { "signers", "recipients" };
    json_t *why = sgn_json_array(search->pool), *text;
    const char *number = json_string_value(json_object_get(item, "number"));
    size_t i, k;

    if (query->number)
        reason(why, "number", number);
    if (query->symbol || query->code)
        reason(why, query->code ? "code" : "symbol",
               apr_pstrcat(search->pool, number ? number : "", "/", json_string_value(json_object_get(item, "symbol")), NULL));
    for (i = 0; search->word_count && i < sizeof(texts) / sizeof(texts[0]); i++)
        if (has_word(search, json_string_value(json_object_get(item, texts[i])), search->pool))
            reason(why, texts[i], json_string_value(json_object_get(item, texts[i])));
    for (i = 0; search->word_count && i < sizeof(lists) / sizeof(lists[0]); i++)
        json_array_foreach(json_object_get(item, lists[i]), k, text)
            if (has_word(search, json_string_value(text), search->pool))
                reason(why, i ? "recipient" : "signer", json_string_value(text));
    if (json_array_size(why) == 0)
        reason(why, query->from || query->to ? "date" : "agency",
               json_string_value(json_object_get(item, query->from || query->to ? "date" : "agency")));
    return why;
}

static json_t *item_of(const sgn_db_rows_t *rows, int i, apr_pool_t *pool)
{
    json_t *item = sgn_json_object(pool), *metadata, *value;
    const char *key;

    if (!sgn_json_parse(&metadata, sgn_bytes_str(sgn_db_text(rows, i, 8)), 1 << 20, pool))
        json_object_foreach(metadata, key, value)
            sgn_json_set(item, key, value);
    sgn_json_set_str(item, "id", sgn_db_text(rows, i, 1));
    sgn_json_set_str(item, "agency", sgn_db_text(rows, i, 2));
    sgn_json_set_str(item, "date", sgn_db_text(rows, i, 3));
    sgn_json_set_str(item, "sha256", sgn_db_text(rows, i, 4));
    sgn_json_set_int(item, "size", sgn_db_int(rows, i, 5));
    sgn_json_set_str(item, "received", sgn_db_text(rows, i, 6));
    sgn_json_set_str(item, "name", sgn_db_text(rows, i, 7));
    return item;
}

/* Cursor: date and row of the last item, base64url. */
static const char *cursor_print(const char *date_text, apr_int64_t row, apr_pool_t *pool)
{
    return sgn_bytes_base64url(sgn_bytes_str(apr_psprintf(pool, "%s|%" APR_INT64_T_FMT, date_text, row)), pool);
}

static sgn_error_t *cursor_read(const char **date_text, const char **row, const char *after, apr_pool_t *pool)
{
    sgn_bytes_t bytes;
    const char *text, *bar;

    if (strlen(after) > 200 || sgn_bytes_from_base64url(&bytes, after, pool))
        return SGN_ERROR(pool, SGN_SEARCH_SYNTAX, "after: not one of ours");
    text = apr_pstrmemdup(pool, (const char *)bytes.data, bytes.len);
    bar = strchr(text, '|');
    if (!bar || strlen(text) != bytes.len || bar - text > 10 || strspn(text, "0123456789-") != (size_t)(bar - text)
        || !bar[1] || strspn(bar + 1, "0123456789") != strlen(bar + 1) || strlen(bar + 1) > 18)
        return SGN_ERROR(pool, SGN_SEARCH_SYNTAX, "after: not one of ours");
    *date_text = apr_pstrmemdup(pool, text, (apr_size_t)(bar - text));
    *row = bar + 1;
    return NULL;
}

/* Hits that carry the marks as they were typed come first within the page. */
static void prefer_exact(json_t *items, const char *q, apr_pool_t *pool)
{
    const char *want = sgn_text_lower(sgn_text_nfc(q, pool), pool);
    json_t *first = sgn_json_array(pool), *rest = sgn_json_array(pool), *item;
    size_t i;

    json_array_foreach(items, i, item) {
        const char *text = sgn_text_lower(sgn_text_nfc(sgn_json_print(item, pool), pool), pool);

        json_array_append(strstr(text, want) ? first : rest, item);
    }
    json_array_clear(items);
    json_array_extend(items, first);
    json_array_extend(items, rest);
}

sgn_error_t *sgn_archive_search(json_t **out, sgn_archive_t *archive, const sgn_archive_query_t *query, apr_pool_t *pool)
{
    sgn_error_t *behind;
    search_t search = { .pool = pool, .where = sgn_buf_make(64 * 1024, pool), .match = sgn_buf_make(64 * 1024, pool) };
    int limit = query->limit ? query->limit : 20, i, count;
    json_t *answer = sgn_json_object(pool), *items = sgn_json_array(pool);
    const char *where, *after_date = NULL, *after_row = NULL;
    sgn_db_rows_t *rows, *total;
    sgn_bytes_t bytes;

    if (limit < 1 || limit > 200)
        return SGN_ERROR(pool, SGN_SEARCH_SYNTAX, "limit: 1 to 200");
    behind = sgn_store_catch_up(archive, pool);
    if (behind)     /* a full disk: what is known is found all the same */
        sgn_log_error(SGN_LOG_WARN, "archive", behind);
    SGN_TRY(conditions(&search, query));
    if (search.tokens) {
        SGN_TRY(sgn_buf_bytes(&bytes, search.match));
        SGN_TRY(condition(&search, "d.id IN (SELECT rowid FROM document_fts WHERE document_fts MATCH ", (const char *)bytes.data, ")"));
    }
    SGN_TRY(sgn_buf_bytes(&bytes, search.where));
    where = apr_pstrdup(pool, (const char *)bytes.data);
    SGN_TRY(ask(&total, &search, archive->reader,
                apr_psprintf(pool, "SELECT count(*) FROM (SELECT 1 FROM document d WHERE 1%s LIMIT %d)", where, SEARCH_COUNT + 1)));
    if (query->after) {
        SGN_TRY(cursor_read(&after_date, &after_row, query->after, pool));
        search.values[search.count++] = after_date;
        search.values[search.count++] = after_row;
        where = apr_psprintf(pool, "%s AND (d.date, d.id) < ($%d, CAST($%d AS INTEGER))", where, search.count - 1, search.count);
    }
    SGN_TRY(ask(&rows, &search, archive->reader,
                apr_psprintf(pool, "SELECT d.id, d.object, d.agency, d.date, d.sha256, d.size, d.received, d.name, d.metadata"
                             " FROM document d WHERE 1%s ORDER BY d.date DESC, d.id DESC LIMIT %d", where, limit + 1)));
    count = sgn_db_count(rows);
    for (i = 0; i < count && i < limit; i++) {
        json_t *item = item_of(rows, i, pool);

        sgn_json_set(item, "why", reasons(&search, query, item));
        json_array_append(items, item);
    }
    if (search.exact && query->q)
        prefer_exact(items, query->q, pool);
    sgn_json_set(answer, "items", items);
    if (count > limit)
        sgn_json_set_str(answer, "next", cursor_print(sgn_db_text(rows, limit - 1, 3), sgn_db_int(rows, limit - 1, 0), pool));
    else
        json_object_set_new(answer, "next", json_null());
    sgn_json_set_int(answer, sgn_db_int(total, 0, 0) > SEARCH_COUNT ? "atLeast" : "total",
                     sgn_db_int(total, 0, 0) > SEARCH_COUNT ? SEARCH_COUNT : sgn_db_int(total, 0, 0));
    *out = answer;
    return NULL;
}
