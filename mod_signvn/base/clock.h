/*
 * clock.h: the one clock.
 *
 * Everything that decides by time asks here.  A practice build reads an offset
 * from the file named by sgn_clock_practice() (scripts/site clock writes it);
 * a production build has no such call compiled in.  Deadlines inside a process
 * use sgn_clock_monotonic(), which nobody can move.
 * One zone, +07:00 [QĐ Hải Phòng, Điều 13.6].
 */
#ifndef SGN_BASE_CLOCK_H
#define SGN_BASE_CLOCK_H

#include <apr_time.h>

#include "base/error.h"

apr_time_t sgn_clock_now(void);
/* Microseconds since boot; never jumps. */
apr_time_t sgn_clock_monotonic(void);

/* RFC 3339 with seconds and +07:00: "2026-11-20T10:05:33+07:00". */
const char *sgn_clock_print(apr_time_t when, apr_pool_t *pool);
/* "2026-11-20", the date in +07:00. */
const char *sgn_clock_print_date(apr_time_t when, apr_pool_t *pool);
/* "20261120030533Z" / "D:20261120100533+07'00'" */
const char *sgn_clock_print_asn1(apr_time_t when, apr_pool_t *pool);
const char *sgn_clock_print_pdf(apr_time_t when, apr_pool_t *pool);
/* RFC 3339 with any zone; SGN_FIELD otherwise. */
sgn_error_t *sgn_clock_parse(apr_time_t *out, const char *text, apr_pool_t *pool);
/* GeneralizedTime "YYYYMMDDHHMMSS[.fff]Z" */
sgn_error_t *sgn_clock_parse_asn1(apr_time_t *out, const char *text, apr_pool_t *pool);

#ifdef SGN_PRACTICE
/* Names the file with the offset in seconds; it is read again at most once a
 * second.  NULL ends the practice clock. */
void sgn_clock_practice(const char *path);
#endif
/* Is the clock moved?  0 in a production build. */
int sgn_clock_moved(void);

#endif
