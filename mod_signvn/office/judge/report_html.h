/*
 * report_html.h: a judged report as one printable page, Vietnamese or English.
 *
 * No script, no style of its own beyond class names (htdocs/signvn has the
 * style sheet).  Every text of the document passes sgn_text_html().  The page
 * says that a print of it proves nothing by itself [NB Dieu 15.5b].
 *
 * Not checked here: the report; what it does not say is left out.
 */
#ifndef SGN_OFFICE_JUDGE_REPORT_HTML_H
#define SGN_OFFICE_JUDGE_REPORT_HTML_H

#include "base/json.h"

/* lang: "vi" (also for anything unknown) or "en". */
sgn_error_t *sgn_report_html_print(sgn_bytes_t *out, const json_t *report,
                                   const char *lang, apr_pool_t *pool);

/* The sentence of a legal value or of an indication, for other pages. */
const char *sgn_report_html_legal(const char *legal_value, const char *lang);
const char *sgn_report_html_verdict(const char *indication, const char *lang);

#endif
