/* archive.c: putting a document in and handing it out. */
#include "office/archive/archive.h"

#include <ctype.h>
#include <fcntl.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <apr_strings.h>

#include "base/clock.h"
#include "base/pool.h"
#include "crypto/digest.h"
#include "office/archive/record.h"
#include "office/archive/store.h"

#define ARCHIVE_SMALL (64 * 1024)       /* bigger evidence is an object of its own (THREATS A13) */
#define ARCHIVE_TRIES 8

/* ---- identifiers ---------------------------------------------------------------- */

static size_t span(const char *text, const char *set)
{
    return strspn(text, set);
}

static int is_agency(const char *text, size_t len)
{
    return len >= 1 && len <= 32 && span(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.") == len;
}

int sgn_archive_is_id(const char *id)
{
    static const char digits[] = "0123456789";
    const char *rest;
    size_t len;

    if (!id || strncmp(id, "urn:vn:", 7) != 0)
        return 0;
    len = strcspn(id + 7, ":");
    if (!is_agency(id + 7, len) || id[7 + len] != ':')
        return 0;
    rest = id + 8 + len;
    if (strncmp(rest, "evidence:", 9) == 0)
        return strlen(rest) == 9 + 64 && span(rest + 9, "0123456789abcdef") == 64;
    return strlen(rest) == 13 && span(rest, digits) == 4 && rest[4] == ':' && span(rest + 5, digits) == 8;
}

const char *sgn_archive_agency(const char *id, apr_pool_t *pool)
{
    return apr_pstrmemdup(pool, id + 7, strcspn(id + 7, ":"));
}

static sgn_error_t *check_id(const char *id, apr_pool_t *pool)
{
    return sgn_archive_is_id(id) ? NULL : SGN_ERROR(pool, SGN_ARCHIVE_ID, "not one of our identifiers");
}

/* ---- putting --------------------------------------------------------------------- */

sgn_error_t *sgn_archive_may_put(const sgn_archive_ingest_t *ingest, apr_pool_t *pool)
{
    size_t len = ingest->extension ? strlen(ingest->extension) : 0;
    int i, k;

    if (!ingest->agency || !is_agency(ingest->agency, strlen(ingest->agency)))
        return SGN_ERROR(pool, SGN_AGENCY_UNKNOWN, "code of the agency: A-Z, 0-9 and dots");
    if (len < 1 || len > 8 || span(ingest->extension, "abcdefghijklmnopqrstuvwxyz0123456789") != len)
        return SGN_ERROR(pool, SGN_FIELD, "extension");
    if (ingest->key && strlen(ingest->key) > 200)
        return SGN_ERROR(pool, SGN_FIELD, "key");
    if (ingest->name && strlen(ingest->name) > 1024)
        return SGN_ERROR(pool, SGN_FIELD, "name");
    if (ingest->metadata)
        SGN_TRY(sgn_record_check(ingest->metadata, pool));
    for (i = 0; i < ingest->evidence_count; i++) {
        const char *name = ingest->evidence[i].name;

        len = strlen(name);
        if (len < 1 || len > 64 || name[0] == '.'
            || span(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") != len)
            return SGN_ERROR(pool, SGN_FIELD, "name of evidence %d", i);
        for (k = 0; k < i; k++)
            if (strcmp(name, ingest->evidence[k].name) == 0)
                return SGN_ERROR(pool, SGN_FIELD, "two pieces of evidence of one name");
    }
    return NULL;
}

/* Extension of a piece of evidence, "bin" when it has none that is safe. */
static const char *extension_of(const char *name, apr_pool_t *pool)
{
    const char *dot = strrchr(name, '.');
    char *lower;
    size_t i;

    if (!dot || !dot[1] || strlen(dot + 1) > 8)
        return "bin";
    lower = apr_pstrdup(pool, dot + 1);
    for (i = 0; lower[i]; i++)
        lower[i] = (char)tolower((unsigned char)lower[i]);
    return span(lower, "abcdefghijklmnopqrstuvwxyz0123456789") == strlen(lower) ? lower : "bin";
}

/* A big piece of evidence as an object of its own, once per digest and agency. */
static sgn_error_t *put_evidence(sgn_archive_t *archive, const char *id, const char *sha256,
                                 const sgn_archive_ingest_t *ingest, const sgn_archive_evidence_t *evidence, apr_pool_t *pool)
{
    sgn_journal_line_t line = { .id = id, .version = 1, .agency = ingest->agency, .sha256 = sha256,
                                .size = (apr_int64_t)evidence->bytes.len };
    sgn_ocfl_inventory_t *inventory;
    sgn_ocfl_stage_t *stage;
    sgn_error_t *error = sgn_ocfl_inventory_read(&inventory, archive->root, id, pool);

    if (!error)
        return NULL;
    if (error->code != SGN_ARCHIVE_UNKNOWN)
        return error;
    SGN_TRY(sgn_ocfl_stage_begin(&stage, archive->staging, id, pool));
    error = sgn_ocfl_stage_write(stage, apr_pstrcat(pool, "original.", extension_of(evidence->name, pool), NULL), evidence->bytes);
    if (!error)
        error = sgn_ocfl_stage_finish(&line.inventory, &line.bytes, stage, sgn_clock_now(), evidence->kind, "mod_signvn");
    if (!error)
        error = sgn_ocfl_stage_wrap(stage, archive->root);
    if (!error)
        error = sgn_store_commit(archive, stage, &line, NULL, pool);
    sgn_ocfl_stage_drop(stage);
    return error && error->code == SGN_FILE_EXISTS ? NULL : error;
}

/* The list of evidence; big pieces are put now, small ones into the stage. */
static sgn_error_t *list_evidence(json_t **out, sgn_archive_t *archive, sgn_ocfl_stage_t *stage,
                                  const sgn_archive_ingest_t *ingest, apr_pool_t *pool)
{
    json_t *list = sgn_json_array(pool);
    int i;

    for (i = 0; i < ingest->evidence_count; i++) {
        const sgn_archive_evidence_t *piece = &ingest->evidence[i];
        json_t *item = sgn_json_object(pool);
        const char *sha256;

        SGN_TRY(sgn_digest_sha256_hex(&sha256, piece->bytes.data, piece->bytes.len, pool));
        sgn_json_set_str(item, "name", piece->name);
        sgn_json_set_str(item, "kind", piece->kind);
        sgn_json_set_str(item, "sha256", sha256);
        sgn_json_set_int(item, "size", (apr_int64_t)piece->bytes.len);
        if (piece->bytes.len > ARCHIVE_SMALL) {
            const char *id = apr_pstrcat(pool, "urn:vn:", ingest->agency, ":evidence:", sha256, NULL);

            SGN_TRY(put_evidence(archive, id, sha256, ingest, piece, pool));
            sgn_json_set_str(item, "object", id);
        } else {
            const char *path = apr_pstrcat(pool, "evidence/", piece->name, NULL);

            SGN_TRY(sgn_ocfl_stage_write(stage, path, piece->bytes));
            sgn_json_set_str(item, "path", path);
        }
        json_array_append(list, item);
    }
    *out = list;
    return NULL;
}

static sgn_error_t *fill_stage(sgn_archive_receipt_t *out, json_t **record, sgn_journal_line_t *line,
                               sgn_archive_t *archive, sgn_ocfl_stage_t *stage, const sgn_archive_ingest_t *ingest,
                               apr_pool_t *pool)
{
    const char *subject = json_string_value(json_object_get(ingest->metadata, "subject"));
    sgn_record_facts_t facts = { .id = out->id, .received = out->received };
    sgn_ocfl_digests_t digests;
    sgn_bytes_t xml;

    SGN_TRY(sgn_ocfl_stage_link(&digests, stage, apr_pstrcat(pool, "original.", ingest->extension, NULL), ingest->fd, ingest->sha256));
    facts.size = out->size = digests.size;
    facts.sha256 = out->sha256 = sgn_bytes_hex(sgn_bytes(digests.sha256, 32), pool);
    facts.sha512 = out->sha512 = sgn_bytes_hex(sgn_bytes(digests.sha512, 64), pool);
    SGN_TRY(list_evidence(&facts.evidence, archive, stage, ingest, pool));
    *record = sgn_record_json(ingest, &facts, pool);
    SGN_TRY(sgn_record_xml(&xml, ingest, &facts, pool));
    SGN_TRY(sgn_ocfl_stage_write(stage, "metadata.xml", xml));
    SGN_TRY(sgn_ocfl_stage_write(stage, "evidence.json", sgn_bytes_str(sgn_json_print_pretty(*record, pool))));
    line->id = out->id;
    line->version = 1;
    line->key = ingest->key;
    line->agency = ingest->agency;
    line->sha256 = out->sha256;
    line->size = out->size;
    return sgn_ocfl_stage_finish(&line->inventory, &line->bytes, stage, out->received,
                                 subject && *subject ? subject : "ingest", "mod_signvn");
}

static int year_of(apr_time_t when, apr_pool_t *pool)
{
    return (int)apr_atoi64(apr_pstrmemdup(pool, sgn_clock_print_date(when, pool), 4));
}

static sgn_error_t *put_once(sgn_archive_receipt_t *out, sgn_archive_t *archive, const sgn_archive_ingest_t *ingest, apr_pool_t *pool)
{
    sgn_journal_line_t line = { .op = NULL };
    sgn_ocfl_stage_t *stage;
    apr_int64_t number;
    json_t *record;
    sgn_error_t *error;
    int year;

    memset(out, 0, sizeof(*out));
    out->received = apr_time_from_sec(apr_time_sec(sgn_clock_now()));
    year = year_of(out->received, pool);
    SGN_TRY(sgn_catalog_number(&number, archive->catalog, ingest->agency, year, pool));
    out->id = apr_psprintf(pool, "urn:vn:%s:%04d:%08" APR_INT64_T_FMT, ingest->agency, year, number);
    out->version = 1;
    SGN_TRY(check_id(out->id, pool));
    SGN_TRY(sgn_ocfl_stage_begin(&stage, archive->staging, out->id, pool));
    error = fill_stage(out, &record, &line, archive, stage, ingest, pool);
    if (!error)
        error = sgn_ocfl_stage_wrap(stage, archive->root);
    if (!error)
        error = sgn_store_commit(archive, stage, &line, record, pool);
    sgn_ocfl_stage_drop(stage);
    return error;
}

sgn_error_t *sgn_archive_put(sgn_archive_receipt_t *out, sgn_archive_t *archive, const sgn_archive_ingest_t *ingest, apr_pool_t *pool)
{
    sgn_archive_receipt_t *known = NULL;
    sgn_error_t *error = NULL;
    int tries;

    if (archive->readonly)
        return SGN_ERROR(pool, SGN_BUSY, "the archive is open for reading only");
    SGN_TRY(sgn_archive_may_put(ingest, pool));
    for (tries = 0; tries < ARCHIVE_TRIES; tries++) {
        if (ingest->key)
            SGN_TRY(sgn_archive_find_key(&known, archive, ingest->key, pool));
        if (known) {
            *out = *known;
            return NULL;
        }
        error = put_once(out, archive, ingest, pool);
        /* A number that a lost catalogue did not know as taken, or the same key
         * by another thread: look again. */
        if (!error || (error->code != SGN_FILE_EXISTS && error->code != SGN_DB_UNIQUE))
            return error;
    }
    return error;
}

sgn_error_t *sgn_archive_find_key(sgn_archive_receipt_t **out, sgn_archive_t *archive, const char *key, apr_pool_t *pool)
{
    SGN_TRY(sgn_store_catch_up(archive, pool));
    return sgn_catalog_receipt(out, archive->catalog, "ingest_key", key, pool);
}

sgn_error_t *sgn_archive_find_sha256(sgn_archive_receipt_t **out, sgn_archive_t *archive, const char *sha256, apr_pool_t *pool)
{
    SGN_TRY(sgn_store_catch_up(archive, pool));
    return sgn_catalog_receipt(out, archive->catalog, "sha256", sha256, pool);
}

/* ---- getting --------------------------------------------------------------------- */

sgn_error_t *sgn_archive_get(json_t **out, sgn_archive_t *archive, const char *id, apr_pool_t *pool)
{
    sgn_error_t *behind, *error;

    SGN_TRY(check_id(id, pool));
    behind = sgn_store_catch_up(archive, pool);     /* a full disk: what is known can be read all the same */
    error = sgn_catalog_get(out, archive->reader, id, pool);
    return error && error->code == SGN_ARCHIVE_UNKNOWN && behind ? behind : error;
}

static sgn_error_t *open_entry(sgn_archive_file_t *out, sgn_archive_t *archive, const sgn_ocfl_inventory_t *inventory,
                               const sgn_ocfl_entry_t *entry, apr_pool_t *pool)
{
    if (!entry)
        return SGN_ERROR(pool, SGN_ARCHIVE_UNKNOWN, "%s has no such file", inventory->id);
    SGN_TRY(sgn_file_open(&out->fd, archive->root, apr_pstrcat(pool, inventory->path, "/", entry->content, NULL),
                          O_RDONLY | O_NONBLOCK, 0, pool));
    SGN_TRY(sgn_file_size(&out->size, out->fd, pool));
    out->sha256 = entry->sha256;
    out->sha512 = entry->sha512;
    out->media_type = "application/octet-stream";
    out->name = strrchr(entry->logical, '/') ? strrchr(entry->logical, '/') + 1 : entry->logical;
    return NULL;
}

sgn_error_t *sgn_archive_version(sgn_archive_file_t *out, sgn_archive_t *archive, const char *id, int version, apr_pool_t *pool)
{
    const sgn_ocfl_entry_t *entries;
    sgn_ocfl_inventory_t *inventory;
    const json_t *original;
    json_t *record;
    int count;

    memset(out, 0, sizeof(*out));
    SGN_TRY(check_id(id, pool));
    SGN_TRY(sgn_ocfl_inventory_read(&inventory, archive->root, id, pool));
    SGN_TRY(sgn_ocfl_entries(&entries, &count, inventory, version, pool));
    SGN_TRY(open_entry(out, archive, inventory, sgn_ocfl_entry_find(entries, count, "original."), pool));
    SGN_TRY(sgn_store_record(&record, archive, inventory, pool));
    original = json_object_get(record, "original");
    if (!original)
        return NULL;
    if (json_string_value(json_object_get(original, "mediaType")))
        out->media_type = json_string_value(json_object_get(original, "mediaType"));
    if (json_string_value(json_object_get(original, "name")))
        out->name = json_string_value(json_object_get(original, "name"));
    if (version == 1 && json_integer_value(json_object_get(original, "size")) != out->size)
        return SGN_ERROR(pool, SGN_ARCHIVE_DAMAGED, "%s: the original has another size than recorded", id);
    return NULL;
}

sgn_error_t *sgn_archive_original(sgn_archive_file_t *out, sgn_archive_t *archive, const char *id, apr_pool_t *pool)
{
    return sgn_archive_version(out, archive, id, 1, pool);
}

sgn_error_t *sgn_archive_evidence_list(json_t **out, sgn_archive_t *archive, const char *id, apr_pool_t *pool)
{
    json_t *answer = sgn_json_object(pool), *record;
    sgn_ocfl_inventory_t *inventory;

    SGN_TRY(check_id(id, pool));
    SGN_TRY(sgn_ocfl_inventory_read(&inventory, archive->root, id, pool));
    SGN_TRY(sgn_store_record(&record, archive, inventory, pool));
    sgn_json_set_str(answer, "id", id);
    if (json_object_get(record, "report"))
        sgn_json_set(answer, "report", json_object_get(record, "report"));
    sgn_json_set(answer, "evidence", json_object_get(record, "evidence") ? json_object_get(record, "evidence") : sgn_json_array(pool));
    *out = answer;
    return NULL;
}

sgn_error_t *sgn_archive_evidence_file(sgn_archive_file_t *out, sgn_archive_t *archive, const char *id, const char *name, apr_pool_t *pool)
{
    const sgn_ocfl_entry_t *entries;
    sgn_ocfl_inventory_t *inventory;
    json_t *list, *item;
    size_t i;
    int count;

    memset(out, 0, sizeof(*out));
    SGN_TRY(sgn_archive_evidence_list(&list, archive, id, pool));
    json_array_foreach(json_object_get(list, "evidence"), i, item) {
        const char *object = json_string_value(json_object_get(item, "object"));
        const char *path = json_string_value(json_object_get(item, "path"));

        if (!json_string_value(json_object_get(item, "name")) || strcmp(json_string_value(json_object_get(item, "name")), name) != 0)
            continue;
        if (object) {
            SGN_TRY(sgn_archive_version(out, archive, object, 1, pool));
            out->name = json_string_value(json_object_get(item, "name"));
            return NULL;
        }
        SGN_TRY(sgn_ocfl_inventory_read(&inventory, archive->root, id, pool));
        SGN_TRY(sgn_ocfl_entries(&entries, &count, inventory, inventory->head, pool));
        return open_entry(out, archive, inventory, path ? sgn_ocfl_entry_find(entries, count, path) : NULL, pool);
    }
    return SGN_ERROR(pool, SGN_ARCHIVE_UNKNOWN, "%s has no evidence of that name", id);
}

sgn_error_t *sgn_archive_status(json_t **out, sgn_archive_t *archive, apr_pool_t *pool)
{
    json_t *status = sgn_json_object(pool);
    struct statvfs room;

    if (archive->reader)
        SGN_TRY(sgn_catalog_status(status, archive->reader, pool));
    if (fstatvfs(archive->root, &room) == 0)
        sgn_json_set_int(status, "freeBytes", (apr_int64_t)room.f_bavail * (apr_int64_t)room.f_frsize);
    sgn_json_set_bool(status, "behind", archive->behind);
    *out = status;
    return NULL;
}
