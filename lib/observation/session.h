/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A session: metrics over steps, the last minutes of a process before it died. The body of an observation of the signal `session`.
 *
 * Values are change-encoded: one holds from its step until the next change of its metric; before the first it is 0. NaN: not known.
 *
 * Invariants: metrics are sorted by name (strcmp), each name once; the changes of a metric ascend in step, each below n_steps, and a
 * value differs from the one before it (NaN from NaN does not; the first from 0), so that equal sessions have equal bodies. A metric
 * without a change was named and was 0 throughout.
 */
#ifndef WHORL_OBSERVATION_SESSION_H
#define WHORL_OBSERVATION_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <whorl/error.h>
#include <whorl/observation.h>

#include "base/arena.h"
#include "base/str.h"
#include "base/strtab.h"
#include "base/vec.h"

struct wh_change {
	uint32_t step;
	double value;
};

struct wh_metric {
	const char *name;
	const struct wh_change *changes;
	size_t n_changes;
};

struct wh_session {
	uint32_t n_steps;      /* 1 and more, but 0 where the session has neither metric nor time */
	int64_t first_step;    /* the number that the input gives to step 0 */
	const double *time_s;  /* n_steps: real time of each step, NaN where not known; NULL: not known at all */
	const struct wh_metric *metrics;
	size_t n_metrics;
};

/* The values of a metric at steps first … first + n - 1, NaN where not known. */
void wh_metric_expand(const struct wh_metric *, uint32_t first, uint32_t n, double *value);
/* At one step; O(log changes). */
double wh_metric_at(const struct wh_metric *, uint32_t step);
/* The metric of that name, or NULL; O(log metrics). */
const struct wh_metric *wh_session_metric(const struct wh_session *, const char *name);

/* ---- building one ---- */

#define WH_SESSION_MOST_STEPS (1u << 24)
#define WH_SESSION_MOST_ROWS ((size_t)1 << 26)

struct wh_session_row {
	uint32_t metric; /* number in `names` */
	int64_t step;
	double value;
};

/* A session being put together from rows in any order. Life: init, row*, finish, then again; release. What finish returns lies in the arena;
 * between sessions the builder keeps its own memory. */
struct wh_session_builder {
	struct wh_arena *arena;
	struct wh_strtab names; /* of all sessions so far: what one session has in common with the next is not copied again */
	struct WH_VEC(struct wh_session_row) rows;
	struct wh_str name; /* the last one that was no UTF-8, made so */
	bool failed;        /* out of memory; sticks until finish */
	bool full;          /* more than WH_SESSION_MOST_ROWS; likewise */
};

enum wh_session_encoding {
	WH_SESSION_DENSE,   /* no row means 0 */
	WH_SESSION_CHANGES, /* a row holds until the next one of its metric */
	WH_SESSION_SPARSE   /* no row means not known */
};

/* What was found wrong with the rows, for messages; none of it is an error. */
struct wh_session_faults {
	size_t twice;    /* rows of a metric and step that had one: the last one counts */
	size_t infinite; /* values that are no finite number and not NaN: taken as not known */
	size_t unnamed;  /* rows with an empty name, left out */
};

void wh_session_builder_init(struct wh_session_builder *, struct wh_arena *);
/* The next value of a metric; a name that begins with `@` is no metric: `@time_s` is the step's real time, others are left out.
 * Steps may be negative. NULs and what is no UTF-8 in a name become U+FFFD. */
void wh_session_builder_row(struct wh_session_builder *, const char *name, size_t n, int64_t step, double value);
/* From the first to the last step that a row named. WH_E_FORMAT: more than WH_SESSION_MOST_STEPS of them; WH_E_LIMIT: of the arena, or
 * more than WH_SESSION_MOST_ROWS; WH_E_NOMEM. The builder is empty afterwards, whatever comes back. faults may be NULL. */
int wh_session_builder_finish(struct wh_session_builder *, enum wh_session_encoding, struct wh_session **, struct wh_session_faults *,
			      struct wh_err *) WH_NODISCARD;
void wh_session_builder_release(struct wh_session_builder *);

/* ---- as bytes ---- */

/* Appends the session; equal sessions give equal bytes. */
void wh_session_pack(const struct wh_session *, struct wh_str *);
/* Into the arena; names and all. WH_E_FORMAT where the bytes are none of wh_session_pack's. */
int wh_session_unpack(struct wh_bytes, struct wh_arena *, struct wh_session **, struct wh_err *) WH_NODISCARD;

#endif
