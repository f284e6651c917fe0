/*
 * cms_ess.h: which certificate the signed attributes bind.  [RFC 5035]
 *
 * Sets ess and ess_version of a SignedData whose other members are read; with
 * several certificates of the signer's name, the bound one becomes `signer`.
 * Of a list only the first entry is the signer's.
 */
#ifndef SGN_LOOK_PKI_CMS_ESS_H
#define SGN_LOOK_PKI_CMS_ESS_H

#include "look/pki/cms.h"

sgn_error_t *sgn_cms_ess_read(sgn_cms_t *cms, apr_pool_t *pool);

#endif
