/*
 * engine.h: the only way from the office to the workers.
 *
 * Each call is one task or a short loop of tasks: the worker tells which
 * evidence it misses, the engine has office/evidence fetch it and asks again
 * (at most 3 rounds, 16 addresses).  Nothing here parses a document.
 *
 * A worker's word is not proof: what releases a seal goes through
 * sgn_engine_prove(), which hashes the ranges itself and verifies the value
 * with a public key of our own tables.
 *
 * Thread-safe.  Errors: SGN_BUSY, SGN_WORKER_CRASHED, SGN_WORKER_DEADLINE,
 * SGN_WORKER_MEMORY, and the code the task itself answered.
 */
#ifndef SGN_OFFICE_ENGINE_ENGINE_H
#define SGN_OFFICE_ENGINE_ENGINE_H

#include "base/json.h"
#include "wire/config.h"

typedef struct sgn_engine_t sgn_engine_t;
typedef struct sgn_evidence_t sgn_evidence_t;   /* office/evidence/evidence.h */

/* The class decides which slots a task may take; signing has its own. */
typedef enum { SGN_ENGINE_SIGNING, SGN_ENGINE_OFFICE, SGN_ENGINE_ANYONE } sgn_engine_class_t;

/* A document as the keeper holds it: an O_RDONLY descriptor of a file that
 * nobody writes any more, and the digest computed while it was taken in. */
typedef struct {
    int fd;
    apr_off_t size;
    unsigned char sha256[32];
    struct sgn_digest_t *state;     /* SHA-256 after the last byte (crypto/digest.h); NULL: not kept */
    struct sgn_digest_trail_t *trail;       /* and on the way; NULL: not kept */
} sgn_engine_document_t;

/* zygote_socket: the control socket of signvn-worker (office/engine/spawn.h);
 * the engine keeps a duplicate.  evidence NULL: offline. */
sgn_error_t *sgn_engine_make(sgn_engine_t **out, const sgn_config_t *config,
                             sgn_evidence_t *evidence, int zygote_socket, apr_pool_t *pool);
/* After the zygote was reborn: calls that met its death wait for this (at most
 * two seconds) and try again once. */
void sgn_engine_zygote(sgn_engine_t *engine, int zygote_socket);
/* Another configuration: number of workers, anchors.  A PEM file that cannot be
 * read leaves the running anchors and is the error. */
sgn_error_t *sgn_engine_configure(sgn_engine_t *engine, const sgn_config_t *config, apr_pool_t *pool);
/* The evidence room of another configuration; the old one stays usable for
 * calls that run. */
void sgn_engine_evidence(sgn_engine_t *engine, sgn_evidence_t *evidence);
/* Evidence that came by hand ([{kind, data}], borrowed for the engine's life):
 * every look begins with it.  Once, before the first task. */
void sgn_engine_give(sgn_engine_t *engine, json_t *evidence);
/* {"signing":{"running","waiting","slots"},...} for health and metrics. */
json_t *sgn_engine_load(sgn_engine_t *engine, apr_pool_t *pool);

/* One task.  document may be NULL.  *result (may be NULL) gets the bytes the
 * task wrote, at most result_limit. */
sgn_error_t *sgn_engine_task(json_t **answer, sgn_bytes_t *result,
                             sgn_engine_t *engine, sgn_engine_class_t class_,
                             const char *task, json_t *args,
                             const sgn_engine_document_t *document,
                             size_t result_limit, apr_pool_t *pool);

/* Validation of a document as a stranger would, with the evidence loop.
 * receipt: our own proof of existence of exactly these bytes, 0 for none.
 * The answer is {report, facts} of task "look" (see worker/task_look.c) and
 * `evidence`: [{kind, key, data}], what it was judged by. */
sgn_error_t *sgn_engine_look(json_t **answer, sgn_engine_t *engine, sgn_engine_class_t class_,
                             const sgn_engine_document_t *document, apr_time_t receipt,
                             apr_pool_t *pool);

/* Is the certificate usable for signing now?  role: "person" or "agency".
 * NULL error: good.  Otherwise SGN_CERT_EXPIRED, _REVOKED, _ON_HOLD,
 * _UNTRUSTED, _UNKNOWN_STATUS, _PURPOSE.  *answer: subject, issuer, serial,
 * path and evidence used. */
sgn_error_t *sgn_engine_certificate(json_t **answer, sgn_engine_t *engine,
                                    sgn_bytes_t certificate, const char *role, apr_pool_t *pool);

/* An RFC 3161 token over `imprint` (SHA-256) from SignVNTimestamp, verified;
 * SGN_TIMESTAMP_DOWN, SGN_TIMESTAMP_BAD. */
sgn_error_t *sgn_engine_timestamp(sgn_bytes_t *token, apr_time_t *time, sgn_engine_t *engine,
                                  const unsigned char imprint[32], apr_pool_t *pool);

/* The CMS SignedData of a finished signature. */
sgn_error_t *sgn_engine_cms(sgn_bytes_t *cms, sgn_engine_t *engine, sgn_bytes_t dtbs,
                            sgn_bytes_t value, const char *algorithm_oid,
                            sgn_bytes_t certificate, sgn_bytes_t token, apr_pool_t *pool);

/* The keeper's own proof of one signature: SHA-256 over [r0,r0+r1) and
 * [r2,r2+r3) must be the messageDigest of dtbs, and value must verify over
 * dtbs with spki (DER SubjectPublicKeyInfo of our own table).  *good is set. */
sgn_error_t *sgn_engine_prove(int *good, const sgn_engine_document_t *document,
                              const apr_int64_t range[4], sgn_bytes_t dtbs, sgn_bytes_t value,
                              const char *algorithm_oid, sgn_bytes_t spki, apr_pool_t *pool);

#endif
