/*
 * leaf.h: the few facts of a certificate that the desk itself needs.
 *
 * Common name for the password prompt, key type for the mechanism, and whether
 * it is a CA's (which is never offered).  Not checked: signature, path, dates,
 * usage; the server judges certificates.
 */
#ifndef SGN_AGENT_LEAF_H
#define SGN_AGENT_LEAF_H

#include "dtbs/der.h"

typedef struct {
    char common_name[128];      /* "" when there is none in UTF-8 */
    int rsa, ec;                /* ec: P-256 */
    int bits;
    int ca;
} sgn_leaf_t;

int sgn_leaf_read(sgn_leaf_t *out, const unsigned char *der, size_t len);

#endif
