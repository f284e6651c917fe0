/*
 * backup_ground.h: an archive with its backup for tests: targets, runs, checks,
 * restores, and media that are damaged on purpose.
 */
#ifndef SGN_T_BACKUP_GROUND_H
#define SGN_T_BACKUP_GROUND_H

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <sys/wait.h>

#include <openssl/cms.h>
#include <openssl/x509.h>

#include "base/clock.h"
#include "office/archive/ocfl.h"
#include "office/backup/backup.h"
#include "office/backup/manifest.h"
#include "t/unit/archive_ground.h"

static ground_t ground;
static sgn_keys_t *keys;
static sgn_audit_t *audit;
static sgn_backup_t *backup;
static const sgn_config_t *volatile config;
static const char *disk_a, *disk_b, *fingerprint;

/* What a worker does in the product (task "manifest"), by OpenSSL. */
static inline sgn_error_t *by_openssl(void *baton, sgn_bytes_t der, const unsigned char sha256[32], const char *wanted, apr_pool_t *pool)
{
    const unsigned char *at = der.data;
    CMS_ContentInfo *cms = d2i_CMS_ContentInfo(NULL, &at, (long)der.len);
    STACK_OF(X509) *certs = cms ? CMS_get1_certs(cms) : NULL;
    STACK_OF(CMS_SignerInfo) *infos = cms ? CMS_get0_SignerInfos(cms) : NULL;
    CMS_SignerInfo *info = infos ? sk_CMS_SignerInfo_value(infos, 0) : NULL;
    unsigned char digest[32];
    ASN1_OCTET_STRING *stated;
    unsigned len;
    int good = 0;

    (void)baton;
    if (info && certs && X509_digest(sk_X509_value(certs, 0), EVP_sha256(), digest, &len) == 1) {
        CMS_SignerInfo_set1_signer_cert(info, sk_X509_value(certs, 0));
        stated = CMS_signed_get0_data_by_OBJ(info, OBJ_nid2obj(NID_pkcs9_messageDigest), -3, V_ASN1_OCTET_STRING);
        good = strcmp(sgn_bytes_hex(sgn_bytes(digest, 32), pool), wanted) == 0 && stated && ASN1_STRING_length(stated) == 32
            && memcmp(ASN1_STRING_get0_data(stated), sha256, 32) == 0 && CMS_SignerInfo_verify(info) == 1;
    }
    sk_X509_pop_free(certs, X509_free);
    CMS_ContentInfo_free(cms);
    return good ? NULL : SGN_ERROR(pool, SGN_BACKUP_MANIFEST, "signature");
}

static inline const char *path_of(const char *name)
{
    return apr_pstrcat(tap_pool(), ground.path, "/", name, NULL);
}

/* Adds an agency, with targets of its own unless NULL ("kho-a kho-b"). */
static inline void add_agency(json_t *agencies, const char *code, const char *own)
{
    json_t *agency = sgn_json_object(tap_pool()), *list = sgn_json_array(tap_pool());
    char *copy = own ? apr_pstrdup(tap_pool(), own) : NULL, *last, *name;

    sgn_json_set_str(agency, "code", code);
    sgn_json_set_str(agency, "file", "test");
    sgn_json_set_int(agency, "line", 1);
    for (name = copy ? apr_strtok(copy, " ", &last) : NULL; name; name = apr_strtok(NULL, " ", &last))
        json_array_append_new(list, json_string(name));
    if (own)
        sgn_json_set(agency, "SignVNBackupTargets", list);
    json_array_append(agencies, agency);
}

static inline sgn_config_t *config_of(int practice, json_t *targets, json_t *agencies)
{
    json_t *json = sgn_json_object(tap_pool()), *server = sgn_json_object(tap_pool());
    sgn_config_t *made;

    sgn_json_set(server, "SignVNBackupTarget", targets);
    sgn_json_set_bool(server, "SignVNPractice", practice);
    sgn_json_set_int(json, "v", 1);
    sgn_json_set_str(json, "build", SGN_BUILD);
    sgn_json_set_int(json, "generation", 1);
    sgn_json_set_int(json, "httpd_uid", 33);
    sgn_json_set(json, "server", server);
    sgn_json_set(json, "agencies", agencies);
    ground_need(sgn_config_decode(&made, json, tap_pool()), "config");
    return made;
}

static inline sgn_config_t *make_config(int practice, const char *a, const char *b)
{
    json_t *targets = sgn_json_array(tap_pool()), *agencies = sgn_json_array(tap_pool());

    json_array_append_new(targets, json_string(apr_pstrcat(tap_pool(), "kho-a dir:", a, NULL)));
    if (b)
        json_array_append_new(targets, json_string(apr_pstrcat(tap_pool(), "kho-b dir:", b, NULL)));
    add_agency(agencies, "H57.28", NULL);
    return config_of(practice, targets, agencies);
}

static inline sgn_error_t *open_all(void)
{
    sgn_backup_options_t options = { .state_path = ground.path, .config = &config, .verify = by_openssl };

    SGN_TRY(ground_open(&ground));
    SGN_TRY(sgn_keys_open(&keys, ground.root, ground.pool));
    SGN_TRY(sgn_audit_open(&audit, ground.office, ground.pool));
    options.office = ground.office;
    options.archive = ground.archive;
    options.keys = keys;
    options.audit = audit;
    fingerprint = apr_pstrdup(tap_pool(), sgn_keys_certificate_sha256(keys));
    return sgn_backup_open(&backup, &options, ground.pool);
}

/* Runs and gives the state ("done", …); code and detail are printed. */
static inline const char *run(const char *target, int full, json_t **answer)
{
    const char *id;
    sgn_error_t *error = sgn_backup_run(&id, backup, target, "test", full, NULL, NULL, tap_pool());
    json_t *own;

    if (!answer)
        answer = &own;
    if (!error)
        error = sgn_backup_get(answer, backup, id, 0, tap_pool());
    if (error)
        return sgn_error_row(error->code)->name;
    if (strcmp(json_string_value(json_object_get(*answer, "state")), "done") != 0)
        printf("# %s\n", sgn_json_print(*answer, tap_pool()));
    return json_string_value(json_object_get(*answer, "state"));
}

static inline const char *code_of(json_t *answer)
{
    return json_string_value(json_object_get(json_array_get(json_object_get(answer, "targets"), 0), "code"));
}

static inline json_t *verify(const char *disk, int level)
{
    sgn_backup_verify_t options = { .address = apr_pstrcat(tap_pool(), "dir:", disk, NULL), .signer = { fingerprint, by_openssl, NULL, NULL }, .level = level,
                                    .scratch = ground.path };
    json_t *answer = NULL;

    ground_need(sgn_backup_verify(&answer, &options, NULL, NULL, tap_pool()), "verify");
    if (!json_is_true(json_object_get(answer, "ok")))
        printf("# %s\n", sgn_json_print(json_object_get(answer, "errors"), tap_pool()));
    return answer;
}

static inline int is_ok(json_t *answer)
{
    return json_is_true(json_object_get(answer, "ok"));
}

static inline int shell(const char *command)
{
    pid_t pid;
    int status;

    fflush(stdout);
    pid = fork();
    if (pid == 0) {
        execl("/bin/sh", "sh", "-ec", command, (char *)NULL);
        _exit(127);
    }
    return waitpid(pid, &status, 0) == pid && status == 0;
}

static inline void flip(const char *path, off_t at)
{
    unsigned char byte;
    int fd;

    chmod(path, 0640);
    fd = open(path, O_RDWR | O_CLOEXEC);
    if (fd < 0 || pread(fd, &byte, 1, at) != 1) {
        printf("Bail out! flip %s\n", path);
        exit(1);
    }
    byte ^= 1;
    if (pwrite(fd, &byte, 1, at) != 1)
        exit(1);
    close(fd);
}

/* Where an object's only original lies. */
static inline const char *object_path(const char *id)
{
    const char *path;

    ground_need(sgn_ocfl_path(&path, id, tap_pool()), "path");
    return apr_pstrcat(tap_pool(), ground.path, "/archive/root/", path, "/v1/content/original.pdf", NULL);
}

/* The first pack of a disk. */
static inline const char *first_pack(const char *disk)
{
    const char *packs = apr_pstrcat(tap_pool(), disk, "/packs", NULL), *found = NULL;
    struct dirent *entry;
    int level;

    for (level = 0; level < 2; level++) {
        DIR *dir = opendir(packs);

        found = NULL;
        while (dir && (entry = readdir(dir)) != NULL)
            if (entry->d_name[0] != '.' && (!found || strcmp(entry->d_name, found) < 0))
                found = apr_pstrdup(tap_pool(), entry->d_name);
        if (dir)
            closedir(dir);
        packs = apr_pstrcat(tap_pool(), packs, "/", found ? found : "", NULL);
    }
    return packs;
}

static inline json_t *restore(const char *from, const char *other, const char *to, sgn_code_t want, int accept, const char *name)
{
    const char *others[] = { other ? apr_pstrcat(tap_pool(), "dir:", other, NULL) : NULL, NULL };
    sgn_backup_restore_t options = { .address = apr_pstrcat(tap_pool(), "dir:", from, NULL), .others = others, .signer = { fingerprint, by_openssl, NULL, NULL },
                                     .directory = path_of(to), .accept_loss = accept };
    json_t *answer = NULL;

    is_code(sgn_backup_restore(&answer, &options, NULL, NULL, tap_pool()), want, name);
    return answer;
}

#endif
