/* ocfl.c: names, the storage root, and reading inventories. */
#include "office/archive/ocfl.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <apr_strings.h>

#include "base/pool.h"
#include "crypto/digest.h"

#define OCFL_BLOCK (256 * 1024)

static const char ocfl_spec[] =
    "# This directory is an OCFL 1.1 storage root\n\n"
    "The Oxford Common File Layout, version 1.1, is published at https://ocfl.io/1.1/spec/. In short:\n\n"
    "- `0=ocfl_1.1` names the version; `ocfl_layout.json` and `extensions/` tell how an identifier becomes a path:\n"
    "  SHA-256 of the identifier in hex, its first two characters, the next two, then the identifier with every\n"
    "  character but A-Z a-z 0-9 - and _ written as %xx.\n"
    "- A directory with `0=ocfl_object_1.1` is one object. `inventory.json` lists every file: `manifest` maps a\n"
    "  SHA-512 digest to the file's path, `versions` says which files made up each version and when it was made.\n"
    "  `inventory.json.sha512` is the digest of the inventory. `v1/`, `v2/` are never changed once written.\n"
    "- To check by hand: `sha512sum` of each file against `manifest`, and of `inventory.json` against its sidecar.\n"
    "- To take a document out: copy `v1/content/original.*`.\n";

sgn_error_t *sgn_ocfl_path(const char **out, const char *id, apr_pool_t *pool)
{
    static const char hex[] = "0123456789abcdef";
    const char *digest;
    sgn_buf_t *name = sgn_buf_make(4096, pool);
    sgn_bytes_t bytes;
    const unsigned char *c;

    SGN_TRY(sgn_digest_sha256_hex(&digest, id, strlen(id), pool));
    for (c = (const unsigned char *)id; *c; c++) {
        if ((*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') || (*c >= '0' && *c <= '9')
            || *c == '-' || *c == '_') {
            sgn_buf_byte(name, *c);
        } else {
            sgn_buf_byte(name, '%');
            sgn_buf_byte(name, hex[*c >> 4]);
            sgn_buf_byte(name, hex[*c & 15]);
        }
    }
    SGN_TRY(sgn_buf_bytes(&bytes, name));
    *out = bytes.len > 100
        ? apr_psprintf(pool, "%.2s/%.2s/%.100s-%s", digest, digest + 2, (const char *)bytes.data, digest)
        : apr_psprintf(pool, "%.2s/%.2s/%s", digest, digest + 2, (const char *)bytes.data);
    return NULL;
}

sgn_error_t *sgn_ocfl_root_make(int root, const char *readme, apr_pool_t *pool)
{
    static const char layout[] =
        "{\n  \"description\": \"SHA-256 of the identifier, two tuples of two characters, then the encoded identifier\",\n"
        "  \"extension\": \"" SGN_OCFL_LAYOUT "\"\n}\n";
    static const char config[] =
        "{\n  \"digestAlgorithm\": \"sha256\",\n  \"extensionName\": \"" SGN_OCFL_LAYOUT "\",\n"
        "  \"numberOfTuples\": 2,\n  \"tupleSize\": 2\n}\n";
    const char *const files[][2] = {
        { "extensions/" SGN_OCFL_LAYOUT "/config.json", config },
        { "ocfl_layout.json", layout },
        { "ocfl_1.1.md", ocfl_spec },
        { "README-VI.txt", readme },
        { "0=ocfl_1.1", "ocfl_1.1\n" },     /* last: it makes the directory a root */
    };
    size_t i;

    SGN_TRY(sgn_file_mkdir(root, "extensions/" SGN_OCFL_LAYOUT, 0750, pool));
    for (i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        sgn_bytes_t have;
        sgn_error_t *error = sgn_file_read(&have, root, files[i][0], 1 << 20, pool);

        if (!error && sgn_bytes_equal(have, sgn_bytes_str(files[i][1])))
            continue;
        if (!error && (i < 2 || i == 4))
            return SGN_ERROR(pool, SGN_CONFIG, "%s in the archive's root is of another layout", files[i][0]);
        if (error && error->code != SGN_FILE_ABSENT)
            return error;
        SGN_TRY(sgn_file_write(root, files[i][0], sgn_bytes_str(files[i][1]), 0440, pool));
    }
    return NULL;
}

sgn_error_t *sgn_ocfl_digest_fd(sgn_ocfl_digests_t *out, int fd, apr_pool_t *pool)
{
    sgn_digest_t *small, *large;
    unsigned char *block;
    apr_pool_t *scratch;
    apr_off_t at = 0;

    SGN_TRY(sgn_file_size(&out->size, fd, pool));
    SGN_TRY(sgn_digest_make(&small, SGN_DIGEST_SHA256, pool));
    SGN_TRY(sgn_digest_make(&large, SGN_DIGEST_SHA512, pool));
    apr_pool_create(&scratch, pool);
    block = apr_palloc(scratch, OCFL_BLOCK);
    while (at < out->size) {
        size_t step = out->size - at < OCFL_BLOCK ? (size_t)(out->size - at) : OCFL_BLOCK;

        SGN_TRY(sgn_file_pread_all(fd, block, step, at, pool));
        SGN_TRY(sgn_digest_add(small, block, step, pool));
        SGN_TRY(sgn_digest_add(large, block, step, pool));
        at += (apr_off_t)step;
    }
    apr_pool_destroy(scratch);
    SGN_TRY(sgn_digest_finish(out->sha256, small, pool));
    return sgn_digest_finish(out->sha512, large, pool);
}

/* ---- reading ---------------------------------------------------------------- */

/* The digest a sidecar states: "DIGEST inventory.json". */
static int sidecar_matches(sgn_bytes_t sidecar, const char *digest)
{
    const char *text = (const char *)sidecar.data;
    size_t len = strlen(digest), at = len;

    if (sidecar.len < len + 1 + strlen(SGN_OCFL_INVENTORY) || strncmp(text, digest, len) != 0)
        return 0;
    while (text[at] == ' ' || text[at] == '\t')
        at++;
    return at > len && strncmp(text + at, SGN_OCFL_INVENTORY, strlen(SGN_OCFL_INVENTORY)) == 0;
}

sgn_error_t *sgn_ocfl_inventory_read(sgn_ocfl_inventory_t **out, int root, const char *id, apr_pool_t *pool)
{
    sgn_ocfl_inventory_t *inventory = apr_pcalloc(pool, sizeof(*inventory));
    unsigned char digest[64];
    sgn_bytes_t bytes, sidecar;
    sgn_digest_t *hash;
    const char *stated, *head;
    sgn_error_t *error;

    SGN_TRY(sgn_ocfl_path(&inventory->path, id, pool));
    error = sgn_file_read(&bytes, root, apr_pstrcat(pool, inventory->path, "/" SGN_OCFL_INVENTORY, NULL),
                          SGN_OCFL_INVENTORY_LIMIT, pool);
    if (error && error->code == SGN_FILE_ABSENT) {
        int fd;

        if (sgn_file_open(&fd, root, inventory->path, O_RDONLY | O_DIRECTORY, 0, pool))
            return SGN_WRAP(pool, error, SGN_ARCHIVE_UNKNOWN, "%s", id);
        sgn_pool_close_fd(pool, fd);
        return SGN_WRAP(pool, error, SGN_ARCHIVE_DAMAGED, "%s has no inventory", id);
    }
    SGN_TRY(error);
    error = sgn_file_read(&sidecar, root, apr_pstrcat(pool, inventory->path, "/" SGN_OCFL_SIDECAR, NULL), 1024, pool);
    if (error)
        return SGN_WRAP(pool, error, SGN_ARCHIVE_DAMAGED, "sidecar of %s", id);
    SGN_TRY(sgn_digest_make(&hash, SGN_DIGEST_SHA512, pool));
    SGN_TRY(sgn_digest_add(hash, bytes.data, bytes.len, pool));
    SGN_TRY(sgn_digest_finish(digest, hash, pool));
    inventory->digest = sgn_bytes_hex(sgn_bytes(digest, sizeof(digest)), pool);
    if (!sidecar_matches(sidecar, inventory->digest))
        return SGN_ERROR(pool, SGN_ARCHIVE_DAMAGED, "inventory of %s differs from its sidecar", id);
    error = sgn_json_parse(&inventory->json, bytes, SGN_OCFL_INVENTORY_LIMIT, pool);
    if (!error)
        error = sgn_json_get_str(&stated, inventory->json, "id", pool);
    if (!error)
        error = sgn_json_get_str(&head, inventory->json, "head", pool);
    if (error)
        return SGN_WRAP(pool, error, SGN_ARCHIVE_DAMAGED, "inventory of %s", id);
    inventory->head = head[0] == 'v' ? atoi(head + 1) : 0;
    if (strcmp(stated, id) != 0 || inventory->head < 1)
        return SGN_ERROR(pool, SGN_ARCHIVE_DAMAGED, "inventory of %s is of %s, head %s", id, stated, head);
    inventory->id = apr_pstrdup(pool, id);
    *out = inventory;
    return NULL;
}

/* Content paths come from a file on disk: nothing may leave the object. */
static int content_is_safe(const char *path)
{
    const char *part = path;

    if (*path != 'v' || strchr(path, '\\'))
        return 0;
    for (;;) {
        size_t len = strcspn(part, "/");

        if (len == 0 || (len == 1 && part[0] == '.') || (len == 2 && part[0] == '.' && part[1] == '.'))
            return 0;
        if (!part[len])
            return 1;
        part += len + 1;
    }
}

static const char *fixity_of(const json_t *json, const char *content)
{
    json_t *list = json_object_get(json_object_get(json, "fixity"), "sha256"), *paths, *path;
    const char *digest;
    size_t i;

    json_object_foreach(list, digest, paths)
        json_array_foreach(paths, i, path)
            if (json_is_string(path) && strcmp(json_string_value(path), content) == 0)
                return digest;
    return "";
}

static int by_logical(const void *a, const void *b)
{
    return strcmp(((const sgn_ocfl_entry_t *)a)->logical, ((const sgn_ocfl_entry_t *)b)->logical);
}

sgn_error_t *sgn_ocfl_entries(const sgn_ocfl_entry_t **out, int *count,
                              const sgn_ocfl_inventory_t *inventory, int version, apr_pool_t *pool)
{
    json_t *versions = json_object_get(inventory->json, "versions");
    json_t *manifest = json_object_get(inventory->json, "manifest");
    json_t *state = json_object_get(json_object_get(versions, apr_psprintf(pool, "v%d", version)), "state");
    json_t *paths, *path;
    sgn_ocfl_entry_t *entries;
    const char *digest;
    int n = 0;
    size_t i;

    if (!state)
        return SGN_ERROR(pool, SGN_ARCHIVE_UNKNOWN, "%s has no version %d", inventory->id, version);
    json_object_foreach(state, digest, paths)
        n += (int)json_array_size(paths);
    entries = apr_pcalloc(pool, sizeof(*entries) * (size_t)(n + 1));
    n = 0;
    json_object_foreach(state, digest, paths) {
        const char *content = json_string_value(json_array_get(json_object_get(manifest, digest), 0));

        if (!content || !content_is_safe(content))
            return SGN_ERROR(pool, SGN_ARCHIVE_DAMAGED, "manifest of %s", inventory->id);
        json_array_foreach(paths, i, path) {
            if (!json_is_string(path))
                return SGN_ERROR(pool, SGN_ARCHIVE_DAMAGED, "state of %s", inventory->id);
            entries[n].logical = json_string_value(path);
            entries[n].content = content;
            entries[n].sha512 = digest;
            entries[n++].sha256 = fixity_of(inventory->json, content);
        }
    }
    qsort(entries, (size_t)n, sizeof(*entries), by_logical);
    *out = entries;
    *count = n;
    return NULL;
}

const sgn_ocfl_entry_t *sgn_ocfl_entry_find(const sgn_ocfl_entry_t *entries, int count, const char *logical)
{
    size_t len = strlen(logical);
    int prefix = len > 1 && logical[len - 1] == '.', i;

    for (i = 0; i < count; i++)
        if (prefix ? strncmp(entries[i].logical, logical, len) == 0 : strcmp(entries[i].logical, logical) == 0)
            return &entries[i];
    return NULL;
}
