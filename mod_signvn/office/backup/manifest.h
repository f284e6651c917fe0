/*
 * manifest.h: the signed list of what a backup set holds.
 *
 * manifests/<8 digits>.jsonl.gz: first line the header, then one line per
 * object version (with its pack), per pack ({"pack":…,"size":…}) and per
 * version that could not be copied ({"id":…,"damaged":…}).  Beside it .p7s, a
 * detached CMS over the compressed bytes by the archive key.
 *
 * Header: v, set, target, seq, kind ("full" lists everything, "daily" what is
 * new), created, previous (SHA-256 of the manifest before), journal {writer:
 * seq}, chains {writer: {seq, head}} (every journal's head), audit {seq, digest, root, time} (root and time empty until there is a
 * tree), others [{target, set, seq, digest}] (the last head known of every
 * other target: a set cannot lose its newest manifests in silence, B27),
 * databases {office, catalog: {name, sha512, size}}, objects, bytes, damaged,
 * and where an agency's originals go elsewhere: without {agency: {writer: seq}},
 * of which the set has only what lies up to that place of the journal.
 *
 * The signer is pinned by the fingerprint that the caller brings, never taken
 * from the medium.
 */
#ifndef SGN_OFFICE_BACKUP_MANIFEST_H
#define SGN_OFFICE_BACKUP_MANIFEST_H

#include "base/json.h"
#include "office/backup/target.h"

typedef struct sgn_keys_t sgn_keys_t;
typedef struct sgn_engine_t sgn_engine_t;

/* Is der a detached CMS over content of that SHA-256 by the certificate whose
 * DER has that SHA-256 (hex)?  NULL: yes.  What lies on a medium is a
 * stranger's: it is parsed in a worker. */
typedef sgn_error_t *(*sgn_manifest_verify_fn)(void *baton, sgn_bytes_t der, const unsigned char sha256[32],
                                               const char *fingerprint, apr_pool_t *pool);
typedef struct {
    const char *fingerprint;
    sgn_manifest_verify_fn verify;
    void *baton;
    const char *const *earlier; /* signers before this one that are good too; may be NULL */
} sgn_manifest_signer_t;
/* A sgn_manifest_verify_fn whose baton is the engine. */
sgn_error_t *sgn_manifest_by_engine(void *engine, sgn_bytes_t der, const unsigned char sha256[32],
                                    const char *fingerprint, apr_pool_t *pool);

/* Big sets have big manifests: lines lie in unnamed files in `scratch` (the
 * descriptor of a directory on a disk), never all in memory.  What is read is
 * copied there, checked, and only then parsed. */
typedef struct sgn_manifest_draft_t sgn_manifest_draft_t;

sgn_error_t *sgn_manifest_begin(sgn_manifest_draft_t **out, int scratch, apr_pool_t *pool);
sgn_error_t *sgn_manifest_add(sgn_manifest_draft_t *draft, const json_t *line, apr_pool_t *pool);
/* Lines that are printed already, LF behind each. */
sgn_error_t *sgn_manifest_add_lines(sgn_manifest_draft_t *draft, sgn_bytes_t lines);
/* The header and all lines; read back and checked.  *digest as in sgn_manifest_t. */
sgn_error_t *sgn_manifest_write(const char **digest, sgn_manifest_draft_t *draft, sgn_medium_t *medium, apr_int64_t seq,
                                json_t *header, const sgn_keys_t *keys, const sgn_manifest_signer_t *signer, apr_pool_t *pool);

typedef struct {
    apr_int64_t seq;
    const char *digest;         /* SHA-256 (hex) of the file */
    const char *signer;         /* fingerprint: the signer's or one of the earlier */
    json_t *header;
    int copy;                   /* of the file, checked; the pool's */
} sgn_manifest_t;

/* SGN_BACKUP_MANIFEST: badly signed, of another signer, not a manifest of that
 * number and set.  set NULL: any. */
sgn_error_t *sgn_manifest_read(sgn_manifest_t **out, sgn_medium_t *medium, apr_int64_t seq, const char *set,
                               const sgn_manifest_signer_t *signer, int scratch, apr_pool_t *pool);
/* Number of the newest one, 0 when there is none. */
sgn_error_t *sgn_manifest_newest(apr_int64_t *seq, sgn_medium_t *medium, apr_pool_t *pool);
const char *sgn_manifest_name(apr_int64_t seq, apr_pool_t *pool);

/* Each line behind the header; the pool is cleared behind each. */
typedef sgn_error_t *(*sgn_manifest_line_fn)(void *baton, json_t *line, apr_pool_t *pool);
sgn_error_t *sgn_manifest_each(const sgn_manifest_t *manifest, sgn_manifest_line_fn each, void *baton, apr_pool_t *pool);

/* From the newest full one to `last`, oldest first, each following from the
 * one before: SGN_BACKUP_MANIFEST where the chain is cut. */
typedef sgn_error_t *(*sgn_manifest_fn)(void *baton, const sgn_manifest_t *manifest, apr_pool_t *pool);
sgn_error_t *sgn_manifest_walk(sgn_medium_t *medium, apr_int64_t last, const char *set, const sgn_manifest_signer_t *signer,
                               int scratch, sgn_manifest_fn each, void *baton, apr_pool_t *pool);

#endif
