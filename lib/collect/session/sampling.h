/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One session being sampled: when the next sample is due, what goes into it, what that costs. A sample takes a fiftieth of the time at
 * most: where one costs more than the interval allows, the interval grows.
 */
#ifndef WHORL_COLLECT_SESSION_SAMPLING_H
#define WHORL_COLLECT_SESSION_SAMPLING_H

#include "collect/session/cgroup.h"
#include "collect/session/journal.h"
#include "collect/session/jvm.h"
#include "collect/session/process.h"
#include "collect/session/sites.h"

struct wh_sampling {
	struct wh_journal journal;
	struct wh_cgroup *cgroup;  /* the group around it */
	struct wh_sites *sites;    /* NULL: no tables are looked for */
	struct wh_jvm jvm;
	bool has_jvm, jvm_ready;
	double interval_s, jvm_interval_s;
	double due_s, began_s, began_used_s;
	struct wh_session_pace all, maps, fds, classes;
	struct wh_str text;
	uint64_t samples, late, missed; /* late: begun half an interval after they were due; missed: whole intervals without one */
};

/* The journal is open; all else is zero but what was asked for. */
void wh_sampling_begin(struct wh_sampling *);
void wh_sampling_release(struct wh_sampling *);

/* Seconds until the next sample; 0: now. */
double wh_sampling_left(const struct wh_sampling *);
/* Takes one: of n processes that are added up. *alive: whether any of them had memory. WH_E_IO: it could not be written. */
int wh_sampling_take(struct wh_sampling *, const pid_t *pids, size_t n, const struct wh_host *, bool *alive, struct wh_err *) WH_NODISCARD;
/* What is left to see once it is dead: the tables. */
int wh_sampling_take_last(struct wh_sampling *, const pid_t *pids, size_t n, struct wh_err *) WH_NODISCARD;
/* Says in the journal how it was sampled, and what that cost. */
int wh_sampling_tell(struct wh_sampling *, struct wh_err *) WH_NODISCARD;

#endif
