/*
 * keeper.h: the one state of signvnd, handed to every operation and timer.
 *
 * Filled by keeper/main.c (config, root, databases, evidence, engine) and
 * keeper/rooms.c (the rooms, in the order of their floors: add a line there).
 * Everything but `config` is fixed after the start; `config` is replaced as a
 * whole by the operation `config`: read it once per call (call->config), never
 * keep it.  Old generations stay readable until the process ends.
 *
 * Each room is thread-safe or says in its header that it is not.
 */
#ifndef SGN_KEEPER_KEEPER_H
#define SGN_KEEPER_KEEPER_H

#include "base/db.h"
#include "office/engine/engine.h"
#include "wire/config.h"

typedef struct sgn_keeper_t sgn_keeper_t;
struct sgn_call_t;

struct sgn_keeper_t {
    const sgn_config_t *volatile config;
    const char *state_path;             /* SignVNStateDir */
    int state;                          /* its root descriptor, for base/file */
    sgn_db_t *office, *catalog;
    const char *catalog_url;            /* for a second, reading connection */
    sgn_evidence_t *evidence;
    sgn_engine_t *engine;

    /* rooms; NULL until keeper/rooms.c opened them */
    struct sgn_keys_t *keys;            /* office/keys/keys.h */
    struct sgn_audit_t *audit;          /* office/audit/audit.h */
    struct sgn_agency_t *agency;        /* office/agency/agency.h */
    struct sgn_archive_t *archive;      /* office/archive/archive.h */
    struct sgn_judge_t *judge;          /* office/judge/judge.h */
    struct sgn_jobs_t *jobs;            /* office/signing/jobs.h */
    struct sgn_backup_t *backup;        /* office/backup/backup.h */

    /* Set by rooms.c when the room is there: the person behind call->account
     * (call->person stays NULL when unknown) with the roles held now; the
     * check of a SignVN-Proof. */
    sgn_error_t *(*find_person)(unsigned *roles, struct sgn_call_t *call);
    sgn_error_t *(*check_proof)(struct sgn_call_t *call, int enrolling);

    /* facts for health and info */
    apr_time_t started;                 /* wall clock */
    uid_t uid, httpd_uid;
    int unprivileged;                   /* one uid for all: practice only */
    int generation;                     /* of the configuration */
    _Atomic int zygote_births, zygote_up;
    _Atomic int busy;                   /* calls refused for want of room */
    struct sgn_queues_t *queues;
    apr_pool_t *pool;                   /* of the process; lock before use from threads: prefer call->pool */
};

#endif
