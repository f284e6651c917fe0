/*
 * backup_verify.c: does a set hold what its manifests say?  Needs the medium
 * and the signer's fingerprint, nothing of the running system.
 */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <apr_strings.h>

#include "base/file.h"
#include "base/pool.h"
#include "crypto/random.h"
#include "office/archive/ocfl.h"
#include "office/backup/room.h"

#define VERIFY_LISTED 1000

typedef struct {
    const sgn_backup_verify_t *options;
    sgn_medium_t *medium;
    json_t *errors, *bad;       /* bad: packs that are not what was written */
    const char *id;             /* of the object that is looked at */
    apr_int64_t wrong, manifests, packs, objects, bytes, total;
    int scratch;
    int root;                   /* unpacked here: level 3 every pack, 2 the bad ones; -1 */
    sgn_archive_progress_fn progress;
    void *baton;
    apr_pool_t *pool;
} verify_t;

static void note(verify_t *verify, const char *name, const char *text)
{
    json_t *item;

    if (verify->wrong++ >= VERIFY_LISTED)
        return;
    item = json_object();
    sgn_json_set_str(item, "name", name);
    sgn_json_set_str(item, "text", text);
    json_array_append_new(verify->errors, item);
}

/* Which of its objects are not what they were is found out below. */
static sgn_error_t *open_bad(verify_t *verify, const char *pack, const char *name, apr_pool_t *pool)
{
    const char *ignored;
    apr_off_t size;
    sgn_error_t *error;

    note(verify, name, "not the bytes that were written");
    json_object_set_new(verify->bad, pack, json_true());
    if (verify->options->level >= 3)
        return NULL;
    error = sgn_pack_read(&ignored, &size, verify->root, NULL, verify->medium, name, pool);
    return error && error->code == SGN_DISK_FULL ? error : NULL;
}

static void miss_pack(verify_t *verify, const char *pack, const char *name, const char *text)
{
    note(verify, name, text);
    if (verify->options->level >= 2)
        json_object_set_new(verify->bad, pack, json_true());
}

static sgn_error_t *check_pack(verify_t *verify, const char *pack, apr_off_t stated, apr_pool_t *pool)
{
    const char *name = sgn_pack_path(pack, pool), *sha512 = pack;
    sgn_error_t *error;
    apr_off_t size;

    if (strlen(pack) != 128 || strspn(pack, "0123456789abcdef") != 128) {
        note(verify, "pack", "a name that is no digest");
        return NULL;
    }
    verify->packs++;
    error = verify->options->level >= 3 ? sgn_pack_read(&sha512, &size, verify->root, NULL, verify->medium, name, pool)
        : verify->options->level == 2 ? sgn_target_digest(&sha512, &size, verify->medium, name, pool)
        : sgn_target_size(&size, verify->medium, name, pool);
    if (error && (error->code == SGN_BACKUP_DAMAGED || error->code == SGN_FILE_ABSENT || error->code == SGN_FILE_FAILED
                  || error->code == SGN_FILE_SHORT || error->code == SGN_FILE_UNSAFE))
        miss_pack(verify, pack, name, error->code == SGN_FILE_ABSENT ? "missing" : error->detail);
    else if (error)
        return error;
    else if (size != stated)
        note(verify, name, "another size than in the manifest");
    else if (strcmp(sha512, pack) != 0)
        SGN_TRY(open_bad(verify, pack, name, pool));
    verify->bytes += error ? 0 : size;
    return verify->progress ? verify->progress(verify->baton, verify->packs, 0, "verify") : NULL;
}

static sgn_error_t *pack_line(void *baton, json_t *line, apr_pool_t *pool)
{
    verify_t *verify = baton;
    const char *pack = json_string_value(json_object_get(line, "pack"));

    if (!pack || json_object_get(line, "id"))
        return NULL;
    return check_pack(verify, pack, json_integer_value(json_object_get(line, "size")), pool);
}

static void object_finding(void *baton, const char *code, const char *path, const char *text)
{
    verify_t *verify = baton;

    if (code[0] == 'E')
        note(verify, verify->id, apr_pstrcat(verify->pool, path, ": ", code, " ", text, NULL));
}

static sgn_error_t *object_line(void *baton, json_t *line, apr_pool_t *pool)
{
    verify_t *verify = baton;
    const char *id = json_string_value(json_object_get(line, "id")), *inventory = json_string_value(json_object_get(line, "inventory"));
    const char *pack = json_string_value(json_object_get(line, "pack"));
    sgn_ocfl_inventory_t *have;
    apr_int64_t files = 0, bytes = 0;

    if (!id || json_object_get(line, "damaged"))
        return NULL;
    verify->objects++;
    if (verify->options->level < 3 && !(pack && json_object_get(verify->bad, pack)))
        return NULL;
    verify->id = id;
    if (!sgn_archive_is_id(id) || !inventory) {
        note(verify, "manifest", "an identifier that is not one of ours");
        return NULL;
    }
    if (sgn_ocfl_inventory_read(&have, verify->root, id, pool) || strcmp(have->digest, inventory) != 0) {
        note(verify, id, "not in its pack, or another inventory");
        return NULL;
    }
    return sgn_ocfl_check_object(verify->root, have->path, id, SGN_OCFL_DEEP, object_finding, verify, &files, &bytes, pool);
}

static sgn_error_t *check_database(verify_t *verify, const json_t *entry, apr_pool_t *pool)
{
    const char *name = json_string_value(json_object_get(entry, "name")), *want = json_string_value(json_object_get(entry, "sha512"));
    const char *sha512;
    apr_off_t size;

    if (!name || !want || strncmp(name, "database/", 9) != 0)
        note(verify, "database", "the manifest names none");
    else if (verify->options->level == 1 ? sgn_target_size(&size, verify->medium, name, pool) != NULL
             : sgn_target_digest(&sha512, &size, verify->medium, name, pool) || strcmp(sha512, want) != 0)
        note(verify, name, "missing or damaged");
    return NULL;
}

static sgn_error_t *one_manifest(void *baton, const sgn_manifest_t *manifest, apr_pool_t *pool)
{
    verify_t *verify = baton;
    json_t *databases = json_object_get(manifest->header, "databases");

    verify->manifests++;
    SGN_TRY(check_database(verify, json_object_get(databases, "office"), pool));
    SGN_TRY(check_database(verify, json_object_get(databases, "catalog"), pool));
    SGN_TRY(sgn_manifest_each(manifest, pack_line, verify, pool));
    return sgn_manifest_each(manifest, object_line, verify, pool);
}

static sgn_error_t *run_verify(verify_t *verify, apr_int64_t *newest)
{
    const char *set;
    json_t *identity;

    SGN_TRY(sgn_room_identity(&identity, verify->medium, verify->pool));
    SGN_TRY(sgn_json_get_str(&set, identity, "set", verify->pool));
    SGN_TRY(sgn_manifest_newest(newest, verify->medium, verify->pool));
    if (*newest < verify->options->expect)
        return SGN_ERROR(verify->pool, SGN_BACKUP_MANIFEST, "the newest manifest is %" APR_INT64_T_FMT ", %" APR_INT64_T_FMT " was written",
                         *newest, verify->options->expect);
    if (!*newest)
        return SGN_ERROR(verify->pool, SGN_BACKUP_MANIFEST, "no manifest");
    return sgn_manifest_walk(verify->medium, *newest, set, &verify->options->signer, verify->scratch, one_manifest, verify, verify->pool);
}

sgn_error_t *sgn_backup_verify(json_t **out, const sgn_backup_verify_t *options,
                               sgn_archive_progress_fn progress, void *baton, apr_pool_t *pool)
{
    verify_t verify = { .options = options, .errors = sgn_json_array(pool), .bad = sgn_json_object(pool), .root = -1, .progress = progress, .baton = baton, .pool = pool };
    json_t *answer = sgn_json_object(pool);
    apr_int64_t newest = 0;
    const char *token = NULL;
    sgn_error_t *error;

    if (options->level < 1 || options->level > 3)
        return SGN_ERROR(pool, SGN_FIELD, "level: 1, 2 or 3");
    SGN_TRY(sgn_target_open(&verify.medium, options->address, pool));
    SGN_TRY(sgn_file_root(&verify.scratch, options->scratch, pool));
    if (options->level >= 2) {
        SGN_TRY(sgn_random_token(&token, 12, pool));
        token = apr_pstrcat(pool, "verify-", token, NULL);
        SGN_TRY(sgn_file_mkdir(verify.scratch, token, 0700, pool));
        SGN_TRY(sgn_file_open(&verify.root, verify.scratch, token, O_RDONLY | O_DIRECTORY, 0, pool));
    }
    error = run_verify(&verify, &newest);
    if (token) {
        sgn_error_t *late = sgn_file_remove(verify.scratch, token, pool);

        error = error ? error : late;
    }
    if (error && error->code == SGN_BACKUP_MANIFEST)
        note(&verify, "manifests", error->cause ? apr_pstrcat(pool, error->detail, ": ", error->cause->detail, NULL) : error->detail);
    else if (error)
        return error;
    sgn_json_set_str(answer, "address", options->address);
    sgn_json_set_int(answer, "level", options->level);
    sgn_json_set_int(answer, "manifest", newest);
    sgn_json_set_int(answer, "manifests", verify.manifests);
    sgn_json_set_int(answer, "packs", verify.packs);
    sgn_json_set_int(answer, "objects", verify.objects);
    sgn_json_set_int(answer, "bytes", verify.bytes);
    sgn_json_set_bool(answer, "ok", verify.wrong == 0);
    sgn_json_set(answer, "errors", verify.errors);
    *out = answer;
    return NULL;
}
