/*
 * ocfl_check.c: objects and the storage root as they lie on the disk, against
 * OCFL 1.1.  Our own validator: the archive must also pass everybody else's.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include <apr_strings.h>

#include "base/pool.h"
#include "crypto/digest.h"
#include "office/archive/ocfl_rules.h"

#define CHECK_DEPTH 32
#define CHECK_ENTRIES 200000

typedef struct {
    sgn_ocfl_rules_t rules;         /* finding and count */
    int root;
    const char *path;               /* of the object */
    sgn_ocfl_depth_t depth;
    json_t *inventory, *contents;   /* contents: content path -> digest, taken out when seen */
    const char *content;            /* content directory's name */
    apr_int64_t *files, *bytes;
    apr_pool_t *pool;
} check_t;

static void find(check_t *check, const char *code, const char *path, const char *text)
{
    check->rules.path = path;
    sgn_ocfl_rules_find(&check->rules, code, text);
}

typedef struct {
    const char *name;
    char kind;      /* f file, d directory, x anything else */
} child_t;

static int by_name(const void *a, const void *b)
{
    return strcmp(((const child_t *)a)->name, ((const child_t *)b)->name);
}

static sgn_error_t *children(const child_t **out, int *count, int root, const char *path, apr_pool_t *pool)
{
    int fd, room = 16, n = 0;
    child_t *list = apr_palloc(pool, sizeof(*list) * (size_t)room);
    struct dirent *entry;
    DIR *dir;

    SGN_TRY(sgn_file_open(&fd, root, path, O_RDONLY | O_DIRECTORY, 0, pool));
    dir = fdopendir(dup(fd));
    sgn_pool_close_fd(pool, fd);
    if (!dir)
        return SGN_ERROR_ERRNO(pool, SGN_FILE_FAILED, "list %s", path);
    while ((entry = readdir(dir)) != NULL && n < CHECK_ENTRIES) {
        struct stat status;

        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        if (n == room) {
            child_t *more = apr_palloc(pool, sizeof(*more) * (size_t)room * 2);

            memcpy(more, list, sizeof(*list) * (size_t)n);
            list = more;
            room *= 2;
        }
        list[n].name = apr_pstrdup(pool, entry->d_name);
        list[n].kind = fstatat(dirfd(dir), entry->d_name, &status, AT_SYMLINK_NOFOLLOW) != 0 ? 'x'
            : S_ISREG(status.st_mode) ? 'f' : S_ISDIR(status.st_mode) ? 'd' : 'x';
        n++;
    }
    closedir(dir);
    qsort(list, (size_t)n, sizeof(*list), by_name);
    *out = list;
    *count = n;
    return NULL;
}

static const char *join(check_t *check, const char *a, const char *b)
{
    return *a ? apr_pstrcat(check->pool, a, "/", b, NULL) : apr_pstrdup(check->pool, b);
}

/* ---- inventories ------------------------------------------------------------------ */

static sgn_error_t *check_sidecar(check_t *check, const char *directory, const json_t *inventory, sgn_bytes_t bytes)
{
    const char *algorithm = json_string_value(json_object_get(inventory, "digestAlgorithm"));
    int large = !algorithm || strcmp(algorithm, "sha256") != 0;
    const char *path = join(check, directory, large ? SGN_OCFL_SIDECAR : "inventory.json.sha256"), *want, *text;
    unsigned char digest[SGN_DIGEST_MAX];
    size_t len = large ? 128 : 64;
    sgn_bytes_t sidecar;
    sgn_digest_t *hash;

    if (sgn_file_read(&sidecar, check->root, path, 4096, check->pool)) {
        find(check, "E058", path, "the inventory has no sidecar of its algorithm");
        return NULL;
    }
    SGN_TRY(sgn_digest_make(&hash, large ? SGN_DIGEST_SHA512 : SGN_DIGEST_SHA256, check->pool));
    SGN_TRY(sgn_digest_add(hash, bytes.data, bytes.len, check->pool));
    SGN_TRY(sgn_digest_finish(digest, hash, check->pool));
    want = sgn_bytes_hex(sgn_bytes(digest, len / 2), check->pool);
    text = (const char *)sidecar.data;
    if (strspn(text, "0123456789abcdefABCDEF") != len || (text[len] != ' ' && text[len] != '\t')
        || strcmp(text + len + strspn(text + len, " \t"), "inventory.json\n") != 0)
        find(check, "E061", path, "the sidecar is not DIGEST inventory.json");
    else if (strncasecmp(text, want, len) != 0)
        find(check, "E060", path, "the sidecar is of another inventory");
    return NULL;
}

/* *out NULL when it cannot be used; *bytes_out its text. */
static sgn_error_t *read_inventory(json_t **out, sgn_bytes_t *bytes_out, check_t *check, const char *directory)
{
    const char *path = join(check, directory, SGN_OCFL_INVENTORY);
    sgn_error_t *error;
    json_t *json;
    int sound;

    *out = NULL;
    bytes_out->len = 0;
    error = sgn_file_read(bytes_out, check->root, path, SGN_OCFL_INVENTORY_LIMIT, check->pool);
    if (error) {
        find(check, strcmp(directory, check->path) == 0 ? "E063" : "W010", path, "no readable inventory");
        return NULL;
    }
    error = sgn_json_parse(&json, *bytes_out, SGN_OCFL_INVENTORY_LIMIT, check->pool);
    if (error) {
        find(check, "E033", path, error->detail);
        return NULL;
    }
    check->rules.path = path;
    sgn_ocfl_rules_check(&sound, &check->rules, json, check->pool);
    SGN_TRY(check_sidecar(check, directory, json, *bytes_out));
    if (sound)
        *out = json;
    return NULL;
}

/* ---- content -------------------------------------------------------------------------- */

static sgn_error_t *compare(check_t *check, const char *path, const char *content, const char *digest)
{
    sgn_ocfl_digests_t have;
    json_t *block = json_object_get(json_object_get(check->inventory, "fixity"), "sha256"), *list, *item;
    const char *sha256, *sha512, *stated;
    apr_pool_t *scratch;
    size_t i;
    int fd;

    apr_pool_create(&scratch, check->pool);
    SGN_TRY(sgn_file_open(&fd, check->root, path, O_RDONLY | O_NONBLOCK, 0, scratch));
    if (check->depth == SGN_OCFL_SHALLOW) {
        SGN_TRY(sgn_file_size(&have.size, fd, scratch));
        *check->bytes += have.size;
        apr_pool_destroy(scratch);
        return NULL;
    }
    SGN_TRY(sgn_ocfl_digest_fd(&have, fd, scratch));
    *check->bytes += have.size;
    sha256 = sgn_bytes_hex(sgn_bytes(have.sha256, 32), scratch);
    sha512 = sgn_bytes_hex(sgn_bytes(have.sha512, 64), scratch);
    if (strcasecmp(strlen(digest) == 64 ? sha256 : sha512, digest) != 0)
        find(check, "E092", path, "the file is not the one that was stored");
    json_object_foreach(block, stated, list)
        json_array_foreach(list, i, item)
            if (json_is_string(item) && strcmp(json_string_value(item), content) == 0 && strcasecmp(stated, sha256) != 0)
                find(check, "E093", path, "the fixity block has another digest");
    apr_pool_destroy(scratch);
    return NULL;
}

/* Everything below a content directory; `content` is the path below the object. */
static sgn_error_t *walk_content(check_t *check, const char *content, int level, const char *empty_code)
{
    const child_t *list;
    int count, i;

    if (level > CHECK_DEPTH)
        return SGN_ERROR(check->pool, SGN_TOO_LARGE, "%s/%s is too deep", check->path, content);
    SGN_TRY(children(&list, &count, check->root, join(check, check->path, content), check->pool));
    if (!count)
        find(check, empty_code, join(check, check->path, content), "an empty directory");
    for (i = 0; i < count; i++) {
        const char *below = join(check, content, list[i].name), *path = join(check, check->path, below);
        const char *digest;

        if (list[i].kind == 'x') {
            find(check, "E090", path, "neither a file nor a directory");
        } else if (list[i].kind == 'd') {
            SGN_TRY(walk_content(check, below, level + 1, "E024"));
        } else {
            digest = json_string_value(json_object_get(check->contents, below));
            ++*check->files;
            if (!digest) {
                find(check, "E023", path, "a file that the manifest does not list");
                continue;
            }
            SGN_TRY(compare(check, path, below, digest));
            json_object_del(check->contents, below);
        }
    }
    return NULL;
}

static sgn_error_t *check_version_directory(check_t *check, const char *name, sgn_bytes_t root_inventory)
{
    const char *directory = join(check, check->path, name);
    const char *head = json_string_value(json_object_get(check->inventory, "head"));
    const child_t *list;
    int count, i, has_inventory = 0;
    json_t *older;
    sgn_bytes_t bytes;

    SGN_TRY(children(&list, &count, check->root, directory, check->pool));
    for (i = 0; i < count; i++) {
        const char *path = join(check, directory, list[i].name);

        if (list[i].kind == 'x')
            find(check, "E090", path, "neither a file nor a directory");
        else if (list[i].kind == 'd' && strcmp(list[i].name, check->content) == 0)
            SGN_TRY(walk_content(check, join(check, name, list[i].name), 0, "E016"));
        else if (list[i].kind == 'd')
            find(check, "W002", path, "a directory beside the content");
        else if (strcmp(list[i].name, SGN_OCFL_INVENTORY) == 0)
            has_inventory = 1;
        else if (strncmp(list[i].name, "inventory.json.", 15) != 0)
            find(check, "E015", path, "a file beside the inventory");
    }
    if (!has_inventory) {
        find(check, "W010", directory, "no inventory in the version directory");
        return NULL;
    }
    SGN_TRY(read_inventory(&older, &bytes, check, directory));
    check->rules.path = join(check, directory, SGN_OCFL_INVENTORY);
    if (head && strcmp(head, name) == 0) {
        if (!sgn_bytes_equal(bytes, root_inventory))
            find(check, "E064", check->rules.path, "the head version's inventory is not the object's");
    } else if (older) {
        const char *own = json_string_value(json_object_get(older, "head"));

        if (!own || strcmp(own, name) != 0)
            find(check, "E040", check->rules.path, "the inventory of a version is of another version");
        sgn_ocfl_rules_compare(&check->rules, older, check->inventory, check->pool);
    }
    return NULL;
}

/* ---- the object -------------------------------------------------------------------------- */

static sgn_error_t *check_declaration(check_t *check, const child_t *list, int count)
{
    int i, found = 0;

    for (i = 0; i < count; i++) {
        const char *name = list[i].name, *path = join(check, check->path, name);
        sgn_bytes_t bytes;

        if (strncmp(name, "0=", 2) != 0)
            continue;
        found++;
        if (strcmp(name, SGN_OCFL_OBJECT_NAMASTE) != 0 && strcmp(name, "0=ocfl_object_1.0") != 0)
            find(check, "E006", path, "the declaration is of no known version");
        else if (sgn_file_read(&bytes, check->root, path, 1024, check->pool)
                 || !sgn_bytes_equal(bytes, sgn_bytes_str(apr_pstrcat(check->pool, name + 2, "\n", NULL))))
            find(check, "E007", path, "the declaration's text is not its name");
    }
    if (found != 1)
        find(check, "E003", check->path, found ? "more than one declaration" : "no declaration");
    return NULL;
}

static void check_object_files(check_t *check, const child_t *list, int count)
{
    int i;

    for (i = 0; i < count; i++) {
        const char *name = list[i].name, *path = join(check, check->path, name);

        if (list[i].kind == 'x') {
            find(check, "E090", path, "neither a file nor a directory");
        } else if (list[i].kind == 'f') {
            if (strncmp(name, "0=", 2) != 0 && strcmp(name, SGN_OCFL_INVENTORY) != 0
                && strcmp(name, SGN_OCFL_SIDECAR) != 0 && strcmp(name, "inventory.json.sha256") != 0)
                find(check, "E001", path, "a file that does not belong here");
        } else if (strcmp(name, "logs") != 0 && strcmp(name, "extensions") != 0) {
            if (name[0] != 'v' || !name[1] || strspn(name + 1, "0123456789") != strlen(name + 1))
                find(check, "E001", path, "a directory that does not belong here");
            else if (check->inventory && !json_object_get(json_object_get(check->inventory, "versions"), name))
                find(check, "E046", path, "a version directory that the inventory does not have");
        }
    }
}

static sgn_error_t *check_versions(check_t *check, sgn_bytes_t bytes)
{
    json_t *manifest = json_object_get(check->inventory, "manifest"), *list, *path, *version;
    const char *digest, *name, *content;
    size_t i;

    check->contents = sgn_json_object(check->pool);
    json_object_foreach(manifest, digest, list)
        json_array_foreach(list, i, path)
            if (json_is_string(path))
                json_object_set_new(check->contents, json_string_value(path), json_string(digest));
    json_object_foreach(json_object_get(check->inventory, "versions"), name, version) {
        struct stat status;

        if (strchr(name, '/') || name[0] == '.')
            continue;
        if (fstatat(check->root, join(check, check->path, name), &status, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISDIR(status.st_mode)) {
            find(check, "E010", join(check, check->path, name), "a version of the inventory has no directory");
            continue;
        }
        SGN_TRY(check_version_directory(check, name, bytes));
    }
    json_object_foreach(check->contents, content, path) {
        size_t in = strcspn(content, "/");
        const char *own = apr_pstrmemdup(check->pool, content, in);

        if (!json_object_get(json_object_get(check->inventory, "versions"), own)
            || strncmp(content + in, apr_pstrcat(check->pool, "/", check->content, "/", NULL), strlen(check->content) + 2) != 0)
            find(check, "E042", join(check, check->path, content), "a content path outside the versions' content");
        else
            find(check, "E092", join(check, check->path, content), "a file of the manifest is missing");
    }
    return NULL;
}

sgn_error_t *sgn_ocfl_check_object(int root, const char *path, const char *id, sgn_ocfl_depth_t depth,
                                   sgn_ocfl_finding_fn finding, void *baton,
                                   apr_int64_t *files, apr_int64_t *bytes, apr_pool_t *parent)
{
    check_t check = { .rules = { .finding = finding, .baton = baton }, .root = root, .path = path, .depth = depth,
                      .files = files, .bytes = bytes, .content = "content" };
    const char *stated, *place;
    const child_t *list;
    sgn_bytes_t text;
    int count;

    apr_pool_create(&check.pool, parent);
    SGN_TRY(children(&list, &count, root, path, check.pool));
    SGN_TRY(check_declaration(&check, list, count));
    SGN_TRY(read_inventory(&check.inventory, &text, &check, path));
    check_object_files(&check, list, count);
    if (check.inventory) {
        stated = json_string_value(json_object_get(check.inventory, "id"));
        if (json_string_value(json_object_get(check.inventory, "contentDirectory")))
            check.content = json_string_value(json_object_get(check.inventory, "contentDirectory"));
        if (id && (!stated || strcmp(stated, id) != 0))
            find(&check, "E110", path, "the inventory is of another object");
        if (stated && !sgn_ocfl_path(&place, stated, check.pool) && id && strcmp(place, path) != 0)
            find(&check, "E083", path, "the object is not where its id belongs");
        SGN_TRY(check_versions(&check, text));
    }
    apr_pool_destroy(check.pool);
    return NULL;
}

/* ---- the storage root --------------------------------------------------------------------- */

static int is_object(const child_t *list, int count)
{
    int i;

    for (i = 0; i < count; i++)
        if (list[i].kind == 'f' && strncmp(list[i].name, "0=ocfl_object_", 14) == 0)
            return 1;
    return 0;
}

static sgn_error_t *walk_root(check_t *check, const char *path, int level, sgn_ocfl_object_fn object, void *baton,
                              apr_pool_t *parent)
{
    apr_pool_t *pool, *keep = check->pool;
    const child_t *list;
    int count, i;

    if (level > 8)
        return SGN_ERROR(parent, SGN_TOO_LARGE, "%s is too deep", path);
    apr_pool_create(&pool, parent);
    check->pool = pool;
    SGN_TRY(children(&list, &count, check->root, path, pool));
    if (is_object(list, count)) {
        SGN_TRY(object(baton, path, pool));
    } else {
        if (!count)
            find(check, "E073", path, "an empty directory");
        for (i = 0; i < count; i++) {
            if (list[i].kind == 'd')
                SGN_TRY(walk_root(check, join(check, path, list[i].name), level + 1, object, baton, pool));
            else
                find(check, list[i].kind == 'f' ? "E084" : "E090", join(check, path, list[i].name),
                     "a file outside of any object");
        }
    }
    check->pool = keep;
    apr_pool_destroy(pool);
    return NULL;
}

sgn_error_t *sgn_ocfl_check_root(int root, sgn_ocfl_finding_fn finding, sgn_ocfl_object_fn object, void *baton, apr_pool_t *parent)
{
    check_t check = { .rules = { .finding = finding, .baton = baton }, .root = root };
    const child_t *list;
    sgn_bytes_t bytes;
    json_t *layout;
    int count, i, declared = 0;

    apr_pool_create(&check.pool, parent);
    SGN_TRY(children(&list, &count, root, "", check.pool));
    for (i = 0; i < count; i++) {
        if (list[i].kind == 'd') {
            if (strcmp(list[i].name, "extensions") != 0)
                SGN_TRY(walk_root(&check, list[i].name, 1, object, baton, check.pool));
        } else if (list[i].kind == 'x') {
            find(&check, "E090", list[i].name, "neither a file nor a directory");
        } else if (strncmp(list[i].name, "0=", 2) == 0) {
            declared++;
            if (strcmp(list[i].name, "0=ocfl_1.1") != 0 && strcmp(list[i].name, "0=ocfl_1.0") != 0)
                find(&check, "E078", list[i].name, "the declaration is of no known version");
            else if (sgn_file_read(&bytes, root, list[i].name, 1024, check.pool)
                     || !sgn_bytes_equal(bytes, sgn_bytes_str(apr_pstrcat(check.pool, list[i].name + 2, "\n", NULL))))
                find(&check, "E080", list[i].name, "the declaration's text is not its name");
        }
    }
    if (declared != 1)
        find(&check, declared ? "E076" : "E069", "", "the storage root needs exactly one declaration");
    if (!sgn_file_read(&bytes, root, "ocfl_layout.json", 64 * 1024, check.pool)) {
        if (sgn_json_parse(&layout, bytes, 64 * 1024, check.pool)
            || !json_is_string(json_object_get(layout, "extension")) || !json_is_string(json_object_get(layout, "description")))
            find(&check, "E070", "ocfl_layout.json", "extension or description is missing");
        else if (strcmp(json_string_value(json_object_get(layout, "extension")), SGN_OCFL_LAYOUT) != 0)
            find(&check, "E071", "ocfl_layout.json", "another layout than ours");
    }
    apr_pool_destroy(check.pool);
    return NULL;
}
