/* clock.c: the one clock, and the forms of time we print and read. */
#include "base/clock.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <apr_strings.h>

#define ZONE_SEC (7 * 3600)     /* Vietnam has one zone and no summer time */

#ifdef SGN_PRACTICE
/* The one mutable global of the tree: the practice clock, set once by a face. */
static char *practice_path;
static _Atomic apr_time_t practice_read_at;
static _Atomic apr_int64_t practice_offset_sec;

void sgn_clock_practice(const char *path)
{
    free(practice_path);
    practice_path = path ? strdup(path) : NULL;
    practice_read_at = 0;
    practice_offset_sec = 0;
}

static apr_int64_t offset_sec(apr_time_t real)
{
    apr_int64_t offset = 0;
    char line[32];
    FILE *file;

    /* several threads may read the file at once; none sees half a value */
    if (!practice_path || real - atomic_load(&practice_read_at) < APR_USEC_PER_SEC)
        return atomic_load(&practice_offset_sec);
    file = fopen(practice_path, "re");
    if (file && fgets(line, sizeof line, file))
        offset = strtoll(line, NULL, 10);
    if (file)
        fclose(file);
    atomic_store(&practice_offset_sec, offset);
    atomic_store(&practice_read_at, real);
    return offset;
}
#endif

apr_time_t sgn_clock_now(void)
{
    apr_time_t now = apr_time_now();

#ifdef SGN_PRACTICE
    now += apr_time_from_sec(offset_sec(now));
#endif
    return now;
}

int sgn_clock_moved(void)
{
#ifdef SGN_PRACTICE
    return offset_sec(apr_time_now()) != 0;
#else
    return 0;
#endif
}

apr_time_t sgn_clock_monotonic(void)
{
    struct timespec now;

    clock_gettime(CLOCK_BOOTTIME, &now);
    return apr_time_from_sec((apr_time_t)now.tv_sec) + now.tv_nsec / 1000;
}

static struct tm broken(apr_time_t when, int zone_sec)
{
    time_t seconds = (time_t)(apr_time_sec(when) + zone_sec);
    struct tm parts;

    gmtime_r(&seconds, &parts);
    return parts;
}

static const char *print(apr_time_t when, int zone_sec, const char *format, apr_pool_t *pool)
{
    struct tm parts = broken(when, zone_sec);
    char text[64];

    strftime(text, sizeof text, format, &parts);
    return apr_pstrdup(pool, text);
}

const char *sgn_clock_print(apr_time_t when, apr_pool_t *pool)
{
    return print(when, ZONE_SEC, "%Y-%m-%dT%H:%M:%S+07:00", pool);
}

const char *sgn_clock_print_date(apr_time_t when, apr_pool_t *pool)
{
    return print(when, ZONE_SEC, "%Y-%m-%d", pool);
}

const char *sgn_clock_print_asn1(apr_time_t when, apr_pool_t *pool)
{
    return print(when, 0, "%Y%m%d%H%M%SZ", pool);
}

const char *sgn_clock_print_pdf(apr_time_t when, apr_pool_t *pool)
{
    return print(when, ZONE_SEC, "D:%Y%m%d%H%M%S+07'00'", pool);
}

/* Reads exactly `digits` digits; -1 otherwise. */
static int number(const char **at, int digits)
{
    int value = 0;

    for (int i = 0; i < digits; i++, (*at)++) {
        if (**at < '0' || **at > '9')
            return -1;
        value = value * 10 + (**at - '0');
    }
    return value;
}

static int valid(const struct tm *t)
{
    return t->tm_year >= 70 && t->tm_year < 8000 && t->tm_mon >= 0 && t->tm_mon < 12 &&
           t->tm_mday >= 1 && t->tm_mday <= 31 && t->tm_hour >= 0 && t->tm_hour < 24 &&
           t->tm_min >= 0 && t->tm_min < 60 && t->tm_sec >= 0 && t->tm_sec <= 60;
}

sgn_error_t *sgn_clock_parse(apr_time_t *out, const char *text, apr_pool_t *pool)
{
    const char *at = text;
    struct tm t = { 0 };
    int zone = 0, zone_hour, zone_minute, sign;

#define MUST(c) if (*at++ != (c)) goto bad
    t.tm_year = number(&at, 4) - 1900;
    MUST('-');
    t.tm_mon = number(&at, 2) - 1;
    MUST('-');
    t.tm_mday = number(&at, 2);
    if (*at != 'T' && *at != 't' && *at != ' ')
        goto bad;
    at++;
    t.tm_hour = number(&at, 2);
    MUST(':');
    t.tm_min = number(&at, 2);
    MUST(':');
    t.tm_sec = number(&at, 2);
#undef MUST
    if (*at == '.') {
        at++;
        while (*at >= '0' && *at <= '9')
            at++;
    }
    if (*at == 'Z' || *at == 'z') {
        at++;
    } else if (*at == '+' || *at == '-') {
        sign = *at++ == '-' ? -1 : 1;
        zone_hour = number(&at, 2);
        if (*at++ != ':')
            goto bad;
        zone_minute = number(&at, 2);
        if (zone_hour < 0 || zone_hour > 14 || zone_minute < 0 || zone_minute > 59)
            goto bad;
        zone = sign * (zone_hour * 3600 + zone_minute * 60);
    } else {
        goto bad;
    }
    if (*at || !valid(&t))
        goto bad;
    *out = apr_time_from_sec((apr_time_t)timegm(&t) - zone);
    return NULL;
bad:
    return SGN_ERROR(pool, SGN_FIELD, "RFC 3339 time wanted");
}

sgn_error_t *sgn_clock_parse_asn1(apr_time_t *out, const char *text, apr_pool_t *pool)
{
    const char *at = text;
    struct tm t = { 0 };

    t.tm_year = number(&at, 4) - 1900;
    t.tm_mon = number(&at, 2) - 1;
    t.tm_mday = number(&at, 2);
    t.tm_hour = number(&at, 2);
    t.tm_min = number(&at, 2);
    t.tm_sec = number(&at, 2);
    if (*at == '.') {
        at++;
        while (*at >= '0' && *at <= '9')
            at++;
    }
    if (strcmp(at, "Z") != 0 || !valid(&t))
        return SGN_ERROR(pool, SGN_FIELD, "GeneralizedTime wanted");
    *out = apr_time_from_sec((apr_time_t)timegm(&t));
    return NULL;
}
