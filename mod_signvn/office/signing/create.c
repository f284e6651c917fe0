/* create.c: a request becomes a prepared job, or is refused with its reason. */
#include <string.h>

#include <apr_strings.h>

#include "base/clock.h"
#include "base/file.h"
#include "crypto/random.h"
#include "office/agency/register.h"
#include "office/signing/kind.h"
#include "office/signing/prepare.h"

#define TEXT_LIMIT 500
#define NUMBER_TRIES 5      /* drawings of a number that others drew at once */

/* [SV-A01] asked before anything else, with no default. */
static sgn_error_t *check_secrecy(const json_t *spec, int n, apr_pool_t *pool)
{
    const char *secrecy;

    SGN_TRY(sgn_json_find_str(&secrecy, spec, "secrecy", NULL, pool));
    if (!secrecy)
        return SGN_ERROR(pool, SGN_SECRECY_MISSING, "document %d", n);
    if (strcmp(secrecy, "none") != 0)
        return SGN_ERROR(pool, SGN_SECRECY_REFUSED, "document %d", n);
    return NULL;
}

static sgn_error_t *short_text(const char **out, const json_t *spec, const char *key, apr_pool_t *pool)
{
    SGN_TRY(sgn_json_find_str(out, spec, key, NULL, pool));
    if (*out && strlen(*out) > TEXT_LIMIT)
        return SGN_ERROR(pool, SGN_FIELD, "%s: at most %d bytes", key, TEXT_LIMIT);
    return NULL;
}

static sgn_error_t *read_deliver(const char **out, const json_t *spec, apr_pool_t *pool)
{
    json_t *deliver;

    *out = "answer";
    SGN_TRY(sgn_json_find_object(&deliver, spec, "deliver", pool));
    if (deliver)
        SGN_TRY(sgn_json_find_str(out, deliver, "method", "answer", pool));
    if (strcmp(*out, "none") != 0 && strcmp(*out, "answer") != 0)
        return SGN_ERROR(pool, SGN_DELIVER_UNAVAILABLE, "deliver %.20s", *out);
    return NULL;
}

static sgn_error_t *read_wish(sgn_wish_t *wish, json_t *spec, int n, apr_pool_t *pool)
{
    const char *kind;

    if (!json_is_object(spec))
        return SGN_ERROR(pool, SGN_FIELD, "documents[%d]: an object wanted", n);
    SGN_TRY(check_secrecy(spec, n, pool));
    wish->n = n;
    wish->spec = spec;
    SGN_TRY(sgn_json_get_str(&kind, spec, "kind", pool));
    SGN_TRY(sgn_kind_find(&wish->kind, kind, spec, pool));
    SGN_TRY(short_text(&wish->subject, spec, "subject", pool));
    SGN_TRY(short_text(&wish->type, spec, "type", pool));
    SGN_TRY(short_text(&wish->number, spec, "number", pool));
    SGN_TRY(short_text(&wish->symbol, spec, "symbol", pool));
    SGN_TRY(short_text(&wish->date, spec, "date", pool));
    SGN_TRY(short_text(&wish->group, spec, "group", pool));
    if (wish->group && !*wish->group)
        return SGN_ERROR(pool, SGN_FIELD, "documents[%d].group: empty", n);
    SGN_TRY(short_text(&wish->urgency, spec, "urgency", pool));
    SGN_TRY(read_deliver(&wish->deliver, spec, pool));
    if (json_object_get(spec, "source"))
        return SGN_ERROR(pool, SGN_FIELD, "source: send the document as a part");
    return wish->kind->check_wish(wish, pool);
}

static sgn_error_t *read_wishes(sgn_wish_t **out, int *count, const json_t *request, apr_pool_t *pool)
{
    sgn_wish_t *wishes;
    json_t *list, *spec;
    size_t i;

    SGN_TRY(sgn_json_get_array(&list, request, "documents", pool));
    if (json_array_size(list) == 0)
        return SGN_ERROR(pool, SGN_FIELD, "documents: none");
    if (json_array_size(list) > SGN_JOB_ITEMS)
        return SGN_ERROR(pool, SGN_TOO_MANY, "%d documents", (int)json_array_size(list));
    wishes = apr_pcalloc(pool, sizeof *wishes * json_array_size(list));
    /* Secrecy of all comes first: one secret document stops the whole job. */
    json_array_foreach(list, i, spec)
        SGN_TRY(check_secrecy(spec, (int)i, pool));
    json_array_foreach(list, i, spec) {
        SGN_TRY(read_wish(&wishes[i], spec, (int)i, pool));
        if (strcmp(wishes[i].kind->certificate, wishes[0].kind->certificate) != 0)
            return SGN_ERROR(pool, SGN_FIELD, "documents[%d]: a person's and the agency's signature are two jobs", (int)i);
    }
    *out = wishes;
    *count = (int)json_array_size(list);
    return NULL;
}

static sgn_error_t *check_roles(const sgn_person_t *person, const char *agency, const sgn_wish_t *wishes, int count,
                                apr_pool_t *pool)
{
    for (int i = 0; i < count; i++) {
        int may = 0;

        for (const char *const *role = wishes[i].kind->roles; *role; role++)
            may |= sgn_person_has_role(person, agency, *role);
        if (!may)
            return SGN_ERROR(pool, SGN_ACCESS_DENIED, "%s may not %s for %s", person->account, wishes[i].kind->name, agency);
    }
    return NULL;
}

static sgn_error_t *agency_of(const char **out, const json_t *request, const sgn_person_t *person, apr_pool_t *pool)
{
    SGN_TRY(sgn_json_find_str(out, request, "agency", sgn_person_home(person), pool));
    if (!*out)
        return SGN_ERROR(pool, SGN_AGENCY_UNKNOWN, "no agency");
    return NULL;
}

sgn_error_t *sgn_jobs_begin(const char **job, int *count, sgn_jobs_t *jobs, const sgn_person_t *person,
                            json_t *request, apr_pool_t *pool)
{
    sgn_wish_t *wishes;
    const char *agency;

    SGN_TRY(read_wishes(&wishes, count, request, pool));
    SGN_TRY(agency_of(&agency, request, person, pool));
    SGN_TRY(check_roles(person, agency, wishes, *count, pool));
    SGN_TRY(sgn_random_token(job, 16, pool));
    return sgn_file_mkdir(jobs->o.state, apr_pstrcat(pool, "jobs/", *job, NULL), 0700, pool);
}

/* [SV-E13] the certificate that will sign: the one named, or the only one. */
static sgn_error_t *choose_binding(sgn_binding_t **out, sgn_jobs_t *jobs, const sgn_person_t *person, const char *agency,
                                   const char *kind, const char *credential, apr_time_t now, apr_pool_t *pool)
{
    sgn_binding_t *usable;
    int count;

    SGN_TRY(sgn_agency_usable(&usable, &count, jobs->o.agency, person->account, agency, kind, now, pool));
    if (count == 0)
        return SGN_ERROR(pool, strcmp(kind, "agency") == 0 ? SGN_CUSTODY_NONE : SGN_BINDING_NONE, "%s in %s",
                         person->account, agency);
    for (int i = 0; credential && i < count; i++)
        if (strcmp(usable[i].credential, credential) == 0) {
            *out = &usable[i];
            return NULL;
        }
    if (credential)
        return SGN_ERROR(pool, SGN_CREDENTIAL_UNKNOWN, "credential %.16s", credential);
    if (count > 1)
        return SGN_ERROR(pool, SGN_CREDENTIAL_CHOOSE, "%d credentials", count);
    *out = &usable[0];
    return NULL;
}

static const char *level_of(const sgn_act_t *act)
{
    const char *level = sgn_config_agency_text(act->config, act->job->agency, "SignVNSignatureLevel");

    /* A seal is never below B-T: a revoked seal key must not undo yesterday. */
    if (!level || strcmp(act->wish->kind->certificate, "agency") == 0)
        return "B-T";
    return level;
}

static const char *print_metadata(const sgn_act_t *act)
{
    json_t *metadata = json_object_get(act->wish->spec, "metadata"), *out = sgn_json_object(act->pool);

    if (json_is_object(metadata))
        json_object_update(out, metadata);
    sgn_json_set_str(out, "urgency", act->wish->urgency);
    sgn_json_set(out, "signedFor", json_object_get(act->wish->spec, "signedFor"));
    sgn_json_set(out, "authority", json_object_get(act->wish->spec, "authority"));
    sgn_json_set(out, "service", json_object_get(act->wish->spec, "service"));
    return sgn_json_print(out, act->pool);
}

static sgn_error_t *make_item(sgn_act_t *act)
{
    sgn_job_item_t *item = act->item;
    sgn_bytes_t update;

    item->n = act->wish->n;
    item->state = "pending";
    item->kind = act->wish->kind->name;
    item->subject = act->wish->subject;
    item->type = act->wish->type;
    item->symbol = act->wish->symbol;
    item->date = act->wish->date;
    item->group = act->wish->group;
    item->deliver = act->wish->deliver;
    item->size = act->document->size;
    item->sha256 = sgn_bytes_hex(sgn_bytes(act->document->sha256, 32), act->pool);
    item->metadata = print_metadata(act);
    item->level = level_of(act);
    SGN_TRY(act->wish->kind->check_document(act));
    SGN_TRY(sgn_prepare_item(&update, act));
    return sgn_file_write(act->jobs->o.state, sgn_job_path(act->job->id, item->n, ".update", act->pool), update, 0600,
                          act->pool);
}

/* Number and seal claim go with the job, in one transaction: a refused POST
 * takes no number. */
static sgn_error_t *claim(sgn_act_t *act)
{
    sgn_job_item_t *item = act->item;
    sgn_register_entry_t entry = {
        .agency = act->job->agency, .series = act->wish->type, .symbol = item->symbol, .date = item->date,
        .job = act->job->id, .item = item->n, .subject = item->subject, .year = act->year, .number = act->number,
    };
    sgn_error_t *error;

    if (!act->number)
        return NULL;
    SGN_TRY(sgn_register_reserve(act->jobs->o.office, &entry, act->pool));
    error = sgn_db_run(act->jobs->o.office, act->pool,
                       "INSERT INTO seal_use (person_digest, agency, number, symbol, job, item) VALUES ($1, $2, $3, $4, $5, $6)",
                       "sssssi", item->person_digest, act->job->agency, item->number, item->symbol, act->job->id,
                       (apr_int64_t)item->n);
    if (error && error->code == SGN_DB_UNIQUE)
        return SGN_WRAP(act->pool, error, SGN_SEAL_ALREADY, "document %d", item->n);
    return error;
}

static sgn_error_t *store(json_t **answer, sgn_jobs_t *jobs, sgn_job_t *job, sgn_act_t *acts, int count,
                          const sgn_once_t *once, apr_pool_t *pool)
{
    json_t *detail = sgn_json_object(pool), *digests = json_array();
    sgn_error_t *error;

    json_object_set_new(detail, "documents", digests);
    sgn_json_set_str(detail, "kind", job->kind);
    SGN_TRY(sgn_db_begin(jobs->o.office, pool));
    error = once ? sgn_once_take(jobs->o.office, once, pool) : NULL;
    if (!error)
        error = sgn_job_insert(jobs->o.office, job, pool);
    for (int i = 0; i < count && !error; i++) {
        json_array_append_new(digests, json_string(acts[i].item->sha256));
        error = claim(&acts[i]);
        if (!error)
            error = sgn_job_insert_item(jobs->o.office, job->id, acts[i].item, pool);
    }
    if (!error)
        error = sgn_job_audit(jobs, job, "job.create", detail, pool);
    if (!error)
        error = sgn_jobs_get(answer, jobs, job->id, job->account, pool);
    if (!error && once)
        error = sgn_once_keep(jobs->o.office, once, *answer, pool);
    if (!error)
        return sgn_db_commit(jobs->o.office, pool);
    sgn_db_rollback(jobs->o.office);
    return error;
}

static sgn_error_t *name_job(sgn_job_t *job, const sgn_wish_t *wish, const sgn_binding_t *binding, apr_time_t now,
                             apr_pool_t *pool)
{
    job->binding = binding->id;
    job->credential = binding->credential;
    job->certificate_sha256 = binding->certificate_sha256;
    job->kind = wish->kind->name;
    job->state = "prepared";
    job->created = now;
    job->expires = now + SGN_JOB_LIFE;
    /* [B14] made by the server, shown on both sides */
    SGN_TRY(sgn_random_digits(&job->match_code, 4, pool));
    return sgn_random_token(&job->nonce, 16, pool);
}

/* Every document checked and prepared; base has what they share. */
static sgn_error_t *make_items(sgn_act_t **out, const sgn_act_t *base, const sgn_wish_t *wishes,
                               const sgn_engine_document_t *documents, int count)
{
    sgn_act_t *acts = apr_pcalloc(base->pool, sizeof *acts * (size_t)count);

    for (int i = 0; i < count; i++) {
        acts[i] = *base;
        acts[i].item = apr_pcalloc(base->pool, sizeof *acts[i].item);
        acts[i].wish = &wishes[i];
        acts[i].document = &documents[i];
        acts[i].earlier = acts;
        SGN_TRY(make_item(&acts[i]));
    }
    *out = acts;
    return NULL;
}

static int draws_numbers(const sgn_wish_t *wishes, int count)
{
    for (int i = 0; i < count; i++)
        if (wishes[i].number)
            return 0;
    return 1;
}

sgn_error_t *sgn_jobs_create(json_t **answer, sgn_jobs_t *jobs, const char *id, const sgn_person_t *person,
                             const char *system, json_t *request,
                             const sgn_engine_document_t *documents, int count, int dry_run,
                             const sgn_once_t *once, apr_pool_t *pool)
{
    sgn_job_t job = { .id = id, .account = person->account, .system = system };
    apr_time_t now = sgn_clock_now();
    sgn_binding_t *binding = NULL;
    const char *credential;
    sgn_wish_t *wishes;
    sgn_act_t base = { .jobs = jobs, .job = &job, .person = person, .now = now, .pool = pool }, *acts;
    sgn_error_t *error;
    json_t *facts;
    int wanted;

    SGN_TRY(read_wishes(&wishes, &wanted, request, pool));
    if (wanted != count)
        return SGN_ERROR(pool, SGN_FIELD, "documents: %d described, %d sent", wanted, count);
    SGN_TRY(agency_of(&job.agency, request, person, pool));
    SGN_TRY(sgn_json_find_str(&credential, request, "credential", NULL, pool));
    SGN_TRY(sgn_json_find_bool(&job.stop_on_error, request, "stopOnError", 0, pool));
    SGN_TRY(choose_binding(&binding, jobs, person, job.agency, wishes[0].kind->certificate, credential, now, pool));
    SGN_TRY(sgn_agency_recheck(jobs->o.agency, binding, person->account, now, pool));
    /* [NĐ 68/2024, Điều 29] the certificate is checked before the desk is disturbed */
    SGN_TRY(sgn_engine_certificate(&facts, jobs->o.engine, binding->certificate, binding->kind, pool));
    SGN_TRY(name_job(&job, &wishes[0], binding, now, pool));
    base.config = *jobs->o.config;
    base.binding = binding;
    if (dry_run) {
        SGN_TRY(make_items(&acts, &base, wishes, documents, count));
        *answer = sgn_json_object(pool);
        sgn_json_set_str(*answer, "state", "new");
        sgn_json_set_bool(*answer, "dryRun", 1);
        return NULL;
    }
    /* Two clerks at once draw the same number: the later one draws again. */
    for (int tries = 1; ; tries++) {
        SGN_TRY(make_items(&acts, &base, wishes, documents, count));
        error = store(answer, jobs, &job, acts, count, once, pool);
        if (!error || error->code != SGN_NUMBER_TAKEN || !draws_numbers(wishes, count) || tries == NUMBER_TRIES)
            return error;
    }
}
