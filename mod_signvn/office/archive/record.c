/* record.c: see record.h. */
#include "office/archive/record.h"

#include <string.h>

#include "base/clock.h"
#include "base/text.h"

#define RECORD_METADATA_LIMIT (256 * 1024)

static const struct {
    const char *member, *element;   /* element NULL: not in metadata.xml as a text */
    size_t limit;                   /* code points */
} record_texts[] = {
    { "type", "typeName", 100 },
    { "number", "codeNumber", 20 },
    { "symbol", "codeNotation", 60 },
    { "date", "issuedDate", 10 },
    { "agencyName", "organName", 500 },
    { "subject", "subject", 2000 },
    { "title", "signerTitle", 200 },
    { "sender", "sender", 500 },
    { "direction", "direction", 20 },
    { "dossier", "fileCode", 100 },
    { "kind", "signatureKind", 40 },
    { "legalValue", "legalValue", 40 },
    { "indication", "indication", 40 },
    { "level", "signatureLevel", 20 },
    { "status", "status", 40 },
    { "urgency", "urgency", 40 },
    { "mode", "mode", 40 },
    { "language", "language", 100 },
    { "service", "service", 100 },
    { "system", "system", 100 },
    { "note", "description", 2000 },
    { "archivedBy", "archivedBy", 200 },
};
static const struct { const char *member, *list, *element; } record_lists[] = {
    { "signers", "signers", "signer" },
    { "recipients", "recipients", "recipient" },
};

static sgn_error_t *check_list(const json_t *metadata, const char *member, apr_pool_t *pool)
{
    json_t *list, *text;
    size_t i;

    SGN_TRY(sgn_json_find_array(&list, metadata, member, pool));
    if (list && json_array_size(list) > 1000)
        return SGN_ERROR(pool, SGN_FIELD, "metadata.%s: more than 1000", member);
    json_array_foreach(list, i, text)
        if (!json_is_string(text) || sgn_text_length(json_string_value(text)) > 500)
            return SGN_ERROR(pool, SGN_FIELD, "metadata.%s: texts of at most 500 letters", member);
    return NULL;
}

static int is_date(const char *text)
{
    static const char shape[] = "dddd-dd-dd";
    size_t i;

    for (i = 0; i < sizeof(shape) - 1; i++)
        if (shape[i] == 'd' ? text[i] < '0' || text[i] > '9' : text[i] != '-')
            return 0;
    return text[i] == '\0';
}

sgn_error_t *sgn_record_check(const json_t *metadata, apr_pool_t *pool)
{
    size_t i;

    if (!json_is_object(metadata))
        return SGN_ERROR(pool, SGN_FIELD, "metadata: an object");
    for (i = 0; i < sizeof(record_texts) / sizeof(record_texts[0]); i++) {
        const char *text;

        SGN_TRY(sgn_json_find_str(&text, metadata, record_texts[i].member, NULL, pool));
        if (text && sgn_text_length(text) > record_texts[i].limit)
            return SGN_ERROR(pool, SGN_FIELD, "metadata.%s: at most %d letters", record_texts[i].member,
                             (int)record_texts[i].limit);
        if (text && *text && strcmp(record_texts[i].member, "date") == 0 && !is_date(text))
            return SGN_ERROR(pool, SGN_FIELD, "metadata.date: like 2026-11-20");
    }
    for (i = 0; i < sizeof(record_lists) / sizeof(record_lists[0]); i++)
        SGN_TRY(check_list(metadata, record_lists[i].member, pool));
    if (strlen(sgn_json_print(metadata, pool)) > RECORD_METADATA_LIMIT)
        return SGN_ERROR(pool, SGN_TOO_LARGE, "metadata");
    return NULL;
}

json_t *sgn_record_json(const sgn_archive_ingest_t *ingest, const sgn_record_facts_t *facts, apr_pool_t *pool)
{
    json_t *record = sgn_json_object(pool), *original = sgn_json_object(pool);

    sgn_json_set_int(record, "v", 1);
    sgn_json_set_str(record, "id", facts->id);
    sgn_json_set_str(record, "agency", ingest->agency);
    sgn_json_set_str(record, "key", ingest->key);
    sgn_json_set_str(record, "received", sgn_clock_print(facts->received, pool));
    sgn_json_set_str(original, "extension", ingest->extension);
    sgn_json_set_str(original, "mediaType", ingest->media_type);
    sgn_json_set_str(original, "name", ingest->name);
    sgn_json_set_int(original, "size", facts->size);
    sgn_json_set_str(original, "sha256", facts->sha256);
    sgn_json_set_str(original, "sha512", facts->sha512);
    sgn_json_set(record, "original", original);
    sgn_json_set(record, "metadata", ingest->metadata ? ingest->metadata : sgn_json_object(pool));
    if (ingest->report)
        sgn_json_set(record, "report", ingest->report);
    sgn_json_set(record, "evidence", facts->evidence);
    return record;
}

static void element(sgn_buf_t *xml, const char *indent, const char *name, const char *text, apr_pool_t *pool)
{
    if (text && *text)
        sgn_buf_printf(xml, "%s<%s>%s</%s>\n", indent, name, sgn_text_xml(sgn_text_nfc(text, pool), pool), name);
}

sgn_error_t *sgn_record_xml(sgn_bytes_t *out, const sgn_archive_ingest_t *ingest, const sgn_record_facts_t *facts, apr_pool_t *pool)
{
    sgn_buf_t *xml = sgn_buf_make(SGN_RECORD_LIMIT, pool);
    json_t *text;
    size_t i, k;

    sgn_buf_str(xml, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
                     "<document xmlns=\"urn:x-signvn:metadata:1\">\n");
    element(xml, "  ", "docId", facts->id, pool);
    element(xml, "  ", "organId", ingest->agency, pool);
    for (i = 0; i < sizeof(record_texts) / sizeof(record_texts[0]); i++)
        element(xml, "  ", record_texts[i].element,
                json_string_value(json_object_get(ingest->metadata, record_texts[i].member)), pool);
    for (i = 0; i < sizeof(record_lists) / sizeof(record_lists[0]); i++) {
        json_t *list = json_object_get(ingest->metadata, record_lists[i].member);

        if (!json_array_size(list))
            continue;
        sgn_buf_printf(xml, "  <%s>\n", record_lists[i].list);
        json_array_foreach(list, k, text)
            element(xml, "    ", record_lists[i].element, json_string_value(text), pool);
        sgn_buf_printf(xml, "  </%s>\n", record_lists[i].list);
    }
    if (json_is_integer(json_object_get(ingest->metadata, "pages")))
        sgn_buf_printf(xml, "  <numberOfPage>%ld</numberOfPage>\n",
                       (long)json_integer_value(json_object_get(ingest->metadata, "pages")));
    element(xml, "  ", "received", sgn_clock_print(facts->received, pool), pool);
    sgn_buf_str(xml, "  <file>\n");
    element(xml, "    ", "name", ingest->name, pool);
    element(xml, "    ", "format", ingest->media_type, pool);
    sgn_buf_printf(xml, "    <size>%" APR_OFF_T_FMT "</size>\n", facts->size);
    element(xml, "    ", "sha256", facts->sha256, pool);
    element(xml, "    ", "sha512", facts->sha512, pool);
    sgn_buf_str(xml, "  </file>\n</document>\n");
    return sgn_buf_bytes(out, xml);
}
