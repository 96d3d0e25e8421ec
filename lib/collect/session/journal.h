/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A session while it is being recorded: in memory, and on disk as far as it got, so that what a killed recorder had sampled is there for the
 * next one. One line a step, `S TIME_NS`, then what changed since the step before, `METRIC VALUE`, ended by a `.`; `M NUMBER NAME` names a
 * metric before its first use, `A NAME VALUE` says something of the session. A step is one write; what comes after the last `.` is no step.
 *
 * Bounded: the last `most` steps are kept whole; of more than twice as many the older half is thinned to every second step, again and again, so that
 * what lies far back is there in ever coarser steps. The file's lock says that its recorder lives.
 */
#ifndef WHORL_COLLECT_SESSION_JOURNAL_H
#define WHORL_COLLECT_SESSION_JOURNAL_H

#include <stdbool.h>
#include <stdint.h>

#include <whorl/error.h>
#include <whorl/observation.h>

#include "base/arena.h"
#include "base/str.h"
#include "base/strtab.h"
#include "base/vec.h"
#include "observation/session.h"

#define WH_JOURNAL_METRICS 50000 /* more are left out, and counted */

struct wh_journal_row {
	uint32_t metric;
	double value;
};

struct wh_journal_step {
	int64_t time_ns;
	struct wh_journal_row *rows; /* n, owned */
	size_t n;
};

struct wh_journal_metric {
	double now;      /* being put together for this step */
	double last;     /* of the step before */
	uint32_t source; /* who told of it: what a source no longer names is 0, what was not asked stays */
	bool told;       /* its name is in the file */
};

struct wh_journal {
	char path[4096];
	int fd;
	uint32_t most;
	struct wh_strtab names;
	struct WH_VEC(struct wh_journal_metric) metrics;
	struct WH_VEC(struct wh_journal_step) steps;
	struct WH_VEC(struct wh_attribute) attributes; /* their strings are owned */
	struct wh_str line;
	int64_t time_ns;     /* of the step being put together */
	uint64_t left_out;   /* values of metrics beyond WH_JOURNAL_METRICS */
	uint64_t thinned;    /* steps that were dropped */
	uint64_t bytes;      /* written */
	bool failed;         /* out of memory; sticks until the step ends */
};

/* Makes the file, which must not be there, and locks it. most: at least 2. */
int wh_journal_create(struct wh_journal *, const char *path, uint32_t most, struct wh_err *) WH_NODISCARD;
/* Reads what another recorder left, and locks it: WH_E_CONFLICT where that one lives, WH_E_FORMAT where it is no journal. */
int wh_journal_load(struct wh_journal *, const char *path, struct wh_err *) WH_NODISCARD;
/* Closes the file, which stays. */
void wh_journal_release(struct wh_journal *);

/* The value replaces what was said of that name. */
int wh_journal_say(struct wh_journal *, const char *name, const char *value, struct wh_err *) WH_NODISCARD;
const char *wh_journal_said(const struct wh_journal *, const char *name);

/* One step: begin; for each source that is asked, renew (all it said is 0 again) and add; end, which writes. Errors of add come with end. */
void wh_journal_begin(struct wh_journal *, int64_t time_ns);
void wh_journal_renew(struct wh_journal *, uint32_t source);
void wh_journal_add(struct wh_journal *, uint32_t source, const char *name, size_t n, double value);
int wh_journal_end(struct wh_journal *, struct wh_err *) WH_NODISCARD;

/* Now, before the step ends; 0 where there is no such metric. */
double wh_journal_now(const struct wh_journal *, const char *name);

/* The session so far, in the arena; time_s counts from the first step. */
int wh_journal_session(const struct wh_journal *, struct wh_arena *, struct wh_session **, struct wh_err *) WH_NODISCARD;

#endif
