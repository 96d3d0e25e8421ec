/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sessions made comparable, after KabOOM sec. 2.1: metrics that many sessions have, their last steps, one row of floats a session.
 *
 *   1  columns: metrics present in more than a share of the training sessions; those a session lacks are 0 throughout
 *   2  its last `steps` steps; a reading that is not known is the one before it, or 0
 *   3  sessions that are shorter are padded with zeros at their old end
 *   4  scaling; a row is metric-major: element m * steps + t
 *
 * `minmax` is the paper's: every series of every session to [0, 1] by itself, padded before; a series that never changes is 0. It erases how
 * much a metric grew. The others keep it:
 *
 *   max           x / max |x| of the series: levels and presence, but no magnitude
 *   log           sign(x) log(1 + |x|), divided by the largest of the training sessions
 *   growth-share  sqrt(max(0, x_t - x_first) / G), G the largest sum of that over metrics at any step: the share of the session's growth
 *   level-share   sqrt(max(0, x_t) / L), L the same of levels
 *   z             (x - mean) / standard deviation of the metric over all readings of the training sessions, for gauges; at most 10 from 0
 *
 * These are padded after scaling.
 */
#ifndef WHORL_METHOD_KABOOM_HOMOGENISE_H
#define WHORL_METHOD_KABOOM_HOMOGENISE_H

#include <whorl/host.h>
#include <whorl/param.h>

#include "method/kaboom/vocabulary.h"

enum wh_session_scale {
	WH_SCALE_MINMAX,
	WH_SCALE_MAX,
	WH_SCALE_LOG,
	WH_SCALE_GROWTH_SHARE,
	WH_SCALE_LEVEL_SHARE,
	WH_SCALE_Z,
};

struct wh_homogeniser {
	enum wh_session_scale scale;
	uint32_t steps;
	double threshold;
	struct wh_vocabulary vocabulary;
	float *mean, *inverse; /* a column each, `z` only: what is subtracted, then multiplied by */
	double divisor;        /* `log` only */
};

/* The rows of a method's table that it reads. */
#define WH_HOMOGENISER_PARAMS(initial_scale)                                                                                 \
	{ .name = "threshold", .type = WH_PARAM_REAL, .initial = "0.05", .lo = 0, .hi = 1,                                     \
	  .help = "metrics count that are present in more than this share of the sessions", .source = "KabOOM 2.1" },          \
	{ .name = "timesteps", .type = WH_PARAM_INT, .initial = "100", .lo = 1, .hi = 100000, .metavar = "N",                      \
	  .help = "the last steps of a session that count", .source = "KabOOM 2.1" },                                          \
	{ .name = "scale", .type = WH_PARAM_CHOICE, .initial = initial_scale,                                                  \
	  .choices = "minmax|max|log|growth-share|level-share|z", .help = "how readings are scaled (minmax: as published)",      \
	  .source = "KabOOM 2.1" }

void wh_homogeniser_init(struct wh_homogeniser *, const struct wh_values *);
void wh_homogeniser_release(struct wh_homogeniser *);
/* Learns columns and scales from n packed sessions. */
int wh_homogeniser_fit(struct wh_homogeniser *, const struct wh_bytes *sessions, size_t n, const struct wh_host *, struct wh_err *) WH_NODISCARD;
static inline size_t wh_homogeniser_width(const struct wh_homogeniser *h) { return wh_vocabulary_size(&h->vocabulary) * h->steps; }

/*
 * One session as a row of wh_homogeniser_width floats; from any number of threads. missing: of what the session has, the share of growth
 * (growth-share) or of presence that lies in metrics without a column, in [0, 1].
 */
int wh_homogenise(const struct wh_homogeniser *, const struct wh_session *, struct wh_arena *scratch, float *row, double *missing,
		  struct wh_err *) WH_NODISCARD;

void wh_homogeniser_save(const struct wh_homogeniser *, struct wh_str *);
/* Into one that init made from the same parameters. */
int wh_homogeniser_load(struct wh_homogeniser *, struct wh_unpack *, struct wh_err *) WH_NODISCARD;

#endif
