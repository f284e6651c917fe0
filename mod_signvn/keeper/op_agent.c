/* op_agent.c: signing desks: the proof of each call, enrolment, work. */
#include "keeper/op_agent.h"

#include <fcntl.h>
#include <string.h>

#include "base/file.h"
#include "keeper/op_jobs.h"
#include "office/signing/desk.h"

#define POLL_AGAIN "1"      /* seconds */

/* [B15] the answers that may not happen twice. */
static int happens_once(const char *op)
{
    return strcmp(op, "agent.claim") == 0 || strcmp(op, "agent.result") == 0 || strcmp(op, "agent.reject") == 0;
}

sgn_error_t *sgn_op_agent_proof(sgn_call_t *call, int enrolling)
{
    sgn_desk_proof_t proof = { .enrolling = enrolling, .once = happens_once(call->op) };
    json_t *given;

    SGN_TRY(sgn_json_find_object(&given, call->request, "proof", call->pool));
    if (!given)
        return SGN_ERROR(call->pool, SGN_AGENT_PROOF, "no SignVN-Proof");
    SGN_TRY(sgn_json_get_str(&proof.jws, given, "jws", call->pool));
    SGN_TRY(sgn_json_get_str(&proof.method, given, "method", call->pool));
    SGN_TRY(sgn_json_get_str(&proof.path, given, "path", call->pool));
    SGN_TRY(sgn_json_get_str(&proof.body_hash, given, "bodyHash", call->pool));
    return sgn_desk_prove(&call->agent, &call->account, &call->agent_jwk, call->keeper->jobs, &proof, call->pool);
}

static sgn_desk_t desk_of(const sgn_call_t *call)
{
    sgn_desk_t desk = { .agent = call->agent, .account = call->account };

    return desk;
}

static sgn_error_t *answered(sgn_call_t *call, int status, json_t *answer)
{
    sgn_call_answer(call, status, answer);
    return NULL;
}

sgn_error_t *sgn_op_agent_enrol_begin(sgn_call_t *call)
{
    json_t *answer;

    SGN_TRY(sgn_enrol_begin(&answer, call->keeper->jobs, call->account, call->pool));
    return answered(call, 200, answer);
}

sgn_error_t *sgn_op_agent_enrol(sgn_call_t *call)
{
    const char *address = NULL;
    json_t *answer, *proof;

    SGN_TRY(sgn_json_get_object(&proof, call->request, "proof", call->pool));
    SGN_TRY(sgn_json_find_str(&address, proof, "address", NULL, call->pool));
    SGN_TRY(sgn_enrol_request(&answer, call->keeper->jobs, call->body, call->agent_jwk, address, call->pool));
    return answered(call, 202, answer);
}

sgn_error_t *sgn_op_agent_enrol_status(sgn_call_t *call)
{
    json_t *answer;
    int status;

    SGN_TRY(sgn_enrol_status(&answer, &status, call->keeper->jobs, call->body, call->agent_jwk, call->pool));
    return answered(call, status, answer);
}

sgn_error_t *sgn_op_agent_enrol_confirm(sgn_call_t *call)
{
    const char *show;
    json_t *answer;

    SGN_TRY(sgn_json_find_str(&show, call->args, "show", NULL, call->pool));
    SGN_TRY(sgn_enrol_confirm(&answer, call->keeper->jobs, call->body, show && strcmp(show, "1") == 0, call->account, call->pool));
    return answered(call, 200, answer);
}

sgn_error_t *sgn_op_agent_credentials(sgn_call_t *call)
{
    sgn_desk_t desk = desk_of(call);
    json_t *answer;

    SGN_TRY(sgn_desk_credentials(&answer, call->keeper->jobs, &desk, call->body, call->pool));
    return answered(call, 200, answer);
}

sgn_error_t *sgn_op_agent_poll(sgn_call_t *call)
{
    sgn_desk_t desk = desk_of(call);
    json_t *answer;

    SGN_TRY(sgn_desk_poll(&answer, call->keeper->jobs, &desk, call->body, call->pool));
    if (answer)
        return answered(call, 200, answer);
    sgn_call_header(call, "Retry-After", POLL_AGAIN);
    return answered(call, 204, NULL);
}

sgn_error_t *sgn_op_agent_claim(sgn_call_t *call)
{
    sgn_desk_t desk = desk_of(call);
    json_t *answer;

    SGN_TRY(sgn_desk_claim(&answer, call->keeper->jobs, &desk, call->body, call->pool));
    return answered(call, 200, answer);
}

sgn_error_t *sgn_op_agent_document(sgn_call_t *call)
{
    sgn_desk_t desk = desk_of(call);
    const char *job, *path[2];
    apr_off_t size[2];
    int n;

    SGN_TRY(sgn_json_get_str(&job, call->args, "jobID", call->pool));
    SGN_TRY(sgn_op_jobs_index(&n, call));
    SGN_TRY(sgn_desk_document(path, size, call->keeper->jobs, &desk, job, n, call->pool));
    sgn_call_content(call, "application/pdf", NULL, NULL);
    for (int i = 0; i < 2; i++) {
        int fd;

        SGN_TRY(sgn_file_open(&fd, call->keeper->state, path[i], O_RDONLY, 0, call->pool));
        sgn_call_part(call, fd, 0, size[i]);
    }
    return NULL;
}

sgn_error_t *sgn_op_agent_progress(sgn_call_t *call)
{
    sgn_desk_t desk = desk_of(call);
    json_t *answer;

    SGN_TRY(sgn_desk_progress(&answer, call->keeper->jobs, &desk, call->body, call->pool));
    return answered(call, 200, answer);
}

sgn_error_t *sgn_op_agent_result(sgn_call_t *call)
{
    sgn_desk_t desk = desk_of(call);
    json_t *answer;

    SGN_TRY(sgn_desk_result(&answer, call->keeper->jobs, &desk, call->body, call->pool));
    return answered(call, 200, answer);
}

sgn_error_t *sgn_op_agent_reject(sgn_call_t *call)
{
    sgn_desk_t desk = desk_of(call);
    json_t *answer;

    SGN_TRY(sgn_desk_reject(&answer, call->keeper->jobs, &desk, call->body, call->pool));
    return answered(call, 200, answer);
}
