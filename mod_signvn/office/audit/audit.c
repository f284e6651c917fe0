/*
 * audit.c: see audit.h.  A row's digest is SHA-256 over one line of sorted
 * JSON with all its members and the digest before it; its leaf is the same
 * line with the leaf prefix of [RFC 9162, 2.1.1].
 */
#include "office/audit/audit.h"

#include <assert.h>
#include <string.h>

#include <apr_strings.h>
#include <openssl/evp.h>

#include "base/clock.h"
#include "base/pool.h"

#define AUDIT_NONE "0000000000000000000000000000000000000000000000000000000000000000"
#define AUDIT_DETAIL_LIMIT (64 * 1024)
#define AUDIT_WALK 1000

struct sgn_audit_t {
    sgn_db_t *db;
};

static const sgn_db_migration_t audit_migrations[] = {
    { 1, 1,
      "CREATE TABLE audit_entry (seq INTEGER PRIMARY KEY, time TEXT NOT NULL, stamp INTEGER NOT NULL,"
      " actor TEXT, role TEXT, agency TEXT, action TEXT NOT NULL, object TEXT, system TEXT, detail TEXT,"
      " previous TEXT NOT NULL, digest TEXT NOT NULL, leaf TEXT NOT NULL);"
      "CREATE INDEX audit_entry_object ON audit_entry (object, seq);"
      "CREATE INDEX audit_entry_stamp ON audit_entry (stamp);"
      "CREATE TRIGGER audit_entry_no_update BEFORE UPDATE ON audit_entry"
      " BEGIN SELECT RAISE(ABORT, 'audit rows are never changed'); END;"
      "CREATE TRIGGER audit_entry_no_delete BEFORE DELETE ON audit_entry"
      " BEGIN SELECT RAISE(ABORT, 'audit rows are never removed'); END;" },
    { 0, 0, NULL }
};

sgn_error_t *sgn_audit_open(sgn_audit_t **out, sgn_db_t *office, apr_pool_t *pool)
{
    sgn_audit_t *audit = apr_pcalloc(pool, sizeof(*audit));

    audit->db = office;
    SGN_TRY(sgn_db_migrate(office, "audit", audit_migrations, pool));
    *out = audit;
    return NULL;
}

static sgn_error_t *audit_hash(const char **out, int leaf, const char *line, apr_pool_t *pool)
{
    static const unsigned char prefix = 0;
    unsigned char digest[32];
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    int good;

    SGN_OWN(pool, ctx, EVP_MD_CTX_free);
    good = ctx && EVP_DigestInit_ex(ctx, EVP_sha256(), NULL) == 1
        && (!leaf || EVP_DigestUpdate(ctx, &prefix, 1) == 1)
        && EVP_DigestUpdate(ctx, line, strlen(line)) == 1
        && EVP_DigestFinal_ex(ctx, digest, NULL) == 1;
    if (!good)
        return SGN_ERROR(pool, SGN_CRYPTO, "SHA-256 of an audit row");
    *out = sgn_bytes_hex(sgn_bytes(digest, sizeof(digest)), pool);
    return NULL;
}

/* The line that is hashed; texts[] are actor, role, agency, action, object,
 * system, detail in this order. */
static const char *audit_line(apr_int64_t seq, const char *time, const char *const texts[7],
                              const char *previous, apr_pool_t *pool)
{
    static const char *const names[7] = { "actor", "role", "agency", "action", "object", "system", "detail" };
    json_t *line = sgn_json_object(pool);
    int i;

    sgn_json_set_int(line, "seq", seq);
    sgn_json_set_str(line, "time", time);
    for (i = 0; i < 7; i++)
        sgn_json_set_str(line, names[i], texts[i]);
    sgn_json_set_str(line, "previous", previous);
    return sgn_json_print_sorted(line, pool);
}

sgn_error_t *sgn_audit_add(sgn_audit_t *audit, const sgn_audit_act_t *act, apr_pool_t *pool)
{
    sgn_db_rows_t *rows;
    apr_time_t now = sgn_clock_now();
    const char *texts[7] = { act->actor, act->role, act->agency, act->action, act->object, act->system, NULL };
    const char *previous = AUDIT_NONE, *time = sgn_clock_print(now, pool), *line, *digest, *leaf;
    apr_int64_t seq = 1;

    assert(act->action && *act->action);
    if (act->detail) {
        texts[6] = sgn_json_print_sorted(act->detail, pool);
        if (strlen(texts[6]) > AUDIT_DETAIL_LIMIT)
            return SGN_ERROR(pool, SGN_TOO_LARGE, "audit detail of %s", act->action);
    }
    SGN_TRY(sgn_db_query(&rows, audit->db, pool,
                         "SELECT seq, digest FROM audit_entry ORDER BY seq DESC LIMIT 1", ""));
    if (sgn_db_count(rows)) {
        seq = sgn_db_int(rows, 0, 0) + 1;
        previous = sgn_db_text(rows, 0, 1);
    }
    line = audit_line(seq, time, texts, previous, pool);
    SGN_TRY(audit_hash(&digest, 0, line, pool));
    SGN_TRY(audit_hash(&leaf, 1, line, pool));
    return sgn_db_run(audit->db, pool,
                      "INSERT INTO audit_entry (seq, time, stamp, actor, role, agency, action, object, system,"
                      " detail, previous, digest, leaf) VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,$13)",
                      "isissssssssss", seq, time, (apr_int64_t)now, texts[0], texts[1], texts[2], texts[3],
                      texts[4], texts[5], texts[6], previous, digest, leaf);
}

sgn_error_t *sgn_audit_record(sgn_audit_t *audit, const sgn_audit_act_t *act, apr_pool_t *pool)
{
    sgn_error_t *error;

    SGN_TRY(sgn_db_begin(audit->db, pool));
    error = sgn_audit_add(audit, act, pool);
    if (!error)
        error = sgn_db_commit(audit->db, pool);
    if (error)
        sgn_db_rollback(audit->db);
    return error;
}

sgn_error_t *sgn_audit_head(sgn_audit_head_t *out, sgn_audit_t *audit, sgn_db_t *office, apr_pool_t *pool)
{
    sgn_db_rows_t *rows;

    SGN_TRY(sgn_db_query(&rows, office ? office : audit->db, pool,
                         "SELECT seq, digest FROM audit_entry ORDER BY seq DESC LIMIT 1", ""));
    out->seq = sgn_db_count(rows) ? sgn_db_int(rows, 0, 0) : 0;
    out->digest = sgn_db_count(rows) ? sgn_db_text(rows, 0, 1) : AUDIT_NONE;
    out->tree_root = out->tree_time = "";
    return NULL;
}

static json_t *audit_row(const sgn_db_rows_t *rows, int i, apr_pool_t *pool)
{
    static const char *const names[] = { "time", "actor", "role", "agency", "action", "object", "system" };
    json_t *item = sgn_json_object(pool), *detail = NULL;
    const char *text = sgn_db_text(rows, i, 8);
    int c;

    sgn_json_set_int(item, "seq", sgn_db_int(rows, i, 0));
    for (c = 0; c < 7; c++)
        sgn_json_set_str(item, names[c], sgn_db_text(rows, i, c + 1));
    if (text && sgn_json_parse(&detail, sgn_bytes_str(text), AUDIT_DETAIL_LIMIT, pool))
        sgn_json_set_str(item, "detail", text);
    else if (text)
        sgn_json_set(item, "detail", detail);
    sgn_json_set_str(item, "digest", sgn_db_text(rows, i, 9));
    return item;
}

sgn_error_t *sgn_audit_list(json_t **out, sgn_audit_t *audit, const sgn_audit_query_t *query, apr_pool_t *pool)
{
    int limit = query->limit ? query->limit : 100, i, count;
    json_t *list = sgn_json_object(pool), *items = sgn_json_array(pool);
    const char *action = query->action, *prefix = NULL;
    sgn_db_rows_t *rows;

    if (limit < 1 || limit > 1000)
        return SGN_ERROR(pool, SGN_FIELD, "limit: 1 to 1000");
    if (action && *action && action[strlen(action) - 1] == '.') {
        prefix = action;
        action = NULL;
    }
    SGN_TRY(sgn_db_query(&rows, audit->db, pool,
                         "SELECT seq, time, actor, role, agency, action, object, system, detail, digest"
                         " FROM audit_entry WHERE seq > $1 AND ($2 IS NULL OR actor = $2)"
                         " AND ($3 IS NULL OR agency = $3) AND ($4 IS NULL OR action = $4)"
                         " AND ($5 IS NULL OR substr(action, 1, length($5)) = $5)"
                         " AND ($6 IS NULL OR object = $6) AND ($7 = 0 OR stamp >= $7) AND ($8 = 0 OR stamp < $8)"
                         " ORDER BY seq LIMIT $9",
                         "isssssiii", query->after, query->actor, query->agency, action, prefix, query->object,
                         (apr_int64_t)query->from, (apr_int64_t)query->to, (apr_int64_t)limit + 1));
    count = sgn_db_count(rows);
    for (i = 0; i < count && i < limit; i++)
        json_array_append(items, audit_row(rows, i, pool));
    sgn_json_set(list, "items", items);
    if (count > limit)
        sgn_json_set_int(list, "next", sgn_db_int(rows, limit - 1, 0));
    else
        json_object_set_new(list, "next", json_null());
    *out = list;
    return NULL;
}

sgn_error_t *sgn_audit_verify(apr_int64_t *broken, apr_int64_t *count, sgn_audit_t *audit, apr_pool_t *pool)
{
    const char *previous = AUDIT_NONE;
    apr_int64_t seq = 0;
    apr_pool_t *round;
    sgn_error_t *error = NULL;
    char kept[65];
    int n, i, c;

    apr_pool_create(&round, pool);
    *broken = 0;
    do {
        sgn_db_rows_t *rows;

        apr_cpystrn(kept, previous, sizeof(kept));
        previous = kept;
        apr_pool_clear(round);
        error = sgn_db_query(&rows, audit->db, round,
                             "SELECT seq, time, actor, role, agency, action, object, system, detail, previous,"
                             " digest, leaf FROM audit_entry WHERE seq > $1 ORDER BY seq LIMIT $2",
                             "ii", seq, (apr_int64_t)AUDIT_WALK);
        if (error)
            return sgn_error_dup(error, pool);
        n = sgn_db_count(rows);
        for (i = 0; i < n; i++) {
            const char *texts[7], *line, *digest, *leaf;

            for (c = 0; c < 7; c++)
                texts[c] = sgn_db_text(rows, i, c + 2);
            line = audit_line(seq + 1, sgn_db_text(rows, i, 1), texts, previous, round);
            SGN_TRY(audit_hash(&digest, 0, line, round));
            SGN_TRY(audit_hash(&leaf, 1, line, round));
            if (sgn_db_int(rows, i, 0) != seq + 1 || strcmp(sgn_db_text(rows, i, 9), previous) != 0
                || strcmp(sgn_db_text(rows, i, 10), digest) != 0 || strcmp(sgn_db_text(rows, i, 11), leaf) != 0) {
                *broken = seq + 1;
                *count = seq;
                return NULL;
            }
            seq++;
            previous = sgn_db_text(rows, i, 10);
        }
    } while (n == AUDIT_WALK);
    *count = seq;
    return NULL;
}
