/* test_agency.c: the register of numbers, bindings, custody and incidents. */
#include "tap.h"
#include "scratch.h"

#include <unistd.h>

#include <apr_strings.h>

#include "base/clock.h"
#include "office/agency/agency.h"
#include "office/agency/register.h"

#define SHA_AN "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define SHA_SEAL "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

static sgn_db_t *db;
static apr_pool_t *pool;

static sgn_register_entry_t entry(apr_int64_t number, const char *date, const char *job)
{
    sgn_register_entry_t e = { .agency = "H57.28", .series = "QĐ", .symbol = "QĐ-UBND", .date = date, .job = job,
                               .year = 2026, .number = number, .subject = "Về việc thử nghiệm" };

    return e;
}

static void registers(void)
{
    sgn_register_entry_t e;
    apr_int64_t number = 0;
    json_t *list;

    is(sgn_register_print(7, pool), "07", "register: 7 is written 07");
    is(sgn_register_print(123, pool), "123", "register: 123 is written 123");
    is_code(sgn_register_parse(&number, "12a", pool), SGN_NUMBER_INVALID, "register: a suffix is refused");
    is_code(sgn_register_parse(&number, "000", pool), SGN_NUMBER_INVALID, "register: zero is refused");
    is_code(sgn_register_next(&number, db, "H57.28", 2026, "QĐ", pool), SGN_OK, "register: next");
    is_int(number, 1, "register: a year begins with 1");
    e = entry(1, "2026-11-20", "a");
    is_code(sgn_register_reserve(db, &e, pool), SGN_OK, "register: reserved");
    is_code(sgn_register_reserve(db, &e, pool), SGN_NUMBER_TAKEN, "register: B35 the same number twice is refused");
    e = entry(2, "2026-11-19", "b");
    is_code(sgn_register_reserve(db, &e, pool), SGN_DATE_EARLIER, "register: a higher number with an earlier date is refused");
    is_code(sgn_register_free(db, "a", 0, pool), SGN_OK, "register: freed, the desk never reached the password");
    sgn_register_next(&number, db, "H57.28", 2026, "QĐ", pool);
    is_int(number, 1, "register: B35 a freed number comes again");
    e = entry(1, "2026-11-20", "c");
    is_code(sgn_register_reserve(db, &e, pool), SGN_OK, "register: reserved by another job");
    is_code(sgn_register_void(db, "c", 0, "agent.lease-lost", pool), SGN_OK, "register: void after the password");
    e = entry(1, "2026-11-20", "d");
    is_code(sgn_register_reserve(db, &e, pool), SGN_NUMBER_TAKEN, "register: B35 a void number is never used again");
    sgn_register_next(&number, db, "H57.28", 2026, "QĐ", pool);
    is_int(number, 2, "register: the next one follows it");
    sgn_register_next(&number, db, "H57.29", 2026, "QĐ", pool);
    is_int(number, 1, "register: another agency counts for itself");
    is_code(sgn_register_list(&list, db, "H57.28", 2026, "QĐ", pool), SGN_OK, "register: listed");
    is(json_string_value(json_object_get(json_array_get(json_object_get(list, "items"), 0), "reason")), "agent.lease-lost",
       "register: a void number stays visible with its reason");
}

/* What the administrator imports, without a worker: rows as import writes them. */
static void seed(void)
{
    sgn_bytes_t der = sgn_bytes_str("certificate"), key = sgn_bytes_str("key");

    sgn_db_run(db, pool, "INSERT INTO agency (code, name, since) VALUES ('H57.28', 'Ủy ban nhân dân xã A', 1)", NULL);
    sgn_db_run(db, pool, "INSERT INTO person (account, name, since) VALUES ('an', 'Nguyễn Văn An', 1), ('hoa', 'Trần Thị Hoa', 1)", NULL);
    sgn_db_run(db, pool, "INSERT INTO person_role (account, agency, role, title, since) VALUES"
               " ('an', 'H57.28', 'authority', 'CHỦ TỊCH', 1), ('hoa', 'H57.28', 'clerk', NULL, 1)", NULL);
    sgn_db_run(db, pool, "INSERT INTO binding (id, agency, kind, account, role, title, types, certificate_sha256, credential,"
               " certificate, spki, valid_from, valid_to) VALUES ('b1', 'H57.28', 'person', 'an', 'authority', 'CHỦ TỊCH',"
               " 'QĐ CV', $1, 'cred-an', $2, $3, 1000, 0)", "sbb", SHA_AN, &der, &key);
    sgn_db_run(db, pool, "INSERT INTO binding (id, agency, kind, certificate_sha256, credential, certificate, spki, valid_from,"
               " valid_to) VALUES ('b2', 'H57.28', 'agency', $1, 'cred-seal', $2, $3, 0, 0)", "sbb", SHA_SEAL, &der, &key);
}

static void bindings(sgn_agency_t *agency)
{
    apr_time_t now = sgn_clock_now();
    sgn_binding_t *list, an;
    sgn_person_t *person;
    int count;

    is_code(sgn_agency_find_person(&person, agency, "an", pool), SGN_OK, "agency: a person is found");
    ok(person && sgn_person_has_role(person, "H57.28", "authority") && !sgn_person_has_role(person, "H57.29", "authority"),
       "agency: with the role in this agency only");
    sgn_agency_find_person(&person, agency, "stranger", pool);
    ok(person == NULL, "agency: an unknown account is nobody");
    is_code(sgn_agency_usable(&list, &count, agency, "an", "H57.28", "person", now, pool), SGN_OK, "binding: usable");
    is_int(count, 1, "binding: his own certificate");
    an = list[0];
    is_code(sgn_agency_check_type(&an, "QĐ", pool), SGN_OK, "binding: a type of the list");
    is_code(sgn_agency_check_type(&an, "NQ", pool), SGN_BINDING_TYPE, "binding: another type is refused");
    sgn_agency_usable(&list, &count, agency, "an", "H57.28", "person", 999, pool);
    is_int(count, 0, "binding: not before it begins");
    sgn_agency_usable(&list, &count, agency, "hoa", "H57.28", "person", now, pool);
    is_int(count, 0, "binding: nobody else's");
    sgn_agency_usable(&list, &count, agency, "hoa", "H57.28", "agency", now, pool);
    is_int(count, 0, "custody: without a decision the clerk has no seal");
    sgn_db_run(db, pool, "INSERT INTO custody (certificate_sha256, account, decision_number, decision_date, decision_signer,"
               " valid_from, valid_to) VALUES ($1, 'hoa', '12/QĐ', '2026-01-02', 'Nguyễn Văn An', 0, 0)", "s", SHA_SEAL);
    sgn_agency_usable(&list, &count, agency, "hoa", "H57.28", "agency", now, pool);
    is_int(count, 1, "custody: with it she has");
    is_code(sgn_agency_recheck(agency, &list[0], "hoa", now, pool), SGN_OK, "custody: checked again");
    is_code(sgn_agency_incident(agency, SHA_SEAL, "lost", "hoa", pool), SGN_OK, "incident: reported");
    is_code(sgn_agency_recheck(agency, &list[0], "hoa", now, pool), SGN_INCIDENT, "incident: H03 signing stops at once");
    is_code(sgn_agency_lift_incident(agency, SHA_SEAL, "an", pool), SGN_OK, "incident: lifted");
    is_code(sgn_agency_recheck(agency, &list[0], "hoa", now, pool), SGN_OK, "incident: and signing goes on");
    sgn_db_run(db, pool, "UPDATE custody SET valid_to = 5", NULL);
    is_code(sgn_agency_recheck(agency, &list[0], "hoa", now, pool), SGN_CUSTODY_NONE, "custody: B8 withdrawn while signing is refused");
    sgn_db_run(db, pool, "UPDATE person SET active = 0 WHERE account = 'an'", NULL);
    is_code(sgn_agency_recheck(agency, &an, "an", now, pool), SGN_BINDING_NONE, "binding: a person who left signs no more");
}

int main(void)
{
    sgn_agency_t *agency;
    sgn_audit_t *audit;

    pool = tap_pool();
    is_code(sgn_db_open(&db, apr_pstrcat(pool, "sqlite:", scratch_dir(), "/office.sqlite", NULL), 1, pool), SGN_OK, "opened");
    is_code(sgn_audit_open(&audit, db, pool), SGN_OK, "audit");
    is_code(sgn_register_open(db, pool), SGN_OK, "register");
    is_code(sgn_agency_open(&agency, db, audit, pool), SGN_OK, "agency");
    registers();
    seed();
    bindings(agency);
    return done_testing();
}
