/*
 * outcome.h: how every step on the desk ends.
 *
 * 0 or a code of codes.def, the same names that the server and the pages use.
 * The detail of the last failure is kept for the log line of this face; it has
 * no secrets in it.  Not for libraries: there is one desk per process.
 */
#ifndef SGN_AGENT_OUTCOME_H
#define SGN_AGENT_OUTCOME_H

enum {
    SGN_DONE = 0,
#define CODE(id, name, number, status, vi, en) SGN_##id = number,
#include "base/codes.def"
#undef CODE
};

/* Remembers the detail and returns the code. */
int sgn_outcome(int code, const char *format, ...) __attribute__((format(printf, 2, 3)));
const char *sgn_outcome_detail(void);
/* The public name; "internal" for unknown numbers. */
const char *sgn_outcome_name(int code);
/* Number of a public name, 0 for unknown. */
int sgn_outcome_find(const char *name);
/* The sentence for people, in the language of the desk. */
const char *sgn_outcome_text(int code);
/* "name: sentence (detail)" on standard error. */
void sgn_outcome_print(int code);

/* One line with the time on standard error; text from outside goes through
 * sgn_label() first. */
void sgn_outcome_log(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Texts of the desk itself (agent/phrases.def). */
typedef enum {
#define PHRASE(id, vi, en) SGN_PHRASE_##id,
#include "agent/phrases.def"
#undef PHRASE
    SGN_PHRASE_END
} sgn_phrase_t;

const char *sgn_outcome_phrase(sgn_phrase_t phrase);
/* "vi" (default) or "en". */
void sgn_outcome_language(const char *language);

#define SGN_STEP(expression) \
    do { int sgn_step_ = (expression); if (sgn_step_) return sgn_step_; } while (0)

#endif
