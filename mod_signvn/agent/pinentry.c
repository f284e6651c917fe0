#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/label.h"
#include "agent/outcome.h"
#include "agent/pinentry.h"
#include "agent/platform.h"

#define LINE 1000       /* an Assuan line with its end  [Assuan, Client requests] */
#define ROOM 4096

typedef struct {
    sgn_process_t process;
    unsigned char *room;    /* secret: answers may hold the password */
    size_t used;
    int64_t end;
} talk_t;

/* The next line without its end; *line points into the room. */
static int next_line(talk_t *talk, unsigned char **line, size_t *len)
{
    for (;;) {
        unsigned char *end = memchr(talk->room, '\n', talk->used);
        int64_t left = talk->end - sgn_platform_ticks();
        long n;

        if (end) {
            *line = talk->room;
            *len = (size_t)(end - talk->room);
            return SGN_DONE;
        }
        if (talk->used >= LINE)
            return sgn_outcome(SGN_AGENT_PROGRAM, "pinentry: a line too long");
        if (left <= 0)
            return sgn_outcome(SGN_USER_TIMEOUT, "no password in time");
        n = sgn_platform_read_some(talk->process.out, talk->room + talk->used, ROOM - talk->used, (int)left);
        if (n == 0)
            return sgn_outcome(SGN_AGENT_PROGRAM, "pinentry ended");
        if (n > 0)
            talk->used += (size_t)n;
    }
}

static void drop_line(talk_t *talk, size_t len)
{
    memmove(talk->room, talk->room + len + 1, talk->used - len - 1);
    talk->used -= len + 1;
}

static int is_word(const unsigned char *line, size_t len, const char *word)
{
    size_t n = strlen(word);

    return len >= n && memcmp(line, word, n) == 0 && (len == n || line[n] == ' ');
}

/* Up to the OK of one command; a D line's value goes to pin when given. */
static int answer(talk_t *talk, unsigned char *pin, size_t cap, size_t *pin_len)
{
    for (;;) {
        unsigned char *line = NULL;
        size_t len = 0;
        int done = 0, result = SGN_DONE;

        SGN_STEP(next_line(talk, &line, &len));
        if (is_word(line, len, "OK")) {
            done = 1;
        } else if (is_word(line, len, "ERR")) {
            unsigned long number = strtoul((const char *)line + (len > 4 ? 4 : 3), NULL, 10) & 0xffff;

            done = 1;
            /* GPG_ERR_CANCELED, FULLY_CANCELED, TIMEOUT */
            result = number == 62 ? sgn_outcome(SGN_USER_TIMEOUT, "pinentry: time over")
                : number == 99 || number == 198 ? sgn_outcome(SGN_USER_DECLINED, "pinentry: cancelled")
                : sgn_outcome(SGN_AGENT_PROGRAM, "pinentry: error %lu", number);
        } else if (is_word(line, len, "D") && pin && len > 2) {
            long n = sgn_label_unescape(line + 2, len - 2);

            if (n < 0 || *pin_len + (size_t)n > cap) {
                result = sgn_outcome(SGN_AGENT_PROGRAM, "pinentry: a password too long");
                done = 1;
            } else {
                memcpy(pin + *pin_len, line + 2, (size_t)n);
                *pin_len += (size_t)n;
            }
        }
        drop_line(talk, len);
        if (done)
            return result;
    }
}

static int command(talk_t *talk, const char *verb, const char *text)
{
    char line[LINE];
    int n = snprintf(line, sizeof line - 1, "%s", verb);

    if (text) {
        line[n++] = ' ';
        sgn_label_assuan(line + n, sizeof line - 2 - (size_t)n, text);
        n = (int)strlen(line);
    }
    line[n++] = '\n';
    SGN_STEP(sgn_platform_write_all(talk->process.in, line, (size_t)n, 5000));
    return SGN_DONE;
}

static int tell(talk_t *talk, const char *verb, const char *text)
{
    SGN_STEP(command(talk, verb, text));
    return answer(talk, NULL, 0, NULL);
}

/* What a terminal pinentry needs; a refusal is no failure. */
static void options(talk_t *talk)
{
    const char *terminal = ttyname(0), *type = getenv("TERM"), *display = getenv("DISPLAY");
    char text[256];

    if (terminal && snprintf(text, sizeof text, "ttyname=%s", terminal) > 0)
        tell(talk, "OPTION", text);
    if (type && snprintf(text, sizeof text, "ttytype=%s", type) > 0)
        tell(talk, "OPTION", text);
    if (display && snprintf(text, sizeof text, "display=%s", display) > 0)
        tell(talk, "OPTION", text);
    tell(talk, "OPTION", "lc-ctype=C.UTF-8");
}

static int question_and_answer(talk_t *talk, const sgn_pinentry_t *question, unsigned char *pin, size_t cap, size_t *len)
{
    char text[32];

    SGN_STEP(answer(talk, NULL, 0, NULL));      /* its greeting */
    options(talk);
    snprintf(text, sizeof text, "%d", question->timeout);
    tell(talk, "SETTIMEOUT", text);
    tell(talk, "SETTITLE", question->title);
    SGN_STEP(tell(talk, "SETDESC", question->description));
    SGN_STEP(tell(talk, "SETPROMPT", question->prompt));
    if (question->warning)
        tell(talk, "SETERROR", question->warning);
    SGN_STEP(command(talk, "GETPIN", NULL));
    SGN_STEP(answer(talk, pin, cap, len));
    if (*len == 0)
        return sgn_outcome(SGN_USER_DECLINED, "an empty password is not tried");
    return SGN_DONE;
}

int sgn_pinentry_ask(const sgn_pinentry_t *question, unsigned char *pin, size_t cap, size_t *len)
{
    const char *const argv[] = { question->program, NULL };
    talk_t talk = { .end = sgn_platform_ticks() + (int64_t)question->timeout * 1000 };
    int result;

    *len = 0;
    SGN_STEP(sgn_platform_trusted(question->program));
    SGN_STEP(sgn_platform_spawn(&talk.process, argv));
    talk.room = sgn_platform_secret(ROOM);
    result = talk.room ? question_and_answer(&talk, question, pin, cap, len)
        : sgn_outcome(SGN_INTERNAL, "no memory for the password");
    if (!result)
        command(&talk, "BYE", NULL);
    sgn_platform_secret_free(talk.room, ROOM);
    sgn_platform_end(&talk.process);
    if (result) {
        sgn_platform_wipe(pin, cap);
        *len = 0;
    }
    return result;
}
