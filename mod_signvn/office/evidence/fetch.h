/*
 * fetch.h: the one way from evidence and time-stamps to the network.
 *
 * http and https only, exactly the listed host:port, no userinfo, no fragment,
 * no redirect, no proxy of the environment, no cookies.  After resolution,
 * loopback, private and link-local addresses are refused unless that very
 * address:port is listed too, or the caller says that the address is no
 * stranger's choice.  [THREATS A13, T5]
 *
 * Not checked: what the bytes are.  Thread-safe.
 */
#ifndef SGN_OFFICE_EVIDENCE_FETCH_H
#define SGN_OFFICE_EVIDENCE_FETCH_H

#include <apr_time.h>

#include "base/buf.h"

typedef struct {
    const char *url;
    sgn_bytes_t body;               /* empty: GET, else POST */
    const char *content_type;       /* of the body */
    size_t limit;                   /* of the answer */
    int inner;                      /* the administrator named the address: it may lie inside */
    apr_interval_time_t wait;       /* for everything, resolution included */
} sgn_fetch_t;

/* Before any thread is started; once per process. */
sgn_error_t *sgn_fetch_start(apr_pool_t *pool);

/* host:port of an address that may be asked at all, lower case; SGN_EVIDENCE_URL. */
sgn_error_t *sgn_fetch_host(const char **out, const char *url, apr_pool_t *pool);

/* hosts: NULL-terminated "host:port".  SGN_EVIDENCE_URL, SGN_EVIDENCE_HOST,
 * SGN_EVIDENCE_FETCH. */
sgn_error_t *sgn_fetch(sgn_bytes_t *out, const sgn_fetch_t *request, const char *const *hosts, apr_pool_t *pool);

#endif
