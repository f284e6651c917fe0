/* test_crl.c: revocation lists and the lists that must not be believed. */
#include "t/unit/pki_rig.h"
#include "t/unit/tap.h"

static sgn_crl_t *parse(sgn_bytes_t der)
{
    sgn_crl_t *crl = NULL;
    sgn_error_t *error = sgn_crl_parse(&crl, der, tap_pool());

    if (error)
        printf("# %s\n", error->detail);
    return error ? NULL : crl;
}

static sgn_crl_entry_t find(const rig_crl_t *how, const rig_id_t *who, sgn_code_t want, const char *name)
{
    sgn_crl_entry_t entry = { .found = -1 };
    sgn_crl_t *crl = parse(rig_crl(how));

    if (!crl) {
        ok(0, name);
        return entry;
    }
    is_code(sgn_crl_find(&entry, crl, who->read, tap_pool()), want, name);
    return entry;
}

static void finds(void)
{
    const rig_pki_t *pki = rig_pki();
    sgn_crl_entry_t entry;
    sgn_crl_t *crl = parse(rig_crl(&(rig_crl_t){ .issuer = pki->ca, .number = 0x1234 }));

    is(crl->number, "1234", "crl: its number");
    is_int(crl->this_update, rig_at(-3600), "crl: thisUpdate");
    is_int(crl->next_update, rig_at(DAY), "crl: nextUpdate");
    is_code(sgn_crl_verify(crl, pki->ca->read, tap_pool()), SGN_OK, "crl: the issuer signed it");
    ok(sgn_crl_covers(crl, pki->person->read), "crl: it is about the person");
    entry = find(&(rig_crl_t){ .issuer = pki->ca }, pki->person, SGN_OK, "crl: an empty list can be searched");
    is_int(entry.found, 0, "crl: ... and nobody is in it");
    entry = find(&(rig_crl_t){ .issuer = pki->ca, .revoked = pki->person, .at = -DAY, .reason = 1, .invalid = -2 * DAY },
                 pki->person, SGN_OK, "crl: a list with an entry");
    ok(entry.found && entry.reason == 1 && entry.revoked == rig_at(-DAY) && entry.invalid_from == rig_at(-2 * DAY),
       "crl: date, reason, invalidityDate");
    entry = find(&(rig_crl_t){ .issuer = pki->ca, .revoked = pki->person, .at = -DAY, .reason = 6 }, pki->agency, SGN_OK, "crl: another one's entry");
    is_int(entry.found, 0, "crl: ... is not ours");
    find(&(rig_crl_t){ .issuer = pki->ca, .revoked = pki->person, .reason = -1, .entry_extra = "critical,ASN1:NULL" },
         pki->person, SGN_EVIDENCE_BAD, "crl: an unknown critical extension of the entry");
    find(&(rig_crl_t){ .issuer = pki->ca, .revoked = pki->person, .reason = -1, .entry_extra = "critical,ASN1:NULL" },
         pki->agency, SGN_EVIDENCE_BAD, "crl: the same in somebody else's entry spoils the list");
    find(&(rig_crl_t){ .issuer = pki->ca, .revoked = pki->person, .reason = -1, .entry_extra = "ASN1:NULL" },
         pki->agency, SGN_OK, "crl: one that is not critical does not");
}

static void refuses(void)
{
    const rig_pki_t *pki = rig_pki();
    sgn_bytes_t good = rig_crl(&(rig_crl_t){ .issuer = pki->ca });
    rig_id_t *silent = rig_id(&(rig_who_t){ .name = "Issuing CA", .organisation = "Ban Cơ yếu Chính phủ (thử)", .basic = "critical,CA:TRUE",
                                            .usage = "keyCertSign", .same_key = pki->ca }, pki->root);
    sgn_crl_t *crl;

    is_code(sgn_crl_parse(&crl, rig_join(good, "\0", 1), tap_pool()), SGN_EVIDENCE_BAD, "crl: a byte behind it");
    is_code(sgn_crl_parse(&crl, rig_indefinite(good), tap_pool()), SGN_EVIDENCE_BAD, "crl: an indefinite length");
    is_code(sgn_crl_parse(&crl, sgn_bytes(good.data, good.len - 1), tap_pool()), SGN_EVIDENCE_BAD, "crl: cut");
    is_code(sgn_crl_parse(&crl, rig_crl(&(rig_crl_t){ .issuer = pki->ca, .delta = 1 }), tap_pool()), SGN_EVIDENCE_BAD, "B24: a delta list");
    is_code(sgn_crl_parse(&crl, rig_crl(&(rig_crl_t){ .issuer = pki->ca, .extra = "critical,ASN1:NULL" }), tap_pool()),
            SGN_EVIDENCE_BAD, "crl: an unknown critical extension");
    is_code(sgn_crl_parse(&crl, rig_crl(&(rig_crl_t){ .issuer = pki->ca, .scope = "critical,indirectCRL:TRUE" }), tap_pool()),
            SGN_EVIDENCE_BAD, "B24: an indirect list");
    is_code(sgn_crl_parse(&crl, rig_crl(&(rig_crl_t){ .issuer = pki->ca, .scope = "critical,onlysomereasons:keyCompromise" }), tap_pool()),
            SGN_EVIDENCE_BAD, "B24: a list of some reasons");
    crl = parse(rig_crl(&(rig_crl_t){ .issuer = pki->ca, .signer = pki->other_ca }));
    is_code(sgn_crl_verify(crl, pki->ca->read, tap_pool()), SGN_EVIDENCE_BAD, "B24: signed by somebody else");
    crl = parse(good);
    is_code(sgn_crl_verify(crl, pki->other_ca->read, tap_pool()), SGN_EVIDENCE_BAD, "B24: of another issuer");
    is_code(sgn_crl_verify(crl, silent->read, tap_pool()), SGN_EVIDENCE_BAD, "crl: an issuer without cRLSign");
    crl = parse(rig_crl(&(rig_crl_t){ .issuer = pki->ca, .sha1 = 1 }));
    is_code(sgn_crl_verify(crl, pki->ca->read, tap_pool()), SGN_EVIDENCE_BAD, "crl: signed with SHA-1");
    crl = parse(rig_swap(good, good.data + good.len - 4, "abcd", 4));
    ok(!crl || sgn_crl_verify(crl, pki->ca->read, tap_pool()), "crl: a changed signature");
}

static int covers(const char *scope, const rig_id_t *who)
{
    sgn_crl_t *crl = parse(rig_crl(&(rig_crl_t){ .issuer = rig_pki()->ca, .scope = scope }));

    return crl && sgn_crl_covers(crl, who->read);
}

int main(void)
{
    const rig_pki_t *pki = rig_pki();

    finds();
    refuses();
    ok(covers("critical,onlyuser:TRUE", pki->person), "crl: a list of users is about a person");
    ok(!covers("critical,onlyCA:TRUE", pki->person), "B24: a list of authorities is not");
    ok(covers("critical,fullname:URI:http://127.0.0.1:1/ca.crl", pki->person), "crl: the part that the certificate names");
    ok(!covers("critical,fullname:URI:http://127.0.0.1:1/part2.crl", pki->person), "B24: another part of the list");
    ok(!sgn_crl_covers(parse(rig_crl(&(rig_crl_t){ .issuer = pki->root })), pki->person->read), "B24: the list of the authority's issuer");
    ok(sgn_crl_compare_number("FF", "100") < 0 && sgn_crl_compare_number("2", "1") > 0 && sgn_crl_compare_number("0A", "A") == 0
       && sgn_crl_compare_number(NULL, "1") < 0, "crl: numbers are compared as numbers");
    return done_testing();
}
