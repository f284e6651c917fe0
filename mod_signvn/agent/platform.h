/*
 * platform.h: everything the desk wants from its operating system.
 *
 * platform_posix.c (files, processes, memory), platform_curl.c (HTTP) and
 * platform_openssl.c (dtbs/primitives.h and the desk's own key) fill it on
 * Linux; the Windows desk brings files of its own.  Nothing above this header
 * includes a system header beyond the C library.
 *
 * Outcomes are those of agent/outcome.h.
 */
#ifndef SGN_AGENT_PLATFORM_H
#define SGN_AGENT_PLATFORM_H

#include <stddef.h>
#include <stdint.h>

#include "dtbs/primitives.h"

#define SGN_PATH_SIZE 1024

/* ---- time ---------------------------------------------------------------- */

int64_t sgn_platform_now(void);             /* seconds since 1970, desk clock */
int64_t sgn_platform_ticks(void);           /* milliseconds, never goes back */
void sgn_platform_sleep(int milliseconds);  /* ends early on a signal to stop */
/* Ctrl+C and the like: sgn_platform_stopped() becomes 1. */
void sgn_platform_watch_stop(void);
int sgn_platform_stopped(void);

/* ---- the state directory: 0700, files 0600 ------------------------------- */

/* The default place of the desk's state. */
int sgn_platform_state_dir(char *out, size_t cap);
int sgn_platform_make_dir(const char *path);
/* Durable: a temporary beside it, fsync, rename. */
int sgn_platform_write(const char *directory, const char *name, const void *data, size_t len);
/* SGN_FILE_ABSENT; NUL behind the bytes. */
int sgn_platform_read(const char *directory, const char *name, void *out, size_t cap, size_t *len);
/* One desk per state directory; held until the process ends. */
int sgn_platform_lock(const char *directory);

/* ---- temporary documents ------------------------------------------------- */

/* An unlinked file, 0600; *fd is its descriptor. */
int sgn_platform_temporary(int *fd);
/* Where another program of the same user may open it for reading. */
void sgn_platform_temporary_path(char *out, size_t cap, int fd);
int sgn_platform_append(int fd, const void *data, size_t len);
/* Exactly len bytes at `at`; shape of sgn_byterange_read_fn with context = &fd. */
int sgn_platform_pread(void *context, void *out, size_t len, int64_t at);
void sgn_platform_close(int fd);

/* ---- memory that is not swapped and is wiped ----------------------------- */

void *sgn_platform_secret(size_t size);
void sgn_platform_secret_free(void *secret, size_t size);
void sgn_platform_wipe(void *data, size_t len);

/* ---- other programs ------------------------------------------------------ */

typedef struct {
    int pid;
    int in, out;        /* its standard input and output; -1 when closed */
} sgn_process_t;

/* argv NULL-terminated, argv[0] an absolute path; environment is passed on. */
int sgn_platform_spawn(sgn_process_t *process, const char *const *argv);
/* Runs `run` in a child of this process; what it writes to its descriptor is
 * read from process->out. */
typedef void (*sgn_platform_child_fn)(void *context, int out);
int sgn_platform_child(sgn_process_t *process, sgn_platform_child_fn run, void *context);
/* At least one byte: >0; 0 at the end; -1 when nothing came in time. */
long sgn_platform_read_some(int fd, void *out, size_t cap, int milliseconds);
/* All of it, or SGN_INTERNAL when the other side does not take it in time. */
int sgn_platform_write_all(int fd, const void *data, size_t len, int milliseconds);
void sgn_platform_close_input(sgn_process_t *process);
/* Kills hard if it still runs, and reaps it. */
void sgn_platform_end(sgn_process_t *process);
/* Waits for its end: exit code, 256 when a signal ended it, -1 when it still runs. */
int sgn_platform_wait(sgn_process_t *process, int milliseconds);

/* A program or module that may be run: absolute, a regular file, not writable
 * by others, in a directory that others cannot write, owned by the
 * administrator (a practice build: or by this user). */
int sgn_platform_trusted(const char *path);
void *sgn_platform_module(const char *path);
void *sgn_platform_symbol(void *module, const char *name);

/* ---- HTTP ---------------------------------------------------------------- */

typedef struct {
    const char *method, *url;
    const char *proof;              /* value of SignVN-Proof */
    const char *body;               /* NULL for GET */
    size_t body_len;
    const char *ca;                 /* file of further roots, NULL: the system's */
    const char *language;
    int timeout;                    /* seconds for the whole exchange */
    int urgent;                     /* goes on although the person asked to stop */
    /* where the answer goes: a descriptor up to fd_limit bytes, or the buffer */
    int fd;                         /* -1: buffer */
    int64_t fd_limit;
    char *out;
    size_t out_cap;
    /* called about every second; non-zero ends the exchange */
    int (*tick)(void *context);
    void *context;
} sgn_http_request_t;

typedef struct {
    int status;
    size_t len;                     /* bytes in the buffer, NUL behind */
    int64_t received;               /* bytes in the descriptor */
    int64_t date;                   /* Date header, seconds since 1970; 0: none */
    int retry_after;                /* seconds; 0: none */
} sgn_http_answer_t;

/* SGN_AGENT_SERVER when there was no complete answer.  No redirects; https, or
 * http to this computer itself. */
int sgn_platform_http(sgn_http_answer_t *answer, const sgn_http_request_t *request);

/* ---- cryptography -------------------------------------------------------- */

const sgn_primitives_t *sgn_platform_primitives(void);
typedef struct sgn_platform_key_t sgn_platform_key_t;
/* The desk's own P-256 key; the handle is what es256_sign wants. */
int sgn_platform_key_make(sgn_platform_key_t **out);
int sgn_platform_key_save(const sgn_platform_key_t *key, const char *directory);
int sgn_platform_key_load(sgn_platform_key_t **out, const char *directory);
const unsigned char *sgn_platform_key_point(const sgn_platform_key_t *key);

#endif
