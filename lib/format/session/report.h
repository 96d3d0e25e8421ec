/* SPDX-License-Identifier: Apache-2.0 */
/* How a reader hands over a session that it has put together: what the table says of it, its time, its faults. */
#ifndef WHORL_FORMAT_SESSION_REPORT_H
#define WHORL_FORMAT_SESSION_REPORT_H

#include <whorl/format.h>

#include "format/session/reading.h"
#include "observation/session.h"

/* What the reader was told to do; the defaults where nobody told it. */
bool wh_session_change_encoded(const struct wh_reader *);

/* What is known of a session beside its metrics; zeroed: nothing. */
struct wh_session_head {
	const char *id; /* its own, or NULL */
	/* those called as members of the neutral record are left out */
	const struct wh_attribute *attributes;
	size_t n_attributes;
};

/* Hands over what the builder (whose arena is the reader's) has gathered; `at` is where the session begins in the text. One that is too large
 * or has too many steps is skipped; without a row there is none. Its time is the table's, else that of the last step whose `@time_s` is
 * one of the calendar (100,000,000 s since 1970 or later). */
int wh_session_emit(struct wh_reader *, struct wh_session_builder *, enum wh_session_encoding, const struct wh_session_head *, const char *at,
		    struct wh_err *) WH_NODISCARD;

#endif
