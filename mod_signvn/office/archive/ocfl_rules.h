/*
 * ocfl_rules.h: the rules of OCFL 1.1 that an inventory can break by itself,
 * whatever is on the disk.  Codes are those of the specification's list.
 *
 * Not checked here: files and digests (ocfl_check.c).
 */
#ifndef SGN_OFFICE_ARCHIVE_OCFL_RULES_H
#define SGN_OFFICE_ARCHIVE_OCFL_RULES_H

#include "office/archive/ocfl.h"

typedef struct {
    sgn_ocfl_finding_fn finding;
    void *baton;
    const char *path;       /* of the inventory file, for the findings */
    int errors;
} sgn_ocfl_rules_t;

void sgn_ocfl_rules_find(sgn_ocfl_rules_t *rules, const char *code, const char *text);
/* *sound is 0 when the inventory is too broken to look at files by it. */
void sgn_ocfl_rules_check(int *sound, sgn_ocfl_rules_t *rules, const json_t *inventory, apr_pool_t *pool);
/* Every version of `older` must be the same state in `newer`. [E066] */
void sgn_ocfl_rules_compare(sgn_ocfl_rules_t *rules, const json_t *older, const json_t *newer, apr_pool_t *pool);
/* Length in hex of the digests of an inventory, 0 for an unknown algorithm. */
size_t sgn_ocfl_rules_hex(const json_t *inventory);

#endif
