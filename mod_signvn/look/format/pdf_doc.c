/* Object values by qpdf's C API; the rules of its use are PDF structure facts:
 * recovery off, warnings count, every string copied at once, no page calls. */
#include "look/format/pdf_doc_impl.h"

#include <stdlib.h>
#include <string.h>

#include <apr_strings.h>
#include <qpdf/qpdf-c.h>

#include "base/pool.h"
#include "look/format/pdf_flate.h"

#define DAMAGED(...) SGN_ERROR(pool, SGN_DOCUMENT_DAMAGED, __VA_ARGS__)
#define HOPS 16
#define READ_MOST ((size_t)64 << 20)    /* beside eight times the file */

static const sgn_pdf_obj_t nothing = { .type = SGN_PDF_NULL };

static void close_qpdf(void *data)
{
    qpdf_data q = data;

    /* unfetched, the error would be printed to stderr */
    qpdf_get_error(q);
    while (qpdf_more_warnings(q))
        qpdf_next_warning(q);
    qpdf_cleanup(&q);
}

/* What readers accept without changing what they show. */
static int tolerated(const char *text)
{
    return strstr(text, "extraneous whitespace seen before xref") != NULL
        || strstr(text, "accepting invalid xref table entry") != NULL
        || strstr(text, "is not one plus the highest object number") != NULL;
}

static void drain(sgn_pdf_doc_t *doc)
{
    while (qpdf_more_warnings(doc->q)) {
        qpdf_error warning = qpdf_next_warning(doc->q);
        const char *text = qpdf_get_error_message_detail(doc->q, warning);

        if (!doc->warning && !tolerated(text))
            doc->warning = apr_pstrdup(doc->pool, text);
    }
    if (qpdf_has_error(doc->q)) {
        qpdf_error error = qpdf_get_error(doc->q);

        if (!doc->warning)
            doc->warning = apr_pstrdup(doc->pool, qpdf_get_error_message_detail(doc->q, error));
    }
}

/* One line without control characters: qpdf quotes names of the file. */
static const char *clean(const char *text, apr_pool_t *pool)
{
    char *copy = apr_pstrdup(pool, text), *p;

    for (p = copy; *p; p++)
        if ((unsigned char)*p < 0x20 || (unsigned char)*p >= 0x7f)
            *p = '?';
    if (strlen(copy) > 200)
        copy[200] = 0;
    return copy;
}

/* The trailer and what it leads to. */
static sgn_error_t *find_catalog(sgn_pdf_doc_t *doc, apr_pool_t *pool)
{
    doc->root = sgn_pdf_obj_get(doc->trailer, "Root");
    doc->catalog = sgn_pdf_doc_get(doc, doc->root);
    if (!doc->root || doc->root->type != SGN_PDF_REF || doc->catalog->type != SGN_PDF_DICT)
        return DAMAGED("the trailer leads to no catalog");
    return NULL;
}

static sgn_error_t *open_whole(sgn_pdf_doc_t *doc, apr_pool_t *pool)
{
    const sgn_pdf_scan_t *scan = doc->scan;
    const char *password = "";
    apr_off_t size = scan->size;
    int revision = doc->revision;
    qpdf_oh handle;

    if (scan->damage)
        return DAMAGED("%s", scan->damage);
    if (revision < scan->revision_count - 1)
        size = scan->revisions[revision].end;
    qpdf_silence_errors(doc->q);
    qpdf_set_suppress_warnings(doc->q, 1);
    qpdf_set_attempt_recovery(doc->q, 0);
    if (qpdf_read_memory(doc->q, "d", (const char *)scan->map, (unsigned long long)size, password)
        & QPDF_ERRORS) {
        qpdf_error error = qpdf_get_error(doc->q);

        if (error && qpdf_get_error_code(doc->q, error) == qpdf_e_password)
            return SGN_ERROR(pool, SGN_DOCUMENT_PASSWORD, "the empty password does not open it");
        return DAMAGED("revision %d: %s", revision,
                       error ? clean(qpdf_get_error_message_detail(doc->q, error), pool) : "unreadable");
    }
    handle = qpdf_get_trailer(doc->q);
    doc->trailer = sgn_pdf_doc_copy(doc, handle);
    qpdf_oh_release(doc->q, handle);
    return find_catalog(doc, pool);
}

sgn_error_t *sgn_pdf_doc_open(sgn_pdf_doc_t **out, const sgn_pdf_scan_t *scan, int revision, apr_pool_t *pool)
{
    sgn_pdf_doc_t *doc = apr_pcalloc(pool, sizeof *doc);
    sgn_error_t *error;

    if (revision < 0 || revision >= scan->revision_count)
        revision = scan->revision_count - 1;
    doc->scan = scan;
    doc->revision = revision;
    doc->pool = pool;
    doc->cache = apr_hash_make(pool);
    doc->q = qpdf_init();
    sgn_pool_own(pool, doc->q, close_qpdf);
    error = open_whole(doc, pool);
    if (error && (error->code != SGN_DOCUMENT_DAMAGED || revision < scan->revision_count - 1))
        return error;
    if (error) {
        doc->broken = 1;
        sgn_pdf_doc_blame(doc, error->detail);
        doc->trailer = scan->sections[scan->section_count - 1].trailer;
        find_catalog(doc, pool);
    }
    *out = doc;
    return NULL;
}

int sgn_pdf_doc_broken(const sgn_pdf_doc_t *doc)
{
    return doc->broken;
}

void sgn_pdf_doc_blame(sgn_pdf_doc_t *doc, const char *damage)
{
    if (!doc->warning)
        doc->warning = damage;
}

sgn_error_t *sgn_pdf_doc_check(sgn_pdf_doc_t *doc, apr_pool_t *pool)
{
    drain(doc);
    if (doc->warning)
        return DAMAGED("%s", clean(doc->warning, pool));
    return NULL;
}

const sgn_pdf_scan_t *sgn_pdf_doc_scan(const sgn_pdf_doc_t *doc)
{
    return doc->scan;
}

int sgn_pdf_doc_revision(const sgn_pdf_doc_t *doc)
{
    return doc->revision;
}

apr_pool_t *sgn_pdf_doc_pool(const sgn_pdf_doc_t *doc)
{
    return doc->pool;
}

/* qpdf writes the value in canonical form, our parser reads it: two calls
 * instead of hundreds per object. */
const sgn_pdf_obj_t *sgn_pdf_doc_copy(sgn_pdf_doc_t *doc, qpdf_oh handle)
{
    int stream = qpdf_oh_is_stream(doc->q, handle);
    qpdf_oh dict = stream ? qpdf_oh_get_dict(doc->q, handle) : handle;
    const char *text = qpdf_oh_unparse_resolved(doc->q, dict);
    size_t len = qpdf_get_last_string_length(doc->q);
    sgn_pdf_lex_t lex = sgn_pdf_lex_at((const unsigned char *)text, 0, len);
    const sgn_pdf_obj_t *value;
    sgn_error_t *error = sgn_pdf_obj_parse(&value, &lex, doc->pool);

    if (stream)
        qpdf_oh_release(doc->q, dict);
    if (error) {
        if (!doc->warning)
            doc->warning = error->detail;
        return &nothing;
    }
    if (stream) {
        sgn_pdf_obj_t *marked = apr_pmemdup(doc->pool, value, sizeof *value);

        marked->is_stream = 1;
        value = marked;
    }
    return value;
}

int sgn_pdf_doc_spend(sgn_pdf_doc_t *doc, size_t bytes)
{
    size_t most = ((size_t)doc->scan->size << 3) + READ_MOST;

    if (doc->spent <= most)
        doc->spent += bytes;
    if (doc->spent > most)
        sgn_pdf_doc_blame(doc, "the objects of the file lie in each other");
    return doc->spent <= most;
}

/* An object that lies plainly in the file is read by our own parser: no copy
 * through qpdf, and double keys are seen.  NULL: let qpdf try, and complain. */
static const sgn_pdf_obj_t *own_object(sgn_pdf_doc_t *doc, int num, int gen)
{
    const sgn_pdf_entry_t *entry = sgn_pdf_scan_find(doc->scan, doc->revision, num);
    const sgn_pdf_obj_t *value;
    sgn_pdf_lex_t lex;
    sgn_pdf_token_t token;
    int there, there_gen;

    if (doc->scan->encrypted || !entry || entry->type != 1 || entry->gen != gen || entry->offset >= doc->scan->size)
        return NULL;
    lex = sgn_pdf_lex_at(doc->scan->map, (size_t)entry->offset, (size_t)doc->scan->size);
    if (!sgn_pdf_lex_object(&lex, &there, &there_gen) || there != num || there_gen != gen)
        return NULL;
    if (sgn_pdf_obj_parse(&value, &lex, doc->pool)) {
        /* once more for qpdf, which will not find its end either */
        sgn_pdf_doc_spend(doc, 2 * (lex.pos - (size_t)entry->offset));
        return NULL;
    }
    sgn_pdf_doc_spend(doc, lex.pos - (size_t)entry->offset);
    token = sgn_pdf_lex_next(&lex);
    if (sgn_pdf_lex_is(&lex, token, "endobj"))
        return value;
    if (sgn_pdf_lex_is(&lex, token, "stream") && value->type == SGN_PDF_DICT) {
        sgn_pdf_obj_t *marked = apr_pmemdup(doc->pool, value, sizeof *value);

        marked->is_stream = 1;
        return marked;
    }
    return NULL;
}

const sgn_pdf_obj_t *sgn_pdf_doc_object(sgn_pdf_doc_t *doc, int num, int gen)
{
    int key[2] = { num, gen };
    const sgn_pdf_obj_t *value = apr_hash_get(doc->cache, key, sizeof key);
    qpdf_oh handle;

    if (value)
        return value;
    if (num <= 0 || num > SGN_PDF_SIZE)
        return &nothing;
    if (!sgn_pdf_doc_spend(doc, 0))
        return &nothing;
    value = own_object(doc, num, gen);
    if (!value && doc->broken)
        value = &nothing;
    if (!value) {
        handle = qpdf_get_object_by_id(doc->q, num, gen);
        value = sgn_pdf_doc_copy(doc, handle);
        qpdf_oh_release(doc->q, handle);
    }
    apr_hash_set(doc->cache, apr_pmemdup(doc->pool, key, sizeof key), sizeof key, value);
    return value;
}

const sgn_pdf_obj_t *sgn_pdf_doc_get(sgn_pdf_doc_t *doc, const sgn_pdf_obj_t *obj)
{
    int hops;

    for (hops = 0; obj && obj->type == SGN_PDF_REF && hops < HOPS; hops++)
        obj = sgn_pdf_doc_object(doc, (int)obj->number, obj->gen);
    return obj && obj->type != SGN_PDF_REF ? obj : &nothing;
}

const sgn_pdf_obj_t *sgn_pdf_doc_find(sgn_pdf_doc_t *doc, const sgn_pdf_obj_t *dict, const char *key)
{
    return sgn_pdf_doc_get(doc, sgn_pdf_obj_get(sgn_pdf_doc_get(doc, dict), key));
}

const sgn_pdf_obj_t *sgn_pdf_doc_at(sgn_pdf_doc_t *doc, const sgn_pdf_obj_t *array, int index)
{
    return sgn_pdf_doc_get(doc, sgn_pdf_obj_item(sgn_pdf_doc_get(doc, array), index));
}

const sgn_pdf_obj_t *sgn_pdf_doc_trailer(sgn_pdf_doc_t *doc)
{
    return doc->trailer;
}

const sgn_pdf_obj_t *sgn_pdf_doc_catalog(sgn_pdf_doc_t *doc)
{
    return doc->catalog;
}

const sgn_pdf_obj_t *sgn_pdf_doc_root(sgn_pdf_doc_t *doc)
{
    return doc->root;
}

int sgn_pdf_doc_doubles(sgn_pdf_doc_t *doc, int num)
{
    const sgn_pdf_entry_t *entry = sgn_pdf_scan_find(doc->scan, doc->revision, num);
    apr_off_t body, end, stream;

    if (!entry || entry->type != 1
        || sgn_pdf_scan_object(&body, &end, &stream, doc->scan, entry, doc->pool))
        return 0;
    return sgn_pdf_lex_dict_doubles(sgn_pdf_lex_at(doc->scan->map, (size_t)body, (size_t)end)) == 1;
}

/* ---- streams --------------------------------------------------------------- */

sgn_error_t *sgn_pdf_doc_stream(sgn_bytes_t *out, sgn_pdf_doc_t *doc, int num, int gen, apr_pool_t *pool)
{
    const sgn_pdf_obj_t *dict = sgn_pdf_doc_object(doc, num, gen);
    const sgn_pdf_entry_t *entry = sgn_pdf_scan_find(doc->scan, doc->revision, num);
    apr_int64_t length;
    apr_off_t body, end, data;
    sgn_pdf_lex_t lex;
    sgn_pdf_token_t word;

    if (!dict->is_stream || !entry)
        return DAMAGED("object %d is no stream", num);
    SGN_TRY(sgn_pdf_scan_object(&body, &end, &data, doc->scan, entry, pool));
    length = sgn_pdf_obj_int(sgn_pdf_doc_find(doc, dict, "Length"), -1);
    if (!data || length < 0 || length > doc->scan->size - data)
        return DAMAGED("the stream of object %d leaves the file", num);
    lex = sgn_pdf_lex_at(doc->scan->map, (size_t)(data + length), (size_t)doc->scan->size);
    word = sgn_pdf_lex_next(&lex);
    if (!sgn_pdf_lex_is(&lex, word, "endstream"))
        return DAMAGED("/Length of object %d is wrong", num);
    *out = sgn_bytes(doc->scan->map + data, (size_t)length);
    return NULL;
}

sgn_error_t *sgn_pdf_doc_stream_decoded(sgn_bytes_t *out, sgn_pdf_doc_t *doc, int num, int gen,
                                        size_t limit, apr_pool_t *pool)
{
    const sgn_pdf_obj_t *dict = sgn_pdf_doc_object(doc, num, gen);
    const sgn_pdf_obj_t *filter = sgn_pdf_doc_find(doc, dict, "Filter");
    sgn_error_t *error;
    sgn_bytes_t raw;

    if (limit > SGN_PDF_DECODED - doc->decoded)
        limit = SGN_PDF_DECODED - doc->decoded;
    if (doc->scan->encrypted)
        return SGN_ERROR(pool, SGN_DOCUMENT_ENCRYPTED, "stream %d is encrypted", num);
    SGN_TRY(sgn_pdf_doc_stream(&raw, doc, num, gen, pool));
    if (filter->type == SGN_PDF_ARRAY && filter->count <= 1)
        filter = filter->count ? sgn_pdf_doc_at(doc, filter, 0) : &nothing;
    if (filter->type == SGN_PDF_NULL) {
        if (raw.len > limit)
            return SGN_ERROR(pool, SGN_DOCUMENT_LIMIT, "stream %d is too large", num);
        *out = raw;
        return NULL;
    }
    if (!sgn_pdf_obj_is_name(filter, "FlateDecode")
        || sgn_pdf_obj_int(sgn_pdf_doc_find(doc, sgn_pdf_doc_find(doc, dict, "DecodeParms"), "Predictor"), 1) != 1)
        return SGN_ERROR(pool, SGN_DOCUMENT_LIMIT, "stream %d has a filter that is not read here", num);
    error = sgn_pdf_flate_inflate(out, raw, limit, pool);
    doc->decoded += error ? limit : out->len;
    return error;
}
