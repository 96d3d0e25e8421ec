/* SPDX-License-Identifier: Apache-2.0 */
/* Reports for the tests: a small one by hand, a hostile one, a large one. */
#ifndef TESTS_REPORT_SAMPLE_H
#define TESTS_REPORT_SAMPLE_H

#include "report/report.h"

/* What a title, a frame, an id and a note of the hostile report are. */
extern const char sample_hostile[];

/* Each fills a report that wh_report_release frees; WH_OK or WH_E_NOMEM. */
int sample_small(struct wh_report *);
int sample_of(struct wh_report *, const char *text);  /* every string is text */
int sample_large(struct wh_report *, size_t n_groups); /* the first 20 with details */

#endif
