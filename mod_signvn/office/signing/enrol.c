/* enrol.c: how a desk becomes known, and how it proves itself ever after. */
#include <string.h>

#include <apr_strings.h>

#include "base/clock.h"
#include "crypto/crypto.h"
#include "crypto/random.h"
#include "dtbs/proof.h"
#include "dtbs/words.h"
#include "office/signing/desk.h"
#include "office/signing/job.h"

#define CODE_LIFE apr_time_from_sec(300)
#define CODE_LENGTH 8
#define CODE_HALF 4
#define CODE_MISSES 5
#define BATCH_LIMIT 100

sgn_error_t *sgn_enrol_begin(json_t **answer, sgn_jobs_t *jobs, const char *account, apr_pool_t *pool)
{
    sgn_db_t *office = jobs->o.office;
    const char *code;
    sgn_error_t *error;

    SGN_TRY(sgn_random_code(&code, CODE_LENGTH, pool));
    SGN_TRY(sgn_db_begin(office, pool));
    error = sgn_db_run(office, pool, "DELETE FROM enrolment WHERE account = $1 OR expires < $2", "si", account,
                       (apr_int64_t)sgn_clock_now());
    if (!error)
        error = sgn_db_run(office, pool, "INSERT INTO enrolment (code, account, expires) VALUES ($1, $2, $3)", "ssi",
                           code, account, (apr_int64_t)(sgn_clock_now() + CODE_LIFE));
    if (error) {
        sgn_db_rollback(office);
        return error;
    }
    SGN_TRY(sgn_db_commit(office, pool));
    *answer = sgn_json_object(pool);
    sgn_json_set_str(*answer, "userCode", code);
    sgn_json_set_int(*answer, "expiresIn", apr_time_sec(CODE_LIFE));
    return NULL;
}

/* [B12] A guess counts against the codes that begin like it: whoever does not
 * know half of a code cannot end it, and who knows it has five tries at the
 * other half. */
static sgn_error_t *missed(sgn_jobs_t *jobs, const char *code, apr_pool_t *pool)
{
    sgn_db_t *office = jobs->o.office;
    apr_int64_t changed;

    SGN_TRY(sgn_db_run_changed(&changed, office, pool,
                               "UPDATE enrolment SET misses = misses + 1 WHERE substr(code, 1, $1) = substr($2, 1, $1) AND id IS NULL",
                               "is", (apr_int64_t)CODE_HALF, code));
    if (changed)
        SGN_TRY(sgn_db_run(office, pool, "DELETE FROM enrolment WHERE id IS NULL AND misses >= $1", "i", (apr_int64_t)CODE_MISSES));
    return SGN_ERROR(pool, SGN_ENROL_CODE, "no such code");
}

sgn_error_t *sgn_enrol_request(json_t **answer, sgn_jobs_t *jobs, json_t *body, json_t *jwk, const char *address,
                               apr_pool_t *pool)
{
    unsigned char point[SGN_P256_POINT], proved[SGN_P256_POINT];
    const char *code, *name, *version, *id, *nonce;
    apr_int64_t changed;
    sgn_bytes_t key;
    json_t *agent_key;

    SGN_TRY(sgn_json_get_str(&code, body, "userCode", pool));
    SGN_TRY(sgn_json_get_str(&name, body, "agentName", pool));
    SGN_TRY(sgn_json_find_str(&version, body, "appVersion", "0", pool));
    SGN_TRY(sgn_json_get_object(&agent_key, body, "agentKey", pool));
    SGN_TRY(sgn_es256_jwk_read(point, agent_key, pool));
    SGN_TRY(sgn_es256_jwk_read(proved, jwk, pool));
    if (memcmp(point, proved, sizeof point) != 0)
        return SGN_ERROR(pool, SGN_AGENT_PROOF, "the key enrolled is not the key that proves");
    if (strlen(name) > 100 || strlen(version) > 100)
        return SGN_ERROR(pool, SGN_FIELD, "agentName, appVersion: at most 100 bytes");
    SGN_TRY(sgn_random_token(&id, 16, pool));
    SGN_TRY(sgn_random_token(&nonce, 16, pool));
    key = sgn_bytes(point, sizeof point);
    SGN_TRY(sgn_guesses_take(jobs->guesses, address, sgn_clock_monotonic(), pool));
    SGN_TRY(sgn_db_run_changed(&changed, jobs->o.office, pool,
                               "UPDATE enrolment SET id = $1, agent_name = $2, point = $3, nonce = $4, version = $5"
                               " WHERE code = $6 AND expires > $7 AND id IS NULL", "ssbsssi", id, name, &key, nonce,
                               version, code, (apr_int64_t)sgn_clock_now()));
    if (changed != 1)
        return missed(jobs, code, pool);
    sgn_guesses_give(jobs->guesses, address);
    *answer = sgn_json_object(pool);
    sgn_json_set_str(*answer, "enrolmentID", id);
    sgn_json_set(*answer, "serverKeys", sgn_keys_jwks(jobs->o.keys, pool));
    sgn_json_set_str(*answer, "nonce", nonce);
    return NULL;
}

static sgn_error_t *policy(json_t **out, sgn_jobs_t *jobs, apr_pool_t *pool)
{
    json_t *answer = sgn_json_object(pool);

    sgn_json_set_int(answer, "maxBatch", BATCH_LIMIT);
    sgn_json_set_str(answer, "minVersion", sgn_config_text(*jobs->o.config, "SignVNAgentMinVersion"));
    *out = answer;
    return NULL;
}

sgn_error_t *sgn_enrol_status(json_t **answer, int *status, sgn_jobs_t *jobs, json_t *body, json_t *jwk, apr_pool_t *pool)
{
    unsigned char proved[SGN_P256_POINT];
    sgn_db_rows_t *rows;
    json_t *rules;
    const char *id;

    SGN_TRY(sgn_json_get_str(&id, body, "enrolmentID", pool));
    SGN_TRY(sgn_es256_jwk_read(proved, jwk, pool));
    SGN_TRY(sgn_db_query(&rows, jobs->o.office, pool, "SELECT point, confirmed, expires FROM enrolment WHERE id = $1", "s", id));
    if (sgn_db_count(rows) == 0 || !sgn_bytes_equal(sgn_db_bytes(rows, 0, 0), sgn_bytes(proved, sizeof proved)) ||
        (!sgn_db_text(rows, 0, 1) && sgn_db_int(rows, 0, 2) < sgn_clock_now()))
        return SGN_ERROR(pool, SGN_ENROL_CODE, "no such enrolment");
    *answer = sgn_json_object(pool);
    *status = 202;
    if (!sgn_db_text(rows, 0, 1))
        return NULL;
    *status = 200;
    sgn_json_set_str(*answer, "agentID", sgn_db_text(rows, 0, 1));
    SGN_TRY(policy(&rules, jobs, pool));
    sgn_json_set(*answer, "policy", rules);
    return NULL;
}

/* [B11] both sides show the same six words over both sides' keys. */
static sgn_error_t *words_of(json_t **out, sgn_jobs_t *jobs, sgn_bytes_t point, const char *nonce, const char *code, apr_pool_t *pool)
{
    char words[SGN_WORDS_COUNT][SGN_WORDS_SIZE];
    json_t *list = sgn_json_array(pool);
    sgn_bytes_t raw;
    int fault;

    SGN_TRY(sgn_bytes_from_base64url(&raw, nonce, pool));
    fault = sgn_words_enrolment(words, sgn_crypto_table(), point.data, sgn_keys_point(jobs->o.keys), 1, raw.data, raw.len, code);
    if (fault)
        return SGN_ERROR(pool, SGN_CRYPTO, "words: %s", sgn_fault_name(fault));
    for (int i = 0; i < SGN_WORDS_COUNT; i++)
        json_array_append_new(list, json_string(words[i]));
    *out = list;
    return NULL;
}

static sgn_error_t *confirm(const char **agent, sgn_jobs_t *jobs, const sgn_db_rows_t *rows, const char *account, apr_pool_t *pool)
{
    sgn_bytes_t point = sgn_db_bytes(rows, 0, 2);
    sgn_audit_act_t act = { .actor = account, .action = "agent.enrol" };
    sgn_db_t *office = jobs->o.office;
    apr_int64_t changed;
    sgn_error_t *error;

    SGN_TRY(sgn_random_token(agent, 16, pool));
    act.object = *agent;
    SGN_TRY(sgn_db_begin(office, pool));
    error = sgn_db_run_changed(&changed, office, pool, "UPDATE enrolment SET confirmed = $1 WHERE id = $2 AND confirmed IS NULL",
                               "ss", *agent, sgn_db_text(rows, 0, 0));
    if (!error && changed != 1)
        error = SGN_ERROR(pool, SGN_ENROL_CODE, "confirmed already");
    if (!error)
        error = sgn_db_run(office, pool, "INSERT INTO agent (id, account, name, point, version, enrolled) VALUES ($1, $2, $3, $4, $5, $6)",
                           "sssbsi", *agent, account, sgn_db_text(rows, 0, 1), &point, sgn_db_text(rows, 0, 4),
                           (apr_int64_t)sgn_clock_now());
    if (!error)
        error = sgn_audit_add(jobs->o.audit, &act, pool);
    if (!error)
        return sgn_db_commit(office, pool);
    sgn_db_rollback(office);
    return error;
}

sgn_error_t *sgn_enrol_confirm(json_t **answer, sgn_jobs_t *jobs, json_t *body, int show, const char *account, apr_pool_t *pool)
{
    const char *code, *agent;
    sgn_db_rows_t *rows;
    json_t *words = NULL;

    SGN_TRY(sgn_json_get_str(&code, body, "userCode", pool));
    SGN_TRY(sgn_db_query(&rows, jobs->o.office, pool,
                         "SELECT id, agent_name, point, nonce, version FROM enrolment WHERE code = $1 AND account = $2"
                         " AND expires > $3 AND id IS NOT NULL AND confirmed IS NULL", "ssi", code, account,
                         (apr_int64_t)sgn_clock_now()));
    if (sgn_db_count(rows) == 0)
        return SGN_ERROR(pool, SGN_ENROL_CODE, "nothing to confirm");
    *answer = sgn_json_object(pool);
    if (show) {
        SGN_TRY(words_of(&words, jobs, sgn_db_bytes(rows, 0, 2), sgn_db_text(rows, 0, 3), code, pool));
        sgn_json_set_str(*answer, "enrolmentID", sgn_db_text(rows, 0, 0));
        sgn_json_set_str(*answer, "agentName", sgn_db_text(rows, 0, 1));
        sgn_json_set(*answer, "words", words);
        return NULL;
    }
    SGN_TRY(confirm(&agent, jobs, rows, account, pool));
    sgn_json_set_str(*answer, "agentID", agent);
    return NULL;
}

/* [B15] claim, result and reject happen once per proof. */
static sgn_error_t *remember(sgn_jobs_t *jobs, const char *agent, const char *jti, apr_pool_t *pool)
{
    apr_time_t now = sgn_clock_now();
    sgn_error_t *error;

    SGN_TRY(sgn_db_run(jobs->o.office, pool, "DELETE FROM jti WHERE time < $1", "i",
                       (apr_int64_t)(now - apr_time_from_sec(4 * SGN_PROOF_WINDOW))));
    error = sgn_db_run(jobs->o.office, pool, "INSERT INTO jti (agent, jti, time) VALUES ($1, $2, $3)", "ssi", agent, jti,
                       (apr_int64_t)now);
    if (error && error->code == SGN_DB_UNIQUE)
        return SGN_WRAP(pool, error, SGN_AGENT_REPLAY, "proof used before");
    return error;
}

static sgn_error_t *key_of(unsigned char point[SGN_P256_POINT], const char **account, sgn_jobs_t *jobs, const char *agent,
                           apr_pool_t *pool)
{
    sgn_db_rows_t *rows;

    SGN_TRY(sgn_db_query(&rows, jobs->o.office, pool,
                         "SELECT a.account, a.point FROM agent a JOIN person p ON p.account = a.account"
                         " WHERE a.id = $1 AND a.revoked = 0 AND p.active = 1", "s", agent));
    if (sgn_db_count(rows) == 0 || sgn_db_bytes(rows, 0, 1).len != SGN_P256_POINT)
        return SGN_ERROR(pool, SGN_AGENT_PROOF, "unknown desk");
    *account = sgn_db_text(rows, 0, 0);
    memcpy(point, sgn_db_bytes(rows, 0, 1).data, SGN_P256_POINT);
    return NULL;
}

sgn_error_t *sgn_desk_prove(const char **agent, const char **account, json_t **jwk, sgn_jobs_t *jobs,
                            const sgn_desk_proof_t *proof, apr_pool_t *pool)
{
    unsigned char point[SGN_P256_POINT];
    sgn_proof_t read;
    sgn_jws_t *jws;
    int fault;

    *agent = *account = NULL;
    SGN_TRY(sgn_es256_parse(&jws, proof->jws, SGN_JWS_TYP_PROOF, pool));
    if (proof->enrolling) {
        if (!jws->has_jwk)
            return SGN_ERROR(pool, SGN_AGENT_PROOF, "no key");
        memcpy(point, jws->jwk, sizeof point);
        *jwk = sgn_es256_jwk(point, NULL, pool);
    } else {
        if (jws->has_jwk || !*jws->kid)
            return SGN_ERROR(pool, SGN_AGENT_PROOF, "kid wanted");
        *agent = apr_pstrdup(pool, jws->kid);
        SGN_TRY(key_of(point, account, jobs, *agent, pool));
    }
    SGN_TRY(sgn_es256_verify(jws, point, pool));
    fault = sgn_proof_read(&read, jws->payload, jws->payload_len);
    if (!fault)
        fault = sgn_proof_check(&read, proof->method, proof->path, proof->body_hash, apr_time_sec(sgn_clock_now()));
    if (fault)
        return SGN_ERROR(pool, SGN_AGENT_PROOF, "proof: %s", sgn_fault_name(fault));
    return proof->once && !proof->enrolling ? remember(jobs, *agent, read.jti, pool) : NULL;
}
