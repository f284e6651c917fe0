/* operations.c: the allow-list. */
#include "keeper/operations.h"

#include <assert.h>
#include <string.h>

#include "keeper/op_agent.h"
#include "keeper/op_archive.h"
#include "keeper/op_audit.h"
#include "keeper/op_backups.h"
#include "keeper/op_health.h"
#include "keeper/op_jobs.h"
#include "keeper/op_keeper.h"
#include "keeper/op_office.h"
#include "keeper/op_people.h"
#include "keeper/op_validations.h"

static const sgn_operation_t rows[] = {
    SGN_OPERATION("health.get", SGN_ACCESS_ANYONE, SGN_CLASS_OFFICE, sgn_op_health_get),
    SGN_OPERATION("info.get", SGN_ACCESS_ANYONE, SGN_CLASS_QUICK, sgn_op_info_get),
    SGN_OPERATION("session.get", SGN_ACCESS_USER, SGN_CLASS_OFFICE, sgn_op_session_get),
    SGN_OPERATION("metrics.get", SGN_ACCESS_USER, SGN_CLASS_OFFICE, sgn_op_metrics_get),

    SGN_OPERATION("validations.create", SGN_ACCESS_USER, SGN_CLASS_DOCUMENT, sgn_op_validations_create),
    SGN_OPERATION("validations.explain", SGN_ACCESS_USER, SGN_CLASS_OFFICE, sgn_op_validations_explain),

    SGN_OPERATION("jobs.create", SGN_ACCESS_PERSON, SGN_CLASS_SIGNING, sgn_op_jobs_create),
    SGN_OPERATION("jobs.get", SGN_ACCESS_USER, SGN_CLASS_OFFICE, sgn_op_jobs_get),
    SGN_OPERATION("jobs.list", SGN_ACCESS_USER, SGN_CLASS_OFFICE, sgn_op_jobs_list),
    SGN_OPERATION("jobs.cancel", SGN_ACCESS_USER, SGN_CLASS_SIGNING, sgn_op_jobs_cancel),
    SGN_OPERATION("jobs.document", SGN_ACCESS_USER, SGN_CLASS_OFFICE, sgn_op_jobs_document),
    SGN_OPERATION("jobs.explain", SGN_ACCESS_USER, SGN_CLASS_OFFICE, sgn_op_jobs_explain),

    SGN_OPERATION("work.get", SGN_ACCESS_USER, SGN_CLASS_OFFICE, sgn_op_work_get),

    SGN_OPERATION("agencies.policy", SGN_ACCESS_PERSON, SGN_CLASS_OFFICE, sgn_op_office_policy),
    SGN_OPERATION("people.get", SGN_ACCESS_PERSON, SGN_CLASS_OFFICE, sgn_op_office_person),
    SGN_OPERATION("agencies.list", SGN_ACCESS_USER, SGN_CLASS_OFFICE, sgn_op_agencies_list),
    SGN_OPERATION("people.list", SGN_ACCESS_PERSON, SGN_CLASS_OFFICE, sgn_op_people_list),
    SGN_OPERATION("people.import", SGN_ACCESS_LOCAL, SGN_CLASS_LONG, sgn_op_people_import),
    SGN_OPERATION("registers.get", SGN_ACCESS_PERSON, SGN_CLASS_OFFICE, sgn_op_registers_get),
    SGN_OPERATION("incidents.create", SGN_ACCESS_PERSON, SGN_CLASS_OFFICE, sgn_op_incidents_create),
    SGN_OPERATION("incidents.lift", SGN_ACCESS_ROLES(SGN_ACCESS_IT | SGN_ACCESS_AUTHORITY), SGN_CLASS_OFFICE, sgn_op_incidents_lift),

    SGN_OPERATION("archive.create", SGN_ACCESS_ROLES(SGN_ACCESS_ARCHIVE_WRITE), SGN_CLASS_DOCUMENT, sgn_op_archive_create),
    SGN_OPERATION("archive.search", SGN_ACCESS_ROLES(SGN_ACCESS_ARCHIVE), SGN_CLASS_OFFICE, sgn_op_archive_search),
    SGN_OPERATION("archive.get", SGN_ACCESS_ROLES(SGN_ACCESS_ARCHIVE), SGN_CLASS_OFFICE, sgn_op_archive_get),
    SGN_OPERATION("archive.original", SGN_ACCESS_ROLES(SGN_ACCESS_ARCHIVE), SGN_CLASS_OFFICE, sgn_op_archive_original),
    SGN_OPERATION("archive.version", SGN_ACCESS_ROLES(SGN_ACCESS_ARCHIVE), SGN_CLASS_OFFICE, sgn_op_archive_version),
    SGN_OPERATION("archive.evidence", SGN_ACCESS_ROLES(SGN_ACCESS_ARCHIVE), SGN_CLASS_OFFICE, sgn_op_archive_evidence),
    SGN_OPERATION("archive.fixity", SGN_ACCESS_ROLES(SGN_ACCESS_ARCHIVE), SGN_CLASS_LONG, sgn_op_archive_fixity),
    SGN_OPERATION("archive.rebuild", SGN_ACCESS_LOCAL, SGN_CLASS_LONG, sgn_op_archive_rebuild),

    SGN_OPERATION("backups.list", SGN_ACCESS_ROLES(SGN_ACCESS_IT | SGN_ACCESS_ARCHIVIST), SGN_CLASS_LONG, sgn_op_backups_list),
    SGN_OPERATION("backups.create", SGN_ACCESS_ROLES(SGN_ACCESS_IT | SGN_ACCESS_ARCHIVIST), SGN_CLASS_LONG, sgn_op_backups_create),
    SGN_OPERATION("backups.get", SGN_ACCESS_ROLES(SGN_ACCESS_IT | SGN_ACCESS_ARCHIVIST), SGN_CLASS_OFFICE, sgn_op_backups_get),
    SGN_OPERATION("backups.verify", SGN_ACCESS_ROLES(SGN_ACCESS_IT | SGN_ACCESS_ARCHIVIST), SGN_CLASS_LONG, sgn_op_backups_verify),

    SGN_OPERATION("audit.list", SGN_ACCESS_ROLES(SGN_ACCESS_INSPECTOR | SGN_ACCESS_ARCHIVIST | SGN_ACCESS_IT), SGN_CLASS_OFFICE, sgn_op_audit_list),
    SGN_OPERATION("audit.verify", SGN_ACCESS_LOCAL, SGN_CLASS_LONG, sgn_op_audit_verify),

    SGN_OPERATION("agent.enrol_begin", SGN_ACCESS_PERSON, SGN_CLASS_OFFICE, sgn_op_agent_enrol_begin),
    SGN_OPERATION("agent.enrol_confirm", SGN_ACCESS_PERSON, SGN_CLASS_OFFICE, sgn_op_agent_enrol_confirm),
    SGN_OPERATION("agent.enrol", SGN_ACCESS_AGENT_NEW, SGN_CLASS_OFFICE, sgn_op_agent_enrol),
    SGN_OPERATION("agent.enrol_status", SGN_ACCESS_AGENT_NEW, SGN_CLASS_OFFICE, sgn_op_agent_enrol_status),
    SGN_OPERATION("agent.credentials", SGN_ACCESS_AGENT, SGN_CLASS_SIGNING, sgn_op_agent_credentials),
    SGN_OPERATION("agent.poll", SGN_ACCESS_AGENT, SGN_CLASS_OFFICE, sgn_op_agent_poll),
    SGN_OPERATION("agent.claim", SGN_ACCESS_AGENT, SGN_CLASS_SIGNING, sgn_op_agent_claim),
    SGN_OPERATION("agent.document", SGN_ACCESS_AGENT, SGN_CLASS_OFFICE, sgn_op_agent_document),
    SGN_OPERATION("agent.progress", SGN_ACCESS_AGENT, SGN_CLASS_SIGNING, sgn_op_agent_progress),
    SGN_OPERATION("agent.result", SGN_ACCESS_AGENT, SGN_CLASS_SIGNING, sgn_op_agent_result),
    SGN_OPERATION("agent.reject", SGN_ACCESS_AGENT, SGN_CLASS_SIGNING, sgn_op_agent_reject),

    /* for the module's parent and the command line */
    SGN_OPERATION("config", SGN_ACCESS_LOCAL, SGN_CLASS_QUICK, sgn_op_keeper_config),
    SGN_OPERATION("shutdown", SGN_ACCESS_LOCAL, SGN_CLASS_QUICK, sgn_op_keeper_shutdown),
    SGN_OPERATION("probe", SGN_ACCESS_LOCAL, SGN_CLASS_DOCUMENT, sgn_op_keeper_probe),
};

const sgn_operation_t *sgn_operations_rows(int *count)
{
    *count = (int)(sizeof rows / sizeof *rows);
    return rows;
}

const sgn_operation_t *sgn_operations_find(const char *name)
{
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (strcmp(rows[i].name, name) == 0)
            return &rows[i];
    return NULL;
}

void sgn_call_answer(sgn_call_t *call, int status, json_t *body)
{
    call->status = status;
    call->answer = body;
}

void sgn_call_header(sgn_call_t *call, const char *name, const char *value)
{
    if (!call->headers)
        call->headers = sgn_json_object(call->pool);
    sgn_json_set_str(call->headers, name, value);
}

void sgn_call_content(sgn_call_t *call, const char *type, const char *name, const char *etag)
{
    call->content = sgn_json_object(call->pool);
    sgn_json_set_str(call->content, "type", type);
    sgn_json_set_str(call->content, "name", name);
    sgn_json_set_str(call->content, "etag", etag);
    sgn_json_set(call->content, "parts", sgn_json_array(call->pool));
}

void sgn_call_part(sgn_call_t *call, int fd, apr_int64_t offset, apr_int64_t length)
{
    json_t *part = sgn_json_object(call->pool);

    assert(call->content && call->out_nfds < SGN_CALL_FDS);
    sgn_json_set_int(part, "fd", call->out_nfds);
    sgn_json_set_int(part, "offset", offset);
    sgn_json_set_int(part, "length", length);
    json_array_append(json_object_get(call->content, "parts"), part);
    call->out_fds[call->out_nfds++] = fd;
}

void sgn_call_findings(sgn_call_t *call, json_t *findings)
{
    call->findings = findings;
}
