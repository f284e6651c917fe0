/* report_time.c: RFC 3339 texts of the report. [HP Điều 13.1: +07:00] */
#include <apr_strings.h>

#include "look/validate/report.h"

#define ZONE (7 * 3600)

const char *sgn_report_time_print(apr_time_t when, apr_pool_t *pool)
{
    apr_time_exp_t exp;

    apr_time_exp_tz(&exp, when, ZONE);
    return apr_psprintf(pool, "%04d-%02d-%02dT%02d:%02d:%02d+07:00", exp.tm_year + 1900, exp.tm_mon + 1,
                        exp.tm_mday, exp.tm_hour, exp.tm_min, exp.tm_sec);
}

static int digits(const char *text, int count, int *out)
{
    int i;

    *out = 0;
    for (i = 0; i < count; i++) {
        if (text[i] < '0' || text[i] > '9')
            return 0;
        *out = *out * 10 + (text[i] - '0');
    }
    return 1;
}

/* "YYYY-MM-DDThh:mm:ss" and "Z" or "+hh:mm" */
int sgn_report_time_parse(apr_time_t *out, const char *text)
{
    apr_time_exp_t exp;
    int hours, minutes;

    memset(&exp, 0, sizeof exp);
    if (!text || strlen(text) < 20 || text[4] != '-' || text[7] != '-' || text[10] != 'T'
        || text[13] != ':' || text[16] != ':'
        || !digits(text, 4, &exp.tm_year) || !digits(text + 5, 2, &exp.tm_mon)
        || !digits(text + 8, 2, &exp.tm_mday) || !digits(text + 11, 2, &exp.tm_hour)
        || !digits(text + 14, 2, &exp.tm_min) || !digits(text + 17, 2, &exp.tm_sec))
        return 0;
    exp.tm_year -= 1900;
    exp.tm_mon -= 1;
    text += 19;
    if (*text == '+' || *text == '-') {
        if (strlen(text) != 6 || text[3] != ':' || !digits(text + 1, 2, &hours) || !digits(text + 4, 2, &minutes))
            return 0;
        exp.tm_gmtoff = (hours * 3600 + minutes * 60) * (*text == '-' ? -1 : 1);
    } else if (strcmp(text, "Z") != 0) {
        return 0;
    }
    return apr_time_exp_gmt_get(out, &exp) == APR_SUCCESS;
}
