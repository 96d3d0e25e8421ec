/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Samples that have times instead of steps, in any order: the distinct times, ascending, are the steps. So samples that arrive separately, and
 * metrics that were not sampled together, become one session.
 */
#ifndef WHORL_FORMAT_SESSION_CLOCK_H
#define WHORL_FORMAT_SESSION_CLOCK_H

#include <stdbool.h>
#include <stddef.h>

#include "observation/session.h"

/* Seconds, since 1970 where the text says when: ISO 8601; a whole number of 12 digits or more, which are milliseconds, of 15 or more
 * microseconds, of 18 or more nanoseconds; or a number of seconds. False where text is none of these, or is no finite number. */
bool wh_session_when(const char *text, size_t n, double *time_s);

/* The builder's rows of a session carry numbers of times, given in the order of asking, until they are put in order. Life: init, (number*, settle)*, release. */
struct wh_session_clock {
	struct WH_VEC(double) time_s; /* by number */
	bool ascending;               /* so far */
	bool failed;                  /* out of memory; sticks until settle */
};

void wh_session_clock_init(struct wh_session_clock *);
void wh_session_clock_release(struct wh_session_clock *);
/* The step to give to the builder's rows of that time. Asking with the same time twice in a row costs nothing. */
int64_t wh_session_clock_step(struct wh_session_clock *, double time_s);
/* Puts the builder's rows into order of time, says the times (`@time_s`), and is empty again. WH_E_NOMEM. */
int wh_session_clock_settle(struct wh_session_clock *, struct wh_session_builder *, struct wh_err *) WH_NODISCARD;

#endif
