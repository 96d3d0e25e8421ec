/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Samples of series, with their times, of many targets (processes, services) mixed in one text in any order: each target is a session.
 *
 * What was sampled together seldom has one time, for each instrument asks the clock itself: samples that are less than `together_ns` behind the
 * first of a step belong to it, as long as no series has two.
 */
#ifndef WHORL_FORMAT_SESSION_TARGETS_H
#define WHORL_FORMAT_SESSION_TARGETS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"
#include "base/strtab.h"
#include "base/vec.h"
#include "format/session/report.h"
#include "format/session/series.h"

struct wh_sample {
	int64_t time_ns; /* since 1970 */
	double value;
	uint32_t target, series;
	bool is_delta; /* the growth since the series' sample before */
};

struct wh_session_targets {
	int64_t together_ns;
	struct wh_strtab targets;            /* ids; of those that have none a NUL and their labels */
	struct wh_strtab labels;             /* of targets, one behind the other: name, NUL, value, NUL */
	struct WH_VEC(uint32_t) labels_of;   /* by target */
	struct wh_strtab series;             /* names */
	struct WH_VEC(struct wh_sample) samples;
	struct wh_str key;
	bool failed; /* out of memory; sticks until emit */
	bool full;   /* more than WH_SESSION_MOST_ROWS, or names than fit; likewise */
};

void wh_session_targets_init(struct wh_session_targets *);
void wh_session_targets_release(struct wh_session_targets *);

/* The number of the target with this id; of one that has none (empty, or it begins with a NUL), the one with these labels, in whatever order they
 * come. They are its attributes as it is first seen, but for those that are empty or hold a NUL; they are sorted. */
uint32_t wh_session_targets_add(struct wh_session_targets *, struct wh_bytes id, struct wh_label *, size_t n);
/* One sample; a sum of deltas (is_delta) counts from the target's first. */
void wh_session_targets_sample(struct wh_session_targets *, uint32_t target, struct wh_bytes series, int64_t time_ns, double value, bool is_delta);

/* Hands over a session for each target that has samples, in the order in which they were added, and is empty again. The attributes of all (n) come
 * before each target's own. As wh_session_emit. */
int wh_session_targets_emit(struct wh_reader *, struct wh_session_targets *, const struct wh_attribute *, size_t n, struct wh_err *) WH_NODISCARD;

#endif
