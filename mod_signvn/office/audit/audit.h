/*
 * audit.h: the append-only log of acts, a row per act in the office database.
 *
 * Each row names the digest of the row before it, so a row that was changed,
 * taken out or put in breaks the chain from there on.  Each row has a leaf
 * hash as RFC 9162 counts it; the tree over the leaves and its signed heads
 * come later: sgn_audit_head() exists and its tree members are empty.
 *
 * Not checked here: who may do the act, and whether the log as a whole was
 * rewritten by somebody who holds the database (that needs heads outside).
 *
 * Order of use: sgn_audit_open() once; sgn_audit_add() inside the transaction
 * that does the act, so that both are there or neither; sgn_audit_record()
 * where there is no transaction.  Any thread.
 */
#ifndef SGN_OFFICE_AUDIT_AUDIT_H
#define SGN_OFFICE_AUDIT_AUDIT_H

#include "base/db.h"
#include "base/json.h"

typedef struct sgn_audit_t sgn_audit_t;

/* One act.  NULL texts are kept as NULL; detail may be NULL.  No secrets, no
 * text of documents: ids, digests, codes. */
typedef struct {
    const char *actor;      /* account; "keeper" or "command line" for our own acts */
    const char *role;       /* role in which it was done */
    const char *agency;     /* code */
    const char *action;     /* "job.create", "archive.put", "backup.run": required */
    const char *object;     /* id of what was acted on */
    const char *system;     /* credential of the calling system, NULL: none */
    json_t *detail;         /* object, borrowed */
} sgn_audit_act_t;

/* Migrates its table in the office database. */
sgn_error_t *sgn_audit_open(sgn_audit_t **out, sgn_db_t *office, apr_pool_t *pool);

/* Adds a row inside the caller's open transaction on the office database. */
sgn_error_t *sgn_audit_add(sgn_audit_t *audit, const sgn_audit_act_t *act, apr_pool_t *pool);
/* The same with a transaction of its own. */
sgn_error_t *sgn_audit_record(sgn_audit_t *audit, const sgn_audit_act_t *act, apr_pool_t *pool);

/* What a manifest or a journal line carries. */
typedef struct {
    apr_int64_t seq;        /* rows so far */
    const char *digest;     /* hex digest of the last row; 64 zeros when there is none */
    const char *tree_root;  /* "" until the tree exists */
    const char *tree_time;  /* "" until the tree exists */
} sgn_audit_head_t;

/* office: the database to read from: NULL is the audit's own, otherwise the
 * snapshot that a backup holds open. */
sgn_error_t *sgn_audit_head(sgn_audit_head_t *out, sgn_audit_t *audit, sgn_db_t *office, apr_pool_t *pool);

typedef struct {
    const char *actor, *agency, *action, *object;   /* exact; NULL: any; action "job." is a prefix when it ends in a dot */
    apr_time_t from, to;                            /* 0: open */
    apr_int64_t after;                              /* rows above this seq */
    int limit;                                      /* 1..1000, 0: 100 */
} sgn_audit_query_t;

/* {"items":[{seq,time,actor,role,agency,action,object,system,detail,digest}],"next":seq|null}.
 * Damaged detail is given as text. */
sgn_error_t *sgn_audit_list(json_t **out, sgn_audit_t *audit, const sgn_audit_query_t *query, apr_pool_t *pool);

/* Walks the chain.  *broken is the first seq that does not follow from the one
 * before it, 0 when all do; *count the rows walked. */
sgn_error_t *sgn_audit_verify(apr_int64_t *broken, apr_int64_t *count, sgn_audit_t *audit, apr_pool_t *pool);

#endif
