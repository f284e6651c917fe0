/*
 * restore_objects.h: objects of one set, and from other sets those that the
 * first one does not have or has only damaged.  What is known lies in a scratch
 * database of the new state directory, so memory does not grow with the set.
 *
 * Order of use: begin; take() for each manifest of the set, oldest first;
 * adopt(); help() for each manifest of another set, and help_adopt() behind
 * that set; end().
 */
#ifndef SGN_OFFICE_BACKUP_RESTORE_OBJECTS_H
#define SGN_OFFICE_BACKUP_RESTORE_OBJECTS_H

#include "office/backup/room.h"

typedef struct sgn_restore_objects_t sgn_restore_objects_t;

/* state: the new state directory, with archive/root and db/ in it; path: its
 * name. */
sgn_error_t *sgn_restore_objects_begin(sgn_restore_objects_t **out, int state, const char *path,
                                       sgn_archive_progress_fn progress, void *baton, apr_pool_t *pool);
sgn_error_t *sgn_restore_objects_take(sgn_restore_objects_t *objects, sgn_medium_t *medium, const sgn_manifest_t *manifest, apr_pool_t *pool);
sgn_error_t *sgn_restore_objects_adopt(sgn_restore_objects_t *objects, apr_pool_t *pool);
sgn_error_t *sgn_restore_objects_help(sgn_restore_objects_t *objects, const sgn_manifest_t *manifest, apr_pool_t *pool);
sgn_error_t *sgn_restore_objects_help_adopt(sgn_restore_objects_t *objects, sgn_medium_t *medium, apr_pool_t *pool);
/* {objects, restored, fromOthers, lost:[ids]} into answer. */
sgn_error_t *sgn_restore_objects_end(sgn_restore_objects_t *objects, json_t *answer);

#endif
