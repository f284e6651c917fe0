/* agency_schema.h: what the files of this room share: the handle. */
#ifndef SGN_OFFICE_AGENCY_AGENCY_SCHEMA_H
#define SGN_OFFICE_AGENCY_AGENCY_SCHEMA_H

#include "office/agency/agency.h"

struct sgn_agency_t {
    sgn_db_t *db;
    sgn_audit_t *audit;
};

#endif
