/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A session of dumps, one after the other in a text: each is a step, and says everything that is there (classes, call sites). What several of its
 * lines call the same is added up.
 */
#ifndef WHORL_FORMAT_SESSION_DUMPS_H
#define WHORL_FORMAT_SESSION_DUMPS_H

#include "format/scan.h"
#include "format/session/report.h"

struct wh_session_dumps {
	struct wh_session_builder builder;
	struct wh_strtab names;
	struct WH_VEC(double) sum;       /* by name: of the dump at hand, NaN where it does not say it */
	struct WH_VEC(uint32_t) touched; /* names that it says */
	struct wh_str name;
	int64_t step;
	double time_s;
	bool failed; /* out of memory; sticks until emit */
};

void wh_session_dumps_init(struct wh_session_dumps *, struct wh_arena *);
void wh_session_dumps_release(struct wh_session_dumps *);
/* Adds to the metric `kind name` (kind alone where name is empty) of the dump at hand. */
void wh_session_dumps_add(struct wh_session_dumps *, const char *kind, struct wh_span name, double value);
/* When the dump at hand was taken, seconds as in `@time_s`. */
void wh_session_dumps_time(struct wh_session_dumps *, double time_s);
/* The dump at hand is over, if it has said anything. */
void wh_session_dumps_next(struct wh_session_dumps *);
/* Hands the session over and begins the next; as wh_session_emit. */
int wh_session_dumps_emit(struct wh_reader *, struct wh_session_dumps *, enum wh_session_encoding, const struct wh_session_head *, const char *at,
			  struct wh_err *) WH_NODISCARD;

/* ---- call sites: `function < function < …`, innermost first ---- */

#define WH_SITE_DEPTH 5

struct wh_site {
	struct wh_str *name;
	unsigned depth; /* so far; more than WH_SITE_DEPTH are left out */
};

/* Begins a site in name, which is cleared. */
struct wh_site wh_site_begin(struct wh_str *name);
void wh_site_add(struct wh_site *, struct wh_span function);
static inline struct wh_span wh_site_text(const struct wh_site *site)
{
	const char *text = site->name->data ? site->name->data : ""; /* out of memory: it sticks there */
	return (struct wh_span){ text, text + site->name->n };
}

#endif
