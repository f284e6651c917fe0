/*
 * server.h: one signed request to the server and what it answered.
 *
 * Every request carries a fresh SignVN-Proof; its time follows the server's
 * Date header, because office clocks are wrong.  A refusal comes back as the
 * code that the server named.
 *
 * Not checked here: what an answer means; answers that matter are JWS of the
 * pinned server key.
 */
#ifndef SGN_AGENT_SERVER_H
#define SGN_AGENT_SERVER_H

#include "agent/state.h"

#define SGN_SERVER_ANSWER (4 << 20)

typedef struct {
    sgn_state_t *state;
    const char *language;
    int64_t offset;             /* server time - desk time, seconds */
    int offset_known;
    char *answer;               /* SGN_SERVER_ANSWER bytes, of the last call */
    sgn_jsonbuf_node_t *nodes;
    sgn_jsonbuf_t json;         /* of the last answer with a body */
    sgn_http_answer_t http;
} sgn_server_t;

int sgn_server_make(sgn_server_t *server, sgn_state_t *state, const char *language);
int64_t sgn_server_now(const sgn_server_t *server);
/* POST route ("poll", "enroll/status"); 2xx is SGN_DONE and json is the body
 * (used == 0 when there is none). */
int sgn_server_post(sgn_server_t *server, const char *route, const char *body, size_t len, int timeout, int urgent);
/* GET docs/{job}/{n} into a descriptor; exactly `size` bytes or SGN_DOCUMENT_MISMATCH. */
int sgn_server_document(sgn_server_t *server, const char *job, unsigned n, int fd, int64_t size,
                        int (*tick)(void *), void *context);

#endif
