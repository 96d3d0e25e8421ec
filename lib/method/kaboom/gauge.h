/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One gauge of a session: its readings about the metric's middle, in units of its spread, beyond one unit by their logarithm; of these some
 * summaries, and the course on an even number of steps. A gauge that does not move is one of one step.
 */
#ifndef WHORL_METHOD_KABOOM_GAUGE_H
#define WHORL_METHOD_KABOOM_GAUGE_H

#include <stddef.h>
#include <stdint.h>

#include <whorl/error.h>

#include "base/arena.h"

enum {
	WH_GAUGE_SUMMARIES = 4,
	WH_GAUGE_LANES = 16, /* that are worked on at once: rows of courses are padded to so many */
};

static inline size_t wh_gauge_stride(size_t steps) { return (steps + WH_GAUGE_LANES - 1) / WH_GAUGE_LANES * WH_GAUGE_LANES; }
/* Floats that lie behind the last of some gauges: they are looked at, and left out, if they are numbers. */
#define WH_GAUGE_SLACK (WH_GAUGE_LANES + 1)

/* x = (reading - middle) rate: what a logarithm is to be taken of (wh_signed_log1p). */
void wh_gauge_scale(const double *reading, size_t n, double middle, double rate, float *x);

/* Of n > 0 readings so scaled the mean, the deviation, the change from the first half to the last, the deviation of differences of neighbours; one each
 * `stride` floats. */
void wh_gauge_summarise(const float *u, size_t n, float *summary, size_t stride);

/* Where each of `steps` even steps lies among n: between `left` and the one behind it. In the arena. */
struct wh_gauge_grid {
	size_t n, steps;
	uint32_t *left;
	float *part;
};

/* n, steps > 0. WH_E_NOMEM, WH_E_LIMIT. */
int wh_gauge_grid_init(struct wh_gauge_grid *, size_t n, size_t steps, struct wh_arena *, struct wh_err *) WH_NODISCARD;

/* By linear interpolation; n: the grid's, or 1. To wh_gauge_stride(steps) whole numbers of 2^-17, in which sums are exact; zeroes behind steps. */
#define WH_GAUGE_UNIT 0x1p-17
void wh_gauge_resample(const struct wh_gauge_grid *, const float *u, size_t n, int32_t *even);

#endif
