/*
 * prepare.h: from a checked document to what the token will sign.
 *
 * A worker writes the update; the keeper believes none of its numbers: it
 * checks the range and the placeholder itself, hashes original and update
 * itself and builds the signed attributes from its own digest.
 */
#ifndef SGN_OFFICE_SIGNING_PREPARE_H
#define SGN_OFFICE_SIGNING_PREPARE_H

#include "office/signing/kind.h"

/* Fills item: range, offered size and digest, dtbs; *update gets the bytes to
 * be kept beside the document. */
sgn_error_t *sgn_prepare_item(sgn_bytes_t *update, sgn_act_t *act);

/* The CMS as hex into the placeholder ('<' ... '>', gap_len with both); what it
 * does not fill stays zeros.  SGN_CONTENTS_TOO_SMALL. */
sgn_error_t *sgn_prepare_fill(unsigned char *gap, size_t gap_len, sgn_bytes_t cms, apr_pool_t *pool);

#endif
