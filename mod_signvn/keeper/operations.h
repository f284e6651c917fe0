/*
 * operations.h: the allow-list of what a child or the command line may ask the
 * keeper, and the call that an operation gets.
 *
 * To add one: a function in keeper/op_<noun>.c, its prototype in
 * keeper/op_<noun>.h, one SGN_OPERATION row in keeper/operations.c.
 *
 * A function either returns an error (it becomes status and code of
 * codes.def) or fills the answer with the setters below and returns NULL.
 * It runs on a thread of its class; the call and its pool belong to that
 * thread alone and end when the answer was sent.  The keeper's rooms are
 * shared: each says in its header who may call.
 */
#ifndef SGN_KEEPER_OPERATIONS_H
#define SGN_KEEPER_OPERATIONS_H

#include "keeper/access.h"
#include "keeper/keeper.h"
#include "wire/wire.h"

/* Which threads run it; each class has its own queue and its own `busy`. */
typedef enum {
    SGN_CLASS_QUICK,        /* on the main loop: touches memory only, never a database or file */
    SGN_CLASS_OFFICE,       /* short database work */
    SGN_CLASS_DOCUMENT,     /* anybody's documents: validations, deposits */
    SGN_CLASS_SIGNING,      /* jobs and desk results: reserved room */
    SGN_CLASS_LONG,         /* backups, restores, fixity: minutes */
    SGN_CLASS_COUNT
} sgn_operation_class_t;

#define SGN_CALL_FDS 8

typedef struct sgn_call_t {
    sgn_keeper_t *keeper;
    const sgn_config_t *config;         /* the generation this call began with */
    const char *op, *account, *system, *lang;   /* account, system: NULL when absent; lang "vi" or "en" */
    json_t *request, *args, *body;      /* args, body: never NULL */
    int fds[SGN_WIRE_FDS], nfds;        /* documents; owned by the pool */
    uid_t peer;
    apr_pool_t *pool;
    /* set by sgn_access_check */
    struct sgn_person_t *person;        /* NULL: not known */
    const char *agent;                  /* id of the enrolled desk of an AGENT rule */
    json_t *agent_jwk;                  /* key of an AGENT_NEW rule */
    /* the answer */
    int status;                         /* 0: 200 with answer, 204 without */
    json_t *answer, *headers, *content, *findings;
    int out_fds[SGN_CALL_FDS], out_nfds;
} sgn_call_t;

typedef sgn_error_t *(*sgn_operation_fn)(sgn_call_t *call);

typedef struct {
    const char *name;
    sgn_access_t access;
    sgn_operation_class_t class_;
    sgn_operation_fn run;
} sgn_operation_t;

/* Refuses a missing rule at compile time: the size of an array cannot be -1. */
#define SGN_OPERATION(name_, access_, queue_, run_) \
    { .name = (name_), .class_ = (queue_), .run = (run_), \
      .access = (access_) + 0u * (unsigned)sizeof(char[((access_) & 0xffu) != SGN_ACCESS_NONE ? 1 : -1]) }

/* NULL: not on the list. */
const sgn_operation_t *sgn_operations_find(const char *name);
const sgn_operation_t *sgn_operations_rows(int *count);

/* ---- the answer ----------------------------------------------------------- */
/* JSON body; borrowed. */
void sgn_call_answer(sgn_call_t *call, int status, json_t *body);
void sgn_call_header(sgn_call_t *call, const char *name, const char *value);
/* Content instead of JSON: the parts are streamed in order (one part: full
 * Range support).  etag and name may be NULL. */
void sgn_call_content(sgn_call_t *call, const char *type, const char *name, const char *etag);
/* fd: O_RDONLY and owned by call->pool; it is duplicated by sending.  At most
 * SGN_CALL_FDS parts, more is an assert. */
void sgn_call_part(sgn_call_t *call, int fd, apr_int64_t offset, apr_int64_t length);
/* Findings that go with an error answer (borrowed array). */
void sgn_call_findings(sgn_call_t *call, json_t *findings);

#endif
