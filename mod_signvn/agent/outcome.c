#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "agent/outcome.h"

static const struct {
    int code;
    const char *name, *vi, *en;
} rows[] = {
#define CODE(id, name, number, status, vi, en) { number, name, vi, en },
#include "base/codes.def"
#undef CODE
};
#define ROWS (sizeof rows / sizeof rows[0])

static const char *const phrases[][2] = {
#define PHRASE(id, vi, en) { vi, en },
#include "agent/phrases.def"
#undef PHRASE
};

static char last[256];
static int english;

int sgn_outcome(int code, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(last, sizeof last, format, args);
    va_end(args);
    return code;
}

const char *sgn_outcome_detail(void)
{
    return last;
}

const char *sgn_outcome_name(int code)
{
    for (size_t i = 0; i < ROWS; i++)
        if (rows[i].code == code)
            return rows[i].name;
    return "internal";
}

int sgn_outcome_find(const char *name)
{
    for (size_t i = 0; i < ROWS; i++)
        if (strcmp(rows[i].name, name) == 0)
            return rows[i].code;
    return 0;
}

const char *sgn_outcome_text(int code)
{
    for (size_t i = 0; i < ROWS; i++)
        if (rows[i].code == code)
            return english ? rows[i].en : rows[i].vi;
    return "";
}

void sgn_outcome_print(int code)
{
    fprintf(stderr, "%s: %s", sgn_outcome_name(code), sgn_outcome_text(code));
    if (last[0])
        fprintf(stderr, " (%s)", last);
    fputc('\n', stderr);
}

void sgn_outcome_log(const char *format, ...)
{
    char stamp[32];
    time_t now = time(NULL);
    struct tm parts;
    va_list args;

    localtime_r(&now, &parts);
    strftime(stamp, sizeof stamp, "%Y-%m-%dT%H:%M:%S%z", &parts);
    fprintf(stderr, "%s ", stamp);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
}

const char *sgn_outcome_phrase(sgn_phrase_t phrase)
{
    return phrases[phrase][english];
}

void sgn_outcome_language(const char *language)
{
    english = strcmp(language, "en") == 0;
}
