/*
 * key.h: the PLUG of signing devices.
 *
 * A device kind is one file key_<name>.c ending in one const record, and one
 * row in key.c.  `list` shows what can sign without asking for any password;
 * `sign` finds the credential again, asks once, and signs one digest after the
 * other.  Both run in a child process of their own that the desk kills when
 * its time is over (agent/token.c), because vendors' modules hang and crash.
 *
 * Rules for implementers: only reading and signing calls (SV-H06, checked by
 * scripts/check-pkcs11-calls); never try a password twice, nor on another
 * token; the password lives in sgn_platform_secret() memory only.
 */
#ifndef SGN_AGENT_KEY_H
#define SGN_AGENT_KEY_H

#include <stddef.h>

#include "dtbs/primitives.h"

#define SGN_KEY_MAX 16              /* credentials of one desk */
#define SGN_KEY_CERTIFICATE 8192
#define SGN_KEY_VALUE 1024          /* bytes of a signature */
#define SGN_KEY_BATCH 100

typedef enum { SGN_KEY_PSS, SGN_KEY_RSA, SGN_KEY_ECDSA } sgn_key_algorithm_t;

/* Dotted OID of an algorithm, and back (-1: unknown). */
const char *sgn_key_algorithm_oid(sgn_key_algorithm_t algorithm);
int sgn_key_algorithm(const char *oid);

typedef struct {
    char id[44];                            /* base64url(SHA-256(certificate)) */
    unsigned char sha256[SGN_SHA256_SIZE];
    unsigned char certificate[SGN_KEY_CERTIFICATE];
    size_t certificate_len;
    char common_name[128];
    char label[40], serial[24];             /* of the token */
    char module[256];
    int bits;
    unsigned algorithms;                    /* 1 << sgn_key_algorithm_t */
    int protected_path, pin_low, pin_final, pin_locked;
} sgn_key_credential_t;

typedef struct {
    sgn_key_credential_t items[SGN_KEY_MAX];
    unsigned count;
} sgn_key_list_t;

/* What a sign call is told and asks. */
typedef struct sgn_key_work_t sgn_key_work_t;
struct sgn_key_work_t {
    sgn_key_credential_t credential;
    sgn_key_algorithm_t algorithm;
    unsigned char digests[SGN_KEY_BATCH][SGN_SHA256_SIZE];
    unsigned count;
    /* The password into secret memory; any outcome but 0 ends the work. */
    int (*ask)(sgn_key_work_t *work, const sgn_key_credential_t *now, unsigned char *pin, size_t cap, size_t *len);
    /* The token accepted the person. */
    void (*authorised)(sgn_key_work_t *work);
    /* One value is there; ECDSA as DER. */
    void (*signed_one)(sgn_key_work_t *work, unsigned n, const unsigned char *value, size_t len);
    void *context;
};

typedef struct {
    const char *name;
    /* Adds to the list; a module without tokens is no failure. */
    int (*list)(sgn_key_list_t *list, const char *module);
    /* Outcome of the work; values given before a failure stay good. */
    int (*sign)(sgn_key_work_t *work);
} sgn_key_plug_t;

/* NULL-terminated. */
extern const sgn_key_plug_t *const sgn_key_plugs[];

#endif
