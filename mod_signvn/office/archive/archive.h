/*
 * archive.h: the archive of finished documents: objects on disk (OCFL 1.1),
 * journal, catalogue, search, fixity.
 *
 * A store: it knows no signature and judges nobody.  It keeps exactly the
 * bytes it was given, says so only when they are durable, and gives them back.
 *
 * Not checked here: who may read or write (the operation does), whether the
 * document is valid (the caller did), quotas.
 *
 * Order of use: sgn_archive_open() once, which finishes or takes back what a
 * crash left open; sgn_archive_put() for each document; the rest at any time.
 * One process writes (a lock in the archive's directory); any thread may call.
 *
 * Identifiers: ^urn:vn:[A-Z0-9.]{1,32}:([0-9]{4}:[0-9]{8}|evidence:[0-9a-f]{64})$
 * made by us; every call that takes one refuses another shape (SGN_ARCHIVE_ID).
 */
#ifndef SGN_OFFICE_ARCHIVE_ARCHIVE_H
#define SGN_OFFICE_ARCHIVE_ARCHIVE_H

#include "base/db.h"
#include "base/json.h"

typedef struct sgn_archive_t sgn_archive_t;

/* ---- Opening ---------------------------------------------------------------- */

typedef struct {
    const char *directory;  /* <state>/archive: made when absent; local POSIX filesystem */
    sgn_db_t *catalog;      /* may be NULL when readonly: then only objects can be read */
    const char *reader;     /* "sqlite:/…/catalog.sqlite": a connection of its own for searches,
                             * with a budget, so that they never hold up a put; NULL: catalog */
    int readonly;           /* takes no lock, recovers nothing, refuses put */
} sgn_archive_options_t;

/* SGN_BUSY: another process holds the writer's lock.  SGN_CONFIG: the
 * filesystem cannot do what a durable archive needs. */
sgn_error_t *sgn_archive_open(sgn_archive_t **out, const sgn_archive_options_t *options, apr_pool_t *pool);

/* ---- Putting ---------------------------------------------------------------- */

typedef struct {
    const char *name;       /* "crl-1.crl": [A-Za-z0-9._-]{1,64}, unique in the list */
    const char *kind;       /* "crl", "ocsp", "certificate", "token", "report" ... */
    sgn_bytes_t bytes;
} sgn_archive_evidence_t;

typedef struct {
    const char *agency;     /* code, [A-Z0-9.]{1,32} */
    const char *key;        /* the caller's own name of this act ("job/<id>/<n>"): a second
                             * put of the same key answers the first receipt; NULL: none */
    int fd;                 /* the finished document, a regular file of ours on the archive's
                             * filesystem (an O_TMPFILE or a named job file), never written
                             * again: it is linked, not copied.  Stays the caller's. */
    unsigned char sha256[32];   /* as computed when it was taken in; compared */
    const char *extension;  /* "pdf": [a-z0-9]{1,8} */
    const char *media_type; /* "application/pdf" */
    const char *name;       /* file name as the user knew it; may be NULL */
    /* Members, all texts unless said, all optional: type ("QĐ"), number, symbol,
     * date ("2026-11-20"), subject, agencyName, signers [text], recipients [text],
     * sender, direction ("out"|"in"|"internal"), dossier, title (of the signer),
     * kind, legalValue, indication, level, status, urgency, mode, language, service,
     * system, pages (integer), note, archivedBy.  Unknown members are kept as they are. */
    json_t *metadata;
    json_t *report;         /* validation report of the moment, kept in evidence.json; NULL */
    const sgn_archive_evidence_t *evidence;
    int evidence_count;
} sgn_archive_ingest_t;

typedef struct {
    const char *id;
    int version;
    const char *sha256, *sha512;    /* of the original, hex */
    apr_off_t size;
    apr_time_t received;            /* our proof of existence of exactly these bytes */
    int existing;                   /* the key was known: nothing was stored now */
} sgn_archive_receipt_t;

/* Durable when it returns NULL.  SGN_ARCHIVE_DAMAGED: the bytes are not those
 * of sha256.  SGN_FILE_OTHER_DEVICE, SGN_FILE_UNSAFE (not ours, not regular),
 * SGN_DISK_FULL.  After an error nothing was acknowledged: a disk that failed
 * at the very end may have kept the object, and a later put of the same key
 * then answers its receipt. */
sgn_error_t *sgn_archive_put(sgn_archive_receipt_t *out, sgn_archive_t *archive,
                             const sgn_archive_ingest_t *ingest, apr_pool_t *pool);
/* What put would refuse by the ingest alone, before anything rests on it. */
sgn_error_t *sgn_archive_may_put(const sgn_archive_ingest_t *ingest, apr_pool_t *pool);
/* The receipt of an earlier put by its key, or of an original by its digest
 * (lower-case hex): *out is NULL when there is none. */
sgn_error_t *sgn_archive_find_key(sgn_archive_receipt_t **out, sgn_archive_t *archive, const char *key, apr_pool_t *pool);
sgn_error_t *sgn_archive_find_sha256(sgn_archive_receipt_t **out, sgn_archive_t *archive, const char *sha256, apr_pool_t *pool);

/* ---- Getting ---------------------------------------------------------------- */

int sgn_archive_is_id(const char *id);
/* Agency code of a good id, in the pool. */
const char *sgn_archive_agency(const char *id, apr_pool_t *pool);

/* Catalogue record: {id, agency, received, sha256, sha512, size, mediaType, name,
 * metadata…, versions:[{version, created, message}], fixity:{checked, result}}.
 * SGN_ARCHIVE_UNKNOWN. */
sgn_error_t *sgn_archive_get(json_t **out, sgn_archive_t *archive, const char *id, apr_pool_t *pool);

typedef struct {
    int fd;                 /* O_RDONLY, opened anew, owned by the pool */
    apr_off_t size;
    const char *sha256;     /* hex; "" when not recorded */
    const char *sha512;
    const char *media_type, *name;
} sgn_archive_file_t;

/* The first ingested bytes / the document of a version.  From the object, not
 * the catalogue; the size is compared, the digest is not computed. */
sgn_error_t *sgn_archive_original(sgn_archive_file_t *out, sgn_archive_t *archive, const char *id, apr_pool_t *pool);
sgn_error_t *sgn_archive_version(sgn_archive_file_t *out, sgn_archive_t *archive, const char *id, int version, apr_pool_t *pool);
/* evidence.json: {report, evidence:[{name, kind, sha256, size, object?}]}; and
 * one piece of it, wherever it lies. */
sgn_error_t *sgn_archive_evidence_list(json_t **out, sgn_archive_t *archive, const char *id, apr_pool_t *pool);
sgn_error_t *sgn_archive_evidence_file(sgn_archive_file_t *out, sgn_archive_t *archive, const char *id, const char *name, apr_pool_t *pool);

/* Reads every byte of the object and compares; the outcome goes to the
 * catalogue.  {id, checked, ok, files, bytes, errors:[{code, path, text}]}.
 * A damaged object is an answer with ok false, not an error. */
sgn_error_t *sgn_archive_fixity(json_t **out, sgn_archive_t *archive, const char *id, apr_pool_t *pool);

/* ---- Searching -------------------------------------------------------------- */

typedef struct {
    const char *q;          /* words, with or without marks; * and ? at either end */
    const char *number, *symbol, *code, *type, *signer, *recipient, *direction;
    const char *dossier, *validity, *status;
    const char *from, *to;  /* "2026-11-20", both included */
    const char *const *agencies;    /* NULL-terminated, the ones that may be seen; NULL: all */
    int limit;              /* 1..200; 0: 20 */
    const char *after;      /* `next` of an earlier answer */
} sgn_archive_query_t;

/* {"items":[{id, agency, …, why:[{field, text}]}], "next":text|null, "total":n or "atLeast":n}.
 * SGN_SEARCH_BROAD (too many words, a prefix of one letter, over 2 s), SGN_SEARCH_SYNTAX. */
sgn_error_t *sgn_archive_search(json_t **out, sgn_archive_t *archive, const sgn_archive_query_t *query, apr_pool_t *pool);

/* ---- Keeping ---------------------------------------------------------------- */

typedef sgn_error_t *(*sgn_archive_progress_fn)(void *baton, apr_int64_t done, apr_int64_t total, const char *what);

/* Every object against OCFL 1.1, every digest when deep, every journal chain.
 * {objects, bytes, ok, errors:[{id, path, code, text}] (at most 1000), warnings}. */
sgn_error_t *sgn_archive_check(json_t **out, sgn_archive_t *archive, int deep,
                               sgn_archive_progress_fn progress, void *baton, apr_pool_t *pool);
/* The catalogue anew from the objects.  *count: documents. */
sgn_error_t *sgn_archive_rebuild(apr_int64_t *count, sgn_archive_t *archive,
                                 sgn_archive_progress_fn progress, void *baton, apr_pool_t *pool);

/* ---- For the backup ---------------------------------------------------------- */

/* Every file that belongs to a version, in a fixed order, opened for reading:
 * path below the root, time of the version, and what its SHA-512 (or, for an
 * original, the SHA-256 of its ingest) must be; the one not known is NULL.
 * SGN_ARCHIVE_DAMAGED when the object's inventory is not `inventory` (hex). */
typedef sgn_error_t *(*sgn_archive_file_fn)(void *baton, const char *path, int fd, apr_off_t size, apr_time_t time,
                                            const char *sha512, const char *sha256, apr_pool_t *pool);
sgn_error_t *sgn_archive_export(sgn_archive_t *archive, const char *id, int version, const char *inventory,
                                const char *sha256, sgn_archive_file_fn each, void *baton, apr_pool_t *pool);
/* The directory of the journal's chains, for sgn_journal_walk(); the archive's. */
int sgn_archive_chains(sgn_archive_t *archive);
/* Makes the catalogue current and copies it; *positions is {writer: seq} as
 * the copy has it.  Nothing of the agencies that are keys of `without` is in it. */
sgn_error_t *sgn_archive_snapshot(json_t **positions, sgn_archive_t *archive, const char *path, const json_t *without,
                                  apr_pool_t *pool);
/* A restored tree below `directory` (root/ is there) becomes an archive: begin,
 * each object ({id, version, inventory, sha256, size, bytes, agency, key}), end.
 * Nothing is believed that is not valid: such an object is removed and *good is
 * 0; it may come again from elsewhere. */
typedef struct sgn_archive_adoption_t sgn_archive_adoption_t;
sgn_error_t *sgn_archive_adopt_begin(sgn_archive_adoption_t **out, int directory, apr_pool_t *pool);
sgn_error_t *sgn_archive_adopt(int *good, sgn_archive_adoption_t *adoption, const json_t *object, apr_pool_t *pool);
sgn_error_t *sgn_archive_adopt_end(sgn_archive_adoption_t *adoption, apr_pool_t *pool);
/* Is the chain one that a restore made? */
int sgn_archive_is_restored(const char *writer);

/* Figures for /health and /metrics: {documents, bytes, freeBytes, behind, staging}. */
sgn_error_t *sgn_archive_status(json_t **out, sgn_archive_t *archive, apr_pool_t *pool);

#endif
