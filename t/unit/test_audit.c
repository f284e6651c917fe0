/* The audit log: rows follow from each other, and a change is found. */
#include "t/unit/tap.h"
#include "t/unit/scratch.h"

#include <unistd.h>

#include <sqlite3.h>

#include <apr_strings.h>

#include "base/pool.h"
#include "office/audit/audit.h"

static sgn_db_t *office;
static sgn_audit_t *audit;
static const char *path;

/* As somebody with the file would: past our triggers. */
static void tamper(const char *sql)
{
    sqlite3 *db;

    sqlite3_open(path, &db);
    sqlite3_exec(db, "DROP TRIGGER IF EXISTS audit_entry_no_update; DROP TRIGGER IF EXISTS audit_entry_no_delete", NULL, NULL, NULL);
    if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
        printf("# %s\n", sqlite3_errmsg(db));
    sqlite3_close(db);
}

static apr_int64_t broken(void)
{
    apr_int64_t first, count;

    return sgn_audit_verify(&first, &count, audit, tap_pool()) ? -1 : first;
}

int main(void)
{
    sgn_audit_act_t act = { .actor = "van.thu", .role = "clerk", .agency = "H57.28", .action = "job.create", .object = "j1" };
    sgn_audit_query_t query = { .action = "job." };
    sgn_audit_head_t head;
    json_t *list;
    int i;

    path = apr_pstrcat(tap_pool(), scratch_dir(), "/office.sqlite", NULL);
    is_code(sgn_db_open(&office, apr_pstrcat(tap_pool(), "sqlite:", path, NULL), 1, tap_pool()), SGN_OK, "audit: a database");
    is_code(sgn_audit_open(&audit, office, tap_pool()), SGN_OK, "audit: opened");
    is_code(sgn_audit_head(&head, audit, NULL, tap_pool()), SGN_OK, "audit: an empty log has a head");
    is_int(head.seq, 0, "audit: of no row");
    act.detail = sgn_json_object(tap_pool());
    sgn_json_set_str(act.detail, "note", "Số 12\n\x1b[31m");
    is_code(sgn_audit_record(audit, &act, tap_pool()), SGN_OK, "audit: a row of its own");
    is_code(sgn_db_begin(office, tap_pool()), SGN_OK, "audit: a transaction");
    is_code(sgn_audit_add(audit, &act, tap_pool()), SGN_OK, "audit: a row within it");
    sgn_db_rollback(office);
    act.detail = NULL;
    for (i = 0; i < 1200; i++)
        if (sgn_db_begin(office, tap_pool()) || sgn_audit_add(audit, &act, tap_pool()) || sgn_db_commit(office, tap_pool()))
            break;
    is_int(i, 1200, "audit: many rows");
    is_code(sgn_audit_head(&head, audit, NULL, tap_pool()), SGN_OK, "audit: head");
    is_int(head.seq, 1201, "audit: a row that was rolled back leaves no gap");
    is_int(broken(), 0, "audit: the chain holds");
    is_code(sgn_audit_list(&list, audit, &query, tap_pool()), SGN_OK, "audit: listed");
    is_int((long long)json_array_size(json_object_get(list, "items")), 100, "audit: a page of hundred");
    is_int(json_integer_value(json_object_get(list, "next")), 100, "audit: and where it goes on");
    query.after = 1150;
    is_code(sgn_audit_list(&list, audit, &query, tap_pool()), SGN_OK, "audit: listed from there");
    is_int((long long)json_array_size(json_object_get(list, "items")), 51, "audit: the rest");
    query = (sgn_audit_query_t){ .action = "backup." };
    is_code(sgn_audit_list(&list, audit, &query, tap_pool()), SGN_OK, "audit: listed by action");
    is_int((long long)json_array_size(json_object_get(list, "items")), 0, "audit: none of those");
    is_code(sgn_db_run(office, tap_pool(), "UPDATE audit_entry SET actor = 'x' WHERE seq = 2", ""), SGN_DB_FAILED, "audit: rows refuse to be changed");
    is_code(sgn_db_run(office, tap_pool(), "DELETE FROM audit_entry WHERE seq = 2", ""), SGN_DB_FAILED, "audit: rows refuse to be removed");
    tamper("UPDATE audit_entry SET actor = 'ke.khac' WHERE seq = 700");
    is_int(broken(), 700, "B28: a changed row is found");
    tamper("UPDATE audit_entry SET actor = 'van.thu' WHERE seq = 700");
    is_int(broken(), 0, "audit: changed back, it holds");
    tamper("DELETE FROM audit_entry WHERE seq = 5");
    is_int(broken(), 5, "B28: a removed row is found");
    return done_testing();
}
