/*
 * backup_run.c: one run on one target: the medium, the steps, the databases;
 * the manifest is written last and makes the run count.
 */
#include "office/backup/backup_job.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <fcntl.h>

#include <apr_strings.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/pool.h"
#include "crypto/random.h"

static const char run_readme[] =
#define LINE(text) text "\n"
#include "office/backup/medium_readme.def"
#undef LINE
    ;

static const char *now_text(apr_pool_t *pool)
{
    return sgn_clock_print(sgn_clock_now(), pool);
}

/* ---- what the office knows of a set -------------------------------------------------- */

static sgn_error_t *forget_lost(sgn_job_t *job, const json_t *line, apr_pool_t *pool)
{
    return sgn_db_run(job->backup->options.office, pool, "DELETE FROM backup_damaged WHERE target = $1 AND id = $2 AND version = $3", "ssi",
                      job->target->name, json_string_value(json_object_get(line, "id")),
                      (apr_int64_t)json_integer_value(json_object_get(line, "version")));
}

static sgn_error_t *keep_lost(sgn_job_t *job, const json_t *line, apr_pool_t *pool)
{
    return sgn_db_run(job->backup->options.office, pool,
                      "INSERT OR REPLACE INTO backup_damaged (target, id, version, line) VALUES ($1,$2,$3,$4)", "ssis",
                      job->target->name, json_string_value(json_object_get(line, "id")),
                      (apr_int64_t)json_integer_value(json_object_get(line, "version")), sgn_json_print_sorted(line, pool));
}

static sgn_error_t *note_target(sgn_job_t *job, apr_int64_t seq, const char *digest, const char *when, int full)
{
    return sgn_db_run(job->backup->options.office, job->pool,
        "INSERT INTO backup_target (name, set_id, address, manifest, digest, last_ok, last_full) VALUES ($1,$2,$3,$4,$5,$6,$7)"
        " ON CONFLICT (name) DO UPDATE SET set_id = excluded.set_id, address = excluded.address, manifest = excluded.manifest,"
        " digest = excluded.digest, last_ok = excluded.last_ok, last_full = coalesce(excluded.last_full, last_full)",
        "sssisss", job->target->name, job->set, job->target->address, seq, digest, when, full ? when : NULL);
}

static sgn_error_t *unknown_line(void *baton, json_t *line, apr_pool_t *pool)
{
    return !json_object_get(line, "id") ? NULL : json_object_get(line, "damaged") ? keep_lost(baton, line, pool)
        : forget_lost(baton, line, pool);
}

/* A manifest that a run had finished when its process died, or that was written
 * behind the snapshot a restore took: it counts, so the rows follow it. */
static sgn_error_t *follow(sgn_job_t *job, const sgn_manifest_t *manifest)
{
    sgn_db_t *office = job->backup->options.office;
    const char *created = json_string_value(json_object_get(manifest->header, "created"));
    const char *kind = json_string_value(json_object_get(manifest->header, "kind"));
    int full = kind && strcmp(kind, "full") == 0;
    sgn_error_t *error;

    SGN_TRY(sgn_db_begin(office, job->pool));
    error = sgn_manifest_each(manifest, unknown_line, job, job->pool);
    if (!error)
        error = note_target(job, manifest->seq, manifest->digest, created, full);
    if (!error && full)
        job->last_kind_full = created;
    if (!error)
        return sgn_db_commit(office, job->pool);
    sgn_db_rollback(office);
    return error;
}

/* ---- the medium -------------------------------------------------------------------- */

static sgn_error_t *put_identity(sgn_job_t *job, json_t *identity)
{
    sgn_json_set_str(identity, "signer", sgn_keys_certificate_sha256(job->backup->options.keys));
    SGN_TRY(sgn_target_put(job->medium, "README.txt", sgn_bytes_str(run_readme), job->pool));
    SGN_TRY(sgn_target_put(job->medium, "signer.pem", sgn_bytes_str(sgn_keys_certificate_pem(job->backup->options.keys)), job->pool));
    return sgn_target_put(job->medium, "SIGNVN-BACKUP.json", sgn_bytes_str(sgn_json_print_pretty(identity, job->pool)), job->pool);
}

static sgn_error_t *make_identity(sgn_job_t *job)
{
    json_t *identity = sgn_json_object(job->pool);
    const char *hex;
    unsigned char random[16];

    SGN_TRY(sgn_random_bytes(random, sizeof(random), job->pool));
    random[6] = (unsigned char)((random[6] & 0x0f) | 0x40);     /* a version 4 UUID */
    random[8] = (unsigned char)((random[8] & 0x3f) | 0x80);
    hex = sgn_bytes_hex(sgn_bytes(random, sizeof(random)), job->pool);
    job->set = apr_psprintf(job->pool, "%.8s-%.4s-%.4s-%.4s-%s", hex, hex + 8, hex + 12, hex + 16, hex + 20);
    sgn_json_set_int(identity, "v", 1);
    sgn_json_set_str(identity, "set", job->set);
    sgn_json_set_str(identity, "target", job->target->name);
    sgn_json_set_str(identity, "created", now_text(job->pool));
    return put_identity(job, identity);
}

/* After a restore: our certificate, and the one before beside it for the
 * manifests that it signed. */
static sgn_error_t *renew_identity(sgn_job_t *job)
{
    json_t *identity;
    const char *before;
    sgn_bytes_t pem;

    SGN_TRY(sgn_room_identity(&identity, job->medium, job->pool));
    before = json_string_value(json_object_get(identity, "signer"));
    if (before && strlen(before) == 64 && strspn(before, "0123456789abcdef") == 64 && strcmp(before, job->signer.fingerprint) != 0
        && !sgn_target_get(&pem, job->medium, "signer.pem", 64 * 1024, job->pool))
        SGN_TRY(sgn_target_put(job->medium, apr_psprintf(job->pool, "signer-%.16s.pem", before), pem, job->pool));
    return put_identity(job, identity);
}

static sgn_error_t *check_device(sgn_job_t *job, const sgn_config_t *config)
{
    int count, i;
    const sgn_room_target_t *targets = sgn_room_targets(&count, config, job->pool);
    sgn_medium_t *medium;
    json_t *identity;

    if (sgn_config_flag(config, "SignVNPractice"))
        return NULL;
    for (i = 0; i < count; i++)
        if (strcmp(targets[i].name, job->target->name) != 0 && !sgn_target_open(&medium, targets[i].address, job->pool)
            && !sgn_room_identity(&identity, medium, job->pool) && sgn_target_device(medium)
            && sgn_target_device(medium) == sgn_target_device(job->medium))
            return SGN_ERROR(job->pool, SGN_BACKUP_SAME_DEVICE, "%s and %s", job->target->name, targets[i].name);
    return NULL;
}

/* The medium must be the one this target had; a new one is made only where
 * none was known. */
static sgn_error_t *identify(sgn_job_t *job, const char **known_digest, apr_int64_t *known)
{
    json_t *identity;
    sgn_db_rows_t *rows;
    const char *set = NULL, *stated, *target;
    sgn_error_t *error;

    *known = 0;
    *known_digest = "";
    SGN_TRY(sgn_db_query(&rows, job->backup->options.office, job->pool,
                         "SELECT set_id, manifest, digest, last_full FROM backup_target WHERE name = $1", "s", job->target->name));
    if (sgn_db_count(rows)) {
        set = sgn_db_text(rows, 0, 0);
        *known = sgn_db_int(rows, 0, 1);
        *known_digest = sgn_db_text(rows, 0, 2);
        job->last_kind_full = sgn_db_text(rows, 0, 3);
    }
    SGN_TRY(sgn_target_open(&job->medium, job->target->address, job->pool));
    error = sgn_room_identity(&identity, job->medium, job->pool);
    if (error && error->code == SGN_BACKUP_ABSENT && !set) {
        SGN_TRY(sgn_target_lock(job->medium, job->pool));
        SGN_TRY(make_identity(job));
        return check_device(job, *job->backup->options.config);
    }
    SGN_TRY(error);
    error = sgn_json_get_str(&stated, identity, "set", job->pool);
    if (!error)
        error = sgn_json_get_str(&target, identity, "target", job->pool);
    if (error)
        return SGN_WRAP(job->pool, error, SGN_BACKUP_WRONG_MEDIUM, "SIGNVN-BACKUP.json");
    if ((set && strcmp(set, stated) != 0) || strcmp(target, job->target->name) != 0)
        return SGN_ERROR(job->pool, SGN_BACKUP_WRONG_MEDIUM, "the medium is set %s of target %s", stated, target);
    job->set = stated;
    SGN_TRY(check_device(job, *job->backup->options.config));
    return sgn_target_lock(job->medium, job->pool);
}

/* The newest manifest on the medium against the newest we know of. */
static sgn_error_t *continue_from(sgn_job_t *job, const char *known_digest, apr_int64_t known)
{
    sgn_manifest_t *manifest;
    const char *previous;

    job->before = sgn_json_object(job->pool);
    job->last_digest = "";
    SGN_TRY(sgn_manifest_newest(&job->last, job->medium, job->pool));
    if (job->last < known)
        return SGN_ERROR(job->pool, SGN_BACKUP_MANIFEST, "the newest manifest is %" APR_INT64_T_FMT ", %" APR_INT64_T_FMT " was written",
                         job->last, known);
    if (!job->last)
        return NULL;
    if (known) {
        SGN_TRY(sgn_manifest_read(&manifest, job->medium, known, job->set, &job->signer, job->scratch, job->pool));
        if (strcmp(manifest->digest, known_digest) != 0)
            return SGN_ERROR(job->pool, SGN_BACKUP_MANIFEST, "manifest %" APR_INT64_T_FMT " is not the one that was written", known);
        /* Behind one of ours none of a key before ours is good any more. */
        if (strcmp(manifest->signer, job->signer.fingerprint) == 0)
            job->signer.earlier = NULL;
    }
    while (++known <= job->last) {
        SGN_TRY(sgn_manifest_read(&manifest, job->medium, known, job->set, &job->signer, job->scratch, job->pool));
        previous = json_string_value(json_object_get(manifest->header, "previous"));
        if (*known_digest && (!previous || strcmp(previous, known_digest) != 0))
            return SGN_ERROR(job->pool, SGN_BACKUP_MANIFEST, "manifest %" APR_INT64_T_FMT " does not follow from the one that was written", known);
        SGN_TRY(follow(job, manifest));
        known_digest = manifest->digest;
    }
    job->last_digest = manifest->digest;
    job->resigned = strcmp(manifest->signer, job->signer.fingerprint) != 0;
    if (json_object_get(manifest->header, "journal"))
        job->before = json_object_get(manifest->header, "journal");
    job->catalog = json_object_get(json_object_get(manifest->header, "databases"), "catalog");
    job->regain = json_object_get(manifest->header, "without");
    return NULL;
}

/* Who is left out now, up to where the set has theirs; who comes back. */
static sgn_error_t *scope(sgn_job_t *job)
{
    json_t *was = json_is_object(job->regain) ? job->regain : sgn_json_object(job->pool), *codes, *code, *has;
    const char *agency;
    size_t i;

    job->without = sgn_json_object(job->pool);
    job->regain = sgn_json_object(job->pool);
    SGN_TRY(sgn_backup_scope_remember(job->backup->options.office, *job->backup->options.config, job->pool));
    SGN_TRY(sgn_backup_scope_without(&codes, job->backup->options.office, job->target->name, job->pool));
    json_array_foreach(codes, i, code) {
        has = json_object_get(was, json_string_value(code));
        sgn_json_set(job->without, json_string_value(code), has ? has : job->before);
    }
    json_object_foreach(was, agency, has)
        if (!json_object_get(job->without, agency))
            sgn_json_set(job->regain, agency, has);
    job->scope_changed = !json_equal(was, job->without);
    return NULL;
}

/* ---- databases ----------------------------------------------------------------------------------- */

static sgn_error_t *inside_office(void *baton, sgn_db_t *db, apr_pool_t *pool)
{
    sgn_job_t *job = baton;

    return sgn_audit_head(&job->audit, job->backup->options.audit, db, pool);
}

/* The office first: what it says is archived is then in the catalogue's copy.
 * The office is whole on every target; the catalogue, which tells what the
 * originals say, has only the agencies whose originals the set gets. */
static sgn_error_t *snapshots(sgn_job_t *job, int *office, int *catalog)
{
    const char *base = apr_pstrcat(job->pool, job->backup->options.state_path, "/db/snapshot-", job->run, NULL);
    const char *office_path = apr_pstrcat(job->pool, base, "-office", NULL), *catalog_path = apr_pstrcat(job->pool, base, "-catalog", NULL);
    sgn_error_t *error;

    unlink(office_path);
    unlink(catalog_path);
    error = sgn_db_snapshot(job->backup->options.office, office_path, inside_office, job, job->pool);
    if (!error)
        error = sgn_archive_snapshot(&job->now, job->backup->options.archive, catalog_path, job->without, job->pool);
    if (!error) {
        *office = open(office_path, O_RDONLY | O_CLOEXEC);
        *catalog = open(catalog_path, O_RDONLY | O_CLOEXEC);
        if (*office >= 0)
            sgn_pool_own_fd(job->pool, *office);
        if (*catalog >= 0)
            sgn_pool_own_fd(job->pool, *catalog);
        if (*office < 0 || *catalog < 0)
            error = SGN_ERROR_ERRNO(job->pool, SGN_FILE_FAILED, "snapshot of a database");
    }
    unlink(office_path);    /* the descriptors keep them */
    unlink(catalog_path);
    return error;
}

/* ---- the manifest ------------------------------------------------------------------------------------ */

/* What is known of every other target (B27). */
static sgn_error_t *others(json_t **out, sgn_job_t *job)
{
    json_t *list = sgn_json_array(job->pool);
    sgn_db_rows_t *rows;
    int i;

    SGN_TRY(sgn_db_query(&rows, job->backup->options.office, job->pool,
                         "SELECT name, set_id, manifest, digest FROM backup_target WHERE name <> $1 ORDER BY name", "s", job->target->name));
    for (i = 0; i < sgn_db_count(rows); i++) {
        json_t *item = sgn_json_object(job->pool);

        sgn_json_set_str(item, "target", sgn_db_text(rows, i, 0));
        sgn_json_set_str(item, "set", sgn_db_text(rows, i, 1));
        sgn_json_set_int(item, "seq", sgn_db_int(rows, i, 2));
        sgn_json_set_str(item, "digest", sgn_db_text(rows, i, 3));
        json_array_append(list, item);
    }
    *out = list;
    return NULL;
}

static sgn_error_t *write_manifest(const char **digest, sgn_job_t *job)
{
    json_t *header = sgn_json_object(job->pool), *audit = sgn_json_object(job->pool), *databases = sgn_json_object(job->pool), *other;

    SGN_TRY(others(&other, job));
    sgn_json_set_str(header, "set", job->set);
    sgn_json_set_str(header, "target", job->target->name);
    sgn_json_set_str(header, "kind", job->full ? "full" : "daily");
    sgn_json_set_str(header, "created", now_text(job->pool));
    sgn_json_set_str(header, "previous", job->last_digest);
    sgn_json_set(header, "journal", job->now);
    sgn_json_set(header, "chains", job->chains);
    sgn_json_set_int(audit, "seq", job->audit.seq);
    sgn_json_set_str(audit, "digest", job->audit.digest);
    sgn_json_set_str(audit, "root", job->audit.tree_root);
    sgn_json_set_str(audit, "time", job->audit.tree_time);
    sgn_json_set(header, "audit", audit);
    sgn_json_set(header, "others", other);
    sgn_json_set(databases, "office", job->office);
    sgn_json_set(databases, "catalog", job->catalog);
    sgn_json_set(header, "databases", databases);
    if (json_object_size(job->without))
        sgn_json_set(header, "without", job->without);
    sgn_json_set_int(header, "objects", job->objects + job->old_objects);
    sgn_json_set_int(header, "bytes", job->bytes);
    sgn_json_set_int(header, "damaged", job->damaged);
    return sgn_manifest_write(digest, job->draft, job->medium, job->last + 1, header, job->backup->options.keys, &job->signer, job->pool);
}

/* Everything that says "this run counts", in one transaction. */
static sgn_error_t *keep(sgn_job_t *job, const char *digest)
{
    sgn_db_t *office = job->backup->options.office;
    const char *now = now_text(job->pool);
    sgn_error_t *error;
    json_t *line;
    size_t i;

    SGN_TRY(sgn_db_begin(office, job->pool));
    error = note_target(job, job->last + 1, digest, now, job->full);
    if (!error)
        error = sgn_db_run(office, job->pool, "DELETE FROM backup_pack WHERE target = $1", "s", job->target->name);
    json_array_foreach(job->retried, i, line)
        if (!error)
            error = forget_lost(job, line, job->pool);
    json_array_foreach(job->lost, i, line)
        if (!error)
            error = keep_lost(job, line, job->pool);
    if (!error)
        error = sgn_db_run(office, job->pool,
            "UPDATE backup_run SET state = $1, ended = $2, manifest = $3, objects = $4, bytes = $5, packs = $6, damaged = $7, kind = $8,"
            " code = $9 WHERE run = $10 AND target = $11", "ssiiiiissss", job->damaged ? "source-damaged" : "done", now, job->last + 1,
            job->objects, job->bytes, job->packs_made, job->damaged, job->full ? "full" : "daily",
            job->damaged ? sgn_error_row(SGN_BACKUP_SOURCE_DAMAGED)->name : NULL, job->run, job->target->name);
    if (!error)
        return sgn_db_commit(office, job->pool);
    sgn_db_rollback(office);
    return error;
}

/* [TT 02/2019/TT-BNV, Điều 10: full on the first day of the month] */
static int is_full_due(const sgn_job_t *job)
{
    const char *today = sgn_clock_print_date(sgn_clock_now(), job->pool);

    return !job->last || job->resigned || !job->last_kind_full || strncmp(job->last_kind_full, today, 7) != 0;
}

#define STATE(text) SGN_TRY(sgn_room_state(job->backup, job->run, job->target->name, text, job->pool))

static sgn_error_t *run_steps(sgn_job_t *job)
{
    const char *known_digest, *digest;
    apr_int64_t known;
    int office = -1, catalog = -1;

    SGN_TRY(sgn_db_run(job->backup->options.office, job->pool, "UPDATE backup_run SET started = $1 WHERE run = $2 AND target = $3",
                       "sss", now_text(job->pool), job->run, job->target->name));
    SGN_TRY(sgn_room_signer(&job->signer, job->backup, job->pool));
    SGN_TRY(sgn_file_root(&job->scratch, apr_pstrcat(job->pool, job->backup->options.state_path, "/db", NULL), job->pool));
    SGN_TRY(identify(job, &known_digest, &known));
    STATE("identified");
    SGN_TRY(continue_from(job, known_digest, known));
    SGN_TRY(scope(job));
    if (job->resigned)
        SGN_TRY(renew_identity(job));
    STATE("leased");
    job->full = job->full || is_full_due(job);
    SGN_TRY(snapshots(job, &office, &catalog));
    STATE("packing");
    SGN_TRY(sgn_manifest_begin(&job->draft, job->scratch, job->pool));
    if (job->full && job->last)
        SGN_TRY(sgn_backup_take_over(job));
    SGN_TRY(sgn_backup_take_new(job));
    SGN_TRY(sgn_backup_take_end(job));
    SGN_TRY(sgn_room_put_database(&job->office, job->medium, "office", office, job->pool));
    if (job->objects || job->damaged || job->full || job->scope_changed || !job->catalog)  /* unchanged, the last copy is the current one */
        SGN_TRY(sgn_room_put_database(&job->catalog, job->medium, "catalog", catalog, job->pool));
    STATE("uploaded");
    STATE("manifest");
    SGN_TRY(write_manifest(&digest, job));
    STATE("verified");
    return keep(job, digest);
}

static void note_end(sgn_job_t *job, const sgn_error_t *error)
{
    sgn_audit_act_t act = { .actor = "keeper", .action = "backup.run", .object = job->run, .detail = sgn_json_object(job->pool) };
    const char *state = !error ? NULL : error->code == SGN_BACKUP_ABSENT ? "target-absent" : "failed";
    sgn_error_t *late = NULL;

    if (error) {
        sgn_log_error(SGN_LOG_ERROR, "backup", error);
        late = sgn_db_run(job->backup->options.office, job->pool,
                          "UPDATE backup_run SET state = $1, ended = $2, code = $3, detail = $4 WHERE run = $5 AND target = $6", "ssssss",
                          state, now_text(job->pool), sgn_error_row(error->code)->name, error->detail, job->run, job->target->name);
        sgn_json_set_str(act.detail, "code", sgn_error_row(error->code)->name);
    }
    sgn_json_set_str(act.detail, "target", job->target->name);
    sgn_json_set_int(act.detail, "objects", job->objects);
    sgn_json_set_int(act.detail, "manifest", error ? 0 : job->last + 1);
    if (!late)
        late = sgn_audit_record(job->backup->options.audit, &act, job->pool);
    if (late)
        sgn_log_error(SGN_LOG_ERROR, "backup", late);
}

void sgn_room_run(sgn_backup_t *backup, const char *run, const sgn_room_target_t *target, int full,
                  sgn_archive_progress_fn progress, void *baton, apr_pool_t *pool)
{
    sgn_job_t *job = apr_pcalloc(pool, sizeof(*job));

    job->backup = backup;
    job->run = run;
    job->target = target;
    job->full = full;
    job->progress = progress;
    job->baton = baton;
    job->pool = pool;
    apr_pool_create(&job->batch, pool);
    job->pack_lines = sgn_buf_make((size_t)1 << 28, pool);
    job->lost = sgn_json_array(pool);
    job->retried = sgn_json_array(pool);
    note_end(job, run_steps(job));
}
