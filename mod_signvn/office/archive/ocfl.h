/*
 * ocfl.h: objects on disk as OCFL 1.1 writes them: names, inventories, staging
 * and the one rename that makes an object appear whole.
 *
 * Order for a new object: sgn_ocfl_stage_begin(), sgn_ocfl_stage_link() or
 * _write() for each file, sgn_ocfl_stage_finish() (all durable now), the
 * caller's journal intent, sgn_ocfl_stage_place(), the caller's commit.
 * [OCFL 1.1; extension 0003 with sha256, 2, 2]
 *
 * Not checked here: who may write, and that an id is one of ours (callers do).
 * A stage belongs to one thread; different stages may be placed at once, also
 * by different processes.
 */
#ifndef SGN_OFFICE_ARCHIVE_OCFL_H
#define SGN_OFFICE_ARCHIVE_OCFL_H

#include "base/file.h"
#include "base/json.h"

#define SGN_OCFL_INVENTORY_LIMIT (4u << 20)
#define SGN_OCFL_OBJECT_NAMASTE "0=ocfl_object_1.1"
#define SGN_OCFL_INVENTORY "inventory.json"
#define SGN_OCFL_SIDECAR "inventory.json.sha512"
#define SGN_OCFL_LAYOUT "0003-hash-and-id-n-tuple-storage-layout"

/* ---- Names and the root ------------------------------------------------------- */

/* "bb/cb/urn%3avn%3a..." below the root. */
sgn_error_t *sgn_ocfl_path(const char **out, const char *id, apr_pool_t *pool);
/* Writes what a storage root must have when it is not there yet; `readme` is
 * the text for README-VI.txt. */
sgn_error_t *sgn_ocfl_root_make(int root, const char *readme, apr_pool_t *pool);

/* Both digests of [0, size) of a descriptor in one reading; size is measured. */
typedef struct {
    apr_off_t size;
    unsigned char sha256[32], sha512[64];
} sgn_ocfl_digests_t;
sgn_error_t *sgn_ocfl_digest_fd(sgn_ocfl_digests_t *out, int fd, apr_pool_t *pool);

/* ---- Reading an object --------------------------------------------------------- */

typedef struct {
    const char *id, *path;      /* path of the object below the root */
    const char *digest;         /* sha512 of the inventory's bytes, hex */
    int head;
    json_t *json;
} sgn_ocfl_inventory_t;

/* The root inventory, compared with its sidecar and with the id.
 * SGN_ARCHIVE_UNKNOWN when there is no object, SGN_ARCHIVE_DAMAGED. */
sgn_error_t *sgn_ocfl_inventory_read(sgn_ocfl_inventory_t **out, int root, const char *id, apr_pool_t *pool);

typedef struct {
    const char *logical, *content;  /* content: path below the object */
    const char *sha512, *sha256;    /* sha256 from the fixity block, "" when it has none */
} sgn_ocfl_entry_t;

/* The files of a version, sorted by logical path; SGN_ARCHIVE_UNKNOWN for a
 * version that is not there. */
sgn_error_t *sgn_ocfl_entries(const sgn_ocfl_entry_t **out, int *count,
                              const sgn_ocfl_inventory_t *inventory, int version, apr_pool_t *pool);
/* The one of that logical path, or whose path begins with it when it ends in
 * a dot ("original."); NULL when there is none. */
const sgn_ocfl_entry_t *sgn_ocfl_entry_find(const sgn_ocfl_entry_t *entries, int count, const char *logical);

/* ---- Writing an object --------------------------------------------------------- */

typedef struct sgn_ocfl_stage_t sgn_ocfl_stage_t;

/* staging: descriptor of a directory on the root's filesystem. */
sgn_error_t *sgn_ocfl_stage_begin(sgn_ocfl_stage_t **out, int staging, const char *id, apr_pool_t *pool);
/* Links an open file of ours in; its digests are read once and given back.
 * expected: its SHA-256; SGN_ARCHIVE_DAMAGED when it is another. */
sgn_error_t *sgn_ocfl_stage_link(sgn_ocfl_digests_t *out, sgn_ocfl_stage_t *stage, const char *logical,
                                 int fd, const unsigned char expected[32]);
sgn_error_t *sgn_ocfl_stage_write(sgn_ocfl_stage_t *stage, const char *logical, sgn_bytes_t bytes);
/* Inventories, sidecars, declaration; everything synced.  *digest: sha512 of
 * the inventory; *bytes: sum of all files of the object as a tar holds them. */
sgn_error_t *sgn_ocfl_stage_finish(const char **digest, apr_int64_t *bytes, sgn_ocfl_stage_t *stage,
                                   apr_time_t created, const char *message, const char *user);
const char *sgn_ocfl_stage_name(const sgn_ocfl_stage_t *stage);
/* May be called before show(), without a lock: what it does then needs no sync
 * of its own. */
sgn_error_t *sgn_ocfl_stage_wrap(sgn_ocfl_stage_t *stage, int root);
/* The object appears.  SGN_FILE_EXISTS: one of that id is there. */
sgn_error_t *sgn_ocfl_stage_show(sgn_ocfl_stage_t *stage, int root);
/* After show(): it stays, and is read-only. */
sgn_error_t *sgn_ocfl_stage_settle(sgn_ocfl_stage_t *stage, int root);
/* Removes what is left in staging; once shown there is nothing. */
void sgn_ocfl_stage_drop(sgn_ocfl_stage_t *stage);
/* Makes an object read-only (settle does; recovery repeats it). */
sgn_error_t *sgn_ocfl_protect(int root, const char *id, apr_pool_t *pool);

/* ---- Checking ------------------------------------------------------------------ */

typedef enum { SGN_OCFL_SHALLOW, SGN_OCFL_DEEP } sgn_ocfl_depth_t;
/* A finding: code as in OCFL's validation codes ("E092"), the path below the
 * root and a line of text. */
typedef void (*sgn_ocfl_finding_fn)(void *baton, const char *code, const char *path, const char *text);

/* One object directory; id may be NULL (then its path need not fit).  *files
 * and *bytes are added to.  Errors mean that it could not look. */
sgn_error_t *sgn_ocfl_check_object(int root, const char *path, const char *id, sgn_ocfl_depth_t depth,
                                   sgn_ocfl_finding_fn finding, void *baton,
                                   apr_int64_t *files, apr_int64_t *bytes, apr_pool_t *pool);
/* The storage root and its hierarchy; calls object() for each object root. */
typedef sgn_error_t *(*sgn_ocfl_object_fn)(void *baton, const char *path, apr_pool_t *pool);
sgn_error_t *sgn_ocfl_check_root(int root, sgn_ocfl_finding_fn finding, sgn_ocfl_object_fn object,
                                 void *baton, apr_pool_t *pool);

#endif
