/*
 * flip_gap.h: what a byte of a gap means, so that a change that passes is known
 * to be one that means nothing.
 */
#ifndef SGN_T_FLIP_GAP_H
#define SGN_T_FLIP_GAP_H

#include "t/unit/flip_rig.h"

/* Why a change at that place may pass; NULL: it may not.  Such are:
 * - a letter of the hexadecimal digits in the other case: the same DER;
 * - the version of a SignedData, of the CMS and of the time-stamps in it, 3 for 1
 *   or 1 for 3: both are written, and no reader goes by it [RFC 5652, 5.1];
 * - a certificate that is not the signer's (or the time-stamp server's): it is a
 *   copy of one that the configuration has too, and a wrong copy leads nowhere;
 * - the type of an unsigned attribute: as if somebody had taken the time-stamp
 *   away, which everybody can; the signature is then judged as of now. */
const char *flip_gap_meaningless(const flip_t *flip, size_t at, flip_how_t how);

/* Path of the DER element at the place, from 0: "0.1.0.4.0.3"; "" in the padding. */
const char *flip_gap_path(const flip_t *flip, size_t at, apr_pool_t *pool);

#endif
