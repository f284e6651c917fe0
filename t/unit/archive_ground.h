/*
 * archive_ground.h: an archive in a directory of its own for the tests of the
 * archive and the backup: state directory, databases, documents to put.
 */
#ifndef SGN_T_ARCHIVE_GROUND_H
#define SGN_T_ARCHIVE_GROUND_H

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <apr_strings.h>

#include "base/file.h"
#include "base/pool.h"
#include "crypto/digest.h"
#include "office/archive/archive.h"
#include "t/unit/scratch.h"

typedef struct {
    const char *path;       /* the state directory */
    int root;
    sgn_db_t *office, *catalog;
    sgn_archive_t *archive;
    apr_pool_t *pool;       /* of the open archive: cleared to close it */
} ground_t;

static inline void ground_need(sgn_error_t *error, const char *what)
{
    if (error) {
        printf("Bail out! %s: %s\n", what, sgn_error_chain(error, tap_pool()));
        exit(1);
    }
}

/* In a fresh directory, which goes when the program ends. */
static inline void ground_begin(ground_t *ground)
{
    const char *path = scratch_dir();

    memset(ground, 0, sizeof(*ground));
    ground->path = path;
    ground_need(sgn_file_root(&ground->root, path, tap_pool()), path);
    ground_need(sgn_file_mkdir(ground->root, "db", 0700, tap_pool()), "db");
    ground_need(sgn_file_mkdir(ground->root, "jobs", 0700, tap_pool()), "jobs");
}

static inline sgn_error_t *ground_open(ground_t *ground)
{
    sgn_archive_options_t options = { .directory = apr_pstrcat(tap_pool(), ground->path, "/archive", NULL) };
    const char *catalog = apr_pstrcat(tap_pool(), "sqlite:", ground->path, "/db/catalog.sqlite", NULL);

    apr_pool_create(&ground->pool, tap_pool());
    SGN_TRY(sgn_db_open(&ground->office, apr_pstrcat(tap_pool(), "sqlite:", ground->path, "/db/office.sqlite", NULL), 1, ground->pool));
    SGN_TRY(sgn_db_open(&ground->catalog, catalog, 0, ground->pool));
    options.catalog = ground->catalog;
    options.reader = catalog;
    return sgn_archive_open(&ground->archive, &options, ground->pool);
}

static inline void ground_close(ground_t *ground)
{
    apr_pool_destroy(ground->pool);
    ground->archive = NULL;
}

static inline void ground_end(ground_t *ground)
{
    ground_close(ground);
}

/* Document n: a few KB that differ, as an unnamed file under jobs/. */
static inline int ground_document(ground_t *ground, int n, size_t size, unsigned char sha256[32], apr_pool_t *pool)
{
    char *bytes = apr_palloc(pool, size + 64);
    size_t len = (size_t)snprintf(bytes, 64, "%%PDF-1.7 document %d\n", n), i;
    unsigned state = (unsigned)n * 2654435761u + 12345u;
    int fd;

    for (i = len; i < size; i++) {
        state = state * 1664525u + 1013904223u;
        bytes[i] = (char)(state >> 24);
    }
    if (size < len)
        size = len;
    ground_need(sgn_file_tmp(&fd, ground->root, "jobs", 0400, pool), "tmp");
    ground_need(sgn_file_write_all(fd, bytes, size, pool), "write");
    ground_need(sgn_digest_sha256(sha256, bytes, size, pool), "sha256");
    return fd;
}

static inline json_t *ground_metadata(int n, apr_pool_t *pool)
{
    json_t *metadata = sgn_json_object(pool), *signers = sgn_json_array(pool);

    sgn_json_set_str(metadata, "type", "QĐ");
    sgn_json_set_str(metadata, "number", apr_itoa(pool, n));
    sgn_json_set_str(metadata, "symbol", "QĐ-UBND");
    sgn_json_set_str(metadata, "date", apr_psprintf(pool, "2026-%02d-%02d", n % 12 + 1, n % 28 + 1));
    sgn_json_set_str(metadata, "subject", n % 2 ? "Về việc giao đất cho hộ gia đình" : "Quyết định về việc bổ nhiệm");
    sgn_json_set_str(metadata, "agencyName", "Ủy ban nhân dân xã Tân Lập");
    json_array_append_new(signers, json_string(n % 3 ? "Nguyễn Văn A" : "Trần Thị Dương"));
    sgn_json_set(metadata, "signers", signers);
    return metadata;
}

static inline sgn_error_t *ground_put(sgn_archive_receipt_t *receipt, ground_t *ground, int n, size_t size, apr_pool_t *pool)
{
    sgn_archive_ingest_t ingest = { .agency = "H57.28", .extension = "pdf", .media_type = "application/pdf" };

    ingest.fd = ground_document(ground, n, size, ingest.sha256, pool);
    ingest.key = apr_psprintf(pool, "job/%d/0", n);
    ingest.name = apr_psprintf(pool, "Văn bản %d.pdf", n);
    ingest.metadata = ground_metadata(n, pool);
    return sgn_archive_put(receipt, ground->archive, &ingest, pool);
}

#endif
