#include <string.h>

#include "agent/key.h"

extern const sgn_key_plug_t sgn_key_pkcs11;

const sgn_key_plug_t *const sgn_key_plugs[] = {
    &sgn_key_pkcs11,
    NULL
};

static const char *const oids[] = {
    [SGN_KEY_PSS] = "1.2.840.113549.1.1.10",
    [SGN_KEY_RSA] = "1.2.840.113549.1.1.11",
    [SGN_KEY_ECDSA] = "1.2.840.10045.4.3.2",
};

const char *sgn_key_algorithm_oid(sgn_key_algorithm_t algorithm)
{
    return oids[algorithm];
}

int sgn_key_algorithm(const char *oid)
{
    for (int i = 0; i < 3; i++)
        if (strcmp(oids[i], oid) == 0)
            return i;
    return -1;
}
