/* catalog.c: see catalog.h. */
#include "office/archive/catalog.h"

#include <stdlib.h>
#include <string.h>

#include <apr_strings.h>

#include "base/clock.h"
#include "base/text.h"

static const sgn_db_migration_t catalog_migrations[] = {
    { 1, 1,
      "CREATE TABLE document (id INTEGER PRIMARY KEY, object TEXT NOT NULL UNIQUE, ingest_key TEXT UNIQUE,"
      " agency TEXT NOT NULL, type TEXT, number TEXT, number_key TEXT, number_reverse TEXT,"
      " symbol TEXT, symbol_key TEXT, code_key TEXT, date TEXT NOT NULL, dossier TEXT, direction TEXT,"
      " legal_value TEXT, status TEXT, signers_fold TEXT, recipients_fold TEXT,"
      " name TEXT, media_type TEXT, size INTEGER NOT NULL, sha256 TEXT NOT NULL, sha512 TEXT NOT NULL,"
      " head INTEGER NOT NULL, received TEXT NOT NULL, received_stamp INTEGER NOT NULL, metadata TEXT NOT NULL,"
      " checked TEXT, checked_good INTEGER);"
      "CREATE INDEX document_date ON document (date, id);"
      "CREATE INDEX document_agency ON document (agency, date, id);"
      "CREATE INDEX document_number ON document (number_key);"
      "CREATE INDEX document_number_reverse ON document (number_reverse);"
      "CREATE INDEX document_code ON document (code_key);"
      "CREATE INDEX document_symbol ON document (symbol_key, date);"
      "CREATE INDEX document_sha256 ON document (sha256);"
      "CREATE INDEX document_dossier ON document (dossier);"
      "CREATE TABLE version (object TEXT NOT NULL, version INTEGER NOT NULL, created TEXT NOT NULL,"
      " inventory TEXT NOT NULL, sha256 TEXT NOT NULL, PRIMARY KEY (object, version));"
      "CREATE TABLE position (writer TEXT PRIMARY KEY, seq INTEGER NOT NULL);"
      "CREATE TABLE serial (agency TEXT NOT NULL, year INTEGER NOT NULL, last INTEGER NOT NULL, PRIMARY KEY (agency, year));"
      "CREATE VIRTUAL TABLE document_fts USING fts5(words, tokenize='unicode61 remove_diacritics 0');" },
    { 0, 0, NULL }
};

sgn_error_t *sgn_catalog_open(sgn_db_t *db, apr_pool_t *pool)
{
    return sgn_db_migrate(db, "archive", catalog_migrations, pool);
}

static const char *member(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

static const char *fold_or_null(const char *text, apr_pool_t *pool)
{
    return text && *text ? sgn_text_fold(text, pool) : NULL;
}

static const char *reversed(const char *text, apr_pool_t *pool)
{
    size_t len, i;
    char *copy;

    if (!text)
        return NULL;
    len = strlen(text);
    copy = apr_pstrdup(pool, text);
    for (i = 0; i < len; i++)
        copy[i] = text[len - 1 - i];
    return copy;
}

/* Texts of a list joined by line feeds. */
static const char *joined(const json_t *list, apr_pool_t *pool)
{
    sgn_buf_t *buf = sgn_buf_make(0, pool);
    sgn_bytes_t bytes;
    json_t *text;
    size_t i;

    json_array_foreach(list, i, text) {
        if (json_is_string(text)) {
            sgn_buf_str(buf, json_string_value(text));
            sgn_buf_byte(buf, '\n');
        }
    }
    return sgn_buf_bytes(&bytes, buf) ? "" : (const char *)bytes.data;
}

static const char *words_of(const json_t *metadata, const char *name, const char *signers, const char *recipients,
                            const char *code, apr_pool_t *pool)
{
    static const char *const members[] = { "subject", "agencyName", "type", "title", "sender", "dossier", "note", "number", "symbol" };
    sgn_buf_t *buf = sgn_buf_make(0, pool);
    sgn_bytes_t bytes;
    size_t i;

    for (i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
        if (member(metadata, members[i])) {
            sgn_buf_str(buf, member(metadata, members[i]));
            sgn_buf_byte(buf, '\n');
        }
    }
    sgn_buf_printf(buf, "%s%s%s\n%s", signers, recipients, code ? code : "", name ? name : "");
    return sgn_buf_bytes(&bytes, buf) ? "" : sgn_text_fold((const char *)bytes.data, pool);
}

static sgn_error_t *put_document(sgn_db_t *db, const json_t *record, const sgn_journal_line_t *line, apr_pool_t *pool)
{
    const json_t *metadata = json_object_get(record, "metadata"), *original = json_object_get(record, "original");
    const char *id = member(record, "id"), *received = member(record, "received");
    const char *number = member(metadata, "number"), *symbol = member(metadata, "symbol"), *date = member(metadata, "date");
    const char *number_key = fold_or_null(number, pool), *symbol_key = fold_or_null(symbol, pool), *code = NULL;
    const char *signers = joined(json_object_get(metadata, "signers"), pool);
    const char *recipients = joined(json_object_get(metadata, "recipients"), pool);
    const char *name = member(original, "name"), *metadata_text = metadata ? sgn_json_print_sorted(metadata, pool) : "{}";
    apr_time_t stamp;
    sgn_db_rows_t *rows;
    apr_int64_t row;

    if (!id || !received || !member(original, "sha256") || !member(original, "sha512") || !member(record, "agency"))
        return SGN_ERROR(pool, SGN_ARCHIVE_DAMAGED, "evidence.json of %s", line->id);
    SGN_TRY(sgn_clock_parse(&stamp, received, pool));
    while (number_key && number_key[0] == '0' && number_key[1])
        number_key++;
    if (number_key || symbol_key)
        code = apr_pstrcat(pool, number_key ? number_key : "", "/", symbol_key ? symbol_key : "", NULL);
    SGN_TRY(sgn_db_query(&rows, db, pool, "SELECT id FROM document WHERE object = $1", "s", id));
    if (sgn_db_count(rows)) {
        row = sgn_db_int(rows, 0, 0);
        SGN_TRY(sgn_db_run(db, pool, "DELETE FROM document_fts WHERE rowid = $1", "i", row));
        SGN_TRY(sgn_db_run(db, pool, "DELETE FROM document WHERE id = $1", "i", row));
    }
    SGN_TRY(sgn_db_run(db, pool,
        "INSERT INTO document (object, ingest_key, agency, type, number, number_key, number_reverse, symbol, symbol_key,"
        " code_key, date, dossier, direction, legal_value, status, signers_fold, recipients_fold, name, media_type,"
        " size, sha256, sha512, head, received, received_stamp, metadata)"
        " VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,$13,$14,$15,$16,$17,$18,$19,$20,$21,$22,$23,$24,$25,$26)",
        "sssssssssssssssssssissisis", id, member(record, "key"), member(record, "agency"), member(metadata, "type"),
        number, number_key, reversed(number_key, pool), symbol, symbol_key, code, date ? date : "",
        member(metadata, "dossier"), member(metadata, "direction"), member(metadata, "legalValue"),
        member(metadata, "status"), sgn_text_fold(signers, pool), sgn_text_fold(recipients, pool), name,
        member(original, "mediaType"), (apr_int64_t)json_integer_value(json_object_get(original, "size")),
        member(original, "sha256"), member(original, "sha512"), (apr_int64_t)line->version, received,
        (apr_int64_t)stamp, metadata_text));
    row = sgn_db_last_id(db);
    SGN_TRY(sgn_db_run(db, pool, "INSERT INTO document_fts (rowid, words) VALUES ($1, $2)", "is", row,
                       words_of(metadata, name, signers, recipients, code, pool)));
    return sgn_db_run(db, pool,
        "INSERT OR REPLACE INTO version (object, version, created, inventory, sha256) VALUES ($1,$2,$3,$4,$5)",
        "sisss", id, (apr_int64_t)line->version, received, line->inventory, member(original, "sha256"));
}

/* "urn:vn:A:2026:00000014": agency, year and number of a document's id. */
static sgn_error_t *keep_number(sgn_db_t *db, const char *id, apr_pool_t *pool)
{
    const char *agency = id + 7, *colon = strchr(agency, ':');

    if (strncmp(colon + 1, "evidence:", 9) == 0)
        return NULL;
    return sgn_db_run(db, pool,
        "INSERT INTO serial (agency, year, last) VALUES ($1, $2, $3)"
        " ON CONFLICT (agency, year) DO UPDATE SET last = max(last, excluded.last)",
        "sii", apr_pstrmemdup(pool, agency, (apr_size_t)(colon - agency)), (apr_int64_t)atoi(colon + 1),
        (apr_int64_t)atoi(colon + 6));
}

sgn_error_t *sgn_catalog_put_within(sgn_db_t *db, const json_t *record, const sgn_journal_line_t *line, apr_pool_t *pool)
{
    if (record)
        SGN_TRY(put_document(db, record, line, pool));
    if (sgn_archive_is_id(line->id))
        SGN_TRY(keep_number(db, line->id, pool));
    return sgn_db_run(db, pool, "INSERT INTO position (writer, seq) VALUES ($1, $2)"
                      " ON CONFLICT (writer) DO UPDATE SET seq = excluded.seq", "si", line->writer, line->seq);
}

sgn_error_t *sgn_catalog_put(sgn_db_t *db, const json_t *record, const sgn_journal_line_t *line, apr_pool_t *pool)
{
    sgn_error_t *error;

    SGN_TRY(sgn_db_begin(db, pool));
    error = sgn_catalog_put_within(db, record, line, pool);
    if (!error)
        return sgn_db_commit(db, pool);
    sgn_db_rollback(db);
    return error;
}

sgn_error_t *sgn_catalog_position(apr_int64_t *seq, sgn_db_t *db, const char *writer, apr_pool_t *pool)
{
    sgn_db_rows_t *rows;

    SGN_TRY(sgn_db_query(&rows, db, pool, "SELECT seq FROM position WHERE writer = $1", "s", writer));
    *seq = sgn_db_count(rows) ? sgn_db_int(rows, 0, 0) : 0;
    return NULL;
}

sgn_error_t *sgn_catalog_number(apr_int64_t *out, sgn_db_t *db, const char *agency, int year, apr_pool_t *pool)
{
    sgn_db_rows_t *rows;

    SGN_TRY(sgn_db_query(&rows, db, pool,
        "INSERT INTO serial (agency, year, last) VALUES ($1, $2, 1)"
        " ON CONFLICT (agency, year) DO UPDATE SET last = last + 1 RETURNING last", "si", agency, (apr_int64_t)year));
    *out = sgn_db_int(rows, 0, 0);
    return NULL;
}

/* No chain has such a name. */
#define CATALOG_REBUILDING "REBUILDING"

sgn_error_t *sgn_catalog_rebuilt(sgn_db_t *db, apr_pool_t *pool)
{
    return sgn_db_run(db, pool, "DELETE FROM position WHERE writer = '" CATALOG_REBUILDING "'", "");
}

sgn_error_t *sgn_catalog_is_rebuilding(int *yes, sgn_db_t *db, apr_pool_t *pool)
{
    sgn_db_rows_t *rows;

    SGN_TRY(sgn_db_query(&rows, db, pool, "SELECT 1 FROM position WHERE writer = '" CATALOG_REBUILDING "'", ""));
    *yes = sgn_db_count(rows) > 0;
    return NULL;
}

sgn_error_t *sgn_catalog_clear(sgn_db_t *db, apr_pool_t *pool)
{
    static const char *const statements[] = {
        "DELETE FROM document", "DELETE FROM document_fts", "DELETE FROM version", "DELETE FROM position",
        "INSERT INTO position (writer, seq) VALUES ('" CATALOG_REBUILDING "', 0)"
    };
    sgn_error_t *error;
    size_t i;

    SGN_TRY(sgn_db_begin(db, pool));
    for (i = 0, error = NULL; !error && i < sizeof(statements) / sizeof(statements[0]); i++)
        error = sgn_db_run(db, pool, statements[i], "");
    if (!error)
        return sgn_db_commit(db, pool);
    sgn_db_rollback(db);
    return error;
}

sgn_error_t *sgn_catalog_leave_out(sgn_db_t *db, const char *agency, apr_pool_t *pool)
{
    static const char *const statements[] = {
        "DELETE FROM document_fts WHERE rowid IN (SELECT id FROM document WHERE agency = $1)",
        "DELETE FROM version WHERE object IN (SELECT object FROM document WHERE agency = $1)",
        "DELETE FROM document WHERE agency = $1", "DELETE FROM serial WHERE agency = $1"
    };
    size_t i;

    for (i = 0; i < sizeof(statements) / sizeof(statements[0]); i++)
        SGN_TRY(sgn_db_run(db, pool, statements[i], "s", agency));
    return sgn_db_run(db, pool, "INSERT INTO document_fts (document_fts) VALUES ('optimize')", "");
}

sgn_error_t *sgn_catalog_receipt(sgn_archive_receipt_t **out, sgn_db_t *db, const char *column, const char *value, apr_pool_t *pool)
{
    const char *sql = strcmp(column, "sha256") == 0
        ? "SELECT object, head, sha256, sha512, size, received_stamp FROM document WHERE sha256 = $1 ORDER BY id LIMIT 1"
        : strcmp(column, "object") == 0
        ? "SELECT object, head, sha256, sha512, size, received_stamp FROM document WHERE object = $1"
        : "SELECT object, head, sha256, sha512, size, received_stamp FROM document WHERE ingest_key = $1";
    sgn_archive_receipt_t *receipt;
    sgn_db_rows_t *rows;

    *out = NULL;
    SGN_TRY(sgn_db_query(&rows, db, pool, sql, "s", value));
    if (!sgn_db_count(rows))
        return NULL;
    receipt = apr_pcalloc(pool, sizeof(*receipt));
    receipt->id = sgn_db_text(rows, 0, 0);
    receipt->version = (int)sgn_db_int(rows, 0, 1);
    receipt->sha256 = sgn_db_text(rows, 0, 2);
    receipt->sha512 = sgn_db_text(rows, 0, 3);
    receipt->size = sgn_db_int(rows, 0, 4);
    receipt->received = sgn_db_int(rows, 0, 5);
    receipt->existing = 1;
    *out = receipt;
    return NULL;
}

sgn_error_t *sgn_catalog_get(json_t **out, sgn_db_t *db, const char *id, apr_pool_t *pool)
{
    json_t *item = sgn_json_object(pool), *metadata, *versions = sgn_json_array(pool);
    const char *key;
    json_t *value;
    sgn_db_rows_t *rows;
    int i;

    SGN_TRY(sgn_db_query(&rows, db, pool,
        "SELECT object, agency, received, sha256, sha512, size, media_type, name, metadata, head, checked, checked_good"
        " FROM document WHERE object = $1", "s", id));
    if (!sgn_db_count(rows))
        return SGN_ERROR(pool, SGN_ARCHIVE_UNKNOWN, "%s", id);
    SGN_TRY(sgn_json_parse(&metadata, sgn_bytes_str(sgn_db_text(rows, 0, 8)), 1 << 20, pool));
    json_object_foreach(metadata, key, value)
        sgn_json_set(item, key, value);
    sgn_json_set_str(item, "id", sgn_db_text(rows, 0, 0));
    sgn_json_set_str(item, "agency", sgn_db_text(rows, 0, 1));
    sgn_json_set_str(item, "received", sgn_db_text(rows, 0, 2));
    sgn_json_set_str(item, "sha256", sgn_db_text(rows, 0, 3));
    sgn_json_set_str(item, "sha512", sgn_db_text(rows, 0, 4));
    sgn_json_set_int(item, "size", sgn_db_int(rows, 0, 5));
    sgn_json_set_str(item, "mediaType", sgn_db_text(rows, 0, 6));
    sgn_json_set_str(item, "name", sgn_db_text(rows, 0, 7));
    sgn_json_set_int(item, "version", sgn_db_int(rows, 0, 9));
    value = sgn_json_object(pool);
    sgn_json_set_str(value, "checked", sgn_db_text(rows, 0, 10));
    sgn_json_set_str(value, "result", !sgn_db_text(rows, 0, 10) ? "not-checked" : sgn_db_int(rows, 0, 11) ? "good" : "damaged");
    sgn_json_set(item, "fixity", value);
    SGN_TRY(sgn_db_query(&rows, db, pool,
        "SELECT version, created, sha256 FROM version WHERE object = $1 ORDER BY version", "s", id));
    for (i = 0; i < sgn_db_count(rows); i++) {
        value = sgn_json_object(pool);
        sgn_json_set_int(value, "version", sgn_db_int(rows, i, 0));
        sgn_json_set_str(value, "created", sgn_db_text(rows, i, 1));
        sgn_json_set_str(value, "sha256", sgn_db_text(rows, i, 2));
        json_array_append(versions, value);
    }
    sgn_json_set(item, "versions", versions);
    *out = item;
    return NULL;
}

sgn_error_t *sgn_catalog_checked(sgn_db_t *db, const char *id, const char *time, int good, apr_pool_t *pool)
{
    return sgn_db_run(db, pool, "UPDATE document SET checked = $1, checked_good = $2 WHERE object = $3", "sis",
                      time, (apr_int64_t)good, id);
}

sgn_error_t *sgn_catalog_status(json_t *out, sgn_db_t *db, apr_pool_t *pool)
{
    sgn_db_rows_t *rows;

    SGN_TRY(sgn_db_query(&rows, db, pool,
        "SELECT count(*), coalesce(sum(size), 0), coalesce(sum(checked_good = 0), 0) FROM document", ""));
    sgn_json_set_int(out, "documents", sgn_db_int(rows, 0, 0));
    sgn_json_set_int(out, "bytes", sgn_db_int(rows, 0, 1));
    sgn_json_set_int(out, "damaged", sgn_db_int(rows, 0, 2));
    return NULL;
}
