/*
 * pack.h: packs: tar files of complete versions, named by their own SHA-512.
 *
 * While a version is packed every byte of it is compared with what the archive
 * recorded; a damaged one is left out and marked, the others go on.  The same
 * versions give the same pack on every run (times and modes are fixed), so an
 * interrupted run finds what it had finished.
 *
 * Reading: sgn_pack_read() streams a pack through the tar reader; names are
 * checked to stay below the root, anything but files and directories refused.
 */
#ifndef SGN_OFFICE_BACKUP_PACK_H
#define SGN_OFFICE_BACKUP_PACK_H

#include "office/archive/archive.h"
#include "office/backup/target.h"

#define SGN_PACK_LIMIT (64 << 20)

typedef struct {
    const char *id, *inventory, *sha256, *agency, *key, *writer;
    int version;
    apr_int64_t seq, size, bytes;   /* journal line; original; tar bytes as estimated */
    /* filled by packing */
    const char *pack;               /* sha512 hex */
    apr_int64_t offset, length;
    const char *damaged;            /* NULL, or what was wrong */
} sgn_pack_item_t;

/* *name: the pack's SHA-512 in hex, NULL when every item was damaged. */
sgn_error_t *sgn_pack_write(const char **name, apr_off_t *size, sgn_pack_item_t *items, int count,
                            sgn_archive_t *archive, sgn_medium_t *medium, apr_pool_t *pool);
/* "packs/ab/abcd….tar" */
const char *sgn_pack_path(const char *sha512, apr_pool_t *pool);

/* Unpacks below root and tells the digest of what was read.  A pack that is no
 * tar: SGN_BACKUP_DAMAGED.  only: of those objects ({path below the root: any});
 * NULL: everything. */
sgn_error_t *sgn_pack_read(const char **sha512, apr_off_t *size, int root, const json_t *only, sgn_medium_t *medium,
                           const char *name, apr_pool_t *pool);

#endif
