/*
 * flip_rig.h: a signed document, one byte changed at a time, and what the
 * validation says about each.
 *
 * The document lies in a block of exactly its size, is changed in place and put
 * right again; nothing is forked, so that every byte of a document can be
 * tried.  Documents come from the rig (flip_rig_sample) or from files, with the
 * anchors and evidence they were made with (flip_rig_open).
 *
 * Counted is what is promised: a byte of a signed range changed never passes,
 * neither the document nor a signature that covers the byte, and fails by name
 * wherever the structure still leads to the signature.
 */
#ifndef SGN_T_FLIP_RIG_H
#define SGN_T_FLIP_RIG_H

#include "t/unit/validate_rig.h"

#define FLIP_SIGNATURES 8

/* How a byte is changed. */
typedef enum {
    FLIP_BIT,                       /* one bit: the place modulo 8 */
    FLIP_ZERO, FLIP_SPACE, FLIP_FULL,   /* 0x00, 0x20, 0xff; the low bit where it is that already */
    FLIP_HOWS
} flip_how_t;

typedef struct {
    const char *name;
    apr_int64_t range[4];
    sgn_bytes_t certificate;        /* of the signer */
} flip_signature_t;

typedef struct {
    sgn_bytes_t original;
    unsigned char *block;           /* the copy that is changed, on the heap */
    sgn_checks_input_t input;
    flip_signature_t signatures[FLIP_SIGNATURES];
    int count;
    apr_pool_t *pool, *scratch;
} flip_t;

typedef enum { FLIP_FAILED, FLIP_OPEN, FLIP_PASSED } flip_outcome_t;

typedef struct {
    flip_outcome_t outcome;
    const char *why;                /* numbers replaced by '#'; in the scratch pool until the next try */
    int listed;                     /* a signature that covers the place is in the report */
} flip_result_t;

extern const char *const flip_rig_shapes[];     /* NULL ends the list */

/* A page of such a structure, and the same approved and sealed, with time-stamps
 * of both signatures. */
sgn_bytes_t flip_rig_unsigned(const char *shape, apr_pool_t *pool);
sgn_bytes_t flip_rig_sample(const char *shape, apr_pool_t *pool);

/* Takes the document as it is; the input says with what it is looked at (its
 * document member is set here).  Ends the program when it does not pass. */
flip_t *flip_rig_open(sgn_bytes_t document, const sgn_checks_input_t *input, apr_pool_t *pool);
/* The same with the anchors and evidence of the rig. */
flip_t *flip_rig_open_sample(const char *shape, apr_pool_t *pool);

/* In the gap of signature *n?  -1: in no gap. */
int flip_rig_gap(const flip_t *flip, size_t at);

flip_result_t flip_rig_try(flip_t *flip, size_t at, flip_how_t how);
/* The whole document replaced: cut, or with bytes behind it. */
flip_result_t flip_rig_look(flip_t *flip, sgn_bytes_t document);

/* Counts by class, for the report at the end. */
typedef struct flip_tally_t flip_tally_t;
flip_tally_t *flip_rig_tally(apr_pool_t *pool);
void flip_rig_count(flip_tally_t *tally, size_t at, flip_result_t result);
long flip_rig_counted(const flip_tally_t *tally, flip_outcome_t outcome);
/* As TAP comments: the classes, commonest first, with their first places. */
void flip_rig_print(const flip_tally_t *tally, const flip_t *flip, flip_outcome_t outcome);

#endif
